"""The only loop that reads a link: into the timeline, the log, and to whoever listens."""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from telemetry.model import TelemetrySample
from telemetry.ports import TelemetryLink, TelemetryLog

_LOG_EVERY = timedelta(seconds=2)
"""Samples go to the log in batches of this length, by the vehicle's time."""


class Growing(Protocol):
    """What takes samples as they come: a `PoseTimeline`, or one shared by threads."""

    def add(self, sample: TelemetrySample) -> None:
        """Takes a sample."""
        ...


async def record(
    link: TelemetryLink,
    timeline: Growing,
    log: TelemetryLog,
    on_sample: Callable[[TelemetrySample], None] | None = None,
) -> int:
    """Records a link until it is closed or ends; returns how many samples came.

    Args:
        link: is read; its owner closes it.
        timeline: grows with each sample at once.
        log: gets samples in batches; what came before an error is kept too.
        on_sample: is called with each sample.

    Raises:
        LinkLost: if the vehicle falls silent.
    """
    count = 0
    batch: list[TelemetrySample] = []
    try:
        async for sample in link.samples():
            count += 1
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
