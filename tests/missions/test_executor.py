import asyncio
from collections.abc import Callable

import pytest

from core.errors import IllegalMove, PlanUnsafe
from core.ids import UserId
from missions.executor import SortieCommands, authorise, fly_sortie, new_sortie
from missions.model import Finding, Severity, Sortie, SortieState
from sim.failures import Failure, FailureKind
from tests.builders import NOW
from tests.missions.flying import CRAFTS, DRONES, Craft, CraftMaker, a_fence, a_short_plan

PILOT = UserId("pilot-1")
DEADLINE_S = 20.0
S = SortieState


async def fly(
    craft: Craft,
    on_change: Callable[[Sortie], None] = lambda sortie: None,
    commands: SortieCommands | None = None,
) -> Sortie:
    sortie = authorise(new_sortie(craft.plan), (), PILOT, craft.clock.now())
    drone = craft.pilot if craft.arms else None
    return await fly_sortie(sortie, craft.pilot, drone, drone, craft.clock, on_change, commands)


def flown(make: CraftMaker, *failures: Failure, silence_s: float = 60.0) -> Sortie:
    async def story() -> Sortie:
        async with make(*failures, silence_s=silence_s) as craft:
            return await fly(craft)

    return asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


def test_an_error_finding_keeps_the_plan_on_the_ground() -> None:
    findings = [
        Finding(Severity.WARNING, "endurance_tight", "close"),
        Finding(Severity.ERROR, "leg_excluded", "the way to step 2 enters the school"),
    ]
    with pytest.raises(PlanUnsafe, match="leg_excluded"):
        authorise(new_sortie(a_short_plan()), findings, PILOT, NOW)


def test_a_warning_does_not() -> None:
    sortie = authorise(
        new_sortie(a_short_plan()), [Finding(Severity.WARNING, "no_fence", "")], PILOT, NOW
    )
    assert sortie.state is S.AUTHORISED
    assert sortie.authorised_by == PILOT
    with pytest.raises(IllegalMove):
        authorise(sortie, (), PILOT, NOW)


def test_nobody_flies_what_nobody_released() -> None:
    async def story() -> None:
        async with CRAFTS["sim"]() as craft:
            await fly_sortie(
                new_sortie(craft.plan), craft.pilot, None, None, craft.clock, lambda sortie: None
            )

    with pytest.raises(IllegalMove):
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


@pytest.mark.parametrize("name", sorted(CRAFTS))
def test_a_sortie_ends_as_planned(name: str) -> None:
    async def story() -> tuple[Sortie, list[Sortie]]:
        changes: list[Sortie] = []
        async with CRAFTS[name]() as craft:
            return await fly(craft, changes.append), changes

    sortie, changes = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert sortie.state is S.COMPLETED
    assert sortie.reason_code == ""
    assert sortie.progress is not None
    assert sortie.progress.reached == sortie.progress.total
    assert sortie.started_at is not None
    assert sortie.ended_at is not None
    assert sortie.started_at < sortie.ended_at
    versions = [change.version for change in changes]
    assert versions == sorted(set(versions))
    assert changes[-1] == sortie
    states = list(dict.fromkeys(change.state for change in changes))
    flight = [S.RETURNING] if name != "car" else []
    assert states == [S.AUTHORISED, S.UNDERWAY, *flight, S.COMPLETED]


@pytest.mark.parametrize("name", sorted(CRAFTS))
def test_orders_are_carried_out(name: str) -> None:
    async def story() -> Sortie:
        commands = SortieCommands()

        def on_change(sortie: Sortie) -> None:
            if sortie.state is S.HOLDING:
                commands.resume(PILOT)
            elif sortie.state is S.UNDERWAY and sortie.events[-1].text == "started":
                commands.hold(PILOT)
            elif sortie.state is S.UNDERWAY and sortie.events[-1].text == "resumed":
                commands.bring_home(PILOT)

        async with CRAFTS[name]() as craft:
            return await fly(craft, on_change, commands)

    sortie = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert sortie.state is S.ABORTED
    assert sortie.reason_code == "returned_on_order"
    told = [event.state for event in sortie.events if event.by == PILOT]
    assert told[-3:] == [S.HOLDING, S.UNDERWAY, S.RETURNING]


FAILED = {
    "arming_denied": (Failure(FailureKind.ARMING_DENIED), "arming_denied"),
    "mode_ack_lies": (Failure(FailureKind.MODE_ACK_LIES), "start_refused"),
    "readback_differs": (Failure(FailureKind.READBACK_DIFFERS, seq=1), "upload_mismatch"),
    "fence_dropped": (Failure(FailureKind.FENCE_DROPPED), "upload_mismatch"),
    "transfer_nak": (Failure(FailureKind.TRANSFER_NAK, code=4), "upload_mismatch"),
    "silent": (Failure(FailureKind.SILENT, from_s=12.0), "link_lost"),
}


@pytest.mark.parametrize("case", sorted(FAILED))
def test_what_goes_wrong_is_a_state_with_a_code(case: str) -> None:
    failure, code = FAILED[case]
    sortie = flown(CRAFTS["sim"], failure, silence_s=10.0)
    assert (sortie.state, sortie.reason_code) == (S.FAILED, code)
    assert sortie.ended_at is not None
    assert sortie.events[-1].state is S.FAILED
    assert sortie.events[-1].text


ABORTED = {
    "disarms_in_flight": (
        Failure(FailureKind.DISARMS_IN_FLIGHT, from_s=8.0), "ended_early", "motors stopped",
    ),
    "rtl_by_itself": (
        Failure(FailureKind.RTL_BY_ITSELF, from_s=8.0), "returned_by_itself", "Failsafe",
    ),
    "battery_falls": (
        Failure(FailureKind.BATTERY_FALLS, fraction=0.12), "returned_by_itself", "Low battery",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(DRONES))
@pytest.mark.parametrize("case", sorted(ABORTED))
def test_what_the_vehicle_does_by_itself_is_told(case: str, name: str) -> None:
    failure, code, words = ABORTED[case]
    sortie = flown(DRONES[name], failure)
    assert (sortie.state, sortie.reason_code) == (S.ABORTED, code)
    assert any(words in event.text for event in sortie.events)


def test_a_udp_link_cut_in_flight_fails_the_sortie_with_its_reason() -> None:
    async def story() -> Sortie:
        async with CRAFTS["mavsdk"](silence_s=10.0) as craft:

            def on_change(sortie: Sortie) -> None:
                if sortie.progress is not None and sortie.progress.reached == 1:
                    craft.vehicle.cut_link()

            return await fly(craft, on_change)

    sortie = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert (sortie.state, sortie.reason_code) == (S.FAILED, "link_lost")
    assert sortie.progress is not None
    assert sortie.progress.reached >= 1


ARM, SET_MODE = 400, 176


@pytest.mark.parametrize(
    "failure",
    [
        Failure(FailureKind.ACK_LOST, command=ARM, times=1),
        Failure(FailureKind.ACK_LOST, command=SET_MODE, times=1),
        Failure(FailureKind.PACKETS_LOST, fraction=0.05),
    ],
    ids=["arm ack lost", "mode ack lost", "packets lost"],
)
def test_a_bad_link_is_endured(failure: Failure) -> None:
    async def story() -> Sortie:
        async with CRAFTS["mavsdk"](failure) as craft:
            commands = SortieCommands()

            def on_change(sortie: Sortie) -> None:
                if sortie.state is S.UNDERWAY and sortie.events[-1].text == "started":
                    commands.bring_home()

            return await fly(craft, on_change, commands)

    sortie = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert (sortie.state, sortie.reason_code) == (S.ABORTED, "returned_on_order")


def test_a_cancelled_flight_is_called_home() -> None:
    async def story() -> list[Sortie]:
        changes: list[Sortie] = []
        async with CRAFTS["sim"]() as craft:
            started = asyncio.Event()

            def on_change(sortie: Sortie) -> None:
                changes.append(sortie)
                if sortie.state is S.UNDERWAY:
                    started.set()

            task = asyncio.ensure_future(fly(craft, on_change))
            await started.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()
            assert craft.vehicle.autopilot.mode == "return"
        return changes

    changes = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert (changes[-1].state, changes[-1].reason_code) == (S.ABORTED, "cancelled")


def test_a_fence_without_home_fails_before_anything_flies() -> None:
    async def story() -> Sortie:
        async with CRAFTS["sim"]() as craft:
            craft.plan = a_short_plan(fences=(a_fence(50.0, 300.0),))
            return await fly(craft)

    sortie = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert (sortie.state, sortie.reason_code) == (S.FAILED, "upload_mismatch")
    assert sortie.started_at is None
