"""What the control of assets needs from outside: one store of leases and of the chain."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from core.ids import AssetId
from missions.control.leases import Lease
from missions.control.records import ChainEntry, CommandKind, CommandRecord


class ControlStore(Protocol):
    """Keeps the newest lease of each asset and every record of a command, for ever.

    A method that writes returns once it is durable. Safe to share by threads.
    """

    def lease(self, asset_id: AssetId) -> Lease | None:
        """Returns the asset's newest lease, whether in force or not; `None` if there never was."""
        ...

    def put_lease(self, lease: Lease, expected: Lease | None, record: CommandRecord | None) -> bool:
        """Replaces the lease `expected` and appends the change's record, both or neither.

        Returns `False`, and changes nothing, where the present lease is not `expected`: of
        several that ask at once exactly one wins.
        """
        ...

    def append(self, record: CommandRecord, *, fenced: bool = False) -> ChainEntry:
        """Appends a record to the chain.

        Args:
            record: what is to be kept.
            fenced: only while the asset's newest lease is of the record's term and its holder
                gives it; no take-over comes in between.

        Raises:
            LeaseStale: if it is fenced and command has passed on; nothing is kept then.
        """
        ...

    def records(
        self,
        *,
        asset_id: AssetId | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[ChainEntry]:
        """Returns entries that fit every filter, in the order of their numbers.

        What is for all assets is left out where one is named. `until` is not counted in.
        """
        ...

    def newest(self, kinds: Collection[CommandKind]) -> ChainEntry | None:
        """Returns the last entry of any of these kinds, or `None`."""
        ...
