"""Schedule files and lists of occurrences, as verbs read and write them."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from itertools import islice
from pathlib import Path

from core.errors import ScheduleInvalid, SourceMissing, TooLarge, UsageError
from core.instants import FIRST, LAST, moved
from missions.schedules import Occurrence, Skipped, Timetable
from missions.scheduling.occurrences import Listing, listed
from missions.scheduling.schedule_file import ScheduleFile, read_schedule
from station.wiring import day_calendar

LISTED_MOST = 500_000
_BEFORE_MOST = 500_000
"""Of those that began before the stretch and may still go on in it."""
_SHOWN_MOST = 60


def read_schedule_file(file: Path) -> ScheduleFile:
    """Returns the schedule in a file.

    Raises:
        SourceMissing: if there is no such file.
        ScheduleInvalid: if it can't be read or makes no sense.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SourceMissing("no such file", where=str(file), cure="check the path") from None
    except (UnicodeDecodeError, IsADirectoryError):
        raise ScheduleInvalid(
            "is no text", where=str(file), cure="give JSON or iCalendar"
        ) from None
    return read_schedule(text, where=str(file))


def instant_of(text: str, zone: tzinfo, where: str) -> datetime:
    """Returns the instant (UTC) of an ISO 8601 date or time; those without an offset are local.

    The first and last days of the calendar are cut off: some zone could not tell them.

    Raises:
        UsageError: if it is none.
    """
    try:
        at = datetime.fromisoformat(text.strip())
        if at.year in (FIRST.year, LAST.year):  # their ends may be of no instant in UTC
            at = at.replace(tzinfo=UTC)
        elif at.tzinfo is None:
            at = at.replace(tzinfo=zone)
        return min(max(at.astimezone(UTC), FIRST), LAST)
    except ValueError:
        raise UsageError(
            f"{text!r:.40} is no date or time",
            where=where,
            cure="write 2026-03-01, 2026-03-01T08:00 or 2026-03-01T08:00+05:00",
        ) from None


def bounded(timetable: Timetable, start: datetime, end: datetime) -> Listing:
    """Returns what is due in [start, end).

    Raises:
        TooLarge: if that is more than can be listed at once.
    """
    recurrence = timetable.recurrence
    before = recurrence.candidates(moved(start, -recurrence.reach), start)
    candidates = recurrence.candidates(start, end)
    if _are_more(candidates, LISTED_MOST) or _are_more(before, _BEFORE_MOST):
        raise TooLarge(
            f"more than {LISTED_MOST:,} times lie between --from and --to",
            where=recurrence.rrule,
            cure="ask for a shorter stretch",
        )
    return listed(timetable, start, end, day_calendar())


def _are_more(candidates: Iterator[object], most: int) -> bool:
    return next(islice(candidates, most, None), None) is not None


def occurrence_document(one: Occurrence, zone: tzinfo) -> dict[str, object]:
    """Returns an occurrence in the words of the command line, in local time and UTC."""
    document: dict[str, object] = {
        "start": one.start.astimezone(zone).isoformat(),
        "end": one.end.astimezone(zone).isoformat(),
        "start_utc": one.start,
        "end_utc": one.end,
    }
    if one.moved_from is not None:
        document["moved_from"] = one.moved_from.astimezone(zone).isoformat()
    return document


def skipped_document(one: Skipped, zone: tzinfo) -> dict[str, object]:
    """Returns what was left out, and why."""
    start = one.start.astimezone(zone).isoformat()
    return {"start": start, "start_utc": one.start, "reason": one.reason, "note": one.note}


def occurrences_text(kept: list[Occurrence], skipped: tuple[Skipped, ...], zone: tzinfo) -> str:
    """Returns the list as a person reads it."""
    lines = []
    for one in kept[:_SHOWN_MOST]:
        length = one.end - one.start
        moved = f", moved from {one.moved_from.astimezone(zone):%a %d %b}" if one.moved_from else ""
        lines.append(f"{one.start.astimezone(zone):%a %Y-%m-%d %H:%M %z}  for {length}{moved}")
    if len(kept) > _SHOWN_MOST:
        lines.append(f"... and {len(kept) - _SHOWN_MOST} more")
    for left_out in skipped[:_SHOWN_MOST]:
        note = f" ({left_out.note})" if left_out.note else ""
        at = f"{left_out.start.astimezone(zone):%a %Y-%m-%d %H:%M %z}"
        lines.append(f"{at}  left out: {left_out.reason}{note}")
    lines.append(f"{len(kept)} occurrences, {len(skipped)} left out")
    return "\n".join(lines)
