"""In which order and direction lanes are flown: an open tour over their pieces.

Every piece has two ends and is flown from one to the other, so this is the generalised
travelling salesman of Bähnemann et al. (2019) with two choices a node. The first tours are
greedy, each is improved by reversing and moving whole stretches, and the best is shaken a
fixed number of times by a seeded generator: the same input gives the same order.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geo.sweep_raster import Floats

Ints = NDArray[np.int64]

_EXACT = 6
"""Up to so many pieces the order is the best there is."""
_LONGEST_MOVED = 8
_LARGE = 160


def best_order(distance_m: Floats, entry_m: Floats | None = None, *, shakes: int = 40) -> Ints:
    """Returns the ends at which the pieces are entered, in turn.

    Piece `i` has the ends `2 i` and `2 i + 1`; entered at one it is left at the other.

    Args:
        distance_m: (2 n, 2 n) ways between ends.
        entry_m: ways from where one comes to each end; `None` where that is free.
        shakes: how often the best tour is shaken.
    """
    n = len(distance_m) // 2
    if n == 0:
        return np.zeros(0, np.int64)
    # two more "ends": where one comes from, and the end of it all, which costs nothing
    size = 2 * n
    table = np.zeros((size + 2, size + 2))
    table[:size, :size] = np.where(np.isfinite(distance_m), distance_m, 1e7)
    if entry_m is not None:
        table[size, :size] = table[:size, size] = entry_m
    if n == 1:
        return np.array([0 if table[size, 0] <= table[size, 1] else 1])
    if n <= _EXACT:
        return _exact(table, n)
    starts = _starts(table, n, entry_m is not None)
    tours = [_improved(_greedy(table, n, start), table) for start in starts]
    best = min(tours, key=lambda tour: _cost(tour, table))
    shaken = shakes if n <= _LARGE else max(2, shakes // 10)
    return _shaken(best, table, shaken, lambda tour: _improved(tour, table))


def _exact(table: Floats, n: int) -> Ints:
    """Returns the cheapest tour of few pieces, by Held and Karp's dynamic programming."""
    size = 2 * n
    ends = np.arange(size)
    # cost[mask, e]: of having flown the pieces of a mask, the last one entered at e
    cost = np.full((1 << n, size), np.inf)
    before = np.full((1 << n, size), -1)
    cost[1 << (ends // 2), ends] = table[size, :size]
    onwards = table[ends ^ 1, :size]
    for mask in range(1, 1 << n):
        now = cost[mask]
        through = now[:, None] + onwards
        source = np.argmin(through, axis=0)
        for e in ends[(mask >> (ends // 2)) & 1 == 0]:
            then = mask | 1 << int(e) // 2
            if through[source[e], e] < cost[then, e]:
                cost[then, e], before[then, e] = through[source[e], e], source[e]
    mask, e = (1 << n) - 1, int(np.argmin(cost[-1]))
    tour = []
    while e >= 0:
        tour.append(e)
        e, mask = int(before[mask, e]), mask & ~(1 << e // 2)
    return np.array(tour[::-1])


def _starts(table: Floats, n: int, given: bool) -> list[int]:
    size = 2 * n
    if given:
        return [int(np.argmin(table[size, :size]))]
    # the ends that lie farthest from everything are where a tour likes to begin
    far = np.argsort(-table[:size, :size].sum(axis=1), kind="stable")
    return [int(k) for k in far[:: max(1, size // 6)][: 6 if n <= _LARGE else 2]]


def _greedy(table: Floats, n: int, start: int) -> Ints:
    tour = [start]
    free = np.ones(2 * n, bool)
    free[[start, start ^ 1]] = False
    for _ in range(n - 1):
        away = np.where(free, table[tour[-1] ^ 1, : 2 * n], np.inf)
        k = int(np.argmin(away))
        tour.append(k)
        free[[k, k ^ 1]] = False
    return np.array(tour)


def _links(tour: Ints, size: int) -> tuple[Ints, Ints]:
    """Returns for each piece the end left before it and the end entered after it."""
    before = np.concatenate([[size], tour[:-1] ^ 1])
    after = np.concatenate([tour[1:], [size + 1]])
    return before, after


def _cost(tour: Ints, table: Floats) -> float:
    before, _ = _links(tour, len(table) - 2)
    return float(table[before, tour].sum())


def _improved(tour: Ints, table: Floats) -> Ints:
    """Reverses and moves stretches while that shortens the tour."""
    for _ in range(20 * len(tour)):
        better = _reversed(tour, table)
        if better is None:
            better = _moved(tour, table)
        if better is None:
            return tour
        tour = better
    return tour


def _reversed(tour: Ints, table: Floats) -> Ints | None:
    size = len(table) - 2
    before, after = _links(tour, size)
    left = tour ^ 1
    now = table[before, tour]
    then = table[left, after]
    change = table[before][:, left] + table[tour][:, after]
    change -= now[:, None]
    change -= then[None, :]
    change = np.triu(change)
    k = int(np.argmin(change))
    i, j = divmod(k, len(tour))
    if change[i, j] > -1e-6:
        return None
    return np.concatenate([tour[:i], tour[i : j + 1][::-1] ^ 1, tour[j + 1 :]])


@lru_cache(maxsize=64)
def _blocks(n: int) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Returns first and last of every stretch that may be moved, and the gaps it touches."""
    longest = min(n - 1, _LONGEST_MOVED if n <= _LARGE else 3)
    first = np.concatenate([np.arange(n - length + 1) for length in range(1, longest + 1)])
    lengths = [np.full(n - length + 1, length) for length in range(1, longest + 1)]
    last = first + np.concatenate(lengths) - 1
    gaps = np.arange(n + 1)[None, :]
    return first, last, (gaps >= first[:, None]) & (gaps <= last[:, None] + 1)


def _moved(tour: Ints, table: Floats) -> Ints | None:
    n, size = len(tour), len(table) - 2
    before, after = _links(tour, size)
    left = tour ^ 1
    # a gap g lies before piece g; gap n is the end
    gap_a = np.concatenate([before, [left[-1]]])
    gap_b = np.concatenate([tour, [size + 1]])
    i, j, own = _blocks(n)
    first, last = tour[i], left[j]
    gain = table[before[i], first] + table[last, after[j]] - table[before[i], after[j]]
    to_a, to_b = table[:, gap_a], table[:, gap_b]
    straight = to_a[first] + to_b[last]
    turned = to_a[last] + to_b[first]
    change = np.minimum(straight, turned)
    change -= table[gap_a, gap_b][None, :]
    change -= gain[:, None]
    change[own] = 0.0
    k = int(np.argmin(change))
    row, gap = divmod(k, n + 1)
    if change[row, gap] >= -1e-6:
        return None
    start, end = int(i[row]), int(j[row]) + 1
    block = tour[start:end]
    if turned[row, gap] < straight[row, gap]:
        block = block[::-1] ^ 1
    rest = np.concatenate([tour[:start], tour[end:]])
    place = gap if gap <= start else gap - (end - start)
    return np.concatenate([rest[:place], block, rest[place:]])


def _shaken(best: Ints, table: Floats, times: int, improve: Callable[[Ints], Ints]) -> Ints:
    """Cuts the best tour at three places, swaps the middle stretches, improves, keeps gains."""
    n = len(best)
    if n < 4:
        return best
    draw = np.random.default_rng(n)
    cost = _cost(best, table)
    for _ in range(times):
        # short stretches: a small disturbance that reversing alone can't undo
        start = int(draw.integers(0, n - 3)) if n > 4 else 0
        span = min(n - start, int(draw.integers(4, 31)))
        cuts = np.sort(draw.choice(np.arange(start + 1, start + span), size=2, replace=False))
        a, b, c = int(cuts[0]), int(cuts[1]), start + span
        middle, end = best[a:b], best[b:c]
        if draw.random() < 0.5:
            middle = middle[::-1] ^ 1
        tour = improve(np.concatenate([best[:a], end, middle, best[c:]]))
        now = _cost(tour, table)
        if now < cost - 1e-6:
            best, cost = tour, now
    return best
