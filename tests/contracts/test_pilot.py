"""The contract of `Pilot`, on every adapter."""

import asyncio
from contextlib import aclosing

import pytest

from core.errors import LinkLost, StartRefused, UploadMismatch
from missions.model import Progress
from sim.failures import Failure, FailureKind
from tests.missions.flying import CRAFTS, DRONES, Craft, CraftMaker

DEADLINE_S = 20.0


@pytest.fixture(params=sorted(CRAFTS))
def make(request: pytest.FixtureRequest) -> CraftMaker:
    return CRAFTS[request.param]


@pytest.fixture(params=sorted(DRONES))
def make_drone(request: pytest.FixtureRequest) -> CraftMaker:
    return DRONES[request.param]


async def begin(craft: Craft) -> None:
    await craft.pilot.upload(craft.proven)
    if craft.arms:
        await craft.pilot.arm()
    await craft.pilot.start()


def test_flies_the_whole_mission_and_says_how_far_it_is(make: CraftMaker) -> None:
    async def story() -> list[Progress]:
        async with make() as craft:
            await begin(craft)
            return [progress async for progress in craft.pilot.progress()]

    seen = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    reached = [progress.reached for progress in seen]
    assert reached == sorted(reached)
    assert [progress.ended for progress in seen].count(True) == 1
    assert seen[-1].ended
    assert seen[-1].reached >= 3
    assert len({(p.reached, p.ended, p.returning, p.message) for p in seen}) == len(seen)


def test_holds_resumes_and_comes_home(make: CraftMaker) -> None:
    async def story() -> Progress:
        async with make() as craft:
            await begin(craft)
            async with aclosing(craft.pilot.progress()) as steps:
                async for progress in steps:
                    if progress.reached >= 1:
                        break
                await craft.pilot.hold()
                await craft.pilot.hold()  # a second call does nothing
                await craft.pilot.resume()
                await craft.pilot.return_to_launch()
                last: Progress = progress
                async for progress in steps:
                    last = progress
                return last

    last = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert last.ended
    assert last.reached < last.total


def test_a_cut_link_is_lost_and_not_stillness(make: CraftMaker) -> None:
    async def story() -> None:
        async with make(silence_s=8.0) as craft:
            await begin(craft)
            async for _ in craft.pilot.progress():
                craft.vehicle.cut_link()

    with pytest.raises(LinkLost) as caught:
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert caught.value.code == "link_lost"


def test_an_upload_replaces_the_one_before(make_drone: CraftMaker) -> None:
    async def story() -> None:
        async with make_drone() as craft:
            await craft.pilot.upload(craft.proven)
            await craft.pilot.upload(craft.proven)

    asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


@pytest.mark.parametrize(
    "failure",
    [
        Failure(FailureKind.READBACK_DIFFERS, seq=3),
        Failure(FailureKind.TRANSFER_NAK, code=4),
    ],
    ids=lambda failure: failure.kind,
)
def test_a_vehicle_that_holds_another_mission_is_not_trusted(
    make_drone: CraftMaker, failure: Failure
) -> None:
    async def story() -> None:
        async with make_drone(failure) as craft:
            await craft.pilot.upload(craft.proven)

    with pytest.raises(UploadMismatch):
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


@pytest.mark.parametrize("kind", [FailureKind.MODE_ACK_LIES, FailureKind.START_REFUSED_SILENTLY])
def test_a_yes_without_the_mode_is_a_refusal(make_drone: CraftMaker, kind: FailureKind) -> None:
    async def story() -> None:
        async with make_drone(Failure(kind)) as craft:
            await begin(craft)

    with pytest.raises(StartRefused) as caught:
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    if kind is FailureKind.MODE_ACK_LIES:
        assert "currently not available" in str(caught.value)


def test_a_lie_told_once_is_overcome(make_drone: CraftMaker) -> None:
    async def story() -> None:
        async with make_drone(Failure(FailureKind.MODE_ACK_LIES, times=1)) as craft:
            await begin(craft)

    asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


def test_a_start_without_motors_is_refused(make_drone: CraftMaker) -> None:
    async def story() -> None:
        async with make_drone() as craft:
            await craft.pilot.upload(craft.proven)
            await craft.pilot.start()

    with pytest.raises(StartRefused):
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


def test_a_lost_report_is_made_up_for_by_the_next(make_drone: CraftMaker) -> None:
    async def story() -> bool:
        # step 3 is the first waypoint: a speed, take-off, a camera pitch come before it
        async with make_drone(Failure(FailureKind.REACHED_LOST, seq=3)) as craft:
            await begin(craft)
            async with aclosing(craft.pilot.progress()) as steps:
                async for progress in steps:
                    if progress.reached >= 2:
                        return not progress.ended
        return False

    assert asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
