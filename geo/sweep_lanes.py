"""Where the lanes of a sweep lie: directions tried, and for each the best set of lanes.

All lanes of one set are parallel and run through the whole area, cut by its border. Which
they are is an exact shortest path (dynamic programming) over possible heights: each lane
costs its length and a fixed sum per piece, two neighbours cost what lies between them unseen,
where the caps of their turns count as seen. So lanes stand closer where an edge asks for it,
a swath apart elsewhere, and one more is flown only where it pays.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from geo.sweep_raster import Bools, Floats, Grid, edges_of, fill

Words = NDArray[np.uint64]

_ROWS_PER_HALF = 8
_GRID_ANGLES = 10
_EDGE_ANGLES = 12
_NEAR_DEG = 1.5


@dataclass(frozen=True, slots=True)
class LaneSet:
    """Parallel lanes: their direction and their heights in the turned frame."""

    angle_deg: float
    """Counter-clockwise from east; the area is turned back by it about (0, 0)."""
    heights_m: tuple[float, ...]
    extras: tuple[tuple[float, float, float], ...]
    """Single pieces where a strip stays unseen: height, and from and to along the lane."""
    cost_m: float
    """Length, pieces and what stays unseen, in metres of flight."""


@dataclass(frozen=True, slots=True)
class LanePrices:
    """What a set of lanes is judged by."""

    swath_m: float
    per_piece_m: float
    """Of every piece of a lane: the way to the next and its turns."""
    unseen_per_m2: float
    """Metres of flight that a square metre unseen is worth."""


def directions_deg(room: BaseGeometry, *, coarse: bool = False) -> tuple[float, ...]:
    """Returns the directions worth trying, 0 to 180: those of long edges, and a regular few."""
    x1, y1, x2, y2 = edges_of(room).T
    length = np.hypot(x2 - x1, y2 - y1)
    angle = np.degrees(np.arctan2(y2 - y1, x2 - x1)) % 180.0
    # edges of nearly one direction count as one, which the longest of them names
    found: list[list[float]] = []
    for k in np.argsort(-length, kind="stable")[:200]:
        for one in found:
            if abs((angle[k] - one[0] + 90.0) % 180.0 - 90.0) < _NEAR_DEG:
                one[1] += float(length[k])
                break
        else:
            found.append([float(angle[k]), float(length[k])])
    found.sort(key=lambda one: -one[1])
    chosen = [round(one[0], 9) for one in found[: 6 if coarse else _EDGE_ANGLES]]
    number = _GRID_ANGLES // 2 if coarse else _GRID_ANGLES
    others = [(chosen[0] + 90.0) % 180.0] if chosen else []
    for regular in [*others, *(180.0 * k / number for k in range(number))]:
        if all(abs((regular - a + 90.0) % 180.0 - 90.0) >= _NEAR_DEG for a in chosen):
            chosen.append(regular)
    return tuple(chosen)


def turned_edges(edges: Floats, angle_deg: float) -> Floats:
    """Returns edges turned by an angle about (0, 0)."""
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    x1, y1, x2, y2 = edges.T
    return np.stack([c * x1 - s * y1, s * x1 + c * y1, c * x2 - s * y2, s * x2 + c * y2], axis=1)


def best_lanes(
    room: Floats, need: Floats, angle_deg: float, prices: LanePrices, *, rough: bool = False
) -> LaneSet:
    """Returns the cheapest set of lanes of one direction.

    Args:
        room: edges of where lanes may lie.
        need: edges of what is to be seen.
        angle_deg: direction of the lanes, counter-clockwise from east.
        prices: what is paid for.
        rough: whether cells twice as large will do, to compare directions.
    """
    room, need = turned_edges(room, -angle_deg), turned_edges(need, -angle_deg)
    grid = _grid(room, need, prices.swath_m, rough)
    open_rows, need_rows = fill(room, grid), fill(need, grid)
    half_m = prices.swath_m / 2
    half = max(1, math.floor(half_m / grid.along_m + 1e-6))
    chords = np.zeros((grid.rows + 1, grid.columns), bool)
    chords[1:-1] = open_rows[1:] & open_rows[:-1]
    # what a lane sees of the row that lies d rows away, with the caps of its turns
    reaches = [
        int(math.sqrt(max(0.0, half_m**2 - ((d + 0.5) * grid.along_m) ** 2)) / grid.across_m)
        for d in range(half)
    ]
    widened = _widened(chords, max(reaches))
    wide = [widened[reach] for reach in reaches]
    heights, cost = _cheapest(chords, wide, need_rows, grid, prices)
    extras, gain = _extras(heights, chords, wide, need_rows, grid, prices)
    ys = tuple(grid.south_m + k * grid.along_m for k in heights)
    return LaneSet(angle_deg, ys, extras, cost - gain)


def _extras(
    heights: Sequence[int],
    chords: Bools,
    wide: Sequence[Bools],
    need_rows: Bools,
    grid: Grid,
    prices: LanePrices,
) -> tuple[tuple[tuple[float, float, float], ...], float]:
    """Returns pieces for strips that the lanes leave unseen and what they save."""
    unseen = need_rows.copy()
    half = len(wide)
    lanes = np.array(heights, dtype=np.int64)
    for d in range(half):
        for rows in (lanes + d, lanes - d - 1):
            inside = (rows >= 0) & (rows < grid.rows)
            unseen[rows[inside]] &= ~wide[d][lanes[inside]]
    labels, _ = ndimage.label(unseen)
    cell = grid.across_m * grid.along_m
    found, saved = [], 0.0
    worths = np.bincount(labels.ravel()) * (cell * prices.unseen_per_m2)
    places = ndimage.find_objects(labels)
    for n in np.flatnonzero(worths[1:] >= prices.per_piece_m):
        place, worth = places[n], float(worths[n + 1])
        low, high = place[0].start, place[0].stop
        left, right = place[1].start, place[1].stop
        middle = (low + high) // 2
        ks = range(max(1, high - half), min(grid.rows, low + half + 1)) or [middle]
        k = max(ks, key=lambda k: (int(chords[k, left:right].sum()), -abs(k - middle)))
        length = float(chords[k, left:right].sum()) * grid.across_m
        if length == 0 or worth < length + prices.per_piece_m:
            continue
        saved += worth - length - prices.per_piece_m
        west = grid.west_m + left * grid.across_m
        found.append((grid.south_m + k * grid.along_m, west, west + (right - left) * grid.across_m))
    return tuple(found), saved


def _grid(room: Floats, need: Floats, swath_m: float, rough: bool) -> Grid:
    west, east = room[:, ::2].min(), room[:, ::2].max()
    west, east = min(west, need[:, ::2].min()), max(east, need[:, ::2].max())
    # rows begin at the room's own border, so that a lane at half a swath from it is possible
    south, north = need[:, 1::2].min(), need[:, 1::2].max()
    height = max(north - south, 1e-6)
    per_half = _ROWS_PER_HALF if height / swath_m < 150 else _ROWS_PER_HALF // 2
    if rough:
        per_half //= 2
    rows = max(2, math.ceil(height / (swath_m / 2 / per_half) - 1e-6))
    columns = max(8, math.ceil((east - west) / (swath_m / (4 if rough else 8))))
    columns = min(columns, 4096)
    return Grid(west, south, (east - west) / columns, height / rows, columns, rows)


def _packed(cells: Bools) -> Words:
    short = -cells.shape[1] % 64
    wide = np.pad(cells, ((0, 0), (0, short)))
    return np.packbits(wide, axis=1).view(np.uint64)


def _widened(chords: Bools, most: int) -> list[Bools]:
    """Returns rows whose runs reach 0, 1, ... `most` cells further on either side."""
    found = [chords]
    for _ in range(most):
        wider = found[-1].copy()
        wider[:, 1:] |= found[-1][:, :-1]
        wider[:, :-1] |= found[-1][:, 1:]
        found.append(wider)
    return found


def _cheapest(
    chords: Bools, wide: Sequence[Bools], need_rows: Bools, grid: Grid, prices: LanePrices
) -> tuple[list[int], float]:
    rows, half = grid.rows, len(wide)
    pieces = (chords[:, 1:] & ~chords[:, :-1]).sum(axis=1) + chords[:, 0]
    lane_cost = chords.sum(axis=1) * grid.across_m + pieces * prices.per_piece_m
    usable = np.asarray(chords.any(axis=1))
    if not usable.any():
        return [], math.inf
    need = _packed(need_rows)
    seen = [_packed(one) for one in wide]
    price = prices.unseen_per_m2 * grid.across_m * grid.along_m

    def count(words: Words) -> NDArray[np.int64]:
        found: NDArray[np.int64] = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
        return found

    whole = count(need)
    total_before = np.concatenate([[0], np.cumsum(whole)])
    below = np.zeros(rows + 1)  # unseen under a first lane at k
    above = np.zeros(rows + 1)
    k = np.arange(rows + 1)
    below += total_before[np.maximum(0, k - half)]
    above += total_before[-1] - total_before[np.minimum(rows, k + half)]
    for d in range(half):
        ks = np.arange(d + 1, rows + 1)
        below[ks] += count(need[ks - d - 1] & ~seen[d][ks])
        ks = np.arange(0, rows - d)
        above[ks] += count(need[ks + d] & ~seen[d][ks])
    gaps = list(range(max(1, half - 1), 2 * half + 3))
    between: dict[int, NDArray[np.float64]] = {}
    for gap in gaps:
        n = rows + 1 - gap
        if n <= 0:
            continue
        left = np.zeros(n)
        for m in range(gap):
            unseen = need[m : m + n]
            if m < half:
                unseen = unseen & ~seen[m][:n]
            if gap - m - 1 < half:
                unseen = unseen & ~seen[gap - m - 1][gap : gap + n]
            left += count(unseen)
        between[gap] = left * price
    return _walk(lane_cost, usable, below * price, above * price, between)


def _walk(
    lane_cost: Floats,
    usable: Bools,
    below: Floats,
    above: Floats,
    between: dict[int, Floats],
) -> tuple[list[int], float]:
    """Goes up the heights, keeping the cheapest way to end at each."""
    n = len(lane_cost)
    best = [math.inf] * n
    before = [-1] * n
    costs = lane_cost.tolist()
    first = below.tolist()
    steps = [(gap, values.tolist()) for gap, values in between.items()]
    for k in range(n):
        if not usable[k]:
            continue
        least, source = first[k], -1
        for gap, values in steps:
            j = k - gap
            if j >= 0 and best[j] + values[j] < least:
                least, source = best[j] + values[j], j
        best[k], before[k] = least + costs[k], source
    ends = np.array(best) + above
    k = int(np.argmin(ends))
    cost, heights = float(ends[k]), []
    while k >= 0:
        heights.append(k)
        k = before[k]
    return heights[::-1], cost
