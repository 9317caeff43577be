"""DJI's WPML waylines (KMZ), out only: `wpmz/template.kml` and `wpmz/waylines.wpml`.

After the public description of the format (DJI WPML 1.0.6). No such file of ours has been
flown on an aircraft of DJI: try it on the ground first. The aircraft stops at every waypoint,
so that it cuts no corner.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from xml.etree import ElementTree

from core.errors import PlanUnreadable
from geo.local_frame import distance_m
from geo.positions import Datum
from missions.formats.losses import Loss, LossReport
from missions.formats.wpml_stops import Stop, name_losses, stops_of, up_m
from missions.formats.xml_reading import zipped
from missions.model import ItemKind, Plan

_KML = "http://www.opengis.net/kml/2.2"
_WPML = "http://www.dji.com/wpmz/1.0.6"
_STOP = "toPointAndStopWithDiscontinuityCurvature"
_LEAST_TAKEOFF_M, _MOST_TAKEOFF_M = 1.2, 1500.0
_LEAST_RETURN_M, _MOST_RETURN_M = 20.0, 1500.0


@dataclass(frozen=True, slots=True)
class DjiModel:
    """Numbers of an aircraft and its camera in DJI's lists."""

    drone: int
    drone_sub: int
    payload: int
    payload_sub: int = 0


DJI_MODELS: Mapping[str, DjiModel] = MappingProxyType(
    {
        "m30": DjiModel(67, 0, 52),
        "m30t": DjiModel(67, 1, 53),
        "m3e": DjiModel(77, 0, 66),
        "m3t": DjiModel(77, 1, 67),
        "m3m": DjiModel(77, 2, 68),
        "m3d": DjiModel(91, 0, 80),
        "m3td": DjiModel(91, 1, 81),
    }
)
"""By short name; the aircraft refuses a file that was made for another."""


def save_wpml(plan: Plan, model: DjiModel = DJI_MODELS["m30"]) -> tuple[bytes, tuple[Loss, ...]]:
    """Returns a wayline file and what it does not carry.

    Raises:
        PlanUnreadable: if the plan has fewer than two places to go to, which the format wants.
    """
    report = LossReport()
    name_losses(plan, report)
    stops = stops_of(plan, report)
    if len(stops) < 2:
        raise PlanUnreadable("a wayline needs two waypoints", cure="plan at least two")
    config = _Config(plan, model, report)
    files = {
        "wpmz/template.kml": _document(_template(plan, stops, config)),
        "wpmz/waylines.wpml": _document(_waylines(plan, stops, config)),
    }
    return zipped(files), report.losses


class _Config:
    """What belongs to the whole flight, in the words of the format."""

    def __init__(self, plan: Plan, model: DjiModel, report: LossReport) -> None:
        self.model = model
        items = plan.mission.items
        ends = {ItemKind.RETURN: "goHome", ItemKind.LAND: "autoLand"}
        self.finish = ends.get(items[-1].kind, "noAction")
        first = items[0]
        up = _LEAST_TAKEOFF_M
        if first.kind is ItemKind.TAKEOFF and first.position is not None:
            up = up_m(plan, 0, first.position.altitude, report)
        else:
            report.warning("said_otherwise", "the aircraft takes off by itself")
        self.takeoff_m = min(_MOST_TAKEOFF_M, max(_LEAST_TAKEOFF_M, up))
        if self.takeoff_m != up and first.kind is ItemKind.TAKEOFF:
            message = f"the take-off height of {up:g} m becomes {self.takeoff_m:g} m"
            report.error("movement_changed", message, 0)
        self.return_m: float | None = None
        if plan.return_altitude is not None:
            wanted = up_m(plan, len(items) - 1, plan.return_altitude, report)
            self.return_m = min(_MOST_RETURN_M, max(_LEAST_RETURN_M, wanted))
            if self.return_m != wanted:
                message = f"the return height of {wanted:g} m becomes {self.return_m:g} m"
                report.error("movement_changed", message)

    def add(self, parent: ElementTree.Element, plan: Plan, *, template: bool) -> None:
        """Adds the mission configuration; only the template says where take-off was planned."""
        config = _add(parent, "missionConfig")
        _add(config, "flyToWaylineMode", "safely")
        _add(config, "finishAction", self.finish)
        _add(config, "exitOnRCLost", "executeLostAction")
        _add(config, "executeRCLostAction", "goBack")
        _add(config, "takeOffSecurityHeight", self.takeoff_m)
        if template and plan.home.altitude.datum is Datum.GEOID:
            home = plan.home
            words = (home.lat_deg, home.lon_deg, home.altitude.metres)  # latitude first, here only
            _add(config, "takeOffRefPoint", ",".join(repr(float(v)) for v in words))
        _add(config, "globalTransitionalSpeed", plan.cruise_m_s)
        if self.return_m is not None:
            _add(config, "globalRTHHeight", self.return_m)
        drone = _add(config, "droneInfo")
        _add(drone, "droneEnumValue", self.model.drone)
        _add(drone, "droneSubEnumValue", self.model.drone_sub)
        payload = _add(config, "payloadInfo")
        _add(payload, "payloadEnumValue", self.model.payload)
        _add(payload, "payloadSubEnumValue", self.model.payload_sub)
        _add(payload, "payloadPositionIndex", 0)


def _add(
    parent: ElementTree.Element, tag: str, content: str | float | None = None
) -> ElementTree.Element:
    """Adds an element of the format's own name space."""
    element = ElementTree.SubElement(parent, f"wpml:{tag}")
    if content is not None:
        element.text = content if isinstance(content, str) else f"{content:.10g}"
    return element


def _root() -> tuple[ElementTree.Element, ElementTree.Element]:
    root = ElementTree.Element("kml", {"xmlns": _KML, "xmlns:wpml": _WPML})
    return root, ElementTree.SubElement(root, "Document")


def _document(root: ElementTree.Element) -> bytes:
    ElementTree.indent(root, "  ")
    data: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return data + b"\n"


def _placemark(folder: ElementTree.Element, stop: Stop, index: int) -> ElementTree.Element:
    placemark = ElementTree.SubElement(folder, "Placemark")
    point = ElementTree.SubElement(placemark, "Point")
    coordinates = ElementTree.SubElement(point, "coordinates")
    coordinates.text = f"{float(stop.lon_deg)!r},{float(stop.lat_deg)!r}"
    _add(placemark, "index", index)
    return placemark


def _template(plan: Plan, stops: list[Stop], config: _Config) -> ElementTree.Element:
    root, document = _root()
    config.add(document, plan, template=True)
    folder = ElementTree.SubElement(document, "Folder")
    _add(folder, "templateType", "waypoint")
    _add(folder, "templateId", 0)
    system = _add(folder, "waylineCoordinateSysParam")
    _add(system, "coordinateMode", "WGS84")
    _add(system, "heightMode", "relativeToStartPoint")
    _add(folder, "autoFlightSpeed", plan.cruise_m_s)
    _add(folder, "globalHeight", stops[0].up_m)
    _add(folder, "caliFlightEnable", 0)
    _add(folder, "gimbalPitchMode", "manual")
    heading = _add(folder, "globalWaypointHeadingParam")
    _add(heading, "waypointHeadingMode", "followWayline")
    _add(folder, "globalWaypointTurnMode", _STOP)
    _add(folder, "globalUseStraightLine", 1)
    for n, stop in enumerate(stops):
        placemark = _placemark(folder, stop, n)
        _add(placemark, "ellipsoidHeight", stop.up_m)
        _add(placemark, "height", stop.up_m)
        _add(placemark, "useGlobalHeight", 0)
        _add(placemark, "useGlobalSpeed", 0)
        _add(placemark, "waypointSpeed", stop.speed_m_s)
        _add(placemark, "useGlobalHeadingParam", 0)
        _heading(placemark, stop)
        _add(placemark, "useGlobalTurnParam", 1)
        _add(placemark, "useStraightLine", 1)
        _actions(placemark, stops, n)
    return root


def _waylines(plan: Plan, stops: list[Stop], config: _Config) -> ElementTree.Element:
    root, document = _root()
    config.add(document, plan, template=False)
    folder = ElementTree.SubElement(document, "Folder")
    _add(folder, "templateId", 0)
    _add(folder, "executeHeightMode", "relativeToStartPoint")
    _add(folder, "waylineId", 0)
    legs = [
        math.hypot(distance_m(a.lat_deg, a.lon_deg, b.lat_deg, b.lon_deg), b.up_m - a.up_m)
        for a, b in pairwise(stops)
    ]
    seconds = sum(leg / max(0.1, s.speed_m_s) for leg, s in zip(legs, stops, strict=False))
    _add(folder, "distance", round(sum(legs), 2))
    _add(folder, "duration", round(seconds + sum(stop.hold_s for stop in stops), 2))
    _add(folder, "autoFlightSpeed", plan.cruise_m_s)
    for n, stop in enumerate(stops):
        placemark = _placemark(folder, stop, n)
        _add(placemark, "executeHeight", stop.up_m)
        _add(placemark, "waypointSpeed", stop.speed_m_s)
        _heading(placemark, stop)
        turn = _add(placemark, "waypointTurnParam")
        _add(turn, "waypointTurnMode", _STOP)
        _add(turn, "waypointTurnDampingDist", 0)
        _add(placemark, "useStraightLine", 1)
        _actions(placemark, stops, n)
    return root


def _heading(placemark: ElementTree.Element, stop: Stop) -> None:
    heading = _add(placemark, "waypointHeadingParam")
    if stop.look_at is None:
        _add(heading, "waypointHeadingMode", "followWayline")
        return
    _add(heading, "waypointHeadingMode", "towardPOI")
    lat, lon = stop.look_at
    _add(heading, "waypointPoiPoint", f"{float(lat)!r},{float(lon)!r},0")  # latitude first


def _actions(placemark: ElementTree.Element, stops: list[Stop], n: int) -> None:
    """Adds what the aircraft does at a waypoint, and pictures along the way from it."""
    stop, before = stops[n], stops[n - 1] if n else None
    at_place: list[tuple[str, dict[str, str | float]]] = []
    if stop.pitch_deg is not None and (before is None or before.pitch_deg != stop.pitch_deg):
        pitch: dict[str, str | float] = {
            "gimbalHeadingYawBase": "aircraft", "gimbalRotateMode": "absoluteAngle",
            "gimbalPitchRotateEnable": 1, "gimbalPitchRotateAngle": stop.pitch_deg,
            "gimbalRollRotateEnable": 0, "gimbalRollRotateAngle": 0,
            "gimbalYawRotateEnable": 0, "gimbalYawRotateAngle": 0,
            "gimbalRotateTimeEnable": 0, "gimbalRotateTime": 0, "payloadPositionIndex": 0,
        }  # fmt: skip
        at_place.append(("gimbalRotate", pitch))
    if stop.hold_s > 0:
        at_place.append(("hover", {"hoverTime": stop.hold_s}))
    if at_place:
        _group(placemark, 2 * n, n, n, "reachPoint", None, at_place)
    begins = stop.trigger_m > 0 and (before is None or before.trigger_m != stop.trigger_m)
    if begins and n + 1 < len(stops):
        last = next(
            (k for k in range(n, len(stops)) if stops[k].trigger_m != stop.trigger_m),
            len(stops) - 1,
        )
        photo: dict[str, str | float] = {"fileSuffix": "qyran", "payloadPositionIndex": 0}
        shots = [("takePhoto", photo)]
        _group(placemark, 2 * n + 1, n, last, "multipleDistance", stop.trigger_m, shots)


def _group(
    placemark: ElementTree.Element,
    number: int,
    start: int,
    end: int,
    trigger: str,
    metres: float | None,
    actions: list[tuple[str, dict[str, str | float]]],
) -> None:
    group = _add(placemark, "actionGroup")
    _add(group, "actionGroupId", number)
    _add(group, "actionGroupStartIndex", start)
    _add(group, "actionGroupEndIndex", end)
    _add(group, "actionGroupMode", "sequence")
    when = _add(group, "actionTrigger")
    _add(when, "actionTriggerType", trigger)
    if metres is not None:
        _add(when, "actionTriggerParam", metres)
    for k, (name, values) in enumerate(actions):
        action = _add(group, "action")
        _add(action, "actionId", k)
        _add(action, "actionActuatorFunc", name)
        inner = _add(action, "actionActuatorFuncParam")
        for key, value in values.items():
            _add(inner, key, value)
