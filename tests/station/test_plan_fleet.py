"""`qyran plan fleet` through the whole command line, on the document of its guide."""

import json
import os
import re
from datetime import datetime
from pathlib import Path

import pytest

from station import cli

ROOT = Path(__file__).parents[2]
CENTRE = ROOT / "tests" / "golden" / "roads" / "helsinki-centre.osm.gz"
GUIDE = ROOT / "docs" / "guides" / "fleet.md"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def qyran(capfd, tmp_path):
    def call(document, *words):
        path = tmp_path / "shift.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        code = cli.main(["plan", "fleet", str(path), *map(str, words), "--json"])
        return code, json.loads(capfd.readouterr().out)

    return call


def example():
    found = re.search(r"```json\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    assert found
    return json.loads(found[1])


def small(**changes):
    return {
        "start": "2026-11-23T08:00:00Z",
        "hours": 2,
        "iterations": 30,
        "assets": [{"id": "car", "kind": "vehicle", "home": [24.9400, 60.1700]}],
        "jobs": [{"id": "a", "place": [24.9450, 60.1680]}],
        **changes,
    }


def stops(document):
    return {
        stop["job"]: (route["asset"], stop)
        for route in document["routes"]
        for trip in route["trips"]
        for stop in trip["stops"]
    }


def test_the_guides_example_gives_what_the_guide_says(qyran):
    code, done = qyran(example())
    assert code == 0
    assert done["not_understood"] == []
    reasons = {one["job"]: one["reason"] for one in done["unserved"]}
    assert reasons == {"appeal-88": "seen_already", "far-field": "no_energy"}
    found = stops(done)
    assert {"dump-3", "lamp-17", "street-2"} <= set(found)
    assert found["lamp-17"][1]["begins_at"] <= "2026-11-23T04:00:00Z"
    people = {route["asset"]: route["person"] for route in done["routes"]}
    assert people.items() <= {"drone-1": "aida", "car-1": "berik"}.items()
    idle = done["idleness"]
    assert idle["after"]["worst_s"] <= 3600.0 + 1.0 < idle["before"]["worst_s"]
    assert idle["after"]["mean_s"] < idle["before"]["mean_s"] / 3
    for route in done["routes"]:
        for trip in route["trips"]:
            assert trip["line"]["coordinates"][0] == pytest.approx([71.3549, 50.9754], abs=1e-6)
            assert all(one["severity"] != "error" for one in trip["findings"])
            if route["kind"] == "drone":
                assert 0 < trip["battery_share"] < 1
                assert trip["mission"]


def test_the_same_seed_and_iterations_give_the_same_answer(qyran):
    one, two = qyran(example())[1], qyran(example())[1]
    assert one == two
    assert qyran(example(), "--seed", 5, "--iterations", 20)[1]["seed"] == 5


def test_cars_drive_real_streets_of_a_file_or_of_the_station(qyran, capfd):
    code, done = qyran(small(roads=str(CENTRE)))
    assert code == 0
    (trip,) = done["routes"][0]["trips"]
    assert len(trip["line"]["coordinates"]) > 6
    assert "OpenStreetMap" in done["attribution"]
    assert cli.main(["roads", "import", str(CENTRE), "--json"]) == 0
    capfd.readouterr()
    again = qyran(small())[1]
    assert again["routes"] == done["routes"]
    assert any("station's roads" in note for note in again["notes"])


def test_without_people_all_is_crewed_and_with_none_nothing_is(qyran):
    assert qyran(small())[1]["routes"][0]["person"] is None
    code, done = qyran(small(people=[]))
    assert code == 1
    assert [one["reason"] for one in done["unserved"]] == ["no_crew"]
    on = {"id": "p", "shifts": [{"start": "2026-11-01T09:00:00Z", "hours": 1,
                                 "rrule": "FREQ=DAILY"}]}  # fmt: skip
    trip = qyran(small(people=[on]))[1]["routes"][0]["trips"][0]
    assert trip["departs_at"] >= "2026-11-23T09:00:00Z"


def test_one_drone_a_pilot_unless_the_policy_says_more(qyran):
    assets = [
        {"id": f"d{k}", "kind": "uav", "home": [24.94 + k / 1000, 60.17], "height_m": 50 + 20 * k}
        for k in range(3)
    ]
    jobs = [{"id": f"j{k}", "place": [24.94 + k / 1000, 60.171], "assets": [f"d{k}"]}
            for k in range(3)]  # fmt: skip
    wish = small(assets=assets, jobs=jobs, people=[{"id": "aida", "kinds": ["drone"]}])
    assert len(qyran(wish)[1]["routes"]) == 1
    assert len(qyran({**wish, "policy": {"drones_per_pilot": 3}})[1]["routes"]) == 3


def test_geojson_in_every_shape_is_read(qyran):
    square = [[24.940, 60.168], [24.943, 60.168], [24.943, 60.170], [24.940, 60.170]]
    jobs = [
        {"id": "feature", "geometry": {"type": "Feature", "properties": {}, "geometry": {
            "type": "Point", "coordinates": [24.9450, 60.1680, 12.0]}}},
        {"id": "line", "line": {"type": "LineString", "coordinates": square[:3]}},
        {"id": "area", "area": {"type": "Polygon", "coordinates": [[*square, square[0]]]}},
    ]  # fmt: skip
    code, done = qyran(small(jobs=jobs))
    assert code == 0
    assert set(stops(done)) == {"feature", "line", "area"}
    for at in ("arrives_at", "begins_at", "leaves_at"):
        datetime.fromisoformat(stops(done)["area"][1][at])
    begins, leaves = (stops(done)["area"][1][k] for k in ("begins_at", "leaves_at"))
    assert (datetime.fromisoformat(leaves) - datetime.fromisoformat(begins)).seconds > 60


def test_unknown_fields_are_named(qyran):
    assert qyran(small(colour="red"))[1]["not_understood"] == ["colour"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("nonsense", "JSON"),
        ([1], "object"),
        ({}, "start"),
        (small(hours=None), "hours"),
        (small(end="2026-11-23T07:00:00Z", hours=None), "before it begins"),
        (small(hours=-1), "hours"),
        (small(jobs=[{"id": "a"}]), "geometry"),
        (small(jobs=[{"id": "a", "place": [24.9, 160.1]}]), "longitude, then latitude"),
        (small(jobs=[{"id": "a", "place": [24.9, 60.1]}] * 2), "twice"),
        (small(jobs=[{"id": "a", "place": [24.9, 60.1], "worth_s": -5}]), "worth_s"),
        (small(jobs=[{"id": "a", "place": {"type": "Polygon", "coordinates": [
            [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}}]), "crosses itself"),
        (small(jobs=[{"id": "a", "place": {"type": "Polygon", "coordinates": [
            [[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]]}}]), "180th meridian"),
        (small(jobs=[{"id": "a", "place": [24.9, 60.1], "earliest": "2026-11-23T09:00:00Z",
                      "latest": "2026-11-23T08:00:00Z"}]), "before its earliest"),
        (small(assets=[{"id": "x", "kind": "boat", "home": [0, 0]}]), "kind"),
        (small(people=[{"id": "p", "shifts": [{"start": "2026-11-23T08:00:00Z", "hours": 1,
                                               "time_zone": "Mars/North"}]}]), "time zone"),
        (small(targets=[{"id": "t", "place": [24.9, 60.1], "revisit_s": 0}]), "revisit_s"),
        (small(roads="nothing.osm.pbf"), "no roads"),
        (small(zones="nothing.geojson"), "no such file"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_refused_with_the_field(qyran, document, says):
    code, done = qyran(document)
    assert code == 2
    assert says in json.dumps(done["error"])


def test_heights_of_zones_without_a_datum_are_read_as_above_ground_and_told(qyran):
    ring = [[24.90, 60.10], [24.91, 60.10], [24.91, 60.11], [24.90, 60.11], [24.90, 60.10]]
    words = {"name": "School", "kind": "exclusion", "ceiling_m": 120}
    zone = {"type": "Feature", "properties": words,
            "geometry": {"type": "Polygon", "coordinates": [ring]}}  # fmt: skip
    code, done = qyran(small(zones=zone))
    assert code == 0, done
    assert any("zone School" in note and "AGL" in note for note in done["notes"])


def test_a_road_file_without_roads_is_refused(qyran, tmp_path):
    (tmp_path / "bad.osm").write_text("<osm></osm>")
    code, done = qyran(small(roads="bad.osm"))
    assert (code, done["error"]["code"]) == (2, "roads_unreadable")
