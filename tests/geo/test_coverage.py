import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box, union_all

from geo.coverage import corridor, lanes, sweep_angle_deg
from geo.detours import Detours


@st.composite
def areas(draw: st.DrawFn) -> Polygon:
    """Star-shaped areas with deep bays, some with a hole."""
    count = draw(st.integers(4, 11))
    radii = draw(st.lists(st.floats(50, 200), min_size=count, max_size=count))
    ring = [
        (r * math.cos(2 * math.pi * k / count), r * math.sin(2 * math.pi * k / count))
        for k, r in enumerate(radii)
    ]
    area = Polygon(ring)
    if draw(st.booleans()):
        x, y = draw(st.floats(-15, 15)), draw(st.floats(-15, 15))
        return cut(area, Point(x, y).buffer(draw(st.floats(5, 12)), quad_segs=2))
    return area


def cut(area: Polygon, hole: Polygon) -> Polygon:
    left = area.difference(hole)
    assert isinstance(left, Polygon)
    return left


@given(areas(), st.floats(15, 60), st.none() | st.floats(0, 180))
@settings(max_examples=25, deadline=None)
def test_lanes_stay_inside_and_cover(area: Polygon, spacing: float, angle: float | None) -> None:
    found = lanes(area, spacing, angle_deg=angle)
    lines = [LineString([lane.start, lane.end]) for lane in found]
    grown = area.buffer(1e-6)
    assert all(grown.covers(line) for line in lines)
    swept = union_all([line.buffer(spacing / 2, cap_style="square") for line in lines])
    assert swept.intersection(area).area >= 0.90 * area.area


@given(areas(), st.floats(15, 60))
@settings(max_examples=20, deadline=None)
def test_lanes_that_may_leave_the_area_miss_nothing(area: Polygon, spacing: float) -> None:
    found = lanes(area, spacing, inside=area.envelope.buffer(1_000))
    swept = union_all(
        [
            LineString([lane.start, lane.end]).buffer(spacing / 2 + 1e-6, cap_style="square")
            for lane in found
        ]
    )
    assert swept.intersection(area).area >= 0.9999 * area.area


def test_a_rectangle_is_ploughed_along_its_long_side() -> None:
    area = box(0, 0, 200, 50)
    assert sweep_angle_deg(area, 25) == 0.0
    found = lanes(area, 25, start=(0.0, 0.0))
    assert [(lane.start, lane.end) for lane in found] == [
        ((0.0, 12.5), (200.0, 12.5)),
        ((200.0, 37.5), (0.0, 37.5)),
    ]
    standing = lanes(box(0, 0, 50, 200), 25)
    assert len(standing) == 2


def test_neighbouring_lanes_are_at_most_a_spacing_apart() -> None:
    found = lanes(box(0, 0, 100, 90), 40, angle_deg=0)
    assert sorted(lane.start[1] for lane in found) == [15, 45, 75]


def test_a_bay_and_a_hole_make_cells_of_their_own() -> None:
    u_shape = cut(box(0, 0, 120, 100), box(40, 20, 80, 100))
    assert len({lane.cell for lane in lanes(u_shape, 20, angle_deg=0)}) == 3
    ring = cut(box(0, 0, 120, 120), box(50, 40, 70, 80))
    assert len({lane.cell for lane in lanes(ring, 20, angle_deg=0)}) == 4


def test_an_area_narrower_than_a_lane_gets_one() -> None:
    assert len(lanes(box(0, 0, 100, 3), 40)) == 1


def test_senseless_wishes_are_refused() -> None:
    for spacing in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="spacing"):
            lanes(box(0, 0, 1, 1), spacing)
    with pytest.raises(ValueError, match="corridor"):
        corridor([(0, 0)], 5)
    assert lanes(Polygon(), 10) == ()


def test_a_corridor_is_as_wide_as_asked() -> None:
    strip = corridor([(0, 0), (100, 0)], 10)
    assert strip.bounds == (-5, -5, 105, 5)


@given(areas(), st.data())
@settings(max_examples=20, deadline=None)
def test_a_way_stays_inside_and_is_no_shorter_than_straight(
    area: Polygon, data: st.DataObject
) -> None:
    detours = Detours(area)
    west, south, east, north = area.bounds
    place = st.tuples(st.floats(west, east), st.floats(south, north))
    a, b = (detours.nearest_inside(data.draw(place)) for _ in range(2))
    way = detours.way(a, b)
    assert way is not None
    assert (way[0], way[-1]) == (a, b)
    if a != b:
        assert area.buffer(0.02, join_style="mitre").covers(LineString(way))
    length = sum(math.dist(p, q) for p, q in pairwise(way))
    assert length >= math.dist(a, b) - 1e-9


def test_the_way_around_a_block_is_the_shortest() -> None:
    detours = Detours(cut(box(-100, -100, 100, 100), box(-10, -30, 10, 90)))
    way = detours.way((-50.0, 0.0), (50.0, 0.0))
    assert way == ((-50.0, 0.0), (-10.0, -30.0), (10.0, -30.0), (50.0, 0.0))


def test_there_is_no_way_between_parts_that_do_not_touch() -> None:
    apart = MultiPolygon([box(0, 0, 10, 10), box(20, 0, 30, 10)])
    assert Detours(apart).way((5.0, 5.0), (25.0, 5.0)) is None
