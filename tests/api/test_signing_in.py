"""Signing in: passwords, cookies, the set-up link, the demo, CSRF, lock-out."""

from datetime import timedelta
from typing import Any

import pytest

from api.accounts import Role
from api.policies import COOKIE
from tests.api.station import BASE, PASSWORD, PASSWORDS, Station, a_station
from tests.api.test_incident_life import refused

GOOD = {"user": "Some.One", "password": PASSWORD}


def test_the_right_password_opens_a_session_in_a_safe_cookie(station: Station) -> None:
    station.account(Role.REVIEWER, login="some.one", password=PASSWORD)
    browser = station.stranger()
    answer = browser.post("/session", GOOD)
    assert answer.json() == {
        "user_id": answer.json()["user_id"],
        "name": "Some.One",
        "roles": ["reviewer"],
        "agency": "police",
        "demo": False,
    }
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/"))
    assert "secure" not in cookie
    secret = browser.cookies[COOKIE]
    assert len(secret) >= 43  # 256 bits
    assert station.accounts.token(secret) is None  # only its hash is kept
    assert browser.get("/session").json()["roles"] == ["reviewer"]
    left = browser.delete("/session", headers={"Origin": BASE})
    assert left.status_code == 204
    again = station.stranger(Cookie=f"{COOKIE}={secret}")
    assert again.get("/session").status_code == 401


def test_the_cookie_is_secure_over_https(station: Station) -> None:
    station.account(Role.REVIEWER, login="some.one", password=PASSWORD)
    answer = station.stranger().post("https://testserver/api/v1/session", GOOD, whole=True)
    assert "secure" in answer.headers["set-cookie"].lower()
    assert "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize(
    "body",
    [
        {"user": "some.one", "password": "wrong password"},
        {"user": "no.one", "password": PASSWORD},
        {"user": "device-1", "password": PASSWORD},
    ],
)
def test_wrong_ones_are_refused_alike(station: Station, body: dict[str, str]) -> None:
    station.account(Role.REVIEWER, login="some.one", password=PASSWORD)
    station.account(Role.DEVICE, login="device-1")  # has no password at all
    problem = refused(station.stranger().post("/session", body), 401, "not_signed_in")
    assert problem["detail"] == "the user or the password is wrong"


def test_an_empty_password_is_no_password(station: Station) -> None:
    station.account(Role.DEVICE, login="device-1")
    answer = station.stranger().post("/session", {"user": "device-1", "password": ""})
    refused(answer, 422, "bad_request")
    assert not PASSWORDS.verify("", "")


def test_guessing_is_locked_out_for_a_while(station: Station) -> None:
    station.account(Role.REVIEWER, login="some.one", password=PASSWORD)
    client = station.stranger()
    for _ in range(5):
        wrong = {"user": "some.one", "password": "guess"}
        refused(client.post("/session", wrong), 401, "not_signed_in")
    answer = client.post("/session", GOOD)  # even the right one
    refused(answer, 429, "too_many_tries")
    assert 0 < int(answer.headers["retry-after"]) <= 301
    station.account(Role.REVIEWER, login="other", password=PASSWORD)
    assert client.post("/session", {"user": "other", "password": PASSWORD}).status_code == 200
    station.clock.advance_to(station.clock.now() + timedelta(minutes=5, seconds=1))
    assert client.post("/session", GOOD).status_code == 200


def test_one_address_can_not_try_many_users(station: Station) -> None:
    client = station.stranger()
    for number in range(30):
        body = {"user": f"user-{number}", "password": "guess"}
        assert client.post("/session", body).status_code == 401
    refused(client.post("/session", {"user": "user-99", "password": "x"}), 429, "too_many_tries")


def test_the_set_up_link_makes_one_admin_once(station: Station) -> None:
    token = station.services.setup.issue()
    body = {"token": token, "user": "chief", "name": "Chief", "password": PASSWORD}
    client = station.stranger()
    wrong = {**body, "token": "x" * 43}
    refused(client.post("/session/setup", wrong), 403, "not_allowed")
    refused(client.post("/session/setup", {**wrong, "password": "short"}), 403, "not_allowed")
    refused(client.post("/session/setup", {**body, "password": "short"}), 422, "bad_request")
    refused(client.post("/session/setup", {**body, "user": "a b"}), 422, "bad_request")
    assert client.post("/session/setup", body).json()["roles"] == ["admin"]
    assert client.get("/accounts").status_code == 200
    refused(station.stranger().post("/session/setup", body), 403, "not_allowed")
    another = {**body, "token": station.services.setup.issue(), "user": "second"}
    refused(station.stranger().post("/session/setup", another), 403, "not_allowed")


def test_without_a_token_out_nothing_sets_up(station: Station) -> None:
    body = {"token": "", "user": "chief", "name": "Chief", "password": PASSWORD}
    refused(station.stranger().post("/session/setup", body), 422, "bad_request")
    refused(station.stranger().post("/session/setup", {**body, "token": "x"}), 403, "not_allowed")


def test_the_demo_lets_in_where_it_is_one_alone(station: Station) -> None:
    refused(station.stranger().post("/session/demo", {"role": "reviewer"}), 404, "not_found")
    with a_station(demo=True) as demo:
        first, second = demo.stranger(), demo.stranger()
        one = first.post("/session/demo", {"role": "reviewer"}).json()
        two = second.post("/session/demo", {"role": "reviewer", "seat": 2}).json()
        again = demo.stranger().post("/session/demo", {"role": "reviewer"}).json()
        assert one["demo"]
        assert one["user_id"] == again["user_id"] != two["user_id"]
        service = demo.stranger().post("/session/demo", {"role": "service"}).json()
        assert service["agency"] == "cleaning"
        roads = demo.stranger().post("/session/demo", {"role": "service", "agency": "roads"})
        assert roads.json()["agency"] == "roads"
        wrong = {"role": "service", "agency": "police"}
        refused(demo.stranger().post("/session/demo", wrong), 422, "bad_request")


def test_other_sites_can_not_act_with_a_cookie(station: Station) -> None:
    account = station.account(Role.PLANNER)
    check = {"type": "Polygon", "coordinates": [[[71, 51], [71.1, 51], [71, 51.1], [71, 51]]]}
    cases: list[tuple[dict[str, str], int]] = [
        ({"Sec-Fetch-Site": "same-origin", "Origin": BASE}, 200),
        ({"Origin": BASE}, 200),
        ({}, 200),  # a script: JSON is what no form can send
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": f"{BASE}.evil.example"}, 403),
    ]
    for headers, status in cases:
        answer = station.browser(account, **headers).post("/zones/check", check)
        assert answer.status_code == status, headers
    reviewer = station.account(Role.REVIEWER)
    # a form of another site in an old browser: neither header, and no JSON
    form: dict[str, Any] = {"data": {"a": "b"}}
    answer = station.browser(reviewer).send("POST", "/incidents/incident-1/claim", **form)
    refused(answer, 403, "not_allowed")
    foreign = station.stranger(Origin="https://evil.example")
    refused(foreign.post("/session", GOOD), 403, "not_allowed")


def test_accounts_are_made_by_admins_and_hold_nothing_more(station: Station) -> None:
    admin = station.client(Role.ADMIN)
    body = {
        "user": "Camera-7", "name": "Camera 7", "password": None, "roles": ["device"],
        "agency": None,
    }  # fmt: skip
    made = admin.post("/accounts", body)
    assert made.status_code == 201
    assert made.json()["user"] == "camera-7"
    assert "password" not in made.text
    refused(admin.post("/accounts", body), 409, "version_conflict")
    first = admin.post(f"/accounts/{made.json()['id']}/token").json()["token"]
    assert station.stranger(Authorization=f"Bearer {first}").get("/session").status_code == 200
    second = admin.post(f"/accounts/{made.json()['id']}/token").json()["token"]
    assert station.stranger(Authorization=f"Bearer {first}").get("/session").status_code == 401
    assert station.stranger(Authorization=f"Bearer {second}").get("/session").status_code == 200
    refused(admin.post("/accounts/nobody/token"), 404, "not_found")
    for changes in (
        {"roles": []},
        {"roles": ["emperor"]},
        {"password": "short"},
        {"agency": "nobody"},
        {"roles": ["service"], "agency": "police"},
        {"user": "a/b"},
        {"active": False},
    ):
        refused(admin.post("/accounts", {**body, "user": "new", **changes}), 422, "bad_request")


def test_a_refused_password_is_not_sent_back(station: Station) -> None:
    body = {"user": "x", "password": "my-secret-password", "admin": True}
    answer = station.stranger().post("/session", body)
    refused(answer, 422, "bad_request")
    assert "my-secret-password" not in answer.text
