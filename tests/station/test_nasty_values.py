"""No verb fails on a value that makes no sense: it lives with it, or refuses it with a cure."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from station import cli
from tests.nasty_values import some_spoilt, spoilt, text_of

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
# what GDAL says of a file on the way to refusing it
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:pyogrio.*")
SPAN = ["--from", "2026-11-01", "--to", "2026-12-01"]
RING = [[71.35, 50.97], [71.354, 50.97], [71.354, 50.972], [71.35, 50.97]]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))


def guide(name: str) -> Any:
    text = (GUIDES / f"{name}.md").read_text(encoding="utf-8")
    return json.loads(re.search(r"```json\n(.*?)```", text, re.DOTALL).group(1))


def feature(properties: dict[str, Any], half: float = 0.02) -> dict[str, Any]:
    x, y = 71.352, 50.971
    ring = [[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]]
    shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    return {"type": "Feature", "properties": properties, "geometry": shape}


def item(number: int, command: int, lat: float, lon: float, up_m: float) -> dict[str, Any]:
    return {
        "type": "SimpleItem", "autoContinue": True, "command": command, "doJumpId": number,
        "frame": 3, "params": [0, 0, 0, None, lat, lon, up_m],
    }  # fmt: skip


PLAN = {
    "fileType": "Plan", "version": 1, "groundStation": "QGroundControl",
    "mission": {
        "version": 2, "cruiseSpeed": 10, "hoverSpeed": 5, "firmwareType": 12,
        "vehicleType": 2, "plannedHomePosition": [50.971, 71.352, 350],
        "items": [item(1, 22, 50.971, 71.352, 40), item(2, 16, 50.972, 71.353, 40),
                  item(3, 19, 50.972, 71.352, 40), item(4, 20, 0, 0, 0)],
    },
    "geoFence": {
        "version": 2,
        "circles": [{"version": 1, "inclusion": True,
                     "circle": {"center": [50.971, 71.352], "radius": 900}}],
        "polygons": [],
    },
    "rallyPoints": {"version": 2, "points": [[50.971, 71.353, 30]]},
    "qyran": {"version": 1, "departs_at": "2026-11-20T09:00:00+00:00", "return_m": 50},
}  # fmt: skip
WINDOWS = [{"dtstart": "2026-09-01T08:00", "tzid": "Asia/Almaty",
            "rrule": "FREQ=WEEKLY;BYDAY=MO,TU", "duration_s": 3600,
            "exdate": ["2026-09-07"]}]  # fmt: skip
ZONES = {
    "type": "FeatureCollection",
    "features": [
        feature({"name": "city", "purpose": "flight", "kind": "inclusion", "ceiling_m": 120,
                 "datum": "AGL", "priority": 3, "version": 2,
                 "changed_at": "2026-01-01T00:00:00Z"}),
        feature({"name": "yard", "kind": "exclusion", "windows": WINDOWS}, 0.0001),
        feature({"name": "school", "kind": "exclusion",
                 "active": [["2026-11-20T08:00+05:00", "2026-11-20T18:00+05:00"]]}, 0.0002),
        {"type": "Feature", "properties": {"kind": "exclusion", "radius_m": 20},
         "geometry": {"type": "Point", "coordinates": [71.36, 50.975]}},
    ],
}  # fmt: skip
ASSET = {
    "id": "drone-1", "name": "Drone 1", "kind": "drone", "cruise_m_s": 7.0, "endurance_s": 1500,
    "home": {"lat": 50.971, "lon": 71.352, "ground_m": 350.0, "datum": "geoid"},
    "camera": {"id": "gimbal", "width_px": 1920, "height_px": 1080, "hfov_deg": 62.0,
               "pitch_deg": -55.0, "height_m": 1},
    "acceptance_radius_m": 2.0, "autopilot": "px4", "climb_m_s": 2.5, "sink_m_s": 1.5,
    "link_range_m": 3000.0, "wind_most_m_s": 10.0, "coldest_c": -10.0, "turn_radius_m": 3,
    "energy": {"capacity_wh": 90.0, "hover_w": 180.0, "reserve_fraction": 0.2, "swap_s": 100,
               "usable_at_c": [[-20, 0.5], [20, 1.0]], "drag_w_per_m3_s3": 0.3,
               "climb_j_per_m": 45, "greatest_air_speed_m_s": 14},
}  # fmt: skip
PERMISSION = feature(
    {"number": "KZ-1", "issuer": "authority", "valid_from": "2026-11-01T03:00:00Z",
     "valid_until": "2026-12-01T15:00:00Z", "ceiling_m": 120, "floor_m": 0, "datum": "AGL",
     "revoked_at": "2026-12-01T00:00:00Z"}
)  # fmt: skip
WEATHER = {
    "at": "2026-11-20T09:00:00Z", "wind_m_s": 5, "wind_from_deg": 300, "gust_m_s": 6,
    "temperature_c": -5, "dew_point_c": -9, "visibility_m": 9000, "ceiling_m": 900,
    "precipitation_mm_h": 0,
}  # fmt: skip
SCHEDULE = {
    "dtstart": "2026-11-01T08:00", "tzid": "Asia/Almaty", "rrule": "FREQ=WEEKLY;BYDAY=MO,TU",
    "duration_s": 3600, "exdate": ["2026-11-10", "2026-11-16T08:00+05:00"],
    "rdate": ["2026-11-12T10:00"], "holidays": {"country": "KZ", "mode": "shift_to_next_workday"},
    "sun": {"lat": 51, "lon": 71, "event": "sunset", "offset_s": -600, "offset": "-PT3H"},
    "only": {"light": "daylight"}, "missed": {"policy": "run_late", "grace_s": 1800},
    "gates": {"wind_most_m_s": 8, "temperature_least_c": -20, "refuse_icing": True},
}  # fmt: skip
PLAIN = {"dtstart": "2026-11-01T08:00:00", "dtend": "2026-11-01T09:00:00", "tzid": "Europe/Berlin",
         "rrule": {"freq": "DAILY", "interval": 2, "count": 20, "bymonth": [11]}}  # fmt: skip
AREA = {"type": "FeatureCollection", "features": [
    {"type": "Feature", "properties": {"n": 1},
     "geometry": {"type": "Polygon", "coordinates": [RING]}}]}  # fmt: skip
FLEET = {
    "start": "2026-11-23T03:00:00Z", "end": "2026-11-23T05:00:00Z", "iterations": 2, "seed": 3,
    "margin_m": 0, "weather": {"at": "2026-11-23T03:00:00Z", "wind_m_s": 2, "temperature_c": 1},
    "policy": {"drones_per_pilot": 1}, "rally": [[71.36, 50.974]],
    "people": [{"id": "aida", "kinds": ["drone"], "assets": ["d"], "shifts": [
        {"start": "2026-11-23T02:00:00Z", "hours": 8, "rrule": "FREQ=DAILY",
         "time_zone": "Asia/Almaty", "exdates": ["2026-11-24T02:00:00Z"]}]},
        {"id": "berik", "kinds": ["vehicle"]}],
    "assets": [
        {"id": "d", "kind": "drone", "home": [71.355, 50.975], "cruise_m_s": 9, "swap_s": 100,
         "endurance_s": 1200, "height_m": 60, "energy": {"capacity_wh": 90, "hover_w": 180},
         "available_from": "2026-11-23T03:10:00Z", "link_range_m": 4000, "coldest_c": -10,
         "climb_m_s": 2, "sink_m_s": 1, "acceptance_radius_m": 2, "wind_most_m_s": 10,
         "camera": {"width_px": 1920, "height_px": 1080, "hfov_deg": 60, "pitch_deg": -60}},
        {"id": "c", "kind": "vehicle", "home": {"lat": 50.975, "lon": 71.356, "ground_m": 350}},
        {"id": "amb", "kind": "vehicle", "home": [71.356, 50.976], "passive": True}],
    "jobs": [{"id": "j", "place": [71.357, 50.976], "stay_s": 30, "worth_s": 900,
              "earliest": "2026-11-23T03:00:00Z", "latest": "2026-11-23T05:00:00Z"},
             {"id": "k", "swath_m": 60, "geometry": {"type": "Polygon", "coordinates": [RING]}}],
    "targets": [{"id": "t", "place": [71.356, 50.975], "revisit_s": 1800, "weight": 2,
                 "last_seen_at": "2026-11-23T02:00:00Z"}],
    "tracks": [{"asset": "amb", "sees_m": 30, "fixes": [[71.356, 50.976, "2026-11-23T03:00:00Z"],
               {"lon": 71.357, "lat": 50.976, "at": "2026-11-23T03:09:00Z"}]}],
    "zones": ZONES, "permissions": [PERMISSION],
}  # fmt: skip
DISPATCH = {**guide("dispatch"), "zones": ZONES, "permissions": [PERMISSION], "weather": WEATHER}
READERS: dict[str, tuple[Any, list[Any]]] = {
    "dispatch": (DISPATCH, ["dispatch"]),
    "fleet": (FLEET, ["plan", "fleet"]),
    "area": (AREA, ["plan", "area", ..., "--swath-m", "120"]),
    "plan": (PLAN, ["check"]),
    "mended plan": (PLAN, ["check", ..., "--fix"]),
    "check zones": (ZONES, ["check", PLAN, "--zones"]),
    "area zones": (ZONES, ["plan", "area", AREA, "--swath-m", "120", "--zones"]),
    "asset": (ASSET, ["check", PLAN, "--asset"]),
    "permission": (PERMISSION, ["check", PLAN, "--permission"]),
    "weather": (WEATHER, ["check", PLAN, "--asset", ASSET, "--weather"]),
    "schedule": (SCHEDULE, ["schedule", "occurrences", ..., *SPAN]),
    "plain schedule": (PLAIN, ["schedule", "occurrences", ..., *SPAN]),
}
"""Of each reader a document that it takes whole, and the words of a verb; the document stands at
the dots, or last. Other documents are written to files."""


@pytest.fixture
def qyran(tmp_path, capfd):
    """Runs a verb with --json, and says what is amiss in how it answers, else nothing."""

    def call(document: Any, words: list[Any], *, taken: bool = False) -> str:
        if ... not in words:
            words = [*words, ...]
        written = []
        for number, word in enumerate(words):
            if word is ... or isinstance(word, dict):
                path = tmp_path / f"given-{number}.geojson"
                path.write_text(text_of(document if word is ... else word), encoding="utf-8")
                word = path
            written.append(str(word))
        code = cli.main([*written, "--json"])
        out, err = capfd.readouterr()
        answer = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} in JSON"))
        if code in (0, 1) and "error" not in answer:
            return ""
        error = answer["error"]
        if taken or code not in (1, 2) or not error["code"] or not error["cure"]:
            return f"exit {code}: {error}\n{err[-1500:]}" if code == 70 else f"exit {code}: {error}"
        return ""

    return call


@pytest.mark.parametrize("name", READERS)
def test_what_is_fine_is_taken(qyran, name):
    document, words = READERS[name]
    assert qyran(document, words, taken=True) == ""


@pytest.mark.parametrize("name", READERS)
def test_a_nasty_value_is_refused_or_lived_with(qyran, name):
    document, words = READERS[name]
    for where, bad in some_spoilt(document, 6):
        assert qyran(bad, words) == "", where


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_every_nasty_value_is_refused_or_lived_with(qyran, name):
    document, words = READERS[name]
    amiss = {where: told for where, bad in spoilt(document) if (told := qyran(bad, words))}
    assert amiss == {}


def swapped(document: Any) -> Any:
    """The document with the numbers of each pair of coordinates in the other order."""
    if isinstance(document, list):
        if len(document) >= 2 and all(isinstance(one, float) for one in document[:2]):
            return [document[1], document[0], *document[2:]]
        return [swapped(one) for one in document]
    if isinstance(document, dict):
        return {name: swapped(part) for name, part in document.items()}
    return document


@pytest.mark.parametrize(
    ("verb", "part"),
    [
        (["dispatch"], "permissions"), (["dispatch"], "zones"), (["plan", "fleet"], "zones"),
        (["plan", "fleet"], "permissions"), (["plan", "fleet"], "assets.0.home"),
        (["plan", "fleet"], "jobs.0.place"), (["plan", "fleet"], "targets.0.place"),
        (["plan", "fleet"], "rally.0"), (["plan", "fleet"], "tracks.0.fixes.0"),
    ],
)  # fmt: skip
def test_swapped_coordinates_are_recognised(tmp_path, capfd, verb, part):
    document = json.loads(json.dumps(DISPATCH if verb == ["dispatch"] else FLEET))
    *way, last = (int(step) if step.isdigit() else step for step in part.split("."))
    inner = document
    for step in way:
        inner = inner[step]
    inner[last] = swapped(inner[last])
    path = tmp_path / "given.json"
    path.write_text(json.dumps(document))
    assert cli.main([*verb, str(path), "--json"]) == 2
    error = json.loads(capfd.readouterr().out)["error"]
    assert "swapped" in error["message"]
    assert error["where"] != str(path)


OPTIONS = [
    *(["plan", "area", AREA, "--swath-m", "120", f"--{name}={value}"]
      for name in ("swath-m", "margin-m", "speed-m-s", "turn-s", "wind-from-deg")
      for value in ("1e300", "nan", "5e-324")),
    *(["check", PLAN, f"--{name}={value}"]
      for name in ("margin-m", "return-m", "endurance-s") for value in ("1e300", "inf", "x")),
    *(["check", PLAN, f"--at={at}"] for at in ("9999-12-31T23:59:59-12:00", "0001-01-01")),
    *(["schedule", "occurrences", PLAIN, f"--from={first}", f"--to={last}"]
      for first in ("0001-01-01T00:00:00+14:00", "9999-12-31")
      for last in ("9999-12-31T23:59:59-12:00", "0001-01-01")),
]  # fmt: skip


@pytest.mark.parametrize("words", OPTIONS, ids=lambda words: f"{words[0]} {words[-1]}")
def test_a_nasty_option_is_refused_or_lived_with(qyran, words):
    document = next(word for word in words if isinstance(word, dict))
    assert qyran(document, [... if word is document else word for word in words]) == ""
