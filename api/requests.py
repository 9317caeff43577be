"""What routes take from a request: the services, who asks, and versions."""

from typing import Annotated, TypeAlias

from fastapi import Depends, Header, Query, Request, Response

from api.accounts import Account
from api.paging import MOST, USUAL
from api.services import Services
from api.signing_in import Visitor
from core.errors import BadRequest, NotSignedIn, PreconditionMissing, VersionConflict


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _visitor(request: Request) -> Visitor:
    visitor: Visitor | None = request.state.visitor
    if visitor is None:
        raise NotSignedIn("nobody is signed in", cure="sign in, or send a bearer token")
    return visitor


async def _account(visitor: Annotated[Visitor, Depends(_visitor)]) -> Account:
    return visitor.account


ServicesOf: TypeAlias = Annotated[Services, Depends(_services)]
VisitorOf: TypeAlias = Annotated[Visitor, Depends(_visitor)]
Who: TypeAlias = Annotated[Account, Depends(_account)]
Cursor: TypeAlias = Annotated[str | None, Query(max_length=1000)]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=MOST)]
USUAL_LIMIT = USUAL


def etag(version: int) -> str:
    """Returns a version as an ETag."""
    return f'"{version}"'


def set_etag(response: Response, version: int) -> None:
    """Puts a version onto an answer."""
    response.headers["ETag"] = etag(version)


def _version(header: str) -> int:
    text = header.strip()
    digits = text[1:-1]
    if len(text) < 3 or text[0] != '"' or text[-1] != '"' or not digits.isascii():
        raise _no_version(header)
    if not digits.isdigit() or len(digits) > 12:
        raise _no_version(header)
    return int(digits)


def _no_version(header: str) -> BadRequest:
    return BadRequest(
        f"{header[:40]} is no version", where="If-Match", cure='send the ETag, such as "3"'
    )


async def _demanded_version(if_match: Annotated[str | None, Header()] = None) -> int:
    if if_match is None:
        raise PreconditionMissing(
            "a change must say which version it is based on",
            where="If-Match",
            cure="read it, and send its ETag as If-Match",
        )
    return _version(if_match)


async def _offered_version(if_match: Annotated[str | None, Header()] = None) -> int | None:
    return None if if_match is None else _version(if_match)


DemandedVersion: TypeAlias = Annotated[int, Depends(_demanded_version)]
"""The version of If-Match, without which the request is refused."""
OfferedVersion: TypeAlias = Annotated[int | None, Depends(_offered_version)]
"""The version of If-Match, where it was sent."""


LeaseTerm: TypeAlias = Annotated[int | None, Header(alias="Qyran-Lease-Term", ge=1, le=2**31 - 1)]
"""The term of the lease that the client believes in, where it sent one."""


def check_version(expected: int, present: int, where: str) -> None:
    """Returns where a change is based on the present version.

    Raises:
        VersionConflict: if it is not.
    """
    if expected != present:
        raise VersionConflict(
            f"it is version {present} by now, not {expected}",
            where=where,
            cure="read it anew and change that",
        )
