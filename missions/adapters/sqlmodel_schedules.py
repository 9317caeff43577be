"""Schedules and their firings in SQL. A firing exists once; who claims it, has it alone."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Engine, and_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from core.documents import from_document, to_document
from core.errors import NotFound, VersionConflict
from missions.schedules import Firing, FiringState, Schedule, ScheduleId, claimed

_STATES = ", ".join(f"'{state}'" for state in FiringState)


class ScheduleRow(SQLModel, table=True):
    """The head of a schedule: its newest version, and how far its occurrences are enrolled."""

    __tablename__: ClassVar[str] = "schedule"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        CheckConstraint("version >= 1", name="schedule_version_counts"),
    )

    schedule_id: str = Field(primary_key=True)
    version: int
    looked_until_s: int | None = Field(default=None, sa_type=BigInteger)
    """Seconds since 1970."""


class ScheduleVersionRow(SQLModel, table=True):
    """One version of a schedule; append-only."""

    __tablename__: ClassVar[str] = "schedule_history"

    schedule_id: str = Field(primary_key=True, foreign_key="schedule.schedule_id")
    version: int = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))

    @classmethod
    def from_domain(cls, schedule: Schedule) -> Self:
        """Returns the row of a version."""
        return cls(
            schedule_id=schedule.schedule_id,
            version=schedule.version,
            document=to_document(schedule),
        )

    def to_domain(self) -> Schedule:
        """Returns the schedule of this row."""
        return from_document(Schedule, self.document)


class FiringRow(SQLModel, table=True):
    """What became of one occurrence."""

    __tablename__: ClassVar[str] = "firing"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        CheckConstraint(f"state IN ({_STATES})", name="firing_state_known"),
        CheckConstraint("version >= 1", name="firing_version_counts"),
    )

    schedule_id: str = Field(primary_key=True, foreign_key="schedule.schedule_id")
    start_s: int = Field(primary_key=True, index=True, sa_type=BigInteger)
    """Seconds since 1970."""
    state: str = Field(index=True)
    version: int
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))

    @classmethod
    def from_domain(cls, firing: Firing) -> Self:
        """Returns the row of a firing."""
        return cls(
            schedule_id=firing.schedule_id,
            start_s=_seconds(firing.start),
            state=str(firing.state),
            version=firing.version,
            document=to_document(firing),
        )

    def to_domain(self) -> Firing:
        """Returns the firing of this row."""
        return from_document(Firing, self.document)


class SqlScheduleStore:
    """A `ScheduleStore` in a database. Safe to share by threads and processes."""

    def __init__(self, engine: Engine) -> None:
        """Uses the main engine made by `station.database`."""
        self._reads = engine
        self._writes = engine.execution_options(qyran_write=True)

    def add(self, schedule: Schedule) -> None:
        """Keeps a new schedule."""
        try:
            with Session(self._writes) as session, session.begin():
                head = ScheduleRow(schedule_id=schedule.schedule_id, version=schedule.version)
                session.add(head)
                session.flush()
                session.add(ScheduleVersionRow.from_domain(schedule))
        except IntegrityError as error:
            raise VersionConflict("is there already", where=schedule.schedule_id) from error

    def replace(self, schedule: Schedule, expected_version: int) -> None:
        """Keeps the next version; the old one stays in the history."""
        with Session(self._writes) as session, session.begin():
            changed = session.execute(
                update(ScheduleRow)
                .where(
                    col(ScheduleRow.schedule_id) == schedule.schedule_id,
                    col(ScheduleRow.version) == expected_version,
                )
                .values(version=schedule.version)
                .execution_options(synchronize_session=False)
            )
            if changed.rowcount != 1:  # type: ignore[attr-defined]
                if session.get(ScheduleRow, schedule.schedule_id) is None:
                    raise NotFound("no such schedule", where=schedule.schedule_id)
                raise VersionConflict(
                    "has been changed by somebody else", where=schedule.schedule_id
                )
            session.add(ScheduleVersionRow.from_domain(schedule))

    def get(self, schedule_id: ScheduleId) -> Schedule:
        """Returns the newest version."""
        with Session(self._reads) as session:
            statement = _newest().where(col(ScheduleRow.schedule_id) == schedule_id)
            row = session.exec(statement).one_or_none()
            if row is None:
                raise NotFound("no such schedule", where=schedule_id)
            return row.to_domain()

    def schedules(self) -> Sequence[Schedule]:
        """Returns the newest version of each, in order of their id."""
        with Session(self._reads) as session:
            rows = session.exec(_newest().order_by(col(ScheduleRow.schedule_id))).all()
            return tuple(row.to_domain() for row in rows)

    def versions(self, schedule_id: ScheduleId) -> Sequence[Schedule]:
        """Returns every version, oldest first."""
        statement = (
            select(ScheduleVersionRow)
            .where(col(ScheduleVersionRow.schedule_id) == schedule_id)
            .order_by(col(ScheduleVersionRow.version))
        )
        with Session(self._reads) as session:
            return tuple(row.to_domain() for row in session.exec(statement).all())

    def looked_until(self, schedule_id: ScheduleId) -> datetime | None:
        """Returns the instant before which every occurrence has been enrolled."""
        with Session(self._reads) as session:
            row = session.get(ScheduleRow, schedule_id)
            seconds = None if row is None else row.looked_until_s
            return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    def enrol(
        self, schedule_id: ScheduleId, firings: Sequence[Firing], looked_until: datetime
    ) -> None:
        """Keeps what has come due and moves `looked_until` on, together."""
        rows = [FiringRow.from_domain(firing).model_dump() for firing in firings]
        with Session(self._writes) as session, session.begin():
            head = session.get(ScheduleRow, schedule_id, with_for_update=True)
            if head is None:
                raise NotFound("no such schedule", where=schedule_id)
            if rows:
                dialect = self._writes.dialect.name
                insert = (postgresql if dialect == "postgresql" else sqlite).insert
                session.execute(insert(FiringRow).on_conflict_do_nothing(), rows)
            head.looked_until_s = max(head.looked_until_s or 0, _seconds(looked_until))
            session.add(head)

    def claim(
        self, schedule_id: ScheduleId, start: datetime, *, by: str, now: datetime, lease_s: float
    ) -> Firing | None:
        """Takes a firing for one process; of several that ask at once exactly one gets it."""
        key = (schedule_id, _seconds(start))
        with Session(self._writes) as session, session.begin():
            row = session.get(FiringRow, key, with_for_update=True)
            if row is None:
                return None
            lease_until = now + timedelta(seconds=lease_s)
            mine = claimed(row.to_domain(), by=by, now=now, lease_until=lease_until)
            if mine is not None:
                _put(row, mine)
                session.add(row)
            return mine

    def record(self, firing: Firing) -> bool:
        """Keeps the next version of a firing; `False` where somebody else has moved it on."""
        key = (firing.schedule_id, _seconds(firing.start))
        with Session(self._writes) as session, session.begin():
            row = session.get(FiringRow, key, with_for_update=True)
            if row is None or row.version != firing.version - 1:
                return False
            _put(row, firing)
            session.add(row)
            return True

    def firings(
        self,
        *,
        schedule_id: ScheduleId | None = None,
        states: Collection[FiringState] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[Firing]:
        """Returns firings that fit every filter, in order of start."""
        statement = select(FiringRow).order_by(col(FiringRow.start_s), col(FiringRow.schedule_id))
        if schedule_id is not None:
            statement = statement.where(col(FiringRow.schedule_id) == schedule_id)
        if states is not None:
            statement = statement.where(col(FiringRow.state).in_([str(s) for s in states]))
        if since is not None:
            statement = statement.where(col(FiringRow.start_s) >= since.timestamp())
        if until is not None:
            statement = statement.where(col(FiringRow.start_s) < until.timestamp())
        with Session(self._reads) as session:
            return tuple(row.to_domain() for row in session.exec(statement).all())


def _newest() -> SelectOfScalar[ScheduleVersionRow]:
    return select(ScheduleVersionRow).join(
        ScheduleRow,
        and_(
            col(ScheduleRow.schedule_id) == col(ScheduleVersionRow.schedule_id),
            col(ScheduleRow.version) == col(ScheduleVersionRow.version),
        ),
    )


def _put(row: FiringRow, firing: Firing) -> None:
    row.state, row.version = str(firing.state), firing.version
    row.document = to_document(firing)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
