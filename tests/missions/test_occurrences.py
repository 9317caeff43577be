"""Timetables: holidays, the sun, daylight, and what is left out."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ScheduleInvalid, ScheduleNeverFires
from missions.adapters.calendar_days import CalendarDays
from missions.schedules import (
    HolidayMode,
    HolidayRule,
    Light,
    LightRule,
    Occurrence,
    Skipped,
    SkipReason,
    SunEvent,
    SunRule,
    Timetable,
)
from missions.scheduling.occurrences import first_occurrence, listed, occurrences
from tests.missions.schedule_builders import a_recurrence

ALMATY = ZoneInfo("Asia/Almaty")
KOSSHY = (50.9754, 71.3549)
DAYS = CalendarDays()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ALMATY).astimezone(UTC)


def daily(rrule: str = "FREQ=DAILY", start: str = "2026-01-01T08:00", **more: object) -> Timetable:
    minutes = timedelta(minutes=int(str(more.pop("minutes", 30))))
    exdays = more.pop("exdays", ())
    recurrence = a_recurrence(rrule, start=at(start), duration=minutes, exdays=exdays)
    return Timetable(recurrence, **more)  # type: ignore[arg-type]


def kept(timetable: Timetable, since: str, until: str) -> list[str]:
    found = listed(timetable, at(since), at(until), DAYS).occurrences
    return [f"{one.start.astimezone(ALMATY):%m-%dT%H:%M}" for one in found]


def left_out(timetable: Timetable, since: str, until: str) -> list[tuple[str, str]]:
    found = listed(timetable, at(since), at(until), DAYS).skipped
    return [(f"{one.start.astimezone(ALMATY):%m-%d}", one.reason) for one in found]


def test_public_holidays_are_left_out_by_name() -> None:
    timetable = daily(holidays=HolidayRule("KZ"))
    found = listed(timetable, at("2026-12-15"), at("2026-12-18"), DAYS)
    assert [f"{o.start.astimezone(ALMATY):%d}" for o in found.occurrences] == ["15", "17"]
    (skipped,) = found.skipped
    assert (skipped.reason, skipped.note) == (SkipReason.HOLIDAY, "Independence Day")


def test_only_holidays() -> None:
    timetable = daily(holidays=HolidayRule("KZ", HolidayMode.ONLY))
    assert kept(timetable, "2026-04-28", "2026-05-12") == [
        "05-01T08:00", "05-07T08:00", "05-09T08:00", "05-11T08:00",
    ]  # fmt: skip
    assert left_out(timetable, "2026-05-02", "2026-05-03") == [("05-02", "not_holiday")]


def test_a_holiday_moves_it_over_the_weekend_to_the_next_working_day() -> None:
    # Nowruz 2026: 21 to 23 March are holidays, 24 and 25 days off for those on the weekend
    timetable = daily(
        "FREQ=WEEKLY;BYDAY=MO", "2026-03-02T08:00",
        holidays=HolidayRule("KZ", HolidayMode.SHIFT_TO_NEXT_WORKDAY),
    )  # fmt: skip
    found = listed(timetable, at("2026-03-22"), at("2026-03-30"), DAYS)
    (moved,) = found.occurrences
    assert moved == Occurrence(
        at("2026-03-26T08:00"), at("2026-03-26T08:30"), at("2026-03-23T08:00")
    )
    assert [(one.start, one.reason) for one in found.skipped] == [
        (at("2026-03-23T08:00"), SkipReason.HOLIDAY)
    ]


def test_what_is_moved_from_before_the_stretch_is_found_and_out_of_it_is_not() -> None:
    timetable = daily(
        "FREQ=WEEKLY;BYDAY=MO", "2026-03-02T08:00",
        holidays=HolidayRule("KZ", HolidayMode.SHIFT_TO_NEXT_WORKDAY),
    )  # fmt: skip
    assert kept(timetable, "2026-03-25", "2026-03-28") == ["03-26T08:00"]
    assert kept(timetable, "2026-03-22", "2026-03-24") == []


def test_moved_to_where_one_is_already_there_is_one() -> None:
    timetable = daily(holidays=HolidayRule("KZ", HolidayMode.SHIFT_TO_NEXT_WORKDAY))
    assert kept(timetable, "2026-12-16", "2026-12-18") == ["12-17T08:00"]


@pytest.mark.parametrize("rule", [HolidayRule("XX"), HolidayRule("KZ", subdivision="ZZ")])
def test_a_country_that_is_not_known_is_refused(rule: HolidayRule) -> None:
    with pytest.raises(ScheduleInvalid, match=r"XX|ZZ"):
        listed(daily(holidays=rule), at("2026-01-01"), at("2026-01-03"), DAYS)


def test_it_begins_with_the_sun() -> None:
    """The spherical triangle gives sunset in Astana on 21 June 2026 at 20:33 (UTC+5)."""
    timetable = daily(sun=SunRule(51.13, 71.43, SunEvent.SUNSET))
    (text,) = kept(timetable, "2026-06-21", "2026-06-22")
    sunset = datetime.fromisoformat(f"2026-{text}")
    assert abs(sunset - datetime(2026, 6, 21, 20, 33)) < timedelta(minutes=2)  # noqa: DTZ001


def test_the_sun_s_offset_may_cross_midnight() -> None:
    late = daily(sun=SunRule(*KOSSHY, SunEvent.SUNSET, 5 * 3_600.0))
    assert kept(late, "2026-06-21", "2026-06-22")[0].startswith("06-21T01")
    early = daily(sun=SunRule(*KOSSHY, SunEvent.SUNRISE, -6 * 3_600.0))
    assert kept(early, "2026-06-21", "2026-06-22")[0].startswith("06-21T22")


def test_two_times_that_the_sun_makes_one() -> None:
    timetable = daily("FREQ=DAILY;BYHOUR=8,20", sun=SunRule(*KOSSHY, SunEvent.DUSK))
    found = listed(timetable, at("2026-06-21"), at("2026-06-22"), DAYS)
    assert (len(found.occurrences), found.skipped[0].reason) == (1, SkipReason.SAME_TIME)


def test_where_the_sun_does_not_set_there_is_no_sunset() -> None:
    timetable = daily(sun=SunRule(78.2, 15.6, SunEvent.SUNSET))
    assert left_out(timetable, "2026-06-20", "2026-06-21") == [("06-20", "no_sun_event")]


@settings(max_examples=30, deadline=None)
@given(st.dates(date(2024, 1, 1), date(2030, 1, 1)), st.floats(-60, 60), st.floats(-179, 179))
def test_the_sun_s_day_is_in_order(day: date, lat_deg: float, lon_deg: float) -> None:
    zone = UTC
    events = [
        DAYS.sun(lat_deg, lon_deg, event, day, zone)
        for event in (SunEvent.DAWN, SunEvent.SUNRISE, SunEvent.SUNSET, SunEvent.DUSK)
    ]
    for event in events:
        assert event is None or event.date() == day
    rise, set_ = events[1], events[2]
    second = timedelta(seconds=30)
    if rise is not None:
        assert not DAYS.is_daylight(lat_deg, lon_deg, rise - second)
        assert DAYS.is_daylight(lat_deg, lon_deg, rise + second)
    if set_ is not None:
        assert DAYS.is_daylight(lat_deg, lon_deg, set_ - second)
        assert not DAYS.is_daylight(lat_deg, lon_deg, set_ + second)


def test_daylight_holds_for_the_whole_of_it() -> None:
    rule = LightRule(Light.DAYLIGHT, *KOSSHY)  # sunset on 21 December is at about 16:10
    timetable = daily("FREQ=HOURLY;BYHOUR=14,15,16", light=rule)
    assert kept(timetable, "2026-12-21", "2026-12-22") == ["12-21T14:00", "12-21T15:00"]
    long = daily("FREQ=HOURLY;BYHOUR=14,15,16", light=rule, minutes=90)
    found = listed(long, at("2026-12-21"), at("2026-12-22"), DAYS)
    assert [f"{o.start.astimezone(ALMATY):%H}" for o in found.occurrences] == ["14"]
    assert {one.reason for one in found.skipped} == {SkipReason.DARK}


def test_dark_is_refused_where_a_short_day_lies_between() -> None:
    rule = LightRule(Light.DARK, *KOSSHY)
    night = daily("FREQ=DAILY", "2026-12-01T20:00", light=rule, minutes=8 * 60)
    assert len(kept(night, "2026-12-21T12:00", "2026-12-22")) == 1
    night_and_day = daily("FREQ=DAILY", "2026-12-01T20:00", light=rule, minutes=22 * 60)
    assert left_out(night_and_day, "2026-12-21", "2026-12-22") == [("12-21", "daylight")]


def test_sunset_itself_is_dark_and_sunrise_is_day() -> None:
    for event, light in ((SunEvent.SUNSET, Light.DARK), (SunEvent.SUNRISE, Light.DAYLIGHT)):
        timetable = daily(sun=SunRule(*KOSSHY, event), light=LightRule(light, *KOSSHY), minutes=10)
        assert len(kept(timetable, "2026-06-01", "2026-07-01")) == 30


def test_what_goes_on_at_the_beginning_of_a_stretch_belongs_to_it() -> None:
    timetable = daily(minutes=60)
    assert kept(timetable, "2026-05-01T08:30", "2026-05-01T09:00") == ["05-01T08:00"]
    assert kept(timetable, "2026-05-01T09:00", "2026-05-02T08:00") == []


def test_exceptions_are_told() -> None:
    assert left_out(daily(exdays=("2026-05-01",)), "2026-05-01", "2026-05-02") == [
        ("05-01", "exdate")
    ]


@pytest.mark.parametrize(
    ("timetable", "reason"),
    [
        (daily("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "no day"),
        (daily("FREQ=YEARLY", "2026-01-15T08:00", holidays=HolidayRule("KZ", HolidayMode.ONLY)),
         "not_holiday"),
        (daily("FREQ=DAILY", "2026-01-01T02:00", light=LightRule(Light.DAYLIGHT, *KOSSHY)),
         "dark"),
        (daily("FREQ=DAILY;COUNT=2", "2026-12-16T08:00", exdays=("2026-12-17",),
               holidays=HolidayRule("KZ")), "exdate 1, holiday 1"),
    ],
)  # fmt: skip
def test_what_never_fires_is_refused_with_its_reasons(timetable: Timetable, reason: str) -> None:
    with pytest.raises(ScheduleNeverFires, match=reason):
        first_occurrence(timetable, DAYS)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(list(HolidayMode)),
    st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,SA", "FREQ=DAILY;BYHOUR=0,23"]),
    st.none() | st.sampled_from(list(SunEvent)),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001
    st.integers(1, 40),
    st.floats(0.1, 0.9),
)
def test_a_stretch_in_two_parts_gives_what_it_gives_in_one(
    mode: HolidayMode,
    rrule: str,
    event: SunEvent | None,
    since: datetime,
    days: int,
    part: float,
) -> None:
    timetable = daily(
        rrule,
        holidays=HolidayRule("KZ", mode),
        sun=SunRule(*KOSSHY, event) if event else None,
    )
    low = since.replace(tzinfo=UTC)
    high = low + timedelta(days=days)
    middle = low + part * (high - low)

    def begins(a: datetime, b: datetime) -> list[datetime]:
        return [o.start for o in occurrences(timetable, a, b, DAYS) if isinstance(o, Occurrence)]

    whole = begins(low, high)
    assert whole == sorted(set(whole))
    assert whole == begins(low, middle) + begins(middle, high)
    told = [o for o in occurrences(timetable, low, high, DAYS) if isinstance(o, Skipped)]
    assert all(low <= one.start < high for one in told)
