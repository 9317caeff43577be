"""Assets, patrols and sorties in SQL. A sortie only ever moves on to a newer version."""

from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import JSON, CheckConstraint, Column, Engine, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select

from core.documents import from_document, to_document
from core.ids import AssetId, PatrolId, SortieId
from geo.area_documents import AREAS
from missions.model import Asset, Patrol, Sortie, SortieState

_STATES = ", ".join(f"'{state}'" for state in SortieState)


class AssetRow(SQLModel, table=True):
    """An asset."""

    __tablename__: ClassVar[str] = "asset"

    asset_id: str = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))

    @classmethod
    def from_domain(cls, asset: Asset) -> "AssetRow":
        """Returns the row of an asset."""
        return cls(asset_id=asset.asset_id, document=to_document(asset))

    def to_domain(self) -> Asset:
        """Returns the asset of this row."""
        return from_document(Asset, self.document)


class PatrolRow(SQLModel, table=True):
    """A patrol."""

    __tablename__: ClassVar[str] = "patrol"

    patrol_id: str = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))

    @classmethod
    def from_domain(cls, patrol: Patrol) -> "PatrolRow":
        """Returns the row of a patrol."""
        return cls(patrol_id=patrol.patrol_id, document=to_document(patrol))

    def to_domain(self) -> Patrol:
        """Returns the patrol of this row."""
        return from_document(Patrol, self.document)


class SortieRow(SQLModel, table=True):
    """The newest version of a sortie, with the plan that it flies and its log."""

    __tablename__: ClassVar[str] = "sortie"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        CheckConstraint(f"state IN ({_STATES})", name="sortie_state_known"),
        CheckConstraint("version >= 1", name="sortie_version_counts"),
    )

    sortie_id: str = Field(primary_key=True)
    asset_id: str = Field(index=True)
    patrol_id: str | None = Field(default=None, index=True)
    state: str = Field(index=True)
    version: int
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))

    @classmethod
    def from_domain(cls, sortie: Sortie) -> "SortieRow":
        """Returns the row of a sortie."""
        return cls(
            sortie_id=sortie.sortie_id,
            asset_id=sortie.plan.asset_id,
            patrol_id=sortie.plan.patrol_id,
            state=str(sortie.state),
            version=sortie.version,
            document=to_document(sortie, AREAS),
        )

    def to_domain(self) -> Sortie:
        """Returns the sortie of this row."""
        return from_document(Sortie, self.document, AREAS)


class SqlMissionStore:
    """A `MissionStore` in a database. Safe to share by threads."""

    def __init__(self, engine: Engine) -> None:
        """Uses the main engine made by `station.database`."""
        self._reads = engine
        self._writes = engine.execution_options(qyran_write=True)

    def save_asset(self, asset: Asset) -> None:
        """Keeps an asset; one of the same id is replaced."""
        with Session(self._writes) as session, session.begin():
            session.merge(AssetRow.from_domain(asset))

    def assets(self) -> Sequence[Asset]:
        """Returns all assets in order of their id."""
        with Session(self._reads) as session:
            rows = session.exec(select(AssetRow).order_by(col(AssetRow.asset_id))).all()
            return tuple(row.to_domain() for row in rows)

    def save_patrol(self, patrol: Patrol) -> None:
        """Keeps a patrol; one of the same id is replaced."""
        with Session(self._writes) as session, session.begin():
            session.merge(PatrolRow.from_domain(patrol))

    def patrols(self) -> Sequence[Patrol]:
        """Returns all patrols in order of their id."""
        with Session(self._reads) as session:
            rows = session.exec(select(PatrolRow).order_by(col(PatrolRow.patrol_id))).all()
            return tuple(row.to_domain() for row in rows)

    def save_sortie(self, sortie: Sortie) -> None:
        """Keeps the newest state of a sortie; a version that is not newer is dropped."""
        row = SortieRow.from_domain(sortie)
        if not self._replaced(row) and not self._inserted(row):
            self._replaced(row)  # another writer put an older version in between

    def sorties(
        self,
        *,
        sortie_id: SortieId | None = None,
        asset_id: AssetId | None = None,
        patrol_id: PatrolId | None = None,
    ) -> Sequence[Sortie]:
        """Returns sorties that fit every filter given, newest id last; maybe none."""
        statement = select(SortieRow).order_by(col(SortieRow.sortie_id))
        if sortie_id is not None:
            statement = statement.where(col(SortieRow.sortie_id) == sortie_id)
        if asset_id is not None:
            statement = statement.where(col(SortieRow.asset_id) == asset_id)
        if patrol_id is not None:
            statement = statement.where(col(SortieRow.patrol_id) == patrol_id)
        with Session(self._reads) as session:
            return tuple(row.to_domain() for row in session.exec(statement).all())

    def _replaced(self, row: SortieRow) -> bool:
        with Session(self._writes) as session, session.begin():
            changed = session.execute(
                update(SortieRow)
                .where(
                    col(SortieRow.sortie_id) == row.sortie_id,
                    col(SortieRow.version) < row.version,
                )
                .values(**row.model_dump(exclude={"sortie_id"}))
                .execution_options(synchronize_session=False)
            )
            return bool(changed.rowcount)  # type: ignore[attr-defined]

    def _inserted(self, row: SortieRow) -> bool:
        try:
            with Session(self._writes) as session, session.begin():
                session.add(SortieRow(**row.model_dump()))
        except IntegrityError:
            return False
        return True
