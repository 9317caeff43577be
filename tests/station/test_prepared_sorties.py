"""What a station looks at before anything starts: others of ours, and what has changed since."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from api.live import LiveFeed
from core.errors import PlanUnsafe
from core.ids import AssetId, PatrolId, SortieId, UserId, ZoneId
from geo.adapters.flat_terrain import FlatTerrain
from geo.adapters.memory_zones import MemoryZones
from geo.zones import Purpose, ZoneKind
from incidents.adapters.memory_store import MemoryIncidentStore
from incidents.geotag import GeotagLimits
from missions.adapters.memory_control import MemoryControlStore
from missions.adapters.memory_permissions import MemoryPermissions
from missions.adapters.memory_store import MemoryMissionStore
from missions.control.desk import ControlDesk
from missions.executor import fly_sortie
from missions.model import Asset, Sortie, SortieState
from sim.clock import ManualClock
from sim.pilot import SimPilot, SimVehicle
from station import patrol_line
from station.circumstances import known_circumstances
from station.fleet import Fleet
from station.operations import StationOperations
from station.sight_line import Ground
from telemetry.adapters.memory_log import MemoryTelemetryLog
from tests.builders import GROUND, NOW, a_patrol, a_place, a_square, a_zone, after, an_asset
from tests.missions.flying import a_fence
from tests.missions.proving import a_permission
from vision.adapters.scripted_detector import ScriptedDetector
from vision.shared_detector import SharedDetector

PLANNER = UserId("planner")
ONE, TWO = PatrolId("patrol-1"), PatrolId("patrol-2")
DRONE = an_asset(cruise_m_s=8.0)
OTHER = replace(
    DRONE,
    asset_id=AssetId("drone-2"),
    name="Drone 2",
    home=replace(a_place(60, 0), altitude=GROUND),
)


class Slow:
    """Vehicles that take for ever to answer."""

    def craft(self, asset: Asset) -> AbstractAsyncContextManager[patrol_line.Craft]:
        @asynccontextmanager
        async def waits() -> Any:
            await asyncio.Event().wait()
            yield

        return waits()

    def view(self, asset: Asset, sortie: Sortie) -> NoReturn:
        raise AssertionError("it never gets there")


@dataclass
class Place:
    """A station with two drones whose patrols cover the same ground."""

    operations: StationOperations
    missions: MemoryMissionStore
    zones: MemoryZones
    permissions: MemoryPermissions
    clock: ManualClock

    async def start(self, patrol: PatrolId) -> Sortie:
        return await self.operations.start(patrol, PLANNER, as_station=True)

    async def ended(self) -> None:
        running = [*self.operations._running.values()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@contextmanager
def a_place_to_start() -> Iterator[Place]:
    zones, missions = MemoryZones([a_zone(), a_fence(600.0)]), MemoryMissionStore()
    permissions, clock = MemoryPermissions(), ManualClock(NOW)
    permissions.save(a_permission(900.0, valid_until=after(hours=10)))
    for asset, patrol in ((DRONE, ONE), (OTHER, TWO)):
        missions.save_asset(asset)
        missions.save_patrol(a_patrol(patrol_id=patrol, asset_id=asset.asset_id))
    live, ground = LiveFeed(clock), Ground(FlatTerrain(GROUND, 1.0))
    with SharedDetector(ScriptedDetector()) as detector:
        line = patrol_line.Station(
            clock, detector, MemoryIncidentStore(), live, MemoryTelemetryLog(), ground,
            lambda: zones.find(Purpose.WATCH), GeotagLimits(500.0, 25.0),
        )  # fmt: skip
        fleet = Fleet(lambda: tuple(missions.assets()), ground, clock.now, lambda *_: None)
        operations = StationOperations(
            line, Slow(), missions, zones, fleet,
            control=ControlDesk(MemoryControlStore(), clock), on_sortie=missions.save_sortie,
            circumstances=known_circumstances(permissions),
        )  # fmt: skip
        yield Place(operations, missions, zones, permissions, clock)


def test_of_two_starts_at_once_the_second_sees_the_first() -> None:
    async def both(place: Place) -> list[object]:
        found = await asyncio.gather(place.start(ONE), place.start(TWO), return_exceptions=True)
        await place.ended()
        return found

    with a_place_to_start() as place:
        first, second = asyncio.run(both(place))
    assert isinstance(first, Sortie)
    assert isinstance(second, PlanUnsafe)
    assert second.finding == "conflict_with_own"


@pytest.mark.parametrize("state", [SortieState.HOLDING, SortieState.AUTHORISED])
def test_who_is_held_or_not_off_yet_keeps_its_way(state: SortieState) -> None:
    async def later(place: Place) -> None:
        sortie = await place.start(ONE)
        begun = NOW if state is SortieState.HOLDING else None
        place.missions.save_sortie(replace(sortie, state=state, started_at=begun, version=9))
        place.clock.advance_to(NOW + timedelta(minutes=15))
        with pytest.raises(PlanUnsafe, match="drone-1"):
            await place.start(TWO)
        await place.ended()

    with a_place_to_start() as place:
        asyncio.run(later(place))


def revoked(place: Place) -> None:
    (permission,) = place.permissions.permissions()
    place.permissions.save(replace(permission, revoked_at=place.clock.now()))


def banned(place: Place) -> None:
    area, closed = a_square(0, 0, 200.0), ZoneKind.EXCLUSION
    place.zones.add(a_fence(zone_id=ZoneId("ban"), name="ban", kind=closed, area=area))


def weaker(place: Place) -> None:
    place.missions.save_asset(replace(DRONE, endurance_s=20.0))


def ran_out(place: Place) -> None:
    place.clock.advance_to(after(hours=11))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (revoked, "permission_revoked"), (banned, "home_excluded"),
        (weaker, "endurance_exceeded"), (ran_out, "permission_expired"),
    ],
)  # fmt: skip
def test_what_changed_since_the_proof_is_seen_before_it_arms(
    change: Callable[[Place], None], code: str
) -> None:
    async def story(place: Place) -> None:
        sortie = await place.start(ONE)
        ((_, _, commands),) = place.operations.under_way()
        assert commands.look_again is not None
        await commands.look_again()  # nothing has changed
        change(place)
        with pytest.raises(PlanUnsafe) as refused:
            await commands.look_again()
        assert refused.value.finding == code
        vehicle = SimVehicle(DRONE, clock=place.clock, seed=1)
        pilot = SimPilot(vehicle)
        async with place.clock.running():
            kept = place.missions.sorties(sortie_id=SortieId(sortie.sortie_id))[-1]
            ended = await fly_sortie(
                kept, pilot, pilot, pilot, place.clock, lambda _: None, commands, asset=DRONE
            )
        assert (ended.state, ended.reason_code) == (SortieState.FAILED, "plan_unsafe")
        assert ended.started_at is None
        assert not vehicle.autopilot.armed
        await place.ended()

    with a_place_to_start() as place:
        asyncio.run(story(place))


def test_who_is_under_way_surrounds_a_start_of_now_and_not_one_of_tomorrow() -> None:
    async def story(place: Place) -> None:
        sortie = await place.start(ONE)
        now, terrain = place.operations.surroundings(OTHER, after(minutes=5))
        assert [one.plan for one in now.others] == [sortie.plan]
        assert now.departs_at == after(minutes=5)
        assert terrain is not None
        later, _ = place.operations.surroundings(OTHER, after(hours=20))
        assert later.others == ()
        own, _ = place.operations.surroundings(DRONE, NOW)
        assert own.others == ()
        await place.ended()

    with a_place_to_start() as place:
        asyncio.run(story(place))
