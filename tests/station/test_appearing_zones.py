"""The one watch when zones appear and permissions end in flight, with the simulated vehicle."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import shapely
from shapely import box

from core.clock import Clock
from core.ids import UserId
from core.recurrence import Recurrence
from geo.adapters.memory_zones import MemoryZones
from geo.positions import Altitude, Datum, Position
from geo.zones import Zone, ZoneStage
from missions.executor import SortieCommands, authorise, fly_sortie, new_sortie
from missions.model import Asset, Progress, Sortie, SortieState
from missions.permissions import Permission
from sim.clock import ManualClock, ScaledClock
from sim.pilot import SimPilot, SimVehicle
from station.live_monitor import LiveMonitor
from telemetry.model import TelemetrySample, VehicleMode
from tests.builders import AT, NOW, after, an_asset
from tests.missions.flying import a_fence, a_short_plan
from tests.missions.test_exits import a_ban

PILOT = UserId("pilot-1")
SPEED = 12.0
ASSET = an_asset(cruise_m_s=8.0)


class OneSortie:
    """The operations of a station with one sortie."""

    def __init__(self, sortie: Sortie, heard: Callable[[], TelemetrySample | None]) -> None:
        self.sortie, self.commands, self._heard = sortie, SortieCommands(), heard

    def under_way(self) -> Sequence[tuple[Sortie, Asset, SortieCommands]]:
        return [(self.sortie, ASSET, self.commands)]

    def hear(self, monitor: LiveMonitor) -> None:
        sample = self._heard()
        if sample is not None:
            monitor.heard(sample)

    def told(self) -> list[tuple[str | None, str, str]]:
        """Takes what was ordered or told since it was asked last: order, reason, words."""
        found = []
        while not self.commands.queue.empty():
            one = self.commands.queue.get_nowait()
            found.append((one.order, one.reason_code, one.text))
        return found

    def orders(self) -> list[tuple[str | None, str, str]]:
        """Takes what was ordered since it was asked last, without what is only told."""
        return [one for one in self.told() if one[0] is not None]


async def flown_with(
    appears: Callable[[float, float], Zone], held: list[Sortie]
) -> tuple[Sortie, np.ndarray, int]:
    """Flies a short sortie; a zone appears on its second leg. Returns its track and that row."""
    clock = ScaledClock(NOW, SPEED)
    vehicle = SimVehicle(ASSET, clock=clock, seed=3)
    pilot = SimPilot(vehicle, arm_s=60.0, mode_s=10.0, silence_limit_s=60.0)
    sortie = authorise(new_sortie(a_short_plan()), ASSET, PILOT, clock.now())
    operations = OneSortie(sortie, lambda: next(reversed(vehicle.said(0)[0]), None))
    zones = MemoryZones(a_short_plan().fences)
    watch = LiveMonitor(operations, zones, lambda: (), clock)

    def changed(newer: Sortie) -> None:
        operations.sortie = newer
        if newer.state is SortieState.HOLDING:
            held.append(newer)
            operations.commands.bring_home(PILOT)  # by hand around the zone would be right

    async def appear() -> None:
        while True:
            vehicle.advance()
            physics = vehicle.autopilot.physics
            if physics.east > 12.0 and physics.north > 35.0:
                zones.add(appears(physics.east, physics.north))
                return
            await clock.sleep_until(clock.now() + timedelta(seconds=0.3))

    async def track() -> None:
        while True:
            vehicle.advance()
            operations.hear(watch)
            physics = vehicle.autopilot.physics
            rows.append((physics.east, physics.north, physics.up))
            if len(zones.find()) > 1:
                since.append(len(rows))
            await clock.sleep_until(clock.now() + timedelta(seconds=0.2))

    rows: list[tuple[float, float, float]] = []
    since: list[int] = []
    others = [asyncio.create_task(one) for one in (watch.run(), appear(), track())]
    try:
        ended = await fly_sortie(
            sortie, pilot, pilot, pilot, clock, changed, operations.commands, asset=ASSET
        )
    finally:
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
    return ended, np.array(rows), since[0]


def depths(area: shapely.Polygon, spots: np.ndarray) -> np.ndarray:
    points = shapely.points(spots[:, :2])
    away = shapely.distance(area.exterior, points)
    return np.where(shapely.contains(area, points), away, -away)


def test_an_aircraft_leaves_a_zone_that_appears_by_the_proven_way_and_lands() -> None:
    shapes = []

    def appears(east: float, north: float) -> Zone:
        shapes.append(box(east - 10, north - 25, east + 60, north + 40))
        return a_ban(shapes[0], "fire")

    ended, track, since = asyncio.run(asyncio.wait_for(flown_with(appears, []), 30.0))
    assert (ended.state, ended.reason_code) == (SortieState.ABORTED, "zone_appeared")
    texts = [event.text for event in ended.events]
    told = next(text for text in texts if "fire has appeared; " in text)
    assert "returning on order" in told
    assert "proven way out: out of fire" in told
    depth = depths(shapes[0], track[since:])
    assert depth[0] > 5.0
    # it flies on until the watch has looked and it has braked, and gets no deeper from then on
    turned = int(np.argmax(depth))
    flown_m = np.hypot(*np.diff(track[since : since + turned + 1, :2], axis=0).T).sum()
    assert flown_m < 8.0 * 3.0 + 8.0**2 / 4
    way_out = depth[turned : turned + int(np.argmax(depth[turned:] < -2.0))]
    assert (way_out - np.minimum.accumulate(way_out)).max() < 1.0
    out = int(np.argmax(depth < -2.0))
    assert out > 0
    assert depth[out:].max() < 0.0
    assert np.hypot(*track[-1, :2]) < 3.0
    assert track[-1, 2] < 0.5
    assert track[:, 0].max() < 45.0


def test_where_home_lies_behind_the_zone_it_is_held_for_a_person() -> None:
    def appears(east: float, north: float) -> Zone:
        return a_ban(box(-60, 5, 60, 15), "wall")

    held: list[Sortie] = []
    ended, _, _ = asyncio.run(asyncio.wait_for(flown_with(appears, held), 30.0))
    assert (held[0].state, held[0].reason_code) == (SortieState.HOLDING, "zone_appeared")
    assert "wall has appeared; its return is not proven; proven way out" in held[0].events[-1].text
    assert held[0].events[-1].text.endswith("a person decides")
    assert (ended.state, ended.reason_code) == (SortieState.ABORTED, "zone_appeared")
    (home,) = [event for event in ended.events if event.text.startswith("returning on order")]
    assert home.by == PILOT


# --- single turns ---


def a_flight(east: float = 20.0, state: SortieState = SortieState.UNDERWAY) -> OneSortie:
    plan = replace(a_short_plan(), permission="KZ-1")
    sortie = Sortie("s-1", plan, state, started_at=NOW, progress=Progress(2, 4))  # type: ignore[arg-type]
    lat, lon = AT.to_geo1_deg(east, 40.0)
    at = Position(lat, lon, Altitude(12.0, Datum.HOME))
    sample = TelemetrySample(
        ASSET.asset_id, NOW, at, 0.0, 0.0, armed=True, on_ground=False, mode=VehicleMode.MISSION
    )
    return OneSortie(sortie, lambda: sample)


def a_permission(**changes: object) -> Permission:
    values = {
        "number": "KZ-1", "issuer": "", "area": a_fence().area,
        "valid_from": NOW - timedelta(hours=1), "valid_until": after(hours=1), **changes,
    }  # fmt: skip
    return Permission(**values)  # type: ignore[arg-type]


def a_watch(
    operations: OneSortie, zones: MemoryZones, clock: Clock, *permissions: Permission
) -> LiveMonitor:
    return LiveMonitor(operations, zones, lambda: permissions or (a_permission(),), clock)


async def looked(watch: LiveMonitor, operations: OneSortie) -> LiveMonitor:
    """Has the watch look at a flight that it hears, until all it proves is proven."""
    await watch.turn()
    operations.hear(watch)
    await watch.turn()
    await watch.settled()
    return watch


AROUND = box(10, 20, 80, 80)


def test_each_zone_is_answered_once_and_what_it_was_proven_against_not_at_all() -> None:
    clock, operations = ManualClock(NOW), a_flight()
    zones = MemoryZones(operations.sortie.plan.fences)
    watch = a_watch(operations, zones, clock)

    async def story() -> None:
        await looked(watch, operations)
        assert operations.orders() == []
        zones.add(a_ban(box(500, 500, 510, 510), "far"))
        zones.add(replace(a_ban(AROUND, "draft"), stage=ZoneStage.DRAFT))
        await looked(watch, operations)
        assert operations.orders() == []
        zones.add(a_ban(AROUND, "fire"))
        await looked(watch, operations)
        ((order, reason, text),) = operations.orders()
        assert (order, reason) == ("return", "zone_appeared")
        assert "fire" in text
        await looked(watch, operations)
        assert operations.orders() == []

    asyncio.run(story())


def test_a_zone_whose_window_begins_in_flight_has_appeared() -> None:
    clock, operations = ManualClock(NOW), a_flight()
    zones = MemoryZones(operations.sortie.plan.fences)
    window = Recurrence(after(minutes=2), timedelta(hours=1))
    ban = a_ban(AROUND, "yard", windows=(window,))
    zones.add(ban)
    operations.sortie = replace(
        operations.sortie,
        plan=replace(operations.sortie.plan, fences=(*operations.sortie.plan.fences, ban)),
    )
    watch = a_watch(operations, zones, clock)

    async def story() -> None:
        await looked(watch, operations)
        assert operations.orders() == []
        clock.advance_to(after(minutes=2))
        late = a_watch(operations, zones, clock)  # whose first turn comes after that
        for one in (watch, late):
            await looked(one, operations)
            assert [order[:2] for order in operations.orders()] == [("return", "zone_appeared")]

    asyncio.run(story())


def test_one_that_returns_already_is_only_told() -> None:
    clock, operations = ManualClock(NOW), a_flight(state=SortieState.RETURNING)
    zones = MemoryZones([*operations.sortie.plan.fences, a_ban(AROUND, "fire")])
    asyncio.run(looked(a_watch(operations, zones, clock), operations))
    told = operations.told()
    assert {order for order, _, _ in told} == {None}
    (text,) = [text for _, _, text in told if "zone_appeared" in text]
    assert "proven way out" in text
    assert text.endswith("it is returning already, a person decides")


def test_one_of_which_nothing_is_heard_is_answered_once_it_is() -> None:
    clock, operations = ManualClock(NOW), a_flight()
    heard = operations._heard
    operations._heard = lambda: None
    zones = MemoryZones([*operations.sortie.plan.fences, a_ban(AROUND, "fire")])
    watch = a_watch(operations, zones, clock)

    async def story() -> None:
        await looked(watch, operations)
        assert operations.orders() == []
        operations._heard = heard
        await looked(watch, operations)
        assert len(operations.orders()) == 1

    asyncio.run(story())


def test_a_permission_that_ends_in_flight_brings_it_home_once() -> None:
    clock, operations = ManualClock(NOW), a_flight()
    zones = MemoryZones(operations.sortie.plan.fences)
    ends = a_permission(valid_until=after(minutes=1))
    watch = a_watch(operations, zones, clock, ends)

    async def story() -> None:
        await looked(watch, operations)
        assert operations.orders() == []
        clock.advance_to(after(minutes=2))
        await looked(watch, operations)
        await looked(watch, operations)
        ((order, reason, text),) = operations.orders()
        assert (order, reason) == ("return", "permission_ended")
        assert "KZ-1" in text

    asyncio.run(story())
    revoked = a_permission(revoked_at=NOW - timedelta(minutes=1))
    operations = a_flight()
    watch = a_watch(operations, zones, ManualClock(NOW), revoked)
    asyncio.run(looked(watch, operations))
    assert [one[1] for one in operations.orders()] == ["permission_ended"]


def test_who_goes_on_after_the_hold_has_decided_about_that_version_of_the_zone() -> None:
    clock, operations = ManualClock(NOW), a_flight()
    wall = a_ban(box(-60, 5, 60, 15), "wall")
    zones = MemoryZones([*operations.sortie.plan.fences, wall])
    watch = a_watch(operations, zones, clock)

    async def at(seconds: float, state: SortieState) -> list[tuple[str | None, str]]:
        clock.advance_to(after(seconds))
        operations.sortie = replace(operations.sortie, state=state)
        await looked(watch, operations)
        return [order[:2] for order in operations.orders()]

    async def story() -> None:
        assert await at(0, SortieState.UNDERWAY) == [("hold", "zone_appeared")]
        assert await at(30, SortieState.UNDERWAY) == [("hold", "zone_appeared")]  # not obeyed
        assert await at(31, SortieState.HOLDING) == []
        assert await at(60, SortieState.UNDERWAY) == []
        assert await at(90, SortieState.UNDERWAY) == []
        zones.replace(replace(wall, version=2), 1)
        assert await at(120, SortieState.UNDERWAY) == [("hold", "zone_appeared")]

    asyncio.run(story())


def test_a_permission_brings_home_also_whoever_is_not_heard() -> None:
    operations = a_flight()
    operations._heard = lambda: None
    zones = MemoryZones(operations.sortie.plan.fences)
    revoked = a_permission(revoked_at=NOW - timedelta(minutes=1))
    watch = a_watch(operations, zones, ManualClock(NOW), revoked)
    asyncio.run(looked(watch, operations))
    assert [order[:2] for order in operations.orders()] == [("return", "permission_ended")]
