"""Missions, fences and rally points by pymavlink on an opened connection, as a transaction's wire.

ArduPilot's uploads are not atomic: a refused one leaves a mix of old and new, so only what has
been read back counts.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from core.clock import Clock
from missions.adapters.ardupilot_codec import HOME_ITEMS, sent_again
from missions.adapters.item_exchange import ItemExchange, target
from missions.adapters.item_wire import Held
from missions.adapters.mavlink_codec import MISSION, RawItem

_AHEAD = 8
"""ArduPilot gives each question its own answer."""


class TransferSystem(Protocol):
    """What transfers need of an opened system."""

    url: str
    clock: Clock
    lost: bool
    system_id: int

    @property
    def mavlink(self) -> Any:
        """Returns pymavlink's sender."""
        ...

    @property
    def status_text(self) -> str:
        """The autopilot's newest words."""
        ...

    def add_listener(self, listener: Callable[[str, dict[str, Any]], None]) -> Callable[[], None]:
        """Calls with each message; returns what ends that."""
        ...

    async def wait_for(self, ready: Callable[[], bool], within_s: float) -> bool:
        """Waits for a state; raises LinkLost when the vehicle falls silent."""
        ...


class PymavlinkWire(ItemExchange):
    """An `ItemWire` of one ArduPilot vehicle."""

    def __init__(self, system: TransferSystem, *, answer_s: float) -> None:
        """Serves an opened system, which stays its owner's to close.

        Args:
            system: the vehicle.
            answer_s: by its clock, how long each answer is waited for before asking again.
        """

        def post(name: str, fields: dict[str, Any]) -> None:
            send = getattr(system.mavlink, f"{name.lower()}_send")
            send(**target(system.system_id), **fields)

        super().__init__(system, post, answer_s=answer_s, ahead=_AHEAD)
        self.first: Mapping[int, int] = {MISSION: HOME_ITEMS}

    def as_sent(self, held: Held, kind: int) -> tuple[RawItem, ...]:
        """Returns the items as ArduPilot takes them without changing them."""
        return sent_again(held.items, kind)
