"""In which order and direction lanes are flown: an open tour over their pieces.

Every piece has two ends and is flown from one to the other, so this is the generalised
travelling salesman of Bähnemann et al. (2019) with two choices a node. The first tours are
greedy, each is improved by reversing and moving whole stretches, and the best is shaken a
fixed number of times by a seeded generator: the same input gives the same order.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geo.sweep_raster import Floats

Ints = NDArray[np.int64]

_EXACT = 6
"""Up to so many pieces the order is the best there is."""
_LONGEST_MOVED = 8
_LARGE = 160
_STARTS = 4
_LONG_GAPS = 5
_AROUND = 25
"""Pieces before and behind a shaken stretch that may change with it."""
_AT_ONCE = 40
"""Changes that are looked at for one pass over all of them."""


def best_order(
    distance_m: Floats,
    entry_m: Floats | None = None,
    *,
    shakes: int = 40,
    begun: Ints | None = None,
) -> Ints:
    """Returns the ends at which the pieces are entered, in turn.

    Piece `i` has the ends `2 i` and `2 i + 1`; entered at one it is left at the other.

    Args:
        distance_m: (2 n, 2 n) ways between ends.
        entry_m: ways from where one comes to each end; `None` where that is free.
        shakes: how often the best tour is shaken.
        begun: an order found before, to go on from.
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
    if begun is not None:
        return _shaken(begun, table, shakes)
    starts = _starts(table, n, entry_m is not None)
    tours = [_improved(_greedy(table, n, start), table, _all(table)) for start in starts]
    best = min(tours, key=lambda tour: _cost(tour, table))
    return _shaken(best, table, shakes)


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
    return [int(k) for k in far[:: max(1, size // _STARTS)][: _STARTS if n <= _LARGE else 2]]


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


def _links(tour: Ints, around: tuple[int, int]) -> tuple[Ints, Ints]:
    """Returns for each piece the end left before it and the end entered after it.

    Args:
        tour: a tour or a stretch of one.
        around: the end left before it and the end entered after it.
    """
    before = np.concatenate([around[:1], tour[:-1] ^ 1])
    after = np.concatenate([tour[1:], around[1:]])
    return before, after


def _all(table: Floats) -> tuple[int, int]:
    """Returns what lies around a whole tour: where one comes from, and the end of it all."""
    return len(table) - 2, len(table) - 1


def _cost(tour: Ints, table: Floats) -> float:
    before, _ = _links(tour, _all(table))
    return float(table[before, tour].sum())


def _improved(tour: Ints, table: Floats, around: tuple[int, int]) -> Ints:
    """Reverses and moves stretches while that shortens the tour."""
    for _ in range(20 * len(tour)):
        better = _reversed(tour, table, around)
        if better is None:
            better = _moved(tour, table, around)
        if better is None:
            return tour
        tour = better
    return tour


def _apart(low: Ints, high: Ints, change: Floats) -> list[int]:
    """Returns the best changes that touch no link in common: their gains add up.

    Link `k` is the one before piece `k`; a change touches the links from `low` to `high`.
    """
    order = np.argsort(change, kind="stable")[:_AT_ONCE]
    taken = np.zeros(int(high.max()) + 1, bool)
    found = []
    for k in order:
        if change[k] > -1e-6:
            break
        links = taken[low[k] : high[k] + 1]
        if not links.any():
            links[:] = True
            found.append(int(k))
    return found


@lru_cache(maxsize=64)
def _below(n: int) -> Floats:
    """Returns a matrix that rules out what lies below the diagonal."""
    return np.tri(n, k=-1) * 1e9


def _reversed(tour: Ints, table: Floats, around: tuple[int, int]) -> Ints | None:
    """Returns the tour with the best stretches reversed, or None where that helps nowhere."""
    n = len(tour)
    before, after = _links(tour, around)
    left = tour ^ 1
    change = table[before].take(left, axis=1)
    change += table[tour].take(after, axis=1)
    change -= table[before, tour][:, None]
    change -= table[left, after][None, :]
    change += _below(n)
    last = np.argmin(change, axis=1)
    first = np.arange(n)
    found = _apart(first, last + 1, change[first, last])
    if not found:
        return None
    tour = tour.copy()
    for k in found:
        i, j = k, int(last[k]) + 1
        tour[i:j] = tour[i:j][::-1] ^ 1
    return tour


@lru_cache(maxsize=64)
def _blocks(n: int) -> tuple[Ints, Ints]:
    """Returns first and last of every stretch that may be moved."""
    longest = min(n - 1, _LONGEST_MOVED if n <= _LARGE else 3)
    first = np.concatenate([np.arange(n - length + 1) for length in range(1, longest + 1)])
    lengths = [np.full(n - length + 1, length) for length in range(1, longest + 1)]
    last = first + np.concatenate(lengths) - 1
    return first, last


def _put_in(table: Floats, gap_a: Ints, gap_b: Ints, first: Ints, last: Ints) -> Floats:
    """Returns the ways to and from blocks (rows) in gaps (columns), of either direction."""
    to_a, to_b = table[:, gap_a], table[:, gap_b]
    straight, turned = to_a[first], to_a[last]
    straight += to_b[last]
    turned += to_b[first]
    least: Floats = np.minimum(straight, turned, out=straight)
    return least


def _moved(tour: Ints, table: Floats, around: tuple[int, int]) -> Ints | None:
    """Returns the tour with the best short stretches elsewhere, or None where none gains."""
    n = len(tour)
    before, after = _links(tour, around)
    left = tour ^ 1
    # a gap g lies before piece g; gap n is the end
    gap_a = np.concatenate([before, [left[-1]]])
    gap_b = np.concatenate([tour, around[1:]])
    i, j = _blocks(n)
    first, last = tour[i], left[j]
    gain = table[before[i], first] + table[last, after[j]] - table[before[i], after[j]]
    link = table[gap_a, gap_b]
    # a way put in costs at least nothing: a block that loses pays only in a long gap
    long = float(np.sort(link)[-1 - n // _LONG_GAPS])
    change, target = np.zeros(len(i)), np.zeros(len(i), np.int64)
    for rows, gaps in (
        (np.flatnonzero(gain > -long), np.arange(n + 1)),
        (np.flatnonzero(gain <= -long), np.flatnonzero(link > long)),
    ):
        if len(rows) and len(gaps):
            least = _put_in(table, gap_a[gaps], gap_b[gaps], first[rows], last[rows])
            least -= link[gaps]
            least -= gain[rows, None]
            least[(gaps >= i[rows, None]) & (gaps <= j[rows, None] + 1)] = 0.0
            best = np.argmin(least, axis=1)
            target[rows], change[rows] = gaps[best], least[np.arange(len(rows)), best]
    found = _apart(np.minimum(i, target), np.maximum(j + 1, target), change)
    if not found:
        return None
    tour = tour.copy()
    for row in found:
        start, end, gap = int(i[row]), int(j[row]) + 1, int(target[row])
        block = tour[start:end]
        a, b = gap_a[gap], gap_b[gap]
        if table[a, last[row]] + table[first[row], b] < table[a, first[row]] + table[last[row], b]:
            block = block[::-1] ^ 1
        if gap < start:
            tour[gap:end] = np.concatenate([block, tour[gap:start]])
        else:
            tour[start:gap] = np.concatenate([tour[end:gap], block])
    return tour


def _shaken(best: Ints, table: Floats, times: int) -> Ints:
    """Cuts the best tour at three places, swaps the middle stretches, improves, keeps gains.

    What lies far from the cuts on the tour stays as it is: that makes a shake of a long tour
    as cheap as one of a short.
    """
    n = len(best)
    if n < 4:
        return best
    draw = np.random.default_rng(n)
    begin, end = _all(table)
    for _ in range(times):
        # short stretches: a small disturbance that reversing alone can't undo
        start = int(draw.integers(0, n - 3)) if n > 4 else 0
        span = min(n - start, int(draw.integers(4, 31)))
        cuts = np.sort(draw.choice(np.arange(start + 1, start + span), size=2, replace=False))
        a, b, c = int(cuts[0]), int(cuts[1]), start + span
        low, high = max(0, start - _AROUND), min(n, c + _AROUND)
        middle, behind = best[a:b], best[b:c]
        if draw.random() < 0.5:
            middle = middle[::-1] ^ 1
        around = (
            begin if low == 0 else int(best[low - 1]) ^ 1,
            end if high == n else int(best[high]),
        )
        trial = np.concatenate([best[low:a], behind, middle, best[c:high]])
        trial = _improved(trial, table, around)
        tour = np.concatenate([best[:low], trial, best[high:]])
        if _cost(tour, table) < _cost(best, table) - 1e-6:
            best = tour
    return best
