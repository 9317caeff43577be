"""Which patrols are due, and what becomes of a schedule and its occurrences: pure rules."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf
from typing import Any

from core.errors import NotAllowed
from core.ids import AssetId, PatrolId, UserId
from missions.model import Patrol
from missions.schedules import (
    PROMPT_S,
    SCHEDULE_MOVES,
    Firing,
    GateOverride,
    MissedPolicy,
    Schedule,
    ScheduleStage,
    StopReason,
)


def due_patrols(
    patrols: Sequence[Patrol],
    last_started_at: Mapping[PatrolId, datetime],
    busy: Collection[AssetId],
    now: datetime,
    every: timedelta,
) -> tuple[Patrol, ...]:
    """Returns the patrols to start now, at most one for each asset, longest unseen first.

    Args:
        patrols: all that there are.
        last_started_at: when each was started last; one that never was comes first.
        busy: assets that are under way.
        now: the present instant.
        every: how long after a start the same patrol is due again.
    """
    due = [
        patrol
        for patrol in patrols
        if patrol.asset_id not in busy
        and (
            patrol.patrol_id not in last_started_at
            or now - last_started_at[patrol.patrol_id] >= every
        )
    ]
    due.sort(key=lambda p: (p.patrol_id in last_started_at, last_started_at.get(p.patrol_id, now)))
    chosen: dict[AssetId, Patrol] = {}
    for patrol in due:
        chosen.setdefault(patrol.asset_id, patrol)
    return tuple(chosen.values())


def approved(schedule: Schedule, by: UserId, now: datetime, *, four_eyes: bool) -> Schedule:
    """Returns the next version of a schedule, which fires from now on.

    Args:
        schedule: its newest version.
        by: who approves it.
        now: when.
        four_eyes: whether that must be another person than the author of the draft.

    Raises:
        IllegalMove: if it is no draft.
        NotAllowed: if the author, or somebody who may be the author, approves where another must.
    """
    stage = SCHEDULE_MOVES.move(schedule.stage, ScheduleStage.APPROVED)
    if four_eyes and schedule.drafted_by is None:
        raise NotAllowed(
            "nobody knows who wrote this draft, so nobody can be the second to look at it",
            where=str(schedule.schedule_id),
            cure="save it again under its author's name, then ask another planner",
        )
    if four_eyes and schedule.drafted_by == by:
        raise NotAllowed(
            "the author of a draft can't approve it",
            where=str(schedule.schedule_id),
            cure="ask another planner",
        )
    return _next(schedule, now, stage=stage, approved_by=by, effective_from=now)


def amended(schedule: Schedule, by: UserId | None, now: datetime, **changes: object) -> Schedule:
    """Returns the next version with other values; it is a draft until somebody approves it.

    Args:
        schedule: its newest version.
        by: who wrote the change; `None` where nobody said.
        now: when.
        changes: values by their fields' names.

    Raises:
        IllegalMove: if it is retired.
    """
    if schedule.stage is ScheduleStage.RETIRED:
        SCHEDULE_MOVES.move(schedule.stage, ScheduleStage.DRAFT)
    stage = ScheduleStage.DRAFT
    return _next(schedule, now, **changes, stage=stage, drafted_by=by, approved_by=None)


def switched(schedule: Schedule, now: datetime, *, enabled: bool) -> Schedule:
    """Returns the next version, switched on or off; what was due meanwhile is not made up for."""
    return _next(schedule, now, enabled=enabled, effective_from=now)


def retired(schedule: Schedule, now: datetime) -> Schedule:
    """Returns the last version of a schedule.

    Raises:
        IllegalMove: if it is retired already.
    """
    stage = SCHEDULE_MOVES.move(schedule.stage, ScheduleStage.RETIRED)
    return _next(schedule, now, stage=stage)


def overridden(schedule: Schedule, override: GateOverride) -> Schedule:
    """Returns the next version, whose weather gates do not hold for a while by a person's word."""
    return _next(schedule, override.at, override=override)


def _next(schedule: Schedule, now: datetime, **changes: Any) -> Schedule:
    return replace(schedule, **changes, version=schedule.version + 1, changed_at=now)


def too_late(
    firing: Firing, schedule: Schedule, now: datetime, *, superseded: bool
) -> StopReason | None:
    """Returns why an occurrence that is due may not begin any more; `None` where it may.

    Args:
        firing: the occurrence.
        schedule: the newest version of its schedule.
        now: the present instant.
        superseded: whether a newer occurrence of the schedule has come due.
    """
    if not schedule.fires:
        return StopReason.SCHEDULE_STOPPED
    late_s = (now - firing.start).total_seconds()
    limit_s = PROMPT_S
    if schedule.missed is MissedPolicy.RUN_ONCE:
        if superseded:
            return StopReason.SUPERSEDED
        limit_s = schedule.grace_s or inf
    elif schedule.missed is MissedPolicy.RUN_LATE:
        limit_s = max(PROMPT_S, schedule.grace_s)
    if late_s <= limit_s:
        return None
    # what it waited for says more than that it is late now
    waited_for = (event.reason for event in reversed(firing.events) if event.reason)
    return next(waited_for, StopReason.LATE)


STOP_REASONS: Mapping[str, StopReason] = {
    "plan_unsafe": StopReason.PLAN_UNSAFE,
    "not_found": StopReason.NO_PATROL,
    "illegal_move": StopReason.ASSET_BUSY,
    "vehicle_unreachable": StopReason.VEHICLE_UNREACHABLE,
    "link_lost": StopReason.LINK_LOST,
    "upload_mismatch": StopReason.UPLOAD_MISMATCH,
    "arming_denied": StopReason.ARMING_DENIED,
    "start_refused": StopReason.START_REFUSED,
    "returned_on_order": StopReason.PERSON_ORDERED,
    "cancelled": StopReason.PERSON_ORDERED,
    "returned_by_itself": StopReason.VEHICLE_FAILSAFE,
    "ended_early": StopReason.ENDED_EARLY,
    "no_permission": StopReason.NO_PERMISSION,
    "permission_missing": StopReason.NO_PERMISSION,
    "low_battery": StopReason.LOW_BATTERY,
    "zone_appeared": StopReason.ZONE_APPEARED,
    "permission_ended": StopReason.PERMISSION_ENDED,
    "retasked": StopReason.RETASKED,
    "station_stopped": StopReason.STATION_STOPPED,
}
"""What the codes of errors and the reason codes of sorties mean as a reason to stop."""

_FINAL = frozenset({StopReason.NO_PATROL})


def stop_reason(code: str, message: str = "") -> StopReason:
    """Returns the reason of a code; one of the reasons' own words stands for itself.

    Args:
        code: of an error, or the reason code of a sortie.
        message: of the error; that of an unsafe plan begins with its first finding's code.
    """
    if code == "plan_unsafe" and message.startswith("permission_"):
        return StopReason.NO_PERMISSION
    if code in STOP_REASONS:
        return STOP_REASONS[code]
    return next((reason for reason in StopReason if reason == code), StopReason.OTHER)


def worth_retrying(reason: StopReason) -> bool:
    """Returns whether waiting may help: the air clears, an asset lands, a zone ends."""
    return reason not in _FINAL
