"""What is no wider than a swath is seen from one straight line, and nothing else is tried."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Polygon, affinity, box

from geo.sweep_chords import straight_path
from geo.sweep_drafts import Wish
from geo.sweep_part import part_path
from geo.sweep_path import cover
from geo.sweep_strips import seen_share
from geo.sweep_time import Pace, Wind


def a_wish(swath_m, angle_deg=None):
    return Wish(swath_m, Pace(), angle_deg, None, 0.996, 0.01)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(40, 3000), st.floats(3, 29), st.floats(0, 180), st.floats(-0.3, 0.3), st.booleans()
)
def test_a_strip_narrower_than_the_swath_is_flown_straight(long_m, wide_m, angle, skew, tapered):
    end = wide_m * (0.6 if tapered else 1.0)
    strip = Polygon([(0, 0), (long_m, 0), (long_m + skew * end, end), (skew * wide_m, wide_m)])
    area = affinity.rotate(strip, angle, origin=(0, 0))
    sweep = cover(area, 30.0)
    (path,) = sweep.parts
    assert len(path) == 2
    assert sweep.turns == 0
    assert sweep.outside_m == 0
    assert sweep.covered_fraction >= 0.996
    assert sweep.length_m <= math.hypot(long_m + wide_m, wide_m)


@pytest.mark.parametrize("swath_m", [15, 20, 30, 45, 60, 100])
def test_five_kilometres_of_roadside_stay_one_line_whatever_the_swath(swath_m):
    # lanes across it, polished back to nearly a line, once won here: 179 turns, a tenth longer
    sweep = cover(Polygon([(0, 0), (5000, 0), (5000, 12), (0, 14)]), swath_m)
    assert sweep.turns == 0
    assert sweep.length_m < 5000
    assert sweep.covered_fraction > 0.998


@pytest.mark.parametrize(
    "shape",
    [
        box(0, 0, 300, 31),
        LineString([(0, 0), (200, 0), (200, 200)]).buffer(10, cap_style="flat", join_style="mitre"),
        box(0, 0, 200, 100).difference(box(10, 10, 190, 90)),
    ],
)
def test_what_is_wider_than_the_swath_or_bent_is_not(shape):
    assert straight_path(shape, shape, a_wish(30.0)) is None
    sweep = cover(shape, 30.0)
    assert sweep.covered_fraction >= 0.995
    assert sweep.outside_m == 0


def test_a_slit_that_no_line_passes_is_left_to_the_lanes():
    # all of it within a swath, but a wall stands across the middle but for a gap at its side
    walled = box(0, 0, 300, 20).difference(box(148, -1, 152, 17))
    walled = walled.difference(box(168, 3, 172, 21))
    assert straight_path(walled, walled, a_wish(30.0)) is None
    assert cover(walled, 30.0).covered_fraction >= 0.995


def test_a_direction_that_was_asked_for_is_kept():
    strip = box(0, 0, 200, 20)
    along = straight_path(strip, strip, a_wish(30.0, 0.0))
    assert along is not None
    assert along[0][1] == pytest.approx(along[1][1])
    assert straight_path(strip, strip, a_wish(30.0, 90.0)) is None


def test_a_line_is_flown_the_quicker_way_in_wind_and_cut_at_both_ends():
    strip = box(0, 0, 2000, 20)
    calm = straight_path(strip, strip, a_wish(30.0))
    windy = straight_path(strip, strip, Wish(30.0, Pace(wind=Wind(5, 90)), None, None, 0.996, 0.01))
    assert calm is not None
    assert windy is not None
    for line in (calm, windy):
        assert seen_share(line, 30.0, strip) == pytest.approx(0.998, abs=2e-4)


def test_few_places_to_polish_still_make_a_path_that_sees_enough():
    field = box(0, 0, 100, 100)
    path = part_path(field, field, a_wish(30.0), 1)
    assert field.buffer(0.1).covers(LineString(path))
    assert seen_share(path, 30.0, field) >= 0.996
    assert LineString(path).length <= 1.35 * field.area / 30.0
