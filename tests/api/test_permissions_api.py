"""Airspace permissions over HTTP."""

from typing import Any

from shapely.geometry import mapping

from api.accounts import Role
from tests.api.station import Station
from tests.api.test_incident_life import refused
from tests.builders import NOW, a_square, after


def a_feature(**properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": mapping(a_square()),
        "properties": {
            "number": "KZ-1",
            "issuer": "authority",
            "valid_from": NOW.isoformat(),
            "valid_until": after(3600).isoformat(),
            "ceiling_m": 120,
            "datum": "AGL",
            **properties,
        },
    }


def test_a_permission_is_kept_and_revoked(station: Station) -> None:
    planner = station.client(Role.PLANNER)
    made = planner.post("/permissions", a_feature())
    assert made.status_code == 201, made.text
    assert planner.get("/permissions").json()["features"] == [made.json()]
    planner.post("/permissions", a_feature(number="KZ-0", valid_from=after(-60).isoformat(),
                                           valid_until=NOW.isoformat()))  # fmt: skip
    numbers = [f["properties"]["number"] for f in planner.get("/permissions").json()["features"]]
    assert numbers == ["KZ-1"]
    ended = planner.get("/permissions?ended=true").json()["features"]
    assert [f["properties"]["number"] for f in ended] == ["KZ-0", "KZ-1"]
    revoked = planner.post("/permissions/revoke", {"number": "KZ-1", "note": "airshow"})
    assert revoked.json()["properties"]["note"] == "airshow"
    assert planner.get("/permissions").json()["features"] == []
    refused(planner.post("/permissions/revoke", {"number": "KZ-9"}), 404, "not_found")


def test_what_makes_no_sense_is_refused_and_nothing_is_lost(station: Station) -> None:
    planner = station.client(Role.PLANNER)
    planner.post("/permissions", a_feature())
    for change in ({"datum": None}, {"number": ""}, {"valid_until": NOW.isoformat()}):
        refused(planner.post("/permissions", a_feature(**change)), 422, "zone_invalid")
    body = {**a_feature(), "geometry": {"type": "LineString", "coordinates": [[71, 51], [72, 51]]}}
    refused(planner.post("/permissions", body), 422, "zone_invalid")
    assert len(station.permissions.permissions()) == 1


def test_only_planners_and_pilots_keep_permissions(station: Station) -> None:
    for role in (Role.REVIEWER, Role.SERVICE, Role.DEVICE):
        refused(station.client(role).post("/permissions", a_feature()), 403, "not_allowed")
    refused(station.stranger().get("/permissions"), 401, "not_signed_in")
