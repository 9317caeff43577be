"""Assets, patrols and sorties over HTTP, on the embedded fleet."""

from datetime import timedelta

import pytest

from api.accounts import Role
from api.adapters.embedded_operations import FleetFailure
from core.ids import AssetId, PatrolId
from tests.api.station import Station
from tests.api.test_incident_life import refused
from tests.builders import NOW, a_patrol, a_place, a_sample, after


def test_a_patrol_is_planned_flown_held_and_brought_home(station: Station) -> None:
    pilot = station.client(Role.PILOT)
    body = {"name": "Round", "asset_id": "drone-1", "zone_ids": ["zone-1"], "altitude_m": 60}
    patrol = pilot.post("/patrols", body)
    assert patrol.status_code == 201
    path = f"/patrols/{patrol.json()['id']}"
    plan = pilot.post(f"{path}/plan").json()
    assert (plan["safe"], plan["zone_versions"]) == (True, {"zone-1": 1})
    assert plan["path"]["coordinates"][0] == pytest.approx([71.3549, 50.9754])  # longitude first
    sortie = pilot.post(f"{path}/sorties")
    assert (sortie.status_code, sortie.json()["state"]) == (202, "underway")
    refused(pilot.post(f"{path}/sorties"), 409, "illegal_move")
    order = f"/sorties/{sortie.json()['id']}"
    assert pilot.post(f"{order}/hold").json()["state"] == "holding"
    assert pilot.post(f"{order}/resume").json()["state"] == "underway"
    assert pilot.post(f"{order}/return").json()["state"] == "returning"
    refused(pilot.post(f"{order}/hold"), 409, "illegal_move")
    listed = pilot.get("/sorties?asset_id=drone-1").json()["items"]
    assert [item["id"] for item in listed] == [sortie.json()["id"]]
    assert pilot.get("/sorties?asset_id=car-1").json()["items"] == []
    assert pilot.get(order).json()["events"][-1]["state"] == "returning"
    refused(pilot.get("/sorties/none"), 404, "not_found")


def test_an_unsafe_plan_stays_on_the_ground_and_says_why(station: Station) -> None:
    station.operations.failure = FleetFailure.UNSAFE_PLAN
    pilot = station.client(Role.PILOT)
    problem = refused(pilot.post("/patrols/patrol-1/sorties"), 409, "plan_unsafe")
    assert [f["code"] for f in problem["findings"]] == ["item_outside_fence"]
    lon, lat = problem["findings"][0]["place"]
    assert (round(lon, 3), round(lat, 3)) == (71.355, 50.975)
    assert pilot.post("/patrols/patrol-1/plan").json()["safe"] is False
    assert station.missions.sorties() == ()


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (FleetFailure.UNREACHABLE, 503, "vehicle_unreachable"),
        (FleetFailure.WILL_NOT_ARM, 409, "arming_denied"),
    ],
)
def test_a_vehicle_that_fails_is_told(
    station: Station, failure: FleetFailure, status: int, code: str
) -> None:
    station.operations.failure = failure
    refused(station.client(Role.PILOT).post("/patrols/patrol-1/sorties"), status, code)


def test_a_driver_commands_cars_and_no_drones(station: Station) -> None:
    station.missions.save_patrol(a_patrol(patrol_id=PatrolId("p-2"), asset_id=AssetId("car-1")))
    driver, pilot = station.client(Role.DRIVER), station.client(Role.PILOT)
    refused(driver.post("/patrols/patrol-1/sorties"), 403, "not_allowed")
    assert driver.post("/patrols/p-2/sorties").status_code == 202
    flown = pilot.post("/patrols/patrol-1/sorties").json()["id"]
    refused(driver.post(f"/sorties/{flown}/hold"), 403, "not_allowed")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"asset_id": "none"}, "not_found"),
        ({"zone_ids": ["none"]}, "not_found"),
        ({"altitude_m": None}, "bad_request"),
        ({"altitude_m": -5}, "bad_request"),
        ({"id": "patrol-1"}, "bad_request"),
    ],
)
def test_a_patrol_names_what_exists(station: Station, change: dict[str, object], code: str) -> None:
    body = {"name": "Round", "asset_id": "drone-1", "zone_ids": [], "altitude_m": 60, **change}
    answer = station.client(Role.PLANNER).post("/patrols", body)
    refused(answer, 404 if code == "not_found" else 422, code)


def test_assets_show_where_they_are_and_where_they_were(station: Station) -> None:
    from telemetry.model import AssetStatus

    auditor = station.client(Role.AUDITOR)
    cars_and_drones = auditor.get("/assets").json()["items"]
    assert [a["status"] for a in cars_and_drones] == [None, None]
    sample = a_sample(position=a_place(10, 20))
    drone = AssetId("drone-1")
    station.operations.statuses[drone] = AssetStatus(sample, NOW)
    station.operations.footprints[drone] = ((50.97, 71.35), (50.98, 71.35), (50.98, 71.36))
    station.log.append([a_sample(at=after(s), position=a_place(s, 0)) for s in range(5)])
    status = auditor.get("/assets").json()["items"][1]["status"]
    assert (status["speed_m_s"], status["mode"], status["datum"]) == (7.0, "mission", "home")
    ring = status["footprint"]["coordinates"][0]
    assert ring[0] == ring[-1] == [71.35, 50.97]
    station.clock.advance_to(after(minutes=2))
    track = auditor.get("/assets/drone-1/track").json()
    assert len(track["geometry"]["coordinates"]) == len(track["properties"]["times"]) == 5
    since = (NOW + timedelta(seconds=3)).isoformat().replace("+00:00", "Z")
    assert (
        len(auditor.get(f"/assets/drone-1/track?since={since}").json()["properties"]["times"]) == 2
    )
    assert auditor.get("/assets/car-1/track").json()["geometry"] is None
    refused(auditor.get("/assets/none/track"), 404, "not_found")
    refused(auditor.get("/assets/car-1/track?since=2026-01-01T00:00:00"), 422, "bad_request")


def test_lists_of_assets_go_on_by_cursor(station: Station) -> None:
    auditor = station.client(Role.AUDITOR)
    first = auditor.get("/assets?limit=1").json()
    second = auditor.get(f"/assets?limit=1&cursor={first['next']}").json()
    assert [p["items"][0]["id"] for p in (first, second)] == ["car-1", "drone-1"]
    assert second["next"] is None


def test_a_patrol_has_a_pattern(station: Station) -> None:
    planner = station.client(Role.PLANNER)
    body = {
        "name": "Lamps",
        "asset_id": "drone-1",
        "altitude_m": 40,
        "pattern": "places",
        "places": [[71.351, 50.971], [71.352, 50.972]],
        "stay_s": 5,
        "resolution_m_per_px": 0.02,
        "revisit_s": 86_400,
    }
    made = planner.post("/patrols", body)
    assert made.status_code == 201, made.text
    assert {**made.json(), **body} == made.json()
    (kept,) = [p for p in station.missions.patrols() if p.name == "Lamps"]
    assert kept.places == ((50.971, 71.351), (50.972, 71.352))
    for change in ({"places": []}, {"places": [[71.3, 95.0]]}, {"pattern": "corridor"}):
        refused(planner.post("/patrols", {**body, **change}), 422, "bad_request")


def test_a_sortie_that_is_wanted_elsewhere_says_so(station: Station) -> None:
    pilot = station.client(Role.PILOT)
    order = f"/sorties/{pilot.post('/patrols/patrol-1/sorties').json()['id']}/return"
    refused(pilot.post(order, {"reason": "bored"}), 422, "bad_request")
    told = pilot.post(order, {"reason": "retasked"}).json()
    assert (told["state"], told["reason_code"]) == ("returning", "retasked")
