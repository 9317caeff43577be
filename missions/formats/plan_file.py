"""QGroundControl's `.plan` files, read in every version and written in the newest.

Whatever a file holds is either read or named in the losses; only what is no plan at all is
refused. Writing names what the format can't carry: floors, ceilings, time windows, names. What
is ours alone (return height, permission, start) stands under a key of our own (`plan_own`).
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.errors import PlanUnreadable, QyranError
from core.ids import AssetId, MissionId, content_id
from geo.positions import Altitude, Datum, Position
from geo.zones import Zone
from missions.formats.losses import Loss, LossReport, moved
from missions.formats.plan_fences import fence_document, fence_rings, read_fence, read_rally
from missions.formats.plan_items import (
    CHANGE_SPEED,
    COMMANDS,
    FRAME_AMSL,
    FRAME_HOME,
    FRAME_MISSION,
    FRAME_TERRAIN,
    MOUNT_CONTROL,
    SimpleItem,
    simple_items,
)
from missions.formats.plan_jumps import FileStep
from missions.formats.plan_losses import writing_losses
from missions.formats.plan_own import KEY, own_document, read_own, with_own
from missions.formats.plan_parts import PlanPart
from missions.formats.plan_reading import mission_items, read_steps
from missions.formats.plan_steps import read_step, waits_for_ever
from missions.formats.plan_survey import read_pattern
from missions.formats.plan_values import listing, mapping, optional, parse, place
from missions.formats.plan_vehicle import cruise_m_s, note_vehicle
from missions.model import Mission, MissionItem, Plan

__all__ = [
    "CHANGE_SPEED",
    "COMMANDS",
    "FRAME_AMSL",
    "FRAME_HOME",
    "FRAME_MISSION",
    "FRAME_TERRAIN",
    "MOUNT_CONTROL",
    "LoadedPlan",
    "SimpleItem",
    "fence_rings",
    "load_plan",
    "mission_items",
    "read_plan",
    "save_plan",
    "simple_items",
    "write_plan",
]
_PX4, _QUADROTOR = 12, 2
_MOVED_CURE = "see qyran convert for all that is lost; plan it anew with waypoints"


@dataclass(frozen=True, slots=True)
class LoadedPlan:
    """A plan from a file, with what of the file it does not hold."""

    plan: Plan
    losses: tuple[Loss, ...] = ()
    parts: tuple[PlanPart, ...] = ()
    """What stretches of the mission were meant to be."""
    departs_at: datetime | None = None
    """The start that the plan was mended for, where the file says so."""


def write_plan(plan: Plan, departs_at: datetime | None = None) -> str:
    """Returns the text of a `.plan` file; the same plan gives the same text.

    Args:
        plan: what is written.
        departs_at: the start that it was proven for, if one was.

    Raises:
        PlanUnreadable: if an altitude counts from a datum that the format does not know.
    """
    return save_plan(plan, departs_at)[0]


def save_plan(plan: Plan, departs_at: datetime | None = None) -> tuple[str, tuple[Loss, ...]]:
    """Returns the text of a `.plan` file and what it does not carry.

    Args:
        plan: what is written.
        departs_at: the start that it was proven for, if one was.

    Raises:
        PlanUnreadable: if an altitude counts from a datum that the format does not know.
    """
    report = LossReport()
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
        for number, step in enumerate(simple_items(plan.mission, terrain_frame=True))
    ]
    writing_losses(plan, report, "the format", own_key=True)
    document: dict[str, Any] = {
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
            "plannedHomePosition": _home_triple(plan.home, report),
            "items": items,
        },
        "geoFence": fence_document(plan.fences),
        "rallyPoints": {
            "version": 2,
            "points": [_triple(p.position) for p in plan.rally],
        },
    }
    if own := own_document(plan, departs_at):
        document[KEY] = own
    return json.dumps(document, indent=1, allow_nan=False), report.losses


def _triple(position: Position) -> list[float]:
    return [float(v) for v in (position.lat_deg, position.lon_deg, position.altitude.metres)]


def _home_triple(home: Position, report: LossReport) -> list[float | None]:
    if home.altitude.datum is Datum.GEOID:
        return [*_triple(home)]
    if home.altitude.datum is not Datum.HOME:
        report.info(
            "home_unknown", f"the height of home above {home.altitude.datum} is for Qyran alone"
        )
    return [float(home.lat_deg), float(home.lon_deg), None]


def read_plan(text: str, asset_id: AssetId, *, where: str = "") -> Plan:
    """Returns the plan that a `.plan` file holds, if every movement in it is understood.

    Raises:
        PlanUnreadable: if it is no such file, or the vehicle would do something that the plan
            does not say. `load_plan` gives what can be read and names the rest.
    """
    loaded = load_plan(text, asset_id, where=where)
    if wrong := moved(loaded.losses):
        raise PlanUnreadable(wrong[0].message, where=where, cure=_MOVED_CURE)
    return loaded.plan


def load_plan(text: str, asset_id: AssetId, *, where: str = "") -> LoadedPlan:
    """Returns the plan that a `.plan` file holds, with everything of the file that is lost.

    Raises:
        PlanUnreadable: if it is no such file; the message names the place and a cure.
    """
    try:
        return _read(parse(text), asset_id)
    except PlanUnreadable as error:
        if error.where and where:
            error.where = f"{where}, {error.where}"
        error.where = error.where or where
        raise
    except (QyranError, ValueError, KeyError, TypeError, IndexError, ArithmeticError) as error:
        raise PlanUnreadable(
            f"not a readable plan: {type(error).__name__}: {error}",
            where=where,
            cure="save it again with QGroundControl",
        ) from error


def _read(document: Any, asset_id: AssetId) -> LoadedPlan:
    cure = "give a QGroundControl .plan file"
    if not isinstance(document, dict):
        raise PlanUnreadable("its fileType is not Plan", cure=cure)
    kind = document.get("fileType")
    report = LossReport()
    if kind == "Plan":
        if document.get("version") != 1:
            raise PlanUnreadable(f"plan version {document.get('version')!r:.40} is not known")
        if not document.get("mission"):
            raise PlanUnreadable("it holds no mission", cure="add a take-off and waypoints")
        mission = mapping(document["mission"], "its mission")
    elif kind == "Mission" or (kind is None and "items" in document):
        mission = document  # what QGroundControl wrote before .plan
    else:
        raise PlanUnreadable("its fileType is not Plan", cure=cure)
    version = mission.get("version", 1)
    if version not in (1, 2, "1.0"):
        raise PlanUnreadable(f"mission version {version!r:.40} is not known")
    if "items" not in mission:
        raise PlanUnreadable("its mission has no items", cure="add a take-off and waypoints")
    fences = read_fence(document.get("geoFence"), report)
    rally = read_rally(document.get("rallyPoints"), report)
    steps, found = _steps(mission, report)
    home = _home(mission.get("plannedHomePosition"), steps, fences, report)
    note_vehicle(mission, report)
    speed_m_s = cruise_m_s(mission, report)
    items, owners = read_steps(steps, report, home=home, cruise_m_s=speed_m_s)
    parts = tuple(
        replace(part, first_item=owners.index(n), items=owners.count(n))
        for n, part in enumerate(found)
        if n in owners
    )
    own = read_own(document.get(KEY), report)
    plan = Plan(_named(items, asset_id), asset_id, home, speed_m_s, fences, rally)
    return LoadedPlan(with_own(plan, own), report.losses, parts, own.departs_at)


def _named(items: tuple[MissionItem, ...], asset_id: AssetId) -> Mission:
    return Mission(MissionId(content_id("mission", str(asset_id), repr(items))), items)


def _steps(mission: Mapping[str, Any], report: LossReport) -> tuple[list[FileStep], list[PlanPart]]:
    """Returns the flat steps of a mission and what its patterns mean."""
    items = listing(mission["items"], "items")
    if mission.get("complexItems"):  # version 1 keeps patterns apart, joined by their ids
        every = [*items, *listing(mission["complexItems"], "complexItems")]
        items = sorted(every, key=lambda item: optional(mapping(item, "an item").get("id"), "id"))
    steps: list[FileStep] = []
    parts: list[PlanPart] = []
    for n, item in enumerate(items):
        where = f"item {n}"
        kind = mapping(item, "it", where).get("type")
        if kind in ("SimpleItem", "missionItem"):
            if item.get("autoContinue") is False and n < len(items) - 1:
                waits_for_ever(where, report)
            steps.append(read_step(item, where))
            continue
        pattern = read_pattern(item, where, report)
        if pattern is not None:
            steps += [replace(step, part=len(parts)) for step in pattern.steps]
            parts.append(pattern.part)
    return steps, parts


def _home(
    given: Any, steps: Sequence[FileStep], fences: Sequence[Zone], report: LossReport
) -> Position:
    if isinstance(given, dict):  # version 1 has it as an item
        given = given.get("coordinate")
    if isinstance(given, list) and len(given) >= 2 and given[0] is not None:
        lat, lon = place(given, "plannedHomePosition")
        height = optional(given[2], "plannedHomePosition") if len(given) > 2 else math.nan
        if math.isfinite(height):
            return Position(lat, lon, Altitude(height, Datum.GEOID))
        report.info("home_unknown", "the height of home above the sea is not given")
        return Position(lat, lon, Altitude(0.0, Datum.HOME))
    if given not in (None, []):
        place(given, "plannedHomePosition")
    seen = [(s.step.lat_deg, s.step.lon_deg) for s in steps if s.step.frame != FRAME_MISSION]
    seen = [spot for spot in seen if all(map(math.isfinite, spot)) and spot != (0.0, 0.0)]
    seen += [
        (lat, lon) for zone in fences for lon, lat in [zone.area.representative_point().coords[0]]
    ]
    if not seen:
        raise PlanUnreadable("it does not say where home is", cure="set a planned home position")
    report.warning(
        "home_unknown", "the file does not say where home is; it begins at its first place"
    )
    return Position(*seen[0], Altitude(0.0, Datum.HOME))
