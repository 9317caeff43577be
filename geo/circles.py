"""Round zones: the polygon that stands for a circle, on the safe side of it."""

import math

from shapely import Point, Polygon

from core.errors import ZoneInvalid
from geo.local_frame import LocalFrame
from geo.zones import Circle, ZoneKind, to_geographic

_QUARTER = 16
"""Edges of a quarter: with 64 edges a radius of 1 km is off by 1.2 m at most."""

_HAIR, _HAIR_PER_M = 1e-7, 1e-9
"""Parts of the radius kept on the safe side: an edge between two degrees bends in metres."""


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
    if around:
        radius_m = circle.radius_m / math.cos(math.pi / (4 * _QUARTER)) * (1.0 + hair)
    else:
        radius_m = circle.radius_m * (1.0 - hair)
    disc = Point(0.0, 0.0).buffer(radius_m, quad_segs=_QUARTER)
    area = to_geographic(disc, LocalFrame(circle.lat_deg, circle.lon_deg))
    assert isinstance(area, Polygon)  # a transform keeps the kind of a shape
    return area
