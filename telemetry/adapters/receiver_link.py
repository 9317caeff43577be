"""A receiver in a car: bytes from a device file, TCP or UDP, made into samples by a decoder.

A source that breaks off is opened again until the link's limit of silence is over. What can't be
read is counted and never ends the link.
"""

import asyncio
import os
import stat
import termios
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from core.clock import Clock
from core.errors import LinkLost, VehicleUnreachable
from core.ids import AssetId
from telemetry.flight_logs import LogLoss
from telemetry.model import TelemetrySample

_CHUNK_BYTES = 4_096
_WAITING_MOST = 2_000
"""Samples that nobody has taken yet; the oldest go first."""
_AGAIN = timedelta(seconds=1)
"""Before a source that broke off is opened again."""

Chunks = AsyncIterator[bytes]
OpenSource = Callable[[], AbstractAsyncContextManager[Chunks]]


class Decoder(Protocol):
    """Makes samples of bytes; keeps what is not whole yet."""

    def feed(self, chunk: bytes) -> Sequence[TelemetrySample]:
        """Takes what came next and returns the samples that are whole now; never raises."""
        ...

    def broken_off(self) -> None:
        """Forgets what is not whole: the source begins anew."""
        ...

    @property
    def losses(self) -> tuple[LogLoss, ...]:
        """What could not be read or was refused so far, counted by kind."""
        ...


class ReceiverLink:
    """A `TelemetryLink` to a receiver; to be used on one event loop."""

    def __init__(
        self,
        asset_id: AssetId,
        open_source: OpenSource,
        decoder: Decoder,
        clock: Clock,
        *,
        silence_limit_s: float,
    ) -> None:
        """Takes what it reads from; nothing is opened before `samples()`.

        Args:
            asset_id: the car.
            open_source: opens the source of bytes; may raise OSError.
            decoder: makes samples of them.
            clock: counts the silence.
            silence_limit_s: longest time without a sample, also one that has no fix.
        """
        self._asset_id, self._open, self._decoder = asset_id, open_source, decoder
        self._clock, self._limit = clock, timedelta(seconds=silence_limit_s)
        self._closed = asyncio.Event()

    @property
    def asset_id(self) -> AssetId:
        """The asset that speaks."""
        return self._asset_id

    @property
    def losses(self) -> tuple[LogLoss, ...]:
        """What could not be read or was refused so far, counted by kind."""
        return self._decoder.losses

    async def samples(self) -> AsyncIterator[TelemetrySample]:
        """Yields samples in order of time; one that is late or repeated is dropped.

        Raises:
            LinkLost: after the silence limit.
        """
        waiting: asyncio.Queue[TelemetrySample] = asyncio.Queue()
        reading = asyncio.create_task(self._read(waiting))
        last = None
        try:
            while not self._closed.is_set():
                sample = await self._next(waiting)
                if sample is None:
                    return
                if last is None or sample.at > last:
                    last = sample.at
                    yield sample
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def close(self) -> None:
        """Ends `samples()`."""
        self._closed.set()

    async def _next(self, waiting: asyncio.Queue[TelemetrySample]) -> TelemetrySample | None:
        """Returns the next sample; `None` where the link was closed first."""
        if not waiting.empty():
            return waiting.get_nowait()
        tasks: list[asyncio.Future[object]] = [
            asyncio.ensure_future(waiting.get()),
            asyncio.ensure_future(self._closed.wait()),
            asyncio.ensure_future(self._clock.sleep_until(self._clock.now() + self._limit)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if self._closed.is_set():
                return None
            if tasks[0].done():
                found = tasks[0].result()
                assert isinstance(found, TelemetrySample)
                return found
            raise LinkLost(
                f"the receiver said nothing for {self._limit.total_seconds():g} s",
                where=str(self._asset_id),
                cure="see that it has power and that its address is right",
            )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, waiting: asyncio.Queue[TelemetrySample]) -> None:
        while True:
            try:
                async with self._open() as chunks:
                    async for chunk in chunks:
                        for sample in self._decoder.feed(chunk):
                            if waiting.qsize() >= _WAITING_MOST:
                                waiting.get_nowait()
                            waiting.put_nowait(sample)
            except OSError:
                pass  # the limit of silence tells it, if it lasts
            self._decoder.broken_off()
            await self._clock.sleep_until(self._clock.now() + _AGAIN)


def from_tcp(host: str, port: int, hello: bytes = b"") -> OpenSource:
    """Returns what connects to a server and says `hello` to it."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Chunks]:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            if hello:
                writer.write(hello)
                await writer.drain()
            yield _read_chunks(reader)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    return opened


def from_udp(host: str, port: int) -> OpenSource:
    """Returns what listens for datagrams at an address of this machine."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Chunks]:
        came: asyncio.Queue[bytes] = asyncio.Queue(_WAITING_MOST)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(came), local_addr=(host, port)
        )
        try:
            yield _from_queue(came)
        finally:
            transport.close()

    return opened


def from_device(path: Path, baud: int) -> OpenSource:
    """Returns what reads a serial device file; its speed is set where it is a terminal."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Chunks]:
        handle = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        pipe = os.fdopen(handle, "rb", 0)
        try:
            if os.isatty(handle):
                _set_raw(handle, baud)
            if stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(f"{path} is a file, not a device")
            reader = asyncio.StreamReader()
            loop = asyncio.get_running_loop()
            transport, _ = await loop.connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), pipe
            )
        except BaseException:
            pipe.close()
            raise
        try:
            yield _read_chunks(reader)
        finally:
            transport.close()

    return opened


def speed_of(baud: int, where: str) -> int:
    """Returns the system's number of a serial speed.

    Raises:
        VehicleUnreachable: if serial lines know no such speed.
    """
    found = getattr(termios, f"B{baud}", None)
    if not isinstance(found, int) or baud <= 0:  # 0 hangs a modem up
        raise VehicleUnreachable(
            f"{baud} baud is no speed of a serial line",
            where=where,
            cure="give the receiver's own, such as 4800, 9600 or 115200",
        )
    return found


def _set_raw(handle: int, baud: int) -> None:
    """Sets a terminal to plain bytes, 8N1, at a speed."""
    try:
        settings = termios.tcgetattr(handle)
        settings[0] = settings[1] = settings[3] = 0
        settings[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
        settings[4] = settings[5] = speed_of(baud, "")
        termios.tcsetattr(handle, termios.TCSANOW, settings)
    except termios.error as error:
        raise OSError(*error.args) from error


async def _read_chunks(reader: asyncio.StreamReader) -> Chunks:
    while chunk := await reader.read(_CHUNK_BYTES):
        yield chunk


async def _from_queue(came: asyncio.Queue[bytes]) -> Chunks:
    while True:
        yield await came.get()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, came: asyncio.Queue[bytes]) -> None:
        self._came = came

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Keeps a datagram, in place of the oldest where there is no room."""
        if self._came.full():
            self._came.get_nowait()
        self._came.put_nowait(data + b"\n")  # a datagram ends its line, whether it says so or not
