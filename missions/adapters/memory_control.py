"""A control store in memory: for tests and for runs that keep nothing."""

import threading
from collections.abc import Collection, Sequence
from datetime import datetime

from core.ids import AssetId
from missions.control.leases import Lease, check_term
from missions.control.records import ChainEntry, CommandKind, CommandRecord, chained


class MemoryControlStore:
    """A `ControlStore` that forgets with the process; safe in several threads."""

    def __init__(self) -> None:
        """Starts empty."""
        self._lock = threading.Lock()
        self._leases: dict[AssetId, Lease] = {}
        self._chain: list[ChainEntry] = []

    def lease(self, asset_id: AssetId) -> Lease | None:
        """Returns the asset's newest lease."""
        with self._lock:
            return self._leases.get(asset_id)

    def put_lease(self, lease: Lease, expected: Lease | None, record: CommandRecord | None) -> bool:
        """Replaces the lease `expected` and appends the change's record."""
        with self._lock:
            if self._leases.get(lease.asset_id) != expected:
                return False
            self._leases[lease.asset_id] = lease
            if record is not None:
                self._add(record)
            return True

    def append(self, record: CommandRecord, *, fenced: bool = False) -> ChainEntry:
        """Appends a record to the chain."""
        with self._lock:
            if fenced and record.asset_id and record.by and record.term is not None:
                present = self._leases.get(record.asset_id)
                check_term(present, record.by, record.at, record.term, where=str(record.asset_id))
            return self._add(record)

    def records(
        self,
        *,
        asset_id: AssetId | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[ChainEntry]:
        """Returns entries that fit every filter, in the order of their numbers."""
        with self._lock:
            return tuple(
                entry
                for entry in self._chain
                if (asset_id is None or entry.record.asset_id == asset_id)
                and (since is None or since <= entry.record.at)
                and (until is None or entry.record.at < until)
            )

    def newest(self, kinds: Collection[CommandKind]) -> ChainEntry | None:
        """Returns the last entry of any of these kinds."""
        with self._lock:
            return next((e for e in reversed(self._chain) if e.record.kind in kinds), None)

    def _add(self, record: CommandRecord) -> ChainEntry:
        entry = chained(record, self._chain[-1] if self._chain else None)
        self._chain.append(entry)
        return entry
