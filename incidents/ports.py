"""What incidents need from outside: a store, a vault for media, somebody to tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from core.ids import Digest, IncidentId, ObservationId
from incidents.model import Incident, IncidentKind, IncidentState


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """What to look for; every field given must fit."""

    states: frozenset[IncidentState] | None = None
    kind: IncidentKind | None = None
    near_lat_deg: float | None = None
    near_lon_deg: float | None = None
    near_m: float | None = None
    """With the two above: at most this far away (square of that half side, then exact)."""
    seen_since: datetime | None = None


class IncidentStore(Protocol):
    """Keeps incidents; what it has acknowledged survives a power cut."""

    def add(self, incident: Incident) -> None:
        """Keeps a new incident (version 1).

        Raises:
            VersionConflict: if one of that id is there.
            DiskFull: if there is no room; nothing is changed.
        """
        ...

    def get(self, incident_id: IncidentId) -> Incident:
        """Returns the newest version.

        Raises:
            NotFound: if there is none.
        """
        ...

    def save(self, incident: Incident, expected_version: int) -> None:
        """Keeps `incident` (version `expected_version` + 1) over the one of that version.

        Raises:
            NotFound: if there is no such incident.
            VersionConflict: if the kept version is another; nothing is changed.
            DiskFull: if there is no room; nothing is changed.
        """
        ...

    def find(
        self, wanted: IncidentFilter, *, after: IncidentId | None = None, limit: int = 100
    ) -> Sequence[Incident]:
        """Returns incidents newest first by (opened_at, id), starting after the one named.

        An unknown `after` gives an empty answer.
        """
        ...

    def by_observation(self, observation_id: ObservationId) -> Incident | None:
        """Returns the incident that holds this observation, or `None`."""
        ...

    def by_evidence(self, digest: Digest) -> Sequence[Incident]:
        """Returns the incidents whose newest version holds this evidence; maybe none.

        It decides who may see the bytes, so a digest that an incident no longer holds must
        not be found through it.
        """
        ...


class EvidenceVault(Protocol):
    """Content-addressed media that never change."""

    def put(self, data: bytes, media_type: str) -> Digest:
        """Keeps the bytes and returns their SHA-256; the same bytes are kept once.

        Either the whole is there under its name when this returns, or nothing is.

        Raises:
            DiskFull: if there is no room; no partial file stays.
        """
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """Returns a reader of the bytes; the caller closes it.

        Raises:
            NotFound: if there are none of that name.
            EvidenceDamaged: if their SHA-256 is another.
        """
        ...


class Notifier(Protocol):
    """Tells somebody; must never hold up or fail the intake."""

    def incident_changed(self, incident: Incident) -> None:
        """Passes on that an incident was opened or changed; failures are logged, not raised."""
        ...
