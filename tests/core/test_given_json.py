"""JSON of other people: what no number can be is refused, and its place is told."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import ScheduleInvalid
from core.given_json import AbsurdValue, number, parse_json, read_json_text, refuse_absurd
from core.instants import LAST, moved, read_near_instant
from core.recurrence import Recurrence

START = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "word", ["1e999", "-1e999", "NaN", "Infinity", "1" * 400, "-" + "9" * 5000]
)
def test_the_place_of_a_number_that_can_not_be_is_told(word: str) -> None:
    with pytest.raises(AbsurdValue) as caught:
        read_json_text(f'{{"a": [1, {{"b": {word}}}]}}')
    assert caught.value.place == "a.1.b"
    assert not math.isfinite(parse_json(f"[{word}]")[0])


def test_what_can_be_is_read_as_it_is() -> None:
    document = {"id": 2**64, "x": [1.5, -3, True, None, "1e999"], "y": {}}
    assert read_json_text(json.dumps(document)) == document


@pytest.mark.parametrize("depth", [101, 5_000, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    for read in (read_json_text, parse_json):
        with pytest.raises(ValueError, match="deep"):
            read("[" * depth + "]" * depth)


def test_an_integer_of_any_length_is_refused_after_another_reader() -> None:
    with pytest.raises(AbsurdValue, match="x"):
        refuse_absurd({"x": 10**400})


@pytest.mark.parametrize("value", [True, "1", None, math.nan, 11, -1, 10**400])
def test_a_number_keeps_its_bounds(value: object) -> None:
    assert number(10, 0, 10) == 10.0
    with pytest.raises(ValueError, match="from 0 to 10"):
        number(value, 0, 10)


def test_an_instant_moves_no_further_than_the_calendar() -> None:
    assert moved(START, timedelta(days=2)) == START + timedelta(days=2)
    assert moved(START, timedelta.max) == LAST
    assert moved(START, timedelta.min).year == 1
    for text in ("9999-12-31T23:59:59Z", "0001-01-01", "1969-12-31"):
        with pytest.raises(ValueError, match=r"year|calendar"):
            read_near_instant(text, UTC, "at")


def test_a_recurrence_at_the_ends_of_the_calendar() -> None:
    whole = Recurrence(START, datetime(9999, 12, 31, tzinfo=UTC) - START)
    assert whole.end_of(START) == LAST
    assert whole.covers(START + timedelta(days=900_000))
    with pytest.raises(ScheduleInvalid, match="end of the calendar"):
        Recurrence(datetime(9999, 12, 31, tzinfo=UTC), timedelta(hours=1))
    with pytest.raises(ScheduleInvalid, match="longer than the calendar"):
        Recurrence(START, timedelta.max)
    for rule in ("FREQ=DAILY;UNTIL=99991231T235959Z", "FREQ=YEARLY;INTERVAL=999999999"):
        assert Recurrence(START, timedelta(days=1), rrule=rule).first() == START
