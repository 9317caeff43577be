"""One opened MAVSDK system: what its vehicle says, kept as state; shared by link and pilot.

Nothing of MAVSDK's own log reaches standard output. State comes from the vehicle's own
messages, never from an acknowledgement.
"""

import asyncio
import json
import logging
import math
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import mavsdk
from mavsdk import ComponentType, Configuration
from mavsdk.asyncio import Mavsdk
from mavsdk.asyncio.plugins.mavlink_direct import MavlinkDirectAsync, MavlinkMessage

from core.clock import Clock
from core.errors import LinkLost, PortInUse, VehicleUnreachable
from telemetry.model import VehicleMode

log = logging.getLogger(__name__)

Fields: TypeAlias = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEARD = (
    "HEARTBEAT",
    "STATUSTEXT",
    "SYSTEM_TIME",
    "EXTENDED_SYS_STATE",
    "SYS_STATUS",
    "GPS_RAW_INT",
    "ATTITUDE",
    "GIMBAL_DEVICE_ATTITUDE_STATUS",
    "GLOBAL_POSITION_INT",
    "MISSION_CURRENT",
    "MISSION_ITEM_REACHED",
)
_STREAMS_HZ = {24: 2, 30: 10, 33: 10, 245: 2, 285: 10, 2: 1}
"""Message numbers that are asked for, and how often a second."""
_AUTO_MODES = {
    1: VehicleMode.STANDBY,
    2: VehicleMode.TAKEOFF,
    3: VehicleMode.HOLD,
    4: VehicleMode.MISSION,
    5: VehicleMode.RETURN,
    6: VehicleMode.LAND,
}
_MANUAL_MAINS = {1, 2, 3, 5, 7, 8}
_AUTO_MAIN = 4
_ARMED_FLAG = 128
_ON_GROUND = 1
_AUTOPILOT_COMPONENT = 1
_BACKLOG_S = 0.05


def _to_log(level: object, message: str, file: str | None, line: int) -> bool:
    log.debug("MAVSDK: %s", message)
    return True  # keeps it off standard output


def px4_mode(custom_mode: int) -> VehicleMode:
    """Returns the mode that PX4's custom mode number means."""
    main, sub = custom_mode >> 16 & 0xFF, custom_mode >> 24 & 0xFF
    if main == _AUTO_MAIN:
        return _AUTO_MODES.get(sub, VehicleMode.UNKNOWN)
    return VehicleMode.MANUAL if main in _MANUAL_MAINS else VehicleMode.UNKNOWN


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
    boot_at: datetime | None = None
    """The instant of its boot by its own clock."""
    texts: deque[str] = field(default_factory=lambda: deque(maxlen=50))
    texts_heard: int = 0


class MavsdkSystem:
    """A vehicle as MAVSDK sees it; made by `open_system`."""

    def __init__(self, url: str, system: Any, clock: Clock, silence_limit_s: float) -> None:
        """Takes over a found system; `_listen` must run for it to know anything."""
        self.url, self.system, self.clock = url, system, clock
        self.state = VehicleState()
        self.silence_limit_s = silence_limit_s
        self.lost = False
        self.heard_at = clock.now()
        self._listeners: list[Callable[[str, Fields], None]] = []
        self._changed: list[asyncio.Future[None]] = []
        self._direct = MavlinkDirectAsync(system)
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
                self._changed.append(change)
                await asyncio.wait({change, timer}, return_when=asyncio.FIRST_COMPLETED)
            return True
        finally:
            timer.cancel()

    async def _subscribe(self, name: str) -> None:
        async for message in self._direct.subscribe_message(name):
            try:
                fields = json.loads(message.fields_json)
            except ValueError:
                continue
            self.hear(name, fields, message.component_id)

    def hear(self, name: str, fields: Fields, component_id: int = _AUTOPILOT_COMPONENT) -> None:
        """Takes in one message and wakes whoever waits for a change."""
        if name == "HEARTBEAT" and component_id != _AUTOPILOT_COMPONENT:
            return
        self.heard_at = self.clock.now()
        self.lost = False
        self._remember(name, fields)
        for listener in list(self._listeners):
            listener(name, fields)
        self._wake()

    def _wake(self) -> None:
        waiting, self._changed = self._changed, []
        for change in waiting:
            if not change.done():
                change.set_result(None)

    def _remember(self, name: str, fields: Fields) -> None:
        state = self.state
        if name == "HEARTBEAT":
            state.mode = px4_mode(int(fields["custom_mode"]))
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
        elif name == "MISSION_ITEM_REACHED":
            state.reached = max(int(fields["seq"]), -1 if state.reached is None else state.reached)
        elif name == "SYSTEM_TIME" and int(fields["time_unix_usec"]) > 0:
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

    async def _watch_silence(self) -> None:
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

    async def _ask_for_streams(self) -> None:
        for number, rate_hz in _STREAMS_HZ.items():
            fields = {
                "target_system": 0, "target_component": _AUTOPILOT_COMPONENT,
                "command": 511, "confirmation": 0,
                "param1": number, "param2": 1e6 / rate_hz,
                "param3": 0, "param4": 0, "param5": 0, "param6": 0, "param7": 0,
            }  # fmt: skip
            try:
                await self._direct.send_message(
                    MavlinkMessage("COMMAND_LONG", 0, 0, 0, 0, json.dumps(fields))
                )
            except mavsdk.MavsdkError:
                log.warning("a stream could not be asked for", extra={"message_id": number})


def finite(value: object) -> float | None:
    """Returns a number of a message, or `None` where it is missing or no number."""
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


@asynccontextmanager
async def open_system(
    url: str, clock: Clock, *, silence_limit_s: float = 5.0, connect_s: float = 10.0
) -> AsyncIterator[MavsdkSystem]:
    """Opens a vehicle and keeps listening, with our heartbeat going out, until the end.

    Args:
        url: where to listen or connect, such as `udpin://127.0.0.1:14540`.
        clock: for deadlines and times of arrival.
        silence_limit_s: by `clock`; after it the link counts as lost.
        connect_s: real seconds to wait for the first heartbeat.

    Raises:
        VehicleUnreachable: if no autopilot answers there, or the address makes no sense.
        PortInUse: if another program listens there.
    """
    mavsdk.log_subscribe(_to_log)
    config = Configuration.create_with_component_type(ComponentType.GROUND_STATION)
    async with Mavsdk(config) as link:
        try:
            await link.add_any_connection(url)
        except mavsdk.MavsdkError as error:
            raise _unopened(url, error) from error
        system = await link.first_autopilot(timeout_s=connect_s)
        if system is None:
            raise VehicleUnreachable(
                f"no autopilot answered within {connect_s:g} s",
                where=url,
                cure="check that the vehicle is on and sends to this address",
            )
        opened = MavsdkSystem(url, system, clock, silence_limit_s)
        tasks = [asyncio.create_task(opened._subscribe(name)) for name in _HEARD]
        tasks.append(asyncio.create_task(opened._watch_silence()))
        tasks.append(asyncio.create_task(opened._ask_for_streams()))
        try:
            await asyncio.sleep(0)  # every task has subscribed before anybody gives an order
            with suppress(LinkLost):
                await opened.wait_for(lambda: opened.state.mode is not None, silence_limit_s)
            yield opened
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _unopened(url: str, error: Exception) -> VehicleUnreachable | PortInUse:
    text = str(error)
    if "BIND" in text.upper():
        return PortInUse(
            "another program listens there",
            where=url,
            cure="stop it, or give the vehicle another port",
        )
    return VehicleUnreachable(
        f"the address can't be opened ({text})",
        where=url,
        cure="give an address such as udpin://127.0.0.1:14540",
    )
