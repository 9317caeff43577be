"""An aircraft that asks before it arms, over a real wire: yes, no, silence, and strange answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import ArmingDenied
from core.ids import AssetId
from missions.adapters.mavsdk_arm_auth import AUTHORISER_ID, answering
from missions.adapters.mavsdk_pilot import Deadlines, MavsdkPilot
from missions.failsafes.authorisation import ArmDecision, Denial
from sim.arm_authorisation import ArmAuthorisation, Permit
from sim.clock import ScaledClock
from sim.mavlink_vehicle import MavlinkVehicle, free_udp_port
from telemetry.adapters.mavsdk_system import open_system
from tests.builders import NOW
from tests.missions.flying import SPEED, asset, sim_craft

DEADLINE_S = 20.0
YES = ArmDecision(True, "sortie s-1 may start", 30)
NO = ArmDecision(False, "the sky is cleared", denial=Denial.AIRSPACE_IN_USE)


class Answers:
    """An authoriser whose answer is set by the test."""

    def __init__(self, decision: ArmDecision, wait_s: float = 0.0) -> None:
        self.decision, self.wait_s = decision, wait_s
        self.asked: list[AssetId] = []

    async def decide(self, asset_id: AssetId) -> ArmDecision:
        self.asked.append(asset_id)
        await asyncio.sleep(self.wait_s)
        return self.decision


@asynccontextmanager
async def asking(authoriser: Answers | None, *, method: int = 0) -> AsyncIterator[MavsdkPilot]:
    clock, port = ScaledClock(NOW, SPEED), free_udp_port()
    arm_s = 20.0 if authoriser is not None and authoriser.decision.allowed else 2.0
    deadlines = replace(Deadlines(mode_s=0.6).at_speed(SPEED), arm_s=arm_s)
    with MavlinkVehicle(asset(), clock=clock, port=port, seed=1) as vehicle:
        url = f"udpin://127.0.0.1:{port}"
        async with (
            open_system(url, clock, silence_limit_s=4.0 * SPEED) as system,
            answering(system, AssetId("drone-1"), authoriser),
        ):
            pilot = MavsdkPilot(system, deadlines)
            if method:
                await pilot.write("COM_ARM_AUTH_MET", float(method))
            await pilot.write("COM_ARM_AUTH_ID", float(AUTHORISER_ID))
            await pilot.write("COM_ARM_AUTH_TO", 0.3)
            await pilot.write("COM_ARM_AUTH_REQ", 1.0)
            await system.wait_for(lambda: vehicle.simulated_now() > NOW + POSITION, 10.0 * SPEED)
            yield pilot


POSITION = timedelta(seconds=6)


def armed(authoriser: Answers | None, *, method: int = 0) -> None:
    async def story() -> None:
        async with asking(authoriser, method=method) as pilot:
            await pilot.arm()

    asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


@pytest.mark.parametrize("method", [0, 1], ids=["one step", "two steps"])
def test_a_yes_lets_it_arm(method: int) -> None:
    authoriser = Answers(YES)
    armed(authoriser, method=method)
    assert authoriser.asked == [AssetId("drone-1")]


def test_a_no_is_told_with_its_reason() -> None:
    with pytest.raises(ArmingDenied, match="Denied because airspace is in use"):
        armed(Answers(NO))


@pytest.mark.parametrize(
    "authoriser", [None, Answers(YES, wait_s=60.0)], ids=["nobody listens", "it thinks too long"]
)
def test_silence_is_a_no(authoriser: Answers | None) -> None:
    with pytest.raises(ArmingDenied, match="Arm auth: No response"):
        armed(authoriser)


def test_without_a_wire_nobody_can_be_asked() -> None:
    async def story() -> None:
        async with sim_craft() as craft:
            await craft.pilot.write("COM_ARM_AUTH_REQ", 1.0)
            await craft.pilot.arm()

    with pytest.raises(ArmingDenied, match="No response"):
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


def test_a_yes_ends_and_a_late_answer_counts_for_nothing() -> None:
    one = ArmAuthorisation()
    assert one.hear(0, 0, 30, 0.0) == ""  # nobody had asked
    assert not one.approved(0.0)
    assert one.order(0.0, method=0, timeout_s=1.0) == (Permit.WAIT, True)
    assert one.order(0.5, method=0, timeout_s=1.0) == (Permit.WAIT, False)
    assert one.idle(1.5) == "Arm auth: No response"
    assert one.hear(0, 0, 30, 1.6) == ""
    assert not one.approved(1.6)
    assert one.order(2.0, method=0, timeout_s=1.0) == (Permit.WAIT, True)
    assert one.hear(0, 0, 30, 2.5) == "Arm auth: Authorized for the next 30 seconds"
    assert one.order(30.0, method=0, timeout_s=1.0) == (Permit.GIVEN, False)
    assert not one.approved(33.0)
    assert one.order(33.0, method=1, timeout_s=1.0) == (Permit.LATER, True)
    for result, reason, words in ((2, 4, "airspace"), (2, 1, ""), (3, 0, "Denied"), (1, 0, "Temp")):
        fresh = ArmAuthorisation()
        fresh.order(0.0, method=0, timeout_s=1.0)
        assert words in fresh.hear(result, reason, 0, 0.1)
        assert not fresh.approved(0.2)
        assert not fresh.waiting
