"""A store of taps in memory: for tests and for runs that keep nothing."""

import threading
from collections.abc import Collection, Sequence
from datetime import datetime

from core.ids import AssetId, SortieId
from missions.driving.taps import Tap, TapId, TapKind


class MemoryTapStore:
    """A `TapStore` that forgets with the process; safe in several threads."""

    def __init__(self) -> None:
        """Starts empty."""
        self._lock = threading.Lock()
        self._taps: dict[TapId, Tap] = {}

    def add(self, tap: Tap) -> Tap | None:
        """Keeps a tap, unless one of its id is kept already."""
        with self._lock:
            kept = self._taps.setdefault(tap.tap_id, tap)
            return None if kept is tap else kept

    def get(self, tap_id: TapId) -> Tap | None:
        """Returns a tap, or `None`."""
        with self._lock:
            return self._taps.get(tap_id)

    def taps(
        self,
        asset_id: AssetId,
        *,
        sortie_id: SortieId | None = None,
        kinds: Collection[TapKind] | None = None,
        since: datetime | None = None,
    ) -> Sequence[Tap]:
        """Returns the taps of a car that fit every filter."""
        with self._lock:
            kept = tuple(self._taps.values())
        return tuple(
            tap
            for tap in kept
            if tap.asset_id == asset_id
            and (sortie_id is None or tap.sortie_id == sortie_id)
            and (kinds is None or tap.kind in kinds)
            and (since is None or tap.received_at >= since)
        )
