"""The FastAPI app, made of one argument."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from api import openapi
from api.errors import problem_of_error, problem_of_http, problem_of_validation
from api.observation_desk import ObservationDesk
from api.policies import check_policies
from api.rim import Rim
from api.routes import (
    accounts,
    attesting,
    concerns,
    control,
    driving,
    evidence,
    exits,
    failsafes,
    guiding,
    handoffs,
    health,
    incidents,
    live,
    missions,
    observations,
    page,
    permissions,
    planning,
    rest,
    schedules,
    session,
    zones,
)
from api.services import Services
from core.errors import NotFound, QyranError

PREFIX = "/api/v1"
_BELOW_PREFIX = (
    health,
    session,
    accounts,
    zones,
    permissions,
    schedules,
    missions,
    control,
    guiding,
    driving,
    planning,
    rest,
    incidents,
    evidence,
    concerns,
    handoffs,
    exits,
    failsafes,
    attesting,
    observations,
    live,
    openapi,
)


def create_app(services: Services) -> FastAPI:
    """Returns the app that serves the API and the page.

    Args:
        services: all that its routes may reach.

    Raises:
        PolicyMissing: if a route names no policy.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        services.live.close()

    app = FastAPI(
        title="Qyran",
        summary="Mission control for a city's drones and patrol cars",
        version=services.versions.version,
        openapi_url=None,  # ours is a route with a policy like any other
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.services = services
    app.state.observation_desk = ObservationDesk(services)
    app.add_middleware(Rim, hosts=services.hosts)
    _handle_errors(app)
    for module in _BELOW_PREFIX:
        app.include_router(module.router, prefix=PREFIX)
    app.include_router(page.router)  # last: it takes every path that is left
    check_policies(app)
    return app


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(QyranError)
    async def refuse(request: Request, error: QyranError) -> Response:
        return problem_of_error(error, versioned="if-match" in request.headers)

    @app.exception_handler(RequestValidationError)
    async def refuse_input(_: Request, error: RequestValidationError) -> Response:
        return problem_of_validation(error)

    @app.exception_handler(HTTPException)
    async def refuse_request(request: Request, error: HTTPException) -> Response:
        # the page's route knows every path, so an unknown one fails by its method only
        left_over = request.scope.get("endpoint") is page.get_page
        if error.status_code == 405 and left_over and request.url.path.startswith("/api/"):
            return problem_of_error(NotFound("there is no such route", where=request.url.path))
        return problem_of_http(error)
