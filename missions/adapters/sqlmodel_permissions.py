"""Permissions in SQL."""

from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import JSON, Column, Engine
from sqlmodel import Field, Session, SQLModel, col, select

from core.documents import from_document, to_document
from geo.area_documents import AREAS
from missions.permissions import Permission


class PermissionRow(SQLModel, table=True):
    """A permission."""

    __tablename__: ClassVar[str] = "permission"

    issuer: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))

    @classmethod
    def from_domain(cls, permission: Permission) -> "PermissionRow":
        """Returns the row of a permission."""
        return cls(
            issuer=permission.issuer,
            number=permission.number,
            document=to_document(permission, AREAS),
        )

    def to_domain(self) -> Permission:
        """Returns the permission of this row."""
        return from_document(Permission, self.document, AREAS)


class SqlPermissionStore:
    """A `PermissionStore` in a database. Safe to share by threads."""

    def __init__(self, engine: Engine) -> None:
        """Uses the main engine made by `station.database`."""
        self._reads = engine
        self._writes = engine.execution_options(qyran_write=True)

    def save(self, permission: Permission) -> None:
        """Keeps a permission; one of the same issuer and number is replaced.

        Raises:
            DiskFull: if there is no room; nothing is changed.
        """
        with Session(self._writes) as session, session.begin():
            session.merge(PermissionRow.from_domain(permission))

    def permissions(self) -> Sequence[Permission]:
        """Returns all of them in order of issuer and number."""
        statement = select(PermissionRow).order_by(
            col(PermissionRow.issuer), col(PermissionRow.number)
        )
        with Session(self._reads) as session:
            return tuple(row.to_domain() for row in session.exec(statement).all())
