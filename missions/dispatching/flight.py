"""A drone's answer to an event: the way around zones, its time and energy, and its plan.

A drone on the ground takes off, goes, stays, comes back the same way. One in the air is given
a plan whose first steps lead from its home to where it is now, and is told to begin behind
them: so the proof of the plan covers all that it will fly, and what reaches the vehicle is
what was proven.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

from shapely import LineString, MultiPoint, Point

from core.ids import MissionId, content_id
from geo.coverage import Place
from geo.flight_room import FlightRoom
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.positions import Altitude, Datum, Position
from missions.airspace import Airspace
from missions.circumstances import Circumstances
from missions.endurance import CORNER_S, Air, Cost, Spot, air_of, usable_wh
from missions.events import DispatchPolicy, EnergyNeed, Event, Reason, Responder
from missions.model import Finding, ItemKind, Mission, MissionItem, Plan, RallyPoint
from missions.momentum import swing_m
from missions.planning.safe_returns import find_returns, open_air
from missions.proving.prover import Prover

_AIRBORNE_M = 1.0
_FENCE_REACH_M = 300.0
"""Zones farther than this from all that is flown are not part of the plan's fence."""
_LOWEST_M = 10.0
_SHORT_LEG_M = 150.0
_RALLY_REACH_M, _RALLY_MOST = 1_000.0, 8
"""Rally points nearer than this are uploaded, at most so many: PX4 keeps no more on some boards."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an asset can't go, or need not be looked at further."""

    reason: Reason
    why: str
    at_least_s: float | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Flight:
    """How a drone would go, stay and come back."""

    responder: Responder
    home: Position
    up_m: float
    return_up_m: tuple[float, ...]
    """Heights to try for a return, the first one first."""
    go: tuple[Place, ...]
    """In the frame of the airspace, from where it is to where it stays."""
    back: tuple[Place, ...]
    """From there home."""
    before: tuple[Place, ...]
    """From home to where it is now; empty on the ground."""
    start_s: float
    """From the order until it leaves."""
    travel_s: float
    flown_s: float
    """From leaving the ground, or from here, until it is down."""
    energy: EnergyNeed

    @property
    def away_s(self) -> float:
        """From the order until it is back home."""
        return self.start_s + self.flown_s


def home_of(responder: Responder) -> Position:
    """Returns the place that a drone would come back to: where it takes off, or its home."""
    if airborne(responder):
        return responder.asset.home
    return Position(responder.lat_deg, responder.lon_deg, responder.asset.home.altitude)


def airborne(responder: Responder) -> bool:
    """Returns whether a drone is in the air."""
    return responder.up_m > _AIRBORNE_M


def _en(space: Airspace, place: tuple[float, float]) -> Place:
    return space.frame.to_en1_m(*place)


class FlightFinder:
    """Finds flights to one event."""

    def __init__(
        self,
        event: Event,
        space: Airspace,
        circumstances: Circumstances,
        policy: DispatchPolicy,
        rally: Sequence[RallyPoint],
        terrain: TerrainModel | None,
    ) -> None:
        """Takes what is the same for all drones."""
        self._event, self._space, self._policy = event, space, policy
        self._circumstances, self._terrain = circumstances, terrain
        self._rally = tuple(rally)

    def least_s(self, responder: Responder) -> float:
        """Returns a time in which it can't be there even straight, at the height that it has."""
        air = air_of(responder.asset, self._circumstances.weather)
        here = _en(self._space, responder.place)
        place = _en(self._space, (self._event.lat_deg, self._event.lon_deg))
        straight = max(0.0, math.dist(here, place) - self._policy.stand_off_m)
        ratio = straight / max(1e-9, math.dist(here, place))
        leg = air.leg((*here, 0.0), (*place, 0.0), responder.asset.cruise_m_s)
        launch_s = 0.0 if airborne(responder) else self._policy.launch_s
        return responder.ready_in_s + launch_s + ratio * leg.seconds

    def find(
        self, responder: Responder, longest_s: float = math.inf
    ) -> tuple[tuple[Flight, ...], tuple[Refusal, ...]]:
        """Returns the flights that take up to `longest_s`, quickest first, and what was refused.

        One for each height that is worth trying; never both empty.
        """
        home, air = home_of(responder), air_of(responder.asset, self._circumstances.weather)
        here = _en(self._space, responder.place)
        place = _en(self._space, (self._event.lat_deg, self._event.lon_deg))
        line = LineString([here, place]) if here != place else Point(here)
        heights = self._space.heights_m(home, line, self._policy.height_m)
        found = [
            self._at_height(responder, home, air, up_m, here, place, longest_s) for up_m in heights
        ]
        flights = [
            replace(one, return_up_m=tuple(up for up in heights if up >= one.up_m))
            for one in found
            if isinstance(one, Flight)
        ]
        flights.sort(key=lambda one: one.travel_s)
        return tuple(flights), tuple(f for f in found if isinstance(f, Refusal))

    def geographic(self, places: Sequence[Place]) -> tuple[tuple[float, float], ...]:
        """Returns places of the airspace's frame as latitude and longitude."""
        return tuple(self._space.frame.to_geo1_deg(*place) for place in places)

    def _at_height(
        self,
        responder: Responder,
        home: Position,
        air: Air,
        up_m: float,
        here: Place,
        place: Place,
        longest_s: float,
    ) -> Flight | Refusal:
        asset, policy = responder.asset, self._policy
        if up_m < _LOWEST_M:
            return Refusal(Reason.ZONES, f"zones on the way leave it only {up_m:.0f} m of height")
        ways = self._space.ways(home, up_m)
        margin = asset.acceptance_radius_m + policy.margin_m
        home_at = _en(self._space, (home.lat_deg, home.lon_deg))
        stay_at = ways.nearest_free(place, margin + asset.acceptance_radius_m, policy.stand_off_m)
        if stay_at is None:
            reach = policy.stand_off_m
            why = f"nothing within {reach:.0f} m of the place is open at {up_m:.0f} m height"
            return Refusal(Reason.ZONES, why)
        flying = airborne(responder)
        start_s = responder.ready_in_s + (0.0 if flying else policy.launch_s)
        rise = air.leg((*here, max(0.0, responder.up_m)), (*here, up_m), asset.cruise_m_s)
        fixed_s = start_s + rise.seconds
        straight = rise + air.way([_spot(here, up_m), _spot(stay_at, up_m)], asset.cruise_m_s)
        stay = air.hover(self._event.stay_s + CORNER_S)  # it stops first
        away = (stay_at[0] - home_at[0], stay_at[1] - home_at[1], up_m)
        least = self._need(responder, straight, stay, air.home(away, up_m, asset.cruise_m_s))
        if not least.enough:
            return Refusal(Reason.ENERGY, f"{least}, even on a straight way")
        longest_m = (longest_s - fixed_s) * asset.cruise_m_s
        way = ways.way(here, stay_at, margin, longest_m=longest_m)
        if way is None:
            return Refusal(Reason.ZONES, f"no way at {up_m:.0f} m leads there within the zones")
        if not way.places:
            least_s = fixed_s + way.length_m / asset.cruise_m_s
            return Refusal(Reason.NOT_QUICKER, f"needs {least_s:.0f} s at least", least_s)
        back: tuple[Place, ...] = tuple(reversed(way.places))
        before: tuple[Place, ...] = ()
        if flying:
            to_home, to_here = (
                ways.way(stay_at, home_at, margin),
                ways.way(home_at, here, margin),
            )
            if to_home is None or to_here is None:
                return Refusal(Reason.ZONES, f"no way home at {up_m:.0f} m within the zones")
            back, before = to_home.places, to_here.places
        out = rise + air.way([_spot(p, up_m) for p in way.places], asset.cruise_m_s)
        last = (back[-2][0] - home_at[0], back[-2][1] - home_at[1], up_m)
        home_leg = air.way([_spot(p, up_m) for p in back[:-1]], asset.cruise_m_s)
        home_leg += air.home(last, up_m, asset.cruise_m_s)
        travel_s = start_s + out.seconds
        if not math.isfinite(travel_s + stay.seconds + home_leg.seconds):
            return Refusal(Reason.WEATHER, "the wind is stronger than its greatest air speed")
        energy = self._need(responder, out, stay, home_leg)
        flown_s = out.seconds + stay.seconds + home_leg.seconds
        return Flight(
            responder, home, up_m, (up_m,), way.places, back, before, start_s, travel_s, flown_s,
            energy,
        )  # fmt: skip

    def _need(self, responder: Responder, go: Cost, stay: Cost, back: Cost) -> EnergyNeed:
        fraction = 1.0 if responder.battery_fraction is None else responder.battery_fraction
        model = responder.asset.energy
        if model is None or go.energy_wh is None:
            have = responder.asset.endurance_s * fraction
            return EnergyNeed("s", go.seconds, stay.seconds, back.seconds, have)
        weather = self._circumstances.weather
        usable = usable_wh(model, None if weather is None else weather.temperature_c)
        have = max(0.0, usable * (fraction - model.reserve_fraction))
        return EnergyNeed("Wh", go.energy_wh, stay.energy_wh or 0.0, back.energy_wh or 0.0, have)

    def plans(self, flight: Flight, permission: str) -> Iterator[tuple[Plan, int]]:
        """Yields plans of a flight with the step that each begins with, the best one first.

        They differ in the height of a return, and in where a drone may land that must return.
        """
        plan, first = self._plan(flight, permission)
        for up_m in flight.return_up_m:
            yield replace(plan, return_altitude=Altitude(up_m, Datum.HOME)), first
        if not self._policy.rally_on_way:
            return
        # an autopilot's nearest place is known the better the shorter the legs are
        plan, first = self._plan(flight, permission, _SHORT_LEG_M)
        frame = LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
        way = [
            frame.to_en1_m(item.position.lat_deg, item.position.lon_deg)
            for item in plan.mission.items
            if item.position is not None
        ]
        bends = dict.fromkeys([*flight.before[1:-1], *flight.go[1:-1], *flight.back[1:-1]])
        if bends:
            ground = [RallyPoint(self._at(place, 0.0)) for place in bends]
            yield replace(plan, rally=(*plan.rally, *ground)), first
        asset = flight.responder.asset
        radius_m = max(asset.acceptance_radius_m, swing_m(asset.cruise_m_s))
        radius_m += self._circumstances.margin_m
        heights = (flight.up_m, flight.up_m)
        air = open_air(FlightRoom(plan.fences, plan.home, self._terrain), heights, radius_m, way)
        found = find_returns(way, air, asset.cruise_m_s).rally
        if found:
            ground = [_rally_at(frame, place) for place in found]
            yield replace(plan, rally=(*plan.rally, *ground)), first

    def _at(self, place: Place, up_m: float) -> Position:
        return Position(*self._space.frame.to_geo1_deg(*place), Altitude(up_m, Datum.HOME))

    def _rally_of(self, flight: Flight) -> tuple[RallyPoint, ...]:
        """Returns the rally points near the flight that are open."""
        flown = MultiPoint([*flight.before, *flight.go, *flight.back]).convex_hull
        ways = self._space.ways(flight.home, flight.up_m)
        margin = flight.responder.asset.acceptance_radius_m + self._policy.margin_m
        near = []
        for rally in self._rally:
            place = _en(self._space, (rally.position.lat_deg, rally.position.lon_deg))
            away = flown.distance(Point(place))
            if away < _RALLY_REACH_M and ways.clear((place,), margin):
                near.append((away, place, rally))
        return tuple(rally for _, _, rally in sorted(near, key=lambda row: row[:2])[:_RALLY_MOST])

    def _plan(
        self, flight: Flight, permission: str, longest_leg_m: float = math.inf
    ) -> tuple[Plan, int]:
        above = Altitude(flight.up_m, Datum.HOME)
        asset, event = flight.responder.asset, self._event

        def at(place: Place) -> Position:
            return self._at(place, flight.up_m)

        over_home = Position(flight.home.lat_deg, flight.home.lon_deg, above)
        items = [MissionItem(ItemKind.TAKEOFF, over_home, speed_m_s=asset.cruise_m_s)]
        items += [
            MissionItem(ItemKind.WAYPOINT, at(place))
            for place in _between(flight.before, longest_leg_m)
        ]
        first = 0
        if flight.before:
            first = len(items)
            here = Position(flight.responder.lat_deg, flight.responder.lon_deg, above)
            # it begins here, so what the take-off has set must be set anew
            items.append(MissionItem(ItemKind.WAYPOINT, here, speed_m_s=asset.cruise_m_s))
        items += [
            MissionItem(ItemKind.WAYPOINT, at(place))
            for place in _between(flight.go, longest_leg_m)
        ]
        look_at = (event.lat_deg, event.lon_deg)
        items.append(
            MissionItem(ItemKind.LOITER, at(flight.go[-1]), hold_s=event.stay_s, look_at=look_at)
        )
        items += [
            MissionItem(ItemKind.WAYPOINT, at(place))
            for place in _between(flight.back, longest_leg_m)
        ]
        items.append(MissionItem(ItemKind.RETURN))
        flown = [*flight.before, *flight.go, *flight.back]
        near = self._space.near(MultiPoint(flown).convex_hull, _FENCE_REACH_M)
        named = {number for number in near} | {
            number for number, inside in enumerate(self._space.inclusion) if inside
        }
        text = repr((items, str(asset.asset_id), event.event_id))
        plan = Plan(
            Mission(MissionId(content_id("mission", text)), tuple(items)),
            asset.asset_id,
            flight.home,
            asset.cruise_m_s,
            tuple(self._space.zones[number] for number in sorted(named)),
            self._rally_of(flight),
            return_altitude=above,
            expected_s=flight.flown_s + self._before_s(flight),
            permission=permission,
        )
        return plan, first

    def _before_s(self, flight: Flight) -> float:
        """Returns how long the steps before the first would take."""
        if not flight.before:
            return 0.0
        length = sum(math.dist(a, b) for a, b in pairwise(flight.before))
        return (length + flight.up_m) / flight.responder.asset.cruise_m_s

    def prove(self, flight: Flight, plan: Plan) -> tuple[Finding, ...]:
        """Returns what the check of a flight's plan finds."""
        begins = self._event.at + timedelta(seconds=flight.start_s - self._before_s(flight))
        others = tuple(
            other for other in self._circumstances.others if other.plan.asset_id != plan.asset_id
        )
        circumstances = replace(self._circumstances, departs_at=begins, others=others)
        # the same checks as `check_plan`, without looking for cures of what is not chosen anyway
        return Prover(plan, flight.responder.asset, self._terrain).findings(plan, circumstances)


def _between(way: Sequence[Place], longest_m: float) -> list[Place]:
    """Returns the places between start and goal, with more of them on legs that are too long."""
    places: list[Place] = []
    for a, b in pairwise(way):
        count = max(1, math.ceil(math.dist(a, b) / longest_m))
        places += [
            (a[0] + (b[0] - a[0]) * k / count, a[1] + (b[1] - a[1]) * k / count)
            for k in range(1, count)
        ]
        places.append(b)
    return places[:-1]


def _rally_at(frame: LocalFrame, place: Place) -> RallyPoint:
    return RallyPoint(Position(*frame.to_geo1_deg(*place), Altitude(0.0, Datum.HOME)))


def _spot(place: Sequence[float], up_m: float) -> Spot:
    return float(place[0]), float(place[1]), up_m
