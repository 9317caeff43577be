"""What a shift did: flown, missed and why, still open, grounded. A pure function of the records."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.ids import AssetId, PatrolId, SortieId
from missions.model import SORTIE_MOVES, Asset, Patrol, Sortie, SortieState
from missions.schedules import (
    OPEN_STATES,
    Firing,
    FiringState,
    ScheduleId,
    StopReason,
)
from missions.scheduling.scheduler import stop_reason

_GROUNDING = frozenset(
    {
        StopReason.LINK_LOST,
        StopReason.VEHICLE_UNREACHABLE,
        StopReason.UPLOAD_MISMATCH,
        StopReason.ARMING_DENIED,
        StopReason.START_REFUSED,
        StopReason.LOW_BATTERY,
        StopReason.ENERGY_LOW,
        StopReason.OFF_ROUTE,
        StopReason.POSITION_UNCERTAIN,
        StopReason.ZONE_BREACH,
        StopReason.ZONE_AHEAD,
        StopReason.VEHICLE_FAILSAFE,
        StopReason.ENDED_EARLY,
        StopReason.STATION_STOPPED,
        StopReason.OTHER,
    }
)
"""After an end for one of these somebody looks at the asset before it goes again."""
_HELD_BY_AIR = frozenset({StopReason.WEATHER_HOLD, StopReason.STALE_WEATHER})


@dataclass(frozen=True, slots=True)
class Flown:
    """A sortie that ended in the shift, whenever it began: each is in one shift's report."""

    sortie_id: SortieId
    asset_id: AssetId
    patrol_id: PatrolId | None
    started_at: datetime
    ended_at: datetime | None
    state: SortieState
    schedule_id: ScheduleId | None = None
    late_s: float | None = None
    """How long after its time on the schedule it began."""
    reason: StopReason | None = None
    """Why it ended otherwise than as planned."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What was due in the shift, or was to begin in it, and did not."""

    due_at: datetime
    reason: StopReason
    text: str = ""
    schedule_id: ScheduleId | None = None
    patrol_id: PatrolId | None = None
    asset_id: AssetId | None = None
    sortie_id: SortieId | None = None


@dataclass(frozen=True, slots=True)
class StillOpen:
    """What the next shift takes over."""

    since: datetime
    state: str
    """Of the sortie, or of the firing where there is no sortie yet."""
    reason: StopReason | None = None
    text: str = ""
    schedule_id: ScheduleId | None = None
    patrol_id: PatrolId | None = None
    asset_id: AssetId | None = None
    sortie_id: SortieId | None = None


@dataclass(frozen=True, slots=True)
class Grounded:
    """An asset that does not go out as things stand."""

    asset_id: AssetId
    since: datetime
    reason: StopReason
    text: str = ""


@dataclass(frozen=True, slots=True)
class ShiftReport:
    """What a shift did, each list in order of time."""

    since: datetime
    until: datetime
    flown: tuple[Flown, ...]
    missed: tuple[Missed, ...]
    open: tuple[StillOpen, ...]
    grounded: tuple[Grounded, ...]

    @property
    def missed_by_reason(self) -> dict[StopReason, int]:
        """How many were missed for each reason, the most frequent first."""
        return dict(Counter(missed.reason for missed in self.missed).most_common())


def report_shift(
    since: datetime,
    until: datetime,
    *,
    firings: Sequence[Firing],
    sorties: Sequence[Sortie],
    patrols: Sequence[Patrol],
    assets: Sequence[Asset],
) -> ShiftReport:
    """Returns the report of the shift [since, until).

    Args:
        since: its first instant.
        until: its end; what began later is not looked at.
        firings: of every schedule, with the open ones from before the shift.
        sorties: all that there are.
        patrols: what the firings are of.
        assets: which may be grounded; passive ones never are.
    """
    asset_of = {patrol.patrol_id: patrol.asset_id for patrol in patrols}
    firing_of = {firing.sortie_id: firing for firing in firings if firing.sortie_id}
    known = [sortie for sortie in sorties if _first_at(sortie, since) < until]
    flown = [
        _flown(sortie, sortie.started_at, firing_of.get(sortie.sortie_id))
        for sortie in known
        if sortie.started_at is not None
        and (ended := _ended_at(sortie)) is not None
        and since <= ended < until
    ]
    missed = [*_missed_firings(firings, since, until, asset_of)]
    missed += _missed_sorties(known, since, until, firing_of)
    still_open = [*_open_firings(firings, until, asset_of), *_open_sorties(known, until, firing_of)]
    return ShiftReport(
        since,
        until,
        tuple(sorted(flown, key=lambda one: (one.started_at, one.sortie_id))),
        tuple(sorted(missed, key=lambda one: (one.due_at, one.schedule_id or ""))),
        tuple(sorted(still_open, key=lambda one: (one.since, one.schedule_id or ""))),
        tuple(_grounded(assets, known, firings, until, asset_of)),
    )


def _first_at(sortie: Sortie, otherwise: datetime) -> datetime:
    """Returns the first instant that is known of a sortie."""
    instants = [event.at for event in sortie.events[:1]]
    instants += [at for at in (sortie.started_at, sortie.ended_at) if at is not None]
    return min(instants, default=otherwise)


def _ended_at(sortie: Sortie) -> datetime | None:
    """Returns the instant of a sortie's end; `None` while it has none."""
    if not SORTIE_MOVES.final(sortie.state):
        return None
    return sortie.ended_at or (sortie.events[-1].at if sortie.events else None)


def _flown(sortie: Sortie, started_at: datetime, firing: Firing | None) -> Flown:
    return Flown(
        sortie.sortie_id,
        sortie.plan.asset_id,
        sortie.plan.patrol_id,
        started_at,
        sortie.ended_at,
        sortie.state,
        firing.schedule_id if firing else None,
        (started_at - firing.start).total_seconds() if firing else None,
        _reason(sortie),
    )


def _reason(sortie: Sortie) -> StopReason | None:
    if sortie.state is SortieState.COMPLETED:
        return None
    return stop_reason(sortie.reason_code) if sortie.reason_code else StopReason.OTHER


def _last_words(sortie: Sortie) -> str:
    return sortie.events[-1].text if sortie.events else ""


def _missed_firings(
    firings: Sequence[Firing],
    since: datetime,
    until: datetime,
    asset_of: dict[PatrolId, AssetId],
) -> Iterator[Missed]:
    for firing in firings:
        if firing.state is FiringState.MISSED and since <= firing.start < until:
            reason = firing.reason or StopReason.OTHER
            asset_id = asset_of.get(firing.patrol_id)
            yield Missed(
                firing.start, reason, _why(firing), firing.schedule_id, firing.patrol_id, asset_id
            )


def _why(firing: Firing) -> str:
    """Returns the newest words about what held a firing up."""
    return next((event.text for event in reversed(firing.events) if event.text), "")


def _missed_sorties(
    sorties: Sequence[Sortie],
    since: datetime,
    until: datetime,
    firing_of: dict[SortieId, Firing],
) -> Iterator[Missed]:
    """Yields the sorties that ended before they began: an arming denied, a link never there."""
    for sortie in sorties:
        ended = _ended_at(sortie)
        if sortie.started_at is None and ended is not None and since <= ended < until:
            firing = firing_of.get(sortie.sortie_id)
            yield Missed(
                firing.start if firing else ended,
                _reason(sortie) or StopReason.OTHER,
                _last_words(sortie),
                firing.schedule_id if firing else None,
                sortie.plan.patrol_id,
                sortie.plan.asset_id,
                sortie.sortie_id,
            )


def _open_firings(
    firings: Sequence[Firing], until: datetime, asset_of: dict[PatrolId, AssetId]
) -> Iterator[StillOpen]:
    for firing in firings:
        if firing.state in OPEN_STATES and firing.start < until:
            yield StillOpen(
                firing.start,
                str(firing.state),
                firing.reason,
                _why(firing),
                firing.schedule_id,
                firing.patrol_id,
                asset_of.get(firing.patrol_id),
            )


def _open_sorties(
    sorties: Sequence[Sortie], until: datetime, firing_of: dict[SortieId, Firing]
) -> Iterator[StillOpen]:
    for sortie in sorties:
        ended = _ended_at(sortie)
        if not sortie.events or (ended is not None and ended < until):
            continue
        last = [event for event in sortie.events if event.at < until] or [*sortie.events[:1]]
        firing = firing_of.get(sortie.sortie_id)
        yield StillOpen(
            sortie.started_at or sortie.events[0].at,
            str(last[-1].state),
            None,
            last[-1].text,
            firing.schedule_id if firing else None,
            sortie.plan.patrol_id,
            sortie.plan.asset_id,
            sortie.sortie_id,
        )


def _grounded(
    assets: Sequence[Asset],
    sorties: Sequence[Sortie],
    firings: Sequence[Firing],
    until: datetime,
    asset_of: dict[PatrolId, AssetId],
) -> Iterator[Grounded]:
    for asset in sorted(assets, key=lambda one: one.asset_id):
        if asset.passive:
            continue
        own = [one for one in sorties if one.plan.asset_id == asset.asset_id and one.events]
        own.sort(key=lambda one: one.ended_at or one.events[-1].at)
        ended = [one for one in own if (at := _ended_at(one)) is not None and at < until]
        last = ended[-1] if ended else None
        if last is not None and last.state in (SortieState.FAILED, SortieState.ABORTED):
            reason = _reason(last) or StopReason.OTHER
            if reason in _GROUNDING:
                at = last.ended_at or last.events[-1].at
                yield Grounded(asset.asset_id, at, reason, _last_words(last))
                continue
        held = [
            firing
            for firing in firings
            if firing.state is FiringState.HELD
            and firing.reason in _HELD_BY_AIR
            and firing.start < until
            and asset_of.get(firing.patrol_id) == asset.asset_id
        ]
        if held and held[0].reason is not None:
            yield Grounded(asset.asset_id, held[0].start, held[0].reason, _why(held[0]))
