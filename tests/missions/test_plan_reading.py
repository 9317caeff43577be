"""Every version of `.plan` in the wild, and what of it is kept; golden files are our own."""

import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, Polygon

from core.errors import PlanUnreadable
from core.ids import AssetId
from geo.local_frame import LocalFrame, distance_m
from geo.positions import Altitude, Datum
from geo.zones import ZoneKind
from missions.formats.losses import LOSS_CODES, findings, moved
from missions.formats.plan_file import LoadedPlan, load_plan, read_plan, save_plan
from missions.formats.plan_parts import PartKind
from missions.model import ItemKind, Severity

GOLDEN = Path(__file__).parents[1] / "golden" / "plans"
DRONE = AssetId("drone-1")
LAT, LON = 50.9754, 71.3549
HERE = LocalFrame(LAT, LON)
K = ItemKind


def loaded(name: str) -> LoadedPlan:
    return load_plan((GOLDEN / name).read_text(encoding="utf-8"), DRONE, where=name)


def kinds(plan: LoadedPlan) -> list[ItemKind]:
    return [item.kind for item in plan.plan.mission.items]


def test_a_survey_with_lanes_keeps_them_and_says_what_it_means() -> None:
    plan = loaded("survey_v5.plan")
    assert kinds(plan) == [K.TAKEOFF, K.WAYPOINT, K.WAYPOINT, K.WAYPOINT, K.WAYPOINT, K.RETURN]
    items = plan.plan.mission.items
    assert [item.trigger_m for item in items] == [None, None, 25.0, None, None, 0.0]
    (part,) = plan.parts
    assert (part.kind, part.version, part.first_item, part.items) == (PartKind.SURVEY, 5, 1, 4)
    assert (part.spacing_m, part.trigger_m, part.angle_deg) == (40.0, 25.0, 90.0)
    assert (part.turnaround_m, part.rebuilt) == (10.0, False)
    assert part.altitude == Altitude(60.0, Datum.HOME)
    assert len(part.shape) == 4
    camera = part.camera
    assert camera is not None
    assert (camera.name, camera.focal_length_mm, camera.image_width_px) == (
        "Sony ILCE-QX1", 16.0, 5456,
    )  # fmt: skip
    assert (camera.side_overlap_fraction, camera.front_overlap_fraction) == (0.6, 0.7)
    assert camera.resolution_m_per_px == pytest.approx(0.015)
    assert plan.losses == ()


@pytest.mark.parametrize("name", ["survey_v4_terrain.plan", "survey_v6.plan"])
def test_other_versions_of_a_survey_are_read_alike(name: str) -> None:
    plan, newest = loaded(name), loaded("survey_v5.plan")
    assert plan.plan.mission.items == newest.plan.mission.items
    assert plan.parts[0].terrain_following == ("terrain" in name)


@pytest.mark.parametrize("name", ["survey_v3.plan", "survey_v2.plan", "mission_v1.mission"])
def test_a_survey_without_lanes_gets_new_ones_that_cover_it(name: str) -> None:
    plan = loaded(name)
    assert not moved(plan.losses)
    of_old = ["speed_assumed"] if name.endswith(".mission") else []  # it has no word for a speed
    assert [loss.code for loss in plan.losses] == ["lanes_rebuilt", *of_old]
    (part,) = plan.parts
    assert part.rebuilt
    assert (part.spacing_m, part.trigger_m, part.angle_deg) == (40.0, 25.0, 90.0)
    stretch = plan.plan.mission.items[part.first_item : part.first_item + part.items]
    places = [item.position for item in stretch]
    assert all(p is not None and p.altitude == Altitude(60.0, Datum.HOME) for p in places)
    local = [HERE.to_en1_m(p.lat_deg, p.lon_deg) for p in places if p is not None]
    lanes = [LineString(pair) for pair in zip(local[::2], local[1::2], strict=True)]
    area = Polygon([HERE.to_en1_m(*corner) for corner in part.shape])
    seen = MultiLineString(lanes).buffer(40.0 / 2 + 0.01, cap_style="flat")
    assert area.difference(seen).area < 0.001 * area.area
    for lane in lanes:  # angle 90 is eastward, clockwise from north
        (_, south), (_, north) = lane.coords
        assert abs(north - south) < 0.5
    turnaround = 0.0 if name.endswith(".mission") else 10.0
    assert max(x for x, _ in local) == pytest.approx(area.bounds[2] + turnaround, abs=0.5)
    assert plan.plan.home.altitude == Altitude(350.0, Datum.GEOID)


def test_version_1_joins_patterns_by_their_ids() -> None:
    plan = loaded("mission_v1.mission")
    assert kinds(plan)[0] is K.TAKEOFF
    assert kinds(plan)[-2:] == [K.WAYPOINT, K.LAND]
    assert plan.parts[0].first_item == 1


def test_a_mission_file_of_version_2_with_coordinates_is_read() -> None:
    plan = loaded("mission_v2_coordinate.mission")
    assert kinds(plan) == [K.TAKEOFF, K.WAYPOINT, K.RETURN]
    assert [loss.code for loss in plan.losses] == ["speed_assumed"]


def test_a_corridor_means_a_line_and_a_width() -> None:
    with_lanes, bare = loaded("corridor_v2.plan"), loaded("corridor_without_items.plan")
    for plan in (with_lanes, bare):
        (part,) = plan.parts
        assert (part.kind, part.width_m, part.spacing_m) == (PartKind.CORRIDOR, 60.0, 20.0)
        assert len(part.shape) == 3
        assert part.camera is None
    assert with_lanes.losses == ()
    (part,) = bare.parts
    assert (part.rebuilt, part.items) == (True, 9)  # three lanes of three corners
    line = LineString([HERE.to_en1_m(*corner) for corner in part.shape])
    flown = [i.position for i in bare.plan.mission.items[1:10]]
    away = [
        line.distance(LineString([HERE.to_en1_m(p.lat_deg, p.lon_deg)] * 2))
        for p in flown if p is not None
    ]  # fmt: skip
    assert [round(a) for a in away] == [
        22,
        20,
        22,
        10,
        0,
        10,
        22,
        22,
        22,
    ]  # turns 10 m beyond the ends, a bend


def test_a_structure_scan_goes_around_the_structure_layer_by_layer() -> None:
    plan = loaded("structure_v3.plan")
    (part,) = plan.parts
    assert (part.kind, part.spacing_m, part.trigger_m) == (PartKind.STRUCTURE, 10.0, 5.0)
    stretch = plan.plan.mission.items[part.first_item : part.first_item + part.items]
    heights = [i.position.altitude.metres for i in stretch if i.position is not None]
    assert heights == [50.0, *[15.0] * 5, *[25.0] * 5, *[35.0] * 5, 50.0]
    structure = Polygon([HERE.to_en1_m(*corner) for corner in part.shape])
    ring = [HERE.to_en1_m(i.position.lat_deg, i.position.lon_deg) for i in stretch if i.position]
    way = LineString(ring)
    assert way.distance(structure) == pytest.approx(20.0, abs=0.1)
    assert stretch[1].camera_pitch_deg == -15.0
    assert not moved(plan.losses)


def test_a_landing_pattern_is_an_approach_and_a_landing() -> None:
    plan = loaded("landing_pattern.plan")
    assert kinds(plan) == [K.TAKEOFF, K.WAYPOINT, K.LOITER, K.LAND]
    approach = plan.plan.mission.items[2]
    assert approach.loiter_radius_m == 75.0
    assert approach.position is not None
    assert approach.position.altitude == Altitude(40.0, Datum.HOME)
    assert plan.parts[0].kind is PartKind.LANDING


def test_take_off_and_landing_on_wings_are_read_and_named() -> None:
    plan = loaded("vtol.plan")
    assert kinds(plan) == [K.TAKEOFF, K.WAYPOINT, K.LAND]
    assert {loss.command for loss in plan.losses} == {84, 85, 3000}
    assert not moved(plan.losses)


def test_every_kind_of_step_is_read_or_named() -> None:
    plan = loaded("every_kind_of_step.plan")
    items = plan.plan.mission.items
    assert kinds(plan) == [K.TAKEOFF, K.WAYPOINT, K.LOITER, K.LOITER, *[K.WAYPOINT] * 4, K.LAND]
    takeoff, first, turns, timed, terrain, amsl, again, amsl_again, land = items
    assert takeoff.position is not None
    assert (takeoff.position.lat_deg, takeoff.position.lon_deg) == (LAT, LON)  # it names none
    assert (first.speed_m_s, first.camera_pitch_deg, first.hold_s) == (8.0, -60.0, 5.0)
    assert turns.look_at == (LAT + 0.0015, LON + 0.0005)
    assert turns.loiter_radius_m == 30.0
    assert turns.hold_s == pytest.approx(2 * 2 * math.pi * 30 / 8)
    assert (timed.hold_s, timed.loiter_radius_m) == (20.0, 25.0)
    assert (timed.camera_pitch_deg, timed.look_at) == (-45.0, None)
    assert terrain.position is not None
    assert terrain.position.altitude == Altitude(45.0, Datum.GROUND)
    assert terrain.hold_s == 7.0  # the delay after it
    assert amsl.position is not None
    assert amsl.position.altitude == Altitude(400.0, Datum.GEOID)
    assert (again, amsl_again) == (terrain, amsl)  # the jump, written out
    assert land.position is not None
    assert (land.position.lat_deg, land.position.lon_deg) == (LAT, LON + 0.0004)
    assert not moved(plan.losses)
    left_out = {loss.command for loss in plan.losses if loss.code == "command_left_out"}
    assert left_out == {530, 2000, 183, 112, 189, 93}
    assert any("DO_SET_SERVO (183)" in loss.message for loss in plan.losses)
    assert any("anticlockwise" in loss.message for loss in plan.losses)
    assert any("breach return" in loss.message for loss in plan.losses)
    assert [loss.code for loss in plan.losses if loss.code == "home_unknown"]
    assert plan.plan.home.altitude == Altitude(0.0, Datum.HOME)
    assert [zone.kind for zone in plan.plan.fences] == [
        ZoneKind.EXCLUSION, ZoneKind.INCLUSION, ZoneKind.EXCLUSION,
    ]  # fmt: skip
    radii = [zone.circle and zone.circle.radius_m for zone in plan.plan.fences]
    assert radii == [None, 800.0, 60.0]
    assert {loss.code for loss in plan.losses} <= LOSS_CODES.keys()


def test_the_old_flat_fence_is_an_inclusion() -> None:
    plan = loaded("fence_v1.plan")
    assert [zone.kind for zone in plan.plan.fences] == [ZoneKind.INCLUSION]
    assert len(plan.plan.rally) == 1


def test_what_moves_the_vehicle_and_is_not_understood_stays_an_error() -> None:
    plan = loaded("not_understood.plan")
    wrong = moved(plan.losses)
    assert {loss.command for loss in wrong} == {82, 30, 17, 25, 207, 179, 31999, None}
    assert any("fancyPattern" in loss.message for loss in wrong)
    found = findings(plan.losses)
    assert sum(f.severity is Severity.ERROR for f in found) == len(wrong)
    assert all(f.code == "not_understood" for f in found if f.severity is Severity.ERROR)
    with pytest.raises(PlanUnreadable, match="fancyPattern"):
        read_plan((GOLDEN / "not_understood.plan").read_text(), DRONE)


def of_one_item(**changes: object) -> LoadedPlan:
    document = json.loads((GOLDEN / "fence_v1.plan").read_text())
    document["mission"]["items"][0].update(changes)
    return load_plan(json.dumps(document), DRONE)


def test_a_height_above_ground_that_was_never_calculated_stays_one() -> None:
    params = [0, 0, 0, None, LAT, LON, None]
    plan = of_one_item(frame=0, params=params, AltitudeMode=3, Altitude=42)
    position = plan.plan.mission.items[0].position
    assert position is not None
    assert position.altitude == Altitude(42.0, Datum.GROUND)
    assert moved(of_one_item(params=params).losses)  # neither here nor there a height


def test_a_waypoint_passed_aside_is_named_and_one_taken_wide_is_understood() -> None:
    place = [LAT + 0.001, LON, 50]
    assert moved(of_one_item(command=16, params=[0, 0, 15, None, *place]).losses)
    wide = of_one_item(command=16, params=[0, 20, 0, None, *place])
    assert wide.losses == ()
    assert wide.plan.mission.items[0].acceptance_radius_m == 20.0


@pytest.mark.parametrize("params", [[1, -1, 0, 0], [99, 2, 0, 0], [None, 1, 0, 0], [1, 1e9, 0, 0]])
def test_a_jump_without_end_or_aim_is_an_error(params: list[float]) -> None:
    document = json.loads((GOLDEN / "fence_v1.plan").read_text())
    jump = {"type": "SimpleItem", "command": 177, "frame": 2, "doJumpId": 7}
    document["mission"]["items"].append({**jump, "params": [*params, 0, 0, 0]})
    plan = load_plan(json.dumps(document), DRONE)
    assert [loss.command for loss in moved(plan.losses)] == [177]


def test_a_jump_is_written_out_as_often_as_it_says() -> None:
    document = json.loads((GOLDEN / "fence_v1.plan").read_text())
    takeoff = document["mission"]["items"][0]
    waypoint = {**takeoff, "command": 16, "doJumpId": 2, "params": [0, 0, 0, None, LAT, LON, 50]}
    jump = {"type": "SimpleItem", "command": 177, "frame": 2, "params": [2, 3, 0, 0, 0, 0, 0]}
    document["mission"]["items"] = [takeoff, waypoint, jump]
    plan = load_plan(json.dumps(document), DRONE)
    assert kinds(plan) == [K.TAKEOFF, *[K.WAYPOINT] * 4]


def test_jumps_into_each_other_end() -> None:
    document = json.loads((GOLDEN / "fence_v1.plan").read_text())
    jump = {"type": "SimpleItem", "command": 177, "frame": 2}
    document["mission"]["items"] += [
        {**jump, "doJumpId": n, "params": [7 + n % 2, 9_000, 0, 0, 0, 0, 0]} for n in range(2, 12)
    ]
    assert moved(load_plan(json.dumps(document), DRONE).losses)


def test_home_is_where_the_mission_begins_if_nothing_says_so() -> None:
    document = json.loads((GOLDEN / "fence_v1.plan").read_text())
    del document["mission"]["plannedHomePosition"]
    plan = load_plan(json.dumps(document), DRONE)
    assert distance_m(plan.plan.home.lat_deg, plan.plan.home.lon_deg, LAT, LON) < 0.01
    assert [loss.code for loss in plan.losses] == ["home_unknown"]
    document["mission"]["items"] = []
    document["geoFence"] = {}
    with pytest.raises(PlanUnreadable, match="where home is"):
        load_plan(json.dumps(document), DRONE)


def waiting(losses: object) -> list[str]:
    assert isinstance(losses, tuple)
    return [loss.message for loss in losses if "autoContinue" in loss.message]


def test_a_wait_for_ever_inside_a_pattern_is_an_error() -> None:
    document = json.loads((GOLDEN / "survey_v5.plan").read_text())
    place = next(
        n for n, i in enumerate(document["mission"]["items"]) if i["type"] == "ComplexItem"
    )
    survey = document["mission"]["items"][place]
    inner = survey["TransectStyleComplexItem"]["Items"]
    for step in inner:
        step["autoContinue"] = True
    assert waiting(load_plan(json.dumps(document), DRONE).losses) == []
    inner[1]["autoContinue"] = False
    plan = load_plan(json.dumps(document), DRONE)
    (said,) = waiting(moved(plan.losses))
    assert said.startswith(f"item {place}, step 1:")
    inner[1]["autoContinue"] = True
    survey["autoContinue"] = False
    assert len(waiting(moved(load_plan(json.dumps(document), DRONE).losses))) == 1


def test_what_was_read_is_written_again_in_the_newest_form() -> None:
    for path in sorted(GOLDEN.iterdir()):
        plan = loaded(path.name).plan
        again = load_plan(save_plan(plan)[0], DRONE)
        assert again.plan.mission.items == plan.mission.items, path.name
        assert not moved(again.losses), path.name


WORDS = st.sampled_from(
    ["Plan", "survey", "StructureScan", "CorridorScan", "SimpleItem", "ComplexItem", "x"]
)
leaves = (
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.integers(0, 300)
    | st.floats() | WORDS
)  # fmt: skip
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=3)
)
GOLDEN_TEXTS = [path.read_text(encoding="utf-8") for path in sorted(GOLDEN.iterdir())]


def spots(document: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    found = [path] if path else []
    inner = document.items() if isinstance(document, dict) else ()
    inner = enumerate(document) if isinstance(document, list) else inner
    for key, value in inner:
        found += spots(value, (*path, key))
    return found


def loaded_or_refused(text: str) -> LoadedPlan | None:
    try:
        return load_plan(text, DRONE, where="a.plan")
    except PlanUnreadable as error:
        refused = error.where
    assert refused.startswith("a.plan")
    return None


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_change_of_a_file_ends_in_a_fault_of_our_own(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(GOLDEN_TEXTS))
    document = json.loads(text)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(spots(document)))
        holder = document
        for key in way:
            holder = holder[key]
        if data.draw(st.booleans()):
            holder[last] = data.draw(values)
        else:
            del holder[last]
        if not document:
            break
    plan = loaded_or_refused(json.dumps(document))
    if plan is None:
        return
    assert {loss.code for loss in plan.losses} <= LOSS_CODES.keys()
    save_plan(plan.plan)


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda b: b.decode("latin-1")))
def test_no_text_ends_in_a_fault_of_our_own(text: str) -> None:
    with pytest.raises(PlanUnreadable):
        load_plan(text, DRONE)


SHARED = Path(os.environ.get("QYRAN_SHARED", "../shared")) / "data" / "plans"


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "items", "parts", "left_out"),
    [
        ("qgroundcontrol_sample.plan", 5, 0, {2000}),
        ("qgroundcontrol_sample_with_survey.plan", None, 1, {530}),
        ("mavsdk_python_example.plan", 5, 0, set()),
    ],
)
def test_files_of_others_are_read(
    name: str, items: int | None, parts: int, left_out: set[int]
) -> None:
    if not SHARED.is_dir():
        pytest.skip("QYRAN_SHARED has no plans")
    plan = load_plan((SHARED / name).read_text(), DRONE)
    assert not moved(plan.losses)
    assert items in (None, len(plan.plan.mission.items))
    assert len(plan.parts) == parts
    assert {loss.command for loss in plan.losses if loss.command} == left_out


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("qgroundcontrol_sample_without_mission.plan", "no mission"),
        ("qgroundcontrol_sample_wrong_overall_version.plan", "version 42"),
    ],
)
def test_files_of_others_that_are_no_plans_are_refused(name: str, names: str) -> None:
    if not SHARED.is_dir():
        pytest.skip("QYRAN_SHARED has no plans")
    with pytest.raises(PlanUnreadable, match=names):
        load_plan((SHARED / name).read_text(), DRONE)


@pytest.mark.parametrize(("place", "wrong"), [(0, True), (-1, False)])
def test_a_step_after_which_the_vehicle_waits_for_ever_is_an_error(place: int, wrong: bool) -> None:
    document = json.loads((GOLDEN / "mission_v2_coordinate.mission").read_text(encoding="utf-8"))
    document["items"][place]["autoContinue"] = False
    losses = moved(load_plan(json.dumps(document), DRONE).losses)
    assert [loss.code for loss in losses] == ["movement_changed"] * wrong
    assert all("waits here for ever" in loss.message for loss in losses)
