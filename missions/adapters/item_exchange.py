"""MAVLink's mission protocol as a ground station speaks it: items of one kind, sent or fetched.

Both drivers post and hear by their own means. Packets may be lost, doubled or late, so every
question is asked again, answers out of turn are not heeded, and answers at odds end a transfer.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from missions.adapters.item_wire import Held, TransferRefused, TransferStalled
from missions.adapters.mavlink_codec import RawItem

_AUTOPILOT_COMPONENT = 1
_ACCEPTED = 0
_RESULTS = {
    1: "ERROR", 2: "UNSUPPORTED_FRAME", 3: "UNSUPPORTED", 4: "NO_SPACE", 5: "INVALID",
    13: "INVALID_SEQUENCE", 14: "DENIED", 15: "OPERATION_CANCELLED",
}  # fmt: skip
_ASK_TIMES = 10
"""With 30 % of packets lost each way, so many questions all stay unanswered once in a thousand."""


class ExchangeSystem(Protocol):
    """What transfers need of an opened system."""

    def add_listener(self, listener: Callable[[str, dict[str, Any]], None]) -> Callable[[], None]:
        """Calls with each message; returns what ends that."""
        ...

    async def wait_for(self, ready: Callable[[], bool], within_s: float) -> bool:
        """Waits for a state; raises LinkLost when the vehicle falls silent."""
        ...


class ItemExchange:
    """Sends and fetches for an `ItemWire`."""

    def __init__(
        self,
        system: ExchangeSystem,
        post: Callable[[str, dict[str, Any]], None],
        *,
        answer_s: float,
        ahead: int,
    ) -> None:
        """Serves an opened system, which stays its owner's to close.

        Args:
            system: the vehicle.
            post: sends a message of a name with these fields; where to is its own matter.
            answer_s: by the system's clock, how long each answer is waited for.
            ahead: how many items are asked for before the first of them has come.
        """
        self._system, self._post = system, post
        self._answer_s, self._ahead = answer_s, ahead

    async def send(self, items: Sequence[RawItem], kind: int) -> None:
        """Replaces what the vehicle holds; raises as `ItemWire.send`."""
        answered, heard, result = -1, 0, -1

        def hear(name: str, fields: dict[str, Any]) -> None:
            nonlocal answered, heard, result
            if int(fields.get("mission_type") or 0) != kind:
                return
            if name in ("MISSION_REQUEST", "MISSION_REQUEST_INT"):
                seq = int(fields["seq"])
                # one that is ahead belongs to a transfer that was given up, by its items
                if seq <= answered + 1 and seq < len(items):
                    answered, heard = max(answered, seq), heard + 1
                    self._post("MISSION_ITEM_INT", _fields(items[seq]))
            elif name == "MISSION_ACK":
                result, heard = int(fields["type"]), heard + 1

        end = self._system.add_listener(hear)
        try:
            silent_times = 0
            while result < 0:
                if answered < 0:
                    self._post("MISSION_COUNT", {"count": len(items), "mission_type": kind})
                before = heard
                await self._system.wait_for(lambda: result >= 0, self._answer_s)
                silent_times = silent_times + 1 if heard == before else 0
                if silent_times >= _ASK_TIMES:
                    raise TransferStalled("no answer")
        finally:
            end()
        if result != _ACCEPTED:
            raise TransferRefused(_RESULTS.get(result, f"result {result}"))

    def set_current(self, seq: int) -> None:
        """Asks the vehicle to begin with this item; its own word is the proof that it will."""
        self._post("MISSION_SET_CURRENT", {"seq": seq})

    async def fetch(self, kind: int) -> Held:
        """Returns what the vehicle holds; raises as `ItemWire.fetch`."""
        held: dict[int, RawItem] = {}
        total, name_of_it, asked, at_odds = -1, 0, 0, False

        def ask(seq: int) -> None:
            self._post("MISSION_REQUEST_INT", {"seq": seq, "mission_type": kind})

        def ask_on() -> None:
            nonlocal asked
            while asked < min(total, len(held) + self._ahead):
                ask(asked)
                asked += 1

        def hear(name: str, fields: dict[str, Any]) -> None:
            nonlocal total, name_of_it, at_odds
            if int(fields.get("mission_type") or 0) != kind:
                return
            if name == "MISSION_COUNT":
                told = (int(fields["count"]), int(fields.get("opaque_id") or 0))
                at_odds = at_odds or (total >= 0 and told != (total, name_of_it))
                if total < 0:
                    total, name_of_it = told
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
                    self._post("MISSION_REQUEST_LIST", {"mission_type": kind})
                for seq in range(asked):
                    if seq not in held:
                        ask(seq)
                before = (total, len(held))
                ask_on()
                await self._system.wait_for(whole, self._answer_s)
                silent_times = silent_times + 1 if (total, len(held)) == before else 0
                if silent_times >= _ASK_TIMES:
                    raise TransferStalled("no answer")
        finally:
            end()
        self._post("MISSION_ACK", {"type": _ACCEPTED, "mission_type": kind})
        if at_odds:
            raise TransferStalled("two answers to one question differ")
        return Held(tuple(held[seq] for seq in range(total)), name_of_it)


def target(system_id: int) -> Mapping[str, int]:
    """Returns the fields that name whom a message is for: a system's autopilot."""
    return {"target_system": system_id, "target_component": _AUTOPILOT_COMPONENT}


def _fields(item: RawItem) -> dict[str, Any]:
    one, two, three, four = item.params
    return {
        "seq": item.seq, "frame": item.frame, "command": item.command, "current": item.current,
        "autocontinue": 1, "param1": one, "param2": two, "param3": three, "param4": four,
        "x": item.x, "y": item.y, "z": item.z, "mission_type": item.mission_type,
    }  # fmt: skip


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _raw(fields: dict[str, Any]) -> RawItem:
    one, two, three, four = (_number(fields.get(f"param{k}")) for k in range(1, 5))
    return RawItem(
        int(fields["seq"]), int(fields["frame"]), int(fields["command"]), 0,
        (one, two, three, four), int(fields["x"]), int(fields["y"]), _number(fields.get("z")),
        int(fields.get("mission_type") or 0),
    )  # fmt: skip
