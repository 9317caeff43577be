import json
import os
from pathlib import Path

import pytest

from missions.formats.plan_file import save_plan
from missions.formats.plan_geojson import load_geojson, save_geojson
from station import cli
from tests.builders import a_mission, a_plan
from tests.missions.flying import a_fence
from tests.missions.test_formats import KML, MISSION_PLANNER

GOLDEN = Path(__file__).parents[1] / "golden" / "plans"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))


@pytest.fixture
def convert(tmp_path, capfd):
    def call(source, target, *words):
        code = cli.main(["convert", str(source), str(tmp_path / target), *words, "--json"])
        return code, json.loads(capfd.readouterr().out)

    return call


def test_a_plan_goes_around_through_every_format(convert, tmp_path):
    plan = a_plan(patrol_id=None, expected_s=0.0, return_altitude=None)
    first = tmp_path / "first.plan"
    first.write_text(save_plan(plan)[0])
    before = first
    for name in ("a.geojson", "b.kml", "c.kmz", "d.json", "e.waypoints", "f.plan"):
        code, answer = convert(before, name)
        assert (code, answer["faithful"], answer["written"]) == (0, True, True), name
        assert answer["items"] == len(a_mission().items)
        before = tmp_path / name
    code, answer = convert(before, "g.geojson")
    assert load_geojson((tmp_path / "g.geojson").read_text()).plan.mission.items == (
        plan.mission.items
    )


def test_what_would_move_otherwise_is_not_written_unless_wanted(convert, tmp_path):
    code, answer = convert(GOLDEN / "not_understood.plan", "out.geojson")
    assert (code, answer["faithful"], answer["written"]) == (1, False, False)
    assert not (tmp_path / "out.geojson").exists()
    wrong = [loss for loss in answer["losses"] if loss["severity"] == "error"]
    assert {loss["command"] for loss in wrong} >= {82, 30, 17}
    assert all(loss["during"] == "reading" for loss in wrong)
    code, answer = convert(GOLDEN / "not_understood.plan", "out.geojson", "--lossy")
    assert (code, answer["faithful"], answer["written"]) == (0, False, True)
    assert (tmp_path / "out.geojson").exists()


def test_a_fence_is_not_lost_in_silence(convert, tmp_path):
    source = tmp_path / "in.geojson"
    source.write_text(save_geojson(a_plan(fences=(a_fence(),)))[0])
    code, answer = convert(source, "out.waypoints")
    assert code == 1
    assert "zone_not_carried" in {loss["code"] for loss in answer["losses"]}
    assert convert(source, "out.wpml.kmz", "--lossy", "--dji", "m3t")[0] == 0


def test_a_survey_says_what_it_meant(convert):
    code, answer = convert(GOLDEN / "survey_v5.plan", "out.geojson")
    assert code == 0
    (part,) = answer["parts"]
    assert (part["kind"], part["spacing_m"], part["first_item"]) == ("survey", 40.0, 1)
    assert part["camera"]["name"] == "Sony ILCE-QX1"


def test_files_of_other_programs_are_taken(convert, tmp_path):
    (tmp_path / "a.txt").write_text(MISSION_PLANNER)
    assert convert(tmp_path / "a.txt", "a.plan")[0] == 0
    (tmp_path / "b.kml").write_text(KML)
    code, answer = convert(tmp_path / "b.kml", "b.geojson")
    assert (code, answer["zones"], answer["items"]) == (0, 2, 4)
    line = {"type": "LineString", "coordinates": [[71.35, 50.97], [71.36, 50.98]]}
    (tmp_path / "c.json").write_text(json.dumps(line))
    assert convert(tmp_path / "c.json", "c.plan")[0] == 2
    assert convert(tmp_path / "c.json", "c.plan", "--height-m", "50")[0] == 0


@pytest.mark.parametrize(
    ("name", "content", "target", "code"),
    [
        ("a.plan", b"{", "b.plan", "plan_unreadable"),
        ("a.plan", b"\xff\xfe", "b.plan", "plan_unreadable"),
        ("a.doc", b"", "b.plan", "plan_unreadable"),
        ("a.kmz", b"PK", "b.plan", "plan_unreadable"),
        (None, b"", "b.plan", "source_missing"),
        ("a.waypoints", MISSION_PLANNER.encode(), "b.doc", "setting_invalid"),
        ("a.waypoints", MISSION_PLANNER.encode(), "none/b.plan", "source_unreadable"),
    ],
)
def test_what_can_not_be_read_or_written_says_so(convert, tmp_path, name, content, target, code):
    source = tmp_path / (name or "missing.plan")
    if name:
        source.write_bytes(content)
    exit_code, answer = convert(source, target)
    assert exit_code == 2
    assert answer["error"]["code"] == code
    assert answer["error"]["where"]
    assert answer["error"]["cure"]
    assert {path.name for path in tmp_path.iterdir()} <= {name, "home"}


def test_an_unknown_aircraft_is_named(convert):
    code, answer = convert(GOLDEN / "vtol.plan", "b.wpml.kmz", "--dji", "phantom")
    assert code == 2
    assert "m3td" in answer["error"]["cure"]
