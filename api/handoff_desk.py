"""What routes of hand-offs need of the station."""

from typing import Protocol

from core.ids import UserId
from missions.handoffs.model import Handoff, HandoffId, Occasion, OutcomeKind


class HandoffDesk(Protocol):
    """Hands events off, and takes what crews say of it."""

    async def open(self, occasion: Occasion, by: UserId | None = None) -> Handoff:
        """Hands an event off and asks the best free asset; one event is handed off once."""
        ...

    async def press(self, button_id: str, key: str) -> tuple[Handoff, bool]:
        """Takes a press of an SOS button; returns its hand-off and whether that is new.

        Raises:
            NotSignedIn: if there is no such button, or it is not its key.
        """
        ...

    async def accept(self, handoff_id: HandoffId, by: UserId) -> Handoff:
        """Accepts for the asset that is asked, and has it go.

        Raises:
            NotFound: if there is no such hand-off.
            IllegalMove: if nobody is asked now, or the time to answer is over.
            LeaseHeld: if somebody else commands the asset.
        """
        ...

    async def refuse(self, handoff_id: HandoffId, by: UserId, reason: str) -> Handoff:
        """Refuses for the asset that is asked, and asks the next best.

        Raises:
            NotFound: if there is no such hand-off.
            BadRequest: if the reason says nothing.
            IllegalMove: if nobody is asked now, or the time to answer is over.
        """
        ...

    async def close(
        self, handoff_id: HandoffId, outcome: OutcomeKind, words: str, by: UserId
    ) -> Handoff:
        """Records the outcome; the asset goes home, or on with what it left.

        Raises:
            NotFound: if there is no such hand-off.
            IllegalMove: if its crew has not answered yet, or it has ended.
        """
        ...

    async def withdraw(self, handoff_id: HandoffId, by: UserId, reason: str) -> Handoff:
        """Calls it off.

        Raises:
            NotFound: if there is no such hand-off.
            BadRequest: if the reason says nothing.
            IllegalMove: if it has ended.
        """
        ...
