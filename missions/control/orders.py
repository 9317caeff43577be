"""Orders on their way to a sortie, and what is told of each."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from core.errors import IllegalMove, QyranError, SkyCleared
from core.ids import UserId
from missions.control.records import Answer, refusal
from missions.guided import ProvenTask
from missions.model import Sortie


class Order(StrEnum):
    """What a person may order while a sortie is under way."""

    HOLD = "hold"
    RESUME = "resume"
    RETURN = "return"
    RETASK = "retask"
    """Leaves its mission for another one, in the air or on the road."""
    LAND = "land"
    """Comes down where it is: the last resort, of the station's own monitor."""
    GUIDE = "guide"
    """Does a proven task beside its mission."""


Told: TypeAlias = Callable[[Answer, QyranError | None], None]
"""Is called once with what came of an order, and the error that it was refused by."""


def _untold(answer: Answer, error: QyranError | None) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class FollowOn:
    """The sortie that follows another one of the same asset without landing between."""

    sortie: Sortie
    """Authorised, with its proof."""
    first_item: int = 0
    """Of its plan, to begin with."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order on its way to the vehicle, or a remark for the sortie's log."""

    order: Order | None
    """`None` only tells something."""
    by: UserId | None = None
    """`None` is the station itself."""
    reason_code: str = ""
    text: str = ""
    """For the sortie's log, beside the order."""
    term: int | None = None
    """Of the lease under which a person gives it; `None` needs none."""
    asked_at: datetime | None = None
    follow_on: "FollowOn | None" = None
    """Of `Order.RETASK`."""
    told: Told = _untold
    task: ProvenTask | None = None
    """Of `Order.GUIDE`."""


class CommandJournal(Protocol):
    """Writes down the orders of a sortie. Neither method may take long: a vehicle waits."""

    async def sending(self, sortie: Sortie, ordered: Ordered) -> object:
        """Writes an order down before it goes to the vehicle; returns what `answered` takes.

        Raises:
            QyranError: if it may not go any more; nothing is sent then.
        """
        ...

    async def answered(self, sent: object, answer: Answer) -> None:
        """Writes down what came of it."""
        ...

    async def refused(self, sortie: Sortie, ordered: Ordered, error: QyranError) -> None:
        """Writes down an order that never went to the vehicle."""
        ...


class SortieCommands:
    """Orders for a sortie under way; to be used on the event loop that flies it."""

    def __init__(self, journal: CommandJournal | None = None) -> None:
        """Starts without orders; each is written to the journal where there is one."""
        self.queue: asyncio.Queue[Ordered] = asyncio.Queue()
        self.journal = journal
        self.grounded: SkyCleared | None = None
        """Why it may not start any more; a start that is being prepared ends before it arms."""
        self.look_again: Callable[[], Awaitable[None]] | None = None
        """Looks, just before it arms, whether it may still start; raises what speaks against it."""
        self.over = False
        """Whether the sortie has ended: what is ordered now is refused."""

    def give(self, ordered: Ordered) -> None:
        """Gives any order; one for a sortie that has ended is answered at once."""
        if self.over:
            error = ended_already()
            ordered.told(refusal(error), error)
        else:
            self.queue.put_nowait(ordered)

    def hold(
        self, by: UserId | None = None, *, reason_code: str = "", text: str = "",
        told: Told = _untold,
    ) -> None:  # fmt: skip
        """Orders to stop where it is; the reason stands with the sortie until it goes on."""
        self.give(Ordered(Order.HOLD, by, reason_code, text, told=told))

    def resume(self, by: UserId | None = None, *, told: Told = _untold) -> None:
        """Orders to go on after a hold."""
        self.give(Ordered(Order.RESUME, by, told=told))

    def bring_home(
        self, by: UserId | None = None, *, reason_code: str = "", text: str = "",
        told: Told = _untold,
    ) -> None:  # fmt: skip
        """Orders to end the mission and come home, for a typed reason where it is given."""
        self.give(Ordered(Order.RETURN, by, reason_code, text, told=told))

    def land(
        self, by: UserId | None = None, *, reason_code: str = "", text: str = "",
        told: Told = _untold,
    ) -> None:  # fmt: skip
        """Orders to come down where it is, for a typed reason."""
        self.give(Ordered(Order.LAND, by, reason_code, text, told=told))

    def tell(self, text: str, *, reason_code: str = "") -> None:
        """Puts something into the sortie's log, and its reason with it, and orders nothing."""
        self.give(Ordered(None, None, reason_code, text))


async def refuse_waiting(commands: SortieCommands, sortie: Sortie) -> None:
    """Answers the orders to a sortie that has ended, those that wait and all that are to come."""
    commands.over = True
    while not commands.queue.empty():
        ordered = commands.queue.get_nowait()
        if ordered.order is None:
            continue
        error = ended_already()
        ordered.told(refusal(error), error)
        if commands.journal is not None:
            await commands.journal.refused(sortie, ordered, error)


def ended_already() -> IllegalMove:
    """Returns the refusal of an order that came after the end."""
    return IllegalMove("the sortie has ended", cure="see what became of it")
