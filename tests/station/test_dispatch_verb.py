"""`qyran dispatch` through the whole command line."""

import copy
import json
import os
import re
from pathlib import Path

import pytest

from missions.proving.checks import check_plan
from station import cli

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "dispatch.md"
KEYS = {
    "event", "chosen", "travel_s", "arrives_at", "away_s", "energy", "up_m", "route", "first_item",
    "candidates", "left_patrol", "explanation", "notes", "not_understood",
}  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))


@pytest.fixture
def dispatch(tmp_path, capfd):
    """Runs the verb on a document with --json; returns its exit code and its answer."""

    def call(document, *words):
        path = tmp_path / "event.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        code = cli.main(["dispatch", str(path), *map(str, words), "--json"])
        return code, json.loads(capfd.readouterr().out)

    return call


@pytest.fixture
def example():
    text = GUIDE.read_text(encoding="utf-8")
    return json.loads(re.search(r"```json\n(.*?)```", text, re.DOTALL).group(1))


LEAST = {
    "event": {"lat": 50.98, "lon": 71.36},
    "assets": [{"id": "d", "kind": "drone", "position": [71.355, 50.978]}],
}


def least(**asset):
    document = copy.deepcopy(LEAST)
    document["assets"][0] |= asset
    return document


def test_the_example_of_the_guide_gives_what_the_guide_says(dispatch, example, capfd, tmp_path):
    code, answer = dispatch(example)
    assert code == 0
    assert answer.keys() == KEYS
    assert answer["chosen"] == "drone-2"
    reasons = {one["asset"]: one["reason_code"] for one in answer["candidates"]}
    assert reasons == {
        "drone-2": "chosen", "car-1": "slower", "drone-1": "slower", "ambulance-1": "passive",
    }  # fmt: skip
    assert answer["left_patrol"]["outcome"] == "resumed"
    assert answer["left_patrol"]["patrol"] == "patrol-7"
    assert answer["route"]["coordinates"][0] == pytest.approx([71.3660, 50.9730])
    assert answer["route"]["coordinates"][-1] == pytest.approx([71.3640, 50.9790])
    assert answer["arrives_at"].startswith("2026-11-20T09:01:08")
    assert answer["not_understood"] == []
    assert cli.main(["dispatch", str(tmp_path / "event.json")]) == 0
    assert capfd.readouterr().out in GUIDE.read_text(encoding="utf-8")


def test_only_a_place_and_assets_are_needed(dispatch):
    code, answer = dispatch(LEAST)
    assert (code, answer["chosen"]) == (0, "d")
    assert answer["event"]["stay_s"] == 300.0
    assert len(answer["notes"]) >= 4


@pytest.mark.parametrize(
    "document",
    [
        {"lat": 50.98, "lon": 71.36, "assets": LEAST["assets"]},
        {"event": {"position": [71.36, 50.98]}, "fleet": LEAST["assets"]},
        {
            "event": {"geometry": {"type": "Point", "coordinates": [71.36, 50.98]}},
            "assets": [{"id": "d", "kind": "UAV", "lat": 50.978, "lon": 71.355}],
        },
        least(position={"lat": 50.978, "lon": 71.355}),
        least(position={"type": "Point", "coordinates": [71.355, 50.978]}),
        least(position=[71.355, 50.978, 0.0]),
    ],
)
def test_the_same_in_other_words(dispatch, document):
    assert dispatch(document)[1]["travel_s"] == pytest.approx(dispatch(LEAST)[1]["travel_s"])


POINT = {"type": "Point", "coordinates": [71.36, 50.98]}


@pytest.mark.parametrize(
    "event",
    [
        {"type": "sos", "location": POINT},
        {"kind": "sos", "location": {"lat": 50.98, "lon": 71.36}},
        {"type": "sos", "latitude": 50.98, "longitude": 71.36},
        {"type": "sos", "coordinates": [71.36, 50.98]},
        {"type": "Feature", "geometry": POINT, "properties": {"type": "sos"}},
        POINT,
    ],
)
@pytest.mark.parametrize("at_the_top", [False, True])
def test_the_words_of_other_systems_mean_the_same(dispatch, event, at_the_top):
    assets = [{"id": "d", "type": "uav", "location": [71.355, 50.978], "battery_pct": 80}]
    document = {"assets": assets} | (event if at_the_top else {"event": event})
    code, answer = dispatch(document)
    assert code == 0, answer
    assert answer["not_understood"] == []
    assert answer["event"]["kind"] == "sos"
    assert answer["event"]["place"] == POINT
    assert answer["travel_s"] == pytest.approx(dispatch(LEAST)[1]["travel_s"])
    same = dispatch(least(battery_fraction=0.8))[1]
    assert answer["energy"] == same["energy"]


@pytest.mark.parametrize(
    ("asset", "said"),
    [
        ({"battery_pct": 101}, "0 to 100"),
        ({"battery_pct": "full"}, "0 to 100"),
        ({"battery_pct": 80, "battery_fraction": 0.8}, "twice"),
    ],
)
def test_a_battery_that_makes_no_sense_is_refused(dispatch, asset, said):
    code, answer = dispatch(least(**asset))
    assert code == 2
    assert said in answer["error"]["message"]


@pytest.mark.parametrize(
    ("field", "cure"), [("kind", "drone or vehicle"), ("id", "names it alone")]
)
def test_a_field_that_is_missing_comes_with_what_to_write(dispatch, field, cure):
    document = least()
    del document["assets"][0][field]
    code, answer = dispatch(document)
    assert code == 2
    assert answer["error"]["message"] == f"assets.0.{field} is missing"
    assert cure in answer["error"]["cure"]


FENCE = {"type": "Polygon", "coordinates": [[[71.3, 50.9], [71.5, 50.9], [71.4, 51.0]]]}


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"event": {"lat": 71.36, "lon": 50.98}}, "source_unreadable", "event"),
        ({"rally": [[50.98, 71.36]]}, "source_unreadable", "rally"),
        (
            {"zones": {**FENCE, "coordinates": [[[50.9, 71.3], [50.9, 71.5], [51.0, 71.4]]]}},
            "zone_invalid",
            "zone",
        ),
        (
            {"assets": [*LEAST["assets"], {"id": "e", "kind": "car", "position": [50.98, 71.3]}]},
            "source_unreadable",
            "asset e",
        ),
    ],
)
def test_swapped_places_are_refused_with_their_place(dispatch, change, code, where):
    exit_code, answer = dispatch({**LEAST, "zones": FENCE} | change)
    assert exit_code == 2
    assert answer["error"]["code"] == code
    assert "swapped" in answer["error"]["message"]
    assert where in answer["error"]["where"]
    assert "longitude first" in answer["error"]["cure"]


def test_a_latitude_beyond_a_pole_is_told_as_swapped(dispatch):
    for event in ({"position": [50.0, 121.4]}, {"lat": 121.4, "lon": 50.0}):
        code, answer = dispatch({**LEAST, "event": event})
        assert code == 2
        assert "swapped" in answer["error"]["message"]


def test_another_city_is_no_fault(dispatch):
    there = {"event": {"lat": 52.52, "lon": 13.40},
             "assets": [{"id": "d", "kind": "drone", "position": [13.41, 52.52]}]}  # fmt: skip
    assert dispatch(there)[0] == 0
    far = {**there, "event": LEAST["event"]}
    assert dispatch(far)[0] == 1  # nobody comes so far, but nothing is swapped


def test_a_field_that_nobody_knows_is_named(dispatch):
    document = least(colour="red", patrol={"name": "round", "mood": "good"})
    document["policy"] = {"height_m": 50, "speed": 3}
    answer = dispatch(document)[1]
    assert set(answer["not_understood"]) == {
        "assets.0.colour", "assets.0.patrol.mood", "policy.speed",
    }  # fmt: skip


def test_nobody_can_go_is_an_answer(dispatch):
    code, answer = dispatch(least(battery_fraction=0.01))
    assert code == 1
    assert answer["chosen"] is None
    assert answer["route"] is None
    assert answer["candidates"][0]["reason_code"] == "energy"
    assert "nobody can go: d needs" in answer["explanation"]
    assert dispatch({"event": {"lat": 50.98, "lon": 71.36}, "assets": []})[0] == 1


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ("{", "no JSON"),
        ("[]", "no JSON object"),
        ({"assets": []}, "no place"),
        ({"event": {"lat": 195.0, "lon": 71.0}, "assets": []}, "event.lat"),
        (least(kind="boat"), "assets.0.kind"),
        (least(battery_fraction=80), "assets.0.battery_fraction"),
        (least(position=[71.0]), "assets.0.position"),
        (least(position=None), "no place"),
        (least(energy={"capacity_wh": "big"}), "energy.capacity_wh"),
        ({**LEAST, "assets": LEAST["assets"] * 2}, "twice"),
        ({**LEAST, "policy": {"height_m": "high"}}, "policy.height_m"),
        ({**LEAST, "weather": {"wind_m_s": "strong"}}, "weather.wind_m_s"),
        ({**LEAST, "zones": 7}, "zones"),
        ({**LEAST, "event": {"lat": 50.98, "lon": 71.36, "at": "noon"}}, "event.at"),
    ],
)
def test_a_document_that_can_not_be_read_is_refused_with_the_place(dispatch, document, named):
    code, answer = dispatch(document)
    assert code == 2
    error = answer["error"]
    assert named in f"{error['where']} {error['message']}"
    assert "event.json" in error["where"]


def test_a_missing_file_is_unreadable(capfd):
    assert cli.main(["dispatch", "nowhere.json", "--json"]) == 2
    assert json.loads(capfd.readouterr().out)["error"]["code"] == "source_missing"


RING = [[71.356, 50.978], [71.358, 50.978], [71.358, 50.980], [71.356, 50.980], [71.356, 50.978]]


@pytest.mark.parametrize("how", ["geometry", "feature", "collection", "list", "file", "option"])
def test_zones_come_in_every_shape(dispatch, tmp_path, how):
    geometry = {"type": "Polygon", "coordinates": [RING]}
    feature = {"type": "Feature", "properties": {"kind": "exclusion"}, "geometry": geometry}
    collection = {"type": "FeatureCollection", "features": [feature]}
    (tmp_path / "bans.geojson").write_text(json.dumps(collection))
    values = {
        "geometry": geometry, "feature": feature, "collection": collection, "list": [feature],
        "file": "bans.geojson", "option": None,
    }  # fmt: skip
    words = ("--zones", tmp_path / "bans.geojson") if how == "option" else ()
    code, answer = dispatch({**LEAST, "zones": values[how]}, *words)
    if how == "geometry":  # a bare one is an inclusion: the drone is outside of it
        assert code == 1
        assert answer["candidates"][0]["reason_code"] == "zones"
    else:
        assert code == 0
        assert len(answer["route"]["coordinates"]) > 2
        assert any("look at them" in note for note in answer["notes"])
    kept = {**LEAST, "zones": values[how], "policy": {"rally_on_way": False}}
    assert dispatch(kept, *words)[0] == 1


@pytest.mark.parametrize("how", ["document", "option"])
def test_zones_whose_heights_have_no_datum_are_read_as_above_ground_and_told(
    dispatch, tmp_path, how
):
    geometry = {"type": "Polygon", "coordinates": [RING]}
    words = {"kind": "exclusion", "name": "School", "ceiling_m": 500}
    feature = {"type": "Feature", "properties": words, "geometry": geometry}
    (tmp_path / "bans.geojson").write_text(json.dumps(feature))
    option = ("--zones", tmp_path / "bans.geojson") if how == "option" else ()
    code, answer = dispatch({**LEAST, "zones": None if option else feature}, *option)
    assert code == 0
    assert len(answer["route"]["coordinates"]) > 2
    (told,) = (note for note in answer["notes"] if "datum" in note)
    assert "School" in told
    assert "AGL" in told


def test_duty_comes_from_the_asset_or_from_the_list_of_people(dispatch):
    assert dispatch(least(on_duty=False))[1]["candidates"][0]["reason_code"] == "no_crew"
    people = [{"id": "p", "kinds": ["drone"]}]
    assert dispatch({**LEAST, "people": people})[1]["chosen"] == "d"
    for nobody in (
        [], [{"id": "p", "kinds": ["car"]}], [{"id": "p", "on_duty": False}],
        [{"id": "p", "assets": ["other"]}],
    ):  # fmt: skip
        assert dispatch({**LEAST, "people": nobody})[1]["chosen"] is None
    busy = copy.deepcopy(LEAST)
    busy["people"] = people
    busy["assets"].append(
        {"id": "e", "kind": "drone", "position": [71.30, 50.97, 60], "in_hand_of": "p",
         "patrol": {"name": "round", "priority": 200}}
    )  # fmt: skip
    assert dispatch(busy)[1]["chosen"] is None
    assert dispatch({**busy, "drones_per_pilot": 2})[1]["chosen"] == "d"


def test_an_empty_list_of_permissions_keeps_drones_on_the_ground(dispatch):
    assert dispatch({**LEAST, "permissions": []})[1]["candidates"][0]["reason_code"] == "permission"
    leave = {
        "number": "7/26", "issuer": "authority", "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": "2099-01-01T00:00:00Z",
        "area": {"type": "Polygon", "coordinates":
                 [[[71, 50], [72, 50], [72, 51], [71, 51], [71, 50]]]},
    }  # fmt: skip
    assert dispatch({**LEAST, "permissions": [leave]})[1]["chosen"] == "d"


def test_the_chosen_plan_is_written_and_reads_back_safe(dispatch, tmp_path, capfd):
    file = tmp_path / "chosen.plan"
    home = {"lat": 50.978, "lon": 71.355, "ground_m": 350.0}
    zones = {"type": "Polygon", "coordinates":
             [[[71.3, 50.9], [71.4, 50.9], [71.4, 51.0], [71.3, 51.0], [71.3, 50.9]]]}  # fmt: skip
    assert dispatch({**least(home=home), "zones": zones}, "--plan", file)[0] == 0
    from core.ids import AssetId
    from missions.formats.plan_file import read_plan
    from missions.model import Asset, AssetKind, Severity

    plan = read_plan(file.read_text(), AssetId("d"))
    asset = Asset(AssetId("d"), "d", AssetKind.DRONE, None, 10.0, plan.home)
    assert all(f.severity is not Severity.ERROR for f in check_plan(plan, asset))


def test_cars_drive_by_the_roads_that_are_named(dispatch, tmp_path):
    car = {
        "event": LEAST["event"],
        "assets": [{"id": "c", "kind": "car", "position": [71.355, 50.978]}],
    }
    assert dispatch(car, "--roads", tmp_path / "none.npz")[0] == 2
    osm = tmp_path / "roads.osm"
    osm.write_text(
        '<osm version="0.6"><node id="1" lat="50.978" lon="71.355"/>'
        '<node id="2" lat="50.978" lon="71.36"/><node id="3" lat="50.98" lon="71.36"/>'
        '<way id="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="primary"/></way>'
        "</osm>"
    )
    code, answer = dispatch(car, "--roads", osm)
    assert code == 0
    assert len(answer["route"]["coordinates"]) >= 3
    metres = 351 + 222  # along the street: east, then north
    assert answer["travel_s"] == pytest.approx(metres / (60 / 3.6 * 0.8), rel=0.05)
