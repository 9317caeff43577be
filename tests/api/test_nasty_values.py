"""No route fails on a value that makes no sense: it lives with it, or refuses it with a cure."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api.accounts import Role
from tests.api.station import Station
from tests.api.test_planning_api import a_document
from tests.api.test_schedules_api import SPAN, a_body
from tests.builders import AT, NOW
from tests.nasty_values import NASTY, some_spoilt, spoilt, text_of

LAT, LON = AT.lat_deg, AT.lon_deg
H = 0.002
BORDER = {"type": "Polygon", "coordinates": [[
    [LON - H, LAT - H], [LON + H, LAT - H], [LON + H, LAT + H], [LON - H, LAT - H]]]}  # fmt: skip
WEATHER = {"at": NOW.isoformat(), "wind_m_s": 4, "wind_from_deg": 300, "gust_m_s": 5,
           "temperature_c": 3, "dew_point_c": 1, "visibility_m": 9000, "ceiling_m": 900,
           "precipitation_mm_h": 0}  # fmt: skip
WINDOWS = [{"dtstart": "2026-09-01T08:00", "tzid": "Asia/Almaty", "duration_s": 3600,
            "rrule": "FREQ=WEEKLY;BYDAY=MO,TU", "exdate": ["2026-09-07"]}]  # fmt: skip


def permission() -> dict[str, Any]:
    said = {"number": "KZ-1", "issuer": "authority", "valid_from": "2026-12-01T03:00:00Z",
            "valid_until": "2026-12-31T15:00:00Z", "ceiling_m": 120, "datum": "AGL",
            "floor_m": 0, "asset_ids": ["drone-1"]}  # fmt: skip
    return {"type": "Feature", "geometry": BORDER, "properties": said}


def zone() -> dict[str, Any]:
    said = {"name": "Yard", "purpose": ["flight"], "kind": "exclusion", "floor_m": 0,
            "ceiling_m": 60, "datum": "AGL", "priority": 2, "windows": WINDOWS}  # fmt: skip
    return {"type": "Feature", "geometry": BORDER, "properties": said}


def patrol() -> dict[str, Any]:
    line = [[LON, LAT], [LON + H, LAT], [LON + H, LAT + H]]
    return {"name": "Round", "asset_id": "drone-1", "pattern": "corridor",
            "route": line, "altitude_m": 40, "width_m": 40, "stay_s": 5,
            "revisit_s": 900}  # fmt: skip


def plan_check() -> dict[str, Any]:
    return {"plan": a_document(), "departs_at": NOW.isoformat(), "weather": WEATHER,
            "margin_m": 1, "fix": True}  # fmt: skip


REQUESTS: dict[str, tuple[Callable[[], Any], str, Role]] = {
    "plans/check": (plan_check, "/plans/check", Role.PLANNER),
    "plans/area": (
        lambda: {"area": BORDER, "swath_m": 40, "margin_m": 1, "start": [LON, LAT],
                 "angle_deg": 3, "speed_m_s": 8, "turn_s": 1, "wind_m_s": 2,
                 "wind_from_deg": 10},
        "/plans/area",
        Role.PLANNER,
    ),
    "dispatch": (
        lambda: {"kind": "sos", "lat": LAT, "lon": LON, "stay_s": 300, "priority": 3,
                 "at": NOW.isoformat(), "weather": WEATHER},
        "/dispatch",
        Role.DISPATCHER,
    ),
    "permissions": (permission, "/permissions", Role.PLANNER),
    "zones": (zone, "/zones", Role.PLANNER),
    "zones/check": (lambda: BORDER, "/zones/check", Role.PLANNER),
    "patrols": (patrol, "/patrols", Role.PLANNER),
    "schedules": (a_body, "/schedules", Role.PLANNER),
    "occurrences": (a_body, "/schedules/occurrences", Role.PLANNER),
}  # fmt: skip
"""Of each request a body that is taken, its path and who may send it."""


def amiss(answer: httpx.Response) -> str:
    """Says what is wrong in how a request was answered, else nothing."""
    if answer.status_code < 300:
        json.loads(answer.text, parse_constant=lambda word: pytest.fail(f"{word} in JSON"))
        return ""
    told = answer.json()
    fine = 400 <= answer.status_code < 500 and told["code"] and told["cure"]
    return "" if fine else f"{answer.status_code}: {told}"


def sent(station: Station, name: str, body: Any) -> httpx.Response:
    _, path, role = REQUESTS[name]
    headers = {"Content-Type": "application/json"}
    params = SPAN if name == "occurrences" else {}
    client = station.client(role)
    return client.send("POST", path, content=text_of(body), headers=headers, params=params)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_nasty_value_is_refused_or_lived_with(station: Station, name: str) -> None:
    body = REQUESTS[name][0]()
    fine = sent(station, name, body)
    assert fine.status_code < 300, fine.text
    for where, bad in some_spoilt(body, 6):
        assert amiss(sent(station, name, bad)) == "", where


@pytest.mark.slow
@pytest.mark.parametrize("name", REQUESTS)
def test_every_nasty_value_is_refused_or_lived_with(station: Station, name: str) -> None:
    body = REQUESTS[name][0]()
    told = {where: amiss(sent(station, name, bad)) for where, bad in spoilt(body)}
    assert {where: said for where, said in told.items() if said} == {}


@pytest.mark.parametrize("end", ["from", "to"])
def test_a_nasty_stretch_is_refused_or_lived_with(station: Station, end: str) -> None:
    planner = station.client(Role.PLANNER)
    for value in NASTY:
        span = {**SPAN, end: str(value)[:200] if not isinstance(value, int) else "1" * 400}
        assert amiss(planner.post("/schedules/occurrences", a_body(), params=span)) == "", value


def test_the_place_of_an_absurd_number_is_told(station: Station) -> None:
    spoilt_border = {**BORDER, "coordinates": [[[LON, 10**400], *BORDER["coordinates"][0][1:]]]}
    answer = sent(station, "plans/area", {"area": spoilt_border, "swath_m": 40})
    assert answer.status_code == 422
    told = answer.json()
    assert (told["code"], told["where"]) == ("bad_request", "body.area.coordinates.0.0.1")


def test_a_plan_whose_home_lies_here_only_when_swapped_is_refused(station: Station) -> None:
    document = a_document()
    lat, lon, *rest = document["mission"]["plannedHomePosition"]
    document["mission"]["plannedHomePosition"] = [lon, lat, *rest]
    told = station.client(Role.PILOT).post("/plans/check", {"plan": document}).json()
    assert (told["code"], told["where"]) == ("plan_unreadable", "plan, home")
    assert "swapped" in told["detail"]
