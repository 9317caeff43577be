"""What schedules start at a station: sorties of its own operations, behind the weather gates."""

import asyncio
from datetime import datetime
from typing import Protocol

from core.errors import IllegalMove
from core.ids import PatrolId, SortieId, UserId
from missions.model import Asset, Sortie
from missions.ports import MissionStore, WeatherSource
from missions.schedules import Schedule, StopReason
from missions.scheduling.gates import Verdict, judge_weather

SCHEDULER = UserId("scheduler")
"""Stands for the person where a schedule names none."""


class Starts(Protocol):
    """The part of the station's operations that is needed."""

    async def start(
        self, patrol_id: PatrolId, by: UserId, *, sortie_id: SortieId | None = None
    ) -> Sortie:
        """Plans, proves, authorises and starts a sortie; one of that id is never made twice."""
        ...


class OperationsDispatcher:
    """A `Dispatcher` that starts patrols as a pilot would, under the name of who approved."""

    def __init__(
        self, operations: Starts, missions: MissionStore, weather: WeatherSource | None
    ) -> None:
        """Takes what it works with; without a weather source every gate stays closed."""
        self._operations, self._missions, self._weather = operations, missions, weather

    async def permits(self, schedule: Schedule, now: datetime) -> Verdict:
        """Returns whether weather and asset let a patrol begin now."""
        asset = await asyncio.to_thread(self._asset, schedule)
        if asset is None:
            return Verdict(StopReason.NO_PATROL, "the patrol or its asset is gone")
        if asset.passive:
            return Verdict(StopReason.ASSET_GROUNDED, f"{asset.asset_id} is never tasked")
        if schedule.gates is None:
            return Verdict()
        weather = None
        if self._weather is not None:
            home = asset.home
            weather = await self._weather.weather_at(home.lat_deg, home.lon_deg, now)
        return judge_weather(schedule.gates, asset, weather, now, schedule.override)

    async def dispatch(self, schedule: Schedule, sortie_id: SortieId) -> None:
        """Starts the schedule's patrol as the sortie of this id.

        Raises:
            PlanUnsafe: if the check has an error-level finding.
            IllegalMove: if the asset is busy, or nobody has approved the schedule.
        """
        if not schedule.fires:
            raise IllegalMove(
                "the schedule is not approved",
                where=schedule.schedule_id,
                cure="let a second planner approve it",
            )
        by = schedule.approved_by or SCHEDULER
        await self._operations.start(schedule.patrol_id, by, sortie_id=sortie_id)

    def started(self, sortie_id: SortieId) -> bool:
        """Returns whether there is a sortie of this id."""
        return bool(self._missions.sorties(sortie_id=sortie_id))

    def _asset(self, schedule: Schedule) -> Asset | None:
        for patrol in self._missions.patrols():
            if patrol.patrol_id == schedule.patrol_id:
                assets = {asset.asset_id: asset for asset in self._missions.assets()}
                return assets.get(patrol.asset_id)
        return None
