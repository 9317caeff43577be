"""The contract of `Parameters`, on every adapter."""

import asyncio

import pytest

from core.errors import NotFound, UploadMismatch
from tests.missions.flying import DRONES, CraftMaker

DEADLINE_S = 20.0


@pytest.fixture(params=sorted(DRONES))
def make(request: pytest.FixtureRequest) -> CraftMaker:
    return DRONES[request.param]


def test_reads_and_writes_whole_and_broken_numbers(make: CraftMaker) -> None:
    async def story() -> None:
        async with make() as craft:
            for (name, at_boot), value in (
                (craft.settings.broken, 4.5),
                (craft.settings.whole, 3.0),
            ):
                assert await craft.pilot.read(name) == at_boot
                await craft.pilot.write(name, value)
                assert await craft.pilot.read(name) == value

    asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


def test_a_value_that_is_not_kept_is_told(make: CraftMaker) -> None:
    async def story() -> None:
        async with make() as craft:
            await craft.pilot.write(craft.settings.whole[0], 2.5)  # a whole number can't hold it

    with pytest.raises(UploadMismatch):
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


def test_an_unknown_name_is_not_found(make: CraftMaker) -> None:
    async def story() -> None:
        async with make() as craft:
            await craft.pilot.read("NO_SUCH_THING")

    with pytest.raises(NotFound):
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
