import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from core.errors import IllegalMove, PlanUnsafe
from core.ids import AssetId, UserId, ZoneId
from geo.positions import Altitude, Datum
from geo.zones import ZoneKind
from missions.circumstances import Circumstances
from missions.executor import SortieCommands, authorise, fly_sortie, new_sortie
from missions.model import RallyPoint, Severity, Sortie, SortieState
from missions.proving.checks import check_plan
from missions.proving.proof import ProvenPlan, digest_of, prove
from sim.failures import Failure, FailureKind
from tests.builders import NOW, a_place, a_square, an_asset
from tests.missions.flying import CRAFTS, DRONES, Craft, CraftMaker, a_fence, a_short_plan

PILOT = UserId("pilot-1")
DEADLINE_S = 20.0
S = SortieState


async def fly(
    craft: Craft,
    on_change: Callable[[Sortie], None] = lambda sortie: None,
    commands: SortieCommands | None = None,
) -> Sortie:
    sortie = authorise(new_sortie(craft.plan), craft.asset, PILOT, craft.clock.now())
    drone = craft.pilot if craft.arms else None
    return await fly_sortie(
        sortie, craft.pilot, drone, drone, craft.clock, on_change, commands, asset=craft.asset
    )


def flown(make: CraftMaker, *failures: Failure, silence_s: float = 60.0) -> Sortie:
    async def story() -> Sortie:
        async with make(*failures, silence_s=silence_s) as craft:
            return await fly(craft)

    return asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


SCHOOL = a_fence(
    10.0, zone_id=ZoneId("school"), name="school", kind=ZoneKind.EXCLUSION,
    area=a_square(20, 40, 5),
)  # fmt: skip
UNSAFE = a_short_plan(fences=(a_fence(), SCHOOL))


def test_an_error_finding_keeps_the_plan_on_the_ground() -> None:
    with pytest.raises(PlanUnsafe, match="leg_excluded"):
        authorise(new_sortie(UNSAFE), an_asset(), PILOT, NOW)


def test_a_warning_does_not() -> None:
    plan = a_short_plan(fences=())
    assert {finding.severity for finding in check_plan(plan, an_asset())} == {Severity.WARNING}
    sortie = authorise(new_sortie(plan), an_asset(), PILOT, NOW)
    assert sortie.state is S.AUTHORISED
    assert sortie.authorised_by == PILOT
    with pytest.raises(IllegalMove):
        authorise(sortie, an_asset(), PILOT, NOW)


def test_a_plan_is_authorised_for_its_own_asset_alone() -> None:
    with pytest.raises(PlanUnsafe, match="not for drone-2"):
        authorise(new_sortie(a_short_plan()), an_asset(asset_id=AssetId("drone-2")), PILOT, NOW)


def test_circumstances_count_when_it_is_authorised() -> None:
    banned = Circumstances(departs_at=NOW, permissions=())
    with pytest.raises(PlanUnsafe, match="permission_missing"):
        authorise(new_sortie(a_short_plan()), an_asset(), PILOT, NOW, banned)


AUTHORISED = authorise(new_sortie(a_short_plan()), an_asset(), PILOT, NOW)
FORGED: dict[str, Sortie] = {
    "made authorised by hand": replace(new_sortie(UNSAFE), state=S.AUTHORISED),
    "its plan swapped after the proof": replace(AUTHORISED, plan=UNSAFE),
    "a height changed after the proof": replace(
        AUTHORISED, plan=replace(AUTHORISED.plan, return_altitude=Altitude(90.0, Datum.HOME))
    ),
    "a zone left out after the proof": replace(
        AUTHORISED, plan=replace(AUTHORISED.plan, fences=())
    ),
    "a seal made up": replace(AUTHORISED, proof="0" * 64 + "." + "0" * 64),
    "the seal of another plan": replace(
        AUTHORISED,
        proof=authorise(new_sortie(a_short_plan(fences=())), an_asset(), PILOT, NOW).proof,
    ),
}


@pytest.mark.parametrize("how", sorted(FORGED))
@pytest.mark.parametrize("name", sorted(CRAFTS))
def test_nothing_unproven_reaches_a_vehicle(name: str, how: str) -> None:
    reached: list[object] = []

    async def story() -> None:
        async with CRAFTS[name]() as craft:
            pilot = craft.pilot
            upload = pilot.upload

            async def told(proven: ProvenPlan) -> None:
                reached.append(proven)
                await upload(proven)

            pilot.upload = told
            drone = pilot if craft.arms else None
            await fly_sortie(
                FORGED[how], pilot, drone, drone, craft.clock, reached.append, asset=craft.asset
            )

    with pytest.raises(PlanUnsafe) as caught:
        asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert caught.value.code == "plan_unsafe"
    assert reached == []


def test_what_a_pilot_takes_can_only_be_made_by_the_proof() -> None:
    with pytest.raises(PlanUnsafe):
        ProvenPlan(a_short_plan(), "")
    proven = prove(a_short_plan(), an_asset())
    with pytest.raises(PlanUnsafe):
        replace(proven, plan=UNSAFE)
    with pytest.raises(PlanUnsafe, match="leg_excluded"):
        prove(UNSAFE, an_asset())
    assert proven.is_for(an_asset())
    assert not proven.is_for(an_asset(acceptance_radius_m=8.0))


def test_a_digest_sees_every_corner() -> None:
    assert digest_of(a_short_plan()) == digest_of(a_short_plan())
    one = a_fence(area=a_square(0, 0, 150.0))
    other = a_fence(area=a_square(0, 0, 150.001))
    assert digest_of(a_short_plan(fences=(one,))) != digest_of(a_short_plan(fences=(other,)))


def test_nobody_flies_what_nobody_released() -> None:
    async def story() -> None:
        async with CRAFTS["sim"]() as craft:
            await fly_sortie(
                new_sortie(craft.plan), craft.pilot, None, None, craft.clock, lambda _: None,
                asset=craft.asset,
            )  # fmt: skip

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
    "parameter_kept": (
        Failure(FailureKind.PARAMETER_KEPT, text="RTL_RETURN_ALT"), "upload_mismatch",
    ),
    "transfer_nak": (Failure(FailureKind.TRANSFER_NAK, code=4), "upload_mismatch"),
    "silent": (Failure(FailureKind.SILENT, from_s=12.0), "link_lost"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(FAILED))
def test_what_goes_wrong_is_a_state_with_a_code(case: str) -> None:
    failure, code = FAILED[case]
    sortie = flown(CRAFTS["sim"], failure, silence_s=10.0)
    assert (sortie.state, sortie.reason_code) == (S.FAILED, code)
    assert sortie.ended_at is not None
    assert sortie.events[-1].state is S.FAILED
    assert sortie.events[-1].text


@pytest.mark.parametrize("name", sorted(DRONES))
def test_nothing_is_armed_before_the_rally_points_are_confirmed(name: str) -> None:
    armed: list[str] = []

    async def story() -> Sortie:
        async with DRONES[name](Failure(FailureKind.RALLY_DROPPED)) as craft:
            pilot = craft.pilot

            async def told() -> None:
                armed.append(name)

            pilot.arm = pilot.start = told
            plan = replace(craft.plan, rally=(RallyPoint(a_place(0, 60, 0)),))
            sortie = authorise(new_sortie(plan), craft.asset, PILOT, craft.clock.now())
            return await fly_sortie(
                sortie, pilot, pilot, pilot, craft.clock, lambda _: None, asset=craft.asset
            )

    ended = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert (ended.state, ended.reason_code) == (S.FAILED, "upload_mismatch")
    assert armed == []


def test_a_reason_stands_until_it_goes_on_and_with_its_end() -> None:
    changes: list[Sortie] = []

    async def story() -> Sortie:
        commands = SortieCommands()

        def on_change(sortie: Sortie) -> None:
            changes.append(sortie)
            text = sortie.events[-1].text
            if sortie.state is S.UNDERWAY and text == "started":
                commands.hold(reason_code="zone_appeared", text="a fire")
            elif sortie.state is S.HOLDING and sortie.reason_code == "zone_appeared":
                commands.resume(PILOT)
            elif sortie.state is S.UNDERWAY and text == "resumed":
                commands.bring_home(PILOT, reason_code="retasked")

        async with CRAFTS["sim"]() as craft:
            return await fly(craft, on_change, commands)

    ended = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert (ended.state, ended.reason_code) == (S.ABORTED, "retasked")
    assert any(event.text == "holding: a fire" for event in ended.events)
    resumed = next(one for one in changes if one.events[-1].text == "resumed")
    assert resumed.reason_code == ""


ABORTED = {
    "disarms_in_flight": (
        Failure(FailureKind.DISARMS_IN_FLIGHT, from_s=8.0), "ended_early", "motors stopped",
    ),
    "rtl_by_itself": (
        Failure(FailureKind.RTL_BY_ITSELF, from_s=8.0), "returned_by_itself", "Failsafe",
    ),
    "battery_falls": (
        Failure(FailureKind.BATTERY_FALLS, fraction=0.12), "low_battery", "Low battery",
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
        pytest.param(
            Failure(FailureKind.ACK_LOST, command=ARM, times=1),
            marks=pytest.mark.slow,
            id="arm ack lost",
        ),
        pytest.param(Failure(FailureKind.ACK_LOST, command=SET_MODE, times=1), id="mode ack lost"),
        pytest.param(
            Failure(FailureKind.PACKETS_LOST, fraction=0.05),
            marks=pytest.mark.slow,
            id="packets lost",
        ),
    ],
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


def test_a_fence_without_home_is_refused_before_anything_is_sent() -> None:
    # that the vehicle itself would say so is in tests/contracts/test_fence.py
    plan = a_short_plan(fences=(a_fence(50.0, 300.0),))
    with pytest.raises(PlanUnsafe, match="home_outside"):
        authorise(new_sortie(plan), an_asset(), PILOT, NOW)


@pytest.mark.parametrize("name", sorted(DRONES))
def test_what_the_fence_can_not_carry_is_in_the_sorties_log(name: str) -> None:
    async def story() -> Sortie:
        async with DRONES[name]() as craft:
            high = a_fence(ceiling=Altitude(300.0, Datum.HOME))
            plan = replace(craft.plan, fences=(high,))
            sortie = authorise(new_sortie(plan), craft.asset, PILOT, craft.clock.now())
            pilot = craft.pilot
            return await fly_sortie(
                sortie, pilot, pilot, pilot, craft.clock, lambda _: None, asset=craft.asset
            )

    ended = asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
    assert ended.state is S.COMPLETED
    assert any("live monitor" in event.text for event in ended.events)
