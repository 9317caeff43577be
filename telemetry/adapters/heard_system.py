"""What a vehicle says by MAVLink, kept as state: shared by all drivers' systems.

State comes from the vehicle's own messages, never from an acknowledgement.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from core.clock import Clock
from core.errors import LinkLost
from telemetry.model import VehicleMode

log = logging.getLogger(__name__)

Fields: TypeAlias = dict[str, Any]
"""The fields of a MAVLink message by their names."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_US = 4_102_444_800_000_000
"""The year 2100: a vehicle that says a later time knows none."""
_ARMED_FLAG = 128
_ON_GROUND = 1
AUTOPILOT_COMPONENT = 1
GROUND_TYPES = frozenset({10, 11})
"""MAV_TYPE numbers of rovers and boats."""
_BACKLOG_S = 0.05


@dataclass(slots=True)
class VehicleState:
    """The newest that the vehicle said of itself; `None` until it did."""

    mode: VehicleMode | None = None
    armed: bool | None = None
    on_ground: bool | None = None
    battery_fraction: float | None = None
    horizontal_sigma_m: float | None = None
    vertical_sigma_m: float | None = None
    current: int | None = None
    """Number of the mission step that it is at, by its own count."""
    reached: int | None = None
    """Highest number of a mission step reported as reached since the last `forget`."""
    plan_ids: tuple[int, int, int] | None = None
    """What it calls the mission, fence and rally points that it holds; 0 where it names none."""
    plan_ids_heard: int = 0
    """How often it has said so."""
    boot_at: datetime | None = None
    """The instant of its boot by its own clock."""
    texts: deque[str] = field(default_factory=lambda: deque(maxlen=50))
    texts_heard: int = 0


class HeardSystem:
    """One vehicle as it speaks: its state, who listens, and when it fell silent."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        silence_limit_s: float,
        mode_of: Callable[[Fields], VehicleMode],
    ) -> None:
        """Knows nothing until `hear` is called.

        Args:
            url: where it is, for errors.
            clock: for deadlines and times of arrival.
            silence_limit_s: by `clock`; after it the link counts as lost.
            mode_of: gives the mode that a HEARTBEAT of this autopilot means.
        """
        self.url, self.clock = url, clock
        self.state = VehicleState()
        self.silence_limit_s = silence_limit_s
        self.lost = False
        self.senseless = 0
        """How many messages made no sense."""
        self.heard_at = clock.now()
        self._mode_of = mode_of
        self._listeners: list[Callable[[str, Fields], None]] = []
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._chunks: dict[int, str] = {}

    @property
    def status_text(self) -> str:
        """The autopilot's newest words, or nothing."""
        return self.state.texts[-1] if self.state.texts else ""

    def texts_since(self, count: int) -> str:
        """Returns the words said after `state.texts_heard` was `count`, joined."""
        number = min(len(self.state.texts), self.state.texts_heard - count)
        return "; ".join(list(self.state.texts)[-number:]) if number > 0 else ""

    def add_listener(self, listener: Callable[[str, Fields], None]) -> Callable[[], None]:
        """Calls `listener` with each message from now on; returns what ends that.

        After a silence it is called with the name `LOST`.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def lost_error(self) -> LinkLost:
        """Returns the error that says how long it has been silent."""
        return LinkLost(
            f"nothing heard for {self.silence_limit_s:g} s",
            where=self.url,
            cure="the vehicle now follows its own link-loss action; check radio and power",
        )

    async def wait_for(self, ready: Callable[[], bool], within_s: float) -> bool:
        """Waits until `ready()`; returns whether it came within the time, by the clock.

        Raises:
            LinkLost: if the vehicle falls silent meanwhile.
        """
        deadline_at = self.clock.now() + timedelta(seconds=within_s)
        timer = asyncio.ensure_future(self.clock.sleep_until(deadline_at))
        try:
            while not ready():
                if self.lost:
                    raise self.lost_error()
                if timer.done():
                    return False
                change = asyncio.get_running_loop().create_future()
                self._waiting.append((ready, change))
                try:
                    await asyncio.wait({change, timer}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    change.cancel()
            return True
        finally:
            timer.cancel()

    def hear(self, name: str, fields: Fields, component_id: int = AUTOPILOT_COMPONENT) -> None:
        """Takes in one message and wakes whoever waits for a change.

        One whose fields make no sense changes nothing and is counted.
        """
        if name == "HEARTBEAT" and component_id != AUTOPILOT_COMPONENT:
            return
        self.heard_at = self.clock.now()
        self.lost = False
        try:
            self._remember(name, fields)
        except (KeyError, TypeError, ValueError, OverflowError):
            self.senseless += 1
            return
        for listener in list(self._listeners):
            listener(name, fields)
        self._wake()

    def _wake(self) -> None:
        """Wakes whoever waits for what is so now; to wake all at each message would cost more."""
        waiting, self._waiting = self._waiting, []
        for ready, change in waiting:
            if change.done():
                continue
            if self.lost or ready():
                change.set_result(None)
            else:
                self._waiting.append((ready, change))

    def _remember(self, name: str, fields: Fields) -> None:
        state = self.state
        if name == "HEARTBEAT":
            state.mode = self._mode_of(fields)
            state.armed = bool(int(fields["base_mode"]) & _ARMED_FLAG)
        elif name == "EXTENDED_SYS_STATE":
            landed = int(fields["landed_state"])
            state.on_ground = None if landed == 0 else landed == _ON_GROUND
        elif name == "SYS_STATUS":
            percent = int(fields["battery_remaining"])
            state.battery_fraction = percent / 100 if percent >= 0 else None
        elif name == "GPS_RAW_INT":
            level, up = fields.get("h_acc") or 0, fields.get("v_acc") or 0
            state.horizontal_sigma_m = level / 1000 if level else None
            state.vertical_sigma_m = up / 1000 if up else None
        elif name == "MISSION_CURRENT":
            state.current = int(fields["seq"])
            names = ("mission_id", "fence_id", "rally_points_id")
            mission, fence, rally = (int(fields.get(name) or 0) for name in names)
            state.plan_ids = (mission, fence, rally)
            state.plan_ids_heard += 1
        elif name == "MISSION_ITEM_REACHED":
            state.reached = max(int(fields["seq"]), -1 if state.reached is None else state.reached)
        elif name == "SYSTEM_TIME" and 0 < int(fields["time_unix_usec"]) < _LATEST_US:
            unix = _EPOCH + timedelta(microseconds=int(fields["time_unix_usec"]))
            state.boot_at = unix - timedelta(milliseconds=int(fields["time_boot_ms"]))
        elif name == "STATUSTEXT":
            self._hear_text(fields)

    def _hear_text(self, fields: Fields) -> None:
        raw = fields.get("text", "")
        text = raw if isinstance(raw, str) else bytes(raw).decode(errors="replace")
        text = text.split("\0")[0]
        number = int(fields.get("id") or 0)
        if number:  # a long text comes in chunks; each one completes what came before
            text = self._chunks.pop(number, "") + text if fields.get("chunk_seq") else text
            self._chunks[number] = text
            if fields.get("chunk_seq") and self.state.texts:
                self.state.texts.pop()
                self.state.texts_heard -= 1
        self.state.texts.append(text)
        self.state.texts_heard += 1
        log.info("vehicle says", extra={"text": text, "url": self.url})

    async def watch_silence(self) -> None:
        """Declares the link lost after each silence; runs until it is cancelled."""
        limit = timedelta(seconds=self.silence_limit_s)
        while True:
            await self.clock.sleep_until(self.heard_at + limit)
            if self.lost:
                await self.clock.sleep_until(self.clock.now() + limit)
                continue
            await asyncio.sleep(_BACKLOG_S)  # what waits in our own queues has been heard
            if self.clock.now() - self.heard_at >= limit:
                self.lost = True
                for listener in list(self._listeners):
                    listener("LOST", {})
                self._wake()
