"""Zones over HTTP: drawing, versions, what is no zone."""

from typing import Any

import httpx
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import mapping, shape

from api.accounts import Role
from api.schemas.zones import ZoneBody, ZoneOut
from api.services import Limits
from core.ids import AgencyId, ZoneId
from geo.positions import Altitude, Datum
from geo.zones import Purpose, Zone, ZoneKind
from tests.api.station import Client, Station, a_station
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
        ({"floor_m": 90, "ceiling_m": 60, "datum": "AGL"}, 422, "zone_invalid"),
        ({"floor_m": 90}, 422, "zone_invalid"),  # from where it counts, it does not say
        ({"floor_m": 9, "ceiling_m": 60, "ceiling_datum": "AGL"}, 422, "zone_invalid"),
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
    torn = [[[179.9, 50], [-179.9, 50], [-179.9, 51], [179.9, 51], [179.9, 50]]]
    check = planner.post("/zones/check", {"type": "Polygon", "coordinates": torn}).json()
    assert (check["valid"], check["place"]) == (False, [179.9, 50])
    assert "180th meridian" in check["message"]
    good = planner.post("/zones/check", mapping(a_square())).json()
    assert (good["valid"], good["place"], good["message"]) == (True, None, "")
    assert good["area_m2"] == pytest.approx(10_000, rel=1e-3)


@pytest.mark.parametrize(
    ("geometry", "status", "code"),
    [
        ({"type": "Point", "coordinates": [71, 51]}, 422, "zone_invalid"),
        ({"type": "Polygon", "coordinates": []}, 422, "bad_request"),
        ({"type": "Polygon", "coordinates": [[[71, 51], [72, 51]]]}, 422, "zone_invalid"),
        (
            {"type": "Polygon", "coordinates": [[[51, 171], [52, 171], [51, 172]]]},
            422,
            "zone_invalid",
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


def test_a_zone_has_times_a_priority_and_the_datums_of_aviation(station: Station) -> None:
    planner = station.client(Role.PLANNER)
    window = {"dtstart": "2026-05-04T08:00", "tzid": "Asia/Almaty", "duration_s": 3600,
              "rrule": "FREQ=WEEKLY;BYDAY=MO"}  # fmt: skip
    made = planner.post(
        "/zones",
        a_feature(windows=[window], priority=3, floor_m=10, ceiling_m=500, datum="AGL",
                  ceiling_datum="AMSL"),
    )  # fmt: skip
    assert made.status_code == 201, made.text
    zone = station.zones.get(ZoneId(made.json()["id"]))
    assert zone.windows[0].rrule == "FREQ=WEEKLY;BYDAY=MO"
    assert (zone.priority, zone.floor, zone.ceiling) == (
        3, Altitude(10, Datum.GROUND), Altitude(500, Datum.GEOID),
    )  # fmt: skip
    again = planner.put(f"/zones/{zone.zone_id}", made.json(), headers={"If-Match": '"1"'})
    assert again.status_code == 200, again.text
    assert station.zones.get(zone.zone_id).windows == zone.windows
    refused(planner.post("/zones", a_feature(windows=[{"tzid": "UTC"}])), 422, "zone_invalid")
    refused(planner.post("/zones", a_feature(datum="moon")), 422, "bad_request")


def test_a_round_zone_is_drawn_as_a_point(station: Station) -> None:
    planner = station.client(Role.PLANNER)
    body = a_feature(radius_m=120, kind="exclusion", purpose=["flight"], rules=[])
    body["geometry"] = {"type": "Point", "coordinates": [71.35, 50.97]}
    made = planner.post("/zones", body)
    assert made.json()["properties"]["circle"] == {"lat": 50.97, "lon": 71.35, "radius_m": 120}
    kept = planner.put(f"/zones/{made.json()['id']}", made.json(), headers={"If-Match": '"1"'})
    assert kept.json()["properties"]["circle"]["radius_m"] == 120
    drawn = {**made.json(), "geometry": a_feature()["geometry"]}
    moved = planner.put(f"/zones/{made.json()['id']}", drawn, headers={"If-Match": '"2"'})
    assert moved.json()["properties"]["circle"] is None
    del body["properties"]["radius_m"]
    refused(planner.post("/zones", body), 422, "zone_invalid")


def test_a_draft_goes_to_active_by_two_planners_and_leaves_its_history() -> None:
    with a_station(limits=Limits(zone_review=True)) as station:
        author = station.client(Role.PLANNER)
        other = station.client(Role.PLANNER)
        made = author.post("/zones", a_feature())
        zone_id = made.json()["id"]
        assert made.json()["properties"]["stage"] == "draft"
        assert zone_id not in [z.zone_id for z in station.zones.find()]
        path = f"/zones/{zone_id}/stage"

        def to(client: Client, stage: str, version: int) -> httpx.Response:
            return client.post(path, {"stage": stage}, headers={"If-Match": f'"{version}"'})

        refused(to(author, "active", 1), 409, "illegal_move")
        refused(to(author, "reviewed", 1), 403, "not_allowed")
        assert to(other, "reviewed", 1).status_code == 200
        refused(to(other, "active", 1), 412, "version_conflict")
        assert to(author, "active", 2).json()["properties"]["stage"] == "active"
        assert zone_id in [z.zone_id for z in station.zones.find()]
        changed = author.post(path, {"stage": "draft"}, headers={"If-Match": '"3"'})
        assert changed.status_code == 200
        assert zone_id in [z.zone_id for z in station.zones.find()]  # what stands goes on to hold
        history = author.get(f"/zones/{zone_id}/history").json()["items"]
        assert [z["properties"]["stage"] for z in history] == [
            "draft",
            "reviewed",
            "active",
            "draft",
        ]
        assert author.get(f"/zones/{zone_id}/diff?before=1&after=3").json()["fields"] == ["stage"]
        refused(author.get(f"/zones/{zone_id}/diff?before=9"), 404, "not_found")
        refused(author.get("/zones/zone-none/history"), 404, "not_found")

    @pytest.mark.parametrize("name", ["a\u0000b", "a\nb", "a\u2028b"])
    def test_a_name_with_a_control_character_is_refused(station: Station, name: str) -> None:
        planner = station.client(Role.PLANNER)
        feature = a_feature()
        feature["properties"]["name"] = name
        problem = refused(planner.post("/zones", feature), 422, "bad_request")
        assert "control character" in problem["detail"]
