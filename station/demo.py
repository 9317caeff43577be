"""The demo: a simulated district, patrolled by real drivers, seen by the real line.

One object, `DemoStation`, opens everything; `fly_once` runs one drone and one car to the end
and scores what came of it.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from api.live import LiveFeed
from core.ids import PatrolId, UserId
from geo.zones import Purpose
from incidents.geotag import GeotagLimits
from incidents.model import Incident, IncidentState
from incidents.ports import IncidentFilter, IncidentStore, Notifier
from missions.control.desk import ControlDesk
from missions.model import SortieState
from sim.camera_feed import LivingWorld
from sim.clock import ScaledClock
from sim.world import build_world, violators
from station.arm_authority import ArmAuthority
from station.circumstances import known_circumstances
from station.data_folder import Stores
from station.demo_scenario import FRAME, GROUND, Scenario, demo_scenario
from station.demo_score import cleared_thing, score
from station.fleet import Fleet
from station.going import GoingOperations
from station.left_sorties import close_left
from station.patrol_line import Outcome, Station
from station.settings import Settings
from station.sight_line import Ground
from station.sim_hangar import SimHangar
from station.store_lock import station_lock
from station.stores import opened_stores
from station.wiring import level_ground, notifiers, open_detector

DEMO_USER = UserId("user-demo")
ONCE = (PatrolId("patrol-drone-1"), PatrolId("patrol-car-1"))
"""What `--once` flies and drives at the same time."""


class CleaningCrew:
    """A notifier that makes the simulated service do what it says: done means gone."""

    def __init__(self, living: LivingWorld, now: Callable[[], datetime]) -> None:
        self._living, self._now = living, now

    def incident_changed(self, incident: Incident) -> None:
        """Takes the thing out of the world once its incident is reported as done."""
        if incident.state is not IncidentState.DONE:
            return
        at = self._now()
        standing = self._living.world.things_at(self._living.seconds(at))
        thing_id = cleared_thing(incident, standing, FRAME)
        if thing_id is not None:
            self._living.clear_away(thing_id, at)


@dataclass
class DemoStation:
    """Everything of a running demo; close it when done."""

    settings: Settings
    clock: ScaledClock
    stores: Stores
    living: LivingWorld
    live: LiveFeed
    notifier: Notifier
    station: Station
    hangar: SimHangar
    fleet: Fleet
    operations: GoingOperations
    control: ControlDesk
    outcomes: list[Outcome] = field(default_factory=list)

    async def close(self) -> None:
        """Ends sorties, cameras, vehicles, the detector and the stores."""
        await self.operations.close()
        self.hangar.stop()
        self.station.detector.close()
        self.live.close()


@contextmanager
def opened_demo(
    settings: Settings, *, seed: int, start_at: datetime, speed: float, live: bool
) -> Iterator[DemoStation]:
    """Opens the demo during the block, in its data folder and loads what is missing there.

    Args:
        settings: with the demo's own data folder.
        seed: of the world and of all errors.
        start_at: the simulated instant of the start.
        speed: simulated seconds per second.
        live: whether late frames are dropped, as with real cameras, or waited for.
    """
    clock = ScaledClock(start_at, speed)
    with (
        station_lock(settings.home, "qyran demo"),
        opened_stores(settings, clock=clock, migrate=True) as stores,
    ):
        yield _demo_station(settings, stores, clock, seed=seed, live=live)


def _demo_station(
    settings: Settings, stores: Stores, clock: ScaledClock, *, seed: int, live: bool
) -> DemoStation:
    start_at = clock.now()
    world = build_world(seed)
    living = LivingWorld(world, start_at)
    scenario = demo_scenario(world, start_at)
    _load(stores, scenario)
    feed = LiveFeed(clock)
    close_left(stores.missions, clock.now(), feed.sortie_changed)  # of a demo that was killed
    notifier = notifiers(feed, CleaningCrew(living, clock.now))
    ground = Ground(level_ground(GROUND, settings.geotag.terrain_sigma_m))
    fleet = Fleet(
        lambda: tuple(stores.missions.assets()),
        ground,
        clock.now,
        lambda asset_id, status: feed.asset_changed(status),
    )
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
    hangar = SimHangar(scenario.assets, living, clock, stores.vault, settings, seed=seed, live=live)
    outcomes: list[Outcome] = []
    control = ControlDesk(stores.control, clock, on_lease=feed.lease_changed)
    operations = GoingOperations(
        station,
        hangar,
        stores.missions,
        stores.zones,
        fleet,
        control=control,
        on_sortie=feed.sortie_changed,
        on_outcome=outcomes.append,
        circumstances=known_circumstances(stores.permissions),
    )
    hangar.authoriser = ArmAuthority(
        stores.missions, stores.permissions, control, clock, operations.sortie_of
    )
    hangar.start()
    return DemoStation(
        settings, clock, stores, living, feed, notifier, station, hangar, fleet, operations,
        control, outcomes,
    )  # fmt: skip


def _load(stores: Stores, scenario: Scenario) -> None:
    """Keeps the scenario, but for zones that a planner has changed since."""
    known = {zone.zone_id for zone in stores.zones.find(active=False)}
    for zone in scenario.zones:
        if zone.zone_id not in known:
            stores.zones.add(zone)
    for asset in scenario.assets:
        stores.missions.save_asset(asset)
    for patrol in scenario.patrols:
        stores.missions.save_patrol(patrol)
    stores.permissions.save(scenario.permission)


async def fly_once(demo: DemoStation) -> dict[str, object]:
    """Flies one drone and drives one car at once, to the end, and returns the score.

    Returns:
        flat keys: sorties, frames, detections, observations, incidents, precision, recall,
        position_error_median_m, position_error_p90_m, wall_s; and counts by asset.
    """
    began = time.monotonic()
    sorties = [await demo.operations.start(patrol, DEMO_USER, as_station=True) for patrol in ONCE]
    waiting = [demo.operations.outcome(sortie.sortie_id) for sortie in sorties]
    outcomes = [outcome for outcome in await asyncio.gather(*waiting) if outcome is not None]
    reports = [outcome.report for outcome in outcomes]
    # a data folder that was named may hold what earlier runs have found
    touched = {incident_id for report in reports for incident_id in report.incidents}
    found = [i for i in all_incidents(demo.stores.incidents) if i.incident_id in touched]
    truth = violators(demo.living.world, demo.living.seconds(demo.clock.now()))
    result = score(found, truth, FRAME)
    stats = demo.station.detector.stats
    return {
        "sorties": len(sorties),
        "sorties_completed": sum(o.sortie.state is SortieState.COMPLETED for o in outcomes),
        "frames": sum(r.frames for r in reports),
        "detections": sum(r.detections for r in reports),
        "observations": sum(r.observations for r in reports),
        "incidents": len(found),
        "violations_true": len(truth),
        "precision": round(result.precision, 4),
        "recall": round(result.recall, 4),
        "position_error_median_m": _rounded(result.error_quantile_m(0.5)),
        "position_error_p90_m": _rounded(result.error_quantile_m(0.9)),
        "detector": demo.station.detector.model,
        "frames_dropped": sum(stats.dropped.values()),
        "wall_s": round(time.monotonic() - began, 1),
        "assets": {str(o.sortie.plan.asset_id): _by_asset(o) for o in outcomes},
    }


def all_incidents(store: IncidentStore) -> list[Incident]:
    """Returns every incident that lives, newest first."""
    found: list[Incident] = []
    while page := store.find(
        IncidentFilter(), after=found[-1].incident_id if found else None, limit=200
    ):
        found.extend(page)
    return [i for i in found if i.state is not IncidentState.MERGED]


def _by_asset(outcome: Outcome) -> Mapping[str, object]:
    report = outcome.report
    return {
        "sortie": outcome.sortie.sortie_id,
        "state": outcome.sortie.state,
        "reason_code": outcome.sortie.reason_code,
        "frames": report.frames,
        "frames_geotagged": report.frames_geotagged,
        "detections": report.detections,
        "observations": report.observations,
        "violations": report.violations,
        "incidents": len(report.incidents),
        "refused": report.refusals.as_dict(),
    }


def _rounded(metres: float | None) -> float | None:
    return None if metres is None else round(metres, 2)
