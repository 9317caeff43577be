"""Hears the receivers of all cars all the time, also of those that are never tasked."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from core.clock import Clock
from core.errors import LinkLost, VehicleUnreachable
from core.ids import AssetId
from missions.model import Asset, AssetKind
from telemetry.model import TelemetrySample
from telemetry.ports import TelemetryLink
from telemetry.posted import Postbox

log = logging.getLogger(__name__)

PHONE = ("", "phone:")
"""Addresses of cars whose position is posted by the driver's phone."""
LOOK_EVERY = timedelta(seconds=20)
"""How often it is seen whether cars were added or changed."""
_BATCH = timedelta(seconds=1)
"""Samples are handed on together, by the receiver's time."""

OpenReceiver = Callable[[Asset], TelemetryLink]


class ReceiverWatch:
    """Keeps a link to each car's receiver and hands what it says to the postbox."""

    def __init__(
        self,
        assets: Callable[[], Sequence[Asset]],
        open_receiver: OpenReceiver,
        postbox: Postbox,
        clock: Clock,
    ) -> None:
        """Starts without links.

        Args:
            assets: all assets; asked again and again.
            open_receiver: opens the link that an asset's address names.
            postbox: takes what is heard.
            clock: when to look again.
        """
        self._assets, self._open, self._postbox = assets, open_receiver, postbox
        self._clock = clock
        self._heard: dict[AssetId, tuple[str, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Hears all receivers until it is cancelled."""
        try:
            while True:
                self._follow_fleet(await asyncio.to_thread(self._assets))
                await self._clock.sleep_until(self._clock.now() + LOOK_EVERY)
        finally:
            tasks = [task for _, task in self._heard.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _follow_fleet(self, assets: Sequence[Asset]) -> None:
        wanted = {
            asset.asset_id: asset
            for asset in assets
            if asset.kind is AssetKind.VEHICLE and asset.address not in PHONE
        }
        for asset_id, (address, task) in tuple(self._heard.items()):
            if asset_id not in wanted or wanted[asset_id].address != address:
                task.cancel()
                del self._heard[asset_id]
        for asset_id, asset in wanted.items():
            if asset_id not in self._heard:
                task = asyncio.create_task(self._hear(asset))
                self._heard[asset_id] = (asset.address, task)

    async def _hear(self, asset: Asset) -> None:
        lost = False
        while True:
            try:
                link = self._open(asset)
            except VehicleUnreachable as error:
                log.error(
                    "a car's receiver has no address that is understood",
                    extra={"asset_id": asset.asset_id, "reason": str(error)},
                )
                return
            try:
                await self._pass_on(asset, link)
            except LinkLost as error:
                if not lost:  # said once, not at each try
                    log.warning(
                        "a car's receiver is silent",
                        extra={"asset_id": asset.asset_id, "reason": str(error)},
                    )
                lost = True
            else:
                lost = False

    async def _pass_on(self, asset: Asset, link: TelemetryLink) -> None:
        batch: list[TelemetrySample] = []
        told_at = None
        try:
            async for sample in link.samples():
                if sample.position is None:
                    self._postbox.alive(sample)  # no place, but no silence either
                    continue
                batch.append(sample)
                if told_at is None or sample.at - told_at >= _BATCH:
                    told_at = sample.at
                    await asyncio.to_thread(self._postbox.post, asset.asset_id, tuple(batch))
                    batch.clear()
        finally:
            await link.close()
            if batch:
                self._postbox.post(asset.asset_id, batch)
