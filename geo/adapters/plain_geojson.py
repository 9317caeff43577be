"""GeoJSON as RFC 7946 has it, read without GDAL, whose import takes longer than most checks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy import errstate
from shapely.errors import ShapelyError
from shapely.geometry import shape

from core.given_json import parse_json

_SHAPES = frozenset(
    {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon",
     "GeometryCollection"}
)  # fmt: skip


def plain_rows(path: Path) -> tuple[dict[str, Any], ...] | None:
    """Returns the features of a file: lower-case properties, and `geometry`; `None` if in doubt.

    A geometry, a Feature, a FeatureCollection, or a list of features. Whatever else there is
    (another coordinate system, a dialect, a shape that can't be built, a fault of the JSON) is
    left to GDAL, which knows more and says what is wrong.
    """
    try:
        document = parse_json(path.read_text(encoding="utf-8-sig"))
        features = _features(document)
        with errstate(invalid="ignore"):  # a corner that is no number is told with its row
            return None if features is None else tuple(_row(feature) for feature in features)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        return None
    except (ShapelyError, OSError):
        return None


def _features(document: Any) -> list[Any] | None:
    if isinstance(document, list):
        return document
    if "crs" in document and "CRS84" not in str(document["crs"]):
        return None
    kind = document["type"]
    if kind == "FeatureCollection":
        return document["features"] if isinstance(document["features"], list) else None
    if kind == "Feature":
        return [document]
    return [{"type": "Feature", "geometry": document}] if kind in _SHAPES else None


def _row(feature: Mapping[str, Any]) -> dict[str, Any]:
    if feature["type"] != "Feature":
        raise ValueError("no feature")
    row = {str(key).lower(): value for key, value in (feature.get("properties") or {}).items()}
    if "id" not in row and isinstance(feature.get("id"), str):
        row["id"] = feature["id"]  # a number is only the feature's place in some table
    geometry = feature.get("geometry")
    row["geometry"] = None if geometry is None else shape(geometry)
    return row
