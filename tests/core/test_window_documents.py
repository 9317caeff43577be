from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.recurrence import Recurrence
from core.window_documents import WindowInvalid, read_windows, write_window
from tests.persistence.strategies import recurrences

EIGHT = datetime(2026, 5, 9, 3, tzinfo=UTC)  # 08:00 in Almaty, UTC+5 since March 2024


parts_of_a_second = st.integers(0, 999_999).map(lambda n: timedelta(microseconds=n))


@settings(max_examples=50, deadline=None)
@given(recurrences(), st.lists(parts_of_a_second, min_size=6, max_size=6))
def test_any_window_comes_back(window: Recurrence, parts: list[timedelta]) -> None:
    window = replace(
        window,
        start=window.start + parts[0],
        duration=window.duration + parts[1],
        rdates=tuple(at + part for at, part in zip(window.rdates, parts[2:4], strict=False)),
        exdates=tuple(at + part for at, part in zip(window.exdates, parts[4:], strict=False)),
    )
    assert read_windows([write_window(window)]) == (window,)  # type: ignore[list-item]


@pytest.mark.parametrize(
    "document",
    [
        {"dtstart": "2026-05-09T08:00", "tzid": "Asia/Almaty", "duration": "PT4H"},
        {"from": "2026-05-09T08:00+05:00", "to": "2026-05-09T12:00+05:00"},
        {"start": "2026-05-09T03:00Z", "duration_s": 14_400},
        "2026-05-09T08:00+05:00/PT4H",
        "2026-05-09T03:00Z/2026-05-09T07:00Z",
        ["2026-05-09T08:00+05:00", "2026-05-09T12:00+05:00"],
        [["2026-05-09T08:00+05:00", "2026-05-09T07:00:00Z"]],
        ["2026-05-09T03:00Z/2026-05-09T07:00Z"],
        "DTSTART:20260509T030000Z\nDTEND:20260509T070000Z",
        "DTSTART;TZID=Asia/Almaty:20260509T080000\r\nDURATION:PT4H\r\nSUMMARY:Parade",
        "DTSTART:20260509T030000Z\\nDURATION:PT4H",
        ["DTSTART:20260509T030000Z", "DURATION:PT4H"],
        ["DTSTART:20260509T030000Z\nDURATION:PT4H"],
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1\nDTSTART:20260509T030000Z\n"
        "DURATION:PT4H\nEND:VEVENT\nEND:VCALENDAR",
    ],
)
def test_a_stretch_is_written_in_many_ways(document: Any) -> None:
    (window,) = read_windows(document)
    assert (window.start, window.duration) == (EIGHT, timedelta(hours=4))
    assert window.covers(EIGHT)
    assert not window.covers(EIGHT + timedelta(hours=4))


def test_parts_of_a_second_count_at_both_ends() -> None:
    (window,) = read_windows(["2026-05-09T03:00:00.25Z", "2026-05-09T03:00:01.5Z"])
    tick = timedelta(microseconds=1)
    assert not window.covers(EIGHT + timedelta(seconds=0.25) - tick)
    assert window.covers(EIGHT + timedelta(seconds=0.25))
    assert window.covers(EIGHT + timedelta(seconds=1.5) - tick)
    assert not window.covers(EIGHT + timedelta(seconds=1.5))


def test_pairs_and_texts_may_stand_in_one_list() -> None:
    windows = read_windows(
        [
            ["2026-05-09T03:00Z", "2026-05-09T07:00Z"],
            ["2026-05-10T03:00Z", None],
            "DTSTART;TZID=Asia/Almaty:20260504T080000\nRRULE:FREQ=WEEKLY;BYDAY=MO\nDURATION:PT1H",
            "2026-05-12T08:00Z/PT4H",
            {"from": "2026-06-09T03:00Z"},
        ]
    )
    assert [bool(window.rrule) for window in windows] == [False, False, True, False, False]
    assert windows[1].covers(EIGHT + timedelta(days=9_000))
    assert windows[2].covers(datetime(2026, 5, 11, 3, 30, tzinfo=UTC))


def test_two_intervals_or_two_events_are_two_windows() -> None:
    assert len(read_windows(["2026-05-09T03:00Z/PT4H", "2026-05-10T03:00Z/PT4H"])) == 2
    one = "DTSTART:20260509T030000Z\nDURATION:PT4H"
    assert len(read_windows([one, one.replace("0509", "0510")])) == 2


def test_a_stretch_without_an_end_holds_on() -> None:
    (window,) = read_windows({"from": "2026-05-09T03:00Z"})
    assert window.covers(EIGHT + timedelta(days=9_000))
    assert not window.covers(EIGHT - timedelta(seconds=1))


def test_a_weekly_window_with_a_day_off() -> None:
    (window,) = read_windows(
        {
            "dtstart": "2026-05-04T08:00",
            "tzid": "Asia/Almaty",
            "rrule": "RRULE:FREQ=WEEKLY;BYDAY=MO,SA",
            "duration_s": 3600,
            "exdate": ["2026-05-09"],
        }
    )
    assert window.covers(EIGHT + timedelta(days=7))
    assert not window.covers(EIGHT)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"tzid": "UTC"}, "no dtstart"),
        ({"dtstart": "2026-05-09T08:00"}, "tzid"),
        ({"dtstart": "2026-05-09T08:00", "tzid": "Asia/Nowhere"}, "time zone"),
        ({"dtstart": "then"}, "dtstart"),
        ({"dtstart": "2026-05-09T08:00Z", "rrule": "FREQ=OFTEN", "duration_s": 1}, "(?i)freq"),
        ({"dtstart": "2026-05-09T08:00Z", "rrule": "FREQ=DAILY"}, "no length"),
        ({"dtstart": "2026-05-09T08:00Z", "dtend": "2026-05-09T07:00Z"}, "before it begins"),
        ({"dtstart": "2026-05-09T08:00Z", "colour": "red"}, "knows no colour"),
        ("tomorrow", "no interval"),
        (7, "no time window"),
        (["2026-05-09", "2026-05-10"], "no offset"),
        (["2026-05-09T08:00", "2026-05-09T09:00"], "no offset"),
        (["2026-05-09T08:00Z", "2026-05-09T07:00Z"], "before it begins"),
        ([None, "2026-05-09T07:00Z"], "no beginning"),
        (["2026-05-09T08:00Z", "then"], "no instant"),
        (["2026-05-09T08:00Z"], "no interval"),
        ("DTSTART:20260509T030000Z\nRRULE:FREQ=DAILY", "no length"),
        ("DTSTART:20260509T030000Z", "no length"),
        ("DTSTART:20260509T030000\nDURATION:PT1H", "time zone"),
        ("RRULE:FREQ=DAILY", "no length"),
        ("DTSTART:20260509T030000Z\nDURATION:PT1H\nSTATUS:CANCELLED", "status"),
        ("DTSTART:20260509T030000Z\nDTSTART:20260510T030000Z\nDURATION:PT1H", "several DTSTART"),
        ("DTSTART:20260509T030000Z\nthis is no line", "no line"),
    ],
)
def test_nonsense_is_refused_with_its_reason(document: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        read_windows(document)
    assert isinstance(caught.value, WindowInvalid)
    assert caught.value.cure
