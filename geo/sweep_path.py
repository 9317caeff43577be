"""Area coverage: a short path from which a strip of given width sees a whole area.

    area, permitted ──► parts ──► each: best lanes of many directions (sweep_lanes)
                                  ► their order, with ways that stay inside (sweep_order, _ways)
                                  ► shorter at the same view (sweep_polish)

All of it is pure and in metres; the same input gives the same path. The path never leaves
what is permitted: it is planned a hair inside, every stretch is tested, and the whole is
measured against the border before it is given out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import shapely
from shapely import LineString, MultiLineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from geo.coverage import Place
from geo.sweep_drafts import Wish
from geo.sweep_part import MOST_PLACES, part_path
from geo.sweep_strips import common_area_m2, strip_of, strip_of_parts, without
from geo.sweep_time import Pace, turns_of
from geo.zones import Area

_HAIR_M = 0.02
"""The path keeps this far inside; rounding and another projection's curves stay below it."""
_HAIR_OF_WIDTH = 1e-3
SEEN_GOAL = 0.996
"""The usual share that is to be seen: what is missing lies in specks at the border."""
_SIMPLER = 0.01
"""Of a border, in swaths, where it has more corners than a search can use."""
_MANY_CORNERS = 250
_SPECKS = 0.05
"""Of a part: where no more of it is unseen, and of the whole enough is seen, it has no path."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A path over an area."""

    parts: tuple[tuple[Place, ...], ...]
    """One line for every part of what is permitted that is not connected with the others."""
    transits: tuple[tuple[Place, ...], ...]
    """Straight links between the parts; not checked against any border."""
    turns: int
    length_m: float
    """Of the parts, without transits."""
    covered_fraction: float
    """Share of the area within half a swath of the path, its ends flat."""
    outside_m: float
    """Length of the path outside what is permitted."""
    flight_s: float
    """Time along parts and transits with turns and wind, without take-off and landing."""


def cover(
    area: Area,
    swath_m: float,
    *,
    permitted: Area | None = None,
    start: Place | None = None,
    angle_deg: float | None = None,
    pace: Pace | None = None,
    seen_goal: float = SEEN_GOAL,
) -> Sweep:
    """Returns a path that covers an area; metres east and north.

    Args:
        area: what is to be seen.
        swath_m: width of what is seen from the path.
        permitted: where the path may lie; `None` means in `area` itself.
        start: where one comes from; the path begins near it.
        angle_deg: direction of the lanes, counter-clockwise from east; `None` chooses it.
        pace: speed, cost of turns and wind; the default is a calm day.
        seen_goal: share of the area to see at least; more costs a longer path.

    Raises:
        ValueError: if `swath_m` is not positive, an area is not valid, or `seen_goal` is no
            share below 1.
    """
    if not 0 <= seen_goal < 1:
        raise ValueError(f"a share to see lies below 1, not at {seen_goal}")
    if not (swath_m > 0 and math.isfinite(swath_m)):
        raise ValueError(f"a sweep needs a positive swath, not {swath_m}")
    room = area if permitted is None else permitted
    if not (area.is_valid and room.is_valid):
        raise ValueError("a sweep needs valid areas")
    pace = pace or Pace()
    origin = room.centroid if not room.is_empty else Point(0, 0)
    ox, oy = round(origin.x), round(origin.y)
    near = shapely.transform(room, lambda xy: xy - (ox, oy))
    wanted = shapely.transform(area, lambda xy: xy - (ox, oy))
    here = None if start is None else (start[0] - ox, start[1] - oy)
    asked = _Asked(swath_m, here, angle_deg, pace, seen_goal)
    paths = _parts(near, wanted, asked)
    ordered = _in_turn(paths, here)
    parts = tuple(tuple((x + ox, y + oy) for x, y in path) for path in ordered)
    transits = tuple((a[-1], b[0]) for a, b in pairwise(parts))
    whole = [place for path in parts for place in path]
    return Sweep(
        parts=parts,
        transits=transits,
        turns=sum(turns_of(path) for path in parts),
        length_m=_line(parts).length,
        covered_fraction=covered_fraction(parts, swath_m, area),
        outside_m=outside_m(parts, room),
        flight_s=pace.flight_s(whole),
    )


def covered_fraction(parts: Sequence[Sequence[Place]], swath_m: float, area: Area) -> float:
    """Returns the share of an area within half a swath of lines with flat ends."""
    if area.is_empty or not area.area:
        return 0.0
    return min(1.0, common_area_m2(strip_of_parts(parts, swath_m), area) / area.area)


def outside_m(parts: Sequence[Sequence[Place]], permitted: Area) -> float:
    """Returns the length of lines outside an area."""
    line = _line(parts)
    if permitted.covers(line):
        return 0.0
    return float(line.difference(permitted).length)


def _line(parts: Sequence[Sequence[Place]]) -> MultiLineString:
    return MultiLineString([part for part in parts if len(part) > 1])


@dataclass(frozen=True, slots=True)
class _Asked:
    swath_m: float
    start: Place | None
    angle_deg: float | None
    pace: Pace
    seen_goal: float


def _parts(permitted: Area, area: Area, asked: _Asked) -> list[tuple[Place, ...]]:
    swath_m = asked.swath_m
    rooms = sorted(_polygons(permitted), key=lambda part: (-part.area, part.bounds))
    left: BaseGeometry = area
    paths: list[tuple[Place, ...]] = []
    for polygon in rooms:
        for room, hair in _rooms(polygon, swath_m):
            if paths and _seen_from_others(room, left, area, asked):
                continue
            reach = swath_m / 2 * 1.001
            need = left.intersection(room.buffer(reach, quad_segs=8))
            need = shapely.union_all(_polygons(need))
            if need.area < 1e-4 * min(room.area, swath_m**2):
                continue  # seen from elsewhere already
            wish = Wish(swath_m, asked.pace, asked.angle_deg, asked.start, asked.seen_goal, hair)
            # parts come in order of size: in the smaller ones there is less to gain
            path = part_path(room, need, wish, MOST_PLACES // (len(paths) + 1))
            if len(path) < 2 or not permitted.covers(LineString(path)):
                continue
            paths.append(path)
            if len(rooms) > 1 or left is not area:
                left = without(left, strip_of(path, swath_m))
    return paths


def _seen_from_others(room: Polygon, left: BaseGeometry, area: Area, asked: _Asked) -> bool:
    """Returns whether so much is seen without a path in a room that it needs none."""
    goal = max(asked.seen_goal, SEEN_GOAL)
    if left.area > (1 - goal) * area.area:
        return False
    return bool(common_area_m2(left, room) <= _SPECKS * room.area)


def _rooms(polygon: Polygon, swath_m: float) -> list[tuple[Polygon, float]]:
    """Returns a polygon shrunk by a hair, in connected parts, with that hair."""
    thick = 2 * polygon.area / max(polygon.length, 1e-12)
    hair = min(_HAIR_M, _HAIR_OF_WIDTH * thick, _HAIR_OF_WIDTH * swath_m)
    inside: BaseGeometry = polygon.buffer(-hair, join_style="mitre")
    if shapely.get_num_coordinates(inside) > _MANY_CORNERS:
        tolerance = _SIMPLER * swath_m
        simpler = polygon.buffer(-hair - tolerance, join_style="mitre").simplify(tolerance)
        if simpler.area > 0.9 * inside.area and polygon.buffer(-hair / 2).covers(simpler):
            inside = simpler
    return [(part, hair) for part in _polygons(inside)]


def _polygons(shape: BaseGeometry) -> list[Polygon]:
    return [
        part
        for part in shapely.get_parts(shapely.get_parts(shape))
        if isinstance(part, Polygon) and part.area > 0
    ]


def _in_turn(paths: Sequence[tuple[Place, ...]], start: Place | None) -> list[tuple[Place, ...]]:
    """Returns paths one after the other, each entered at its nearer end."""
    left, ordered = list(paths), []
    here = start
    while left:
        if here is None:
            choice = (0.0, 0, False)
        else:
            at = here
            choice = min(
                (math.dist(at, path[-1 if flip else 0]), n, flip)
                for n, path in enumerate(left)
                for flip in (False, True)
            )
        path = left.pop(choice[1])
        ordered.append(path[::-1] if choice[2] else path)
        here = ordered[-1][-1]
    return ordered
