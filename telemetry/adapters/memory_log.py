"""A telemetry log in memory: for tests and for runs that keep nothing."""

import threading
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime

from core.ids import AssetId
from telemetry.clock_offset import ClockOffset
from telemetry.model import TelemetrySample


class MemoryTelemetryLog:
    """A `TelemetryLog` that forgets with the process; safe in several threads."""

    def __init__(self) -> None:
        """Starts empty."""
        self._lock = threading.Lock()
        self._clocks: dict[tuple[AssetId, datetime], ClockOffset] = {}
        self._kept: dict[AssetId, tuple[list[datetime], list[TelemetrySample]]] = {}

    def append(self, samples: Sequence[TelemetrySample]) -> int:
        """Keeps samples; one of the same asset and instant as a kept one is dropped."""
        count = 0
        with self._lock:
            for sample in samples:
                times, kept = self._kept.setdefault(sample.asset_id, ([], []))
                index = bisect_left(times, sample.at)
                if index == len(times) or times[index] != sample.at:
                    times.insert(index, sample.at)
                    kept.insert(index, sample)
                    count += 1
        return count

    def between(
        self, asset_id: AssetId, start: datetime, end: datetime
    ) -> Sequence[TelemetrySample]:
        """Returns the asset's samples with start <= at < end, in order of time; maybe none."""
        with self._lock:
            times, kept = self._kept.get(asset_id, ([], []))
            return tuple(kept[bisect_left(times, start) : bisect_left(times, end)])

    def note_clock(self, asset_id: AssetId, at: datetime, offset: ClockOffset) -> None:
        """Keeps how far a vehicle's clock was from the station's."""
        with self._lock:
            self._clocks[asset_id, at] = offset

    def clocks_between(
        self, asset_id: AssetId, start: datetime, end: datetime
    ) -> Sequence[tuple[datetime, ClockOffset]]:
        """Returns what is kept of its clock with start <= at < end, in order of time."""
        with self._lock:
            found = [
                (at, offset)
                for (named, at), offset in self._clocks.items()
                if named == asset_id and start <= at < end
            ]
        return tuple(sorted(found, key=lambda row: row[0]))

    def remove_before(self, at: datetime) -> int:
        """Removes samples and clocks older than `at`; returns how many samples."""
        removed = 0
        with self._lock:
            self._clocks = {key: kept for key, kept in self._clocks.items() if key[1] >= at}
            for times, kept in self._kept.values():
                count = bisect_left(times, at)
                del times[:count], kept[:count]
                removed += count
        return removed
