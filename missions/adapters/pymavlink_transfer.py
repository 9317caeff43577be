"""Missions, fences and rally points by pymavlink on an opened connection, read back and compared.

ArduPilot's uploads are not atomic: a refused one leaves a mix of old and new, so only what has
been read back counts.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol

from core.clock import Clock
from core.errors import LinkLost, UploadMismatch, VehicleUnreachable
from missions.adapters.mavlink_codec import MISSION, RawItem, difference

log = logging.getLogger(__name__)

_AUTOPILOT_COMPONENT = 1
_ACCEPTED = 0
_MISSION_RESULTS = {
    1: "ERROR", 2: "UNSUPPORTED_FRAME", 3: "UNSUPPORTED", 4: "NO_SPACE", 5: "INVALID",
    13: "INVALID_SEQUENCE", 14: "DENIED", 15: "OPERATION_CANCELLED",
}  # fmt: skip
_ASK_TIMES = 5


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


class _Refused(Exception):
    """The vehicle ended a transfer with a no."""


class _Stalled(Exception):
    """The vehicle stopped answering a transfer."""


class PymavlinkTransfers:
    """Sends items to one vehicle and compares what it then holds."""

    def __init__(
        self, system: TransferSystem, *, tries: int, retry_after_s: float, answer_s: float
    ) -> None:
        """Serves an opened system, which stays its owner's to close.

        Args:
            system: the vehicle.
            tries: how often an upload is begun before it counts as failed.
            retry_after_s: by the system's clock, from one try to the next.
            answer_s: by that clock, how long each answer is waited for before asking again.
        """
        self._system = system
        self._tries, self._retry_after_s, self._answer_s = tries, retry_after_s, answer_s

    async def replace(self, items: Sequence[RawItem], mission_type: int) -> None:
        """Replaces what the vehicle holds of one kind, reads it back and compares.

        Raises:
            UploadMismatch: if it refuses, or holds something else.
            VehicleUnreachable: if it does not answer.
        """
        differs = ""
        for number in range(self._tries):
            try:
                await self._send(items, mission_type)
                held = await self._fetch(mission_type)
            except LinkLost as error:
                raise self.unreachable("an upload was not answered") from error
            except _Stalled as error:
                if number == self._tries - 1:
                    raise self.unreachable("an upload was not answered") from error
                await self._pause()
                continue
            except _Refused as error:
                differs = f"the vehicle refused the upload: {error}"
                await self._pause()
                continue
            skip = 1 if mission_type == MISSION and items else 0  # home is the vehicle's own
            differs = difference(items[skip:], held[skip:])
            if not differs:
                return
            differs = f"read-back differs: {differs}"
            log.warning("read-back differs", extra={"difference": differs})
        raise UploadMismatch(
            f"{differs} {self._system.status_text}".rstrip(),
            where=self._system.url,
            cure="do not start it; clear the vehicle's mission and send again",
        )

    def unreachable(self, what: str) -> VehicleUnreachable:
        """Returns the error of a vehicle that does not answer."""
        return VehicleUnreachable(
            what, where=self._system.url, cure="check that the vehicle is on and in range"
        )

    async def _pause(self) -> None:
        clock = self._system.clock
        await clock.sleep_until(clock.now() + timedelta(seconds=self._retry_after_s))

    async def _send(self, items: Sequence[RawItem], kind: int) -> None:
        """Uploads; the listener answers each request, this only starts and watches."""
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
                    raise _Stalled
        finally:
            end()
        if result != _ACCEPTED:
            raise _Refused(_MISSION_RESULTS.get(result, f"result {result}"))

    def _send_item(self, item: RawItem) -> None:
        self._system.mavlink.mission_item_int_send(
            self._system.system_id, _AUTOPILOT_COMPONENT, item.seq, item.frame, item.command,
            item.current, 1, *item.params, item.x, item.y, item.z, item.mission_type,
        )  # fmt: skip

    async def _fetch(self, kind: int) -> list[RawItem]:
        out, target = self._system.mavlink, (self._system.system_id, _AUTOPILOT_COMPONENT)
        held: list[RawItem] = []
        total = -1

        def hear(name: str, fields: dict[str, Any]) -> None:
            nonlocal total
            if fields.get("mission_type") != kind:
                return
            if name == "MISSION_COUNT" and total < 0:
                total = int(fields["count"])
            elif name == "MISSION_ITEM_INT" and int(fields["seq"]) == len(held) < total:
                held.append(_raw(fields))
            else:
                return
            if len(held) < total:
                out.mission_request_int_send(*target, len(held), kind)

        end = self._system.add_listener(hear)
        try:
            silent_times = 0
            while total < 0 or len(held) < total:
                if total < 0:
                    out.mission_request_list_send(*target, kind)
                elif silent_times:
                    out.mission_request_int_send(*target, len(held), kind)
                before = (total, len(held))

                def moved(known: tuple[int, int] = before) -> bool:
                    return (total, len(held)) != known

                silent_times = (
                    0 if await self._system.wait_for(moved, self._answer_s) else silent_times + 1
                )
                if silent_times >= _ASK_TIMES:
                    raise _Stalled
        finally:
            end()
        out.mission_ack_send(*target, _ACCEPTED, kind)
        return held


def _raw(fields: dict[str, Any]) -> RawItem:
    return RawItem(
        int(fields["seq"]), int(fields["frame"]), int(fields["command"]), 0,
        (fields["param1"], fields["param2"], fields["param3"], fields["param4"]),
        int(fields["x"]), int(fields["y"]), float(fields["z"]), int(fields["mission_type"]),
    )  # fmt: skip
