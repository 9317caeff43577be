"""Hands events to who goes there: asks the best free asset, has it go, follows it to its outcome.

Each step is durable before the next one is taken, and a vehicle is ordered under a sortie id that
follows from the hand-off and the number of its offer: a station that dies in between finds at its
next start what was accepted and whether it was begun, and nothing is begun twice.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from core.clock import Clock
from core.errors import NotFound, QyranError
from core.ids import AssetId, PatrolId, SortieId, UserId, content_id, fresh_id
from missions.control.desk import ControlDesk
from missions.control.records import Answer, CommandDetails, CommandKind, CommandRecord, Outcome
from missions.events import Decision, TaskOutcome
from missions.handoffs import life
from missions.handoffs.model import (
    Handoff,
    HandoffId,
    HandoffState,
    LeftPatrol,
    Occasion,
    OfferState,
    OutcomeKind,
)
from missions.handoffs.moving import is_moving, is_there
from missions.handoffs.ports import HandoffStore
from missions.handoffs.sos import checked_button, press_of
from missions.model import SORTIE_MOVES, Asset, Plan, Sortie, SortieState
from missions.ports import MissionStore
from station.handoff_choice import Chooser
from telemetry.model import TelemetrySample

log = logging.getLogger(__name__)

_S = HandoffState
_ON_THE_WAY = (_S.ACCEPTED, _S.MOVING)


class Goes(Protocol):
    """The part of the station's operations that is needed."""

    async def go(
        self, plan: Plan, by: UserId, sortie_id: SortieId, *, first_item: int = 0
    ) -> Sortie:
        """Has an asset carry out a plan at once, out of what it does where need be."""
        ...

    async def go_on_with(
        self, patrol_id: PatrolId, asset_id: AssetId, by: UserId, sortie_id: SortieId
    ) -> Sortie:
        """Has an asset carry out a patrol, also one that is another asset's."""
        ...

    def bring_home(self, sortie_id: SortieId, text: str) -> None:
        """Has a sortie come home by the station's own order, which asks for no lease."""
        ...

    def sortie_of(self, asset_id: AssetId) -> SortieId | None:
        """Returns the sortie that the asset is on."""
        ...


@dataclass(frozen=True, slots=True)
class HandoffPolicy:
    """What a station has decided about hand-offs."""

    answer_s: float = 20.0
    """How long a crew has to answer before the next best is asked."""
    press_window_s: float = 30.0
    """Presses of a button no longer apart than this are one event."""
    stale_s: float = 120.0
    """After a restart, what was accepted longer ago is not begun any more."""


class HandingOff:
    """The hand-offs of a station; lives on one event loop, `heard` may be called on any thread."""

    def __init__(
        self,
        store: HandoffStore,
        missions: MissionStore,
        operations: Goes,
        chooser: Chooser,
        control: ControlDesk,
        clock: Clock,
        *,
        policy: HandoffPolicy = HandoffPolicy(),
        on_change: Callable[[Handoff], None] = lambda handoff: None,
        every: timedelta = timedelta(milliseconds=500),
    ) -> None:
        """Takes what it works with.

        Args:
            store: keeps them.
            missions: assets, patrols and sorties.
            operations: has assets go.
            chooser: asks the planner.
            control: leases, and the chain of commands.
            clock: the station's clock.
            policy: times.
            on_change: told of every change.
            every: how often it looks who has not answered.
        """
        self._store, self._missions, self._operations = store, missions, operations
        self._chooser, self._control, self._clock = chooser, control, clock
        self._policy, self._on_change, self._every = policy, on_change, every
        self._lock = asyncio.Lock()
        self._going: dict[AssetId, tuple[HandoffId, Asset]] = {}
        """Who is on the way."""
        self._sorties: dict[SortieId, HandoffId] = {}
        self._begun: set[SortieId] = set()
        self._jobs: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    # --- what people and policies ask for ---

    async def open(self, occasion: Occasion, by: UserId | None = None) -> Handoff:
        """Hands an event off and asks the best asset; one event is handed off once."""
        async with self._lock:
            return await self._opened(occasion, by)

    def open_soon(self, occasion: Occasion) -> None:
        """Hands an event off by the station's policy; may be called on any thread."""

        async def quietly() -> None:
            await self.open(occasion)

        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(lambda: self._spawn(quietly()))
            except RuntimeError:
                self._loop = None  # the station ends

    async def press(self, button_id: str, key: str) -> tuple[Handoff, bool]:
        """Takes a press of an SOS button; returns its hand-off and whether that is new.

        Raises:
            NotSignedIn: if there is no such button, or it is not its key.
        """
        found = await asyncio.to_thread(self._store.button, button_id)
        button = checked_button(found, key)
        async with self._lock:
            before = await asyncio.to_thread(self._store.handoffs, button_id=button_id)
            window_s, now = self._policy.press_window_s, self._clock.now()
            called_for = press_of(button, now, before, window_s)
            if isinstance(called_for, Occasion):
                return await self._opened(called_for, None), True
            if called_for.is_open:
                called_for = await self._put(life.told(called_for, "pressed again", now))
            return called_for, False

    async def accept(self, handoff_id: HandoffId, by: UserId) -> Handoff:
        """Accepts for the asset that is asked, takes its lease, and has it go.

        Raises:
            NotFound: if there is no such hand-off.
            IllegalMove: if nobody is asked now, or the time to answer is over.
            LeaseHeld: if somebody else commands the asset.
        """
        async with self._lock:
            handoff = await self._get(handoff_id)
            asset_id = _asked(handoff)
            done = life.accepted(handoff, asset_id, by, self._clock.now())
            await self._control.take(asset_id, by)
            done = await self._put(done)
        self._spawn(self._go(handoff_id))
        return done

    async def refuse(self, handoff_id: HandoffId, by: UserId, reason: str) -> Handoff:
        """Refuses for the asset that is asked, and asks the next best.

        Raises:
            NotFound: if there is no such hand-off.
            BadRequest: if the reason says nothing.
            IllegalMove: if nobody is asked now, or the time to answer is over.
        """
        async with self._lock:
            handoff = await self._get(handoff_id)
            now = self._clock.now()
            done = await self._put(life.refused(handoff, _asked(handoff), by, reason, now))
            return await self._ask(done)

    async def close(
        self, handoff_id: HandoffId, outcome: OutcomeKind, words: str, by: UserId
    ) -> Handoff:
        """Records the outcome; the asset goes home, or on with what it left.

        Raises:
            NotFound: if there is no such hand-off.
            IllegalMove: if its crew has not answered yet, or it has ended.
        """
        async with self._lock:
            handoff = await self._get(handoff_id)
            now = self._clock.now()
            done = await self._put(life.closed(handoff, outcome, words, by, now))
        self._spawn(self._leave_scene(done))
        return done

    async def withdraw(self, handoff_id: HandoffId, by: UserId, reason: str) -> Handoff:
        """Calls it off; an asset on the way comes home.

        Raises:
            NotFound: if there is no such hand-off.
            BadRequest: if the reason says nothing.
            IllegalMove: if it has ended.
        """
        async with self._lock:
            handoff = await self._get(handoff_id)
            done = await self._put(life.withdrawn(handoff, by, reason, self._clock.now()))
        self._spawn(self._leave_scene(done))
        return done

    # --- what vehicles show ---

    def heard(self, sample: TelemetrySample) -> None:
        """Takes a sample; may be called on any thread."""
        if sample.asset_id in self._going and self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._look, sample)
            except RuntimeError:
                self._loop = None  # the station ends

    def sortie_changed(self, sortie: Sortie) -> None:
        """Takes a change of a sortie, on the event loop."""
        handoff_id = self._sorties.get(sortie.sortie_id)
        if handoff_id is None:
            return
        if sortie.state is SortieState.UNDERWAY:
            self._begun.add(sortie.sortie_id)
        elif SORTIE_MOVES.final(sortie.state):
            self._spawn(self._sortie_ended(handoff_id, sortie))

    def _look(self, sample: TelemetrySample) -> None:
        going = self._going.get(sample.asset_id)
        if going is not None and not any(job.get_name() == going[0] for job in self._jobs):
            self._spawn(self._follow(going[0], going[1], sample), name=going[0])

    async def _follow(self, handoff_id: HandoffId, asset: Asset, sample: TelemetrySample) -> None:
        async with self._lock:
            handoff = await self._get(handoff_id)
            now, begun = self._clock.now(), handoff.sortie_id in self._begun
            if handoff.state is _S.ACCEPTED and begun and is_moving(sample):
                handoff = await self._put(life.moving(handoff, now))
            if handoff.state is _S.MOVING and is_there(handoff, asset, sample):
                await self._put(life.on_scene(handoff, now))

    async def _sortie_ended(self, handoff_id: HandoffId, sortie: Sortie) -> None:
        async with self._lock:
            handoff = await self._get(handoff_id)
            if handoff.sortie_id != sortie.sortie_id:
                return
            now, why = self._clock.now(), sortie.events[-1].text
            if handoff.state in _ON_THE_WAY:
                await self._ask(await self._put(life.failed(handoff, why, now)))
            elif handoff.is_open:
                text = f"its sortie has ended: {why}; its outcome is still to be told"
                await self._put(life.told(handoff, text, now))
            else:
                await self._go_on_with_left(handoff)

    # --- over time ---

    async def run(self) -> None:
        """Takes up what an earlier station left, then looks who has not answered in time."""
        self._loop = asyncio.get_running_loop()
        try:
            await self.take_up()
            while True:
                try:
                    await self.turn()
                except Exception:  # one fault must not end all hand-offs in silence
                    log.exception("hand-offs could not be looked at")
                await self._clock.sleep_until(self._clock.now() + self._every)
        finally:
            self._loop = None

    async def turn(self) -> None:
        """Asks the next best where nobody has answered in time."""
        async with self._lock:
            for handoff in await asyncio.to_thread(self._store.handoffs, only_open=True):
                late = life.expired(handoff, self._clock.now())
                if late is not handoff:
                    await self._ask(await self._put(late))

    async def take_up(self) -> None:
        """Goes on with what a station left that has died, and begins nothing twice."""
        self._loop = asyncio.get_running_loop()
        async with self._lock:
            for handoff in await asyncio.to_thread(self._store.handoffs, only_open=True):
                self._note(handoff)
                offer, now = handoff.offer, self._clock.now()
                if handoff.state is _S.OFFERED and (offer is None or _over(offer.state)):
                    await self._ask(handoff)
                elif handoff.state in _ON_THE_WAY and offer is not None:
                    begun = self._missions.sorties(sortie_id=_sortie_id(handoff))
                    since = now - (offer.answered_at or offer.at)
                    if handoff.state is _S.ACCEPTED and not begun and self._fresh(since):
                        self._spawn(self._go(handoff.handoff_id))
                    else:
                        why = "the station stopped; where its vehicle is must be looked at"
                        await self._ask(await self._put(life.failed(handoff, why, now)))

    async def settled(self) -> None:
        """Returns once nothing of it is under way in this process."""
        while self._jobs:
            await asyncio.gather(*self._jobs, return_exceptions=True)

    def _fresh(self, since: timedelta) -> bool:
        return timedelta(0) <= since <= timedelta(seconds=self._policy.stale_s)

    # --- steps; the lock is held but for `_go` and `_leave_scene` ---

    async def _opened(self, occasion: Occasion, by: UserId | None) -> Handoff:
        made = life.opened(HandoffId(fresh_id("handoff")), occasion, self._clock.now(), by)
        kept = await asyncio.to_thread(self._store.add, made, self._record(made))
        if kept is not made:
            return kept
        self._on_change(made)
        return await self._ask(made)

    async def _ask(self, handoff: Handoff) -> Handoff:
        """Offers it to the best asset that has not been asked and is on no other one."""
        others = await asyncio.to_thread(self._store.handoffs, only_open=True)
        taken = {one.asset_id for one in others if one.handoff_id != handoff.handoff_id}
        asked = life.tried(handoff) | taken | {handoff.occasion.caller}
        without = frozenset(one for one in asked if one is not None)
        try:
            decision = await asyncio.to_thread(
                self._chooser.decide, handoff.occasion, without=without
            )
        except QyranError as error:
            log.error("nobody could be chosen", extra={"reason": str(error)})
            return await self._put(life.unanswered(handoff, self._clock.now(), str(error)))
        now = self._clock.now()
        if decision.chosen is None:
            return await self._put(life.unanswered(handoff, now, decision.explanation))
        return await self._put(life.offered(handoff, decision.chosen, now, self._policy.answer_s))

    async def _go(self, handoff_id: HandoffId) -> None:
        """Has the asset that accepted go, by a plan from where it is now."""
        handoff = await self._get(handoff_id)
        offer, by = handoff.offer, None if handoff.offer is None else handoff.offer.by
        if handoff.state is not _S.ACCEPTED or offer is None or by is None:
            return
        try:
            decision = await asyncio.to_thread(
                self._chooser.decide, handoff.occasion, only=offer.asset_id
            )
            chosen = decision.chosen
            if chosen is None or chosen.plan is None:
                raise NotFound(f"it can't go any more: {decision.explanation}")
            left, sortie_id = self._left(decision, offer.asset_id), _sortie_id(handoff)
            async with self._lock:
                handoff = await self._get(handoff_id)
                now = self._clock.now()
                await self._put(life.bound_for(handoff, sortie_id, now, left))
            await self._operations.go(chosen.plan, by, sortie_id, first_item=chosen.first_item)
        except QyranError as error:
            async with self._lock:
                handoff = await self._get(handoff_id)
                if handoff.state is _S.ACCEPTED:
                    now = self._clock.now()
                    await self._ask(await self._put(life.failed(handoff, str(error), now)))
            return
        if left is not None and left.outcome is TaskOutcome.REASSIGNED:
            async with self._lock:
                await self._go_on_with_left(await self._get(handoff_id))

    def _left(self, decision: Decision, asset_id: AssetId) -> LeftPatrol | None:
        left, sortie_id = decision.left_task, self._operations.sortie_of(asset_id)
        if left is None or sortie_id is None:
            return None
        return LeftPatrol(left.task.patrol_id, sortie_id, left.outcome, left.why, left.by)

    async def _leave_scene(self, handoff: Handoff) -> None:
        """Has the asset come home from where it went; what it left goes on once it is free."""
        sortie_id = handoff.sortie_id
        busy = handoff.offer and self._operations.sortie_of(handoff.offer.asset_id)
        if sortie_id is not None and busy == sortie_id:
            try:
                self._operations.bring_home(sortie_id, handoff.events[-1].text)
            except QyranError as error:  # it has just ended
                log.warning("it was not ordered home", extra={"reason": str(error)})
            return
        async with self._lock:
            await self._go_on_with_left(await self._get(handoff.handoff_id))

    async def _go_on_with_left(self, handoff: Handoff) -> None:
        """Begins the patrol again that was left for it, once, by whom the planner chose."""
        left, offer = handoff.left, handoff.offer
        wanted = left is not None and left.outcome is not TaskOutcome.DROPPED
        if left is None or not wanted or left.resumed_as or left.patrol_id is None or not offer:
            return
        asset_id, by = left.by or offer.asset_id, offer.by or UserId("station")
        sortie_id = SortieId(f"{handoff.handoff_id}-left")
        try:
            await self._operations.go_on_with(left.patrol_id, asset_id, by, sortie_id)
        except QyranError as error:
            text = f"the patrol that was left does not go on: {error}"
            await self._put(life.told(handoff, text, self._clock.now()))
            return
        await self._put(life.left_resumed(handoff, sortie_id, self._clock.now()))

    # --- what all share ---

    async def _get(self, handoff_id: HandoffId) -> Handoff:
        return await asyncio.to_thread(self._store.get, handoff_id)

    async def _put(self, handoff: Handoff) -> Handoff:
        await asyncio.to_thread(self._store.replace, handoff, self._record(handoff))
        self._note(handoff)
        self._on_change(handoff)
        return handoff

    def _note(self, handoff: Handoff) -> None:
        """Notes who is on the way, so that what it says and does is looked at."""
        for asset_id, (handoff_id, _) in list(self._going.items()):
            if handoff_id == handoff.handoff_id:
                del self._going[asset_id]
        if handoff.sortie_id is not None:
            self._sorties[handoff.sortie_id] = handoff.handoff_id
        if handoff.state in _ON_THE_WAY and handoff.sortie_id is not None:
            for asset in self._missions.assets():
                if asset.asset_id == handoff.asset_id:
                    self._going[asset.asset_id] = (handoff.handoff_id, asset)

    def _record(self, handoff: Handoff) -> CommandRecord:
        """Returns the newest line of a hand-off as a record of the chain of commands."""
        event = handoff.events[-1]
        return CommandRecord(
            content_id("command", handoff.handoff_id, handoff.version),
            CommandKind.HAND_OFF,
            event.at,
            event.by,
            event.asset_id,
            handoff.sortie_id,
            event.text,
            CommandDetails(reason_code=str(event.state)),
            answer=Answer(Outcome.DONE, words=str(handoff.handoff_id)),
        )

    def _spawn(self, job: Coroutine[Any, Any, None], name: str | None = None) -> None:
        task = asyncio.ensure_future(self._guarded(job))
        if name is not None:
            task.set_name(name)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    @staticmethod
    async def _guarded(job: Coroutine[Any, Any, None]) -> None:
        try:
            await job
        except Exception:  # told in the log; the hand-off stays as it is, for a person
            log.exception("a hand-off could not go on")


def _asked(handoff: Handoff) -> AssetId:
    """Returns who is asked; of one that is not offered the last, for the refusal's words."""
    offer = handoff.offer
    return AssetId("") if offer is None else offer.asset_id


def _over(state: OfferState) -> bool:
    return state not in (OfferState.OPEN, OfferState.ACCEPTED)


def _sortie_id(handoff: Handoff) -> SortieId:
    return SortieId(f"{handoff.handoff_id}-{len(handoff.offers)}")
