"""Times that come again, as people and files write them; exact both ways.

A window is written in the words of iCalendar (RFC 5545): `dtstart`, `dtend` or `duration_s`,
`tzid`, `rrule`, `rdate`, `exdate`. A single stretch may be written as `from` and `to`, or as an
ISO 8601 interval (`2026-05-09T08:00+05:00/PT4H`).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrulestr

from core.documents import Json
from core.recurrence import Recurrence

OPEN_END = timedelta(days=36_525)
"""How long a stretch lasts that has no end: a hundred years."""
_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_NAMES = {
    "from": "dtstart", "start": "dtstart", "to": "dtend", "until": "dtend", "end": "dtend",
    "time_zone": "tzid", "exdates": "exdate", "rdates": "rdate",
}  # fmt: skip
"""Other words for the same, as people and our own values have them."""
_KNOWN = {"dtstart", "dtend", "duration", "duration_s", "tzid", "rrule", "rdate", "exdate"}


def read_duration(text: str) -> timedelta:
    """Returns an ISO 8601 duration of weeks, days and smaller, such as `PT1H30M`.

    Raises:
        ValueError: if it is none, or nothing long.
    """
    match = _DURATION.fullmatch(text.strip())
    parts = {k: float(v) for k, v in match.groupdict().items() if v} if match else {}
    if not parts:
        raise ValueError(f"{text!r} is no duration such as PT1H30M")
    return timedelta(**parts)


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
        "duration_s": window.duration / timedelta(seconds=1),
        "tzid": window.time_zone,
    }
    if window.rrule:
        document["rrule"] = window.rrule
    for name, instants in (("rdate", window.rdates), ("exdate", window.exdates)):
        if instants:
            document[name] = [at.astimezone(UTC).isoformat() for at in instants]
    return document


def _interval(text: str) -> Recurrence:
    begin, slash, end = text.partition("/")
    if not slash:
        raise ValueError(f"{text!r} is no interval such as 2026-05-09T08:00Z/PT4H")
    document: dict[str, Json] = {"dtstart": begin}
    if end.strip() not in ("", ".."):
        document["duration" if end.strip().startswith("P") else "dtend"] = end
    return _window(document)


def _window(given: Mapping[str, Json]) -> Recurrence:
    values: dict[str, Any] = {}
    for key, value in given.items():
        name = str(key).lower()
        if value is not None:
            values[_NAMES.get(name, name)] = value
    if unknown := values.keys() - _KNOWN:
        raise ValueError(f"a time window knows no {', '.join(sorted(unknown))}")
    zone_name = str(values.get("tzid", ""))
    zone = zone_of(zone_name) if zone_name else None
    if "dtstart" not in values:
        raise ValueError("a time window has no dtstart")
    start = read_instant(values["dtstart"], zone, "dtstart")
    rrule = str(values.get("rrule", "")).strip().removeprefix("RRULE:")
    if rrule:
        check_rule(rrule)
    return Recurrence(
        start,
        _length(values, start, zone, recurring=bool(rrule)),
        zone_name or "UTC",
        rrule,
        _instants(values.get("rdate"), start, zone, "rdate"),
        _instants(values.get("exdate"), start, zone, "exdate"),
    )


def _length(
    values: Mapping[str, Any], start: datetime, zone: ZoneInfo | None, *, recurring: bool
) -> timedelta:
    if "dtend" in values:
        length = read_instant(values["dtend"], zone, "dtend") - start
    elif "duration_s" in values:
        length = timedelta(seconds=float(values["duration_s"]))
    elif "duration" in values:
        given = values["duration"]
        text = isinstance(given, str)
        length = read_duration(given) if text else timedelta(seconds=float(given))
    elif recurring:
        raise ValueError("a window that comes again has no duration_s")
    else:
        length = OPEN_END
    if length <= timedelta(0):
        raise ValueError("a time window ends before it begins")
    return length


def zone_of(name: str) -> ZoneInfo:
    """Returns a time zone by its IANA name.

    Raises:
        ValueError: if there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError(f"there is no time zone {name!r}; give one such as Asia/Almaty") from error


def check_rule(rrule: str) -> None:
    """Refuses what is no RFC 5545 rule.

    Raises:
        ValueError: if it can't be read; the message says why.
    """
    try:
        rrulestr(rrule, dtstart=datetime(2000, 1, 1), ignoretz=True)  # noqa: DTZ001
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{rrule!r} is no recurrence rule: {error}") from error


def read_instant(value: object, zone: ZoneInfo | None, name: str) -> datetime:
    """Returns an instant; without an offset of its own it is wall time of `zone`.

    A date alone is its first instant.

    Raises:
        ValueError: if it is none, or neither offset nor zone is known.
    """
    if not isinstance(value, str):
        raise ValueError(f"{name} is {value!r}, not a time such as 2026-05-09T08:00+05:00")
    try:
        at = datetime.fromisoformat(value.strip())
    except ValueError as error:
        message = f"{name} is {value!r}, not a time such as 2026-05-09T08:00+05:00"
        raise ValueError(message) from error
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    if zone is None:
        raise ValueError(f"{name} {value} has no offset and there is no tzid")
    return at.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _instants(
    given: object, start: datetime, zone: ZoneInfo | None, name: str
) -> tuple[datetime, ...]:
    if given is None:
        return ()
    listed: Sequence[object] = given if isinstance(given, list) else [given]
    found = []
    for value in listed:
        day = _date(value)
        if day is None:
            found.append(read_instant(value, zone, name))
        else:  # a whole day means the occurrence of that day, at the usual time of the day
            local = zone or UTC
            wall: time = start.astimezone(local).time()
            found.append(datetime.combine(day, wall, local).astimezone(UTC))
    return tuple(found)


def _date(value: object) -> date | None:
    if not isinstance(value, str) or len(value.strip()) not in (8, 10):
        return None
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        return None
