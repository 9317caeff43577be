"""`qyran serve`: the station of a city: API, page and patrols of its own assets."""

import asyncio
import os
from functools import partial

from api.live import LiveFeed
from core.clock import SystemClock
from geo.positions import Altitude, Datum
from geo.zones import Purpose
from incidents.geotag import GeotagLimits
from missions.control.desk import ControlDesk
from station.approved_texts import approved_texts
from station.arm_authority import ArmAuthority
from station.circumstances import known_circumstances, weather_at_home
from station.command import Run, verb
from station.data_folder import Stores
from station.driver_words import driver_words
from station.failsafe_checks import FailsafeChecks
from station.field_hangar import FieldHangar
from station.fleet import Fleet
from station.going import GoingOperations
from station.handoff_station import NewIncidents, station_handoffs
from station.http import listening_socket, serve, url_of
from station.left_sorties import close_left
from station.live_monitor import LiveMonitor, monitor_policy
from station.patrol_line import Station
from station.receiver_watch import ReceiverWatch
from station.road_network import ROADS_FILE, StationRoads
from station.schedule_dispatch import OperationsDispatcher
from station.schedule_loop import ScheduleLoop
from station.services import city, make_services
from station.settings import Settings
from station.sight_line import Ground
from station.store_lock import station_lock
from station.stores import opened_stores
from station.wiring import (
    day_calendar,
    level_ground,
    notifiers,
    open_detector,
    receiver,
    weather_source,
)
from telemetry.posted import Postbox


@verb
def run(call: Run) -> int:
    """Start the station: API, page and patrols."""
    settings = call.settings
    with station_lock(settings.home, "qyran serve"), opened_stores(settings) as stores:
        asyncio.run(_serve(call, settings, stores))
    return 0


async def _serve(call: Run, settings: Settings, stores: Stores) -> None:
    listener = listening_socket(settings.server)
    clock = SystemClock()
    live = LiveFeed(clock)
    new_incidents = NewIncidents()
    notifier = notifiers(live, new_incidents)
    # Level ground at each asset's own take-off place: heights are counted from there.
    ground = Ground(
        level_ground(
            Altitude(settings.geotag.ground_m, Datum.GEOID), settings.geotag.terrain_sigma_m
        )
    )
    fleet = Fleet(
        lambda: tuple(stores.missions.assets()),
        ground,
        clock.now,
        lambda asset_id, status: live.asset_changed(status),
    )
    postbox = Postbox(stores.telemetry, fleet.heard)
    station = Station(
        clock,
        open_detector(settings),
        stores.incidents,
        notifier,
        stores.telemetry,
        ground,
        lambda: stores.zones.find(Purpose.WATCH),
        GeotagLimits(settings.geotag.distance_most_m, settings.geotag.radius_most_m),
    )
    weather = weather_source(settings)
    # the lock of the data folder is held: whatever is under way there has lost its station
    left = close_left(stores.missions, clock.now(), live.sortie_changed)
    control = ControlDesk(stores.control, clock, on_lease=live.lease_changed)
    words = driver_words(stores.missions, stores.taps)
    hangar = FieldHangar(clock, stores.vault, settings, postbox, words)
    operations = GoingOperations(
        station,
        hangar,
        stores.missions,
        stores.zones,
        fleet,
        control=control,
        on_sortie=live.sortie_changed,
        circumstances=known_circumstances(stores.permissions, weather),
    )
    hangar.authoriser = ArmAuthority(
        stores.missions, stores.permissions, control, clock, operations.sortie_of
    )
    monitor = LiveMonitor(
        operations, stores.zones, stores.permissions.permissions, clock,
        policy=monitor_policy(settings.monitor),
        weather=None if weather is None else partial(weather_at_home, weather),
        terrain=ground.terrain, on_change=live.concerns_changed,
    )  # fmt: skip
    fleet.also_tell(monitor.heard)
    handing = station_handoffs(
        settings.handoff, stores, operations, fleet, control, clock, ground,
        on_change=live.handoff_changed, roads=StationRoads(settings.home / ROADS_FILE).to,
        weather=weather,
    )  # fmt: skip
    if settings.handoff.violations:
        new_incidents.begin(handing)
    services = make_services(
        settings, stores, clock, live, notifier, operations, control, postbox,
        detector_model=station.detector.model, city_map=city(), demo=False,
        weather=weather, concerns=monitor.monitored, handoffs=handing,
        texts=approved_texts(settings),
        attestations=hangar.attestations,
        failsafes=FailsafeChecks(
            hangar, stores.missions, control, clock, reserved=operations.reserved
        ),
    )  # fmt: skip
    address = url_of(listener)
    document: dict[str, object] = {"url": address, "demo": False}
    text = f"Qyran: {address}"
    if left:
        ids = [sortie.sortie_id for sortie in left]
        document["left_sorties"] = ids
        text += f"\nleft by a station that stopped, look at their vehicles: {', '.join(ids)}"
    if not stores.accounts.accounts():
        link = f"{address}/#setup={services.setup.issue()}"
        document["setup_link"] = link
        text += f"\nfirst start, make the first admin once at: {link}"
    call.emit(document, text)
    schedules = ScheduleLoop(
        stores.schedules,
        OperationsDispatcher(operations, stores.missions, weather),
        day_calendar(),
        clock,
        name=f"station-{os.getpid()}",
    )
    firing = asyncio.create_task(schedules.run())
    monitoring = asyncio.create_task(monitor.run())
    handing_off = asyncio.create_task(handing.run())
    receivers = ReceiverWatch(
        stores.missions.assets, lambda asset: receiver(asset, clock, settings), postbox, clock
    )
    hearing = asyncio.create_task(receivers.run())
    try:
        await serve(services, settings.server, listener)
    finally:
        firing.cancel()
        monitoring.cancel()
        handing_off.cancel()
        hearing.cancel()
        await asyncio.gather(firing, monitoring, handing_off, hearing, return_exceptions=True)
        await operations.close()
        station.detector.close()
