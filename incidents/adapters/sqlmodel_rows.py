"""Rows of incidents: a head with indexed columns, and every version as a document.

The head points to the newest version; what an incident said is in the history alone, which
triggers keep from being changed or deleted. So nothing acknowledged is altered unseen.
"""

from datetime import datetime
from typing import Any, ClassVar, Self

from sqlalchemy import JSON, CheckConstraint, Column, Index
from sqlmodel import Field, SQLModel

from core.documents import from_document, to_document
from incidents.model import Incident, IncidentKind, IncidentState


def _one_of(column: str, words: list[str], name: str) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


class IncidentRow(SQLModel, table=True):
    """The head of an incident: what is searched for, and the newest version's number."""

    __tablename__: ClassVar[str] = "incident"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        _one_of("kind", [*IncidentKind], "incident_kind_known"),
        _one_of("state", [*IncidentState], "incident_state_known"),
        CheckConstraint("version >= 1", name="incident_version_counts"),
        CheckConstraint("lat_deg BETWEEN -90 AND 90", name="incident_lat_on_earth"),
        CheckConstraint("lon_deg BETWEEN -180 AND 180", name="incident_lon_on_earth"),
        Index("incident_newest", "opened_at", "incident_id"),
        Index("incident_by_state", "state", "opened_at", "incident_id"),
        Index("incident_place", "lat_deg", "lon_deg"),
    )

    incident_id: str = Field(primary_key=True)
    kind: str
    state: str
    zone_id: str = Field(index=True)
    agency: str | None = Field(default=None, index=True)
    lat_deg: float
    lon_deg: float
    opened_at: datetime
    last_seen_at: datetime = Field(index=True)
    saved_at: datetime
    """When the station last saved it, by the station's clock."""
    version: int

    @classmethod
    def from_domain(cls, incident: Incident, saved_at: datetime) -> Self:
        """Returns the head of an incident."""
        return cls(
            incident_id=incident.incident_id,
            kind=str(incident.kind),
            state=str(incident.state),
            zone_id=incident.zone_id,
            agency=incident.agency,
            lat_deg=incident.point.lat_deg,
            lon_deg=incident.point.lon_deg,
            opened_at=incident.opened_at,
            last_seen_at=incident.last_seen_at,
            saved_at=saved_at,
            version=incident.version,
        )


class IncidentVersionRow(SQLModel, table=True):
    """One version of an incident, as it was acknowledged; append-only."""

    __tablename__: ClassVar[str] = "incident_history"

    incident_id: str = Field(primary_key=True, foreign_key="incident.incident_id")
    version: int = Field(primary_key=True)
    saved_at: datetime
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))

    @classmethod
    def from_domain(cls, incident: Incident, saved_at: datetime) -> Self:
        """Returns the version that an incident is."""
        return cls(
            incident_id=incident.incident_id,
            version=incident.version,
            saved_at=saved_at,
            document=to_document(incident),
        )

    def to_domain(self) -> Incident:
        """Returns the incident of this version."""
        return from_document(Incident, self.document)


class IncidentObservationRow(SQLModel, table=True):
    """Which incident holds an observation: one, never two."""

    __tablename__: ClassVar[str] = "incident_observation"

    observation_id: str = Field(primary_key=True)
    incident_id: str = Field(foreign_key="incident.incident_id", index=True)


class IncidentEvidenceRow(SQLModel, table=True):
    """Which incidents have ever held a piece of evidence."""

    __tablename__: ClassVar[str] = "incident_evidence"

    digest: str = Field(primary_key=True)
    incident_id: str = Field(primary_key=True, foreign_key="incident.incident_id", index=True)


class EvidenceTombstoneRow(SQLModel, table=True):
    """What was removed from the vault, when and why; append-only."""

    __tablename__: ClassVar[str] = "evidence_tombstone"

    digest: str = Field(primary_key=True)
    removed_at: datetime = Field(primary_key=True)
    size_bytes: int
    media_type: str
    reason: str
