"""What the ingest is handed: readers of recorded footage, and a maker of its evidence."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Protocol

from core.ids import AssetId, CameraId
from core.refusals import Refusal
from geo.ports import TerrainModel
from geo.positions import Altitude
from incidents.ports import EvidenceMaker, EvidenceVault
from telemetry.recorded import KlvTrack, PhotoPose, SrtTrack
from vision.model import MediaInfo
from vision.ports import FrameSource


class Countable(FrameSource, Protocol):
    """A source that counts what it could not decode."""

    @property
    def undecodable(self) -> int:
        """Frames or pictures that were broken and passed over."""
        ...

    def take_lost(self) -> tuple[tuple[float, str], ...]:
        """Returns media time and reason of what was broken since it was asked last."""
        ...


class Video(Countable, Protocol):
    """A video file."""

    def info(self) -> MediaInfo:
        """Returns what it says of itself.

        Raises:
            SourceUnreadable: if it is no video.
        """
        ...


class Pictures(Countable, Protocol):
    """A folder of pictures."""

    undated: list[str]
    """Names of those that do not say when they were taken; they have the time of their file."""

    def paths(self) -> tuple[Path, ...]:
        """Returns the pictures in order of their time.

        Raises:
            SourceUnreadable: if there are none.
        """
        ...


class OpenVideo(Protocol):
    """Opens a video file."""

    def __call__(
        self,
        source: Path,
        camera_id: CameraId,
        *,
        epoch: datetime | None = None,
        fps: float | None = None,
        stamp: Callable[[bytes], datetime | None] | None = None,
    ) -> Video:
        """Returns it; media time 0 is at `epoch`, or by the metadata that `stamp` reads."""
        ...


class OpenPictures(Protocol):
    """Opens a folder of pictures, or one."""

    def __call__(self, folder: Path, camera_id: CameraId, *, zone: tzinfo) -> Pictures:
        """Returns it; `zone` is of dates that name none."""
        ...


class ReadSrt(Protocol):
    """Reads a subtitle file."""

    def __call__(self, path: Path, *, zone: tzinfo) -> SrtTrack:
        """Returns its cues; raises as `telemetry.adapters.dji_srt.read_srt`."""
        ...


class MakeEvidence(Protocol):
    """Makes evidence of footage."""

    def __call__(
        self, vault: EvidenceVault, camera_id: CameraId, *, video: Path | None
    ) -> EvidenceMaker:
        """Returns its maker; without a video there are no clips."""
        ...


@dataclass(frozen=True, slots=True)
class FootageTools:
    """Everything of the ingest that reads or writes media; `station.wiring` fills it."""

    read_klv: Callable[[Path, AssetId], KlvTrack]
    read_srt: ReadSrt
    read_photo: Callable[[Path, AssetId, datetime], PhotoPose | Refusal]
    video: OpenVideo
    pictures: OpenPictures
    picture_suffixes: frozenset[str]
    evidence: MakeEvidence
    ground: Callable[[Altitude, float], TerrainModel]
    """Level ground of a height, with its one-sigma error in metres."""
