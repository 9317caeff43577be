"""Permissions as GeoJSON features, as files and the API have them."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from numpy import errstate
from shapely import (
    GeometryCollection,
    MultiPolygon,
    Point,
    Polygon,
    force_2d,
    is_valid_reason,
)
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape

from core.documents import Json
from core.errors import PlanUnreadable, ScheduleInvalid, ZoneInvalid
from core.given_json import number as bounded
from core.ids import AssetId
from core.instants import read_instant
from core.recurrence import zone_named
from geo.antimeridian import CURE, edge_across, said
from geo.area_mending import mended
from geo.circles import circle_area
from geo.positions import Altitude, Datum
from geo.zones import Area, Circle, ZoneKind
from missions.permission_words import never_holds, words_of
from missions.permissions import Permission

_FURTHEST_M = 1e6


def permissions_of(document: object, where: str = "") -> tuple[Permission, ...]:
    """Returns the permissions of a Feature, a FeatureCollection, or a list of features.

    A feature's properties are `number`, `issuer`, `valid_from`, `valid_until`, and maybe
    `floor_m`, `ceiling_m`, `datum`, `asset_ids`, `note`, `revoked_at`, `tzid`; `window` may hold
    both times. What is revoked without saying since when never holds (`revoked`, `status`). A
    point with a `radius_m` is a circle, and its polygon lies inside it. The geometry may also
    stand beside the properties of a plain object, as `area` or `geometry`; a list of permissions
    also under `permissions` of an object, as `qyran permissions list` tells it.

    Raises:
        PlanUnreadable: if it is nothing of this.
        ZoneInvalid: if a permission makes no sense; `where` names which.
    """
    if isinstance(document, Mapping) and document.get("type") == "FeatureCollection":
        document = document.get("features")
    elif isinstance(document, Mapping) and isinstance(document.get("permissions"), list):
        document = document["permissions"]
    many = document if isinstance(document, list) else [document]
    if not many:
        raise PlanUnreadable("there is no permission in it", where=where, cure="name one")
    return tuple(
        _permission(one, f"{where}, permission {number}" if where else f"permission {number}")
        for number, one in enumerate(many, 1)
    )


def permission_feature(permission: Permission) -> dict[str, Json]:
    """Returns the GeoJSON feature of a permission; `permissions_of` gives it back."""
    p = permission
    revoked = None if p.revoked_at is None else p.revoked_at.astimezone(UTC).isoformat()
    return {
        "type": "Feature",
        "geometry": _listed(mapping(p.area)),
        "properties": {
            "number": p.number,
            "issuer": p.issuer,
            "valid_from": p.valid_from.astimezone(UTC).isoformat(),
            "valid_until": p.valid_until.astimezone(UTC).isoformat(),
            "floor_m": None if p.floor is None else p.floor.metres,
            "floor_datum": None if p.floor is None else str(p.floor.datum),
            "ceiling_m": None if p.ceiling is None else p.ceiling.metres,
            "ceiling_datum": None if p.ceiling is None else str(p.ceiling.datum),
            "asset_ids": [*p.asset_ids],
            "note": p.note,
            "revoked_at": revoked,
        },
    }


def _permission(document: object, where: str) -> Permission:
    if not isinstance(document, Mapping):
        raise PlanUnreadable(
            "is no GeoJSON feature", where=where, cure="see docs/guides/airspace.md"
        )
    own = document.get("properties")
    named = own if isinstance(own, Mapping) else document
    flat = {str(key).lower(): value for key, value in named.items()}
    number = str(flat.get("number") or flat.get("id") or document.get("id") or "")
    where = f"{where} ({number})" if number else where
    try:
        given = words_of(named)
        zone = zone_named(str(given["tzid"])) if "tzid" in given else None
        area = _area(document.get("geometry") or given.get("area"), given.get("radius_m"))
        starts_at = _instant(given, "valid_from", zone)
        revoked = given.get("revoked_at")
        revoked_at = None if revoked is None else read_instant(revoked, zone, "revoked_at")
        if never_holds(given) and revoked_at is None:
            revoked_at = starts_at
        return Permission(
            number,
            str(given.get("issuer", "")),
            area,
            starts_at,
            _instant(given, "valid_until", zone),
            _limit(given, "floor"),
            _limit(given, "ceiling"),
            tuple(AssetId(str(one)) for one in _several(given.get("asset_ids"))),
            str(given.get("note", "")),
            revoked_at,
        )
    except ZoneInvalid as error:
        raise ZoneInvalid(error.message, where=where, cure=error.cure) from error
    except (
        ScheduleInvalid,
        ValueError,
        OverflowError,
        TypeError,
        LookupError,
        AttributeError,
        ShapelyError,
    ) as error:
        raise ZoneInvalid(
            f"a permission makes no sense: {error}", where=where, cure="see docs/guides/airspace.md"
        ) from error


def _area(geometry: object, radius_m: object) -> Area:
    if geometry is None:
        raise ZoneInvalid(
            "it has no area", cure="give it a geometry: a polygon, or a point with radius_m"
        )
    if hasattr(geometry, "geom_type"):
        found: Any = geometry
    else:
        with errstate(invalid="ignore"):  # a corner that is no number is told below
            found = shape(cast("dict[str, Any]", geometry))
    if isinstance(found, Point) and radius_m is not None:
        circle = Circle(float(found.y), float(found.x), _metres(radius_m, 0.001, "radius_m"))
        return circle_area(circle, ZoneKind.INCLUSION)
    if isinstance(found, GeometryCollection) and not isinstance(found, MultiPolygon):
        parts = [p for p in found.geoms if isinstance(p, Polygon | MultiPolygon)]
        found = MultiPolygon([q for p in parts for q in getattr(p, "geoms", [p])])
    if not isinstance(found, Polygon | MultiPolygon):
        raise ValueError(f"its area is a {getattr(found, 'geom_type', 'riddle')}, not a polygon")
    west, south, east, north = found.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):  # also NaN
        turned = max(-west, east) <= 90 and max(-south, north) <= 180
        raise ZoneInvalid(
            "longitude and latitude are swapped" if turned else "a corner is no place on Earth",
            cure="give longitude first, then latitude, in degrees",
        )
    area = mended(force_2d(found))
    across = edge_across(area)
    if across is not None:
        raise ZoneInvalid(said(across), cure=CURE)
    if not area.is_valid:
        raise ZoneInvalid(
            f"its border is not valid: {is_valid_reason(area)} (longitude latitude)",
            cure="move the corner at that place so that no two edges cross",
        )
    return area


def _instant(given: Mapping[str, Any], name: str, zone: Any) -> datetime:
    if name not in given:
        raise ZoneInvalid(f"it has no {name}", cure=f"give {name} as 2026-06-15T09:00:00+05:00")
    return read_instant(given[name], zone, name)


def _limit(given: Mapping[str, Any], side: str) -> Altitude | None:
    metres = given.get(f"{side}_m")
    if metres is None:
        return None
    datum = given.get(f"{side}_datum") or given.get("datum")
    if datum is None:
        raise ZoneInvalid(
            f"{side}_m without a datum: nobody knows from where it counts",
            cure="write datum as AGL, AMSL, home or ellipsoid",
        )
    return Altitude(_metres(metres, -_FURTHEST_M, f"{side}_m"), Datum.named(str(datum)))


def _metres(value: Any, least: float, name: str) -> float:
    try:
        # GDAL gives some numbers as text
        plain = isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d+(\.\d*)?\s*", value)
        return bounded(float(value) if plain else value, least, _FURTHEST_M)
    except ValueError as error:
        raise ZoneInvalid(f"{name}: {error}", cure=f"give {name} in metres") from None


def _several(value: object) -> Sequence[object]:
    if value is None:
        return ()
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value if isinstance(value, list | tuple) else [value]


def _listed(value: Any) -> Json:
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    return value  # type: ignore[no-any-return]
