"""What a fleet is asked in a shift, and what it is sent to do: values only."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.ids import AssetId, UserId
from missions.model import Asset, AssetKind, Finding, Plan

LatLon = tuple[float, float]
"""Latitude and longitude in degrees."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be looked at once: a place, or a line to be followed from end to end."""

    job_id: str
    places: tuple[LatLon, ...]
    """One place; or the corners of a line, which may be followed either way."""
    stay_s: float = 30.0
    """At a single place."""
    earliest: datetime | None = None
    """The look begins in [earliest, latest]."""
    latest: datetime | None = None
    worth_s: float | None = None
    """How much working time it may cost; `None` means that it must be done if it can be."""
    kinds: frozenset[AssetKind] = frozenset(AssetKind)
    """Who may do it."""
    asset_ids: frozenset[AssetId] = frozenset()
    """Only these; empty means all of those kinds."""
    needs_camera: bool = True
    seen_counts: bool = False
    """Whether it is done once a passive asset has seen it in its window."""
    target_id: str = ""
    """The revisit target that asks for it."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class RevisitTarget:
    """A zone's middle, a place or a street that should never stay unseen for too long."""

    target_id: str
    places: tuple[LatLon, ...]
    """One place, or the corners of a line."""
    revisit_s: float
    """Longest time that it should stay unseen."""
    last_seen_at: datetime | None = None
    """`None`: never, as far as is known."""
    weight: float = 1.0
    stay_s: float = 30.0
    kinds: frozenset[AssetKind] = frozenset(AssetKind)
    name: str = ""


@dataclass(frozen=True, slots=True)
class TrackFix:
    """Where an asset was at an instant."""

    at: datetime
    lat_deg: float
    lon_deg: float


@dataclass(frozen=True, slots=True)
class PassiveTrack:
    """Where an asset that is never tasked was, and how far to each side its camera sees."""

    asset_id: AssetId
    fixes: tuple[TrackFix, ...]
    """In order of time."""
    sees_m: float


@dataclass(frozen=True, slots=True)
class FleetStop:
    """One job of a trip."""

    job_id: str
    arrives_at: datetime
    begins_at: datetime
    """Later than the arrival where it waits for the job's window."""
    leaves_at: datetime
    backwards: bool = False
    """Whether the job's line is followed from its last corner to its first."""


@dataclass(frozen=True, slots=True)
class FleetTrip:
    """From home and back, on one battery or one tank."""

    departs_at: datetime
    returns_at: datetime
    stops: tuple[FleetStop, ...]
    line: tuple[LatLon, ...]
    distance_m: float
    share: float | None = None
    """Of what its battery may spend; `None` for a car."""
    plan: Plan | None = None
    """Of a drone; it has been checked and has no error."""
    findings: tuple[Finding, ...] = ()
    """Warnings and notes of that check."""


@dataclass(frozen=True, slots=True)
class FleetRoute:
    """What one asset does in a shift, with whom."""

    asset_id: AssetId
    user_id: UserId | None
    """`None` where people were not told."""
    trips: tuple[FleetTrip, ...]

    @property
    def distance_m(self) -> float:
        """Of all trips."""
        return sum(trip.distance_m for trip in self.trips)

    @property
    def seconds(self) -> float:
        """From the first departure to the last return."""
        return (self.trips[-1].returns_at - self.trips[0].departs_at).total_seconds()


class UnservedReason(StrEnum):
    """Why a job is not done."""

    SEEN_ALREADY = "seen_already"
    """A passive asset has seen it in its window: nothing is left to do."""
    NO_ASSET = "no_asset"
    """No asset may do it: none of that kind, by that name, or with a camera."""
    NO_CREW = "no_crew"
    """Nobody qualified for such an asset is on duty."""
    UNREACHABLE = "unreachable"
    """No road leads there, and no way through the air that is permitted."""
    NOT_PERMITTED = "not_permitted"
    """A flight there would have an error in its check, even alone."""
    CONFLICT = "conflict"
    """A flight there would come too near another one of ours, however late it departs."""
    NO_ENERGY = "no_energy"
    """There and back takes more than a battery may spend."""
    WINDOW_IMPOSSIBLE = "window_impossible"
    """Nobody who could do it gets there in its window and home within the shift."""
    NOT_WORTH_IT = "not_worth_it"
    """It would cost more time than it is worth."""
    NO_TIME = "no_time"
    """All who could do it are busy with other jobs."""


@dataclass(frozen=True, slots=True)
class Unserved:
    """A job that is not done, and why."""

    job_id: str
    reason: UnservedReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FleetAsset:
    """An asset with the time that it is crewed, as one working stretch."""

    asset: Asset
    start: datetime
    end: datetime
    user_id: UserId | None = None
    swap_s: float = 180.0
    """Between two trips of a drone."""


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What the fleet does in a shift."""

    routes: tuple[FleetRoute, ...]
    unserved: tuple[Unserved, ...]
    cost_s: float
    """Working time of all, from departure to return."""
    iterations: int
    """Of the optimiser."""
    dropped: tuple[Finding, ...] = field(default=())
    """Errors for which flights were left out."""
