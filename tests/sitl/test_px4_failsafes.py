"""A real PX4 beside its failsafe contract, and when it asks whether it may arm."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from core.errors import ArmingDenied, FailsafesAstray
from core.ids import AssetId
from missions.adapters.mavsdk_arm_auth import AUTHORISER_ID, answering
from missions.adapters.mavsdk_pilot import Deadlines, MavsdkPilot
from missions.failsafes.authorisation import ArmAuthoriser, ArmDecision, Denial
from missions.failsafes.contracts import contract_for
from missions.failsafes.guarded_arming import GuardedArming
from missions.failsafes.reading import correct, deviations_of
from sim.clock import ScaledClock
from telemetry.adapters.mavsdk_system import MavsdkSystem, open_system
from tests.builders import NOW
from tests.missions.flying import a_short_plan, asset
from tests.sitl.px4_vehicle import flying_px4

pytestmark = pytest.mark.sitl

LONGEST_S = 170.0
YES = ArmDecision(True, "sortie s-1 may start", 30)
NO = ArmDecision(False, "the sky is cleared", denial=Denial.AIRSPACE_IN_USE)
READY_S = 25.0
"""In which it settles after its boot: before that it refuses for reasons of its own."""


class Answers:
    def __init__(self, decision: ArmDecision) -> None:
        self.decision = decision
        self.asked = 0

    async def decide(self, asset_id: AssetId) -> ArmDecision:
        self.asked += 1
        return self.decision


@asynccontextmanager
async def px4(**parameters: float) -> AsyncIterator[MavsdkSystem]:
    clock = ScaledClock(NOW, 1.0)
    with flying_px4(**parameters) as url:
        async with open_system(url, clock, silence_limit_s=10.0, connect_s=40.0) as system:
            yield system


def pilot_of(system: MavsdkSystem, arm_s: float = 60.0) -> MavsdkPilot:
    return MavsdkPilot(system, Deadlines(arm_s=arm_s))


def test_as_it_is_shipped_it_strays_and_arms_once_it_is_corrected() -> None:
    async def story() -> None:
        async with px4() as system:
            pilot, contract = pilot_of(system), contract_for(asset(), a_short_plan())
            found = await deviations_of(pilot, contract)
            assert {one.code: one.found for one in found} == {
                "acceptance_radius": 10.0,
                "link_loss_action": 0.0,
                "low_battery_action": 0.0,
                "return_height": 60.0,
            }
            with pytest.raises(FailsafesAstray):
                await GuardedArming(pilot, contract).arm()
            assert not system.state.armed
            assert all(one.kept for one in await correct(pilot, found))
            assert await deviations_of(pilot, contract) == ()
            await GuardedArming(pilot, contract).arm()
            assert system.state.armed

    asyncio.run(asyncio.wait_for(story(), LONGEST_S))


@pytest.mark.parametrize("method", [0, 1], ids=["one step", "two steps"])
def test_it_arms_by_our_yes_and_not_by_our_no(method: int) -> None:
    answers = Answers(NO)

    async def story() -> None:
        async with px4(
            COM_ARM_AUTH_REQ=1, COM_ARM_AUTH_ID=AUTHORISER_ID, COM_ARM_AUTH_MET=method
        ) as system:
            async with answering(system, AssetId("drone-1"), answers):
                await asyncio.sleep(READY_S)
                with pytest.raises(ArmingDenied, match="Denied because airspace is in use"):
                    await pilot_of(system, 6.0).arm()
                assert answers.asked
                answers.decision = YES
                heard = system.state.texts_heard
                await pilot_of(system).arm()
                assert system.state.armed
                assert "Authorized for the next 30 seconds" in system.texts_since(heard)

    asyncio.run(asyncio.wait_for(story(), LONGEST_S))


def test_silence_is_a_no() -> None:
    async def story() -> None:
        nobody: ArmAuthoriser | None = None
        async with px4(COM_ARM_AUTH_REQ=1, COM_ARM_AUTH_ID=AUTHORISER_ID) as system:
            async with answering(system, AssetId("drone-1"), nobody):
                await asyncio.sleep(READY_S)
                with pytest.raises(ArmingDenied, match="Arm auth: No response"):
                    await pilot_of(system, 6.0).arm()

    asyncio.run(asyncio.wait_for(story(), LONGEST_S))
