"""What is needed to think of cures: free room about a place, shadows, tangents, words."""

import math
from collections.abc import Sequence
from dataclasses import replace

from shapely import Point, affinity, box, get_coordinates, union_all
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

from geo.flight_room import Limit
from missions.circumstances import Circumstances
from missions.model import Finding, MissionItem, Plan
from missions.permissions import Permission
from missions.proving.clearance import Clearance
from missions.proving.flight_path import FlightPath, Step
from missions.proving.prover import Prover
from missions.proving.sheets import Place

_REACH_M = 400.0
_HAIR_M = 0.06
"""Kept beyond the radius, so that rounding a place to 7 decimals breaks nothing."""
_WIDEST_DETOUR = math.radians(165.0)
_WINDS = (
    "north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west",
)  # fmt: skip


Memo = dict[tuple[str, str, int, float, bool], float | None]
"""Heights that were found, by the finding's code and zone, the first step, the bound, and
whether that step alone changes."""


class Bench:
    """One finding with what is needed to think of changes."""

    def __init__(
        self,
        prover: Prover,
        plan: Plan,
        circumstances: Circumstances,
        finding: Finding,
        memo: Memo | None = None,
    ) -> None:
        """Takes a finding.

        Args:
            prover: of the plan.
            plan: what was checked.
            circumstances: against which.
            finding: about it.
            memo: heights that were searched for other findings about the same plan.
        """
        self.memo: Memo = {} if memo is None else memo
        self.plan, self.circumstances, self.finding = plan, circumstances, finding
        self.prover = prover
        self.path: FlightPath = prover.path(plan, circumstances)
        self.sources: tuple[Clearance, ...] = prover.clearances(circumstances)
        self.clearance: Clearance = self.sources[0]
        """All exclusions, and the inclusions of the first source."""
        self.item = finding.item if finding.item is not None else -1
        self.keep_m = 1.01 * self.path.radius_m + _HAIR_M
        """How far from borders the way is kept."""

    def goal_keeps_m(self) -> tuple[float, ...]:
        """Returns distances from borders to try for a place of return, the smallest first.

        The last leg home of a fast aircraft is wider than its way there; where only the column
        over a rally point fits, the point's returns would be blocked.
        """
        widest = max((sheet.radius_m for sheet in self.path.returns), default=0.0)
        wide_m = 1.01 * widest + _HAIR_M
        return (self.keep_m, wide_m) if wide_m > self.keep_m else (self.keep_m,)

    def step(self, number: int) -> Step | None:
        """Returns the placed step of a number."""
        return next((one for one in self.path.steps if one.number == number), None)

    def before(self) -> Step | None:
        """Returns the placed step before the finding's."""
        earlier = [one for one in self.path.steps if one.number < self.item]
        return earlier[-1] if earlier else None

    def part(self, items: Sequence[MissionItem], first: int, end: int) -> Plan:
        """Returns a plan of some of a mission's items alone, at the speed that holds there."""
        mission = replace(self.plan.mission, items=at_speed(items, first, tuple(items[first:end])))
        return replace(self.plan, mission=mission, expected_s=0.0)

    def limit(self) -> Limit | None:
        """Returns the zone that the finding is about."""
        return next(
            (
                one
                for source in self.sources
                for one in source.room.limits
                if one.zone.zone_id == self.finding.about
            ),
            None,
        )

    def permission(self) -> Permission | None:
        """Returns the permission that the finding is about."""
        known = self.circumstances.permissions or ()
        return next((one for one in known if one.number == self.finding.about), None)

    def geo(self, place: Place) -> tuple[float, float]:
        """Returns latitude and longitude with the 7 decimals that autopilots carry."""
        lat, lon = self.path.frame.to_geo1_deg(*place)
        return round(lat, 7), round(lon, 7)

    def free(self, around: Place, low_m: float, high_m: float, keep_m: float) -> BaseGeometry:
        """Returns where one may be near a place between two heights, borders kept off."""
        x, y = around
        free: BaseGeometry = box(x - _REACH_M, y - _REACH_M, x + _REACH_M, y + _REACH_M)
        near = free.buffer(keep_m)
        for source in self.sources:
            if not source.inclusions:
                continue
            permitted = union_all([one.area for one in source.inclusions])
            free = permitted.intersection(near).buffer(-keep_m).intersection(free)
        closed = [
            one.area.buffer(keep_m)
            for one in self.clearance.exclusions
            if meets(one, low_m, high_m) and one.area.intersects(near)
        ]
        return free.difference(union_all(closed)) if closed else free

    def blocking(self) -> list[Limit]:
        """Returns the exclusions that returns of the finding's leg meet."""
        met = self.clearance.passages([s for s in self.path.returns if s.item == self.item])
        found: dict[str, Limit] = {}
        for meeting in met.meetings:
            found.setdefault(str(meeting.limit.zone.zone_id), meeting.limit)
        return list(found.values())


def at_speed(
    items: Sequence[MissionItem], first: int, part: tuple[MissionItem, ...]
) -> tuple[MissionItem, ...]:
    """Returns a part of a mission that begins at the speed which holds there."""
    speeds = [item.speed_m_s for item in items[:first] if item.speed_m_s is not None]
    if not speeds or not part or part[0].speed_m_s is not None:
        return part
    return (replace(part[0], speed_m_s=speeds[-1]), *part[1:])


def meets(limit: Limit, low_m: float, high_m: float) -> bool:
    """Returns whether a zone holds somewhere between two heights."""
    floor = -math.inf if limit.floor_m is None else limit.floor_m
    ceiling = math.inf if limit.ceiling_m is None else limit.ceiling_m
    return low_m < ceiling and high_m > floor


def nearest_in(free: BaseGeometry, place: Place) -> Place | None:
    """Returns the place of an area that is nearest to a place."""
    if free.is_empty:
        return None
    point = nearest_points(free, Point(place))[0]
    return (float(point.x), float(point.y))


def shadow_behind(area: BaseGeometry, goal: Place) -> BaseGeometry | None:
    """Returns what can't be seen of a goal behind an area, the area included."""
    hull = area.convex_hull
    nearest = hull.distance(Point(goal))
    if nearest < 1e-3:
        return None
    times = 1.0 + 3 * _REACH_M / nearest + 20.0
    beyond = affinity.scale(hull, times, times, origin=goal)
    return union_all([hull, beyond]).convex_hull


def tangents_meet(a: Place, b: Place, hull: BaseGeometry, side: float) -> Place | None:
    """Returns where the tangents of a hull from both ends of a leg meet, on one side."""
    length = math.dist(a, b)
    along = math.atan2(b[1] - a[1], b[0] - a[0])
    at_a, at_b = 0.0, 0.0
    for x, y in get_coordinates(hull):
        from_a = math.remainder(math.atan2(y - a[1], x - a[0]) - along, 2 * math.pi)
        from_b = math.remainder(math.atan2(y - b[1], x - b[0]) - along - math.pi, 2 * math.pi)
        at_a, at_b = max(at_a, side * from_a), max(at_b, -side * from_b)
    if at_a <= 0 or at_b <= 0 or at_a + at_b >= _WIDEST_DETOUR:
        return None
    reach = length * math.sin(at_b) / math.sin(at_a + at_b)
    angle = along + side * at_a
    return (a[0] + reach * math.cos(angle), a[1] + reach * math.sin(angle))


def far(metres: float) -> str:
    """Returns a distance as people say it."""
    return f"{metres:.1f} m" if metres < 10 else f"{metres:.0f} m"


def wind(start: Place, end: Place) -> str:
    """Returns the wind rose's word for a direction."""
    angle = math.degrees(math.atan2(end[0] - start[0], end[1] - start[1])) % 360.0
    return _WINDS[round(angle / 45.0) % 8]
