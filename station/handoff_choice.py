"""Who is asked to go to an occasion: the planner's decision over the fleet as it stands."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from api.fleet_desk import FleetNow, flights_under_way, rally_of_fleet, responders
from core.clock import Clock
from core.ids import AssetId
from geo.ports import TerrainModel, ZoneStore
from geo.zones import Purpose
from missions.circumstances import Circumstances
from missions.dispatching.dispatch import decide
from missions.dispatching.judge import TravelTimes
from missions.events import Decision, Event
from missions.handoffs.model import Occasion
from missions.ports import MissionStore, PermissionStore
from missions.weather import Weather


@dataclass(frozen=True, slots=True)
class Chooser:
    """Asks the planner; every call looks at the fleet anew, and may take a while."""

    missions: MissionStore
    operations: FleetNow
    zones: ZoneStore
    permissions: PermissionStore
    clock: Clock
    roads: Callable[[float, float], TravelTimes | None] = lambda lat_deg, lon_deg: None
    weather: Callable[[float, float, datetime], Weather | None] = lambda lat_deg, lon_deg, at: None
    terrain: TerrainModel | None = None

    def decide(
        self,
        occasion: Occasion,
        *,
        without: Collection[AssetId] = (),
        only: AssetId | None = None,
    ) -> Decision:
        """Returns who goes, with the plan from where it is now.

        Args:
            occasion: what has happened.
            without: assets that are out of the question.
            only: looks at no other asset.
        """
        now = self.clock.now()
        point = occasion.point
        lat, lon = point.lat_deg, point.lon_deg
        event = Event(
            occasion.event_id, occasion.kind, lat, lon, now, occasion.stay_s, occasion.priority
        )
        around = Circumstances(
            permissions=tuple(self.permissions.permissions()),
            weather=self.weather(lat, lon, now),
            others=tuple(flights_under_way(self, now)),
        )
        fleet = [
            one
            for one in responders(self, now)
            if one.asset.asset_id not in without and only in (None, one.asset.asset_id)
        ]
        return decide(
            event,
            fleet,
            self.zones.find(Purpose.FLIGHT),
            circumstances=around,
            roads=self.roads(lat, lon),
            rally=rally_of_fleet(self),
            terrain=self.terrain,
        )
