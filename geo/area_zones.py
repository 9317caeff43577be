"""What flight zones leave of an area that is to be covered, in grid metres."""

import math
from typing import Any

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from core.errors import AreaInvalid
from geo.area_reading import to_grid
from geo.utm_frame import UtmFrame
from geo.zones import Area, Purpose, Zone, ZoneKind, ZoneStage

APART_M = 100_000.0
"""Zones and a start farther away than that are meant for another place."""


def fences_near(found: tuple[Zone, ...], given: Area, where: str) -> list[Zone]:
    """Returns the zones of a file that limit our movement.

    Raises:
        AreaInvalid: if all of them lie far from the area; the message says if one of the two
            has longitude and latitude swapped.
    """
    fences = [
        zone
        for zone in found
        if zone.active and zone.stage is ZoneStage.ACTIVE and Purpose.FLIGHT in zone.purposes
    ]
    if not fences:
        return []
    here = given.representative_point()
    away = [zone.area.distance(given) for zone in fences]
    degree_m = 111_000.0 * max(0.05, math.cos(math.radians(here.y)))
    if min(away) * degree_m > APART_M:
        there = fences[int(np.argmin(away))].area.representative_point()
        swapped = abs(there.x - here.y) < 2 and abs(there.y - here.x) < 2
        raise AreaInvalid(
            f"the nearest zone lies at longitude {there.x:g}, latitude {there.y:g}, far from the "
            f"area at longitude {here.x:g}, latitude {here.y:g}"
            + ("; longitude and latitude of one of them are swapped" if swapped else ""),
            where=where,
            cure="write longitude first in both files, or give the zones of that place",
        )
    return fences


def open_part(whole: Area, fences: list[Zone], frame: UtmFrame) -> Area:
    """Returns the area without exclusions and inside the union of inclusions."""
    open_area: Any = whole
    inclusions = [to_grid(z.area, frame) for z in fences if z.kind is ZoneKind.INCLUSION]
    exclusions = [to_grid(z.area, frame) for z in fences if z.kind is ZoneKind.EXCLUSION]
    if inclusions:
        open_area = open_area.intersection(shapely.union_all(inclusions))
    if exclusions:
        open_area = open_area.difference(shapely.union_all(exclusions))
    return polygons_of(open_area)


def polygons_of(shape: Any) -> Area:
    """Returns the polygons among what an overlay gives, as one area; maybe an empty one."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    joined = shapely.union_all([p for p in parts if isinstance(p, Polygon) and p.area > 0])
    return joined if isinstance(joined, Polygon | MultiPolygon) else Polygon()
