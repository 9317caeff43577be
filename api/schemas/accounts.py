"""Sessions, accounts, agencies on the wire."""

from typing import Annotated, Self

from pydantic import Field

from api.accounts import Account, Agency, Role
from api.schemas.base import Answer, Body, Instant, OneLine
from api.signing_in import MOST_PASSWORD

Password = Annotated[str, Field(min_length=1, max_length=MOST_PASSWORD)]
Login = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[OneLine, Field(min_length=1, max_length=120)]


class SignIn(Body):
    """Who signs in."""

    user: Login
    password: Password


class SetUpBody(Body):
    """The first admin."""

    token: Annotated[str, Field(min_length=1, max_length=200)]
    user: Login
    name: Name
    password: Password


class DemoBody(Body):
    """Which part a visitor of the demo plays."""

    role: Role
    agency: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    seat: Annotated[int, Field(ge=1, le=9)] = 1
    """Tells people of one role apart."""


class SessionOut(Answer):
    """Who is signed in."""

    user_id: str
    name: str
    roles: list[Role]
    agency: str | None
    demo: bool

    @classmethod
    def from_domain(cls, account: Account, *, demo: bool) -> Self:
        """Returns an account as its own session shows it."""
        return cls(
            user_id=account.user_id,
            name=account.name,
            roles=sorted(account.roles),
            agency=account.agency,
            demo=demo,
        )


class AccountBody(Body):
    """A new account; without a password it can only be given a token."""

    user: Login
    name: Name
    password: Password | None = None
    roles: Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
    agency: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class AccountOut(Answer):
    """An account as an admin sees it."""

    id: str
    user: str
    name: str
    roles: list[Role]
    agency: str | None
    active: bool
    created_at: Instant

    @classmethod
    def from_domain(cls, account: Account) -> Self:
        """Returns an account without its password's hash."""
        return cls(
            id=account.user_id,
            user=account.login,
            name=account.name,
            roles=sorted(account.roles),
            agency=account.agency,
            active=account.active,
            created_at=account.created_at,
        )


class TokenOut(Answer):
    """A bearer token, shown this once."""

    token: str


class AgencyOut(Answer):
    """An agency."""

    id: str
    name: dict[str, str]
    service: bool

    @classmethod
    def from_domain(cls, agency: Agency) -> Self:
        """Returns an agency."""
        return cls(id=agency.agency_id, name=dict(agency.name), service=agency.service)


class AgenciesOut(Answer):
    """All agencies."""

    items: list[AgencyOut]
