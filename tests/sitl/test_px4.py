"""Our pilot on a real PX4: what the proof and the embedded simulator count on is what it does."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import numpy as np
import pytest
import shapely

from core.ids import AssetId
from geo.positions import Altitude, Datum
from missions.adapters.mavsdk_pilot import Deadlines, MavsdkPilot
from missions.model import ItemKind, MissionItem, Plan, Progress
from missions.momentum import run_on_m, swing_m
from sim.clock import ScaledClock
from telemetry.adapters.mavsdk_link import MavsdkLink
from telemetry.adapters.mavsdk_system import open_system
from tests.builders import AT, NOW, a_mission, a_place, a_plan
from tests.missions.flying import Craft, a_fence, a_short_plan, asset
from tests.sitl.px4_vehicle import flying_px4

pytestmark = pytest.mark.sitl

SPEED = 2.0
"""Times real time; the clock of the pilot runs as fast."""
Place = tuple[float, float]
LONGEST_S = 170.0
"""Of real time, for one flight."""


@asynccontextmanager
async def px4_craft(plan: Plan, **parameters: float) -> AsyncIterator[Craft]:
    clock = ScaledClock(NOW, SPEED)
    with flying_px4(speed=SPEED, **parameters) as url:
        async with open_system(url, clock, silence_limit_s=10.0, connect_s=40.0) as system:
            deadlines = Deadlines(arm_s=90.0).at_speed(SPEED)
            yield Craft(
                MavsdkPilot(system, deadlines), clock,
                lambda: MavsdkLink(AssetId("drone-1"), system), None, plan,
            )  # fmt: skip


async def begin(craft: Craft) -> None:
    await craft.pilot.upload_fences(craft.plan.fences)
    await craft.pilot.upload(craft.proven)
    await craft.pilot.arm()
    await craft.pilot.start()


def test_flies_a_whole_sortie_and_says_how_far_it_is() -> None:
    async def story() -> list[Progress]:
        async with px4_craft(a_short_plan()) as craft:
            await begin(craft)
            return [progress async for progress in craft.pilot.progress()]

    seen = asyncio.run(asyncio.wait_for(story(), LONGEST_S))
    reached = [progress.reached for progress in seen]
    assert reached == sorted(reached)
    assert seen[-1].ended
    assert [progress.ended for progress in seen].count(True) == 1
    assert seen[-1].reached >= 3


def test_holds_resumes_and_comes_home() -> None:
    async def story() -> Progress:
        async with px4_craft(a_short_plan()) as craft:
            await begin(craft)
            async with aclosing(craft.pilot.progress()) as steps:
                async for progress in steps:
                    if progress.reached >= 1:
                        break
                await craft.pilot.hold()
                await craft.pilot.resume()
                await craft.pilot.return_to_launch()
                last: Progress = progress
                async for progress in steps:
                    last = progress
                return last

    last = asyncio.run(asyncio.wait_for(story(), LONGEST_S))
    assert last.ended


@pytest.mark.parametrize("speed_m_s", [5.0, 8.0])
def test_a_return_at_speed_stays_within_what_is_swept(speed_m_s: float) -> None:
    up_m, north_m = 40.0, 60.0
    plan = a_plan(
        mission=a_mission(
            items=(
                MissionItem(ItemKind.TAKEOFF, a_place(0, 0, up_m), speed_m_s=speed_m_s),
                MissionItem(ItemKind.WAYPOINT, a_place(-60, north_m, up_m)),
                MissionItem(ItemKind.WAYPOINT, a_place(200, north_m, up_m)),
                MissionItem(ItemKind.RETURN),
            )
        ),
        cruise_m_s=speed_m_s, fences=(a_fence(600.0),),
        return_altitude=Altitude(20.0, Datum.HOME),
    )  # fmt: skip

    async def story() -> tuple[Place, list[Place]]:
        ordered: asyncio.Task[None] | None = None
        here, flown = (0.0, 0.0), []
        async with px4_craft(plan) as craft:
            await begin(craft)
            async with aclosing(craft.open_link().samples()) as heard:
                async for sample in heard:
                    if sample.position is None:
                        continue
                    place = AT.to_en1_m(sample.position.lat_deg, sample.position.lon_deg)
                    if ordered is not None:
                        if not flown and (sample.east_m_s or 0.0) > 0.97 * speed_m_s:
                            here = place  # the order has not come through yet
                            continue
                        flown.append(place)
                        if math.hypot(*place) < 3.0:
                            break
                    elif place[0] > 20.0 and abs(place[1] - north_m) < 3.0:
                        here = place
                        ordered = asyncio.create_task(craft.pilot.return_to_launch())
            assert ordered is not None
            await ordered
        return here, flown

    here, flown = asyncio.run(asyncio.wait_for(story(), LONGEST_S))
    ahead = (here[0] + run_on_m(speed_m_s), here[1])
    swept = shapely.MultiPoint([(-60.0, north_m), here, ahead, (0.0, 0.0)]).convex_hull
    beside = shapely.distance(swept, shapely.points(np.array(flown)))
    assert float(beside.max()) <= max(asset().acceptance_radius_m, swing_m(speed_m_s))
    assert max(east for east, _ in flown) - here[0] > 0.6 * run_on_m(speed_m_s)
