"""Hears many vehicles on one UDP port, by our own reader, on the loop's own thread.

Each wake-up takes all datagrams that wait, up to a bound, so that a busy port costs one wake-up
and not one for each packet. Nothing is ever sent.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

from core.clock import Clock
from core.errors import PortInUse
from core.ids import AssetId
from telemetry.adapters.heard_system import Fields, HeardSystem
from telemetry.adapters.mavsdk_link import MavsdkLink
from telemetry.mavlink_frames import LAYOUTS, NUMBERS, FrameReader
from telemetry.model import VehicleMode

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 512
_LONGEST = 65_535
_BUFFER_BYTES = 4 << 20


class FleetListener:
    """One port with its vehicles; each is heard by its MAVLink system id."""

    def __init__(
        self,
        assets: Mapping[int, AssetId],
        clock: Clock,
        mode_of: Callable[[Fields], VehicleMode],
        *,
        silence_limit_s: float = 5.0,
    ) -> None:
        """Takes who speaks.

        Args:
            assets: by their system ids; what others say is counted and passed over.
            clock: for times of arrival.
            mode_of: gives the mode that a HEARTBEAT means.
            silence_limit_s: as for `HeardSystem`.
        """
        self._systems = {
            number: HeardSystem(f"system {number}", clock, silence_limit_s, mode_of)
            for number in assets
        }
        self._links = {
            asset_id: MavsdkLink(asset_id, self._systems[number])
            for number, asset_id in assets.items()
        }
        self.reader = FrameReader()
        self.strangers = 0
        """Frames of systems that are not ours."""
        self._socket: socket.socket | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def link(self, asset_id: AssetId) -> MavsdkLink:
        """Returns the `TelemetryLink` of an asset."""
        return self._links[asset_id]

    def open(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listens on the running event loop, and returns the port.

        Raises:
            PortInUse: if another program listens there.
        """
        ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            ear.setblocking(False)
            ear.bind((host, port))
        except OSError as error:
            ear.close()
            raise PortInUse(
                "another program listens there", where=f"{host}:{port}", cure="choose another port"
            ) from error
        self._socket = ear
        loop = asyncio.get_running_loop()
        loop.add_reader(ear, self._readable)
        self._tasks = [asyncio.create_task(one.watch_silence()) for one in self._systems.values()]
        return int(ear.getsockname()[1])

    async def close(self) -> None:
        """Stops listening and ends every link; a second call does nothing."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for link in self._links.values():
            await link.close()

    def _readable(self) -> None:
        ear = self._socket
        if ear is None:
            return
        with suppress(BlockingIOError):
            for _ in range(_MOST_AT_ONCE):
                self.take(ear.recv(_LONGEST))

    def take(self, datagram: bytes) -> None:
        """Takes one datagram in; nothing in it can make this raise."""
        for system_id, component_id, name, values in self.reader.frames(datagram):
            system = self._systems.get(system_id)
            if system is None:
                self.strangers += 1
                continue
            fields = LAYOUTS[NUMBERS[name]].as_fields(values)
            try:
                system.hear(name, fields, component_id)
            except (ValueError, OverflowError):  # a hostile number: this one word is lost
                log.warning("a message makes no sense", extra={"system": system_id, "kind": name})
