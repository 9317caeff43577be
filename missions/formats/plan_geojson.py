"""Plans as GeoJSON: a FeatureCollection that any map program draws, and that comes back exactly.

Every feature has a `role`: `home` (with what belongs to the whole plan), `item`, `zone`,
`rally`, and `path`, the line through the items, which is for the eye and not read. A file
without roles is read as drawn lines and areas.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shapely import MultiPolygon, Polygon, force_2d
from shapely.errors import ShapelyError
from shapely.geometry import mapping as geometry_document
from shapely.geometry import shape

from core.documents import Json
from core.errors import PlanUnreadable
from core.ids import AssetId
from geo.positions import Altitude, Datum, Position
from geo.zones import Area, Zone
from missions.formats.bare_paths import BarePath, plan_of_paths
from missions.formats.losses import Loss, LossReport
from missions.formats.plan_file import LoadedPlan
from missions.formats.plan_properties import (
    Place,
    altitude_of,
    home_properties,
    item_of,
    item_properties,
    plan_of,
    position_of,
    rally_of,
    rally_properties,
    text,
    zone_of,
    zone_properties,
)
from missions.formats.plan_values import listing, mapping, number, parse
from missions.model import MissionItem, Plan, RallyPoint


def save_geojson(plan: Plan) -> tuple[str, tuple[Loss, ...]]:
    """Returns the text of a GeoJSON file and what it does not carry, which is nothing."""
    home = plan.home
    features = [_feature(_point(home.lon_deg, home.lat_deg), home_properties(plan))]
    line = [
        [item.position.lon_deg, item.position.lat_deg]
        for item in plan.mission.items
        if item.position is not None
    ]
    if len(line) > 1:
        features.append(_feature({"type": "LineString", "coordinates": line}, {"role": "path"}))
    for n, item in enumerate(plan.mission.items):
        spot = item.position
        point = None if spot is None else _point(spot.lon_deg, spot.lat_deg)
        features.append(_feature(point, item_properties(n, item)))
    for zone in plan.fences:
        features.append(_feature(_listed(geometry_document(zone.area)), zone_properties(zone)))
    for rally in plan.rally:
        spot = rally.position
        features.append(_feature(_point(spot.lon_deg, spot.lat_deg), rally_properties(rally)))
    document = {"type": "FeatureCollection", "features": features}
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n", ()


def _feature(geometry: Any, properties: dict[str, Json]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _point(lon: float, lat: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [float(lon), float(lat)]}


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


@dataclass
class _Found:
    """What the features of a file hold."""

    home: tuple[Position, Mapping[str, Any]] | None = None
    items: list[tuple[float, MissionItem]] = field(default_factory=list)
    zones: list[Zone] = field(default_factory=list)
    rally: list[RallyPoint] = field(default_factory=list)
    paths: list[BarePath] = field(default_factory=list)


def load_geojson(
    document_text: str,
    asset_id: AssetId | None = None,
    *,
    where: str = "",
    height_m: float | None = None,
) -> LoadedPlan:
    """Returns the plan of a GeoJSON file: our own, or drawn lines and areas.

    Args:
        document_text: the file.
        asset_id: who flies; `None` takes what the file says.
        where: its name, for messages.
        height_m: height above home of lines, which have none of their own.

    Raises:
        PlanUnreadable: if it is no GeoJSON, or holds nothing that can be flown.
    """
    report = LossReport()
    try:
        document = mapping(parse(document_text), "the file")
        found = _Found()
        for n, (geometry, values) in enumerate(_features(document)):
            _take(geometry, values, f"feature {n}", found, report)
        if found.home is None:
            if found.items or found.rally:
                raise PlanUnreadable("it has steps, but no home", cure="add a feature of role home")
            plan = plan_of_paths(found.paths, found.zones, asset_id, height_m, report)
        else:
            items = tuple(item for _, item in sorted(found.items, key=lambda pair: pair[0]))
            position, values = found.home
            zones, rally = tuple(found.zones), tuple(found.rally)
            plan = plan_of(position, values, items, zones, rally, asset_id, "home")
    except PlanUnreadable as error:
        error.where = ", ".join(part for part in (where, error.where) if part)
        raise
    return LoadedPlan(plan, report.losses)


def _features(document: Mapping[str, Any]) -> list[tuple[Any, Mapping[str, Any]]]:
    kind = document.get("type")
    if kind == "FeatureCollection":
        features = listing(document.get("features"), "features")
    elif kind == "Feature":
        features = [document]
    elif "coordinates" in document or kind == "GeometryCollection":
        return [(document, {})]
    else:
        raise PlanUnreadable(f"its type is {kind!r:.40}", cure="give a GeoJSON file")
    pairs = []
    for n, feature in enumerate(features):
        one = mapping(feature, "it", f"feature {n}")
        values = mapping(one.get("properties") or {}, "its properties", f"feature {n}")
        pairs.append((one.get("geometry"), values))
    return pairs


def _take(
    geometry: Any, values: Mapping[str, Any], where: str, found: _Found, report: LossReport
) -> None:
    role = text(values, "role")
    if role == "home":
        spot = _place(geometry, where)
        altitude = altitude_of(values, "altitude", where) or Altitude(0.0, Datum.HOME)
        found.home = (position_of(spot, altitude, where), values)
    elif role == "item":
        place = None if geometry is None else _place(geometry, where)
        order = number(values.get("number", len(found.items)), "number", where)
        found.items.append((order, item_of(values, place, where)))
    elif role == "rally":
        found.rally.append(rally_of(values, _place(geometry, where), where))
    elif role == "path":
        return
    else:
        _take_drawn(geometry, values, where, found, report)


def _take_drawn(
    geometry: Any, values: Mapping[str, Any], where: str, found: _Found, report: LossReport
) -> None:
    """Takes a feature without a role: an area is a zone, a line is a path."""
    if geometry is None:
        report.warning("not_read", f"{where}: it has no shape")
        return
    one = mapping(geometry, "its geometry", where)
    kind = one.get("type")
    if kind == "GeometryCollection":
        for part in listing(one.get("geometries"), "geometries", where):
            _take_drawn(part, values, where, found, report)
    elif kind in ("Polygon", "MultiPolygon"):
        found.zones.append(zone_of(values, _area(one, where), where))
    elif kind in ("LineString", "MultiLineString"):
        lines = listing(one.get("coordinates"), "coordinates", where)
        for line in [lines] if kind == "LineString" else lines:
            spots = tuple(_spot(pair, where) for pair in listing(line, "a line", where))
            if spots:
                found.paths.append(BarePath(where, spots, (None,) * len(spots)))
    else:
        report.warning("not_read", f"{where}: a {kind!r:.40} is not read")


def _area(document: Mapping[str, Any], where: str) -> Area:
    try:
        area = force_2d(shape(dict(document)))
    except (ShapelyError, ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        raise PlanUnreadable(f"its area can't be read: {error}", where=where) from error
    if isinstance(area, Polygon | MultiPolygon):
        return area
    raise PlanUnreadable(f"its area is a {area.geom_type}", where=where)


def _place(geometry: Any, where: str) -> Place:
    point = mapping(geometry, "its geometry", where)
    if point.get("type") != "Point":
        raise PlanUnreadable(f"its geometry is {point.get('type')!r:.40}, not a Point", where=where)
    return _spot(point.get("coordinates"), where)


def _spot(pair: Any, where: str) -> Place:
    values = listing(pair, "a coordinate", where)
    if len(values) < 2:
        raise PlanUnreadable("a coordinate has no longitude and latitude", where=where)
    lon, lat = number(values[0], "longitude", where), number(values[1], "latitude", where)
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        cure = "coordinates are longitude, then latitude"
        raise PlanUnreadable(f"no place on Earth: {lat:g}, {lon:g}", where=where, cure=cure)
    return lat, lon
