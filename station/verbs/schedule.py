"""`qyran schedule`: when patrols are due; keeps schedules and shows what became of them."""

from datetime import UTC, datetime, tzinfo
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from core.errors import ScheduleInvalid, SourceMissing, TooLarge, UsageError
from missions.occurrences import Listing, first_occurrence, listed
from missions.schedule_file import ScheduleFile, read_schedule
from missions.schedules import Occurrence, Skipped, Timetable
from station.command import Run, verb
from station.wiring import day_calendar

LISTED_MOST = 500_000
_SHOWN_MOST = 60

File = Annotated[
    Path, typer.Argument(metavar="SCHEDULE", help="JSON or iCalendar; see the guide on schedules.")
]
From = Annotated[
    str,
    typer.Option("--from", help="First instant: 2026-03-01, or with a time, or with an offset."),
]
To = Annotated[str, typer.Option("--to", help="First instant that does not count any more.")]
StartsOnly = Annotated[
    bool, typer.Option("--starts-only", help="Leave out what began before --from.")
]


@verb
def occurrences(
    call: Run, file: File, since: From, until: To, starts_only: StartsOnly = False
) -> None:
    """List when a schedule is due, and which times are left out, and why.

    Dates and times without an offset are of the schedule's own time zone. What began before
    --from and still goes on then is listed too. A schedule that never fires is refused with
    exit code 1, one that can't be read with 2.
    """
    read = read_schedule_file(file)
    timetable = read.schedule.timetable
    zone = timetable.recurrence.zone
    start, end = instant_of(since, zone, "--from"), instant_of(until, zone, "--to")
    if end < start:
        raise UsageError("--to is before --from", where=until, cure="give the later one as --to")
    days = day_calendar()
    first_occurrence(timetable, days)
    found = bounded(timetable, start, end)
    kept = [one for one in found.occurrences if not starts_only or one.start >= start]
    document = {
        "schedule": file,
        "time_zone": timetable.recurrence.time_zone,
        "from": start.astimezone(zone).isoformat(),
        "to": end.astimezone(zone).isoformat(),
        "count": len(kept),
        "occurrences": [_occurrence(one, zone) for one in kept],
        "skipped": [_skipped(one, zone) for one in found.skipped],
        "notes": read.notes,
    }
    for note in read.notes:
        call.note(f"qyran: {file}: {note}")
    call.emit(document, _text(kept, found.skipped, zone))


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

    Raises:
        UsageError: if it is none.
    """
    try:
        at = datetime.fromisoformat(text.strip())
        if at.tzinfo is None:
            at = at.replace(tzinfo=zone)
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
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
    candidates = recurrence.candidates(start, end)
    if next(islice(candidates, LISTED_MOST, None), None) is not None:
        raise TooLarge(
            f"more than {LISTED_MOST:,} times lie between --from and --to",
            where=recurrence.rrule,
            cure="ask for a shorter stretch",
        )
    return listed(timetable, start, end, day_calendar())


def _occurrence(one: Occurrence, zone: tzinfo) -> dict[str, object]:
    document: dict[str, object] = {
        "start": one.start.astimezone(zone).isoformat(),
        "end": one.end.astimezone(zone).isoformat(),
        "start_utc": one.start,
        "end_utc": one.end,
    }
    if one.moved_from is not None:
        document["moved_from"] = one.moved_from.astimezone(zone).isoformat()
    return document


def _skipped(one: Skipped, zone: tzinfo) -> dict[str, object]:
    start = one.start.astimezone(zone).isoformat()
    return {"start": start, "start_utc": one.start, "reason": one.reason, "note": one.note}


def _text(kept: list[Occurrence], skipped: tuple[Skipped, ...], zone: tzinfo) -> str:
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


RUNS = {"occurrences": occurrences}
