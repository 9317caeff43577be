"""The failsafe contract on every aircraft: read, compared, corrected; nothing arms beside it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from core.errors import FailsafesAstray
from core.ids import UserId
from missions.executor import authorise, fly_sortie, new_sortie
from missions.failsafes.contracts import contract_for
from missions.failsafes.guarded_arming import GuardedArming
from missions.failsafes.reading import correct, deviations_of
from missions.model import Autopilot, Sortie, SortieState
from sim.failures import Failure, FailureKind
from tests.missions.flying import DRONES, Craft, CraftMaker

DEADLINE_S = 20.0
LINK_LOSS = {Autopilot.PX4: "NAV_DLL_ACT", Autopilot.ARDUPILOT: "FS_GCS_ENABLE"}
BATTERY = {Autopilot.PX4: "COM_LOW_BAT_ACT", Autopilot.ARDUPILOT: "BATT_FS_LOW_ACT"}


@pytest.fixture(params=sorted(DRONES))
def make(request: pytest.FixtureRequest) -> CraftMaker:
    return DRONES[request.param]


def told(make: CraftMaker, story: Callable[[Craft], Awaitable[None]], *failures: Failure) -> None:
    async def run() -> None:
        async with make(*failures) as craft:
            await story(craft)

    asyncio.run(asyncio.wait_for(run(), DEADLINE_S))


async def fly(craft: Craft) -> Sortie:
    sortie = authorise(new_sortie(craft.plan), craft.asset, UserId("p"), craft.clock.now())
    pilot = craft.pilot
    return await fly_sortie(
        sortie, pilot, pilot, pilot, craft.clock, lambda _: None, asset=craft.asset
    )


def never(craft: Craft) -> None:
    """Fails the test where the vehicle itself is told to arm."""

    async def arm() -> None:
        raise AssertionError("it was told to arm")

    craft.pilot.arm = arm


def test_what_strays_is_told_corrected_and_read_again(make: CraftMaker) -> None:
    async def story(craft: Craft) -> None:
        contract = contract_for(craft.asset)
        assert await deviations_of(craft.pilot, contract) == ()
        link, battery = LINK_LOSS[craft.autopilot], BATTERY[craft.autopilot]
        await craft.pilot.write(link, 0.0)
        await craft.pilot.write(battery, 0.0)
        found = await deviations_of(craft.pilot, contract)
        assert {one.code: one.name for one in found} == {
            "link_loss_action": link, "low_battery_action": battery,
        }  # fmt: skip
        assert all(one.found == 0.0 for one in found)
        (done,) = await correct(craft.pilot, found, ["link_loss_action"])
        assert done.kept
        left = await deviations_of(craft.pilot, contract)
        assert [one.code for one in left] == ["low_battery_action"]

    told(make, story)


def test_beside_its_contract_an_aircraft_is_not_told_to_arm(make: CraftMaker) -> None:
    async def story(craft: Craft) -> None:
        never(craft)
        await craft.pilot.write(LINK_LOSS[craft.autopilot], 0.0)
        with pytest.raises(FailsafesAstray, match=LINK_LOSS[craft.autopilot]):
            await GuardedArming(craft.pilot, contract_for(craft.asset)).arm()
        ended = await fly(craft)
        assert (ended.state, ended.reason_code) == (SortieState.FAILED, "failsafes_astray")

    told(make, story)


def test_a_correction_that_is_not_kept_is_told(make: CraftMaker) -> None:
    async def story(craft: Craft) -> None:
        name = LINK_LOSS[craft.autopilot]
        await craft.pilot.write(name, 0.0)
        craft.vehicle.fail(Failure(FailureKind.PARAMETER_KEPT, text=name))
        found = await deviations_of(craft.pilot, contract_for(craft.asset))
        (done,) = await correct(craft.pilot, found)
        assert not done.kept
        assert name in done.words
        assert await deviations_of(craft.pilot, contract_for(craft.asset)) == found

    told(make, story)
