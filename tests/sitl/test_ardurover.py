"""Our pilot on a real ArduRover, by DroneKit and pymavlink."""

import asyncio
import math
from contextlib import aclosing
from dataclasses import replace
from importlib.util import find_spec

import pytest

from core.ids import AssetId
from missions.adapters.dronekit_pilot import DronekitPilot
from missions.adapters.mavsdk_pilot import Deadlines
from missions.model import Autopilot, Progress
from missions.proving.proof import prove
from sim.clock import ScaledClock
from telemetry.adapters.dronekit_system import open_ardupilot
from telemetry.adapters.mavsdk_link import MavsdkLink
from telemetry.model import TelemetrySample
from tests.builders import AT, NOW
from tests.missions.flying import a_car, a_drive
from tests.sitl.ardupilot_vehicle import flying_ardupilot

pytestmark = [
    pytest.mark.sitl,
    pytest.mark.skipif(find_spec("dronekit") is None, reason="the extra dronekit is not installed"),
]

SPEED = 5.0
LONGEST_S = 120.0


def test_drives_its_route_holds_on_the_way_and_stops_at_its_end() -> None:
    async def story() -> tuple[list[Progress], TelemetrySample]:
        clock = ScaledClock(NOW, SPEED)
        with flying_ardupilot("rover", speed=SPEED) as url:
            async with open_ardupilot(url, clock, silence_limit_s=30.0, connect_s=30.0) as system:
                deadlines = replace(Deadlines().at_speed(SPEED), arm_s=120.0)
                pilot = DronekitPilot(system, deadlines)
                link = MavsdkLink(AssetId("car-1"), system)
                await pilot.upload(prove(a_drive(), a_car(autopilot=Autopilot.ARDUPILOT)))
                await pilot.arm()
                await pilot.start()
                seen: list[Progress] = []
                held = False
                async with aclosing(pilot.progress()) as steps:
                    async for progress in steps:
                        seen.append(progress)
                        if progress.reached == 1 and not held:
                            held = True
                            await pilot.hold()
                            await pilot.resume()
                await link.close()
                fresh = MavsdkLink(AssetId("car-1"), system)
                async with aclosing(fresh.samples()) as heard:
                    return seen, await anext(heard)

    seen, last = asyncio.run(asyncio.wait_for(story(), LONGEST_S))
    reached = [progress.reached for progress in seen]
    assert reached == sorted(reached)
    assert seen[-1].ended
    assert reached[-1] == 3
    assert last.position is not None
    assert math.dist(AT.to_en1_m(last.position.lat_deg, last.position.lon_deg), (0, 60)) < 5.0
