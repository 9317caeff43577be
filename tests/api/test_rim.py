"""Errors, headers, limits, the log, the page."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from api.accounts import Role
from api.errors import STATUS, TITLES
from api.services import Limits
from core import errors
from tests.api.station import Client, Station, a_picture, a_station
from tests.api.test_incident_life import an_open_incident, refused

DOCS = Path(__file__).parents[2] / "docs" / "errors.md"


def classes(root: type[errors.QyranError] = errors.QyranError) -> dict[str, int]:
    """All codes of the tree with their exit codes."""
    found = {root.code: root.exit_code}
    for child in root.__subclasses__():
        found |= classes(child)
    return found


def documented() -> dict[str, tuple[str, str]]:
    rows = [
        line.split("|")[1:-1] for line in DOCS.read_text().splitlines() if line.startswith("| `")
    ]
    rows = [row for row in rows if len(row) > 3]  # other tables are of the live monitor's codes
    return {row[0].strip(" `"): (row[2].strip(), row[3].strip()) for row in rows}


def test_every_error_code_has_a_status_and_a_line_in_the_docs() -> None:
    codes = classes()
    assert set(STATUS) == set(codes)
    rows = documented()
    assert set(codes) <= set(rows), set(codes) - set(rows)
    extra = {"method_not_allowed", "range_unsatisfiable", "host_unknown", "internal_error"}
    assert set(rows) - set(codes) == extra
    for code, exit_code in codes.items():
        status, exit_text = rows[code]
        assert status.split()[0] == str(STATUS[code]), code
        assert exit_text == str(exit_code), code
    assert set(STATUS.values()) <= set(TITLES)


def test_refusals_of_the_framework_are_problems_too(station: Station) -> None:
    client = station.client(Role.ADMIN)
    refused(client.get("/no/such/route"), 404, "not_found")
    refused(client.post("/no/such/route", {}), 404, "not_found")
    refused(client.send("PATCH", "/zones"), 405, "method_not_allowed")
    refused(client.send("POST", "/index.html", whole=True), 405, "method_not_allowed")
    broken = client.send(
        "POST", "/accounts", content=b"{", headers={"Content-Type": "application/json"}
    )
    refused(broken, 422, "bad_request")
    text = client.send("POST", "/accounts", content=b"{}", headers={"Content-Type": "text/plain"})
    refused(text, 422, "bad_request")


def test_every_answer_wears_the_security_headers(station: Station) -> None:
    for path in ("/health", "/session", "/no/such", "/"):
        headers = station.stranger().get(path, whole=path == "/").headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "worker-src 'self' blob:" in policy
        assert "script-src 'self'" in policy
        assert "unsafe-eval" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_have_a_limit(chunked: bool) -> None:
    with a_station(limits=Limits(body_bytes=3000, json_bytes=500)) as station:
        an_open_incident(station)
        reviewer = station.client(Role.REVIEWER)

        def send(client: Client, path: str, size: int) -> Any:
            body = b'{"take_over_reason": "' + b"x" * size + b'"}'

            async def parts() -> Any:
                for start in range(0, len(body), 100):
                    yield body[start : start + 100]

            headers = {"Content-Type": "application/json"}
            return client.send("POST", path, content=parts() if chunked else body, headers=headers)

        claim = "/incidents/incident-1/claim"
        refused(send(reviewer, claim, 600), 413, "too_large")
        assert send(reviewer, claim, 100).status_code == 200
        device = station.client(Role.DEVICE)
        refused(send(device, "/observations", 4000), 413, "too_large")
        refused(send(device, "/observations", 1000), 422, "bad_request")
        # who may not pass is told so before the body is read
        refused(send(device, claim, 600), 403, "not_allowed")


def test_an_upload_has_a_limit() -> None:
    with a_station(limits=Limits(body_bytes=3000)) as station:
        service = station.client(Role.SERVICE, agency="roads")
        photo = {"photo": ("a.jpg", a_picture() + b"\x00" * 5000)}
        refused(service.post("/incidents/x/completion", files=photo), 413, "too_large")


MASS = [
    ("POST", "/accounts", {"user": "x", "name": "X", "roles": ["pilot"], "user_id": "user-1"}),
    ("POST", "/session/demo", {"role": "pilot", "roles": ["admin"]}),
    ("POST", "/incidents/incident-1/claim", {"until": "2030-01-01T00:00:00Z"}),
    ("POST", "/incidents/incident-1/decision", {"decision": "confirm", "state": "closed"}),
    ("POST", "/incidents/incident-1/assignment", {"agency": "roads", "note": "", "by": "x"}),
    ("POST", "/incidents/incident-1/closure", {"accept": True, "note": "", "version": 9}),
    ("POST", "/patrols", {"name": "P", "asset_id": "drone-1", "altitude_m": 5, "id": "patrol-1"}),
]


@pytest.mark.parametrize(("method", "path", "body"), MASS)
def test_fields_that_are_not_asked_for_are_refused(
    method: str, path: str, body: dict[str, Any], station: Station
) -> None:
    an_open_incident(station)
    client = station.client(*set(Role) - {Role.SERVICE})
    problem = refused(client.send(method, path, json=body), 422, "bad_request")
    assert "Extra inputs" in problem["detail"] or "not permitted" in problem["detail"]


def test_a_bug_is_told_without_its_inside(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Any:
        raise ZeroDivisionError("secret inside")

    object.__setattr__(station.services, "city", broken)
    with caplog.at_level(logging.INFO):
        answer = station.client(Role.AUDITOR).get("/city")
    refused(answer, 500, "internal_error")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert any(record.exc_info for record in caplog.records)


def test_the_log_holds_no_secret(station: Station, caplog: pytest.LogCaptureFixture) -> None:
    account = station.account(Role.ADMIN)
    token = station.token_of(account)
    with caplog.at_level(logging.DEBUG):
        client = station.stranger(Authorization=f"Bearer {token}")
        client.get("/accounts?cursor=hidden-words")
        client.post("/session", {"user": "x", "password": "hidden-words"})
    lines = [vars(record) for record in caplog.records if record.name == "api.rim"]
    assert [(line["path"], line["status"]) for line in lines] == [
        ("/api/v1/accounts", 422),
        ("/api/v1/session", 401),
    ]
    assert lines[0]["user_id"] == account.user_id
    everything = " ".join(
        str(vars(record)) for record in caplog.records if "httpx" not in record.name
    )
    assert token not in everything
    assert "hidden-words" not in everything


def test_without_a_page_there_is_a_hint(station: Station) -> None:
    answer = station.stranger().get("/", whole=True)
    assert answer.status_code == 503
    assert "page_missing" in answer.text
    refused(station.stranger().get("/assets/x.js", whole=True), 503, "page_missing")


def test_the_page_is_served_and_nothing_beside_it(tmp_path: Path) -> None:
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>Qyran</title>")
    (page / "assets" / "index-abc.js").write_text("1;")
    (page / ".hidden").write_text("x")
    (tmp_path / "secret.txt").write_text("secret")
    (page / "link.txt").symlink_to(tmp_path / "secret.txt")
    with a_station(page_folder=page) as station:
        client = station.stranger()
        index = client.get("/", whole=True)
        assert (index.status_code, index.headers["cache-control"]) == (200, "no-cache")
        script = client.get("/assets/index-abc.js", whole=True)
        assert script.headers["content-type"].startswith("text/javascript")
        assert "immutable" in script.headers["cache-control"]
        assert client.send("HEAD", "/", whole=True).status_code == 200
        for path in (
            "/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/../../secret.txt",
            "/link.txt", "/.hidden", "/assets", "/%00", "//etc/passwd", "/..%5csecret.txt",
            "/assets/%2e%2e/%2e%2e/secret.txt", "/x" * 3000,
        ):  # fmt: skip
            answer = client.get(f"http://testserver{path}", whole=True)
            assert answer.status_code == 404, path
            assert "secret" not in answer.text.replace("secret.txt", "")


def test_health_tells_versions(station: Station) -> None:
    told = station.stranger().get("/health").json()
    assert told == {
        "status": "ok",
        "version": "0.1.0",
        "schema_version": "main-0001",
        "detector": {"model": "test-1"},
        "demo": False,
        "time": "2026-11-20T09:00:00Z",
    }


def test_a_cursor_that_is_of_no_list_is_refused_everywhere(station: Station) -> None:
    admin = station.client(*Role, login="everybody")
    document = station.stranger().get("/openapi.json").json()
    asked = 0
    for path, operations in document["paths"].items():
        if "get" not in operations or path.endswith(("/live", "/health", "/openapi.json")):
            continue
        asked += 1
        named = re.sub(r"{\w+}", "no-such-thing", path.removeprefix("/api/v1"))
        for cursor in ("zzz", "", "é", "AAAA" * 20):
            answer = admin.get(named, params={"cursor": cursor})
            if path.endswith("/firings"):  # what the list is of is looked for first
                refused(answer, 404, "not_found")
                continue
            problem = refused(answer, 422, "bad_request")
            assert problem["where"] == "cursor", path
            assert problem["cure"], path
    assert asked > 10
