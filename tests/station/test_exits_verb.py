"""`qyran exits` through the whole command line."""

import copy
import json
import os
import re
from pathlib import Path

import pytest
from shapely.geometry import LineString, shape

from station import cli
from tests.builders import AT

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "dispatch.md"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))


@pytest.fixture
def exits(tmp_path, capfd):
    """Runs the verb on a document with --json; returns its exit code and its answer."""

    def call(document, *words):
        path = tmp_path / "case.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        code = cli.main(["exits", str(path), *map(str, words), "--json"])
        return code, json.loads(capfd.readouterr().out)

    return call


def at(east, north, *up):
    lat, lon = AT.to_geo1_deg(east, north)
    return [lon, lat, *up]


def ring(west, south, east, north):
    return [at(west, south), at(east, south), at(east, north), at(west, north), at(west, south)]


def zone(name, *sides, **properties):
    return {
        "type": "Feature", "properties": {"id": name, "name": name, **properties},
        "geometry": {"type": "Polygon", "coordinates": [ring(*sides)]},
    }  # fmt: skip


BAN = zone("ban", -20, -100, 200, 100, kind="exclusion")
CITY = zone("city", -600, -600, 600, 600, kind="inclusion")
HOME = at(-300, 0)
CASE = {
    "at": "2026-11-20T09:00:00Z",
    "appeared": BAN,
    "zones": {"type": "FeatureCollection", "features": [CITY]},
    "assets": [
        {"id": "in", "kind": "drone", "position": at(0, 0, 60), "home": HOME, "north_m_s": 0.0},
        {"id": "ahead", "kind": "drone", "position": at(-100, 0, 60), "home": HOME,
         "ahead": [at(100, 0)]},
        {"id": "away", "kind": "drone", "position": at(-100, 200, 60), "home": HOME,
         "ahead": [at(-300, 200)]},
        {"id": "parked", "kind": "drone", "position": at(10, 10)},
        {"id": "car", "kind": "car", "position": at(0, 0)},
    ],
}  # fmt: skip


def case(**changes):
    return {**copy.deepcopy(CASE), **changes}


def test_the_affected_get_a_proven_way_and_the_others_are_named(exits):
    code, answer = exits(CASE)
    assert code == 0, answer
    assert (answer["affected"], answer["proven"], answer["appeared"]) == (2, True, ["ban"])
    rows = {row["asset"]: row for row in answer["assets"]}
    assert {name: row["affected"] for name, row in rows.items()} == {
        "in": True, "ahead": True, "away": False, "parked": False, "car": False,
    }  # fmt: skip
    inside = rows["in"]
    assert (inside["proven"], inside["end"], inside["inside"]) == (True, "home", ["ban"])
    assert inside["inside_s"] == pytest.approx(2.7, abs=0.1)  # 27 m at 10 m/s
    assert inside["seconds"] == pytest.approx(sum(move["seconds"] for move in inside["moves"]))
    path = LineString([c[:2] for c in shape(inside["path"]).coords])
    assert path.coords[0] == pytest.approx(tuple(at(0, 0)))
    assert path.coords[-1] == pytest.approx(tuple(HOME))
    assert inside["moves"][-1]["kind"] == "land"
    # behind the exit it never meets the ban again
    behind = LineString(path.coords[inside["exit_move"] + 1 :])
    assert not shape(BAN["geometry"]).intersects(behind)
    assert rows["ahead"]["inside_s"] == 0.0
    assert "drives" in rows["car"]["why"]


def test_where_nothing_can_be_proven_the_answer_is_no(exits):
    walls = [zone(f"wall-{n}", *sides, kind="exclusion") for n, sides in enumerate(
        [(-60, -60, -40, 60), (40, -60, 60, 60), (-60, 40, 60, 60), (-60, -60, 60, -40)]
    )]  # fmt: skip
    hole = zone("hole", -39, -39, 39, 39, kind="exclusion")
    code, answer = exits(case(appeared=hole, zones=[CITY, *walls], assets=CASE["assets"][:1]))
    assert code == 1
    (row,) = answer["assets"]
    assert (row["proven"], row["end"], answer["proven"]) == (False, "land_here", False)
    assert "land here" in row["why"]


def test_heights_without_a_datum_are_read_as_above_ground_and_told(exits):
    sides = {"kind": "exclusion", "ceiling_m": 30}
    bare = exits(case(appeared=zone("low", -20, -100, 200, 100, **sides)))[1]
    said = exits(case(appeared=zone("low", -20, -100, 200, 100, datum="AGL", **sides)))[1]
    assert bare["assets"] == said["assets"]
    (note,) = set(bare["notes"]) - set(said["notes"])
    assert "zone low" in note
    assert "AGL" in note


def test_zones_of_a_file_count_too(exits, tmp_path):
    file = tmp_path / "more.geojson"
    wall = zone("wall", -60, -300, -40, 300, kind="exclusion")
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [wall]}))
    free = exits(case(assets=CASE["assets"][:1]))[1]["assets"][0]
    around = exits(case(assets=CASE["assets"][:1]), "--zones", file)[1]["assets"][0]
    assert around["proven"]
    assert around["seconds"] > free["seconds"] + 10
    line = LineString([c[:2] for c in around["path"]["coordinates"]])
    assert not shape(wall["geometry"]).intersects(line)


def test_rally_points_battery_and_several_new_zones_count(exits):
    empty = {**CASE["assets"][0], "battery_fraction": 0.04}
    code, answer = exits(case(assets=[empty], rally=[at(-60, 0)]))
    assert (code, answer["assets"][0]["end"]) == (0, "rally")
    other = zone("other", -420, -50, -250, 50, kind="exclusion")
    code, answer = exits(case(assets=CASE["assets"][:1], appeared=[BAN, other]))
    assert answer["appeared"] == ["ban", "other"]
    assert (code, answer["assets"][0]["end"]) == (0, "hold")


def test_a_zone_that_is_not_in_force_affects_nobody_and_says_so(exits):
    off = copy.deepcopy(BAN)
    off["properties"]["active"] = False
    code, answer = exits(case(appeared=off))
    assert (code, answer["affected"]) == (0, 0)
    assert any("not in force" in note for note in answer["notes"])


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"appeared": zone("w", 0, 0, 10, 10, purpose="watch")}, "zone_invalid", "purpose"),
        ({"assets": [{"id": "d", "kind": "drone", "position": at(0, 0), "state": "underway"}]},
         "source_unreadable", "up_m"),
        ({"assets": [CASE["assets"][0], CASE["assets"][0]]}, "source_unreadable", "own id"),
        ({"assets": [{**CASE["assets"][0], "position": [*at(0, 0)[::-1], 60]}]},
         "source_unreadable", "longitude"),
        ({"appeared": 7}, "source_unreadable", "guides/dispatch.md"),
        ({"margin_m": -1}, "source_unreadable", "guides/dispatch.md"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_a_cure(exits, change, code, word):
    exit_code, answer = exits(case(**change))
    assert (exit_code, answer["error"]["code"]) == (2, code)
    assert word in answer["error"]["cure"] + answer["error"]["message"]


@pytest.mark.parametrize("name", ["appeared", "assets"])
def test_what_is_needed_is_asked_for(exits, name):
    document = case()
    del document[name]
    exit_code, answer = exits(document)
    assert (exit_code, answer["error"]["code"]) == (2, "source_unreadable")
    assert name in answer["error"]["cure"]


def test_the_example_of_the_guide_gives_what_the_guide_says(exits, capfd, tmp_path):
    text = GUIDE.read_text(encoding="utf-8")
    part = text.partition("## A zone that appears in flight")[2]
    example = json.loads(re.search(r"```json\n(.*?)```", part, re.DOTALL).group(1))
    code, answer = exits(example)
    assert (code, answer["affected"], answer["not_understood"]) == (0, 1, [])
    assert cli.main(["exits", str(tmp_path / "case.json")]) == 0
    assert capfd.readouterr().out in part


def test_a_field_that_nobody_knows_is_named(exits):
    assert exits(case(colour="red"))[1]["not_understood"] == ["colour"]
