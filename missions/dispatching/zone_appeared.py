"""What zones that appear mean for sorties in the air: who is affected, the way out, the order.

The station can order a vehicle to return or to hold, and nothing else: a new mission would need a
proof that no aircraft inside a closed zone can have. So its own return is ordered where that is a
proven way out; where it is not, it is held where it is, and a person gets the proven way out.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shapely import LineString, MultiPoint, Point
from shapely.geometry.base import BaseGeometry

from core.errors import PlanUnreadable
from geo.coverage import Place
from geo.ports import TerrainModel
from geo.positions import Datum
from geo.zones import Zone
from missions.airspace import Airspace
from missions.dispatching.exits import (
    Ending,
    InFlight,
    Move,
    MoveKind,
    WayOut,
    braked,
    later,
    way_out,
)
from missions.model import Asset, Autopilot, ItemKind, Plan, Sortie, SortieState
from missions.proving.ardupilot_returns import copter_return_settings
from missions.proving.return_settings import rally_spots, return_settings
from telemetry.model import TelemetrySample

_STEP_M = 1.0
_SLACK_M = 0.1
_RALLY_FROM_HOME_M, _RALLY_NEARER_M = 10.0, 2.0
"""PX4 heeds no rally point nearer to home, nor one that is nearer than home by no more."""
_EVEN_M = 1.0
"""ArduPilot takes the nearest of home and rally points; so near to even it may be either."""


class Advice(StrEnum):
    """What a vehicle is ordered because of a zone that has appeared."""

    RETURN = "return"
    """Its own return is the proven way out."""
    HOLD = "hold"
    """It waits where it is for a person, who gets the proven way out, if there is one."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a sortie does about zones that have appeared."""

    order: Advice
    way: WayOut
    """The vehicle's own return where that is ordered; else the way that a person should fly."""


def flight_of(sortie: Sortie, asset: Asset, sample: TelemetrySample) -> InFlight | None:
    """Returns a sortie as an aircraft in the air.

    `None` where it stands on the ground, or where its place or its height above home is not known.

    Args:
        sortie: under way.
        asset: who flies it.
        sample: the newest that it has said with its position.
    """
    position = sample.position
    if position is None or sample.on_ground or sample.armed is False:
        return None
    if position.altitude.datum is Datum.HOME:
        up_m = position.altitude.metres
    elif position.altitude.datum is asset.home.altitude.datum:
        up_m = position.altitude.metres - asset.home.altitude.metres
    else:
        return None
    return InFlight(
        asset,
        position.lat_deg,
        position.lon_deg,
        max(0.0, up_m),
        sample.east_m_s or 0.0,
        sample.north_m_s or 0.0,
        tuple(_ahead(sortie, asset)),
        sample.battery_fraction,
    )


def _ahead(sortie: Sortie, asset: Asset) -> Iterator[tuple[float, float]]:
    """Yields the places that a sortie is still to fly to."""
    reached = 0 if sortie.progress is None else sortie.progress.reached
    items = sortie.plan.mission.items
    if sortie.guided is not None:  # its mission is on hold: it goes there, and home from there
        if not sortie.guided.held:
            yield sortie.guided.way[-1]
        reached = len(items)
    for item in items[reached:] if sortie.state is not SortieState.RETURNING else ():
        if item.position is not None:
            yield item.position.lat_deg, item.position.lon_deg
    if sortie.state is SortieState.RETURNING or (items and items[-1].kind is ItemKind.RETURN):
        yield asset.home.lat_deg, asset.home.lon_deg


def respond(
    flight: InFlight,
    plan: Plan,
    zones: Sequence[Zone],
    at: datetime,
    *,
    margin_m: float = 5.0,
    terrain: TerrainModel | None = None,
) -> Response:
    """Returns what an affected aircraft is ordered, and the way out that goes with it.

    Args:
        flight: the aircraft.
        plan: what it flies; its rally points and return height are in the vehicle.
        zones: all flight zones, the new ones among them.
        at: the instant.
        margin_m: kept from borders beyond the acceptance radius, in a way that a person flies.
        terrain: joins heights above ground.
    """
    back = own_return(flight, plan, zones, at, terrain=terrain)
    if back is not None:
        return Response(Advice.RETURN, back)
    found = way_out(flight, zones, at, rally=plan.rally, margin_m=margin_m, terrain=terrain)
    return Response(Advice.HOLD, found)


def own_return(
    flight: InFlight,
    plan: Plan,
    zones: Sequence[Zone],
    at: datetime,
    *,
    terrain: TerrainModel | None = None,
) -> WayOut | None:
    """Returns the return that the vehicle flies by itself, where it is a proven way out.

    By the settings that the proof of its plan counts on (`missions.proving.return_settings`, and
    `ardupilot_returns` for ArduPilot) it brakes, climbs to its return height and goes straight to
    the nearest of home and the plan's rally points. Of a zone that it is in now it gets no deeper
    than by braking and does not come back; everything else that is closed it keeps clear of.

    Args:
        flight: the aircraft.
        plan: what it flies.
        zones: all flight zones.
        at: the instant; zones that come into force within half an hour count.
        terrain: joins heights above ground.
    """
    up_m = _return_up_m(flight, plan)
    space = Airspace(zones, flight.lat_deg, flight.lon_deg, at, later(at), terrain)
    stop, brake_s = braked(flight)
    goal = _goal(flight, plan, space, stop)
    if up_m is None or goal is None:
        return None
    sweep = _Sweep(space, flight, stop, goal[1], up_m)
    out_m = sweep.out_after_m()
    if out_m is None:
        return None
    asset = flight.asset
    climb_s = (up_m - flight.up_m) / asset.climb_m_s
    way_m = math.dist(stop, goal[1])
    spots = [
        (MoveKind.BRAKE, stop, flight.up_m, brake_s),
        *([(MoveKind.CLIMB, stop, up_m, climb_s)] if climb_s > 0 else []),
        (MoveKind.GO, goal[1], up_m, way_m / asset.cruise_m_s),
        (MoveKind.LAND, goal[1], 0.0, up_m / asset.sink_m_s),
    ]
    moves = tuple(Move(k, *space.frame.to_geo1_deg(*at_), up, s) for k, at_, up, s in spots)
    inside_s = brake_s + climb_s + out_m / asset.cruise_m_s if sweep.names else 0.0
    where = "home" if goal[0] is Ending.HOME else "to a rally point"
    text = f"its own return is clear: {way_m:.0f} m {where} in {up_m:.0f} m height"
    if sweep.names:
        text = f"out of {', '.join(sweep.names)} in {inside_s:.0f} s by its own return, {text}"
    exit_move = len(moves) - 2 if sweep.names else 0
    return WayOut(asset.asset_id, moves, exit_move, inside_s, goal[0], True, text, sweep.names)


def _return_up_m(flight: InFlight, plan: Plan) -> float | None:
    """Returns how high the vehicle goes to return, by the settings its proof counts on."""
    try:
        if flight.asset.autopilot is Autopilot.ARDUPILOT:
            settings = copter_return_settings(plan, metres=False)
            wanted_m = {one.name: one.wanted / 100.0 for one in settings}.get("RTL_ALT")
        else:
            named = {one.name: one.wanted for one in return_settings(plan)}
            wanted_m = named.get("RTL_RETURN_ALT")
    except PlanUnreadable:
        return None
    return None if wanted_m is None else max(flight.up_m, wanted_m)


def _goal(
    flight: InFlight, plan: Plan, space: Airspace, stop: Place
) -> tuple[Ending, Place] | None:
    """Returns where a return ends; `None` where it depends on when it is counted from."""
    home = flight.asset.home
    at_home = space.frame.to_en1_m(home.lat_deg, home.lon_deg)
    spots = [space.frame.to_en1_m(lat, lon) for lat, lon, _ in rally_spots(plan)]
    # a rally point that is nearer than home by about these may or may not be taken
    nearer = (0.0, 2 * _RALLY_NEARER_M)
    if flight.asset.autopilot is Autopilot.ARDUPILOT:
        nearer = (-_EVEN_M, _EVEN_M)
    else:
        spots = [spot for spot in spots if math.dist(spot, at_home) > _RALLY_FROM_HOME_M]
    chosen = set()
    for here in ((0.0, 0.0), stop):
        for nearer_m in nearer:
            goal, away = (Ending.HOME, at_home), math.dist(here, at_home)
            for spot in spots:
                if math.dist(here, spot) + nearer_m < away:
                    goal, away = (Ending.RALLY, spot), math.dist(here, spot)
            chosen.add(goal)
    return chosen.pop() if len(chosen) == 1 else None


class _Sweep:
    """The ground over which one return may fly, held against the zones."""

    def __init__(
        self, space: Airspace, flight: InFlight, stop: Place, goal: Place, up_m: float
    ) -> None:
        self._space, self._stop, self._goal, self._up_m = space, stop, goal, up_m
        self._home = flight.asset.home
        self._radius_m = flight.asset.acceptance_radius_m
        self._closed = space.closed(self._home, flight.up_m, up_m)
        self._here_closed = space.closed(self._home, flight.up_m, flight.up_m)
        inside = [n for n in space.near(MultiPoint([(0.0, 0.0), stop]), self._radius_m)]
        self._left = [n for n in inside if self._here_closed[n]]
        permitted = space.permitted
        self._outside = permitted is not None and not permitted.covers(Point(stop))
        names = {space.zones[n].name or str(space.zones[n].zone_id) for n in self._left}
        self.names = tuple(sorted(names | ({"the open"} if self._outside else set())))

    def out_after_m(self) -> float | None:
        """Returns after how many metres it is out of what it is in, `None` if not so proven."""
        space, radius_m = self._space, self._radius_m
        if any(space.inclusion[n] for n in self._left):
            return None  # it must come down or go up: a return does neither
        # where it does not climb first it cuts the corner between its speed and the way back
        swept = MultiPoint([(0.0, 0.0), self._stop, self._goal]).convex_hull
        if any(self._closed[n] for n in space.near(swept, radius_m) if n not in self._left):
            return None
        landing = space.closed(self._home, 0.0, self._up_m) & ~space.inclusion
        if any(landing[n] for n in space.near(Point(self._goal), radius_m)):
            return None
        outs = [_exclusion_depth(space.areas[n]) for n in self._left]
        if space.permitted is not None:
            if self._outside:
                outs.append(_outside_depth(space.permitted))
            elif not space.permitted.covers(swept):
                return None
        lengths = [self._leaves(depth) for depth in outs]
        if any(length is None for length in lengths):
            return None
        return max((length for length in lengths if length is not None), default=0.0)

    def _leaves(self, depth: "_Depth") -> float | None:
        """Returns after how many metres it is out of one zone for good and never deeper before."""
        braking = LineString([(0.0, 0.0), self._stop])
        deepest = max(depth(spot) for _, spot in _along(braking)) + _SLACK_M
        cut = LineString([(0.0, 0.0), self._goal])
        if any(depth(spot) > deepest for _, spot in _along(cut)):
            return None
        way = LineString([self._stop, self._goal])
        inside = [(far, depth(spot)) for far, spot in _along(way)]
        if any(deep > deepest for _, deep in inside) or inside[-1][1] > -self._radius_m:
            return None
        out = next(far for far, deep in inside if deep <= -self._radius_m)
        back = any(deep > _SLACK_M - self._radius_m for far, deep in inside if far > out)
        return None if back else out


class _Depth:
    """How deep a place is inside something, in metres; negative outside."""

    def __init__(self, area: BaseGeometry, *, inside: bool) -> None:
        self._area, self._sign = area, 1.0 if inside else -1.0
        self._border = area.boundary

    def __call__(self, spot: Point) -> float:
        """Returns the depth of a place."""
        away = float(self._border.distance(spot))
        return self._sign * (away if self._area.contains(spot) else -away)


def _exclusion_depth(area: BaseGeometry) -> _Depth:
    return _Depth(area, inside=True)


def _outside_depth(permitted: BaseGeometry) -> _Depth:
    return _Depth(permitted, inside=False)


def _along(line: LineString) -> Iterator[tuple[float, Point]]:
    """Yields places along a line with their distance from its start, both ends among them."""
    count = max(1, math.ceil(line.length / _STEP_M))
    for k in range(count + 1):
        far = line.length * k / count
        yield far, line.interpolate(far)
