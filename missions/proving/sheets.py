"""Sheets of air: what an aircraft may sweep while it is on one part of its way.

The line of a leg, the column of a take-off, or for returns the triangle between a leg and the
place of return, since a return may be ordered anywhere along the leg. Heights run straight along
a leg, as PX4 and ArduPilot fly it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import shapely
from shapely import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from geo.circles import circle_sides

Place: TypeAlias = tuple[float, float]
"""East and north of home in metres."""
DESCEND_UP_M = 10.0
"""Least height of a return near its goal (`RTL_DESCEND_ALT`)."""
_GOAL_SLACK_M = 10.0
"""Two places of return are equally near within this."""
_SPAN_EXACT = 1e-6
"""Parts of a leg are known to so much of it."""


class Part(StrEnum):
    """Which part of a flight a sheet is."""

    TAKEOFF = "takeoff"
    LEG = "leg"
    CORNER = "corner"
    """Behind a corner that is reached too fast to turn there."""
    LOITER = "loiter"
    LANDING = "landing"
    RETURN_CLIMB = "return_climb"
    """Straight up to the return height, anywhere on a leg."""
    RETURN = "return"
    """Straight to the place of return, from anywhere on a leg."""
    RETURN_LANDING = "return_landing"


RETURNS = frozenset({Part.RETURN_CLIMB, Part.RETURN, Part.RETURN_LANDING})
COLUMNS = frozenset({Part.TAKEOFF, Part.LANDING, Part.RETURN_LANDING})
"""Where a floor means nothing: one has to pass below it to take off and land."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One part of a way: between two places, or between those and a goal."""

    part: Part
    item: int
    a: Place
    b: Place
    up_a: float
    up_b: float
    """Heights above home at both."""
    radius_m: float
    """How far beside it the aircraft may be: the acceptance radius and the margin."""
    early_s: float
    late_s: float
    """When it may be there, since departure."""
    goal: Place | None = None
    return_up_m: float = 0.0
    disc_m: float = 0.0
    """Radius of the circle flown about `a`."""
    planned: bool = False
    """A return that the mission itself asks for."""
    under_m: float = 0.0
    """How far below its line in height the aircraft may be."""
    over_m: float = 0.0

    @property
    def shape(self) -> BaseGeometry:
        """Its line, triangle or point, in metres east and north of home."""
        return _shape(self.a, self.b, self.goal, self.disc_m)

    @property
    def band_m(self) -> tuple[float, float]:
        """The lowest and highest that it may be, above home."""
        low = min(self.up_a, self.up_b) - self.under_m
        high = max(self.up_a, self.up_b) + self.over_m
        if self.part is Part.RETURN_CLIMB:
            return low, max(high, self.return_up_m)
        if self.part is Part.RETURN and self.goal is not None:
            near = _distance(self.goal, self.a, self.b)
            # near its goal an autopilot climbs less high: PX4's cone of 45 degrees
            cone = min(self.return_up_m, max(near, DESCEND_UP_M))
            return max(low, cone), max(high, self.return_up_m)
        return low, high

    @property
    def swept_key(self) -> tuple[object, ...]:
        """What decides which room it sweeps, whatever its number and time."""
        return (
            self.part in COLUMNS, self.part is Part.RETURN_CLIMB, self.a, self.b, self.up_a,
            self.up_b, self.radius_m, self.goal, self.return_up_m, self.disc_m, self.under_m,
            self.over_m,
        )  # fmt: skip

    def halves(self) -> tuple["Sheet", ...]:
        """Returns its two halves along the leg, or nothing where it can't be divided."""
        if self.disc_m > 0 or math.dist(self.a, self.b) < 0.5:
            return ()
        middle = ((self.a[0] + self.b[0]) / 2, (self.a[1] + self.b[1]) / 2)
        up = (self.up_a + self.up_b) / 2
        return replace(self, b=middle, up_b=up), replace(self, a=middle, up_a=up)


@lru_cache(maxsize=8_192)
def _shape(a: Place, b: Place, goal: Place | None, disc_m: float) -> BaseGeometry:
    """Returns the shape of a sheet; most of a plan's are those of its variants as well."""
    if disc_m > 0:
        disc = _circle(a, disc_m)
        return disc if goal is None else disc.union(Point(goal)).convex_hull
    if goal is None:
        return Point(a) if a == b else LineString([a, b])
    ab = (b[0] - a[0], b[1] - a[1])
    ag = (goal[0] - a[0], goal[1] - a[1])
    if abs(ab[0] * ag[1] - ab[1] * ag[0]) < 1e-3:
        corners = [a, goal, b]
        return Point(a) if len(set(corners)) == 1 else LineString(corners)
    return Polygon([a, b, goal])


def part_of(sheet: Sheet, start: float, end: float) -> Sheet:
    """Returns the part of a leg between two fractions of it."""
    if start <= 0.0 and end >= 1.0:
        return sheet

    def place(t: float) -> Place:
        return (
            sheet.a[0] + t * (sheet.b[0] - sheet.a[0]),
            sheet.a[1] + t * (sheet.b[1] - sheet.a[1]),
        )

    def up(t: float) -> float:
        return sheet.up_a + t * (sheet.up_b - sheet.up_a)

    return replace(sheet, a=place(start), b=place(end), up_a=up(start), up_b=up(end))


def nearest_span(sheet: Sheet, goal: Place, goals: Sequence[Place]) -> tuple[float, float] | None:
    """Returns on which part of a leg an autopilot may choose a goal as its nearest.

    From nowhere else does it: it may be anywhere beside the leg or on the circle, and takes two
    places that are nearly as far for equally near. The places where another goal is nearer by
    more than a given length are the inside of one branch of a hyperbola, which is convex: of a
    leg they are one stretch, so that its two ends tell which end of the leg is cut off.
    """
    slack = _GOAL_SLACK_M + 2 * (sheet.radius_m + sheet.disc_m)
    start, end = 0.0, 1.0
    for other in goals:
        if other == goal or math.dist(goal, other) <= slack:
            continue
        at_a, at_b = (_nearer(other, goal, place, slack) for place in (sheet.a, sheet.b))
        if at_a and at_b:
            return None
        if at_a:
            start = max(start, _last(sheet.a, sheet.b, other, goal, slack))
        elif at_b:
            end = min(end, 1.0 - _last(sheet.b, sheet.a, other, goal, slack))
    return (start, end) if start <= end else None


def _nearer(one: Place, than: Place, place: Place, slack: float) -> bool:
    """Returns whether a place is nearer to one goal than to another by more than a length."""
    return math.dist(place, than) - math.dist(place, one) > slack


def _last(a: Place, b: Place, one: Place, than: Place, slack: float) -> float:
    """Returns how far from `a` to `b` one goal is nearer at least, if at `a` alone it surely is."""
    low, high = 0.0, 1.0
    while high - low > _SPAN_EXACT:
        middle = (low + high) / 2
        place = (a[0] + middle * (b[0] - a[0]), a[1] + middle * (b[1] - a[1]))
        if _nearer(one, than, place, slack):
            low = middle
        else:
            high = middle
    return low


def _distance(place: Place, a: Place, b: Place) -> float:
    """Returns the distance of a place from a line."""
    along = (b[0] - a[0], b[1] - a[1])
    length2 = along[0] ** 2 + along[1] ** 2
    if length2 <= 0:
        return math.dist(place, a)
    t = ((place[0] - a[0]) * along[0] + (place[1] - a[1]) * along[1]) / length2
    t = min(1.0, max(0.0, t))
    return math.dist(place, (a[0] + t * along[0], a[1] + t * along[1]))


def _circle(centre: Place, radius_m: float) -> Polygon:
    """Returns a polygon about a circle: its sides touch it, so that nothing is missed."""
    sides = circle_sides(radius_m)
    out = radius_m / math.cos(math.pi / sides)
    turns = [2 * math.pi * k / sides for k in range(sides)]
    return Polygon([(centre[0] + out * math.cos(t), centre[1] + out * math.sin(t)) for t in turns])


def bounds_of(sheets: Sequence[Sheet]) -> tuple[float, float, float, float]:
    """Returns west, south, east and north of all sheets, their radius included."""
    if not sheets:
        return (-1.0, -1.0, 1.0, 1.0)
    west, south, east, north = shapely.total_bounds(np.array([s.shape for s in sheets]))
    wide = max(sheet.radius_m for sheet in sheets)
    return float(west - wide), float(south - wide), float(east + wide), float(north + wide)
