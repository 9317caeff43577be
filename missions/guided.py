"""What a pilot asks of a vehicle beside its mission, and the seal of what was proven of it.

A task that moves reaches a vehicle only as a `ProvenTask`; `missions.guiding.proof` makes it.
"""

import hashlib
import hmac
import math
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from core.errors import BadRequest, PlanUnsafe
from core.ids import AssetId

_SECRET = secrets.token_bytes(32)
PROOF_HOLDS = timedelta(seconds=15)
"""How long after its proof a task may still be sent: the vehicle is elsewhere later."""


class Capability(StrEnum):
    """What a craft can be asked for beside its mission."""

    FLY_TO = "fly_to"
    ORBIT = "orbit"
    FOLLOW = "follow"
    LOOK_AT = "look_at"
    ZOOM = "zoom"
    LIGHT = "light"
    LOUDSPEAKER = "loudspeaker"


@dataclass(frozen=True, slots=True)
class FlyTo:
    """Go straight to a place and stay there."""

    lat_deg: float
    lon_deg: float
    up_m: float
    """Above home; without meaning for a car."""
    speed_m_s: float | None = None
    """`None`: the speed of its plan."""
    look_at: tuple[float, float] | None = None
    """Latitude and longitude that the camera keeps in view on the way, where it can."""


@dataclass(frozen=True, slots=True)
class Orbit:
    """Go round a place, the camera towards it, until something else is ordered."""

    lat_deg: float
    lon_deg: float
    up_m: float
    """Above home."""
    radius_m: float
    clockwise: bool = True
    speed_m_s: float | None = None
    """`None`: the speed of its plan, but never faster than the circle allows."""


@dataclass(frozen=True, slots=True)
class LookAt:
    """Keep the camera on a place, from wherever the vehicle is."""

    place: tuple[float, float] | None
    """Latitude and longitude; `None` lets the camera go again."""
    up_m: float = 0.0
    """Above home."""


@dataclass(frozen=True, slots=True)
class Zoom:
    """Set the zoom of the camera."""

    percent: float
    """Of its range: 0 is widest."""


@dataclass(frozen=True, slots=True)
class Light:
    """Switch the searchlight."""

    on: bool


@dataclass(frozen=True, slots=True)
class ApprovedText:
    """Words that somebody has approved to be said in public."""

    text_id: str
    language: str
    words: str


@dataclass(frozen=True, slots=True)
class Announce:
    """Say an approved text over the loudspeaker."""

    text: ApprovedText


Task: TypeAlias = FlyTo | Orbit | LookAt | Zoom | Light | Announce
_NEEDS: dict[type, Capability] = {
    FlyTo: Capability.FLY_TO,
    Orbit: Capability.ORBIT,
    LookAt: Capability.LOOK_AT,
    Zoom: Capability.ZOOM,
    Light: Capability.LIGHT,
    Announce: Capability.LOUDSPEAKER,
}
RADIUS_LEAST_M, RADIUS_MOST_M = 5.0, 500.0
_ROUND_M_S2 = 1.0
"""Sideways acceleration that an orbit asks for at most."""


@dataclass(frozen=True, slots=True)
class Guided:
    """What a sortie does beside its mission."""

    kind: Capability
    way: tuple[tuple[float, float], ...]
    """Latitude and longitude from where it began to where it goes; of an orbit its middle last."""
    up_m: float
    radius_m: float = 0.0
    """Of an orbit."""
    held: bool = False
    """It was held on the way, and stands off its mission's way."""


@dataclass(frozen=True, slots=True)
class ProvenTask:
    """A task that may go to one asset now; only `missions.guiding.proof` makes one."""

    task: Task
    kind: Capability
    """What was asked for: a step of following somebody is a `FlyTo` too."""
    asset_id: AssetId
    proven_at: datetime
    guided: Guided | None = None
    """Of a task that moves: the way that was proven."""
    seal: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuses a task that is not the one that was proven.

        Raises:
            PlanUnsafe: if the seal is none, or another task's.
        """
        if not hmac.compare_digest(self.seal, _seal(self)):
            raise PlanUnsafe(
                f"this is not the {self.kind} that was proven",
                where=str(self.asset_id),
                cure="order it again",
            )

    @property
    def moves(self) -> bool:
        """Whether it takes the vehicle off its mission."""
        return self.guided is not None

    def check_fresh(self, now: datetime) -> None:
        """Does nothing while the proof is good.

        Raises:
            PlanUnsafe: if it is too old: the vehicle has moved on since.
        """
        if now - self.proven_at > PROOF_HOLDS:
            raise PlanUnsafe(
                f"the {self.kind} was proven too long ago",
                where=str(self.asset_id),
                cure="order it again",
            )


def sealed(
    task: Task,
    kind: Capability,
    asset_id: AssetId,
    proven_at: datetime,
    guided: Guided | None = None,
) -> ProvenTask:
    """Returns a task under its seal; for `missions.guiding.proof` alone, once it is proven."""
    bare = _Bare(task, kind, asset_id, proven_at, guided)
    return ProvenTask(task, kind, asset_id, proven_at, guided, _seal(bare))


@dataclass(frozen=True, slots=True)
class _Bare:
    """What a seal is over."""

    task: Task
    kind: Capability
    asset_id: AssetId
    proven_at: datetime
    guided: Guided | None


def _seal(one: ProvenTask | _Bare) -> str:
    text = repr((one.task, one.kind, one.asset_id, one.proven_at, one.guided))
    return hmac.new(_SECRET, text.encode(), hashlib.sha256).hexdigest()


def needs(task: Task) -> Capability:
    """Returns what a craft must be able to do for a task."""
    return _NEEDS[type(task)]


def orbit_speed_m_s(task: Orbit, cruise_m_s: float) -> float:
    """Returns how fast a circle is flown: as wished, and no faster than its bend allows."""
    return min(task.speed_m_s or cruise_m_s, math.sqrt(_ROUND_M_S2 * task.radius_m))


def check_task(task: Task) -> None:
    """Does nothing where the values of a task make sense.

    Raises:
        BadRequest: if one does not.
    """
    wrong = _wrong(task)
    if wrong:
        raise BadRequest(f"a {needs(task)} {wrong}", where=str(needs(task)), cure="give another")


def _wrong(task: Task) -> str:
    if isinstance(task, FlyTo | Orbit):
        if not _is_place(task.lat_deg, task.lon_deg):
            return "needs a place on earth"
        if not (math.isfinite(task.up_m) and -500.0 <= task.up_m <= 10_000.0):
            return "needs a height in metres above home"
        if task.speed_m_s is not None and not 0.5 <= task.speed_m_s <= 40.0:
            return "is flown at 0.5 to 40 m/s"
        if isinstance(task, Orbit) and not RADIUS_LEAST_M <= task.radius_m <= RADIUS_MOST_M:
            return f"has a radius of {RADIUS_LEAST_M:g} to {RADIUS_MOST_M:g} m"
    elif isinstance(task, LookAt):
        if task.place is not None and not _is_place(*task.place):
            return "needs a place on earth"
        if not math.isfinite(task.up_m):
            return "needs a height in metres above home"
    elif isinstance(task, Zoom) and not 0.0 <= task.percent <= 100.0:
        return "is 0 to 100 percent of the camera's range"
    return ""


def _is_place(lat_deg: float, lon_deg: float) -> bool:
    return -90.0 <= lat_deg <= 90.0 and -180.0 <= lon_deg <= 180.0


def described(task: Task, kind: Capability) -> str:
    """Returns a task in words, for logs and the record of commands."""
    if isinstance(task, FlyTo):
        verb = "following to" if kind is Capability.FOLLOW else "flying to"
        return f"{verb} {_place(task.lat_deg, task.lon_deg)} at {task.up_m:.1f} m"
    if isinstance(task, Orbit):
        way = "clockwise" if task.clockwise else "counter-clockwise"
        middle = _place(task.lat_deg, task.lon_deg)
        return f"going round {middle} at {task.up_m:.1f} m, {task.radius_m:.0f} m {way}"
    if isinstance(task, LookAt):
        return "looking ahead" if task.place is None else f"looking at {_place(*task.place)}"
    if isinstance(task, Zoom):
        return f"zoom at {task.percent:.0f} %"
    if isinstance(task, Light):
        return f"light {'on' if task.on else 'off'}"
    text = task.text
    return f"saying {text.text_id} ({text.language}): {text.words}"


def _place(lat_deg: float, lon_deg: float) -> str:
    return f"{lat_deg:.6f}, {lon_deg:.6f}"
