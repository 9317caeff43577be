"""The live monitor over the simulated vehicle, with named failures: what it orders, and why."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from shapely import box

from core.clock import Clock
from core.recurrence import Recurrence
from geo.adapters.memory_zones import MemoryZones
from geo.zones import Zone
from missions.executor import SortieCommands, authorise, fly_sortie, new_sortie
from missions.model import Asset, Plan, Sortie, SortieState
from missions.monitoring.escalation import Stage
from missions.monitoring.monitored import Monitored
from missions.monitoring.policy import MonitorPolicy
from missions.weather import Weather
from sim.clock import ManualClock
from sim.failures import Failure, FailureKind
from sim.pilot import SimPilot, SimVehicle
from station.live_monitor import LiveMonitor
from telemetry.model import TelemetrySample, VehicleMode
from tests.builders import NOW, a_place, after, an_asset
from tests.missions.flying import a_short_plan
from tests.missions.test_exits import a_ban
from tests.station.test_appearing_zones import PILOT

ASSET = an_asset(cruise_m_s=8.0)
POLICY = MonitorPolicy(hold_most_s=10.0, begins_s=20.0, leave_s=8.0)
Upset = Callable[[SimVehicle, TelemetrySample], TelemetrySample]


class OneFlight:
    def __init__(self, sortie: Sortie) -> None:
        self.sortie, self.commands = sortie, SortieCommands()

    def under_way(self) -> Sequence[tuple[Sortie, Asset, SortieCommands]]:
        return [(self.sortie, ASSET, self.commands)]


async def flown(
    *failures: Failure,
    zones: Sequence[Zone] = (),
    upset: Upset = lambda vehicle, sample: sample,
    weather: Callable[[Asset, object], Weather | None] | None = None,
    plan: Plan | None = None,
) -> tuple[Sortie, list[Monitored]]:
    """Flies the short plan under the monitor; zones stand in the store but not in the proof."""
    clock = ManualClock(NOW)
    vehicle = SimVehicle(ASSET, clock=clock, seed=3, failures=failures)
    pilot = SimPilot(vehicle, arm_s=60.0, mode_s=10.0, silence_limit_s=60.0)
    plan = plan or a_short_plan()
    sortie = authorise(new_sortie(plan), ASSET, PILOT, clock.now())
    operations, shown = OneFlight(sortie), []
    monitor = LiveMonitor(
        operations, MemoryZones([*plan.fences, *zones]), lambda: (), clock, policy=POLICY,
        weather=weather, on_change=shown.append,
    )  # fmt: skip

    def changed(newer: Sortie) -> None:
        operations.sortie = newer

    async def listen() -> None:
        since = 0
        while True:
            samples, since = vehicle.said(since)
            for sample in samples:
                monitor.heard(upset(vehicle, sample))
            await clock.sleep_until(clock.now() + timedelta(seconds=0.1))

    async with clock.running():
        others = [asyncio.create_task(one) for one in (monitor.run(), listen())]
        try:
            ended = await fly_sortie(
                sortie, pilot, pilot, pilot, clock, changed, operations.commands, asset=ASSET
            )
        finally:
            for other in others:
                other.cancel()
            await asyncio.gather(*others, return_exceptions=True)
    return ended, shown


def story(*failures: Failure, **given: object) -> tuple[Sortie, list[str], list[Monitored]]:
    ended, shown = asyncio.run(asyncio.wait_for(flown(*failures, **given), 60.0))  # type: ignore[arg-type]
    return ended, [event.text for event in ended.events], shown


def order_of(texts: Sequence[str], *wanted: str) -> list[int]:
    return [next(k for k, text in enumerate(texts) if one in text) for one in wanted]


def blown_east(vehicle: SimVehicle, sample: TelemetrySample) -> TelemetrySample:
    """A wind that the aircraft can't hold against once it is on its first leg."""
    quad = vehicle.autopilot.physics
    if quad.north > 15 and vehicle.autopilot.mode is not VehicleMode.RETURN and quad.east > -70:
        quad.east -= 0.4
    return sample


def test_an_undisturbed_flight_is_left_alone() -> None:
    ended, texts, _ = story()
    assert ended.state is SortieState.COMPLETED
    assert not [text for text in texts if "warning" in text or "order" in text]


def test_wind_that_pushes_it_off_its_way_is_warned_of_held_and_brought_home() -> None:
    ended, texts, shown = story(upset=blown_east)
    assert (ended.state, ended.reason_code) == (SortieState.ABORTED, "off_route")
    wanted = ("warning, off_route", "holding: off_route", "returning on order: off_route")
    places = order_of(texts, *wanted)
    assert places == sorted(places)
    assert "proven way out" in texts[places[-1]]
    stages = [one.stage for one in shown]
    assert [Stage.WARNED, Stage.HELD, Stage.RETURNING] == sorted(set(stages) - {Stage.CALM})


def test_a_battery_that_falls_brings_it_home_before_the_autopilot_would() -> None:
    ended, texts, _ = story(Failure(FailureKind.BATTERY_FALLS, fraction=0.05))
    assert (ended.state, ended.reason_code) == (SortieState.ABORTED, "energy_low")
    places = order_of(texts, "warning, energy_low", "returning on order: energy_low")
    assert places == sorted(places)


def test_a_position_that_jumps_again_and_again_is_held() -> None:
    turn = [0]

    def jumps(vehicle: SimVehicle, sample: TelemetrySample) -> TelemetrySample:
        turn[0] += 1
        if vehicle.autopilot.physics.north < 15 or vehicle.autopilot.mode is VehicleMode.RETURN:
            return sample
        return replace(sample, position=a_place(300.0 * (turn[0] % 2), 30.0, 12.0))

    _, texts, _ = story(upset=jumps)
    places = order_of(texts, "warning, position_uncertain", "holding: position_uncertain")
    assert places == sorted(places)


def test_a_zone_whose_hours_begin_in_flight_is_left_before_they_do() -> None:
    window = Recurrence(after(seconds=28), timedelta(hours=1))
    ban = a_ban(box(-40, 25, 80, 90), "market", windows=(window,))
    ended, texts, _ = story(zones=[ban])
    assert (ended.state, ended.reason_code) == (SortieState.ABORTED, "zone_begins")
    places = order_of(texts, "warning, zone_begins: market", "returning on order: zone_begins")
    assert places == sorted(places)


def test_air_beyond_its_limits_brings_it_home() -> None:
    ended, texts, _ = story(weather=lambda asset, at: Weather(at, wind_m_s=30.0))  # type: ignore[arg-type]
    assert (ended.state, ended.reason_code) in [
        (SortieState.ABORTED, "weather_out"), (SortieState.ABORTED, "energy_low"),
    ]  # fmt: skip
    order_of(texts, "warning, weather_out")


def a_lone(monitor_zones: Sequence[Zone], clock: Clock) -> tuple[OneFlight, LiveMonitor]:
    plan = a_short_plan()
    sortie = Sortie("s-1", plan, SortieState.UNDERWAY, started_at=NOW)  # type: ignore[arg-type]
    operations = OneFlight(sortie)
    zones = MemoryZones([*plan.fences, *monitor_zones])
    return operations, LiveMonitor(operations, zones, lambda: (), clock, policy=POLICY)


def a_sample(**changes: object) -> TelemetrySample:
    values = {
        "asset_id": ASSET.asset_id, "at": NOW, "position": a_place(0, 30, 12), "armed": True,
        "horizontal_sigma_m": 0.5, "vertical_sigma_m": 0.5, "battery_fraction": 0.9,
        "mode": VehicleMode.MISSION, "on_ground": False, **changes,
    }  # fmt: skip
    return TelemetrySample(**values)  # type: ignore[arg-type]


def orders_of(operations: OneFlight) -> list[tuple[str | None, str]]:
    found = []
    while not operations.commands.queue.empty():
        one = operations.commands.queue.get_nowait()
        found.append((one.order, one.text))
    return found


def test_a_pilot_who_takes_the_sticks_gets_no_orders_until_the_mission_goes_on() -> None:
    clock = ManualClock(NOW)
    operations, monitor = a_lone([a_ban(box(-20, 10, 20, 60), "ban")], clock)

    async def turns(mode: VehicleMode, count: int) -> list[tuple[str | None, str]]:
        for _ in range(count):
            clock.advance_to(clock.now() + timedelta(seconds=1))
            monitor.heard(a_sample(mode=mode, at=clock.now()))
            await monitor.turn()
        return orders_of(operations)

    async def tale() -> None:
        by_hand = await turns(VehicleMode.MANUAL, 30)
        assert {order for order, _ in by_hand} == {None}
        assert any("manual_control" in text for _, text in by_hand)
        assert monitor.monitored()[0].manual
        assert {order for order, _ in await turns(VehicleMode.HOLD, 20)} <= {None}
        # the zone was not there when the plan was proven, and the way home leads out of it
        assert "return" in {order for order, _ in await turns(VehicleMode.MISSION, 5)}

    asyncio.run(tale())


def test_a_zone_that_is_switched_off_is_forgotten_and_silence_is_told() -> None:
    clock = ManualClock(NOW)
    plan = a_short_plan()
    operations = OneFlight(Sortie("s-1", plan, SortieState.UNDERWAY, started_at=NOW))  # type: ignore[arg-type]
    ban = a_ban(box(-20, 10, 20, 60), "ban")
    zones = MemoryZones([*plan.fences, ban])
    monitor = LiveMonitor(operations, zones, lambda: (), clock, policy=POLICY)

    async def tale() -> None:
        await monitor.turn()
        monitor.heard(a_sample())
        monitor.drain()
        assert [c.code for c in monitor.monitored()[0].concerns] == ["zone_breach"]
        zones.replace(replace(ban, active=False, version=2), 1)
        for _ in range(8):
            clock.advance_to(clock.now() + timedelta(seconds=1))
            await monitor.turn()
            monitor.heard(a_sample(at=clock.now()))
            monitor.drain()
        assert monitor.monitored()[0].concerns == ()
        clock.advance_to(clock.now() + timedelta(seconds=5))
        await monitor.turn()
        assert [c.code for c in monitor.monitored()[0].concerns] == ["link_stale"]

    asyncio.run(tale())
