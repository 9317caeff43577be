"""Taps in SQL; the database itself refuses to alter them."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from sqlalchemy import JSON, BigInteger, Column, Engine, Integer
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select

from core.documents import from_document, to_document
from core.ids import AssetId, SortieId
from missions.driving.taps import Tap, TapId, TapKind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TapRow(SQLModel, table=True):
    """A tap; append-only."""

    __tablename__: ClassVar[str] = "driver_tap"

    number: int | None = Field(
        default=None,
        sa_column=Column(
            BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
    )
    """In the order of being received."""
    tap_id: str = Field(unique=True)
    asset_id: str = Field(index=True)
    sortie_id: str | None = Field(default=None, index=True)
    kind: str
    received_us: int = Field(sa_type=BigInteger)
    """Microseconds since 1970."""
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))

    @classmethod
    def from_domain(cls, tap: Tap) -> Self:
        """Returns the row of a tap."""
        return cls(
            tap_id=tap.tap_id,
            asset_id=tap.asset_id,
            sortie_id=tap.sortie_id,
            kind=str(tap.kind),
            received_us=_micros(tap.received_at),
            document=to_document(tap),
        )

    def to_domain(self) -> Tap:
        """Returns the tap of this row."""
        return from_document(Tap, self.document)


class SqlTapStore:
    """A `TapStore` in a database. Safe to share by threads and processes."""

    def __init__(self, engine: Engine) -> None:
        """Uses the main engine made by `station.database`."""
        self._reads = engine
        self._writes = engine.execution_options(qyran_write=True)

    def add(self, tap: Tap) -> Tap | None:
        """Keeps a tap, unless one of its id is kept already."""
        kept = self.get(tap.tap_id)
        if kept is not None:
            return kept
        try:
            with Session(self._writes) as session, session.begin():
                session.add(TapRow.from_domain(tap))
        except IntegrityError:  # somebody added the same one a moment before
            kept = self.get(tap.tap_id)
            if kept is None:
                raise
            return kept
        return None

    def get(self, tap_id: TapId) -> Tap | None:
        """Returns a tap, or `None`."""
        with Session(self._reads) as session:
            row = session.exec(select(TapRow).where(col(TapRow.tap_id) == tap_id)).first()
            return None if row is None else row.to_domain()

    def taps(
        self,
        asset_id: AssetId,
        *,
        sortie_id: SortieId | None = None,
        kinds: Collection[TapKind] | None = None,
        since: datetime | None = None,
    ) -> Sequence[Tap]:
        """Returns the taps of a car that fit every filter."""
        statement = select(TapRow).where(col(TapRow.asset_id) == asset_id)
        if sortie_id is not None:
            statement = statement.where(col(TapRow.sortie_id) == sortie_id)
        if kinds is not None:
            statement = statement.where(col(TapRow.kind).in_([str(kind) for kind in kinds]))
        if since is not None:
            statement = statement.where(col(TapRow.received_us) >= _micros(since))
        with Session(self._reads) as session:
            rows = session.exec(statement.order_by(col(TapRow.number))).all()
            return tuple(row.to_domain() for row in rows)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
