"""The order in which to visit places: nearest first, made better by 2-opt and or-opt moves.

Deterministic. For a look-list of one aircraft; fleets are `fleet_planning`'s business.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

Costs = Sequence[Sequence[float]]
"""From place to place, the same both ways; place 0 is where the tour begins."""

_LEAST_GAIN = 1e-9
_LONGEST_CHAIN = 3
"""Or-opt moves so many neighbours at once."""


def tour(costs: Costs, *, closed: bool = True) -> tuple[int, ...]:
    """Returns the places from 1 on in the order to visit them.

    Args:
        costs: a square table.
        closed: whether the way back from the last place to place 0 counts.
    """
    count = len(costs)
    if count <= 2:
        return tuple(range(1, count))
    order = [0, *_nearest_first(costs)]
    for _ in range(200):  # each round makes it shorter, so it ends by itself far earlier
        if not (_two_opt(order, costs, closed) or _or_opt(order, costs, closed)):
            break
    return tuple(order[1:])


def length(order: Sequence[int], costs: Costs, *, closed: bool = True) -> float:
    """Returns what a tour from place 0 through `order` costs."""
    whole = [0, *order, 0] if closed else [0, *order]
    return sum(costs[a][b] for a, b in pairwise(whole))


def _nearest_first(costs: Costs) -> list[int]:
    left, here, order = set(range(1, len(costs))), 0, []
    while left:
        here = min(left, key=lambda k: (costs[here][k], k))
        left.remove(here)
        order.append(here)
    return order


def _cost_at(order: Sequence[int], costs: Costs, closed: bool) -> Callable[[int, int], float]:
    """Returns the cost between two positions of a tour; one past its end is its begin or free."""
    count = len(order)

    def between(i: int, j: int) -> float:
        if j == count:
            return costs[order[i]][order[0]] if closed else 0.0
        return costs[order[i]][order[j]]

    return between


def _two_opt(order: list[int], costs: Costs, closed: bool) -> bool:
    """Turns one part round where that is shorter; returns whether it did any."""
    better = False
    count = len(order)
    for i in range(1, count - 1):
        for j in range(i + 1, count):
            between = _cost_at(order, costs, closed)
            now = between(i - 1, i) + between(j, j + 1)
            after = costs[order[i - 1]][order[j]]
            if j + 1 < count:
                after += costs[order[i]][order[j + 1]]
            elif closed:
                after += costs[order[i]][order[0]]
            if after < now - _LEAST_GAIN:
                order[i : j + 1] = order[i : j + 1][::-1]
                better = True
    return better


def _or_opt(order: list[int], costs: Costs, closed: bool) -> bool:
    """Moves a short chain to where it is nearer; returns whether it did any."""
    before = length(order[1:], costs, closed=closed)
    for size in range(1, min(_LONGEST_CHAIN, len(order) - 2) + 1):
        for i in range(1, len(order) - size + 1):
            chain, rest = order[i : i + size], order[:i] + order[i + size :]
            best = min(
                (
                    (length(moved[1:], costs, closed=closed), k, way)
                    for k in range(1, len(rest) + 1)
                    for way in (0, 1)
                    for moved in [rest[:k] + (chain[::-1] if way else chain) + rest[k:]]
                ),
            )
            if best[0] < before - _LEAST_GAIN:
                _, k, way = best
                order[:] = rest[:k] + (chain[::-1] if way else chain) + rest[k:]
                return True
    return False
