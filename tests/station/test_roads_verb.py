"""`qyran roads` through the whole command line."""

import json
import os
from pathlib import Path

import pytest

from station import cli

GOLDEN = Path(__file__).parents[1] / "golden" / "roads"
TOWN, CENTRE = GOLDEN / "myllykoski.osm.pbf", GOLDEN / "helsinki-centre.osm.gz"
FROM, TO = "60.1650,24.9360", "60.1780,24.9520"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def qyran(capfd):
    def call(*words):
        code = cli.main([*map(str, words), "--json"])
        return code, json.loads(capfd.readouterr().out)

    return call


def test_roads_come_in_and_a_way_is_found(qyran, home):
    code, done = qyran("roads", "import", CENTRE)
    assert code == 0
    assert Path(done["roads"]) == home / "roads.npz"
    assert done["banned_turns"] > 0
    assert done["length_km"] > 10
    assert "OpenStreetMap" in done["attribution"]
    code, way = qyran("roads", "route", FROM, TO)
    assert code == 0
    assert way["path"]["type"] == "LineString"
    assert way["path"]["coordinates"][0] == [24.936, 60.165]
    assert 1_500 < way["distance_m"] < 4_000
    assert 3 < way["distance_m"] / way["seconds"] < 17
    assert qyran("roads", "route", FROM, TO, "--roads", CENTRE)[1] == way


def test_other_roads_replace_the_former_ones_and_bad_ones_do_not(qyran, home, tmp_path):
    qyran("roads", "import", CENTRE)
    before = (home / "roads.npz").read_bytes()
    bad = tmp_path / "cut.osm.pbf"
    bad.write_bytes(TOWN.read_bytes()[:90_000])
    code, document = qyran("roads", "import", bad)
    assert (code, document["error"]["code"]) == (2, "roads_unreadable")
    assert "bytes early" in document["error"]["message"]
    assert document["error"]["cure"]
    assert (home / "roads.npz").read_bytes() == before
    assert qyran("roads", "import", TOWN)[0] == 0
    assert qyran("roads", "route", FROM, TO)[0] == 1


def test_a_box_and_another_file(qyran, home, tmp_path):
    box = "24.9353,60.1642,24.9450,60.1790"
    code, done = qyran("roads", "import", CENTRE, "--bbox", box, "--out", tmp_path / "a.npz")
    assert code == 0
    assert done["bounds"][2] <= 24.9450
    assert not (home / "roads.npz").exists()


@pytest.mark.parametrize("box", ["1,2,3", "3,2,1,4", "a,b,c,d", "nan,1,2,3", "0,0,1,95"])
def test_what_is_no_box_is_refused(qyran, box):
    code, document = qyran("roads", "import", CENTRE, "--bbox", box)
    assert (code, document["error"]["code"]) == (2, "bad_request")


@pytest.mark.parametrize(
    ("place", "says"),
    [("24.9360,60.1650", "swapped"), ("24.9", "no place"), ("x,y", "no place"), ("500,1", "swap")],
)
def test_what_is_no_place_is_refused(qyran, place, says):
    code, document = qyran("roads", "route", place, TO, "--roads", CENTRE)
    assert code == 2
    assert says in document["error"]["message"]


def test_no_way_is_the_answer_no(qyran):
    code, document = qyran("roads", "route", FROM, "50.97,71.35", "--roads", CENTRE)
    assert (code, document["reached"]) == (1, False)
    assert "50.97,71.35" in document["reason"]


def test_without_roads_one_is_told_how_to_get_them(qyran):
    code, document = qyran("roads", "route", FROM, TO)
    assert (code, document["error"]["code"]) == (2, "source_missing")
    assert "qyran roads import" in document["error"]["cure"]
    code, document = qyran("roads", "import", "nothing.osm.pbf")
    assert (code, document["error"]["code"]) == (2, "source_missing")
