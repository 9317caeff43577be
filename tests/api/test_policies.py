"""Deny by default: every route by every role, and an app that will not start without."""

import re
from collections.abc import Iterator

import pytest
from fastapi import APIRouter
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount, Route

from api.accounts import Role
from api.policies import PUBLIC, GuardedRoute, GuardedRouter, Policy, PolicyMissing, check_policies
from tests.api.station import Client, Station, a_station

EVERYBODY = frozenset(Role)
READERS = EVERYBODY - {Role.DEVICE, Role.ADMIN}
DRIVER = frozenset({Role.DRIVER})
CREW = frozenset({Role.PILOT, Role.DRIVER})
DISPATCH = frozenset({Role.REVIEWER, Role.DISPATCHER})
R, P, A = frozenset({Role.REVIEWER}), frozenset({Role.PLANNER}), frozenset({Role.ADMIN})

# docs/api.md, typed anew by hand: who may use what. None is unsigned.
TABLE: dict[str, frozenset[Role] | None] = {
    "GET /health": None,
    "GET /openapi.json": None,
    "POST /session": None,
    "POST /session/setup": None,
    "POST /session/demo": None,
    "GET /session": EVERYBODY,
    "DELETE /session": EVERYBODY,
    "GET /accounts": A,
    "POST /accounts": A,
    "POST /accounts/{account_id}/token": A,
    "GET /agencies": EVERYBODY,
    "GET /city": EVERYBODY,
    "GET /zones": EVERYBODY,
    "POST /zones": P,
    "POST /zones/check": P,
    "GET /zones/{zone_id}": EVERYBODY,
    "PUT /zones/{zone_id}": P,
    "DELETE /zones/{zone_id}": P,
    "POST /zones/{zone_id}/stage": P,
    "GET /zones/{zone_id}/history": EVERYBODY,
    "GET /zones/{zone_id}/diff": EVERYBODY,
    "GET /permissions": EVERYBODY,
    "POST /permissions": P | {Role.PILOT},
    "POST /permissions/revoke": P | {Role.PILOT},
    "GET /schedules": EVERYBODY,
    "POST /schedules": P,
    "POST /schedules/occurrences": P,
    "GET /schedules/{schedule_id}": EVERYBODY,
    "PUT /schedules/{schedule_id}": P,
    "DELETE /schedules/{schedule_id}": P,
    "POST /schedules/{schedule_id}/approval": P,
    "POST /schedules/{schedule_id}/switch": P,
    "POST /schedules/{schedule_id}/override": P | {Role.PILOT},
    "GET /schedules/{schedule_id}/occurrences": EVERYBODY,
    "GET /schedules/{schedule_id}/firings": EVERYBODY,
    "GET /assets": EVERYBODY,
    "GET /assets/{asset_id}/track": EVERYBODY,
    "GET /assets/{asset_id}/lease": EVERYBODY,
    "POST /assets/{asset_id}/lease": CREW,
    "DELETE /assets/{asset_id}/lease": CREW,
    "POST /sorties/{sortie_id}/attest": frozenset({Role.PILOT}),
    "GET /sorties/{sortie_id}/plan-file": P | {Role.PILOT},
    "GET /assets/{asset_id}/failsafes": P | {Role.PILOT, Role.AUDITOR},
    "POST /assets/{asset_id}/failsafes/correct": frozenset({Role.PILOT}),
    "GET /commands": frozenset({Role.AUDITOR, Role.PILOT, Role.DISPATCHER}),
    "GET /clear-the-sky": EVERYBODY,
    "POST /clear-the-sky": frozenset({Role.PILOT, Role.DISPATCHER}),
    "DELETE /clear-the-sky": frozenset({Role.PILOT, Role.DISPATCHER}),
    "GET /driving/cars": DRIVER,
    "GET /driving/cars/{asset_id}": DRIVER,
    "POST /driving/cars/{asset_id}/seat": DRIVER,
    "DELETE /driving/cars/{asset_id}/seat": DRIVER,
    "POST /driving/cars/{asset_id}/taps": DRIVER,
    "POST /driving/cars/{asset_id}/positions": DRIVER,
    "GET /patrols": EVERYBODY,
    "POST /patrols": P | {Role.PILOT},
    "POST /patrols/{patrol_id}/plan": P | CREW,
    "POST /patrols/{patrol_id}/sorties": CREW,
    "POST /plans/check": P | {Role.PILOT},
    "POST /plans/area": P | {Role.PILOT},
    "POST /dispatch": P | {Role.DISPATCHER, Role.PILOT},
    "POST /sorties/{sortie_id}/rest": P | {Role.PILOT},
    "POST /sorties/{sortie_id}/rest/sorties": {Role.PILOT},
    "POST /exits": P | {Role.DISPATCHER, Role.PILOT},
    "GET /sorties": EVERYBODY,
    "GET /sorties/{sortie_id}": EVERYBODY,
    "POST /sorties/{sortie_id}/hold": CREW,
    "POST /sorties/{sortie_id}/tasks": frozenset({Role.PILOT}),
    "GET /assets/{asset_id}/capabilities": EVERYBODY,
    "GET /approved-texts": EVERYBODY,
    "POST /sorties/{sortie_id}/resume": CREW,
    "POST /sorties/{sortie_id}/return": CREW,
    "GET /incidents": READERS,
    "GET /incidents/{incident_id}": READERS,
    "POST /incidents/{incident_id}/claim": R,
    "DELETE /incidents/{incident_id}/claim": R,
    "POST /incidents/{incident_id}/decision": R,
    "POST /incidents/{incident_id}/assignment": DISPATCH,
    "POST /incidents/{incident_id}/completion": frozenset({Role.SERVICE}),
    "POST /incidents/{incident_id}/closure": DISPATCH,
    "GET /evidence/{sha256}": DISPATCH | {Role.AUDITOR, Role.SERVICE},
    "POST /observations": A | {Role.DEVICE},
    "GET /concerns": EVERYBODY,
    "GET /handoffs": DISPATCH | CREW | {Role.AUDITOR},
    "GET /handoffs/{handoff_id}": DISPATCH | CREW | {Role.AUDITOR},
    "POST /handoffs": DISPATCH | {Role.PILOT},
    "POST /handoffs/{handoff_id}/accept": CREW,
    "POST /handoffs/{handoff_id}/refuse": CREW,
    "POST /handoffs/{handoff_id}/outcome": CREW,
    "POST /handoffs/{handoff_id}/withdraw": frozenset({Role.PILOT, Role.DISPATCHER}),
    "POST /sos/{button_id}": None,
    "GET /sos-buttons": A,
    "PUT /sos-buttons/{button_id}": A,
    "POST /sos-buttons/{button_id}/key": A,
    "GET /live": EVERYBODY,
}


def routes_of(station: Station) -> Iterator[tuple[str, str, GuardedRoute]]:
    for context in iter_route_contexts(station.app.routes):
        route = context.original_route
        assert isinstance(route, GuardedRoute)
        assert context.path is not None
        for method in sorted(context.methods or ()):
            yield method, context.path, route


def test_the_table_names_every_route() -> None:
    with a_station() as station:
        found = {
            f"{method} {path.removeprefix('/api/v1')}" for method, path, _ in routes_of(station)
        }
    assert found == {*TABLE, "GET /{path:path}", "HEAD /{path:path}"}


@pytest.fixture(scope="module")
def everyone() -> Iterator[tuple[Station, dict[Role | None, Client]]]:
    with a_station() as station:
        station.live.close()  # else a stream would not end
        clients: dict[Role | None, Client] = {
            role: station.client(role, agency="cleaning") for role in Role
        }
        clients[None] = station.stranger()
        yield station, clients


@pytest.mark.parametrize("line", TABLE)
def test_each_role_on_each_route(
    line: str, everyone: tuple[Station, dict[Role | None, Client]]
) -> None:
    _, clients = everyone
    method, path = line.split(" ")
    path = re.sub(r"{\w+}", "no-such-thing", path)
    allowed = TABLE[line]
    for role, client in clients.items():
        # the body is no JSON: a role that may not pass must not even have it read
        headers = {"Content-Type": "application/json"} if method in ("POST", "PUT") else {}
        if line == "DELETE /session":
            client = clients[None] if role is None else everyone[0].client(role)
        answer = client.send(method, path, headers=headers, content=b"{" if headers else None)
        if allowed is None or role in allowed:
            assert answer.status_code not in (401, 403, 405), (role, answer.text)
        else:
            expected = (401, "not_signed_in") if role is None else (403, "not_allowed")
            assert (answer.status_code, answer.json()["code"]) == expected, role


def test_an_expired_token_and_one_of_an_account_that_is_off_open_nothing(station: Station) -> None:
    import dataclasses
    from datetime import timedelta

    account = station.account(Role.AUDITOR)
    browser = station.browser(account)
    assert browser.get("/session").status_code == 200
    station.clock.advance_to(station.clock.now() + timedelta(hours=12))
    assert browser.get("/session").status_code == 401
    client = station.client(account=account)
    assert client.get("/session").status_code == 200
    station.accounts.replace(dataclasses.replace(account, active=False))
    assert client.get("/session").status_code == 401


def test_a_session_token_is_no_bearer_token_and_the_other_way_round(station: Station) -> None:
    from api.accounts import TokenKind
    from api.policies import COOKIE

    account = station.account(Role.AUDITOR)
    session = station.token_of(account, TokenKind.SESSION)
    bearer = station.token_of(account, TokenKind.BEARER)
    assert station.stranger(Authorization=f"Bearer {session}").get("/session").status_code == 401
    assert station.stranger(Cookie=f"{COOKIE}={bearer}").get("/session").status_code == 401
    assert station.stranger(Cookie=f"{COOKIE}={session}").get("/session").status_code == 200
    # a bearer token that is wrong is not passed over for a good cookie
    both = station.stranger(Cookie=f"{COOKIE}={session}", Authorization="Bearer wrong")
    assert both.get("/session").status_code == 401


def _bare() -> None:
    """An endpoint that names no policy."""


@pytest.mark.parametrize("kind", ["plain", "included", "guarded", "mount", "raw", "frontend"])
def test_an_app_with_a_route_without_policy_does_not_start(kind: str, station: Station) -> None:
    app = station.app
    check_policies(app)
    if kind == "plain":
        app.get("/more")(_bare)
    elif kind == "included":
        router = APIRouter()
        router.get("/more")(_bare)
        app.include_router(router, prefix="/x")
    elif kind == "guarded":
        guarded = GuardedRouter("more")
        guarded.add_api_route("/more", _bare)
        app.include_router(guarded)
    elif kind == "mount":
        app.router.routes.append(Mount("/static", routes=[]))
    elif kind == "raw":
        app.router.routes.append(Route("/raw", _bare))
    else:
        app.frontend("/f", directory=".", check_dir=False)
    with pytest.raises(PolicyMissing):
        check_policies(app)


def test_a_router_can_be_used_by_two_apps() -> None:
    with a_station() as one, a_station() as other:
        assert one.client(Role.ADMIN).get("/accounts").status_code == 200
        assert other.stranger().get("/accounts").status_code == 401


def test_a_policy_of_roles_names_at_least_one() -> None:
    from api.policies import roles

    with pytest.raises(PolicyMissing):
        roles()
    assert PUBLIC == Policy(public=True)


def test_the_documents_of_the_api_say_who_may_use_what(station: Station) -> None:
    document = station.stranger().get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    operations = [op for path in document["paths"].values() for op in path.values()]
    ids = [op["operationId"] for op in operations]
    assert len(ids) == len(set(ids)) == len(TABLE) - 1  # without its own route
    for line, allowed in TABLE.items():
        method, path = line.split(" ")
        if path == "/openapi.json":
            continue
        operation = document["paths"][f"/api/v1{path}"][method.lower()]
        assert "application/problem+json" in operation["responses"]["default"]["content"]
        assert operation["security"] == (
            [] if allowed is None else [{"session": []}, {"token": []}]
        )
        named = None if allowed in (None, EVERYBODY) else sorted(allowed or ())
        assert operation.get("x-roles") == named, line
    assert document["components"]["schemas"]["Problem"]["properties"]["code"]
    assert station.stranger().get("/docs").json()["code"] in ("page_missing", "not_found")
