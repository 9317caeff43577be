"""What hand-offs need from outside: one store of them and of SOS buttons."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.ids import AssetId
from missions.control.records import CommandRecord
from missions.handoffs.model import Handoff, HandoffId, SosButton


class HandoffStore(Protocol):
    """Keeps hand-offs, each change together with its record in the chain of commands.

    A method that writes returns once it is durable. Safe to share by threads.
    """

    def add(self, handoff: Handoff, record: CommandRecord) -> Handoff:
        """Keeps a new hand-off and returns it; that of the same event, if there is one already.

        Only where it is kept is the record appended to the chain, in the same transaction.
        """
        ...

    def replace(self, handoff: Handoff, record: CommandRecord) -> None:
        """Keeps the next version, and appends the record to the chain, in one transaction.

        Raises:
            NotFound: if there is no such hand-off.
            VersionConflict: if the newest version is not the one before it; nothing is kept then.
        """
        ...

    def get(self, handoff_id: HandoffId) -> Handoff:
        """Returns the newest version.

        Raises:
            NotFound: if there is none.
        """
        ...

    def handoffs(
        self,
        *,
        only_open: bool = False,
        since: datetime | None = None,
        asset_id: AssetId | None = None,
        button_id: str | None = None,
    ) -> Sequence[Handoff]:
        """Returns the newest version of those that fit every filter, by time of event and id.

        Args:
            only_open: leaves out what has ended.
            since: of the event.
            asset_id: who is asked, goes or is there.
            button_id: that was pressed.
        """
        ...

    def save_button(self, button: SosButton) -> None:
        """Keeps a button; one of the same id is replaced."""
        ...

    def button(self, button_id: str) -> SosButton | None:
        """Returns a button, or `None`."""
        ...

    def buttons(self) -> Sequence[SosButton]:
        """Returns all buttons in order of their id."""
        ...
