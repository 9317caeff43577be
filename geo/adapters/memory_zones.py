"""Zones in memory, for tests and for runs that keep nothing."""

from collections.abc import Iterable, Sequence
from threading import RLock

from core.errors import NotFound, VersionConflict
from core.ids import ZoneId
from geo.zone_life import standing
from geo.zones import Purpose, Zone


class MemoryZones:
    """A `ZoneStore` that forgets everything when the process ends; safe for threads."""

    def __init__(self, zones: Iterable[Zone] = ()) -> None:
        """Starts with these zones."""
        self._history: dict[ZoneId, list[Zone]] = {}
        self._lock = RLock()
        for zone in zones:
            self.add(zone)

    def add(self, zone: Zone) -> Zone:
        """Keeps a new zone and returns it.

        Raises:
            VersionConflict: if a zone of that id is there already.
        """
        with self._lock:
            if zone.zone_id in self._history:
                raise VersionConflict("it is there already", where=zone.zone_id)
            self._history[zone.zone_id] = [zone]
        return zone

    def get(self, zone_id: ZoneId) -> Zone:
        """Returns the newest version.

        Raises:
            NotFound: if there is none.
        """
        with self._lock:
            if zone_id not in self._history:
                raise NotFound("there is no such zone", where=zone_id)
            return self._history[zone_id][-1]

    def find(self, purpose: Purpose | None = None, *, active: bool = True) -> Sequence[Zone]:
        """Returns what stands and is switched on, or the newest of all; in order of their id."""
        with self._lock:
            histories = [tuple(self._history[zone_id]) for zone_id in sorted(self._history)]
        chosen = [standing(history) if active else history[-1] for history in histories]
        return tuple(
            zone
            for zone in chosen
            if zone is not None
            and (purpose is None or purpose in zone.purposes)
            and (zone.switched_on or not active)
        )

    def history(self, zone_id: ZoneId) -> tuple[Zone, ...]:
        """Returns every version, oldest first; maybe none."""
        with self._lock:
            return tuple(self._history.get(zone_id, ()))

    def replace(self, zone: Zone, expected_version: int) -> Zone:
        """Keeps the next version and returns it.

        Raises:
            NotFound: if there is no such zone.
            VersionConflict: if the newest version is not `expected_version`.
        """
        if zone.version != expected_version + 1:
            raise ValueError(f"version {zone.version} can't follow {expected_version}")
        with self._lock:
            newest = self.get(zone.zone_id)
            if newest.version != expected_version:
                raise VersionConflict(
                    f"it is at version {newest.version}, not {expected_version}",
                    where=zone.zone_id,
                    cure="read it anew and try again",
                )
            self._history[zone.zone_id].append(zone)
        return zone
