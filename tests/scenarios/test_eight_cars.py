"""Eight patrol cars at once on the roads of Helsinki, by phones and receivers; one is passive."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from core.clock import SystemClock
from core.errors import IllegalMove
from core.ids import AssetId, PatrolId, UserId
from geo.adapters.memory_zones import MemoryZones
from geo.adapters.osm_roads import read_roads
from geo.positions import Altitude, Datum, Position
from geo.road_graph import LatLon, RoadGraph
from missions.adapters.memory_control import MemoryControlStore
from missions.adapters.memory_store import MemoryMissionStore
from missions.adapters.memory_taps import MemoryTapStore
from missions.control.desk import ControlDesk
from missions.driving.rounds import stops_of
from missions.driving.taps import Tap, TapId, TapKind
from missions.model import Asset, AssetKind, Sortie, SortieState
from station.driver_words import driver_words
from station.field_hangar import FieldHangar
from station.fleet import Fleet
from station.operations import StationOperations
from station.patrol_line import Station
from station.receiver_watch import ReceiverWatch
from station.settings import Settings
from station.sight_line import Ground
from station.street_watch import StreetWatch
from station.wiring import level_ground, receiver
from telemetry.adapters.memory_log import MemoryTelemetryLog
from telemetry.model import TelemetrySample
from telemetry.posted import Postbox
from tests.builders import a_patrol, an_asset
from tests.telemetry.receivers import gga, rmc, tpv

pytestmark = pytest.mark.slow
CENTRE = Path(__file__).parents[1] / "golden" / "roads" / "helsinki-centre.osm.gz"
SPEED_M_S = 9.0
DRIVER = UserId("driver")
FASTER = 15
"""Seconds of driving in a second of this test."""


@dataclass
class Car:
    """A simulated car: its asset, its way, and how it says where it is."""

    asset: Asset
    line: tuple[LatLon, ...]
    by: str
    """`phone`, `nmea` or `gpsd`."""


def ways(graph: RoadGraph, count: int) -> list[tuple[LatLon, ...]]:
    """Returns ways by road of 300 to 700 metres between seeded places."""
    dice = random.Random(8)
    west, south, east, north = graph.bounds_deg
    found: list[tuple[LatLon, ...]] = []
    while len(found) < count:
        a, b = ((dice.uniform(south, north), dice.uniform(west, east)) for _ in range(2))
        to = graph.to(*b)
        drive = None if to is None else to.way_from(*a)
        if drive is not None and 300.0 < drive.distance_m < 700.0:
            found.append(drive.line[1:-1])  # from kerb to kerb
    return found


def fixes(car: Car, graph: RoadGraph, begin: datetime) -> list[tuple[datetime, float, float]]:
    """Returns where a car is at each second, with the error of a receiver."""
    dice = random.Random(str(car.asset.asset_id))
    line = [graph.frame.to_en1_m(*place) for place in car.line]
    found, at_s, left_m = [], 0.0, 0.0
    for a, b in pairwise(line):
        length = math.dist(a, b)
        while left_m < length:
            t = left_m / length
            place = [p + t * (q - p) + dice.gauss(0, 2.0) for p, q in zip(a, b, strict=True)]
            found.append((begin + timedelta(seconds=at_s), *graph.frame.to_geo1_deg(*place)))
            at_s, left_m = at_s + 1.0, left_m + SPEED_M_S
        left_m -= length
    last = car.line[-1]
    found += [(begin + timedelta(seconds=at_s + n), *last) for n in range(1, 60)]
    return found


async def drive(car: Car, graph: RoadGraph, postbox: Postbox, go: asyncio.Event, port: int) -> None:
    """Drives once it may, and says where it is by its own means."""
    await go.wait()
    begin = SystemClock().now() - timedelta(hours=1)
    told = fixes(car, graph, begin)
    moving = len(told) - 59
    for number, (at, lat, lon) in enumerate(told):
        speed = SPEED_M_S if number < moving else 0.0
        if car.by == "phone":
            position = Position(lat, lon, Altitude(0.0, Datum.GROUND))
            sample = TelemetrySample(
                car.asset.asset_id, at, position, speed, 0.0, horizontal_sigma_m=4.0
            )
            await asyncio.to_thread(postbox.post, car.asset.asset_id, [sample])
        else:
            _SPOKEN[port].put_nowait(
                tpv(at, lat, lon, speed=speed)
                if car.by == "gpsd"
                else gga(at, lat, lon) + rmc(at, lat, lon, knots=speed * 3600 / 1852)
            )
        await asyncio.sleep(1.0 / FASTER)


_SPOKEN: dict[int, asyncio.Queue[bytes]] = {}


@asynccontextmanager
async def a_receiver() -> AsyncIterator[int]:
    """Serves one client with what is put into the port's queue."""
    clients: list[asyncio.StreamWriter] = []

    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.append(writer)
        try:
            while True:
                writer.write(await _SPOKEN[port].get())
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    _SPOKEN[port] = asyncio.Queue()
    try:
        yield port
    finally:
        for writer in clients:
            writer.close()
        server.close()
        await asyncio.sleep(0.05)


def the_fleet(graph: RoadGraph, ports: Sequence[int]) -> list[Car]:
    """Returns seven cars with rounds and an ambulance: phones, NMEA and gpsd."""
    cars = []
    for number, line in enumerate(ways(graph, 8)):
        by = ("phone", "phone", "phone", "nmea", "nmea", "gpsd", "phone", "nmea")[number]
        scheme = {"phone": "phone:", "nmea": "nmea+tcp", "gpsd": "gpsd"}[by]
        address = scheme if by == "phone" else f"{scheme}://127.0.0.1:{ports[number]}"
        asset = an_asset(
            asset_id=AssetId("ambulance" if number == 7 else f"car-{number}"),
            kind=AssetKind.VEHICLE,
            camera=None,
            cruise_m_s=SPEED_M_S,
            home=Position(*line[0], Altitude(10.0, Datum.GEOID)),
            endurance_s=8 * 3600.0,
            address=address,
            passive=number == 7,
        )
        cars.append(Car(asset, line, by))
    return cars


def test_eight_cars_at_once_drive_their_rounds_and_one_is_never_tasked() -> None:
    graph = read_roads(CENTRE).graph

    async def story() -> None:
        clock = SystemClock()
        async with AsyncExitStack() as stack:
            ports = [await stack.enter_async_context(a_receiver()) for _ in range(8)]
            cars = the_fleet(graph, ports)
            missions, log, taps = MemoryMissionStore(), MemoryTelemetryLog(), MemoryTapStore()
            for car in cars:
                missions.save_asset(car.asset)
                missions.save_patrol(
                    a_patrol(
                        patrol_id=PatrolId(f"patrol-{car.asset.asset_id}"),
                        asset_id=car.asset.asset_id,
                        zone_ids=(),
                        route=car.line,
                    )
                )
            ground = Ground(level_ground(Altitude(10.0, Datum.GEOID), 1.0))
            fleet = Fleet(lambda: tuple(missions.assets()), ground, clock.now, lambda a, s: None)
            postbox, streets = Postbox(log, fleet.heard), StreetWatch(lambda: graph)
            postbox.listen_all(streets.heard)
            nothing = cast(Any, None)  # no car of this fleet has a camera
            station = Station(clock, nothing, nothing, nothing, log, ground, tuple, nothing)
            settings = Settings()
            hangar = FieldHangar(clock, nothing, settings, postbox, driver_words(missions, taps))
            states: dict[AssetId, list[SortieState]] = {}

            def changed(sortie: Sortie) -> None:
                states.setdefault(sortie.plan.asset_id, []).append(sortie.state)

            operations = StationOperations(
                station, hangar, missions, MemoryZones([]), fleet,
                control=ControlDesk(MemoryControlStore(), clock), on_sortie=changed,
            )  # fmt: skip
            watch = ReceiverWatch(
                missions.assets, lambda asset: receiver(asset, clock, settings), postbox, clock
            )
            hearing = asyncio.create_task(watch.run())
            go = asyncio.Event()
            driving = [
                asyncio.create_task(drive(car, graph, postbox, go, port))
                for car, port in zip(cars, ports, strict=True)
            ]
            started = []
            for car in cars[:7]:
                begun = await operations.start(PatrolId(f"patrol-{car.asset.asset_id}"), DRIVER)
                started.append(begun.sortie_id)
            with pytest.raises(IllegalMove):
                await operations.start(PatrolId("patrol-ambulance"), DRIVER)
            go.set()
            # one driver's word counts where their phone says nothing any more
            silent = cars[0]
            driving[0].cancel()
            sortie = missions.sorties(asset_id=silent.asset.asset_id)[-1]
            for stop in stops_of(sortie.plan):
                now = clock.now()
                taps.add(
                    Tap(
                        TapId(f"tap-{stop.number}"), silent.asset.asset_id, DRIVER, TapKind.DONE,
                        now, now, sortie.sortie_id, stop.number,
                    )
                )  # fmt: skip
            await asyncio.sleep(0.3)
            postbox.alive(TelemetrySample(silent.asset.asset_id, clock.now()))
            outcomes = await asyncio.wait_for(
                asyncio.gather(*(operations.outcome(one) for one in started)), 60.0
            )
            named = {car.asset.asset_id: streets.street(car.asset.asset_id) for car in cars}
            await asyncio.gather(*driving, return_exceptions=True)
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
            await operations.close()
        ended = {sortie.plan.asset_id: sortie.state for sortie in missions.sorties()}
        assert all(outcome is not None for outcome in outcomes)
        assert ended == {car.asset.asset_id: SortieState.COMPLETED for car in cars[:7]}
        assert "ambulance" not in states
        for car in cars[1:]:
            kept = log.between(car.asset.asset_id, clock.now() - timedelta(hours=2), clock.now())
            assert len(kept) > 60, car
            assert all(sample.horizontal_sigma_m for sample in kept)
        assert sum(bool(name) for name in named.values()) >= 3, named
        print(named)

    asyncio.run(asyncio.wait_for(story(), 120.0))
