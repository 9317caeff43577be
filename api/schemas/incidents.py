"""Incidents, their observations and evidence on the wire."""

import math
from collections.abc import Callable
from typing import Annotated, Literal, Self

from pydantic import Field

from api.accounts import Account
from api.schemas.base import Answer, Body, Instant, Note
from api.services import Services
from core.errors import NotFound
from core.ids import UserId
from geo.positions import GroundPoint
from incidents.model import (
    Evidence,
    EvidenceRole,
    Incident,
    IncidentKind,
    IncidentState,
    Observation,
    Origin,
)
from incidents.review import actions_for, active_claim

_SIGMAS_90 = math.sqrt(4.605170185988092)
"""From one sigma to the ellipse that holds 90 %."""


class EllipseOut(Answer):
    """The ellipse that holds 90 % of errors; half axes."""

    major_m: float
    minor_m: float
    bearing_deg: float


class PointOut(Answer):
    """A place and how well it is known."""

    lat: float
    lon: float
    radius_m: float
    ellipse: EllipseOut

    @classmethod
    def from_domain(cls, point: GroundPoint) -> Self:
        """Returns a point on the ground."""
        major_m2, minor_m2 = point.covariance.axes_m2
        return cls(
            lat=point.lat_deg,
            lon=point.lon_deg,
            radius_m=round(point.radius_m, 2),
            ellipse=EllipseOut(
                major_m=round(math.sqrt(major_m2) * _SIGMAS_90, 2),
                minor_m=round(math.sqrt(minor_m2) * _SIGMAS_90, 2),
                bearing_deg=round(point.covariance.bearing_deg, 1),
            ),
        )


class ClaimOut(Answer):
    """Who looks at it."""

    user_id: str
    name: str
    until: Instant
    mine: bool


class CloseProposalOut(Answer):
    """A later pass saw the place and not the thing."""

    at: Instant
    frames: int
    because: str
    sortie_id: str | None


class ObservationOut(Answer):
    """One pass that saw it."""

    id: str
    label: str
    origin: Origin
    asset_id: str | None
    camera_id: str
    sortie_id: str | None
    device_serial: str
    model: str
    first_seen_at: Instant
    last_seen_at: Instant
    point: PointOut
    confidence: float
    sightings: int
    speed_m_s: float | None
    plate: str

    @classmethod
    def from_domain(cls, o: Observation) -> Self:
        """Returns an observation."""
        return cls(
            id=o.observation_id,
            label=o.label,
            origin=o.source.origin,
            asset_id=o.source.asset_id,
            camera_id=o.source.camera_id,
            sortie_id=o.source.sortie_id,
            device_serial=o.source.device_serial,
            model=o.source.model,
            first_seen_at=o.first_seen_at,
            last_seen_at=o.last_seen_at,
            point=PointOut.from_domain(o.point),
            confidence=o.confidence,
            sightings=o.sightings,
            speed_m_s=o.speed_m_s,
            plate=o.plate,
        )


class EvidenceOut(Answer):
    """A piece of media, and where to get it."""

    sha256: str
    role: EvidenceRole
    media_type: str
    size_bytes: int
    captured_at: Instant
    url: str

    @classmethod
    def from_domain(cls, evidence: Evidence) -> Self:
        """Returns a piece of evidence."""
        return cls(
            sha256=evidence.digest,
            role=evidence.role,
            media_type=evidence.media_type,
            size_bytes=evidence.size_bytes,
            captured_at=evidence.captured_at,
            url=f"/api/v1/evidence/{evidence.digest}",
        )


class TimelineOut(Answer):
    """One thing that happened; `by` is a person's name, or null for the system."""

    at: Instant
    event: str
    by: str | None
    note: str


class IncidentOut(Answer):
    """An incident as one person sees it."""

    id: str
    kind: IncidentKind
    state: IncidentState
    zone_id: str
    zone_name: str
    point: PointOut
    opened_at: Instant
    last_seen_at: Instant
    confidence: float
    because: str
    agency: str | None
    claim: ClaimOut | None
    close_proposal: CloseProposalOut | None
    merged_into: str | None
    observations: list[ObservationOut] | None = None
    """Left out in lists."""
    evidence: list[EvidenceOut]
    """In lists only the first picture."""
    timeline: list[TimelineOut] | None = None
    """Left out in lists."""
    version: int
    actions: list[str]


class Viewer:
    """Shows incidents to one person; remembers names for as long as one answer takes."""

    def __init__(self, services: Services, account: Account) -> None:
        self._services = services
        self._account = account
        self._names: dict[str, str] = {}
        self._zones: dict[str, str] = {}

    def whole(self, incident: Incident) -> IncidentOut:
        """Returns all of an incident."""
        shown = self._shown(incident, [EvidenceOut.from_domain(e) for e in incident.all_evidence])
        return shown.model_copy(
            update={
                "observations": [ObservationOut.from_domain(o) for o in incident.observations],
                "timeline": [
                    TimelineOut(
                        at=entry.at,
                        event=entry.event,
                        by=None if entry.by is None else self.name_of(entry.by),
                        note=entry.note,
                    )
                    for entry in incident.timeline
                ],
            }
        )

    def listed(self, incident: Incident) -> IncidentOut:
        """Returns an incident as lists and the live stream show it."""
        first = next((e for e in incident.all_evidence if e.role is EvidenceRole.PICTURE), None)
        return self._shown(incident, [] if first is None else [EvidenceOut.from_domain(first)])

    def name_of(self, user_id: UserId) -> str:
        """Returns a person's name, or the id of one who is gone."""
        return _remembered(
            self._names, user_id, lambda: self._services.accounts.get(user_id).name, user_id
        )

    def _shown(self, incident: Incident, evidence: list[EvidenceOut]) -> IncidentOut:
        now, who = self._services.clock.now(), self._account
        held = active_claim(incident, now)
        proposal = incident.close_proposal
        return IncidentOut(
            id=incident.incident_id,
            kind=incident.kind,
            state=incident.state,
            zone_id=incident.zone_id,
            zone_name=_remembered(
                self._zones,
                incident.zone_id,
                lambda: self._services.zones.get(incident.zone_id).name,
                "",
            ),
            point=PointOut.from_domain(incident.point),
            opened_at=incident.opened_at,
            last_seen_at=incident.last_seen_at,
            confidence=incident.confidence,
            because=incident.because,
            agency=incident.agency,
            claim=None
            if held is None
            else ClaimOut(
                user_id=held.user_id,
                name=self.name_of(held.user_id),
                until=held.until,
                mine=held.user_id == who.user_id,
            ),
            close_proposal=None
            if proposal is None
            else CloseProposalOut(
                at=proposal.at,
                frames=proposal.frames,
                because=proposal.because,
                sortie_id=proposal.sortie_id,
            ),
            merged_into=incident.merged_into,
            evidence=evidence,
            version=incident.version,
            actions=list(
                actions_for(incident, [str(r) for r in who.roles], who.user_id, who.agency, now)
            ),
        )


def _remembered(known: dict[str, str], key: str, ask: Callable[[], str], otherwise: str) -> str:
    if key not in known:
        try:
            known[key] = ask()
        except NotFound:
            known[key] = otherwise
    return known[key]


class ClaimBody(Body):
    """A claim; with a reason it takes over another's."""

    take_over_reason: Note = ""


class DecisionBody(Body):
    """A reviewer's decision."""

    decision: Literal["confirm", "reject", "reopen"]
    reason: Note = ""


class AssignmentBody(Body):
    """The service that is to deal with it."""

    agency: Annotated[str, Field(min_length=1, max_length=64)]
    note: Note = ""


class ClosureBody(Body):
    """Whether what was done is accepted."""

    accept: bool
    note: Note = ""
