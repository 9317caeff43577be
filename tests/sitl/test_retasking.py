"""Leaving a mission in the air on a real PX4 and a real ArduCopter."""

import asyncio
from importlib.util import find_spec

import pytest

from tests.missions.flying import a_short_plan
from tests.missions.leaving import check_left, left_in_the_air
from tests.sitl.test_arducopter import arducopter
from tests.sitl.test_px4 import px4_craft

pytestmark = pytest.mark.sitl

LONGEST_S = 200.0


def test_px4_leaves_for_another_plan() -> None:
    async def story() -> None:
        async with px4_craft(a_short_plan()) as craft:
            check_left(*await left_in_the_air(craft))

    asyncio.run(asyncio.wait_for(story(), LONGEST_S))


@pytest.mark.skipif(find_spec("dronekit") is None, reason="the extra dronekit is not installed")
def test_arducopter_leaves_for_another_plan() -> None:
    async def story() -> None:
        async with arducopter() as craft:
            check_left(*await left_in_the_air(craft))

    asyncio.run(asyncio.wait_for(story(), LONGEST_S))
