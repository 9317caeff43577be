"""Signing in and out."""

from fastapi import Request, Response

from api.accounts import Account, TokenKind
from api.policies import COOKIE, PUBLIC, SIGNED_IN, GuardedRouter
from api.requests import ServicesOf, VisitorOf, Who
from api.schemas.accounts import DemoBody, SessionOut, SetUpBody, SignIn
from api.services import Services
from api.signing_in import demo_account, issue_token, set_up, sign_in

router = GuardedRouter("session")


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _begin(
    request: Request, response: Response, services: Services, account: Account
) -> SessionOut:
    lifetime = services.limits.session
    services.accounts.drop_expired(services.clock.now())
    secret = issue_token(
        services.accounts, account.user_id, TokenKind.SESSION, services.clock, lifetime
    )
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(lifetime.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return SessionOut.from_domain(account, demo=services.demo)


@router.add("POST", "/session", PUBLIC)
def post_session(
    request: Request, response: Response, services: ServicesOf, body: SignIn
) -> SessionOut:
    """Signs in by user and password and sets the session's cookie."""
    account = sign_in(services, body.user, body.password, _address(request))
    return _begin(request, response, services, account)


@router.add("POST", "/session/setup", PUBLIC)
def post_session_setup(
    request: Request, response: Response, services: ServicesOf, body: SetUpBody
) -> SessionOut:
    """Makes the first admin with the one-time token of the first start, and signs in."""
    account = set_up(services, body.token, body.user, body.name, body.password, _address(request))
    return _begin(request, response, services, account)


@router.add("POST", "/session/demo", PUBLIC)
def post_session_demo(
    request: Request, response: Response, services: ServicesOf, body: DemoBody
) -> SessionOut:
    """Signs in without a password, where the station is a demo."""
    account = demo_account(services, body.role, body.agency, body.seat)
    return _begin(request, response, services, account)


@router.add("GET", "/session", SIGNED_IN)
def get_session(services: ServicesOf, who: Who) -> SessionOut:
    """Says who is signed in."""
    return SessionOut.from_domain(who, demo=services.demo)


@router.add("DELETE", "/session", SIGNED_IN, status_code=204)
def delete_session(response: Response, services: ServicesOf, visitor: VisitorOf) -> None:
    """Signs out: the session's token is forgotten. A bearer token stays good."""
    if visitor.token.kind is TokenKind.SESSION:
        services.accounts.drop_token(visitor.token.token_hash)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
