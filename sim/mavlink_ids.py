"""The names by which PX4 1.17 announces what plan it holds: MAVLink's opaque ids, from reading it.

Each is a CRC-32 over the items as they came, 0 where there are none. pymavlink's dialect does not
have these fields yet, so the messages that carry them are made here.
"""

import struct
import zlib
from collections.abc import Sequence
from datetime import datetime

from pymavlink.dialects.v20 import common as m

from telemetry.mavlink_signing import ticks

_ITEM = struct.Struct("<BHB7f")
"""Frame, command, whether it goes on by itself, four parameters, latitude, longitude, height."""


def opaque_id(items: Sequence[m.MAVLink_mission_item_int_message]) -> int:
    """Returns the name of a list of items; the same list always has the same one."""
    name = 0
    for item in items:
        params = (item.param1, item.param2, item.param3, item.param4)
        raw = _ITEM.pack(
            item.frame, item.command, item.autocontinue, *params, item.x, item.y, item.z
        )
        name = zlib.crc32(raw, name)
    return name


def demand_signatures(codec: m.MAVLink, key: bytes, at: datetime) -> None:
    """Has a vehicle sign what it says, and heed nothing that is not signed by the same key."""
    codec.signing.secret_key = key
    codec.signing.timestamp = ticks(at)
    codec.signing.sign_outgoing = True
    codec.signing.allow_unsigned_callback = None


def keep_time(codec: m.MAVLink, at: datetime) -> None:
    """Has the times of signatures follow the clock, as those of a vehicle with a fix do."""
    codec.signing.timestamp = max(codec.signing.timestamp, ticks(at))


class _Longer:
    """Adds what stands at the end of a payload, where MAVLink 2 lets messages grow."""

    _more = b""

    def _pack(
        self, mav: m.MAVLink, crc_extra: int, payload: bytes, force_mavlink1: bool = False
    ) -> bytes:
        packed: bytes = super()._pack(  # type: ignore[misc]
            mav, crc_extra, payload + self._more, force_mavlink1=force_mavlink1
        )
        return packed


class CurrentWithIds(_Longer, m.MAVLink_mission_current_message):  # type: ignore[misc]
    """MISSION_CURRENT with the names of mission, fence and rally points."""

    def __init__(self, seq: int, total: int, ids: tuple[int, int, int]) -> None:
        super().__init__(seq, total)
        self._more = struct.pack("<3I", *ids)


class CountWithId(_Longer, m.MAVLink_mission_count_message):  # type: ignore[misc]
    """MISSION_COUNT with the name of what can be fetched."""

    def __init__(self, system: int, component: int, count: int, kind: int, name: int) -> None:
        super().__init__(system, component, count, kind)
        self._more = struct.pack("<I", name)


class AckWithId(_Longer, m.MAVLink_mission_ack_message):  # type: ignore[misc]
    """MISSION_ACK with the name of what has been taken."""

    def __init__(self, system: int, component: int, code: int, kind: int, name: int) -> None:
        super().__init__(system, component, code, kind)
        self._more = struct.pack("<I", name)
