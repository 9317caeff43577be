"""Deny by default: every route names who may use it, and is guarded before its body is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from api.accounts import Role, TokenKind
from api.same_origin import UNSAFE, check_same_origin
from api.services import Services
from api.signing_in import Visitor, visitor_of
from core.errors import BadRequest, NotAllowed, NotSignedIn, TooLarge

COOKIE = "qyran_session"


class PolicyMissing(RuntimeError):
    """A route names no policy; the app must not start."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may use a route."""

    roles: frozenset[Role] = frozenset()
    """Any of these; empty where signing in is enough, or not even needed."""
    public: bool = False

    def admit(self, visitor: Visitor | None) -> None:
        """Returns where the visitor may pass.

        Raises:
            NotSignedIn: if nobody is signed in and the route is not public.
            NotAllowed: if none of the visitor's roles is named.
        """
        if self.public:
            return
        if visitor is None:
            raise NotSignedIn("nobody is signed in", cure="sign in, or send a bearer token")
        if self.roles and not self.roles & visitor.account.roles:
            needed = ", ".join(sorted(self.roles))
            raise NotAllowed("none of your roles allows it", cure=f"it takes one of: {needed}")


PUBLIC = Policy(public=True)
SIGNED_IN = Policy()


def roles(*named: Role) -> Policy:
    """Returns the policy that admits any of these roles."""
    if not named:
        raise PolicyMissing("a policy by roles must name at least one")
    return Policy(frozenset(named))


_POLICY = "qyran_policy"
_BODY = "qyran_carries_media"
_CURSOR = "cursor"
F = TypeVar("F", bound=Callable[..., Any])


class GuardedRoute(APIRoute):
    """A route whose policy is enforced before anything else of it runs."""

    @property
    def policy(self) -> Policy | None:
        """The policy that its function was registered with."""
        found = getattr(self.endpoint, _POLICY, None)
        return found if isinstance(found, Policy) else None

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Returns the handler behind its guard."""
        inner = super().get_route_handler()
        policy = self.policy
        media = bool(getattr(self.endpoint, _BODY, False))
        # the page's own paths are whatever a browser asks for
        pages = not self.include_in_schema or any(
            field.alias == _CURSOR for field in self.dependant.query_params
        )

        async def guarded(request: Request) -> Response:
            if policy is None:
                raise NotAllowed("this route names no policy", cure="tell the station's maintainer")
            services: Services = request.app.state.services
            visitor = None if policy.public else await _visitor(services, request)
            policy.admit(visitor)
            if _CURSOR in request.query_params and not pages:
                raise BadRequest(
                    "this answer has no pages, so no cursor is of it",
                    where=_CURSOR,
                    cure="leave it out",
                )
            if request.method in UNSAFE and not _bearer(request):
                check_same_origin(request)
            request.state.visitor = visitor
            limits = services.limits
            most = limits.body_bytes if media else limits.json_bytes
            response: Response = await inner(_limited(request, most))
            return response

        return guarded


class GuardedRouter(APIRouter):
    """A router whose every route must name its policy."""

    def __init__(self, tag: str) -> None:
        """Makes a router; `tag` groups its routes in the OpenAPI document."""
        super().__init__(route_class=GuardedRoute, tags=[tag])

    def add(
        self, methods: str | Sequence[str], path: str, policy: Policy, *, media: bool = False,
        **options: Any,
    ) -> Callable[[F], F]:  # fmt: skip
        """Returns a decorator that registers a function as a route.

        Args:
            methods: one HTTP method, or several.
            path: below the router's prefix.
            policy: who may use it.
            media: the body may be as large as a picture.
            options: what FastAPI's `add_api_route` takes.
        """

        def register(function: F) -> F:
            setattr(function, _POLICY, policy)
            setattr(function, _BODY, media)
            named = [methods] if isinstance(methods, str) else list(methods)
            operation = options.pop("operation_id", function.__name__)
            self.add_api_route(path, function, methods=named, operation_id=operation, **options)
            return function

        return register


def check_policies(app: FastAPI) -> None:
    """Walks all routes of an app.

    Raises:
        PolicyMissing: if one of them is not guarded by a policy; names it.
    """
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, GuardedRoute) or route.policy is None:
            raise PolicyMissing(f"route {context.path or route!r} names no policy")
    if getattr(app.router, "_low_priority_routes", ()):
        raise PolicyMissing("a front-end folder can't name a policy; serve it by a route")


def _bearer(request: Request) -> str:
    """Returns the secret of the Authorization header, or nothing."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


async def _visitor(services: Services, request: Request) -> Visitor | None:
    # a bearer token that is wrong is refused, not passed over for the cookie
    if secret := _bearer(request):
        kind = TokenKind.BEARER
    elif secret := request.cookies.get(COOKIE, ""):
        kind = TokenKind.SESSION
    else:
        return None
    return await run_in_threadpool(visitor_of, services, secret, kind)


def _limited(request: Request, most_bytes: int) -> Request:
    """Returns the request with a body that may not grow beyond a limit.

    FastAPI's own `max_body_size` answers in plain text; ours is a problem document.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most_bytes:
        raise TooLarge(f"the body has {declared} bytes", cure=f"send at most {most_bytes} bytes")
    receive: Receive = request.receive
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > most_bytes:
                raise HTTPException(413)  # FastAPI lets this one through as it is
        return message

    return Request(request.scope, counted, request._send)
