"""Receivers on loopback, for tests: NMEA 0183 by TCP, UDP and a terminal, gpsd by TCP."""

import asyncio
import json
import os
import pty
import socket
import tty
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor

from core.clock import SystemClock
from core.ids import AssetId
from telemetry.adapters.memory_log import MemoryTelemetryLog
from telemetry.adapters.posted_link import PostedLink
from telemetry.adapters.receivers import open_receiver
from telemetry.ports import TelemetryLink
from telemetry.posted import Postbox
from tests.builders import a_sample

CAR = AssetId("car-1")
BEGAN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SILENCE_S = 0.6


def checked(body: str) -> bytes:
    """Returns a sentence with its checksum."""
    return f"${body}*{reduce(xor, body.encode()):02X}\r\n".encode()


def degrees_minutes(value: float, width: int) -> str:
    whole = int(abs(value))
    return f"{whole:0{width}d}{(abs(value) - whole) * 60:08.5f}"


def gga(at: datetime, lat: float, lon: float, *, quality: int = 1, hdop: str = "0.9") -> bytes:
    place = f"{degrees_minutes(lat, 2)},N,{degrees_minutes(lon, 3)},E"
    return checked(f"GPGGA,{at:%H%M%S.%f},{place},{quality},09,{hdop},350.0,M,-40.0,M,,")


def rmc(
    at: datetime, lat: float, lon: float, *, status: str = "A", knots: float = 10.0, mode: str = "A"
) -> bytes:
    place = f"{degrees_minutes(lat, 2)},N,{degrees_minutes(lon, 3)},E"
    return checked(f"GPRMC,{at:%H%M%S.%f},{status},{place},{knots},90.0,{at:%d%m%y},,,{mode}")


def tpv(at: datetime, north: float, east: float, **more: object) -> bytes:
    told: dict[str, object] = {
        "class": "TPV",
        "mode": 3,
        "time": f"{at:%Y-%m-%dT%H:%M:%S.%f}Z",
        "lat": north,
        "lon": east,
    }
    told |= {"altMSL": 350.0, "altHAE": 310.0, "epx": 3.0, "epy": 4.0, "epv": 7.0}
    told |= {"speed": 5.0, "track": 90.0, "climb": 0.5, **more}
    return json.dumps(told).encode() + b"\n"


def drive(count: int = 40) -> Iterator[tuple[datetime, float, float]]:
    """Yields instants and places of a car that drives east, ten a second."""
    for n in range(count):
        yield BEGAN + timedelta(seconds=n / 10), 50.97, 71.35 + n * 1e-5


def spoken(count: int = 40) -> Sequence[bytes]:
    """Returns what a receiver says of that drive, with a repeated and a late fix."""
    told = [gga(*fix) + rmc(*fix) for fix in drive(count)]
    return [*told[:10], told[9], told[3], *told[10:]]


Opened = tuple[TelemetryLink, Callable[[], None]]


def _link(address: str) -> TelemetryLink:
    return open_receiver(address, CAR, SystemClock(), silence_limit_s=SILENCE_S)


@asynccontextmanager
async def served(lines: Sequence[bytes], scheme: str, path: str = "") -> AsyncIterator[Opened]:
    """Serves lines by TCP, each client from the first on, and then says nothing more."""
    silent = asyncio.Event()

    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            for line in lines:
                writer.write(line)
            await writer.drain()
            await silent.wait()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield _link(f"{scheme}://127.0.0.1:{port}{path}"), lambda: None
    finally:
        silent.set()
        server.close()
        await asyncio.sleep(0)


@asynccontextmanager
async def nmea_by_tcp() -> AsyncIterator[Opened]:
    async with served(spoken(), "nmea+tcp") as opened:
        yield opened


@asynccontextmanager
async def gpsd() -> AsyncIterator[Opened]:
    lines = [b'{"class":"VERSION","release":"3.25"}\n', *(tpv(*fix) for fix in drive())]
    async with served(lines, "gpsd") as opened:
        yield opened


@asynccontextmanager
async def nmea_by_udp() -> AsyncIterator[Opened]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sending = asyncio.create_task(_send(port))
    try:
        yield _link(f"nmea+udp://127.0.0.1:{port}"), sending.cancel
    finally:
        sending.cancel()


async def _send(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for line in spoken(400):
            sender.sendto(line, ("127.0.0.1", port))
            await asyncio.sleep(0.005)


@asynccontextmanager
async def nmea_by_terminal() -> AsyncIterator[Opened]:
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    speaking = asyncio.create_task(_type(ours))
    try:
        yield _link(f"nmea://{os.ttyname(theirs)}?baud=4800"), speaking.cancel
    finally:
        speaking.cancel()
        os.close(ours)
        os.close(theirs)


async def _type(terminal: int) -> None:
    for line in spoken():
        os.write(terminal, line)
        await asyncio.sleep(0.003)


@asynccontextmanager
async def posted() -> AsyncIterator[Opened]:
    postbox = Postbox(MemoryTelemetryLog(), lambda sample: None)
    link = PostedLink(CAR, postbox, SystemClock(), silence_limit_s=SILENCE_S)
    samples = [a_sample(asset_id=CAR, at=at) for at, _, _ in drive()]
    for batch in (samples[:10], samples[5:12], samples[12:], samples[:3]):
        postbox.post(CAR, batch)
    yield link, lambda: None


RECEIVERS = {
    "nmea by tcp": nmea_by_tcp,
    "nmea by udp": nmea_by_udp,
    "nmea by terminal": nmea_by_terminal,
    "gpsd": gpsd,
    "posted": posted,
}
