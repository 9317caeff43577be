"""Our pilot on a real ArduCopter, by DroneKit and pymavlink."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from importlib.util import find_spec

import pytest

from core.errors import ArmingDenied, NotFound, UploadMismatch
from core.ids import AssetId
from missions.adapters.dronekit_pilot import DronekitPilot
from missions.adapters.mavsdk_pilot import Deadlines
from missions.model import Autopilot, Progress, RallyPoint
from missions.proving.proof import ProvenPlan, prove
from sim.clock import ScaledClock
from telemetry.adapters.dronekit_system import open_ardupilot
from telemetry.adapters.mavsdk_link import MavsdkLink
from telemetry.model import TelemetrySample
from tests.builders import AT, NOW, a_place
from tests.missions.flying import HEIGHT_M, Craft, a_fence, a_short_plan, asset
from tests.sitl.ardupilot_vehicle import flying_ardupilot

pytestmark = [
    pytest.mark.sitl,
    pytest.mark.skipif(find_spec("dronekit") is None, reason="the extra dronekit is not installed"),
]

SPEED = 5.0
LONGEST_S = 120.0


class ArduCraft(Craft):
    @property
    def proven(self) -> ProvenPlan:
        return prove(self.plan, replace(asset(), autopilot=Autopilot.ARDUPILOT))


@asynccontextmanager
async def arducopter(**parameters: float) -> AsyncIterator[ArduCraft]:
    clock = ScaledClock(NOW, SPEED)
    with flying_ardupilot(speed=SPEED, parameters=parameters) as url:
        async with open_ardupilot(url, clock, silence_limit_s=30.0, connect_s=30.0) as system:
            deadlines = replace(Deadlines().at_speed(SPEED), arm_s=120.0)
            yield ArduCraft(
                DronekitPilot(system, deadlines), clock,
                lambda: MavsdkLink(AssetId("drone-1"), system), None, a_short_plan(),
            )  # fmt: skip


async def begin(craft: Craft) -> None:
    await craft.pilot.upload_fences(craft.plan.fences)
    await craft.pilot.upload(craft.proven)
    await craft.pilot.arm()
    await craft.pilot.start()


def test_flies_a_whole_sortie_and_says_how_far_it_is() -> None:
    async def story() -> tuple[list[Progress], list[TelemetrySample]]:
        heard: list[TelemetrySample] = []
        async with arducopter() as craft:
            link = craft.open_link()

            async def listen() -> None:
                async for sample in link.samples():
                    heard.append(sample)

            listening = asyncio.ensure_future(listen())
            await begin(craft)
            seen = [progress async for progress in craft.pilot.progress()]
            await link.close()
            await listening
            return seen, heard

    seen, heard = asyncio.run(asyncio.wait_for(story(), LONGEST_S))
    reached = [progress.reached for progress in seen]
    assert reached == sorted(reached)
    assert seen[-1].ended
    assert [progress.ended for progress in seen].count(True) == 1
    assert seen[-1].reached >= 3
    assert any(progress.returning for progress in seen)
    heights = [s.position.altitude.metres for s in heard if s.position is not None]
    assert max(heights) == pytest.approx(HEIGHT_M, abs=1.0)


def test_holds_resumes_and_comes_home() -> None:
    async def story() -> Progress:
        async with arducopter() as craft:
            await begin(craft)
            async with aclosing(craft.pilot.progress()) as steps:
                async for progress in steps:
                    if progress.reached >= 1:
                        break
                await craft.pilot.hold()
                await craft.pilot.hold()
                with pytest.raises(ArmingDenied):
                    await craft.pilot.disarm()
                await craft.pilot.resume()
                await craft.pilot.return_to_launch()
                last: Progress = progress
                async for progress in steps:
                    last = progress
                return last

    last = asyncio.run(asyncio.wait_for(story(), LONGEST_S))
    assert last.ended
    assert last.reached < last.total


def test_returns_to_the_nearest_rally_point() -> None:
    async def story() -> TelemetrySample:
        async with arducopter() as craft:
            craft.plan = replace(
                craft.plan,
                rally=tuple(RallyPoint(a_place(*place, 20.0)) for place in ((-60, 0), (5, 52))),
            )
            await begin(craft)
            async with aclosing(craft.pilot.progress()) as steps:
                async for progress in steps:
                    if progress.reached >= 2 and not progress.returning:
                        await craft.pilot.return_to_launch()
            async with aclosing(craft.open_link().samples()) as heard:
                return await anext(heard)

    last = asyncio.run(asyncio.wait_for(story(), LONGEST_S))
    assert last.position is not None
    assert math.dist(AT.to_en1_m(last.position.lat_deg, last.position.lon_deg), (5, 52)) < 2.0


def test_a_fence_away_from_home_is_told_and_parameters_are_read() -> None:
    async def story() -> None:
        async with arducopter() as craft:
            await craft.pilot.write("RTL_ALT", 4_200.0)
            assert await craft.pilot.read("RTL_ALT") == 4_200.0
            with pytest.raises(NotFound):
                await craft.pilot.read("NO_SUCH_THING")
            with pytest.raises(UploadMismatch):
                await craft.pilot.write("FENCE_ACTION", 2.5)
            with pytest.raises(UploadMismatch, match="does not enforce"):
                await craft.pilot.upload_fences([a_fence(50.0, 200.0)])
            await craft.pilot.upload_fences([])
            assert await craft.pilot.read("FENCE_ENABLE") == 0.0

    asyncio.run(asyncio.wait_for(story(), LONGEST_S))
