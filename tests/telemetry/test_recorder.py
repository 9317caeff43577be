import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from core.errors import LinkLost
from core.ids import AssetId
from telemetry.adapters.memory_log import MemoryTelemetryLog
from telemetry.adapters.replay_link import ReplayLink
from telemetry.clock_offset import USUAL_DELAY_S
from telemetry.recorder import record
from telemetry.timeline import PoseTimeline
from tests.builders import a_sample, a_sigma, after

DRONE = AssetId("drone-1")
SAMPLES = [a_sample(at=after(second / 5)) for second in range(40)]


def test_a_link_goes_to_the_timeline_the_log_and_whoever_listens() -> None:
    timeline, log, heard = PoseTimeline(a_sigma()), MemoryTelemetryLog(), list[object]()
    count = asyncio.run(record(ReplayLink(DRONE, SAMPLES), timeline, log, heard.append))
    assert count == len(timeline) == len(SAMPLES)
    assert list(log.between(DRONE, after(0), after(60))) == SAMPLES
    assert heard == SAMPLES


class LateClock:
    """A station's clock that is ahead of the vehicle's, and hears each sample after a delay."""

    def __init__(self, ahead_s: float, delays_s: Sequence[float]) -> None:
        arrivals = zip(SAMPLES, delays_s, strict=True)
        self._arrivals = [
            one.at + timedelta(seconds=ahead_s + delay_s) for one, delay_s in arrivals
        ]

    def now(self) -> datetime:
        return self._arrivals.pop(0)

    async def sleep_until(self, at: datetime) -> None:
        raise AssertionError("nothing sleeps here")


def test_how_far_the_vehicles_clock_is_off_is_kept_with_its_log() -> None:
    delays_s = [0.05 + 0.04 * (number % 5) for number in range(len(SAMPLES))]
    log = MemoryTelemetryLog()
    clock = LateClock(120.0, delays_s)
    asyncio.run(record(ReplayLink(DRONE, SAMPLES), PoseTimeline(a_sigma()), log, clock=clock))
    ((at, offset),) = log.clocks_between(DRONE, after(0), after(3600))
    assert at == SAMPLES[0].at + timedelta(seconds=120.05)
    assert offset.least_s <= 120.0 <= offset.most_s
    assert (offset.most_s, offset.measured) == (pytest.approx(120.05), False)
    assert offset.sigma_s == pytest.approx(USUAL_DELAY_S / 12**0.5)


def test_what_came_before_a_loss_is_kept() -> None:
    timeline, log = PoseTimeline(a_sigma()), MemoryTelemetryLog()
    with pytest.raises(LinkLost):
        asyncio.run(record(ReplayLink(DRONE, SAMPLES, lost_at_end=True), timeline, log))
    assert list(log.between(DRONE, after(0), after(60))) == SAMPLES
