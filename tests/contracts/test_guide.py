"""The contract of `Guide`, on every adapter of a drone, and of a flight by hand on all."""

import asyncio
import math
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from core.errors import CapabilityMissing, LinkLost, StartRefused
from missions.circumstances import Circumstances
from missions.dispatching.exits import InFlight
from missions.guided import FlyTo, LookAt, Orbit, ProvenTask, Task, Zoom
from missions.guiding.proof import prove_task
from sim.failures import Failure, FailureKind
from tests.builders import AT
from tests.missions.flying import DRONES, Craft, CraftMaker

DEADLINE_S = 25.0


@pytest.fixture(params=sorted(DRONES))
def make(request: pytest.FixtureRequest) -> CraftMaker:
    return DRONES[request.param]


def place(east_m: float, north_m: float) -> tuple[float, float]:
    return AT.to_geo1_deg(east_m, north_m)


def proven(craft: Craft, task: Task) -> ProvenTask:
    now = craft.vehicle.simulated_now()
    truth = craft.vehicle.truth_at(now)
    lat, lon = place(truth.east_m, truth.north_m)
    flight = InFlight(craft.asset, lat, lon, max(1.0, truth.height_m))
    return prove_task(task, flight, craft.plan, craft.plan.fences, Circumstances(departs_at=now))


async def in_the_air(craft: Craft, steps: Any) -> None:
    async for progress in steps:
        if progress.reached >= 1:
            return


async def begin(craft: Craft) -> None:
    await craft.pilot.upload(craft.proven)
    await craft.pilot.arm()
    await craft.pilot.start()


def where(craft: Craft) -> tuple[float, float, float]:
    truth = craft.vehicle.truth_at(craft.vehicle.simulated_now())
    return truth.east_m, truth.north_m, truth.height_m


async def until(craft: Craft, ready: Any, within_s: float) -> bool:
    deadline_at = craft.clock.now() + timedelta(seconds=within_s)
    while craft.clock.now() < deadline_at:
        if ready():
            return True
        await craft.clock.sleep_until(craft.clock.now() + timedelta(seconds=0.5))
    return False


async def wait(craft: Craft, seconds: float) -> None:
    await craft.clock.sleep_until(craft.clock.now() + timedelta(seconds=seconds))


def test_flies_to_a_place_goes_round_another_stops_and_goes_on(make: CraftMaker) -> None:
    async def story() -> dict[str, Any]:
        found: dict[str, Any] = {}
        async with make() as craft:
            await begin(craft)
            async with aclosing(craft.pilot.progress()) as steps:
                await in_the_air(craft, steps)
                await craft.pilot.hold()
                await wait(craft, 4)

                goal = (20.0, 15.0, 16.0)
                await craft.guide.carry_out(proven(craft, FlyTo(*place(20, 15), 16.0)))
                found["there"] = await until(craft, lambda: math.dist(where(craft), goal) < 3.0, 40)

                await craft.guide.carry_out(proven(craft, Orbit(*place(0, 0), 16.0, 20.0)))
                await until(craft, lambda: abs(math.hypot(*where(craft)[:2]) - 20) < 2.5, 30)
                await wait(craft, 3)
                found["round"] = []
                for _ in range(8):
                    east, north, up = where(craft)
                    found["round"].append((math.hypot(east, north), math.atan2(east, north), up))
                    await wait(craft, 1)

                await craft.guide.stop()
                await wait(craft, 4)
                before = where(craft)
                await wait(craft, 4)
                found["drift_m"] = math.dist(before, where(craft))

                await craft.pilot.resume()
                async for progress in steps:
                    found["last"] = progress
                    if progress.reached >= 2:
                        break
        return found

    found = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert found["there"]
    away = [radius for radius, _, _ in found["round"]]
    assert max(abs(radius - 20.0) for radius in away) < 3.5
    assert max(abs(up - 16.0) for _, _, up in found["round"]) < 2.5
    turned = [
        math.remainder(after - before, math.tau)
        for (_, before, _), (_, after, _) in zip(found["round"], found["round"][1:], strict=False)
    ]
    assert sum(turned) > 0.7  # clockwise, seen from above
    assert found["drift_m"] < 1.5
    assert found["last"].reached >= 2


def test_looks_at_a_place_and_zooms(make: CraftMaker) -> None:
    async def story() -> float:
        async with make() as craft:
            await begin(craft)
            async with aclosing(craft.pilot.progress()) as steps:
                await in_the_air(craft, steps)
                await craft.pilot.hold()
                await wait(craft, 4)
                await craft.guide.carry_out(proven(craft, LookAt(place(-60, 0))))
                await craft.guide.carry_out(proven(craft, Zoom(40.0)))
                await wait(craft, 3)
                truth = craft.vehicle.truth_at(craft.vehicle.simulated_now())
                wanted = math.degrees(math.atan2(-60 - truth.east_m, -truth.north_m))
                await craft.guide.carry_out(proven(craft, LookAt(None)))
                return math.remainder(truth.camera.yaw_deg - wanted, 360.0)

    assert abs(asyncio.run(asyncio.wait_for(story(), DEADLINE_S))) < 10.0


def test_what_it_does_not_carry_is_missing_though_it_says_yes(make: CraftMaker) -> None:
    async def story() -> None:
        async with make(Failure(FailureKind.PAYLOAD_ABSENT)) as craft:
            await begin(craft)
            async with aclosing(craft.pilot.progress()) as steps:
                await in_the_air(craft, steps)
                for task in (LookAt(place(-60, 0)), Zoom(40.0)):
                    with pytest.raises(CapabilityMissing):
                        await craft.guide.carry_out(proven(craft, task))

    asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


def test_on_the_ground_it_goes_nowhere(make: CraftMaker) -> None:
    async def story() -> None:
        async with make() as craft:
            await craft.pilot.upload(craft.proven)
            await craft.guide.carry_out(proven(craft, FlyTo(*place(30, 25), 20.0)))

    with pytest.raises(StartRefused):
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


def test_a_deaf_vehicle_is_lost(make: CraftMaker) -> None:
    async def story() -> None:
        async with make(silence_s=8.0) as craft:
            await begin(craft)
            async with aclosing(craft.pilot.progress()) as steps:
                await in_the_air(craft, steps)
                task = proven(craft, FlyTo(*place(30, 25), 20.0))
                craft.vehicle.cut_link()
                await wait(craft, 10)
                await craft.guide.carry_out(task)

    with pytest.raises(LinkLost):
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


def test_a_pilot_who_takes_the_sticks_shows(make: CraftMaker) -> None:
    async def story() -> list[bool]:
        seen = []
        async with make() as craft:
            await begin(craft)
            async with aclosing(craft.pilot.progress()) as steps:
                async for progress in steps:
                    seen.append(progress.by_hand)
                    if progress.by_hand:
                        return seen
                    if progress.reached >= 1:
                        craft.vehicle.take_sticks()
        return seen

    seen = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert seen[-1]
    assert not any(seen[:-1])
