"""One opened MAVSDK system: what its vehicle says, kept as state; shared by link and pilot.

Nothing of MAVSDK's own log reaches standard output. State comes from the vehicle's own
messages, never from an acknowledgement.
"""

import asyncio
import json
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import mavsdk
from mavsdk import ComponentType, Configuration
from mavsdk.asyncio import Mavsdk
from mavsdk.asyncio.plugins.mavlink_direct import MavlinkDirectAsync, MavlinkMessage

from core.clock import Clock
from core.errors import LinkLost, PortInUse, VehicleUnreachable
from telemetry.adapters.guarded_address import guarded_address
from telemetry.adapters.heard_system import (
    AUTOPILOT_COMPONENT,
    GROUND_TYPES,
    Fields,
    HeardSystem,
)
from telemetry.adapters.heard_system import VehicleState as VehicleState
from telemetry.adapters.wire_guard import GuardRules
from telemetry.model import VehicleMode

log = logging.getLogger(__name__)

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
    "MISSION_COUNT",
    "MISSION_ITEM_INT",
    "MISSION_REQUEST_INT",
    "MISSION_REQUEST",
    "MISSION_ACK",
    "MISSION_ITEM_REACHED",
    "POSITION_TARGET_GLOBAL_INT",
    "ORBIT_EXECUTION_STATUS",
    "CAMERA_SETTINGS",
    "ILLUMINATOR_STATUS",
    "COMMAND_ACK",
)
_STREAMS_HZ = {24: 2, 30: 10, 33: 10, 87: 2, 245: 2, 285: 10, 2: 1}
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
_ORBIT = (3, 1)
"""PX4 flies a circle as a kind of position control; it is ordered, not by hand."""


def _to_log(level: object, message: str, file: str | None, line: int) -> bool:
    log.debug("MAVSDK: %s", message)
    return True  # keeps it off standard output


def px4_mode(custom_mode: int) -> VehicleMode:
    """Returns the mode that PX4's custom mode number means."""
    main, sub = custom_mode >> 16 & 0xFF, custom_mode >> 24 & 0xFF
    if (main, sub) == _ORBIT:
        return VehicleMode.GUIDED
    if main == _AUTO_MAIN:
        return _AUTO_MODES.get(sub, VehicleMode.UNKNOWN)
    return VehicleMode.MANUAL if main in _MANUAL_MAINS else VehicleMode.UNKNOWN


class MavsdkSystem(HeardSystem):
    """A vehicle as MAVSDK sees it; made by `open_system`."""

    def __init__(self, url: str, system: Any, clock: Clock, silence_limit_s: float) -> None:
        """Takes over a found system; `_subscribe` must run for it to know anything."""
        super().__init__(
            url, clock, silence_limit_s, lambda fields: px4_mode(int(fields["custom_mode"]))
        )
        self.system = system
        self.system_id = 1
        """Which it has among MAVLink's; set when it is opened."""
        self.on_wheels = False
        self._direct = MavlinkDirectAsync(system)

    def _remember(self, name: str, fields: Fields) -> None:
        if name == "HEARTBEAT":
            self.on_wheels = int(fields["type"]) in GROUND_TYPES
        super()._remember(name, fields)

    async def _subscribe(self, name: str) -> None:
        async for message in self._direct.subscribe_message(name):
            try:
                fields = json.loads(message.fields_json)
            except ValueError:
                continue
            self.hear(name, fields, message.component_id)

    async def _ask_for_streams(self) -> None:
        for number, rate_hz in _STREAMS_HZ.items():
            fields = {
                "target_system": 0, "target_component": AUTOPILOT_COMPONENT,
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
    url: str,
    clock: Clock,
    *,
    silence_limit_s: float = 5.0,
    connect_s: float = 10.0,
    rules: GuardRules = GuardRules(),  # noqa: B008 - frozen
) -> AsyncIterator[MavsdkSystem]:
    """Opens a vehicle and keeps listening, with our heartbeat going out, until the end.

    Args:
        url: where to listen or connect, such as `udpin://127.0.0.1:14540`.
        clock: for deadlines and times of arrival.
        silence_limit_s: by `clock`; after it the link counts as lost.
        connect_s: real seconds to wait for the first heartbeat.
        rules: who may speak on a network, and by which key it is signed.

    Raises:
        SigningUnavailable: if a key is set and the way to the vehicle can't sign.
        VehicleUnreachable: if no autopilot answers there, or the address makes no sense.
        PortInUse: if another program listens there.
    """
    async with guarded_address(url, rules, clock) as inner:
        async with _opened(
            inner, clock, silence_limit_s=silence_limit_s, connect_s=connect_s
        ) as opened:
            opened.url = url
            yield opened


@asynccontextmanager
async def _opened(
    url: str, clock: Clock, *, silence_limit_s: float, connect_s: float
) -> AsyncIterator[MavsdkSystem]:
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
        opened.system_id = int(await system.get_system_id())
        tasks = [asyncio.create_task(opened._subscribe(name)) for name in _HEARD]
        tasks.append(asyncio.create_task(opened.watch_silence()))
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
