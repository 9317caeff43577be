"""Schedules, their occurrences and what became of each."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, JsonValue

from api.schemas.base import Answer, Body, Instant
from core.documents import to_document
from core.window_documents import write_window
from missions.schedules import (
    Firing,
    FiringState,
    MissedPolicy,
    Occurrence,
    Schedule,
    ScheduleStage,
    Skipped,
    SkipReason,
    StopReason,
)
from missions.scheduling.occurrences import Listing

EXAMPLE: dict[str, JsonValue] = {
    "name": "Evening round",
    "patrol_id": "patrol-0123456789abcdef0123",
    "dtstart": "2026-12-01T19:00",
    "tzid": "Asia/Almaty",
    "rrule": "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "duration": "PT45M",
    "exdate": ["2026-12-16"],
    "holidays": {"country": "KZ", "mode": "skip"},
    "missed": "run_late",
    "grace_s": 1800,
    "gates": {"wind_most_m_s": 8, "temperature_least_c": -20},
}
"""A schedule as `POST /schedules` takes it; docs/guides/schedules.md has every word."""


class SwitchBody(Body):
    """Whether a schedule may fire."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})

    enabled: bool


class OverrideBody(Body):
    """That the weather gates do not hold for a while, by a person's word."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"reason": "calm in the lee", "until": "2026-12-01T15:00:00Z"}]
        }
    )

    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    until: Instant


class OccurrenceOut(Answer):
    """One time at which something is due."""

    start: Instant
    end: Instant
    moved_from: Instant | None

    @classmethod
    def from_domain(cls, one: Occurrence) -> Self:
        """Returns an occurrence."""
        return cls(start=one.start, end=one.end, moved_from=one.moved_from)


class SkippedOut(Answer):
    """A time that the rule gives and that is left out."""

    start: Instant
    reason: SkipReason
    note: str

    @classmethod
    def from_domain(cls, one: Skipped) -> Self:
        """Returns a time that is left out."""
        return cls(start=one.start, reason=one.reason, note=one.note)


class OccurrencesOut(Answer):
    """When a schedule is due, and what is left out and why."""

    count: int
    occurrences: list[OccurrenceOut]
    skipped: list[SkippedOut]
    notes: list[str]
    """What deserves a look in what was sent."""

    @classmethod
    def from_domain(cls, listing: Listing, notes: tuple[str, ...] = ()) -> Self:
        """Returns a listing."""
        return cls(
            count=len(listing.occurrences),
            occurrences=[OccurrenceOut.from_domain(one) for one in listing.occurrences],
            skipped=[SkippedOut.from_domain(one) for one in listing.skipped],
            notes=list(notes),
        )


class ScheduleOut(Answer):
    """A patrol that comes again."""

    id: str
    name: str
    patrol_id: str
    recurrence: dict[str, JsonValue]
    """In the words of iCalendar."""
    holidays: dict[str, JsonValue] | None
    sun: dict[str, JsonValue] | None
    light: dict[str, JsonValue] | None
    missed: MissedPolicy
    grace_s: float
    gates: dict[str, JsonValue] | None
    override: dict[str, JsonValue] | None
    stage: ScheduleStage
    enabled: bool
    drafted_by: str | None
    """Who wrote what waits for approval."""
    approved_by: str | None
    effective_from: Instant | None
    version: int
    changed_at: Instant | None
    notes: list[str]
    """What deserves a look in what was sent."""

    @classmethod
    def from_domain(cls, schedule: Schedule, notes: tuple[str, ...] = ()) -> Self:
        """Returns a schedule."""
        table = schedule.timetable
        return cls(
            id=schedule.schedule_id,
            name=schedule.name,
            patrol_id=schedule.patrol_id,
            recurrence=_document(write_window(table.recurrence)),
            holidays=_part(table.holidays),
            sun=_part(table.sun),
            light=_part(table.light),
            missed=schedule.missed,
            grace_s=schedule.grace_s,
            gates=_part(schedule.gates),
            override=_part(schedule.override),
            stage=schedule.stage,
            enabled=schedule.enabled,
            drafted_by=schedule.drafted_by,
            approved_by=schedule.approved_by,
            effective_from=schedule.effective_from,
            version=schedule.version,
            changed_at=schedule.changed_at,
            notes=list(notes),
        )


def _part(value: Any) -> dict[str, JsonValue] | None:
    return None if value is None else _document(to_document(value))


def _document(value: Any) -> dict[str, JsonValue]:
    return dict(value)


class FiringEventOut(Answer):
    """One line of a firing's history."""

    at: Instant
    state: FiringState
    reason: StopReason | None
    text: str


class FiringOut(Answer):
    """What became of one occurrence."""

    schedule_id: str
    start: Instant
    end: Instant
    patrol_id: str
    state: FiringState
    reason: StopReason | None
    sortie_id: str | None
    events: list[FiringEventOut]

    @classmethod
    def from_domain(cls, firing: Firing) -> Self:
        """Returns a firing with its history."""
        return cls(
            schedule_id=firing.schedule_id,
            start=firing.start,
            end=firing.end,
            patrol_id=firing.patrol_id,
            state=firing.state,
            reason=firing.reason,
            sortie_id=firing.sortie_id,
            events=[
                FiringEventOut(at=e.at, state=e.state, reason=e.reason, text=e.text)
                for e in firing.events
            ],
        )
