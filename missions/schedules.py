"""When patrols are due: timetables, the schedules that follow them, what became of each time."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType

from core.errors import ScheduleInvalid
from core.ids import PatrolId, SortieId, UserId, content_id
from core.recurrence import Recurrence
from core.states import Transitions

ScheduleId = NewType("ScheduleId", str)


class HolidayMode(StrEnum):
    """What public holidays do to a timetable."""

    SKIP = "skip"
    """It does not begin on them."""
    ONLY = "only"
    """It begins on them alone."""
    SHIFT_TO_NEXT_WORKDAY = "shift_to_next_workday"
    """What falls on one begins at the same time of the next working day."""


@dataclass(frozen=True, slots=True)
class HolidayRule:
    """Whose public holidays count, and how."""

    country: str
    """ISO 3166 code, such as `KZ`."""
    mode: HolidayMode = HolidayMode.SKIP
    subdivision: str = ""
    """ISO 3166-2 code of a region with holidays of its own; empty for none."""


class SunEvent(StrEnum):
    """What the sun does once a day; dawn and dusk are civil (6 degrees below the horizon)."""

    DAWN = "dawn"
    SUNRISE = "sunrise"
    SUNSET = "sunset"
    DUSK = "dusk"


@dataclass(frozen=True, slots=True)
class SunRule:
    """Begins with the sun, on the days that the recurrence gives; its time of day is not used."""

    lat_deg: float
    lon_deg: float
    event: SunEvent
    offset_s: float = 0.0
    """How much later; negative is before."""


class Light(StrEnum):
    """By which light an occurrence must pass from its start to its end."""

    DAYLIGHT = "daylight"
    """Between sunrise and sunset."""
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class LightRule:
    """Keeps only what passes by one kind of light."""

    light: Light
    lat_deg: float
    lon_deg: float


@dataclass(frozen=True, slots=True)
class Timetable:
    """When something is due: a recurrence, thinned and moved by holidays and the sun."""

    recurrence: Recurrence
    holidays: HolidayRule | None = None
    sun: SunRule | None = None
    light: LightRule | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time at which something is due."""

    start: datetime
    end: datetime
    moved_from: datetime | None = None
    """Where a holiday moved it from."""


class SkipReason(StrEnum):
    """Why a time that the rule gives is left out."""

    EXDATE = "exdate"
    HOLIDAY = "holiday"
    NOT_HOLIDAY = "not_holiday"
    DARK = "dark"
    """Some of it would be in the dark."""
    DAYLIGHT = "daylight"
    """Some of it would be in daylight."""
    NO_SUN_EVENT = "no_sun_event"
    """The sun does not rise or set on that day there."""
    SAME_TIME = "same_time"
    """Another occurrence begins at that instant, as where the sun sets both."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A time that the rule gives and that is left out."""

    start: datetime
    reason: SkipReason
    note: str = ""
    """The holiday's name."""


class MissedPolicy(StrEnum):
    """What becomes of an occurrence that could not begin in time, as after a power cut."""

    SKIP = "skip"
    """It is left out: only the next one in time counts."""
    RUN_LATE = "run_late"
    """It begins late, within the grace."""
    RUN_ONCE = "run_once"
    """Of all that are overdue the newest begins, however late; the others are left out."""


PROMPT_S = 60.0
"""How late an occurrence may begin and still count as in time."""


@dataclass(frozen=True, slots=True)
class WeatherGates:
    """The air in which a patrol may begin, beside the asset's own limits. `None`: no limit."""

    wind_most_m_s: float | None = None
    gust_most_m_s: float | None = None
    temperature_least_c: float | None = None
    temperature_most_c: float | None = None
    visibility_least_m: float | None = None
    ceiling_least_m: float | None = None
    """Lowest cloud above the ground."""
    precipitation_most_mm_h: float | None = None
    refuse_icing: bool = True
    fresh_s: float = 3_600.0
    """How old an observation may be; older counts as none."""


@dataclass(frozen=True, slots=True)
class GateOverride:
    """A person's word that the weather gates do not hold for a while."""

    by: UserId
    reason: str
    at: datetime
    until: datetime

    def __post_init__(self) -> None:
        """Refuses an override without a reason or an end.

        Raises:
            ScheduleInvalid: if the reason is empty or it ends before it begins.
        """
        if not self.reason.strip():
            raise ScheduleInvalid("an override needs a reason", where="override")
        if self.until <= self.at:
            raise ScheduleInvalid("an override ends before it begins", where="override")


class ScheduleStage(StrEnum):
    """The life of a schedule."""

    DRAFT = "draft"
    APPROVED = "approved"
    """A person lets it fire."""
    RETIRED = "retired"


_G = ScheduleStage
SCHEDULE_MOVES = Transitions(
    "schedule",
    {
        _G.DRAFT: frozenset({_G.APPROVED, _G.RETIRED}),
        _G.APPROVED: frozenset({_G.DRAFT, _G.RETIRED}),
        _G.RETIRED: frozenset(),
    },
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A patrol that comes again, by whose leave and in which air."""

    schedule_id: ScheduleId
    name: str
    patrol_id: PatrolId
    timetable: Timetable
    missed: MissedPolicy = MissedPolicy.SKIP
    grace_s: float = 1_800.0
    """How late it may begin under `run_late`; 0 under `run_once` is without limit."""
    gates: WeatherGates | None = None
    override: GateOverride | None = None
    stage: ScheduleStage = ScheduleStage.DRAFT
    enabled: bool = True
    drafted_by: UserId | None = None
    """Who wrote what waits for approval; `None` where nobody said."""
    approved_by: UserId | None = None
    effective_from: datetime | None = None
    """Since when it fires: what was due before is no business of its."""
    version: int = 1
    changed_at: datetime | None = None

    @property
    def fires(self) -> bool:
        """Whether it may start anything."""
        return self.stage is ScheduleStage.APPROVED and self.enabled


class StopReason(StrEnum):
    """Why a patrol did not begin, or ended otherwise than as planned."""

    LATE = "late"
    """The station did not run, or was busy, until it was too late."""
    SUPERSEDED = "superseded"
    """A newer occurrence of the same schedule ran instead."""
    SCHEDULE_STOPPED = "schedule_stopped"
    """The schedule was switched off or taken back before it could begin."""
    WEATHER_HOLD = "weather_hold"
    STALE_WEATHER = "stale_weather"
    """Weather data are missing or too old."""
    NO_PERMISSION = "no_permission"
    PLAN_UNSAFE = "plan_unsafe"
    NO_PATROL = "no_patrol"
    """The patrol or its asset is gone."""
    ASSET_BUSY = "asset_busy"
    ASSET_GROUNDED = "asset_grounded"
    """The asset may not be tasked."""
    NOBODY_ON_DUTY = "nobody_on_duty"
    VEHICLE_UNREACHABLE = "vehicle_unreachable"
    UPLOAD_MISMATCH = "upload_mismatch"
    ARMING_DENIED = "arming_denied"
    START_REFUSED = "start_refused"
    LINK_LOST = "link_lost"
    LOW_BATTERY = "low_battery"
    ZONE_APPEARED = "zone_appeared"
    ZONE_BREACH = "zone_breach"
    ZONE_AHEAD = "zone_ahead"
    ZONE_BEGINS = "zone_begins"
    OFF_ROUTE = "off_route"
    POSITION_UNCERTAIN = "position_uncertain"
    ENERGY_LOW = "energy_low"
    WEATHER_OUT = "weather_out"
    PERMISSION_ENDING = "permission_ending"
    """These and the next are what the live monitor brings home for; see its concerns."""
    PERMISSION_ENDED = "permission_ended"
    RETASKED = "retasked"
    """Sent to something more urgent."""
    SKY_CLEARED = "sky_cleared"
    """Somebody has cleared the sky."""
    PERSON_ORDERED = "person_ordered"
    VEHICLE_FAILSAFE = "vehicle_failsafe"
    """The vehicle came home by itself."""
    ENDED_EARLY = "ended_early"
    STATION_STOPPED = "station_stopped"
    OTHER = "other"
    """A failure that has no word of its own here; the text has its code."""


class FiringState(StrEnum):
    """What became of one occurrence of a schedule."""

    DUE = "due"
    CLAIMED = "claimed"
    """One process is about to start it, until its lease ends."""
    HELD = "held"
    """It can't begin now, and will be tried again until it is too late."""
    DISPATCHED = "dispatched"
    """It has its sortie."""
    MISSED = "missed"


_F = FiringState
FIRING_MOVES = Transitions(
    "firing",
    {
        _F.DUE: frozenset({_F.CLAIMED, _F.MISSED}),
        _F.CLAIMED: frozenset({_F.CLAIMED, _F.HELD, _F.DISPATCHED, _F.MISSED}),
        _F.HELD: frozenset({_F.CLAIMED, _F.MISSED}),
        _F.DISPATCHED: frozenset(),
        # due: the clock had run ahead and was set back, so it lies in the future again;
        # dispatched: another process had started it after all
        _F.MISSED: frozenset({_F.DUE, _F.DISPATCHED}),
    },
)


@dataclass(frozen=True, slots=True)
class FiringEvent:
    """One line of a firing's history."""

    at: datetime
    state: FiringState
    reason: StopReason | None = None
    text: str = ""
    by: str = ""
    """Which process, or which person."""


@dataclass(frozen=True, slots=True)
class Firing:
    """One occurrence of a schedule on its way to a sortie; named by schedule and start."""

    schedule_id: ScheduleId
    start: datetime
    end: datetime
    patrol_id: PatrolId
    state: FiringState = FiringState.DUE
    reason: StopReason | None = None
    """Why it is held or was missed."""
    sortie_id: SortieId | None = None
    claimed_by: str = ""
    lease_until: datetime | None = None
    retry_at: datetime | None = None
    """When a held one is tried again."""
    events: tuple[FiringEvent, ...] = ()
    version: int = 1


OPEN_STATES = frozenset({FiringState.DUE, FiringState.CLAIMED, FiringState.HELD})
"""Of firings that something may still come of."""


def firing_of(schedule: Schedule, occurrence: Occurrence) -> Firing:
    """Returns the firing of an occurrence that has come due."""
    return Firing(schedule.schedule_id, occurrence.start, occurrence.end, schedule.patrol_id)


def moved_on(
    firing: Firing,
    state: FiringState,
    at: datetime,
    *,
    reason: StopReason | None = None,
    text: str = "",
    by: str = "",
    sortie_id: SortieId | None = None,
    lease_until: datetime | None = None,
    retry_at: datetime | None = None,
) -> Firing:
    """Returns the next version of a firing, with a line in its history.

    Raises:
        IllegalMove: if the state may not follow.
    """
    FIRING_MOVES.move(firing.state, state)
    return replace(
        firing,
        state=state,
        reason=reason,
        sortie_id=sortie_id,
        claimed_by=by if state is FiringState.CLAIMED else "",
        lease_until=lease_until,
        retry_at=retry_at,
        events=(*firing.events, FiringEvent(at, state, reason, text, by))[-EVENTS_MOST:],
        version=firing.version + 1,
    )


EVENTS_MOST = 50
"""Lines that are kept of one firing; one that is held for long tries often."""


def claimed(firing: Firing, *, by: str, now: datetime, lease_until: datetime) -> Firing | None:
    """Returns a firing as `by` holds it, or `None` where it can't be had now."""
    state = firing.state
    free = state is FiringState.DUE or state is FiringState.HELD
    if state is FiringState.CLAIMED and firing.lease_until is not None:
        # a lease that ends later than any could was given by a clock that ran ahead
        ends, longest = firing.lease_until, lease_until + (lease_until - now)
        free = ends <= now or ends > longest
    if not free:
        return None
    return moved_on(firing, FiringState.CLAIMED, now, by=by, lease_until=lease_until)


def sortie_of(schedule_id: ScheduleId, start: datetime) -> SortieId:
    """Returns the id of the sortie of an occurrence: always the same one, so redoing is safe."""
    return SortieId(content_id("sortie", schedule_id, int(start.timestamp())))
