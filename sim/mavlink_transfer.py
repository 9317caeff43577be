"""The vehicle's side of MAVLink's mission protocol: mission, fence and rally kept apart."""

import copy
import time
from collections.abc import Callable
from typing import TypeAlias

from pymavlink.dialects.v20 import common as m

from missions.formats.plan_file import SimpleItem
from missions.proving.return_settings import RallySpot
from sim.autopilot import CRITICAL, SUPPORTED, Autopilot
from sim.failures import FailureKind
from sim.mavlink_ids import AckWithId, CountWithId, opaque_id

MISSION, FENCE, RALLY = 0, 1, 2
_FENCE_COMMANDS = {5001: True, 5002: False}
_RALLY_POINT, _LOITER_TIME = 5100, 19
_ASK_AGAIN_S = 0.25
"""Real time: a driver's own time-outs are real too."""
_GIVE_UP_AFTER = 8
_PLAIN_FRAMES = {5: 0, 6: 3}
_FENCE_FRAME = 0
"""The frame in which PX4 has been seen to take fences."""
_RALLY_FRAMES = {0, 3}
"""Those in which PX4's return knows rally points; an upload takes others (from reading it)."""
_WHOLE_FRAMES = {0: 5, 3: 6, 10: 11}
"""PX4 answers in the frame for whole numbers, whichever it was sent (from reading it)."""

Send: TypeAlias = Callable[[m.MAVLink_message], None]
Params: TypeAlias = tuple[float, float, float, float]


def simple_item(item: m.MAVLink_mission_item_int_message) -> SimpleItem:
    """Returns the flat step that a message holds."""
    placed = item.frame != 2
    return SimpleItem(
        item.command,
        _PLAIN_FRAMES.get(item.frame, item.frame),
        (item.param1, item.param2, item.param3, item.param4),
        item.x / 1e7 if placed else 0.0,
        item.y / 1e7 if placed else 0.0,
        item.z,
    )


class Transfers:
    """Uploads and downloads of one vehicle."""

    home_items = 0
    """How many steps it counts before the first of a mission."""
    announces = True
    """Whether it names what it holds, as PX4 1.17 does and ArduPilot 4.7 does not."""

    def __init__(self, pilot: Autopilot, send: Send) -> None:
        """Serves `pilot`; answers go out by `send`."""
        self._pilot, self._send = pilot, send
        self._kept: dict[int, list[m.MAVLink_mission_item_int_message]] = {
            MISSION: [], FENCE: [], RALLY: [],
        }  # fmt: skip
        self._kind = MISSION
        self._peer = (0, 0)
        self._wanted = 0
        self._coming: list[m.MAVLink_mission_item_int_message] | None = None
        self._asked_s = 0.0
        self._tries = 0

    def handle(self, message: m.MAVLink_message) -> None:
        """Answers one message of the protocol; others are ignored."""
        self._from = (message.get_srcSystem(), message.get_srcComponent())
        name = message.get_type()
        if name == "MISSION_COUNT":
            self._begin(message)
        elif name == "MISSION_ITEM_INT":
            self._take(message)
        elif name == "MISSION_REQUEST_LIST":
            kind = message.mission_type
            kept = self._kept.get(kind, [])
            self._send(CountWithId(*self._from, len(kept), kind, self._name(kind)))
        elif name in ("MISSION_REQUEST_INT", "MISSION_REQUEST"):
            self._give(message.mission_type, message.seq)
        elif name == "MISSION_CLEAR_ALL":
            for kind in self._kept if message.mission_type == 255 else [message.mission_type]:
                self._keep(kind, [])
            self._ack(message.mission_type, m.MAV_MISSION_ACCEPTED)
        elif name == "MISSION_SET_CURRENT":
            step = message.seq - self.home_items
            if 0 <= step < len(self._pilot.mission):
                self._pilot.begin_with(step)

    def idle(self) -> None:
        """Asks again for an item that did not come; gives up after a while."""
        if self._coming is None or time.monotonic() - self._asked_s < _ASK_AGAIN_S:
            return
        self._tries += 1
        if self._tries > _GIVE_UP_AFTER:
            self._coming = None
            self._pilot.say(CRITICAL, "Operation timeout")
            return
        self._ask()

    def _begin(self, message: m.MAVLink_message) -> None:
        busy = self._coming is not None and (
            message.mission_type != self._kind or self._from != self._peer
        )
        if busy or message.mission_type not in self._kept:
            self._ack(message.mission_type, m.MAV_MISSION_ERROR)
            return
        self._kind, self._wanted, self._peer = message.mission_type, message.count, self._from
        self._coming, self._tries = [], 0
        if self._wanted == 0:
            self._finish()
        else:
            self._ask()

    def _ask(self) -> None:
        seq = len(self._coming or [])
        self._asked_s = time.monotonic()
        self._send(m.MAVLink_mission_request_int_message(*self._peer, seq, self._kind))

    def _take(self, message: m.MAVLink_message) -> None:
        if self._coming is None:
            if message.seq == self._wanted - 1 and self._kept.get(message.mission_type):
                self._ack(message.mission_type, m.MAV_MISSION_ACCEPTED)  # our ACK was lost
            return
        if message.mission_type != self._kind:
            return
        if message.seq != len(self._coming):
            self._ask()
            return
        if self._kind == MISSION:
            failure = self._pilot.failures.strike(FailureKind.TRANSFER_NAK)
            if failure is not None:
                self._refuse(failure.code)
                return
        objection = self._objection(message)
        if objection:
            self._refuse(objection)
            return
        self._coming.append(message)
        self._tries = 0
        if len(self._coming) < self._wanted:
            self._ask()
        else:
            self._finish()

    def _objection(self, message: m.MAVLink_mission_item_int_message) -> int:
        """Returns the result with which an item is refused, 0 where it is taken."""
        if self._kind == MISSION and message.command not in SUPPORTED:
            self._pilot.say(CRITICAL, f"IGN MISSION_ITEM: Invalid item {message.seq}")
            return int(m.MAV_MISSION_UNSUPPORTED)
        if self._kind == FENCE and message.frame != _FENCE_FRAME:
            self._pilot.say(CRITICAL, "IGN MISSION_ITEM: fence frame not supported")
            return int(m.MAV_MISSION_UNSUPPORTED_FRAME)
        return 0

    def _steps(self, items: list[m.MAVLink_mission_item_int_message]) -> list[SimpleItem]:
        return [simple_item(item) for item in items]

    def _refuse(self, code: int) -> None:
        self._coming = None
        self._ack(self._kind, code)

    def _finish(self) -> None:
        items, self._coming = self._coming or [], None
        self._keep(self._kind, items)
        self._ack(self._kind, m.MAV_MISSION_ACCEPTED, self._name(self._kind))

    def _name(self, kind: int) -> int:
        """Returns by which name it announces what it holds of a kind."""
        return self._pilot.plan_ids[kind] if kind in self._kept else 0

    def _keep(self, kind: int, items: list[m.MAVLink_mission_item_int_message]) -> None:
        failures = self._pilot.failures
        if kind == FENCE and items and failures.strike(FailureKind.FENCE_DROPPED):
            items = []
        elif kind == RALLY and items and failures.strike(FailureKind.RALLY_DROPPED):
            items = []
        elif kind == RALLY and failures.strike(FailureKind.RALLY_KEPT):
            return
        if kind == MISSION and items and failures.strike(FailureKind.STORED_OTHERWISE):
            items = [*items[:-1], _moved(items[-1])]
        elif kind == MISSION and failures.strike(FailureKind.MISSION_STUCK):
            return
        self._kept[kind] = items
        if self.announces:
            ids = [opaque_id(self._kept[one]) for one in (MISSION, FENCE, RALLY)]
            self._pilot.plan_ids = (ids[0], ids[1], ids[2])
        if kind == MISSION and items and failures.strike(FailureKind.READBACK_LIES):
            items = [*items[:-1], _moved(items[-1])]
        if kind == MISSION:
            self._pilot.set_mission(self._steps(items))
        elif kind == FENCE:
            self._pilot.set_fence(_rings(items))
        else:
            self._pilot.set_rally(self._spots(items))

    def _spots(self, items: list[m.MAVLink_mission_item_int_message]) -> list[RallySpot]:
        home_m = self._pilot.asset.home.altitude.metres
        if any(item.frame not in _RALLY_FRAMES for item in items):
            self._pilot.say(CRITICAL, "RTL: unsupported MAV_FRAME")
        return [
            (item.x / 1e7, item.y / 1e7, item.z - (0.0 if item.frame else home_m))
            for item in items
            if item.command == _RALLY_POINT and item.frame in _RALLY_FRAMES
        ]

    def _give(self, kind: int, seq: int) -> None:
        kept = self._kept.get(kind, [])
        if seq >= len(kept):
            self._ack(kind, m.MAV_MISSION_INVALID_SEQUENCE)
            return
        item = kept[seq]
        failure = self._pilot.failures.find(FailureKind.READBACK_DIFFERS)
        frame, params, z_m = self._held(item)
        raised = 2.0 if kind == MISSION and failure is not None and failure.seq == seq else 0.0
        self._send(
            m.MAVLink_mission_item_int_message(
                *self._from, seq, frame, item.command, 0, item.autocontinue,
                *params, item.x, item.y, z_m + raised, kind,
            )
        )  # fmt: skip

    def _held(self, item: m.MAVLink_mission_item_int_message) -> tuple[int, Params, float]:
        """Returns frame, parameters and height of an item as it is kept."""
        frame = _WHOLE_FRAMES.get(item.frame, item.frame)
        last = 0.0 if item.command == _LOITER_TIME else item.param4  # another value on PX4
        return frame, (item.param1, item.param2, item.param3, last), item.z

    def _ack(self, kind: int, code: int, name: int = 0) -> None:
        self._send(AckWithId(*self._from, code, kind, name))


def _moved(item: m.MAVLink_mission_item_int_message) -> m.MAVLink_mission_item_int_message:
    """Returns an item that is not quite the one that was sent."""
    moved = copy.copy(item)
    moved.param1, moved.x, moved.z = item.param1 + 2.0, item.x + 9_000, item.z + 7.0
    return moved


def _rings(
    items: list[m.MAVLink_mission_item_int_message],
) -> list[tuple[bool, tuple[tuple[float, float], ...]]]:
    rings = []
    start = 0
    while start < len(items):
        first = items[start]
        count = max(1, int(first.param1))
        corners = tuple((item.x / 1e7, item.y / 1e7) for item in items[start : start + count])
        if first.command in _FENCE_COMMANDS and len(corners) >= 3:
            rings.append((_FENCE_COMMANDS[first.command], corners))
        start += count
    return rings
