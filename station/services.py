"""What the HTTP edge may use, made of an opened station."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from api.handoff_desk import HandoffDesk
from api.hosts import allowed_hosts
from api.live import LiveFeed
from api.services import Limits, Operations, Services, Versions
from api.setup import SetUp
from api.throttle import SignInThrottle
from core.clock import Clock
from incidents.ports import Notifier
from missions.attestations import AttestationService
from missions.control.desk import ControlDesk
from missions.failsafes.report import FailsafeService
from missions.guided import ApprovedText
from missions.monitoring.monitored import Monitored
from missions.ports import WeatherSource
from missions.weather import Weather
from station.agencies import AGENCIES
from station.circumstances import fresh_weather
from station.data_folder import Stores
from station.picture_size import picture_size
from station.road_network import ROADS_FILE, StationRoads
from station.settings import Settings
from station.street_watch import StreetWatch
from station.version import version_text
from station.wiring import day_calendar
from telemetry.posted import Postbox

_MB = 1_000_000


def city() -> Mapping[str, Any]:
    """Returns Kosshy's boundary and the places around it, as GeoJSON with attributions."""
    text = resources.files("station").joinpath("data/kosshy.geojson").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def page_folder() -> Path | None:
    """Returns the built web page, `None` where it was not built."""
    folder = Path(str(resources.files("station"))) / "page"
    return folder if (folder / "index.html").is_file() else None


def make_services(
    settings: Settings,
    stores: Stores,
    clock: Clock,
    live: LiveFeed,
    notifier: Notifier,
    operations: Operations,
    control: ControlDesk,
    postbox: Postbox,
    *,
    detector_model: str,
    city_map: Mapping[str, Any],
    demo: bool,
    weather: WeatherSource | None = None,
    concerns: Callable[[], Sequence[Monitored]] = tuple,
    handoffs: HandoffDesk | None = None,
    failsafes: FailsafeService | None = None,
    texts: tuple[ApprovedText, ...] = (),
    attestations: AttestationService | None = None,
) -> Services:
    """Returns the services of one station.

    Args:
        settings: limits and durations.
        stores: what is kept.
        clock: the station's.
        live: the feed of what changes.
        notifier: told of changed incidents; passes them on to `live`.
        operations: plans and commands the fleet.
        control: leases and the records of commands, as the operations use it.
        postbox: takes in positions of phones.
        detector_model: name and version of the weights in use.
        city_map: the map's base.
        demo: whether anybody may sign in as a demo role.
        weather: where it comes from; `None` where nothing is set.
        concerns: what is wrong with the flights under way.
        handoffs: hands events off.
        failsafes: reads and corrects the settings of aircraft.
        texts: what may be said over a loudspeaker.
        attestations: takes the word of pilots whose aircraft can't be commanded.
    """

    def weather_at(lat_deg: float, lon_deg: float, at: datetime) -> Weather | None:
        return None if weather is None else fresh_weather(weather, lat_deg, lon_deg, at)

    roads = StationRoads(settings.home / ROADS_FILE)
    streets = StreetWatch(roads.graph)
    postbox.listen_all(streets.heard)
    return Services(
        zones=stores.zones,
        missions=stores.missions,
        permissions=stores.permissions,
        schedules=stores.schedules,
        days=day_calendar(),
        telemetry_log=stores.telemetry,
        incidents=stores.incidents,
        vault=stores.vault,
        notifier=notifier,
        accounts=stores.accounts,
        receipts=stores.receipts,
        passwords=stores.passwords,
        picture_check=picture_size,
        clock=clock,
        live=live,
        setup=SetUp(),
        throttle=SignInThrottle(clock),
        operations=operations,
        control=control,
        commands=stores.control,
        taps=stores.taps,
        postbox=postbox,
        agencies=AGENCIES,
        city=lambda: city_map,
        page_folder=page_folder(),
        versions=Versions(version_text(), stores.database.schema_version, detector_model),
        demo=demo,
        roads=roads.to,
        street=streets.street,
        weather=weather_at,
        concerns=concerns,
        handoffs=handoffs,
        handoff_store=stores.handoffs,
        failsafes=failsafes,
        texts=texts,
        attestations=attestations,
        hosts=allowed_hosts(settings.server.host, settings.server.hosts),
        limits=Limits(
            session=timedelta(hours=settings.server.session_hours),
            body_bytes=round(settings.server.body_max_mb * _MB),
            zone_review=settings.planning.zone_review,
            schedule_review=settings.planning.schedule_review,
            observation_age=timedelta(days=settings.server.observation_days) or None,
        ),
    )
