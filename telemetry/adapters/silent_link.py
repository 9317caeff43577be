"""The voice of an aircraft that has none while it flies."""

import asyncio
from collections.abc import AsyncIterator

from core.ids import AssetId
from telemetry.model import TelemetrySample


class SilentLink:
    """A `TelemetryLink` on which nothing ever comes, and whose silence is no loss."""

    def __init__(self, asset_id: AssetId) -> None:
        """Stands for the asset."""
        self._asset_id = asset_id
        self._closed = asyncio.Event()

    @property
    def asset_id(self) -> AssetId:
        """The asset that does not speak."""
        return self._asset_id

    async def samples(self) -> AsyncIterator[TelemetrySample]:
        """Yields nothing, and ends when the link is closed."""
        await self._closed.wait()
        nothing: tuple[TelemetrySample, ...] = ()
        for sample in nothing:
            yield sample

    async def close(self) -> None:
        """Ends `samples()`; a second call does nothing."""
        self._closed.set()
