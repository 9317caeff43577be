"""Schedules as people write them: a JSON document of iCalendar words, or a VEVENT.

Beside the words of `core.recurrence_words` it knows `holidays`, `sun`, `only`, `missed`,
`gates`, `name`, `patrol_id` and `schedule_id`; docs/guides/schedules.md has them all.
"""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any, TypeVar

from core.errors import ScheduleInvalid
from core.given_json import AbsurdValue, read_json_text
from core.ids import PatrolId, content_id
from core.recurrence_words import WORDS, read_duration, read_event, read_recurrence
from missions.schedules import (
    HolidayMode,
    HolidayRule,
    Light,
    LightRule,
    MissedPolicy,
    Schedule,
    ScheduleId,
    SunEvent,
    SunRule,
    Timetable,
    WeatherGates,
)

_OWN = {
    "holidays", "sun", "only", "light", "missed", "missed_policy", "grace_s", "gates", "weather",
    "name", "summary", "patrol_id", "patrol", "schedule_id", "id", "uid", "place", "lat", "lon",
}  # fmt: skip
_INDIFFERENT = {
    "description", "comment", "location", "categories", "dtstamp", "created", "last-modified",
    "sequence", "status", "transp", "class", "priority", "url", "version", "type", "organizer",
}  # fmt: skip
_W = TypeVar("_W", HolidayMode, Light, MissedPolicy, SunEvent)


@dataclass(frozen=True, slots=True)
class ScheduleFile:
    """What a schedule file says."""

    schedule: Schedule
    """A draft; its patrol is empty where the file names none."""
    notes: tuple[str, ...] = ()
    """What deserves a look: words that were not understood, an offset that does not fit."""


def read_schedule(text: str, *, where: str = "schedule") -> ScheduleFile:
    """Returns the schedule that a JSON or iCalendar text holds.

    Raises:
        ScheduleInvalid: if it can't be read or makes no sense; the message says where.
    """
    try:
        return schedule_of(_document(text))
    except ScheduleInvalid as error:
        place = f"{where}: {error.where}" if error.where else where
        raise ScheduleInvalid(error.message, where=place, cure=error.cure) from None


def schedule_of(document: Mapping[str, Any]) -> ScheduleFile:
    """Returns the schedule that a document holds; raises as `read_schedule`."""
    words = _flat(document)
    notes = _unknown(words)
    recurrence, more = read_recurrence(words)
    holidays = _holidays(words.get("holidays"))
    place = _place(words)
    sun = _sun(words.get("sun"))
    if sun is not None and not {"duration", "duration_s", "dtend", "end"} & words.keys():
        # its dtstart may be a day, which would otherwise last that day
        recurrence = replace(recurrence, nominal_days=0, duration=timedelta(0))
    timetable = Timetable(recurrence, holidays, sun, _light(words, place))
    policy, grace_s = _missed(words)
    name = str(words.get("name") or words.get("summary") or "")
    said_id = words.get("schedule_id") or words.get("id") or words.get("uid")
    identity = str(said_id) if said_id else content_id("schedule", json.dumps(words, default=str))
    schedule = Schedule(
        schedule_id=ScheduleId(identity),
        name=name or identity,
        patrol_id=PatrolId(str(words.get("patrol_id") or words.get("patrol") or "")),
        timetable=timetable,
        missed=policy,
        grace_s=grace_s,
        gates=_gates(words.get("gates", words.get("weather"))),
    )
    return ScheduleFile(schedule, (*notes, *more))


def _document(text: str) -> Mapping[str, Any]:
    stripped = text.lstrip("\ufeff \t\r\n")
    if re.match(r"(BEGIN|DTSTART|RRULE)[:;]", stripped, re.IGNORECASE):
        return read_event(stripped)
    try:
        document = read_json_text(stripped)
    except AbsurdValue as error:
        raise ScheduleInvalid(error.message, where=error.place, cure="mend that value") from None
    except ValueError as error:
        raise ScheduleInvalid(
            f"is neither JSON nor iCalendar ({error})", cure="give a JSON object or a VEVENT"
        ) from None
    if isinstance(document, str):
        return read_event(document)
    if not isinstance(document, dict):
        raise ScheduleInvalid("is no JSON object", cure='write {"dtstart": ..., "rrule": ...}')
    return document


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the words, those of a `recurrence`, `timetable` or `schedule` inside brought up."""
    words: dict[str, Any] = {}
    for name, value in document.items():
        word = str(name).lower()
        if word in ("ics", "ical", "vevent", "vcalendar") and isinstance(value, str):
            words |= read_event(value)
        elif word in ("recurrence", "timetable", "schedule", "vevent") and isinstance(value, dict):
            words |= _flat(value)
        else:
            words[word] = value
    return words


def _unknown(words: Mapping[str, Any]) -> tuple[str, ...]:
    known = {*WORDS, *_OWN}
    notes = []
    for word in words:
        if word in known or word in _INDIFFERENT or word.startswith("x-"):
            continue
        if near := difflib.get_close_matches(word, known, n=1, cutoff=0.8):
            raise ScheduleInvalid(
                f"no such word: {word!r:.40}", where=word[:40], cure=f"write {near[0]}"
            )
        notes.append(f"{word[:40]!r} is not understood and left out")
    return tuple(notes)


def _word(kind: type[_W], value: object, where: str) -> _W:
    try:
        return kind(str(value).strip().lower().replace("-", "_").replace(" ", "_"))
    except ValueError:
        raise ScheduleInvalid(
            f"{value!r:.40} is not known", where=where, cure=f"one of {', '.join(kind)}"
        ) from None


def _object(value: object, where: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ScheduleInvalid("is no JSON object", where=where, cure=f"{', '.join(sorted(known))}")
    named = {str(name).lower(): part for name, part in value.items()}
    if unknown := named.keys() - known:
        raise ScheduleInvalid(
            f"no such word: {', '.join(sorted(unknown))[:80]}",
            where=where,
            cure=f"it takes {', '.join(sorted(known))}",
        )
    return named


def _number(value: object, where: str, least: float, most: float) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
        return float(value)
    raise ScheduleInvalid(
        f"{value!r:.40} is no number from {least:g} to {most:g}", where=where, cure="mend it"
    )


def _holidays(value: object) -> HolidayRule | None:
    if value is None or value is False:
        return None
    if isinstance(value, str):
        return HolidayRule(value)
    named = _object(value, "holidays", {"country", "subdivision", "mode"})
    if not isinstance(named.get("country"), str):
        raise ScheduleInvalid("no country", where="holidays", cure="give country, such as KZ")
    mode = _word(HolidayMode, named.get("mode", "skip"), "holidays.mode")
    return HolidayRule(named["country"], mode, str(named.get("subdivision") or ""))


_SUN_WORDS = {"lat", "lon", "lat_deg", "lon_deg", "event", "offset_s", "offset", "offset_min"}


def _coordinates(named: Mapping[str, Any], where: str) -> tuple[float, float]:
    lat, lon = named.get("lat", named.get("lat_deg")), named.get("lon", named.get("lon_deg"))
    if lat is None or lon is None:
        raise ScheduleInvalid("no lat and lon", where=where, cure="give lat and lon in degrees")
    return _number(lat, f"{where}.lat", -90, 90), _number(lon, f"{where}.lon", -180, 180)


def _sun(value: object) -> SunRule | None:
    if value is None:
        return None
    named = _object(value, "sun", _SUN_WORDS)
    if "event" not in named:
        return None
    offset = read_duration(str(named["offset"]), where="sun.offset") if "offset" in named else None
    if offset and max(abs(offset[0].days), abs(offset[1])) > 1:
        raise ScheduleInvalid("is longer than a day", where="sun.offset", cure="mend its length")
    offset_s = (offset[0] + timedelta(days=offset[1])).total_seconds() if offset else 0.0
    offset_s += _number(named.get("offset_s", 0), "sun.offset_s", -86_400, 86_400)
    offset_s += 60 * _number(named.get("offset_min", 0), "sun.offset_min", -1_440, 1_440)
    event = _word(SunEvent, named["event"], "sun.event")
    return SunRule(*_coordinates(named, "sun"), event, offset_s)


def _place(words: Mapping[str, Any]) -> tuple[float, float] | None:
    for name in ("sun", "place", "only", "light"):
        if isinstance(words.get(name), dict) and {"lat", "lat_deg"} & words[name].keys():
            return _coordinates(words[name], name)
    return _coordinates(words, "place") if "lat" in words or "lon" in words else None


def _light(words: Mapping[str, Any], place: tuple[float, float] | None) -> LightRule | None:
    value = words.get("only", words.get("light"))
    if isinstance(value, dict):
        value = value.get("light") or value.get("only")
    if value is None:
        return None
    light = _word(Light, value, "only")
    if place is None:
        raise ScheduleInvalid(
            "nobody says where the sun is looked at", where="only", cure="give place: {lat, lon}"
        )
    return LightRule(light, *place)


def _missed(words: Mapping[str, Any]) -> tuple[MissedPolicy, float]:
    value = words.get("missed", words.get("missed_policy"))
    grace_s: object = words.get("grace_s")
    if isinstance(value, dict):
        named = _object(value, "missed", {"policy", "grace_s"})
        value, grace_s = named.get("policy"), named.get("grace_s", grace_s)
    policy = MissedPolicy.SKIP if value is None else _word(MissedPolicy, value, "missed")
    if grace_s is None:
        return policy, 0.0 if policy is MissedPolicy.RUN_ONCE else 1_800.0
    return policy, _number(grace_s, "missed.grace_s", 0, 366 * 86_400)


def _gates(value: object) -> WeatherGates | None:
    if value is None:
        return None
    names = {field.name for field in fields(WeatherGates)}
    named = _object(value, "gates", names)
    values: dict[str, Any] = {}
    for name, part in named.items():
        if name == "refuse_icing":
            values[name] = bool(part)
        elif part is not None:
            values[name] = _number(part, f"gates.{name}", -100, 1e6)
    return WeatherGates(**values)
