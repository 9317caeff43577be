"""Observations, violations, incidents and their evidence."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from core.ids import (
    AgencyId,
    AssetId,
    CameraId,
    Digest,
    IncidentId,
    ObservationId,
    SortieId,
    TrackId,
    UserId,
    ZoneId,
)
from core.states import Transitions
from geo.positions import GroundPoint


class Origin(StrEnum):
    """Who saw it."""

    OWN = "own"
    """Our detector on our asset's picture."""
    ELSEWHERE = "elsewhere"
    """A camera or patrol-car complex with its own analytics."""


class IncidentKind(StrEnum):
    """What an incident is about; the code of the rule that opens it."""

    VEHICLE_STOPPED = "vehicle_stopped"
    """A vehicle stands where stopping is forbidden."""
    WASTE_HEAP = "waste_heap"
    """A heap of waste lies where none may."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One detection of one frame, on the ground."""

    at: datetime
    media_time_s: float
    point: GroundPoint
    confidence: float
    label: str
    shared: tuple[tuple[float, float], ...] = ()
    """One-sigma shifts (metres east, north) by each error that all frames of a pass share.

    Part of `point.covariance`. Empty means that nothing is known of the parts; then all of
    the covariance is taken to be shared.
    """
    view_m: tuple[float, float, float] | None = None
    """From the camera to the place: metres east, north, down. `None` where it is not known."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an observation comes from."""

    origin: Origin
    camera_id: CameraId
    asset_id: AssetId | None = None
    sortie_id: SortieId | None = None
    track_id: TrackId | None = None
    device_serial: str = ""
    """Of a device elsewhere, as it gives it."""
    model: str = ""
    """The network that spoke, or the device's own name for its analytics."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The same thing over the frames of one pass, on the ground, with its uncertainty.

    Its id is made of its content, so a pass that is read twice gives the same one; a track
    that grows gives newer versions of the same observation.
    """

    observation_id: ObservationId
    label: str
    """What the network or device called it: car, waste…"""
    source: Source
    first_seen_at: datetime
    last_seen_at: datetime
    point: GroundPoint
    confidence: float
    sightings: int = 1
    speed_m_s: float | None = None
    """`None` where it could not be told."""
    speed_sigma_m_s: float | None = None
    evidence: tuple["Evidence", ...] = ()
    plate: str = ""
    """As a device elsewhere read it; our own line reads none."""
    kind: IncidentKind | None = None
    """Set by a device elsewhere that has judged for itself."""


class EvidenceRole(StrEnum):
    """What a piece of evidence is."""

    PICTURE = "picture"
    """The whole frame with the thing marked, as a person looks at it."""
    CROP = "crop"
    CLIP = "clip"
    COMPLETION = "completion"
    """The service's photo of work done."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Immutable media in the vault, by its SHA-256."""

    digest: Digest
    role: EvidenceRole
    media_type: str
    size_bytes: int
    captured_at: datetime
    camera_id: CameraId | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """An observation that breaks a zone's rule."""

    kind: IncidentKind
    zone_id: ZoneId
    observation: Observation
    zone_probability: float
    """Probability that the place lies in the zone, by its covariance."""
    because: str
    """One clause for a person: what was seen, how long, how sure."""


class IncidentState(StrEnum):
    """The life of an incident."""

    OPEN = "open"
    """Seen by a machine, looked at by nobody."""
    CONFIRMED = "confirmed"
    """A person says that it is a violation."""
    DISMISSED = "dismissed"
    """A person says that it is none, with a reason."""
    ASSIGNED = "assigned"
    """A service is to deal with it."""
    DONE = "done"
    """The service says that it has been dealt with, with a photo."""
    CLOSED = "closed"
    """A person has accepted that."""
    MERGED = "merged"
    """It was another incident seen again; that one lives on."""


_I = IncidentState
INCIDENT_MOVES = Transitions(
    "incident",
    {
        _I.OPEN: frozenset({_I.CONFIRMED, _I.DISMISSED, _I.MERGED}),
        _I.CONFIRMED: frozenset({_I.ASSIGNED, _I.CLOSED, _I.DISMISSED, _I.MERGED}),
        _I.DISMISSED: frozenset({_I.OPEN}),
        _I.ASSIGNED: frozenset({_I.DONE, _I.CONFIRMED, _I.MERGED}),
        _I.DONE: frozenset({_I.CLOSED, _I.ASSIGNED}),
        _I.CLOSED: frozenset({_I.OPEN}),
    },
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A reviewer's lease on an incident; it ends by itself."""

    user_id: UserId
    until: datetime


@dataclass(frozen=True, slots=True)
class CloseProposal:
    """A later pass saw the place and not the thing."""

    sortie_id: SortieId | None
    at: datetime
    frames: int
    """How many frames truly saw the place."""
    because: str


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened to an incident; append-only."""

    at: datetime
    event: str
    """Stable word: opened, extended, claimed, released, confirmed, dismissed, assigned,
    done, close_proposed, closure_refused, closed, reopened, merged, evidence_added,
    seen_again."""
    by: UserId | None = None
    """`None` for the system."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """The lasting record of one event."""

    incident_id: IncidentId
    kind: IncidentKind
    zone_id: ZoneId
    state: IncidentState
    point: GroundPoint
    """Fused of all its observations."""
    opened_at: datetime
    last_seen_at: datetime
    observations: tuple[Observation, ...]
    because: str
    confidence: float
    agency: AgencyId | None = None
    """The service it is assigned to."""
    claim: Claim | None = None
    close_proposal: CloseProposal | None = None
    merged_into: IncidentId | None = None
    evidence: tuple[Evidence, ...] = ()
    """What people added; what was seen is with the observations."""
    timeline: tuple[TimelineEntry, ...] = field(default=())
    version: int = 1

    @property
    def all_evidence(self) -> tuple[Evidence, ...]:
        """Evidence of all observations, then what people added; each digest once."""
        seen = [e for o in self.observations for e in o.evidence] + list(self.evidence)
        return tuple({e.digest: e for e in seen}.values())


CLAIM_LEASE = timedelta(minutes=10)
"""How long a claim holds unless renewed."""
