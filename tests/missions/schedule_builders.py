"""Schedules for tests: every hour from `NOW`, approved."""

from datetime import timedelta
from typing import Any

from core.ids import PatrolId, UserId
from core.recurrence import Recurrence
from missions.schedules import (
    Firing,
    GateOverride,
    HolidayMode,
    HolidayRule,
    Light,
    LightRule,
    MissedPolicy,
    Schedule,
    ScheduleId,
    ScheduleStage,
    SunEvent,
    SunRule,
    Timetable,
    WeatherGates,
)
from tests.builders import NOW, after


def a_recurrence(rrule: str = "FREQ=HOURLY", **changes: Any) -> Recurrence:
    values: dict[str, Any] = {
        "start": NOW,
        "duration": timedelta(minutes=20),
        "time_zone": "Asia/Almaty",
        "rrule": rrule,
        **changes,
    }
    return Recurrence(**values)


def a_schedule(**changes: Any) -> Schedule:
    values: dict[str, Any] = {
        "schedule_id": ScheduleId("schedule-1"),
        "name": "Morning round",
        "patrol_id": PatrolId("patrol-1"),
        "timetable": Timetable(a_recurrence()),
        "stage": ScheduleStage.APPROVED,
        "approved_by": UserId("planner-1"),
        "effective_from": NOW,
        **changes,
    }
    return Schedule(**values)


def a_wholly_filled_schedule() -> Schedule:
    """Every optional part has a value."""
    recurrence = a_recurrence(
        "FREQ=DAILY\nFREQ=WEEKLY;BYDAY=MO", rdates=(after(60),), exdates=(after(120),),
        exdays=("2026-12-16",), nominal_days=1,
    )  # fmt: skip
    return a_schedule(
        timetable=Timetable(
            recurrence,
            HolidayRule("KZ", HolidayMode.SHIFT_TO_NEXT_WORKDAY),
            SunRule(51.0, 71.0, SunEvent.DUSK, -60.0),
            LightRule(Light.DARK, 51.0, 71.0),
        ),
        missed=MissedPolicy.RUN_ONCE,
        grace_s=10.0,
        gates=WeatherGates(wind_most_m_s=8.0),
        override=GateOverride(UserId("chief"), "search for a child", NOW, after(3600)),
        enabled=False,
        drafted_by=UserId("planner-2"),
        changed_at=NOW,
    )


def a_firing(**changes: Any) -> Firing:
    values: dict[str, Any] = {
        "schedule_id": ScheduleId("schedule-1"),
        "start": NOW,
        "end": changes.get("start", NOW) + timedelta(minutes=20),
        "patrol_id": PatrolId("patrol-1"),
        **changes,
    }
    return Firing(**values)
