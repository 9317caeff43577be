"""Zones over HTTP: drawing, versions, what is no zone."""

from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import mapping, shape

from api.accounts import Role
from api.schemas.zones import ZoneBody, ZoneOut
from core.ids import AgencyId, ZoneId
from geo.positions import Altitude, Datum
from geo.zones import Purpose, Zone, ZoneKind
from tests.api.station import Station
from tests.api.test_incident_life import refused
from tests.builders import NOW, a_square, a_zone


def a_feature(**properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": mapping(a_square(half_m=30.0)),
        "properties": {"name": "Yard", "purpose": ["watch"], "rules": ["waste_heap"], **properties},
    }


def test_a_zone_is_drawn_changed_and_switched_off(station: Station) -> None:
    planner = station.client(Role.PLANNER)
    made = planner.post("/zones", a_feature(ceiling_m=60, datum="home", owner="cleaning"))
    assert made.status_code == 201
    zone_id, tag = made.json()["id"], made.headers["etag"]
    assert tag == '"1"'
    assert shape(made.json()["geometry"]).exterior.is_ccw  # RFC 7946
    body = made.json()
    body["properties"]["purpose"] = ["flight", "watch"]
    changed = planner.put(f"/zones/{zone_id}", body, headers={"If-Match": tag})
    assert changed.headers["etag"] == '"2"'
    assert changed.json()["properties"]["version"] == 2
    assert Purpose.FLIGHT in station.zones.get(ZoneId(zone_id)).purposes
    refused(planner.put(f"/zones/{zone_id}", body), 428, "precondition_missing")
    conflict = planner.put(f"/zones/{zone_id}", body, headers={"If-Match": tag})
    refused(conflict, 412, "version_conflict")
    refused(planner.delete(f"/zones/{zone_id}"), 428, "precondition_missing")
    for nonsense in ("*", "2", 'W/"2"', '"x"', '"2", "3"', '""'):
        answer = planner.delete(f"/zones/{zone_id}", headers={"If-Match": nonsense})
        refused(answer, 422, "bad_request")
    assert planner.delete(f"/zones/{zone_id}", headers={"If-Match": '"2"'}).status_code == 204
    assert zone_id not in [f["id"] for f in planner.get("/zones").json()["features"]]
    features = planner.get("/zones?inactive=true").json()["features"]
    assert {f["id"]: f["properties"]["active"] for f in features}[zone_id] is False
    assert station.zones.get(ZoneId(zone_id)).version == 3
    published = [event.payload for event in station.live.after(0)]
    assert [p.version for p in published if p.zone_id == zone_id] == [1, 2, 3]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": ""}, 422, "bad_request"),
        ({"purpose": []}, 422, "bad_request"),
        ({"purpose": ["parking"]}, 422, "bad_request"),
        ({"rules": ["loitering"]}, 422, "bad_request"),
        ({"floor_m": 90, "ceiling_m": 60}, 422, "zone_invalid"),
        ({"ceiling_m": "NaN"}, 422, "bad_request"),
        ({"owner": "nobody"}, 422, "bad_request"),
        ({"secret": 1}, 422, "bad_request"),
    ],
)
def test_what_makes_no_sense_is_refused(
    station: Station, change: dict[str, Any], status: int, code: str
) -> None:
    refused(station.client(Role.PLANNER).post("/zones", a_feature(**change)), status, code)
    assert len(station.zones.find()) == 1


BOW_TIE = {
    "type": "Polygon",
    "coordinates": [
        [[71.35, 50.97], [71.36, 50.98], [71.36, 50.97], [71.35, 50.98], [71.35, 50.97]]
    ],
}


def test_a_border_that_crosses_itself_is_refused_with_the_place(station: Station) -> None:
    planner = station.client(Role.PLANNER)
    body = {**a_feature(), "geometry": BOW_TIE}
    problem = refused(planner.post("/zones", body), 422, "zone_invalid")
    assert "71.355" in problem["detail"]
    check = planner.post("/zones/check", BOW_TIE).json()
    assert (check["valid"], check["message"]) == (False, "Self-intersection")
    assert check["place"] == pytest.approx([71.355, 50.975])
    good = planner.post("/zones/check", mapping(a_square())).json()
    assert (good["valid"], good["place"], good["message"]) == (True, None, "")
    assert good["area_m2"] == pytest.approx(10_000, rel=1e-3)


@pytest.mark.parametrize(
    ("geometry", "status", "code"),
    [
        ({"type": "Point", "coordinates": [71, 51]}, 422, "bad_request"),
        ({"type": "Polygon", "coordinates": []}, 422, "bad_request"),
        ({"type": "Polygon", "coordinates": [[[71, 51], [72, 51]]]}, 422, "zone_invalid"),
        (
            {"type": "Polygon", "coordinates": [[[51, 171], [52, 171], [51, 172]]]},
            422,
            "bad_request",
        ),
        ({"type": "Polygon", "coordinates": [[[71, 51]] * 10_001]}, 413, "too_large"),
    ],
)
def test_what_is_no_border_is_refused(
    station: Station, geometry: dict[str, Any], status: int, code: str
) -> None:
    body = {**a_feature(), "geometry": geometry}
    refused(station.client(Role.PLANNER).post("/zones", body), status, code)


@given(
    ceiling=st.none() | st.floats(1, 500),
    datum=st.sampled_from(Datum),
    purposes=st.sets(st.sampled_from(Purpose), min_size=1),
    kind=st.sampled_from(ZoneKind),
    corners=st.integers(3, 12),
    turned=st.booleans(),
)
def test_a_zone_comes_back_as_it_went_out(
    ceiling: float | None, datum: Datum, purposes: set[Purpose], kind: ZoneKind, corners: int,
    turned: bool,
) -> None:  # fmt: skip
    area = shapely.Point(71.35, 50.97).buffer(0.01, quad_segs=corners)
    zone = Zone(
        ZoneId("zone-7"), "Yard", frozenset(purposes), area.reverse() if turned else area, kind,
        ceiling=None if ceiling is None else Altitude(ceiling, datum),
        rules=("waste_heap",), owner=AgencyId("cleaning"), reason="why", version=3, changed_at=NOW,
    )  # fmt: skip
    sent = ZoneOut.from_domain(zone).model_dump_json()
    present = {"zone_id": zone.zone_id, "version": 3, "changed_at": NOW}
    back = ZoneBody.model_validate_json(sent).change(present, 1000)
    assert back.area.equals(zone.area)
    assert {**_plain(back)} == {**_plain(zone)}


def _plain(zone: Zone) -> dict[str, Any]:
    names = ("zone_id", "name", "purposes", "kind", "floor", "ceiling", "rules", "owner", "version")
    return {name: getattr(zone, name) for name in names}


def test_nobody_else_changes_a_zone(station: Station) -> None:
    station.zones.add(a_zone(zone_id=ZoneId("zone-2")))
    for role in set(Role) - {Role.PLANNER}:
        client = station.client(role)
        answer = client.delete("/zones/zone-2", headers={"If-Match": '"1"'})
        refused(answer, 403, "not_allowed")
    assert station.zones.get(ZoneId("zone-2")).active
