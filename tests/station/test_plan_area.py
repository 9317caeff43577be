"""`qyran plan area`, through the whole command line."""

import json
import os

import numpy as np
import pyproj
import pytest
import shapely
from shapely import MultiLineString

from station import cli

LON, LAT = 71.35, 50.97


def ring(west_m, south_m, east_m, north_m):
    """A rectangle about a place near Kosshy, metres turned into degrees well enough."""
    x, y = 1 / 70_160.0, 1 / 111_250.0
    west, east = LON + west_m * x, LON + east_m * x
    south, north = LAT + south_m * y, LAT + north_m * y
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry, **properties):
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def collection(*features):
    return {"type": "FeatureCollection", "features": list(features)}


FIELD = polygon(ring(0, 0, 320, 240))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))


@pytest.fixture
def write(tmp_path):
    def put(document, name="area.geojson"):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return put


@pytest.fixture
def plan(capfd, write):
    def call(document, *words, swath=40):
        path = write(document)
        code = cli.main(
            ["plan", "area", str(path), "--swath-m", str(swath), *map(str, words), "--json"]
        )
        return code, json.loads(capfd.readouterr().out)

    return call


def in_utm(document):
    """As a stranger would measure it: by pyproj."""
    to_utm = pyproj.Transformer.from_crs(4326, 32642, always_xy=True)
    shape = shapely.from_geojson(json.dumps(document))
    return shapely.transform(
        shape, lambda xy: np.stack(to_utm.transform(xy[:, 0], xy[:, 1]), axis=1)
    )


def covered(path, area, swath):
    return path.buffer(swath / 2, cap_style="flat").intersection(area).area / area.area


def test_an_area_is_covered_without_a_metre_outside(plan):
    code, answer = plan(FIELD)
    path, area = in_utm(answer["path"]), in_utm(FIELD)
    assert code == 0
    assert answer["path"]["type"] == "LineString"
    assert area.covers(path)
    assert answer["outside_m"] == 0
    assert answer["length_m"] == pytest.approx(path.length, abs=0.01)
    assert answer["covered_fraction"] == pytest.approx(covered(path, area, 40), abs=1e-5)
    assert answer["covered_fraction"] >= 0.995
    assert answer["turns"] > 0
    assert answer["seconds"] > 0
    assert "transits" not in answer


def test_a_geometry_a_feature_and_a_collection_are_the_same_area(plan):
    multi = {"type": "MultiPolygon", "coordinates": [FIELD["coordinates"]]}
    mixed = {
        "type": "GeometryCollection",
        "geometries": [{"type": "Point", "coordinates": [LON, LAT]}, FIELD],
    }
    halves = collection(
        feature(polygon(ring(0, 0, 160, 240))), feature(polygon(ring(160, 0, 320, 240)))
    )
    wanted = plan(FIELD)[1]
    for document in (feature(FIELD), collection(feature(FIELD), feature(None)), multi, mixed):
        answer = plan(document)[1]
        assert answer["path"] == wanted["path"]
    code, joined = plan(halves)  # what touches is one
    assert code == 0
    assert joined["path"]["type"] == "LineString"
    assert joined["area_m2"] == pytest.approx(wanted["area_m2"], rel=1e-5)


def test_neighbours_are_planned_as_one_area_without_a_seam(plan):
    code, answer = plan(collection(*(feature(polygon(r)) for r in (
        ring(0, 0, 150, 240), ring(150.004, 0, 320, 110), ring(150, 110, 320, 240)
    ))))  # fmt: skip
    assert code == 0
    assert answer["path"]["type"] == "LineString"
    whole = plan(FIELD)[1]
    assert answer["length_m"] == pytest.approx(whole["length_m"], rel=0.01)
    assert answer["covered_fraction"] > 0.995
    assert answer["outside_m"] == 0.0


def test_a_hole_that_touches_the_border_within_rounding_is_a_bay(plan):
    bay = ring(100, 100, 180, 240.006)
    code, answer = plan(polygon(FIELD["coordinates"][0], bay))
    assert code == 0
    assert answer["outside_m"] == 0.0
    assert answer["area_m2"] == pytest.approx(320 * 240 - 80 * 140, rel=0.002)
    code, answer = plan(polygon(FIELD["coordinates"][0], ring(100, 100, 180, 241)))
    assert code == 2
    assert "Self-intersection[71.35" in answer["error"]["message"]


def test_separate_parts_have_a_line_each_and_transits_apart(plan):
    apart = {
        "type": "MultiPolygon",
        "coordinates": [[ring(0, 0, 120, 100)], [ring(300, 0, 420, 100)]],
    }
    code, answer = plan(apart)
    assert code == 0
    assert answer["path"]["type"] == "MultiLineString"
    first, second = answer["path"]["coordinates"]
    assert answer["transits"]["coordinates"] == [[first[-1], second[0]]]
    assert answer["length_m"] == pytest.approx(in_utm(answer["path"]).length, abs=0.01)
    assert in_utm(apart).covers(in_utm(answer["path"]))


def test_exclusions_are_cut_out_and_inclusions_limit(plan, write):
    closed, watched, off = (ring(100, 80, 180, 160), ring(0, 0, 60, 60), ring(200, 0, 260, 60))
    zones = write(
        collection(
            feature(polygon(closed), kind="exclusion"),
            feature(polygon(watched), kind="exclusion", purpose="watch"),
            feature(polygon(off), kind="exclusion", active=False),
            feature(polygon(ring(-50, -50, 400, 200)), kind="inclusion"),
        ),
        "zones.geojson",
    )
    code, answer = plan(FIELD, "--zones", zones)
    path = in_utm(answer["path"])
    permitted = in_utm(FIELD).difference(in_utm(polygon(closed)))
    permitted = permitted.intersection(in_utm(polygon(ring(-50, -50, 400, 200))))
    assert code == 0
    assert permitted.covers(path)
    assert path.intersects(in_utm(polygon(watched)))
    assert path.intersects(in_utm(polygon(off)))
    assert answer["covered_permitted_fraction"] >= 0.995
    assert answer["covered_fraction"] < answer["covered_permitted_fraction"]
    assert answer["covered_fraction"] == pytest.approx(covered(path, in_utm(FIELD), 40), abs=1e-5)


def test_an_exclusion_can_cut_an_area_in_two(plan, write):
    wall = feature(polygon(ring(150, -10, 170, 250)), kind="exclusion")
    code, answer = plan(FIELD, "--zones", write(collection(wall), "zones.geojson"))
    assert code == 0
    assert len(answer["path"]["coordinates"]) == 2
    assert not MultiLineString(in_utm(answer["path"])).intersects(in_utm(wall["geometry"]))


def test_a_margin_is_kept(plan):
    code, answer = plan(FIELD, "--margin-m", 12)
    assert code == 0
    assert in_utm(FIELD).buffer(-12 + 1e-6, join_style="mitre").covers(in_utm(answer["path"]))


def test_start_and_wind_and_share_are_heard(plan):
    calm = plan(FIELD, "--start", f"{LAT},{LON}")[1]
    first = in_utm({"type": "Point", "coordinates": calm["path"]["coordinates"][0]})
    assert first.distance(in_utm({"type": "Point", "coordinates": [LON, LAT]})) < 60
    windy = plan(FIELD, "--wind-m-s", 5, "--wind-from-deg", 270)[1]
    assert windy["flight_s"] > calm["flight_s"]
    more = plan(FIELD, "--covered", 0.9995)[1]
    assert more["covered_fraction"] >= 0.9995


BOW_TIE = [[71.30, 50.90], [71.31, 50.91], [71.31, 50.90], [71.30, 50.91], [71.30, 50.90]]
SWAPPED = [[50.9, 96.3], [50.91, 96.3], [50.91, 96.31], [50.9, 96.3]]
METRES = [[7e5, 5.6e6], [7.1e5, 5.6e6], [7e5, 5.7e6], [7e5, 5.6e6]]
SLIVER = [[71.3, 50.9], [71.31, 50.9], [71.3, 50.9 + 1e-9], [71.3, 50.9]]
WITH_A_SLIVER = {
    "type": "MultiPolygon",
    "coordinates": [[ring(0, 0, 60, 60)], [ring(100, 0, 100.02, 60)]],
}


@pytest.mark.parametrize(
    ("document", "code", "said"),
    [
        (polygon(BOW_TIE), "area_invalid", "71.305 50.905"),
        (polygon(SLIVER), "area_invalid", "sliver"),
        (polygon(ring(0, 0, 650, 0.01)), "area_invalid", "sliver, nowhere wider than 0.1 m, at l"),
        (polygon(ring(0, 0, 0.05, 0.05)), "area_invalid", "sliver"),
        (WITH_A_SLIVER, "area_invalid", "sliver"),
        (polygon(SWAPPED), "area_invalid", "swapped"),
        (polygon(METRES), "area_invalid", "Earth"),
        ({"type": "Point", "coordinates": [71, 51]}, "area_invalid", "no polygon"),
        (collection(), "area_invalid", "no polygon"),
        ({"type": "Polygone", "coordinates": []}, "area_invalid", "Polygone"),
        ([1, 2], "area_invalid", "GeoJSON"),
        (polygon([[71.3, 50.9], ["x", 50.9], [71.3, 51]]), "area_invalid", "numbers"),
        (polygon([[71.3, 50.9], [71.3, 50.9], [71.4, 51]]), "area_invalid", "three corners"),
        ("{not json", "area_invalid", "JSON"),
    ],
)  # fmt: skip
def test_what_is_no_area_is_refused_with_place_reason_and_cure(plan, document, code, said):
    exit_code, answer = plan(document)
    assert exit_code == 2
    error = answer["error"]
    assert error["code"] == code
    assert said in error["message"]
    assert "area.geojson" in error["where"]
    assert error["cure"]


def test_nothing_left_is_a_no(plan, write):
    code, answer = plan(FIELD, "--margin-m", 150)
    assert (code, answer["error"]["code"]) == (1, "nothing_left")
    assert "longitude 71.35" in answer["error"]["message"]
    everywhere = feature(polygon(ring(-10, -10, 400, 300)), kind="exclusion")
    code, answer = plan(FIELD, "--zones", write(collection(everywhere), "zones.geojson"))
    assert (code, answer["error"]["code"]) == (1, "nothing_left")


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["--margin-m", "-1"], "--margin-m"),
        (["--covered", "1"], "--covered"),
        (["--start", "here"], "--start"),
        (["--start", f"{LON},{LAT}"], "--start"),
        (["--wind-m-s", "9"], "--wind-m-s"),
        (["--speed-m-s", "0"], "--speed-m-s"),
    ],
)
def test_impossible_wishes_are_refused(plan, words, where):
    code, answer = plan(FIELD, *words)
    assert code == 2
    assert where in answer["error"]["where"]
    assert answer["error"]["cure"]


@pytest.mark.parametrize("swath", [0, -5, "nan", "inf"])
def test_an_impossible_swath_is_refused(plan, swath):
    code, answer = plan(FIELD, swath=swath)
    assert code == 2
    assert "swath" in answer["error"]["message"]


def test_what_is_too_large_is_refused_with_a_cure(plan):
    huge = polygon(ring(0, 0, 20_000, 20_000))
    code, answer = plan(huge)
    assert (code, answer["error"]["code"]) == (1, "too_large")
    code, answer = plan(FIELD, swath=0.1)
    assert (code, answer["error"]["code"]) == (1, "too_large")
    assert "swath" in answer["error"]["cure"]


def test_zones_of_another_place_are_told_with_their_swap(plan, write):
    turned = polygon([[y, x] for x, y in ring(0, 0, 100, 100)])
    zones = write(collection(feature(turned, kind="exclusion")), "zones.geojson")
    code, answer = plan(FIELD, "--zones", zones)
    assert code == 2
    assert "swapped" in answer["error"]["message"]


def test_a_missing_file_is_told(capfd, tmp_path):
    code = cli.main(["plan", "area", str(tmp_path / "no.geojson"), "--swath-m", "30", "--json"])
    assert code == 2
    assert json.loads(capfd.readouterr().out)["error"]["code"] == "source_missing"


@pytest.mark.parametrize("swath", ["3e3", "1e9"])
def test_a_swath_wider_than_the_area_is_no_riddle(plan, swath):
    code, answer = plan(FIELD, swath=swath)[:2]
    assert code == 0
    assert answer["covered_fraction"] == pytest.approx(1.0, abs=1e-3)
    assert answer["swath_m"] == float(swath)


def test_zones_whose_heights_have_no_datum_count_as_others_do(plan, write):
    field, hole = polygon(ring(0, 0, 60, 60)), polygon(ring(30, -10, 70, 70))
    said = feature(hole, kind="exclusion", ceiling_m=120, datum="AGL")
    bare = feature(hole, kind="exclusion", ceiling_m=120)
    found = [plan(field, "--zones", write(one, "zones.geojson")) for one in (said, bare)]
    assert [code for code, _ in found] == [0, 0]
    assert found[0][1]["path"] == found[1][1]["path"]
    assert found[0][1]["permitted_m2"] < found[0][1]["area_m2"]


def test_a_sliver_is_named_among_the_parts_and_what_is_narrow_is_planned(plan):
    assert plan(WITH_A_SLIVER)[1]["error"]["where"].endswith("polygon 2")
    code, answer = plan(polygon(ring(0, 0, 90, 0.3)))
    assert code == 0
    assert answer["covered_fraction"] > 0.99
