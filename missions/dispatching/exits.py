"""Ways out of a zone that appears in flight: level, over or under it, then home, or hold, or land.

The aircraft first brakes where it is (hold, upload, start: an upload in flight may start
flying by itself). From there the quickest way is taken that leaves what has become closed,
enters nothing else that is closed, and stays in what is permitted; behind the exit the way home
or to a rally point keeps clear of everything. Each answer is proven by sweeping its moves over
the plain zones before it is given; where none can be proven it says so, and to land.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from shapely import LineString, Point, union_all
from shapely.geometry.base import BaseGeometry

from core.ids import AssetId
from geo.coverage import Place
from geo.ports import TerrainModel
from geo.shortest_exit import shortest_exit
from geo.zones import Purpose, Zone, ZoneKind
from missions.airspace import UP_MARGIN_M, Airspace
from missions.endurance import Air, Cost, air_of, share_of, spendable
from missions.model import Asset, RallyPoint
from missions.weather import Weather

_BRAKE_M_S2, _REACTION_S = 2.0, 1.0
_LOWEST_M = 10.0
_AHEAD_S = 1_800.0
_WAITS_S = 30.0
"""A hold that lasts no longer gives nobody the time to act."""
_ROUND = 8


class MoveKind(StrEnum):
    """One step of a way out."""

    BRAKE = "brake"
    GO = "go"
    CLIMB = "climb"
    DESCEND = "descend"
    HOLD = "hold"
    LAND = "land"


class Ending(StrEnum):
    """How a way out ends."""

    HOME = "home"
    RALLY = "rally"
    HOLD = "hold"
    """Outside everything closed, without an open way to a place to land: a person decides."""
    LAND_HERE = "land_here"
    """No way out can be proven."""


@dataclass(frozen=True, slots=True)
class Move:
    """Where the aircraft is when a step is done."""

    kind: MoveKind
    lat_deg: float
    lon_deg: float
    up_m: float
    """Above its home."""
    seconds: float


@dataclass(frozen=True, slots=True)
class InFlight:
    """An aircraft in the air."""

    asset: Asset
    lat_deg: float
    lon_deg: float
    up_m: float
    east_m_s: float = 0.0
    north_m_s: float = 0.0
    ahead: tuple[tuple[float, float], ...] = ()
    """Latitude and longitude of the places that it is still to fly to, in turn."""
    battery_fraction: float | None = None
    """`None`: not known, so energy is not looked at."""


@dataclass(frozen=True, slots=True)
class WayOut:
    """What one aircraft should do about zones that have become closed."""

    asset_id: AssetId
    moves: tuple[Move, ...]
    exit_move: int
    """Number of the move at whose end it is out; what follows is clear of everything."""
    inside_s: float
    """From now until it is out, with the margin; 0 where it is not inside."""
    ending: Ending
    proven: bool
    why: str
    left: tuple[str, ...] = ()
    """Names of the zones that it is in now."""


@dataclass(frozen=True, slots=True)
class _Option:
    """A way to be out."""

    moves: tuple[tuple[MoveKind, Place, float, float], ...]
    """Kind, where, how high, how long."""
    at: Place
    up_m: float
    seconds: float


def affected(
    flight: InFlight,
    zone: Zone,
    at: datetime,
    margin_m: float = 5.0,
    terrain: TerrainModel | None = None,
    others: Sequence[Zone] = (),
) -> bool:
    """Returns whether a flight is in a zone, or its way ahead meets it, the margin included.

    For an exclusion the way ahead counts from the ground up to the height of now: it has to come
    down somewhere; and so does its home, where it lands by itself when the link is lost. An
    inclusion affects a flight that it and the other inclusions do not hold, or whose height it
    does not permit.
    """
    if Purpose.FLIGHT not in zone.purposes or not zone.in_force(at, later(at)):
        return False
    inclusion = zone.kind is ZoneKind.INCLUSION
    with_it = [o for o in others if inclusion and o.kind is zone.kind and o.zone_id != zone.zone_id]
    space = Airspace([zone, *with_it], flight.lat_deg, flight.lon_deg, at, later(at), terrain)
    places = [(0.0, 0.0), *(space.frame.to_en1_m(*place) for place in flight.ahead)]
    line = LineString(places) if len(set(places)) > 1 else Point(places[0])
    home, up_m = flight.asset.home, flight.up_m
    if inclusion:
        beyond = space.permitted is not None and not space.permitted.covers(line)
        wrong_height = bool(space.closed(home, up_m, up_m)[0])
        return beyond or (wrong_height and bool(space.areas[0].intersects(line)))
    landing = Point(space.frame.to_en1_m(home.lat_deg, home.lon_deg))
    near = float(space.areas[0].distance(line)) < flight.asset.acceptance_radius_m + margin_m
    near = near or float(space.areas[0].distance(landing)) < flight.asset.acceptance_radius_m
    return near and bool(space.closed(home, 0.0, up_m)[0])


def ways_out(
    flights: Sequence[InFlight],
    fences: Sequence[Zone],
    appeared: Sequence[Zone],
    at: datetime,
    *,
    rally: Sequence[RallyPoint] = (),
    margin_m: float = 5.0,
    weather: Weather | None = None,
    terrain: TerrainModel | None = None,
) -> tuple[WayOut, ...]:
    """Returns a way out for each flight that new zones affect, in the order of their ids.

    Args:
        flights: the aircraft in the air.
        fences: the flight zones; of one that has appeared anew, its newest form counts.
        appeared: the new zones.
        at: the instant.
        rally: as for `way_out`.
        margin_m: as for `way_out`.
        weather: as for `way_out`.
        terrain: joins heights above ground.
    """
    hit = [
        flight
        for flight in flights
        if any(affected(flight, zone, at, margin_m, terrain, fences) for zone in appeared)
    ]
    hit.sort(key=lambda flight: flight.asset.asset_id)
    zones = with_appeared(fences, appeared)
    return tuple(
        way_out(flight, zones, at, rally=rally, margin_m=margin_m, weather=weather, terrain=terrain)
        for flight in hit
    )


def with_appeared(fences: Sequence[Zone], appeared: Sequence[Zone]) -> tuple[Zone, ...]:
    """Returns all flight zones once the new ones count, each in its newest form."""
    new = {zone.zone_id for zone in appeared}
    return (*(zone for zone in fences if zone.zone_id not in new), *appeared)


def braked(flight: InFlight) -> tuple[Place, float]:
    """Returns where an aircraft stands once it has braked, metres east and north, and when."""
    speed = math.hypot(flight.east_m_s, flight.north_m_s)
    if speed < 0.1:
        return (0.0, 0.0), 0.0
    reach_s = _REACTION_S + speed / (2 * _BRAKE_M_S2)
    return (
        flight.east_m_s * reach_s,
        flight.north_m_s * reach_s,
    ), _REACTION_S + speed / _BRAKE_M_S2


def way_out(
    flight: InFlight,
    fences: Sequence[Zone],
    at: datetime,
    *,
    rally: Sequence[RallyPoint] = (),
    margin_m: float = 5.0,
    weather: Weather | None = None,
    terrain: TerrainModel | None = None,
) -> WayOut:
    """Returns the quickest proven way out of what is closed where an aircraft is now.

    Args:
        flight: the aircraft.
        fences: all flight zones, the new one among them.
        at: the instant; zones that come into force within half an hour count.
        rally: places to land other than home.
        margin_m: kept from borders beyond the acceptance radius.
        weather: for times and energy; unknown air is still.
        terrain: joins heights above ground.
    """
    space = Airspace(fences, flight.lat_deg, flight.lon_deg, at, later(at), terrain)
    return _Finder(flight, space, rally, margin_m, air_of(flight.asset, weather), weather).find()


def later(at: datetime) -> datetime:
    """Returns until when a zone that comes into force matters to a flight of now."""
    return at + timedelta(seconds=_AHEAD_S)


class _Finder:
    """Finds the way out of one aircraft."""

    def __init__(
        self,
        flight: InFlight,
        space: Airspace,
        rally: Sequence[RallyPoint],
        margin_m: float,
        air: Air,
        weather: Weather | None,
    ) -> None:
        self._flight, self._space, self._rally = flight, space, rally
        self._air, self._weather = air, weather
        self._home = flight.asset.home
        self._radius_m = flight.asset.acceptance_radius_m
        self._margin_m = self._radius_m + margin_m
        self._stop, self._brake_s = braked(flight)
        self._left = self._left_at(self._stop, flight.up_m)
        permitted = space.permitted
        self._outside = permitted is not None and not permitted.covers(Point(self._stop))
        met = {*self._left, *self._left_at((0.0, 0.0), flight.up_m, 0.0)}
        names = {space.zones[n].name or str(space.zones[n].zone_id) for n in met}
        self._named = tuple(sorted(names | ({"the open"} if self._outside else set())))

    def _left_at(self, place: Place, up_m: float, margin_m: float | None = None) -> list[int]:
        """Returns the zones that close a place, or are nearer to it than the margin."""
        margin = self._margin_m if margin_m is None else margin_m
        closed = self._space.closed(self._home, up_m, up_m)
        near = self._space.near(Point(place), max(0.0, margin - 0.01))
        return [number for number in near if closed[number]]

    def find(self) -> WayOut:
        up_m = self._flight.up_m
        stay = _Option((), self._stop, up_m, 0.0)
        options = [stay] if self._open(self._stop, up_m) else self._options()
        options.sort(key=lambda option: option.seconds)
        for option in options:
            for ending, moves, why in self._onward(option):
                faults = self._faults(option, moves)
                if not faults:
                    return self._told(option, moves, ending, why)
        return self._land_here()

    # --- out ---

    def _open(self, place: Place, up_m: float) -> bool:
        return self._space.ways(self._home, up_m).clear((place,), self._margin_m)

    def _options(self) -> list[_Option]:
        found = [self._level()]
        found += [self._straight(up_m) for up_m in self._other_heights()]
        return [option for option in found if option is not None]

    def _level(self) -> _Option | None:
        """Returns the shortest way out at this height."""
        space, up_m, spot = self._space, self._flight.up_m, Point(self._stop)
        closed = space.closed(self._home, up_m, up_m)
        areas = [space.areas[n].buffer(self._margin_m, quad_segs=_ROUND) for n in self._left]
        permitted = space.permitted
        room: BaseGeometry | None = None
        goal: BaseGeometry | None = None
        if permitted is not None and not self._outside:
            inside_m = min(self._margin_m, float(permitted.boundary.distance(spot)))
            room = permitted.buffer(-inside_m, join_style="mitre")
        elif permitted is not None:
            goal = permitted.buffer(-self._margin_m, join_style="mitre")
            reach = spot.buffer(3 * float(goal.distance(spot)) + 100.0)
            areas.append(reach.difference(goal))
        if not areas:
            return None
        to_leave = union_all(areas)
        near = [n for n in space.near(to_leave, self._margin_m) if n not in self._left]
        others = [
            space.areas[n].buffer(self._margin_m, join_style="mitre", mitre_limit=1.5)
            for n in near
            if closed[n]
        ]
        way = shortest_exit(self._stop, to_leave, others, room, goal)
        if way is None:
            return None
        cost = self._air.way([(*place, up_m) for place in way], self._flight.asset.cruise_m_s)
        if not math.isfinite(cost.seconds):
            return None
        legs = list(pairwise(way))
        lengths = [math.dist(a, b) for a, b in legs]
        share = cost.seconds / max(1e-9, sum(lengths))
        moves = tuple(
            (MoveKind.GO, b, up_m, length * share)
            for (_, b), length in zip(legs, lengths, strict=True)
        )
        return _Option(moves, way[-1], up_m, cost.seconds)

    def _other_heights(self) -> list[float]:
        """Returns heights at which the zones that it is in do not reach."""
        floors, ceilings = self._space.limits_m(self._home)
        heights: set[float] = set()
        for number in self._left:
            inclusion = bool(self._space.inclusion[number])
            step = -UP_MARGIN_M if inclusion else 2 * UP_MARGIN_M
            heights |= {float(ceilings[number]) + step, float(floors[number]) - step}
        return sorted(up for up in heights if math.isfinite(up) and up >= _LOWEST_M)

    def _straight(self, up_m: float) -> _Option | None:
        """Returns the way straight up or down, if nothing else closes it."""
        now_m = self._flight.up_m
        low, high = min(now_m, up_m), max(now_m, up_m)
        closed = self._space.closed(self._home, low, high)
        near = self._space.near(Point(self._stop), self._margin_m)
        if any(closed[n] for n in near if n not in self._left) or not self._open(self._stop, up_m):
            return None
        asset = self._flight.asset
        rate = asset.climb_m_s if up_m > now_m else asset.sink_m_s
        kind = MoveKind.CLIMB if up_m > now_m else MoveKind.DESCEND
        seconds = (high - low) / rate
        return _Option(((kind, self._stop, up_m, seconds),), self._stop, up_m, seconds)

    # --- onward ---

    def _onward(
        self, option: _Option
    ) -> list[tuple[Ending, tuple[tuple[MoveKind, Place, float, float], ...], str]]:
        """Returns what may follow, the best first: home or a rally point, whichever is nearer."""
        ways = self._space.ways(self._home, option.up_m)
        places = [("home", (self._home.lat_deg, self._home.lon_deg))]
        places += [
            (f"rally point {number}", (one.position.lat_deg, one.position.lon_deg))
            for number, one in enumerate(self._rally)
        ]
        found = []
        for order, (name, geographic) in enumerate(places):
            goal = self._space.frame.to_en1_m(*geographic)
            if not self._may_land(goal, option.up_m):
                continue
            way = ways.way(option.at, goal, self._margin_m)
            if way is None:
                continue
            spots = [(*place, option.up_m) for place in way.places]
            cost = self._air.way(spots, self._flight.asset.cruise_m_s)
            down = self._air.leg(spots[-1], (*goal, 0.0), self._flight.asset.cruise_m_s)
            if not self._affords(option, cost + down):
                continue
            share = cost.seconds / max(1e-9, way.length_m)
            moves = tuple(
                (MoveKind.GO, b, option.up_m, math.dist(a, b) * share)
                for a, b in pairwise(way.places)
                if a != b
            )
            moves += ((MoveKind.LAND, goal, 0.0, down.seconds),)
            ending = Ending.HOME if order == 0 else Ending.RALLY
            found.append((way.length_m, order, ending, moves, f"then {way.length_m:.0f} m {name}"))
        found.sort(key=lambda row: row[:2])
        hold = ((MoveKind.HOLD, option.at, option.up_m, 0.0),)
        endings = [(ending, moves, why) for _, _, ending, moves, why in found]
        if not self._can_hold(option):
            return endings
        return [*endings, (Ending.HOLD, hold, "then hold: no open way leads to a place to land")]

    def _can_hold(self, option: _Option) -> bool:
        """Returns whether it can go there and wait for a person, the reserve spent as well."""
        fraction, asset = self._flight.battery_fraction, self._flight.asset
        if fraction is None:
            return True
        kept = 0.0 if asset.energy is None else asset.energy.reserve_fraction
        wanted = self._air.hover(self._brake_s + option.seconds + _WAITS_S)
        return share_of(wanted, spendable(asset, self._weather)) * (1.0 - kept) <= fraction

    def _may_land(self, place: Place, up_m: float) -> bool:
        """Returns whether the column over a place to land is open."""
        closed = self._space.closed(self._home, 0.0, up_m) & ~self._space.inclusion
        near = self._space.near(Point(place), max(0.0, self._radius_m - 0.01))
        return not any(closed[number] for number in near)

    def _affords(self, option: _Option, onward: Cost) -> bool:
        fraction = self._flight.battery_fraction
        if fraction is None:
            return math.isfinite(onward.seconds)
        out = self._air.hover(self._brake_s + option.seconds)
        return share_of(out + onward, spendable(self._flight.asset, self._weather)) <= fraction

    # --- proof ---

    def _faults(
        self, option: _Option, onward: Sequence[tuple[MoveKind, Place, float, float]]
    ) -> list[str]:
        """Sweeps all moves over the plain zones; returns what is wrong."""
        faults: list[str] = []
        here, up_m = self._stop, self._flight.up_m
        for number, (kind, place, to_up_m, _) in enumerate([*option.moves, *onward]):
            leaving = number < len(option.moves)
            line = LineString([here, place]) if here != place else Point(here)
            low, high = min(up_m, to_up_m), max(up_m, to_up_m)
            landing = kind is MoveKind.LAND
            closed = self._space.closed(self._home, low, high)
            for n in self._space.near(line, max(0.0, self._radius_m - 0.05)):
                below = landing and self._space.inclusion[n]
                if closed[n] and not below and not (leaving and n in self._left):
                    faults.append(f"move {number} meets {self._space.zones[n].zone_id}")
            permitted = self._space.permitted
            entering = leaving and self._outside
            if permitted is not None and not entering and not permitted.buffer(0.05).covers(line):
                faults.append(f"move {number} leaves the flight zones")
            here, up_m = place, to_up_m
        return faults

    # --- telling ---

    def _told(
        self,
        option: _Option,
        onward: Sequence[tuple[MoveKind, Place, float, float]],
        ending: Ending,
        why: str,
    ) -> WayOut:
        moves = [(MoveKind.BRAKE, self._stop, self._flight.up_m, self._brake_s)]
        exit_move = len(option.moves)
        moves += [*option.moves, *onward]
        inside_s = self._brake_s + option.seconds if self._named else 0.0
        names = ", ".join(self._named)
        if option.moves:
            kind = {MoveKind.CLIMB: "over it", MoveKind.DESCEND: "under it"}
            how = kind.get(option.moves[0][0], "level")
            text = f"out of {names} {how} in {inside_s:.0f} s, {why}"
        else:
            text = f"clear of everything where it stops, {why}"
        told = tuple(self._move(*move) for move in moves)
        return WayOut(
            self._flight.asset.asset_id, told, exit_move, inside_s, ending, True, text, self._named
        )

    def _move(self, kind: MoveKind, place: Place, up_m: float, seconds: float) -> Move:
        return Move(kind, *self._space.frame.to_geo1_deg(*place), up_m, seconds)

    def _land_here(self) -> WayOut:
        up_m, rate = self._flight.up_m, self._flight.asset.sink_m_s
        moves = (
            self._move(MoveKind.BRAKE, self._stop, up_m, self._brake_s),
            self._move(MoveKind.LAND, self._stop, 0.0, up_m / rate),
        )
        inside_s = sum(move.seconds for move in moves)
        names = ", ".join(self._named) or "no flight zone"
        why = f"no way out of {names} can be proven, level, over or under it: land here"
        return WayOut(
            self._flight.asset.asset_id, moves, 1, inside_s, Ending.LAND_HERE, False, why,
            self._named,
        )  # fmt: skip
