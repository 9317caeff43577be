"""Schedules as people write them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ScheduleInvalid
from missions.schedules import (
    HolidayMode,
    HolidayRule,
    Light,
    LightRule,
    MissedPolicy,
    SunEvent,
    SunRule,
    WeatherGates,
)
from missions.scheduling.schedule_file import ScheduleFile, read_schedule

BASE = {"dtstart": "2026-03-01T08:00", "tzid": "Asia/Almaty", "rrule": "FREQ=DAILY"}
EIGHT = datetime(2026, 3, 1, 3, tzinfo=UTC)
WHOLE = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//test//\r
BEGIN:VTIMEZONE\r
TZID:Asia/Almaty\r
BEGIN:STANDARD\r
DTSTART:20240301T000000\r
TZOFFSETFROM:+0600\r
TZOFFSETTO:+0500\r
END:STANDARD\r
END:VTIMEZONE\r
BEGIN:VEVENT\r
UID:round-1@kosshy\r
SUMMARY:Morning round\r
DTSTART;TZID=Asia/Almaty:20260301T080000\r
DTEND;TZID=Asia/Almaty:20260301T093000\r
RRULE:FREQ=WEEKLY;BYDAY=MO,WE,\r
 FR\r
EXDATE;TZID=Asia/Almaty:20260304T080000,20260306T080000\r
EXDATE;VALUE=DATE:20260309\r
RDATE:20260401T030000Z\r
BEGIN:VALARM\r
TRIGGER:-PT5M\r
DURATION:PT15M\r
END:VALARM\r
END:VEVENT\r
END:VCALENDAR\r
"""


def said(**changes: Any) -> ScheduleFile:
    document = {key: value for key, value in {**BASE, **changes}.items() if value is not ...}
    return read_schedule(json.dumps(document))


def test_the_plain_words() -> None:
    recurrence = said(duration="PT1H30M").schedule.timetable.recurrence
    assert (recurrence.start, recurrence.time_zone, recurrence.rrule) == (
        EIGHT, "Asia/Almaty", "FREQ=DAILY",
    )  # fmt: skip
    assert recurrence.duration == timedelta(minutes=90)


@pytest.mark.parametrize(
    "start",
    [
        "2026-03-01T08:00", "2026-03-01T08:00:00", "20260301T080000", "2026-03-01 08:00",
        "2026-03-01T08:00+05:00", "2026-03-01T03:00Z", "20260301T030000Z",
        "TZID=Asia/Almaty:20260301T080000", {"value": "20260301T080000", "tzid": "Asia/Almaty"},
        {"dateTime": "2026-03-01T08:00:00", "timeZone": "Asia/Almaty"},
    ],
)  # fmt: skip
def test_the_start_in_all_its_forms(start: object) -> None:
    recurrence = said(dtstart=start).schedule.timetable.recurrence
    assert (recurrence.start, recurrence.time_zone) == (EIGHT, "Asia/Almaty")


def test_the_names_of_our_own_values_do_as_well() -> None:
    document = {
        "start": "2026-03-01T08:00", "time_zone": "Asia/Almaty", "RRULE": "FREQ=DAILY",
        "exdates": ["2026-03-02"], "rdates": ["2026-04-01T10:00"], "duration_s": 5_400,
    }  # fmt: skip
    recurrence = read_schedule(json.dumps(document)).schedule.timetable.recurrence
    assert recurrence.exdays == ("2026-03-02",)
    assert recurrence.rdates == (datetime(2026, 4, 1, 5, tzinfo=UTC),)
    assert recurrence.duration == timedelta(minutes=90)
    nested = read_schedule(json.dumps({"recurrence": document, "name": "n"}))
    assert nested.schedule.timetable.recurrence == recurrence


@pytest.mark.parametrize(
    ("rrule", "read"),
    [
        ("RRULE:FREQ=DAILY", "FREQ=DAILY"),
        (["FREQ=DAILY", "RRULE:FREQ=WEEKLY;BYDAY=MO"], "FREQ=DAILY\nRRULE:FREQ=WEEKLY;BYDAY=MO"),
        ({"freq": "weekly", "byday": ["MO", "TU"], "interval": 2},
         "freq=weekly;byday=MO,TU;interval=2"),
        (..., ""),
        (None, ""),
    ],
)  # fmt: skip
def test_rules_in_all_their_forms(rrule: object, read: str) -> None:
    recurrence = said(rrule=rrule).schedule.timetable.recurrence
    assert [r.removeprefix("RRULE:") for r in recurrence.rrule.splitlines()] == [
        r.removeprefix("RRULE:") for r in read.splitlines()
    ]


def test_a_day_to_add_is_at_the_usual_time_and_one_to_leave_out_is_whole() -> None:
    recurrence = said(rdate="2026-04-01", exdate=["20260302", "2026-03-03T08:00"]).schedule
    assert recurrence.timetable.recurrence.rdates == (datetime(2026, 4, 1, 3, tzinfo=UTC),)
    assert recurrence.timetable.recurrence.exdays == ("2026-03-02",)
    assert recurrence.timetable.recurrence.exdates == (datetime(2026, 3, 3, 3, tzinfo=UTC),)


def test_an_offset_alone_is_a_time_zone_of_its_own() -> None:
    recurrence = said(dtstart="2026-03-01T08:00+05:30", tzid=...).schedule.timetable.recurrence
    assert recurrence.zone.utcoffset(None) == timedelta(hours=5.5)
    assert (
        said(dtstart="2026-03-01T08:00Z", tzid=...).schedule.timetable.recurrence.time_zone == "UTC"
    )


def test_an_offset_that_the_zone_has_not_is_noted() -> None:
    (note,) = said(dtstart="2026-03-01T08:00+06:00").notes
    assert "+0600" in note
    assert "07:00+05:00" in note


def test_holidays_sun_light_policy_and_gates() -> None:
    schedule = said(
        holidays={"country": "KZ", "mode": "shift-to-next-workday"},
        sun={"lat": 51.0, "lon": 71.4, "event": "Sunset", "offset": "-PT30M"},
        only="dark",
        missed={"policy": "run_late", "grace_s": 900},
        gates={"wind_most_m_s": 8},
        patrol_id="patrol-7", name="Evening",
    ).schedule  # fmt: skip
    timetable = schedule.timetable
    assert timetable.holidays == HolidayRule("KZ", HolidayMode.SHIFT_TO_NEXT_WORKDAY)
    assert timetable.sun == SunRule(51.0, 71.4, SunEvent.SUNSET, -1_800.0)
    assert timetable.light == LightRule(Light.DARK, 51.0, 71.4)
    assert (schedule.missed, schedule.grace_s) == (MissedPolicy.RUN_LATE, 900.0)
    assert schedule.gates == WeatherGates(wind_most_m_s=8.0)
    assert (schedule.patrol_id, schedule.name) == ("patrol-7", "Evening")
    assert said(holidays="KZ").schedule.timetable.holidays == HolidayRule("KZ")


def test_a_whole_calendar_with_one_event() -> None:
    schedule = read_schedule(WHOLE).schedule
    recurrence = schedule.timetable.recurrence
    assert (schedule.schedule_id, schedule.name) == ("round-1@kosshy", "Morning round")
    assert (recurrence.start, recurrence.duration) == (EIGHT, timedelta(minutes=90))
    assert recurrence.rrule == "FREQ=WEEKLY;BYDAY=MO,WE,FR"
    assert (len(recurrence.exdates), recurrence.exdays) == (2, ("2026-03-09",))
    assert recurrence.rdates == (datetime(2026, 4, 1, 3, tzinfo=UTC),)
    for text in (json.dumps(WHOLE), json.dumps({"ics": WHOLE}), WHOLE.replace("\r", "")):
        assert read_schedule(text).schedule.timetable.recurrence == recurrence


def test_a_day_lasts_its_day_unless_the_sun_says_when() -> None:
    assert said(dtstart="2026-03-01").schedule.timetable.recurrence.nominal_days == 1
    sunny = said(dtstart="2026-03-01", sun={"lat": 51, "lon": 71, "event": "dusk"})
    assert sunny.schedule.timetable.recurrence.nominal_days == 0


def test_the_same_file_gets_the_same_id() -> None:
    assert (
        said().schedule.schedule_id
        == said().schedule.schedule_id
        != said(name="x").schedule.schedule_id
    )


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"dtstart": ...}, "dtstart"),
        ({"dtstart": "soon"}, "dtstart"),
        ({"dtstart": 5}, "dtstart"),
        ({"dtstart": "2026-02-30T08:00"}, "dtstart"),
        ({"tzid": ...}, "tzid"),
        ({"tzid": "Central Asia Standard Time"}, "tzid"),
        ({"tzid": 5}, "tzid"),
        ({"rrule": 7}, "rrule"),
        ({"rrule": "FREQ=DAILY;BYDAY=QQ"}, "rrule"),
        ({"exdate": ["x"]}, "exdate"),
        ({"duration": "an hour"}, "duration"),
        ({"duration": "-PT1H"}, "duration"),
        ({"duration": "P"}, "duration"),
        ({"duration": "PT1H", "duration_s": 3600}, "duration"),
        ({"dtend": "2026-03-01T07:00"}, "dtend"),
        ({"start": "2026-03-01T08:00"}, "start"),
        ({"holidays": {"mode": "skip"}}, "holidays"),
        ({"holidays": {"country": "KZ", "mode": "sometimes"}}, "holidays.mode"),
        ({"sun": {"event": "sunset"}}, "sun"),
        ({"sun": {"lat": 91, "lon": 0, "event": "sunset"}}, "sun.lat"),
        ({"sun": {"lat": 50, "lon": 0, "event": "noon"}}, "sun.event"),
        ({"only": "dark"}, "only"),
        ({"missed": "whatever"}, "missed"),
        ({"gates": {"wind": 8}}, "gates"),
        ({"exdatess": []}, "exdatess"),
    ],
)
def test_what_can_not_be_read_names_its_place_and_a_cure(
    changes: dict[str, Any], place: str
) -> None:
    with pytest.raises(ScheduleInvalid) as refused:
        said(**changes)
    assert place in str(refused.value)
    assert refused.value.code == "schedule_invalid"


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "7", "{", "null", '"x"', "\x00", "BEGIN:VCALENDAR\nEND:VCALENDAR",
        "BEGIN:VEVENT\nEND:VCALENDAR", "BEGIN:VEVENT\nnonsense\nEND:VEVENT", "[" * 100_000,
        WHOLE.replace("UID", "RECURRENCE-ID:20260302T030000Z\r\nUID"),
        WHOLE.replace("RDATE:20260401T030000Z", "RDATE;VALUE=PERIOD:20260401T030000Z/PT1H"),
        WHOLE.replace("END:VCALENDAR", WHOLE.split("END:VTIMEZONE\r\n")[1]),
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ScheduleInvalid):
        read_schedule(text)


def test_a_word_that_means_nothing_to_us_is_named() -> None:
    assert any("colour" in note for note in said(colour="red").notes)
    assert said(description="text").notes == ()


words = st.sampled_from([*BASE, "exdate", "rdate", "duration", "holidays", "sun", "only", "missed"])
things = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(words, things, max_size=5))
def test_nonsense_is_refused_and_never_crashes(changes: dict[str, Any]) -> None:
    try:
        read_schedule(json.dumps({**BASE, **changes}))
    except ScheduleInvalid:
        return
