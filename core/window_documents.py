"""Time windows as people and files write them; exact both ways.

A window is a recurrence with a length, in the words of iCalendar (`core.recurrence_words`), as
JSON or as the text of one event (`DTSTART:...` and the lines after it). A single stretch may also
be written as `from` and `to`, as a pair of instants, or as an ISO 8601 interval
(`2026-05-09T08:00+05:00/PT4H`); without an end it holds on.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from core.documents import Json
from core.errors import ScheduleInvalid
from core.recurrence import Recurrence
from core.recurrence_words import WORDS, read_event, read_recurrence

OPEN_END = timedelta(days=36_525)
"""How long a stretch lasts that has no end: a hundred years."""
_NAMES = {"from": "dtstart", "to": "dtend", "until": "dtend"}
_LINE = re.compile(r"\s*(BEGIN:|DTSTART|DTEND|DURATION|RRULE|EXDATE|RDATE)", re.IGNORECASE)
_UNSAID = frozenset({
    "uid", "dtstamp", "summary", "description", "location", "created", "last-modified",
    "sequence", "class", "categories", "comment", "contact", "organizer", "priority", "transp",
    "url", "version", "prodid", "calscale", "method", "geo",
})  # fmt: skip
"""Properties of an event that say nothing of when it is."""
_HOW = "write a pair of instants, {from, to}, an interval, or dtstart with rrule and duration_s"


class WindowInvalid(ValueError):
    """A time window that makes no sense: what was wrong, and what to write instead."""

    def __init__(self, message: str, cure: str = _HOW) -> None:
        """Keeps both parts of the message."""
        super().__init__(f"{message}; {cure}")
        self.message = message
        self.cure = cure


def read_windows(document: Json) -> tuple[Recurrence, ...]:
    """Returns the windows that a document means: one of them, or a list.

    A list of two instants is one stretch, as a pair in a list of pairs is.

    Raises:
        WindowInvalid: if it makes no sense, or could mean two things; the message says what. It
            is a `ValueError`.
    """
    if document is None:
        return ()
    if isinstance(document, list):
        if _is_pair(document):
            return (_pair(document),)
        if _is_event(document):
            document = ["\n".join(str(line) for line in document)]
        return tuple(window for item in document for window in read_windows(item))
    if isinstance(document, str):
        return (_event(document) if _LINE.match(document) else _interval(document),)
    if isinstance(document, dict):
        return (_window(document),)
    raise WindowInvalid(f"{document!r:.80} is no time window")


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


def _is_pair(document: list[Json]) -> bool:
    """Returns whether a list is one stretch: two texts that are neither intervals nor lines."""
    if len(document) != 2 or not all(one is None or isinstance(one, str) for one in document):
        return False
    return not any("/" in one or _LINE.match(one) for one in document if isinstance(one, str))


def _is_event(document: list[Json]) -> bool:
    """Returns whether a list is the lines of one event, and not several windows."""
    lines = [line for line in document if isinstance(line, str)]
    if len(lines) < 2 or len(lines) < len(document) or not all(map(_LINE.match, lines)):
        return False
    starts = sum(line.upper().count("DTSTART") for line in lines)
    return starts <= 1 and not any("\n" in line.strip() for line in lines)


def _pair(document: list[Json]) -> Recurrence:
    """Returns the stretch between two instants; without the second it holds on."""
    begin, end = (one.strip() if isinstance(one, str) else "" for one in document)
    if begin in ("", ".."):
        raise WindowInvalid(
            f"{document!r:.80} has no beginning", "give an instant as the first of the pair"
        )
    given: dict[str, Json] = {"dtstart": begin}
    moments = [_instant_of(begin)]
    if end not in ("", ".."):
        given["dtend"] = end
        moments.append(_instant_of(end))
    if len(moments) == 2 and moments[0] >= moments[1]:
        raise WindowInvalid(
            f"{document!r:.80} ends before it begins", "give the earlier instant first"
        )
    return _window(given)


def _instant_of(text: str) -> datetime:
    """Returns an instant of a pair, which must say its day, its time and its offset."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise WindowInvalid(
            f"{text!r:.80} is no instant", "write it as 2026-05-09T08:00+05:00"
        ) from None
    if at.tzinfo is None or not re.search(r"[T ]", text, re.IGNORECASE):
        raise WindowInvalid(
            f"{text!r:.80} may be several instants: it has no offset from UTC",
            "write it as 2026-05-09T08:00+05:00, or an object with from, to and tzid",
        )
    return at


def _event(text: str) -> Recurrence:
    """Returns the window of an iCalendar text."""
    bare = text.replace("\\n", "\n") if "\n" not in text.strip() else text
    if len(re.findall(r"^\s*DTSTART", bare, re.IGNORECASE | re.MULTILINE)) > 1:
        raise WindowInvalid("it has several DTSTART", "make a window of each")
    try:
        found = read_event(bare)
    except ScheduleInvalid as error:
        raise WindowInvalid(
            ": ".join(filter(None, (error.where, error.message))), error.cure or _HOW
        ) from error
    words = {
        name: value
        for name, value in found.items()
        if name not in _UNSAID and not name.startswith("x-")
    }
    if not {"dtend", "duration"} & words.keys() and len(_value(words.get("dtstart"))) != 8:
        raise WindowInvalid("an event without DTEND or DURATION has no length", "add one of them")
    return _window(words)


def _value(moment: object) -> str:
    text = moment.get("value", "") if isinstance(moment, Mapping) else moment
    return str(text or "").strip()


def _interval(text: str) -> Recurrence:
    begin, slash, end = text.partition("/")
    if not slash:
        raise WindowInvalid(
            f"{text!r:.80} is no interval such as 2026-05-09T08:00Z/PT4H",
            "write a start and an end, or a start and a length, with a slash between them",
        )
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
        raise WindowInvalid(
            f"a time window knows no {', '.join(sorted(unknown))}",
            f"leave it out, or use {', '.join(sorted(set(WORDS.values())))}",
        )
    lengths = {"duration", "duration_s", "dtend", "end"} & words.keys()
    if not lengths and not ({"rrule", "rrules"} & words.keys()):
        day_long = isinstance(words.get("dtstart"), str) and len(words["dtstart"].strip()) <= 10
        if not day_long:
            words["duration"] = f"P{OPEN_END.days}D"
    try:
        window, _ = read_recurrence(words, exact=True)
    except ScheduleInvalid as error:
        raise WindowInvalid(
            ": ".join(filter(None, (error.where, error.message))), error.cure or _HOW
        ) from error
    if window.duration <= timedelta(0) and not window.nominal_days:
        raise WindowInvalid("a time window has no length", "give it a duration_s or an end")
    return window
