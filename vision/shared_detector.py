"""One network for all cameras: a bounded queue for each, fair batches, drops counted.

The only place where back-pressure is decided. A live camera never waits: where its queue is
full its oldest frame is dropped, and so is a frame that has waited longer than the staleness
budget. A file waits until there is room. One worker thread owns the network; queues and
counts are guarded by one condition.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import TypeAlias

from core.errors import DetectorFailed
from core.ids import CameraId
from vision.model import Detection, Frame
from vision.ports import Detector

log = logging.getLogger(__name__)

Looked: TypeAlias = "tuple[Detection, ...] | None"
"""What was found in a frame; `None` where the frame was dropped unseen."""

STALENESS_S = 0.5


@dataclass(frozen=True, slots=True)
class DetectorStats:
    """What a shared detector has done so far."""

    frames: int
    """Frames that the network has looked at."""
    batches: int
    failed_batches: int
    failed_frames: int
    """Frames of the batches that failed."""
    dropped: Mapping[CameraId, int]
    """Live frames that were dropped unseen, by camera."""
    waiting: int
    """Frames in the queues now."""
    inference_s: float
    """Time spent inside the network."""


@dataclass(slots=True)
class _Waiting:
    frame: Frame
    live: bool
    queued_s: float
    future: "Future[Looked]" = field(default_factory=Future)


class SharedDetector:
    """Feeds one `Detector` from any number of cameras."""

    def __init__(
        self,
        detector: Detector,
        *,
        batch_size: int = 4,
        queue_length: int = 8,
        staleness_s: float = STALENESS_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts the worker thread.

        Args:
            detector: the network; only the worker calls it.
            batch_size: the most frames it is given at once.
            queue_length: the most frames that wait for each camera.
            staleness_s: how long a live frame may wait before it is dropped.
            now: a clock in seconds that never goes back.
        """
        self._detector = detector
        self._batch_size = batch_size
        self._queue_length = queue_length
        self._staleness_s = staleness_s
        self._now = now
        self._changed = threading.Condition()
        self._queues: dict[CameraId, deque[_Waiting]] = {}
        self._turn: deque[CameraId] = deque()
        self._dropped: Counter[CameraId] = Counter()
        self._frames = self._batches = self._failed_batches = self._failed_frames = 0
        self._inference_s = 0.0
        self._closed = False
        self._worker = threading.Thread(target=self._work, name="shared-detector", daemon=True)
        self._worker.start()

    def __enter__(self) -> "SharedDetector":
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()

    @property
    def model(self) -> str:
        """Name and version of the weights."""
        return self._detector.model

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that the network can name."""
        return self._detector.labels

    def submit(self, frame: Frame, live: bool = False) -> "Future[Looked]":
        """Queues a frame and returns a promise of what is found in it.

        Promises of one camera are kept in the order of its calls. A live frame returns at
        once; another blocks while its camera's queue is full. The promise gives `None` where
        the frame was dropped, and raises `DetectorFailed` where its batch failed.

        Raises:
            DetectorFailed: if the detector has been closed.
        """
        with self._changed:
            queue = self._queues.get(frame.camera_id)
            if queue is None:
                queue = self._queues[frame.camera_id] = deque()
                self._turn.append(frame.camera_id)
            while not live and len(queue) >= self._queue_length and not self._closed:
                self._changed.wait()
            if self._closed:
                raise DetectorFailed("the shared detector is closed")
            dropped = []
            while len(queue) >= self._queue_length:
                dropped.append(queue.popleft())
            item = _Waiting(frame, live, self._now())
            queue.append(item)
            self._dropped[frame.camera_id] += len(dropped)
            self._changed.notify_all()
        for old in dropped:
            old.future.set_result(None)
        return item.future

    def detections(self, frame: Frame, live: bool = False) -> Looked:
        """Queues a frame and waits for what is found in it; `None` where it was dropped.

        Raises:
            DetectorFailed: if its batch failed.
        """
        return self.submit(frame, live).result()

    def forget(self, camera_id: CameraId) -> None:
        """Drops a camera that has ended: its waiting frames give `None`; counts are kept."""
        with self._changed:
            queue = self._queues.pop(camera_id, deque())
            if camera_id in self._turn:
                self._turn.remove(camera_id)
            self._changed.notify_all()
        for item in queue:
            item.future.set_result(None)

    @property
    def stats(self) -> DetectorStats:
        """The counts now."""
        with self._changed:
            return DetectorStats(
                self._frames,
                self._batches,
                self._failed_batches,
                self._failed_frames,
                {camera: number for camera, number in self._dropped.items() if number},
                sum(len(queue) for queue in self._queues.values()),
                self._inference_s,
            )

    def close(self) -> None:
        """Ends the worker after its batch; what still waits gives `None`. Twice is once."""
        with self._changed:
            self._closed = True
            left = [item for queue in self._queues.values() for item in queue]
            self._queues.clear()
            self._turn.clear()
            self._changed.notify_all()
        for item in left:
            item.future.set_result(None)
        if threading.current_thread() is not self._worker:
            self._worker.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._closed and not any(self._queues.values()):
                    self._changed.wait()
                if self._closed:
                    return
                batch, stale = self._take()
                self._changed.notify_all()
            for item in stale:
                item.future.set_result(None)
            if batch:
                self._look(batch)

    def _take(self) -> tuple[list[_Waiting], list[_Waiting]]:
        """Returns the next batch, one frame of each camera in turn, and what went stale."""
        batch: list[_Waiting] = []
        stale: list[_Waiting] = []
        oldest_s = self._now() - self._staleness_s
        idle = 0
        while len(batch) < self._batch_size and idle < len(self._turn):
            camera = self._turn[0]
            self._turn.rotate(-1)
            queue = self._queues[camera]
            while queue and queue[0].live and queue[0].queued_s < oldest_s:
                stale.append(queue.popleft())
                self._dropped[camera] += 1
            if queue:
                batch.append(queue.popleft())
                idle = 0
            else:
                idle += 1
        return batch, stale

    def _look(self, batch: list[_Waiting]) -> None:
        started_s = time.perf_counter()
        failure: DetectorFailed | None = None
        found: tuple[tuple[Detection, ...], ...] = ()
        try:
            found = self._detector.detect([item.frame for item in batch])
            if len(found) != len(batch):
                failure = DetectorFailed("the network answered for another number of frames")
        except DetectorFailed as error:
            failure = error
        except Exception as error:  # a broken network must not take the cameras with it
            failure = DetectorFailed(f"the network raised {type(error).__name__}: {error}")
            failure.__cause__ = error
        with self._changed:
            self._inference_s += time.perf_counter() - started_s
            self._batches += 1
            if failure is None:
                self._frames += len(batch)
            else:
                self._failed_batches += 1
                self._failed_frames += len(batch)
        if failure is not None:
            log.warning("a batch failed", extra={"frames": len(batch), "reason": failure.message})
            for item in batch:
                item.future.set_exception(failure)
            return
        for item, detections in zip(batch, found, strict=True):
            item.future.set_result(detections)
