from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from core.recurrence import Recurrence
from core.window_documents import read_windows, write_window
from tests.persistence.strategies import recurrences

EIGHT = datetime(2026, 5, 9, 3, tzinfo=UTC)  # 08:00 in Almaty, UTC+5 since March 2024


@settings(max_examples=50, deadline=None)
@given(recurrences())
def test_any_window_comes_back(window: Recurrence) -> None:
    assert read_windows([write_window(window)]) == (window,)  # type: ignore[list-item]


@pytest.mark.parametrize(
    "document",
    [
        {"dtstart": "2026-05-09T08:00", "tzid": "Asia/Almaty", "duration": "PT4H"},
        {"from": "2026-05-09T08:00+05:00", "to": "2026-05-09T12:00+05:00"},
        {"start": "2026-05-09T03:00Z", "duration_s": 14_400},
        "2026-05-09T08:00+05:00/PT4H",
        "2026-05-09T03:00Z/2026-05-09T07:00Z",
    ],
)
def test_a_stretch_is_written_in_many_ways(document: Any) -> None:
    (window,) = read_windows(document)
    assert (window.start, window.duration) == (EIGHT, timedelta(hours=4))
    assert window.covers(EIGHT)
    assert not window.covers(EIGHT + timedelta(hours=4))


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
    ],
)
def test_nonsense_is_refused_with_its_reason(document: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_windows(document)
