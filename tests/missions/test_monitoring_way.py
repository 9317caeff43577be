"""Where an aircraft is on the way of its mission, beside a plain reckoning leg by leg."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point

from missions.monitoring.way import Way

RADIUS_M = 2.0
METRES = st.floats(-300, 300).map(lambda value: round(value, 1))
PLACES = st.lists(st.tuples(METRES, METRES), min_size=2, max_size=12)


def plainly(places, place, east, north):
    beside_m, left_m = LineString(places).distance(Point(place)), math.inf
    speed = math.hypot(east, north)
    for (ax, ay), (bx, by) in pairwise(places):
        length = math.hypot(bx - ax, by - ay)
        if length < 0.01 or speed < 0.5:
            continue
        ux, uy = (bx - ax) / length, (by - ay) / length
        along = (place[0] - ax) * ux + (place[1] - ay) * uy
        across = abs((place[0] - ax) * uy - (place[1] - ay) * ux)
        near = across <= RADIUS_M + 3.0 and -3.0 <= along <= length + 3.0
        if near and (east * ux + north * uy) / speed > 0.97:
            left_m = min(left_m, max(0.0, length - along))
    return beside_m, left_m


@given(PLACES, st.data())
def test_it_is_what_a_loop_over_the_legs_gives(places, data):
    k = data.draw(st.integers(0, len(places) - 2))
    share = data.draw(st.floats(0, 1))
    (ax, ay), (bx, by) = places[k], places[k + 1]
    off = data.draw(st.tuples(st.floats(-9, 9), st.floats(-9, 9)))
    place = (ax + share * (bx - ax) + off[0], ay + share * (by - ay) + off[1])
    scale = data.draw(st.floats(0, 0.1))
    east, north = (bx - ax) * scale, (by - ay) * scale
    beside_m, left_m = Way(places, RADIUS_M).look(place, east, north)
    wanted = plainly(places, place, east, north)
    assert beside_m == pytest.approx(wanted[0], abs=1e-6)
    # at the very edge of what counts as near either answer is right
    nudged = [plainly(places, (place[0] + d, place[1] + d), east, north)[1] for d in (-1e-6, 1e-6)]
    assert any(left_m == pytest.approx(one, abs=1e-4) for one in (wanted[1], *nudged))


def test_places_that_are_all_the_same_are_a_way_of_no_length():
    way = Way([(5.0, 5.0), (5.0, 5.0)], RADIUS_M)
    assert way.look((8.0, 9.0), 3.0, 0.0) == (5.0, math.inf)
