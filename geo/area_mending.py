"""Borders that touch within rounding: what is meant is plain, so it is made whole.

Files round their corners to a millimetre or a centimetre. A hole that touches the outer border,
two holes that touch, or two neighbours that share an edge then cross by less than that. Nothing is
moved by more than 1 cm here, and nothing whose edges cross by more is taken for a slip.
"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, MultiPolygon, Point, Polygon

from geo.local_frame import LocalFrame
from geo.zones import Area, corners_to_local, to_geographic

ROUNDING_M = 0.01
"""What files round away at most."""
_HAIR_M = 1e-4
_DENT_M = 1e-6
"""A seam's end that dents the border less is a corner of nothing; without it the area grows."""


def mended(area: Area) -> Area:
    """Returns an area whose border is valid, or the same where it needs, or allows, no mending.

    Whether what comes back is valid is for the caller to say, as it knows the place.
    """
    if area.is_valid or area.is_empty or not np.isfinite(shapely.get_coordinates(area)).all():
        return area
    west, south, east, north = area.bounds
    if not (-180 <= west < east <= 180 and -90 < south < north < 90 and east - west < 90):
        return area
    frame = LocalFrame((south + north) / 2, (west + east) / 2)
    whole = _mended(corners_to_local(area, frame))
    return area if whole is None else to_geographic(whole, frame)


def joined(polygons: list[Polygon]) -> Area:
    """Returns the union of polygons; those that share an edge within rounding are one.

    Corners where a seam ended, and which are corners of nothing else, are left out. Polygons that
    lie apart stay parts.

    Args:
        polygons: in metres, each valid.
    """
    snapped = _snapped(polygons)
    union = shapely.union_all(snapped)
    ends = shapely.STRtree(snapped)
    parts = [
        _without_seams(part, ends) for part in shapely.get_parts(union) if isinstance(part, Polygon)
    ]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def touching(polygons: list[Polygon]) -> list[tuple[int, int]]:
    """Returns the pairs of polygons of metres that touch within rounding."""
    tree = shapely.STRtree(polygons)
    pairs = tree.query(polygons, predicate="dwithin", distance=ROUNDING_M).T
    return [(one, other) for one, other in pairs.tolist() if one < other]


def _mended(area: Area) -> Area | None:
    """Returns an area of metres made whole, or `None` where edges really cross."""
    parts = [_faces(part) for part in shapely.get_parts(area)]
    if any(part is None for part in parts):
        return None
    inside = [face for part in parts for face in part or []]
    for number, part in enumerate(parts):
        others = [face for other in parts[number + 1 :] for face in other or []]
        if others and _is_wide(shapely.union_all(part).intersection(shapely.union_all(others))):
            return None  # two parts overlap: which of them is meant?
    # slivers thinner than a hair would not outlive the way back to degrees
    whole = shapely.set_precision(shapely.union_all(inside), _HAIR_M)
    kept = [p for p in shapely.get_parts(whole) if isinstance(p, Polygon) and _is_wide(p)]
    if not kept:
        return None
    made = kept[0] if len(kept) == 1 else MultiPolygon(kept)
    return made if made.is_valid else None


def _faces(polygon: Polygon) -> list[Polygon] | None:
    """Returns the faces that lie inside a polygon's border and outside its holes.

    `None` where a face wider than the rounding is gone around the other way or twice, lies in two
    holes, or lies in a hole outside the border: there edges really cross.
    """
    rings = [polygon.exterior, *polygon.interiors]
    lines = shapely.union_all([LineString(ring.coords) for ring in rings])
    inside: list[Polygon] = []
    turns: set[int] = set()
    for face in shapely.get_parts(shapely.polygonize(list(shapely.get_parts(lines)))):
        place = face.representative_point()
        outer, *holes = (_winding(np.asarray(ring.coords), place) for ring in rings)
        in_holes = sum(abs(number) for number in holes)
        if _is_wide(face):
            if outer:
                turns.add(outer)
            if abs(outer) > 1 or len(turns) > 1 or in_holes > 1 or (in_holes and not outer):
                return None
        if abs(outer) == 1 and not in_holes:
            inside.append(face)
    return inside


def _winding(ring: NDArray[np.float64], place: Point) -> int:
    """Returns how often a ring goes around a place, counter-clockwise."""
    x, y = ring[:, 0] - place.x, ring[:, 1] - place.y
    up = (y[:-1] <= 0) & (y[1:] > 0)
    down = (y[:-1] > 0) & (y[1:] <= 0)
    left = x[:-1] * y[1:] - x[1:] * y[:-1]
    return int(np.count_nonzero(up & (left > 0)) - np.count_nonzero(down & (left < 0)))


def _is_wide(shape: Any) -> bool:
    """Returns whether a disc as wide as the rounding fits in anywhere."""
    return not shape.buffer(-ROUNDING_M / 2, quad_segs=2).is_empty


def _snapped(polygons: list[Polygon]) -> list[Polygon]:
    """Returns polygons of which corners within the rounding are the same, and lie on edges."""
    near = sorted({number for pair in touching(polygons) for number in pair})
    if not near:
        return polygons
    corners = shapely.get_coordinates([polygons[number] for number in near])
    chosen = _representatives(corners)
    anchors: NDArray[Any] = np.asarray(shapely.points(corners[np.unique(chosen)]))
    tree = shapely.STRtree(anchors)
    made, used = [*polygons], 0
    for number in near:
        count = len(shapely.get_coordinates(polygons[number]))
        own = corners[chosen[used : used + count]]
        used += count
        moved = shapely.set_coordinates(shapely.from_wkb(polygons[number].wkb), own)
        at_edges = tree.query(moved, predicate="dwithin", distance=ROUNDING_M)
        snapped = shapely.snap(moved, shapely.MultiPoint(anchors[at_edges].tolist()), ROUNDING_M)
        if isinstance(snapped, Polygon) and snapped.is_valid and snapped.area > 0:
            made[number] = snapped
    return made


def _representatives(corners: NDArray[np.float64]) -> NDArray[np.intp]:
    """Returns for each corner the first one within the rounding that stands for it."""
    points: NDArray[Any] = np.asarray(shapely.points(corners))
    pairs = shapely.STRtree(points).query(points, predicate="dwithin", distance=ROUNDING_M)
    order = np.lexsort((pairs[1], pairs[0]))
    firsts, seconds = pairs[0][order], pairs[1][order]
    begins = np.searchsorted(firsts, np.arange(len(corners) + 1))
    chosen = np.full(len(corners), -1, dtype=np.intp)
    for number in range(len(corners)):
        if chosen[number] < 0:
            near = seconds[begins[number] : begins[number + 1]]
            chosen[near[chosen[near] < 0]] = number
    return chosen


def _without_seams(part: Polygon, ends: shapely.STRtree) -> Polygon:
    holes = [_straight(ring, ends, outer=False) for ring in part.interiors]
    made = Polygon(_straight(part.exterior, ends, outer=True), holes)
    return made if made.is_valid else part


def _straight(
    ring: shapely.LinearRing, ends: shapely.STRtree, *, outer: bool
) -> list[tuple[float, float]]:
    """Returns the corners of a ring without those at which a seam ended on a straight border."""
    corners = [(float(x), float(y)) for x, y in ring.coords[:-1]]
    points = shapely.points(corners)
    touched = ends.query(points, predicate="dwithin", distance=ROUNDING_M)[0]
    shared = np.bincount(touched, minlength=len(corners)) > 1
    kept, turn = [*corners], 1.0 if ring.is_ccw else -1.0
    for corner, seam in zip(corners, shared, strict=True):
        if not seam or len(kept) <= 3:
            continue
        place = kept.index(corner)
        before, after = kept[place - 1], kept[(place + 1) % len(kept)]
        away_m = LineString([before, after]).distance(Point(corner))
        along, step = np.subtract(after, before), np.subtract(corner, before)
        bulges = turn * (along[0] * step[1] - along[1] * step[0]) < 0
        if away_m <= (ROUNDING_M if bulges == outer else _DENT_M):
            kept.pop(place)
    return kept
