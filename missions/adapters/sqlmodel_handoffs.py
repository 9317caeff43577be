"""Hand-offs and SOS buttons in SQL; each change goes with its record in the chain of commands."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Column, Engine, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select

from core.documents import from_document, to_document
from core.ids import AssetId
from missions.adapters.memory_handoffs import changed_meanwhile, no_such_handoff
from missions.adapters.sqlmodel_control import SqlControlStore
from missions.control.records import CommandRecord
from missions.handoffs.model import Handoff, HandoffId, SosButton

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class HandoffRow(SQLModel, table=True):
    """The newest version of a hand-off."""

    __tablename__: ClassVar[str] = "handoff"

    handoff_id: str = Field(primary_key=True)
    event_id: str = Field(unique=True)
    asset_id: str | None = Field(default=None, index=True)
    """Who is asked, goes or is there."""
    button_id: str = Field(default="", index=True)
    at_us: int = Field(index=True, sa_type=BigInteger)
    """Of the event, microseconds since 1970."""
    is_open: bool = Field(index=True)
    version: int
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))

    def to_domain(self) -> Handoff:
        """Returns the hand-off of this row."""
        return from_document(Handoff, self.document)


class SosButtonRow(SQLModel, table=True):
    """An SOS button."""

    __tablename__: ClassVar[str] = "sos_button"

    button_id: str = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))

    def to_domain(self) -> SosButton:
        """Returns the button of this row."""
        return from_document(SosButton, self.document)


class SqlHandoffStore:
    """A `HandoffStore` in a database. Safe to share by threads and processes."""

    def __init__(self, engine: Engine, chain: SqlControlStore) -> None:
        """Uses the main engine made by `station.database`, and the chain in it."""
        self._reads = engine
        self._writes = engine.execution_options(qyran_write=True)
        self._chain = chain

    def add(self, handoff: Handoff, record: CommandRecord) -> Handoff:
        """Keeps a new hand-off, or returns that of the same event."""
        event_id = handoff.occasion.event_id
        try:
            with Session(self._writes) as session, session.begin():
                known = self._of_event(session, event_id)
                if known is not None:
                    return known
                values = _values(handoff)
                session.add(HandoffRow(handoff_id=handoff.handoff_id, event_id=event_id, **values))
                session.flush()
                self._chain.append_in(session, record)
            return handoff
        except IntegrityError:
            with Session(self._reads) as session:  # another process was faster
                known = self._of_event(session, event_id)
            if known is None:
                raise
            return known

    def replace(self, handoff: Handoff, record: CommandRecord) -> None:
        """Keeps the next version and its record."""
        with Session(self._writes) as session, session.begin():
            changed = session.execute(
                update(HandoffRow)
                .where(col(HandoffRow.handoff_id) == handoff.handoff_id)
                .where(col(HandoffRow.version) == handoff.version - 1)
                .values(**_values(handoff))
            )
            if not changed.rowcount:  # type: ignore[attr-defined]
                if session.get(HandoffRow, handoff.handoff_id) is None:
                    raise no_such_handoff(handoff.handoff_id)
                raise changed_meanwhile(handoff)
            self._chain.append_in(session, record)

    def get(self, handoff_id: HandoffId) -> Handoff:
        """Returns the newest version."""
        with Session(self._reads) as session:
            row = session.get(HandoffRow, handoff_id)
            if row is None:
                raise no_such_handoff(handoff_id)
            return row.to_domain()

    def handoffs(
        self,
        *,
        only_open: bool = False,
        since: datetime | None = None,
        asset_id: AssetId | None = None,
        button_id: str | None = None,
    ) -> Sequence[Handoff]:
        """Returns those that fit every filter, by time of event and id."""
        statement = select(HandoffRow).order_by(col(HandoffRow.at_us), col(HandoffRow.handoff_id))
        if only_open:
            statement = statement.where(col(HandoffRow.is_open))
        if since is not None:
            statement = statement.where(col(HandoffRow.at_us) >= _micros(since))
        if asset_id is not None:
            statement = statement.where(col(HandoffRow.asset_id) == asset_id)
        if button_id is not None:
            statement = statement.where(col(HandoffRow.button_id) == button_id)
        with Session(self._reads) as session:
            return tuple(row.to_domain() for row in session.exec(statement).all())

    def save_button(self, button: SosButton) -> None:
        """Keeps a button."""
        row = SosButtonRow(button_id=button.button_id, document=to_document(button))
        with Session(self._writes) as session, session.begin():
            session.merge(row)

    def button(self, button_id: str) -> SosButton | None:
        """Returns a button, or `None`."""
        with Session(self._reads) as session:
            row = session.get(SosButtonRow, button_id)
            return None if row is None else row.to_domain()

    def buttons(self) -> Sequence[SosButton]:
        """Returns all buttons in order of their id."""
        statement = select(SosButtonRow).order_by(col(SosButtonRow.button_id))
        with Session(self._reads) as session:
            return tuple(row.to_domain() for row in session.exec(statement).all())

    @staticmethod
    def _of_event(session: Session, event_id: str) -> Handoff | None:
        statement = select(HandoffRow).where(col(HandoffRow.event_id) == event_id)
        row = session.exec(statement).first()
        return None if row is None else row.to_domain()


def _values(handoff: Handoff) -> dict[str, Any]:
    return {
        "asset_id": handoff.asset_id,
        "button_id": handoff.occasion.button_id,
        "at_us": _micros(handoff.occasion.at),
        "is_open": handoff.is_open,
        "version": handoff.version,
        "document": to_document(handoff),
    }


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
