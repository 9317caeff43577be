"""Leases and the chain of commands in SQL; the database itself refuses to alter the chain."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Engine, Text, text
from sqlmodel import Field, Session, SQLModel, col, select

from core.documents import from_document, to_document
from core.ids import AssetId, Digest
from missions.control.leases import Lease, check_term
from missions.control.records import (
    ChainEntry,
    CommandKind,
    CommandRecord,
    chained,
    record_of,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHAIN_LOCK = 7_190_404
"""Any number that nothing else in the database locks by."""


class LeaseRow(SQLModel, table=True):
    """The newest lease of an asset."""

    __tablename__: ClassVar[str] = "control_lease"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        CheckConstraint("term >= 1", name="control_lease_term_counts"),
    )

    asset_id: str = Field(primary_key=True)
    term: int
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))

    def to_domain(self) -> Lease:
        """Returns the lease of this row."""
        return from_document(Lease, self.document)


class CommandRow(SQLModel, table=True):
    """One record of the chain; append-only."""

    __tablename__: ClassVar[str] = "command_record"

    number: int = Field(primary_key=True, sa_type=BigInteger)
    asset_id: str | None = Field(default=None, index=True)
    kind: str = Field(index=True)
    at_us: int = Field(index=True, sa_type=BigInteger)
    """Microseconds since 1970."""
    canonical: str = Field(sa_column=Column(Text, nullable=False))
    previous: str
    digest: str

    @classmethod
    def from_domain(cls, entry: ChainEntry) -> Self:
        """Returns the row of an entry."""
        return cls(
            number=entry.number,
            asset_id=entry.record.asset_id,
            kind=str(entry.record.kind),
            at_us=_micros(entry.record.at),
            canonical=entry.text,
            previous=entry.previous,
            digest=entry.digest,
        )

    def to_domain(self) -> ChainEntry:
        """Returns the entry of this row; its record is read from the text that was hashed."""
        record = record_of(self.canonical)
        previous, digest = Digest(self.previous), Digest(self.digest)
        return ChainEntry(self.number, record, self.canonical, previous, digest)


class SqlControlStore:
    """A `ControlStore` in a database. Safe to share by threads and processes."""

    def __init__(self, engine: Engine) -> None:
        """Uses the main engine made by `station.database`."""
        self._reads = engine
        self._writes = engine.execution_options(qyran_write=True)

    def lease(self, asset_id: AssetId) -> Lease | None:
        """Returns the asset's newest lease."""
        with Session(self._reads) as session:
            row = session.get(LeaseRow, asset_id)
            return None if row is None else row.to_domain()

    def put_lease(self, lease: Lease, expected: Lease | None, record: CommandRecord | None) -> bool:
        """Replaces the lease `expected` and appends the change's record, in one transaction."""
        with Session(self._writes) as session, session.begin():
            self._alone(session)
            row = session.get(LeaseRow, lease.asset_id)
            if (None if row is None else row.to_domain()) != expected:
                return False
            row = row or LeaseRow(asset_id=lease.asset_id, term=lease.term, document={})
            row.term, row.document = lease.term, to_document(lease)
            session.add(row)
            if record is not None:
                self._add(session, record)
            return True

    def append(self, record: CommandRecord, *, fenced: bool = False) -> ChainEntry:
        """Appends a record to the chain; the lease is looked at in the same transaction."""
        with Session(self._writes) as session, session.begin():
            self._alone(session)
            if fenced and record.asset_id and record.by and record.term is not None:
                row = session.get(LeaseRow, record.asset_id)
                present = None if row is None else row.to_domain()
                check_term(present, record.by, record.at, record.term, where=str(record.asset_id))
            return self._add(session, record)

    def records(
        self,
        *,
        asset_id: AssetId | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[ChainEntry]:
        """Returns entries that fit every filter, in the order of their numbers."""
        statement = select(CommandRow).order_by(col(CommandRow.number))
        if asset_id is not None:
            statement = statement.where(col(CommandRow.asset_id) == asset_id)
        if since is not None:
            statement = statement.where(col(CommandRow.at_us) >= _micros(since))
        if until is not None:
            statement = statement.where(col(CommandRow.at_us) < _micros(until))
        with Session(self._reads) as session:
            return tuple(row.to_domain() for row in session.exec(statement).all())

    def newest(self, kinds: Collection[CommandKind]) -> ChainEntry | None:
        """Returns the last entry of any of these kinds."""
        statement = (
            select(CommandRow)
            .where(col(CommandRow.kind).in_([str(kind) for kind in kinds]))
            .order_by(col(CommandRow.number).desc())
            .limit(1)
        )
        with Session(self._reads) as session:
            row = session.exec(statement).first()
            return None if row is None else row.to_domain()

    def append_in(self, session: Session, record: CommandRecord) -> ChainEntry:
        """Appends a record within another store's transaction on the same engine."""
        self._alone(session)
        return self._add(session, record)

    def _alone(self, session: Session) -> None:
        """Waits until no other transaction writes the chain; SQLite's own lock does so already."""
        if self._writes.dialect.name == "postgresql":
            session.execute(text(f"SELECT pg_advisory_xact_lock({_CHAIN_LOCK})"))

    def _add(self, session: Session, record: CommandRecord) -> ChainEntry:
        last = session.exec(
            select(CommandRow).order_by(col(CommandRow.number).desc()).limit(1)
        ).first()
        entry = chained(record, None if last is None else last.to_domain())
        session.add(CommandRow.from_domain(entry))
        return entry


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
