"""A patrol that nobody films: a car without a camera drives its round and is recorded."""

import asyncio
import logging
from collections.abc import Callable

from core.errors import LinkLost
from missions.control.orders import SortieCommands
from missions.executor import fly_sortie
from missions.model import Sortie
from missions.proving.proof import ProvenPlan
from station.patrol_line import Craft, Outcome, Station
from station.sight_line import PassReport
from telemetry.model import TelemetrySample
from telemetry.recorder import record

log = logging.getLogger(__name__)


class _Nobody:
    """Takes samples that no picture waits for."""

    def add(self, sample: TelemetrySample) -> None:
        """Takes a sample."""


async def drive_unseen(
    sortie: Sortie,
    craft: Craft,
    station: Station,
    *,
    on_change: Callable[[Sortie], None],
    on_sample: Callable[[TelemetrySample], None],
    commands: SortieCommands | None = None,
) -> Outcome:
    """Drives an authorised sortie of an asset without a camera; its report is empty.

    Args and Raises as for `station.patrol_line.run_patrol`.
    """
    ProvenPlan(sortie.plan, sortie.proof).check_for(craft.asset, str(sortie.sortie_id))
    listening = asyncio.create_task(_listen(craft, station, on_sample))
    try:
        ended = await fly_sortie(
            sortie,
            craft.pilot,
            craft.fence_link,
            craft.arming,
            station.clock,
            on_change,
            commands,
            asset=craft.asset,
            guide=craft.guide,
        )
    finally:
        await craft.link.close()
        await listening
    return Outcome(ended, PassReport())


async def _listen(
    craft: Craft, station: Station, on_sample: Callable[[TelemetrySample], None]
) -> None:
    try:
        await record(craft.link, _Nobody(), station.telemetry_log, on_sample)
    except LinkLost as lost:  # the sortie ends by the pilot's own watch over the link
        log.warning("telemetry ended", extra={"reason": str(lost)})
