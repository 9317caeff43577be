"""Tasks of pilots for an aircraft in the air: proven, recorded, and ended by the sticks."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from api.services import Commanded
from core.errors import (
    CapabilityMissing,
    FlownByHand,
    LeaseHeld,
    PlanUnsafe,
    PoseUnknown,
    SkyCleared,
)
from core.ids import AssetId, SortieId, UserId, ZoneId
from geo.positions import Altitude, Datum, Position
from geo.zones import Zone, ZoneKind
from missions.adapters.memory_control import MemoryControlStore
from missions.circumstances import Circumstances
from missions.control.desk import ControlDesk
from missions.control.orders import Order
from missions.control.records import Command, CommandKind, Outcome, answered_commands, first_fault
from missions.executor import authorise, fly_sortie, new_sortie
from missions.guided import Announce, ApprovedText, FlyTo, Light, LookAt, Orbit, Task
from missions.model import Sortie, SortieState
from sim.clock import ManualClock
from sim.failures import Failure, FailureKind
from sim.guide import SimGuide
from sim.pilot import SimPilot, SimVehicle
from station.commanding import Commanding
from station.following import FOLLOW_ENDED, Followers
from station.guiding import Guiding
from telemetry.model import AssetStatus, TelemetrySample
from tests.builders import AT, NOW, a_square, an_asset
from tests.missions.flying import a_fence, a_short_plan

ANNA, BOLAT = UserId("anna"), UserId("bolat")
CAR = AssetId("car-1")
S, K = SortieState, CommandKind
FENCE = a_fence(200.0)


def place(east_m: float, north_m: float) -> tuple[float, float]:
    return AT.to_geo1_deg(east_m, north_m)


def closed(east_m: float, north_m: float, half_m: float) -> Zone:
    area = a_square(east_m, north_m, half_m)
    return a_fence(zone_id=ZoneId("closed"), area=area, kind=ZoneKind.EXCLUSION)


class Air:
    """One aircraft in the air, its station, and a car that may be followed."""

    def __init__(self, *failures: Failure, guided: bool = True) -> None:
        self.clock = ManualClock(NOW)
        self.store = MemoryControlStore()
        self.desk = ControlDesk(self.store, self.clock)
        self.commanding = Commanding(self.desk, self.clock, answer_within=timedelta(seconds=20))
        self.asset = an_asset(cruise_m_s=8.0)
        self.vehicle = SimVehicle(self.asset, clock=self.clock, seed=1, failures=failures)
        self.pilot = SimPilot(self.vehicle, arm_s=20.0)
        self.guide = SimGuide(self.vehicle) if guided else None
        self.zones: list[Zone] = [FENCE]
        self.silent = False
        self.car: tuple[float, float] | None = (20.0, 20.0)
        self.guiding = Guiding(
            self.commanding, self.clock, status=self.status, zones=lambda: self.zones,
            circumstances=lambda asset: Circumstances(), terrain=None,
        )  # fmt: skip
        self.followers = Followers(self.guiding, self.clock, self.status)
        made = new_sortie(a_short_plan(fences=(FENCE,)), SortieId("sortie-1"))
        self.sortie = authorise(made, self.asset, ANNA, self.clock.now())
        self.commands = self.commanding.commands()
        self.moved = asyncio.Event()

    def status(self, asset_id: AssetId) -> AssetStatus | None:
        now = self.clock.now()
        if asset_id == CAR:
            if self.car is None:
                return None
            spot = Position(*place(*self.car), Altitude(0.0, Datum.HOME))
            return AssetStatus(TelemetrySample(CAR, now, spot), now)
        _, upcoming = self.vehicle.said(1 << 60)
        said = self.vehicle.said(upcoming - 1)[0]
        return None if self.silent or not said else AssetStatus(said[-1], now)

    def changed(self, sortie: Sortie) -> None:
        self.sortie = sortie
        self.moved.set()

    async def until(self, ready: Callable[[Sortie], bool]) -> None:
        while not ready(self.sortie):
            self.moved.clear()
            await self.moved.wait()

    async def wait(self, seconds: float) -> None:
        await self.clock.sleep_until(self.clock.now() + timedelta(seconds=seconds))

    async def ask(self, task: Task, by: UserId = ANNA, **more: Any) -> Commanded:
        return await self.guiding.ask(
            task, self.sortie, self.asset, self.commands, by, lambda: self.sortie, **more
        )

    async def order(self, what: Order, by: UserId = ANNA, **more: Any) -> Commanded:
        return await self.commanding.order(
            what, self.sortie, self.commands, by, lambda: self.sortie, **more
        )

    async def resume(self, by: UserId = ANNA) -> Commanded:
        async def check(term: int | None) -> None:
            await self.guiding.check_resumption(
                self.asset, self.commands, by, lambda: self.sortie, term
            )

        return await self.order(Order.RESUME, by, check=check)

    def where(self) -> tuple[float, float, float]:
        truth = self.vehicle.truth_at(self.vehicle.simulated_now())
        return truth.east_m, truth.north_m, truth.height_m

    def told(self, kind: CommandKind) -> list[Command]:
        return [c for c in answered_commands(self.store.records()) if c.asked.kind is kind]


@asynccontextmanager
async def flying(air: Air) -> AsyncIterator[Air]:
    async with air.clock.running():
        task = asyncio.create_task(
            fly_sortie(
                air.sortie, air.pilot, air.pilot, air.pilot, air.clock, air.changed, air.commands,
                asset=air.asset, guide=air.guide,
            )
        )  # fmt: skip
        try:
            await air.until(lambda sortie: bool(sortie.progress and sortie.progress.reached >= 1))
            yield air
        finally:
            await air.followers.close()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def run(
    scenario: Callable[[Air], Coroutine[Any, Any, None]], *failures: Failure, **more: Any
) -> Air:
    air_of: list[Air] = []

    async def whole() -> None:
        air = Air(*failures, **more)
        air_of.append(air)
        async with flying(air):
            await asyncio.wait_for(scenario(air), 60.0)

    asyncio.run(whole())
    assert first_fault(air_of[0].store.records()) is None
    return air_of[0]


def test_an_aircraft_is_held_flies_there_and_goes_on_only_when_told() -> None:
    async def scenario(air: Air) -> None:
        await air.wait(4)  # it is under way, and has to stop first
        done = await air.ask(FlyTo(*place(60, 60), 20.0))
        assert done.answer is not None
        assert (done.sortie.state, done.answer.outcome) == (S.HOLDING, Outcome.DONE)
        assert done.sortie.guided is not None
        await air.wait(40)
        assert math.dist(air.where(), (60, 60, 20)) < 4
        assert air.sortie.state is S.HOLDING  # it does not go on by itself
        gone_on = await air.resume()
        assert (gone_on.sortie.state, gone_on.sortie.guided) == (S.UNDERWAY, None)
        await air.until(lambda sortie: sortie.state is S.COMPLETED)

    air = run(scenario)
    kinds = [c.asked.kind for c in answered_commands(air.store.records())]
    # the hold goes out, and is written down, before the task that it is for
    assert kinds == [K.LEASE, K.HOLD, K.FLY_TO, K.RESUME]
    (told,) = air.told(K.FLY_TO)
    assert told.asked.by == ANNA
    assert told.asked.term == 1
    assert "at 20.0 m" in told.asked.details.task


def test_what_is_not_proven_leaves_the_mission_alone_and_is_recorded() -> None:
    async def scenario(air: Air) -> None:
        air.zones.append(closed(60, 60, 15))
        with pytest.raises(PlanUnsafe, match="waypoint_excluded"):
            await air.ask(FlyTo(*place(60, 60), 12.0))
        assert air.sortie.state is S.UNDERWAY

    air = run(scenario)
    (told,) = air.told(K.FLY_TO)
    assert (told.answer.outcome, told.answer.code) == (Outcome.REFUSED, "waypoint_excluded")


def test_the_way_back_to_the_mission_is_proven_too() -> None:
    async def scenario(air: Air) -> None:
        await air.ask(FlyTo(*place(80, -40), 12.0))
        await air.wait(40)
        air.zones.append(closed(40, 0, 6))
        with pytest.raises(PlanUnsafe):
            await air.resume()
        assert air.sortie.state is S.HOLDING
        await air.order(Order.RETURN)
        await air.until(lambda sortie: sortie.state is S.ABORTED)

    run(scenario)


def test_a_hold_ends_an_orbit_where_it_is() -> None:
    async def scenario(air: Air) -> None:
        await air.ask(Orbit(*place(0, 0), 15.0, 30.0))
        await air.wait(30)
        assert abs(math.hypot(*air.where()[:2]) - 30) < 4
        await air.order(Order.HOLD)
        await air.wait(5)
        before = air.where()
        await air.wait(5)
        assert math.dist(before, air.where()) < 1.0
        assert air.sortie.guided is not None  # off its way: going on has to be proven
        assert air.sortie.guided.held

    run(scenario)


def test_light_and_loudspeaker_go_under_a_lease_and_into_the_record() -> None:
    text = ApprovedText("step-back", "en", "please step back")

    async def scenario(air: Air) -> None:
        await air.ask(Light(True))
        await air.ask(Announce(text))
        await air.ask(LookAt(place(0, -50)))
        assert air.sortie.state is S.UNDERWAY  # none of it leaves the mission
        assert air.vehicle.autopilot.guided.lit
        assert air.vehicle.autopilot.guided.said == ["please step back"]
        with pytest.raises(LeaseHeld):
            await air.ask(Light(False), BOLAT)

    air = run(scenario)
    (said,) = air.told(K.LOUDSPEAKER)
    assert said.asked.details.task == "saying step-back (en): please step back"
    assert [c.answer.outcome for c in air.told(K.LIGHT)] == [Outcome.DONE, Outcome.REFUSED]


@pytest.mark.parametrize("carries", [True, False], ids=["payload absent", "no guide"])
def test_what_is_not_there_is_refused_by_a_code_of_its_own(carries: bool) -> None:
    async def scenario(air: Air) -> None:
        with pytest.raises(CapabilityMissing):
            await air.ask(Light(True))

    air = run(scenario, Failure(FailureKind.PAYLOAD_ABSENT), guided=carries)
    (told,) = air.told(K.LIGHT)
    assert told.answer.code == "capability_missing"


def test_nothing_sets_out_under_a_cleared_sky_or_from_an_unknown_place() -> None:
    async def scenario(air: Air) -> None:
        air.silent = True
        with pytest.raises(PoseUnknown):
            await air.ask(FlyTo(*place(60, 60), 12.0))
        air.silent = False
        await air.desk.clear_sky(BOLAT, "hold", "a helicopter is coming in")
        with pytest.raises(SkyCleared):
            await air.ask(FlyTo(*place(60, 60), 12.0))

    run(scenario)


def test_a_pilot_who_takes_the_sticks_ends_our_orders_until_one_takes_it_back() -> None:
    async def scenario(air: Air) -> None:
        air.vehicle.take_sticks()
        await air.until(lambda sortie: sortie.by_hand)
        assert air.sortie.state is S.HOLDING
        for order in (Order.HOLD, Order.LAND):
            with pytest.raises(FlownByHand):
                await air.order(order)
        with pytest.raises(FlownByHand):
            await air.ask(Orbit(*place(0, 0), 15.0, 30.0))
        # nor does a mode that the pilot chooses, nor an order of the station itself
        air.vehicle.autopilot.set_mode(air.pilot._pilot.mode.MISSION)
        await air.wait(3)
        refused: list[str] = []
        air.commands.bring_home(told=lambda answer, error: refused.append(answer.code))
        await air.wait(3)
        assert refused == ["flown_by_hand"]
        assert air.sortie.by_hand
        taken = await air.resume()
        assert (taken.sortie.state, taken.sortie.by_hand) == (S.UNDERWAY, False)

    run(scenario)


def test_one_that_a_pilot_lands_by_hand_has_ended_so() -> None:
    async def scenario(air: Air) -> None:
        air.vehicle.take_sticks()
        await air.until(lambda sortie: sortie.by_hand)
        air.vehicle.autopilot.set_mode(air.pilot._pilot.mode.LAND)
        await air.until(lambda sortie: sortie.ended_at is not None)
        assert (air.sortie.state, air.sortie.reason_code) == (S.ABORTED, "landed_by_hand")

    run(scenario)


def test_a_car_is_followed_until_it_goes_where_nothing_may_fly() -> None:
    async def scenario(air: Air) -> None:
        async def follow() -> Commanded:
            return await air.followers.follow(
                CAR, 15.0, 10.0, air.sortie, air.asset, air.commands, ANNA, lambda: air.sortie
            )

        await follow()
        for step in range(12):
            air.car = (20.0 + 5.0 * step, 20.0)
            await air.wait(2)
        await air.wait(10)
        assert air.car is not None
        assert math.dist(air.where()[:2], air.car) < 16
        air.zones.append(closed(100, 20, 12))
        air.car = (100.0, 20.0)
        await air.until(lambda sortie: sortie.reason_code == FOLLOW_ENDED)
        await air.wait(3)
        assert air.sortie.state is S.HOLDING
        assert air.where()[0] < 88
        air.car = None
        with pytest.raises(PoseUnknown):
            await follow()

    air = run(scenario)
    followed = air.told(K.FOLLOW)
    assert len(followed) > 5
    assert followed[-1].answer.outcome is Outcome.REFUSED


def test_any_other_order_ends_the_following() -> None:
    async def scenario(air: Air) -> None:
        await air.followers.follow(
            CAR, 15.0, 0.0, air.sortie, air.asset, air.commands, ANNA, lambda: air.sortie
        )
        await air.wait(5)
        await air.order(Order.HOLD)
        count = len(air.told(K.FOLLOW))
        air.car = (60.0, 60.0)
        await air.wait(10)
        assert len(air.told(K.FOLLOW)) == count

    run(scenario)


def test_a_sortie_keeps_what_it_does_through_the_store() -> None:
    from core.documents import from_document, to_document

    async def scenario(air: Air) -> None:
        done = await air.ask(FlyTo(*place(60, 60), 20.0))
        bare = replace(done.sortie, plan=replace(done.sortie.plan, fences=()))
        assert from_document(Sortie, to_document(bare)) == bare

    run(scenario)
