import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, MultiPolygon, Point, Polygon, affinity, box

from geo.sweep_path import Sweep, cover
from geo.sweep_time import Pace, Wind, turns_of

COMB = box(0, 0, 240, 180).difference(MultiPolygon([box(50, 50, 90, 200), box(150, 50, 190, 200)]))
HOLED = box(0, 0, 300, 240).difference(affinity.rotate(box(100, 80, 180, 150), 30))


def lines(sweep: Sweep) -> MultiLineString:
    return MultiLineString(sweep.parts)


def seen(sweep: Sweep, swath: float, area: Polygon | MultiPolygon) -> float:
    """Measured as a stranger would: not by the code under test."""
    strip = lines(sweep).buffer(swath / 2, cap_style="flat")
    return float(strip.buffer(0).intersection(area).area / area.area)


@st.composite
def areas(draw: st.DrawFn) -> Polygon:
    """Stars with deep bays, any size, some with holes."""
    count = draw(st.integers(3, 11))
    radii = draw(st.lists(st.floats(60, 240), min_size=count, max_size=count))
    flat = draw(st.floats(0.15, 1.0))
    ring = [
        (r * math.cos(2 * math.pi * k / count), flat * r * math.sin(2 * math.pi * k / count))
        for k, r in enumerate(radii)
    ]
    area = Polygon(ring)
    for _ in range(draw(st.integers(0, 2))):
        x, y, size = draw(st.floats(-60, 60)), draw(st.floats(-60, 60)), draw(st.floats(5, 30))
        left = area.difference(Point(x, y).buffer(size, quad_segs=2))
        area = left if isinstance(left, Polygon) else area
    return affinity.rotate(area, draw(st.floats(0, 180)))


@given(areas(), st.floats(30, 120))
@settings(max_examples=5, deadline=None)
def test_any_area_is_covered_without_a_metre_outside(area: Polygon, swath: float) -> None:
    sweep = cover(area, swath)
    assert area.covers(lines(sweep))
    assert sweep.outside_m == 0.0
    assert seen(sweep, swath, area) >= 0.995
    assert sweep.covered_fraction == pytest.approx(seen(sweep, swath, area), abs=1e-6)
    assert sweep.length_m == pytest.approx(lines(sweep).length)


@pytest.mark.slow
@given(areas(), st.floats(8, 400))
@settings(max_examples=300, deadline=None)
def test_many_areas_are_covered_without_a_metre_outside(area: Polygon, swath: float) -> None:
    sweep = cover(area, swath)
    assert area.covers(lines(sweep))
    assert seen(sweep, swath, area) >= 0.995


def test_the_same_question_has_the_same_answer() -> None:
    assert cover(HOLED, 30) == cover(HOLED, 30)


@pytest.mark.parametrize(
    ("area", "most"), [(COMB, 1.3), (HOLED, 1.12), (box(0, 0, 600, 450), 1.05)]
)
def test_a_path_is_little_longer_than_the_area_over_the_swath(area: Polygon, most: float) -> None:
    sweep = cover(area, 25)
    assert sweep.length_m <= most * area.area / 25
    assert sweep.covered_fraction >= 0.996


def test_more_can_be_asked_for() -> None:
    sweep = cover(HOLED, 25, seen_goal=0.9995)
    assert sweep.covered_fraction >= 0.9995
    assert sweep.length_m > cover(HOLED, 25).length_m


def test_ways_between_lanes_keep_out_of_bays_and_holes() -> None:
    # a bay so deep that the straight way between its sides would leave the area
    u_shape = box(0, 0, 300, 300).difference(box(100, 30, 200, 300))
    assert isinstance(u_shape, Polygon)
    sweep = cover(u_shape, 30)
    assert u_shape.covers(lines(sweep))
    assert sweep.covered_fraction >= 0.996


def test_what_is_permitted_may_be_smaller_than_what_is_seen() -> None:
    area = box(0, 0, 300, 200)
    permitted = area.buffer(-10, join_style="mitre")
    sweep = cover(area, 40, permitted=permitted)
    assert permitted.covers(lines(sweep))
    assert sweep.covered_fraction >= 0.99


def test_parts_have_a_line_each_and_links_apart() -> None:
    apart = MultiPolygon([box(0, 0, 100, 90), box(300, 0, 420, 90)])
    sweep = cover(apart, 30, start=(430.0, 0.0))
    assert len(sweep.parts) == 2
    assert len(sweep.transits) == 1
    assert sweep.transits[0] == (sweep.parts[0][-1], sweep.parts[1][0])
    assert sweep.parts[0][0][0] > 300  # the part next to the start comes first
    assert sweep.covered_fraction >= 0.996
    assert sweep.length_m == pytest.approx(sum(LineString(p).length for p in sweep.parts))


def test_the_path_begins_near_the_start() -> None:
    area = box(0, 0, 300, 300)
    for corner in ((0.0, 0.0), (300.0, 300.0)):
        assert math.dist(cover(area, 50, start=corner).parts[0][0], corner) < 75


@pytest.mark.parametrize(
    "area",
    [
        box(0, 0, 5, 5),
        box(0, 0, 500, 4),
        Polygon([(0, 0), (20, 0), (0, 14)]),
        box(0, 0, 300, 0.05),
        Polygon([(0, 0), (100, 0.5), (200, 0), (100, 1)]),
    ],
)
def test_areas_smaller_than_a_swath_get_a_short_line(area: Polygon) -> None:
    sweep = cover(area, 30)
    assert area.covers(lines(sweep))
    assert sweep.covered_fraction >= 0.99
    west, south, east, north = area.bounds
    assert sweep.length_m <= 1.05 * math.hypot(east - west, north - south)
    assert sweep.turns <= 2


def test_a_wanted_direction_is_kept() -> None:
    sweep = cover(box(0, 0, 400, 300), 30, angle_deg=90)
    longest = max(pairwise(sweep.parts[0]), key=lambda leg: math.dist(*leg))
    assert abs(longest[0][0] - longest[1][0]) < 0.5


def test_a_strong_wind_turns_the_lanes_along_or_across_where_it_costs_least() -> None:
    pace = Pace(8.0, 0.0, Wind(6.0, 270.0))
    sweep = cover(box(0, 0, 400, 400), 30, pace=pace)
    calm = Pace(8.0, 0.0)
    assert sweep.flight_s > calm.flight_s(sweep.parts[0])
    # both ways along the wind cost 8/(8²-6²), across it 1/sqrt(8²-6²): across is quicker
    longest = max(pairwise(sweep.parts[0]), key=lambda leg: math.dist(*leg))
    assert abs(longest[0][0] - longest[1][0]) < abs(longest[0][1] - longest[1][1])
    assert pace.to_and_fro(90) == pytest.approx(8 / math.sqrt(28))
    assert pace.to_and_fro(0) == pytest.approx(8 * 8 / 28)


def test_time_counts_ways_turns_and_wind() -> None:
    path = [(0.0, 0.0), (80.0, 0.0), (80.0, 40.0)]
    assert Pace(8.0, 2.0).flight_s(path) == pytest.approx(15.0 + 2.0)
    assert Pace(8.0, 0.0, Wind(4.0, 270.0)).flight_s(path[:2]) == pytest.approx(80 / 12)
    assert turns_of(path) == 1
    assert turns_of([(0, 0), (1, 0), (2, 0.01), (1, 0)]) == 1


def test_a_border_of_many_corners_does_not_slow_it_down() -> None:
    round_area = Point(0, 0).buffer(150, quad_segs=400).difference(Point(30, 20).buffer(30, 200))
    sweep = cover(round_area, 30)
    assert round_area.covers(lines(sweep))
    assert seen(sweep, 30, round_area) >= 0.995


def test_senseless_wishes_are_refused() -> None:
    for swath in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="swath"):
            cover(box(0, 0, 9, 9), swath)
    with pytest.raises(ValueError, match="valid"):
        cover(Polygon([(0, 0), (9, 9), (9, 0), (0, 9)]), 3)
    with pytest.raises(ValueError, match="share"):
        cover(box(0, 0, 9, 9), 3, seen_goal=1.0)
    with pytest.raises(ValueError, match="wind"):
        Pace(8.0, 1.0, Wind(8.0, 0.0))
    with pytest.raises(ValueError, match="pace"):
        Pace(0.0)


def test_an_empty_area_has_no_path() -> None:
    sweep = cover(Polygon(), 10)
    assert sweep.parts == ()
    assert sweep.length_m == 0.0
    assert np.isfinite(sweep.flight_s)


CROSS = box(-200, -20, 200, 20).union(box(-20, -200, 20, 200))
RING = Point(0, 0).buffer(150).difference(Point(0, 0).buffer(110))


@pytest.mark.parametrize("area", [CROSS, RING, HOLED, COMB], ids=["cross", "ring", "holed", "comb"])
@pytest.mark.parametrize("swath_m", [250.0, 20_000.0])
def test_a_swath_as_wide_as_the_area_sees_it_whole(area: Polygon, swath_m: float) -> None:
    sweep = cover(area, swath_m)
    assert area.covers(lines(sweep))
    assert seen(sweep, swath_m, area) >= 0.995
    assert sweep.length_m < area.length
