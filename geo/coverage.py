"""Lanes over an area and corridors along a line: pure geometry in a local metric frame.

Lanes are the parallel lines of a boustrophedon ("as the ox ploughs"). An area with bays or
holes falls into cells, each ploughed by itself; the sweep direction is the one with the
fewest turns. Coordinates are metres east and north (`geo.zones.Zone.to_local`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from shapely import LineString, Polygon, affinity, box
from shapely.geometry.base import BaseGeometry

from geo.zones import Area

Place: TypeAlias = tuple[float, float]
"""East and north in metres."""

_SHORTEST_LANE_M = 1.0
_ANGLES_TRIED = 18


@dataclass(frozen=True, slots=True)
class Lane:
    """One straight line to be covered from start to end."""

    start: Place
    end: Place
    cell: int
    """Lanes of one cell are neighbours; a way between cells may need a detour."""

    @property
    def length_m(self) -> float:
        """Distance from start to end."""
        return math.dist(self.start, self.end)

    def reversed(self) -> "Lane":
        """Returns the lane the other way round."""
        return Lane(self.end, self.start, self.cell)


def lanes(
    area: Area,
    spacing_m: float,
    *,
    angle_deg: float | None = None,
    inside: Area | None = None,
    start: Place | None = None,
) -> tuple[Lane, ...]:
    """Returns lanes that sweep an area, in the order and direction to go along them.

    Every place of the area is at most half a spacing from the line of a lane, save tips that
    are cut off by `inside`.

    Args:
        area: what to cover; metres.
        spacing_m: greatest distance between neighbouring lanes.
        angle_deg: direction of the lanes, counter-clockwise from east; `None` picks the one
            with the fewest turns.
        inside: where lanes may lie; `None` means within `area` itself.
        start: where one comes from; the nearest cell is taken first.

    Raises:
        ValueError: if `spacing_m` is not positive.
    """
    if not spacing_m > 0:
        raise ValueError(f"lanes need a positive spacing, not {spacing_m}")
    if area.is_empty:
        return ()
    if angle_deg is None:
        angle_deg = sweep_angle_deg(area, spacing_m)
    limit = area if inside is None else inside
    turned = affinity.rotate(area, -angle_deg, origin=(0.0, 0.0))
    turned_limit = affinity.rotate(limit, -angle_deg, origin=(0.0, 0.0))
    cells = _cells(turned, turned_limit, spacing_m)
    here = _turned(start, -angle_deg) if start is not None else None
    ordered = _ordered(cells, here)
    return tuple(
        Lane(_turned(a, angle_deg), _turned(b, angle_deg), number) for number, a, b in ordered
    )


def sweep_angle_deg(area: Area, spacing_m: float) -> float:
    """Returns the direction, 0 to 180 from east, in which an area needs the fewest lanes.

    Tried are the directions of the hull's edges and some in between; of equal ones the
    first with the shortest total way is taken.
    """
    hull = area.convex_hull
    corners = list(hull.exterior.coords) if isinstance(hull, Polygon) else []
    angles = {
        round(math.degrees(math.atan2(by - ay, bx - ax)) % 180.0, 6)
        for (ax, ay), (bx, by) in pairwise(corners)
        if math.hypot(bx - ax, by - ay) > 1e-6
    }
    if len(angles) > 24:  # a round hull: no edge means anything
        angles = set()
    angles |= {180.0 * k / _ANGLES_TRIED for k in range(_ANGLES_TRIED)}

    def cost(angle: float) -> tuple[int, float, float]:
        turned = affinity.rotate(area, -angle, origin=(0.0, 0.0))
        cells = _cells(turned, turned, spacing_m)
        count = sum(len(cell) for cell in cells)
        way = sum(b[0] - a[0] for cell in cells for a, b in cell)
        return count, round(way, 3), angle

    return min(angles, key=cost)


def corridor(line: Sequence[Place], width_m: float) -> Area:
    """Returns the strip of a width along a line, with square ends.

    Raises:
        ValueError: if the line has fewer than two places or the width is not positive.
    """
    if len(line) < 2 or not width_m > 0:
        raise ValueError("a corridor needs two places and a positive width")
    strip: Area = LineString(line).buffer(width_m / 2, cap_style="square", join_style="mitre")
    return strip


def _turned(place: Place, angle_deg: float) -> Place:
    a = math.radians(angle_deg)
    x, y = place
    return x * math.cos(a) - y * math.sin(a), x * math.sin(a) + y * math.cos(a)


def _parts(shape: BaseGeometry) -> list[Polygon]:
    if isinstance(shape, Polygon):
        return [] if shape.is_empty else [shape]
    pieces = getattr(shape, "geoms", [])
    return [p for piece in pieces for p in _parts(piece)]


def _lines(shape: BaseGeometry) -> list[LineString]:
    if isinstance(shape, LineString):
        return [] if shape.is_empty else [shape]
    pieces = getattr(shape, "geoms", [])
    return [p for piece in pieces for p in _lines(piece)]


_Segment: TypeAlias = tuple[Place, Place]


def _cells(area: Area, inside: Area, spacing_m: float) -> list[list[_Segment]]:
    """Returns horizontal segments, left to right, grouped into cells, bottom up."""
    west, south, east, north = area.bounds
    count = max(1, math.ceil((north - south) / spacing_m - 1e-9))
    height = (north - south) / count
    cells: list[list[_Segment]] = []
    open_cells: list[tuple[Polygon, int]] = []
    for k in range(count):
        low, middle, high = south + k * height, south + (k + 0.5) * height, south + (k + 1) * height
        band = _parts(area.intersection(box(west - 1, low, east + 1, high)))
        band = [p for p in band if p.area > 1e-6]
        touching = [
            [n for n, (below, _) in enumerate(open_cells) if _overlap_m(below, part) > 1e-6]
            for part in band
        ]
        fresh: list[tuple[Polygon, int]] = []
        for part, below in zip(band, touching, strict=True):
            segments = _segments(part, inside, middle)
            alone = len(below) == 1 and sum(below[0] in t for t in touching) == 1
            if alone:
                number = open_cells[below[0]][1]
            else:
                cells.append([])
                number = len(cells) - 1
            cells[number].extend(segments)
            fresh.append((part, number))
        open_cells = fresh
    return [cell for cell in cells if cell]


def _overlap_m(below: Polygon, above: Polygon) -> float:
    """Returns how long the common border of two neighbouring bands is."""
    return float(below.intersection(above).length)


def _segments(part: Polygon, inside: Area, middle: float) -> list[_Segment]:
    west, south, east, north = part.bounds
    # a part that the band's middle misses is a tip: its own middle serves it
    y = middle if south <= middle <= north else (south + north) / 2
    line = LineString([(west, y), (east, y)])
    if line.length < _SHORTEST_LANE_M:  # a sliver is still to be seen
        x = (west + east) / 2
        line = LineString([(x - _SHORTEST_LANE_M, y), (x + _SHORTEST_LANE_M, y)])
    found: list[_Segment] = []
    for piece in _lines(line.intersection(inside)):
        (ax, ay), (bx, by) = piece.coords[0], piece.coords[-1]
        if piece.length >= 1e-3:
            found.append(((ax, ay), (bx, by)) if ax <= bx else ((bx, by), (ax, ay)))
    return sorted(found)


def _ordered(cells: list[list[_Segment]], start: Place | None) -> list[tuple[int, Place, Place]]:
    """Goes through the cells, always on to the nearest entry, ploughing each to and fro."""
    left = list(enumerate(cells))
    here = start
    result: list[tuple[int, Place, Place]] = []
    while left:
        choices = [
            (math.dist(here, entry) if here is not None else 0.0, n, bottom_up, from_left)
            for n, (_, cell) in enumerate(left)
            for bottom_up in (True, False)
            for from_left in (True, False)
            for entry in [(cell[0] if bottom_up else cell[-1])[0 if from_left else 1]]
        ]
        _, n, bottom_up, from_left = min(choices, key=lambda c: (c[0], c[1], not c[2], not c[3]))
        number, cell = left.pop(n)
        rest = list(cell if bottom_up else cell[::-1])
        here = rest[0][0 if from_left else 1]
        while rest:
            # within a cell the next lane is the neighbour, entered at its nearer end
            a, b = rest.pop(0)
            if math.dist(here, b) < math.dist(here, a):
                a, b = b, a
            result.append((number, a, b))
            here = b
    return result
