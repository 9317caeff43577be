"""Times that come again: RFC 5545 recurrence in a named time zone.

The clock on the wall is what recurs: 08:00 stays 08:00 across daylight saving. A wall time
that a spring change skips counts by the offset before the gap, one that an autumn change
repeats is the first of the two (RFC 5545, 3.3.5).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, half open: `start` belongs to it, `end` does not."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When something happens, once or again and again."""

    start: datetime
    """Instant of the first occurrence."""
    duration: timedelta
    time_zone: str = "UTC"
    """IANA name of the zone whose wall clock recurs, such as `Asia/Almaty`."""
    rrule: str = ""
    """RFC 5545 rule without its name, such as `FREQ=WEEKLY;BYDAY=MO,TU`; empty means once."""
    rdates: tuple[datetime, ...] = ()
    """Instants at which it begins besides."""
    exdates: tuple[datetime, ...] = ()
    """Instants at which it would begin, but does not."""

    def begins(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yields the instants (UTC) in [start, end) at which it begins, in order."""
        zone = ZoneInfo(self.time_zone)
        first = self.start.astimezone(zone).replace(tzinfo=None)
        local_from = start.astimezone(zone).replace(tzinfo=None) - timedelta(days=2)
        local_to = end.astimezone(zone).replace(tzinfo=None) + timedelta(days=2)
        if self.rrule:
            rule = rrulestr(self.rrule, dtstart=first, ignoretz=True)
            walls = rule.xafter(local_from, inc=True)
        else:
            walls = (wall for wall in [first])
        excluded = {at.astimezone(UTC) for at in self.exdates}
        found: set[datetime] = set()
        for wall in walls:
            if wall > local_to:
                break
            found.add(wall.replace(tzinfo=zone, fold=0).astimezone(UTC))
        found |= {at.astimezone(UTC) for at in self.rdates}
        yield from sorted(at for at in found - excluded if start <= at < end)

    def spans(self, start: datetime, end: datetime) -> Iterator[Span]:
        """Yields the occurrences (UTC) that share an instant with [start, end), in order."""
        for at in self.begins(start - self.duration, end):
            if at + self.duration > start or (self.duration == timedelta(0) and at >= start):
                yield Span(at, at + self.duration)

    def covers(self, at: datetime) -> bool:
        """Returns whether an occurrence holds at an instant."""
        return next(self.spans(at, at + timedelta(microseconds=1)), None) is not None
