"""Events handed to who goes there: asked, refused, silent, moving, on scene, resumed, killed."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.errors import IllegalMove, LeaseHeld, NotSignedIn, StartRefused
from core.ids import AssetId, PatrolId, SortieId, UserId
from missions.adapters.memory_control import MemoryControlStore
from missions.adapters.memory_handoffs import MemoryHandoffStore
from missions.adapters.memory_store import MemoryMissionStore
from missions.control.desk import ControlDesk
from missions.control.records import CommandKind, first_fault
from missions.events import Candidate, Decision, Event, LeftTask, Reason, Task, TaskOutcome
from missions.handoffs.model import Handoff, HandoffState, Occasion, OfferState, OutcomeKind
from missions.model import Plan, Sortie, SortieEvent, SortieState
from sim.clock import ManualClock
from station.handing_off import HandingOff, HandoffPolicy
from telemetry.model import TelemetrySample
from tests.builders import NOW, a_place, a_plan, an_asset
from tests.missions.handing_off import ANNA, BOLAT, a_button, a_point, an_occasion

S = HandoffState
D1, D2 = AssetId("drone-1"), AssetId("drone-2")
POLICY = HandoffPolicy(answer_s=20.0, press_window_s=30.0)


class Fleet:
    """Operations that begin at once; each start is counted by its sortie id."""

    def __init__(self, missions: MemoryMissionStore) -> None:
        self.missions, self.handing = missions, None  # type: ignore[var-annotated]
        self.begun: list[SortieId] = []
        self.busy: dict[AssetId, SortieId] = {}
        self.resumed: list[tuple[PatrolId, AssetId]] = []
        self.refuses: set[AssetId] = set()

    async def go(
        self, plan: Plan, by: UserId, sortie_id: SortieId, *, first_item: int = 0
    ) -> Sortie:
        if plan.asset_id in self.refuses:
            raise StartRefused("mode rejected by the vehicle")
        self.begun.append(sortie_id)
        self.busy[plan.asset_id] = sortie_id
        return self.change(Sortie(sortie_id, plan, SortieState.UNDERWAY, authorised_by=by))

    async def go_on_with(
        self, patrol_id: PatrolId, asset_id: AssetId, by: UserId, sortie_id: SortieId
    ) -> Sortie:
        self.resumed.append((patrol_id, asset_id))
        return await self.go(a_plan(asset_id=asset_id, patrol_id=patrol_id), by, sortie_id)

    def bring_home(self, sortie_id: SortieId, text: str) -> None:
        self.end(sortie_id, f"came home: {text}")

    def sortie_of(self, asset_id: AssetId) -> SortieId | None:
        return self.busy.get(asset_id)

    def end(self, sortie_id: SortieId, why: str) -> None:
        sortie = self.missions.sorties(sortie_id=sortie_id)[-1]
        self.busy.pop(sortie.plan.asset_id)
        events = (SortieEvent(NOW, SortieState.ABORTED, why),)
        self.change(replace(sortie, state=SortieState.ABORTED, events=events, version=9))

    def change(self, sortie: Sortie) -> Sortie:
        self.missions.save_sortie(sortie)
        if self.handing is not None:
            self.handing.sortie_changed(sortie)
        return sortie


class InTurn:
    """Chooses the assets in the order in which they were made."""

    def __init__(self, *asset_ids: AssetId) -> None:
        self.asset_ids, self.left = asset_ids, dict[AssetId, LeftTask]()

    def decide(
        self, occasion: Occasion, *, without: Any = (), only: AssetId | None = None
    ) -> Decision:
        point = occasion.point
        event = Event(occasion.event_id, occasion.kind, point.lat_deg, point.lon_deg, NOW)
        free = [one for one in self.asset_ids if one not in without and only in (None, one)]
        if not free:
            return Decision(event, None, (), "nobody can go: all have been asked")
        chosen = Candidate(
            free[0], True, Reason.CHOSEN, "there in 40 s", 40.0,
            route=((point.lat_deg, point.lon_deg),), plan=a_plan(asset_id=free[0]), first_item=1,
        )  # fmt: skip
        return Decision(event, chosen, (chosen,), "", self.left.get(free[0]))


class Scene:
    """A station's hand-offs over stores that outlive it."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.chain = MemoryControlStore()
        self.store = MemoryHandoffStore(self.chain)
        self.missions = MemoryMissionStore()
        self.chooser = InTurn(D1, D2)
        for asset_id in (D1, D2):
            self.missions.save_asset(an_asset(asset_id=asset_id))
        self.told: list[Handoff] = []
        self.restart()

    def restart(self) -> None:
        """Makes a station anew over what the one before has kept, as after a kill."""
        self.fleet = Fleet(self.missions)
        self.desk = ControlDesk(self.chain, self.clock)
        self.handing = HandingOff(
            self.store, self.missions, self.fleet, self.chooser, self.desk, self.clock,  # type: ignore[arg-type]
            policy=POLICY, on_change=self.told.append,
        )  # fmt: skip
        self.fleet.handing = self.handing

    def wait(self, seconds: float) -> None:
        self.clock.advance_to(self.clock.now() + timedelta(seconds=seconds))

    def now(self) -> Handoff:
        (handoff,) = self.store.handoffs()
        return handoff

    async def shows(self, east: float, speed_m_s: float, asset_id: AssetId = D1) -> Handoff:
        sample = TelemetrySample(
            asset_id, self.clock.now(), a_place(east, 50.0), 0.0, speed_m_s, 0.0
        )
        self.handing.heard(sample)
        await asyncio.sleep(0)
        await self.handing.settled()
        return self.now()

    async def gone(self) -> Handoff:
        """Opens a hand-off and has the first asset go."""
        await self.handing.take_up()
        opened = await self.handing.open(an_occasion(), ANNA)
        await self.handing.accept(opened.handoff_id, BOLAT)
        await self.handing.settled()
        return self.now()


def run(story: Callable[[Scene], Coroutine[Any, Any, None]]) -> Scene:
    scene = Scene()

    async def whole() -> None:
        await asyncio.wait_for(story(scene), 20.0)

    asyncio.run(whole())
    assert first_fault(scene.chain.records()) is None
    return scene


def test_from_the_click_to_the_outcome_in_the_store_and_the_chain() -> None:
    async def story(scene: Scene) -> None:
        handoff = await scene.gone()
        assert (handoff.state, handoff.asset_id) == (S.ACCEPTED, D1)
        assert scene.fleet.begun == [handoff.sortie_id]
        assert (await scene.shows(0.0, 0.0)).state is S.ACCEPTED
        assert (await scene.shows(1.0, 5.0)).state is S.MOVING
        assert (await scene.shows(50.0, 5.0)).state is S.MOVING
        assert (await scene.shows(95.0, 2.0)).state is S.ON_SCENE
        await scene.handing.close(handoff.handoff_id, OutcomeKind.HELPED, "taken home", BOLAT)
        await scene.handing.settled()
        assert scene.fleet.busy == {}

    scene = run(story)
    handoff = scene.now()
    assert (handoff.state, handoff.outcome) == (S.CLOSED, OutcomeKind.HELPED)
    records = [e.record for e in scene.chain.records() if e.record.kind is CommandKind.HAND_OFF]
    assert [record.reason for record in records] == [event.text for event in handoff.events]
    assert {record.by for record in records} == {None, ANNA, BOLAT}
    lease = scene.chain.lease(D1)
    assert lease is not None
    assert lease.holder == BOLAT
    assert [one.version for one in scene.told] == list(range(1, handoff.version + 1))


def test_who_refuses_or_is_silent_is_followed_by_the_next_best_until_nobody_is_left() -> None:
    async def story(scene: Scene) -> None:
        opened = await scene.handing.open(an_occasion())
        after = await scene.handing.refuse(opened.handoff_id, BOLAT, "battery in the charger")
        assert (after.state, after.asset_id) == (S.OFFERED, D2)
        scene.wait(19)
        await scene.handing.turn()
        assert scene.now().asset_id == D2
        scene.wait(1)
        await scene.handing.turn()
        nobody = scene.now()
        assert (nobody.state, nobody.asset_id) == (S.UNANSWERED, None)
        assert [o.state for o in nobody.offers] == [OfferState.REFUSED, OfferState.EXPIRED]
        assert nobody.offers[0].reason == "battery in the charger"
        assert scene.fleet.begun == []
        with pytest.raises(IllegalMove):
            await scene.handing.accept(opened.handoff_id, BOLAT)

    run(story)


def test_a_vehicle_that_will_not_go_or_breaks_off_is_followed_by_the_next_best() -> None:
    async def story(scene: Scene) -> None:
        scene.fleet.refuses = {D1}
        handoff = await scene.gone()
        assert (handoff.state, handoff.asset_id) == (S.OFFERED, D2)
        assert "mode rejected" in handoff.offers[0].reason
        await scene.handing.accept(handoff.handoff_id, BOLAT)
        await scene.handing.settled()
        assert (await scene.shows(1.0, 5.0, D2)).state is S.MOVING
        scene.fleet.end(scene.fleet.begun[-1], "link lost")
        await scene.handing.settled()
        assert scene.now().state is S.UNANSWERED
        assert scene.now().offers[1].state is OfferState.FAILED

    run(story)


def test_an_asset_that_is_asked_for_one_event_is_not_asked_for_another() -> None:
    async def story(scene: Scene) -> None:
        first = await scene.handing.open(an_occasion())
        second = await scene.handing.open(an_occasion(event_id="event-2"))
        assert (first.asset_id, second.asset_id) == (D1, D2)
        third = await scene.handing.open(an_occasion(event_id="event-3"))
        assert third.state is S.UNANSWERED

    scene = Scene()
    asyncio.run(story(scene))


def test_whose_asset_somebody_else_commands_is_told_and_can_take_it_over() -> None:
    async def story(scene: Scene) -> None:
        await scene.desk.take(D1, ANNA)
        opened = await scene.handing.open(an_occasion())
        with pytest.raises(LeaseHeld):
            await scene.handing.accept(opened.handoff_id, BOLAT)
        assert scene.now().state is S.OFFERED
        await scene.desk.take(D1, BOLAT, "going to the SOS")
        await scene.handing.accept(opened.handoff_id, BOLAT)
        await scene.handing.settled()
        assert scene.fleet.begun

    run(story)


@pytest.mark.parametrize("outcome", [TaskOutcome.RESUMED_LATER, TaskOutcome.REASSIGNED])
def test_the_patrol_that_was_left_goes_on_once(outcome: TaskOutcome) -> None:
    by = D2 if outcome is TaskOutcome.REASSIGNED else D1

    async def story(scene: Scene) -> None:
        task = Task("round", patrol_id=PatrolId("patrol-7"))
        scene.chooser.left[D1] = LeftTask(task, outcome, "it is left", by)
        scene.fleet.busy[D1] = SortieId("patrol-sortie")
        handoff = await scene.gone()
        assert handoff.left is not None
        assert handoff.left.sortie_id == "patrol-sortie"
        early = [(PatrolId("patrol-7"), D2)] if outcome is TaskOutcome.REASSIGNED else []
        assert scene.fleet.resumed == early
        await scene.shows(1.0, 5.0)
        await scene.shows(95.0, 2.0)
        await scene.handing.close(handoff.handoff_id, OutcomeKind.NOTHING_FOUND, "", BOLAT)
        await scene.handing.settled()
        assert scene.fleet.resumed == [(PatrolId("patrol-7"), by)]
        assert scene.now().left is not None
        assert scene.now().left.resumed_as == f"{handoff.handoff_id}-left"  # type: ignore[union-attr]

    run(story)


def test_presses_of_a_button_are_one_event_also_all_at_once() -> None:
    async def story(scene: Scene) -> None:
        scene.store.save_button(a_button(key="secret"))
        with pytest.raises(NotSignedIn):
            await scene.handing.press("b-1", "guess")
        with pytest.raises(NotSignedIn):
            await scene.handing.press("b-2", "secret")
        assert scene.store.handoffs() == ()
        pressed = await asyncio.gather(*(scene.handing.press("b-1", "secret") for _ in range(5)))
        assert sorted(new for _, new in pressed) == [False] * 4 + [True]
        assert len({handoff.handoff_id for handoff, _ in pressed}) == 1
        assert scene.now().occasion.point == a_point()
        assert scene.now().asset_id == D1

    run(story)


# --- a station that is killed ---


def test_killed_between_accepting_and_moving_it_goes_on_at_the_next_start_once() -> None:
    async def story(scene: Scene) -> None:
        opened = await scene.handing.open(an_occasion())
        scene.handing._spawn = lambda job, name=None: job.close()  # type: ignore[assignment,method-assign]
        await scene.handing.accept(opened.handoff_id, BOLAT)
        assert scene.fleet.begun == []
        scene.restart()
        assert scene.now().state is S.ACCEPTED
        scene.wait(5)
        await scene.handing.take_up()
        await scene.handing.settled()
        assert scene.fleet.begun == [scene.now().sortie_id]
        assert (await scene.shows(1.0, 5.0)).state is S.MOVING

    run(story)


@pytest.mark.parametrize("moved", [False, True])
def test_what_had_been_begun_is_not_begun_again_but_passed_on(moved: bool) -> None:
    async def story(scene: Scene) -> None:
        await scene.gone()
        if moved:
            await scene.shows(1.0, 5.0)
        scene.restart()
        await scene.handing.take_up()
        await scene.handing.settled()
        assert scene.fleet.begun == []
        handoff = scene.now()
        assert (handoff.state, handoff.asset_id) == (S.OFFERED, D2)
        assert "must be looked at" in handoff.offers[0].reason

    run(story)


def test_what_was_accepted_long_ago_is_not_begun_any_more() -> None:
    async def story(scene: Scene) -> None:
        opened = await scene.handing.open(an_occasion())
        scene.handing._spawn = lambda job, name=None: job.close()  # type: ignore[assignment,method-assign]
        await scene.handing.accept(opened.handoff_id, BOLAT)
        scene.restart()
        scene.wait(POLICY.stale_s + 1)
        await scene.handing.take_up()
        await scene.handing.settled()
        assert scene.fleet.begun == []
        assert scene.now().asset_id == D2

    run(story)
