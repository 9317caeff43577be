"""What kind of footage a path is, and how it is opened with its telemetry."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from core.errors import SourceMissing, SourceUnreadable, TelemetryApart, TelemetryUnreadable
from core.ids import AssetId, CameraId
from geo.positions import PoseSigma
from station.ingest_checkpoint import digest_of
from station.ingest_tools import FootageTools
from station.ingest_views import CONSUMER, STABILISED, KlvViews, PhotoViews, SrtViews, Views
from telemetry import st0601
from telemetry.recorded import KlvTrack
from vision.ports import FrameSource

_ASSET = AssetId("footage")
_CAMERA = CameraId("footage")
_HEAD_BYTES = 4096
_DATED = "the metadata packets date each frame"
_DATES_APART = timedelta(hours=26)


class FootageKind(StrEnum):
    """The kinds that can be ingested."""

    KLV = "klv"
    """MPEG-TS with ST 0601 metadata, or a video with a raw file of it."""
    SUBTITLES = "subtitles"
    """Video with a DJI subtitle file."""
    PHOTOS = "photos"
    METADATA = "metadata"
    """A raw file of ST 0601 packets without pictures."""


class Told(Protocol):
    """What a person has told about the footage, and what it is read with."""

    @property
    def tools(self) -> FootageTools:
        """The readers."""
        ...

    @property
    def asset_id(self) -> AssetId | None:
        """Who took it."""
        ...

    @property
    def camera_id(self) -> CameraId | None:
        """With which camera."""
        ...

    @property
    def clock_zone(self) -> tzinfo:
        """Of dates that name none."""
        ...

    @property
    def hfov_deg(self) -> float | None:
        """Where the telemetry does not tell the lens."""
        ...

    @property
    def fps(self) -> float | None:
        """At most so many frames a second."""
        ...

    @property
    def sigma(self) -> PoseSigma | None:
        """One-sigma errors of the poses."""
        ...

    @property
    def pose_gap(self) -> timedelta:
        """Furthest that telemetry may be from a frame."""
        ...


@dataclass(frozen=True, slots=True)
class Footage:
    """Opened footage: its frames, its views, and what it is."""

    kind: FootageKind
    source: FrameSource | None
    """`None` where there are no pictures."""
    views: Views
    files: tuple[Path, ...]
    telemetry: Path | None
    """The telemetry's own file, where it is one."""
    telemetry_sha256: str
    time_basis: str
    duration_s: float
    video: Path | None
    klv: KlvTrack | None
    undecodable: Callable[[], int]
    lost: Callable[[], tuple[tuple[float, str], ...]] = tuple
    """Media time and reason of what could not be decoded since it was asked last."""
    undated: Callable[[], int] = lambda: 0
    """How many pictures did not say when they were taken."""
    notes: tuple[str, ...] = ()
    """What a person should know about how it was read."""


def open_footage(
    path: Path, telemetry: Path | None, start_at: datetime | None, told: Told
) -> Footage:
    """Returns what is there, opened.

    Raises:
        SourceMissing: if there is nothing.
        SourceUnreadable: if it is no footage.
        TelemetryUnreadable: if there is no telemetry for it, or it can't be read.
        TelemetryApart: if the two share no instant.
    """
    if not path.exists():
        raise SourceMissing("there is no such file or folder", where=str(path),
                            cure="check the path")  # fmt: skip
    if not (path.is_file() or path.is_dir()):  # a pipe would hold the reader for ever
        raise SourceUnreadable("is neither a file nor a folder", where=str(path),
                               cure="record it to a file first")  # fmt: skip
    if path.is_dir() or path.suffix.lower() in told.tools.picture_suffixes:
        return _photos(path, told, _unused(start_at, "each picture carries its own time"))
    if _is_raw_klv(path):
        track = told.tools.read_klv(path, told.asset_id or _ASSET)
        views = KlvViews(track)
        return Footage(FootageKind.METADATA, None, views, (path,), None, "", "klv", 0.0, None,
                       track, lambda: 0, notes=_unused(start_at, _DATED))  # fmt: skip
    telemetry = telemetry or _beside(path)
    if telemetry is not None and not telemetry.is_file():
        raise SourceMissing("there is no such file", where=str(telemetry), cure="check the path")
    info = told.tools.video(path, _CAMERA).info()
    if telemetry is None and info.has_data:
        return _stream(path, told, info.duration_s, _unused(start_at, _DATED))
    if telemetry is None:
        raise TelemetryUnreadable(
            "the video carries no telemetry and none lies beside it",
            where=str(path),
            cure="give the drone's .SRT or a .klv file by --telemetry FILE",
        )
    if _is_raw_klv(telemetry):
        return _with_klv(path, telemetry, start_at, told, info.duration_s, info.created_at)
    return _with_subtitles(path, telemetry, start_at, told, info.duration_s, info.created_at)


def _camera_id(files: tuple[Path, ...], told: Told) -> CameraId:
    return told.camera_id or CameraId(f"footage-{digest_of(files)[:12]}")


def _is_raw_klv(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return head[:1] != b"\x47" and st0601.KEY in head


def _beside(path: Path) -> Path | None:
    for suffix in (".srt", ".SRT", ".Srt", ".klv", ".KLV"):
        candidate = path.with_suffix(suffix)
        if candidate.is_file():
            return candidate
    return None


def _unused(start_at: datetime | None, why: str) -> tuple[str, ...]:
    return () if start_at is None else (f"--start is not used: {why}",)


def _stream(path: Path, told: Told, duration_s: float, notes: tuple[str, ...]) -> Footage:
    track = told.tools.read_klv(path, told.asset_id or _ASSET)
    source = told.tools.video(
        path, _camera_id((path,), told), stamp=st0601.time_stamp, fps=told.fps
    )
    views = KlvViews(track, told.sigma or STABILISED, told.pose_gap)
    return Footage(FootageKind.KLV, source, views, (path,), None, "", "klv", duration_s, path,
                   track, lambda: source.undecodable, source.take_lost, notes=notes)  # fmt: skip


def _started(
    path: Path, start_at: datetime | None, own: datetime | None, created_at: datetime | None
) -> tuple[datetime, str]:
    """Returns the instant of media time 0 and where it comes from."""
    if start_at is not None:
        return start_at, "told"
    if own is not None:
        return own, "subtitles"
    if created_at is not None:
        return created_at, "container"
    return datetime.fromtimestamp(path.stat().st_mtime, UTC), "file_time"


def _check_dates(
    telemetry: Path,
    own: datetime | None,
    start_at: datetime | None,
    created_at: datetime | None,
) -> None:
    """Refuses subtitles whose dates are those of another flight.

    Cues have no clock of their own but media time, so dates are the only sign of a wrong file.
    A day of tolerance leaves room for time zones and for the end of a long recording.
    """
    told = start_at or created_at
    if own is None or told is None or abs(own - told) <= _DATES_APART:
        return
    what = "--start" if start_at is not None else "the video's own creation time"
    raise TelemetryApart(
        f"its cues are dated {own:%Y-%m-%d %H:%M:%S} UTC, {what} is {told:%Y-%m-%d %H:%M:%S} UTC",
        where=str(telemetry),
        cure="give the telemetry of this very flight; where the video's clock was wrong, "
        f"say --start {own:%Y-%m-%dT%H:%M:%SZ}",
    )


def _with_klv(
    path: Path,
    telemetry: Path,
    start_at: datetime | None,
    told: Told,
    duration_s: float,
    created_at: datetime | None,
) -> Footage:
    track = told.tools.read_klv(telemetry, told.asset_id or _ASSET)
    begin, basis = _started(path, start_at, None, created_at)
    source = told.tools.video(path, _camera_id((path,), told), epoch=begin, fps=told.fps)
    views = KlvViews(track, told.sigma or STABILISED, told.pose_gap)
    if duration_s:
        views.check_overlap(begin, begin + timedelta(seconds=duration_s), str(telemetry))
    return Footage(FootageKind.KLV, source, views, (path,), telemetry, digest_of((telemetry,)),
                   basis, duration_s, path, track, lambda: source.undecodable,
                   source.take_lost)  # fmt: skip


def _with_subtitles(
    path: Path,
    telemetry: Path,
    start_at: datetime | None,
    told: Told,
    duration_s: float,
    created_at: datetime | None,
) -> Footage:
    track = told.tools.read_srt(telemetry, zone=told.clock_zone)
    _check_dates(telemetry, track.start_at, start_at, created_at)
    begin, basis = _started(path, start_at, track.start_at, created_at)
    source = told.tools.video(path, _camera_id((path,), told), epoch=begin, fps=told.fps)
    views = SrtViews(
        track,
        told.asset_id or _ASSET,
        begin,
        hfov=told.hfov_deg,
        sigma=told.sigma or CONSUMER,
        gap=told.pose_gap,
    )
    if duration_s:
        views.check_overlap(begin, begin + timedelta(seconds=duration_s), str(telemetry))
    return Footage(FootageKind.SUBTITLES, source, views, (path,), telemetry,
                   digest_of((telemetry,)), basis, duration_s, path, None,
                   lambda: source.undecodable, source.take_lost)  # fmt: skip


def _photos(path: Path, told: Told, notes: tuple[str, ...]) -> Footage:
    listed = told.tools.pictures(path, _CAMERA, zone=told.clock_zone).paths()
    source = told.tools.pictures(path, _camera_id(listed, told), zone=told.clock_zone)
    folder = path if path.is_dir() else path.parent
    views = PhotoViews(
        told.tools.read_photo,
        folder,
        told.asset_id or _ASSET,
        told.sigma or CONSUMER,
        told.hfov_deg,
    )
    return Footage(FootageKind.PHOTOS, source, views, listed, None, "", "exif", 0.0, None, None,
                   lambda: source.undecodable, source.take_lost,
                   lambda: len(source.undated), notes)  # fmt: skip
