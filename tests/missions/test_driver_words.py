"""A patrol by car goes on by what its driver says, also where no position comes."""

import asyncio
from dataclasses import replace

from core.ids import AssetId, SortieId, UserId
from missions.adapters.driver_pilot import DriverPilot
from missions.adapters.memory_store import MemoryMissionStore
from missions.adapters.memory_taps import MemoryTapStore
from missions.adapters.page_driver import PageDriver
from missions.driving.rounds import Round, StopState, round_of, stops_of
from missions.driving.taps import Obstacle, Tap, TapId, TapKind
from missions.model import ItemKind, MissionItem, Plan, Progress, SortieState
from missions.proving.proof import prove
from sim.clock import ManualClock
from station.driver_words import driver_words
from telemetry.adapters.memory_log import MemoryTelemetryLog
from telemetry.adapters.posted_link import PostedLink
from telemetry.model import TelemetrySample
from telemetry.posted import Postbox
from tests.builders import NOW, a_mission, a_place, a_plan, a_sample, a_sortie, after
from tests.missions.flying import a_car

CAR = AssetId("car-1")


def a_tap(number: int, kind: TapKind, stop: int | None, second: float, **more: object) -> Tap:
    at = after(second)
    tap = Tap(TapId(f"tap-{number}"), CAR, UserId("a"), kind, at, at, SortieId("sortie-1"), stop)
    return replace(tap, **more)  # type: ignore[arg-type]


def a_round() -> Plan:
    corners = ((0, 0), (200, 0), (200, 200))
    items = tuple(MissionItem(ItemKind.WAYPOINT, a_place(*corner, 0)) for corner in corners)
    return a_plan(asset_id=CAR, mission=a_mission(items=items), return_altitude=None)


def states(found: Round) -> list[StopState]:
    return [one.state for one in found.stops]


def test_a_round_is_read_from_presses_in_whatever_order_they_came() -> None:
    stops = stops_of(a_round())
    taps = [
        a_tap(1, TapKind.ARRIVED, 0, 1),
        a_tap(2, TapKind.DONE, 0, 2),
        a_tap(3, TapKind.CANNOT, 1, 3, reason=Obstacle.DANGER),
        a_tap(4, TapKind.PAUSE, None, 4),
    ]
    found = round_of(stops, taps, 0)
    assert found == round_of(stops, taps[::-1], 0)
    assert states(found) == [StopState.DONE, StopState.LEFT_OUT, StopState.AHEAD]
    assert found.stops[1].reason is Obstacle.DANGER
    assert (found.paused, found.items_done) == (True, 2)
    assert found.next is found.stops[2]
    # who comes to a place that was left out after all can still do it
    again = round_of(stops, [*taps, a_tap(5, TapKind.ARRIVED, 1, 5)], 0)
    assert states(again)[1] is StopState.ARRIVED
    assert again.next is again.stops[1] or again.next is again.stops[2]
    # what the car has passed by itself is done; presses of stops that are not there are not read
    passed = round_of(stops, [a_tap(6, TapKind.DONE, 99, 6)], 2)
    assert states(passed) == [StopState.PASSED, StopState.PASSED, StopState.AHEAD]


def test_the_drivers_word_moves_the_sortie_on_and_ends_it_without_any_position() -> None:
    async def story() -> list[Progress]:
        missions, taps = MemoryMissionStore(), MemoryTapStore()
        plan = a_round()
        missions.save_sortie(a_sortie(plan=plan, state=SortieState.UNDERWAY))
        postbox = Postbox(MemoryTelemetryLog(), lambda sample: None)
        clock = ManualClock(NOW)
        pilot = DriverPilot(
            PageDriver(),
            lambda: PostedLink(CAR, postbox, clock, silence_limit_s=600.0),
            driver_words(missions, taps),
        )
        await pilot.upload(prove(plan, a_car()))
        await pilot.start()
        seen: list[Progress] = []
        moved = asyncio.Event()

        async def follow() -> None:
            async for progress in pilot.progress():
                seen.append(progress)
                moved.set()

        following = asyncio.create_task(follow())
        for number, stop in enumerate(stops_of(plan)):
            await moved.wait()
            moved.clear()
            await asyncio.sleep(0)  # its link is opened after the first word
            taps.add(a_tap(number, TapKind.DONE, stop.number, number))
            postbox.alive(TelemetrySample(CAR, after(number + 1)))
        await following
        return seen

    seen = asyncio.run(asyncio.wait_for(story(), 20.0))
    assert [progress.reached for progress in seen] == [0, 1, 2, 3]
    assert [progress.ended for progress in seen] == [False, False, False, True]


def test_a_postbox_keeps_what_comes_late_and_tells_the_newest_alone() -> None:
    log, told = MemoryTelemetryLog(), []
    postbox = Postbox(log, told.append)
    batches: list[int] = []
    end = postbox.listen(CAR, lambda samples: batches.append(len(samples)))
    samples = [a_sample(asset_id=CAR, at=after(second)) for second in range(6)]
    assert postbox.post(CAR, [samples[3], samples[2]]) == 2
    assert postbox.post(CAR, [samples[0], samples[3]]) == 1
    assert postbox.post(CAR, []) == 0
    end()
    end()
    assert postbox.post(CAR, samples) == 3
    assert [sample.at for sample in told] == [after(3), after(5)]
    assert batches == [2, 2]
    assert len(log.between(CAR, NOW, after(10))) == 6
