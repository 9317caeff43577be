"""The occurrences of a timetable in a stretch of time, and what was left out, and why."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice

from core.errors import ScheduleNeverFires
from core.instants import moved
from missions.ports import DayCalendar
from missions.schedules import (
    HolidayMode,
    HolidayRule,
    Light,
    LightRule,
    Occurrence,
    Skipped,
    SkipReason,
    SunRule,
    Timetable,
)

_LIT_MOST = timedelta(days=366)
SHIFT_MOST_DAYS = 31
"""Furthest that holidays may move an occurrence."""
_TRIES_LEAST, _TRIES_MOST = 4_000, 400_000
_SPAN_LEAST, _SPAN_MOST = timedelta(days=366 * 2), timedelta(days=366 * 30)
"""How many times, and for how long, a timetable may leave out all before it never fires."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What is due in a stretch of time, and what is left out, each in order."""

    occurrences: tuple[Occurrence, ...]
    skipped: tuple[Skipped, ...]


def occurrences(
    timetable: Timetable, start: datetime, end: datetime, days: DayCalendar
) -> Iterator[Occurrence | Skipped]:
    """Yields what begins in [start, end) in order, and what is left out there.

    Args:
        timetable: when something is due.
        start: first instant looked at.
        end: first instant not looked at.
        days: knows holidays and the sun.

    Raises:
        ScheduleInvalid: if the country or region is unknown.
    """
    slack = timedelta(days=2) if timetable.sun else timedelta(0)
    shifts = timetable.holidays and timetable.holidays.mode is HolidayMode.SHIFT_TO_NEXT_WORKDAY
    back = slack + timedelta(days=SHIFT_MOST_DAYS if shifts else 0)
    recurrence = timetable.recurrence
    judge = _Judge(timetable, days)
    # what is moved comes later than what it was moved from; nothing is given out before
    # everything that may precede it is known
    waiting: list[tuple[datetime, int, Occurrence | Skipped]] = []
    last: list[datetime | None] = [None]
    number = 0

    def ready(until: datetime | None) -> Iterator[Occurrence | Skipped]:
        while waiting and (until is None or waiting[0][0] < until):
            _, _, found = heapq.heappop(waiting)
            if not start <= found.start < end:
                continue
            if isinstance(found, Occurrence):
                if found.start == last[0]:
                    if found.moved_from is None:  # a moved one is told of as a holiday already
                        yield Skipped(found.start, SkipReason.SAME_TIME)
                    continue
                last[0] = found.start
            yield found

    for at, excluded in recurrence.candidates(moved(start, -back), moved(end, slack)):
        for found in judge.judged(at, excluded=excluded):
            number += 1
            was_moved = isinstance(found, Occurrence) and found.moved_from is not None
            heapq.heappush(waiting, (found.start, number + (1 << 40) * was_moved, found))
        yield from ready(moved(at, -slack))
    yield from ready(None)


def listed(timetable: Timetable, start: datetime, end: datetime, days: DayCalendar) -> Listing:
    """Returns what shares an instant with [start, end), and what is left out there.

    Raises:
        ScheduleInvalid: if the country or region is unknown.
    """
    kept: list[Occurrence] = []
    skipped: list[Skipped] = []
    reach = timetable.recurrence.reach
    for found in occurrences(timetable, moved(start, -reach), end, days):
        if isinstance(found, Skipped):
            if found.start >= start:
                skipped.append(found)
        elif found.end > start or found.start >= start:
            kept.append(found)
    return Listing(tuple(kept), tuple(skipped))


def first_occurrence(timetable: Timetable, days: DayCalendar) -> Occurrence:
    """Returns the first occurrence there ever is.

    Raises:
        ScheduleNeverFires: if there is none; the message says why.
        ScheduleInvalid: if the country or region is unknown.
    """
    begin = timetable.recurrence.first()
    begin = moved(begin, -timedelta(days=2)) if timetable.sun else begin
    reasons: dict[SkipReason, int] = {}
    tries = occurrences(timetable, begin, moved(begin, _SPAN_MOST), days)
    for number, found in enumerate(islice(tries, _TRIES_MOST)):
        if isinstance(found, Occurrence):
            return found
        reasons[found.reason] = reasons.get(found.reason, 0) + 1
        if number >= _TRIES_LEAST and found.start - begin > _SPAN_LEAST:
            break
    told = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
    raise ScheduleNeverFires(
        f"none of its first {sum(reasons.values())} times is left ({told})",
        cure="loosen the rule, the exceptions, the holidays or the light that it asks for",
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    timetable: Timetable
    days: DayCalendar

    def judged(self, at: datetime, *, excluded: bool) -> Iterator[Occurrence | Skipped]:
        """Yields what becomes of one time that the recurrence gives."""
        recurrence, zone = self.timetable.recurrence, self.timetable.recurrence.zone
        if excluded:
            yield Skipped(at, SkipReason.EXDATE)
            return
        day, moved_from = at.astimezone(zone).date(), None
        if (holidays := self.timetable.holidays) is not None:
            name = self.days.holiday(holidays.country, holidays.subdivision, day)
            if holidays.mode is HolidayMode.ONLY:
                if not name:
                    yield Skipped(at, SkipReason.NOT_HOLIDAY)
                    return
            elif name:
                yield Skipped(at, SkipReason.HOLIDAY, name)
                if holidays.mode is HolidayMode.SKIP:
                    return
                day, moved_from = self._next_workday(holidays, day), at
                at = _on_day(at, day, zone)
        if (sun := self.timetable.sun) is not None:
            begin = self._with_sun(sun, day, zone)
            if begin is None:
                yield Skipped(at, SkipReason.NO_SUN_EVENT)
                return
            at = begin
        end = recurrence.end_of(at)
        if (light := self.timetable.light) is not None and not self._passes(light, at, end):
            dark = light.light is Light.DAYLIGHT
            yield Skipped(at, SkipReason.DARK if dark else SkipReason.DAYLIGHT)
            return
        yield Occurrence(at, end, moved_from)

    def _next_workday(self, rule: HolidayRule, day: date) -> date:
        for later in range(1, SHIFT_MOST_DAYS):
            candidate = day + timedelta(days=later)
            if self.days.is_workday(rule.country, rule.subdivision, candidate):
                return candidate
        return day

    def _with_sun(self, rule: SunRule, day: date, zone: tzinfo) -> datetime | None:
        at = self.days.sun(rule.lat_deg, rule.lon_deg, rule.event, day, zone)
        return None if at is None else moved(at, timedelta(seconds=rule.offset_s))

    def _passes(self, rule: LightRule, start: datetime, end: datetime) -> bool:
        wanted = rule.light is Light.DAYLIGHT
        return all(
            self.days.is_daylight(rule.lat_deg, rule.lon_deg, at) is wanted
            for at in _looks(start, end)
        )


def _on_day(at: datetime, day: date, zone: tzinfo) -> datetime:
    wall = datetime.combine(day, at.astimezone(zone).time())
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _looks(start: datetime, end: datetime) -> Iterator[datetime]:
    """Yields the instants at which an occurrence is held against the light, each hour of it."""
    at, step = start, timedelta(hours=1)
    while at < end or at == start:
        yield at
        at = moved(at, step)  # a night may lie between two days
        if at - start > _LIT_MOST:  # even beyond the polar circles the sun has set and risen
            return
    if end > start:
        yield end - timedelta(microseconds=1)
