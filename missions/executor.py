"""Releases and flies a sortie; whatever goes wrong ends in its state and a stable code."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any, cast

from core.clock import Clock
from core.errors import (
    CapabilityMissing,
    FlownByHand,
    IllegalMove,
    LinkLost,
    PlanUnsafe,
    QyranError,
    SkyCleared,
    SortieFailed,
    StartRefused,
)
from core.ids import UserId
from geo.zones import Zone
from missions.authorising import authorise as authorise
from missions.authorising import new_sortie as new_sortie
from missions.control.orders import FollowOn, Order, Ordered, refuse_waiting
from missions.control.orders import SortieCommands as SortieCommands
from missions.control.records import Answer, Outcome, refusal
from missions.failsafes.contracts import contract_for
from missions.failsafes.guarded_arming import GuardedArming
from missions.fence_translation import fence_to_carry
from missions.guiding.orders import HANDS_ON, TAKEN_BACK, carry_out, check_hands, held, leaves
from missions.guiding.ports import Guide
from missions.model import (
    SORTIE_MOVES,
    Asset,
    ItemKind,
    Plan,
    Progress,
    Sortie,
    SortieEvent,
    SortieState,
)
from missions.ports import Armable, FenceLink, Pilot
from missions.proving.proof import ProvenPlan
from missions.retasking import MAY_LEAVE, leave_for

log = logging.getLogger(__name__)

_S = SortieState
RETURNED_ON_ORDER = "returned_on_order"
RETURNED_BY_ITSELF = "returned_by_itself"
ENDED_EARLY = "ended_early"
LANDED_BY_HAND = "landed_by_hand"
CANCELLED = "cancelled"
"""Reason codes of sorties that ended other than as planned, beside those of the errors."""
ZONE_APPEARED = "zone_appeared"
PERMISSION_ENDED = "permission_ended"
LOW_BATTERY = "low_battery"
RETASKED = "retasked"
SKY_CLEARED = "sky_cleared"
"""Reason codes that an order, or what the vehicle says, gives a sortie while it is under way."""


async def fly_sortie(
    sortie: Sortie,
    pilot: Pilot,
    fence_link: FenceLink | None,
    arming: Armable | None,
    clock: Clock,
    on_change: Callable[[Sortie], None],
    commands: SortieCommands | None = None,
    *,
    asset: Asset,
    guide: Guide | None = None,
) -> Sortie:
    """Flies an authorised sortie to its end and returns it ended.

    A failure of the vehicle or its link is no exception here: the sortie becomes FAILED with
    the error's code. A cancelled task leaves the sortie ABORTED after ordering the vehicle
    home, and stays cancelled.

    Args:
        sortie: authorised.
        pilot: of the vehicle.
        fence_link: of the vehicle, or `None` where it guards no fence (a car).
        arming: of the vehicle, or `None` where nothing is armed (a car). It is told to arm only
            where it holds its failsafe contract, each time.
        clock: dates the events.
        on_change: called with the sortie after each change.
        commands: orders of people; `None` takes none.
        asset: for which the plan was proven; its autopilot decides how the fence is carried, and
            what it must hold before it arms.
        guide: does what is asked beside the mission; without one nothing of it can be done.

    Raises:
        IllegalMove: if the sortie is not authorised.
        PlanUnsafe: if its plan is not the one that was proven when it was authorised, or was
            proven for another asset, or for other limits of this one.
    """
    SORTIE_MOVES.move(sortie.state, _S.UNDERWAY)
    commands = commands or SortieCommands()
    proven = ProvenPlan(sortie.plan, sortie.proof)
    proven.check_for(asset, str(sortie.sortie_id))
    flight = _Flight(sortie, proven, pilot, clock, on_change, asset, commands, guide)
    try:
        await flight.prepare(fence_link, arming)
        await flight.watch()
    except SkyCleared as error:
        flight.cancel(error)
    except QyranError as error:
        flight.fail(error)
    except asyncio.CancelledError:
        await flight.abandon()
        raise
    finally:
        await flight.refuse_rest()
    return flight.sortie


class _Flight:
    """One flight of `fly_sortie`."""

    def __init__(
        self,
        sortie: Sortie,
        proven: ProvenPlan,
        pilot: Pilot,
        clock: Clock,
        on_change: Callable[[Sortie], None],
        asset: Asset,
        commands: SortieCommands,
        guide: Guide | None,
    ) -> None:
        self._guide = guide
        self.sortie, self._proven, self._asset = sortie, proven, asset
        self._commands = commands
        self._pilot, self._clock, self._on_change = pilot, clock, on_change
        self._fenced = self._retasked = False
        """Whether it guards a fence; whether it has just left its mission for another one."""
        self._take(sortie, proven)

    def _take(self, sortie: Sortie, proven: ProvenPlan) -> None:
        self.sortie, self._proven = sortie, proven
        kinds = [item.kind for item in sortie.plan.mission.items]
        self._to_reach = len(kinds) - kinds.count(ItemKind.RETURN)
        self._ordered_home = self._by_itself = False
        """The latter: it returns though nobody ordered it and its mission does not say so yet."""

    def _change(self, text: str, state: SortieState | None = None, **changes: object) -> None:
        now = self._clock.now()
        by = changes.pop("by", None)
        if state is not None and state is not self.sortie.state:
            SORTIE_MOVES.move(self.sortie.state, state)
        wanted = state or self.sortie.state
        events = self.sortie.events
        if text:
            events = (*events, SortieEvent(now, wanted, text, cast("UserId | None", by)))
        self.sortie = replace(
            self.sortie,
            state=wanted,
            events=events,
            version=self.sortie.version + 1,
            **changes,  # type: ignore[arg-type]
        )
        self._on_change(self.sortie)

    def fail(self, error: QyranError) -> None:
        """Ends the sortie as failed, with the error's code."""
        log.warning("sortie failed", extra={"code": error.code, "why": str(error)})
        self._change(str(error), _S.FAILED, reason_code=error.code, ended_at=self._clock.now())

    def cancel(self, error: SkyCleared) -> None:
        """Ends a sortie that was still on the ground when the sky was cleared."""
        self._change(str(error), _S.CANCELLED, reason_code=error.code, ended_at=self._clock.now())

    async def refuse_rest(self) -> None:
        """Answers the orders that came too late, and all that come from now on."""
        await refuse_waiting(self._commands, self.sortie)

    async def abandon(self) -> None:
        """Orders the vehicle home because nobody will watch it any more."""
        if SORTIE_MOVES.final(self.sortie.state):
            return
        if self.sortie.state is _S.AUTHORISED:
            state = _S.CANCELLED
        else:
            state = _S.ABORTED
            with suppress(SortieFailed, CapabilityMissing):
                await self._pilot.return_to_launch()
        now = self._clock.now()
        self._change("cancelled by the station", state, reason_code=CANCELLED, ended_at=now)

    async def prepare(self, fence_link: FenceLink | None, arming: Armable | None) -> None:
        """Uploads, arms and starts; arming and start belong together."""
        plan = self._proven.plan
        self._fenced = fence_link is not None
        fences = self._carried_fence(plan) if self._fenced else None
        await self._pilot.upload(self._proven, fences)
        also = "" if fences is None else ", fence"
        self._change(f"mission{also} and rally points uploaded and read back")
        await self._start(None if arming is None else self._guarded(arming, bool(fences)))
        progress = Progress(0, len(plan.mission.items))
        now = self._clock.now()
        self._change("started", _S.UNDERWAY, started_at=now, progress=progress)

    def _carried_fence(self, plan: Plan) -> tuple[Zone, ...]:
        """Returns the fence as the autopilot can guard it; what it can't is in the log.

        Raises:
            UploadMismatch: if no such fence holds home within the autopilot's budget.
        """
        carried = fence_to_carry(plan, self._asset.autopilot, self._clock.now())
        for loss in carried.losses:
            self._change(f"fence: {loss.message}")
        return carried.zones

    def _guarded(self, arming: Armable, fenced: bool) -> GuardedArming:
        """Returns the arming as it may be used: within the contract of this plan alone."""
        contract = contract_for(self._asset, self._proven.plan, fenced=fenced)
        return GuardedArming(arming, contract, where=str(self._asset.asset_id))

    async def _start(self, arming: GuardedArming | None) -> None:
        if arming is None:
            await self._look_again()
            await self._pilot.start()
            return
        for last in (False, True):  # it may have disarmed itself between arming and start
            await self._look_again()
            await arming.arm()
            try:
                self._check_grounded()
                await self._pilot.start()
            except (SortieFailed, SkyCleared) as error:
                with suppress(SortieFailed):
                    await arming.disarm()
                if last or not isinstance(error, StartRefused):
                    raise
            else:
                return

    async def _look_again(self) -> None:
        """Raises what has come up since it was proven: connecting and uploading take a while."""
        self._check_grounded()
        if self._commands.look_again is not None:
            await self._commands.look_again()
            self._check_grounded()

    def _check_grounded(self) -> None:
        """Raises where the sky was cleared before it has started."""
        if self._commands.grounded is not None:
            raise self._commands.grounded

    async def watch(self) -> None:
        """Follows progress and carries out orders until the vehicle has ended."""
        while await self._watch_mission():
            pass

    async def _watch_mission(self) -> bool:
        """Returns whether another mission follows the one that it was on."""
        commands = self._commands
        orders: asyncio.Task[Ordered] = asyncio.ensure_future(commands.queue.get())
        # every adapter's progress() is an async generator, which must be closed
        async with aclosing(self._pilot.progress()) as steps:  # type: ignore[type-var]
            step: asyncio.Task[Progress | None] = asyncio.ensure_future(_next(steps))
            try:
                while True:
                    await asyncio.wait({orders, step}, return_when=asyncio.FIRST_COMPLETED)
                    if orders.done():
                        ordered = orders.result()
                        orders = asyncio.ensure_future(commands.queue.get())
                        await self._obey(ordered)
                        if self._retasked:
                            self._retasked = False
                            return True
                    if step.done():
                        progress = step.result()
                        if progress is None:
                            raise LinkLost("progress ended without an end of the mission")
                        if self._follow(progress):
                            return False
                        step = asyncio.ensure_future(_next(steps))
            finally:
                if orders.done() and not orders.cancelled():
                    commands.queue.put_nowait(orders.result())  # it came with the very end
                orders.cancel()
                step.cancel()
                await asyncio.gather(orders, step, return_exceptions=True)

    async def _obey(self, ordered: Ordered) -> None:
        """Sends one order and tells what came of it; it is written down before and after."""
        journal = self._commands.journal
        if ordered.order is None:
            await self._carry_out(ordered)
            return
        sent: object = None
        try:
            if journal is not None:
                sent = await journal.sending(self.sortie, ordered)
        except QyranError as refused:
            self._change(f"{ordered.order} refused: {refused}", by=ordered.by)
            ordered.told(refusal(refused), refused)
            return
        answer, error = await self._answer(ordered)
        if journal is not None:
            await journal.answered(sent, answer)
        ordered.told(answer, error)
        if isinstance(error, LinkLost):
            raise error

    async def _answer(self, ordered: Ordered) -> tuple[Answer, QyranError | None]:
        """Returns what came of an order at the vehicle."""
        try:
            await self._carry_out(ordered)
        except LinkLost as error:
            return Answer(Outcome.LINK_LOST, error.code, str(error)), error
        except (IllegalMove, FlownByHand, CapabilityMissing, PlanUnsafe) as error:
            return refusal(error), error
        except SortieFailed as error:  # it still flies; the person must know and may try again
            also = f": {ordered.text}" if ordered.text else ""
            text = f"{ordered.order} refused: {error}{also}"
            self._change(text, by=ordered.by, **_reason(ordered))
            return refusal(error), error
        return Answer(Outcome.DONE), None

    async def _carry_out(self, ordered: Ordered) -> None:
        order, state, why = ordered.order, self.sortie.state, _reason(ordered)
        also = f": {ordered.text}" if ordered.text else ""
        check_hands(self.sortie, ordered)
        by_hand = self.sortie.by_hand
        if order is None:
            self._change(ordered.text, **why)
        elif order is Order.GUIDE and ordered.task is not None:
            now = self._clock.now()
            changes = await carry_out(ordered.task, self.sortie, self._guide, now)
            self._change(**changes, by=ordered.by)
        elif order is Order.HOLD and leaves(self.sortie) and self._guide is not None:
            await self._guide.stop()
            self._change(f"holding{also}", by=ordered.by, guided=held(self.sortie), **why)
        elif order is Order.HOLD and state is _S.UNDERWAY:
            await self._pilot.hold()
            self._change(f"holding{also}", _S.HOLDING, by=ordered.by, **why)
        elif order is Order.HOLD and state is _S.HOLDING:
            if also:
                self._change(f"holding{also}", by=ordered.by, **why)
        elif order is Order.RESUME and state is _S.HOLDING:
            await self._pilot.resume()
            self._change("resumed", _S.UNDERWAY, by=ordered.by, reason_code="", **TAKEN_BACK)
        elif order is Order.RETURN and (state in (_S.UNDERWAY, _S.HOLDING) or by_hand):
            await self._order_home(self._pilot.return_to_launch)
            text = f"returning on order{also}"
            self._change(text, _S.RETURNING, by=ordered.by, **TAKEN_BACK, **why)
        elif order is Order.RETASK and ordered.follow_on and state in MAY_LEAVE:
            await self._retask(ordered, ordered.follow_on)
        elif order is Order.LAND and state in (_S.UNDERWAY, _S.HOLDING, _S.RETURNING):
            await self._order_home(self._pilot.land)
            text = f"landing on order{also}"
            self._change(text, _S.RETURNING, by=ordered.by, guided=None, **why)
        elif (order, state) not in _SO_ALREADY:
            raise IllegalMove(
                f"a sortie that is {state} can't be ordered to {order}",
                where=self.sortie.sortie_id,
                cure="see what it does now",
            )

    async def _retask(self, ordered: Ordered, follow_on: FollowOn) -> None:
        """Leaves the mission for another one; this sortie ends, and the other one goes on."""
        also = f": {ordered.text}" if ordered.text else ""
        returning = self.sortie.state is _S.RETURNING

        def holding() -> None:
            state = None if returning else _S.HOLDING
            self._change(f"holding for another mission{also}", state, by=ordered.by)

        proven = await leave_for(
            follow_on, self._asset, self._pilot, self._commands, returning=returning,
            holding=holding, carried=self._carried_fence if self._fenced else None,
        )  # fmt: skip
        now, why = self._clock.now(), ordered.reason_code or RETASKED
        text = f"left for {follow_on.sortie.sortie_id}{also}"
        self._change(text, _S.ABORTED, by=ordered.by, reason_code=why, ended_at=now)
        self._take(follow_on.sortie, proven)
        self._retasked = True
        done = Progress(follow_on.first_item, len(proven.plan.mission.items))
        self._change("started without landing", _S.UNDERWAY, started_at=now, progress=done)

    async def _order_home(self, order: Callable[[], Awaitable[None]]) -> None:
        """Orders it home or down; one that takes no orders was not ordered."""
        before, self._ordered_home = self._ordered_home, True
        try:
            await order()
        except CapabilityMissing:
            self._ordered_home = before
            raise

    def _follow(self, progress: Progress) -> bool:
        """Takes in one progress; returns whether the sortie has ended."""
        if progress.by_hand and not self.sortie.by_hand:
            state = _S.HOLDING if self.sortie.state is _S.UNDERWAY else None
            self._change(HANDS_ON, state, by_hand=True, guided=None, progress=progress)
        self._hear_of_battery(progress)
        if progress.ended:
            self._end(progress)
            return True
        by_itself = progress.returning and not self.sortie.by_hand
        if by_itself and self.sortie.state in (_S.UNDERWAY, _S.HOLDING):
            planned = progress.reached >= self._to_reach
            text = "returning" if planned else f"returning by itself: {progress.message}"
            self._by_itself = not planned
            self._change(text, _S.RETURNING, progress=progress, guided=None)
        elif self.sortie.progress is None or _differs(self.sortie.progress, progress):
            self._change("", progress=progress)
        self._hear_of_battery(progress)
        return False

    def _hear_of_battery(self, progress: Progress) -> None:
        """Takes the reason of a return by itself from the vehicle's words, which may come late.

        Both autopilots name the battery in what they say of a return for its sake.
        """
        named = "battery" in progress.message.casefold()
        if named and self._by_itself and not self.sortie.reason_code:
            self._change("", reason_code=LOW_BATTERY)

    def _end(self, progress: Progress) -> None:
        done = progress.reached >= self._to_reach
        known = self.sortie.reason_code
        if self.sortie.by_hand:
            state, code = _S.ABORTED, LANDED_BY_HAND
        elif self._ordered_home:
            state, code = _S.ABORTED, known or RETURNED_ON_ORDER
        elif done:
            state, code = _S.COMPLETED, ""
        elif self.sortie.state is _S.RETURNING:
            state, code = _S.ABORTED, known or RETURNED_BY_ITSELF
        else:
            state, code = _S.ABORTED, known or ENDED_EARLY
        if state is _S.COMPLETED and self.sortie.state is _S.HOLDING:
            state, code = _S.ABORTED, ENDED_EARLY
        if done and state is _S.COMPLETED:
            progress = replace(progress, reached=progress.total)
        self._change(
            f"ended: {progress.message}" if progress.message else "ended",
            state,
            reason_code=code,
            ended_at=self._clock.now(),
            progress=progress,
            **TAKEN_BACK,
        )


def _differs(a: Progress, b: Progress) -> bool:
    return (a.reached, a.total, a.ended, a.returning) != (b.reached, b.total, b.ended, b.returning)


async def _next(steps: AsyncIterator[Progress]) -> Progress | None:
    return await anext(steps, None)


_SO_ALREADY = ((Order.RESUME, _S.UNDERWAY), (Order.RETURN, _S.RETURNING))
"""Orders that a sortie obeys by doing what it does."""


def _reason(ordered: Ordered) -> dict[str, Any]:
    return {"reason_code": ordered.reason_code} if ordered.reason_code else {}
