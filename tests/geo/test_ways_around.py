"""Ways around closed areas, against an exhaustive graph of all corners that shares no code."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon, box, union_all
from shapely.affinity import rotate

from geo.ways_around import WaysAround
from tests.shortest_ways import exhaustive_way, length_m

MARGIN_M = 5.0


def ways(areas, permitted=None):
    array = np.empty(len(areas), dtype=object)
    array[:] = areas
    return WaysAround(array, np.ones(len(areas), dtype=bool), permitted)


@st.composite
def blocks(draw):
    east, north = draw(st.floats(-250, 250)), draw(st.floats(-250, 250))
    wide, high = draw(st.floats(10, 150)), draw(st.floats(10, 150))
    turned = rotate(box(0, 0, wide, high), draw(st.floats(0, 90)))
    return Polygon([(x + east, y + north) for x, y in turned.exterior.coords])


PLACES = st.tuples(st.floats(-300, 300), st.floats(-300, 300))
NOTCHED = Polygon(
    [(-350, -350), (350, -350), (350, 350), (60, 350), (60, -100), (-60, -100), (-60, 350),
     (-350, 350)]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(blocks(), max_size=6), st.sampled_from([None, NOTCHED]), PLACES, PLACES)
def test_a_way_is_the_shortest_and_keeps_its_distance(areas, permitted, a, b):
    ends = (Point(a), Point(b))
    if any(area.distance(end) < MARGIN_M + 0.1 for area in areas for end in ends):
        return
    if permitted is not None and any(
        not permitted.buffer(-MARGIN_M - 0.1).covers(end) for end in ends
    ):
        return
    finder = ways(areas, permitted)
    found = finder.way(a, b, MARGIN_M)
    wanted = exhaustive_way(areas, permitted, a, b, MARGIN_M)
    if found is None or wanted is None:
        # a gap that is just as wide as twice the margin may count either way
        wider = finder.way(a, b, MARGIN_M - 0.1)
        assert (found is None and wanted is None) or wider is not None
        return
    assert found.places[0] == a
    assert found.places[-1] == b
    assert found.length_m == pytest.approx(length_m(wanted), abs=0.1)
    line = LineString(found.places) if a != b else Point(a)
    assert all(area.distance(line) > MARGIN_M - 0.05 for area in areas)
    if permitted is not None:
        assert permitted.boundary.distance(line) > MARGIN_M - 0.05


def test_a_search_ends_where_the_way_must_be_longer_than_allowed():
    wall = box(-10, -100, 10, 100)
    finder = ways([wall])
    whole = finder.way((-50, 0), (50, 0), MARGIN_M)
    assert whole.length_m > 200
    cut = finder.way((-50, 0), (50, 0), MARGIN_M, longest_m=150.0)
    assert cut.places == ()
    assert 150.0 < cut.length_m <= whole.length_m


@pytest.mark.parametrize("off_m", [-1e-9, 0.0, 1e-9])
def test_a_start_just_at_the_margin_is_no_trap(off_m):
    finder = ways([box(-20, -100, 200, 100)])
    found = finder.way((200 + MARGIN_M + off_m, 0.0), (-300.0, 0.0), MARGIN_M)
    side = 100 + MARGIN_M
    wanted = side + 220 + 2 * MARGIN_M + math.dist((-20 - MARGIN_M, side), (-300, 0))
    assert found.length_m == pytest.approx(wanted, abs=0.1)


def test_there_is_no_way_out_of_a_closed_area_or_into_one():
    finder = ways([box(-10, -10, 10, 10)])
    assert finder.way((0, 0), (50, 0), MARGIN_M) is None
    assert finder.way((50, 0), (0, 0), MARGIN_M) is None


def test_a_start_close_to_a_border_keeps_what_distance_it_has():
    finder = ways([box(-10, -10, 10, 10)])
    found = finder.way((-12, 0), (50, 0), MARGIN_M)
    assert found is not None
    assert box(-10, -10, 10, 10).distance(LineString(found.places)) > 1.9


@given(st.lists(blocks(), min_size=1, max_size=4), PLACES)
def test_the_nearest_free_place_is_free_and_none_is_nearer(areas, place):
    finder = ways(areas)
    found = finder.nearest_free(place, MARGIN_M, 400.0)
    grown = union_all([a.buffer(MARGIN_M, join_style="mitre", mitre_limit=1.5) for a in areas])
    assert found is not None
    away = math.dist(found, place)
    assert min(area.distance(Point(found)) for area in areas) > MARGIN_M - 0.05
    if away > 0.1:
        assert grown.buffer(0.05).covers(Point(place).buffer(away - 0.1))


def test_no_place_is_free_where_all_within_reach_is_closed():
    assert ways([box(-100, -100, 100, 100)]).nearest_free((0, 0), MARGIN_M, 50.0) is None
