"""`qyran check` through the whole command line."""

import json
import os

import pytest

from station import cli

LAT, LON = 50.9, 71.3


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))


@pytest.fixture
def check(capfd, tmp_path):
    """Runs `qyran check --json`; values that are no text are written to files first."""

    def call(*words):
        written = []
        for number, word in enumerate(words):
            if isinstance(word, dict | list):
                path = tmp_path / f"given-{number}.json"
                path.write_text(json.dumps(word))
                word = path
            written.append(str(word))
        code = cli.main(["check", *written, "--json"])
        return code, json.loads(capfd.readouterr().out)

    return call


def item(number, command, lat, lon, height_m, frame=3):
    return {
        "type": "SimpleItem", "autoContinue": True, "command": command, "doJumpId": number,
        "frame": frame, "params": [0, 0, 0, None, lat, lon, height_m],
    }  # fmt: skip


def plan(*places, up_m=50.0, rally=()):
    """Returns a `.plan` that takes off, visits places (degrees from home) and returns."""
    stops = [(LAT + dlat, LON + dlon) for dlat, dlon in places]
    return {
        "fileType": "Plan", "version": 1, "groundStation": "QGroundControl",
        "mission": {
            "version": 2, "cruiseSpeed": 10, "hoverSpeed": 5, "firmwareType": 12,
            "vehicleType": 2, "plannedHomePosition": [LAT, LON, 350],
            "items": [
                item(1, 22, LAT, LON, up_m),
                *(item(n + 2, 16, *stop, up_m) for n, stop in enumerate(stops)),
                item(len(stops) + 2, 20, 0, 0, 0, frame=2),
            ],
        },
        "geoFence": {"version": 2, "circles": [], "polygons": []},
        "rallyPoints": {"version": 2, "points": [[LAT + a, LON + b, 0] for a, b in rally]},
    }  # fmt: skip


def square(dlat, dlon, half=0.0003):
    x, y, h = LON + dlon, LAT + dlat, half
    ring = [[x - h, y - h], [x + h, y - h], [x + h, y + h], [x - h, y + h], [x - h, y - h]]
    return {"type": "Polygon", "coordinates": [ring]}


def zones(*features):
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "geometry": shape, "properties": properties}
            for shape, properties in (CITY, *features)
        ],
    }


CITY = (square(0, 0, 0.02), {"kind": "inclusion", "name": "city"})
SCHOOL = square(0.0, 0.003)
CLOSED = {"kind": "exclusion", "name": "school"}
EAST = plan((0.0, 0.006))


def codes(document, severity="error"):
    return {f["code"] for f in document["findings"] if f["severity"] == severity}


def test_what_is_not_given_is_a_warning(check):
    code, document = check(plan((0.002, 0.002)), "--zones", zones())
    assert (code, document["safe"]) == (0, True)
    assert codes(document, "warning") == {
        "asset_unknown", "permission_unknown", "return_height_unknown", "terrain_unknown",
        "weather_unknown",
    }  # fmt: skip
    assert all(f["place"] is None for f in document["findings"])


def test_a_leg_through_an_exclusion_is_an_error_with_place_cure_and_event(check):
    code, document = check(EAST, "--zones", zones((SCHOOL, CLOSED)))
    assert code == 1
    leg = next(f for f in document["findings"] if f["code"] == "leg_excluded")
    assert leg["place"]["type"] == "Point"
    lon, lat = leg["place"]["coordinates"]
    assert lat == pytest.approx(LAT, abs=1e-6)
    assert lon == pytest.approx(LON + 0.003 - 0.0003, abs=0.00004)  # where it comes in, 2 m before
    assert leg["cure"].startswith("insert a waypoint before step 1")
    assert leg["change"]["kind"] == "insert_item"
    assert leg["autopilot_event"] == "navigator_mis_geofence_path_violation"
    assert "emergency_way_blocked" in codes(document)


@pytest.mark.parametrize(
    ("properties", "safe"),
    [
        ({}, False),
        ({"purpose": "flight"}, False),
        ({"purpose": "watch"}, True),  # a parking ban never alters a flight
        ({"active": False}, True),
        ({"active": True}, False),
        ({"floor_m": 0, "ceiling_m": 40, "datum": "AGL"}, True),
        ({"floor_m": 0, "ceiling_m": 60, "datum": "AGL"}, False),
        ({"floor_m": 60, "datum": "AGL"}, True),
        ({"floor_m": 45, "ceiling_m": 120, "datum": "AGL"}, False),
        # 350 m above the sea at home: 50 m above home are 400
        ({"floor_m": 0, "ceiling_m": 390, "datum": "AMSL"}, True),
        ({"floor_m": 0, "ceiling_m": 410, "datum": "AMSL"}, False),
        ({"floor_m": 410, "ceiling_m": 500, "datum": "AMSL"}, True),
    ],
)
def test_an_exclusion_applies_between_its_floor_and_ceiling(check, properties, safe):
    code, document = check(EAST, "--zones", zones((SCHOOL, {**CLOSED, **properties})))
    assert (code, document["safe"]) == ((0, True) if safe else (1, False)), codes(document)


@pytest.mark.parametrize(("ceiling_m", "code"), [(45, 1), (50, 0), (120, 0)])
def test_an_inclusions_ceiling_is_a_limit(check, ceiling_m, code):
    low = (square(0, 0.003), {"kind": "inclusion", "ceiling_m": ceiling_m, "datum": "AGL"})
    assert check(EAST, "--zones", zones(low))[0] == code


def test_the_return_is_proven_from_everywhere(check):
    # legs keep clear of the school; from beyond it straight home does not
    around = plan((0.001, 0.0), (0.001, 0.006), (0.0, 0.006), (0.001, 0.006), (0.001, 0.0))
    code, document = check(around, "--zones", zones((SCHOOL, CLOSED)))
    assert code == 1
    assert codes(document) == {"emergency_way_blocked"}
    low = {**CLOSED, "ceiling_m": 80, "datum": "AGL"}
    assert check(around, "--zones", zones((SCHOOL, low)))[0] == 1
    code, document = check(around, "--zones", zones((SCHOOL, low)), "--return-m", 80)
    assert code == 0, codes(document)
    rallied = {**around, "rallyPoints": {"version": 2, "points": [[LAT, LON + 0.0062, 0]]}}
    code, document = check(rallied, "--zones", zones((SCHOOL, CLOSED)))
    assert code == 0, document["findings"]


def test_windows_count_by_the_start(check):
    window = {"from": "2026-11-24T08:00+05:00", "to": "2026-11-24T18:00+05:00"}
    closed = zones((SCHOOL, {**CLOSED, "active": [window]}))
    for at, code in [("2026-11-24T12:00+05:00", 1), ("2026-11-24T20:00+05:00", 0)]:
        assert check(EAST, "--zones", closed, "--at", at)[0] == code
    code, document = check(EAST, "--zones", closed)
    assert code == 1
    assert "departure_unknown" in codes(document, "warning")


PERMISSION = {
    "type": "Feature",
    "geometry": square(0, 0, 0.02),
    "properties": {
        "number": "KZ-17", "issuer": "authority", "valid_from": "2026-11-24T00:00Z",
        "valid_until": "2026-11-25T00:00Z", "ceiling_m": 100, "datum": "AGL",
    },
}  # fmt: skip


def permitted(**properties):
    return {**PERMISSION, "properties": {**PERMISSION["properties"], **properties}}


@pytest.mark.parametrize(
    ("permission", "at", "wanted"),
    [
        (PERMISSION, "2026-11-24T12:00Z", set()),
        (PERMISSION, "2026-11-24T23:58Z", {"permission_ends_in_flight"}),
        (PERMISSION, "2026-11-25T12:00Z", {"permission_expired"}),
        (PERMISSION, "2026-11-23T12:00Z", {"permission_not_yet_valid"}),
        (permitted(ceiling_m=40), "2026-11-24T12:00Z",
         {"permission_height", "permission_height_on_return"}),
        (permitted(asset_ids=["drone-9"]), "2026-11-24T12:00Z", {"permission_other_asset"}),
        (permitted(revoked_at="2026-11-24T11:00Z"), "2026-11-24T12:00Z", {"permission_revoked"}),
        ({**PERMISSION, "geometry": square(0, 0, 0.004)}, "2026-11-24T12:00Z",
         {"permission_left", "permission_left_on_return"}),
    ],
)  # fmt: skip
def test_a_permission_must_cover_the_flight(check, permission, at, wanted):
    code, document = check(EAST, "--zones", zones(), "--permission", permission, "--at", at)
    assert codes(document) == wanted
    assert code == (1 if wanted else 0)


def test_a_revoked_permission_is_an_error_whenever_it_starts(check):
    gone = permitted(revoked=True)
    for words in ((), ("--at", "2026-11-24T10:00Z")):
        code, document = check(EAST, "--zones", zones(), "--permission", gone, *words)
        assert (code, codes(document)) == (1, {"permission_revoked"})


def test_permissions_as_they_are_listed_and_swapped_ones(check):
    words = (EAST, "--zones", zones(), "--at", "2026-11-24T10:00Z", "--permission")
    assert check(*words, {"permissions": [PERMISSION]})[0] == 0
    assert codes(check(*words, {"permissions": []})[1]) == {"permission_missing"}
    ring = PERMISSION["geometry"]["coordinates"][0]
    turned = {"type": "Polygon", "coordinates": [[[y, x] for x, y in ring]]}
    code, document = check(*words, {**PERMISSION, "geometry": turned})
    assert code == 2
    assert "swapped" in document["error"]["message"]


def test_the_limits_of_a_given_asset_are_errors_those_of_the_assumed_one_are_not(check):
    far = plan(*[(0.009, 0.0), (0.001, 0.0)] * 20)
    code, document = check(far, "--zones", zones())
    assert code == 0
    assert codes(document, "warning") & {"endurance_exceeded", "return_endurance"}
    asset = {"id": "drone-1", "kind": "drone", "cruise_m_s": 10, "endurance_s": 1500}
    code, document = check(far, "--zones", zones(), "--asset", asset)
    assert code == 1
    assert codes(document) & {"endurance_exceeded", "return_endurance"}
    code, document = check(EAST, "--asset", {"acceptance_radius_m": 5, "colour": "red"})
    assert code == 0
    assert "asset_field_unknown" in codes(document, "warning")


def test_the_weather_of_a_file_is_held_against_the_asset(check):
    calm = {"wind_m_s": 3, "wind_from_deg": 90, "temperature_c": 5}
    asset = {"wind_most_m_s": 8, "coldest_c": -20}
    assert check(EAST, "--asset", asset, "--weather", calm)[0] == 0
    code, document = check(EAST, "--asset", asset, "--weather", {**calm, "wind_m_s": 9})
    assert (code, codes(document)) == (1, {"wind_too_strong"})


def test_another_sortie_of_ours_is_kept_clear_of(check, tmp_path):
    other = tmp_path / "other.plan"
    other.write_text(json.dumps(plan((0.0, 0.005))))
    at = "2026-11-24T12:00Z"
    code, document = check(EAST, "--at", at, "--with", f"{other}@{at}")
    assert (code, codes(document)) == (1, {"conflict_with_own"})
    assert check(EAST, "--at", at, "--with", f"{other}@2026-11-24T14:00Z")[0] == 0
    assert "conflict_possible" in codes(check(EAST, "--with", other)[1], "warning")


def test_terrain_is_flown_over(check, tmp_path):
    def grid(height):
        text = f"ncols 3\nnrows 3\nxllcorner {LON - 0.03}\nyllcorner {LAT - 0.03}\ncellsize 0.02\n"
        path = tmp_path / f"{height}.asc"
        path.write_text(text + "\n".join([f"350 350 {height}"] * 3))
        return path

    code, document = check(EAST, "--terrain", grid(350))
    assert code == 0
    assert "terrain_unknown" not in codes(document, "warning")
    code, document = check(EAST, "--terrain", grid(700))
    assert code == 1
    assert "near_ground" in codes(document)


def test_fix_mends_and_proves_again(check, tmp_path):
    out = tmp_path / "fixed.plan"
    given = zones((SCHOOL, CLOSED))
    code, document = check(EAST, "--zones", given, "--fix", "--out", out)
    assert code == 0, document["findings"]
    changes = document["fixed"]["changes"]
    assert {change["kind"] for change in changes} == {"insert_item", "move_item"}
    assert all(change["words"] for change in changes)
    code, again = check(out, "--zones", given)
    assert (code, again["items"]) == (0, 4)


def test_a_plan_does_not_permit_itself(check, tmp_path):
    wide = {**EAST, "geoFence": {"version": 2, "circles": [], "polygons": [
        {"version": 1, "inclusion": True, "polygon": [
            [LAT + a, LON + b] for a, b in ((-1, -1), (-1, 1), (1, 1), (1, -1))]}]}}  # fmt: skip
    assert check(wide, "--zones", zones())[0] == 0
    small = {"type": "Feature", "geometry": square(0, 0, 0.004), "properties": CITY[1]}
    code, document = check(wide, "--zones", small)
    assert (code, document["fences"]) == (1, 2)
    assert "waypoint_outside" in codes(document)
    out = tmp_path / "mended.plan"
    code, mended = check(wide, "--zones", small, "--fix", "--out", out)
    assert code == 0, codes(mended)
    assert json.loads(out.read_text())["geoFence"]["polygons"][0]["inclusion"]
    assert len(json.loads(out.read_text())["geoFence"]["polygons"]) == 1
    assert check(out, "--zones", small)[0] == 0


def test_what_the_file_says_that_is_not_understood_is_an_error(check):
    strange = plan((0.0, 0.002))
    strange["mission"]["items"].insert(2, item(9, 94, LAT, LON + 0.001, 50))  # place a payload
    code, document = check(strange)
    assert code == 1
    assert "not_understood" in codes(document)


@pytest.mark.parametrize(
    "words",
    [
        ("--asset", "nobody"),
        ("--zones", "nope.geojson"),
        ("--permission", "nope.json"),
        ("--at", "yesterday"),
        ("--terrain", "nope.asc"),
        ("--asset", {"cruise_m_s": -1}),
        ("--weather", {"colour": "grey"}),
    ],
)
def test_what_cant_be_read_is_usage(check, words):
    code, document = check(EAST, *words)
    assert code in (1, 2)
    assert document["error"]["code"]
    assert code == 2 or document["error"]["code"] == "not_found"


def test_what_was_not_understood_is_not_written_as_if_it_were_whole(check, tmp_path):
    curved = plan((0.001, 0.0), (0.001, 0.001))
    curved["mission"]["items"][1]["command"] = 82  # a spline
    out = tmp_path / "mended.plan"
    code, answer = check(curved, "--fix", "--out", out)
    assert code == 1
    assert "not_understood" in codes(answer)
    assert not out.exists()
    assert "mended_not_written" in codes(answer, "warning")
    assert answer["fixed"]["out"] is None
    assert "mended_not_written" not in codes(check(EAST, "--fix", "--out", out)[1], "warning")
    assert out.exists()


NONE = [[], {"type": "FeatureCollection", "features": []}]


@pytest.mark.parametrize("none", NONE)
def test_an_empty_file_says_that_there_is_no_permission(check, none):
    at = "2026-11-24T09:00+05:00"
    code, answer = check(plan((0.001, 0.0)), "--permission", none, "--at", at)
    assert code == 1
    assert codes(answer) == {"permission_missing"}
    (missing,) = [f for f in answer["findings"] if f["code"] == "permission_missing"]
    assert missing["place"] == {"type": "Point", "coordinates": [LON, LAT]}


@pytest.mark.parametrize("none", NONE)
def test_an_empty_file_of_zones_is_no_zone(check, none):
    code, answer = check(plan((0.001, 0.0)), "--zones", none)
    assert code == 0
    bare = check(plan((0.001, 0.0)))[1]
    assert answer["findings"] == bare["findings"]


def test_what_a_mended_plan_needs_is_in_its_file(check, tmp_path):
    out = tmp_path / "mended.plan"
    low = (square(0, 0, 0.0003), {**CLOSED, "floor_m": 0, "ceiling_m": 45, "datum": "AGL"})
    around = plan((0.001, 0.0), (0.001, 0.006), (0.0, 0.006), (0.001, 0.006), (0.001, 0.0))
    low = (SCHOOL, {**CLOSED, "floor_m": 0, "ceiling_m": 80, "datum": "AGL"})
    words = ("--zones", zones(low), "--permission", PERMISSION)
    code, mended = check(
        around, *words, "--at", "2026-11-23T23:59Z", "--return-m", 45, "--fix", "--out", out
    )
    assert code == 0, codes(mended)
    assert {c["kind"] for c in mended["fixed"]["changes"]} >= {"set_departure"}
    code, again = check(out, *words)
    assert code == 0, codes(again)
    used = [f for f in again["findings"] if f["code"] == "departure_from_file"]
    assert len(used) == 1
    assert [f for f in again["findings"] if f not in used] == mended["findings"]
    late = "2026-11-23T23:59Z"
    code, other = check(out, *words, "--at", late)
    assert (code, codes(other)) == (1, {"permission_not_yet_valid"})
    assert "departure_differs" in codes(other, "warning")


@pytest.mark.parametrize(
    ("start", "severity"), [("2001-05-01T09:00:00Z", "warning"), ("2999-05-01T09:00:00Z", "info")]
)
def test_a_start_that_only_the_file_names_is_told(check, start, severity):
    held = {**EAST, "qyran": {"version": 1, "departs_at": start}}
    hours = {"active": [["2027-06-01T00:00:00Z", "2027-06-02T00:00:00Z"]]}
    closed = zones((SCHOOL, {**CLOSED, **hours}))
    code, document = check(held, "--zones", closed)
    assert code == 0
    used = next(f for f in document["findings"] if f["code"] == "departure_from_file")
    assert used["severity"] == severity
    assert start[:10] in used["message"]
    assert used["cure"]
    code, document = check(held, "--zones", closed, "--at", "2027-06-01T12:00Z")
    assert code == 1
    assert {"departure_differs"} <= codes(document, "warning")
    assert "departure_from_file" not in codes(document, severity)


def test_zones_that_are_not_in_force_and_words_that_mean_nothing_are_told(check):
    def told(code, **properties):
        answer = check(EAST, "--zones", zones((SCHOOL, {**CLOSED, **properties})))[1]
        return [(f["severity"], f["message"]) for f in answer["findings"] if f["code"] == code]

    assert told("zone_not_in_force") == []
    for stage in ("draft", "reviewed"):
        ((severity, message),) = told("zone_not_in_force", stage=stage)
        assert severity == "warning"
        assert "school" in message
        assert stage in message
    ((severity, message),) = told("zone_not_in_force", active=False)
    assert severity == "info"
    assert told("zone_not_in_force", active=False, purpose="watch") == []
    assert told("zone_property_ignored", description="a yard", fill="#f00") == []
    ((severity, message),) = told("zone_property_ignored", max_height=40, colour="red")
    assert severity == "warning"
    assert "max_height, colour" in message


@pytest.mark.parametrize(("floor_m", "ceiling_m", "code"), [(0, 120, 1), (0, 20, 0), (90, 120, 0)])
def test_heights_without_a_datum_are_read_as_above_the_ground_and_told(
    check, floor_m, ceiling_m, code
):
    bare = {**CLOSED, "floor_m": floor_m, "ceiling_m": ceiling_m, "name": "School"}
    got, document = check(EAST, "--zones", zones((SCHOOL, bare)))
    assert got == code, codes(document)
    (told,) = (f for f in document["findings"] if f["code"] == "zone_datum_assumed")
    assert told["severity"] == "warning"
    assert "zone School" in told["message"]
    assert "AMSL" in told["cure"]
    said = {**bare, "datum": "AGL"}
    got, document = check(EAST, "--zones", zones((SCHOOL, said)))
    assert got == code
    assert "zone_datum_assumed" not in codes(document, "warning")
    assert check(EAST, "--zones", zones((SCHOOL, {**bare, "datum": "sea"})))[0] == 2
    # a watch zone limits no flight, whatever its heights
    got, document = check(EAST, "--zones", zones((SCHOOL, {**bare, "purpose": "watch"})))
    assert (got, "zone_datum_assumed" in codes(document, "warning")) == (0, False)


def test_an_inclusions_ceiling_without_a_datum_is_a_limit_too(check):
    low = (square(0, 0.003), {"kind": "inclusion", "ceiling_m": 45})
    code, document = check(EAST, "--zones", zones(low))
    assert code == 1
    assert "zone_datum_assumed" in codes(document, "warning")


def test_zones_with_swapped_coordinates_are_refused_and_far_ones_told(check):
    def moved(change):
        ring = [change(x, y) for x, y in SCHOOL["coordinates"][0]]
        shape = {"type": "Polygon", "coordinates": [ring]}
        one = {"type": "Feature", "geometry": shape, "properties": CLOSED}
        return {"type": "FeatureCollection", "features": [one]}

    code, document = check(EAST, "--zones", moved(lambda x, y: [y, x]))
    assert (code, document["error"]["code"]) == (2, "zone_invalid")
    assert "school" in document["error"]["where"]
    assert "give longitude first" in document["error"]["cure"]
    code, document = check(EAST, "--zones", moved(lambda x, y: [x + 5, y]))
    assert code == 0
    assert "zones_far" in codes(document, "warning")
    assert "zones_far" not in codes(check(EAST, "--zones", zones())[1], "warning")


def test_what_is_not_understood_of_another_sortie_is_told(check, tmp_path):
    other = tmp_path / "other.plan"
    known = plan((0.01, 0.01))
    known["mission"]["vehicleType"] = 20
    other.write_text(json.dumps(known))
    code, document = check(plan((0.001, 0)), "--with", other)
    (told,) = [f for f in document["findings"] if f["code"] == "vehicle_other"]
    assert (code, told["severity"], told["about"]) == (0, "warning", "other")
    known["mission"]["items"].insert(2, item(9, 25, LAT, LON, 50.0))
    other.write_text(json.dumps(known))
    code, document = check(plan((0.001, 0)), "--with", other)
    (told,) = [f for f in document["findings"] if f["code"] == "other_not_understood"]
    assert (code, document["safe"], told["severity"]) == (1, False, "error")
    assert told["item"] is None
    assert str(other) in told["message"]
    assert told["cure"]


@pytest.mark.parametrize(
    ("words", "where", "said"),
    [
        (("--margin-m", "nan"), "--margin-m", "no finite number"),
        (("--return-m", "inf"), "--return-m", "no finite number"),
        (("--endurance-s", "nan"), "--endurance-s", "no finite number"),
        (("--margin-m", "-1"), "--margin-m", "-1 m can't be"),
        (("--with", "{}@garbage"), "--with", "garbage"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_by_its_name(check, tmp_path, words, where, said):
    given = tmp_path / "a.plan"
    given.write_text(json.dumps(plan((0.001, 0))))
    code, document = check(given, *(word.format(given) for word in words))
    assert code == 2
    assert document["error"]["where"].startswith(where)
    assert said in document["error"]["message"]
    assert document["error"]["cure"]
