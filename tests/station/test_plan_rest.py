"""`qyran plan rest` through the whole command line."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from shapely.geometry import shape

from core.ids import AssetId
from geo.zones import to_local
from missions.formats.plan_file import read_plan
from tests.builders import AT
from tests.station.test_patrol_verbs import ASSET, Desk, desk, pair, square, zones

__all__ = ["desk"]

WISH = {"altitude_m": 50, "area": square(100, 100, 60), "resolution_m_per_px": 0.05}
START = datetime.fromisoformat("2026-11-20T09:00:00+00:00")


def straight_down(east: float, north: float, number: int = 0) -> dict[str, Any]:
    lon, lat = pair(east, north)
    return {
        "lat": lat, "lon": lon, "height_m": 50.0, "datum": "home", "yaw_deg": 0.0,
        "pitch_deg": -90.0, "at": (START + timedelta(seconds=number)).isoformat(),
    }  # fmt: skip


def pictures_of(west: float, east: float, south: float, north: float) -> list[dict[str, Any]]:
    """Pictures every 10 m whose middles lie in a rectangle; each is some 60 by 34 m."""
    spots = [(e, n) for e in range(int(west), int(east) + 1, 10)
             for n in range(int(south), int(north) + 1, 10)]  # fmt: skip
    return [straight_down(e, n, number) for number, (e, n) in enumerate(spots)]


def rest(desk: Desk, wish: Any, poses: Any, *words: str, asset: Any = ASSET) -> tuple[int, Any]:
    return desk.run(
        "plan", "rest", desk.file("p.json", wish), "--poses", desk.file("poses.json", poses),
        "--asset", desk.file("a.json", asset), "--zones", desk.file("z.geojson", zones()), *words,
    )  # fmt: skip


def test_the_unseen_half_is_planned_and_proven(desk: Desk) -> None:
    out = desk.folder / "rest.plan"
    code, found = rest(desk, WISH, pictures_of(40, 70, 40, 160), "--out", str(out))
    assert code == 0, found
    assert (found["done"], found["safe"]) == (False, True)
    unseen = to_local(shape(found["unseen"]), AT)
    assert found["unseen_m2"] == pytest.approx(unseen.area, rel=1e-3)
    assert found["seen_fraction"] == pytest.approx(1 - unseen.area / 120**2, abs=0.01)
    west, south, east, north = unseen.bounds
    assert west == pytest.approx(100, abs=3)  # the last pictures reach 30 m farther than 70
    assert (south, east, north) == pytest.approx((40, 160, 160), abs=1)
    (sortie,) = found["sorties"]
    assert all(one["severity"] != "error" for one in sortie["findings"])
    flown = shape(sortie["path"])
    assert AT.to_en1_m(*reversed(flown.coords[0])) == pytest.approx((0, 0), abs=0.1)
    whole = desk.run(
        "plan", "patrol", desk.file("p.json", WISH), "--asset", desk.file("a.json", ASSET),
        "--zones", desk.file("z.geojson", zones()),
    )[1]  # fmt: skip
    assert sortie["length_m"] < whole["sorties"][0]["length_m"]
    read_plan(out.read_text(), AssetId("drone-1"))


def test_where_all_was_seen_nothing_is_left(desk: Desk) -> None:
    code, found = rest(desk, WISH, pictures_of(40, 160, 40, 160))
    assert code == 0
    assert found["done"] is True
    assert found["seen_fraction"] == 1.0
    assert (found["unseen"], found["sorties"], found["unseen_m2"]) == (None, [], 0.0)


def test_pictures_of_the_sky_have_seen_nothing(desk: Desk) -> None:
    up = [{**one, "pitch_deg": 40.0} for one in pictures_of(40, 160, 40, 160)]
    code, found = rest(desk, WISH, up)
    assert code == 0
    assert found["seen_fraction"] == pytest.approx(0.0, abs=1e-3)
    assert found["unseen_m2"] == pytest.approx(120**2, rel=0.01)


def test_places_are_those_not_looked_at_for_long_enough(desk: Desk) -> None:
    spots = [(100, 50), (-120, 90)]
    wish = {"pattern": "places", "altitude_m": 50, "places": [pair(*s) for s in spots], "stay_s": 5}
    long = [straight_down(*spots[0], number) for number in range(7)]
    short = [straight_down(*spots[1], 60 + number) for number in range(3)]
    # the order in the file is not that of time
    code, found = rest(desk, wish, [*short, *long])
    assert code == 0, found
    assert found["unseen_places"] == [pytest.approx(pair(*spots[1]))]
    assert found["seen_fraction"] == 0.5
    timeless = [{k: v for k, v in one.items() if k != "at"} for one in long]
    code, refused = rest(desk, wish, timeless)
    assert code == 2
    assert refused["error"]["code"] == "source_unreadable"
    assert "at" in refused["error"]["cure"]


def test_what_a_zone_closes_of_the_rest_is_left_out(desk: Desk) -> None:
    closed = zones((130, 100, 70))
    code, found = desk.run(
        "plan", "rest", desk.file("p.json", WISH), "--poses",
        desk.file("poses.json", pictures_of(40, 50, 40, 160)), "--asset",
        desk.file("a.json", ASSET), "--zones", desk.file("z.geojson", closed),
    )  # fmt: skip
    assert code == 0
    assert found["left_out"][0]["reason"]


@pytest.mark.parametrize(
    ("asset", "poses", "word"),
    [
        ({**ASSET, "camera": None}, [], "camera"),
        ({**ASSET, "kind": "vehicle"}, [], "drone"),
        ([ASSET, {**ASSET, "id": "drone-2"}], [], "one"),
        (ASSET, [{"lat": 50.9}], "lat, lon"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_cure(
    desk: Desk, asset: Any, poses: Any, word: str
) -> None:
    code, refused = rest(desk, WISH, poses, asset=asset)
    assert code == 2
    assert word in json.dumps(refused["error"]["cure"])
