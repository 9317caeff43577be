"""The steps of a sweep by themselves: raster, lanes, ways, order."""

import itertools
import math

import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon, box

from geo.detours import Detours
from geo.sweep_drafts import Wish
from geo.sweep_lanes import LanePrices, best_lanes, directions_deg
from geo.sweep_moves import candidates
from geo.sweep_order import best_order
from geo.sweep_part import done_or_logged, part_path
from geo.sweep_polish import Band
from geo.sweep_prices import PathPrices
from geo.sweep_raster import Grid, edges_of, fill
from geo.sweep_repair import repaired
from geo.sweep_strips import common_area_m2, seen_share, strip_of, strip_of_parts
from geo.sweep_time import Pace
from geo.sweep_ways import Room, Ways

U_SHAPE = box(0, 0, 120, 100).difference(box(40, 20, 80, 100))
RING = box(0, 0, 120, 120).difference(box(40, 40, 80, 80))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_a_cell_belongs_to_an_area_if_its_middle_does(seed: int) -> None:
    draw = np.random.default_rng(seed)
    angle = np.sort(draw.uniform(0, 2 * math.pi, 9))
    radius = draw.uniform(20, 60, 9)
    area = Polygon(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)).buffer(0)
    area = area.difference(box(-5, -7, 6, 8))
    grid = Grid(-61.0, -61.0, 2.3, 1.7, 53, 72)
    x, y = np.meshgrid(grid.xs_m, grid.ys_m)
    assert (fill(edges_of(area), grid) == shapely.contains_xy(area, x, y)).all()


def lane_set(area: Polygon, swath: float, angle: float) -> tuple[float, ...]:
    edges = edges_of(area)
    return best_lanes(edges, edges, angle, LanePrices(swath, swath, 4.0 / swath)).heights_m


def test_lanes_are_as_few_as_can_be_and_reach_the_border() -> None:
    assert lane_set(box(0, 0, 300, 90), 30, 0) == pytest.approx((15, 45, 75))
    heights = lane_set(box(0, 0, 300, 100), 30, 0)
    assert len(heights) == 4
    assert heights[0] <= 15.0 + 1e-9
    assert heights[-1] >= 85.0 - 1e-9
    assert max(np.diff(heights)) <= 30.0 + 1e-9


def test_lanes_shift_to_where_an_edge_asks_for_it() -> None:
    # arms of 4 and 7 swaths beside each other: a strip is seen by a piece of its own
    area = box(0, 0, 600, 250).union(box(0, 250, 250, 600))
    edges = edges_of(area)
    found = best_lanes(edges, edges, 0.0, LanePrices(30.0, 30.0, 4.0 / 30.0))
    lines = [LineString([(-1, y), (601, y)]).intersection(area) for y in found.heights_m]
    lines += [LineString([(a, y), (b, y)]).intersection(area) for y, a, b in found.extras]
    strips = shapely.union_all([line.buffer(15.001, cap_style="flat") for line in lines])
    assert strips.intersection(area).area >= 0.995 * area.area


@pytest.mark.parametrize("angle", [0.0, 37.0, 90.0])
@pytest.mark.parametrize("area", [U_SHAPE, RING, box(0, 0, 173, 101)])
def test_lanes_leave_little_unseen_and_overlap_little(area: Polygon, angle: float) -> None:
    swath = 14.0
    edges = edges_of(area)
    found = best_lanes(edges, edges, angle, LanePrices(swath, swath, 16.0 / swath))
    turned = shapely.affinity.rotate(area, -angle, origin=(0, 0))
    spans = [(y, -400.0, 400.0) for y in found.heights_m] + list(found.extras)
    lanes = [LineString([(a, y), (b, y)]).intersection(turned) for y, a, b in spans]
    seen = shapely.union_all([lane.buffer(swath / 2 + 1e-3) for lane in lanes])
    assert seen.intersection(turned).area >= 0.985 * area.area
    assert sum(lane.length for lane in lanes) <= 1.2 * area.area / swath


def test_directions_are_those_of_the_edges_and_some_more() -> None:
    angles = directions_deg(box(0, 0, 300, 90))
    assert {0.0, 90.0} <= set(angles)
    assert all(0 <= angle < 180 for angle in angles)
    assert len(angles) == len(set(angles))


@pytest.mark.parametrize("area", [U_SHAPE, RING])
def test_ways_are_as_short_as_the_exact_ones(area: Polygon) -> None:
    places = np.array([(10.0, 90.0), (110.0, 90.0), (60.0, 10.0), (5.0, 5.0), (118.0, 50.0)])
    ways = Ways(Room(area, 1e-3), places, [])
    exact = Detours(area)
    for a, b in itertools.permutations(range(len(places)), 2):
        wanted = exact.way(tuple(places[a]), tuple(places[b]))
        found = ways.way(a, b)
        assert wanted is not None
        assert area.buffer(2e-3).covers(LineString(found))
        assert LineString(found).length == pytest.approx(LineString(wanted).length, abs=0.05)


def cost(order: tuple[int, ...], table: np.ndarray) -> float:
    return float(sum(table[a ^ 1, b] for a, b in itertools.pairwise(order)))


def cheapest(table: np.ndarray, entry: np.ndarray | None) -> float:
    """By trying all orders and directions."""
    n = len(table) // 2
    best = math.inf
    for perm in itertools.permutations(range(n)):
        for flips in itertools.product((0, 1), repeat=n):
            order = tuple(2 * p + f for p, f in zip(perm, flips, strict=True))
            first = 0.0 if entry is None else float(entry[order[0]])
            best = min(best, first + cost(order, table))
    return best


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=15, deadline=None)
def test_the_order_is_the_cheapest_of_all(seed: int, from_somewhere: bool) -> None:
    draw = np.random.default_rng(seed)
    ends = draw.uniform(0, 100, (8, 2))  # four pieces
    table = np.linalg.norm(ends[:, None] - ends[None, :], axis=2)
    entry = np.linalg.norm(ends - 50.0, axis=1) if from_somewhere else None
    order = tuple(int(k) for k in best_order(table, entry))
    assert sorted(k // 2 for k in order) == list(range(4))
    found = cost(order, table) + (float(entry[order[0]]) if entry is not None else 0.0)
    assert found == pytest.approx(cheapest(table, entry), rel=1e-9)


def test_many_parallel_lanes_are_flown_to_and_fro() -> None:
    ends = np.array([[x, 30.0 * k] for k in range(25) for x in (0.0, 500.0)])
    table = np.linalg.norm(ends[:, None] - ends[None, :], axis=2)
    order = tuple(int(k) for k in best_order(table))
    assert cost(order, table) == pytest.approx(24 * 30.0)


def grid_of_pieces(seed: int, number: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    west, y = draw.uniform(0, 1000, number), draw.integers(0, 30, number) * 30.0
    east = west + draw.uniform(10, 200, number)
    ends = np.stack([np.stack([west, y], 1), np.stack([east, y], 1)], 1).reshape(-1, 2)
    distance: np.ndarray = np.linalg.norm(ends[:, None] - ends[None], axis=2)
    return distance


def way_m(order: np.ndarray, distance: np.ndarray) -> float:
    return float(sum(distance[a ^ 1, b] for a, b in itertools.pairwise(order)))


@given(st.integers(0, 2**32 - 1), st.integers(7, 24))
@settings(max_examples=8, deadline=None)
def test_no_single_reversal_or_move_shortens_an_order(seed: int, number: int) -> None:
    distance = grid_of_pieces(seed, number)
    order = best_order(distance, shakes=0)
    assert sorted(int(k) // 2 for k in order) == list(range(number))
    length = way_m(order, distance)
    for i in range(number):
        for j in range(i + 1, number + 1):
            turned = np.concatenate([order[:i], order[i:j][::-1] ^ 1, order[j:]])
            assert way_m(turned, distance) > length - 1e-5
    for i in range(number):
        for j in range(i + 1, min(number, i + 3) + 1):
            block, rest = order[i:j], np.concatenate([order[:i], order[j:]])
            for place in range(len(rest) + 1):
                for piece in (block, block[::-1] ^ 1):
                    moved = np.concatenate([rest[:place], piece, rest[place:]])
                    assert way_m(moved, distance) > length - 1e-5


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=4, deadline=None)
def test_an_order_that_is_shaken_on_gets_no_longer(seed: int) -> None:
    distance = grid_of_pieces(seed, 70)
    begun = best_order(distance, shakes=0)
    shaken = best_order(distance, shakes=30, begun=begun)
    assert sorted(int(k) // 2 for k in shaken) == list(range(70))
    assert way_m(shaken, distance) <= way_m(begun, distance) + 1e-9


def test_rough_lanes_tell_good_directions_from_bad_ones() -> None:
    area = shapely.affinity.rotate(box(0, 0, 600, 95), 30.0, origin=(0, 0))
    edges, prices = edges_of(area), LanePrices(30.0, 30.0, 4.0 / 30.0)
    costs = {
        angle: best_lanes(edges, edges, angle, prices, rough=True).cost_m
        for angle in (0.0, 30.0, 75.0, 120.0)
    }
    assert min(costs, key=lambda angle: costs[angle]) == 30.0


@pytest.mark.parametrize("goal", [0.9, 0.99, 0.999])
def test_a_repair_sees_what_is_asked_for_and_stays_inside(goal: float) -> None:
    # what is unseen lies in a bay behind a corner, in two specks and past the path's end
    need = box(0, 0, 300, 30).union(box(250, 30, 300, 200)).union(box(100, 30, 104, 60))
    room = Room(need.buffer(-0.02, join_style="mitre"), 0.01)
    path = [(0.5, 15.0), (240.0, 15.0)]
    before = common_area_m2(need, strip_of(path, 30.0))
    better = repaired(path, room, need, 30.0, goal)
    assert before < 0.5 * need.area
    assert common_area_m2(need, strip_of(better, 30.0)) >= goal * need.area
    assert need.covers(LineString(better))


def test_a_repair_leaves_alone_what_sees_enough() -> None:
    need = box(0, 0, 300, 30)
    path = [(0.5, 15.0), (299.5, 15.0)]
    assert repaired(path, Room(need.buffer(-0.02), 0.01), need, 30.0, 0.99) == path


def test_no_pieces_have_no_order_and_one_is_entered_at_its_nearer_end() -> None:
    assert list(best_order(np.zeros((0, 0)))) == []
    assert list(best_order(np.array([[0.0, 9.0], [9.0, 0.0]]), np.array([5.0, 2.0]))) == [1]


def test_a_strip_is_what_lies_within_half_a_swath_even_of_a_tangle() -> None:
    draw = np.random.default_rng(4)
    path = [(float(x), float(y)) for x, y in draw.uniform(0, 60, (120, 2))]
    strip = strip_of(path, 8.0)
    assert strip.is_valid
    line = LineString(path)
    for x, y in draw.uniform(-3, 63, (300, 2)):
        away = line.distance(Point(x, y))
        if away < 3.9:
            ends = min(Point(p).distance(Point(x, y)) for p in (path[0], path[-1]))
            assert strip.covers(Point(x, y)) or ends < 4.0
        elif away > 4.01:
            assert not strip.intersects(Point(x, y))
    assert strip_of_parts([], 8.0).is_empty


# of this path GEOS 3.14's buffer is no valid shape
BROKEN = [
    (231.089035970046, -95.794362996457),
    (129.802162469935, -113.799827761244),
    (-204.225973110783, -173.179011043463),
    (100.466173839752, -149.485128595261),
    (149.091912997979, -140.841076283051),
    (233.69533017135, -125.801379684123),
]


def test_a_strip_that_the_buffer_breaks_is_mended() -> None:
    strip = strip_of(BROKEN, 30.0)
    assert strip.is_valid
    assert strip.area == pytest.approx(
        LineString(BROKEN).buffer(15).area - 15**2 * math.pi, rel=0.01
    )


def test_the_area_in_common_is_measured() -> None:
    assert common_area_m2(box(0, 0, 2, 2), box(1, 1, 3, 3)) == pytest.approx(1.0)


def test_a_place_upon_its_neighbours_has_nowhere_to_go() -> None:
    here = (3.0, 4.0)
    found = candidates([here, here, here], 1, (), 30.0)
    assert found.tolist() == [[3.0, 4.0]]


def test_places_that_fall_together_do_not_stop_a_polish() -> None:
    area = box(0, -15, 100, 15)
    path = [(0.0, 0.0), (40.0, 0.0), (40.0, 0.0), (40.0, 0.0), (100.0, 0.0)]
    band = Band(path, Room(area, 1e-3), area, PathPrices(30.0, 4.0), 2.0)
    before = band.cost_m
    band.improve(8.0 / 30.0, 3)
    assert band.unseen == 0.0
    assert band.cost_m <= before


@pytest.mark.parametrize("fault", [ValueError("shapes"), ZeroDivisionError("none")])
def test_what_nobody_foresaw_in_an_improvement_is_logged_and_no_more(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise fault

    assert not done_or_logged(fails, "polished")
    assert "could not be polished" in caplog.text
    assert str(fault) in caplog.text
    assert done_or_logged(lambda: None, "polished")


def test_a_polish_that_fails_leaves_the_path_before_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(band: Band, worth_per_m2: float, passes: int) -> None:
        band.path[0] = (math.nan, math.nan)  # half of a change
        raise ValueError("nobody foresaw it")

    monkeypatch.setattr(Band, "improve", fails)
    wish = Wish(30.0, Pace(), None, None, 0.996, 0.02)
    path = part_path(U_SHAPE, U_SHAPE, wish)
    assert U_SHAPE.buffer(0.02).covers(LineString(path))
    assert seen_share(path, 30.0, U_SHAPE) >= 0.995
    assert "nobody foresaw it" in caplog.text
