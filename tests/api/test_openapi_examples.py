"""Every example of the OpenAPI document: it fits its schema, and the station takes it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.accounts import Role
from tests.api.station import Station

WHERE = re.compile(
    "/(plans|patrols|permissions|schedules|dispatch|zones|sorties|assets|clear-the-sky|fences)"
)
SERVED = ("/plans/check", "/plans/area", "/zones", "/zones/check")
"""Requests that a station without patrols and vehicles can answer."""
_TYPES: dict[str, Any] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list,
    "object": dict, "null": type(None),
}  # fmt: skip
_WORDS = {
    "type", "title", "description", "default", "examples", "format", "discriminator",
    "contentMediaType", "propertyNames",
}  # fmt: skip


def faults(schema: Any, value: Any, schemas: Any, at: str = "$") -> Iterator[str]:
    """Yields where a value is not what its schema says: the words of JSON Schema that occur."""
    if schema is True or schema == {}:
        return
    kind = schema.get("type")
    odd = isinstance(value, bool) and kind != "boolean"  # of Python, where True is a number
    if kind is not None and (odd or not isinstance(value, _TYPES[kind])):
        yield f"{at}: {value!r} is no {kind}"
        return
    for word, said in schema.items():
        if word in _WORDS:
            continue
        if word == "$ref":
            yield from faults(schemas[said.rsplit("/", 1)[-1]], value, schemas, at)
        elif word in ("anyOf", "oneOf"):
            tries = [list(faults(one, value, schemas, at)) for one in said]
            if all(tries):
                yield from min(tries, key=len)
        elif word == "enum" and value not in said:
            yield f"{at}: {value!r} is none of {said}"
        elif word == "const" and value != said:
            yield f"{at}: {value!r} is not {said!r}"
        elif word == "pattern" and not re.search(said, value):
            yield f"{at}: {value!r} does not match {said}"
        elif word in ("minLength", "minItems") and len(value) < said:
            yield f"{at}: shorter than {said}"
        elif word in ("maxLength", "maxItems") and len(value) > said:
            yield f"{at}: longer than {said}"
        elif word in ("minimum", "exclusiveMinimum") and not value >= said:
            yield f"{at}: less than {said}"
        elif word in ("maximum", "exclusiveMaximum") and not value <= said:
            yield f"{at}: more than {said}"
        elif word == "items" and isinstance(value, list):
            for n, one in enumerate(value):
                yield from faults(said, one, schemas, f"{at}.{n}")
        elif word == "prefixItems" and isinstance(value, list):
            for n, (inner, one) in enumerate(zip(said, value, strict=False)):
                yield from faults(inner, one, schemas, f"{at}.{n}")
        elif word == "required" and isinstance(value, dict):
            yield from (f"{at}: {name} is missing" for name in said if name not in value)
        elif word == "properties" and isinstance(value, dict):
            for name, inner in said.items():
                if name in value:
                    yield from faults(inner, value[name], schemas, f"{at}.{name}")
        elif word == "additionalProperties" and isinstance(value, dict):
            more = value.keys() - schema.get("properties", {}).keys()
            if said is False:
                yield from (f"{at}: {name} is too much" for name in sorted(more))
            elif isinstance(said, dict):
                for name in more:
                    yield from faults(said, value[name], schemas, f"{at}.{name}")
        else:
            assert word in KNOWN, word


KNOWN = {
    "enum", "const", "pattern", "minLength", "minItems", "maxLength", "maxItems", "minimum",
    "exclusiveMinimum", "maximum", "exclusiveMaximum", "items", "prefixItems", "required",
    "properties", "additionalProperties",
}  # fmt: skip


def examples(document: Any) -> Iterator[tuple[str, str, Any, Any]]:
    """Yields method, path, schema and example of every request body in JSON."""
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            media = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if media is None:
                continue
            schema = media["schema"]
            named = schemas.get(schema.get("$ref", "").rsplit("/", 1)[-1], schema)
            given = [*named.get("examples", ()), *media.get("examples", ())]
            yield from ((method, path, schema, one) for one in given or [None])


def test_every_request_that_plans_or_commands_has_an_example(station: Station) -> None:
    document = station.client(Role.PLANNER).get("/openapi.json").json()
    without = [
        f"{method} {path}"
        for method, path, _, one in examples(document)
        if one is None and WHERE.search(path)
    ]
    assert not without


def test_every_example_of_a_request_fits_its_schema(station: Station) -> None:
    document = station.client(Role.PLANNER).get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    found = [
        f"{method} {path}: {fault}"
        for method, path, schema, one in examples(document)
        if one is not None
        for fault in faults(schema, one, schemas)
    ]
    assert not found


@pytest.mark.parametrize("path", SERVED)
def test_the_station_takes_the_examples(station: Station, path: str) -> None:
    planner = station.client(Role.PLANNER, Role.PILOT)
    document = planner.get("/openapi.json").json()
    taken = [
        planner.post(path, one).status_code
        for method, where, _, one in examples(document)
        if method == "post" and where.endswith(f"/v1{path}")
    ]
    assert taken
    assert set(taken) <= {200, 201}
