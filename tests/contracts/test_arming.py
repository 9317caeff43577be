"""The contract of `Arming`, on every adapter."""

import asyncio

import pytest

from core.errors import ArmingDenied
from sim.failures import Failure, FailureKind
from tests.missions.flying import DRONES, Craft, CraftMaker

DEADLINE_S = 20.0


@pytest.fixture(params=sorted(DRONES))
def make(request: pytest.FixtureRequest) -> CraftMaker:
    return DRONES[request.param]


def test_waits_until_the_vehicle_is_ready(make: CraftMaker) -> None:
    async def story() -> float:
        async with make() as craft:
            start_at = craft.clock.now()
            await craft.pilot.arm()  # refused for the first five seconds, as on the real one
            waited = (craft.clock.now() - start_at).total_seconds()
            await craft.pilot.disarm()
            await craft.pilot.disarm()  # a disarmed vehicle stays so
            return waited

    assert asyncio.run(asyncio.wait_for(story(), DEADLINE_S)) > 2.0


def test_a_refusal_holds_the_vehicles_own_words(make: CraftMaker) -> None:
    async def story() -> None:
        async with make(Failure(FailureKind.ARMING_DENIED, text="Compass not calibrated")) as craft:
            await craft.pilot.arm()

    with pytest.raises(ArmingDenied, match="Compass not calibrated"):
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


def test_does_not_disarm_in_flight(make: CraftMaker) -> None:
    async def climb(craft: Craft) -> None:
        await craft.pilot.upload(craft.proven)
        await craft.pilot.arm()
        await craft.pilot.start()
        async for progress in craft.pilot.progress():
            if progress.reached:
                return

    async def story() -> None:
        async with make() as craft:
            await climb(craft)
            await craft.pilot.disarm()

    with pytest.raises(ArmingDenied):
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
