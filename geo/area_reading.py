"""An area out of a GeoJSON document, or the reason why it is none, with the place.

A geometry, a Feature or a FeatureCollection; of a collection the union of its polygons counts.
Polygons that touch or overlap are one area, without the seam between them. Borders that touch or
cross by no more than files round away (1 cm) are made whole.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon, is_valid_reason

from core.errors import AreaInvalid
from geo import antimeridian
from geo.area_mending import joined, mended, touching
from geo.utm_frame import UtmFrame
from geo.zones import Area

_THINNEST_M = 0.1
"""An area that is nowhere wider is left over from drawing: it is finer than any map."""


def area_of_document(document: Any, where: str) -> Area:
    """Returns the area of a GeoJSON document, in longitude and latitude.

    Raises:
        AreaInvalid: if there is no polygon, a border crosses itself or the 180th meridian, a
            polygon is a sliver (nowhere wider than 0.1 m), or its coordinates are no longitude and
            latitude; the message names the place.
    """
    _check_system(document, where)
    polygons = [
        _polygon(rings, f"{where}, polygon {number}")
        for number, rings in enumerate(_polygons(document, where), start=1)
    ]
    if not polygons:
        raise AreaInvalid(
            "holds no polygon",
            where=where,
            cure="give a Polygon or MultiPolygon, alone or in features",
        )
    west, _, east, _ = shapely.total_bounds(polygons)
    if east - west > 180:
        if antimeridian.around_it(polygons):
            raise AreaInvalid(
                "has parts on both sides of the 180th meridian, which no UTM zone spans",
                where=where,
                cure=antimeridian.CURE_APART,
            )
        raise AreaInvalid(
            f"reaches around the globe, from longitude {west:g} to {east:g}",
            where=where,
            cure="plan the places of one region at a time",
        )
    parts = [part for polygon in polygons for part in getattr(polygon, "geoms", [polygon])]
    middle = shapely.box(*shapely.total_bounds(parts)).centroid
    frame = UtmFrame.around(middle.y, middle.x)
    grid = [part for part in (to_grid(part, frame) for part in parts) if isinstance(part, Polygon)]
    if not touching(grid):  # not a digit is changed where nothing must be
        return parts[0] if len(parts) == 1 else MultiPolygon(parts)
    return shapely.transform(
        joined(grid), lambda xy: np.stack(frame.to_geo_deg(*xy.T)[::-1], axis=1)
    )


def _check_system(document: Any, where: str) -> None:
    """Refuses a file that names another coordinate system, as GeoJSON before 2016 could."""
    crs = document.get("crs") if isinstance(document, dict) else None
    name = str(crs.get("properties", {}).get("name", "")) if isinstance(crs, dict) else ""
    if name and not any(known in name.upper() for known in ("CRS84", "4326")):
        raise AreaInvalid(
            f"is in the coordinate system {name}", where=where, cure="export it with WGS 84"
        )


def _polygons(document: Any, where: str) -> Iterator[Any]:
    """Yields the rings of every polygon of a document, in its order."""
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "FeatureCollection":
        for feature in _listed(document.get("features"), where):
            yield from _polygons(feature, where)
    elif kind == "Feature":
        if document.get("geometry") is not None:
            yield from _polygons(document["geometry"], where)
    elif kind == "GeometryCollection":
        for geometry in _listed(document.get("geometries"), where):
            yield from _polygons(geometry, where)
    elif kind == "MultiPolygon":
        yield from (rings for rings in _listed(document.get("coordinates"), where) if rings)
    elif kind == "Polygon":
        if document.get("coordinates"):
            yield document["coordinates"]
    elif kind not in ("Point", "MultiPoint", "LineString", "MultiLineString"):
        said = f"its type is {kind!r}" if kind is not None else "it has no type"
        raise AreaInvalid(f"is no GeoJSON: {said}", where=where, cure="see RFC 7946")


def _listed(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise AreaInvalid("is no GeoJSON: a list is missing", where=where, cure="see RFC 7946")
    return value


def _polygon(rings: Any, where: str) -> Area:
    try:
        corners = [[(float(corner[0]), float(corner[1])) for corner in ring] for ring in rings]
    except (TypeError, ValueError, IndexError, KeyError):
        raise AreaInvalid(
            "a corner is no pair of numbers", where=where, cure="give [longitude, latitude]"
        ) from None
    for ring in corners:
        for lon, lat in ring:
            _check_corner(lon, lat, where)
        if len(set(ring)) < 3:
            place = f" at {_said(*ring[0])}" if ring else ""
            raise AreaInvalid(
                f"a ring{place} has fewer than three corners",
                where=where,
                cure="draw at least three corners, or leave that ring out",
            )
    drawn = Polygon(corners[0], corners[1:])
    edge = antimeridian.edge_across(drawn)
    if edge is not None:
        raise AreaInvalid(antimeridian.said(edge), where=where, cure=antimeridian.CURE_APART)
    polygon = mended(drawn)
    if not polygon.is_valid:
        raise AreaInvalid(
            f"its border is not valid: {is_valid_reason(polygon)} (longitude latitude)",
            where=where,
            cure="move the corner at that place so that no two edges cross",
        )
    _check_width(polygon, where)
    return polygon


def _check_corner(lon: float, lat: float, where: str) -> None:
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise AreaInvalid("a corner is no number", where=where, cure="give finite numbers")
    if abs(lat) > 90 and abs(lon) <= 90 and abs(lat) <= 180:
        raise AreaInvalid(
            f"longitude and latitude are swapped: {lat:g} is no latitude, at {_said(lon, lat)}",
            where=where,
            cure="write longitude first, then latitude",
        )
    if abs(lat) > 90 or abs(lon) > 180:
        raise AreaInvalid(
            f"a corner is no place on Earth: {_said(lon, lat)}",
            where=where,
            cure="give longitude and latitude in degrees, not metres of a grid",
        )
    if abs(lat) > 84:
        raise AreaInvalid(
            f"a corner lies beyond the UTM grid, which ends at 84 degrees: {_said(lon, lat)}",
            where=where,
            cure="plan over another place",
        )


def _check_width(polygon: Area, where: str) -> None:
    place = polygon.representative_point()
    frame = UtmFrame.around(place.y, place.x)
    local = to_grid(polygon, frame)
    inner_m = _THINNEST_M / 2
    # no shape has more area than its border times the radius of its widest circle
    if local.area > inner_m * local.length or not local.buffer(-inner_m).is_empty:
        return
    raise AreaInvalid(
        f"is a sliver, nowhere wider than {_THINNEST_M:g} m,"
        f" at longitude {place.x:.6f}, latitude {place.y:.6f}",
        where=where,
        cure="leave it out, or move its corners apart",
    )


def _said(lon: float, lat: float) -> str:
    return f"longitude {lon:g}, latitude {lat:g}"


def to_grid(area: Area, frame: UtmFrame) -> Area:
    """Returns an area of longitude and latitude in metres of a grid."""
    return shapely.transform(area, lambda xy: np.stack(frame.to_en_m(xy[:, 1], xy[:, 0]), axis=1))


def from_grid(places: Any, frame: UtmFrame, decimals: int = 12) -> list[list[float]]:
    """Returns grid places as [longitude, latitude], rounded; 12 decimals are 0.1 µm."""
    xy = np.asarray(places, float).reshape(-1, 2)
    lat, lon = frame.to_geo_deg(xy[:, 0], xy[:, 1])
    return [
        [round(float(x), decimals), round(float(y), decimals)]
        for x, y in zip(lon, lat, strict=True)
    ]
