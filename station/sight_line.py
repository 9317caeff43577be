"""SEE to INCIDENT for one camera: the straight line after the detector.

    detections -> tracks -> pose -> places -> observations -> violations -> incidents

The same line serves a live patrol and an ingested file; what differs comes in as arguments.
Whatever gives nothing is counted with its reason in `PassReport.refusals`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.errors import DatumUnknown
from core.ids import AssetId, CameraId, IncidentId, ObservationId, SortieId
from core.refusals import Refusal, RefusalCode, RefusalCount
from geo.camera import CameraModel, Homography, ground_homography
from geo.datums import height_above_ground_m
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.positions import Altitude, Pose
from geo.zones import Zone
from incidents.absence import SeenGround, seen_ground
from incidents.geotag import GeotagLimits, geotag_frame
from incidents.ground_tracks import GroundTracks, TrackLimits
from incidents.intake import report_violation
from incidents.model import Evidence, Observation, Sighting
from incidents.ports import EvidenceMaker, IncidentStore, Notifier
from incidents.rules import judge
from vision.model import Detection, Frame, Track
from vision.tracking import Tracker

_CLIP_AFTER = timedelta(seconds=3)
"""A clip is cut once its thing has been out of sight for this long."""

_FORGET_S = 30.0
"""The picture of a thing that was never reported is kept for so long after its last sight."""


@dataclass(frozen=True, slots=True)
class Eye:
    """The camera that looks, and on whose behalf."""

    camera_id: CameraId
    model: CameraModel
    asset_id: AssetId | None = None
    sortie_id: SortieId | None = None
    source_name: str = ""
    """Names the source where there is no sortie: the SHA-256 of an ingested file."""
    detector: str = ""


@dataclass(frozen=True, slots=True)
class Ground:
    """What things stand on, and the take-off place that heights may count from."""

    terrain: TerrainModel
    home: Altitude | None = None


@dataclass(slots=True)
class PassReport:
    """What one pass of one camera came to."""

    frames: int = 0
    frames_geotagged: int = 0
    detections: int = 0
    observations: int = 0
    violations: int = 0
    incidents: set[IncidentId] = field(default_factory=set)
    refusals: RefusalCount = field(default_factory=RefusalCount)
    seen: list[SeenGround] = field(default_factory=list)


@dataclass(slots=True)
class _Best:
    """The best picture of a thing so far, and the stretch of media that shows it."""

    frame: Frame
    detection: Detection
    from_s: float
    to_s: float


class SightLine:
    """Takes the frames of one camera in order of time; not for use by two threads at once."""

    def __init__(
        self,
        eye: Eye,
        ground: Ground,
        *,
        pose_at: Callable[[datetime], Pose | Refusal],
        zones: Callable[[], Sequence[Zone]],
        store: IncidentStore,
        notifier: Notifier,
        evidence: EvidenceMaker,
        geotag_limits: GeotagLimits | None = None,
        track_limits: TrackLimits | None = None,
    ) -> None:
        """Starts a pass.

        Args:
            eye: the camera.
            ground: what things stand on.
            pose_at: the camera's pose at an instant, or why there is none.
            zones: the watch zones in force, asked anew at each judgement.
            store: where incidents are kept.
            notifier: who is told of them.
            evidence: makes pictures and clips.
            geotag_limits: how far and how badly known a place may be.
            track_limits: how much must have been seen before a thing is judged.
        """
        self._eye, self._ground = eye, ground
        self._pose_at, self._zones = pose_at, zones
        self._store, self._notifier, self._evidence = store, notifier, evidence
        self._geotag_limits = geotag_limits or GeotagLimits()
        self._tracker = Tracker(eye.camera_id)
        self._things = GroundTracks(
            eye.camera_id,
            asset_id=eye.asset_id,
            sortie_id=eye.sortie_id,
            source_name=eye.source_name,
            model=eye.detector,
            limits=track_limits or TrackLimits(),
        )
        self._before: tuple[Pose, float] | None = None
        self._best: dict[ObservationId, _Best] = {}
        self._kept: dict[ObservationId, tuple[Evidence, ...]] = {}
        self._reported: dict[ObservationId, Observation] = {}
        self._judged: set[ObservationId] = set()
        self._clipped: set[ObservationId] = set()
        self.report = PassReport()

    def take(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Takes the next frame and what the detector said of it."""
        self.report.frames += 1
        self.report.detections += len(detections)
        pose = self._pose_at(frame.captured_at)
        height_m = self._height_m(pose) if isinstance(pose, Pose) else None
        motion = None
        if isinstance(pose, Pose) and height_m is not None:
            motion = self._motion(pose, height_m)
            self._before = (pose, height_m)
        tracks = self._tracker.update(frame, tuple(detections), motion)
        if isinstance(pose, Refusal):
            self.report.refusals.add(pose)
        elif height_m is not None:
            self.report.frames_geotagged += 1
            self._place(frame, tracks, pose, height_m)
        self._judge(self._things.take(frame.captured_at), frame.captured_at)
        self._cut_clips(frame.captured_at - _CLIP_AFTER)
        self._forget(frame.media_time_s - _FORGET_S)

    def refuse(self, refusal: Refusal) -> None:
        """Counts a frame that could not be looked at."""
        self.report.refusals.add(refusal)

    def finish(self, at: datetime) -> PassReport:
        """Judges what is left, cuts the last clips and returns the report."""
        self._judge(self._things.finish(), at)
        self._cut_clips(None)
        self.report.observations = len(self._judged)
        return self.report

    @property
    def observed(self) -> tuple[Observation, ...]:
        """Everything seen in this pass so far, brief things too."""
        return self._things.observed()

    def _height_m(self, pose: Pose) -> float | None:
        try:
            return height_above_ground_m(pose.position, self._ground.terrain, self._ground.home)
        except DatumUnknown as unknown:
            self.report.refusals.add(Refusal(RefusalCode.UNKNOWN_DATUM, str(unknown)))
            return None

    def _motion(self, pose: Pose, height_m: float) -> Homography | None:
        """Returns how ground pixels move from the frame before to this one, by telemetry."""
        if self._before is None or min(height_m, self._before[1]) <= 0.5:
            return None
        before, before_m = self._before
        frame = LocalFrame(before.position.lat_deg, before.position.lon_deg)
        moved = frame.to_en1_m(pose.position.lat_deg, pose.position.lon_deg)
        return ground_homography(
            self._eye.model, before.attitude, before_m, pose.attitude, height_m, moved
        )

    def _place(self, frame: Frame, tracks: Sequence[Track], pose: Pose, height_m: float) -> None:
        seen = seen_ground(self._eye.model, pose, height_m)
        if seen is not None:
            self.report.seen.append(seen)
        places = geotag_frame(
            [track.detection for track in tracks],
            frame,
            self._eye.model,
            pose,
            self._ground.terrain,
            self._ground.home,
            self._geotag_limits,
        )
        for track, place in zip(tracks, places, strict=True):
            if isinstance(place, Refusal):
                self.report.refusals.add(place)
            else:
                self._keep(frame, track, place)

    def _keep(self, frame: Frame, track: Track, sighting: Sighting) -> None:
        best = self._things.add(frame, track, sighting)
        key = self._things.observation_id(track.track_id)
        if key is None:
            return
        held = self._best.get(key)
        if held is None:
            now_s = frame.media_time_s
            self._best[key] = _Best(frame, track.detection, now_s, now_s)
            return
        held.to_s = frame.media_time_s
        if best:
            held.frame, held.detection = frame, track.detection

    def _judge(self, observations: Sequence[Observation], at: datetime) -> None:
        zones = self._zones() if observations else ()
        for observation in observations:
            self._judged.add(observation.observation_id)
            violations, silences = judge(observation, zones, at)
            for silence in silences:
                self.report.refusals.add(silence)
            if not violations:
                continue
            shown = self._with_pictures(observation)
            self._reported[observation.observation_id] = shown
            for violation in violations:
                incident = report_violation(
                    replace(violation, observation=shown), self._store, self._notifier, at
                )
                self.report.violations += 1
                self.report.incidents.add(incident.incident_id)

    def _with_pictures(self, observation: Observation) -> Observation:
        key = observation.observation_id
        kept = self._kept.get(key, ())
        best = self._best.get(key)
        newest = max((e.captured_at for e in kept), default=None)
        if best is not None and best.frame.captured_at != newest:
            kept = (*self._evidence.pictures(best.frame, best.detection), *kept)
            self._kept[key] = kept
        return replace(observation, evidence=kept)

    def _cut_clips(self, unseen_since: datetime | None) -> None:
        """Cuts the clips of reported things out of sight since then; of all with `None`."""
        for key, observation in list(self._reported.items()):
            if key in self._clipped:
                continue
            if unseen_since is not None and observation.last_seen_at > unseen_since:
                continue
            self._clipped.add(key)
            best = self._best.pop(key, None)
            if best is None:
                continue
            clip = self._evidence.clip(best.from_s, best.to_s, observation.first_seen_at)
            if clip is None:
                continue
            self._kept[key] = (*self._kept[key], clip)
            shown = replace(observation, evidence=self._kept[key])
            violations, _ = judge(shown, self._zones(), shown.last_seen_at)
            for violation in violations:
                report_violation(violation, self._store, self._notifier, shown.last_seen_at)

    def _forget(self, before_s: float) -> None:
        """Drops the pictures of things that went out of sight unreported."""
        gone = [
            key
            for key, best in self._best.items()
            if best.to_s < before_s and key not in self._reported
        ]
        for key in gone:
            del self._best[key]
