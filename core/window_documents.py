"""Time windows as people and files write them; exact both ways.

A window is a recurrence with a length, in the words of iCalendar (`core.recurrence_words`). A
single stretch may also be written as `from` and `to`, or as an ISO 8601 interval
(`2026-05-09T08:00+05:00/PT4H`); without an end it holds on.
"""

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

from core.documents import Json
from core.errors import ScheduleInvalid
from core.recurrence import Recurrence
from core.recurrence_words import WORDS, read_recurrence

OPEN_END = timedelta(days=36_525)
"""How long a stretch lasts that has no end: a hundred years."""
_NAMES = {"from": "dtstart", "to": "dtend", "until": "dtend"}


def read_windows(document: Json) -> tuple[Recurrence, ...]:
    """Returns the windows that a document means: one of them, or a list.

    Raises:
        ValueError: if it makes no sense; the message says what.
    """
    if document is None:
        return ()
    if isinstance(document, list):
        return tuple(window for item in document for window in read_windows(item))
    if isinstance(document, str):
        return (_interval(document),)
    if isinstance(document, dict):
        return (_window(document),)
    raise ValueError(f"{document!r} is no time window")


def write_window(window: Recurrence) -> dict[str, Json]:
    """Returns a window as `read_windows` takes it; instants in UTC."""
    document: dict[str, Json] = {
        "dtstart": window.start.astimezone(UTC).isoformat(),
        "tzid": window.time_zone,
    }
    if window.nominal_days:
        seconds = window.duration / timedelta(seconds=1)
        document["duration"] = f"P{window.nominal_days}DT{seconds:.6f}S"
    else:
        document["duration_s"] = window.duration / timedelta(seconds=1)
    if window.rrule:
        document["rrule"] = [*window.rrule.splitlines()]
    for name, instants in (("rdate", window.rdates), ("exdate", window.exdates)):
        if instants:
            document[name] = [at.astimezone(UTC).isoformat() for at in instants]
    if window.exdays:
        left_out = document.get("exdate")
        document["exdate"] = [*(left_out if isinstance(left_out, list) else []), *window.exdays]
    return document


def _interval(text: str) -> Recurrence:
    begin, slash, end = text.partition("/")
    if not slash:
        raise ValueError(f"{text!r} is no interval such as 2026-05-09T08:00Z/PT4H")
    document: dict[str, Json] = {"dtstart": begin}
    if end.strip() not in ("", ".."):
        document["duration" if end.strip().startswith("P") else "dtend"] = end.strip()
    return _window(document)


def _window(given: Mapping[str, Json]) -> Recurrence:
    words: dict[str, Any] = {}
    for key, value in given.items():
        name = str(key).lower()
        if value is not None:
            words[_NAMES.get(name, name)] = value
    if unknown := words.keys() - WORDS.keys():
        raise ValueError(f"a time window knows no {', '.join(sorted(unknown))}")
    lengths = {"duration", "duration_s", "dtend", "end"} & words.keys()
    if not lengths and not ({"rrule", "rrules"} & words.keys()):
        day_long = isinstance(words.get("dtstart"), str) and len(words["dtstart"].strip()) <= 10
        if not day_long:
            words["duration"] = f"P{OPEN_END.days}D"
    try:
        window, _ = read_recurrence(words)
    except ScheduleInvalid as error:
        raise ValueError(str(error)) from error
    if window.duration <= timedelta(0) and not window.nominal_days:
        raise ValueError("a time window has no length; give it a duration_s or an end")
    return window
