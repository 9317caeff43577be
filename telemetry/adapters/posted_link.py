"""The voice of a car whose position is posted by a phone."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from core.clock import Clock
from core.errors import LinkLost
from core.ids import AssetId
from telemetry.model import TelemetrySample
from telemetry.posted import Postbox


class PostedLink:
    """A `TelemetryLink` over what is posted for one asset; to be used on one event loop."""

    def __init__(
        self, asset_id: AssetId, postbox: Postbox, clock: Clock, *, silence_limit_s: float
    ) -> None:
        """Listens from now on.

        Args:
            asset_id: whose samples.
            postbox: where they are handed in, on any thread.
            clock: counts the silence.
            silence_limit_s: longest time without any; a phone in a pocket is silent for long.
        """
        self._asset_id, self._clock = asset_id, clock
        self._limit = timedelta(seconds=silence_limit_s)
        self._waiting: deque[TelemetrySample] = deque()
        self._bell = asyncio.Event()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = postbox.listen(asset_id, self._hear)

    @property
    def asset_id(self) -> AssetId:
        """The asset that speaks."""
        return self._asset_id

    async def samples(self) -> AsyncIterator[TelemetrySample]:
        """Yields what is posted, in order of time; what comes late is in the log alone.

        Raises:
            LinkLost: after the silence limit.
        """
        self._loop = asyncio.get_running_loop()
        last = None
        try:
            while not self._closed:
                self._bell.clear()
                while self._waiting and not self._closed:
                    sample = self._waiting.popleft()
                    if last is None or sample.at > last:
                        last = sample.at
                        yield sample
                if self._closed or self._waiting:
                    continue
                if not await self._rung():
                    raise LinkLost(
                        f"nothing was posted for {self._limit.total_seconds():g} s",
                        where=str(self._asset_id),
                        cure="keep the driver's page open and unlocked, or fit a GPS box",
                    )
        finally:
            self._end()

    async def close(self) -> None:
        """Ends `samples()`."""
        self._closed = True
        self._end()
        self._bell.set()

    def _hear(self, samples: Sequence[TelemetrySample]) -> None:
        self._waiting.extend(samples)
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._bell.set)
        except RuntimeError:
            pass  # its loop has ended, and the reader with it

    async def _rung(self) -> bool:
        """Waits for a batch or the end; returns whether one of them came within the limit."""
        limit = asyncio.ensure_future(self._clock.sleep_until(self._clock.now() + self._limit))
        bell = asyncio.ensure_future(self._bell.wait())
        try:
            await asyncio.wait({limit, bell}, return_when=asyncio.FIRST_COMPLETED)
            return self._bell.is_set() or bool(self._waiting)
        finally:
            limit.cancel()
            bell.cancel()
            await asyncio.gather(limit, bell, return_exceptions=True)
