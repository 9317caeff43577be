"""Recurrences as people write them: iCalendar words (RFC 5545) in JSON, or a VEVENT.

The words are `dtstart`, `tzid`, `rrule`, `exdate`, `rdate`, `duration` or `dtend`; the names of
`Recurrence`'s own fields do as well. Letter case does not matter.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from core.errors import ScheduleInvalid
from core.instants import FIRST, LAST
from core.recurrence import Recurrence, zone_named

WORDS: Mapping[str, str] = {
    "dtstart": "dtstart", "start": "dtstart",
    "tzid": "tzid", "time_zone": "tzid", "timezone": "tzid",
    "rrule": "rrule", "rrules": "rrule",
    "exdate": "exdate", "exdates": "exdate", "exdays": "exdate",
    "rdate": "rdate", "rdates": "rdate",
    "duration": "duration", "duration_s": "duration_s",
    "dtend": "dtend", "end": "dtend",
}  # fmt: skip
"""Every word that is understood, and the one that it stands for."""


@dataclass(frozen=True, slots=True)
class _Moment:
    """A date, a wall time or an instant, as it was written."""

    value: date | datetime
    tzid: str = ""

    @property
    def day(self) -> date | None:
        """The day, where it is only that."""
        return None if isinstance(self.value, datetime) else self.value


def read_recurrence(
    document: Mapping[str, Any], *, exact: bool = False
) -> tuple[Recurrence, tuple[str, ...]]:
    """Returns the recurrence that a document says, and what deserves a look in it.

    Args:
        document: words and their values; words that are not in `WORDS` are left alone.
        exact: keep parts of a second, which iCalendar does not know.

    Raises:
        ScheduleInvalid: if something is missing, unreadable or said twice.
    """
    words: dict[str, Any] = {}
    for name, value in document.items():
        word = WORDS.get(str(name).lower())
        if word is None or value is None:
            continue
        if word in words:
            raise ScheduleInvalid(f"{word} is said twice", where=str(name), cure="say it once")
        words[word] = value
    if "dtstart" not in words:
        raise ScheduleInvalid(
            "there is no dtstart", cure="say when it begins first, such as 2026-03-01T08:00"
        )
    notes: list[str] = []
    begin = _moment("dtstart", words["dtstart"], exact)
    zone_name = _zone_name(words.get("tzid"), begin)
    zone = zone_named(zone_name)
    start = _instant(begin, zone, "dtstart")
    if not FIRST <= start <= LAST:
        raise _beyond("dtstart", begin.value)
    _look_at_offset(begin, zone, zone_name, notes)
    wall_time = time(0) if begin.day else start.astimezone(zone).time()
    duration, nominal_days = _length(words, begin, start, zone, exact)
    exdates, exdays = [], []
    for moment in _moments("exdate", words.get("exdate"), exact):
        if moment.day is not None and begin.day is None:
            exdays.append(moment.day.isoformat())
        else:
            exdates.append(_instant(moment, zone, "exdate"))
    rdates = []
    for moment in _moments("rdate", words.get("rdate"), exact):
        if moment.day is not None:  # on that day, at the usual time
            moment = _Moment(datetime.combine(moment.day, wall_time))
        rdates.append(_instant(moment, zone, "rdate"))
    recurrence = Recurrence(
        start=start,
        duration=duration,
        time_zone=zone_name,
        rrule="\n".join(_rules(words.get("rrule"))),
        rdates=tuple(rdates),
        exdates=tuple(exdates),
        exdays=tuple(exdays),
        nominal_days=nominal_days,
    )
    return recurrence, tuple(notes)


def read_event(text: str) -> dict[str, Any]:
    """Returns the words of the one VEVENT in an iCalendar text.

    Raises:
        ScheduleInvalid: if there is none, there are several, or one day of it was moved.
    """
    lines = re.sub(r"\r?\n[ \t]", "", text.lstrip("\ufeff")).splitlines()
    events: list[dict[str, Any]] = []
    open_parts: list[str] = []
    for line in filter(None, (line.strip() for line in lines)):
        name, tzid, value = _property(line)
        if name == "BEGIN":
            open_parts.append(value.upper())
            if open_parts[-1] == "VEVENT":
                events.append({})
        elif name == "END":
            if not open_parts or open_parts.pop() != value.upper():
                raise ScheduleInvalid(
                    "its BEGIN and END lines do not match",
                    where=line[:80],
                    cure="give each BEGIN its END",
                )
        elif open_parts[-1:] == ["VEVENT"] or not open_parts:
            if not events:  # the bare properties, without BEGIN:VEVENT
                events.append({})
            _keep(events[-1], name.lower(), tzid, value)
    events = [event for event in events if event]
    if any("recurrence-id" in event for event in events):
        raise ScheduleInvalid(
            "single occurrences were moved (RECURRENCE-ID), which is not understood",
            cure="take them out with EXDATE and put them in with RDATE",
        )
    if len(events) != 1:
        found = f"there are {len(events)} events" if events else "there is no event"
        raise ScheduleInvalid(found, cure="give one VEVENT a file")
    return events[0]


def _property(line: str) -> tuple[str, str, str]:
    match = re.match(r'([A-Za-z0-9-]+)((?:;[^:;=]+=(?:"[^"]*"|[^":;])*)*):(.*)', line)
    if match is None:
        raise ScheduleInvalid("is no line of iCalendar", where=line[:80], cure="NAME:VALUE")
    tzid = re.search(r';TZID="?([^";:]+)', match[2], re.IGNORECASE)
    if re.search(r";VALUE=PERIOD", match[2], re.IGNORECASE):
        raise ScheduleInvalid(
            "an RDATE with a length of its own (PERIOD) is not understood",
            where=line[:80],
            cure="make it a schedule of its own",
        )
    return match[1].upper(), tzid[1] if tzid else "", match[3]


def _keep(event: dict[str, Any], word: str, tzid: str, value: str) -> None:
    if word in ("exdate", "rdate"):
        event.setdefault(word, []).extend(
            {"value": item, "tzid": tzid} for item in value.split(",") if item.strip()
        )
    elif word == "rrule":
        event.setdefault(word, []).append(value)
    elif word in ("dtstart", "dtend"):
        event[word] = {"value": value, "tzid": tzid}
    else:
        event.setdefault(word, value)


def _rules(value: object) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [line for line in value.splitlines() if line.strip()]
    if isinstance(value, Mapping):
        parts = []
        for name, part in value.items():
            items = part if isinstance(part, list | tuple) else [part]
            parts.append(f"{name}={','.join(str(item) for item in items)}")
        return [";".join(parts)]
    if isinstance(value, Sequence):
        return [line for item in value for line in _rules(item)]
    raise ScheduleInvalid("is no rule", where="rrule", cure="write FREQ=WEEKLY;BYDAY=MO")


def _moments(where: str, value: object, exact: bool) -> list[_Moment]:
    if value is None:
        return []
    if isinstance(value, str):
        return [_moment(where, item, exact) for item in re.split(r"[,\s]+(?=[\d])", value) if item]
    if isinstance(value, list | tuple):
        return [moment for item in value for moment in _moments(where, item, exact)]
    return [_moment(where, value, exact)]


def _moment(where: str, value: object, exact: bool) -> _Moment:
    """Returns what a text, or an object of a text and its zone, says."""
    tzid = ""
    if isinstance(value, Mapping):
        named = {str(name).lower(): part for name, part in value.items()}
        tzid = str(named.get("tzid") or named.get("timezone") or "")
        texts = [
            named[name] for name in ("value", "datetime", "date-time", "date") if name in named
        ]
        value = texts[0] if texts else None
    if not isinstance(value, str):
        raise ScheduleInvalid(
            f"{value!r:.60} is no time", where=where, cure="write 2026-03-01T08:00 or 2026-03-01"
        )
    text = value.strip()
    if prefixed := re.match(r"(?:DTSTART|DTEND)?;?TZID=([^:]+):(.+)", text, re.IGNORECASE):
        tzid, text = prefixed[1], prefixed[2]
    try:
        if re.fullmatch(r"\d{8}|\d{4}-\d\d-\d\d", text):
            return _Moment(date.fromisoformat(text), tzid)
        at = datetime.fromisoformat(text)
        return _Moment(at if exact else at.replace(microsecond=0), tzid)
    except ValueError as error:
        raise ScheduleInvalid(
            f"{text!r:.60} is no time ({error})",
            where=where,
            cure="write 2026-03-01T08:00 or 2026-03-01",
        ) from None


def _zone_name(tzid: object, begin: _Moment) -> str:
    if tzid is not None and not isinstance(tzid, str):
        raise ScheduleInvalid("is no name", where="tzid", cure="write Asia/Almaty")
    name = (tzid or begin.tzid or "").strip()
    if name:
        return name
    offset = begin.value.utcoffset() if isinstance(begin.value, datetime) else None
    if offset is None:
        raise ScheduleInvalid(
            "nobody says in which time zone",
            where="tzid",
            cure="give tzid, such as Asia/Almaty, or an offset in dtstart",
        )
    return f"{begin.value:%z}" if offset else "UTC"


def _look_at_offset(begin: _Moment, zone: tzinfo, name: str, notes: list[str]) -> None:
    if isinstance(begin.value, datetime) and (said := begin.value.utcoffset()):
        there = begin.value.astimezone(zone).utcoffset()
        if said != there:
            local = begin.value.astimezone(zone).isoformat(timespec="minutes")
            notes.append(
                f"dtstart's offset {begin.value:%z} is not that of {name} then; "
                f"it recurs at {local}"
            )


def _instant(moment: _Moment, zone: tzinfo, where: str) -> datetime:
    if moment.tzid:
        zone = zone_named(moment.tzid)
    value = moment.value
    if not isinstance(value, datetime):
        value = datetime.combine(value, time(0))
    try:
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise _beyond(where, value) from None


def _beyond(where: str, value: object) -> ScheduleInvalid:
    return ScheduleInvalid(f"{value} is beyond the calendar", where=where, cure="mend the year")


def _length(
    words: Mapping[str, Any], begin: _Moment, start: datetime, zone: tzinfo, exact: bool
) -> tuple[timedelta, int]:
    """Returns the exact part and the whole days of the calendar of an occurrence."""
    said = [word for word in ("duration", "duration_s", "dtend") if word in words]
    if len(said) > 1:
        raise ScheduleInvalid(f"{' and '.join(said)} say it twice", cure="leave one out")
    if not said:
        return timedelta(0), 1 if begin.day else 0
    if said[0] == "dtend":
        end = _moment("dtend", words["dtend"], exact)
        if end.day is not None and begin.day is not None:
            length, days = timedelta(0), (end.day - begin.day).days
        else:
            length, days = _instant(end, zone, "dtend") - start, 0
    else:
        length, days = read_duration(words[said[0]], where=said[0])
    if length < timedelta(0) or days < 0:
        raise ScheduleInvalid("it ends before it begins", where=said[0], cure="mend its length")
    return length, days


_DIGITS_MOST = 9
"""Of a part of a duration; more is longer than the calendar in any unit but seconds."""
_DURATION = re.compile(
    r"([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?",
    re.IGNORECASE,
)


def read_duration(value: object, *, where: str = "duration") -> tuple[timedelta, int]:
    """Returns the exact part and the days of the calendar of an ISO 8601 duration, or of seconds.

    Raises:
        ScheduleInvalid: if it is neither.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9:
        return timedelta(seconds=value), 0
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or not any(match.groups()[1:]):
        raise ScheduleInvalid(
            f"{value!r:.40} is no duration", where=where, cure="write PT1H30M, or duration_s: 5400"
        )
    if any(len((part or "").split(".")[0]) > _DIGITS_MOST for part in match.groups()[1:]):
        raise ScheduleInvalid(
            f"{value!r:.40} is longer than the calendar", where=where, cure="mend its length"
        )
    weeks, days, hours, minutes = (int(part or 0) for part in match.groups()[1:5])
    exact = timedelta(hours=hours, minutes=minutes, seconds=float(match[6] or 0))
    whole = weeks * 7 + days
    return (-exact, -whole) if match[1] == "-" else (exact, whole)
