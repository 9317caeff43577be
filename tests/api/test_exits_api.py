"""What a zone would mean for the drones in the air, over HTTP."""

from dataclasses import replace
from datetime import timedelta

import pytest

from api.accounts import Role
from core.ids import AssetId, ZoneId
from geo.positions import Altitude, Datum, Position
from geo.zones import ZoneStage
from missions.model import Sortie, SortieState
from missions.planning.planner import plan_patrol
from telemetry.model import AssetStatus, TelemetrySample
from tests.api.station import Station
from tests.builders import AT, NOW, a_mount, a_patrol, an_asset
from tests.missions.test_exits import a_ban, a_city, box
from tests.missions.test_planner import a_watch

CITY = a_city()
HERE = (-30.0, 60.0)


def put_up(station: Station, east: float = HERE[0], north: float = HERE[1]) -> None:
    """Lets the drone fly over a place, as last heard now."""
    lat, lon = AT.to_geo1_deg(east, north)
    at = Position(lat, lon, Altitude(45.0, Datum.HOME))
    sample = TelemetrySample(AssetId("drone-1"), NOW, at, 0.0, 0.0, armed=True, on_ground=False)
    station.operations.statuses[AssetId("drone-1")] = AssetStatus(sample, station.clock.now())


@pytest.fixture
def flying(station: Station) -> Station:
    """A station of which one drone flies a patrol north of its home."""
    asset = an_asset(camera=a_mount(pitch_deg=-80.0))
    patrol = a_patrol(zone_ids=(), altitude=Altitude(45.0, Datum.HOME))
    plan = plan_patrol(patrol, [a_watch((-90, 40), (60, 40), (60, 90), (-90, 90))], [CITY], asset)
    station.missions.save_asset(asset)
    station.missions.save_sortie(Sortie("s-1", plan, SortieState.UNDERWAY, started_at=NOW))
    station.zones.add(CITY)
    put_up(station)
    return station


def feature(west: float, south: float, east: float, north: float, **properties: object) -> object:
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    corners = [AT.to_geo1_deg(*corner)[::-1] for corner in ring]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [corners]},
        "properties": {"name": "fire", "purpose": ["flight"], "kind": "exclusion", **properties},
    }


def test_a_drawn_zone_gives_the_drone_in_it_its_way_out(flying: Station) -> None:
    answer = flying.client(Role.DISPATCHER).post("/exits", {"zone": feature(-60, 50, 0, 120)})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["affected"], found["proven"], found["appeared"]) == (1, True, "fire")
    (row,) = found["assets"]
    assert (row["asset_id"], row["affected"], row["order"]) == ("drone-1", True, "return")
    assert (row["end"], row["inside"], row["moves"][-1]["kind"]) == ("home", ["fire"], "land")
    lon, lat, up = row["path"]["coordinates"][0]
    assert AT.to_en1_m(lat, lon) == pytest.approx(HERE, abs=0.1)
    assert up == 45.0
    assert flying.zones.find(active=False)[-1].name != "fire"


def test_where_its_own_return_is_no_way_out_it_would_be_held(flying: Station) -> None:
    zone = feature(-200, -20, 100, 62)  # its home is in it
    (row,) = flying.client(Role.PILOT).post("/exits", {"zone": zone}).json()["assets"]
    assert (row["order"], row["proven"], row["end"]) == ("hold", True, "hold")


def test_a_draft_of_the_station_is_taken_as_active(flying: Station) -> None:
    ban = replace(a_ban(box(-60, 50, 0, 120), "fire"), stage=ZoneStage.DRAFT)
    flying.zones.add(replace(ban, zone_id=ZoneId("zone-fire")))
    found = flying.client(Role.PLANNER).post("/exits", {"zone_id": "zone-fire"}).json()
    assert found["affected"] == 1


def test_others_are_not_affected_and_unheard_ones_not_known(flying: Station) -> None:
    pilot = flying.client(Role.PILOT)
    far = {"zone": feature(300, 300, 400, 400)}
    (row,) = pilot.post("/exits", far).json()["assets"]
    assert (row["affected"], row["order"], row["moves"]) == (False, None, [])
    old = flying.operations.statuses[AssetId("drone-1")]
    flying.operations.statuses[AssetId("drone-1")] = replace(
        old, heard_at=NOW - timedelta(minutes=6)
    )
    found = pilot.post("/exits", far).json()
    assert (found["affected"], found["assets"][0]["affected"]) == (0, None)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "bad_request"),
        ({"zone_id": "none"}, 404, "not_found"),
        ({"zone_id": "zone-1", "zone": feature(0, 0, 9, 9)}, 422, "bad_request"),
        ({"zone": feature(0, 0, 9, 9, purpose=["watch"])}, 422, "bad_request"),
        ({"zone": feature(0, 0, 9, 9), "margin_m": -1}, 422, "bad_request"),
    ],
)
def test_what_makes_no_sense_is_refused(
    flying: Station, body: object, status: int, code: str
) -> None:
    answer = flying.client(Role.PILOT).post("/exits", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["cure"] or code == "not_found"


def test_only_those_who_may_ask_are_answered(flying: Station) -> None:
    body = {"zone": feature(0, 0, 9, 9)}
    assert flying.client(Role.REVIEWER).post("/exits", body).status_code == 403
    assert flying.stranger().post("/exits", body).status_code == 401
