"""From the jobs of a shift to a routing problem in whole numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geo.local_frame import Floats
from missions.fleet import FleetAsset, Job
from missions.fleets.travel import Legs, Node
from missions.fleets.trips import Window
from missions.routing import (
    UNREACHABLE,
    Ints,
    RoutingProblem,
    RoutingProfile,
    RoutingStop,
    RoutingVehicle,
)

_FULL = 1_000
"""A battery, in the units of a trip's capacity."""
_NEIGHBOURS = 3


@dataclass(frozen=True, eq=False, slots=True)
class Member:
    """One crewed asset with its ways."""

    crewed: FleetAsset
    legs: Legs
    profile: int
    """Assets with the same number have the same ways."""
    start_s: float
    end_s: float


def routing_problem(
    members: Sequence[Member],
    jobs: Sequence[Job],
    nodes: Sequence[Node],
    windows: Sequence[Window],
    may: np.ndarray,
    *,
    caution: float = 1.0,
    costs: tuple[int, int] = (1, 0),
) -> RoutingProblem:
    """Returns the problem.

    A battery limits each trip, but what it spends depends on the way, which a load can't say. So
    each stop is given the load of its stay and of a usual way to it; `timed_route` then cuts
    trips by what they truly spend.

    Args:
        members: the crewed assets.
        jobs: of the shift.
        nodes: of the jobs.
        windows: by node, beginning with home's, which is not used.
        may: member by node: whether it may serve it.
        caution: times the usual way; more makes shorter trips.
        costs: of a second and of a metre.
    """
    n = len(nodes) + 1
    profiles: list[RoutingProfile] = []
    known: dict[tuple[int, bytes], int] = {}
    vehicles: list[RoutingVehicle] = []
    homes: dict[int, int] = {}
    for member in members:  # each set of ways begins at a home of its own
        homes.setdefault(member.profile, len(homes))
    for number, member in enumerate(members):
        key = (member.profile, may[number].tobytes())
        if key not in known:
            known[key] = len(profiles)
            closed = np.flatnonzero(~may[number]) + 1
            depot = homes[member.profile]
            profiles.append(_profile(member.legs, closed, depot, len(homes)))
        limited = member.legs.shares is not None
        vehicles.append(
            RoutingVehicle(
                known[key],
                homes[member.profile],
                math.ceil(member.start_s),
                math.floor(member.end_s),
                _FULL if limited else None,
                math.ceil(member.crewed.swap_s) if limited else 0,
                *costs,
            )
        )
    loads = _loads(members, n, windows, caution)
    double = {node.job for node in nodes if node.backwards}
    stops = []
    for number, node in enumerate(nodes, start=1):
        job, window = jobs[node.job], windows[number]
        stops.append(
            RoutingStop(
                math.ceil(window.stay_s),
                math.ceil(window.earliest_s),
                math.floor(window.latest_s),
                None if job.worth_s is None else max(1, round(costs[0] * job.worth_s)),
                node.job if node.job in double else None,
                int(loads[number]),
            )
        )
    return RoutingProblem(len(homes), tuple(stops), tuple(vehicles), tuple(profiles))


def _profile(legs: Legs, closed: Ints, depot: int, depots: int) -> RoutingProfile:
    """Returns tables over all depots and stops; following a line belongs to the way from it."""
    whole_s = legs.seconds + legs.within_s[:, None]
    whole_m = legs.metres + legs.within_m[:, None]
    whole_s[closed], whole_s[:, closed] = math.inf, math.inf
    n = len(whole_s)
    where = np.concatenate([[depot], depots + np.arange(n - 1)])
    size = depots + n - 1
    tables = []
    for values in (np.ceil(whole_s - 1e-9), np.rint(whole_m)):
        table = np.full((size, size), UNREACHABLE, dtype=np.int64)
        reached = np.isfinite(whole_s) & np.isfinite(values)
        part = np.where(reached, values, UNREACHABLE).astype(np.int64)
        table[np.ix_(where, where)] = part
        np.fill_diagonal(table, 0)
        tables.append(table)
    return RoutingProfile(*tables)


def _loads(members: Sequence[Member], n: int, windows: Sequence[Window], caution: float) -> Floats:
    """Returns the load of each node in thousandths of a battery, by the drone that needs most."""
    loads = np.zeros(n)
    seen: set[int] = set()
    for member in members:
        legs = member.legs
        if legs.shares is None or legs.within_shares is None or member.profile in seen:
            continue
        seen.add(member.profile)
        ways = legs.shares.copy()
        np.fill_diagonal(ways, math.inf)
        nearest = np.sort(ways, axis=0)[:_NEIGHBOURS]
        usual = np.array(
            [
                column[np.isfinite(column)].mean() if np.isfinite(column).any() else 0.0
                for column in nearest.T
            ]
        )
        stay = np.array([window.stay_s for window in windows]) * legs.hover_share_s
        need = stay + legs.within_shares + caution * usual
        loads = np.maximum(loads, np.where(np.isfinite(need), need, 0.0))
    return np.minimum(np.ceil(loads * _FULL), _FULL)
