"""Releases and flies a sortie; whatever goes wrong ends in its state and a stable code."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from core.clock import Clock
from core.errors import LinkLost, QyranError, SortieFailed, StartRefused, UploadMismatch
from core.ids import SortieId, UserId, fresh_id
from geo.ports import TerrainModel
from geo.zones import Zone
from missions.circumstances import Circumstances
from missions.fence_translation import translate_fence
from missions.model import (
    SORTIE_MOVES,
    Asset,
    Autopilot,
    ItemKind,
    Plan,
    Progress,
    Sortie,
    SortieEvent,
    SortieState,
)
from missions.ports import Arming, FenceLink, Pilot
from missions.proving.proof import ProvenPlan, prove

log = logging.getLogger(__name__)

_S = SortieState
RETURNED_ON_ORDER = "returned_on_order"
RETURNED_BY_ITSELF = "returned_by_itself"
ENDED_EARLY = "ended_early"
CANCELLED = "cancelled"
"""Reason codes of sorties that ended other than as planned, beside those of the errors."""
ZONE_APPEARED = "zone_appeared"
PERMISSION_ENDED = "permission_ended"
LOW_BATTERY = "low_battery"
RETASKED = "retasked"
"""Reason codes that an order, or what the vehicle says, gives a sortie while it is under way."""
_SLOWER, _LONGER = 2.0, timedelta(minutes=30)
"""How much longer than expected a zone's time may still matter to a flight."""


class Order(StrEnum):
    """What a person may order while a sortie is under way."""

    HOLD = "hold"
    RESUME = "resume"
    RETURN = "return"
    LAND = "land"
    """Comes down where it is: the last resort, of the station's own monitor."""


@dataclass(frozen=True, slots=True)
class _Ordered:
    order: Order | None
    """`None` only tells something."""
    by: UserId | None
    reason_code: str = ""
    text: str = ""
    """For the sortie's log, beside the order."""


class SortieCommands:
    """Orders for a sortie under way; to be used on the event loop that flies it."""

    def __init__(self) -> None:
        """Starts without orders."""
        self.queue: asyncio.Queue[_Ordered] = asyncio.Queue()

    def hold(self, by: UserId | None = None, *, reason_code: str = "", text: str = "") -> None:
        """Orders to stop where it is; the reason stands with the sortie until it goes on."""
        self.queue.put_nowait(_Ordered(Order.HOLD, by, reason_code, text))

    def resume(self, by: UserId | None = None) -> None:
        """Orders to go on after a hold."""
        self.queue.put_nowait(_Ordered(Order.RESUME, by))

    def bring_home(
        self, by: UserId | None = None, *, reason_code: str = "", text: str = ""
    ) -> None:
        """Orders to end the mission and come home, for a typed reason where it is given."""
        self.queue.put_nowait(_Ordered(Order.RETURN, by, reason_code, text))

    def land(self, *, reason_code: str = "", text: str = "") -> None:
        """Orders to come down where it is, for a typed reason."""
        self.queue.put_nowait(_Ordered(Order.LAND, None, reason_code, text))

    def tell(self, text: str, *, reason_code: str = "") -> None:
        """Puts something into the sortie's log, and its reason with it, and orders nothing."""
        self.queue.put_nowait(_Ordered(None, None, reason_code, text))


def new_sortie(plan: Plan, sortie_id: SortieId | None = None) -> Sortie:
    """Returns a planned sortie of a plan."""
    return Sortie(sortie_id or SortieId(fresh_id("sortie")), plan)


def authorise(
    sortie: Sortie,
    asset: Asset,
    by: UserId,
    now: datetime,
    circumstances: Circumstances = Circumstances(),  # noqa: B008 - frozen
    *,
    terrain: TerrainModel | None = None,
) -> Sortie:
    """Returns the sortie released by a person, its plan proven and sealed.

    The proof is made here and nowhere else, so that nobody can hand in that of another plan;
    a big plan takes up to a second.

    Args:
        sortie: merely planned.
        asset: who is to carry it out.
        by: who releases it.
        now: dates the event.
        circumstances: as for `check_plan`.
        terrain: as for `check_plan`.

    Raises:
        PlanUnsafe: if any finding is an error; the message names the first.
        IllegalMove: if the sortie is not merely planned.
    """
    state = SORTIE_MOVES.move(sortie.state, _S.AUTHORISED)
    proven = prove(sortie.plan, asset, circumstances, terrain=terrain)
    event = SortieEvent(now, state, "authorised", by)
    return replace(
        sortie,
        state=state,
        proof=proven.seal,
        authorised_by=by,
        events=(*sortie.events, event),
        version=sortie.version + 1,
    )


async def fly_sortie(
    sortie: Sortie,
    pilot: Pilot,
    fence_link: FenceLink | None,
    arming: Arming | None,
    clock: Clock,
    on_change: Callable[[Sortie], None],
    commands: SortieCommands | None = None,
    *,
    autopilot: Autopilot = Autopilot.PX4,
) -> Sortie:
    """Flies an authorised sortie to its end and returns it ended.

    A failure of the vehicle or its link is no exception here: the sortie becomes FAILED with
    the error's code. A cancelled task leaves the sortie ABORTED after ordering the vehicle
    home, and stays cancelled.

    Args:
        sortie: authorised.
        pilot: of the vehicle.
        fence_link: of the vehicle, or `None` where it guards no fence (a car).
        arming: of the vehicle, or `None` where nothing is armed (a car).
        clock: dates the events.
        on_change: called with the sortie after each change.
        commands: orders of people; `None` takes none.
        autopilot: how the fence is carried.

    Raises:
        IllegalMove: if the sortie is not authorised.
        PlanUnsafe: if its plan is not the one that was proven when it was authorised.
    """
    SORTIE_MOVES.move(sortie.state, _S.UNDERWAY)
    flight = _Flight(
        sortie, ProvenPlan(sortie.plan, sortie.proof), pilot, clock, on_change, autopilot
    )
    try:
        await flight.prepare(fence_link, arming)
        await flight.watch(commands or SortieCommands())
    except QyranError as error:
        flight.fail(error)
    except asyncio.CancelledError:
        await flight.abandon()
        raise
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
        autopilot: Autopilot,
    ) -> None:
        self.sortie, self._proven, self._autopilot = sortie, proven, autopilot
        self._pilot, self._clock, self._on_change = pilot, clock, on_change
        items = sortie.plan.mission.items
        self._to_reach = sum(item.kind is not ItemKind.RETURN for item in items)
        self._ordered_home = False
        self._by_itself = False
        """Whether it returns though nobody ordered it and its mission does not say so yet."""

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

    async def abandon(self) -> None:
        """Orders the vehicle home because nobody will watch it any more."""
        if SORTIE_MOVES.final(self.sortie.state):
            return
        if self.sortie.state is _S.AUTHORISED:
            state = _S.CANCELLED
        else:
            state = _S.ABORTED
            with suppress(SortieFailed):
                await self._pilot.return_to_launch()
        now = self._clock.now()
        self._change("cancelled by the station", state, reason_code=CANCELLED, ended_at=now)

    async def prepare(self, fence_link: FenceLink | None, arming: Arming | None) -> None:
        """Uploads, arms and starts; arming and start belong together."""
        plan = self._proven.plan
        if fence_link is not None:
            await fence_link.upload_fences(self._carried_fence(plan))
            self._change("fence uploaded and read back")
        await self._pilot.upload(self._proven)
        self._change("mission uploaded and read back")
        await self._start(arming)
        progress = Progress(0, len(plan.mission.items))
        now = self._clock.now()
        self._change("started", _S.UNDERWAY, started_at=now, progress=progress)

    def _carried_fence(self, plan: Plan) -> tuple[Zone, ...]:
        """Returns the fence as the autopilot can guard it; what it can't is in the log.

        Raises:
            UploadMismatch: if no such fence holds home within the autopilot's budget.
        """
        now = self._clock.now()
        until = now + timedelta(seconds=_SLOWER * plan.expected_s) + _LONGER
        carried = translate_fence(plan, self._autopilot, departs_at=now, until=until)
        for loss in carried.losses:
            if loss.unsafe:
                raise UploadMismatch(
                    f"the fence can't be carried: {loss.message}",
                    where=str(plan.mission.mission_id),
                    cure="simplify the flight zones around home",
                )
            self._change(f"fence: {loss.message}")
        return carried.zones

    async def _start(self, arming: Arming | None) -> None:
        if arming is None:
            await self._pilot.start()
            return
        for last in (False, True):  # it may have disarmed itself between arming and start
            await arming.arm()
            try:
                await self._pilot.start()
            except SortieFailed as error:
                with suppress(SortieFailed):
                    await arming.disarm()
                if last or not isinstance(error, StartRefused):
                    raise
            else:
                return

    async def watch(self, commands: SortieCommands) -> None:
        """Follows progress and carries out orders until the vehicle has ended."""
        orders: asyncio.Task[_Ordered] = asyncio.ensure_future(commands.queue.get())
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
                    if step.done():
                        progress = step.result()
                        if progress is None:
                            raise LinkLost("progress ended without an end of the mission")
                        if self._follow(progress):
                            return
                        step = asyncio.ensure_future(_next(steps))
            finally:
                orders.cancel()
                step.cancel()
                await asyncio.gather(orders, step, return_exceptions=True)

    async def _obey(self, ordered: _Ordered) -> None:
        order, state = ordered.order, self.sortie.state
        why: dict[str, Any] = {"reason_code": ordered.reason_code} if ordered.reason_code else {}
        also = f": {ordered.text}" if ordered.text else ""
        try:
            if order is None:
                self._change(ordered.text, **why)
            elif order is Order.HOLD and state is _S.UNDERWAY:
                await self._pilot.hold()
                self._change(f"holding{also}", _S.HOLDING, by=ordered.by, **why)
            elif order is Order.HOLD and state is _S.HOLDING and also:
                self._change(f"holding{also}", by=ordered.by, **why)
            elif order is Order.RESUME and state is _S.HOLDING:
                await self._pilot.resume()
                self._change("resumed", _S.UNDERWAY, by=ordered.by, reason_code="")
            elif order is Order.RETURN and state in (_S.UNDERWAY, _S.HOLDING):
                self._ordered_home = True
                await self._pilot.return_to_launch()
                self._change(f"returning on order{also}", _S.RETURNING, by=ordered.by, **why)
            elif order is Order.LAND and state in (_S.UNDERWAY, _S.HOLDING, _S.RETURNING):
                self._ordered_home = True
                await self._pilot.land()
                self._change(f"landing on order{also}", _S.RETURNING, by=ordered.by, **why)
        except LinkLost:
            raise
        except SortieFailed as error:  # it still flies; the person must know and may try again
            self._change(f"{order} refused: {error}{also}", by=ordered.by, **why)

    def _follow(self, progress: Progress) -> bool:
        """Takes in one progress; returns whether the sortie has ended."""
        self._hear_of_battery(progress)
        if progress.ended:
            self._end(progress)
            return True
        if progress.returning and self.sortie.state in (_S.UNDERWAY, _S.HOLDING):
            planned = progress.reached >= self._to_reach
            text = "returning" if planned else f"returning by itself: {progress.message}"
            self._by_itself = not planned
            self._change(text, _S.RETURNING, progress=progress)
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
        if self._ordered_home:
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
        )


def _differs(a: Progress, b: Progress) -> bool:
    return (a.reached, a.total, a.ended, a.returning) != (b.reached, b.total, b.ended, b.returning)


async def _next(steps: AsyncIterator[Progress]) -> Progress | None:
    return await anext(steps, None)
