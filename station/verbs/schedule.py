"""`qyran schedule`: when patrols are due; keeps schedules and shows what became of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from core.clock import SystemClock
from core.errors import NotFound, UsageError
from core.ids import PatrolId, UserId
from missions.ports import DayCalendar, ScheduleStore
from missions.schedules import (
    GateOverride,
    Occurrence,
    Schedule,
    ScheduleId,
    ScheduleStage,
)
from missions.scheduling.occurrences import first_occurrence
from missions.scheduling.occurrences import occurrences as upcoming
from missions.scheduling.scheduler import amended, approved, overridden, retired, switched
from station.command import Run, verb
from station.occurrence_listing import (
    bounded,
    instant_of,
    occurrence_document,
    occurrences_text,
    read_schedule_file,
    skipped_document,
)
from station.stores import opened_stores
from station.wiring import day_calendar

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
        "occurrences": [occurrence_document(one, zone) for one in kept],
        "skipped": [skipped_document(one, zone) for one in found.skipped],
        "notes": read.notes,
    }
    for note in read.notes:
        call.note(f"qyran: {file}: {note}")
    call.emit(document, occurrences_text(kept, found.skipped, zone))


@verb
def add(
    call: Run,
    file: File,
    patrol: Annotated[
        str | None, typer.Option(help="Which patrol it is of; the file's by default.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who wrote it.")] = None,
    approve_as: Annotated[
        str | None, typer.Option(help="Approve it at once, in the name of this person.")
    ] = None,
) -> None:
    """Keep a schedule as a draft; one whose id is known becomes its next version, a draft again."""
    read = read_schedule_file(file)
    schedule = read.schedule
    if patrol is not None:
        schedule = replace(schedule, patrol_id=PatrolId(patrol))
    first = first_occurrence(schedule.timetable, day_calendar())
    now = SystemClock().now()
    with opened_stores(call.settings) as stores:
        known = {one.patrol_id for one in stores.missions.patrols()}
        if schedule.patrol_id not in known:
            raise NotFound(
                f"no such patrol: {schedule.patrol_id or 'none is named'}",
                where=str(file),
                cure="give patrol_id in the file, or --patrol",
            )
        author = None if by is None else UserId(by)
        done = _bring_in(stores.schedules, schedule, author, now)
        if approve_as is not None:
            schedule = stores.schedules.get(schedule.schedule_id)
            if schedule.stage is ScheduleStage.DRAFT:
                schedule = approved(schedule, UserId(approve_as), now, four_eyes=_four_eyes(call))
                stores.schedules.replace(schedule, schedule.version - 1)
        schedule = stores.schedules.get(schedule.schedule_id)
    document = {**_schedule(schedule), "done": done, "first": first.start, "notes": read.notes}
    for note in read.notes:
        call.note(f"qyran: {file}: {note}")
    call.emit(document, f"{_line(schedule)}: {done}")


def _four_eyes(call: Run) -> bool:
    return call.settings.planning.schedule_review


def _bring_in(
    store: ScheduleStore, schedule: Schedule, author: UserId | None, now: datetime
) -> str:
    try:
        kept = store.get(schedule.schedule_id)
    except NotFound:
        store.add(replace(schedule, drafted_by=author, changed_at=now))
        return "added"
    said = {name: getattr(schedule, name) for name in _SAID}
    signs = author is not None and kept.drafted_by is None and kept.stage is ScheduleStage.DRAFT
    if all(getattr(kept, name) == value for name, value in said.items()) and not signs:
        return "same"
    store.replace(amended(kept, author, now, **said), kept.version)
    return "changed"


_SAID = ("name", "patrol_id", "timetable", "missed", "grace_s", "gates")
"""What a file says of a schedule; the rest is the station's."""

Id = Annotated[str, typer.Argument(metavar="ID", help="Of the schedule; `list` has it.")]


@verb
def approve(
    call: Run, schedule_id: Id, by: Annotated[str, typer.Option("--by", help="Who approves.")]
) -> None:
    """Let a schedule fire from now on, under somebody's name."""
    now = SystemClock().now()
    four_eyes = _four_eyes(call)
    _change(call, schedule_id, lambda kept: approved(kept, UserId(by), now, four_eyes=four_eyes))


@verb
def enable(call: Run, schedule_id: Id) -> None:
    """Switch a schedule on; what was due meanwhile is not made up for."""
    _change(call, schedule_id, lambda kept: switched(kept, SystemClock().now(), enabled=True))


@verb
def disable(call: Run, schedule_id: Id) -> None:
    """Switch a schedule off."""
    _change(call, schedule_id, lambda kept: switched(kept, SystemClock().now(), enabled=False))


@verb
def retire(call: Run, schedule_id: Id) -> None:
    """End a schedule for good; its history stays."""
    _change(call, schedule_id, lambda kept: retired(kept, SystemClock().now()))


@verb
def override(
    call: Run,
    schedule_id: Id,
    by: Annotated[str, typer.Option("--by", help="Who takes it upon themselves.")],
    reason: Annotated[str, typer.Option(help="Why the weather gates do not hold.")],
    minutes: Annotated[float, typer.Option(help="For how long, min.", min=1, max=1_440)] = 60.0,
) -> None:
    """Let a schedule fire in spite of its weather gates for a while."""
    now = SystemClock().now()
    word = GateOverride(UserId(by), reason, now, now + timedelta(minutes=minutes))
    _change(call, schedule_id, lambda kept: overridden(kept, word))


def _change(call: Run, schedule_id: str, change: Callable[[Schedule], Schedule]) -> None:
    with opened_stores(call.settings) as stores:
        kept = stores.schedules.get(ScheduleId(schedule_id))
        changed = change(kept)
        stores.schedules.replace(changed, kept.version)
    call.emit(_schedule(changed), _line(changed))


@verb
def list_(call: Run) -> None:
    """List schedules, and when each is due next."""
    with opened_stores(call.settings) as stores:
        schedules = stores.schedules.schedules()
    now, days = SystemClock().now(), day_calendar()
    rows = [{**_schedule(one), "next": _next(one, now, days)} for one in schedules]
    lines = [
        f"{_line(one)}, next {row['next'] or '-'}" for one, row in zip(schedules, rows, strict=True)
    ]
    call.emit({"schedules": rows}, "\n".join(lines) or "no schedules yet")


def _next(schedule: Schedule, now: datetime, days: DayCalendar) -> datetime | None:
    found = upcoming(schedule.timetable, now, now + timedelta(days=400), days)
    return next((one.start for one in found if isinstance(one, Occurrence)), None)


@verb
def history(
    call: Run,
    schedule_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Of one schedule; all by default.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="First instant.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="First that does not count.")] = None,
) -> None:
    """Show what became of every occurrence, and why."""
    with opened_stores(call.settings) as stores:
        known = {one.schedule_id: one for one in stores.schedules.schedules()}
        if schedule_id is not None and ScheduleId(schedule_id) not in known:
            raise NotFound("no such schedule", where=schedule_id, cure="qyran schedule list")
        zones = [one.timetable.recurrence.zone for one in known.values()]
        zone = zones[0] if zones else UTC
        found = stores.schedules.firings(
            schedule_id=ScheduleId(schedule_id) if schedule_id else None,
            since=instant_of(since, zone, "--from") if since else None,
            until=instant_of(until, zone, "--to") if until else None,
        )
    lines = [
        f"{one.start.astimezone(zone):%a %Y-%m-%d %H:%M %z}  {one.schedule_id}  {one.state}"
        f"{f': {one.reason}' if one.reason else ''}{f' {one.sortie_id}' if one.sortie_id else ''}"
        for one in found
    ]
    call.emit({"firings": found}, "\n".join(lines) or "nothing has come due yet")


def _schedule(schedule: Schedule) -> dict[str, object]:
    recurrence = schedule.timetable.recurrence
    return {
        "id": schedule.schedule_id,
        "name": schedule.name,
        "patrol_id": schedule.patrol_id,
        "stage": schedule.stage,
        "enabled": schedule.enabled,
        "fires": schedule.fires,
        "drafted_by": schedule.drafted_by,
        "approved_by": schedule.approved_by,
        "effective_from": schedule.effective_from,
        "time_zone": recurrence.time_zone,
        "dtstart": recurrence.start.astimezone(recurrence.zone).isoformat(),
        "rrule": recurrence.rrule,
        "missed": schedule.missed,
        "grace_s": schedule.grace_s,
        "gates": schedule.gates,
        "override": schedule.override,
        "version": schedule.version,
        "changed_at": schedule.changed_at,
    }


def _line(schedule: Schedule) -> str:
    off = "" if schedule.enabled else ", off"
    rule = schedule.timetable.recurrence.rrule.replace("\n", " + ") or "once"
    head = f"{schedule.schedule_id}  v{schedule.version} {schedule.stage}{off}"
    return f"{head}  {schedule.name}: {rule}"


RUNS = {
    "occurrences": occurrences,
    "add": add,
    "approve": approve,
    "enable": enable,
    "disable": disable,
    "override": override,
    "retire": retire,
    "list": list_,
    "history": history,
}
