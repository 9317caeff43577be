"""Plans a patrol: a pattern over what it watches for a drone, the given route for a car.

A drone's lanes lie where its oblique camera sees the zones, inside the flight zones with a
margin; ways between them go around what is closed. What can't be reached is left out and said:
`plan_with_reasons` lists it, and `missions.proving.checks` finds a plan that goes nowhere.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from core.errors import DatumUnknown
from core.ids import MissionId
from geo.coverage import Place
from geo.flight_room import FlightRoom, limits_flight
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.positions import Altitude, Datum, Position
from geo.zones import Area, Purpose, Zone, ZoneStage
from missions.model import (
    Asset,
    AssetKind,
    ItemKind,
    Mission,
    MissionItem,
    Patrol,
    Pattern,
    Plan,
)
from missions.planning.patrol_room import UP_MARGIN_M, Journey, LeftOut, PatrolRoom, Stop
from missions.planning.pattern_heights import (
    Relief,
    Shooting,
    place_distance_m,
    relief,
    shooting,
    wanted_height_m,
)
from missions.planning.patterns import (
    area_pattern,
    corridor_area,
    corridor_pattern,
    orbit_pattern,
    parts_of,
    perimeter_pattern,
    places_pattern,
)
from missions.planning.plan_building import PlanBuilder, in_short_legs, named, timed
from missions.planning.safe_returns import in_sight_of_home
from missions.planning.seen_ground import fraction_of, seen_along
from missions.planning.shots import LOWEST_M, Look, look
from missions.planning.terrain_following import Ground, follow, ground_above_home

__all__ = [
    "Look",
    "PatrolPlan",
    "look",
    "named",
    "plan_path",
    "plan_patrol",
    "plan_with_reasons",
    "seen_fraction",
    "wanted_zones",
]

_LEAST_CLEARANCE_M = 5.0
"""A profile that ceilings press nearer to the ground than this is not flown."""
_HOME: Place = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class PatrolPlan:
    """A plan, and what of the patrol it does not do."""

    plan: Plan
    left_out: tuple[LeftOut, ...] = ()
    """Their places are latitude and longitude."""
    resolution_m_per_px: float | None = None
    """That is reached, where one was wanted."""
    height_above_ground_m: float | None = None


def plan_patrol(
    patrol: Patrol,
    watch_zones: Sequence[Zone],
    fences: Sequence[Zone],
    asset: Asset,
    *,
    terrain: TerrainModel | None = None,
) -> Plan:
    """Returns the plan of a patrol; the same input gives the same plan.

    What can't be reached is left out: `check_plan` says what is wrong with what remains.

    Args:
        patrol: names the watch zones; none means all of them.
        watch_zones: to choose from.
        fences: flight zones in force; ignored for a car.
        asset: who patrols.
        terrain: joins zone heights above ground with home, and is followed where the patrol
            says so.

    Raises:
        ResolutionImpossible: if the wanted resolution can't be had; the cure says which can.
        DatumUnknown: if terrain is to be followed that can't be joined with home.
    """
    return plan_with_reasons(patrol, watch_zones, fences, asset, terrain=terrain).plan


def wanted_zones(patrol: Patrol, watch_zones: Sequence[Zone]) -> list[Zone]:
    """Returns the zones that a patrol watches."""
    return [
        zone
        for zone in watch_zones
        if zone.active
        and zone.stage is ZoneStage.ACTIVE
        and Purpose.WATCH in zone.purposes
        and (not patrol.zone_ids or zone.zone_id in patrol.zone_ids)
    ]


def plan_with_reasons(
    patrol: Patrol,
    watch_zones: Sequence[Zone],
    fences: Sequence[Zone],
    asset: Asset,
    *,
    terrain: TerrainModel | None = None,
) -> PatrolPlan:
    """Returns what `plan_patrol` does, together with what was left out and why.

    Raises:
        ResolutionImpossible: if the wanted resolution can't be had; the cure says which can.
        DatumUnknown: if terrain is to be followed that can't be joined with home.
    """
    if asset.kind is AssetKind.VEHICLE:
        return PatrolPlan(_plan_route(patrol, asset))
    in_force = tuple(zone for zone in fences if limits_flight(zone))
    room = FlightRoom(in_force, asset.home, terrain)
    areas = [zone.to_local(room.frame) for zone in wanted_zones(patrol, watch_zones)]
    return _Planner(patrol, asset, in_force, room, _Goal.of(patrol, areas, room), terrain).plan()


@dataclass(frozen=True, slots=True)
class _Goal:
    """What a patrol wants to see, in metres east and north of home."""

    areas: tuple[Area, ...] = ()
    line: tuple[Place, ...] = ()
    places: tuple[Place, ...] = ()

    @classmethod
    def of(cls, patrol: Patrol, areas: Sequence[Area], room: FlightRoom) -> "_Goal":
        """Returns only what the patrol's pattern is about."""

        def local(corners: Sequence[tuple[float, float]]) -> tuple[Place, ...]:
            return tuple(room.frame.to_en1_m(lat, lon) for lat, lon in corners)

        if patrol.pattern is Pattern.CORRIDOR:
            line = local(patrol.route)
            line = tuple(p for k, p in enumerate(line) if k == 0 or math.dist(p, line[k - 1]) > 0.1)
            return cls(line=line if len(line) > 1 and patrol.width_m > 0 else ())
        if patrol.pattern in (Pattern.ORBIT, Pattern.PLACES):
            return cls(places=local(patrol.places))
        return cls(areas=tuple(areas))

    def shapes(self, patrol: Patrol) -> list[BaseGeometry]:
        """Returns what is to be seen as shapes."""
        found: list[BaseGeometry] = list(self.areas)
        if self.line:
            found.append(corridor_area(self.line, patrol.width_m))
        reach = patrol.radius_m if patrol.pattern is Pattern.ORBIT else 0.0
        found += [Point(p).buffer(reach) if reach > 0 else Point(p) for p in self.places]
        return found


@dataclass(frozen=True, slots=True)
class _Planner:
    """Plans one drone's patrol."""

    patrol: Patrol
    asset: Asset
    fences: tuple[Zone, ...]
    room: FlightRoom
    goal: _Goal
    terrain: TerrainModel | None

    within: BaseGeometry | None = None
    """Where to stay besides the zones; only set once no safe returns were found without it."""

    def plan(self) -> PatrolPlan:
        """Returns the plan, with a way back that is free from everywhere on it."""
        shapes = self.goal.shapes(self.patrol)
        ground, lay = self._ground(shapes)
        altitude_m = _above_home_m(self.patrol.altitude, self.asset.home)
        if self.patrol.terrain_following and self.patrol.altitude.datum is Datum.GROUND:
            altitude_m = self.patrol.altitude.metres
        above = wanted_height_m(self.patrol, self.asset, altitude_m, lay) if shapes else altitude_m
        if self.patrol.terrain_following:
            return self._following(shapes, ground, lay, above)
        up_m = above + lay.low_m
        journey, how = self._fly(shapes, up_m, above, lay)
        for _ in range(4):  # a lower flight sees less, so its lanes may touch other zones
            allowed = _allowed_m(self.room, [stop.place for stop in journey.stops], up_m)
            if allowed == up_m:
                break
            up_m = allowed
            journey, how = self._fly(shapes, up_m, up_m - lay.low_m, lay)
        stops = [replace(stop, up_m=up_m) for stop in journey.stops]
        return self._answer(journey, stops, up_m, how, ground, up_m - lay.low_m)

    def _ground(self, shapes: Sequence[BaseGeometry]) -> tuple[Ground, Relief]:
        ground = ground_above_home(self.terrain, self.asset.home, self.room)
        if self.terrain is None or not shapes:
            return ground, Relief()
        try:
            return ground, relief(shapes, ground)
        except DatumUnknown:
            if self.patrol.terrain_following:
                raise
            # the height above home was asked for; zones that need the ground are found unjoined
            return ground_above_home(None, self.asset.home, self.room), Relief()

    def _fly(
        self, shapes: Sequence[BaseGeometry], up_m: float, above_m: float, lay: Relief
    ) -> tuple[Journey, Shooting]:
        """Returns the journey at a height above home, which is so much above the ground."""
        nearest = max(LOWEST_M, above_m - (lay.high_m - lay.low_m))
        if self.patrol.terrain_following:
            nearest = max(LOWEST_M, above_m)
        how = shooting(self.patrol, self.asset, above_m)
        how = replace(how, spacing_m=shooting(self.patrol, self.asset, nearest).spacing_m)
        seen = look(self.asset.camera, nearest)
        lowest = -math.inf if self.patrol.terrain_following else up_m
        place = PatrolRoom(self.room, self.asset, (lowest, up_m), shapes, seen, self.within)
        journey = Journey(place)
        pattern, patrol = self.patrol.pattern, self.patrol
        if not shapes:
            journey.stops.clear()
            journey.leave_out("the patrol", _HOME, f"nothing is given for the pattern {pattern}")
            return journey, how
        begun = len(journey.stops)
        if pattern is Pattern.CORRIDOR:
            corridor_pattern(self.goal.line, patrol.width_m, how.spacing_m, journey)
        elif pattern is Pattern.PERIMETER:
            perimeter_pattern(parts_of(self.goal.areas), journey)
        elif pattern is Pattern.ORBIT:
            orbit_pattern(self.goal.places, patrol.radius_m, above_m, journey)
        elif pattern is Pattern.PLACES:
            distance = place_distance_m(patrol, self.asset, above_m)
            places_pattern(self.goal.places, patrol.stay_s, above_m, distance, journey)
        else:
            area_pattern(parts_of(self.goal.areas), how.spacing_m, journey)
        if len(journey.stops) == begun:
            journey.stops.clear()  # only the way into the room: nothing would be seen
        journey.end()
        return journey, how

    def _following(
        self, shapes: Sequence[BaseGeometry], ground: Ground, lay: Relief, above_m: float
    ) -> PatrolPlan:
        above_m = self._under_ceilings_m(shapes, above_m)
        up_m = above_m + max(0.0, lay.high_m)
        for _ in range(4):  # the way between may be higher than what is watched
            journey, how = self._fly(shapes, up_m, above_m, lay)
            if not journey.stops:
                return self._answer(journey, [], up_m, how, ground, above_m)
            way = [_HOME, *(stop.place for stop in journey.stops)]
            profile = follow(
                way,
                above_m,
                ground,
                self.room,
                speed_m_s=how.speed_m_s,
                climb_m_s=self.asset.climb_m_s,
                sink_m_s=self.asset.sink_m_s,
                margin_m=UP_MARGIN_M,
            )
            highest = max(knot.up_m for knot in profile.knots)
            if highest <= up_m + 1e-6:
                break
            up_m = highest
        if profile.least_m < _LEAST_CLEARANCE_M:
            journey.leave_out(
                "the whole patrol",
                way[1],
                f"ceilings leave {profile.least_m:.0f} m over the ground",
            )
            return self._answer(journey, [], up_m, how, ground, above_m)
        stops = []
        for knot in profile.knots[1:]:
            if knot.corner is None:
                stop = Stop(knot.place)
            else:
                stop = journey.stops[knot.corner - 1]
            stops.append(replace(stop, up_m=knot.up_m, speed_m_s=knot.leg_speed_m_s))
        takeoff = profile.knots[0].up_m
        return self._answer(journey, stops, takeoff, how, ground, above_m)

    def _under_ceilings_m(self, shapes: Sequence[BaseGeometry], above_m: float) -> float:
        """Returns the wanted height above ground, lowered under ceilings above ground there."""
        limits = [
            limit.zone.ceiling.metres
            for limit in self.room.inclusions
            if limit.zone.ceiling is not None
            and limit.zone.ceiling.datum is Datum.GROUND
            and any(limit.area.intersects(shape) for shape in shapes)
        ]
        return min([above_m, *(metres - UP_MARGIN_M - 3.0 for metres in limits)])

    def _answer(
        self,
        journey: Journey,
        stops: Sequence[Stop],
        up_m: float,
        how: Shooting,
        ground: Ground,
        above_m: float,
    ) -> PatrolPlan:
        known = None if self.terrain is None else ground
        builder = PlanBuilder(self.asset, self.room, self.fences, self.patrol.patrol_id, known)
        plan = builder.build(stops, up_m, how)
        if stops:
            found, air = builder.returns(plan, stops, up_m)
            if not found.safe:  # on shorter legs it is clearer which place is the nearest
                shorter = in_short_legs(stops, up_m)
                again, air = builder.returns(plan, shorter, up_m)
                if again.safe:
                    found, plan = again, builder.build(shorter, up_m, how)
            sight = in_sight_of_home(air) if not found.safe and self.within is None else None
            if sight is not None and not sight.is_empty:
                return self._in_sight(journey, sight)
            if found.rally:
                plan = builder.with_rally(plan, found.rally)
        left_out = tuple(
            replace(one, place=self.room.frame.to_geo1_deg(*one.place)) for one in journey.left_out
        )
        return PatrolPlan(plan, left_out, how.resolution_m_per_px, above_m)

    def _in_sight(self, journey: Journey, sight: BaseGeometry) -> PatrolPlan:
        """Returns the plan of what can be seen from where straight home is free."""
        seen = replace(self, within=sight).plan()
        if len(seen.left_out) > len(journey.left_out) or not seen.plan.mission.items:
            middle = self.room.frame.to_geo1_deg(*journey.stops[-1].place)
            why = LeftOut("what lies behind a closed area", middle, "no safe return from there")
            seen = replace(seen, left_out=(*seen.left_out, why))
        return seen


def _above_home_m(altitude: Altitude, home: Position) -> float:
    if altitude.datum is home.altitude.datum and altitude.datum is not Datum.HOME:
        return altitude.metres - home.altitude.metres
    return altitude.metres


def _allowed_m(room: FlightRoom, path: Sequence[Place], up_m: float) -> float:
    """Returns the height nearest to the wanted one that the zones under the path allow."""
    places = [_HOME, *path, _HOME]
    line = LineString(places) if len(set(places)) > 1 else Point(_HOME)
    under = [limit for limit in room.inclusions if limit.area.intersects(line)]
    floors = [li.floor_m + UP_MARGIN_M for li in under if li.floor_m is not None]
    ceilings = [li.ceiling_m - UP_MARGIN_M for li in under if li.ceiling_m is not None]
    raised = max([up_m, *floors])
    return min([raised, *ceilings])


def _plan_route(patrol: Patrol, asset: Asset) -> Plan:
    ground = Altitude(0.0, Datum.HOME)
    items = tuple(
        MissionItem(
            ItemKind.WAYPOINT,
            Position(lat, lon, ground),
            speed_m_s=asset.cruise_m_s if number == 0 else None,
        )
        for number, (lat, lon) in enumerate(patrol.route)
    )
    plan = Plan(
        Mission(MissionId(""), items),
        asset.asset_id,
        asset.home,
        asset.cruise_m_s,
        patrol_id=patrol.patrol_id,
    )
    return named(timed(plan, asset))


def plan_path(plan: Plan) -> tuple[tuple[float, float], ...]:
    """Returns the line of a plan as latitude and longitude, for maps.

    A drone's begins at home and, where it returns, ends there.
    """
    items = plan.mission.items
    places = [
        (item.position.lat_deg, item.position.lon_deg)
        for item in items
        if item.position is not None
    ]
    home = (plan.home.lat_deg, plan.home.lon_deg)
    if items and items[-1].kind is ItemKind.RETURN:
        places.append(home)
    return tuple(places)


def seen_fraction(
    plan: Plan, asset: Asset, watch_zones: Sequence[Zone], *, terrain: TerrainModel | None = None
) -> float:
    """Returns which part of the zones' area comes into the picture along a plan, 0 to 1."""
    mount, frame = asset.camera, LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
    areas = [zone.to_local(frame) for zone in watch_zones]
    if mount is None or not areas:
        return 0.0
    ground = None
    if terrain is not None:
        ground = ground_above_home(terrain, plan.home, FlightRoom((), plan.home))
    return fraction_of(areas, seen_along(plan, mount, ground=ground))
