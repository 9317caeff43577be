"""What a transaction of missions, fences and rally points needs of a driver's transfers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from missions.adapters.mavlink_codec import FENCE, MISSION, RALLY, RawItem

KINDS = (FENCE, RALLY, MISSION)
"""In the order in which they are sent: what a mission needs is there as soon as it is."""
NAMES = {MISSION: "mission", FENCE: "fence", RALLY: "rally points"}


class TransferRefused(Exception):
    """The vehicle ended a transfer with a no."""


class TransferStalled(Exception):
    """The vehicle stopped answering a transfer."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a vehicle holds of one kind."""

    items: tuple[RawItem, ...]
    opaque_id: int = 0
    """As the vehicle named it when it was read; 0 where it names none, or holds nothing."""


class ItemWire(Protocol):
    """Sends and fetches the items of one kind, once; whoever calls it tries again."""

    first: Mapping[int, int]
    """How many items of each kind stand before those that are ours (home)."""

    async def send(self, items: Sequence[RawItem], kind: int) -> None:
        """Replaces what the vehicle holds; a yes of the vehicle is no proof that it did.

        Raises:
            TransferRefused: if the vehicle says no.
            TransferStalled: if it stops answering.
            LinkLost: if it falls silent.
        """
        ...

    async def fetch(self, kind: int) -> Held:
        """Returns what the vehicle holds; raises as `send`."""
        ...

    def as_sent(self, held: Held, kind: int) -> tuple[RawItem, ...]:
        """Returns items which, once sent, are held as these are: a way back."""
        ...
