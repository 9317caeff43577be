"""The demo with its page: patrols again and again while people draw, review and clean up."""

import asyncio
import itertools
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from core.clock import SystemClock
from core.errors import QyranError
from core.ids import PatrolId
from sim.world_layout import Layout
from station.command import Run
from station.demo import DEMO_USER, DemoStation, opened_demo
from station.demo_scenario import FRAME
from station.failsafe_checks import FailsafeChecks
from station.handoff_station import station_handoffs
from station.http import listening_socket, serve, url_of
from station.live_monitor import LiveMonitor, monitor_policy
from station.road_network import ROADS_FILE, StationRoads
from station.services import city, make_services
from station.settings import Settings
from telemetry.posted import Postbox

log = logging.getLogger(__name__)

_CREDIT = {"en": "simulated district", "ru": "смоделированный район", "kk": "модельденген аудан"}
_PAUSE = timedelta(seconds=45)
"""Simulated time between the end of one round of patrols and the next."""


async def serve_demo(call: Run, settings: Settings, seed: int, speed: float, *, auto: bool) -> int:
    """Serves the demo until stopped; returns the exit code."""
    with (
        listening_socket(settings.server) as listener,
        opened_demo(
            settings, seed=seed, start_at=SystemClock().now(), speed=speed, live=True
        ) as demo,
    ):
        monitor = LiveMonitor(
            demo.operations, demo.stores.zones, demo.stores.permissions.permissions, demo.clock,
            policy=monitor_policy(settings.monitor), terrain=demo.station.ground.terrain,
            on_change=demo.live.concerns_changed,
        )  # fmt: skip
        demo.fleet.also_tell(monitor.heard)
        handing = station_handoffs(
            settings.handoff, demo.stores, demo.operations, demo.fleet, demo.control, demo.clock,
            demo.station.ground, on_change=demo.live.handoff_changed,
            roads=StationRoads(settings.home / ROADS_FILE).to,
        )  # fmt: skip
        services = make_services(
            settings, demo.stores, demo.clock, demo.live, demo.notifier, demo.operations,
            demo.control, Postbox(demo.stores.telemetry, demo.fleet.heard),
            detector_model=demo.station.detector.model,
            city_map=_with_streets(city(), demo.living.world.layout),
            demo=True, concerns=monitor.monitored, handoffs=handing,
            failsafes=FailsafeChecks(
                demo.hangar, demo.stores.missions, demo.control, demo.clock,
                reserved=demo.operations.reserved,
            ),
        )  # fmt: skip
        address = url_of(listener)
        call.emit({"url": address, "demo": True, "seed": seed}, f"Qyran demo: {address}")
        if services.page_folder is None:
            call.note("the page was not built; run scripts/build_page, the API works meanwhile")
        tasks = [asyncio.create_task(monitor.run()), asyncio.create_task(handing.run())]
        if auto:
            tasks.append(asyncio.create_task(_patrol_rounds(demo)))
        try:
            await serve(services, settings.server, listener)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await demo.close()
    return 0


async def _patrol_rounds(demo: DemoStation) -> None:
    """Sends a drone and a car out together, then the next pair, without end."""
    drones = itertools.cycle(["patrol-drone-1", "patrol-drone-2"])
    cars = itertools.cycle(["patrol-car-1", "patrol-car-2", "patrol-car-3"])
    while True:
        started = []
        for patrol in (next(drones), next(cars)):
            try:
                begun = await demo.operations.start(PatrolId(patrol), DEMO_USER, as_station=True)
                started.append(begun)
            except QyranError as refused:  # busy with a person's order, or a new zone forbids it
                log.warning("a round was left out", extra={"reason": str(refused)})
        for sortie in started:
            await demo.operations.outcome(sortie.sortie_id)
        await demo.clock.sleep_until(demo.clock.now() + _PAUSE)


def _with_streets(base: Mapping[str, Any], layout: Layout) -> Mapping[str, Any]:
    """Returns the city's map with the simulated district's streets and houses."""
    features = list(base["features"])
    for road in layout.roads:
        line = [list(reversed(FRAME.to_geo1_deg(*point))) for point in road.centre_line]
        name = road.name.replace("-", " ")
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "LineString", "coordinates": line},
                "properties": {
                    "kind": "street",
                    "name": {"en": name, "ru": name, "kk": name},
                    "width_m": road.width_m,
                    "attribution": _CREDIT,
                },
            }
        )
    return {**base, "features": features}
