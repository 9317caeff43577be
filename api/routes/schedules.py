"""When patrols are due, by whose approval, and what became of each time."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Body, Query, Response

from api.accounts import Role
from api.paging import Cursors, page_of
from api.policies import SIGNED_IN, GuardedRouter, roles
from api.requests import (
    USUAL_LIMIT,
    Cursor,
    DemandedVersion,
    Limit,
    ServicesOf,
    Who,
    check_version,
    set_etag,
)
from api.schemas.base import Instant, JsonObject, ListOf
from api.schemas.schedules import (
    EXAMPLE,
    FiringOut,
    OccurrencesOut,
    OverrideBody,
    ScheduleOut,
    SwitchBody,
)
from api.services import Services
from core.errors import BadRequest, TooLarge
from core.ids import fresh_id
from core.instants import moved
from missions.schedules import GateOverride, Schedule, ScheduleId
from missions.scheduling.occurrences import first_occurrence, listed
from missions.scheduling.schedule_file import ScheduleFile, schedule_of
from missions.scheduling.scheduler import amended, approved, overridden, retired, switched

router = GuardedRouter("schedules")

_PLANNERS = roles(Role.PLANNER)
_LONGEST = timedelta(days=366 * 10)
_LISTED_MOST = 20_000
_FAR_S = 1e12
"""Later than any start: the difference puts the newest first."""
ScheduleBody = Annotated[JsonObject, Body(examples=[EXAMPLE])]
From = Annotated[Instant, Query(alias="from", description="first instant")]
To = Annotated[Instant, Query(alias="to", description="first instant that does not count")]


@router.add("GET", "/schedules", SIGNED_IN)
def get_schedules(
    services: ServicesOf, cursor: Cursor = None, limit: Limit = USUAL_LIMIT
) -> ListOf[ScheduleOut]:
    """Lists the schedules, newest version of each."""
    page = page_of(
        services.schedules.schedules(),
        lambda schedule: (schedule.schedule_id,),
        Cursors(services.cursor_key, "schedules"),
        cursor,
        limit,
    )
    return ListOf(items=[ScheduleOut.from_domain(one) for one in page.items], next=page.cursor)


@router.add("POST", "/schedules", _PLANNERS, status_code=201)
def post_schedule(
    services: ServicesOf, response: Response, who: Who, body: ScheduleBody
) -> ScheduleOut:
    """Keeps a new schedule as a draft; it fires from its approval on.

    The body is a schedule as docs/guides/schedules.md has it, with its `patrol_id`.
    """
    read = _read(services, body)
    schedule = replace(
        read.schedule,
        schedule_id=ScheduleId(fresh_id("schedule")),
        drafted_by=who.user_id,
        changed_at=services.clock.now(),
    )
    services.schedules.add(schedule)
    return _told(response, schedule, read.notes)


@router.add("POST", "/schedules/occurrences", _PLANNERS)
def post_schedule_occurrences(
    services: ServicesOf, since: From, until: To, body: ScheduleBody
) -> OccurrencesOut:
    """Says when a schedule would be due in [from, to); keeps nothing."""
    read = schedule_of(body)
    first_occurrence(read.schedule.timetable, services.days)
    return OccurrencesOut.from_domain(_listed(services, read.schedule, since, until), read.notes)


@router.add("GET", "/schedules/{schedule_id}", SIGNED_IN)
def get_schedule(services: ServicesOf, response: Response, schedule_id: str) -> ScheduleOut:
    """Gives a schedule with its version as ETag."""
    return _told(response, services.schedules.get(ScheduleId(schedule_id)))


@router.add("PUT", "/schedules/{schedule_id}", _PLANNERS)
def put_schedule(
    services: ServicesOf,
    response: Response,
    schedule_id: str,
    who: Who,
    version: DemandedVersion,
    body: ScheduleBody,
) -> ScheduleOut:
    """Keeps the next version of a schedule; it is a draft until somebody approves it."""
    present = _present(services, schedule_id, version)
    read = _read(services, body)
    new = read.schedule
    changed = amended(
        present,
        who.user_id,
        services.clock.now(),
        name=new.name,
        patrol_id=new.patrol_id,
        timetable=new.timetable,
        missed=new.missed,
        grace_s=new.grace_s,
        gates=new.gates,
    )
    services.schedules.replace(changed, version)
    return _told(response, changed, read.notes)


@router.add("POST", "/schedules/{schedule_id}/approval", _PLANNERS)
def post_schedule_approval(
    services: ServicesOf, response: Response, schedule_id: str, who: Who, version: DemandedVersion
) -> ScheduleOut:
    """Lets a draft fire from now on.

    Where the station wants four eyes, another planner approves it than wrote it.
    """
    present = _present(services, schedule_id, version)
    fires = approved(
        present,
        who.user_id,
        services.clock.now(),
        four_eyes=services.limits.schedule_review,
    )
    return _kept(services, response, fires, version)


@router.add("POST", "/schedules/{schedule_id}/switch", _PLANNERS)
def post_schedule_switch(
    services: ServicesOf,
    response: Response,
    schedule_id: str,
    version: DemandedVersion,
    body: SwitchBody,
) -> ScheduleOut:
    """Switches a schedule off or on; what was due meanwhile is not made up for."""
    present = _present(services, schedule_id, version)
    changed = switched(present, services.clock.now(), enabled=body.enabled)
    return _kept(services, response, changed, version)


@router.add("POST", "/schedules/{schedule_id}/override", roles(Role.PLANNER, Role.PILOT))
def post_schedule_override(
    services: ServicesOf,
    response: Response,
    schedule_id: str,
    who: Who,
    version: DemandedVersion,
    body: OverrideBody,
) -> ScheduleOut:
    """Lifts the weather gates for a while, by a person's word and with its reason."""
    present = _present(services, schedule_id, version)
    override = GateOverride(who.user_id, body.reason, services.clock.now(), body.until)
    return _kept(services, response, overridden(present, override), version)


@router.add("DELETE", "/schedules/{schedule_id}", _PLANNERS, status_code=204)
def delete_schedule(services: ServicesOf, schedule_id: str, version: DemandedVersion) -> None:
    """Retires a schedule; its history stays."""
    present = _present(services, schedule_id, version)
    services.schedules.replace(retired(present, services.clock.now()), version)


@router.add("GET", "/schedules/{schedule_id}/occurrences", SIGNED_IN)
def get_schedule_occurrences(
    services: ServicesOf, schedule_id: str, since: From, until: To
) -> OccurrencesOut:
    """Says when a schedule is due in [from, to), and what is left out and why."""
    schedule = services.schedules.get(ScheduleId(schedule_id))
    return OccurrencesOut.from_domain(_listed(services, schedule, since, until))


@router.add("GET", "/schedules/{schedule_id}/firings", SIGNED_IN)
def get_schedule_firings(
    services: ServicesOf,
    schedule_id: str,
    cursor: Cursor = None,
    limit: Limit = USUAL_LIMIT,
) -> ListOf[FiringOut]:
    """Lists what became of each occurrence that has come due, newest first."""
    schedule = services.schedules.get(ScheduleId(schedule_id))
    firings = services.schedules.firings(schedule_id=schedule.schedule_id)
    page = page_of(
        firings,
        lambda firing: (f"{_FAR_S - firing.start.timestamp():018.3f}",),
        Cursors(services.cursor_key, f"firings-{schedule_id}"),
        cursor,
        limit,
    )
    return ListOf(items=[FiringOut.from_domain(one) for one in page.items], next=page.cursor)


def _read(services: Services, body: dict[str, Any]) -> ScheduleFile:
    read = schedule_of(body)
    patrol_id = read.schedule.patrol_id
    if all(patrol.patrol_id != patrol_id for patrol in services.missions.patrols()):
        raise BadRequest("there is no such patrol", where="patrol_id", cure="name one of /patrols")
    first_occurrence(read.schedule.timetable, services.days)
    return read


def _listed(services: Services, schedule: Schedule, since: datetime, until: datetime) -> Any:
    if not timedelta(0) <= until - since <= _LONGEST:
        raise BadRequest(
            "`to` must lie in the ten years after `from`", where="to", cure="ask for less at a time"
        )
    recurrence = schedule.timetable.recurrence
    # what began before and still goes on is listed too
    for number, _ in enumerate(recurrence.candidates(moved(since, -recurrence.reach), until)):
        if number >= _LISTED_MOST:
            raise TooLarge(
                f"more than {_LISTED_MOST} times lie between", cure="ask for a shorter stretch"
            )
    return listed(schedule.timetable, since, until, services.days)


def _present(services: Services, schedule_id: str, version: int) -> Schedule:
    present = services.schedules.get(ScheduleId(schedule_id))
    check_version(version, present.version, schedule_id)
    return present


def _kept(services: Services, response: Response, schedule: Schedule, version: int) -> ScheduleOut:
    services.schedules.replace(schedule, version)
    return _told(response, schedule)


def _told(response: Response, schedule: Schedule, notes: tuple[str, ...] = ()) -> ScheduleOut:
    set_etag(response, schedule.version)
    return ScheduleOut.from_domain(schedule, notes)
