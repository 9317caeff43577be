"""The OpenAPI document: every route's policy, security and problem answers."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic.json_schema import models_json_schema

from api.errors import PROBLEM_TYPE
from api.policies import COOKIE, PUBLIC, GuardedRoute, GuardedRouter
from api.schemas.base import ProblemOut

router = GuardedRouter("openapi")

_REFUSALS = {
    "default": {
        "description": "Refused; `code` says why.",
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


@router.add("GET", "/openapi.json", PUBLIC, include_in_schema=False)
async def get_openapi_document(request: Request) -> JSONResponse:
    """Gives the OpenAPI 3.1 document."""
    app: FastAPI = request.app
    return JSONResponse(openapi_of(app))


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """Returns the OpenAPI document of an app; made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _made(app)
    return app.openapi_schema


def _made(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        openapi_version="3.1.0",
        routes=app.routes,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    _, definitions = models_json_schema(
        [(ProblemOut, "serialization")], ref_template="#/components/schemas/{model}"
    )
    schemas["Problem"] = definitions["$defs"]["ProblemOut"]
    for operations in document["paths"].values():
        for operation in operations.values():
            _show_examples(operation.get("requestBody", {}), schemas)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    components["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        "token": {"type": "http", "scheme": "bearer"},
    }
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, GuardedRoute) or route.policy is None:
            continue
        for method in context.methods or ():
            operation = document["paths"].get(context.path, {}).get(method.lower())
            if operation is None:
                continue
            operation["responses"].pop("422", None)
            operation["responses"] |= _REFUSALS
            if route.policy.public:
                operation["security"] = []
                continue
            operation["security"] = [{"session": []}, {"token": []}]
            if route.policy.roles:
                operation["x-roles"] = sorted(route.policy.roles)
    return document


def _show_examples(request: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Lifts the examples of a body that may be one of several, or none, to where they are read.

    Readers show those of a schema that is named, but look into no `anyOf`.
    """
    for media in request.get("content", {}).values():
        choices = media["schema"].get("anyOf") or media["schema"].get("oneOf") or ()
        names = [choice["$ref"].rsplit("/", 1)[-1] for choice in choices if "$ref" in choice]
        shown = [one for name in names for one in schemas[name].get("examples", ())]
        if shown:
            media["schema"] = {**media["schema"], "examples": shown}
