"""What telemetry needs from outside: a link that speaks, and a log that remembers."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from core.ids import AssetId
from telemetry.clock_offset import ClockOffset
from telemetry.model import TelemetrySample


class TelemetryLink(Protocol):
    """One asset's voice."""

    @property
    def asset_id(self) -> AssetId:
        """The asset that speaks."""
        ...

    def samples(self) -> AsyncIterator[TelemetrySample]:
        """Yields samples in order of time until the link is closed or the recording ends.

        A repeated or late sample is dropped. Silence longer than the link's own limit ends
        the iteration with an error, so that a lost vehicle is never mistaken for a still one.

        Raises:
            LinkLost: after that silence.
        """
        ...

    async def close(self) -> None:
        """Ends `samples()` without an error; a second call does nothing."""
        ...


class TelemetryLog(Protocol):
    """Keeps samples by asset and time."""

    def append(self, samples: Sequence[TelemetrySample]) -> int:
        """Keeps samples, all or none, in any order; returns how many were new.

        One of the same asset and instant as a kept one is dropped. Once it has returned, the
        samples survive the death of the process. Each number comes back to the last bit.
        """
        ...

    def between(
        self, asset_id: AssetId, start: datetime, end: datetime
    ) -> Sequence[TelemetrySample]:
        """Returns the asset's samples with start <= at < end, in order of time; maybe none.

        A log on disk returns `telemetry.columns.SampleColumns`: a sequence like any other, whose
        columns can also be had whole.
        """
        ...

    def note_clock(self, asset_id: AssetId, at: datetime, offset: ClockOffset) -> None:
        """Keeps how far a vehicle's clock was from the station's; of one instant the newest."""
        ...

    def clocks_between(
        self, asset_id: AssetId, start: datetime, end: datetime
    ) -> Sequence[tuple[datetime, ClockOffset]]:
        """Returns what is kept of its clock with start <= at < end, in order of time."""
        ...

    def remove_before(self, at: datetime) -> int:
        """Removes samples and clocks older than `at`, for the retention; how many samples."""
        ...
