"""Which media no incident needs any more, and the record of those that were removed."""

from datetime import datetime

from sqlalchemy import Engine, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from core.ids import Digest
from incidents.adapters.sqlmodel_rows import EvidenceTombstoneRow, IncidentEvidenceRow, IncidentRow
from incidents.model import IncidentState


class SqlEvidenceRetention:
    """Answers what may go and remembers what went. Safe to share by threads."""

    def __init__(self, engine: Engine) -> None:
        """Uses the main engine made by `station.database`."""
        self._reads = engine
        self._writes = engine.execution_options(qyran_write=True)

    def evidence_only_dismissed(self, before: datetime) -> tuple[Digest, ...]:
        """Returns media that no incident needs any more, for the retention.

        Each holder must be dismissed and last saved before `before`. What has been removed
        already is listed again.
        """
        with Session(self._reads) as session:
            rows = session.exec(
                select(IncidentEvidenceRow.digest)
                .where(col(IncidentEvidenceRow.digest).not_in(_needed(before)))
                .distinct()
                .order_by(col(IncidentEvidenceRow.digest))
            ).all()
            return tuple(Digest(row) for row in rows)

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
        with Session(self._writes) as session, session.begin():
            if digest in session.exec(_needed(before)).all():
                return False
            session.add(
                EvidenceTombstoneRow(
                    digest=digest,
                    removed_at=removed_at,
                    size_bytes=size_bytes,
                    media_type=media_type,
                    reason=reason,
                )
            )
            return True

    def tombstones(self) -> tuple[EvidenceTombstoneRow, ...]:
        """Returns the records of removed media, oldest first."""
        with Session(self._reads) as session:
            rows = session.exec(
                select(EvidenceTombstoneRow).order_by(col(EvidenceTombstoneRow.removed_at))
            ).all()
            session.expunge_all()
            return tuple(rows)


def _needed(before: datetime) -> SelectOfScalar[str]:
    """Returns the query of media that some incident needs: not dismissed, or just now."""
    return (
        select(IncidentEvidenceRow.digest)
        .join(IncidentRow, col(IncidentRow.incident_id) == col(IncidentEvidenceRow.incident_id))
        .where(
            or_(
                col(IncidentRow.state) != str(IncidentState.DISMISSED),
                col(IncidentRow.saved_at) >= before,
            )
        )
    )
