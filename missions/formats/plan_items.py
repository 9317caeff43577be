"""Flat steps, as `.plan` files, waypoint files and MAVLink have them, made from mission items.

The settings of an item stand before its movement, from which on they hold.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import PlanUnreadable
from geo.positions import Datum
from missions.model import ItemKind, Mission, MissionItem

CHANGE_SPEED = 178
ROI_LOCATION, ROI_NONE = 195, 197
MOUNT_CONTROL = 205
TRIGGER_DISTANCE = 206
LOITER_TURNS = 18
COMMANDS: Mapping[ItemKind, int] = {
    ItemKind.WAYPOINT: 16,
    ItemKind.LOITER: 19,
    ItemKind.RETURN: 20,
    ItemKind.LAND: 21,
    ItemKind.TAKEOFF: 22,
}
"""MAV_CMD numbers of the steps that go somewhere."""
FRAME_AMSL, FRAME_MISSION, FRAME_HOME, FRAME_TERRAIN = 0, 2, 3, 10
"""MAV_FRAME numbers as `.plan` files have them."""
_FRAMES = {
    Datum.GEOID: FRAME_AMSL,
    Datum.HOME: FRAME_HOME,
    Datum.GROUND: FRAME_TERRAIN,
}


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


def simple_items(mission: Mission, *, terrain_frame: bool = False) -> tuple[SimpleItem, ...]:
    """Returns the flat steps of a mission: settings of an item come before its movement.

    Args:
        mission: what is to be flown.
        terrain_frame: whether heights above the ground may be written, which PX4 refuses.

    Raises:
        PlanUnreadable: if an altitude counts from a datum that the mission can't carry.
    """
    steps: list[SimpleItem] = []
    looking = False
    for index, item in enumerate(mission.items):
        steps += _settings(item, index, looking=looking)
        looking = item.look_at is not None or (looking and item.camera_pitch_deg is None)
        command = COMMANDS[item.kind]
        holds = item.kind in (ItemKind.WAYPOINT, ItemKind.LOITER)
        hold_s = item.hold_s if holds else 0.0
        if item.position is None:
            steps.append(SimpleItem(command, FRAME_MISSION, (hold_s, 0, 0, 0), item=index))
            continue
        altitude = item.position.altitude
        known = altitude.datum in _FRAMES
        if not known or (altitude.datum is Datum.GROUND and not terrain_frame):
            raise PlanUnreadable(
                f"item {index} has an altitude above {altitude.datum}, which no mission carries",
                cure="give it above home or above the geoid",
            )
        if item.kind is ItemKind.LOITER and item.loiter_turns:
            command, hold_s = LOITER_TURNS, item.loiter_turns
        radius_m = (item.loiter_radius_m or 0.0) if item.kind is ItemKind.LOITER else 0.0
        near_m = (item.acceptance_radius_m or 0.0) if item.kind is ItemKind.WAYPOINT else 0.0
        steps.append(
            SimpleItem(
                command,
                _FRAMES[altitude.datum],
                (hold_s, near_m, radius_m, math.nan),
                item.position.lat_deg,
                item.position.lon_deg,
                altitude.metres,
                index,
            )
        )
    return tuple(steps)


def _settings(item: MissionItem, index: int, *, looking: bool) -> list[SimpleItem]:
    steps: list[SimpleItem] = []
    if item.speed_m_s is not None:
        params = (1.0, item.speed_m_s, -1.0, 0.0)
        steps.append(SimpleItem(CHANGE_SPEED, FRAME_MISSION, params, item=index))
    if item.camera_pitch_deg is not None:
        if looking and item.look_at is None:  # a camera held to a place heeds no pitch
            steps.append(SimpleItem(ROI_NONE, FRAME_MISSION, (0, 0, 0, 0), item=index))
        # the last parameter, 2, asks for a pitch against the horizon
        params = (item.camera_pitch_deg, 0.0, 0.0, 0.0)
        steps.append(SimpleItem(MOUNT_CONTROL, FRAME_MISSION, params, z_m=2.0, item=index))
    if item.look_at is not None:
        lat, lon = item.look_at
        steps.append(SimpleItem(ROI_LOCATION, FRAME_HOME, (0, 0, 0, 0), lat, lon, 0.0, index))
    if item.trigger_m is not None:
        params = (item.trigger_m, 0.0, float(item.trigger_m > 0), 0.0)
        steps.append(SimpleItem(TRIGGER_DISTANCE, FRAME_MISSION, params, item=index))
    return steps
