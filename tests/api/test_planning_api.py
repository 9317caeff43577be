"""Checks of plan files and decisions about events, over HTTP."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from shapely import LineString, box
from shapely.geometry import mapping

from api.accounts import Role
from api.fleet_desk import flights_under_way, rally_of_fleet
from core.ids import AssetId, ZoneId
from geo.positions import Altitude, Datum
from geo.road_graph import Drive
from geo.zones import Purpose, ZoneKind, to_geographic
from missions.fence_translation import FenceLoss
from missions.formats.plan_file import write_plan
from missions.model import AssetKind, RallyPoint, SortieState
from missions.permissions import Permission
from missions.planning.patrol_room import LeftOut
from missions.weather import Weather
from tests.api.station import Station, a_station
from tests.api.test_incident_life import refused
from tests.builders import AT, NOW, a_plan, a_sortie, a_square, a_zone, after, an_asset


def a_document(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(write_plan(a_plan(**changes)))
    return document


def a_fence(name: str, half_m: float, **changes: Any) -> Any:
    return a_zone(
        zone_id=ZoneId(name),
        purposes=frozenset({Purpose.FLIGHT}),
        area=a_square(half_m=half_m),
        rules=(),
        **changes,
    )


def codes(answer: dict[str, Any], severity: str = "error") -> set[str]:
    return {f["code"] for f in answer["findings"] if f["severity"] == severity}


def test_a_plan_is_held_against_the_stations_zones_and_permissions(station: Station) -> None:
    pilot = station.client(Role.PILOT)
    body = {"plan": a_document(), "station_permissions": False}
    free = pilot.post("/plans/check", body).json()
    assert free["safe"], free["findings"]
    assert "permission_unknown" in codes(free, "warning")
    station.zones.add(a_fence("fence-1", 5.0))
    caught = pilot.post("/plans/check", body).json()
    assert not caught["safe"]
    assert "waypoint_outside" in codes(caught)
    alone = pilot.post("/plans/check", {**body, "station_zones": False}).json()
    assert alone["safe"]
    without = pilot.post("/plans/check", {"plan": a_document(), "station_zones": False}).json()
    assert codes(without) == {"permission_missing"}
    leave = Permission("KZ-1", "authority", a_square(half_m=3_000), NOW, after(3600))
    station.permissions.save(replace(leave, ceiling=Altitude(300, Datum.HOME)))
    timed = {"plan": a_document(), "station_zones": False, "departs_at": after(60).isoformat()}
    assert pilot.post("/plans/check", timed).json()["safe"]


def test_a_plans_own_fence_does_not_widen_the_stations_zones(station: Station) -> None:
    document = a_document()
    lat, lon = AT.lat_deg, AT.lon_deg
    corners = [[lat + a, lon + b] for a, b in ((-1, -1), (-1, 1), (1, 1), (1, -1))]
    ring = {"version": 1, "inclusion": True, "polygon": corners}
    document["geoFence"] = {"version": 2, "circles": [], "polygons": [ring]}
    station.zones.add(a_fence("fence-1", 5.0))
    pilot = station.client(Role.PILOT)
    body = {"plan": document, "station_permissions": False}
    assert "waypoint_outside" in codes(pilot.post("/plans/check", body).json())
    assert pilot.post("/plans/check", {**body, "station_zones": False}).json()["safe"]


def test_a_start_that_only_the_file_names_is_told(station: Station) -> None:
    pilot = station.client(Role.PILOT)

    def told(start: datetime, **changes: Any) -> dict[str, str]:
        document = a_document()
        document["qyran"] = {"version": 1, "departs_at": start.isoformat()}
        body = {"plan": document, "station_permissions": False, **changes}
        answer = pilot.post("/plans/check", body).json()
        return {f["code"]: f["severity"] for f in answer["findings"] if "departure" in f["code"]}

    assert told(after(86_400)) == {"departure_from_file": "info"}
    assert told(after(-86_400)) == {"departure_from_file": "warning"}
    other = told(after(86_400), departs_at=after(60).isoformat())
    assert other == {"departure_differs": "warning"}


def test_a_plan_is_mended_on_request(station: Station) -> None:
    station.zones.add(a_fence("low", 2_000.0, ceiling=Altitude(50, Datum.HOME)))
    planner = station.client(Role.PLANNER)
    body = {"plan": a_document(), "station_permissions": False, "fix": True}
    mended = planner.post("/plans/check", body).json()
    assert mended["safe"], mended["findings"]
    assert mended["changes"]
    again = planner.post("/plans/check", {**body, "plan": mended["plan"], "fix": False}).json()
    assert again["safe"]


def test_what_is_no_plan_is_refused(station: Station) -> None:
    pilot = station.client(Role.PILOT)
    refused(pilot.post("/plans/check", {"plan": {"fileType": "Fence"}}), 422, "plan_unreadable")
    unknown = {"plan": a_document(), "asset_id": "drone-9"}
    refused(pilot.post("/plans/check", unknown), 404, "not_found")
    refused(station.client(Role.SERVICE).post("/plans/check", unknown), 403, "not_allowed")


def test_an_event_gets_the_quickest_asset_that_may_go(station: Station) -> None:
    station.missions.save_asset(
        an_asset(asset_id=AssetId("amb-1"), kind=AssetKind.VEHICLE, passive=True)
    )
    lat, lon = AT.to_geo1_deg(200.0, 0.0)
    dispatcher = station.client(Role.DISPATCHER)
    answer = dispatcher.post("/dispatch", {"lat": lat, "lon": lon, "stay_s": 60})
    assert answer.status_code == 200, answer.text
    decision = answer.json()
    judged = {one["asset_id"]: one for one in decision["candidates"]}
    assert judged["amb-1"]["reason_code"] == "passive"
    assert decision["chosen"] in ("drone-1", "car-1")
    assert judged[decision["chosen"]]["travel_s"] > 0
    assert decision["explanation"]
    station.zones.add(a_fence("shut", 3_000.0, kind=ZoneKind.EXCLUSION))
    grounded = dispatcher.post("/dispatch", {"lat": lat, "lon": lon}).json()
    assert grounded["chosen"] == "car-1"
    refused(dispatcher.post("/dispatch", {"lat": 95, "lon": lon}), 422, "bad_request")


def an_area(*polygons: Any) -> dict[str, Any]:
    """A document of areas of metres about Kosshy."""
    shapes = [mapping(to_geographic(polygon, AT)) for polygon in polygons]
    features = [{"type": "Feature", "properties": {}, "geometry": shape} for shape in shapes]
    return json.loads(json.dumps({"type": "FeatureCollection", "features": features}))  # type: ignore[no-any-return]


def test_an_area_is_planned_inside_the_stations_zones(station: Station) -> None:
    planner = station.client(Role.PLANNER)
    body = {"area": an_area(box(0, 0, 200, 120)), "swath_m": 30}
    free = planner.post("/plans/area", body)
    assert free.status_code == 200, free.text
    whole = free.json()
    assert whole["path"]["type"] == "LineString"
    assert whole["covered_fraction"] > 0.99
    assert (whole["outside_m"], whole["zone_versions"]) == (0.0, {})
    closed = a_fence("shut", 10.0, kind=ZoneKind.EXCLUSION)
    station.zones.add(replace(closed, area=to_geographic(box(80, 40, 120, 80), AT)))
    around = planner.post("/plans/area", body).json()
    assert around["zone_versions"] == {"shut": 1}
    assert around["permitted_m2"] == pytest.approx(200 * 120 - 1600, rel=0.01)
    path = LineString(around["path"]["coordinates"])
    assert not path.crosses(station.zones.get(ZoneId("shut")).area.buffer(-1e-7))
    assert (
        planner.post("/plans/area", {**body, "station_zones": False}).json()["path"]
        == (whole["path"])
    )


def test_parts_that_lie_apart_stay_parts_and_neighbours_are_one(station: Station) -> None:
    planner = station.client(Role.PILOT)
    apart = {"area": an_area(box(0, 0, 90, 90), box(150, 0, 240, 90)), "swath_m": 30}
    answer = planner.post("/plans/area", apart).json()
    assert answer["path"]["type"] == answer["transits"]["type"] == "MultiLineString"
    one = {"area": an_area(box(0, 0, 90, 90), box(90, 0, 240, 90)), "swath_m": 30}
    answer = planner.post("/plans/area", one).json()
    assert (answer["path"]["type"], answer["transits"]) == ("LineString", None)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"area": {"type": "Point", "coordinates": [71, 51]}}, 422, "area_invalid"),
        (
            {"area": {"type": "Polygon", "coordinates": [[[71, 51], [71.1, 51]]]}},
            422,
            "area_invalid",
        ),
        ({"margin_m": 500}, 409, "nothing_left"),
        ({"swath_m": 0.01}, 413, "too_large"),
        ({"swath_m": 0}, 422, "bad_request"),
        ({"start": [51, 171]}, 422, "bad_request"),
        ({"start": [13.4, 52.5]}, 422, "bad_request"),
        ({"wind_m_s": 9}, 422, "bad_request"),
    ],
)
def test_an_area_that_can_not_be_planned_is_refused(
    station: Station, change: dict[str, Any], status: int, code: str
) -> None:
    body = {"area": an_area(box(0, 0, 200, 120)), "swath_m": 30, **change}
    problem = refused(station.client(Role.PLANNER).post("/plans/area", body), status, code)
    assert problem["cure"]


def test_a_plan_tells_what_it_leaves_out_and_what_a_fence_can_not_carry() -> None:
    left = LeftOut("place 2", AT.to_geo1_deg(5.0, 5.0), "it lies in a closed area")
    loss = FenceLoss("hole", "School: a hole is closed", ZoneId("school"), 12.34)
    with a_station() as station:
        plan = station.operations.plan
        station.operations.plan = lambda patrol_id: replace(  # type: ignore[method-assign]
            plan(patrol_id), left_out=(left,), fence_losses=(loss,)
        )
        answer = station.client(Role.PLANNER).post("/patrols/patrol-1/plan").json()
    assert answer["left_out"] == [
        {"what": "place 2", "reason": "it lies in a closed area", "place": [*left.place[::-1]]}
    ]
    assert answer["fence_losses"] == [
        {
            "code": "hole",
            "message": "School: a hole is closed",
            "zone_id": "school",
            "area_m2": 12.3,
        }
    ]


class Road:
    """A way that takes a minute from everywhere."""

    def seconds_from(self, lat_deg: float, lon_deg: float) -> float:
        return 60.0

    def way_from(self, lat_deg: float, lon_deg: float) -> Drive | None:
        return Drive(60.0, 500.0, ((lat_deg, lon_deg), (lat_deg, lon_deg)))


def test_a_decision_uses_the_stations_roads_weather_and_rally_points() -> None:
    asked: list[tuple[float, float]] = []

    def roads(lat_deg: float, lon_deg: float) -> Road:
        asked.append((lat_deg, lon_deg))
        return Road()

    storm = Weather(NOW, wind_m_s=40, temperature_c=5)
    lat, lon = AT.to_geo1_deg(200.0, 0.0)
    with a_station(roads=roads, weather=lambda lat_deg, lon_deg, at: storm) as station:
        dispatcher = station.client(Role.DISPATCHER)
        decision = dispatcher.post("/dispatch", {"lat": lat, "lon": lon}).json()
        judged = {one["asset_id"]: one for one in decision["candidates"]}
        assert judged["drone-1"]["reason_code"] == "weather"
        assert judged["car-1"]["travel_s"] == pytest.approx(60.0, abs=30)
        assert not [note for note in decision["notes"] if "no roads" in note]
        assert asked == [(lat, lon)]
        calm = {"at": NOW.isoformat(), "wind_m_s": 2, "temperature_c": 15}
        told = dispatcher.post("/dispatch", {"lat": lat, "lon": lon, "weather": calm}).json()
        judged = {one["asset_id"]: one for one in told["candidates"]}
        assert judged["drone-1"]["reason_code"] != "weather"
        kept = RallyPoint(a_plan().home)
        sortie = a_sortie(plan=a_plan(rally=(kept,)), state=SortieState.UNDERWAY)
        station.missions.save_sortie(sortie)
        assert rally_of_fleet(station.services) == sortie.plan.rally
        flights = list(flights_under_way(station.services, NOW))
        assert [flight.plan for flight in flights] == [sortie.plan]


def test_what_lies_by_everything_else_only_when_swapped_is_refused(station: Station) -> None:
    planner = station.client(Role.PLANNER)
    lat, lon = AT.to_geo1_deg(0.0, 0.0)
    turned = [[[lat, lon], [lat + 0.01, lon], [lat, lon + 0.01], [lat, lon]]]
    polygon = {"type": "Polygon", "coordinates": turned}
    zone = {
        "type": "Feature",
        "geometry": polygon,
        "properties": {"name": "Yard", "purpose": ["flight"]},
    }
    times = {"valid_from": NOW.isoformat(), "valid_until": after(60).isoformat()}
    leave = {**zone, "properties": {"number": "KZ-9", "issuer": "authority", **times}}
    patrol = {"name": "Lamps", "asset_id": "drone-1", "altitude_m": 40, "pattern": "places"}
    asked: list[tuple[str, dict[str, Any], str]] = [
        ("/zones", zone, "zone_invalid"),
        ("/permissions", leave, "zone_invalid"),
        ("/patrols", {**patrol, "places": [[lat, lon]]}, "bad_request"),
        ("/dispatch", {"lat": lon, "lon": lat}, "bad_request"),
    ]
    for path, body, code in asked:
        problem = refused(planner.post(path, body), 422, code)
        assert "swapped" in problem["detail"], path
        assert problem["where"], path
        assert "longitude first" in problem["cure"], path


def test_another_citys_zone_is_kept_and_moved_back(station: Station) -> None:
    planner = station.client(Role.PLANNER)
    lon, lat = 13.4, 52.5
    body = {
        "type": "Feature",
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[lon, lat], [lon + 0.01, lat], [lon, lat + 0.01], [lon, lat]]],
        },
        "properties": {"name": "Yard", "purpose": ["flight"]},
    }
    kept = planner.post("/zones", body)
    assert kept.status_code == 201, kept.text
    beyond = {**body, "geometry": {"type": "Polygon", "coordinates": [[[1, 99], [2, 99], [1, 98]]]}}
    problem = refused(planner.post("/zones", beyond), 422, "zone_invalid")
    assert "swapped" in problem["detail"]
    answer = planner.post("/zones/check", beyond["geometry"]).json()
    assert not answer["valid"]
    assert "swapped" in answer["message"]


def test_what_was_not_understood_is_never_safe_and_not_mended(station: Station) -> None:
    document = a_document()
    document["mission"]["items"][1]["command"] = 82  # a spline, which is flown as a curve
    body = {"plan": document, "station_permissions": False, "station_zones": False}
    planner = station.client(Role.PLANNER)
    for fix in (False, True):
        answer = planner.post("/plans/check", {**body, "fix": fix}).json()
        assert not answer["safe"]
        assert "not_understood" in codes(answer)
        assert answer["plan"] is None


PLANNING = ("/zones", "/permissions", "/patrols", "/plans", "/schedules", "/dispatch")


def test_every_body_that_planners_send_has_an_example(station: Station) -> None:
    document = station.stranger().get("/openapi.json").json()
    without = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None or not path.removeprefix("/api/v1").startswith(PLANNING):
                continue
            schema = content["schema"]
            name = schema.get("$ref", "").rpartition("/")[2]
            whole = document["components"]["schemas"].get(name, schema)
            inner = json.dumps(whole)
            if "examples" not in inner and "examples" not in json.dumps(content):
                without.append(f"{method} {path}")
    assert without == []
