"""The contract of `TelemetryLink`, on every adapter."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from core.errors import LinkLost
from core.ids import AssetId
from sim.sensor_errors import PERFECT
from telemetry.adapters.replay_link import ReplayLink
from telemetry.model import TelemetrySample
from telemetry.ports import TelemetryLink
from tests.builders import a_sample, after
from tests.missions.flying import CRAFTS, DRONES, Craft, CraftMaker
from tests.telemetry.receivers import RECEIVERS

DEADLINE_S = 20.0
Opened = tuple[TelemetryLink, Callable[[], None]]
"""A link, and what makes its vehicle fall silent."""


@asynccontextmanager
async def replayed() -> AsyncIterator[Opened]:
    kept = [a_sample(at=after(second / 10)) for second in (*range(30), 29, 5)]
    other = a_sample(asset_id=AssetId("another"), at=after(1.05))
    yield ReplayLink(AssetId("drone-1"), [*kept, other], lost_at_end=True), lambda: None


def flown(make: CraftMaker) -> Callable[[], AbstractAsyncContextManager[Opened]]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Opened]:
        async with make(silence_s=8.0) as craft:
            link = craft.open_link()
            yield link, craft.vehicle.cut_link

    return opened


FLOWN = {"replay": replayed, **{name: flown(make) for name, make in CRAFTS.items()}}
"""Links to vehicles that carry a camera and say where it looks."""
LINKS = {**FLOWN, **RECEIVERS}


@pytest.fixture(params=sorted(LINKS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_link(name: str) -> Callable[[], AbstractAsyncContextManager[Opened]]:
    return LINKS[name]


def test_samples_come_in_order_of_time_and_end_when_closed(
    open_link: Callable[[], AbstractAsyncContextManager[Opened]], name: str
) -> None:
    async def story() -> tuple[AssetId, list[TelemetrySample]]:
        async with open_link() as (link, _):
            seen: list[TelemetrySample] = []
            async for sample in link.samples():
                seen.append(sample)
                if len(seen) == 25:
                    await link.close()
                    await link.close()  # a second call does nothing
            return link.asset_id, seen

    asset_id, seen = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    times = [sample.at for sample in seen]
    assert len(seen) == 25
    assert times == sorted(set(times))
    assert all(time.tzinfo is not None for time in times)
    assert {sample.asset_id for sample in seen} == {asset_id}
    assert all(sample.position is not None for sample in seen)
    if name in FLOWN:
        assert all(sample.camera is not None for sample in seen)


def test_silence_is_an_error(
    open_link: Callable[[], AbstractAsyncContextManager[Opened]],
) -> None:
    async def story() -> None:
        async with open_link() as (link, silence):
            async for _ in link.samples():
                silence()

    with pytest.raises(LinkLost):
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


@pytest.mark.parametrize("name", sorted(DRONES))
def test_without_sensor_errors_a_sample_is_the_truth(name: str) -> None:
    async def fly(craft: Craft) -> None:
        await craft.pilot.upload(craft.proven)
        await craft.pilot.arm()
        await craft.pilot.start()
        async for progress in craft.pilot.progress():
            if progress.reached == 3:
                return

    async def story() -> None:
        async with DRONES[name](sensors=PERFECT) as craft:
            link = craft.open_link()
            samples: list[TelemetrySample] = []

            async def listen() -> None:
                async for sample in link.samples():
                    samples.append(sample)

            listening = asyncio.ensure_future(listen())
            await fly(craft)
            await link.close()
            await listening
            flying = [s for s in samples if s.position and s.position.altitude.metres > 5]
            assert len(flying) > 50
            for sample in flying:
                truth = craft.vehicle.truth_at(sample.at)
                assert sample.position is not None
                assert sample.camera is not None
                assert sample.position.lat_deg == pytest.approx(truth.lat_deg, abs=2e-6)
                assert sample.position.lon_deg == pytest.approx(truth.lon_deg, abs=3e-6)
                assert sample.position.altitude.metres == pytest.approx(truth.height_m, abs=0.05)
                turn = (sample.camera.yaw_deg - truth.camera.yaw_deg + 180) % 360 - 180
                assert turn == pytest.approx(0, abs=0.6)
                assert sample.camera.pitch_deg == pytest.approx(truth.camera.pitch_deg, abs=0.6)
                assert sample.camera.roll_deg == pytest.approx(0, abs=0.1)

    asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
