"""What a path sees as a shape: a strip of half a swath on either side, its ends flat.

GEOS's buffer of a path that crosses itself often is now and then no valid shape, and its exact
overlay may find "non-noded intersections"; then the shape is put together from its stretches,
and the overlay done anew on a grid of a micrometre.
"""

from collections.abc import Sequence
from itertools import pairwise

import shapely
from shapely import LineString, Point
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from geo.coverage import Place

_GRID_M = 1e-6
_QUAD_SEGS = 16
"""Corners of a quarter of a circle: shapely's own number, so that others measure the same."""


def strip_of(path: Sequence[Place], swath_m: float) -> BaseGeometry:
    """Returns what lies within half a swath of a path with flat ends."""
    return strip_of_parts([path], swath_m)


def strip_of_parts(parts: Sequence[Sequence[Place]], swath_m: float) -> BaseGeometry:
    """Returns what lies within half a swath of several paths with flat ends."""
    kept = [part for part in parts if len(part) > 1]
    # each by itself: GEOS's buffer of several lines at once takes from one what another sees
    # where the strips are wide against the lines
    lines = [LineString(part) for part in kept]
    strips = shapely.buffer(lines, swath_m / 2, quad_segs=_QUAD_SEGS, cap_style="flat")
    valid = shapely.is_valid(strips)
    whole: BaseGeometry = shapely.union_all(
        [
            strip if right else _piecewise([part], swath_m / 2)
            for strip, right, part in zip(strips, valid, kept, strict=True)
        ]
    )
    return whole


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
