"""The optimiser's adapter and the exact times of a route."""

import math
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missions.adapters.pyvrp_optimiser import PyvrpOptimiser
from missions.fleets.travel import Legs
from missions.fleets.trips import MOST_SHARE, Window, timed_route, timed_trip
from missions.routing import (
    UNREACHABLE,
    Effort,
    RoutingProblem,
    RoutingProfile,
    RoutingStop,
    RoutingVehicle,
)

SOLVE = PyvrpOptimiser().solve
EFFORT = Effort(iterations=60)


# the optimiser


def a_problem(seconds, stops, *, depots=1, latest=10_000, vehicles=1, **changes):
    table = np.asarray(seconds, dtype=np.int64)
    van = RoutingVehicle(0, 0, 0, latest, **changes)
    return RoutingProblem(depots, tuple(stops), (van,) * vehicles, (RoutingProfile(table, table),))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_small_problems_are_solved_like_by_trying_all_orders(seed):
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 300, (6, 2))
    table = np.abs(places[:, None] - places[None]).sum(axis=2)
    early = rng.integers(0, 600, 5)
    stops = [RoutingStop(10, int(e), int(e) + 400) for e in early]

    def cost(order):
        now = here = 0
        slack = math.inf
        wait = 0
        for k in order:
            now += int(table[here, k + 1])
            stop = stops[k]
            wait_here = max(0, stop.earliest_s - now)
            now += wait_here
            if now > stop.latest_s:
                return math.inf
            wait += wait_here
            slack = min(slack, wait + stop.latest_s - now)
            now += stop.duration_s
            here = k + 1
        now += int(table[here, 0])
        return now - min(wait, slack)  # it leaves as late as it can

    best = min(cost(order) for order in permutations(range(5)))
    found = SOLVE(a_problem(table, stops), Effort(150))
    assert found.feasible is math.isfinite(best)
    if found.feasible:
        assert found.cost == best
        assert sorted(found.routes[0].trips[0]) == [0, 1, 2, 3, 4]


def test_the_same_seed_gives_the_same_routes():
    rng = np.random.default_rng(4)
    table = rng.integers(10, 500, (21, 21))
    problem = a_problem(table, [RoutingStop(5)] * 20, vehicles=3, latest=4_000)
    one, two = SOLVE(problem, Effort(100, seed=3)), SOLVE(problem, Effort(100, seed=3))
    assert one == two
    assert one.iterations == 100


def test_a_trip_carries_no_more_than_its_capacity():
    table = np.full((5, 5), 10) - np.diag([10] * 5)
    stops = [RoutingStop(5, weight=400)] * 4
    found = SOLVE(a_problem(table, stops, capacity=1000, swap_s=60), EFFORT)
    assert found.feasible
    assert [len(trip) for trip in found.routes[0].trips] == [2, 2]


def test_what_must_be_visited_and_can_not_leaves_the_rest_visited():
    table = np.full((4, 4), 10) - np.diag([10] * 4)
    table[:, 3] = table[3] = UNREACHABLE
    found = SOLVE(a_problem(table, [RoutingStop(5)] * 3), EFFORT)
    assert not found.feasible
    assert sorted(found.routes[0].trips[0]) == [0, 1]


def test_only_one_of_a_group_is_visited():
    table = np.full((4, 4), 10) - np.diag([10] * 4)
    stops = [RoutingStop(5, group=7), RoutingStop(5, group=7), RoutingStop(5)]
    found = SOLVE(a_problem(table, stops), EFFORT)
    assert found.feasible
    visited = found.routes[0].trips[0]
    assert 2 in visited
    assert len(visited) == 2


def test_nothing_to_do_and_nobody_to_do_it():
    assert SOLVE(a_problem([[0]], []), EFFORT).routes == ()
    nobody = RoutingProblem(1, (RoutingStop(5),), (), ())
    assert not SOLVE(nobody, EFFORT).feasible


# exact times


def some_legs(seconds, share_s=0.0):
    table = np.asarray(seconds, dtype=float)
    zero = np.zeros(len(table))
    return Legs(
        table, table * 10, zero, zero, lambda a, b: (), lambda a: (),
        table * share_s if share_s else None, zero if share_s else None, share_s,
    )  # fmt: skip


LEGS = st.integers(2, 6).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(1, 300), min_size=n, max_size=n), min_size=n, max_size=n
    )
)


@settings(max_examples=80, deadline=None)
@given(LEGS, st.data())
def test_times_keep_windows_battery_and_shift(table, data):
    n = len(table)
    share_s = data.draw(st.sampled_from([0.0, 1 / 500, 1 / 1500]))
    legs = some_legs(table, share_s)
    windows = [Window(0, math.inf, 0)]
    for _ in range(n - 1):
        early = data.draw(st.integers(0, 1500))
        windows.append(Window(early, early + data.draw(st.integers(0, 1500)), 30.0))
    order = data.draw(st.permutations(range(1, n)))
    route = timed_route([order], legs, windows, 100.0, 4000.0, 60.0)
    nodes = [node for trip in route.trips for node in trip.nodes]
    assert sorted([*nodes, *route.left]) == list(range(1, n))
    for trip in route.trips:
        assert trip.departs_s >= 100.0
        assert trip.returns_s <= 4000.0
        assert trip.share <= MOST_SHARE
        here, left = 0, trip.departs_s
        for k, node in enumerate(trip.nodes):
            assert trip.arrives_s[k] == pytest.approx(left + table[here][node])
            assert windows[node].earliest_s <= trip.begins_s[k] <= windows[node].latest_s + 1e-6
            assert trip.begins_s[k] >= trip.arrives_s[k] - 1e-6
            assert trip.leaves_s[k] == pytest.approx(trip.begins_s[k] + 30.0)
            here, left = node, trip.leaves_s[k]
        assert trip.returns_s == pytest.approx(left + table[here][0])
        out = trip.returns_s - trip.departs_s
        assert trip.share == pytest.approx(out * share_s)
    for one, two in pairwise(route.trips):
        assert two.departs_s >= one.returns_s + 60.0 - 1e-6


def test_it_departs_as_late_as_it_can_without_coming_home_later():
    legs = some_legs([[0, 100, 100], [100, 0, 50], [100, 50, 0]])
    windows = [Window(0, math.inf, 0), Window(0, 5000, 10), Window(1000, 5000, 10)]
    trip = timed_trip((1, 2), legs, windows, 0.0, 9000.0)
    assert trip is not None
    assert (trip.begins_s[1], trip.returns_s) == (1000.0, 1110.0)
    assert trip.departs_s == 1000 - 50 - 10 - 100


def test_a_trip_that_is_too_long_is_cut_and_goes_on_after_a_swap():
    legs = some_legs([[0, 200, 200], [200, 0, 300], [200, 300, 0]], share_s=1 / 600)
    windows = [Window(0, math.inf, 0), Window(0, 9000, 10), Window(0, 9000, 10)]
    route = timed_route([(1, 2)], legs, windows, 0.0, 9000.0, 120.0)
    assert [trip.nodes for trip in route.trips] == [(1,), (2,)]
    assert route.trips[1].departs_s == route.trips[0].returns_s + 120.0


def test_a_drone_waits_at_home_rather_than_in_the_air():
    table = [[0, 100, 100], [100, 0, 50], [100, 50, 0]]
    windows = [Window(0, math.inf, 0), Window(0, 200, 10), Window(900, 5000, 10)]
    route = timed_route([(1, 2)], some_legs(table, 1e-4), windows, 0.0, 9000.0, 120.0)
    assert [trip.nodes for trip in route.trips] == [(1,), (2,)]
    assert route.trips[1].departs_s == 800.0
    car = timed_route([(1, 2)], some_legs(table), windows, 0.0, 9000.0, 120.0)
    assert [trip.nodes for trip in car.trips] == [(1, 2)]
