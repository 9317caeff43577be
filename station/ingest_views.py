"""Where the camera of recorded footage was at each frame: from KLV, from subtitles.

A `Views` answers, frame by frame, with pose and lens or with the reason why there is none.
Heights are joined here, each in the datum of its own record, never across datums.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from core.errors import TelemetryApart
from core.ids import AssetId
from core.refusals import Refusal, RefusalCode
from geo.camera import CameraModel
from geo.positions import Altitude, Datum, Pose, PoseSigma
from telemetry.recorded import KlvRecord, KlvTrack, PhotoPose, SrtTrack, hfov_deg
from telemetry.timeline import GREATEST_GAP, PoseTimeline
from vision.model import Frame

CONSUMER = PoseSigma(1.5, 2.0, 2.0, 1.0, 1.0, 0.1)
"""One-sigma errors of a calibrated consumer drone."""
STABILISED = PoseSigma(3.0, 5.0, 0.2, 0.2, 0.2, 0.02)
"""Of a stabilised turret with its own inertial unit, as those that send ST 0601."""

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class View:
    """How a camera looked at the ground when it took one frame."""

    pose: Pose
    camera: CameraModel


class Views(Protocol):
    """The views of one footage."""

    def view_at(self, frame: Frame) -> View | Refusal:
        """Returns the view of a frame, or why there is none."""
        ...

    def check_overlap(self, start_at: datetime, end_at: datetime, where: str) -> None:
        """Refuses footage that shares no instant with its telemetry.

        Args:
            start_at: the footage's first instant.
            end_at: its last.
            where: the telemetry, for the message.

        Raises:
            TelemetryApart: if so.
        """
        ...


def _apart(
    span: tuple[datetime, datetime] | None, start: datetime, end: datetime, where: str
) -> None:
    if span is None or (span[0] <= end + GREATEST_GAP and span[1] >= start - GREATEST_GAP):
        return
    raise TelemetryApart(
        f"the telemetry is from {span[0]:%Y-%m-%d %H:%M:%S} to {span[1]:%H:%M:%S}, "
        f"the video from {start:%Y-%m-%d %H:%M:%S} to {end:%H:%M:%S} UTC",
        where=where,
        cure="give the telemetry of this very flight, or --start with the video's first instant",
    )


class KlvViews:
    """Views by ST 0601 packets: each with the producer's own lens and ground."""

    def __init__(
        self, track: KlvTrack, sigma: PoseSigma = STABILISED, gap: timedelta = GREATEST_GAP
    ) -> None:
        """Takes the packets of the footage; `gap` is the furthest one may be from a frame."""
        self._gap = gap
        self._records = track.records
        self._times = [record.sample.at for record in track.records]
        self._timeline = PoseTimeline(sigma, greatest_gap=gap)
        for record in track.records:
            position = record.sample.position
            if record.refusal is None and position is not None and record.ground is not None:
                # both heights are of one datum (see `record_of`), so this is above the ground
                above = Altitude(position.altitude.metres - record.ground.metres, Datum.GROUND)
                placed = replace(position, altitude=above)
                self._timeline.add(replace(record.sample, position=placed))

    def view_at(self, frame: Frame) -> View | Refusal:
        """Returns the view by the packets about the frame's instant."""
        record = self._nearest(frame.captured_at)
        if record is None:
            return Refusal(
                RefusalCode.NO_POSE, f"no metadata packet within {self._gap / _MS:.0f} ms"
            )
        if record.refusal is not None:
            return record.refusal
        height_px, width_px = frame.image.shape[:2]
        camera = record.camera(width_px, height_px)
        if camera is None:
            return Refusal(RefusalCode.UNKNOWN_CAMERA, "metadata without a field of view")
        pose = self._timeline.pose_at(frame.captured_at)
        return pose if isinstance(pose, Refusal) else View(pose, camera)

    def _nearest(self, at: datetime) -> KlvRecord | None:
        after = bisect_right(self._times, at)
        near = [i for i in (after - 1, after) if 0 <= i < len(self._times)]
        index = min(near, key=lambda i: abs(self._times[i] - at), default=None)
        if index is None or abs(self._times[index] - at) > self._gap:
            return None
        return self._records[index]

    def check_overlap(self, start_at: datetime, end_at: datetime, where: str) -> None:
        """Refuses footage outside the packets' time."""
        span = (self._times[0], self._times[-1]) if self._times else None
        _apart(span, start_at, end_at, where)


class SrtViews:
    """Views by the cues of a subtitle file; heights count from the take-off place."""

    def __init__(
        self,
        track: SrtTrack,
        asset_id: AssetId,
        start_at: datetime,
        *,
        hfov: float | None = None,
        sigma: PoseSigma = CONSUMER,
        gap: timedelta = GREATEST_GAP,
    ) -> None:
        """Takes the cues.

        Args:
            track: the cues.
            asset_id: who took the video.
            start_at: instant of media time 0.
            hfov: horizontal field of view in degrees, where the cues tell no focal length.
            sigma: one-sigma errors.
            gap: furthest that a cue may begin from a frame.
        """
        self._gap = gap
        self._cues = track.cues
        self._starts = [start_at + timedelta(seconds=cue.media_time_s) for cue in track.cues]
        self._silent = not any(cue.gimbal for cue in track.cues)
        self._hfov = hfov
        samples = track.samples(asset_id, start_at)
        self._timeline = PoseTimeline(sigma, greatest_gap=gap, samples=samples)

    def view_at(self, frame: Frame) -> View | Refusal:
        """Returns the view by the cue in force and the next one."""
        index = bisect_right(self._starts, frame.captured_at) - 1
        cue = self._cues[max(0, index)]
        near = abs(self._starts[max(0, index)] - frame.captured_at) <= self._gap
        if cue.refusal is not None and (near or self._silent):
            return cue.refusal
        pose = self._timeline.pose_at(frame.captured_at)
        if isinstance(pose, Refusal):
            return pose
        height_px, width_px = frame.image.shape[:2]
        hfov = self._hfov
        if hfov is None and cue.focal_35mm_mm is not None:
            hfov = hfov_deg(cue.focal_35mm_mm, width_px, height_px)
        if hfov is None:
            return Refusal(
                RefusalCode.UNKNOWN_CAMERA, "no focal length: give the field of view (--hfov)"
            )
        return View(pose, CameraModel.from_hfov(width_px, height_px, hfov))

    def check_overlap(self, start_at: datetime, end_at: datetime, where: str) -> None:
        """Refuses footage outside the cues' time."""
        span = (self._starts[0], self._starts[-1]) if self._starts else None
        _apart(span, start_at, end_at, where)


class PhotoViews:
    """Views by the EXIF and XMP of each picture; heights count from the take-off place."""

    def __init__(
        self,
        read_photo: Callable[[Path, AssetId, datetime], PhotoPose | Refusal],
        folder: Path,
        asset_id: AssetId,
        sigma: PoseSigma = CONSUMER,
        hfov: float | None = None,
    ) -> None:
        """Takes the reader and the folder of the pictures; `hfov` outweighs what they say."""
        self._read_photo = read_photo
        self._folder, self._asset_id, self._hfov = folder, asset_id, hfov
        # the pose is of the very exposure: there is no second clock to join
        self._sigma = replace(sigma, time_s=0.0)

    def view_at(self, frame: Frame) -> View | Refusal:
        """Returns the view by the picture's own metadata."""
        photo = self._read_photo(self._folder / frame.name, self._asset_id, frame.captured_at)
        if isinstance(photo, Refusal):
            return photo
        position, attitude = photo.sample.position, photo.sample.camera
        if position is None or attitude is None:
            return Refusal(RefusalCode.BAD_TELEMETRY, "a picture without a pose")
        camera = photo.camera
        if self._hfov is not None:
            camera = CameraModel.from_hfov(camera.width_px, camera.height_px, self._hfov)
        sigma = self._sigma
        if photo.sigma is not None:
            sigma = replace(
                sigma, horizontal_m=photo.sigma.horizontal_m, vertical_m=photo.sigma.vertical_m
            )
        return View(Pose(frame.captured_at, position, attitude, sigma), camera)

    def check_overlap(self, start_at: datetime, end_at: datetime, where: str) -> None:
        """Does nothing: pictures carry their own telemetry."""
