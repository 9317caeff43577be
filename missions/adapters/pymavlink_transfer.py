"""Missions, fences and rally points by pymavlink on an opened connection, as a transaction's wire.

ArduPilot's uploads are not atomic: a refused one leaves a mix of old and new, so only what has
been read back counts.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from core.clock import Clock
from missions.adapters.ardupilot_codec import HOME_ITEMS, sent_again
from missions.adapters.item_wire import Held, TransferRefused, TransferStalled
from missions.adapters.mavlink_codec import MISSION, RawItem

_AUTOPILOT_COMPONENT = 1
_ACCEPTED = 0
_MISSION_RESULTS = {
    1: "ERROR", 2: "UNSUPPORTED_FRAME", 3: "UNSUPPORTED", 4: "NO_SPACE", 5: "INVALID",
    13: "INVALID_SEQUENCE", 14: "DENIED", 15: "OPERATION_CANCELLED",
}  # fmt: skip
_ASK_TIMES = 10
"""With 30 % of packets lost each way, so many questions all stay unanswered once in a thousand."""
_AHEAD = 8
"""Items that are asked for before the first of them has come; each question has its own answer."""


class TransferSystem(Protocol):
    """What transfers need of an opened system."""

    url: str
    clock: Clock
    lost: bool
    system_id: int

    @property
    def mavlink(self) -> Any:
        """Returns pymavlink's sender."""
        ...

    @property
    def status_text(self) -> str:
        """The autopilot's newest words."""
        ...

    def add_listener(self, listener: Callable[[str, dict[str, Any]], None]) -> Callable[[], None]:
        """Calls with each message; returns what ends that."""
        ...

    async def wait_for(self, ready: Callable[[], bool], within_s: float) -> bool:
        """Waits for a state; raises LinkLost when the vehicle falls silent."""
        ...


class PymavlinkWire:
    """An `ItemWire` of one ArduPilot vehicle."""

    def __init__(self, system: TransferSystem, *, answer_s: float) -> None:
        """Serves an opened system, which stays its owner's to close.

        Args:
            system: the vehicle.
            answer_s: by its clock, how long each answer is waited for before asking again.
        """
        self._system, self._answer_s = system, answer_s
        self.first: Mapping[int, int] = {MISSION: HOME_ITEMS}

    def as_sent(self, held: Held, kind: int) -> tuple[RawItem, ...]:
        """Returns the items as ArduPilot takes them without changing them."""
        return sent_again(held.items, kind)

    async def send(self, items: Sequence[RawItem], kind: int) -> None:
        """Replaces what the vehicle holds; raises as `ItemWire.send`."""
        out, target = self._system.mavlink, (self._system.system_id, _AUTOPILOT_COMPONENT)
        asked, result = 0, -1

        def hear(name: str, fields: dict[str, Any]) -> None:
            nonlocal asked, result
            if fields.get("mission_type") != kind:
                return
            if name in ("MISSION_REQUEST", "MISSION_REQUEST_INT"):
                seq = int(fields["seq"])
                if seq < len(items):
                    asked += 1
                    self._send_item(items[seq])
            elif name == "MISSION_ACK":
                result = int(fields["type"])

        end = self._system.add_listener(hear)
        try:
            silent_times = 0
            while result < 0:
                if asked == 0:
                    out.mission_count_send(*target, len(items), kind)
                before = asked

                def moved(known: int = before) -> bool:
                    return result >= 0 or asked != known

                silent_times = (
                    0 if await self._system.wait_for(moved, self._answer_s) else silent_times + 1
                )
                if silent_times >= _ASK_TIMES:
                    raise TransferStalled
        finally:
            end()
        if result != _ACCEPTED:
            raise TransferRefused(_MISSION_RESULTS.get(result, f"result {result}"))

    def _send_item(self, item: RawItem) -> None:
        self._system.mavlink.mission_item_int_send(
            self._system.system_id, _AUTOPILOT_COMPONENT, item.seq, item.frame, item.command,
            item.current, 1, *item.params, item.x, item.y, item.z, item.mission_type,
        )  # fmt: skip

    async def fetch(self, kind: int) -> Held:
        """Returns what the vehicle holds; raises as `ItemWire.fetch`."""
        out, target = self._system.mavlink, (self._system.system_id, _AUTOPILOT_COMPONENT)
        held: dict[int, RawItem] = {}
        total, asked, at_odds = -1, 0, False

        def ask_on() -> None:
            nonlocal asked
            while asked < min(total, len(held) + _AHEAD):
                out.mission_request_int_send(*target, asked, kind)
                asked += 1

        def hear(name: str, fields: dict[str, Any]) -> None:
            nonlocal total, at_odds
            if fields.get("mission_type") != kind:
                return
            if name == "MISSION_COUNT":
                at_odds = at_odds or total not in (-1, int(fields["count"]))
                total = int(fields["count"]) if total < 0 else total
            elif name == "MISSION_ITEM_INT" and 0 <= int(fields["seq"]) < asked:
                item = _raw(fields)
                # a late packet of an earlier read-back says what was held then
                at_odds = at_odds or repr(held.setdefault(item.seq, item)) != repr(item)
            else:
                return
            ask_on()

        def whole() -> bool:
            return at_odds or len(held) == total

        end = self._system.add_listener(hear)
        try:
            silent_times = 0
            while not whole():
                if total < 0:
                    out.mission_request_list_send(*target, kind)
                for seq in range(asked):
                    if seq not in held:
                        out.mission_request_int_send(*target, seq, kind)
                before = (total, len(held))
                ask_on()
                await self._system.wait_for(whole, self._answer_s)
                silent_times = silent_times + 1 if (total, len(held)) == before else 0
                if silent_times >= _ASK_TIMES:
                    raise TransferStalled("no answer")
        finally:
            end()
        out.mission_ack_send(*target, _ACCEPTED, kind)
        if at_odds:
            raise TransferStalled("two answers to one question differ")
        return Held(tuple(held[seq] for seq in range(total)))


def _raw(fields: dict[str, Any]) -> RawItem:
    return RawItem(
        int(fields["seq"]), int(fields["frame"]), int(fields["command"]), 0,
        (fields["param1"], fields["param2"], fields["param3"], fields["param4"]),
        int(fields["x"]), int(fields["y"]), float(fields["z"]), int(fields["mission_type"]),
    )  # fmt: skip
