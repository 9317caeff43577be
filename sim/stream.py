"""A simulated camera's stream: pictures in, H.264 and ST 0601 in MPEG-TS out.

Baseline-like H.264 (no B-frames, one key frame a second) with a metadata packet for each
frame that carries its precision time stamp, and more where the caller knows more. The key
packet is muxed before the picture that it belongs to and has the same time, so a receiver
knows each frame's absolute time whatever the muxer adds to all streams alike.
"""

import io
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, cast
from urllib.parse import urlsplit

import av
import numpy as np
from numpy.typing import NDArray

from core.errors import SourceMissing
from telemetry import st0601

_TICKS = 90_000
_TIME_BASE = Fraction(1, _TICKS)
_DATAGRAM = 7 * 188
"""Bytes of one UDP packet: seven transport packets, the custom of MPEG-TS over UDP."""


class Sink(Protocol):
    """Where a stream's bytes go."""

    def write(self, data: bytes) -> int:
        """Takes the bytes and returns how many."""
        ...

    def close(self) -> None:
        """Ends the stream."""
        ...


class FileSink:
    """Writes to a file."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")

    def write(self, data: bytes) -> int:
        """Writes all of it."""
        return self._file.write(data)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class TcpSink:
    """Listens on a loopback port and sends to the one receiver that connects.

    Bytes wait for the receiver (a file behind a socket), so nothing is lost and a run that
    is faster than real time stays the same. `url` is what the receiver opens.
    """

    def __init__(self, port: int = 0, *, host: str = "127.0.0.1", patience_s: float = 30.0) -> None:
        """Listens.

        Args:
            port: 0 takes a free one.
            host: loopback unless said otherwise.
            patience_s: how long to wait for a receiver, or for one that takes nothing.
        """
        self._server = socket.create_server((host, port))
        self._server.settimeout(patience_s)
        self._patience_s = patience_s
        self._receiver: socket.socket | None = None
        self.url = f"tcp://{host}:{self._server.getsockname()[1]}"

    def write(self, data: bytes) -> int:
        """Sends all of it, waiting for a receiver first.

        Raises:
            SourceMissing: if nobody connects, or the receiver has gone.
        """
        try:
            if self._receiver is None:
                self._receiver, _ = self._server.accept()
                self._receiver.settimeout(self._patience_s)
                self._receiver.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._receiver.sendall(data)
        except OSError as error:
            raise SourceMissing("nobody takes the camera's stream", where=self.url) from error
        return len(data)

    def close(self) -> None:
        """Ends the connection after what was sent."""
        for end in (self._receiver, self._server):
            if end is not None:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_WR)
                end.close()


class UdpSink:
    """Sends datagrams to an address; what nobody takes is lost."""

    def __init__(self, url: str) -> None:
        """Makes the socket.

        Args:
            url: such as `udp://127.0.0.1:5600`.
        """
        place = urlsplit(url)
        self._address = (place.hostname or "127.0.0.1", place.port or 5600)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._rest = b""

    def write(self, data: bytes) -> int:
        """Sends whole datagrams and keeps the rest for the next call."""
        self._rest += data
        while len(self._rest) >= _DATAGRAM:
            self._send(self._rest[:_DATAGRAM])
            self._rest = self._rest[_DATAGRAM:]
        return len(data)

    def _send(self, data: bytes) -> None:
        with suppress(OSError):  # nobody listens: that is what UDP is like
            self._socket.sendto(data, self._address)

    def close(self) -> None:
        """Sends the rest and closes the socket."""
        if self._rest:
            self._send(self._rest)
        self._rest = b""
        self._socket.close()


class _Pipe(io.RawIOBase):
    """The file-like that the muxer writes to; keeps the first error of the sink."""

    def __init__(self, write: Callable[[bytes], int]) -> None:
        self._write = write
        self.error: Exception | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        raw = bytes(cast(bytes, data))
        if self.error is None:
            try:
                self._write(raw)
            except (SourceMissing, OSError) as error:
                self.error = error  # an exception through FFmpeg would lose its kind
        return len(raw)


class H264Streamer:
    """Encodes pictures as they come and sends them at once."""

    def __init__(
        self,
        width_px: int,
        height_px: int,
        fps: float,
        sink: Sink | Path,
        *,
        crf: int = 23,
        preset: str = "ultrafast",
    ) -> None:
        """Opens the stream.

        Args:
            width_px: of every picture; even.
            height_px: of every picture; even.
            fps: pictures a second, for the encoder's rate and the key frames.
            sink: where the bytes go; a path writes a file.
            crf: x264's quality, lower is better.
            preset: x264's effort.
        """
        self._sink = FileSink(sink) if isinstance(sink, Path) else sink
        self._pipe = _Pipe(self._sink.write)
        self._size = (width_px, height_px)
        self._container = av.open(
            self._pipe,
            "w",
            format="mpegts",
            options={"max_delay": "0", "flush_packets": "1", "pat_period": "0.5"},
        )
        # The data stream comes first: of packets of one time the muxer sends the lower index.
        self._klv = self._container.add_data_stream("klv")
        self._klv.time_base = _TIME_BASE
        self._video = self._container.add_stream("libx264", rate=Fraction(fps).limit_denominator())
        self._video.width, self._video.height = width_px, height_px
        self._video.pix_fmt = "yuv420p"
        self._video.codec_context.time_base = _TIME_BASE
        self._video.codec_context.gop_size = max(1, round(fps))
        self._video.codec_context.max_b_frames = 0
        self._video.codec_context.thread_count = 1
        self._video.options = {"preset": preset, "tune": "zerolatency", "crf": str(crf)}
        self._first_at: datetime | None = None
        self._last_ticks = -1
        self._closed = False
        self.frames = 0
        """Pictures sent so far."""

    def __enter__(self) -> "H264Streamer":
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the stream."""
        self.close()

    def send(
        self,
        image: NDArray[np.uint8],
        at: datetime,
        numbers: Mapping[int, float] | None = None,
    ) -> None:
        """Encodes a picture of an instant and sends it.

        Args:
            image: shape (height, width, 3), blue, green, red.
            at: instant of exposure; must grow from call to call.
            numbers: ST 0601 numbers by tag that go with it, besides its time.

        Raises:
            ValueError: if the picture has another size or time does not grow.
            SourceMissing: if nobody takes the stream.
        """
        if image.shape != (self._size[1], self._size[0], 3):
            raise ValueError(f"a picture of {image.shape} in a stream of {self._size}")
        if self._first_at is None:
            self._first_at = at
        ticks = round((at - self._first_at).total_seconds() * _TICKS)
        if ticks <= self._last_ticks:
            raise ValueError("pictures must come in order of time")
        self._last_ticks = ticks
        packet = av.Packet(st0601.encode(at, numbers))
        packet.stream, packet.time_base = self._klv, _TIME_BASE
        packet.pts = packet.dts = ticks
        self._container.mux(packet)
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        frame.pts, frame.time_base = ticks, _TIME_BASE
        for encoded in self._video.encode(frame):
            self._container.mux(encoded)
        self.frames += 1
        self._check()

    def _check(self) -> None:
        if self._pipe.error is not None:
            raise self._pipe.error

    def close(self) -> None:
        """Sends what is left and ends the stream; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        if self.frames:
            for encoded in self._video.encode(None):
                self._container.mux(encoded)
            self._container.close()
        self._sink.close()
