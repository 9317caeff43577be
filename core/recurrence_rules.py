"""RFC 5545 recurrence rules, as values: read, or refused with the part and the reason."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from enum import IntEnum
from functools import lru_cache

from core.errors import ScheduleInvalid

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
DAY_S = 86_400


class Frequency(IntEnum):
    """How long a period of a rule is."""

    YEARLY = 0
    MONTHLY = 1
    WEEKLY = 2
    DAILY = 3
    HOURLY = 4
    MINUTELY = 5
    SECONDLY = 6


@dataclass(frozen=True, slots=True)
class Rule:
    """One recurrence rule, its parts checked."""

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    """Last instant at which it may begin, UTC, where the rule names one."""
    week_start: int = 0
    """Weekday on which a week begins; 0 is Monday."""
    days: tuple[tuple[int, int], ...] = ()
    """Ordinal (0: every one) and weekday."""
    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    weeks: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    seconds: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether no BY part thins it or fills it up."""
        by_day = (self.days, self.months, self.month_days, self.year_days, self.weeks)
        return not any((*by_day, self.hours, self.minutes, self.seconds, self.positions))


@lru_cache(maxsize=512)
def read_rule(text: str, zone: tzinfo) -> Rule:
    """Returns the rule that a text such as `FREQ=WEEKLY;BYDAY=MO` holds.

    An UNTIL without `Z` counts on the wall clock of `zone`; a date includes its whole day.

    Raises:
        ScheduleInvalid: if it is no such rule; the message names the part.
    """
    parts: dict[str, str] = {}
    for piece in filter(None, text.strip().upper().removeprefix("RRULE:").split(";")):
        name, sign, value = piece.partition("=")
        name = name.strip()
        if not sign or not value.strip():
            raise _bad(text, f"{piece} is no NAME=VALUE", "write FREQ=DAILY;INTERVAL=2")
        if name in parts:
            raise _bad(text, f"{name} comes twice", "join its values with commas")
        parts[name] = value.strip()
    if unknown := parts.keys() - _KNOWN:
        raise _bad(text, f"no such part: {', '.join(sorted(unknown))}", "RFC 5545, 3.3.10 has all")
    word = parts.get("FREQ", "")
    if word not in Frequency.__members__:
        raise _bad(text, f"FREQ={word or '?'} is no frequency", f"one of {', '.join(_WORDS)}")

    def numbers(name: str, least: int, most: int, *, signed: bool = False) -> tuple[int, ...]:
        found = []
        for item in filter(None, parts.get(name, "").split(",")):
            value = _integer(item)
            size = abs(value) if signed and value is not None else value
            if value is None or size is None or not least <= size <= most:
                raise _bad(text, f"{name}={item} is not from {least} to {most}", "mend that part")
            found.append(value)
        return tuple(sorted(set(found)))

    interval = numbers("INTERVAL", 1, 1_000_000_000) or (1,)
    count = numbers("COUNT", 1, 1_000_000_000)
    if len(interval) > 1 or len(count) > 1:
        raise _bad(text, "INTERVAL and COUNT take one number", "give one")
    week_start = parts.get("WKST", "MO")
    if week_start not in _WEEKDAYS:
        raise _bad(text, f"WKST={week_start} is no weekday", f"one of {', '.join(_WEEKDAYS)}")
    rule = Rule(
        frequency=Frequency[word],
        interval=interval[0],
        count=count[0] if count else None,
        until=_until(text, parts["UNTIL"], zone) if "UNTIL" in parts else None,
        week_start=_WEEKDAYS.index(week_start),
        days=tuple(_day(text, item) for item in filter(None, parts.get("BYDAY", "").split(","))),
        months=numbers("BYMONTH", 1, 12),
        month_days=numbers("BYMONTHDAY", 1, 31, signed=True),
        year_days=numbers("BYYEARDAY", 1, 366, signed=True),
        weeks=numbers("BYWEEKNO", 1, 53, signed=True),
        hours=numbers("BYHOUR", 0, 23),
        minutes=numbers("BYMINUTE", 0, 59),
        seconds=numbers("BYSECOND", 0, 59),
        positions=numbers("BYSETPOS", 1, 366 * DAY_S, signed=True),
    )
    if any(ordinal for ordinal, _ in rule.days) and (
        rule.frequency > Frequency.MONTHLY or rule.weeks
    ):
        raise _bad(
            text,
            f"BYDAY={parts['BYDAY']} counts weekdays of a month or year, which {word} has not",
            "take FREQ=MONTHLY or YEARLY, or leave the number out",
        )
    if rule.positions and replace(rule, positions=()).plain:
        raise _bad(text, "BYSETPOS has no other BY part to choose from", "add one, such as BYDAY")
    return rule


_KNOWN = {
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYYEARDAY",
    "BYWEEKNO", "BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS",
}  # fmt: skip
_WORDS = tuple(Frequency.__members__)
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")


def _bad(rule: str, message: str, cure: str) -> ScheduleInvalid:
    return ScheduleInvalid(message, where=f"rrule {rule.strip()}"[:200], cure=cure)


def _integer(text: str) -> int | None:
    text = text.strip()
    return int(text) if re.fullmatch(r"[+-]?\d{1,10}", text, re.ASCII) else None


def _day(rule: str, text: str) -> tuple[int, int]:
    match = _DAY.fullmatch(text.strip())
    ordinal = int(match[1] or 0) if match else 0
    if not match or abs(ordinal) > 53 or (match[1] and ordinal == 0):
        raise _bad(rule, f"BYDAY={text} is no weekday", "write MO, or 1MO and -1FR in a month")
    return ordinal, _WEEKDAYS.index(match[2])


def _until(rule: str, text: str, zone: tzinfo) -> datetime:
    plain = text.replace("-", "").replace(":", "")
    try:
        if len(plain) == 8:
            last = datetime.strptime(plain, "%Y%m%d")  # noqa: DTZ007
            local = last.replace(hour=23, minute=59, second=59, tzinfo=zone, fold=1)
            return _in_utc(rule, local)
        at = datetime.strptime(plain.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise _bad(
            rule, f"UNTIL={text} is no date or time", "write 20261231T235959Z or 20261231"
        ) from None
    return _in_utc(rule, at.replace(tzinfo=UTC if plain.endswith("Z") else zone))


def _in_utc(rule: str, local: datetime) -> datetime:
    try:
        return local.astimezone(UTC)
    except OverflowError:
        raise _bad(
            rule, "UNTIL is beyond the calendar", "leave UNTIL out where it never ends"
        ) from None
