"""Events that need somebody on the spot, who could go, and what was decided; values only."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.ids import AssetId, PatrolId, UserId
from missions.model import Asset, Finding, Plan


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened and needs an asset at its place: an SOS, an alarm, a call."""

    event_id: str
    kind: str
    """Such as `sos`; a word for people, nothing is decided by it."""
    lat_deg: float
    lon_deg: float
    at: datetime
    stay_s: float = 300.0
    """How long somebody is wanted there."""
    priority: int = 100
    """Only a task of a lower number is left for it."""
    camera: str = ""
    """Which camera is wanted, such as `colour` or `thermal`; `any` takes each, empty none."""
    resolution_m_per_px: float | None = None
    """Coarsest ground resolution that helps."""


class Activity(StrEnum):
    """What an asset does when an event comes."""

    IDLE = "idle"
    """Ready to leave."""
    UNDERWAY = "underway"
    """On a task, which it would leave."""
    RETURNING = "returning"
    CHARGING = "charging"
    """Ready in `ready_in_s`."""
    GROUNDED = "grounded"
    """Not to be used until somebody releases it."""


@dataclass(frozen=True, slots=True)
class Task:
    """What an asset is doing, so far as somebody must know who may take it away from there."""

    name: str
    priority: int = 0
    left_s: float = 0.0
    """Time that the rest of it takes."""
    patrol_id: PatrolId | None = None
    resume_at: tuple[float, float] | None = None
    """Latitude and longitude where it goes on; `None` means where the asset is now."""
    until: datetime | None = None
    """After this it is of no use any more."""


@dataclass(frozen=True, slots=True)
class Responder:
    """An asset as it stands when an event comes."""

    asset: Asset
    lat_deg: float
    lon_deg: float
    up_m: float = 0.0
    """Above its home; a drone higher than a metre is in the air."""
    activity: Activity = Activity.IDLE
    battery_fraction: float | None = None
    """`None`: nobody said; it counts as full, and the explanation says so."""
    ready_in_s: float = 0.0
    """Until it can leave."""
    task: Task | None = None
    cameras: frozenset[str] = frozenset({"colour"})
    """Kinds of its cameras."""
    crewed: bool | None = None
    """Whether somebody qualified for it is on duty; `None` means that nobody said."""
    in_hand_of: UserId | None = None
    """Who flies or drives it now."""

    @property
    def place(self) -> tuple[float, float]:
        """Latitude and longitude."""
        return self.lat_deg, self.lon_deg


@dataclass(frozen=True, slots=True)
class DispatchPolicy:
    """What a station has decided about dispatching."""

    height_m: float = 60.0
    """At which a drone goes and looks, above its home, where zones allow it."""
    launch_s: float = 15.0
    """From the order until a drone leaves the ground."""
    turnout_s: float = 0.0
    """From the order until a car moves."""
    margin_m: float = 5.0
    """Kept from borders beyond a drone's acceptance radius."""
    stand_off_m: float = 100.0
    """From how far a drone may look at a place where it may not be."""
    rally_on_way: bool = True
    """Whether a drone whose straight way home is closed somewhere may come down on its own way
    when it must return; without it such a way needs rally points that somebody has chosen."""
    leave_task_s: float = 0.0
    """An asset that would leave a task must be quicker by this than one that would not."""
    resume_within_s: float = 1_800.0
    """A task that its own asset takes up again later than this is offered to another."""
    road_factor: float = 1.4
    """Length of a way by road in straight distances, where no road graph is loaded."""
    car_sees_from_m: float = 20.0
    """Distance from which a car's camera looks at a place."""


class Reason(StrEnum):
    """Why an asset is sent, or is not."""

    CHOSEN = "chosen"
    SLOWER = "slower"
    """It could go, and would be there later, or is the other of two that are equal."""
    NOT_QUICKER = "not_quicker"
    """Not looked at further: even its straight way takes longer."""
    PASSIVE = "passive"
    GROUNDED = "grounded"
    BUSY = "busy"
    """On a task that is not less important."""
    NO_CREW = "no_crew"
    NO_CAMERA = "no_camera"
    """Not the camera that is wanted, or too coarse a one."""
    WEATHER = "weather"
    PERMISSION = "permission"
    ZONES = "zones"
    """The place can't be reached, or not looked at, within the flight zones."""
    NO_ROAD = "no_road"
    ENERGY = "energy"
    """Not enough to go, stay and come back with the reserve."""
    UNSAFE = "unsafe"
    """The check of its plan found an error."""


@dataclass(frozen=True, slots=True)
class EnergyNeed:
    """What an answer to an event takes of a battery."""

    unit: str
    """`Wh` where the asset has an energy model, else `s` of its endurance."""
    go: float
    stay: float
    back: float
    have: float
    """To be used without touching the reserve."""

    @property
    def total(self) -> float:
        """To go, stay and come back."""
        return self.go + self.stay + self.back

    @property
    def enough(self) -> bool:
        """Whether it can be done."""
        return self.total <= self.have

    def __str__(self) -> str:
        """Returns it in words."""
        parts = f"go {self.go:.0f}, stay {self.stay:.0f}, back {self.back:.0f}"
        verdict = "of" if self.enough else "but it has"
        return f"needs {self.total:.0f} {self.unit} ({parts}) {verdict} {self.have:.0f} {self.unit}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One asset of the fleet, judged for one event."""

    asset_id: AssetId
    feasible: bool | None
    """`None`: not looked at to the end, since it could not be quicker."""
    reason: Reason
    why: str
    """One sentence with figures."""
    travel_s: float | None = None
    """From the order to being there; where it was not looked at to the end, at least that."""
    arrives_at: datetime | None = None
    energy: EnergyNeed | None = None
    route: tuple[tuple[float, float], ...] = ()
    """Latitude and longitude from where it is to where it stays."""
    up_m: float | None = None
    """Height of that route above its home, of a drone."""
    away_s: float | None = None
    """From the order until it is back home, or free again if it is a car."""
    plan: Plan | None = None
    """What was proven and would be uploaded."""
    first_item: int = 0
    """Step of the plan to begin with: of a drone in the air, the one that leads on from here."""
    findings: tuple[Finding, ...] = ()
    """Of the check of that plan."""


class TaskOutcome(StrEnum):
    """What becomes of a task that was left for an event."""

    RESUMED = "resumed"
    """By the same asset, straight after."""
    RESUMED_LATER = "resumed_later"
    """By the same asset, with a fresh battery."""
    REASSIGNED = "reassigned"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class LeftTask:
    """A task that is left for an event, and what becomes of it."""

    task: Task
    outcome: TaskOutcome
    why: str
    by: AssetId | None = None
    """Who goes on with it."""
    resumes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Who goes to an event, why, and why not the others."""

    event: Event
    chosen: Candidate | None
    candidates: tuple[Candidate, ...]
    """One for each asset of the fleet, the chosen one first, then by what they would take."""
    explanation: str
    left_task: LeftTask | None = None
    notes: tuple[str, ...] = field(default=())
    """What was not known and what was assumed instead."""
