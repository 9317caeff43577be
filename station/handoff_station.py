"""The hand-offs of a station, joined with what they listen to."""

from collections.abc import Callable
from datetime import datetime, timedelta

from api.occasions import occasion_of
from core.clock import Clock
from incidents.model import Incident
from missions.control.desk import ControlDesk
from missions.dispatching.judge import TravelTimes
from missions.handoffs.model import Handoff
from missions.ports import WeatherSource
from missions.weather import Weather
from station.circumstances import fresh_weather
from station.data_folder import Stores
from station.fleet import Fleet
from station.going import GoingOperations
from station.handing_off import HandingOff, HandoffPolicy
from station.handoff_choice import Chooser
from station.settings import HandoffSettings
from station.sight_line import Ground


class NewIncidents:
    """A `Notifier` that has each new incident handed off, where the station's policy wants it."""

    def __init__(self) -> None:
        """Does nothing until `begin`."""
        self._handing: HandingOff | None = None

    def begin(self, handing: HandingOff) -> None:
        """Hands off from now on."""
        self._handing = handing

    def incident_changed(self, incident: Incident) -> None:
        """Hands an incident off that has just been opened."""
        if self._handing is not None and incident.version == 1:
            self._handing.open_soon(occasion_of(incident))


def station_handoffs(
    settings: HandoffSettings,
    stores: Stores,
    operations: GoingOperations,
    fleet: Fleet,
    control: ControlDesk,
    clock: Clock,
    ground: Ground,
    *,
    on_change: Callable[[Handoff], None],
    roads: Callable[[float, float], TravelTimes | None],
    weather: WeatherSource | None = None,
    every: timedelta = timedelta(milliseconds=500),
) -> HandingOff:
    """Returns the hand-offs of a station, told of what its vehicles say and its sorties do.

    Args:
        settings: what the station has decided.
        stores: what is kept.
        operations: has assets go.
        fleet: the newest of every asset.
        control: leases and the records of commands.
        clock: the station's.
        ground: joins heights above ground.
        on_change: told of every change.
        roads: ways by road to a place; `None` where there are none.
        weather: where it comes from; `None` where nothing is set.
        every: how often it looks who has not answered.
    """

    def weather_at(lat_deg: float, lon_deg: float, at: datetime) -> Weather | None:
        return None if weather is None else fresh_weather(weather, lat_deg, lon_deg, at)

    chooser = Chooser(
        stores.missions, operations, stores.zones, stores.permissions, clock, roads, weather_at,
        ground.terrain,
    )  # fmt: skip
    policy = HandoffPolicy(answer_s=settings.answer_s, press_window_s=settings.press_window_s)
    handing = HandingOff(
        stores.handoffs, stores.missions, operations, chooser, control, clock, policy=policy,
        on_change=on_change, every=every,
    )  # fmt: skip
    fleet.also_tell(handing.heard)
    operations.also_tell(handing.sortie_changed)
    return handing
