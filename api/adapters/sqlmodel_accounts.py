"""Accounts, hashes of tokens, and receipts of observations from elsewhere, in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Self

from sqlalchemy import CheckConstraint, Engine, delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select

from api.accounts import Account, Receipt, Role, Token, TokenKind
from core.errors import NotFound, VersionConflict
from core.ids import AgencyId, UserId


class AccountRow(SQLModel, table=True):
    """Somebody, or a device, that may sign in."""

    __tablename__: ClassVar[str] = "account"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        CheckConstraint("login = lower(login) AND login <> ''", name="account_login_folded"),
    )

    user_id: str = Field(primary_key=True)
    login: str = Field(unique=True)
    name: str
    roles: str
    """Role words in order, joined by a space."""
    agency: str | None = Field(default=None)
    created_at: datetime
    password_hash: str
    active: bool

    @classmethod
    def from_domain(cls, account: Account) -> Self:
        """Returns the row of an account."""
        return cls(
            user_id=account.user_id,
            login=account.login,
            name=account.name,
            roles=" ".join(sorted(account.roles)),
            agency=account.agency,
            created_at=account.created_at,
            password_hash=account.password_hash,
            active=account.active,
        )

    def to_domain(self) -> Account:
        """Returns the account of this row."""
        return Account(
            user_id=UserId(self.user_id),
            login=self.login,
            name=self.name,
            roles=frozenset(Role(word) for word in self.roles.split()),
            agency=None if self.agency is None else AgencyId(self.agency),
            created_at=self.created_at,
            password_hash=self.password_hash,
            active=self.active,
        )


class TokenRow(SQLModel, table=True):
    """The hash of a session or bearer token."""

    __tablename__: ClassVar[str] = "account_token"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        CheckConstraint("kind IN ('session', 'bearer')", name="account_token_kind_known"),
    )

    token_hash: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="account.user_id", index=True)
    kind: str
    created_at: datetime
    expires_at: datetime | None = Field(default=None, index=True)

    @classmethod
    def from_domain(cls, token: Token) -> Self:
        """Returns the row of a token."""
        return cls(
            token_hash=token.token_hash,
            user_id=token.user_id,
            kind=str(token.kind),
            created_at=token.created_at,
            expires_at=token.expires_at,
        )

    def to_domain(self) -> Token:
        """Returns the token of this row."""
        return Token(
            token_hash=self.token_hash,
            user_id=UserId(self.user_id),
            kind=TokenKind(self.kind),
            created_at=self.created_at,
            expires_at=self.expires_at,
        )


class ReceiptRow(SQLModel, table=True):
    """The answer that a device's observation got."""

    __tablename__: ClassVar[str] = "observation_receipt"

    device_id: str = Field(primary_key=True)
    serial: str = Field(primary_key=True)
    fingerprint: str
    observation_id: str
    incident_id: str | None = Field(default=None)
    refused_code: str
    refused_reason: str
    received_at: datetime

    @classmethod
    def from_domain(cls, receipt: Receipt) -> Self:
        """Returns the row of a receipt."""
        return cls(
            device_id=receipt.device_id,
            serial=receipt.serial,
            fingerprint=receipt.fingerprint,
            observation_id=receipt.observation_id,
            incident_id=receipt.incident_id,
            refused_code=receipt.refused_code,
            refused_reason=receipt.refused_reason,
            received_at=receipt.received_at,
        )

    def to_domain(self) -> Receipt:
        """Returns the receipt of this row."""
        return Receipt(
            device_id=self.device_id,
            serial=self.serial,
            fingerprint=self.fingerprint,
            observation_id=self.observation_id,
            incident_id=self.incident_id,
            refused_code=self.refused_code,
            refused_reason=self.refused_reason,
            received_at=self.received_at,
        )


class SqlAccountStore:
    """An `AccountStore` and `ReceiptStore` in a database. Safe to share by threads."""

    def __init__(self, engine: Engine) -> None:
        """Uses the main engine made by `station.database`."""
        self._reads = engine
        self._writes = engine.execution_options(qyran_write=True)

    def add(self, account: Account) -> None:
        """Keeps a new account."""
        try:
            with Session(self._writes) as session, session.begin():
                session.add(AccountRow.from_domain(account))
        except IntegrityError as error:
            raise VersionConflict("that login is taken", where=account.login) from error

    def replace(self, account: Account) -> None:
        """Keeps an account over the one of its id."""
        try:
            with Session(self._writes) as session, session.begin():
                if session.get(AccountRow, account.user_id) is None:
                    raise NotFound("no such account", where=account.user_id)
                session.merge(AccountRow.from_domain(account))
        except IntegrityError as error:
            raise VersionConflict("that login is taken", where=account.login) from error

    def get(self, user_id: UserId) -> Account:
        """Returns an account."""
        with Session(self._reads) as session:
            row = session.get(AccountRow, user_id)
            if row is None:
                raise NotFound("no such account", where=user_id)
            return row.to_domain()

    def by_login(self, login: str) -> Account | None:
        """Returns the account of a login, or `None`."""
        with Session(self._reads) as session:
            row = session.exec(select(AccountRow).where(AccountRow.login == login)).one_or_none()
            return None if row is None else row.to_domain()

    def accounts(self) -> Sequence[Account]:
        """Returns all accounts in order of their login."""
        with Session(self._reads) as session:
            rows = session.exec(select(AccountRow).order_by(col(AccountRow.login))).all()
            return tuple(row.to_domain() for row in rows)

    def add_token(self, token: Token) -> None:
        """Keeps a token; one of the same hash is replaced."""
        with Session(self._writes) as session, session.begin():
            session.merge(TokenRow.from_domain(token))

    def token(self, token_hash: str) -> Token | None:
        """Returns the token of this hash, or `None`."""
        with Session(self._reads) as session:
            row = session.get(TokenRow, token_hash)
            return None if row is None else row.to_domain()

    def drop_token(self, token_hash: str) -> None:
        """Forgets a token."""
        with Session(self._writes) as session, session.begin():
            session.execute(delete(TokenRow).where(col(TokenRow.token_hash) == token_hash))

    def drop_tokens(self, user_id: UserId, kind: TokenKind | None = None) -> None:
        """Forgets tokens of an account."""
        statement = delete(TokenRow).where(col(TokenRow.user_id) == user_id)
        if kind is not None:
            statement = statement.where(col(TokenRow.kind) == str(kind))
        with Session(self._writes) as session, session.begin():
            session.execute(statement)

    def drop_expired(self, now: datetime) -> int:
        """Forgets tokens that have expired and returns how many."""
        expired = col(TokenRow.expires_at) <= now  # NULL compares to neither: it stays
        with Session(self._writes) as session, session.begin():
            count: int = session.execute(delete(TokenRow).where(expired)).rowcount  # type: ignore[attr-defined]
        return count

    def receipt(self, device_id: str, serial: str) -> Receipt | None:
        """Returns the receipt, or `None`."""
        with Session(self._reads) as session:
            row = session.get(ReceiptRow, (device_id, serial))
            return None if row is None else row.to_domain()

    def add_receipt(self, receipt: Receipt) -> None:
        """Keeps a receipt."""
        try:
            with Session(self._writes) as session, session.begin():
                session.add(ReceiptRow.from_domain(receipt))
        except IntegrityError as error:
            raise VersionConflict("that serial is known", where=receipt.serial) from error
