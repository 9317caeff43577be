"""Borders across the 180th meridian, which a plane of longitudes and latitudes tears apart.

RFC 7946 (3.1.9) asks that a shape is cut there. An edge from 179.9 to -179.9 that isn't cut reads
as one around the whole globe: at best the border crosses itself, at worst it is valid and means
everything but what was drawn. Nothing here guesses: the border is refused with its place.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

LonLat: TypeAlias = tuple[float, float]

CURE = "cut it where the longitude is 180 into a part on either side (RFC 7946, 3.1.9)"
"""For what may have parts on both sides."""
CURE_APART = "plan what lies on either side of longitude 180 as an area of its own"
"""For what lies in one grid of metres."""


def edge_across(shape: BaseGeometry) -> tuple[LonLat, LonLat] | None:
    """Returns the first edge of a border that is meant to cross the 180th meridian, if any is.

    That is one more than half around the globe. An edge all around it, from -180 to 180, is one
    of a map of the world.
    """
    west, _, east, _ = shapely.bounds(shape)
    if not east - west > 180.0:
        return None
    rings = shapely.get_rings(shapely.get_parts(shape))
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    step = np.abs(np.diff(corners[:, 0]))
    long = np.flatnonzero((step > 180.0) & (step < 360.0) & (ring[1:] == ring[:-1]))
    if not len(long):
        return None
    (lon_a, lat_a), (lon_b, lat_b) = corners[long[0]], corners[long[0] + 1]
    return (float(lon_a), float(lat_a)), (float(lon_b), float(lat_b))


def said(edge: tuple[LonLat, LonLat]) -> str:
    """Returns what is wrong with an edge across the 180th meridian, in words."""
    (lon_a, lat_a), (lon_b, lat_b) = edge
    return (
        f"its border crosses the 180th meridian between longitude {lon_a:g}, latitude {lat_a:g}"
        f" and longitude {lon_b:g}, latitude {lat_b:g}"
    )


def around_it(shapes: Sequence[BaseGeometry]) -> bool:
    """Returns whether shapes on both hemispheres lie nearer to each other across the meridian."""
    west = np.array([shapely.bounds(shape)[0] for shape in shapes])
    east = np.array([shapely.bounds(shape)[2] for shape in shapes])
    turned = np.where(east <= 0.0, 360.0, 0.0)
    reach = (east + turned).max() - (west + turned).min()
    return bool(reach < min(180.0, east.max() - west.min()))
