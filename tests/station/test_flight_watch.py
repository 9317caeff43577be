"""Sorties in the air when zones appear and permissions end, with the simulated vehicle."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import shapely
from shapely import box

from core.clock import Clock
from core.ids import AssetId, UserId
from core.recurrence import Recurrence
from geo.adapters.memory_zones import MemoryZones
from geo.positions import Altitude, Datum, Position
from geo.zones import Zone, ZoneStage
from missions.executor import SortieCommands, authorise, fly_sortie, new_sortie
from missions.model import Asset, Progress, Sortie, SortieState
from missions.permissions import Permission
from sim.clock import ManualClock, ScaledClock
from sim.pilot import SimPilot, SimVehicle
from station.flight_watch import FlightWatch
from telemetry.model import AssetStatus, TelemetrySample
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

    def status(self, asset_id: AssetId) -> AssetStatus | None:
        sample = self._heard()
        return None if sample is None else AssetStatus(sample, NOW)

    def orders(self) -> list[tuple[str | None, str, str]]:
        """Takes what was ordered since it was asked last: order, reason, words."""
        found = []
        while not self.commands.queue.empty():
            one = self.commands.queue.get_nowait()
            found.append((one.order, one.reason_code, one.text))
        return found


async def flown_with(
    appears: Callable[[float, float], Zone], held: list[Sortie]
) -> tuple[Sortie, np.ndarray, int]:
    """Flies a short sortie; a zone appears on its second leg. Returns its track and that row."""
    clock = ScaledClock(NOW, SPEED)
    vehicle = SimVehicle(ASSET, clock=clock, seed=3)
    pilot = SimPilot(vehicle, arm_s=60.0, mode_s=10.0, silence_limit_s=60.0)
    sortie = authorise(new_sortie(a_short_plan()), ASSET, PILOT, clock.now())
    operations = OneSortie(sortie, lambda: vehicle.said(0)[0][-1])
    zones = MemoryZones(a_short_plan().fences)
    watch = FlightWatch(operations, zones, lambda: (), clock, every=timedelta(seconds=1))

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
            physics = vehicle.autopilot.physics
            rows.append((physics.east, physics.north, physics.up))
            if len(zones.find()) > 1:
                since.append(len(rows))
            await clock.sleep_until(clock.now() + timedelta(seconds=0.2))

    rows: list[tuple[float, float, float]] = []
    since: list[int] = []
    others = [asyncio.create_task(one) for one in (watch.run(), appear(), track())]
    try:
        ended = await fly_sortie(sortie, pilot, pilot, pilot, clock, changed, operations.commands)
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
    told = next(text for text in texts if "fire has appeared" in text)
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
    assert "wall has appeared; proven way out" in held[0].events[-1].text
    assert held[0].events[-1].text.endswith("a person decides")
    assert (ended.state, ended.reason_code) == (SortieState.ABORTED, "zone_appeared")
    assert ended.events[-2].by == PILOT


# --- single turns ---


def a_flight(east: float = 20.0, state: SortieState = SortieState.UNDERWAY) -> OneSortie:
    plan = replace(a_short_plan(), permission="KZ-1")
    sortie = Sortie("s-1", plan, state, started_at=NOW, progress=Progress(2, 4))  # type: ignore[arg-type]
    lat, lon = AT.to_geo1_deg(east, 40.0)
    at = Position(lat, lon, Altitude(12.0, Datum.HOME))
    sample = TelemetrySample(ASSET.asset_id, NOW, at, 0.0, 0.0, armed=True, on_ground=False)
    return OneSortie(sortie, lambda: sample)


def a_permission(**changes: object) -> Permission:
    values = {
        "number": "KZ-1", "issuer": "", "area": a_fence().area,
        "valid_from": NOW - timedelta(hours=1), "valid_until": after(hours=1), **changes,
    }  # fmt: skip
    return Permission(**values)  # type: ignore[arg-type]


def a_watch(
    operations: OneSortie, zones: MemoryZones, clock: Clock, *permissions: Permission
) -> FlightWatch:
    return FlightWatch(operations, zones, lambda: permissions or (a_permission(),), clock)


AROUND = box(10, 20, 80, 80)


def test_each_zone_is_answered_once_and_what_it_was_proven_against_not_at_all() -> None:
    clock, operations = ManualClock(NOW), a_flight()
    zones = MemoryZones(operations.sortie.plan.fences)
    watch = a_watch(operations, zones, clock)

    async def story() -> None:
        await watch.turn()
        assert operations.orders() == []
        zones.add(a_ban(box(500, 500, 510, 510), "far"))
        zones.add(replace(a_ban(AROUND, "draft"), stage=ZoneStage.DRAFT))
        await watch.turn()
        assert operations.orders() == []
        zones.add(a_ban(AROUND, "fire"))
        await watch.turn()
        ((order, reason, text),) = operations.orders()
        assert (order, reason) == ("return", "zone_appeared")
        assert "fire" in text
        await watch.turn()
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
        await watch.turn()
        assert operations.orders() == []
        clock.advance_to(after(minutes=2))
        late = a_watch(operations, zones, clock)  # whose first turn comes after that
        for one in (watch, late):
            await one.turn()
            assert [order[:2] for order in operations.orders()] == [("return", "zone_appeared")]

    asyncio.run(story())


def test_one_that_returns_already_is_only_told() -> None:
    clock, operations = ManualClock(NOW), a_flight(state=SortieState.RETURNING)
    zones = MemoryZones([*operations.sortie.plan.fences, a_ban(AROUND, "fire")])
    asyncio.run(a_watch(operations, zones, clock).turn())
    ((order, reason, text),) = operations.orders()
    assert (order, reason) == (None, "")
    assert "a person decides" in text


def test_one_of_which_nothing_is_heard_is_answered_once_it_is() -> None:
    clock, operations = ManualClock(NOW), a_flight()
    heard = operations._heard
    operations._heard = lambda: None
    zones = MemoryZones([*operations.sortie.plan.fences, a_ban(AROUND, "fire")])
    watch = a_watch(operations, zones, clock)

    async def story() -> None:
        await watch.turn()
        assert operations.orders() == []
        operations._heard = heard
        await watch.turn()
        assert len(operations.orders()) == 1

    asyncio.run(story())


def test_a_permission_that_ends_in_flight_brings_it_home_once() -> None:
    clock, operations = ManualClock(NOW), a_flight()
    zones = MemoryZones(operations.sortie.plan.fences)
    ends = a_permission(valid_until=after(minutes=1))
    watch = a_watch(operations, zones, clock, ends)

    async def story() -> None:
        await watch.turn()
        assert operations.orders() == []
        clock.advance_to(after(minutes=2))
        await watch.turn()
        await watch.turn()
        ((order, reason, text),) = operations.orders()
        assert (order, reason) == ("return", "permission_ended")
        assert "KZ-1" in text

    asyncio.run(story())
    revoked = a_permission(revoked_at=NOW - timedelta(minutes=1))
    operations = a_flight()
    asyncio.run(a_watch(operations, zones, ManualClock(NOW), revoked).turn())
    assert [one[1] for one in operations.orders()] == ["permission_ended"]
