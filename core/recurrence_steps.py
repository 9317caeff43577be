"""Follows recurrence rules on the wall clock.

An expansion never looks beyond the stretch that is asked for and starts where that begins, so
a rule by the second that began years ago costs no more than a young one, and a rule that can't
come true (30 February) ends instead of searching on to the year 9999.
"""

from bisect import bisect_left
from calendar import isleap, monthrange
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice, product
from math import gcd

from core.errors import ScheduleInvalid
from core.recurrence_rules import DAY_S, Frequency, Rule

STEPS_MOST = 1_000_000
"""Periods that one expansion may look at; what needs more is refused."""
CYCLE_YEARS = 400
"""After so many years the Gregorian calendar repeats, weekdays included."""

_UNIT_S = {Frequency.HOURLY: 3600, Frequency.MINUTELY: 60, Frequency.SECONDLY: 1}
_STEP = {
    Frequency.WEEKLY: timedelta(weeks=1),
    Frequency.DAILY: timedelta(days=1),
    **{frequency: timedelta(seconds=unit_s) for frequency, unit_s in _UNIT_S.items()},
}


def expand(rule: Rule, first: datetime, low: datetime, high: datetime) -> Iterator[datetime]:
    """Yields the wall times in [low, high] at which a rule begins, in order.

    UNTIL is not looked at: that is an instant and needs the zone.

    Args:
        rule: what recurs.
        first: wall time of DTSTART, from which periods and COUNT are counted.
        low: earliest wall time wanted.
        high: latest wall time wanted.

    Raises:
        ScheduleInvalid: if more than `STEPS_MOST` periods would have to be looked at.
    """
    first = first.replace(microsecond=0)
    whole = _defaults(_coarser(rule), first)
    if rule.count is not None and rule.plain and rule.frequency in _STEP:
        last = (rule.count - 1) * rule.interval * _STEP[rule.frequency].total_seconds()
        if last < (high - first).total_seconds():
            high = first + timedelta(seconds=last)
        whole = replace(whole, count=None)
    counted = whole.count is not None
    periods = _sets(whole, first, first if counted else max(low, first), high)
    walls = (wall for period in periods for wall in period if first <= wall <= high)
    yield from (wall for wall in islice(walls, whole.count) if wall >= low)


def ever_begins(rule: Rule, first: datetime) -> datetime | None:
    """Returns the first wall time at which a rule begins, or `None` if it never does.

    Looks at one whole cycle of the calendar; UNTIL is not looked at.
    """
    unit_s = _UNIT_S.get(rule.frequency)
    if unit_s is not None and not _time_is_met(rule, first, unit_s):
        return None
    places = max(1, len(rule.minutes)) * max(1, len(rule.seconds))
    if unit_s is not None and rule.positions and min(map(abs, rule.positions)) > places:
        return None
    last = datetime(min(first.year + CYCLE_YEARS, 9998), 12, 31)  # noqa: DTZ001
    return next(expand(replace(rule, count=None), first, first, last), None)


def _time_is_met(rule: Rule, first: datetime, unit_s: int) -> bool:
    """Says whether the steps of a rule within a day ever meet its hours, minutes and seconds."""
    second_of_day = first.hour * 3600 + first.minute * 60 + first.second
    step_s = gcd(rule.interval * unit_s, DAY_S)
    for at_s in range(second_of_day % step_s, DAY_S, step_s):
        hour, minute, second = at_s // 3600, at_s // 60 % 60, at_s % 60
        if (
            (not rule.hours or hour in rule.hours)
            and (not rule.minutes or unit_s > 60 or minute in rule.minutes)
            and (not rule.seconds or unit_s > 1 or second in rule.seconds)
        ):
            return True
    return False


def _coarser(rule: Rule) -> Rule:
    """Returns the same rule in the longest period that says it, which takes fewer steps."""
    frequency = rule.frequency
    if rule.interval == 1 and not rule.positions:
        for finer, named in (("SECONDLY", rule.seconds), ("MINUTELY", rule.minutes),
                             ("HOURLY", rule.hours)):  # fmt: skip
            if frequency is Frequency[finer] and named:
                frequency = Frequency(frequency - 1)
    return replace(rule, frequency=frequency)


def _defaults(rule: Rule, first: datetime) -> Rule:
    """Returns the rule with what it leaves to DTSTART filled in."""
    by_day = rule.days or rule.month_days or rule.year_days or rule.weeks
    if not by_day and rule.frequency is Frequency.YEARLY:
        rule = replace(rule, months=rule.months or (first.month,), month_days=(first.day,))
    elif not by_day and rule.frequency is Frequency.MONTHLY:
        rule = replace(rule, month_days=(first.day,))
    elif not by_day and rule.frequency is Frequency.WEEKLY:
        rule = replace(rule, days=((0, first.weekday()),))
    if rule.frequency < Frequency.HOURLY:
        rule = replace(rule, hours=rule.hours or (first.hour,))
    if rule.frequency < Frequency.MINUTELY:
        rule = replace(rule, minutes=rule.minutes or (first.minute,))
    if rule.frequency < Frequency.SECONDLY:
        rule = replace(rule, seconds=rule.seconds or (first.second,))
    return rule


def _sets(
    rule: Rule, first: datetime, low: datetime, high: datetime
) -> Iterator[Sequence[datetime]]:
    """Yields what each period from the one that holds `low` on holds, in order."""
    if rule.frequency >= Frequency.HOURLY:
        sets = _short_sets(rule, first, low, high)
    else:
        sets = _long_sets(rule, first, low, high)
    if not rule.positions:
        yield from sets
        return
    for whole in sets:
        size = len(whole)
        places = {p - 1 if p > 0 else size + p for p in rule.positions}
        yield [whole[place] for place in sorted(places) if 0 <= place < size]


def _long_sets(
    rule: Rule, first: datetime, low: datetime, high: datetime
) -> Iterator[Sequence[datetime]]:
    times = [
        timedelta(hours=h, minutes=m, seconds=s)
        for h, m, s in product(rule.hours, rule.minutes, rule.seconds)
    ]
    matches = _day_filter(rule)
    for days in _day_periods(rule, first.date(), low.date(), high.date()):
        midnights = [datetime(d.year, d.month, d.day) for d in days if matches(d)]  # noqa: DTZ001
        yield [midnight + time for midnight in midnights for time in times]


def _day_periods(rule: Rule, first: date, low: date, high: date) -> Iterator[Sequence[date]]:
    """Yields the days of each period, until one begins after `high`."""
    interval = rule.interval
    for step in range(STEPS_MOST):
        if rule.frequency is Frequency.YEARLY:
            skipped = max(0, low.year - first.year) // interval
            year = first.year + (skipped + step) * interval
            if year > high.year:
                return
            yield _days_of_year(year, rule.months)
            continue
        if rule.frequency is Frequency.MONTHLY:
            begun = first.year * 12 + first.month - 1
            skipped = max(0, low.year * 12 + low.month - 1 - begun) // interval
            year, month = divmod(begun + (skipped + step) * interval, 12)
            if (year, month + 1) > (high.year, high.month):
                return
            yield _days_of_month(year, month + 1)
            continue
        length = 7 if rule.frequency is Frequency.WEEKLY else 1
        begin = first.toordinal()
        if length == 7:
            begin -= (first.weekday() - rule.week_start) % 7
        skipped = max(0, low.toordinal() - begin) // (interval * length)
        day = begin + (skipped + step) * interval * length
        if day > high.toordinal():
            return
        # days before DTSTART are no part of the first week, which BYSETPOS can tell
        yield [date.fromordinal(d) for d in range(max(day, first.toordinal()), day + length)]
    raise _too_much()


def _short_sets(
    rule: Rule, first: datetime, low: datetime, high: datetime
) -> Iterator[Sequence[datetime]]:
    unit_s = _UNIT_S[rule.frequency]
    step = timedelta(seconds=unit_s * rule.interval)
    base = first.replace(
        minute=first.minute if unit_s <= 60 else 0, second=first.second if unit_s == 1 else 0
    )
    matches, seen, fits = _day_filter(rule), date.min, False
    seconds = rule.seconds if unit_s > 1 else (0,)
    minutes = rule.minutes if unit_s > 60 else (0,)
    inside = [timedelta(minutes=m, seconds=s) for m, s in product(minutes, seconds)]
    k = max(0, (low - timedelta(seconds=unit_s) - base) // step)
    for _ in range(STEPS_MOST):
        if k * step > high - base:
            return
        at = base + k * step
        if at.date() != seen:
            seen, fits = at.date(), matches(at.date())
        if not fits:  # on to the next day
            resume = datetime(at.year, at.month, at.day) + timedelta(days=1)  # noqa: DTZ001
        elif rule.hours and at.hour not in rule.hours:
            resume = at.replace(minute=0, second=0) + timedelta(hours=1)
        elif unit_s <= 60 and rule.minutes and at.minute not in rule.minutes:
            resume = at.replace(second=0) + timedelta(minutes=1)
        elif unit_s == 1 and rule.seconds and at.second not in rule.seconds:
            resume = at + timedelta(seconds=1)
        else:
            yield [at + part for part in inside]
            k += 1
            continue
        k = -((base - resume) // step)  # rounded up
    raise _too_much()


def _too_much() -> ScheduleInvalid:
    return ScheduleInvalid(
        f"the rule would take more than {STEPS_MOST:,} steps to follow",
        cure="take a longer period, or UNTIL instead of COUNT",
    )


@lru_cache(maxsize=64)
def _days_of_month(year: int, month: int) -> tuple[date, ...]:
    return tuple(date(year, month, day + 1) for day in range(monthrange(year, month)[1]))


def _days_of_year(year: int, months: tuple[int, ...]) -> list[date]:
    return [day for month in months or range(1, 13) for day in _days_of_month(year, month)]


def _day_filter(rule: Rule) -> Callable[[date], bool]:
    """Returns what says whether a day has what a rule asks of days."""
    plain = {weekday for ordinal, weekday in rule.days if not ordinal}
    counted = {(ordinal, weekday) for ordinal, weekday in rule.days if ordinal}
    in_year = rule.frequency is Frequency.YEARLY and not rule.months

    def matches(day: date) -> bool:
        if rule.months and day.month not in rule.months:
            return False
        if rule.days and day.weekday() not in plain:
            if not counted or not _is_counted(day, counted, in_year=in_year):
                return False
        if rule.month_days and day.day not in rule.month_days:
            if day.day - monthrange(day.year, day.month)[1] - 1 not in rule.month_days:
                return False
        if rule.year_days:
            number = day.timetuple().tm_yday
            length = 366 if isleap(day.year) else 365
            if number not in rule.year_days and number - length - 1 not in rule.year_days:
                return False
        return not rule.weeks or _in_weeks(day, rule.weeks, rule.week_start)

    return matches


def _is_counted(day: date, counted: set[tuple[int, int]], *, in_year: bool) -> bool:
    if in_year:
        number, length = day.timetuple().tm_yday, 366 if isleap(day.year) else 365
    else:
        number, length = day.day, monthrange(day.year, day.month)[1]
    weekday = day.weekday()
    from_end = -((length - number) // 7 + 1)
    return ((number - 1) // 7 + 1, weekday) in counted or (from_end, weekday) in counted


def _in_weeks(day: date, weeks: tuple[int, ...], week_start: int) -> bool:
    starts = [_first_week(day.year + offset, week_start) for offset in (-1, 0, 1, 2)]
    at = bisect_left(starts, day.toordinal() + 1) - 1
    number = (day.toordinal() - starts[at]) // 7 + 1
    total = (starts[at + 1] - starts[at]) // 7
    return number in weeks or number - total - 1 in weeks


@lru_cache(maxsize=4096)
def _first_week(year: int, week_start: int) -> int:
    """Returns the day on which week 1 begins: the first with at least four days in the year."""
    fourth = date(year, 1, 4)
    return fourth.toordinal() - (fourth.weekday() - week_start) % 7
