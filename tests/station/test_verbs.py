"""The verbs that look after a data folder, each through the whole command line."""

import io
import json
import os
import socket
from dataclasses import replace

import pytest
from shapely import MultiPolygon, Polygon

from core.ids import UserId, ZoneId
from geo.adapters.geojson_zones import write_zones
from geo.circles import circle_area
from geo.positions import Altitude, Datum
from geo.zones import Circle, Purpose, ZoneKind
from sim.world import build_world
from station import cli
from station.demo_scenario import demo_scenario
from station.doctor import State, examine
from station.settings import Settings
from station.settings_sources import load_settings
from station.stores import opened_stores
from tests.builders import NOW, a_square, a_zone

SQUARE = [[71.30, 50.90], [71.31, 50.90], [71.31, 50.91], [71.30, 50.91], [71.30, 50.90]]
BOW_TIE = [[71.30, 50.90], [71.31, 50.91], [71.31, 50.90], [71.30, 50.91], [71.30, 50.90]]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def qyran(capfd):
    """Runs a verb with --json and returns its exit code and its document."""

    def call(*words):
        code = cli.main([*map(str, words), "--json"])
        return code, json.loads(capfd.readouterr().out)

    return call


@pytest.fixture
def zone_file(tmp_path):
    def write(ring=SQUARE, **properties):
        feature = {
            "type": "Feature",
            "properties": {"name": "Yard", "purpose": ["watch"], "rules": ["waste_heap"]}
            | properties,
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        path = tmp_path / "zones.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        return path

    return write


SWAPPED = [[y, x] for x, y in SQUARE]
BERLIN = [[x - 58.0, y + 1.5] for x, y in SQUARE]


def test_zones_that_lie_there_only_when_swapped_are_refused(qyran, zone_file):
    for known in (False, True):  # the map alone tells it, and so do zones that are kept
        code, answer = qyran("zones", "import", zone_file(SWAPPED, id="zone-2"))
        assert (code, answer["error"]["code"]) == (2, "zone_invalid")
        assert "swapped" in answer["error"]["message"]
        assert "row 1 (Yard)" in answer["error"]["where"]
        assert "longitude first" in answer["error"]["cure"]
        if not known:
            assert qyran("zones", "import", zone_file(id="zone-1"))[0] == 0
    assert len(qyran("zones", "list")[1]["zones"]) == 1


def test_another_citys_zones_and_assets_are_no_fault(qyran, zone_file, tmp_path):
    assert qyran("zones", "import", zone_file(BERLIN, id="zone-1"))[0] == 0
    assert qyran("zones", "import", zone_file(id="zone-2"))[0] == 0
    lon, lat = BERLIN[0]
    swapped = zone_file([[y, x] for x, y in BERLIN], id="zone-3")
    assert qyran("zones", "import", swapped)[0] == 2
    file = tmp_path / "assets.json"
    for place, code in (((lat, lon), 0), ((lon, lat), 2)):
        home = {"lat": place[0], "lon": place[1], "ground_m": 35, "datum": "geoid"}
        asset = {"id": "d", "kind": "drone", "home": home, "cruise_m_s": 8}
        file.write_text(json.dumps(asset))
        assert qyran("assets", "import", file)[0] == code


def test_an_asset_without_a_datum_is_told_what_to_write(qyran, tmp_path):
    home = {"lat": 50.97, "lon": 71.35, "ground_m": 350}
    file = tmp_path / "assets.json"
    file.write_text(json.dumps({"id": "d", "kind": "drone", "home": home, "cruise_m_s": 8}))
    code, answer = qyran("assets", "import", file)
    assert (code, answer["error"]["message"]) == (2, "home.datum is missing")
    assert "AGL, AMSL" in answer["error"]["cure"]
    file.write_text(
        json.dumps({"id": "d", "kind": "drone", "home": {**home, "datum": "AMSL"}, "cruise_m_s": 8})
    )
    assert qyran("assets", "import", file)[0] == 0


def test_a_zone_beyond_a_pole_is_swapped(qyran, zone_file):
    beyond = [[50.0, 121.0], [50.1, 121.0], [50.1, 121.1], [50.0, 121.0]]
    code, answer = qyran("zones", "import", zone_file(beyond))
    assert (code, answer["error"]["code"]) == (2, "zone_invalid")
    assert "swapped" in answer["error"]["message"]


def test_zones_come_in_once_and_change_by_version(qyran, zone_file):
    path = zone_file(id="zone-1")
    assert qyran("zones", "import", path, "--dry-run")[1]["added"] == 1
    assert qyran("zones", "list")[1] == {"zones": []}
    assert qyran("zones", "import", path)[1]["added"] == 1
    assert qyran("zones", "import", path)[1]["same"] == 1
    assert qyran("zones", "import", zone_file(id="zone-1", name="Court"))[1]["changed"] == 1
    (zone,) = qyran("zones", "list")[1]["zones"]
    assert (zone["id"], zone["name"], zone["version"]) == ("zone-1", "Court", 2)
    assert zone["changed_at"].endswith("Z")


@pytest.mark.parametrize("nothing", [None, "", []])
def test_a_zone_that_does_not_say_its_purpose_becomes_no_fence_by_itself(qyran, zone_file, nothing):
    path = zone_file(id="zone-1", purpose=nothing)
    code, document = qyran("zones", "import", path)
    assert (code, document["error"]["code"]) == (2, "zone_invalid")
    assert document["error"]["where"] == f"{path}, row 1 (Yard)"
    assert "--purpose" in document["error"]["cure"]
    assert qyran("zones", "list")[1] == {"zones": []}
    code, document = qyran("ingest", path, "--zones", path)
    assert (code, document["error"]["code"]) == (2, "zone_invalid")


@pytest.mark.parametrize(
    ("word", "purposes"),
    [("flight", ["flight"]), ("watch", ["watch"]), ("both", ["flight", "watch"])],
)
def test_the_purpose_of_a_file_may_be_said_and_is_told(qyran, zone_file, word, purposes):
    path = zone_file(id="zone-1", purpose=None)
    (zone,) = qyran("zones", "import", path, "--purpose", word)[1]["zones"]
    assert (zone["purpose"], zone["kind"], zone["done"]) == (purposes, "inclusion", "added")
    path = zone_file(id="zone-2", purpose=["watch"])  # what says its own keeps it
    (zone,) = qyran("zones", "import", path, "--purpose", "flight")[1]["zones"]
    assert zone["purpose"] == ["watch"]


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "kml"])
def test_zones_go_out_and_come_back_the_same(qyran, zone_file, tmp_path, ending):
    qyran("zones", "import", zone_file())
    file = tmp_path / f"out.{ending}"
    assert qyran("zones", "export", file) == (0, {"file": str(file), "zones": 1})
    assert qyran("zones", "import", file)[1]["same"] == 1


BAD_IDS = ["../etc", "a/b", "a\nb", "x" * 5_000, "<b>zone</b>", "зона", "a b", ".."]


@pytest.mark.parametrize("zone_id", BAD_IDS)
def test_an_id_that_could_lead_elsewhere_is_refused_with_its_row(qyran, zone_file, zone_id):
    path = zone_file(id=zone_id)
    code, document = qyran("zones", "import", path)
    error = document["error"]
    assert (code, error["code"], error["where"]) == (2, "zone_invalid", f"{path}, row 1 (Yard)")
    assert error["cure"]
    assert len(error["message"]) < 200
    assert qyran("zones", "list")[1] == {"zones": []}


@pytest.mark.parametrize("place", ["id", "name"])
def test_a_null_character_is_not_cut_off_in_silence(qyran, zone_file, place):
    code, document = qyran("zones", "import", zone_file(**{place: "a\u0000b"}))
    assert (code, document["error"]["code"]) == (2, "zone_invalid")


@pytest.mark.parametrize("name", ["a\nb", "a\u0007b", "a\u2028b", "n" * 201])
def test_a_name_is_one_line(qyran, zone_file, name):
    code, document = qyran("zones", "import", zone_file(name=name))
    assert (code, document["error"]["code"]) == (2, "zone_invalid")
    assert "row 1" in document["error"]["where"]
    assert "\n" not in document["error"]["where"]


def test_an_id_that_comes_twice_is_refused_with_both_rows(qyran, zone_file):
    path = zone_file(id="zone-1")
    collection = json.loads(path.read_text())
    collection["features"] = [collection["features"][0], zone_of("zone-2"), zone_of("zone-1")]
    path.write_text(json.dumps(collection))
    code, document = qyran("zones", "import", path)
    assert (code, document["error"]["code"]) == (2, "zone_invalid")
    assert document["error"]["where"] == f"{path}, row 3 (Yard)"
    assert "row 1" in document["error"]["message"]
    assert qyran("zones", "list")[1] == {"zones": []}


def zone_of(zone_id):
    return {
        "type": "Feature",
        "id": zone_id,
        "properties": {"name": "Yard", "purpose": "watch"},
        "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
    }


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "kml"])
def test_the_zones_of_the_demo_go_out_and_come_back_the_same(qyran, home, tmp_path, ending):
    zones = [*demo_scenario(build_world(1), NOW).zones, a_round_zone(), a_split_zone()]
    with opened_stores(Settings(home=home)) as stores:
        for zone in zones:
            stores.zones.add(zone)
    file = tmp_path / f"out.{ending}"
    assert qyran("zones", "export", file)[1]["zones"] == len(zones)
    document = qyran("zones", "import", file)[1]
    assert (document["same"], document["changed"]) == (len(zones), 0)
    moved = file.with_name(f"moved.{ending}")
    write_zones(moved, [replace(a_split_zone(), area=a_square(101.0), purposes=frozenset(Purpose))])
    assert qyran("zones", "import", moved)[1]["changed"] == 1


def a_round_zone():
    circle = Circle(50.9, 71.3, 120.0)
    return a_zone(
        zone_id=ZoneId("zone-round"),
        area=circle_area(circle, ZoneKind.EXCLUSION),
        circle=circle,
        kind=ZoneKind.EXCLUSION,
        floor=Altitude(0.1 + 0.2, Datum.GROUND),
        changed_by=UserId("user-1"),
    )


def a_split_zone():
    clockwise = Polygon(list(a_square(30.0).exterior.coords)[::-1])
    return a_zone(zone_id=ZoneId("zone-split"), area=MultiPolygon([clockwise]))


def test_homes_and_targets_that_can_be_none_are_of_the_environment(qyran, zone_file, monkeypatch):
    qyran("zones", "import", zone_file())
    code, document = qyran("zones", "export", "/proc/x.gpkg")
    assert (code, document["error"]["where"]) == (3, "/proc/x.gpkg")
    monkeypatch.setenv("QYRAN_HOME", "/dev/null")
    code, document = qyran("zones", "list")
    assert (code, document["error"]["code"]) == (3, "store_unreadable")
    assert document["error"]["where"] == "/dev/null"


def test_a_zone_that_crosses_itself_is_refused_with_the_place(qyran, zone_file):
    code, document = qyran("zones", "import", zone_file(BOW_TIE))
    assert code == 2
    assert document["error"]["code"] == "zone_invalid"
    assert "71.305 50.905" in document["error"]["message"]
    assert qyran("zones", "list")[1] == {"zones": []}


def test_a_missing_zone_file_is_told(qyran, tmp_path):
    code, document = qyran("zones", "import", tmp_path / "nope.geojson")
    assert (code, document["error"]["code"]) == (2, "source_missing")


def a_plan(tmp_path, *, climb_m=50.0, north_deg=0.001):
    def item(number, command, lat, lon, height_m):
        return {
            "type": "SimpleItem", "autoContinue": True, "command": command, "doJumpId": number,
            "frame": 3, "params": [0, 0, 0, None, lat, lon, height_m],
        }  # fmt: skip

    lat, lon = 50.905, 71.305
    ring = [[y, x] for x, y in SQUARE[:-1]]
    document = {
        "fileType": "Plan", "version": 1, "groundStation": "QGroundControl",
        "mission": {
            "version": 2, "cruiseSpeed": 10, "hoverSpeed": 5, "firmwareType": 12,
            "vehicleType": 2, "plannedHomePosition": [lat, lon, 350],
            "items": [
                item(1, 22, lat, lon, climb_m), item(2, 16, lat + north_deg, lon, climb_m),
                {**item(3, 20, 0, 0, 0), "frame": 2},
            ],
        },
        "geoFence": {"version": 2, "circles": [],
                     "polygons": [{"version": 1, "inclusion": True, "polygon": ring}]},
        "rallyPoints": {"version": 2, "points": []},
    }  # fmt: skip
    path = tmp_path / "patrol.plan"
    path.write_text(json.dumps(document))
    return path


def test_a_good_plan_is_safe(qyran, tmp_path):
    code, document = qyran("check", a_plan(tmp_path))
    assert code == 0, document
    assert document["safe"] is True
    assert document["items"] == 3
    assert document["fences"] == 1


def test_a_plan_that_leaves_its_fence_is_no_with_the_place(qyran, tmp_path):
    code, document = qyran("check", a_plan(tmp_path, north_deg=0.02))
    assert code == 1
    assert document["safe"] is False
    worst = next(f for f in document["findings"] if f["code"] == "waypoint_outside")
    assert worst["place"]["type"] == "Point"
    assert worst["place"]["coordinates"] == [pytest.approx(71.305), pytest.approx(50.925)]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe\x00", b"[1, 2"])
def test_what_is_no_plan_is_usage(qyran, tmp_path, content):
    path = tmp_path / "broken.plan"
    path.write_bytes(content)
    code, document = qyran("check", path)
    assert (code, document["error"]["code"]) == (2, "plan_unreadable")


def test_people_get_accounts_and_devices_get_tokens(qyran, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("long enough for a test\n"))
    code, person = qyran(
        "account",
        "add",
        "Reviewer1",
        "--role",
        "reviewer",
        "--agency",
        "police",
        "--password-stdin",
    )
    assert code == 0
    assert person["user"] == "reviewer1"
    assert "token" not in person
    code, device = qyran("account", "add", "cam-07", "--role", "device")
    assert code == 0
    assert len(device["token"]) > 30


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("x", "--role", "device", "--role", "admin"), "usage_error"),
        (("x", "--role", "service"), "bad_request"),
        (("x", "--role", "reviewer", "--agency", "nobody"), "bad_request"),
        (("x", "--role", "boss"), "usage_error"),
        (("x y", "--role", "device"), "bad_request"),
        (("x", "--role", "reviewer"), "usage_error"),  # no terminal to ask for a password
    ],
)
def test_accounts_that_make_no_sense_are_refused(qyran, monkeypatch, words, code):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert qyran("account", "add", *words)[1]["error"]["code"] == code


def test_a_backup_brings_everything_back(qyran, zone_file, tmp_path):
    qyran("zones", "import", zone_file(id="zone-1"))
    code, report = qyran("backup", tmp_path / "b.tar")
    assert code == 0
    assert report["files"] >= 2
    assert qyran("restore", tmp_path / "b.tar")[1]["error"]["code"] == "already_there"
    fresh = tmp_path / "fresh"
    assert qyran("restore", tmp_path / "b.tar", "--home", fresh)[0] == 0
    assert qyran("zones", "list", "--home", fresh)[1] == qyran("zones", "list")[1]
    assert qyran("upgrade")[1]["backup"] is None
    assert qyran("purge") == (0, {"samples": 0, "media": 0, "media_bytes": 0})


def test_a_damaged_backup_is_refused(qyran, zone_file, tmp_path):
    qyran("zones", "import", zone_file())
    qyran("backup", tmp_path / "b.tar")
    data = bytearray((tmp_path / "b.tar").read_bytes())
    data[len(data) // 3] ^= 0xFF
    (tmp_path / "b.tar").write_bytes(data)
    code, document = qyran("restore", tmp_path / "b.tar", "--home", tmp_path / "fresh")
    assert (code, document["error"]["code"]) == (3, "archive_damaged")
    assert not (tmp_path / "fresh").exists()


def settings(**overrides) -> Settings:
    return load_settings(overrides=overrides).settings


def states(reports):
    return {report.name: report.state for report in reports}


def test_doctor_finds_what_is_wrong_and_says_how_to_mend_it(tmp_path):
    wrong = settings(
        **{"detector.weights": str(tmp_path / "no.onnx"), "store.free_least_mb": "1e12"}
    )
    reports = {report.name: report for report in examine(wrong)}
    assert reports["weights"].state is reports["disk"].state is State.FAULT
    for report in reports.values():
        assert report.state is State.OK or (report.gives and report.cure), report


def test_doctor_sees_a_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        reports = examine(settings(**{"server.port": port}))
    assert states(reports)["port"] is State.MISSING


def test_doctor_exits_by_what_it_found(qyran):
    code, document = qyran("doctor", "--set", "store.free_least_mb=1e12")
    assert code == 3
    assert document["ok"] is False
