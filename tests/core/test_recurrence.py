"""Recurrences against the text of RFC 5545, `dateutil` and `recurring-ical-events`."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from time import process_time
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.errors import ScheduleInvalid, ScheduleNeverFires
from core.recurrence import Recurrence, zone_named
from core.recurrence_rules import read_rule
from tests.core.recurrence_strategies import FIRSTS, RULES, peer_starts

ALMATY, BERLIN, LONDON = "Asia/Almaty", "Europe/Berlin", "Europe/London"
ZONES = [ALMATY, BERLIN, "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"]


def recurring(
    local: str, rrule: str = "", zone: str = ALMATY, minutes: float = 30, **more: object
) -> Recurrence:
    start = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))
    return Recurrence(start, timedelta(minutes=minutes), zone, rrule, **more)  # type: ignore[arg-type]


def local(recurrence: Recurrence, since: str, until: str) -> list[str]:
    """What begins between two local days, in local time with its offset."""
    zone = ZoneInfo(recurrence.time_zone)
    low, high = (datetime.fromisoformat(d).replace(tzinfo=zone) for d in (since, until))
    found = recurrence.begins(low, high)
    return [at.astimezone(zone).isoformat(timespec="minutes") for at in found]


def test_the_time_zone_data_know_that_almaty_changed_its_offset() -> None:
    recurrence = recurring("2024-02-28T08:00", "FREQ=DAILY")
    assert local(recurrence, "2024-02-28", "2024-03-03") == [
        "2024-02-28T08:00+06:00", "2024-02-29T08:00+06:00",
        "2024-03-01T08:00+05:00", "2024-03-02T08:00+05:00",
    ]  # fmt: skip


def test_eight_in_the_morning_stays_eight_across_daylight_saving() -> None:
    recurrence = recurring("2026-03-28T08:00", "FREQ=DAILY", BERLIN)
    assert local(recurrence, "2026-03-28", "2026-03-30") == [
        "2026-03-28T08:00+01:00", "2026-03-29T08:00+02:00",
    ]  # fmt: skip


def test_a_wall_time_in_the_gap_counts_by_the_offset_before_it() -> None:
    recurrence = recurring("2026-03-28T02:30", "FREQ=DAILY", BERLIN)
    assert local(recurrence, "2026-03-29", "2026-03-30") == ["2026-03-29T03:30+02:00"]


def test_a_wall_time_that_comes_twice_is_the_first() -> None:
    recurrence = recurring("2026-10-24T02:30", "FREQ=DAILY", BERLIN)
    assert local(recurrence, "2026-10-25", "2026-10-26") == ["2026-10-25T02:30+02:00"]


def test_instants_are_in_order_where_the_gap_turns_wall_times_round() -> None:
    # 02:30 is 01:30 UTC by the offset before the gap, and 03:00 is 01:00 UTC
    recurrence = recurring("2026-03-28T02:30", "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30", BERLIN)
    found = list(recurrence.begins(*day("2026-03-29", BERLIN)))
    assert found == sorted(set(found))
    assert [f"{at:%H:%M}" for at in found] == ["01:00", "01:30"]


def day(text: str, zone: str) -> tuple[datetime, datetime]:
    begin = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return begin, begin + timedelta(days=1)


@pytest.mark.parametrize("text", ["2026-03-29", "2026-10-25"])
def test_the_day_on_which_clocks_are_turned_by_the_minute(text: str) -> None:
    recurrence = recurring("2026-01-01T00:00", "FREQ=MINUTELY;INTERVAL=10", BERLIN)
    low = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)
    for shift_hours in (-30, -3, 0, 1, 3, 20):
        since = low + timedelta(hours=shift_hours)
        until = since + timedelta(hours=30)
        found = list(recurrence.begins(since, until))
        assert all(a < b for a, b in pairwise(found))
        assert found == peer_starts(recurrence, since, until)


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20260310T030000Z", "2026-03-10"),  # 08:00 in Almaty, and inclusive
        ("20260310T025959Z", "2026-03-09"),
        ("20260310T080000", "2026-03-10"),  # local
        ("20260310T075959", "2026-03-09"),
        ("20260310", "2026-03-10"),  # a day is whole
        ("2026-03-10T08:00:00", "2026-03-10"),
    ],
)
def test_until_is_inclusive_in_utc_and_in_local_time(until: str, last: str) -> None:
    recurrence = recurring("2026-03-01T08:00", f"FREQ=DAILY;UNTIL={until}")
    assert local(recurrence, "2026-03-01", "2026-05-01")[-1][:10] == last


def test_until_in_an_hour_that_comes_twice_is_an_instant() -> None:
    # 02:45 summer time is 00:45 UTC, before an UNTIL whose wall time, 02:30, looks earlier
    recurrence = recurring("2026-10-24T02:45", "FREQ=DAILY;UNTIL=20261025T013000Z", BERLIN)
    assert len(local(recurrence, "2026-10-01", "2026-11-01")) == 2


@pytest.mark.parametrize(
    ("rrule", "starts"),
    [
        ("FREQ=DAILY;COUNT=3", ["01T08", "02T08", "03T08"]),
        ("FREQ=DAILY;INTERVAL=10;BYHOUR=8,20", ["01T08", "01T20", "11T08", "11T20", "21T08",
                                                "21T20", "31T08", "31T20"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["01T08", "31T08"]),
        ("FREQ=MONTHLY;BYDAY=2SU", ["01T08", "08T08"]),
        ("FREQ=MONTHLY;BYDAY=-1SU", ["01T08", "29T08"]),
        ("FREQ=YEARLY;BYWEEKNO=11;BYDAY=MO", ["01T08", "09T08"]),
        ("FREQ=YEARLY;BYYEARDAY=61,-301", ["01T08", "02T08", "06T08"]),
        ("FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", ["01T08", "13T08"]),
        ("FREQ=MONTHLY;BYDAY=MO,1TU", ["01T08", "02T08", "03T08", "09T08", "16T08", "23T08",
                                       "30T08"]),
        ("RRULE:FREQ=DAILY;COUNT=1", ["01T08"]),
        ("", ["01T08"]),
    ],
)  # fmt: skip
def test_parts_of_rules(rrule: str, starts: list[str]) -> None:
    found = local(recurring("2026-03-01T08:00", rrule), "2026-03-01", "2026-04-01")
    assert [at[8:13] for at in found] == starts


def test_the_start_of_the_week_matters() -> None:
    """The example of RFC 5545, 3.8.5.3."""
    rule = "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST="
    monday = local(recurring("1997-08-05T09:00", rule + "MO"), "1997-08-01", "1997-10-01")
    sunday = local(recurring("1997-08-05T09:00", rule + "SU"), "1997-08-01", "1997-10-01")
    assert [at[5:10] for at in monday] == ["08-05", "08-10", "08-19", "08-24"]
    assert [at[5:10] for at in sunday] == ["08-05", "08-17", "08-19", "08-31"]


def test_leap_days_come_in_leap_years_only() -> None:
    recurrence = recurring("2024-02-29T08:00", "FREQ=YEARLY")
    years = [at[:4] for at in local(recurrence, "2024-01-01", "2110-01-01")]
    assert years[:3] == ["2024", "2028", "2032"]
    assert "2100" not in years


def test_the_start_counts_even_where_the_rule_would_not_give_it() -> None:
    recurrence = recurring("2026-03-01T08:00", "FREQ=WEEKLY;BYDAY=MO")
    assert [at[8:10] for at in local(recurrence, "2026-03-01", "2026-03-10")] == ["01", "02", "09"]


def test_exceptions_and_additions() -> None:
    zone = ZoneInfo(ALMATY)
    recurrence = recurring(
        "2026-03-01T08:00", "FREQ=DAILY;COUNT=4",
        exdates=(datetime(2026, 3, 2, 3, tzinfo=UTC),),  # the same instant, written in UTC
        exdays=("2026-03-03",),
        rdates=(datetime(2026, 3, 7, 12, tzinfo=zone), datetime(2026, 3, 4, 8, tzinfo=zone)),
    )  # fmt: skip
    found = local(recurrence, "2026-03-01", "2026-04-01")
    assert [at[8:13] for at in found] == ["01T08", "04T08", "07T12"]


def test_several_rules_are_joined_without_doubles() -> None:
    recurrence = recurring("2026-03-02T08:00", "FREQ=WEEKLY;BYDAY=MO\nFREQ=DAILY;INTERVAL=7")
    assert len(local(recurrence, "2026-03-01", "2026-03-16")) == 2


def test_an_occurrence_lasts_its_exact_time_and_its_days_of_the_calendar() -> None:
    night = recurring("2026-03-28T22:00", zone=BERLIN, minutes=480)
    (span,) = night.spans(*day("2026-03-29", BERLIN))
    assert span.end - span.start == timedelta(hours=8)
    whole = recurring("2026-03-28T22:00", zone=BERLIN, minutes=0, nominal_days=1)
    (span,) = whole.spans(*day("2026-03-29", BERLIN))
    assert span.end - span.start == timedelta(hours=23)


def test_a_span_is_half_open() -> None:
    recurrence = recurring("2026-03-01T08:00", minutes=60)
    begin = recurrence.start
    assert recurrence.covers(begin)
    assert recurrence.covers(begin + timedelta(minutes=59))
    assert not recurrence.covers(begin + timedelta(minutes=60))
    assert not recurrence.covers(begin - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("rrule", "part"),
    [
        ("FREQ=FORTNIGHTLY", "FREQ=FORTNIGHTLY"),
        ("BYDAY=MO", "FREQ=?"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ"),
        ("FREQ=DAILY;BYMONTH=13", "BYMONTH=13"),
        ("FREQ=DAILY;BYDAY=XX", "BYDAY=XX"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR=24"),
        ("FREQ=DAILY;COUNT=0", "COUNT=0"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL=-1"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL=TOMORROW"),
        ("FREQ=DAILY;BYMOON=FULL", "BYMOON"),
        ("FREQ=DAILY;BYDAY", "BYDAY"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY=1MO"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=DAILY;WKST=1", "WKST=1"),
        ("FREQ=DAILY;BYHOUR=٨", "BYHOUR=٨"),
    ],
)
def test_a_rule_that_can_not_be_read_names_its_part(rrule: str, part: str) -> None:
    with pytest.raises(ScheduleInvalid, match=part.replace("?", r"\?")) as refused:
        recurring("2026-03-01T08:00", rrule)
    assert refused.value.cure


def test_a_zone_that_is_not_known_is_refused_with_one_that_is() -> None:
    with pytest.raises(ScheduleInvalid, match="Asia/Almaty"):
        zone_named("Asia/Almati")
    for name in ("../../etc/passwd", "", "a\x00b", "+99:00"):
        with pytest.raises(ScheduleInvalid):
            zone_named(name)
    assert datetime(2026, 1, 1, tzinfo=zone_named("+05:30")).utcoffset() == timedelta(hours=5.5)


@pytest.mark.parametrize(
    ("rrule", "more", "reason"),
    [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", {}, "no day"),
        ("FREQ=MONTHLY;BYMONTH=4;BYMONTHDAY=31", {}, "no day"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", {}, "no day"),
        ("FREQ=HOURLY;INTERVAL=24;BYHOUR=9", {}, "no day"),
        ("FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1", {}, "no day"),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29;BYHOUR=8", {}, None),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6", {}, "no day"),
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", {}, "no day"),
        ("FREQ=DAILY;UNTIL=20260228T000000Z", {}, "UNTIL"),
        ("FREQ=WEEKLY;BYDAY=SA;UNTIL=20260305", {}, "after its UNTIL"),
        ("FREQ=DAILY;COUNT=2", {"exdays": ("2026-03-01", "2026-03-02")}, "exceptions"),
        ("", {"exdays": ("2026-03-01",)}, "exceptions"),
        ("FREQ=DAILY", {"exdays": ("2026-03-01", "2026-03-02")}, None),
    ],
)
def test_what_never_begins_is_refused_in_reasonable_time(
    rrule: str, more: dict[str, object], reason: str | None
) -> None:
    recurrence = recurring("2026-03-01T08:00", rrule, **more)  # type: ignore[arg-type]
    before = process_time()
    if reason is None:
        assert recurrence.first() >= recurrence.start
    else:
        with pytest.raises(ScheduleNeverFires, match=reason) as refused:
            recurrence.first()
        assert refused.value.cure
    assert process_time() - before < 5


def test_a_rule_by_the_second_that_began_long_ago_is_quick() -> None:
    before = process_time()
    for rrule in ("FREQ=SECONDLY", "FREQ=SECONDLY;BYSECOND=30", "FREQ=MINUTELY;INTERVAL=7",
                  "FREQ=SECONDLY;INTERVAL=3;COUNT=900000000"):  # fmt: skip
        recurrence = recurring("2001-01-01T00:00", rrule)
        low, _ = day("2026-03-01", ALMATY)
        assert len(list(recurrence.begins(low, low + timedelta(hours=1)))) > 7
    assert process_time() - before < 2


def test_a_rule_that_never_begins_is_quick_to_say_so_in_a_window() -> None:
    recurrence = recurring("2026-03-01T08:00", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")
    before = process_time()
    found = list(recurrence.begins(*day("2030-01-01", ALMATY)))
    assert (found, process_time() - before < 1) == ([], True)


def test_counting_beyond_reason_is_refused() -> None:
    recurrence = recurring(
        "2026-03-01T08:00", "FREQ=SECONDLY;INTERVAL=2;BYHOUR=0,1,2;COUNT=90000000"
    )
    with pytest.raises(ScheduleInvalid, match="steps"):
        list(recurrence.begins(*day("2050-01-01", ALMATY)))


def agrees_with_the_peer(
    rule: str, first: datetime, zone: str, ahead_days: int, length_days: int
) -> None:
    recurrence = Recurrence(first.replace(tzinfo=ZoneInfo(zone)), timedelta(0), zone, rule)
    try:
        recurrence.first()
    except ScheduleNeverFires:
        assume(False)  # the peer searches for those until the year 9999
    low = (first + timedelta(days=ahead_days)).replace(tzinfo=ZoneInfo(zone))
    if "HOURLY" in rule:
        length_days = min(length_days, 4)
    high = low + timedelta(days=length_days)
    assert list(recurrence.begins(low, high)) == peer_starts(recurrence, low, high)


QUESTIONS = (RULES, FIRSTS, st.sampled_from(ZONES), st.integers(-5, 900), st.integers(1, 60))


@settings(max_examples=60, deadline=None)
@given(*QUESTIONS)
def test_rules_give_what_recurring_ical_events_gives(
    rule: str, first: datetime, zone: str, ahead_days: int, length_days: int
) -> None:
    agrees_with_the_peer(rule, first, zone, ahead_days, length_days)


@pytest.mark.slow
@settings(max_examples=3_000, deadline=None)
@given(*QUESTIONS)
def test_very_many_rules_give_what_recurring_ical_events_gives(
    rule: str, first: datetime, zone: str, ahead_days: int, length_days: int
) -> None:
    agrees_with_the_peer(rule, first, zone, ahead_days, length_days)


@settings(max_examples=60, deadline=None)
@given(RULES, FIRSTS, st.integers(0, 4_000), st.integers(1, 30), st.integers(1, 29))
def test_a_stretch_in_two_parts_gives_the_same_as_in_one(
    rule: str, first: datetime, ahead_days: int, length_days: int, cut_days: int
) -> None:
    recurrence = Recurrence(first.replace(tzinfo=ZoneInfo(BERLIN)), timedelta(0), BERLIN, rule)
    low = first.replace(tzinfo=UTC) + timedelta(days=ahead_days)
    middle, high = low + timedelta(days=cut_days), low + timedelta(days=cut_days + length_days)
    whole = list(recurrence.begins(low, high))
    assert whole == [*recurrence.begins(low, middle), *recurrence.begins(middle, high)]
    assert all(a < b for a, b in pairwise(whole))


TEN_YEARS = [
    "FREQ=DAILY", "FREQ=DAILY;BYHOUR=8,20", "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", "FREQ=MONTHLY;BYDAY=1MO,-1FR",
    "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=MO",
    "FREQ=YEARLY;BYDAY=20MO", "FREQ=HOURLY;INTERVAL=6", "FREQ=DAILY;INTERVAL=3;COUNT=500",
    "FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "FREQ=DAILY;UNTIL=20300101T000000Z",
]  # fmt: skip


def ten_years(rules: list[str], zone: str, years: int) -> Iterator[tuple[Recurrence, int]]:
    first = datetime(2020, 1, 1, 1, 30, tzinfo=ZoneInfo(zone))
    for rule in rules:
        recurrence = Recurrence(first, timedelta(minutes=45), zone, rule)
        low, high = first, first.replace(year=first.year + years)
        ours = list(recurrence.begins(low, high))
        assert ours == peer_starts(recurrence, low, high), rule
        yield recurrence, len(ours)


@pytest.mark.parametrize("zone", [ALMATY, BERLIN])
def test_two_years_of_occurrences_equal_those_of_the_peer(zone: str) -> None:
    assert sum(count for _, count in ten_years(TEN_YEARS[3:7], zone, 2)) > 100


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
def test_ten_years_of_occurrences_equal_those_of_the_peer(zone: str) -> None:
    assert sum(count for _, count in ten_years(TEN_YEARS, zone, 10)) > 30_000


def test_a_date_alone_in_the_peer_is_our_local_midnight() -> None:
    event = icalendar.Event.from_ical(
        "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20260301\r\nRRULE:FREQ=DAILY;COUNT=3\r\n"
        "END:VEVENT\r\n"
    )
    calendar = icalendar.Calendar()
    calendar.add_component(event)
    theirs = recurring_ical_events.of(calendar).between(date(2026, 3, 1), date(2026, 4, 1))
    ours = recurring("2026-03-01T00:00", "FREQ=DAILY;COUNT=3", minutes=0, nominal_days=1)
    found = local(ours, "2026-03-01", "2026-04-01")
    assert [at[:10] for at in found] == [str(event["DTSTART"].dt) for event in theirs]


def test_rules_are_read_once() -> None:
    zone = ZoneInfo(ALMATY)
    assert read_rule("FREQ=DAILY", zone) is read_rule("FREQ=DAILY", zone)


def test_an_endless_rule_can_be_asked_for_its_first_few() -> None:
    recurrence = recurring("2026-03-01T08:00", "FREQ=SECONDLY")
    begins = recurrence.begins(recurrence.start, datetime(9000, 1, 1, tzinfo=UTC))
    assert len(list(islice(begins, 5))) == 5
