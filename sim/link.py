"""The voice of a simulated vehicle without a wire: samples as time reaches them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Protocol

from core.clock import Clock
from core.errors import LinkLost
from core.ids import AssetId
from telemetry.model import TelemetrySample

_LOOK_AGAIN = timedelta(milliseconds=100)


class SampleSource(Protocol):
    """A simulated vehicle that keeps what it has said."""

    @property
    def asset_id(self) -> AssetId:
        """The asset that speaks."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock by which it lives."""
        ...

    @property
    def muted(self) -> bool:
        """Whether its link is cut."""
        ...

    def said(self, since: int) -> tuple[Sequence[TelemetrySample], int]:
        """Returns what it has said from number `since` until now, and the next number."""
        ...


class SimTelemetryLink:
    """A `TelemetryLink` to a simulated vehicle; several may listen to one."""

    def __init__(self, source: SampleSource, silence_limit_s: float = 5.0) -> None:
        """Listens from now on; the limit counts by the source's clock."""
        self._source = source
        self._limit = timedelta(seconds=silence_limit_s)
        self._closed = asyncio.Event()
        self._next = source.said(1 << 60)[1]

    @property
    def asset_id(self) -> AssetId:
        """The asset that speaks."""
        return self._source.asset_id

    async def samples(self) -> AsyncIterator[TelemetrySample]:
        """Yields samples in order of time, as the port promises.

        Raises:
            LinkLost: after the silence limit.
        """
        clock = self._source.clock
        heard_at = clock.now()
        while not self._closed.is_set():
            fresh, self._next = self._source.said(self._next)
            if not self._source.muted:
                for sample in fresh:
                    heard_at = clock.now()
                    yield sample
                    if self._closed.is_set():
                        return
            if clock.now() - heard_at >= self._limit:
                raise LinkLost(
                    f"nothing heard for {self._limit.total_seconds():g} s",
                    where=str(self.asset_id),
                )
            nap = asyncio.ensure_future(clock.sleep_until(clock.now() + _LOOK_AGAIN))
            end = asyncio.ensure_future(self._closed.wait())
            try:
                await asyncio.wait({nap, end}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                nap.cancel()
                end.cancel()

    async def close(self) -> None:
        """Ends `samples()`."""
        self._closed.set()


class SaidSoFar:
    """Keeps the newest samples under running numbers."""

    def __init__(self, keep: int = 40_000) -> None:
        """Starts empty."""
        self._keep = keep
        self._dropped = 0
        self._samples: list[TelemetrySample] = []

    def add(self, sample: TelemetrySample) -> None:
        """Keeps one more."""
        self._samples.append(sample)
        if len(self._samples) > 2 * self._keep:
            del self._samples[: self._keep]
            self._dropped += self._keep

    def since(self, number: int) -> tuple[Sequence[TelemetrySample], int]:
        """Returns the samples from `number` on, and the number of the next one."""
        upcoming = self._dropped + len(self._samples)
        if number >= upcoming:
            return (), upcoming
        return self._samples[max(0, number - self._dropped) :], upcoming
