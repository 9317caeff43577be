"""One opened ArduPilot vehicle: DroneKit's connection, and what the vehicle says, as state."""

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import Any

from core.clock import Clock
from core.errors import LinkLost, PortInUse, VehicleUnreachable
from telemetry.adapters import dronekit_compat
from telemetry.adapters.guarded_address import guarded_address
from telemetry.adapters.heard_system import (
    AUTOPILOT_COMPONENT,
    GROUND_TYPES,
    Fields,
    HeardSystem,
)
from telemetry.adapters.wire_guard import GuardRules
from telemetry.model import VehicleMode

log = logging.getLogger(__name__)

_STREAMS_HZ = {24: 2, 30: 10, 33: 10, 42: 2, 87: 2, 193: 2, 245: 2, 285: 10, 1: 2, 2: 1}
"""Message numbers that are asked for; ArduPilot was seen to send hardly any unasked."""
_ASK_AGAIN_S = 2.0
_HEARD = frozenset(
    {
        "HEARTBEAT", "STATUSTEXT", "SYSTEM_TIME", "EXTENDED_SYS_STATE", "SYS_STATUS",
        "GPS_RAW_INT", "ATTITUDE", "GIMBAL_DEVICE_ATTITUDE_STATUS", "GLOBAL_POSITION_INT",
        "MISSION_CURRENT", "MISSION_ITEM_REACHED", "EKF_STATUS_REPORT", "COMMAND_ACK",
        "PARAM_VALUE", "MISSION_COUNT", "MISSION_REQUEST", "MISSION_REQUEST_INT",
        "MISSION_ITEM_INT", "MISSION_ACK", "POSITION_TARGET_GLOBAL_INT", "CAMERA_SETTINGS",
    }
)  # fmt: skip
_M = VehicleMode
COPTER_MODES: Mapping[int, VehicleMode] = MappingProxyType(
    {
        0: _M.MANUAL, 1: _M.MANUAL, 2: _M.MANUAL, 3: _M.MISSION, 4: _M.GUIDED, 5: _M.HOLD,
        6: _M.RETURN,
        7: _M.MANUAL, 9: _M.LAND, 11: _M.MANUAL, 13: _M.MANUAL, 16: _M.HOLD, 17: _M.HOLD,
        21: _M.RETURN, 27: _M.RETURN,
    }
)  # fmt: skip
"""ArduCopter's mode numbers."""
ROVER_MODES: Mapping[int, VehicleMode] = MappingProxyType(
    {
        0: _M.MANUAL, 1: _M.MANUAL, 3: _M.MANUAL, 4: _M.HOLD, 5: _M.HOLD, 7: _M.MANUAL,
        10: _M.MISSION, 11: _M.RETURN, 12: _M.RETURN, 15: _M.GUIDED,
    }
)  # fmt: skip
"""ArduRover's mode numbers."""
_POSITION_FLAG = 16
"""EKF_POS_HORIZ_ABS of EKF_STATUS_REPORT."""
_ADDRESS = re.compile(r"(udpin|udpout|tcpout)://([^:/\s]+):(\d+)")


def ardupilot_mode(fields: Fields) -> VehicleMode:
    """Returns the mode that a HEARTBEAT of ArduPilot means."""
    modes = ROVER_MODES if int(fields["type"]) in GROUND_TYPES else COPTER_MODES
    return modes.get(int(fields["custom_mode"]), VehicleMode.UNKNOWN)


class DronekitSystem(HeardSystem):
    """A vehicle as DroneKit's connection hears it; made by `open_ardupilot`."""

    def __init__(self, url: str, vehicle: Any, clock: Clock, silence_limit_s: float) -> None:
        """Takes over a connected `dronekit.Vehicle`; `listen` must be called."""
        super().__init__(url, clock, silence_limit_s, ardupilot_mode)
        self.vehicle = vehicle
        self.system_id = int(vehicle._handler.target_system)
        self.mode_number: int | None = None
        self.on_wheels = False
        self.has_position = False
        self._streaming = False
        self._loop = asyncio.get_running_loop()

    @property
    def mavlink(self) -> Any:
        """Returns pymavlink's sender on DroneKit's own connection; safe in all threads."""
        return self.vehicle._handler.master.mav

    def listen(self) -> None:
        """Takes in each message from now on, in the event loop."""
        self.vehicle.add_message_listener("*", self._from_thread)

    def _from_thread(self, vehicle: Any, name: str, message: Any) -> None:
        if name not in _HEARD or message.get_srcSystem() != self.system_id:
            return
        with suppress(RuntimeError):  # the loop has been closed before the connection
            self._loop.call_soon_threadsafe(
                self.hear, name, message.to_dict(), message.get_srcComponent()
            )

    def _remember(self, name: str, fields: Fields) -> None:
        if name == "HEARTBEAT":
            self.mode_number = int(fields["custom_mode"])
            self.on_wheels = int(fields["type"]) in GROUND_TYPES
        elif name == "EKF_STATUS_REPORT":
            self.has_position = bool(int(fields["flags"]) & _POSITION_FLAG)
        elif name == "GLOBAL_POSITION_INT":
            self._streaming = True
        super()._remember(name, fields)

    def command(self, number: int, *params: float) -> None:
        """Sends a COMMAND_LONG to the autopilot."""
        values = [*params, *[0.0] * (7 - len(params))]
        self.mavlink.command_long_send(self.system_id, AUTOPILOT_COMPONENT, number, 0, *values)

    async def ask_for_streams(self) -> None:
        """Asks for what the vehicle is to say, again until it does: a boot may swallow it."""
        while not self._streaming:
            for number, rate_hz in _STREAMS_HZ.items():
                self.command(511, number, 1e6 / rate_hz)
            await asyncio.sleep(_ASK_AGAIN_S)


def _dronekit_address(url: str) -> str:
    match = _ADDRESS.fullmatch(url)
    if match is None:
        raise VehicleUnreachable(
            "the address can't be opened",
            where=url,
            cure="give an address such as udpin://127.0.0.1:14550",
        )
    kind, host, port = match.groups()
    if kind == "udpin":  # DroneKit would share the port with whoever has it
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((host, int(port)))
            except OSError as error:
                raise PortInUse(
                    "another program listens there",
                    where=url,
                    cure="stop it, or give the vehicle another port",
                ) from error
    return f"{'tcp' if kind == 'tcpout' else kind}:{host}:{port}"


@asynccontextmanager
async def open_ardupilot(
    url: str,
    clock: Clock,
    *,
    silence_limit_s: float = 5.0,
    connect_s: float = 10.0,
    rules: GuardRules = GuardRules(),  # noqa: B008 - frozen
) -> AsyncIterator[DronekitSystem]:
    """Opens a vehicle and keeps listening, with our heartbeat going out, until the end.

    Args:
        url: where to listen or connect, such as `udpin://127.0.0.1:14550`.
        clock: for deadlines and times of arrival.
        silence_limit_s: by `clock`; after it the link counts as lost.
        connect_s: real seconds to wait for the vehicle's first words and parameter.
        rules: who may speak on a network, and by which key it is signed.

    Raises:
        SigningUnavailable: if a key is set and the way to the vehicle can't sign.
        VehicleUnreachable: if no vehicle answers there, or the address makes no sense.
        PortInUse: if another program listens there.
        ExtraMissing: if DroneKit is not installed.
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
) -> AsyncIterator[DronekitSystem]:
    vehicle = await dronekit_compat.connect(_dronekit_address(url), within_s=connect_s)
    try:
        opened = DronekitSystem(url, vehicle, clock, silence_limit_s)
        opened.listen()
        tasks = [
            asyncio.create_task(opened.watch_silence()),
            asyncio.create_task(opened.ask_for_streams()),
        ]
        try:
            with suppress(LinkLost):
                await opened.wait_for(lambda: opened.state.mode is not None, silence_limit_s)
            yield opened
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await dronekit_compat.close(vehicle)
