"""Orders to real sorties of simulated crafts: answers, records, and the cleared sky."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from api.services import Commanded, SkyAnswer
from core.errors import DiskFull, LeaseHeld, LeaseStale, SkyCleared, StartRefused
from core.ids import AssetId, PatrolId, SortieId, UserId
from missions.adapters.memory_control import MemoryControlStore
from missions.control.desk import ControlDesk
from missions.control.orders import Order, SortieCommands
from missions.control.records import (
    Answer,
    ChainEntry,
    Command,
    CommandKind,
    CommandRecord,
    Outcome,
    answered_commands,
    first_fault,
)
from missions.executor import authorise, fly_sortie, new_sortie
from missions.model import Asset, Sortie, SortieState
from missions.schedules import StopReason
from missions.scheduling.scheduler import stop_reason
from sim.clock import ManualClock
from sim.pilot import SimPilot, SimVehicle
from station.commanding import Commanding
from tests.builders import NOW, an_asset
from tests.missions.flying import a_short_plan

ANNA, BOLAT = UserId("anna"), UserId("bolat")
S = SortieState
WITHIN = timedelta(seconds=20)
"""Longer than in life: this clock runs on while a thread writes."""
REASON = "a helicopter is coming in"


class OneFlight:
    """A sortie in the air and what is needed to order it."""

    def __init__(self, name: str, station: "Sky") -> None:
        self.asset = an_asset(asset_id=AssetId(name), cruise_m_s=8.0)
        self.vehicle = SimVehicle(self.asset, clock=station.clock, seed=1)
        self.pilot = SimPilot(self.vehicle, arm_s=20.0, mode_s=120.0, silence_limit_s=120.0)
        plan = a_short_plan(asset_id=self.asset.asset_id)
        made = new_sortie(plan, SortieId(f"sortie-{name}"))
        self.sortie = authorise(made, self.asset, ANNA, station.clock.now())
        self.commands = station.commanding.commands()
        self.moved = asyncio.Event()
        self.task = asyncio.create_task(
            fly_sortie(
                self.sortie, self.pilot, self.pilot, self.pilot, station.clock, self.changed,
                self.commands, asset=self.asset,
            )
        )  # fmt: skip

    def changed(self, sortie: Sortie) -> None:
        self.sortie = sortie
        self.moved.set()

    async def refuse(self) -> None:
        raise StartRefused("mode rejected by the vehicle")

    async def until(self, *states: SortieState) -> None:
        while self.sortie.state not in states:
            self.moved.clear()
            await self.moved.wait()


class Sky:
    """Several flights under one desk, on a clock that jumps when all wait."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.store = MemoryControlStore()
        self.desk = ControlDesk(self.store, self.clock)
        self.commanding = Commanding(self.desk, self.clock, answer_within=WITHIN)
        self.flights: list[OneFlight] = []

    async def fly(self, *names: str) -> list[OneFlight]:
        made = [OneFlight(name, self) for name in names]
        self.flights += made
        await asyncio.gather(*(one.until(S.UNDERWAY) for one in made))
        return made

    def flying(self) -> list[tuple[Sortie, Asset, SortieCommands]]:
        return [(one.sortie, one.asset, one.commands) for one in self.flights]

    def told(self, kind: CommandKind) -> list[Command]:
        return [c for c in answered_commands(self.store.records()) if c.asked.kind is kind]


@asynccontextmanager
async def a_sky() -> AsyncIterator[Sky]:
    sky = Sky()
    async with sky.clock.running():
        try:
            yield sky
        finally:
            for one in sky.flights:
                one.task.cancel()
            await asyncio.gather(*(one.task for one in sky.flights), return_exceptions=True)


def run(scenario: Callable[[Sky], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with a_sky() as sky:
            await asyncio.wait_for(scenario(sky), 60.0)

    asyncio.run(whole())


async def order(sky: Sky, one: OneFlight, what: Order, by: UserId = ANNA, **more: Any) -> Commanded:
    return await sky.commanding.order(
        what, one.sortie, one.commands, by, lambda: one.sortie, **more
    )


def test_an_order_answers_with_what_the_vehicle_did() -> None:
    async def scenario(sky: Sky) -> None:
        (one,) = await sky.fly("drone-1")
        held = await order(sky, one, Order.HOLD)
        assert (held.sortie.state, held.answer) == (S.HOLDING, Answer(Outcome.DONE))
        with pytest.raises(LeaseHeld):
            await order(sky, one, Order.RESUME, BOLAT)
        lease = await sky.desk.take(one.asset.asset_id, BOLAT, "the first pilot is ill")
        with pytest.raises(LeaseStale):
            await order(sky, one, Order.RESUME, ANNA, term=lease.term - 1)
        gone_on = await order(sky, one, Order.RESUME, BOLAT, term=lease.term)
        assert gone_on.sortie.state is S.UNDERWAY
        home = await order(sky, one, Order.RETURN, BOLAT)
        assert home.sortie.state is S.RETURNING
        assert first_fault(sky.store.records()) is None
        found = [
            (c.asked.by, c.answer.outcome, c.answer.code) for c in sky.told(CommandKind.RESUME)
        ]
        assert found == [
            (BOLAT, Outcome.REFUSED, "lease_held"),
            (ANNA, Outcome.REFUSED, "lease_stale"),
            (BOLAT, Outcome.DONE, ""),
        ]

    run(scenario)


def test_what_a_vehicle_refuses_is_told_in_its_words_and_recorded() -> None:
    async def scenario(sky: Sky) -> None:
        (one,) = await sky.fly("drone-1")
        one.pilot.hold = one.refuse  # type: ignore[method-assign]
        with pytest.raises(StartRefused, match="mode rejected"):
            await order(sky, one, Order.HOLD)
        (told,) = sky.told(CommandKind.HOLD)
        assert (told.answer.outcome, told.answer.code) == (Outcome.REFUSED, "start_refused")
        assert "mode rejected" in told.answer.words
        assert one.sortie.state is S.UNDERWAY

    run(scenario)


def test_a_silent_vehicle_is_not_waited_for_longer_than_said() -> None:
    async def scenario(sky: Sky) -> None:
        (one,) = await sky.fly("drone-1")
        one.vehicle.cut_link()
        before = sky.clock.now()
        told = await order(sky, one, Order.HOLD)
        assert told.answer is None
        waited = sky.clock.now() - before
        assert WITHIN <= waited < timedelta(seconds=100)
        (asked,) = sky.told(CommandKind.HOLD)
        assert (asked.answer.outcome, asked.answered_at) == (Outcome.NO_ANSWER, None)

    run(scenario)


def test_an_order_that_waited_while_command_passed_on_never_reaches_the_vehicle() -> None:
    async def scenario(sky: Sky) -> None:
        (one,) = await sky.fly("drone-1")
        stuck = asyncio.Event()
        held = asyncio.Event()
        obeyed: list[str] = []

        async def slow() -> None:
            held.set()
            await stuck.wait()
            obeyed.append("hold")

        async def home() -> None:
            obeyed.append("return")

        one.pilot.hold, one.pilot.return_to_launch = slow, home  # type: ignore[method-assign]
        first = asyncio.create_task(order(sky, one, Order.HOLD))
        await held.wait()
        second = asyncio.create_task(order(sky, one, Order.RETURN))
        while one.commands.queue.empty():  # noqa: ASYNC110 - the queue rings no bell
            await asyncio.sleep(0)
        await sky.desk.take(one.asset.asset_id, BOLAT, "the first pilot is ill")
        stuck.set()
        await first
        with pytest.raises(LeaseStale):
            await second
        assert obeyed == ["hold"]

    run(scenario)


def test_orders_of_the_station_need_no_lease_and_are_recorded_with_their_reason() -> None:
    async def scenario(sky: Sky) -> None:
        (one,) = await sky.fly("drone-1")
        lease = await sky.desk.take(one.asset.asset_id, ANNA)
        one.commands.bring_home(reason_code="zone_appeared", text="a fire")
        await one.until(S.RETURNING)
        assert await sky.desk.lease(one.asset.asset_id) == lease
        (told,) = sky.told(CommandKind.RETURN)
        assert (told.asked.by, told.asked.term, told.asked.reason) == (None, None, "a fire")
        assert told.asked.details.reason_code == "zone_appeared"

    run(scenario)


def test_the_record_is_there_before_the_vehicle_is_ordered() -> None:
    async def scenario(sky: Sky) -> None:
        (one,) = await sky.fly("drone-1")
        seen: list[list[Answer]] = []

        async def hold() -> None:
            seen.append([c.answer for c in sky.told(CommandKind.HOLD)])

        one.pilot.hold = hold  # type: ignore[method-assign]
        await order(sky, one, Order.HOLD)
        assert seen == [[Answer(Outcome.NO_ANSWER)]]

    run(scenario)


class FullDisk(MemoryControlStore):
    """A store that takes nothing more once it is full."""

    full = False

    def append(self, record: CommandRecord, *, fenced: bool = False) -> ChainEntry:
        if self.full:
            raise DiskFull("there is no room to write")
        return super().append(record, fenced=fenced)


def test_a_full_disk_stops_what_would_go_on_but_not_what_makes_safe() -> None:
    async def scenario(sky: Sky) -> None:
        store = FullDisk()
        sky.desk = ControlDesk(store, sky.clock)
        sky.commanding = Commanding(sky.desk, sky.clock)
        (one,) = await sky.fly("drone-1")
        await sky.desk.take(one.asset.asset_id, ANNA)
        store.full = True
        assert (await order(sky, one, Order.HOLD)).sortie.state is S.HOLDING
        with pytest.raises(DiskFull):
            await order(sky, one, Order.RESUME)
        assert (await order(sky, one, Order.RETURN)).sortie.state is S.RETURNING

    run(scenario)


@pytest.mark.parametrize("how", ["hold", "return"])
def test_the_sky_is_cleared_of_all_at_once_and_a_silent_one_delays_nobody(how: str) -> None:
    async def scenario(sky: Sky) -> None:
        flights = await sky.fly("drone-1", "drone-2", "drone-3", "drone-4", "drone-5")
        good, silent, refusing, returning, held = flights
        await order(sky, good, Order.HOLD, BOLAT)
        await order(sky, good, Order.RESUME, BOLAT)
        await order(sky, returning, Order.RETURN)
        await order(sky, held, Order.HOLD)
        silent.vehicle.cut_link()
        refusing.pilot.hold = refusing.refuse  # type: ignore[method-assign]
        refusing.pilot.return_to_launch = refusing.refuse  # type: ignore[method-assign]
        before = sky.clock.now()
        cleared = await sky.commanding.clear(ANNA, how, REASON, sky.flying)
        assert sky.clock.now() - before < timedelta(seconds=100)
        found = {str(one.asset_id): one.answer for one in cleared.assets}
        assert found == {
            "drone-1": SkyAnswer.CONFIRMED,
            "drone-2": SkyAnswer.SILENT,
            "drone-3": SkyAnswer.REFUSED,
            "drone-4": SkyAnswer.CONFIRMED,
            "drone-5": SkyAnswer.CONFIRMED,
        }
        wanted = S.HOLDING if how == "hold" else S.RETURNING
        assert good.sortie.state in (wanted, S.ABORTED)  # it may have landed meanwhile
        assert good.sortie.reason_code == "sky_cleared"
        assert returning.sortie.state in (S.RETURNING, S.ABORTED)
        words = next(one.words for one in cleared.assets if one.asset_id == "drone-3")
        assert "mode rejected" in words
        kind = CommandKind.HOLD if how == "hold" else CommandKind.RETURN
        over = [c for c in sky.told(kind) if c.asked.details.overrides]
        assert {(c.asked.asset_id, c.asked.by, c.asked.details.overrides) for c in over} == {
            ("drone-1", ANNA, BOLAT)
        }
        with pytest.raises(SkyCleared):
            await order(sky, good, Order.RESUME)

    run(scenario)


def test_the_sky_stays_cleared_over_a_restart_until_it_is_lifted() -> None:
    async def scenario(sky: Sky) -> None:
        await sky.commanding.clear(ANNA, "return", REASON, sky.flying)
        anew = Commanding(ControlDesk(sky.store, sky.clock), sky.clock)
        drone, patrol = AssetId("drone-1"), PatrolId("patrol-1")
        for station in (False, True):  # a person's start, and a schedule's
            with pytest.raises(SkyCleared):
                await anew.asked_to_start(patrol, drone, BOLAT, None, station=station)
        await sky.desk.lift_sky(BOLAT, "it has left the city")
        command = await anew.asked_to_start(patrol, drone, BOLAT, None, station=True)
        assert (command.by, command.term) == (None, None)

    run(scenario)


def test_what_is_being_prepared_when_the_sky_is_cleared_never_starts() -> None:
    async def scenario(sky: Sky) -> None:
        one = OneFlight("drone-1", sky)
        sky.flights.append(one)
        while not any("uploaded" in event.text for event in one.sortie.events):
            one.moved.clear()
            await one.moved.wait()
        cleared = await sky.commanding.clear(ANNA, "return", REASON, sky.flying)
        ended = await one.task
        assert (ended.state, ended.reason_code) == (S.CANCELLED, "sky_cleared")
        assert [found.answer for found in cleared.assets] == [SkyAnswer.CONFIRMED]
        assert not any(event.state is S.UNDERWAY for event in ended.events)

    run(scenario)


def test_a_sky_that_was_cleared_is_a_reason_to_stop_of_its_own() -> None:
    assert stop_reason("sky_cleared") is StopReason.SKY_CLEARED
