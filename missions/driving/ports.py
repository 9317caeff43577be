"""What driving needs from outside: one store of taps, which never forgets."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from core.ids import AssetId, SortieId
from missions.driving.taps import Tap, TapId, TapKind


class TapStore(Protocol):
    """Keeps every tap, once. Safe to share by threads and processes."""

    def add(self, tap: Tap) -> Tap | None:
        """Keeps a tap, unless one of its id is kept already.

        Returns `None` where it is new, and durable by now; else the tap of that id as it was kept.
        Of several that add the same one at once, exactly one is told that it was new.
        """
        ...

    def get(self, tap_id: TapId) -> Tap | None:
        """Returns a tap, or `None`."""
        ...

    def taps(
        self,
        asset_id: AssetId,
        *,
        sortie_id: SortieId | None = None,
        kinds: Collection[TapKind] | None = None,
        since: datetime | None = None,
    ) -> Sequence[Tap]:
        """Returns the taps of a car that fit every filter, in the order they were received in.

        Args:
            asset_id: the car.
            sortie_id: only of this sortie.
            kinds: only these.
            since: only those received at this instant or later.
        """
        ...
