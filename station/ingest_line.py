"""The straight line for recorded footage: each frame brings its own pose and lens.

Memory stays bounded whatever the length: pictures of things that are out of sight and were
reported, or will not be, are let go.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from core.errors import DetectorFailed
from core.ids import ObservationId, TrackId
from core.refusals import Refusal, RefusalCode
from geo.positions import Pose
from geo.zones import Zone
from incidents.geotag import GeotagLimits
from incidents.model import Sighting
from incidents.ports import EvidenceMaker, IncidentStore, Notifier
from station.ingest_views import View
from station.sight_line import Eye, Ground, SightLine
from vision.model import Detection, Frame, Track
from vision.ports import FrameSource
from vision.shared_detector import Looked, SharedDetector

_PICTURES_BYTES = 96 << 20
"""Most memory for best pictures of things not yet reported."""
_AHEAD_BYTES = 64 << 20
"""Most memory for frames that are with the detector or wait for it."""
_FORGET_S = 10.0
"""A thing unseen for so long is not expected back."""
_MOST_STRETCHES = 500


@dataclass(frozen=True, slots=True)
class RefusedStretch:
    """Frames in a row that could not be geotagged, and why."""

    first_frame: int
    last_frame: int
    code: RefusalCode
    reason: str


class RefusedFrames:
    """The refused frames of a run, as stretches; bounded."""

    def __init__(self) -> None:
        self.stretches: list[RefusedStretch] = []
        self.left_out = 0
        """Frames refused beyond what is listed."""

    def add(self, frame: int, refusal: Refusal) -> None:
        """Adds one frame; frames must come in order."""
        last = self.stretches[-1] if self.stretches else None
        follows = last is not None and last.last_frame in (frame - 1, frame)
        # what is broken is told by name; other reasons differ in numbers alone
        named = refusal.code is RefusalCode.UNDECODABLE and last and last.reason != refusal.reason
        if last and follows and last.code is refusal.code and not named:
            self.stretches[-1] = replace(last, last_frame=frame)
        elif len(self.stretches) < _MOST_STRETCHES:
            self.stretches.append(RefusedStretch(frame, frame, refusal.code, refusal.reason))
        else:
            self.left_out += 1


class FootageLine(SightLine):
    """A `SightLine` whose lens and pose come with the frame."""

    def __init__(
        self,
        eye: Eye,
        ground: Ground,
        *,
        zones: Callable[[], Sequence[Zone]],
        store: IncidentStore,
        notifier: Notifier,
        evidence: EvidenceMaker,
        limits: GeotagLimits,
    ) -> None:
        """Starts a pass; the arguments are those of `SightLine`."""
        super().__init__(
            eye,
            ground,
            pose_at=lambda at: self._pose_now(),
            zones=zones,
            store=store,
            notifier=notifier,
            evidence=evidence,
            geotag_limits=limits,
        )
        self._view: View | Refusal = Refusal(RefusalCode.NO_POSE, "no telemetry yet")
        self._first_s: dict[ObservationId, float] = {}
        self._last_s: dict[ObservationId, float] = {}
        self.refused = RefusedFrames()
        self.tracks: set[TrackId] = set()

    def _pose_now(self) -> Pose | Refusal:
        return self._view.pose if isinstance(self._view, View) else self._view

    def take_view(
        self, frame: Frame, detections: Sequence[Detection], view: View | Refusal, number: int
    ) -> None:
        """Takes a frame with its view; `number` counts the frames of the whole footage."""
        self._view = view
        if isinstance(view, View) and view.camera != self._eye.model:
            self._eye = replace(self._eye, model=view.camera)
            self._before = None  # a zoomed picture does not follow from the one before
        placed = self.report.frames_geotagged
        self.take(frame, detections)
        if isinstance(view, Refusal):
            self.refused.add(number, view)
        elif self.report.frames_geotagged == placed:  # the line could not join the heights
            code = RefusalCode.UNKNOWN_DATUM
            reason = self.report.refusals.first_reasons.get(code, "")
            self.refused.add(number, Refusal(code, reason))
        self._let_go(frame.media_time_s)

    def _keep(self, frame: Frame, track: Track, sighting: Sighting) -> None:
        super()._keep(frame, track, sighting)
        self.tracks.add(track.track_id)
        key = self._things.observation_id(track.track_id)
        if key is not None:
            self._first_s.setdefault(key, frame.media_time_s)
            self._last_s[key] = frame.media_time_s

    def safe_s(self, now_s: float, longest_s: float = 60.0) -> float:
        """Returns the media time before the first frame of everything still in sight."""
        first = min(self._first_s.values(), default=now_s)
        return max(min(first, now_s), now_s - longest_s, 0.0)

    def _let_go(self, now_s: float) -> None:
        self.report.seen.clear()  # old footage proposes no closures
        gone = [key for key, last_s in self._last_s.items() if now_s - last_s > _FORGET_S]
        for key in gone:
            del self._first_s[key], self._last_s[key]
        for key in list(self._best):
            if key in self._clipped or (key in gone and key not in self._reported):
                del self._best[key]
        self._bound_pictures()

    def _bound_pictures(self) -> None:
        sizes = {id(best.frame): best.frame.image.nbytes for best in self._best.values()}
        total = sum(sizes.values())
        if total <= _PICTURES_BYTES:
            return
        waiting = sorted(
            (best.to_s, key) for key, best in self._best.items() if key not in self._reported
        )
        for _, key in waiting:
            total -= self._best.pop(key).frame.image.nbytes
            if total <= _PICTURES_BYTES:
                return


def looked_at(
    source: FrameSource,
    detector: SharedDetector,
    start_s: float,
    failed: Callable[[Frame, DetectorFailed], None],
) -> Generator[tuple[Frame, tuple[Detection, ...]], None, None]:
    """Yields frames with what the detector found, in order; decodes while it looks.

    A frame whose batch failed goes to `failed` instead.
    """
    pending: deque[tuple[Frame, Future[Looked]]] = deque()

    def answered() -> Iterator[tuple[Frame, tuple[Detection, ...]]]:
        frame, promise = pending.popleft()
        try:
            found = promise.result()
        except DetectorFailed as error:
            failed(frame, error)
            return
        if found is not None:
            yield frame, found

    frames = source.frames(start_s)
    try:
        for frame in frames:
            pending.append((frame, detector.submit(frame, live=False)))
            ahead = max(3, min(12, _AHEAD_BYTES // max(1, frame.image.nbytes)))
            while pending and (len(pending) > ahead or pending[0][1].done()):
                yield from answered()
        while pending:
            yield from answered()
    finally:
        source.close()
        detector.forget(source.camera_id)
