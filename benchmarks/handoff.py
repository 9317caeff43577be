"""From an event to a vehicle that moves: SOS presses handed to simulated drones and cars.

    python benchmarks/handoff.py [--events 100] [--drones 12] [--cars 8]

A station on SQLite, with the real operations, planner, proofs and pilots, over simulated vehicles
at the speed of real time; one of the cars is passive and must never be asked. Buttons are pressed
one after the other, each twice at once. Half a second after an offer its crew accepts, and every
tenth refuses first. A vehicle counts as moving when it shows it itself. Two seconds later the event
is called off and the vehicle goes home, so that later events find some in the air and some parked.
Goal: p95 under 5 s, none lost (it never moved), none doubled (two hand-offs of one event, or two
vehicles that went for one).
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from shapely import Polygon

from core.errors import QyranError
from core.ids import AssetId, CameraId, UserId, ZoneId
from geo.adapters.flat_terrain import FlatTerrain
from geo.camera import CameraModel
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Covariance, Datum, GroundPoint, Position
from geo.zones import Purpose, Zone, ZoneKind, to_geographic
from incidents.geotag import GeotagLimits
from missions.adapters.driver_pilot import DriverPilot
from missions.control.desk import ControlDesk
from missions.handoffs.model import Handoff, HandoffState, SosButton
from missions.handoffs.sos import key_hash
from missions.model import Asset, AssetKind, CameraMount, Sortie, SortieState
from missions.permissions import Permission
from sim.clock import ScaledClock
from sim.pilot import SimPilot, SimVehicle
from sim.route_vehicle import RouteVehicle
from station.circumstances import known_circumstances
from station.data_folder import Stores
from station.database import open_database
from station.fleet import Fleet
from station.going import GoingOperations
from station.handing_off import HandingOff
from station.handoff_station import station_handoffs
from station.patrol_line import Craft, Station, View
from station.settings import HandoffSettings
from station.sight_line import Ground
from station.wiring import notifiers, stores_of
from vision.adapters.memory_source import MemorySource
from vision.adapters.scripted_detector import ScriptedDetector
from vision.shared_detector import SharedDetector

FRAME = LocalFrame(50.9436, 71.3521)
GROUND = Altitude(350.0, Datum.GEOID)
_HALF_M, _ANSWER_S = 2_500.0, 0.5
_LENS = CameraModel(1920, 1080, 1_500.0, 1_500.0, 959.5, 539.5)


def place(east_m: float, north_m: float) -> Position:
    """Returns a home on the ground."""
    return Position(*FRAME.to_geo1_deg(east_m, north_m), GROUND)


def fleet_of(rng: random.Random, drones: int, cars: int) -> tuple[Asset, ...]:
    """Returns drones and cars at random homes; the last car is passive."""
    made = []
    for n in range(drones + cars):
        drone = n < drones
        name = f"drone-{n + 1}" if drone else f"car-{n + 1 - drones}"
        mount = CameraMount(CameraId(f"{name}-eye"), _LENS, -60.0, height_m=0.0 if drone else 2.0)
        home = place(rng.uniform(-1_500, 1_500), rng.uniform(-1_500, 1_500))
        made.append(
            Asset(
                AssetId(name), name, AssetKind.DRONE if drone else AssetKind.VEHICLE, mount,
                12.0 if drone else 10.0, home, 1_800.0 if drone else 30_000.0,
                passive=n == drones + cars - 1,
            )
        )  # fmt: skip
    return tuple(made)


class SimulatedVehicles:
    """A `station.operations.Hangar` over vehicles without wires, whose cameras see nothing."""

    def __init__(self, assets: tuple[Asset, ...], clock: ScaledClock) -> None:
        """Puts the vehicles at their homes."""
        self.drones = {
            one.asset_id: SimVehicle(one, clock=clock, seed=n)
            for n, one in enumerate(assets)
            if one.kind is AssetKind.DRONE
        }
        self.cars = {
            one.asset_id: RouteVehicle(one, clock=clock, seed=n)
            for n, one in enumerate(assets)
            if one.kind is AssetKind.VEHICLE
        }

    def craft(self, asset: Asset) -> AbstractAsyncContextManager[Craft]:
        """Opens the way to a vehicle for one sortie."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Craft]:
            if asset.asset_id in self.cars:
                car = self.cars[asset.asset_id]
                yield Craft(asset, DriverPilot(car, car.link), car.link())
                return
            drone = self.drones[asset.asset_id]
            pilot = SimPilot(drone)
            yield Craft(asset, pilot, drone.link(), fence_link=pilot, arming=pilot)

        return opened()

    def view(self, asset: Asset, sortie: Sortie) -> View:
        """Opens pictures of which there are none."""
        source = MemorySource(CameraId(f"{asset.asset_id}-eye"), ())
        return View(source, _NoEvidence(), landed=source.close, cut=source.close)


class _NoEvidence:
    """An `EvidenceMaker` of what is never seen."""

    def pictures(self, frame: object, detection: object) -> tuple[()]:
        """Returns none."""
        return ()

    def clip(self, start_s: float, end_s: float, captured_at: datetime) -> None:
        """Returns none."""
        return


@dataclass
class FlownFleet:
    """A station with its simulated vehicles and its hand-offs."""

    stores: Stores
    clock: ScaledClock
    assets: tuple[Asset, ...]
    operations: GoingOperations
    handing: HandingOff
    told: list[Handoff] = field(default_factory=list)
    sorties: list[Sortie] = field(default_factory=list)

    def stand(self) -> dict[str, Handoff]:
        """Returns the newest of each hand-off."""
        return {str(one.handoff_id): one for one in self.stores.handoffs.handoffs()}


@contextmanager
def flown_fleet(folder: Path, *, drones: int, cars: int, seed: int = 1) -> Iterator[FlownFleet]:
    """Opens a station over a data folder, as it was left there; to be used on one event loop."""
    clock = ScaledClock(datetime.now(UTC), 1.0)
    assets = fleet_of(random.Random(seed), drones, cars)
    database = open_database(folder, migrate=True)
    stores = stores_of(database, clock)
    square = [(-_HALF_M, -_HALF_M), (_HALF_M, -_HALF_M), (_HALF_M, _HALF_M), (-_HALF_M, _HALF_M)]
    area = to_geographic(Polygon(square), FRAME)
    if not stores.missions.assets():
        for asset in assets:
            stores.missions.save_asset(asset)
        flight = frozenset({Purpose.FLIGHT})
        stores.zones.add(Zone(ZoneId("city"), "city", flight, area, ZoneKind.INCLUSION))
        now = clock.now()
        stores.permissions.save(
            Permission("KZ-1", "CAA", area, now - timedelta(days=1), now + timedelta(days=1))
        )
    ground = Ground(FlatTerrain(GROUND, 1.0))
    with SharedDetector(ScriptedDetector()) as detector:
        station = Station(
            clock, detector, stores.incidents, notifiers(), stores.telemetry, ground, tuple,
            GeotagLimits(500.0, 25.0),
        )  # fmt: skip
        fleet = Fleet(lambda: tuple(stores.missions.assets()), ground, clock.now, lambda *_: None)
        control = ControlDesk(stores.control, clock)
        sorties: list[Sortie] = []
        told: list[Handoff] = []
        operations = GoingOperations(
            station, SimulatedVehicles(assets, clock), stores.missions, stores.zones, fleet,
            control=control, on_sortie=sorties.append,
            circumstances=known_circumstances(stores.permissions),
        )  # fmt: skip
        handing = station_handoffs(
            HandoffSettings(press_window_s=1.0), stores, operations, fleet, control, clock, ground,
            on_change=told.append, roads=lambda lat_deg, lon_deg: None,
        )  # fmt: skip
        try:
            yield FlownFleet(stores, clock, assets, operations, handing, told, sorties)
        finally:
            database.close()


async def crews(flown: FlownFleet, rng: random.Random) -> None:
    """Answers offers as crews do: most accept, every tenth refuses."""
    answered: set[tuple[str, int]] = set()
    while True:
        await asyncio.sleep(0.05)
        for one in flown.stores.handoffs.handoffs(only_open=True):
            offer, key = one.offer, (str(one.handoff_id), len(one.offers))
            if one.state is not HandoffState.OFFERED or offer is None or key in answered:
                continue
            if flown.clock.now() - offer.at < timedelta(seconds=_ANSWER_S):
                continue
            answered.add(key)
            by = UserId(f"crew of {offer.asset_id}")
            try:
                if rng.random() < 0.1:
                    await flown.handing.refuse(one.handoff_id, by, "on another call")
                else:
                    await flown.handing.accept(one.handoff_id, by)
            except QyranError:
                continue  # it has moved on meanwhile


async def handed(flown: FlownFleet, events: int, rng: random.Random) -> list[Handoff]:
    """Presses buttons and follows each event until a vehicle moves; returns the hand-offs."""
    running = [asyncio.create_task(flown.handing.run()), asyncio.create_task(crews(flown, rng))]
    await asyncio.sleep(25.0)  # until the drones know where they are
    done = []
    for n in range(events):
        lat, lon = FRAME.to_geo1_deg(rng.uniform(-1_500, 1_500), rng.uniform(-1_500, 1_500))
        point, name = GroundPoint(lat, lon, Covariance(9.0, 9.0)), f"b-{n}"
        flown.stores.handoffs.save_button(SosButton(name, name, point, key_hash(name)))
        (one, _), (other, _) = await asyncio.gather(
            flown.handing.press(name, name), flown.handing.press(name, name)
        )
        assert one.handoff_id == other.handoff_id
        waited = time.monotonic()
        while time.monotonic() - waited < 30.0:
            await asyncio.sleep(0.05)
            now = flown.stores.handoffs.get(one.handoff_id)
            if now.state in (HandoffState.MOVING, HandoffState.ON_SCENE):
                break
        done.append(flown.stores.handoffs.get(one.handoff_id))
        await asyncio.sleep(2.0)
        if done[-1].is_open:
            await flown.handing.withdraw(one.handoff_id, UserId("dispatcher"), "seen to")
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await flown.handing.settled()
    await flown.operations.close()
    return done


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--drones", type=int, default=12)
    parser.add_argument("--cars", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        flown_fleet(Path(folder), drones=given.drones, cars=given.cars, seed=given.seed) as flown,
    ):
        done = asyncio.run(handed(flown, given.events, random.Random(given.seed)))
        everything = flown.stores.handoffs.handoffs()
        passive = {one.asset_id for one in flown.assets if one.passive}
        begun = Counter(
            s.sortie_id for s in flown.sorties if s.state is SortieState.UNDERWAY and s.started_at
        )
        asked = {offer.asset_id for one in everything for offer in one.offers}
    took, by_kind, lost = [], Counter[str](), 0
    for one in done:
        moved_at = one.at_of(HandoffState.MOVING)
        if moved_at is None:
            lost += 1
            print("lost:", one.state, [event.text[:150] for event in one.events][-2:])
            continue
        took.append((moved_at - one.occasion.at).total_seconds())
        by_kind[str(one.asset_id or one.offers[-1].asset_id).partition("-")[0]] += 1
    doubled = len(everything) - given.events
    went = Counter(str(sortie_id).rpartition("-")[0] for sortie_id in begun)
    accepted = {
        str(one.handoff_id): sum(o.state not in _NEVER_WENT for o in one.offers)
        for one in everything
    }
    doubled += sum(max(0, count - accepted.get(key, 0)) for key, count in went.items())
    print(f"{given.drones} drones, {given.cars} cars of which {len(passive)} passive,"
          f" {given.events} events, each pressed twice")  # fmt: skip
    print("| event to vehicle moving | s |\n|---|---|")
    for name, share in (("p50", 0.5), ("p95", 0.95), ("most", 1.0)):
        print(f"| {name} | {np.quantile(took, share):.2f} |")
    print(f"of it the crew's answer {_ANSWER_S} s; {dict(by_kind)}")
    print(f"lost {lost}, doubled {doubled}, passive asked {len(passive & asked)}")


_NEVER_WENT = ("refused", "expired", "open")


if __name__ == "__main__":
    main()
