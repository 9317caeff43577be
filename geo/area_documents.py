"""Shapely areas as GeoJSON geometry in stored documents; coordinates stay exact."""

from typing import Any

from shapely import MultiPolygon, Polygon
from shapely.geometry import mapping, shape

from core.documents import Extra, Json
from geo.zones import Area


def area_to_document(area: Area) -> Json:
    """Returns the GeoJSON geometry of an area."""
    return _listed(mapping(area))


def area_from_document(document: Json) -> Area:
    """Returns the area of a GeoJSON geometry.

    Raises:
        ValueError: if it is no polygon or multipolygon.
    """
    if not isinstance(document, dict):
        raise ValueError("an area must be a GeoJSON geometry")
    area = shape(document)
    if not isinstance(area, Polygon | MultiPolygon):
        raise ValueError(f"an area must be a Polygon or MultiPolygon, not {area.geom_type}")
    return area


def _listed(value: Any) -> Json:
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    if isinstance(value, str):
        return value
    return float(value)


AREAS: Extra = {
    Polygon: (area_to_document, area_from_document),
    MultiPolygon: (area_to_document, area_from_document),
}
"""Hand this to `to_document` and `from_document` where zones occur."""
