"""Round zones: the polygon that stands for a circle, on the safe side of it."""

import math

from shapely import Point, Polygon

from core.errors import ZoneInvalid
from geo.local_frame import LocalFrame
from geo.zones import Circle, ZoneKind, to_geographic

_OFF_M = 0.01
"""How far the middle of an edge may lie beside the circle."""
_FEWEST, _MOST = 64, 512
"""Edges of a circle: from a radius of some 530 m on the most are off by 0.002 % of the radius."""

_HAIR, _HAIR_PER_M = 1e-7, 1e-9
"""Parts of the radius kept on the safe side: an edge between two degrees bends in metres."""


def circle_sides(radius_m: float) -> int:
    """Returns how many edges stand for a circle so that none is off by more than about 1 cm.

    A multiple of four, so that a polygon reaches its circle's bounds in all four directions.
    """
    wanted = math.pi * math.sqrt(max(0.0, radius_m) / (2 * _OFF_M))
    return min(_MOST, max(_FEWEST, 4 * math.ceil(wanted / 4)))


def circle_area(circle: Circle, kind: ZoneKind) -> Polygon:
    """Returns a polygon for a circle: inside it for an inclusion, around it for an exclusion.

    Raises:
        ZoneInvalid: if the radius is not positive or the centre is no place on Earth.
    """
    if not (math.isfinite(circle.radius_m) and 0.0 < circle.radius_m <= 100_000.0):
        raise ZoneInvalid(
            f"a circle has a radius of {circle.radius_m:g} m", cure="give one of 0 to 100,000 m"
        )
    if not (abs(circle.lat_deg) <= 90.0 and abs(circle.lon_deg) <= 180.0):
        raise ZoneInvalid(
            "the centre of a circle is no place on Earth:"
            f" longitude {circle.lon_deg:g}, latitude {circle.lat_deg:g}",
            cure="give longitude first, then latitude, in degrees",
        )
    around = kind is ZoneKind.EXCLUSION
    hair = _HAIR + _HAIR_PER_M * circle.radius_m
    sides = circle_sides(circle.radius_m)
    if around:
        radius_m = circle.radius_m / math.cos(math.pi / sides) * (1.0 + hair)
    else:
        radius_m = circle.radius_m * (1.0 - hair)
    disc = Point(0.0, 0.0).buffer(radius_m, quad_segs=sides // 4)
    area = to_geographic(disc, LocalFrame(circle.lat_deg, circle.lon_deg))
    assert isinstance(area, Polygon)  # a transform keeps the kind of a shape
    return area
