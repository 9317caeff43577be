"""Accounts made, signed in, signed out: tokens are random, and only their hash is kept."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from api.accounts import Account, AccountStore, Agency, PasswordHasher, Role, Token, TokenKind
from api.services import Services
from core.clock import Clock
from core.errors import BadRequest, NotAllowed, NotFound, NotSignedIn, VersionConflict
from core.ids import AgencyId, UserId, fresh_id

LEAST_PASSWORD = 10
MOST_PASSWORD = 256
"""More would only cost time to hash."""

_LOGIN_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._@-")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sends a request, and how the station knows."""

    account: Account
    token: Token


def hash_of(secret: str) -> str:
    """Returns what is kept of a token's secret.

    Plain SHA-256: the secret has 256 random bits, there is nothing to guess.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def issue_token(
    accounts: AccountStore,
    user_id: UserId,
    kind: TokenKind,
    clock: Clock,
    lifetime: timedelta | None,
) -> str:
    """Keeps a new token of an account and returns its secret, which is known only now."""
    now = clock.now()
    secret = secrets.token_urlsafe(32)
    expires_at = None if lifetime is None else now + lifetime
    accounts.add_token(Token(hash_of(secret), user_id, kind, now, expires_at))
    return secret


def visitor_of(services: Services, secret: str, kind: TokenKind) -> Visitor | None:
    """Returns whose token it is, or `None` if it is unknown, expired, or its account is off."""
    token = services.accounts.token(hash_of(secret))
    if token is None or token.kind is not kind:
        return None
    if token.expires_at is not None and token.expires_at <= services.clock.now():
        return None
    try:
        account = services.accounts.get(token.user_id)
    except NotFound:
        return None
    return Visitor(account, token) if account.active else None


def check_password(password: str) -> None:
    """Refuses a password that is too easy to guess.

    Raises:
        BadRequest: if it is too short or too long.
    """
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise BadRequest(
            f"a password must have {LEAST_PASSWORD} to {MOST_PASSWORD} characters",
            where="password",
            cure="choose another",
        )


def checked_login(login: str) -> str:
    """Returns a login as it is kept, in lower case.

    Raises:
        BadRequest: if it has other characters than a login may have.
    """
    folded = login.strip().lower()
    if not folded or len(folded) > 64 or not set(folded) <= _LOGIN_CHARACTERS:
        raise BadRequest(
            "a login is 1 to 64 of a-z 0-9 . _ @ -", where="user", cure="choose another"
        )
    return folded


def new_account(
    accounts: AccountStore,
    passwords: PasswordHasher,
    clock: Clock,
    *,
    login: str,
    name: str,
    password: str | None,
    roles: Iterable[Role],
    agency: AgencyId | None,
) -> Account:
    """Makes and keeps an account; without a password it can only be given a token.

    Raises:
        BadRequest: if the login, name, roles or password won't do.
        VersionConflict: if the login is taken.
    """
    login = checked_login(login)
    held = frozenset(roles)
    if not name.strip():
        raise BadRequest("a name is needed", where="name", cure="say what the person is called")
    if not held:
        raise BadRequest(
            "at least one role is needed", where="roles", cure=f"name some of {', '.join(Role)}"
        )
    if password is not None:
        check_password(password)
    account = Account(
        user_id=UserId(fresh_id("user")),
        login=login,
        name=name.strip(),
        roles=held,
        agency=agency,
        created_at=clock.now(),
        password_hash="" if password is None else passwords.hash(password),
    )
    accounts.add(account)
    return account


def check_agency(agencies: Iterable[Agency], agency: str | None, roles: Iterable[Role]) -> None:
    """Refuses an agency that is unknown, or that does not fit the roles.

    Raises:
        BadRequest: if so.
    """
    known = {one.agency_id: one for one in agencies}
    if agency is not None and agency not in known:
        raise BadRequest(
            f"no agency {agency}", where="agency", cure=f"known: {', '.join(known) or 'none'}"
        )
    if Role.SERVICE in set(roles) and (agency is None or not known[AgencyId(agency)].service):
        raise BadRequest(
            "the role service needs the agency of a service",
            where="agency",
            cure="name one of /agencies whose service is true",
        )


def sign_in(services: Services, login: str, password: str, address: str) -> Account:
    """Returns the account that the login and password open.

    Raises:
        NotSignedIn: if they don't; it is not said which of the two was wrong.
        TooManyTries: after too many failures.
    """
    login = login.strip().lower()
    services.throttle.check(login, address)
    account = services.accounts.by_login(login)
    held = "" if account is None else account.password_hash
    fits = services.passwords.verify(held, password)
    if account is None or not account.active or not fits:
        services.throttle.failed(login, address)
        raise NotSignedIn("the user or the password is wrong", cure="check both and try again")
    services.throttle.succeeded(login, address)
    return account


def set_up(
    services: Services, token: str, login: str, name: str, password: str, address: str
) -> Account:
    """Makes the first admin, with the one-time token that the first start has printed.

    Raises:
        NotAllowed: if the token is not the one that is out, or there is an admin already.
        BadRequest: if the login or password won't do; the token stays good.
        TooManyTries: after too many wrong tokens.
    """
    services.throttle.check("#setup", address)
    if any(Role.ADMIN in account.roles for account in services.accounts.accounts()):
        raise NotAllowed("the station has an admin already", cure="ask the admin for an account")
    if not services.setup.fits(token):
        services.throttle.failed("#setup", address)
        raise _no_set_up()
    check_password(password)  # what can be mended must not cost the token
    if services.accounts.by_login(checked_login(login)) is not None or not name.strip():
        raise BadRequest(
            "that user is taken, or there is no name",
            where="user",
            cure="choose another user, and give a name",
        )
    if not services.setup.redeem(token):
        raise _no_set_up()  # somebody else was a moment faster
    agency = next((one.agency_id for one in services.agencies if not one.service), None)
    return new_account(
        services.accounts,
        services.passwords,
        services.clock,
        login=login,
        name=name,
        password=password,
        roles=[Role.ADMIN],
        agency=agency,
    )


def _no_set_up() -> NotAllowed:
    return NotAllowed(
        "the set-up token is not valid", cure="use the link that the newest start has printed"
    )


def demo_account(services: Services, role: Role, agency: str | None, seat: int) -> Account:
    """Returns the demo's account of a role, made when it is first asked for.

    Raises:
        NotFound: if the station is no demo.
        BadRequest: if the agency does not fit.
    """
    if not services.demo:
        raise NotFound("this station is no demo", cure="sign in with a user and password")
    if agency is None:
        wanted = role is Role.SERVICE
        agency = next((a.agency_id for a in services.agencies if a.service is wanted), None)
        login = f"demo-{role}"
    else:
        login = f"demo-{role}-{agency}"
    check_agency(services.agencies, agency, [role])
    if seat > 1:
        login = f"{login}-{seat}"
    account = services.accounts.by_login(login)
    if account is not None:
        return account
    try:
        return new_account(
            services.accounts,
            services.passwords,
            services.clock,
            login=login,
            name=f"Demo {role}" + (f" {seat}" if seat > 1 else ""),
            password=None,
            roles=[role],
            agency=None if agency is None else AgencyId(agency),
        )
    except VersionConflict:
        made = services.accounts.by_login(login)  # by a request that was a moment faster
        if made is None:
            raise
        return made
