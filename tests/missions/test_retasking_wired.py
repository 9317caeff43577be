"""Leaving a mission in the air over MAVLink, on the embedded PX4 and ArduCopter."""

import asyncio

import pytest

from tests.missions.flying import DRONES
from tests.missions.leaving import check_left, left_in_the_air


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dronekit", "mavsdk"])
def test_it_leaves_for_another_plan_and_flies_that_to_its_end(name: str) -> None:
    async def story() -> None:
        async with DRONES[name]() as craft:
            check_left(*await left_in_the_air(craft))

    asyncio.run(asyncio.wait_for(story(), 40.0))
