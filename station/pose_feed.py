"""A pose timeline that one thread fills while another asks: the asker waits for the present.

Pictures and telemetry reach the station by different ways. A frame that comes before the
telemetry of its instant waits for it, for a bounded time, instead of being refused.
"""

import threading
from datetime import datetime, timedelta

from core.refusals import Refusal
from geo.positions import Pose
from telemetry.model import TelemetrySample
from telemetry.timeline import PoseTimeline


class PoseFeed:
    """A `PoseTimeline` shared by the link's task and a camera's thread."""

    def __init__(self, timeline: PoseTimeline, *, patience: timedelta) -> None:
        """Wraps a timeline.

        Args:
            timeline: the poses; nobody else may touch it.
            patience: how long `pose_at` waits, by the machine's own clock, for telemetry that
                is newer than the instant asked for.
        """
        self._timeline = timeline
        self._patience_s = patience.total_seconds()
        self._changed = threading.Condition()
        self._ended = False

    def add(self, sample: TelemetrySample) -> None:
        """Keeps a sample and wakes whoever waits for it."""
        with self._changed:
            self._timeline.add(sample)
            self._changed.notify_all()

    def end(self) -> None:
        """Says that no further sample comes; nobody waits from here on."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def pose_at(self, at: datetime) -> Pose | Refusal:
        """Returns the pose at `at`, or why there is none, after waiting for it if need be."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._covers(at), self._patience_s)
            return self._timeline.pose_at(at)

    def _covers(self, at: datetime) -> bool:
        span = self._timeline.span
        return span is not None and span[1] >= at
