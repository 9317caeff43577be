"""Mission, fence and rally points as one transaction, and drift, on every drone's adapter."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest
from pymavlink.dialects.v20 import common as m

from core.errors import PartialUpload, PlanDrifted, StartRefused, UploadMismatch
from missions.model import Plan, RallyPoint
from missions.proving.proof import prove
from sim.failures import Failure, FailureKind
from sim.held_plan import HeldPlan
from tests.builders import a_place
from tests.missions.flying import DRONES, HEIGHT_M, Craft, CraftMaker, a_fence

DEADLINE_S = 20.0
MISSION, FENCE, RALLY = 0, 1, 2
T = TypeVar("T")


@pytest.fixture(params=sorted(DRONES))
def make(request: pytest.FixtureRequest) -> CraftMaker:
    return DRONES[request.param]


@pytest.fixture(params=["dronekit", "mavsdk"])
def make_wired(request: pytest.FixtureRequest) -> CraftMaker:
    return DRONES[request.param]


def played(make: CraftMaker, story: Callable[[Craft], Awaitable[T]], *failures: Failure) -> T:
    async def opened() -> T:
        async with make(*failures) as craft:
            return await story(craft)

    return asyncio.run(asyncio.wait_for(opened(), DEADLINE_S))


def with_rally(plan: Plan, *places: tuple[float, float]) -> Plan:
    return replace(plan, rally=tuple(RallyPoint(a_place(*place, 0.0)) for place in places))


async def load(craft: Craft, half_m: float, *rally: tuple[float, float]) -> None:
    """Uploads the craft's plan with rally points and a square fence, which is in its steps too."""
    items = list(craft.plan.mission.items)
    items[2] = replace(items[2], position=a_place(40, half_m / 5, HEIGHT_M))
    plan = replace(craft.plan, mission=replace(craft.plan.mission, items=tuple(items)))
    proven = prove(with_rally(plan, *rally), craft.asset)
    await craft.pilot.upload(proven, [a_fence(half_m)])


def another_station(craft: Craft, kind: int) -> None:
    """Clears what the vehicle holds of one kind, as a second ground station does."""
    codec = m.MAVLink(None, srcSystem=254, srcComponent=190)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        packet = m.MAVLink_mission_clear_all_message(1, 1, kind).pack(codec)
        wire.sendto(packet, craft.vehicle.address)


async def until(craft: Craft, ready: Callable[[], bool]) -> None:
    while not ready():
        await craft.clock.sleep_until(craft.clock.now() + timedelta(seconds=0.1))


def test_all_three_arrive_as_one(make: CraftMaker) -> None:
    async def story(craft: Craft) -> HeldPlan:
        await load(craft, 150.0, (5, 52))
        held: HeldPlan = craft.vehicle.held()
        return held

    held = played(make, story)
    assert len(held.rings) == 1
    assert len(held.rally) == 1
    assert len(held.steps) > 3


@pytest.mark.parametrize(
    "failure",
    [
        Failure(FailureKind.FENCE_DROPPED, times=4),
        pytest.param(Failure(FailureKind.RALLY_DROPPED, times=3), marks=pytest.mark.slow),
        pytest.param(Failure(FailureKind.TRANSFER_NAK, code=4), marks=pytest.mark.slow),
    ],
    ids=lambda failure: failure.kind,
)
def test_a_failed_upload_leaves_what_was_there(make: CraftMaker, failure: Failure) -> None:
    async def story(craft: Craft) -> tuple[HeldPlan, HeldPlan, float]:
        name = "RTL_RETURN_ALT" if "RTL_RETURN_ALT" in craft.settings.astray else "RTL_ALT"
        await load(craft, 150.0, (5, 52))
        await craft.pilot.write(name, 77.0)  # what it was before the upload that fails
        before: HeldPlan = craft.vehicle.held()
        craft.vehicle.fail(failure)
        with pytest.raises(UploadMismatch) as caught:
            await load(craft, 120.0, (9, 52), (5, 52))
        assert "cleared" not in str(caught.value)
        with pytest.raises(StartRefused, match="no plan has been uploaded"):
            await craft.pilot.resume()
        return before, craft.vehicle.held(), await craft.pilot.read(name)

    before, after, kept = played(make, story)
    assert same(after, before)
    assert kept == 77.0


def same(a: HeldPlan, b: HeldPlan) -> bool:
    """Returns whether two vehicles' plans are alike, but for heights that come back rounded."""
    steps = [
        (s.command, round(s.lat_deg, 7), round(s.lon_deg, 7), round(s.z_m, 2)) for s in a.steps
    ]
    others = [
        (s.command, round(s.lat_deg, 7), round(s.lon_deg, 7), round(s.z_m, 2)) for s in b.steps
    ]
    return steps == others and a.rings == b.rings and a.rally == b.rally


@pytest.mark.slow
def test_what_was_stored_otherwise_once_is_sent_again(make_wired: CraftMaker) -> None:
    async def story(craft: Craft) -> HeldPlan:
        await load(craft, 150.0)
        held: HeldPlan = craft.vehicle.held()
        return held

    lying = played(make_wired, story, Failure(FailureKind.STORED_OTHERWISE, times=1))
    assert same(lying, played(make_wired, story))


@pytest.mark.slow
def test_what_can_not_be_put_back_is_cleared(make_wired: CraftMaker) -> None:
    async def story(craft: Craft) -> HeldPlan:
        await load(craft, 150.0, (5, 52))
        craft.vehicle.fail(Failure(FailureKind.STORED_OTHERWISE))
        with pytest.raises(UploadMismatch, match="cleared"):
            await load(craft, 120.0)
        held: HeldPlan = craft.vehicle.held()
        return held

    assert played(make_wired, story).empty


@pytest.mark.slow
def test_a_state_that_can_not_be_mended_is_told_as_partial(make_wired: CraftMaker) -> None:
    async def story(craft: Craft) -> None:
        await load(craft, 150.0, (5, 52))
        craft.vehicle.fail(Failure(FailureKind.STORED_OTHERWISE, times=1))
        craft.vehicle.fail(Failure(FailureKind.MISSION_STUCK))
        with pytest.raises(PartialUpload, match="parts of two plans"):
            await load(craft, 120.0)
        with pytest.raises(StartRefused):
            await craft.pilot.resume()

    played(make_wired, story)


@pytest.mark.slow
def test_nothing_starts_that_was_not_uploaded(make: CraftMaker) -> None:
    async def story(craft: Craft) -> None:
        await craft.pilot.arm()
        await craft.pilot.start()

    with pytest.raises(StartRefused, match="no plan has been uploaded"):
        played(make, story)


@pytest.mark.parametrize(
    "kind",
    [
        FENCE,
        pytest.param(MISSION, marks=pytest.mark.slow),
        pytest.param(RALLY, marks=pytest.mark.slow),
    ],
)
def test_a_drifted_vehicle_does_not_start(make_wired: CraftMaker, kind: int) -> None:
    async def story(craft: Craft) -> None:
        await load(craft, 150.0, (5, 52))
        held = craft.vehicle.held()
        another_station(craft, kind)
        await until(craft, lambda: bool(craft.vehicle.held() != held))
        await craft.pilot.arm()
        await craft.pilot.start()

    with pytest.raises(PlanDrifted) as caught:
        played(make_wired, story)
    assert caught.value.code == "plan_drifted"


@pytest.mark.slow
def test_a_vehicle_that_drifted_while_it_held_does_not_go_on(make_wired: CraftMaker) -> None:
    async def story(craft: Craft) -> None:
        await load(craft, 150.0)
        await craft.pilot.arm()
        await craft.pilot.start()
        await craft.pilot.hold()
        another_station(craft, FENCE)
        await until(craft, lambda: not craft.vehicle.held().rings)
        await craft.pilot.resume()

    with pytest.raises(PlanDrifted, match="fence"):
        played(make_wired, story)


def test_an_untouched_vehicle_starts_by_what_it_announces() -> None:
    async def story(craft: Craft) -> int:
        await load(craft, 150.0, (5, 52))
        await craft.pilot.arm()
        names: list[str] = []
        end = craft.pilot._system.add_listener(lambda name, fields: names.append(name))
        await craft.pilot.start()
        end()
        return names.count("MISSION_COUNT")

    assert played(DRONES["mavsdk"], story) == 0  # nothing was read back


# --- what an ArduPilot's operator has set ---


def test_the_operators_own_fence_stays_in_force() -> None:
    async def story(craft: Craft) -> list[float]:
        pilot = craft.pilot
        await pilot.write("FENCE_TYPE", 7.0)
        await pilot.write("FENCE_ENABLE", 1.0)
        await load(craft, 150.0)
        held = [await pilot.read("FENCE_TYPE"), await pilot.read("FENCE_ENABLE")]
        await pilot.upload_fences([])
        return [*held, await pilot.read("FENCE_TYPE"), await pilot.read("FENCE_ENABLE")]

    assert played(DRONES["dronekit"], story) == [7.0, 1.0, 3.0, 1.0]


def test_a_fence_that_was_not_in_force_is_not_brought_into_it() -> None:
    async def story(craft: Craft) -> list[float]:
        await load(craft, 150.0)
        return [await craft.pilot.read(name) for name in ("FENCE_TYPE", "FENCE_ENABLE")]

    assert played(DRONES["dronekit"], story) == [4.0, 1.0]


@pytest.mark.parametrize(
    ("name", "value"), [("FENCE_ALT_MAX", 10.0), ("FENCE_RADIUS", 50.0), ("FENCE_ALT_MIN", 12.0)]
)
def test_a_plan_beyond_the_operators_own_fence_is_refused(name: str, value: float) -> None:
    async def story(craft: Craft) -> None:
        kinds = {"FENCE_ALT_MAX": 1.0, "FENCE_RADIUS": 2.0, "FENCE_ALT_MIN": 8.0}
        await craft.pilot.write(name, value)
        await craft.pilot.write("FENCE_TYPE", kinds[name])
        await craft.pilot.write("FENCE_ENABLE", 1.0)
        with pytest.raises(UploadMismatch, match=name):
            await load(craft, 150.0)
        assert await craft.pilot.read("FENCE_TYPE") == kinds[name]

    played(DRONES["dronekit"], story)


@pytest.mark.slow
def test_a_step_may_have_a_radius_of_its_own(make: CraftMaker) -> None:
    async def story(craft: Craft) -> None:
        items = list(craft.plan.mission.items)
        items[1] = replace(items[1], acceptance_radius_m=1.5)
        plan = replace(craft.plan, mission=replace(craft.plan.mission, items=tuple(items)))
        await craft.pilot.upload(prove(plan, craft.asset), [a_fence()])

    played(make, story)
