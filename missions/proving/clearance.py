"""Holds sheets of air against flight zones: exact distances, heights and time windows.

A border that is only touched is not crossed: breaches of less than 1 cm, sideways or up and
down, are none (coordinates carry 7 decimals at best, which is 1 cm). Cheap tests come first:
an index of boxes, then heights, then times, then exact distances.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point, STRtree, union_all
from shapely.geometry.base import BaseGeometry

from core.recurrence import Recurrence
from geo.flight_room import FlightRoom, Limit
from geo.ground_grid import GroundGrid
from geo.positions import Datum
from geo.zones import Zone
from missions.proving.sheets import COLUMNS, Part, Place, Sheet

TOLERANCE_M = 0.01
"""A breach by less is none."""
_FLAT_M = 0.2
"""A sheet whose heights differ by less is not divided further."""
_DEEPEST = 12
_CIRCLE_CORNERS = 8


@dataclass(frozen=True, slots=True)
class Meeting:
    """A sheet that meets a zone in which it must not be."""

    sheet: Sheet
    limit: Limit


@dataclass(frozen=True, slots=True)
class Passages:
    """How sheets pass the exclusions."""

    meetings: tuple[Meeting, ...]
    over_or_under: tuple[Meeting, ...]
    """Those that pass clear of a zone only by height."""


class Calendar:
    """When zones are in force, in seconds since departure; always, where that is not known."""

    def __init__(self, departs_at: datetime | None) -> None:
        """Takes the departure."""
        self._departs_at = departs_at
        self._spans: dict[object, tuple[tuple[float, float], ...]] = {}
        self._shared: dict[object, tuple[tuple[float, float], ...]] = {}

    def matters(self, zones: Iterable[Zone]) -> bool:
        """Returns whether any of these zones has windows."""
        return any(zone.windows for zone in zones)

    def touches(self, zone: Zone, early_s: float, late_s: float) -> bool:
        """Returns whether a zone may be in force at an instant of a stretch of time."""
        if not zone.windows or self._departs_at is None:
            return True
        return any(a < late_s and b > early_s for a, b in self._of(zone, late_s))

    def covers(self, zone: Zone, early_s: float, late_s: float) -> bool:
        """Returns whether a zone is in force all through a stretch of time."""
        if not zone.windows or self._departs_at is None:
            return True
        until = early_s
        for a, b in self._of(zone, late_s):
            if a <= until < b:
                until = b
        return until >= late_s

    def ends_s(self, zone: Zone, early_s: float, late_s: float) -> float | None:
        """Returns when the window that is met first is over."""
        if not zone.windows or self._departs_at is None:
            return None
        spans = [b for a, b in self._of(zone, late_s) if a < late_s and b > early_s]
        return max(spans, default=None)

    def _of(self, zone: Zone, late_s: float) -> tuple[tuple[float, float], ...]:
        horizon_s = 86_400.0 * max(1, math.ceil((late_s + 1.0) / 86_400.0))
        key = (id(zone), horizon_s)
        if key not in self._spans:
            self._spans[key] = self._spans_of(zone.windows, horizon_s)
        return self._spans[key]

    def _spans_of(
        self, windows: tuple[Recurrence, ...], horizon_s: float
    ) -> tuple[tuple[float, float], ...]:
        """Returns when windows hold; many zones share theirs."""
        key = (windows, horizon_s)
        if key not in self._shared:
            assert self._departs_at is not None  # asked before
            start = self._departs_at - timedelta(hours=1)
            end = self._departs_at + timedelta(seconds=horizon_s)
            spans = [
                ((s.start - self._departs_at).total_seconds(),
                 (s.end - self._departs_at).total_seconds())
                for window in windows
                for s in window.spans(start, end)
            ]  # fmt: skip
            self._shared[key] = tuple(sorted(spans))
        return self._shared[key]


class Clearance:
    """The zones around one home, ready to be asked about many sheets."""

    def __init__(
        self, room: FlightRoom, calendar: Calendar, ground: GroundGrid | None = None
    ) -> None:
        """Prepares the zones.

        Args:
            room: the zones.
            calendar: when they are in force.
            ground: for limits above uneven ground; without it the ground is level.
        """
        self.room, self.calendar, self._ground = room, calendar, ground
        self.exclusions = tuple(limit for limit in room.limits if not limit.inclusion)
        self.inclusions = room.inclusions
        self._tree = _tree(self.exclusions)
        self._inner = _tree(self.inclusions)
        self._low, self._high = self._bands(self.exclusions)
        self._unions: dict[frozenset[int], tuple[BaseGeometry, BaseGeometry]] = {}
        self._known: dict[tuple[object, ...], tuple[tuple[int, bool], ...]] = {}
        self._timed = calendar.matters(limit.zone for limit in room.limits)

    @cached_property
    def corners(self) -> int:
        """How many corners the fence has; a circle counts 8, as PX4 has it."""
        drawn = [one.area for one in self.room.limits if one.zone.circle is None]
        return _corners(drawn) + _CIRCLE_CORNERS * (len(self.room.limits) - len(drawn))

    def passages(self, sheets: Sequence[Sheet]) -> Passages:
        """Returns which sheets enter exclusions, and which pass over or under them."""
        keys = [self._key(sheet) for sheet in sheets]
        new = {
            key: sheet for key, sheet in zip(keys, sheets, strict=True) if key not in self._known
        }
        self._known.update(self._met(list(new), list(new.values())))
        met: list[Meeting] = []
        passed: list[Meeting] = []
        for key, sheet in zip(keys, sheets, strict=True):
            for number, inside in self._known[key]:
                (met if inside else passed).append(Meeting(sheet, self.exclusions[number]))
        return Passages(tuple(met), tuple(passed))

    def outside(self, sheets: Sequence[Sheet]) -> tuple[Sheet, ...]:
        """Returns the sheets that leave what the inclusions permit together."""
        if not self.inclusions or not sheets:
            return ()
        groups: dict[frozenset[int], list[Sheet]] = {}
        for sheet in sheets:
            groups.setdefault(self._in_force(sheet), []).append(sheet)
        out: list[Sheet] = []
        for numbers, members in groups.items():
            area, border = self._union(numbers)
            out += [s for s, free in zip(members, within(area, border, members), strict=True)
                    if not free]  # fmt: skip
        order = {id(sheet): n for n, sheet in enumerate(sheets)}
        return tuple(sorted(out, key=lambda sheet: order[id(sheet)]))

    def permitted(self, sheet: Sheet) -> BaseGeometry:
        """Returns the union of the inclusions in force while a sheet is flown."""
        return self._union(self._in_force(sheet))[0]

    def wrong_heights(self, sheets: Sequence[Sheet]) -> tuple[tuple[Sheet, Limit, bool], ...]:
        """Returns sheets above the ceiling (true) or below the floor (false) of inclusions."""
        limited = [not limit.everywhere for limit in self.inclusions]
        if not any(limited) or not sheets:
            return ()
        found = []
        for sheet_number, number in self._pairs(self._inner, sheets):
            sheet, limit = sheets[sheet_number], self.inclusions[number]
            if limit.everywhere or limit.unknown:
                continue
            if not self.calendar.touches(limit.zone, sheet.early_s, sheet.late_s):
                continue
            if self._beyond(sheet, limit, above=True):
                found.append((sheet, limit, True))
            if sheet.part not in COLUMNS and self._beyond(sheet, limit, above=False):
                found.append((sheet, limit, False))
        return tuple(found)

    def limits_over(self, limit: Limit, sheet: Sheet) -> tuple[float, float]:
        """Returns floor and ceiling of a zone over a sheet, above home, on the safe side."""
        low = -math.inf if limit.floor_m is None else limit.floor_m
        high = math.inf if limit.ceiling_m is None else limit.ceiling_m
        if self._ground is None or not limit.over_ground:
            return low, high
        west, south, east, north = sheet.shape.bounds
        zone_w, zone_s, zone_e, zone_n = limit.area.bounds
        wide = sheet.radius_m
        span = self._ground.span_m(
            (max(west - wide, zone_w), max(south - wide, zone_s),
             min(east + wide, zone_e), min(north + wide, zone_n))
        )  # fmt: skip
        lowest, highest = span
        from_ground = [
            one is not None and one.datum is Datum.GROUND
            for one in (limit.zone.floor, limit.zone.ceiling)
        ]
        if from_ground[0] and limit.zone.floor is not None:
            low = limit.zone.floor.metres + (highest if limit.inclusion else lowest)
        if from_ground[1] and limit.zone.ceiling is not None:
            high = limit.zone.ceiling.metres + (lowest if limit.inclusion else highest)
        return low, high

    def _key(self, sheet: Sheet) -> tuple[object, ...]:
        times = (sheet.early_s, sheet.late_s) if self._timed else ()
        return (*sheet.swept_key, *times)

    def _bands(self, limits: Sequence[Limit]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns floors and ceilings for a first look; open where only the place tells."""
        low, high = np.full(len(limits), -np.inf), np.full(len(limits), np.inf)
        for number, limit in enumerate(limits):
            if limit.over_ground and self._ground is not None:
                continue
            low[number] = -np.inf if limit.floor_m is None else limit.floor_m
            high[number] = np.inf if limit.ceiling_m is None else limit.ceiling_m
        return low, high

    def _pairs(self, tree: STRtree | None, sheets: Sequence[Sheet]) -> list[tuple[int, int]]:
        """Returns numbers of sheets and zones that come nearer than the sheet's radius."""
        if tree is None or not sheets:
            return []
        shapes = np.array([sheet.shape for sheet in sheets], dtype=object)
        radii = np.array([sheet.radius_m - TOLERANCE_M for sheet in sheets])
        pairs = tree.query(shapes, predicate="dwithin", distance=radii)
        return sorted(zip(pairs[0].tolist(), pairs[1].tolist(), strict=True))

    def _met(
        self, keys: Sequence[tuple[object, ...]], sheets: Sequence[Sheet]
    ) -> Mapping[tuple[object, ...], tuple[tuple[int, bool], ...]]:
        found: dict[tuple[object, ...], list[tuple[int, bool]]] = {key: [] for key in keys}
        bands = [sheet.band_m for sheet in sheets]
        for sheet_number, number in self._pairs(self._tree, sheets):
            low, high = bands[sheet_number]
            sheet, limit = sheets[sheet_number], self.exclusions[number]
            if not self.calendar.touches(limit.zone, sheet.early_s, sheet.late_s):
                continue
            apart = high <= self._low[number] + TOLERANCE_M or (
                low >= self._high[number] - TOLERANCE_M
            )
            inside = not apart and (limit.everywhere or self._enters(sheet, limit))
            found[keys[sheet_number]].append((number, inside))
        return {key: tuple(value) for key, value in found.items()}

    def _enters(self, sheet: Sheet, limit: Limit, deep: int = 0) -> bool:
        """Returns whether a sheet near a zone is between its floor and ceiling there."""
        low, high = sheet.band_m
        floor, ceiling = self.limits_over(limit, sheet)
        if high <= floor + TOLERANCE_M or low >= ceiling - TOLERANCE_M:
            return False
        uneven = limit.over_ground and self._ground is not None
        if low > floor and high < ceiling and not uneven:
            return True
        halves = sheet.halves() if deep < _DEEPEST else ()
        if not halves or (high - low < _FLAT_M and not uneven):
            return True
        return any(
            bool(shapely.dwithin(half.shape, limit.area, half.radius_m - TOLERANCE_M))
            and self._enters(half, limit, deep + 1)
            for half in halves
        )

    def _beyond(self, sheet: Sheet, limit: Limit, *, above: bool, deep: int = 0) -> bool:
        """Returns whether a sheet near an inclusion is above its ceiling or below its floor."""
        low, high = sheet.band_m
        floor, ceiling = self.limits_over(limit, sheet)
        if (above and high <= ceiling + TOLERANCE_M) or (not above and low >= floor - TOLERANCE_M):
            return False
        uneven = limit.over_ground and self._ground is not None
        if not uneven and ((above and low > ceiling) or (not above and high < floor)):
            return True
        halves = sheet.halves() if deep < _DEEPEST else ()
        if not halves or (high - low < _FLAT_M and not uneven):
            return True
        return any(
            bool(shapely.dwithin(half.shape, limit.area, half.radius_m - TOLERANCE_M))
            and self._beyond(half, limit, above=above, deep=deep + 1)
            for half in halves
        )

    def _in_force(self, sheet: Sheet) -> frozenset[int]:
        return frozenset(
            number
            for number, limit in enumerate(self.inclusions)
            if self.calendar.covers(limit.zone, sheet.early_s, sheet.late_s)
        )

    def _union(self, numbers: frozenset[int]) -> tuple[BaseGeometry, BaseGeometry]:
        if numbers not in self._unions:
            area = union_all([self.inclusions[number].area for number in numbers])
            shapely.prepare(area)
            border = area.boundary if numbers else LineString()
            shapely.prepare(border)
            self._unions[numbers] = (area, border)
        return self._unions[numbers]


def within(area: BaseGeometry, border: BaseGeometry, sheets: Sequence[Sheet]) -> NDArray[np.bool_]:
    """Returns for each sheet whether it lies in an area with its radius to spare."""
    shapes = np.array([sheet.shape for sheet in sheets], dtype=object)
    radii = np.array([sheet.radius_m - TOLERANCE_M for sheet in sheets])
    starts = shapely.points(np.array([sheet.a for sheet in sheets]))
    near = shapely.dwithin(border, shapes, radii)  # type: ignore[call-overload]
    inside: NDArray[np.bool_] = shapely.intersects(area, starts) & ~near
    return inside


def first_breach(sheet: Sheet, area: BaseGeometry, *, outside: bool) -> Place:
    """Returns where a sheet first comes into an area, or first leaves it."""
    if sheet.a == sheet.b or sheet.disc_m > 0:
        near = sheet.shape.difference(area) if outside else sheet.shape.intersection(area)
        point = near.representative_point() if not near.is_empty else Point(sheet.a)
        return (float(point.x), float(point.y))
    line = LineString([sheet.a, sheet.b])
    wide = sheet.radius_m
    around = _widened(area, -wide if outside else wide)
    bad = line.difference(around) if outside else line.intersection(around)
    if bad.is_empty:
        return sheet.b
    nearest = min(
        (float(line.project(Point(x, y))) for x, y in shapely.get_coordinates(bad)), default=0.0
    )
    point = line.interpolate(nearest)
    return (float(point.x), float(point.y))


@lru_cache(maxsize=1_024)
def _widened(area: BaseGeometry, by_m: float) -> BaseGeometry:
    """Returns an area with so much around it; many legs meet the same zone."""
    return area.buffer(by_m)


def shadow(sheet: Sheet, area: BaseGeometry) -> tuple[float, float]:
    """Returns on which part of its leg, 0 to 1, a return to its goal meets an area."""
    goal, a, b = sheet.goal, sheet.a, sheet.b
    if goal is None or sheet.part is not Part.RETURN or sheet.disc_m > 0 or a == b:
        return (0.0, 1.0)
    met = sheet.shape.intersection(_widened(area, sheet.radius_m))
    ab = (b[0] - a[0], b[1] - a[1])
    ga = (a[0] - goal[0], a[1] - goal[1])
    shares = []
    for x, y in shapely.get_coordinates(met):
        q = (x - goal[0], y - goal[1])
        below = q[0] * ab[1] - q[1] * ab[0]
        if abs(below) < 1e-9:
            return (0.0, 1.0)
        shares.append(min(1.0, max(0.0, (ga[0] * q[1] - ga[1] * q[0]) / below)))
    return (min(shares), max(shares)) if shares else (0.0, 1.0)


def _corners(areas: Sequence[BaseGeometry]) -> int:
    """Returns how many corners areas have together; the last one of a ring is its first again."""
    parts = shapely.get_parts(np.array(areas, dtype=object))
    rings = len(parts) + int(shapely.get_num_interior_rings(parts).sum())
    return int(shapely.get_num_coordinates(parts).sum()) - rings


def _tree(limits: Sequence[Limit]) -> STRtree | None:
    return STRtree([limit.area for limit in limits]) if limits else None
