"""Positions that are handed in rather than heard: of phones, which may be without a network.

A batch may come minutes late, twice, or out of order. All of it goes into the log, which keeps each
instant once; a link passes on only what is newer than what it has passed on before.
"""

import threading
from collections.abc import Callable, Sequence

from core.ids import AssetId
from telemetry.model import TelemetrySample
from telemetry.ports import TelemetryLog

Hearer = Callable[[Sequence[TelemetrySample]], None]
"""Is given each batch, in order of time; it must not take long nor raise."""


class Postbox:
    """Takes in batches of samples and tells whoever listens; safe in several threads."""

    def __init__(self, log: TelemetryLog, heard: Callable[[TelemetrySample], None]) -> None:
        """Starts without listeners.

        Args:
            log: keeps every sample.
            heard: is told of the newest of a batch, unless a newer one was told before.
        """
        self._log, self._heard = log, heard
        self._lock = threading.Lock()
        self._newest: dict[AssetId, TelemetrySample] = {}
        self._hearers: dict[AssetId, list[Hearer]] = {}
        self._hear_all: tuple[Hearer, ...] = ()

    def post(self, asset_id: AssetId, samples: Sequence[TelemetrySample]) -> int:
        """Keeps the samples of one asset and returns how many were new; they are durable then."""
        ordered = sorted(samples, key=lambda sample: sample.at)
        if not ordered:
            return 0
        new = self._log.append(ordered)
        with self._lock:
            last = self._newest.get(asset_id)
            fresh = last is None or ordered[-1].at > last.at
            if fresh:
                self._newest[asset_id] = ordered[-1]
        if fresh:
            self._heard(ordered[-1])
        self._tell(asset_id, ordered)
        return new

    def alive(self, sample: TelemetrySample) -> None:
        """Tells listeners of a sign of life that says no place; it is not kept."""
        self._tell(sample.asset_id, [sample])

    def listen(self, asset_id: AssetId, hearer: Hearer) -> Callable[[], None]:
        """Has an asset's batches told from now on; returns what ends it."""
        with self._lock:
            self._hearers.setdefault(asset_id, []).append(hearer)

        def end() -> None:
            with self._lock:
                present = self._hearers.get(asset_id, [])
                if hearer in present:
                    present.remove(hearer)

        return end

    def listen_all(self, hearer: Hearer) -> None:
        """Has every asset's batches told from now on."""
        with self._lock:
            self._hear_all = (*self._hear_all, hearer)

    def _tell(self, asset_id: AssetId, samples: Sequence[TelemetrySample]) -> None:
        with self._lock:
            hearers = (*self._hearers.get(asset_id, ()), *self._hear_all)
        for hearer in hearers:
            hearer(samples)
