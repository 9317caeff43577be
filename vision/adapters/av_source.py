"""Video by PyAV: files, MPEG-TS with a metadata stream, RTSP, UDP, TCP and file-likes.

Memory does not grow with the length. Time comes from the medium's own stamps, never from the
moment of arrival: where a metadata stream carries absolute time and the caller can read it,
from there; else from the epoch plus the presentation time.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import av
import av.error
import numpy as np

from core.errors import SourceMissing, SourceUnreadable
from core.ids import CameraId
from vision.adapters.stream_reader import SocketReader, shown_url
from vision.model import Frame, Image, MediaInfo

log = logging.getLogger(__name__)

_FORMATS = (
    "mpegts,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,h264,hevc,mpeg,mpegvideo,"
    "flv,ogg,mjpeg,rtsp,sdp,rtp"
)
"""Containers that are read. No playlists: a file must not make us open other addresses."""
_PROTOCOLS = {
    "": "file",
    "rtsp": "rtsp,rtp,udp,tcp,tls,crypto",
    "rtsps": "rtsp,rtsps,rtp,udp,tcp,tls,crypto",
    "srt": "srt,udp",
    "rtp": "rtp,udp",
}
_SOCKETS = frozenset({"tcp", "udp"})
_LIVE_PROBE = {"probesize": "1000000", "analyzeduration": "500000"}
_HOLD_FRAMES = 32
"""How many frames wait for the first time stamp of a metadata stream."""
_MOST_ERRORS = 50

PacketTap = Callable[[Any], None]
"""Is given each encoded video packet (`av.Packet`, its stream attached) before it is decoded."""


@dataclass(slots=True)
class SourceStats:
    """What a source has counted since `frames()` was called."""

    decoded: int = 0
    undecodable: int = 0
    """Packets or frames that were broken and passed over."""
    out_of_order: int = 0
    """Frames whose time was not after that of the one before."""
    lost_s: deque[float] = field(default_factory=lambda: deque(maxlen=100_000))
    """Media time of what was broken, until `take_lost` takes it."""

    def lose(self, media_s: float) -> None:
        """Counts a broken frame and keeps where it was."""
        self.undecodable += 1
        self.lost_s.append(media_s)


class AvSource:
    """A `FrameSource` over anything that FFmpeg's demuxers read, within the lists above."""

    def __init__(
        self,
        source: str | Path | BinaryIO,
        camera_id: CameraId,
        *,
        epoch: datetime | None = None,
        live: bool = False,
        fps: float | None = None,
        stamp: Callable[[bytes], datetime | None] | None = None,
        on_data: Callable[[bytes, float], None] | None = None,
        packet_tap: PacketTap | None = None,
        patience_s: float = 5.0,
        threads: int = 1,
        options: dict[str, str] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Describes a source; nothing is opened before `frames()`.

        Args:
            source: a path, an address (`rtsp://`, `tcp://HOST:PORT`, `udp://HOST:PORT`), or
                a readable file-like that holds MPEG-TS or another container.
            camera_id: whose frames these are.
            epoch: instant of media time 0. Without it: the file's own creation time, else
                the time of the file; for a live source the instant of its first frame.
            live: whether frames that nobody takes in time are lost.
            fps: at most so many frames a second are given; the rest is decoded and dropped.
            stamp: reads the absolute time out of a metadata packet.
            on_data: is given each metadata packet and its media time in seconds.
            packet_tap: is given each encoded packet, for clips without re-encoding.
            patience_s: longest silence of a network source.
            threads: of the decoder.
            options: more FFmpeg options, such as `{"rtsp_transport": "tcp"}`.
            now: a clock, for live sources without an epoch.
        """
        self._source = source
        self._camera_id = camera_id
        self._epoch = epoch
        self._live = live
        self._fps = fps
        self._stamp = stamp
        self._on_data = on_data
        self._tap = packet_tap
        self._patience_s = patience_s
        self._threads = threads
        self._options = options or {}
        self._now = now
        self._closed = threading.Event()
        self._reader: SocketReader | None = None
        self.stats = SourceStats()

    @property
    def undecodable(self) -> int:
        """Packets or frames that were broken and passed over since `frames()` was called."""
        return self.stats.undecodable

    def take_lost(self) -> tuple[tuple[float, str], ...]:
        """Returns media time and reason of what was broken since it was asked last."""
        lost = tuple((at_s, "a frame that could not be decoded") for at_s in self.stats.lost_s)
        self.stats.lost_s.clear()
        return lost

    @property
    def camera_id(self) -> CameraId:
        """The camera whose frames these are."""
        return self._camera_id

    @property
    def live(self) -> bool:
        """Whether frames that nobody takes in time are lost."""
        return self._live

    @property
    def where(self) -> str:
        """The source as it may be told: no password, no query."""
        if isinstance(self._source, str | Path):
            return shown_url(str(self._source))
        return str(getattr(self._source, "name", "stream"))

    def close(self) -> None:
        """Ends a running `frames()` at its next packet; a blocked socket at once."""
        self._closed.set()
        if self._reader is not None:
            self._reader.close()

    def info(self) -> MediaInfo:
        """Returns what the medium says about itself.

        Raises:
            SourceMissing: if it can't be opened or reached.
            SourceUnreadable: if it is no video.
        """
        container = self._open()
        try:
            video = self._video(container)
            return MediaInfo(
                video.codec_context.width,
                video.codec_context.height,
                float(video.average_rate or 0.0),
                (container.duration or 0) / 1e6,
                bool(container.streams.data),
                _created_at(container.metadata.get("creation_time", "")),
            )
        finally:
            self._shut(container)

    def frames(self, start_s: float = 0.0) -> Iterator[Frame]:
        """Yields frames from `start_s` seconds of media time on.

        Raises:
            SourceMissing: if it can't be opened or reached, or a live one falls silent.
            SourceUnreadable: if what is there is no video.
        """
        self._closed.clear()
        self.stats = SourceStats()
        try:
            container = self._open()
        except (SourceMissing, SourceUnreadable):
            if self._closed.is_set():
                return
            raise
        try:
            yield from self._read(container, start_s)
        finally:
            self._shut(container)
        if self._reader is not None and self._reader.silent and not self._closed.is_set():
            raise SourceMissing(
                f"was silent for {self._patience_s:g} s",
                where=self.where,
                cure="check the camera and the network",
            )

    def _shut(self, container: Any) -> None:
        container.close()
        if self._reader is not None:
            self._reader.close()

    def _open(self) -> Any:
        source = self._source
        options = {"format_whitelist": _FORMATS, **(_LIVE_PROBE if self._live else {})}
        name: object = source
        timeout: tuple[float, float] | None = None
        form = None
        self._reader = None
        scheme = ""
        if isinstance(source, str) and "://" in source:
            scheme = urlsplit(source).scheme.lower()
        if scheme in _SOCKETS:
            self._reader = SocketReader(str(source), self._patience_s)
            if self._closed.is_set():  # closed while the connection was being made
                self._reader.close()
            name, form = self._reader, "mpegts"
        elif scheme and scheme not in _PROTOCOLS:
            raise SourceMissing(
                f"{scheme} addresses are not read",
                where=self.where,
                cure="give a file, or an rtsp, rtp, srt, tcp or udp address",
            )
        elif isinstance(source, str | Path):
            options["protocol_whitelist"] = _PROTOCOLS[scheme]
            if scheme:
                timeout = (max(10.0, self._patience_s), self._patience_s)
            else:
                self._check_file(Path(source))
                name = str(source)
        elif source.seekable():
            source.seek(0)
        try:
            return av.open(name, "r", format=form, options={**options, **self._options},
                           timeout=timeout, metadata_errors="replace")  # fmt: skip
        except av.error.FFmpegError as error:
            failure: type[SourceMissing] | type[SourceUnreadable] = SourceUnreadable
            if scheme and not isinstance(error, av.error.InvalidDataError):
                failure = SourceMissing
            cure = "check the address and the camera" if scheme else "give a video that plays"
            if self._reader is not None:
                self._reader.close()
            # FFmpeg's own error repeats the address with its password: it is not chained
            raise failure(
                f"can't be opened as a video: {error.strerror}", where=self.where, cure=cure
            ) from None

    def _check_file(self, path: Path) -> None:
        if not path.exists():
            raise SourceMissing("there is no such file", where=str(path), cure="check the path")
        if path.is_dir():
            raise SourceUnreadable(
                "is a folder, not a video", where=str(path), cure="give a video, or its pictures"
            )
        if path.stat().st_size == 0:
            raise SourceUnreadable("is empty", where=str(path), cure="copy the file again")

    def _video(self, container: Any) -> Any:
        if not container.streams.video:
            raise SourceUnreadable(
                "holds no video stream", where=self.where, cure="give a file with a picture"
            )
        return container.streams.video[0]

    def _read(self, container: Any, start_s: float) -> Iterator[Frame]:
        video = self._video(container)
        video.thread_type = "AUTO"
        video.codec_context.thread_count = self._threads
        origin_s = _origin_s(container, video)
        rate = float(video.average_rate or 0.0)
        if start_s > 0 and not self._live:
            # one second early: a stream without an index may land behind the wanted frame
            container.seek(int((max(0.0, start_s - 1.0) + origin_s) * av.time_base))
        streams = [video, *(container.streams.data if self._stamp or self._on_data else ())]
        clock = _Clock(self, container, expects_stamps=len(streams) > 1 and self._stamp is not None)
        sequence = round(start_s * rate) if start_s > 0 else 0
        due_s, slack_s = start_s - 1e-6, 0.25 / rate if rate else 0.0
        last_at: datetime | None = None
        for picture, media_s in self._pictures(container, streams, clock, origin_s):
            for held, held_s, at in clock.dated(picture, media_s):
                if held_s < due_s - slack_s:
                    continue
                if last_at is not None and at <= last_at:
                    self.stats.out_of_order += 1
                    continue
                if self._fps:
                    due_s = max(due_s + 1 / self._fps, held_s - 1 / self._fps)
                image = self._pixels(held, held_s)
                if image is None:
                    continue
                last_at = at
                yield Frame(self._camera_id, sequence, at, image, held_s)
                sequence += 1
                if self._closed.is_set():
                    return

    def _pictures(
        self, container: Any, streams: list[Any], clock: "_Clock", origin_s: float
    ) -> Iterator[tuple[Any, float]]:
        """Yields decoded pictures with their media time; `(None, inf)` at the end."""
        errors = 0
        video_time_s = 0.0
        packet: Any = None
        packets = container.demux(streams)
        while not self._closed.is_set():
            try:
                packet = next(packets)
                if packet.stream.type == "data":
                    if packet.size and packet.pts is not None:
                        at_s = float(packet.pts * packet.time_base) - origin_s
                        clock.heard(bytes(packet), at_s)
                    continue
                if self._tap is not None and packet.size:
                    self._tap(packet)
                pictures = packet.decode()
            except StopIteration:
                break
            except av.error.EOFError:
                break
            except av.error.ExitError:
                raise SourceMissing(
                    f"was silent for {self._patience_s:g} s",
                    where=self.where,
                    cure="check the camera and the network",
                ) from None
            except av.error.FFmpegError as error:
                self.stats.lose(_packet_s(packet, origin_s, video_time_s))
                errors += 1
                log.debug("a packet could not be decoded", extra={"reason": error.strerror})
                if errors > _MOST_ERRORS:
                    break
                continue
            for picture in pictures:
                if picture.pts is not None:
                    video_time_s = float(picture.pts * picture.time_base) - origin_s
                if picture.is_corrupt:
                    self.stats.lose(video_time_s)
                    continue
                errors = 0
                self.stats.decoded += 1
                yield picture, video_time_s
        if not self._closed.is_set():
            yield None, float("inf")

    def _pixels(self, picture: Any, media_s: float) -> Image | None:
        try:
            image: Image = picture.to_ndarray(format="bgr24")
        except (av.error.FFmpegError, ValueError):
            self.stats.lose(media_s)
            return None
        return np.ascontiguousarray(image)

    def start_of(self, container: Any, first_s: float) -> datetime:
        """Returns the instant of media time 0 where no metadata stream tells it."""
        if self._epoch is not None:
            return self._epoch
        if self._live:
            return self._now() - timedelta(seconds=first_s)
        created_at = _created_at(container.metadata.get("creation_time", ""))
        if created_at is None and isinstance(self._source, str | Path):
            created_at = datetime.fromtimestamp(Path(self._source).stat().st_mtime, UTC)
        return created_at or datetime.fromtimestamp(0, UTC)

    def told(self, data: bytes, at_s: float) -> datetime | None:
        """Passes a metadata packet on and returns the absolute time in it."""
        if self._on_data is not None:
            self._on_data(data, at_s)
        return self._stamp(data) if self._stamp is not None else None


class _Clock:
    """Turns media time into instants; holds the first frames back until a stamp is there."""

    def __init__(self, source: AvSource, container: Any, expects_stamps: bool) -> None:
        self._source = source
        self._container = container
        self._waiting = expects_stamps
        self._held: deque[tuple[Any, float]] = deque()
        self._stamps: deque[tuple[float, datetime]] = deque(maxlen=64)
        self._start: datetime | None = None

    def heard(self, data: bytes, at_s: float) -> None:
        at = self._source.told(data, at_s)
        if at is not None:
            self._stamps.append((at_s, at))

    def dated(self, picture: Any, media_s: float) -> Iterator[tuple[Any, float, datetime]]:
        if picture is not None:
            self._held.append((picture, media_s))
        if self._waiting and not self._stamps:
            if picture is not None and len(self._held) < _HOLD_FRAMES:
                return
            self._waiting = False
        while self._held:
            held, held_s = self._held.popleft()
            yield held, held_s, self._instant(held_s)

    def _instant(self, media_s: float) -> datetime:
        if self._stamps:
            near_s, at = min(self._stamps, key=lambda stamp: abs(stamp[0] - media_s))
            return at + timedelta(seconds=media_s - near_s)
        if self._start is None:
            self._start = self._source.start_of(self._container, media_s)
        return self._start + timedelta(seconds=media_s)


def _packet_s(packet: Any, origin_s: float, before_s: float) -> float:
    """Returns the media time of a packet, or that of the picture before it."""
    if packet is None or packet.pts is None or packet.time_base is None:
        return before_s
    return float(packet.pts * packet.time_base) - origin_s


def _origin_s(container: Any, video: Any) -> float:
    """Returns the stamp of media time 0: where the video begins."""
    if video.start_time is not None:
        return float(video.start_time * video.time_base)
    return float((container.start_time or 0) / av.time_base)


def _created_at(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    # cameras without a clock write the epoch of their container
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at if at.year > 1980 else None


def pace(source: Iterator[Frame], sleep: Callable[[float], None] = time.sleep) -> Iterator[Frame]:
    """Yields a file's frames at the speed at which they were taken."""
    before: datetime | None = None
    for frame in source:
        if before is not None:
            sleep(max(0.0, (frame.captured_at - before).total_seconds()))
        before = frame.captured_at
        yield frame
