"""The only loop that reads a link: into the timeline, the log, and to whoever listens."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from core.clock import Clock
from telemetry.clock_offset import ClockWatch
from telemetry.model import TelemetrySample
from telemetry.ports import TelemetryLink, TelemetryLog

_CLOCK_EVERY = timedelta(seconds=30)
"""So often what is known of a vehicle's clock is kept."""
_LOG_EVERY = timedelta(seconds=2)
"""Samples go to the log in batches of this length, by the vehicle's time."""


class Growing(Protocol):
    """What takes samples as they come: a `PoseTimeline`, or one shared by threads."""

    def add(self, sample: TelemetrySample) -> None:
        """Takes a sample."""
        ...


class _HeardClock:
    """How far a vehicle's clock is from the station's, learnt from every sample."""

    def __init__(self, clock: Clock, log: TelemetryLog) -> None:
        self._clock, self._log = clock, log
        self._watch = ClockWatch()
        self._noted_at: datetime | None = None

    def heard(self, sample: TelemetrySample) -> None:
        """Takes a sample that has just come, and keeps what is known now and then."""
        now = self._clock.now()
        self._watch = self._watch.heard(sample.at.timestamp(), now.timestamp())
        if self._noted_at is not None and now - self._noted_at < _CLOCK_EVERY:
            return
        known = self._watch.offset(now.timestamp())
        if known is not None:
            self._noted_at = now
            self._log.note_clock(sample.asset_id, now, known)


async def record(
    link: TelemetryLink,
    timeline: Growing,
    log: TelemetryLog,
    on_sample: Callable[[TelemetrySample], None] | None = None,
    *,
    clock: Clock | None = None,
) -> int:
    """Records a link until it is closed or ends; returns how many samples came.

    Args:
        link: is read; its owner closes it.
        timeline: grows with each sample at once.
        log: gets samples in batches; what came before an error is kept too.
        on_sample: is called with each sample.
        clock: the station's, by which samples arrive: how far the vehicle's is from it is kept
            in the log; `None` where what is read was not heard just now.

    Raises:
        LinkLost: if the vehicle falls silent.
    """
    count = 0
    batch: list[TelemetrySample] = []
    offset = None if clock is None else _HeardClock(clock, log)
    try:
        async for sample in link.samples():
            count += 1
            if offset is not None:
                offset.heard(sample)
            timeline.add(sample)
            batch.append(sample)
            if sample.at - batch[0].at >= _LOG_EVERY:
                log.append(batch)
                batch = []
            if on_sample is not None:
                on_sample(sample)
    finally:
        if batch:
            log.append(batch)
    return count
