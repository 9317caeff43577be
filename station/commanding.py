"""Orders to sorties under way: whose they are, what is written of them, how long one waits."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar, cast

from api.services import Cleared, Commanded, Confirmation, SkyAnswer
from core.clock import Clock
from core.errors import QyranError, SkyCleared
from core.ids import AssetId, PatrolId, SortieId, UserId
from missions.control.desk import ControlDesk
from missions.control.orders import FollowOn, Order, Ordered, SortieCommands
from missions.control.records import (
    Answer,
    CommandDetails,
    CommandKind,
    CommandRecord,
    Outcome,
)
from missions.executor import SKY_CLEARED
from missions.guided import Capability, ProvenTask, described
from missions.model import SORTIE_MOVES, Asset, Sortie, SortieState

_T = TypeVar("_T")
ANSWER_WITHIN = timedelta(seconds=5)
"""How long who ordered waits for the vehicle's answer, by the station's clock."""
_KINDS = {
    Order.HOLD: CommandKind.HOLD,
    Order.RESUME: CommandKind.RESUME,
    Order.RETURN: CommandKind.RETURN,
    Order.LAND: CommandKind.LAND,
    Order.RETASK: CommandKind.RETASK,
}
Check = Callable[[int | None], Awaitable[None]]
Prove = Callable[[int | None], Awaitable[ProvenTask]]
"""Both are given the term of the lease under which the order goes."""


class SortieJournal:
    """The `CommandJournal` of a sortie: every order goes through the control desk."""

    def __init__(self, desk: ControlDesk) -> None:
        """Writes to a desk."""
        self._desk = desk

    async def sending(self, sortie: Sortie, ordered: Ordered) -> object:
        """Writes an order down before it goes out; raises as `ControlDesk.send`."""
        return await self._desk.send(await self._command(sortie, ordered))

    async def answered(self, sent: object, answer: Answer) -> None:
        """Writes down what came of it."""
        await self._desk.answer(cast(CommandRecord, sent), answer)

    async def refused(self, sortie: Sortie, ordered: Ordered, error: QyranError) -> None:
        """Writes down an order that never went out."""
        await self._desk.refuse(await self._command(sortie, ordered), error)

    async def _command(self, sortie: Sortie, ordered: Ordered) -> CommandRecord:
        asset_id = sortie.plan.asset_id
        overrides = None
        if ordered.by is not None and ordered.term is None:  # over the head of who holds it
            lease = await self._desk.lease(asset_id)
            overrides = None if lease is None else lease.holder
        task = ordered.task
        kind = _KINDS[cast(Order, ordered.order)] if task is None else CommandKind(task.kind.value)
        made = self._desk.new_command(
            kind,
            ordered.by,
            asset_id=asset_id,
            sortie_id=sortie.sortie_id,
            reason=ordered.text,
            details=CommandDetails(
                asked_at=ordered.asked_at,
                reason_code=ordered.reason_code,
                overrides=overrides if overrides != ordered.by else None,
                task="" if task is None else described(task.task, task.kind),
            ),
        )
        return replace(made, term=ordered.term)


class Commanding:
    """Gives the orders of people to sorties, and waits for what came of them."""

    def __init__(
        self, desk: ControlDesk, clock: Clock, *, answer_within: timedelta = ANSWER_WITHIN
    ) -> None:
        """Takes the desk, the station's clock, and how long an answer is waited for."""
        self._desk, self._clock, self._within = desk, clock, answer_within
        self._starts: dict[SortieId, CommandRecord] = {}
        self._written: set[asyncio.Task[None]] = set()

    def commands(self) -> SortieCommands:
        """Returns the orders of a new sortie, each of which is written down."""
        return SortieCommands(SortieJournal(self._desk))

    async def asked_to_start(
        self, patrol_id: PatrolId, asset_id: AssetId, by: UserId, term: int | None, *, station: bool
    ) -> CommandRecord:
        """Returns a start as it may go.

        Raises:
            SkyCleared: if the sky is cleared.
            LeaseHeld: if somebody else commands the asset and the start is a person's.
            LeaseStale: if the term is not in force.
        """
        command = self._desk.new_command(
            CommandKind.START,
            None if station else by,
            asset_id=asset_id,
            reason=f"scheduled, by leave of {by}" if station else "",
            details=CommandDetails(patrol_id=patrol_id),
        )
        return await self._desk.admit(command, term)

    async def refuse(self, command: CommandRecord, error: QyranError) -> None:
        """Writes down that a start came to nothing before it began."""
        await self._desk.refuse(command, error)

    async def send_start(self, command: CommandRecord, sortie_id: SortieId) -> None:
        """Writes a start down; its answer follows from the sortie's states.

        Raises:
            LeaseStale: if command of the asset has passed on.
            SkyCleared: if the sky was cleared meanwhile.
        """
        self._starts[sortie_id] = await self._desk.send(replace(command, sortie_id=sortie_id))

    async def ground_if_cleared(self, commands: SortieCommands) -> None:
        """Keeps a sortie on the ground where the sky was cleared while it was being started."""
        try:
            await self._desk.check_sky()
        except SkyCleared as error:
            commands.grounded = error

    def heard_of(self, sortie: Sortie) -> None:
        """Answers a sortie's start once it is under way, or has ended without."""
        state = sortie.state
        if state in (SortieState.PLANNED, SortieState.AUTHORISED):
            return
        command = self._starts.pop(sortie.sortie_id, None)
        if command is None:
            return
        answer = Answer(Outcome.DONE)
        if SORTIE_MOVES.final(state):
            lost = sortie.reason_code in ("link_lost", "vehicle_unreachable")
            outcome = Outcome.LINK_LOST if lost else Outcome.REFUSED
            answer = Answer(outcome, sortie.reason_code, sortie.events[-1].text)
        task = asyncio.ensure_future(self._desk.answer(command, answer))
        self._written.add(task)
        task.add_done_callback(self._written.discard)

    async def settled(self) -> None:
        """Returns once every answer is written."""
        await asyncio.gather(*self._written, return_exceptions=True)

    async def order(
        self,
        order: Order,
        sortie: Sortie,
        commands: SortieCommands,
        by: UserId,
        newest: Callable[[], Sortie],
        *,
        term: int | None = None,
        reason_code: str = "",
        check: Check | None = None,
        follow_on: FollowOn | None = None,
    ) -> Commanded:
        """Gives a person's order and returns what came of it, or that nothing has yet.

        Args:
            order: what is ordered.
            sortie: whose.
            commands: the way to its vehicle.
            by: who orders it.
            newest: returns the sortie as it is then.
            term: of the lease that they believe to hold.
            reason_code: why, where that has a code.
            check: what must hold before it goes; its refusal is written down.
            follow_on: the sortie that it is to leave its mission for.

        Raises:
            LeaseHeld: if somebody else commands the asset.
            LeaseStale: if the term is not in force, or no longer when its turn came.
            SkyCleared: if it would go on although the sky is cleared.
            IllegalMove: if the sortie is not in a state for it.
            SortieFailed: if the vehicle refused, or fell silent.
        """
        asset_id = sortie.plan.asset_id
        command = await self._desk.admit(
            self._desk.new_command(
                _KINDS[order], by, asset_id=asset_id, sortie_id=sortie.sortie_id,
                details=CommandDetails(reason_code=reason_code),
            ),
            term,
        )  # fmt: skip
        if check is not None:
            await self._checked(command, check(command.term))
        given = Ordered(
            order, by, reason_code, term=command.term, asked_at=command.at, follow_on=follow_on
        )
        return await self._given(given, commands, newest)

    async def guide(
        self,
        wanted: Capability,
        words: str,
        sortie: Sortie,
        commands: SortieCommands,
        by: UserId,
        newest: Callable[[], Sortie],
        prove: Prove,
        *,
        term: int | None = None,
    ) -> Commanded:
        """Gives a task beside the mission once it is proven; returns what came of it.

        Args:
            wanted: what is asked for.
            words: the same with its places.
            sortie: whose.
            commands: the way to its vehicle.
            by: who orders it.
            newest: returns the sortie as it is then.
            prove: makes the proof; its refusal is written down.
            term: of the lease that they believe to hold.

        Raises as `order`, and as `prove`.
        """
        command = await self._desk.admit(
            self._desk.new_command(
                CommandKind(wanted.value), by, asset_id=sortie.plan.asset_id,
                sortie_id=sortie.sortie_id, details=CommandDetails(task=words),
            ),
            term,
        )  # fmt: skip
        proven = await self._checked(command, prove(command.term))
        given = Ordered(Order.GUIDE, by, term=command.term, asked_at=command.at, task=proven)
        return await self._given(given, commands, newest)

    async def _checked(self, command: CommandRecord, check: Awaitable[_T]) -> _T:
        """Returns what a check gives; its refusal is written down as the command's answer."""
        try:
            return await check
        except QyranError as error:
            await self._desk.refuse(command, error)
            raise

    async def _given(
        self, given: Ordered, commands: SortieCommands, newest: Callable[[], Sortie]
    ) -> Commanded:
        told = await self._told(commands, given)
        if told is None:
            return Commanded(newest(), None)
        if told[1] is not None:
            raise told[1]
        return Commanded(newest(), told[0])

    async def clear(
        self,
        by: UserId,
        how: str,
        reason: str,
        flying: Callable[[], Iterable[tuple[Sortie, Asset, SortieCommands]]],
    ) -> Cleared:
        """Closes the sky, orders everything in the air at once, and tells what each answered.

        Raises:
            BadRequest: if the reason says nothing.
        """
        command = await self._desk.clear_sky(by, how, reason)
        order = Order.HOLD if how == "hold" else Order.RETURN
        found = await asyncio.gather(
            *(self._clear_one(one, order, by, command) for one in flying())
        )
        kinds = [one.answer for one in found]
        words = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
        await self._desk.answer(command, Answer(Outcome.DONE, words=words))
        return Cleared(command.at, how, command.reason, tuple(found))

    async def _clear_one(
        self,
        one: tuple[Sortie, Asset, SortieCommands],
        order: Order,
        by: UserId,
        command: CommandRecord,
    ) -> Confirmation:
        sortie, asset, commands = one
        commands.grounded = SkyCleared(
            f"the sky was cleared before it started: {command.reason}",
            cure="start it again once the sky is open",
        )
        if sortie.state is SortieState.RETURNING:  # it is on its way to the ground already
            return Confirmation(
                asset.asset_id, sortie.sortie_id, SkyAnswer.CONFIRMED, "it was returning already"
            )
        given = Ordered(order, by, SKY_CLEARED, command.reason, asked_at=command.at)
        told = await self._told(commands, given)
        if told is None:
            answer, words = SkyAnswer.SILENT, "no answer in time"
        elif told[0].outcome is Outcome.DONE:
            answer, words = SkyAnswer.CONFIRMED, f"its own mode shows it: {order}"
        elif told[0].outcome is Outcome.REFUSED:
            answer, words = SkyAnswer.REFUSED, told[0].words
        else:
            answer, words = SkyAnswer.SILENT, told[0].words
        if told is not None and commands.over and told[0].code == "illegal_move":
            answer, words = SkyAnswer.CONFIRMED, "its sortie had ended"
        return Confirmation(asset.asset_id, sortie.sortie_id, answer, words)

    async def _told(
        self, commands: SortieCommands, ordered: Ordered
    ) -> tuple[Answer, QyranError | None] | None:
        """Gives an order and returns what is told of it; `None` where nothing is in time."""
        future: asyncio.Future[tuple[Answer, QyranError | None]]
        future = asyncio.get_running_loop().create_future()

        def told(answer: Answer, error: QyranError | None) -> None:
            if not future.done():
                future.set_result((answer, error))

        until = self._clock.now() + self._within
        commands.give(replace(ordered, told=told))
        await _first(future, self._clock.sleep_until(until))
        return future.result() if future.done() else None


async def _first(future: asyncio.Future[Any], other: Coroutine[Any, Any, None]) -> None:
    """Returns once one of the two is there."""
    task = asyncio.ensure_future(other)
    try:
        await asyncio.wait({future, task}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
