"""What a path sees as a shape: a strip of half a swath on either side, its ends flat.

GEOS's buffer of a path that crosses itself often is now and then no valid shape, and its exact
overlay may find "non-noded intersections"; then the shape is put together from its stretches,
and the overlay done anew on a grid of a micrometre.
"""

from collections.abc import Sequence
from itertools import pairwise

import shapely
from shapely import LineString, MultiLineString, Point
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from geo.coverage import Place

_GRID_M = 1e-6


def strip_of(path: Sequence[Place], swath_m: float) -> BaseGeometry:
    """Returns what lies within half a swath of a path with flat ends."""
    return strip_of_parts([path], swath_m)


def strip_of_parts(parts: Sequence[Sequence[Place]], swath_m: float) -> BaseGeometry:
    """Returns what lies within half a swath of several paths with flat ends."""
    kept = [part for part in parts if len(part) > 1]
    line = LineString(kept[0]) if len(kept) == 1 else MultiLineString(kept)
    strip = line.buffer(swath_m / 2, cap_style="flat")
    return strip if strip.is_valid else _piecewise(kept, swath_m / 2)


def _piecewise(parts: Sequence[Sequence[Place]], radius_m: float) -> BaseGeometry:
    """Returns the same from stretches and the discs between them; slower, but never wrong."""
    stretches = [LineString(pair) for part in parts for pair in pairwise(part)]
    joints = [Point(place) for part in parts for place in part[1:-1]]
    shapes = [*shapely.buffer(stretches, radius_m, cap_style="flat")]
    if joints:
        shapes += [*shapely.buffer(joints, radius_m)]
    joined: BaseGeometry = shapely.union_all(shapes, grid_size=_GRID_M)
    return joined


def common_area_m2(one: BaseGeometry, other: BaseGeometry) -> float:
    """Returns the area that two shapes share."""
    try:
        return float(one.intersection(other).area)
    except GEOSException:
        return float(shapely.intersection(one, other, grid_size=_GRID_M).area)


def without(shape: BaseGeometry, taken: BaseGeometry) -> BaseGeometry:
    """Returns a shape without what another one takes."""
    try:
        return shape.difference(taken)
    except GEOSException:
        rest: BaseGeometry = shapely.difference(shape, taken, grid_size=_GRID_M)
        return rest


def seen_share(path: Sequence[Place], swath_m: float, need: BaseGeometry) -> float:
    """Returns the share of what is to be seen that a path sees."""
    return common_area_m2(strip_of(path, swath_m), need) / need.area
