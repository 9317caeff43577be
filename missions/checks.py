"""Proves a plan before it is uploaded: swept geometry, heights, endurance, PX4's own rules.

The autopilot checks single waypoints and explains little; here every leg, hover, return
column and way home is held against every flight zone. `check_plan` never raises.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType

from shapely import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from geo.flight_room import FlightRoom
from geo.ports import TerrainModel
from geo.positions import Datum
from missions.model import Asset, AssetKind, Finding, ItemKind, MissionItem, Plan, Severity

FINDING_CODES: Mapping[str, str] = MappingProxyType(
    {
        "mission_empty": "The plan has no step to go to: nothing can be reached or is wanted.",
        "takeoff_missing": "A drone's mission has no take-off (PX4: Takeoff waypoint required).",
        "takeoff_not_first": "Another step comes before take-off"
        " (PX4: takeoff not first waypoint item).",
        "takeoff_twice": "A mission takes off more than once.",
        "takeoff_too_low": "The take-off height is within the acceptance radius"
        " (PX4: Takeoff altitude too low).",
        "only_return": "Nothing lies between take-off and return.",
        "end_missing": "The mission ends without return or landing; the drone would hover.",
        "item_after_end": "A step follows the return or landing and will not be flown.",
        "item_without_place": "A step that goes somewhere has no place.",
        "altitude_datum": "A step's height counts from another datum than home or home's own.",
        "below_home": "A step lies at or below the height of home.",
        "home_outside": "Home is outside every inclusion, so PX4 ignores the whole fence.",
        "home_excluded": "Home is inside an exclusion, so PX4 ignores the whole fence.",
        "waypoint_outside": "A step is outside every inclusion"
        " (PX4: Geofence violation for waypoint).",
        "waypoint_excluded": "A step is inside an exclusion"
        " (PX4: Geofence violation for waypoint).",
        "leg_outside": "The way to a step, as wide as corners are cut, leaves the inclusions.",
        "leg_excluded": "The way to a step, as wide as corners are cut, enters an exclusion.",
        "hover_outside": "The room needed to hover at a step is not free.",
        "above_ceiling": "A leg is higher than a zone's ceiling under it.",
        "below_floor": "A leg is lower than a zone's floor under it.",
        "datum_unknown": "A zone's height limit can't be joined with the height of home.",
        "return_above_ceiling": "The climb before a return, or the way home, breaks a ceiling.",
        "return_way_blocked": "The planned straight way home leaves the fence.",
        "emergency_way_blocked": "A return ordered at this step would fly straight through"
        " a closed area.",
        "rally_outside": "A rally point is outside the fence.",
        "first_step_far": "The first step is more than 10 km from home.",
        "steps_too_close": "Two steps are less than 5 cm apart.",
        "endurance_exceeded": "The plan takes longer than the asset's endurance.",
        "endurance_tight": "The plan takes more than 85 % of the asset's endurance.",
        "no_fence": "No inclusion limits this flight.",
        "fence_too_big": "The fence has more corners than PX4 plans its return around (100).",
    }
)
"""Every code that a finding may have, and what it means."""

_FAR_M = 10_000.0
_CLOSE_M = 0.05
_TIGHT = 0.85
_FENCE_CORNERS = 100
_UP_SLACK_M = 0.01
_PLACED = {ItemKind.TAKEOFF, ItemKind.WAYPOINT, ItemKind.LOITER, ItemKind.LAND}
_ENDS = {ItemKind.RETURN, ItemKind.LAND}


def check_plan(
    plan: Plan, asset: Asset, *, terrain: TerrainModel | None = None
) -> tuple[Finding, ...]:
    """Returns all findings about a plan, errors first; it never raises.

    Args:
        plan: what is to be uploaded.
        asset: who is to carry it out.
        terrain: joins zone heights above ground with home; `None` leaves them unjoined,
            which is a finding.
    """
    findings = [*_check_order(plan, asset), *_check_endurance(plan, asset)]
    if asset.kind is AssetKind.DRONE:
        findings += _Sweep(plan, asset, terrain).findings()
    weight = list(Severity)
    return tuple(sorted(findings, key=lambda f: (weight.index(f.severity), f.item or 0)))


def _finding(
    severity: Severity,
    code: str,
    message: str,
    place: tuple[float, float] | None = None,
    item: int | None = None,
    cure: str = "",
) -> Finding:
    return Finding(severity, code, message, place, item, cure)


def _error(
    code: str,
    message: str,
    place: tuple[float, float] | None = None,
    item: int | None = None,
    cure: str = "",
) -> Finding:
    return Finding(Severity.ERROR, code, message, place, item, cure)


def _check_order(plan: Plan, asset: Asset) -> Iterator[Finding]:
    items = plan.mission.items
    moves = [item for item in items if item.kind in _PLACED]
    goals = [item for item in moves if item.kind is not ItemKind.TAKEOFF]
    if not goals:
        code = "only_return" if moves else "mission_empty"
        cure = "widen the flight zones or choose other watch zones"
        yield _error(code, "the mission goes nowhere", cure=cure)
    for number, item in enumerate(items):
        if item.kind in _PLACED and item.position is None:
            yield _error("item_without_place", f"step {number} has no place", item=number)
    if asset.kind is not AssetKind.DRONE or not items:
        return
    takeoffs = [n for n, item in enumerate(items) if item.kind is ItemKind.TAKEOFF]
    if not takeoffs:
        yield _error("takeoff_missing", "the mission does not take off", item=0)
    elif takeoffs[0] != 0:
        yield _error("takeoff_not_first", "take-off is not the first step", item=takeoffs[0])
    for number in takeoffs[1:]:
        yield _error("takeoff_twice", f"step {number} takes off again", item=number)
    ends = [n for n, item in enumerate(items) if item.kind in _ENDS]
    if not ends:
        yield _finding(
            Severity.WARNING, "end_missing", "the mission ends in a hover", item=len(items) - 1
        )
    elif ends[0] != len(items) - 1:
        message = f"step {ends[0] + 1} comes after the end"
        yield _finding(Severity.WARNING, "item_after_end", message, item=ends[0] + 1)


def _check_endurance(plan: Plan, asset: Asset) -> Iterator[Finding]:
    expected_s = plan.expected_s or least_time_s(plan)
    if expected_s > asset.endurance_s:
        yield _error(
            "endurance_exceeded",
            f"it takes about {expected_s:.0f} s, the asset lasts {asset.endurance_s:.0f} s",
            cure="watch fewer zones in one patrol",
        )
    elif expected_s > _TIGHT * asset.endurance_s:
        message = f"about {expected_s:.0f} s of {asset.endurance_s:.0f} s"
        yield _finding(Severity.WARNING, "endurance_tight", message)


def least_time_s(plan: Plan) -> float:
    """Returns the time that the bare way takes at cruise speed, from home and back to it."""
    frame = FlightRoom((), plan.home).frame
    places = [(0.0, 0.0)]
    for item in plan.mission.items:
        if item.position is not None:
            places.append(frame.to_en1_m(item.position.lat_deg, item.position.lon_deg))
        elif item.kind is ItemKind.RETURN:
            places.append((0.0, 0.0))
    way_m = sum(math.dist(a, b) for a, b in pairwise(places))
    return way_m / max(0.1, plan.cruise_m_s) + sum(item.hold_s for item in plan.mission.items)


class _Sweep:
    """Holds the swept room of one plan against its flight zones."""

    def __init__(self, plan: Plan, asset: Asset, terrain: TerrainModel | None) -> None:
        self._plan = plan
        self._margin_m = asset.acceptance_radius_m
        self._room = FlightRoom(plan.fences, plan.home, terrain)
        self._permitted = self._room.permitted()
        self._found: list[Finding] = []
        self._return_up_m = self._return_height_m()

    def findings(self) -> list[Finding]:
        """Returns what it finds."""
        self._check_fence()
        self._check_home()
        before = (0.0, 0.0)
        before_up: float | None = None
        for number, item in enumerate(self._plan.mission.items):
            if item.kind is ItemKind.RETURN:
                self._check_return(number, before, before_up or 0.0, planned=True)
                break
            place = self._place(item)
            if place is None:
                continue
            up = self._up_m(number, item)
            self._check_step(number, item, place, up)
            start_up = up if before_up is None else before_up
            self._check_leg(number, before, place, start_up, up)
            self._check_return(number, place, up, planned=False)
            if number <= 1 and math.hypot(*place) > _FAR_M:
                message = f"step {number} is {math.hypot(*place) / 1000:.1f} km away"
                self._add(Severity.ERROR, "first_step_far", message, place, number)
            if item.kind is ItemKind.WAYPOINT and before_up == up:
                if math.dist(before, place) < _CLOSE_M:
                    message = f"steps {number - 1} and {number} are one place"
                    self._add(Severity.WARNING, "steps_too_close", message, place, number)
            before, before_up = place, up
            if item.kind is ItemKind.LAND:
                break
        for number, rally in enumerate(self._plan.rally):
            place = self._room.frame.to_en1_m(rally.position.lat_deg, rally.position.lon_deg)
            if not self._inside(Point(place)) or self._closed(Point(place), self._return_up_m):
                self._add(Severity.ERROR, "rally_outside", f"rally point {number}", place, None)
        return self._found

    def _add(
        self,
        severity: Severity,
        code: str,
        message: str,
        place: tuple[float, float] | None,
        item: int | None,
        cure: str = "",
    ) -> None:
        geo = self._room.frame.to_geo1_deg(*place) if place is not None else None
        self._found.append(Finding(severity, code, message, geo, item, cure))

    def _place(self, item: MissionItem) -> tuple[float, float] | None:
        if item.position is None:
            return None
        return self._room.frame.to_en1_m(item.position.lat_deg, item.position.lon_deg)

    def _up_m(self, number: int, item: MissionItem) -> float:
        position = item.position
        home = self._plan.home.altitude
        if position is None:
            return 0.0
        altitude = position.altitude
        if altitude.datum is Datum.HOME:
            return altitude.metres
        if altitude.datum is home.datum:
            return altitude.metres - home.metres
        self._add(
            Severity.ERROR,
            "altitude_datum",
            f"step {number} counts its height from {altitude.datum}, home from {home.datum}",
            self._place(item),
            number,
            "give heights above home",
        )
        return altitude.metres

    def _return_height_m(self) -> float:
        altitude = self._plan.return_altitude
        if altitude is None or altitude.datum is not Datum.HOME:
            return 30.0  # what PX4 has been seen to do when it is not told otherwise
        return altitude.metres

    def _inside(self, shape: BaseGeometry) -> bool:
        return self._permitted is None or bool(self._permitted.covers(shape))

    def _closed(self, shape: BaseGeometry, up_m: float) -> str:
        """Returns the name of an exclusion that the shape meets, or nothing."""
        for limit in self._room.exclusions(up_m):
            # a touch of the border is none; the hair allows for rounding of coordinates
            if limit.area.intersection(shape).area > 1e-6 or limit.area.contains(shape):
                return limit.zone.name or str(limit.zone.zone_id)
        return ""

    def _check_fence(self) -> None:
        for limit in self._room.limits:
            if limit.unknown:
                self._add(Severity.ERROR, "datum_unknown", limit.unknown, None, None)
        if self._permitted is None:
            message = "no flight zone says where to stay"
            self._add(Severity.WARNING, "no_fence", message, None, None, "draw an inclusion")
        corners = sum(
            len(ring.coords) - 1
            for limit in self._room.limits
            for part in getattr(limit.area, "geoms", [limit.area])
            if isinstance(part, Polygon)
            for ring in (part.exterior, *part.interiors)
        )
        if corners > _FENCE_CORNERS:
            message = f"{corners} corners"
            self._add(Severity.WARNING, "fence_too_big", message, None, None, "simplify the zones")

    def _check_home(self) -> None:
        home = Point(0.0, 0.0)
        if not self._inside(home):
            cure = "move the take-off place into the flight zone"
            self._add(Severity.ERROR, "home_outside", "home is outside", (0.0, 0.0), None, cure)
        name = self._closed(home, 0.0)
        if name:
            message = f"home is inside {name}"
            self._add(Severity.ERROR, "home_excluded", message, (0.0, 0.0), None)

    def _check_step(
        self, number: int, item: MissionItem, place: tuple[float, float], up: float
    ) -> None:
        point = Point(place)
        if up <= 0 and item.kind is not ItemKind.LAND:
            message = f"step {number} is {up:.1f} m above home"
            self._add(Severity.ERROR, "below_home", message, place, number)
        if item.kind is ItemKind.TAKEOFF and up - 1.0 < self._margin_m:
            message = f"take-off to {up:.1f} m"
            self._add(Severity.ERROR, "takeoff_too_low", message, place, number)
        if not self._inside(point):
            message = f"step {number} is outside the flight zone"
            self._add(Severity.ERROR, "waypoint_outside", message, place, number, "move it inside")
        name = self._closed(point, up)
        if name:
            message = f"step {number} is inside {name}"
            self._add(Severity.ERROR, "waypoint_excluded", message, place, number, "move it away")
        if item.kind is ItemKind.LOITER or item.hold_s > 0:
            disc = point.buffer(2 * self._margin_m)
            if not self._inside(disc) or self._closed(disc, up):
                message = f"step {number} hovers at the border"
                self._add(Severity.ERROR, "hover_outside", message, place, number)

    def _check_leg(
        self,
        number: int,
        a: tuple[float, float],
        b: tuple[float, float],
        up_a: float,
        up_b: float,
    ) -> None:
        line = LineString([a, b]) if a != b else Point(a)
        swept = line.buffer(self._margin_m, quad_segs=4)
        low, high = min(up_a, up_b), max(up_a, up_b)
        if not self._inside(swept) and self._permitted is not None:
            out = swept.difference(self._permitted)
            where = out.representative_point()
            self._add(
                Severity.ERROR,
                "leg_outside",
                f"the way to step {number} leaves the flight zone",
                (where.x, where.y),
                number,
                f"keep {self._margin_m:g} m from the border",
            )
        name = self._closed(swept, high)
        if name:
            message = f"the way to step {number} enters {name}"
            self._add(Severity.ERROR, "leg_excluded", message, b, number, "fly around it")
        for limit in self._room.inclusions:
            if not limit.area.intersects(swept):
                continue
            zone = limit.zone.name or str(limit.zone.zone_id)
            if limit.ceiling_m is not None and high > limit.ceiling_m + _UP_SLACK_M:
                self._add(
                    Severity.ERROR,
                    "above_ceiling",
                    f"step {number} is at {high:.0f} m, {zone} ends at {limit.ceiling_m:.0f} m",
                    b,
                    number,
                    f"fly at {limit.ceiling_m:.0f} m or lower",
                )
            climbing = self._plan.mission.items[number].kind is ItemKind.TAKEOFF
            if limit.floor_m is not None and low < limit.floor_m - _UP_SLACK_M and not climbing:
                message = f"step {number} is at {low:.0f} m, {zone} begins at {limit.floor_m:.0f} m"
                self._add(Severity.ERROR, "below_floor", message, b, number)

    def _check_return(
        self, number: int, place: tuple[float, float], up: float, *, planned: bool
    ) -> None:
        """Checks the column up to the return height and the straight way home from a step."""
        high = max(up, self._return_up_m)
        way = LineString([place, (0.0, 0.0)]) if math.hypot(*place) > 1e-6 else Point(place)
        swept = way.buffer(self._margin_m, quad_segs=4)
        for limit in self._room.inclusions:
            over = limit.ceiling_m is not None and high > limit.ceiling_m + _UP_SLACK_M
            if over and limit.area.intersects(swept) and high > up:
                zone = limit.zone.name or str(limit.zone.zone_id)
                message = f"a return from step {number} climbs to {high:.0f} m in {zone}"
                cure = "set a lower return altitude"
                self._add(Severity.ERROR, "return_above_ceiling", message, place, number, cure)
        if not self._inside(swept) or self._closed(swept, high):
            severity = Severity.ERROR if planned else Severity.WARNING
            code = "return_way_blocked" if planned else "emergency_way_blocked"
            message = f"straight home from step {number} is not free"
            self._add(severity, code, message, place, number)
