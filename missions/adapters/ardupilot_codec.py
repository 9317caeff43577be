"""What ArduPilot makes of MAVLink items, as seen on ArduCopter 4.7, so that nothing is changed.

Item 0 is home, which it fills in itself. Heights are cut to whole centimetres, waits at a
waypoint to whole seconds, a yaw that is left open comes back as 0 and is refused at a loiter, and
settings come back in the global frame. A waypoint has no radius of its own there: `WPNAV_RADIUS`
is that of all, and no narrower one is what the proof counts on.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from missions.adapters.mavlink_codec import MISSION, RawItem, taken_frames

HOME_ITEMS = 1
"""How many items stand before a mission's own."""
_WAYPOINT, _LOITER_TIME = 16, 19
_CLOCKWISE = 1.0
"""Of a hover it keeps the way round alone, which says nothing there; a circle's radius is lost."""
_MISSION_FRAME, _GLOBAL_FRAME = 2, 0
_LOCATED = frozenset({5, 6})
_HALF_MM = 0.0005
"""Keeps a height, as a 32-bit float, from being cut to the centimetre below."""


def for_ardupilot(items: Sequence[RawItem], home: RawItem) -> tuple[RawItem, ...]:
    """Returns a mission as ArduPilot keeps it, home first.

    Args:
        items: as `encode_mission` gives them, numbered from 0.
        home: stands as item 0; the vehicle replaces it by its own.
    """
    return (home, *(_kept(item) for item in items))


def _kept(item: RawItem) -> RawItem:
    params = [0.0 if not math.isfinite(value) else value for value in item.params]
    if item.command in (_WAYPOINT, _LOITER_TIME):
        params[0] = float(math.ceil(params[0]))  # never shorter than was planned
    if item.command == _WAYPOINT:
        params[1:] = [0.0, 0.0, 0.0]
    elif item.command == _LOITER_TIME and params[2] == 0.0:
        params[2] = _CLOCKWISE
    frame = _GLOBAL_FRAME if item.frame == _MISSION_FRAME else item.frame
    z_m = _centimetres_m(item.z) if item.frame in _LOCATED else item.z
    one, two, three, four = params
    return replace(
        item, seq=item.seq + HOME_ITEMS, current=0, frame=frame,
        params=(one, two, three, four), z=z_m,
    )  # fmt: skip


def sent_again(items: Sequence[RawItem], kind: int) -> tuple[RawItem, ...]:
    """Returns items that were read from a vehicle so that, once sent, they are held as they are."""
    again = taken_frames(items, kind)
    if kind != MISSION:
        return again
    return tuple(
        replace(item, z=_centimetres_m(item.z)) if item.frame in _LOCATED else item
        for item in again
    )


def _centimetres_m(metres: float) -> float:
    whole = round(metres * 100) / 100
    return whole + math.copysign(_HALF_MM, whole) if whole else 0.0


def home_item(lat_deg: float, lon_deg: float) -> RawItem:
    """Returns the item that stands for home."""
    return RawItem(
        0, _GLOBAL_FRAME, _WAYPOINT, 1, (0.0, 0.0, 0.0, 0.0),
        round(lat_deg * 1e7), round(lon_deg * 1e7), 0.0, MISSION,
    )  # fmt: skip
