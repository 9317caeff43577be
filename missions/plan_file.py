"""QGroundControl's `.plan` files, and the flat steps that they share with MAVLink.

Read: simple items, geofence version 2, rally points version 2. Whatever else a file holds
(survey patterns, commands that are not known) is refused by name rather than dropped. Flight
zones lose what the format can't carry: floors, ceilings, names.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from shapely import Point, Polygon

from core.errors import PlanUnreadable, QyranError
from core.ids import AssetId, MissionId, ZoneId, content_id
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Datum, Position
from geo.zones import Area, Purpose, Zone, ZoneKind, to_geographic
from missions.model import ItemKind, Mission, MissionItem, Plan, RallyPoint

CHANGE_SPEED = 178
MOUNT_CONTROL = 205
COMMANDS: Mapping[ItemKind, int] = {
    ItemKind.WAYPOINT: 16,
    ItemKind.LOITER: 19,
    ItemKind.RETURN: 20,
    ItemKind.LAND: 21,
    ItemKind.TAKEOFF: 22,
}
"""MAV_CMD numbers of the steps that go somewhere."""
_KINDS = {number: kind for kind, number in COMMANDS.items()}
FRAME_AMSL, FRAME_MISSION, FRAME_HOME = 0, 2, 3
"""MAV_FRAME numbers as `.plan` files have them."""
_FRAMES = {Datum.GEOID: FRAME_AMSL, Datum.HOME: FRAME_HOME}
_DATUMS = {frame: datum for datum, frame in _FRAMES.items()}
_PX4, _GENERIC, _QUADROTOR = 12, 0, 2


@dataclass(frozen=True, slots=True)
class SimpleItem:
    """One flat step: a MAVLink command with its seven parameters."""

    command: int
    frame: int
    params: tuple[float, float, float, float]
    lat_deg: float = 0.0
    lon_deg: float = 0.0
    z_m: float = 0.0
    item: int = 0
    """The mission item that this step belongs to; its last step is the one that moves."""


def simple_items(mission: Mission) -> tuple[SimpleItem, ...]:
    """Returns the flat steps of a mission: settings of an item come before its movement.

    Raises:
        PlanUnreadable: if an altitude counts from a datum that a mission can't carry.
    """
    steps: list[SimpleItem] = []
    for index, item in enumerate(mission.items):
        if item.speed_m_s is not None:
            params = (1.0, item.speed_m_s, -1.0, 0.0)
            steps.append(SimpleItem(CHANGE_SPEED, FRAME_MISSION, params, item=index))
        if item.camera_pitch_deg is not None:
            # the last parameter, 2, asks for a pitch against the horizon
            params = (item.camera_pitch_deg, 0.0, 0.0, 0.0)
            steps.append(SimpleItem(MOUNT_CONTROL, FRAME_MISSION, params, z_m=2.0, item=index))
        command = COMMANDS[item.kind]
        if item.position is None:
            steps.append(SimpleItem(command, FRAME_MISSION, (item.hold_s, 0, 0, 0), item=index))
            continue
        altitude = item.position.altitude
        if altitude.datum not in _FRAMES:
            raise PlanUnreadable(
                f"item {index} has an altitude above {altitude.datum}, which no mission carries",
                cure="give it above home or above the geoid",
            )
        steps.append(
            SimpleItem(
                command,
                _FRAMES[altitude.datum],
                (item.hold_s, 0.0, 0.0, math.nan),
                item.position.lat_deg,
                item.position.lon_deg,
                altitude.metres,
                index,
            )
        )
    return tuple(steps)


def mission_items(steps: Sequence[SimpleItem]) -> tuple[MissionItem, ...]:
    """Returns the mission items that flat steps mean.

    Raises:
        PlanUnreadable: if a command or frame is not known; the message names it.
    """
    items: list[MissionItem] = []
    speed: float | None = None
    pitch: float | None = None
    for number, step in enumerate(steps):
        where = f"item {number}"
        if step.command == CHANGE_SPEED:
            speed = step.params[1]
            continue
        if step.command == MOUNT_CONTROL:
            pitch = step.params[0]
            continue
        kind = _KINDS.get(step.command)
        if kind is None:
            raise PlanUnreadable(
                f"MAVLink command {step.command} is not known",
                where=where,
                cure="plan it with take-off, waypoints, loiter, return and land",
            )
        position = None
        if step.frame != FRAME_MISSION:
            if step.frame not in _DATUMS:
                raise PlanUnreadable(f"altitude frame {step.frame} is not known", where=where)
            altitude = Altitude(step.z_m, _DATUMS[step.frame])
            position = Position(step.lat_deg, step.lon_deg, altitude)
        hold_s = step.params[0] if math.isfinite(step.params[0]) else 0.0
        items.append(MissionItem(kind, position, speed, hold_s, pitch))
        speed = pitch = None
    if speed is not None or pitch is not None:
        raise PlanUnreadable("a setting stands after the last step", where=f"item {len(steps) - 1}")
    return tuple(items)


def write_plan(plan: Plan) -> str:
    """Returns the text of a `.plan` file; the same plan gives the same text.

    Raises:
        PlanUnreadable: if the plan holds what the format can't carry.
    """
    home = plan.home
    items = [
        {
            "type": "SimpleItem",
            "autoContinue": True,
            "command": step.command,
            "doJumpId": number + 1,
            "frame": step.frame,
            "params": [
                *(None if math.isnan(p) else float(p) for p in step.params),
                float(step.lat_deg),
                float(step.lon_deg),
                float(step.z_m),
            ],
        }
        for number, step in enumerate(simple_items(plan.mission))
    ]
    document = {
        "fileType": "Plan",
        "version": 1,
        "groundStation": "Qyran",
        "mission": {
            "version": 2,
            "firmwareType": _PX4,
            "vehicleType": _QUADROTOR,
            "cruiseSpeed": float(plan.cruise_m_s),
            "hoverSpeed": float(plan.cruise_m_s),
            "globalPlanAltitudeMode": 1,
            "plannedHomePosition": _triple(home),
            "items": items,
        },
        "geoFence": {
            "version": 2,
            "circles": [],
            "polygons": [
                {
                    "version": 1,
                    "inclusion": inclusion,
                    "polygon": [[lat, lon] for lat, lon in ring],
                }
                for inclusion, ring in fence_rings(plan.fences)
            ],
        },
        "rallyPoints": {
            "version": 2,
            "points": [_triple(p.position) for p in plan.rally],
        },
    }
    return json.dumps(document, indent=1, allow_nan=False)


def _triple(position: Position) -> list[float]:
    return [float(v) for v in (position.lat_deg, position.lon_deg, position.altitude.metres)]


def fence_rings(
    fences: Sequence[Zone],
) -> tuple[tuple[bool, tuple[tuple[float, float], ...]], ...]:
    """Returns fences as rings without holes, as vehicles take them: inclusion or not, corners.

    Corners are latitude and longitude, the first not repeated. A hole of an inclusion
    becomes an exclusion; a hole of an exclusion is closed, which is the safe side. An
    exclusion with a floor is left out: a ring has no height, and would forbid the room below.
    """
    rings: list[tuple[bool, tuple[tuple[float, float], ...]]] = []
    for zone in fences:
        inclusion = zone.kind is ZoneKind.INCLUSION
        if not inclusion and zone.floor is not None:
            continue
        for part in getattr(zone.area, "geoms", [zone.area]):
            borders = [(inclusion, part.exterior)]
            if inclusion:
                borders += [(False, hole) for hole in part.interiors]
            for wanted, border in borders:
                corners = tuple((float(y), float(x)) for x, y in list(border.coords)[:-1])
                rings.append((wanted, corners))
    return tuple(rings)


def read_plan(text: str, asset_id: AssetId, *, where: str = "") -> Plan:
    """Returns the plan that a `.plan` file holds.

    Raises:
        PlanUnreadable: if it is no such file, or holds what is not understood.
    """
    try:
        return _read(json.loads(text), asset_id, where)
    except PlanUnreadable as error:
        if error.where and where:
            error.where = f"{where}, {error.where}"
        error.where = error.where or where
        raise
    except (QyranError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise PlanUnreadable(
            f"not a readable plan: {type(error).__name__}: {error}",
            where=where,
            cure="save it again with QGroundControl",
        ) from error


def _read(document: Any, asset_id: AssetId, where: str) -> Plan:
    if not isinstance(document, dict) or document.get("fileType") != "Plan":
        raise PlanUnreadable("its fileType is not Plan", cure="give a QGroundControl .plan file")
    if document.get("version") != 1:
        raise PlanUnreadable(f"plan version {document.get('version')!r} is not known")
    mission = document["mission"]
    if mission.get("version") != 2:
        raise PlanUnreadable(f"mission version {mission.get('version')!r} is not known")
    steps = tuple(_step(number, item) for number, item in enumerate(mission["items"]))
    lat, lon, height = (float(v) for v in mission["plannedHomePosition"])
    items = mission_items(steps)
    return Plan(
        Mission(MissionId(content_id("mission", str(asset_id), repr(items))), items),
        asset_id,
        Position(lat, lon, Altitude(height, Datum.GEOID)),
        float(mission.get("hoverSpeed") or mission.get("cruiseSpeed") or 5.0),
        _read_fence(document.get("geoFence") or {}),
        _read_rally(document.get("rallyPoints") or {}),
    )


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _step(number: int, item: Any) -> SimpleItem:
    where = f"item {number}"
    kind = item.get("type")
    if kind != "SimpleItem":
        name = item.get("complexItemType", kind)
        raise PlanUnreadable(
            f"a {name!r} item is not understood",
            where=where,
            cure="convert it to waypoints in QGroundControl first",
        )
    params = item["params"]
    if len(params) != 7 or not all(p is None or _number(p) for p in params):
        raise PlanUnreadable("it has no seven numbers as parameters", where=where)
    if any(p is None for p in params[4:]):
        raise PlanUnreadable("its place is not given", where=where)
    p1, p2, p3, p4 = (math.nan if p is None else float(p) for p in params[:4])
    lat, lon, z = (float(p) for p in params[4:])
    return SimpleItem(int(item["command"]), int(item["frame"]), (p1, p2, p3, p4), lat, lon, z)


def _read_fence(fence: Any) -> tuple[Zone, ...]:
    if fence and fence.get("version") != 2:
        raise PlanUnreadable(f"geofence version {fence.get('version')!r} is not known")
    zones: list[Zone] = []
    shapes: list[tuple[bool, Area]] = [
        (bool(p["inclusion"]), Polygon([(float(lon), float(lat)) for lat, lon in p["polygon"]]))
        for p in fence.get("polygons", [])
    ]
    for circle in fence.get("circles", []):
        lat, lon = (float(v) for v in circle["circle"]["center"])
        radius = float(circle["circle"]["radius"])
        # an inclusion stays inside its circle, an exclusion covers all of it
        steps = 16
        inclusion = bool(circle["inclusion"])
        grown = radius if inclusion else radius / math.cos(math.pi / (4 * steps))
        disc = Point(0, 0).buffer(grown, quad_segs=steps)
        shapes.append((inclusion, to_geographic(disc, LocalFrame(lat, lon))))
    for number, (inclusion, area) in enumerate(shapes):
        zones.append(
            Zone(
                ZoneId(f"zone-plan-{number}"),
                f"fence {number}",
                frozenset({Purpose.FLIGHT}),
                area,
                ZoneKind.INCLUSION if inclusion else ZoneKind.EXCLUSION,
            )
        )
    return tuple(zones)


def _read_rally(rally: Any) -> tuple[RallyPoint, ...]:
    if rally and rally.get("version") != 2:
        raise PlanUnreadable(f"rally point version {rally.get('version')!r} is not known")
    return tuple(
        RallyPoint(Position(float(lat), float(lon), Altitude(float(z), Datum.HOME)))
        for lat, lon, z in rally.get("points", [])
    )
