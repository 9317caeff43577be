"""Telemetry of recorded footage: what packets, subtitles and photographs say, as values.

The readers are adapters (`klv_telemetry`, `dji_srt`, `dji_photo`); what they give is here, so
that whoever uses it need not know where it came from.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.ids import AssetId
from core.refusals import Refusal, RefusalCount
from geo.camera import CameraModel
from geo.positions import Altitude, Attitude, Datum, PoseSigma, Position
from telemetry.model import TelemetrySample


@dataclass(frozen=True, slots=True)
class KlvRecord:
    """What one packet says."""

    sample: TelemetrySample
    media_time_s: float | None
    """Of the packet in its stream, counted from the first picture; `None` in a raw file."""
    hfov_deg: float | None
    vfov_deg: float | None
    ground: Altitude | None
    """Height of the ground at the frame centre, as the producer has it."""
    centre: tuple[float, float] | None
    """The producer's frame centre: latitude, longitude."""
    corners: tuple[tuple[float, float], ...] | None
    """The producer's corners: upper left, upper right, lower right, lower left."""
    slant_range_m: float | None
    refusal: Refusal | None = None
    """Why nothing can be placed by this packet, where that is so."""

    def camera(self, width_px: int, height_px: int, sigma_px: float = 3.0) -> CameraModel | None:
        """Returns the lens as this packet tells it, `None` where it tells no field of view."""
        if not self.hfov_deg or not 0.0 < self.hfov_deg < 170.0:
            return None
        fx = width_px / 2 / math.tan(math.radians(self.hfov_deg) / 2)
        fy = fx
        if self.vfov_deg and 0.0 < self.vfov_deg < 170.0:
            fy = height_px / 2 / math.tan(math.radians(self.vfov_deg) / 2)
        cx, cy = (width_px - 1) / 2, (height_px - 1) / 2
        return CameraModel(width_px, height_px, fx, fy, cx, cy, sigma_px=sigma_px)


@dataclass(frozen=True, slots=True)
class KlvTrack:
    """All packets of a source in order of time, and what was refused."""

    records: tuple[KlvRecord, ...]
    packets: int
    refused: RefusalCount = field(default_factory=RefusalCount)


@dataclass(frozen=True, slots=True)
class SrtCue:
    """One cue, as far as it could be read."""

    media_time_s: float
    dated: datetime | None
    """The cue's own date, in the zone that the reader was told."""
    lat_deg: float | None
    lon_deg: float | None
    above_home_m: float | None
    body: Attitude | None
    gimbal: Attitude | None
    focal_35mm_mm: float | None
    """Focal length as on a 36 by 24 mm film."""
    refusal: Refusal | None
    """Why a picture can't be placed by this cue, where that is so."""


@dataclass(frozen=True, slots=True)
class SrtTrack:
    """All cues of a file in order of media time."""

    cues: tuple[SrtCue, ...]
    refused: RefusalCount = field(default_factory=RefusalCount)
    """Cues that can't place a picture, or that are broken, by reason."""

    @property
    def start_at(self) -> datetime | None:
        """Instant of media time 0 by the cues' own dates; `None` in dialects without."""
        cue = next((cue for cue in self.cues if cue.dated is not None), None)
        if cue is None or cue.dated is None:
            return None
        return cue.dated - timedelta(seconds=cue.media_time_s)

    def samples(self, asset_id: AssetId, start_at: datetime) -> Iterator[TelemetrySample]:
        """Yields the samples of cues that have a position, media time 0 being `start_at`."""
        for cue in self.cues:
            if cue.lat_deg is None or cue.lon_deg is None or cue.above_home_m is None:
                continue
            height = Altitude(cue.above_home_m, Datum.HOME)
            yield TelemetrySample(
                asset_id,
                start_at + timedelta(seconds=cue.media_time_s),
                Position(cue.lat_deg, cue.lon_deg, height),
                attitude=cue.body,
                camera=cue.gimbal,
            )


@dataclass(frozen=True, slots=True)
class PhotoPose:
    """Where a photograph was taken, how the camera looked, and through what lens."""

    sample: TelemetrySample
    camera: CameraModel
    sigma: PoseSigma | None
    """What the photograph itself says of its errors (RTK), else `None`."""


def hfov_deg(focal_35mm_mm: float, width_px: int, height_px: int) -> float:
    """Returns the horizontal field of view of a 35 mm equivalent focal length.

    The equivalent is by the diagonal of the whole sensor. Pictures of 3:2 come from a 3:2
    sensor; all others are taken as the full width of a 4:3 one, as in DJI's cameras.
    """
    ratio = 3 / 2 if abs(width_px / height_px - 1.5) < 0.02 else 4 / 3
    width_mm = math.hypot(36.0, 24.0) * ratio / math.hypot(ratio, 1.0)
    return math.degrees(2 * math.atan(width_mm / 2 / focal_35mm_mm))
