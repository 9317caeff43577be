"""Plans as KML and KMZ, and what people draw in map programs: many polygons, paths, places.

What KML has no word for (kinds, heights above home, times) stands in the extended data of each
placemark, so that our own files come back exactly. Of strangers' files areas become zones and
lines become paths; pictures, links to the network and models are named and not followed.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from shapely import MultiPolygon, Polygon, is_valid_reason

from core.documents import Json
from core.errors import PlanUnreadable
from core.ids import AssetId
from geo.positions import Altitude, Datum, Position
from geo.zones import Area, Zone, ZoneKind
from missions.formats.bare_paths import BarePath, plan_of_paths
from missions.formats.losses import Loss, LossReport
from missions.formats.plan_file import LoadedPlan
from missions.formats.plan_properties import (
    Place,
    altitude_of,
    home_properties,
    item_of,
    item_properties,
    parts_of,
    plan_of,
    position_of,
    rally_of,
    rally_properties,
    text,
    value_of,
    zone_of,
    zone_properties,
)
from missions.formats.xml_reading import clean, main_kml, parse_xml, zipped
from missions.model import MissionItem, Plan, RallyPoint

_NAMESPACE = "http://www.opengis.net/kml/2.2"
_STYLES = {
    "path": ("ffb27200", "00000000"),
    "inclusion": ("ff739e00", "26739e00"),
    "exclusion": ("ff005ed5", "40005ed5"),
    "watch": ("ffa779cc", "26a779cc"),
}
"""Colours of lines and areas as KML has them: alpha, blue, green, red."""
_ALTITUDE_MODES = {"absolute": Datum.GEOID, "relativeToGround": Datum.GROUND}
_NOT_READ = {
    "NetworkLink": "a link to the network",
    "GroundOverlay": "a picture on the ground",
    "ScreenOverlay": "a picture on the screen",
    "PhotoOverlay": "a photo",
    "Model": "a model",
    "Track": "a recorded track",
    "MultiTrack": "a recorded track",
}


def save_kml(plan: Plan) -> tuple[bytes, tuple[Loss, ...]]:
    """Returns a KML file of a plan and what it does not carry."""
    report = LossReport()
    root = ElementTree.Element("kml", xmlns=_NAMESPACE)
    document = _add(root, "Document")
    _add(document, "name", "Qyran plan")
    for name, (line, area) in _STYLES.items():
        style = _add(document, "Style", id=name)
        _add(_add(style, "LineStyle"), "color", line)
        _add(style.find("LineStyle"), "width", "3")
        _add(_add(style, "PolyStyle"), "color", area)
    home = plan.home
    placemark = _placemark(document, "Home", home_properties(plan), report)
    _add(_add(placemark, "Point"), "coordinates", _pair(home.lat_deg, home.lon_deg))
    _path(document, plan)
    steps = _folder(document, "Steps")
    for n, item in enumerate(plan.mission.items):
        placemark = _placemark(steps, f"{n} {item.kind}", item_properties(n, item), report)
        if item.position is not None:
            pair = _pair(item.position.lat_deg, item.position.lon_deg)
            _add(_add(placemark, "Point"), "coordinates", pair)
    zones = _folder(document, "Zones")
    for zone in plan.fences:
        placemark = _placemark(zones, zone.name, zone_properties(zone), report)
        flies = any(str(purpose) == "flight" for purpose in zone.purposes)
        _add(placemark, "styleUrl", f"#{zone.kind if flies else 'watch'}")
        _area(placemark, zone.area)
    rally = _folder(document, "Rally points")
    for n, point in enumerate(plan.rally):
        placemark = _placemark(rally, f"Rally {n}", rally_properties(point), report)
        pair = _pair(point.position.lat_deg, point.position.lon_deg)
        _add(_add(placemark, "Point"), "coordinates", pair)
    ElementTree.indent(root, " ")
    data = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return data + b"\n", report.losses


def save_kmz(plan: Plan) -> tuple[bytes, tuple[Loss, ...]]:
    """Returns a KMZ file of a plan and what it does not carry."""
    data, losses = save_kml(plan)
    return zipped({"doc.kml": data}), losses


def _add(
    parent: ElementTree.Element | None, tag: str, content: str = "", **attributes: str
) -> ElementTree.Element:
    assert parent is not None  # parents are made above
    element = ElementTree.SubElement(parent, tag, attributes)
    if content:
        element.text = content
    return element


def _folder(document: ElementTree.Element, name: str) -> ElementTree.Element:
    folder = _add(document, "Folder")
    _add(folder, "name", name)
    return folder


def _placemark(
    parent: ElementTree.Element, name: str, values: dict[str, Json], report: LossReport
) -> ElementTree.Element:
    placemark = _add(parent, "Placemark")
    _add(placemark, "name", clean(name))
    data = _add(placemark, "ExtendedData")
    for key, value in values.items():
        if value is None:
            continue
        written = value if isinstance(value, str) else json.dumps(value, allow_nan=False)
        if clean(written) != written:
            message = f"{name!r:.40}: its {key} has characters that XML can't hold"
            report.warning("zone_words_left_out", message)
        _add(_add(data, "Data", name=key), "value", clean(written))
    return placemark


def _pair(lat: float, lon: float) -> str:
    return f"{float(lon)!r},{float(lat)!r}"


def _path(document: ElementTree.Element, plan: Plan) -> None:
    """Adds the line through the items, above the sea where that is known; for the eye only."""
    base = plan.home.altitude.metres if plan.home.altitude.datum is Datum.GEOID else None
    corners = []
    for item in plan.mission.items:
        if item.position is not None:
            altitude = item.position.altitude
            up = altitude.metres
            if base is not None and altitude.datum is Datum.HOME:
                up += base
            elif base is None and altitude.datum is Datum.GEOID:
                up = 0.0
            pair = _pair(item.position.lat_deg, item.position.lon_deg)
            corners.append(f"{pair},{up:.2f}")
    if len(corners) < 2:
        return
    placemark = _add(document, "Placemark")
    _add(placemark, "name", "Path")
    _add(placemark, "styleUrl", "#path")
    data = _add(placemark, "ExtendedData")
    _add(_add(data, "Data", name="role"), "value", "path")
    line = _add(placemark, "LineString")
    _add(line, "altitudeMode", "relativeToGround" if base is None else "absolute")
    _add(line, "coordinates", " ".join(corners))


def _area(placemark: ElementTree.Element, area: Area) -> None:
    parts = parts_of(area)
    parent = placemark
    if isinstance(area, MultiPolygon):
        parent = _add(placemark, "MultiGeometry")
    for part in parts:
        polygon = _add(parent, "Polygon")
        borders = [("outerBoundaryIs", part.exterior)]
        borders += [("innerBoundaryIs", hole) for hole in part.interiors]
        for tag, border in borders:
            ring = _add(_add(polygon, tag), "LinearRing")
            corners = " ".join(_pair(y, x) for x, y in border.coords)
            _add(ring, "coordinates", corners)


@dataclass
class _Found:
    home: tuple[Position, dict[str, Any]] | None = None
    items: list[tuple[float, MissionItem]] = field(default_factory=list)
    zones: list[Zone] = field(default_factory=list)
    rally: list[RallyPoint] = field(default_factory=list)
    paths: list[BarePath] = field(default_factory=list)
    points: int = 0


def load_kml(
    data: bytes,
    asset_id: AssetId | None = None,
    *,
    where: str = "",
    height_m: float | None = None,
) -> LoadedPlan:
    """Returns the plan of a KML or KMZ file: our own, or drawn lines and areas.

    Args:
        data: the file; a ZIP is a KMZ.
        asset_id: who flies; `None` takes what the file says.
        where: its name, for messages.
        height_m: height above home of lines that lie on the ground in the file.

    Raises:
        PlanUnreadable: if it is no KML, or holds nothing that can be flown.
    """
    report = LossReport()
    try:
        if data[:2] == b"PK":
            data, others = main_kml(data)
            if others:
                report.info("not_read", f"{len(others)} other files in the KMZ are not read")
        root = parse_xml(data)
        if root.tag != "kml" and root.find(".//Placemark") is None:
            raise PlanUnreadable(f"its root is <{root.tag:.40}>", cure="give a KML file")
        found = _read(root, report)
        if found.home is None:
            if found.items or found.rally:
                raise PlanUnreadable("it has steps, but no home", cure="export it again")
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


def _read(root: ElementTree.Element, report: LossReport) -> _Found:
    for tag, what in _NOT_READ.items():
        count = sum(1 for _ in root.iter(tag))
        if count:
            report.warning("not_read", f"{count} × {what} ({tag}) is not read")
    found = _Found()
    for n, placemark in enumerate(root.iter("Placemark")):
        name = (placemark.findtext("name") or "").strip()
        where = f"placemark {n}{name and f' ({name:.40})'}"
        _take(placemark, name, where, found, report)
    if found.points:
        report.warning("not_read", f"{found.points} single points are not read")
    return found


def _values(placemark: ElementTree.Element, name: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for data in placemark.iter("Data"):
        values[data.get("name", "").lower()] = data.findtext("value") or ""
    for data in placemark.iter("SimpleData"):
        values[data.get("name", "").lower()] = data.text or ""
    values.setdefault("name", name)
    return values


def _take(
    placemark: ElementTree.Element, name: str, where: str, found: _Found, report: LossReport
) -> None:
    values = _values(placemark, name)
    role = text(values, "role")
    if role == "path":
        return
    if role in ("home", "item", "rally"):
        point = placemark.find("Point")
        spots = [] if point is None else _spots(point, where)
        spot = spots[0][:2] if spots else None
        if role == "item":
            order = value_of(values, "number", where)
            place = float(len(found.items)) if order is None else order
            found.items.append((place, item_of(values, spot, where)))
        elif spot is None:
            raise PlanUnreadable("it has no place", where=where)
        elif role == "rally":
            found.rally.append(rally_of(values, spot, where))
        else:
            altitude = altitude_of(values, "altitude", where) or Altitude(0.0, Datum.HOME)
            found.home = (position_of(spot, altitude, where), values)
        return
    _take_drawn(placemark, values, where, found, report)


def _take_drawn(
    placemark: ElementTree.Element,
    values: dict[str, Any],
    where: str,
    found: _Found,
    report: LossReport,
) -> None:
    """Takes a placemark without a role of ours: its areas are one zone, its lines are paths."""
    polygons = [_polygon(polygon, where) for polygon in placemark.iter("Polygon")]
    kinds = {str(kind) for kind in ZoneKind}
    if polygons:
        if "kind" in values and text(values, "kind").strip().lower() not in kinds:
            report.warning("zone_words_left_out", f"{where}: its kind is none that is known")
            del values["kind"]
        elif "kind" not in values:
            report.info("said_otherwise", f"{where}: an area without a kind is an inclusion")
        area: Area = polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)
        found.zones.append(zone_of(values, area, where))
    for line in _lines(placemark):
        mode = (line.findtext("altitudeMode") or "clampToGround").strip()
        datum = _ALTITUDE_MODES.get(mode)
        corners = _spots(line, where)
        heights = tuple(
            None if datum is None or math.isnan(up) else Altitude(up, datum) for _, _, up in corners
        )
        if corners:
            places = tuple((lat, lon) for lat, lon, _ in corners)
            found.paths.append(BarePath(where, places, heights))
    found.points += sum(1 for _ in placemark.iter("Point"))


def _lines(placemark: ElementTree.Element) -> Iterator[ElementTree.Element]:
    yield from placemark.iter("LineString")
    rings = {
        id(ring) for polygon in placemark.iter("Polygon") for ring in polygon.iter("LinearRing")
    }
    yield from (ring for ring in placemark.iter("LinearRing") if id(ring) not in rings)


def _polygon(polygon: ElementTree.Element, where: str) -> Polygon:
    outer = [_ring(r, where) for b in polygon.iter("outerBoundaryIs") for r in b.iter("LinearRing")]
    inner = [_ring(r, where) for b in polygon.iter("innerBoundaryIs") for r in b.iter("LinearRing")]
    if not outer:
        raise PlanUnreadable("a polygon has no outer border", where=where, cure="draw it again")
    area = Polygon(outer[0], inner)
    if not area.is_valid:
        raise PlanUnreadable(
            f"its border is not valid: {is_valid_reason(area)} (longitude latitude)",
            where=where,
            cure="move the corner at that place so that no two edges cross",
        )
    return area


def _ring(ring: ElementTree.Element, where: str) -> list[tuple[float, float]]:
    corners = [(lon, lat) for lat, lon, _ in _spots(ring, where)]
    if len(set(corners)) < 3:
        raise PlanUnreadable("a border has no three corners", where=where, cure="draw it again")
    return corners


def _spots(element: ElementTree.Element, where: str) -> list[tuple[float, float, float]]:
    """Returns latitude, longitude and height (NaN where there is none) of coordinates."""
    return list(_read_spots(element.findtext("coordinates") or "", where))


def _read_spots(coordinates: str, where: str) -> Iterable[tuple[float, float, float]]:
    for word in coordinates.split():
        numbers = word.split(",")
        try:
            lon, lat = float(numbers[0]), float(numbers[1])
            up = float(numbers[2]) if len(numbers) > 2 and numbers[2] else math.nan
        except (ValueError, IndexError):
            raise PlanUnreadable(f"{word!r:.40} is no coordinate", where=where) from None
        if not (abs(lat) <= 90 and abs(lon) <= 180) or math.isinf(up):
            cure = "coordinates are longitude, then latitude"
            raise PlanUnreadable(f"no place on Earth: {word:.40}", where=where, cure=cure)
        yield lat, lon, up


__all__ = ["Place", "load_kml", "save_kml", "save_kmz"]
