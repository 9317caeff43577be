import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from shapely import Polygon, box

from core.errors import SettingInvalid, SourceUnreadable
from core.ids import ZoneId
from geo.zones import Purpose, ZoneKind
from missions.model import Finding, ItemKind, MissionItem, RallyPoint, Severity
from station.label_room import LabelRoom
from station.map_frame import round_length_m
from station.plan_drawing import check_plot, draw_plan, draw_sheet
from station.plan_sheet import Sheet, Way, length_m, sheet_of_plan
from tests.builders import a_mission, a_place, a_plan, a_square
from tests.missions.flying import a_fence

PLAN = a_plan(
    fences=(
        a_fence(90.0, name="yard"),
        a_fence(
            area=a_square(60, 60, 15), kind=ZoneKind.EXCLUSION, zone_id=ZoneId("e"), name="$ch_o^ol"
        ),
        a_fence(
            area=a_square(-50, 0, 15), zone_id=ZoneId("w"), purposes=frozenset({Purpose.WATCH})
        ),
    ),
    rally=(RallyPoint(a_place(20, 0)),),
)
PLACE = (a_place(40, 40).lat_deg, a_place(40, 40).lon_deg)
FINDINGS = tuple(Finding(severity, "leg_excluded", "x", PLACE, 2) for severity in Severity)


def test_the_same_plan_gives_the_same_picture(tmp_path):
    for name in ("a.svg", "b.svg"):
        draw_plan(tmp_path / name, PLAN, findings=FINDINGS, title="A patrol")
    one = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert one == (tmp_path / "b.svg").read_text(encoding="utf-8")
    assert one.startswith("<?xml")
    assert not re.search(r"20\d\d-\d\d-\d\d", one)  # no date
    assert {path.name for path in tmp_path.iterdir()} == {"a.svg", "b.svg"}


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def has(pixels: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool(np.all(pixels == colour, axis=2).any())


def test_path_zones_and_findings_are_seen(tmp_path):
    draw_plan(tmp_path / "a.png", PLAN)
    draw_plan(tmp_path / "b.png", PLAN, findings=FINDINGS)
    bare, marked = pixels_of(tmp_path / "a.png"), pixels_of(tmp_path / "b.png")
    blue, green, orange = (0x00, 0x72, 0xB2), (0x00, 0x9E, 0x73), (0xE6, 0x9F, 0x00)
    assert has(bare, blue)
    assert has(bare, green)
    assert not has(bare, orange)
    assert has(marked, orange)
    assert bare.shape == (720, 960, 3)


def test_north_is_up_and_both_axes_have_one_scale(tmp_path):
    """A square of 100 m by 100 m, drawn alone, is a square of pixels; its north is on top."""
    square = a_square(0, 0, 50)
    north = Way(tuple((a_place(e, 49).lon_deg, a_place(e, 49).lat_deg) for e in (-40, 40)))
    draw_sheet(tmp_path / "a.png", Sheet(areas=(square,), ways=(north,)))
    pixels = pixels_of(tmp_path / "a.png")
    grey = np.all(np.abs(pixels - (0xE4, 0xE7, 0xEB)) <= 1, axis=2)[:, :740]
    rows, columns = np.nonzero(grey)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=6)
    blue = np.nonzero(np.all(pixels[:, :740] == (0x00, 0x72, 0xB2), axis=2))[0]
    assert blue.mean() < rows.mean() - 0.4 * np.ptp(rows)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_hole_is_empty_whichever_way_it_turns(tmp_path, turn):
    outer, hole = a_square(0, 0, 50), a_square(0, 0, 30)
    corners = list(hole.exterior.coords)[::turn]
    draw_sheet(tmp_path / "a.png", Sheet(areas=(Polygon(outer.exterior.coords, [corners]),)))
    middle = pixels_of(tmp_path / "a.png")[330:390, 350:410]
    assert not has(middle, (0xE4, 0xE7, 0xEB))


def test_there_and_back_is_apart_from_the_path():
    sheet = sheet_of_plan(PLAN)
    there, path, back = sheet.ways
    assert (there.dashed, path.dashed, back.dashed) == (True, False, True)
    assert path.numbers == (1, 2)
    assert back.places[-1] == sheet.homes[0]
    assert length_m(path.places) == pytest.approx(40.0, abs=0.1)
    landed = replace(
        PLAN,
        mission=a_mission(
            items=(
                MissionItem(ItemKind.TAKEOFF, a_place()),
                MissionItem(ItemKind.LOITER, a_place(0, 40), loiter_radius_m=20.0),
                MissionItem(ItemKind.LAND, a_place(30, 0, 0), look_at=(50.98, 71.36)),
            )
        ),
    )
    sheet = sheet_of_plan(landed)
    assert sheet.ways[-1].places[-1] == (a_place(30, 0).lon_deg, a_place(30, 0).lat_deg)
    assert [radius for _, radius in sheet.circles] == [20.0]
    assert sheet.looks == ((71.36, 50.98),)


@pytest.mark.parametrize(
    "sheet",
    [
        Sheet(),
        sheet_of_plan(replace(PLAN, mission=a_mission(items=()))),
        sheet_of_plan(replace(PLAN, mission=a_mission(items=(MissionItem(ItemKind.RETURN),)))),
        Sheet(zones=PLAN.fences),
        Sheet(ways=(Way(((71.0, 51.0), (71.0, 51.0))),)),
        Sheet(title="$\\frac{$ Қосшы", findings=FINDINGS, areas=(box(71, 50.9, 71.001, 50.901),)),
    ],
)
def test_little_or_odd_content_is_drawn_as_well(tmp_path, sheet):
    draw_sheet(tmp_path / "a.svg", sheet)
    assert (tmp_path / "a.svg").stat().st_size > 1_000


def test_a_kind_of_file_that_is_not_made_is_named(tmp_path):
    check_plot(None)
    check_plot(tmp_path / "a.PNG")
    with pytest.raises(SettingInvalid, match=r"\.svg or \.png"):
        draw_plan(tmp_path / "a.jpg", PLAN)
    with pytest.raises(SourceUnreadable, match="check the folder"):
        draw_plan(tmp_path / "none" / "a.png", PLAN)


@given(
    st.lists(st.tuples(st.floats(-50, 450), st.floats(-50, 450), st.integers(1, 20)), max_size=60)
)
@settings(max_examples=40)
def test_no_words_cover_other_words_or_marks(wanted):
    room = LabelRoom(400, 400)
    marks = [(50.0, 50.0, 5.0), (200.0, 200.0, 9.0)]
    for mark in marks:
        room.block(*mark)
    taken = [box(x - r, y - r, x + r, y + r) for x, y, r in marks]
    for x, y, letters in wanted:
        spot = room.place(x, y, "x" * letters, 7.0, centred=letters % 2 == 0)
        if spot is None:
            continue
        half_w, half_h = letters * 7.0 * 100 / 72 * 0.64 / 2, 7.0 * 100 / 72 * 1.25 / 2
        room_of = box(spot[0] - half_w, spot[1] - half_h, spot[0] + half_w, spot[1] + half_h)
        assert all(not room_of.intersects(other) for other in taken)
        assert box(0, 0, 400, 400).contains(room_of)
        taken.append(room_of)


def test_a_word_may_stand_on_a_line_where_a_number_may_not():
    room = LabelRoom(400, 400)
    for x in range(0, 400, 2):
        for y in range(0, 400, 8):
            room.block(x, y, 1.0, line=True)
    assert room.place(200, 200, "12", 7.0) is None
    assert room.place(200, 200, "12", 7.0, over_lines=True) is not None


@given(st.floats(0.01, 1e7))
def test_the_scale_bar_is_round_and_fits(metres):
    found = round_length_m(metres)
    assert metres / 2.51 <= found <= metres * 1.001
    digits = f"{found:.0e}"[0]
    assert digits in "125"
