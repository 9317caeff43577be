"""Times that come again: RFC 5545 recurrence in a named time zone.

The clock on the wall is what recurs: 08:00 stays 08:00 across daylight saving. A wall time
that a spring change skips counts by the offset before the gap, one that an autumn change
repeats is the first of the two (RFC 5545, 3.3.5). The start counts as the first occurrence
even where the rule alone would not give it (3.8.5.3), unless UNTIL lies before it.
"""

import difflib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

from core.errors import ScheduleInvalid, ScheduleNeverFires
from core.instants import FIRST, moved
from core.recurrence_rules import Rule, read_rule
from core.recurrence_steps import ever_begins, expand

_SLACK = timedelta(days=2)
"""More than any change of offset, so that wall time and instant can be compared roughly."""
_TURN = timedelta(hours=25)
"""The most that wall clocks were ever turned at once, and an hour."""
_EARLIEST, _LATEST = datetime(1, 1, 4), datetime(9998, 12, 28)  # noqa: DTZ001
_LONGEST = timedelta(days=3_660_000)
"""As long as the calendar, whose ends some write for always."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, half open: `start` belongs to it, `end` does not."""

    start: datetime
    end: datetime


@lru_cache(maxsize=128)
def zone_named(name: str) -> tzinfo:
    """Returns the time zone of an IANA name, or of a fixed offset such as `+05:00`.

    Raises:
        ScheduleInvalid: if there is none; the message names those that are written alike.
    """
    try:
        if name[:1] in ("+", "-"):
            return datetime.strptime(name, "%z").tzinfo or UTC
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        known = available_timezones()
        last = {zone.rpartition("/")[2].lower(): zone for zone in known}
        asked = name.rpartition("/")[2].lower().replace(" ", "_")
        near = [last[word] for word in difflib.get_close_matches(asked, last, n=2)]
        raise ScheduleInvalid(
            f"no time zone is named {name!r:.80}",
            where="tzid",
            cure=f"write an IANA name such as {' or '.join(near) or 'Asia/Almaty'}",
        ) from None


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When something happens, once or again and again."""

    start: datetime
    """Instant of the first occurrence."""
    duration: timedelta
    time_zone: str = "UTC"
    """IANA name of the zone whose wall clock recurs, such as `Asia/Almaty`."""
    rrule: str = ""
    """RFC 5545 rule without its name, such as `FREQ=WEEKLY;BYDAY=MO,TU`; empty means once.
    Several rules, one a line, are joined."""
    rdates: tuple[datetime, ...] = ()
    """Instants at which it begins besides."""
    exdates: tuple[datetime, ...] = ()
    """Instants at which it would begin, but does not."""
    exdays: tuple[str, ...] = ()
    """Days of the zone's calendar, such as `2026-12-16`, on which it does not begin."""
    nominal_days: int = 0
    """Days of the calendar that an occurrence lasts before `duration` is added to them."""

    def __post_init__(self) -> None:
        """Refuses what can't recur.

        Raises:
            ScheduleInvalid: if an instant has no offset or lies at an end of the calendar, the
                length is negative or longer than the calendar, or the time zone, a rule or a day
                can't be read.
        """
        for at in (self.start, *self.rdates, *self.exdates):
            if at.tzinfo is None:
                raise ScheduleInvalid(
                    "a time without its offset", where=at.isoformat(), cure="name the time zone"
                )
            if not FIRST <= at <= _LATEST.replace(tzinfo=UTC):
                raise ScheduleInvalid(
                    "nothing begins at an end of the calendar",
                    where=at.isoformat(),
                    cure="mend the year",
                )
        if self.duration < timedelta(0) or self.nominal_days < 0:
            raise ScheduleInvalid(
                "an occurrence ends before it begins", where="duration", cure="mend its length"
            )
        if max(self.duration, timedelta(days=min(self.nominal_days, 10**8))) > _LONGEST:
            raise ScheduleInvalid(
                "an occurrence lasts longer than the calendar",
                where="duration",
                cure="mend its length",
            )
        for day in self.exdays:
            try:
                date.fromisoformat(day)
            except ValueError:
                raise ScheduleInvalid(
                    f"{day!r:.40} is no day", where="exdays", cure="write it as 2026-12-16"
                ) from None
        _ = self.rules

    @property
    def zone(self) -> tzinfo:
        """The time zone whose wall clock recurs."""
        return zone_named(self.time_zone)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Its rules, read."""
        zone = self.zone
        return tuple(read_rule(line, zone) for line in self.rrule.splitlines() if line.strip())

    def begins(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yields the instants (UTC) in [start, end) at which it begins, in order."""
        for at, excluded in self.candidates(start, end):
            if not excluded:
                yield at

    def candidates(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, bool]]:
        """Yields the instants (UTC) in [start, end) that rules and dates give, in order.

        Each comes with whether an exception takes it out.
        """
        zone = self.zone
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        excluded = {at.astimezone(UTC) for at in self.exdates}
        exdays = set(self.exdays)
        before: datetime | None = None
        for at in self._instants(start, end):
            if at >= end:
                return
            if at < start or at == before:
                continue
            before = at
            local_day = at.astimezone(zone).date().isoformat() if exdays else ""
            yield at, at in excluded or local_day in exdays

    def spans(self, start: datetime, end: datetime) -> Iterator[Span]:
        """Yields the occurrences (UTC) that share an instant with [start, end), in order."""
        for at in self.begins(moved(start, -self.reach), end):
            until = self.end_of(at)
            if until > start or (until == at and at >= start):
                yield Span(at, until)

    def end_of(self, begin: datetime) -> datetime:
        """Returns the instant (UTC) at which an occurrence that begins at `begin` ends.

        What would end after the calendar ends with it.
        """
        roughly = moved(begin, self.reach)
        if not self.nominal_days or roughly.year >= _LATEST.year:
            return roughly
        zone = self.zone
        wall = begin.astimezone(zone).replace(tzinfo=None) + timedelta(days=self.nominal_days)
        return wall.replace(tzinfo=zone).astimezone(UTC) + self.duration

    @property
    def reach(self) -> timedelta:
        """The longest that an occurrence may last."""
        if not self.nominal_days:
            return self.duration
        return self.duration + timedelta(days=self.nominal_days) + _SLACK

    def covers(self, at: datetime) -> bool:
        """Returns whether an occurrence holds at an instant."""
        return next(self.spans(at, moved(at, timedelta(microseconds=1))), None) is not None

    def first(self) -> datetime:
        """Returns the instant (UTC) of the first occurrence.

        Raises:
            ScheduleNeverFires: if there is none; the message says why.
        """
        rules, wall = self.rules, self._wall(self.start)
        reasons = [reason for rule in rules if (reason := self._why_never(rule, wall))]
        if reasons and len(reasons) == len(rules) and not self.rdates:
            message, cure = reasons[0]
            raise ScheduleNeverFires(message, where=f"rrule {self.rrule}", cure=cure)
        begin = min((self.start, *self.rdates))
        # so many exceptions can't take out more instants than this
        end = datetime(9998, 12, 1, tzinfo=UTC)
        tries = self.candidates(begin, end)
        most = len(self.exdates) + 1 + 86_400 * len(self.exdays)
        for at, excluded in islice(tries, most):
            if not excluded:
                return at
        raise ScheduleNeverFires(
            "its exceptions take out every occurrence",
            where="exdate",
            cure="leave one of the exceptions out, or let the rule go on for longer",
        )

    def _why_never(self, rule: Rule, wall: datetime) -> tuple[str, str] | None:
        """Returns why a rule gives no occurrence, and the cure; `None` where it gives one."""
        zone, until = self.zone, rule.until
        if until is not None and until < self.start:
            return (
                f"its UNTIL ({_local(until, zone)}) lies before its start "
                f"({_local(self.start, zone)})",
                "put UNTIL after the start, or leave it out",
            )
        met = ever_begins(rule, wall)
        if met is None:
            return (
                "no day and time of the calendar is what the rule asks for",
                "see that its BY parts and INTERVAL can meet, such as a day that the month has",
            )
        at = met.replace(tzinfo=zone)
        if until is not None and at > until:
            return (
                f"it would begin first at {_local(at, zone)}, after its UNTIL "
                f"({_local(until, zone)})",
                "put UNTIL later",
            )
        return None

    def _wall(self, at: datetime) -> datetime:
        return at.astimezone(self.zone).replace(tzinfo=None)

    def _instants(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yields instants about [start, end) in order, some twice."""
        zone = self.zone
        first = self._wall(self.start).replace(microsecond=0)
        start, end = _within(start), _within(end)
        low = max(self._wall(start) - _slack(start, zone), _EARLIEST)
        high = min(self._wall(end) + _slack(end, zone), _LATEST)
        rules = self.rules
        streams = [_in_order(expand(rule, first, low, high), zone, rule.until) for rule in rules]
        # what a rule gives falls on whole seconds; a date by itself keeps its parts of one
        dates = [at.astimezone(UTC) for at in self.rdates]
        begun = self.start.astimezone(UTC)
        if rules:
            dates, begun = [at.replace(microsecond=0) for at in dates], begun.replace(microsecond=0)
        if not rules or any(rule.until is None or begun <= rule.until for rule in rules):
            dates.append(begun)
        yield from heapq.merge(*streams, sorted(dates))


def _in_order(
    walls: Iterator[datetime], zone: tzinfo, until: datetime | None
) -> Iterator[datetime]:
    """Yields the instants of wall times, in their own order, as far as `until`.

    About a change of offset a later wall time may be an earlier instant.
    """
    waiting: list[datetime] = []
    calm_until = datetime.min  # noqa: DTZ901
    stop = None if until is None else moved(until, _SLACK)
    for wall in walls:
        local = wall.replace(tzinfo=zone)
        at = local.astimezone(UTC)
        if wall > calm_until and _is_calm(local):
            calm_until = wall + _TURN
        if stop is not None and at > stop:
            break
        if until is None or at <= until:
            heapq.heappush(waiting, at)
        while waiting and (wall <= calm_until or waiting[0] < at - _SLACK):
            yield heapq.heappop(waiting)
    yield from sorted(waiting)


def _is_calm(local: datetime) -> bool:
    """Returns whether no clock is turned from a day before a wall time to two days after it."""
    offset = local.utcoffset()
    return (local - _TURN).utcoffset() == offset == (local + 2 * _TURN).utcoffset()


def _slack(at: datetime, zone: tzinfo) -> timedelta:
    """Returns how far wall times may be out of order about an instant."""
    offsets = {(at + shift).astimezone(zone).utcoffset() for shift in (-_TURN, 0 * _TURN, _TURN)}
    return timedelta(0) if len(offsets) == 1 else _SLACK


def _within(at: datetime) -> datetime:
    """Returns an instant that can be counted in any zone without leaving the calendar."""
    low, high = _EARLIEST.replace(tzinfo=UTC), _LATEST.replace(tzinfo=UTC)
    return min(max(at, low), high)


def _local(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).isoformat(timespec="minutes")
