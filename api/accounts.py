"""Accounts, agencies, roles, tokens; and what is needed to keep them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.ids import AgencyId, UserId


class Role(StrEnum):
    """What an account may do; a route names the roles that may use it."""

    PILOT = "pilot"
    """Starts and commands drones."""
    DRIVER = "driver"
    """Starts and commands patrol cars."""
    PLANNER = "planner"
    """Draws zones and patrols."""
    REVIEWER = "reviewer"
    """Decides on incidents."""
    DISPATCHER = "dispatcher"
    """Hands incidents to services and accepts their work."""
    SERVICE = "service"
    """A city service; sees and acts on what is assigned to its agency alone."""
    AUDITOR = "auditor"
    """Reads everything, changes nothing."""
    DEVICE = "device"
    """A camera or patrol-car complex that posts its own observations."""
    ADMIN = "admin"
    """Makes accounts and tokens."""


@dataclass(frozen=True, slots=True)
class Agency:
    """The police, or a city service."""

    agency_id: AgencyId
    name: Mapping[str, str]
    """By language: `kk`, `ru`, `en`."""
    service: bool = True
    """True where incidents may be assigned to it."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody, or a device, that may sign in."""

    user_id: UserId
    login: str
    """Unique, lower case; a device's login is its device id."""
    name: str
    roles: frozenset[Role]
    agency: AgencyId | None
    created_at: datetime
    password_hash: str = ""
    """Empty where nobody can sign in by password."""
    active: bool = True


class TokenKind(StrEnum):
    """How a token travels."""

    SESSION = "session"
    """In the page's cookie."""
    BEARER = "bearer"
    """In the Authorization header of a script or device."""


@dataclass(frozen=True, slots=True)
class Token:
    """What lets a request in; its secret is known to its holder alone."""

    token_hash: str
    """SHA-256 of the secret, hexadecimal."""
    user_id: UserId
    kind: TokenKind
    created_at: datetime
    expires_at: datetime | None = None
    """`None` holds until it is replaced."""


class AccountStore(Protocol):
    """Keeps accounts and the hashes of their tokens."""

    def add(self, account: Account) -> None:
        """Keeps a new account.

        Raises:
            VersionConflict: if its id or login is taken.
        """
        ...

    def replace(self, account: Account) -> None:
        """Keeps an account over the one of its id.

        Raises:
            NotFound: if there is none.
            VersionConflict: if its login belongs to another.
        """
        ...

    def get(self, user_id: UserId) -> Account:
        """Returns an account.

        Raises:
            NotFound: if there is none.
        """
        ...

    def by_login(self, login: str) -> Account | None:
        """Returns the account of a login (given in lower case), or `None`."""
        ...

    def accounts(self) -> Sequence[Account]:
        """Returns all accounts in order of their login."""
        ...

    def add_token(self, token: Token) -> None:
        """Keeps a token; one of the same hash is replaced."""
        ...

    def token(self, token_hash: str) -> Token | None:
        """Returns the token of this hash, expired or not, or `None`."""
        ...

    def drop_token(self, token_hash: str) -> None:
        """Forgets a token; an unknown one is no error."""
        ...

    def drop_tokens(self, user_id: UserId, kind: TokenKind | None = None) -> None:
        """Forgets all tokens of an account, or those of one kind."""
        ...

    def drop_expired(self, now: datetime) -> int:
        """Forgets tokens that have expired and returns how many."""
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer that a device's observation got, so that it gets it again."""

    device_id: str
    serial: str
    fingerprint: str
    """SHA-256 of what was sent."""
    observation_id: str
    incident_id: str | None
    refused_code: str
    refused_reason: str
    received_at: datetime


class ReceiptStore(Protocol):
    """Keeps receipts of observations from elsewhere by (device id, serial)."""

    def receipt(self, device_id: str, serial: str) -> Receipt | None:
        """Returns the receipt, or `None` where nothing of that serial was taken in."""
        ...

    def add_receipt(self, receipt: Receipt) -> None:
        """Keeps a receipt.

        Raises:
            VersionConflict: if one of that device and serial is there.
        """
        ...


class PasswordHasher(Protocol):
    """Turns passwords into what may be kept."""

    def hash(self, password: str) -> str:
        """Returns a salted hash that names its own parameters."""
        ...

    def verify(self, password_hash: str, password: str) -> bool:
        """Returns whether the password fits; an empty hash takes as long and never fits."""
        ...
