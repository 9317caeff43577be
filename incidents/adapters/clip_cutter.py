"""Clips without re-encoding: a ring of a live stream's packets, and cuts of files.

A clip starts at the keyframe at or before the wanted start and is an MP4 with its index in
front, so that a browser plays it while it loads. It is finished in a folder of its own
before anybody gets its bytes; what fails on the way leaves nothing.
"""

import errno
import logging
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import Any

import av
from av.bitstream import BitStreamFilterContext

from core.errors import DiskFull, NotFound, SourceMissing, SourceUnreadable

log = logging.getLogger(__name__)

_FILTERS = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
"""What brings packets of a codec into the form that carries its own parameter sets."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REORDER_S = 2.0
"""No stream shows a picture later than this after it is decoded."""
_SEEK_BACK_S = (0.0, 3.0, 15.0, float("inf"))
"""How far before the wanted start a file is entered, if the keyframe is not met otherwise."""
_MOVFLAGS = {"movflags": "+faststart"}


@dataclass(frozen=True, slots=True)
class _Kept:
    media_time_s: float
    pts: int
    dts: int
    time_base: Fraction
    duration: int
    keyframe: bool
    data: bytes

    @property
    def decoded_s(self) -> float:
        """Media time at which it must be decoded; never after it is shown."""
        return self.media_time_s - float((self.pts - self.dts) * self.time_base)


@dataclass(frozen=True, slots=True)
class _Format:
    """What a muxer must know of the stream, kept beyond the stream's own life."""

    codec: str
    width_px: int
    height_px: int
    to_annexb: BitStreamFilterContext
    parameter_sets: bytes


class PacketRing:
    """Keeps the newest seconds of one video stream's packets; never decodes.

    One thread adds; any thread may cut. Memory is bounded by time and by bytes.
    """

    def __init__(self, keep_s: float = 30.0, *, most_bytes: int = 96_000_000) -> None:
        """Starts an empty ring.

        Args:
            keep_s: what can be cut at any time, counted back from the newest packet.
            most_bytes: bound on the kept packets; the oldest go first.
        """
        self._keep_s = keep_s
        self._most_bytes = most_bytes
        self._packets: deque[_Kept] = deque()
        self._bytes = 0
        self._stream: object = None
        self._format: _Format | None = None
        self._lock = Lock()

    def add(self, packet: "av.Packet[Any]", media_time_s: float | None = None) -> None:
        """Keeps a copy of a demuxed packet; the packet itself may be decoded afterwards.

        A flush packet or one without time stamps is ignored. Where the stream starts anew
        (another stream, or time going back), what was kept before is dropped.

        Args:
            packet: as the demuxer gave it.
            media_time_s: its time as `Frame.media_time_s` counts it; left out, seconds from
                where the stream says that it begins.

        Raises:
            SourceUnreadable: if the stream's codec can't be cut (not H.264 or H.265).
        """
        if packet.dts is None or packet.pts is None or not packet.size:
            return
        if media_time_s is None:
            media_time_s = float(packet.pts * packet.time_base) - _origin_s(packet.stream)
        kept = _Kept(
            media_time_s,
            packet.pts,
            packet.dts,
            packet.time_base,
            packet.duration or 0,
            packet.is_keyframe,
            bytes(packet),
        )
        with self._lock:
            if packet.stream is not self._stream:
                self._format = _format_of(packet.stream)
                self._stream = packet.stream
                self._clear()
            elif self._packets and kept.dts <= self._packets[-1].dts:
                self._clear()
            if not self._packets and not kept.keyframe:
                return  # nothing before the first keyframe can be shown
            self._packets.append(kept)
            self._bytes += len(kept.data)
            self._trim(media_time_s)

    @property
    def span(self) -> tuple[float, float] | None:
        """Media times of the oldest and newest packet, or `None` while empty."""
        with self._lock:
            if not self._packets:
                return None
            return self._packets[0].media_time_s, self._packets[-1].media_time_s

    def cut(self, start_s: float, end_s: float) -> bytes:
        """Returns an MP4 from the keyframe at or before `start_s` to `end_s`.

        It starts later where the ring no longer reaches back, and ends earlier where the
        stream has not come so far.

        Raises:
            NotFound: if nothing of that time is kept.
            DiskFull: if there is no room to finish the clip.
        """
        with self._lock:
            packets = tuple(self._packets)
            form = self._format
        chosen = _between(packets, start_s, end_s)
        if not chosen or form is None:
            raise NotFound(
                "no video of that time is kept", where=f"{start_s:.3f} s to {end_s:.3f} s"
            )
        return _muxed(form, chosen)

    def _clear(self) -> None:
        self._packets.clear()
        self._bytes = 0

    def _trim(self, newest_s: float) -> None:
        """Drops whole groups of pictures that are no longer needed or have no room."""
        while True:
            following = (i for i, p in enumerate(self._packets) if i and p.keyframe)
            index = next(following, None)
            if index is None:
                break
            needed = self._packets[index].media_time_s > newest_s - self._keep_s
            if needed and self._bytes <= self._most_bytes:
                return
            for _ in range(index):
                self._bytes -= len(self._packets.popleft().data)
        if self._bytes > self._most_bytes:  # one group alone is too large to keep
            self._clear()


def cut_clip(path: Path, start_s: float, end_s: float) -> bytes:
    """Returns an MP4 of a video file from the keyframe at or before `start_s` to `end_s`.

    Args:
        path: the video file.
        start_s: seconds from the first picture of the file.
        end_s: as `start_s`.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no video, or its codec has no place in an MP4.
        NotFound: if the file holds no picture of that time.
        DiskFull: if there is no room to finish the clip.
    """
    if not path.is_file():
        raise SourceMissing("no such file", where=str(path))
    try:
        with av.open(str(path)) as source:
            return _cut_from(source, path, start_s, end_s)
    except (av.FFmpegError, OSError, ValueError) as error:
        if getattr(error, "errno", None) in _NO_ROOM:
            raise _disk_full() from error
        raise SourceUnreadable(
            f"no clip can be cut: {error}", where=str(path), cure="see that it plays"
        ) from error


def _cut_from(source: Any, path: Path, start_s: float, end_s: float) -> bytes:
    if not source.streams.video:
        raise SourceUnreadable("holds no video", where=str(path))
    stream = source.streams.video[0]
    first_s = _origin_s(stream)

    def packets_from(seek_s: float) -> Iterator[_Kept]:
        target = round((first_s + max(0.0, seek_s)) / stream.time_base)
        source.seek(target, stream=stream, backward=True)
        for packet in source.demux(stream):
            if packet.dts is None or packet.pts is None or not packet.size:
                continue
            kept = _Kept(
                float(packet.pts * packet.time_base) - first_s,
                packet.pts, packet.dts, packet.time_base, packet.duration or 0,
                packet.is_keyframe, bytes(packet),
            )  # fmt: skip
            if kept.decoded_s > end_s + _REORDER_S:
                return
            yield kept

    chosen: tuple[_Kept, ...] = ()
    for back_s in _SEEK_BACK_S:  # a container without an index may land behind the keyframe
        chosen = _between(tuple(packets_from(start_s - back_s)), start_s, end_s)
        if chosen and chosen[0].media_time_s <= start_s:
            break
    if not chosen:
        raise NotFound("no video of that time", where=f"{path}, {start_s:.3f} s to {end_s:.3f} s")
    with _output() as (output, file):
        target_stream = output.add_stream_from_template(stream)
        _write(output, target_stream, chosen, (packet.data for packet in chosen))
        return file.read_bytes()


def _between(packets: Sequence[_Kept], start_s: float, end_s: float) -> tuple[_Kept, ...]:
    """Returns the packets of a clip in order of decoding, the first one a keyframe."""
    keyframes = [i for i, packet in enumerate(packets) if packet.keyframe]
    if not keyframes or end_s < start_s:
        return ()
    before = [i for i in keyframes if packets[i].media_time_s <= start_s]
    first = before[-1] if before else keyframes[0]
    wanted = [i for i in range(first, len(packets)) if packets[i].media_time_s <= end_s]
    if not wanted:
        return ()
    # pictures are decoded before those that are shown earlier but lean on them: the last one
    # wanted may bring a later one with it, and then what is shown between the two comes too
    last = wanted[-1]
    newest = max(packet.pts for packet in packets[first : last + 1])
    while last + 1 < len(packets) and packets[last + 1].pts < newest:
        last += 1
    shown_from = packets[first].pts
    chosen = tuple(
        packet
        for packet in packets[first : last + 1]
        if packet.pts >= shown_from  # others lean on the group before the keyframe
    )
    return chosen if any(packet.media_time_s >= start_s for packet in chosen) else ()


def _origin_s(stream: Any) -> float:
    """Returns the stamp of media time 0: where the video begins."""
    if stream.start_time is not None:
        return float(stream.start_time * stream.time_base)
    begins = getattr(stream.container, "start_time", None)
    return 0.0 if begins is None else float(begins / av.time_base)


def _format_of(stream: Any) -> _Format:
    context = stream.codec_context
    name = context.codec.canonical_name
    if name not in _FILTERS:
        raise SourceUnreadable(
            f"no clips can be cut of a {name} stream", cure="let the camera send H.264 or H.265"
        )
    extradata = bytes(context.extradata or b"")
    return _Format(
        name,
        context.width,
        context.height,
        BitStreamFilterContext(_FILTERS[name], stream),
        extradata if extradata.startswith((b"\0\0\1", b"\0\0\0\1")) else b"",
    )


def _annexb(form: _Format, packets: Iterable[_Kept]) -> Iterator[bytes]:
    """Yields the packets with start codes, and the parameter sets in front of the first."""
    form.to_annexb.flush()
    first = True
    for packet in packets:
        raw = av.Packet(packet.data)
        raw.pts, raw.dts, raw.time_base = packet.pts, packet.dts, packet.time_base
        raw.is_keyframe = packet.keyframe
        data = b"".join(bytes(part) for part in form.to_annexb.filter(raw))
        # an RTSP stream may give its parameter sets in the session description alone
        yield form.parameter_sets + data if first else data
        first = False


_filtering = Lock()


def _muxed(form: _Format, packets: Sequence[_Kept]) -> bytes:
    with _filtering:  # a filter has a state of its own
        converted = list(_annexb(form, packets))
    try:
        with _output() as (output, file):
            stream = output.add_mux_stream(
                form.codec,
                width=form.width_px,
                height=form.height_px,
                time_base=packets[0].time_base,
            )
            _write(output, stream, packets, converted)
            return file.read_bytes()
    except (av.FFmpegError, OSError) as error:
        if getattr(error, "errno", None) in _NO_ROOM:
            raise _disk_full() from error
        raise


@contextmanager
def _output() -> Iterator[tuple[Any, Path]]:
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:  # Python tries by writing: full is "not found" to it
        raise _disk_full("the temporary folder") from error
    with tempfile.TemporaryDirectory(prefix="qyran-clip-") as folder:
        file = Path(folder) / "clip.mp4"
        with av.open(str(file), "w", format="mp4", options=_MOVFLAGS) as output:
            yield output, file


def _write(output: Any, stream: Any, packets: Sequence[_Kept], data: Iterable[bytes]) -> None:
    """Muxes packets with the first decoding time at zero, and closes the file."""
    base = packets[0].dts
    for kept, payload in zip(packets, data, strict=True):
        packet = av.Packet(payload)
        packet.pts, packet.dts = kept.pts - base, kept.dts - base
        packet.time_base = kept.time_base
        packet.duration = kept.duration
        packet.is_keyframe = kept.keyframe
        packet.stream = stream
        output.mux(packet)
    output.close()


def _disk_full(where: str = "") -> DiskFull:
    return DiskFull(
        "there is no room to finish a clip",
        where=where or tempfile.gettempdir(),
        cure="free some space; the station goes on by itself",
    )
