"""Uploads as one, and drift, on real autopilots: what another ground station changes is seen."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec

import pytest
from pymavlink.dialects.v20 import common as m

from core.errors import PlanDrifted, UploadMismatch
from missions.model import RallyPoint
from missions.proving.proof import ProvenPlan, prove
from tests.builders import a_place
from tests.missions.flying import Craft, a_fence, a_short_plan
from tests.sitl.test_arducopter import arducopter
from tests.sitl.test_px4 import px4_craft

pytestmark = pytest.mark.sitl

LONGEST_S = 120.0
A_SECOND = timedelta(seconds=1)
FENCE = 1
PX4_GROUND = ("127.0.0.1", 18_570)
COPTER_GROUND = ("127.0.0.1", 5_762)


def cleared(system_id: int) -> bytes:
    codec = m.MAVLink(None, srcSystem=254, srcComponent=190)
    packed: bytes = m.MAVLink_mission_clear_all_message(system_id, 1, FENCE).pack(codec)
    return packed


def clear_px4() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.sendto(cleared(1), PX4_GROUND)


def clear_copter() -> None:
    with socket.create_connection(COPTER_GROUND, 5.0) as wire:
        wire.sendall(cleared(11))
        wire.recv(1)  # it is heard before the wire is put down


needs_dronekit = pytest.mark.skipif(
    find_spec("dronekit") is None, reason="the extra dronekit is not installed"
)
BOTH = [
    pytest.param(lambda: px4_craft(a_short_plan()), clear_px4, id="px4"),
    pytest.param(arducopter, clear_copter, id="arducopter", marks=needs_dronekit),
]
Maker = Callable[[], AbstractAsyncContextManager[Craft]]


def with_rally(craft: Craft, *places: tuple[float, float]) -> ProvenPlan:
    rally = tuple(RallyPoint(a_place(*place, 0.0)) for place in places)
    return prove(replace(craft.plan, rally=rally), craft.asset)


@pytest.mark.parametrize(("make", "clear"), BOTH)
def test_what_another_station_has_changed_does_not_start(
    make: Maker, clear: Callable[[], None]
) -> None:
    async def story() -> None:
        async with make() as craft:
            await craft.pilot.upload(with_rally(craft, (5, 52)), [a_fence()])
            await craft.pilot._transfers.confirm()  # untouched, it is what it was
            await asyncio.to_thread(clear)
            await craft.clock.sleep_until(craft.clock.now() + 3 * A_SECOND)
            await craft.pilot.arm()
            await craft.pilot.start()

    with pytest.raises(PlanDrifted, match="fence"):
        asyncio.run(asyncio.wait_for(story(), LONGEST_S))


@pytest.mark.parametrize(("make", "clear"), BOTH)
def test_an_upload_that_fails_leaves_what_was_there(make: Maker, clear: Callable[[], None]) -> None:
    async def story() -> None:
        async with make() as craft:
            await craft.pilot.upload(with_rally(craft, (5, 52)), [a_fence()])
            wire = craft.pilot._transfers._wire
            before = [(await wire.fetch(kind)).items for kind in range(3)]
            with pytest.raises(UploadMismatch, match="held before"):
                # this fence does not hold home
                await craft.pilot.upload(
                    with_rally(craft, (9, 52), (5, 52)), [a_fence(50.0, 200.0)]
                )
            after = [(await wire.fetch(kind)).items for kind in range(3)]
            assert [len(items) for items in after] == [len(items) for items in before]
            skip = wire.first.get(0, 0)
            assert [i.z for i in after[0][skip:]] == [i.z for i in before[0][skip:]]
            assert [(i.x, i.y) for i in after[1]] == [(i.x, i.y) for i in before[1]]
            assert [(i.x, i.y) for i in after[2]] == [(i.x, i.y) for i in before[2]]

    asyncio.run(asyncio.wait_for(story(), LONGEST_S))


@needs_dronekit
def test_an_arducopter_keeps_its_operators_ceiling_and_takes_a_radius_of_a_step() -> None:
    async def story() -> list[float]:
        async with arducopter(FENCE_ALT_MAX=60.0) as craft:
            for name, value in (("FENCE_TYPE", 7.0), ("FENCE_ENABLE", 1.0)):
                await craft.pilot.write(name, value)
            items = list(craft.plan.mission.items)
            items[1] = replace(items[1], acceptance_radius_m=1.5)
            plan = replace(craft.plan, mission=replace(craft.plan.mission, items=tuple(items)))
            await craft.pilot.upload(prove(plan, craft.asset), [a_fence()])
            held = [await craft.pilot.read(name) for name in ("FENCE_TYPE", "FENCE_ENABLE")]
            await craft.pilot.write("FENCE_ALT_MAX", 10.0)  # below the plan's 12 m
            with pytest.raises(UploadMismatch, match="FENCE_ALT_MAX"):
                await craft.pilot.upload(prove(plan, craft.asset), [a_fence()])
            return held

    assert asyncio.run(asyncio.wait_for(story(), LONGEST_S)) == [7.0, 1.0]
