"""States are tables: an enum and the legal moves beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from core.errors import IllegalMove

S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Transitions(Generic[S]):
    """The legal moves of one kind of thing."""

    noun: str
    """What moves, for messages: `incident`, `sortie`."""
    moves: Mapping[S, frozenset[S]]
    """From each state, the states that may follow it."""

    def move(self, present: S, wanted: S) -> S:
        """Returns `wanted` where the move is legal.

        Raises:
            IllegalMove: if it is not; the message names the moves that are.
        """
        legal = self.moves.get(present, frozenset())
        if wanted not in legal:
            options = ", ".join(sorted(legal)) or "none, it is final"
            raise IllegalMove(
                f"a {self.noun} that is {present} can't become {wanted}",
                cure=f"legal next states: {options}",
            )
        return wanted

    def final(self, state: S) -> bool:
        """Returns whether nothing may follow `state`."""
        return not self.moves.get(state)
