"""What incidents need from outside: a store, a vault for media, somebody to tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Protocol

from core.ids import Digest, IncidentId, ObservationId
from incidents.model import Evidence, Incident, IncidentKind, IncidentState
from vision.model import Detection, Frame


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


class EvidenceMaker(Protocol):
    """Makes evidence of what the line has seen, and keeps it."""

    def pictures(self, frame: Frame, detection: Detection) -> tuple[Evidence, ...]:
        """Returns the whole frame with the thing marked, and its crop."""
        ...

    def clip(self, start_s: float, end_s: float, captured_at: datetime) -> Evidence | None:
        """Returns the stretch of media time as a clip, `None` where it is not kept any more."""
        ...


class TappedEvidence(EvidenceMaker, Protocol):
    """Makes evidence of a live stream, whose packets it is given."""

    def tap(self, packet: Any) -> None:
        """Keeps an encoded packet (`av.Packet`) for a while."""
        ...


class PurgeableVault(EvidenceVault, Protocol):
    """A vault out of which media can be removed, for the retention."""

    def media_type(self, digest: Digest) -> str:
        """Returns what kind of medium it is.

        Raises:
            NotFound: if there is none of that name.
        """
        ...

    def size_bytes(self, digest: Digest) -> int:
        """Returns how large it is.

        Raises:
            NotFound: if there is none of that name.
        """
        ...

    def remove(self, digest: Digest) -> None:
        """Removes it; where there is none, does nothing."""
        ...


class EvidenceRetention(Protocol):
    """Knows which media may go, and remembers which went."""

    def evidence_only_dismissed(self, before: datetime) -> Sequence[Digest]:
        """Returns media whose every holder is dismissed and was last seen before `before`.

        What has been removed already is listed again.
        """
        ...

    def bury(
        self,
        digest: Digest,
        before: datetime,
        *,
        removed_at: datetime,
        size_bytes: int,
        media_type: str,
        reason: str,
    ) -> bool:
        """Records that media may be removed from the vault, and why.

        Returns:
            False, with nothing recorded, where an incident has come to need them meanwhile.
        """
        ...
