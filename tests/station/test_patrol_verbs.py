import json
from pathlib import Path
from typing import Any

import pytest

from core.ids import AssetId
from missions.formats.plan_file import read_plan
from station.cli import main
from tests.builders import AT

ASSET = {
    "id": "drone-1", "kind": "drone", "cruise_m_s": 7.0, "energy": {"capacity_wh": 60.0},
    "home": {"lat": AT.lat_deg, "lon": AT.lon_deg, "ground_m": 350.0, "datum": "geoid"},
    "camera": {"id": "c", "width_px": 1280, "height_px": 720, "hfov_deg": 62.0, "pitch_deg": -90},
}  # fmt: skip


def pair(east: float, north: float) -> list[float]:
    lat, lon = AT.to_geo1_deg(east, north)
    return [lon, lat]


def square(east: float, north: float, half: float) -> dict[str, Any]:
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    ring = [pair(east + a * half, north + b * half) for a, b in signs]
    return {"type": "Polygon", "coordinates": [ring]}


class Desk:
    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capfd = folder, capfd

    def file(self, name: str, value: Any) -> str:
        path = self.folder / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return str(path)

    def run(self, *words: str) -> tuple[int, Any]:
        code = main([*words, "--json", "--home", str(self.folder / "home")])
        return code, json.loads(self.capfd.readouterr().out)


@pytest.fixture
def desk(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capfd)


def zones(*blocks: tuple[float, float, float]) -> dict[str, Any]:
    limits = [("inclusion", square(0, 0, 400)), *(("exclusion", square(*b)) for b in blocks)]
    features = [
        {"type": "Feature", "properties": {"kind": kind, "purpose": "flight"}, "geometry": shape}
        for kind, shape in limits
    ]
    return {"type": "FeatureCollection", "features": features}


PATROLS: dict[str, dict[str, Any]] = {
    "area": {"area": square(100, 100, 60), "resolution_m_per_px": 0.05},
    "corridor": {
        "route": {"type": "LineString", "coordinates": [pair(-200, 50), pair(200, 90)]},
        "width_m": 30,
    },
    "perimeter": {"area": {"type": "Feature", "properties": {}, "geometry": square(80, 80, 90)}},
    "orbit": {"places": {"type": "Point", "coordinates": pair(100, 50)}},
    "places": {"places": [pair(100, 50), pair(-120, 90), pair(60, -150)]},
}


@pytest.mark.parametrize("pattern", PATROLS)
def test_every_pattern_from_a_file(desk: Desk, pattern: str) -> None:
    wish = {"pattern": pattern, "altitude_m": 50, **PATROLS[pattern]}
    out = desk.folder / "out.plan"
    code, found = desk.run(
        "plan", "patrol", desk.file("p.json", wish), "--asset", desk.file("a.json", ASSET),
        "--zones", desk.file("z.geojson", zones()), "--out", str(out),
    )  # fmt: skip
    assert code == 0, found
    assert found["safe"] is True
    (sortie,) = found["sorties"]
    assert sortie["fits"] is True
    assert sortie["energy_wh"] > 0
    assert sortie["length_m"] > 200
    assert sortie["path"]["type"] == "LineString"
    read_plan(out.read_text(), AssetId("drone-1"))
    if pattern == "area":
        assert found["seen_fraction"] > 0.99
        assert found["resolution_m_per_px"] <= 0.05


@pytest.mark.slow
def test_split_writes_a_plan_for_each_sortie(desk: Desk) -> None:
    wish = {"altitude_m": 40, "area": square(0, 200, 150)}
    code, found = desk.run(
        "plan", "patrol", desk.file("p.json", wish), "--asset", desk.file("a.json", [ASSET]),
        "--zones", desk.file("z.geojson", zones()), "--split", "--wind-m-s", "3",
        "--wind-from-deg", "200", "--temperature-c", "-5", "--out", str(desk.folder / "s.plan"),
    )  # fmt: skip
    assert code == 0, found
    assert len(found["sorties"]) > 1
    assert all(one["fits"] for one in found["sorties"])
    assert all(Path(one["file"]).is_file() for one in found["sorties"])


@pytest.mark.parametrize(
    ("wish", "exit_code", "error"),
    [
        ({"altitude_m": 50}, 2, "source_unreadable"),
        ({"altitude_m": -1, "area": square(0, 50, 20)}, 2, "source_unreadable"),
        ({"altitude_m": 50, "pattern": "spiral"}, 2, "source_unreadable"),
        (
            {"altitude_m": 50, "area": square(50, 50, 20), "resolution_m_per_px": 0.001},
            2,
            "resolution_impossible",
        ),
        ({"altitude_m": 50, "pattern": "places", "places": [[500, 50]]}, 2, "source_unreadable"),
        ({"altitude_m": 50, "area": square(5_000, 0, 20)}, 1, None),
        ([1, 2], 2, "source_unreadable"),
    ],
)
def test_what_makes_no_sense_is_refused(
    desk: Desk, wish: Any, exit_code: int, error: str | None
) -> None:
    code, found = desk.run(
        "plan", "patrol", desk.file("p.json", wish), "--asset", desk.file("a.json", ASSET),
        "--zones", desk.file("z.geojson", zones()),
    )  # fmt: skip
    assert code == exit_code, found
    if error is None:
        assert found["left_out"]
    else:
        assert found["error"]["code"] == error


def test_a_survey_is_reported_from_csv_and_json_lines(desk: Desk) -> None:
    rows = [(*pair(0, k * 10), 50.0, 0.0, -90.0) for k in range(5)]
    table = "lon,lat,height_m,yaw_deg,pitch_deg\n" + "\n".join(
        ",".join(map(str, row)) for row in rows
    )
    names = ("lon", "lat", "height_m", "yaw_deg", "pitch_deg")
    lines = "\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in rows)
    listed = json.dumps([dict(zip(names, row, strict=True)) for row in rows])
    camera = desk.file("c.json", {"width_px": 1280, "height_px": 720, "hfov_deg": 62})
    area = desk.file("area.geojson", square(0, 20, 40))
    answers = []
    for name, text in (("p.csv", table), ("p.jsonl", lines), ("p.json", listed)):
        code, found = desk.run(
            "survey", "report", desk.file(name, text), "--camera", camera, "--area", area,
            "--resolution-m-per-px", "0.05",
        )  # fmt: skip
        assert code == 0, found
        answers.append(found)
    assert answers[0] == answers[1] == answers[2]
    found = answers[0]
    assert 0.5 < found["seen_fraction"] < 1
    assert found["seen_m2"] + found["unseen_m2"] == pytest.approx(found["area_m2"])
    assert found["fine_fraction"] == pytest.approx(found["seen_fraction"], abs=0.02)
    assert len(found["pictures"]["features"]) == 5
    assert found["overlap"]["with_next_median"] > 0.7


@pytest.mark.parametrize(
    ("poses", "word"),
    [
        ("lat,lon\n50,71\n", "height_m"),
        ('{"lat": 50, "lon": 71, "height_m": 1e999, "yaw_deg": 0, "pitch_deg": 0}', "finite"),
        ('{"lat": 50', "JSON"),
        ("lat,lon,height_m,yaw_deg,pitch_deg\n95,71,50,0,-90\n", "Earth"),
        ("[1, 2]", "picture 1"),
    ],
)
def test_poses_that_make_no_sense_are_refused(desk: Desk, poses: str, word: str) -> None:
    code, found = desk.run(
        "survey", "report", desk.file("p.txt", poses),
        "--camera", desk.file("c.json", {"width_px": 1280, "height_px": 720, "hfov_deg": 62}),
        "--area", desk.file("area.geojson", square(0, 20, 40)),
    )  # fmt: skip
    assert code == 2
    assert word in json.dumps(found)


def test_heights_of_zones_without_a_datum_are_read_as_above_ground_and_told(desk: Desk) -> None:
    given = zones()
    given["features"][0]["properties"] |= {"name": "City", "ceiling_m": 120}
    wish = {"pattern": "places", "altitude_m": 50, **PATROLS["places"]}
    code, found = desk.run(
        "plan", "patrol", desk.file("p.json", wish), "--asset", desk.file("a.json", ASSET),
        "--zones", desk.file("z.geojson", given),
    )  # fmt: skip
    assert code == 0, found
    assert found["notes"] == ["zone City: heights without a datum, read as above the ground (AGL)"]
