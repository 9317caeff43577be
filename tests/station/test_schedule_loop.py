"""The firing loop on a store in memory, with a clock that the test moves."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from core.errors import IllegalMove, NotFound, PlanUnsafe, QyranError
from core.ids import SortieId
from missions.adapters.calendar_days import CalendarDays
from missions.adapters.memory_schedules import MemoryScheduleStore
from missions.schedules import (
    Firing,
    FiringState,
    HolidayRule,
    MissedPolicy,
    Schedule,
    ScheduleId,
    ScheduleStage,
    StopReason,
    Timetable,
    moved_on,
    sortie_of,
)
from missions.scheduling.gates import Verdict
from missions.scheduling.scheduler import switched
from station.schedule_loop import ScheduleLoop
from tests.builders import NOW, after
from tests.missions.schedule_builders import a_recurrence, a_schedule

ID = ScheduleId("schedule-1")
HOUR = timedelta(hours=1)


class HandClock:
    """A clock that stands still until it is moved, either way."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    async def sleep_until(self, at: datetime) -> None:
        raise AssertionError("a turn never waits")


class Sorties:
    """A dispatcher that remembers; refuses while it is told to."""

    def __init__(self) -> None:
        self.begun: list[SortieId] = []
        self.refusal: QyranError | None = None
        self.verdict = Verdict()
        self.on_dispatch: Callable[[], None] = lambda: None

    async def permits(self, schedule: Schedule, now: datetime) -> Verdict:
        return self.verdict

    async def dispatch(self, schedule: Schedule, sortie_id: SortieId) -> None:
        self.on_dispatch()
        if self.refusal is not None:
            raise self.refusal
        if sortie_id not in self.begun:
            self.begun.append(sortie_id)

    def started(self, sortie_id: SortieId) -> bool:
        return sortie_id in self.begun


class Station:
    """One loop with everything that it works with."""

    def __init__(self, *schedules: Schedule) -> None:
        self.store, self.sorties, self.clock = MemoryScheduleStore(), Sorties(), HandClock()
        for schedule in schedules:
            self.store.add(schedule)
        self.loop = self.another("one")

    def another(self, name: str) -> ScheduleLoop:
        return ScheduleLoop(self.store, self.sorties, CalendarDays(), self.clock, name=name)

    def turn_at(self, *seconds: float) -> None:
        for second in seconds:
            self.clock.at = after(second)
            asyncio.run(self.loop.turn())

    @property
    def states(self) -> list[tuple[float, str, str]]:
        """Start in hours, state and reason of every firing."""
        return [
            ((f.start - NOW) / HOUR, f.state.value, f.reason.value if f.reason else "")
            for f in self.store.firings()
        ]


def expected(*hours: float) -> list[SortieId]:
    return [sortie_of(ID, NOW + hour * HOUR) for hour in hours]


def test_each_hour_begins_once_however_often_it_is_looked() -> None:
    station = Station(a_schedule())
    station.turn_at(0, 0, 1, 2, 1_800, 3_599, 3_600, 3_601, 3_600)
    assert station.sorties.begun == expected(0, 1)
    assert station.states == [(0, "dispatched", ""), (1, "dispatched", "")]


def test_what_was_due_before_it_was_approved_is_left_alone() -> None:
    recurrence = a_recurrence(start=after(days=-30))
    station = Station(
        a_schedule(timetable=Timetable(recurrence), effective_from=after(1)),
        a_schedule(schedule_id=ScheduleId("draft"), stage=ScheduleStage.DRAFT),
        a_schedule(schedule_id=ScheduleId("off"), enabled=False),
    )
    station.turn_at(2, 3_000)
    assert station.states == []
    station.turn_at(3_600)
    assert station.sorties.begun == expected(1)


@pytest.mark.parametrize(
    ("policy", "grace_s", "begun", "reasons"),
    [
        (MissedPolicy.SKIP, 7_200, [4], ["late", "late", "late", ""]),
        (MissedPolicy.RUN_LATE, 7_300, [2, 3, 4], ["late", "", "", ""]),
        (MissedPolicy.RUN_ONCE, 0, [4], ["superseded", "superseded", "superseded", ""]),
    ],
)
def test_after_an_outage_the_policy_decides(
    policy: MissedPolicy, grace_s: float, begun: list[int], reasons: list[str]
) -> None:
    station = Station(a_schedule(missed=policy, grace_s=grace_s))
    station.turn_at(0, 4 * 3_600 + 30)  # the station was off from one to four
    assert station.sorties.begun == expected(0, *begun)
    assert [reason for _, _, reason in station.states[1:]] == reasons


def test_run_once_runs_the_newest_however_late_it_is() -> None:
    station = Station(a_schedule(missed=MissedPolicy.RUN_ONCE, grace_s=0.0))
    station.turn_at(0, 3 * 3_600 + 3_000)
    assert station.sorties.begun == expected(0, 3)


def test_a_clock_set_back_doubles_nothing() -> None:
    station = Station(a_schedule())
    station.turn_at(0, 3_600, 7_200, -100, 0, 3_600, 7_200, 10_800)
    assert station.sorties.begun == expected(0, 1, 2, 3)


def test_a_clock_that_ran_ahead_for_a_while_loses_nothing() -> None:
    station = Station(a_schedule())
    station.turn_at(0, 10 * 3_600 + 1_800)  # ahead by mistake: nine are late, none is in time
    assert [state for _, state, _ in station.states] == ["dispatched"] + 10 * ["missed"]
    station.turn_at(60, 3_600, 7_200)
    assert station.sorties.begun == expected(0, 1, 2)
    assert station.states[3:5] == [(3, "due", ""), (4, "due", "")]


def test_a_claim_from_a_clock_that_ran_ahead_does_not_block() -> None:
    station = Station(a_schedule(missed=MissedPolicy.RUN_LATE, grace_s=7_200))
    station.turn_at(-1)
    firing = Firing(ID, NOW, after(60), a_schedule().patrol_id)
    station.store.enrol(ID, [firing], after(1))
    station.store.claim(ID, NOW, by="dead", now=after(days=4_000), lease_s=60)
    station.turn_at(30)
    assert station.sorties.begun == expected(0)


def test_a_dead_process_s_claim_is_redone_after_its_lease() -> None:
    station = Station(a_schedule(missed=MissedPolicy.RUN_LATE, grace_s=600))
    station.turn_at(-1)
    station.store.enrol(ID, [Firing(ID, NOW, after(60), a_schedule().patrol_id)], after(1))
    assert station.store.claim(ID, NOW, by="dead", now=NOW, lease_s=60)
    station.turn_at(30)
    assert station.sorties.begun == []
    station.turn_at(61)
    assert station.sorties.begun == expected(0)


def test_a_sortie_that_a_dead_process_began_is_found_even_if_it_is_late_now() -> None:
    station = Station(a_schedule(missed=MissedPolicy.SKIP))
    station.turn_at(-1)
    station.store.enrol(ID, [Firing(ID, NOW, after(60), a_schedule().patrol_id)], after(1))
    station.store.claim(ID, NOW, by="dead", now=NOW, lease_s=60)
    station.sorties.begun.append(sortie_of(ID, NOW))
    station.turn_at(900)
    (firing,) = station.store.firings()
    assert (firing.state, firing.sortie_id) == (FiringState.DISPATCHED, sortie_of(ID, NOW))
    assert station.sorties.begun == expected(0)


def test_one_who_lost_its_claim_still_tells_of_its_sortie() -> None:
    """A process that hangs longer than its lease: the other one thinks that it came too late."""
    station = Station(a_schedule(missed=MissedPolicy.SKIP))

    def another_is_faster() -> None:
        station.clock.at = after(900)
        stolen = station.store.claim(ID, NOW, by="two", now=after(900), lease_s=60)
        assert stolen is not None
        late = moved_on(stolen, FiringState.MISSED, after(900), reason=StopReason.LATE)
        assert station.store.record(late)

    station.sorties.on_dispatch = another_is_faster
    station.turn_at(0)
    (firing,) = station.store.firings()
    assert (firing.state, firing.sortie_id) == (FiringState.DISPATCHED, sortie_of(ID, NOW))


def test_weather_holds_until_it_clears() -> None:
    station = Station(a_schedule(missed=MissedPolicy.RUN_LATE, grace_s=600))
    station.sorties.verdict = Verdict(StopReason.WEATHER_HOLD, "wind 14 m/s, at most 10")
    station.turn_at(0, 10, 31)
    assert station.states == [(0, "held", "weather_hold")]
    assert len(station.store.firings()[0].events) == 4  # claimed, held, claimed, held
    station.sorties.verdict = Verdict()
    station.turn_at(40, 62)
    assert station.sorties.begun == expected(0)


def test_weather_that_stays_bad_is_the_reason_why_it_was_missed() -> None:
    station = Station(a_schedule(missed=MissedPolicy.RUN_LATE, grace_s=600))
    station.sorties.verdict = Verdict(StopReason.STALE_WEATHER, "there are no weather data")
    station.turn_at(*range(0, 700, 25))
    assert station.states == [(0, "missed", "stale_weather")]
    assert station.sorties.begun == []


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (PlanUnsafe("leaves_inclusion: at waypoint 3"), "held", "plan_unsafe"),
        (PlanUnsafe("permission_missing: no airspace permission"), "held", "no_permission"),
        (IllegalMove("the asset is on a sortie already"), "held", "asset_busy"),
        (NotFound("no such patrol"), "missed", "no_patrol"),
        (QyranError("who knows"), "held", "other"),
    ],
)
def test_a_refusal_has_a_typed_reason_and_its_words(
    error: QyranError, state: str, reason: str
) -> None:
    station = Station(a_schedule())
    station.sorties.refusal = error
    station.turn_at(0)
    assert station.states == [(0, state, reason)]
    assert error.message in station.store.firings()[0].events[-1].text


def test_a_schedule_that_is_switched_off_while_it_waits_is_not_begun() -> None:
    station = Station(a_schedule(missed=MissedPolicy.RUN_LATE, grace_s=600))
    station.sorties.verdict = Verdict(StopReason.WEATHER_HOLD, "wind")
    station.turn_at(0)
    station.store.replace(switched(a_schedule(), after(10), enabled=False), 1)
    station.sorties.verdict = Verdict()
    station.turn_at(60)
    assert station.states == [(0, "missed", "schedule_stopped")]
    station.store.replace(replace(switched(a_schedule(version=2), after(7_000), enabled=True)), 2)
    station.turn_at(7_201)
    assert station.sorties.begun == expected(2)  # the one at one o'clock is not made up for


def test_a_schedule_that_can_t_be_followed_holds_up_no_other() -> None:
    nowhere = Timetable(a_recurrence(), HolidayRule("ATLANTIS"))
    station = Station(a_schedule(schedule_id=ScheduleId("a"), timetable=nowhere), a_schedule())
    station.turn_at(0)
    assert station.sorties.begun == expected(0)


def test_two_loops_on_one_store_begin_each_once() -> None:
    station = Station(a_schedule())
    other = station.another("two")

    async def both() -> None:
        for second in range(0, 7_300, 100):
            station.clock.at = after(second)
            await asyncio.gather(station.loop.turn(), other.turn())

    asyncio.run(both())
    assert station.sorties.begun == expected(0, 1, 2)


def test_a_long_outage_of_a_quick_schedule_is_enrolled_whole_before_any_begins() -> None:
    station = Station(
        a_schedule(
            timetable=Timetable(a_recurrence("FREQ=MINUTELY")), missed=MissedPolicy.RUN_ONCE,
            grace_s=0.0,
        )
    )  # fmt: skip
    minutes = 12_000
    station.turn_at(0, minutes * 60)
    assert station.sorties.begun == expected(0)
    station.turn_at(minutes * 60 + 1)
    assert station.sorties.begun == expected(0, minutes / 60)
    assert len(station.states) == minutes + 1
