"""Ways by road, held against another search on a plain graph of crossings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from geo.local_frame import LocalFrame
from geo.road_building import Ban, Street, build_roads, speed_m_s
from geo.road_graph import DEAD_END_S, OFF_ROAD_M_S, OFF_ROAD_MOST_M, U_TURN_S, travel_matrix

AT = LocalFrame(50.9754, 71.3549)
STEP_M = 200.0


def at(x, y):
    return AT.to_geo1_deg(x * STEP_M, y * STEP_M)


def street(*corners, way="way", speed=10.0, one_way=False):
    """Returns a street through corners given as column and row of a grid of 200 m."""
    return Street(way, corners, tuple(at(*c) for c in corners), speed, one_way)


def grid(width=4, height=4, **changes):
    rows = [
        street(*[(x, y) for x in range(width)], way=("row", y), **changes) for y in range(height)
    ]
    columns = [
        street(*[(x, y) for y in range(height)], way=("column", x), **changes) for x in range(width)
    ]
    return rows + columns


def seconds(graph, a, b):
    ways = graph.to(*at(*b))
    return np.inf if ways is None else ways.seconds_from(*at(*a))


def test_a_way_across_a_grid_takes_its_length_over_its_speed():
    graph = build_roads(grid()).graph
    assert seconds(graph, (0, 0), (3, 3)) == pytest.approx(6 * STEP_M / 10.0, rel=1e-4)


def test_a_one_way_street_is_driven_one_way_only():
    ring = [street((0, 0), (1, 0), (1, 1), (0, 1), (0, 0), one_way=True)]
    graph = build_roads(ring).graph
    assert seconds(graph, (0, 0), (1, 0)) == pytest.approx(20.0, rel=1e-3)
    assert seconds(graph, (1, 0), (0, 0)) == pytest.approx(60.0, rel=1e-3)


def test_a_banned_turn_is_driven_around():
    ban = Ban(("row", 0), (1, 0), ("column", 1))
    free, banned = build_roads(grid()).graph, build_roads(grid(), [ban]).graph
    # from the west the car may not turn north at (1, 0), nor may it turn in the street
    assert seconds(free, (0, 0), (1, 1)) == pytest.approx(40.0, rel=1e-3)
    assert seconds(banned, (0, 0), (1, 1)) == pytest.approx(40.0, rel=1e-3)  # by (0, 1)
    start = (0.5, 0)
    assert seconds(free, start, (1, 1)) == pytest.approx(30.0, rel=1e-3)
    round_the_block = 30.0 + U_TURN_S
    assert 30.0 < seconds(banned, start, (1, 1)) <= round_the_block + 1


def test_only_one_turn_leaves_no_other():
    ban = Ban(("row", 1), (1, 1), ("row", 1), only=True)
    graph = build_roads(grid(), [ban]).graph
    assert seconds(graph, (0.5, 1), (2, 1)) == pytest.approx(30.0, rel=1e-3)
    assert seconds(graph, (0.5, 1), (1, 2)) > 35.0


def test_a_ban_on_turning_round_leaves_straight_on_alone():
    ban = Ban(("row", 1), (1, 1), ("row", 1))
    graph = build_roads(grid(), [ban]).graph
    assert seconds(graph, (0.5, 1), (2, 1)) == pytest.approx(30.0, rel=1e-3)


def test_turning_round_has_its_price():
    graph = build_roads([street((0, 0), (1, 0)), street((1, 0), (2, 0), way="other")]).graph
    ways = graph.to(*at(0.5, 0))
    assert ways is not None
    places = graph.snap(*at(0.25, 0))
    assert len(places) == 2
    # from the east end one comes back without turning; the street ends at both sides
    assert ways.seconds_from(*at(2, 0)) == pytest.approx(30.0, rel=1e-3)
    assert DEAD_END_S < U_TURN_S


def test_streets_that_cross_without_a_corner_in_common_are_not_joined():
    bridge = street((0, 1), (2, 1), way="bridge")
    below = street((1, 0), (1, 2), way="below")
    link = street((0, 1), (0, 0), (1, 0), way="link")
    graph = build_roads([bridge, below, link]).graph
    # the crossing at (1, 1) is one in the drawing only: one drives around by the link
    assert seconds(graph, (1, 0.5), (0.5, 1)) == pytest.approx((0.5 + 1 + 1 + 0.5) * 20, rel=1e-3)


def test_the_middle_of_a_long_street_is_no_crossing():
    bent = [street((0, 0), (1, 0), (2, 1), (3, 1)), street((3, 1), (4, 1), way="on")]
    assert len(build_roads(bent).graph) == 2
    assert len(build_roads([*bent, street((1, 0), (1, 3), way="off")]).graph) == 6


def test_what_can_not_be_reached_is_left_out():
    trap = street((3, 3), (9, 9), way="trap", one_way=True)
    island = street((20, 20), (21, 20), way="island")
    built = build_roads([*grid(), trap, island])
    assert built.left_out == 3
    assert built.graph.bounds_deg[2] < at(4, 0)[1]


def test_no_street_with_a_length_is_refused():
    with pytest.raises(ValueError, match="no street"):
        build_roads([])
    with pytest.raises(ValueError, match="no street"):
        build_roads([street((0, 0), (0, 0))])


def test_a_place_beside_the_road_is_walked_to_and_a_far_one_is_not_reached():
    graph = build_roads(grid()).graph
    ways = graph.to(*at(1, 1))
    assert ways is not None
    lat, lon = AT.to_geo1_deg(100.0, -30.0)
    assert ways.seconds_from(lat, lon) == pytest.approx(30.0 + 30.0 / OFF_ROAD_M_S, rel=1e-2)
    far = AT.to_geo1_deg(0.0, -OFF_ROAD_MOST_M - 20.0)
    assert graph.to(*far) is None
    assert ways.seconds_from(*far) == np.inf
    both, metres = travel_matrix(graph, [at(0, 0), far])
    assert both[0, 1] == both[1, 0] == metres[0, 1] == np.inf
    assert both[1, 1] == 0.0


def test_a_way_has_the_line_and_the_length_that_it_says():
    graph = build_roads(grid()).graph
    ways = graph.to(*at(3, 2.5))
    assert ways is not None
    way = ways.way_from(*at(0.5, 0))
    assert way is not None
    east, north = AT.to_en_m(*np.array(way.line).T)
    drawn_m = np.hypot(np.diff(east), np.diff(north)).sum()
    assert way.distance_m == pytest.approx(drawn_m, abs=0.01)
    assert way.seconds == pytest.approx(way.distance_m / 10.0, rel=1e-4)
    assert way.line[0] == pytest.approx(at(0.5, 0))
    assert way.line[-1] == pytest.approx(at(3, 2.5))


@pytest.mark.parametrize(
    ("kind", "limit", "km_h"),
    [
        ("residential", None, 30.0),
        ("primary", "60", 60.0),
        ("primary", "40 mph", 64.37376),
        ("primary", "RU:urban", 60.0),
        ("primary", "none", 60.0),
        ("primary", "nan", 60.0),
        ("motorway", "5000", 110.0),
    ],
)
def test_speeds_come_from_tags(kind, limit, km_h):
    assert speed_m_s(kind, limit) == pytest.approx(0.8 * km_h / 3.6)


@pytest.mark.parametrize("kind", ["footway", "cycleway", "construction", "busway", "rail", ""])
def test_what_is_no_road_for_a_car_has_no_speed(kind):
    assert speed_m_s(kind, "50") is None


def graph_points(graph):
    return graph.shape_lat_deg, graph.shape_lon_deg


@st.composite
def networks(draw):
    """A grid with a ring road, some of whose streets are missing, one-way or slow."""
    streets = []
    for x in range(6):
        for y in range(6):
            for dx, dy in ((1, 0), (0, 1)):
                if x + dx > 5 or y + dy > 5 or not draw(st.integers(0, 4)):
                    continue
                speed = draw(st.sampled_from([4.0, 8.0, 16.0]))
                way = (x, y, dx)
                ends = [(x, y), (x + dx, y + dy)][:: draw(st.sampled_from([1, -1]))]
                streets.append(street(*ends, way=way, speed=speed, one_way=draw(st.booleans())))
    return streets


@settings(max_examples=20, deadline=None)
@given(networks().filter(bool), st.data())
def test_ways_are_as_quick_as_on_the_plain_graph_of_crossings(streets, data):
    graph = build_roads(streets).graph
    nodes = sorted({c for one in streets for c in one.corners})
    number = {c: n for n, c in enumerate(nodes)}
    plain: dict[tuple[int, int], float] = {}
    for one in streets:
        a, b = (number[c] for c in one.corners)
        length = float(np.hypot(*np.subtract(*[AT.to_en1_m(*p) for p in one.places])))
        plain[a, b] = min(plain.get((a, b), np.inf), length / one.speed_m_s)
        if not one.one_way:
            plain[b, a] = plain[a, b]
    rows, columns = np.array(list(plain)).T
    matrix = csr_matrix((list(plain.values()), (rows, columns)), shape=(len(nodes),) * 2)
    truth = dijkstra(matrix)
    # only corners that the graph kept: its crossings, where each corner is its own place
    ends = {tuple(np.round(p, 9)) for p in zip(*graph_points(graph), strict=True)}
    kept = [c for c in nodes if tuple(np.round(at(*c), 9)) in ends]
    chosen = data.draw(st.lists(st.sampled_from(kept), min_size=2, max_size=5, unique=True))
    ours, metres = travel_matrix(graph, [at(*c) for c in chosen])
    wanted = truth[np.ix_([number[c] for c in chosen], [number[c] for c in chosen])]
    inside = np.isfinite(ours)
    assert ours[inside] == pytest.approx(wanted[inside], rel=1e-4, abs=1e-3)
    assert np.isfinite(metres).tolist() == inside.tolist()
    for row, a in enumerate(chosen):
        for column, b in enumerate(chosen):
            ways = graph.to(*at(*b))
            way = ways and ways.way_from(*at(*a))
            if row == column or way is None:
                continue
            assert way.seconds == pytest.approx(ours[row, column], abs=1e-6)
            assert way.distance_m == pytest.approx(metres[row, column], rel=1e-4, abs=0.05)


@settings(max_examples=12, deadline=None)
@given(networks().filter(bool))
def test_what_is_kept_can_be_reached_from_everywhere(streets):
    built = build_roads(streets)
    graph = built.graph
    joined = csr_matrix((np.ones(len(graph)), (graph.tail, graph.head)))
    square = csr_matrix(joined, shape=(graph.crossings, graph.crossings))
    joined_all = np.isfinite(dijkstra(square, unweighted=True)).all()
    assert joined_all or built.left_out == 0  # nothing but one-way streets that lead nowhere
