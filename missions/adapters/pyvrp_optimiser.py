"""Routing by PyVRP: vehicles of their own profile, windows, prizes, several trips a vehicle."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyvrp
from pyvrp import stop as criteria

from missions.routing import (
    UNREACHABLE,
    Effort,
    Ints,
    RoutingProblem,
    RoutingRoute,
    RoutingSolution,
    RoutingVehicle,
)


class PyvrpOptimiser:
    """Solves routing problems with PyVRP's iterated local search."""

    def solve(self, problem: RoutingProblem, effort: Effort) -> RoutingSolution:
        """Returns the best routes found.

        First whatever must be visited is demanded; where no such routes are found, it is asked
        for once more at a prize beyond every cost, so that as much as can be is visited.
        """
        if not problem.stops or not problem.vehicles:
            return RoutingSolution((), not any(s.prize is None for s in problem.stops), 0.0, 0)
        types = _types(problem.vehicles)
        data = _data(problem, types, demand=True)
        result = _solved(data, effort)
        feasible = result.best.is_feasible()
        if not feasible:
            data = _data(problem, types, demand=False)
            result = _solved(data, effort)
        best = result.best
        if not best.is_feasible():
            return RoutingSolution((), False, 0.0, result.num_iterations)
        left = [list(members) for members in types]
        routes = sorted(
            (
                RoutingRoute(left[route.vehicle_type()].pop(0), _trips(route))
                for route in best.routes()
            ),
            key=lambda one: one.vehicle,
        )
        cost = best.distance_cost() + best.duration_cost()
        return RoutingSolution(tuple(routes), feasible, float(cost), result.num_iterations)


def _types(vehicles: Sequence[RoutingVehicle]) -> list[list[int]]:
    """Returns the vehicles that are alike, in groups: PyVRP searches far better so."""
    groups: dict[RoutingVehicle, list[int]] = {}
    for number, vehicle in enumerate(vehicles):
        groups.setdefault(vehicle, []).append(number)
    return list(groups.values())


def _data(
    problem: RoutingProblem, types: Sequence[Sequence[int]], *, demand: bool
) -> pyvrp.ProblemData:
    n = problem.depots + len(problem.stops)
    latest = max(vehicle.latest_s for vehicle in problem.vehicles)
    loaded = any(vehicle.capacity is not None for vehicle in problem.vehicles)
    free = sum(stop.weight for stop in problem.stops) + 1  # a capacity that never binds
    depots = [pyvrp.Depot(number) for number in range(problem.depots)]
    vehicles = []
    for members in types:
        one = problem.vehicles[members[0]]
        reload: list[int] = []
        if one.capacity is not None:
            # the pause between trips belongs to the place where batteries are swapped
            depots.append(pyvrp.Depot(one.depot, service_duration=one.swap_s))
            reload = [len(depots) - 1]
        vehicles.append(
            pyvrp.VehicleType(
                num_available=len(members),
                capacity=[free if one.capacity is None else one.capacity] if loaded else [],
                start_depot=one.depot,
                end_depot=one.depot,
                tw_early=one.earliest_s,
                tw_late=one.latest_s,
                unit_distance_cost=one.metre_cost,
                unit_duration_cost=one.second_cost,
                profile=one.profile,
                reload_depots=reload,
            )
        )
    numbers = sorted({stop.group for stop in problem.stops if stop.group is not None})
    place = {group: k for k, group in enumerate(numbers)}
    members_of: list[list[int]] = [[] for _ in numbers]
    clients = []
    # dearer than any route can be: nothing that must be done is left for its cost
    dearest = 1 + max(v.second_cost * latest for v in problem.vehicles)
    dearest += max(
        v.metre_cost * int(problem.profiles[v.profile].metres.max()) for v in problem.vehicles
    ) * (len(problem.stops) + 1)
    for number, stop in enumerate(problem.stops):
        group = None if stop.group is None else place[stop.group]
        if group is not None:
            members_of[group].append(number)
        must = stop.prize is None and demand
        clients.append(
            pyvrp.Client(
                problem.depots + number,
                delivery=[stop.weight] if loaded else [],
                service_duration=stop.duration_s,
                tw_early=stop.earliest_s,
                tw_late=min(stop.latest_s, latest),
                prize=dearest if stop.prize is None and not demand else stop.prize or 0,
                required=must and group is None,
                group=group,
            )
        )
    groups = [
        pyvrp.ClientGroup(members, required=demand and problem.stops[members[0]].prize is None)
        for members in members_of
    ]
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in range(n)],
        clients=clients,
        depots=depots,
        vehicle_types=vehicles,
        distance_matrices=[_table(profile.metres, 0) for profile in problem.profiles],
        duration_matrices=[_table(profile.seconds, 2 * latest + 1) for profile in problem.profiles],
        groups=groups,
    )


def _table(table: Ints, least: int) -> Any:  # PyVRP's stubs know no shape of arrays
    """Returns a table in which what can't be reached is too far for any shift."""
    far = max(least, 2 * int(table.max()) + 1)
    known = np.where(table == UNREACHABLE, far, table)
    np.fill_diagonal(known, 0)
    return known


def _solved(data: pyvrp.ProblemData, effort: Effort) -> pyvrp.Result:
    stop: pyvrp.stop.StoppingCriterion
    if effort.seconds is not None:
        stop = criteria.MaxRuntime(effort.seconds)
    else:
        stop = criteria.MaxIterations(effort.iterations)
    return pyvrp.solve(data, stop, seed=effort.seed, collect_stats=False, display=False)


def _trips(route: pyvrp.Route) -> tuple[tuple[int, ...], ...]:
    trips: list[list[int]] = [[] for _ in range(route.num_trips())]
    for step in route.schedule():
        if step.is_client():
            trips[step.trip].append(step.idx)
    return tuple(tuple(trip) for trip in trips if trip)
