"""A mission store in memory: for tests and for runs that keep nothing."""

import threading
from collections.abc import Sequence

from core.ids import AssetId, PatrolId, SortieId
from missions.model import Asset, Patrol, Sortie


class MemoryMissionStore:
    """A `MissionStore` that forgets with the process; safe in several threads."""

    def __init__(self) -> None:
        """Starts empty."""
        self._lock = threading.Lock()
        self._assets: dict[AssetId, Asset] = {}
        self._patrols: dict[PatrolId, Patrol] = {}
        self._sorties: dict[SortieId, Sortie] = {}

    def save_asset(self, asset: Asset) -> None:
        """Keeps an asset; one of the same id is replaced."""
        with self._lock:
            self._assets[asset.asset_id] = asset

    def assets(self) -> Sequence[Asset]:
        """Returns all assets in order of their id."""
        with self._lock:
            return tuple(self._assets[key] for key in sorted(self._assets))

    def save_patrol(self, patrol: Patrol) -> None:
        """Keeps a patrol; one of the same id is replaced."""
        with self._lock:
            self._patrols[patrol.patrol_id] = patrol

    def patrols(self) -> Sequence[Patrol]:
        """Returns all patrols in order of their id."""
        with self._lock:
            return tuple(self._patrols[key] for key in sorted(self._patrols))

    def save_sortie(self, sortie: Sortie) -> None:
        """Keeps the newest state of a sortie; a version that is not newer is dropped."""
        with self._lock:
            kept = self._sorties.get(sortie.sortie_id)
            if kept is None or sortie.version > kept.version:
                self._sorties[sortie.sortie_id] = sortie

    def sorties(
        self,
        *,
        sortie_id: SortieId | None = None,
        asset_id: AssetId | None = None,
        patrol_id: PatrolId | None = None,
    ) -> Sequence[Sortie]:
        """Returns sorties that fit every filter given, newest id last; maybe none."""
        with self._lock:
            return tuple(
                sortie
                for key, sortie in sorted(self._sorties.items())
                if (sortie_id is None or key == sortie_id)
                and (asset_id is None or sortie.plan.asset_id == asset_id)
                and (patrol_id is None or sortie.plan.patrol_id == patrol_id)
            )
