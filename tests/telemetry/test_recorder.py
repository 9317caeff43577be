import asyncio

import pytest

from core.errors import LinkLost
from core.ids import AssetId
from telemetry.adapters.memory_log import MemoryTelemetryLog
from telemetry.adapters.replay_link import ReplayLink
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


def test_what_came_before_a_loss_is_kept() -> None:
    timeline, log = PoseTimeline(a_sigma()), MemoryTelemetryLog()
    with pytest.raises(LinkLost):
        asyncio.run(record(ReplayLink(DRONE, SAMPLES, lost_at_end=True), timeline, log))
    assert list(log.between(DRONE, after(0), after(60))) == SAMPLES
