"""Who is answered yes when an aircraft asks whether it may arm: an authorised sortie, in time."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.documents import from_document, to_document
from core.errors import StoreUnreadable
from core.ids import AssetId, SortieId, UserId
from geo.area_documents import AREAS
from missions.adapters.memory_control import MemoryControlStore
from missions.adapters.memory_permissions import MemoryPermissions
from missions.adapters.memory_store import MemoryMissionStore
from missions.control.desk import ControlDesk
from missions.control.records import CommandKind, Outcome, answered_commands
from missions.executor import authorise, new_sortie
from missions.failsafes.authorisation import (
    ARM_WITHIN,
    VALID_MOST_S,
    ArmDecision,
    Denial,
    decide_arming,
)
from missions.model import Sortie, SortieState
from missions.permissions import Permission
from sim.clock import ManualClock
from station.arm_authority import ArmAuthority
from tests.builders import NOW, a_square, after, an_asset
from tests.missions.flying import a_short_plan

ASSET = an_asset()
PILOT = UserId("pilot-1")
LEAVE = Permission("7", "authority", a_square(0, 0, 900), after(hours=-1), after(hours=5))
SORTIE = authorise(new_sortie(a_short_plan(expected_s=120.0), SortieId("s-1")), ASSET, PILOT, NOW)


def decided(
    sortie: Sortie | None = SORTIE,
    *,
    at: datetime = NOW,
    permissions: tuple[Permission, ...] = (LEAVE,),
    sky: str = "",
) -> ArmDecision:
    return decide_arming(ASSET, sortie, permissions, at, sky_cleared=sky)


def test_an_authorised_sortie_in_its_window_and_permission_may_arm() -> None:
    decision = decided()
    assert (decision.allowed, decision.valid_s) == (True, VALID_MOST_S)
    late = decided(at=NOW + ARM_WITHIN - timedelta(seconds=12.5))
    assert (late.allowed, late.valid_s) == (True, 12)


@pytest.mark.parametrize(
    ("decision", "denial", "words"),
    [
        (decided(None), Denial.GENERIC, "no sortie of ours"),
        (decided(new_sortie(SORTIE.plan)), Denial.GENERIC, "no sortie of ours"),
        (decided(replace(SORTIE, state=SortieState.UNDERWAY)), Denial.GENERIC, "no sortie"),
        (decided(replace(SORTIE, proof="")), Denial.GENERIC, "not the one that was proven"),
        (
            decide_arming(an_asset(cruise_m_s=9.0), SORTIE, (LEAVE,), NOW),
            Denial.GENERIC, "another asset",
        ),
        (decided(sky="a helicopter"), Denial.AIRSPACE_IN_USE, "a helicopter"),
        (decided(at=NOW + ARM_WITHIN), Denial.TIMEOUT, "window is over"),
        (decided(at=after(-1)), Denial.TIMEOUT, "window is over"),
        (decided(permissions=()), Denial.AIRSPACE_IN_USE, "no permission"),
        (
            decided(permissions=(replace(LEAVE, revoked_at=after(-9)),)),
            Denial.AIRSPACE_IN_USE, "no permission",
        ),
        (
            decided(permissions=(replace(LEAVE, valid_until=after(110)),)),
            Denial.AIRSPACE_IN_USE, "for the whole flight",
        ),
        (
            decided(permissions=(replace(LEAVE, asset_ids=(AssetId("drone-2"),)),)),
            Denial.AIRSPACE_IN_USE, "no permission",
        ),
    ],
)  # fmt: skip
def test_everything_else_is_a_no_with_its_reason(
    decision: ArmDecision, denial: Denial, words: str
) -> None:
    assert not decision.allowed
    assert decision.valid_s == 0
    assert decision.denial is denial
    assert words in decision.words


def test_another_permission_than_the_plans_own_does_not_count() -> None:
    plan = a_short_plan(expected_s=120.0, permission="8")
    sortie = authorise(new_sortie(plan), ASSET, PILOT, NOW)
    assert not decided(sortie).allowed
    assert decided(sortie, permissions=(LEAVE, replace(LEAVE, number="8"))).allowed


@given(st.sampled_from(SortieState), st.floats(-900, 1_500), st.booleans(), st.booleans())
def test_no_yes_outlives_its_window(
    state: SortieState, late_s: float, permitted: bool, cleared: bool
) -> None:
    at = after(late_s)
    decision = decided(
        replace(SORTIE, state=state), at=at, permissions=(LEAVE,) if permitted else (),
        sky="x" if cleared else "",
    )  # fmt: skip
    if decision.allowed:
        assert state is SortieState.AUTHORISED
        assert permitted
        assert not cleared
        assert NOW <= at <= at + timedelta(seconds=decision.valid_s) <= NOW + ARM_WITHIN
        assert 1 <= decision.valid_s <= VALID_MOST_S


class Broken(MemoryPermissions):
    def permissions(self) -> tuple[Permission, ...]:
        raise StoreUnreadable("the disk is gone")


def asked(
    permissions: MemoryPermissions, sortie_id: SortieId | None, *, cleared: bool = False
) -> tuple[ArmDecision, MemoryControlStore]:
    store, missions = MemoryControlStore(), MemoryMissionStore()
    missions.save_asset(ASSET)
    missions.save_sortie(SORTIE)

    async def story() -> ArmDecision:
        clock = ManualClock(NOW)
        desk = ControlDesk(store, clock)
        if cleared:
            await desk.clear_sky(PILOT, "hold", "a helicopter is coming in")
        authority = ArmAuthority(missions, permissions, desk, clock, lambda _: sortie_id)
        decision = await authority.decide(ASSET.asset_id)
        await authority.settled()
        return decision

    return asyncio.run(story()), store


def leave() -> MemoryPermissions:
    kept = MemoryPermissions()
    kept.save(LEAVE)
    return kept


def test_the_station_answers_for_the_sortie_that_it_flies_and_writes_it_down() -> None:
    decision, store = asked(leave(), SORTIE.sortie_id)
    assert decision.allowed
    (record,) = answered_commands(store.records())
    assert record.asked.kind is CommandKind.ARM_REQUEST
    assert (record.asked.sortie_id, record.asked.by) == (SORTIE.sortie_id, None)
    assert record.answer.outcome is Outcome.DONE


@pytest.mark.parametrize(
    ("permissions", "sortie_id", "cleared", "code"),
    [
        (leave(), None, False, "arm_generic"),
        (leave(), SORTIE.sortie_id, True, "arm_airspace_in_use"),
        (MemoryPermissions(), SORTIE.sortie_id, False, "arm_airspace_in_use"),
        (Broken(), SORTIE.sortie_id, False, "arm_generic"),
    ],
)
def test_what_it_does_not_know_it_denies(
    permissions: MemoryPermissions, sortie_id: SortieId | None, cleared: bool, code: str
) -> None:
    decision, store = asked(permissions, sortie_id, cleared=cleared)
    assert not decision.allowed
    answer = answered_commands(store.records())[-1].answer
    assert (answer.outcome, answer.code) == (Outcome.REFUSED, code)


def test_what_a_store_gives_back_is_still_the_proven_plan() -> None:
    def kept(value: Any) -> Any:
        document = json.loads(json.dumps(to_document(value, AREAS)))
        return from_document(type(value), document, AREAS)

    asset = kept(ASSET)
    sortie = authorise(new_sortie(SORTIE.plan), asset, PILOT, NOW)
    assert decide_arming(kept(asset), kept(sortie), (LEAVE,), NOW).allowed
