"""A hand-off store in memory: for tests and for runs that keep nothing."""

import threading
from collections.abc import Sequence
from datetime import datetime

from core.errors import NotFound, VersionConflict
from core.ids import AssetId
from missions.adapters.memory_control import MemoryControlStore
from missions.control.records import CommandRecord
from missions.handoffs.model import Handoff, HandoffId, SosButton


class MemoryHandoffStore:
    """A `HandoffStore` that forgets with the process; safe in several threads."""

    def __init__(self, chain: MemoryControlStore) -> None:
        """Starts empty, with the chain that its records go to."""
        self._lock, self._chain = threading.Lock(), chain
        self._handoffs: dict[HandoffId, Handoff] = {}
        self._buttons: dict[str, SosButton] = {}

    def add(self, handoff: Handoff, record: CommandRecord) -> Handoff:
        """Keeps a new hand-off, or returns that of the same event."""
        with self._lock:
            for known in self._handoffs.values():
                if known.occasion.event_id == handoff.occasion.event_id:
                    return known
            self._handoffs[handoff.handoff_id] = handoff
            self._chain.append(record)
            return handoff

    def replace(self, handoff: Handoff, record: CommandRecord) -> None:
        """Keeps the next version and its record."""
        with self._lock:
            known = self._known(handoff.handoff_id)
            if known.version != handoff.version - 1:
                raise changed_meanwhile(handoff)
            self._handoffs[handoff.handoff_id] = handoff
            self._chain.append(record)

    def get(self, handoff_id: HandoffId) -> Handoff:
        """Returns the newest version."""
        with self._lock:
            return self._known(handoff_id)

    def handoffs(
        self,
        *,
        only_open: bool = False,
        since: datetime | None = None,
        asset_id: AssetId | None = None,
        button_id: str | None = None,
    ) -> Sequence[Handoff]:
        """Returns those that fit every filter, by time of event and id."""
        with self._lock:
            found = [
                one
                for one in self._handoffs.values()
                if (one.is_open or not only_open)
                and (since is None or one.occasion.at >= since)
                and (asset_id is None or one.asset_id == asset_id)
                and (button_id is None or one.occasion.button_id == button_id)
            ]
        return tuple(sorted(found, key=lambda one: (one.occasion.at, one.handoff_id)))

    def save_button(self, button: SosButton) -> None:
        """Keeps a button."""
        with self._lock:
            self._buttons[button.button_id] = button

    def button(self, button_id: str) -> SosButton | None:
        """Returns a button, or `None`."""
        with self._lock:
            return self._buttons.get(button_id)

    def buttons(self) -> Sequence[SosButton]:
        """Returns all buttons in order of their id."""
        with self._lock:
            return tuple(one for _, one in sorted(self._buttons.items()))

    def _known(self, handoff_id: HandoffId) -> Handoff:
        if handoff_id not in self._handoffs:
            raise no_such_handoff(handoff_id)
        return self._handoffs[handoff_id]


def no_such_handoff(handoff_id: HandoffId) -> NotFound:
    """Returns the error that there is no such hand-off."""
    return NotFound(
        "there is no such hand-off", where=str(handoff_id), cure="name one of /handoffs"
    )


def changed_meanwhile(handoff: Handoff) -> VersionConflict:
    """Returns the error that a hand-off has moved on since it was read."""
    return VersionConflict(
        "the hand-off has moved on since it was read",
        where=str(handoff.handoff_id),
        cure="read it anew",
    )
