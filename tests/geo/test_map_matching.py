"""Map matching: drives over the centre of Helsinki with noise come back to their own streets."""

import math
import random
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.adapters.osm_roads import read_roads
from geo.map_matching import Matched, RoadFix, RoadMatcher, match, ways_by_road_m
from geo.road_building import Street, build_roads
from geo.road_graph import RoadGraph, RoadPlace
from tests.builders import NOW

CENTRE = Path(__file__).parents[1] / "golden" / "roads" / "helsinki-centre.osm.gz"


@cache
def helsinki() -> RoadGraph:
    return read_roads(CENTRE).graph


def a_drive(
    graph: RoadGraph, seed: int, *, sigma_m: float, every_s: float, length_m: float = 1_500.0
) -> list[tuple[RoadFix, int]]:
    """Drives at random without turning round; returns noisy fixes and the edge of each truth."""
    dice = random.Random(seed)
    edge = dice.randrange(len(graph))
    route = [edge]
    driven = float(graph.length_m[edge])
    while driven < length_m:
        onward = [e for e in graph.next_edges(route[-1]).tolist() if e != graph.twin[route[-1]]]
        if not onward:
            break
        route.append(dice.choice(onward))
        driven += float(graph.length_m[route[-1]])
    fixes, at_s, along_m = [], 0.0, 0.0
    for edge in route:
        line, length = graph.line(edge), float(graph.length_m[edge])
        while along_m < length:
            place = line.interpolate(along_m / length, normalized=True)
            east, north = place.x + dice.gauss(0, sigma_m), place.y + dice.gauss(0, sigma_m)
            lat, lon = graph.frame.to_geo1_deg(east, north)
            fixes.append((RoadFix(NOW + timedelta(seconds=at_s), lat, lon, sigma_m), edge))
            at_s += every_s
            along_m += 8.0 * every_s
        along_m -= length
    return fixes


def right(graph: RoadGraph, found: tuple[Matched, ...], truth: list[int]) -> tuple[int, int]:
    """Returns how many fixes lie on their own edge, and how many on its street either way."""
    exact = near = 0
    for one, edge in zip(found, truth, strict=True):
        if one.place is not None:
            exact += one.place.edge == edge
            near += one.place.edge in (edge, int(graph.twin[edge]))
    return exact, near


@pytest.mark.parametrize(
    ("sigma_m", "every_s", "least"), [(3.0, 1.0, 0.93), (6.0, 3.0, 0.88), (12.0, 5.0, 0.7)]
)
def test_most_fixes_come_back_to_the_edge_on_which_they_were_driven(
    sigma_m: float, every_s: float, least: float
) -> None:
    graph, exact, near, nearest, count = helsinki(), 0, 0, 0, 0
    for seed in range(3 if every_s < 2.0 else 8):
        drive = a_drive(graph, seed, sigma_m=sigma_m, every_s=every_s)
        truth = [edge for _, edge in drive]
        one, two = right(graph, match(graph, [fix for fix, _ in drive]), truth)
        exact, near, count = exact + one, near + two, count + len(drive)
        for fix, edge in drive:  # what the nearest road alone would say
            nearest += graph.snap(fix.lat_deg, fix.lon_deg)[0].edge in (edge, graph.twin[edge])
    print(
        f"sigma {sigma_m:g} m, every {every_s:g} s, {count} fixes: right edge "
        f"{exact / count:.1%}, right street {near / count:.1%}, nearest road {nearest / count:.1%}"
    )
    assert exact / count >= least
    assert near >= nearest


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), every_s=st.sampled_from([2.0, 4.0]))
def test_a_drive_without_noise_comes_back_whole(seed: int, every_s: float) -> None:
    graph = helsinki()
    drive = a_drive(graph, seed, sigma_m=0.01, every_s=every_s, length_m=500.0)
    fixes = [RoadFix(fix.at, fix.lat_deg, fix.lon_deg, 2.0) for fix, _ in drive]
    found = match(graph, fixes)
    exact, _ = right(graph, found, [edge for _, edge in drive])
    # where edges meet, a fix may lie on the one before or after: a few of each drive
    assert exact >= 0.75 * len(drive) - 2
    assert all(one.place is not None for one in found)
    assert [one.fix for one in found] == fixes


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(60.16, 60.18), st.floats(24.92, 24.96), st.floats(0.5, 60.0)),
        max_size=12,
    )
)
def test_any_fixes_at_all_are_answered_in_order_each_once(
    places: list[tuple[float, float, float]],
) -> None:
    fixes = [
        RoadFix(NOW + timedelta(seconds=n), lat, lon, sigma)
        for n, (lat, lon, sigma) in enumerate(places)
    ]
    found = match(helsinki(), fixes)
    assert [one.fix for one in found] == fixes
    assert all(one.lead >= 0.0 for one in found)


def a_town(**more: bool) -> RoadGraph:
    """Two long streets 30 m apart, joined at their ends, with names."""
    at = [(60.0, 25.0), (60.0, 25.02), (60.00027, 25.02), (60.00027, 25.0)]
    streets = [
        Street("a", (0, 1), (at[0], at[1]), 10.0, name="South Street"),
        Street("b", (1, 2), (at[1], at[2]), 10.0),
        Street("c", (2, 3), (at[2], at[3]), 10.0, name="North Street"),
        Street("d", (3, 0), (at[3], at[0]), 10.0),
    ]
    return build_roads(streets).graph


def test_one_stray_fix_does_not_throw_the_car_onto_the_next_street() -> None:
    graph = a_town()
    lats = [60.0, 60.0, 60.0, 60.00022, 60.0, 60.0]  # one lies nearer to North Street
    matcher = RoadMatcher(graph)
    for n, lat in enumerate(lats):
        matcher.add(RoadFix(NOW + timedelta(seconds=4 * n), lat, 25.004 + n * 0.0007, 8.0))
    found = matcher.matched()
    names = [graph.street(one.place.edge) for one in found if one.place is not None]
    assert names == ["South Street"] * 6
    assert found[3].lead < found[0].lead or found[3].lead > 0.0


def test_far_from_any_road_there_is_no_place_and_the_next_drive_begins_anew() -> None:
    graph = a_town()
    away = [RoadFix(NOW + timedelta(seconds=n), 60.01, 25.01, 5.0) for n in range(3)]
    back = [
        RoadFix(NOW + timedelta(seconds=10 + 4 * n), 60.0, 25.004 + n * 0.0007, 5.0)
        for n in range(3)
    ]
    found = match(graph, [*away, *back])
    assert [one.place is None for one in found] == [True] * 3 + [False] * 3


def test_the_way_by_road_is_priced_where_it_turns_round_and_ends_at_the_limit() -> None:
    graph = a_town()
    edge = next(e for e in range(len(graph)) if graph.street(e) == "South Street")
    twin = int(graph.twin[edge])
    length = float(graph.length_m[edge])
    start = RoadPlace(edge, 0.5, 0.0)
    ahead, behind, against = RoadPlace(edge, 0.6, 0.0), RoadPlace(edge, 0.495, 0.0), twin
    ways = ways_by_road_m(graph, start, [ahead, behind, RoadPlace(against, 0.5, 0.0)], 5_000.0)
    assert ways[0] == pytest.approx(0.1 * length)
    assert ways[1] == pytest.approx(0.005 * length)
    assert ways[2] > length
    assert ways_by_road_m(graph, start, [RoadPlace(edge, 0.1, 0.0)], 100.0) == [math.inf]


def test_a_matcher_that_forgets_says_the_same_of_the_newest_fixes() -> None:
    graph = helsinki()
    drive = [fix for fix, _ in a_drive(graph, 3, sigma_m=4.0, every_s=2.0)]
    short = RoadMatcher(graph, remember=25)
    for fix in drive:
        short.add(fix)
        assert len(short.matched()) <= 25
    whole = match(graph, drive)[-10:]
    same = [a.place == b.place for a, b in zip(short.matched()[-10:], whole, strict=True)]
    assert np.mean(same) >= 0.9
    assert short.now() == short.matched()[-1]
