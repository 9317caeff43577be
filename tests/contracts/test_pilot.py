"""The contract of `Pilot`, on every adapter."""

import asyncio
import math
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import LinkLost, PlanUnreadable, StartRefused, UploadMismatch, VehicleUnreachable
from geo.positions import Altitude, Datum
from missions.model import Plan, Progress, RallyPoint
from missions.proving.proof import ProvenPlan, prove
from sim.failures import Failure, FailureKind
from sim.vehicle_truth import VehicleTruth
from tests.builders import a_place
from tests.missions.flying import (
    CRAFTS,
    DRONES,
    HEIGHT_M,
    ROVERS,
    Craft,
    CraftMaker,
    Settings,
)

DEADLINE_S = 20.0
ALL = {**CRAFTS, **ROVERS}


@pytest.fixture(params=sorted(ALL))
def make(request: pytest.FixtureRequest) -> CraftMaker:
    return ALL[request.param]


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


def test_lands_where_it_is(make: CraftMaker) -> None:
    async def story() -> tuple[Progress, float, VehicleTruth]:
        async with make() as craft:
            await begin(craft)
            async with aclosing(craft.pilot.progress()) as steps:
                last: Progress = await anext(steps)
                while last.reached < 1:
                    last = await anext(steps)
                await craft.clock.sleep_until(craft.clock.now() + timedelta(seconds=2))
                await craft.pilot.land()
                await craft.pilot.land()  # a second call does nothing
                async for progress in steps:
                    last = progress
                truth = craft.vehicle.truth_at(craft.vehicle.simulated_now())
                home = math.hypot(truth.east_m, truth.north_m)
                return last, home, truth

    last, from_home_m, truth = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert last.ended
    assert not last.returning
    assert last.reached < last.total
    assert from_home_m > 5.0
    assert truth.height_m < 3.0  # of the lens: that of a car is on its roof


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


# --- what returns count on; cars have no rally points and no autopilot that returns ---


def with_rally(plan: Plan, *places: tuple[float, float], up_m: float = 0.0) -> Plan:
    return replace(plan, rally=tuple(RallyPoint(a_place(*place, up_m)) for place in places))


def proven(craft: Craft, plan: Plan) -> ProvenPlan:
    return prove(plan, craft.asset)


async def returned_from_the_first_corner(craft: Craft) -> list[VehicleTruth]:
    """Starts what was uploaded, orders a return 40 m north of home, and says where it was."""
    await craft.pilot.arm()
    await craft.pilot.start()
    started_at = craft.vehicle.simulated_now()
    async with aclosing(craft.pilot.progress()) as steps:
        async for progress in steps:
            if progress.reached >= 2 and not progress.returning:
                await craft.pilot.return_to_launch()
    ended_at = craft.vehicle.simulated_now()
    count = int((ended_at - started_at) / timedelta(seconds=0.5))
    instants = [ended_at - timedelta(seconds=0.5 * k) for k in range(count)]
    return [craft.vehicle.truth_at(at) for at in instants]


def test_a_return_goes_to_the_nearest_rally_point_at_the_proven_height(
    make_drone: CraftMaker,
) -> None:
    async def story() -> list[VehicleTruth]:
        async with make_drone() as craft:
            # a rally point on a roof: PX4 would return that much higher than was proven
            plan = with_rally(craft.plan, (-60, 0), (5, 52), up_m=20.0)
            await craft.pilot.upload(proven(craft, plan))
            return await returned_from_the_first_corner(craft)

    truths = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert math.dist((truths[0].east_m, truths[0].north_m), (5, 52)) < 2.0
    assert max(truth.height_m for truth in truths) < HEIGHT_M + 1.0


def test_rally_points_of_the_flight_before_are_cleared(make_drone: CraftMaker) -> None:
    async def story() -> list[VehicleTruth]:
        async with make_drone() as craft:
            await craft.pilot.upload(proven(craft, with_rally(craft.plan, (5, 52))))
            await craft.pilot.upload(craft.proven)
            return await returned_from_the_first_corner(craft)

    truths = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert math.hypot(truths[0].east_m, truths[0].north_m) < 2.0


def uploaded(
    make: CraftMaker, *failures: Failure, rally: bool = True, astray: bool = False
) -> tuple[dict[str, float], Settings]:
    """Uploads a plan to a vehicle and says what it holds then of what returns count on."""

    async def story() -> tuple[dict[str, float], Settings]:
        async with make() as craft:
            settings = craft.settings
            for name, value in settings.astray.items() if astray else [settings.will_do]:
                await craft.pilot.write(name, value)
            await craft.pilot.upload(proven(craft, with_rally(craft.plan, (0, 30), (30, 30))))
            for failure in failures:
                craft.vehicle.fail(failure)
            plan = with_rally(craft.plan, (9, 52), (5, 52)) if rally else craft.plan
            await craft.pilot.upload(proven(craft, plan))
            return {name: await craft.pilot.read(name) for name in settings.mended}, settings

    return asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


@pytest.mark.parametrize(
    ("kind", "rally"),
    [
        (FailureKind.RALLY_DROPPED, True),
        (FailureKind.RALLY_KEPT, True),
        (FailureKind.RALLY_KEPT, False),
    ],
)
def test_a_vehicle_with_other_rally_points_is_not_trusted(
    make_drone: CraftMaker, kind: FailureKind, rally: bool
) -> None:
    with pytest.raises(UploadMismatch):
        uploaded(make_drone, Failure(kind), rally=rally)


@pytest.mark.parametrize("rally", [True, False])
def test_returns_go_straight_to_the_nearest_after_an_upload(
    make_drone: CraftMaker, rally: bool
) -> None:
    held, settings = uploaded(make_drone, rally=rally, astray=True)
    assert held == settings.mended


def test_what_already_does_is_left_alone(make_drone: CraftMaker) -> None:
    held, settings = uploaded(make_drone)
    assert held[settings.will_do[0]] == settings.will_do[1]


@pytest.mark.parametrize("which", [0, -1], ids=["where to", "how high"])
def test_a_return_that_can_not_be_set_is_not_trusted(make_drone: CraftMaker, which: int) -> None:
    async def story() -> None:
        async with make_drone() as craft:
            name, value = list(craft.settings.astray.items())[which]
            await craft.pilot.write(name, value)
            craft.vehicle.fail(Failure(FailureKind.PARAMETER_KEPT, text=name))
            with pytest.raises(UploadMismatch, match=name):
                await craft.pilot.upload(craft.proven)

    asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


def test_a_return_height_that_no_autopilot_holds_is_refused(make_drone: CraftMaker) -> None:
    async def story() -> None:
        async with make_drone() as craft:
            plan = replace(craft.plan, return_altitude=Altitude(HEIGHT_M, Datum.GROUND))
            await craft.pilot.upload(proven(craft, plan))

    with pytest.raises(PlanUnreadable, match="return height"):
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


def test_a_deaf_vehicle_takes_no_upload(make_drone: CraftMaker) -> None:
    async def story() -> None:
        async with make_drone(silence_s=10.0) as craft:
            craft.vehicle.cut_link()
            await craft.pilot.upload(craft.proven)

    with pytest.raises(VehicleUnreachable):
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
