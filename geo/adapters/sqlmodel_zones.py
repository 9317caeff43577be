"""Zones in SQL: the newest version is searched for, every version stays."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self, cast

from sqlalchemy import JSON, CheckConstraint, Column, Engine, and_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from core.documents import from_document, to_document
from core.errors import NotFound, VersionConflict
from core.ids import ZoneId
from geo.area_documents import AREAS
from geo.zone_life import standing
from geo.zones import Purpose, Zone


class ZoneRow(SQLModel, table=True):
    """The head of a zone: the newest version's number, and what is said of the one that stands.

    `flight`, `watch` and `active` are those of the version that stands, or of the newest one
    where none does.
    """

    __tablename__: ClassVar[str] = "zone"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        CheckConstraint("version >= 1", name="zone_version_counts"),
        CheckConstraint("flight OR watch", name="zone_has_purpose"),
    )

    zone_id: str = Field(primary_key=True)
    flight: bool
    watch: bool
    active: bool
    version: int
    standing_version: int | None = None

    @classmethod
    def from_domain(cls, zone: Zone) -> Self:
        """Returns the head of a zone whose newest version stands, or of which none does."""
        return cls(
            zone_id=zone.zone_id,
            flight=Purpose.FLIGHT in zone.purposes,
            watch=Purpose.WATCH in zone.purposes,
            active=zone.switched_on,
            version=zone.version,
            standing_version=zone.version if _stands(zone) else None,
        )


class ZoneVersionRow(SQLModel, table=True):
    """One version of a zone; append-only."""

    __tablename__: ClassVar[str] = "zone_history"

    zone_id: str = Field(primary_key=True, foreign_key="zone.zone_id")
    version: int = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))

    @classmethod
    def from_domain(cls, zone: Zone) -> Self:
        """Returns the version that a zone is."""
        return cls(zone_id=zone.zone_id, version=zone.version, document=to_document(zone, AREAS))

    def to_domain(self) -> Zone:
        """Returns the zone of this version."""
        return from_document(Zone, self.document, AREAS)


class SqlZoneStore:
    """A `ZoneStore` in a database. Safe to share by threads."""

    def __init__(self, engine: Engine) -> None:
        """Uses the main engine made by `station.database`."""
        self._reads = engine
        self._writes = engine.execution_options(qyran_write=True)

    def add(self, zone: Zone) -> Zone:
        """Keeps a new zone and returns it.

        Raises:
            VersionConflict: if a zone of that id is there already.
            DiskFull: if there is no room; nothing is changed.
        """
        try:
            with Session(self._writes) as session, session.begin():
                if session.get(ZoneRow, zone.zone_id) is not None:
                    raise _conflict(zone.zone_id, "is there already")
                session.add(ZoneRow.from_domain(zone))
                session.flush()
                session.add(ZoneVersionRow.from_domain(zone))
        except IntegrityError as error:  # another process was faster
            raise _conflict(zone.zone_id, "is there already") from error
        return zone

    def get(self, zone_id: ZoneId) -> Zone:
        """Returns the newest version.

        Raises:
            NotFound: if there is none.
        """
        with Session(self._reads) as session:
            row = session.exec(_newest().where(col(ZoneRow.zone_id) == zone_id)).one_or_none()
            if row is None:
                raise NotFound("no such zone", where=zone_id)
            return row.to_domain()

    def find(self, purpose: Purpose | None = None, *, active: bool = True) -> Sequence[Zone]:
        """Returns what stands and is switched on, or the newest of all; in order of their id."""
        statement = _newest()
        if active:
            statement = _of_version(ZoneRow.standing_version).where(col(ZoneRow.active))
            if purpose is Purpose.FLIGHT:
                statement = statement.where(col(ZoneRow.flight))
            elif purpose is Purpose.WATCH:
                statement = statement.where(col(ZoneRow.watch))
        with Session(self._reads) as session:
            rows = session.exec(statement.order_by(col(ZoneRow.zone_id))).all()
            zones = [row.to_domain() for row in rows]
        return tuple(zone for zone in zones if purpose is None or purpose in zone.purposes)

    def replace(self, zone: Zone, expected_version: int) -> Zone:
        """Keeps the next version and returns it; the old one stays in the history.

        Raises:
            NotFound: if there is no such zone.
            VersionConflict: if the newest version is not `expected_version`.
            DiskFull: if there is no room; nothing is changed.
        """
        with Session(self._writes) as session, session.begin():
            changed = session.execute(
                update(ZoneRow)
                .where(
                    col(ZoneRow.zone_id) == zone.zone_id,
                    col(ZoneRow.version) == expected_version,
                )
                .values(**_head(zone))
                .execution_options(synchronize_session=False)
            )
            if changed.rowcount != 1:  # type: ignore[attr-defined]
                if session.get(ZoneRow, zone.zone_id) is None:
                    raise NotFound("no such zone", where=zone.zone_id)
                raise _conflict(zone.zone_id, "has been changed by somebody else")
            session.add(ZoneVersionRow.from_domain(zone))
        return zone

    def history(self, zone_id: ZoneId) -> tuple[Zone, ...]:
        """Returns every version, oldest first; maybe none."""
        with Session(self._reads) as session:
            rows = session.exec(
                select(ZoneVersionRow)
                .where(col(ZoneVersionRow.zone_id) == zone_id)
                .order_by(col(ZoneVersionRow.version))
            ).all()
            return tuple(row.to_domain() for row in rows)


def _stands(zone: Zone) -> bool:
    return standing((zone,)) is not None


def _head(zone: Zone) -> dict[str, Any]:
    """Returns what a new version changes in the head; a draft leaves what stands alone."""
    head = ZoneRow.from_domain(zone).model_dump(exclude={"zone_id"})
    return head if _stands(zone) else {"version": zone.version}


def _newest() -> SelectOfScalar[ZoneVersionRow]:
    return _of_version(ZoneRow.version)


def _of_version(version: object) -> SelectOfScalar[ZoneVersionRow]:
    return select(ZoneVersionRow).join(
        ZoneRow,
        and_(
            col(ZoneRow.zone_id) == col(ZoneVersionRow.zone_id),
            cast("Any", version) == col(ZoneVersionRow.version),
        ),
    )


def _conflict(where: str, what: str) -> VersionConflict:
    return VersionConflict(what, where=where, cure="read it again and repeat the change")
