"""Makes a sweep's path shorter at the same view: an elastic band over a raster of cells.

Each cell knows how many stretches of the path see it, so that the gain and the loss of a
small change are counted in its neighbourhood alone. Ends of lanes draw back where the turn
behind them sees the corner anyway, corners are cut, stretches that see nothing of their own
go, and pockets that stay unseen get a detour where that is the cheapest way to see them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from geo.coverage import Place
from geo.sweep_moves import candidates, distinct, near_stretch, square
from geo.sweep_prices import PathPrices, length_m, turning_m
from geo.sweep_raster import Bools, Floats, Grid, edges_of, fill
from geo.sweep_ways import Room

_MOST_STEPS = 6
_MOST_SHIFT = 1.0
"""How far a place is moved in all before its neighbours get their turn, in swaths."""
_LONG = 6.0
"""A stretch longer than this many swaths is not tilted: it would unsee more than it saves."""
_TOUCHED = 1
"""Places before and behind a moved one that are looked at anew."""
_LEAST = 1e-3
"""Of half a swath: less is no gain."""
_GOLDEN = 0.6180339887498949


@dataclass(slots=True)
class _Site:
    """A neighbourhood without the stretches that are about to change."""

    window: tuple[slice, slice]
    base: NDArray[np.int16]
    """How many of the other stretches see each cell."""
    x: Floats
    y: Floats
    """The cells that no other stretch sees."""


class Band:
    """A path under improvement. Lanes should lie east to west: that keeps the windows low."""

    def __init__(
        self,
        path: Sequence[Place],
        room: Room,
        need: BaseGeometry,
        prices: PathPrices,
        cell_m: float,
    ) -> None:
        """Lays the path over the raster.

        Args:
            path: at least two places.
            room: where it may lie.
            need: what is to be seen.
            prices: what is paid for.
            cell_m: size of a cell.
        """
        self.path = list(path)
        self._room, self._prices = room, prices
        self._radius = prices.swath_m / 2
        west, south, east, north = need.bounds
        columns = max(1, math.ceil((east - west) / cell_m))
        rows = max(1, math.ceil((north - south) / cell_m))
        self._grid = Grid(west, south, cell_m, cell_m, columns, rows)
        # each row and column is shifted by its own part of a cell: a regular grid would be
        # blind to thin strips along its own lines, and the band would leave those out
        self._xs, self._ys = self._grid.xs_m, self._grid.ys_m
        self._row_shift = (np.arange(rows) * _GOLDEN % 1.0 - 0.5) * cell_m
        self._column_shift = (np.arange(columns) * _GOLDEN % 1.0 - 0.5) * cell_m
        self._need = self._cells_of(need)
        self._cells = max(1, int(self._need.sum()))
        self._count = np.zeros((rows, columns), np.int16)
        self._worth = 0.0
        """Of one unseen cell, in metres."""
        self._dirty = [True] * len(self.path)
        """Places that may be worth another look."""
        self._lay()

    def _cells_of(self, need: BaseGeometry) -> Bools:
        cells = fill(edges_of(need), self._grid)
        # away from the border the regular grid is right; at it every place is asked
        mixed = ndimage.maximum_filter(cells, 3, mode="constant")
        mixed &= ~ndimage.minimum_filter(cells, 3, mode="constant")
        j, i = np.nonzero(mixed)
        shapely.prepare(need)
        cells[j, i] = shapely.contains_xy(
            need, self._xs[i] + self._row_shift[j], self._ys[j] + self._column_shift[i]
        )
        return cells

    @property
    def unseen(self) -> float:
        """The share of what is to be seen that is not."""
        return float((self._need & (self._count <= 0)).sum()) / self._cells

    @property
    def cost_m(self) -> float:
        """Length and turns, in metres of flight."""
        return length_m(self.path) + turning_m(self.path, self._prices.turn_m)

    def improve(self, worth_per_m2: float, passes: int) -> None:
        """Improves the path while that helps, for that worth of a square metre.

        Only what has changed since the time before is looked at, whatever the worth was then.
        """
        self._value_cells(worth_per_m2)
        for _ in range(passes):
            k, changed = 0, False
            while k < len(self.path):
                if not self._dirty[k]:
                    k += 1
                    continue
                self._dirty[k] = False
                dropped = self._drop(k)
                if dropped:
                    k = max(0, k - 1)
                    changed = True
                    continue
                if self._shift_one(k):
                    self._touch(k - _TOUCHED, k + _TOUCHED + 1, but=k)
                    changed = True
                k += 1
            if not changed:
                break

    def _value_cells(self, worth_per_m2: float) -> None:
        self._worth = worth_per_m2 * self._grid.across_m**2

    def _touch(self, start: int, stop: int, but: int = -1) -> None:
        """Marks places whose surroundings have changed."""
        for n in range(max(0, start), min(len(self._dirty), stop)):
            if n != but:
                self._dirty[n] = True

    def fill_pockets(self, worth_per_m2: float, most: int) -> int:
        """Adds detours to unseen pockets that are worth it; returns how many."""
        self._value_cells(worth_per_m2)
        unseen = self._need & (self._count <= 0)
        labels, number = ndimage.label(unseen, np.ones((3, 3)))
        if not number:
            return 0
        sizes = np.bincount(labels.ravel())[1:]
        places = ndimage.find_objects(labels)
        done = 0
        for k in np.argsort(-sizes, kind="stable")[:most]:
            if sizes[k] * self._worth < 0.1 * self._radius:
                break
            j, i = np.nonzero(labels[places[k]] == k + 1)
            j, i = j + places[k][0].start, i + places[k][1].start
            x, y = self._xs[i] + self._row_shift[j], self._ys[j] + self._column_shift[i]
            done += self._fill_pocket(np.stack([x, y], axis=1))
        return done

    # -- counting

    def _lay(self) -> None:
        self._count[:] = 0
        last = len(self.path) - 2
        for k, (a, b) in enumerate(zip(self.path, self.path[1:], strict=False)):
            window = self._window((a, b))
            self._count[window] += self._mask(a, b, window, k == 0, k == last)

    def _window(self, places: Sequence[Place]) -> tuple[slice, slice]:
        g, r = self._grid, self._radius + self._grid.across_m
        xs, ys = [p[0] for p in places], [p[1] for p in places]
        i0 = max(0, int((min(xs) - r - g.west_m) / g.across_m))
        i1 = min(g.columns, int((max(xs) + r - g.west_m) / g.across_m) + 1)
        j0 = max(0, int((min(ys) - r - g.south_m) / g.along_m))
        j1 = min(g.rows, int((max(ys) + r - g.south_m) / g.along_m) + 1)
        return slice(j0, max(j0, j1)), slice(i0, max(i0, i1))

    def _mask(
        self, a: Place, b: Place, window: tuple[slice, slice], flat_a: bool, flat_b: bool
    ) -> Bools:
        """Returns which cells of a window are within half a swath of a stretch."""
        rows, columns = window
        x, y = self._xs[columns] - a[0], self._ys[rows] - a[1]
        sx, sy = self._row_shift[rows], self._column_shift[columns]
        dx, dy = b[0] - a[0], b[1] - a[1]
        length = math.hypot(dx, dy)
        if length < 1e-6:
            far = (x[None, :] + sx[:, None]) ** 2 + (y[:, None] + sy[None, :]) ** 2
            seen: Bools = far <= self._radius**2
            return seen & (not (flat_a or flat_b))
        ux, uy = dx / length, dy / length
        along = (x * ux + sy * uy)[None, :] + (y * uy + sx * ux)[:, None]
        aside = (sy * ux - x * uy)[None, :] + (y * ux - sx * uy)[:, None]
        return near_stretch(along, aside, length, self._radius, flat_a, flat_b)

    def _seen_of(self, site: _Site, chain: Sequence[Place], first: bool, last: bool) -> Bools:
        """Returns which of a site's open cells a chain of stretches sees."""
        seen = np.zeros(len(site.x), bool)
        end = len(chain) - 2
        for k in range(end + 1):
            (ax, ay), (bx, by) = chain[k], chain[k + 1]
            length = math.hypot(bx - ax, by - ay)
            flat_a, flat_b = first and k == 0, last and k == end
            if length < 1e-6:
                if not (flat_a or flat_b):
                    seen |= (site.x - ax) ** 2 + (site.y - ay) ** 2 <= self._radius**2
                continue
            ux, uy = (bx - ax) / length, (by - ay) / length
            x, y = site.x - ax, site.y - ay
            seen |= near_stretch(
                x * ux + y * uy, y * ux - x * uy, length, self._radius, flat_a, flat_b
            )
        return seen

    def _site(
        self, old: Sequence[Place], first: bool, last: bool, around: Sequence[Place]
    ) -> _Site:
        """Takes a chain of stretches out of the counts of its neighbourhood."""
        window = self._window(around)
        base = self._count[window].copy()
        end = len(old) - 2
        for k in range(end + 1):
            base -= self._mask(old[k], old[k + 1], window, first and k == 0, last and k == end)
        j, i = np.nonzero(self._need[window] & (base <= 0))
        j, i = j + window[0].start, i + window[1].start
        return _Site(
            window, base, self._xs[i] + self._row_shift[j], self._ys[j] + self._column_shift[i]
        )

    def _put(self, site: _Site, chain: Sequence[Place], first: bool, last: bool) -> None:
        end = len(chain) - 2
        for k in range(end + 1):
            site.base += self._mask(
                chain[k], chain[k + 1], site.window, first and k == 0, last and k == end
            )
        self._count[site.window] = site.base

    # -- changes

    def _change(self, i: int, j: int, middle: Sequence[Place]) -> float:
        """Returns the change of length and turns if path[i+1:j] became `middle`."""
        path = self.path
        around, behind = path[max(0, i - 1) : i + 1], path[j : j + 2]
        old = [*around, *path[i + 1 : j], *behind]
        new = [*around, *middle, *behind]
        turn = self._prices.turn_m
        return (length_m(new) + turning_m(new, turn)) - (length_m(old) + turning_m(old, turn))

    def _ends(self, i: int, j: int) -> tuple[list[Place], list[Place], bool, bool]:
        """Returns what stays around path[i+1:j], and whether that reaches the path's ends.

        At an end of the path one place more is taken: the stretch there gets or loses its
        flat end.
        """
        path = self.path
        begin = path[max(0, i - 1) : i + 1] if j >= len(path) else path[max(0, i) : i + 1]
        finish = path[j : j + 2] if i < 0 else path[j : j + 1]
        first = i - (len(begin) - 1) <= 0
        last = j + len(finish) - 1 >= len(path) - 1
        return begin, finish, first, last

    def _stub(self, chain: Sequence[Place], first: bool, last: bool) -> bool:
        """Returns whether the path would begin or end with a stretch too short to count.

        The flat end of such a stub would hide that the place before it is as good as an end.
        """
        if len(chain) < 3:
            return False
        begins = first and math.dist(chain[0], chain[1]) < self._radius
        return begins or (last and math.dist(chain[-2], chain[-1]) < self._radius)

    def _clear(self, chain: Sequence[Place]) -> bool:
        return all(self._room.clear(a, b) for a, b in pairwise(chain))

    def _replace(self, i: int, j: int, middle: Sequence[Place], *, gain_m: float) -> bool:
        """Replaces path[i+1:j] by `middle` if that gains enough; `i` may be -1, `j` the end."""
        path = self.path
        change = self._change(i, j, middle)
        begin, finish, first, last = self._ends(i, j)
        old = [*begin, *path[i + 1 : j], *finish]
        new = [*begin, *middle, *finish]
        if len(new) < 2 or self._stub(new, first, last) or not self._clear(new):
            return False
        site = self._site(old, first, last, [*old, *new])
        before = self._seen_of(site, old, first, last)
        after = self._seen_of(site, new, first, last)
        lost = int(before.sum()) - int(after.sum())
        if change + lost * self._worth > -gain_m:
            return False
        self._put(site, new, first, last)
        path[i + 1 : j] = middle
        self._dirty[i + 1 : j] = [True] * len(middle)
        self._touch(i - 1, i + len(middle) + 3)
        return True

    def _drop(self, k: int) -> int:
        """Leaves out place k, alone or with the next, if it is not needed; returns how many."""
        path, longest = self.path, _LONG * self._prices.swath_m
        for width in (1, 2):
            i, j = k - 1, k + width
            if j > len(path) or len(path) - width < 2:
                continue
            chain = path[max(0, i) : j + 1]
            straight = width == 1 and len(chain) == 3 and turning_m(chain, 1.0) < 1e-3
            if not straight and length_m(chain) > longest:
                continue
            gain = 0.0 if straight else _LEAST * self._radius
            if self._change(i, j, ()) < 0 and self._replace(i, j, (), gain_m=gain):
                return width
        return 0

    def _shift_one(self, k: int) -> bool:
        path, swath = self.path, self._prices.swath_m
        here = path[k]
        most = _MOST_SHIFT * swath
        reach = most + 0.6 * swath
        first, last = k == 0, k == len(path) - 1
        chain: list[Place] = [here]
        fixed: list[Place] = []
        """Directions in which alone the place may move, since a long stretch begins there."""
        for n in (k - 1, k + 1):
            if not 0 <= n < len(path):
                continue
            far = path[n]
            length = math.dist(here, far)
            if length > _LONG * swath:
                u = ((far[0] - here[0]) / length, (far[1] - here[1]) / length)
                fixed.append(u)
                # beyond that nothing changes when the place moves along the stretch
                far = (here[0] + u[0] * reach, here[1] + u[1] * reach)
            else:
                first, last = first or n == 0, last or n == len(path) - 1
            if n < k:
                chain.insert(0, far)
            else:
                chain.append(far)
        if len(fixed) == 2:
            ux, uy = fixed[0]
            if abs(ux * fixed[1][1] - uy * fixed[1][0]) > 1e-6:
                return False
        middle = 0 if k == 0 else 1
        around = square(here, most)
        site = self._site(chain, first, last, [*chain, *around])
        moved = False
        for _ in range(_MOST_STEPS):
            places = candidates(chain, middle, fixed, swath)
            places = places[np.abs(places - here).max(axis=1) <= most]
            values = self._move_costs(k, places)
            values -= self._worth * self._seen_by(site, chain, middle, places, first, last)
            gain = values - values[0]
            best = None
            for n in np.argsort(gain, kind="stable")[:4]:
                if gain[n] > -_LEAST * self._radius:
                    break
                trial = list(chain)
                trial[middle] = (float(places[n, 0]), float(places[n, 1]))
                if not self._stub(trial, first, last) and self._clear(trial):
                    best = trial
                    break
            if best is None:
                break
            moved, chain = True, best
        if moved:
            self._put(site, chain, first, last)
            path[k] = chain[middle]
        return moved

    def _move_costs(self, k: int, places: Floats) -> Floats:
        """Returns length and turns around place k for every place that it could have."""
        path = self.path
        # as complex numbers: a stretch is one subtraction, a turn the angle of one product
        chain: list[Any] = [complex(*place) for place in path[max(0, k - 2) : k]]
        chain.append(places[:, 0] + 1j * places[:, 1])
        chain += [complex(*place) for place in path[k + 1 : k + 3]]
        steps = [b - a for a, b in pairwise(chain)]
        total = np.zeros(len(places))
        for step in steps:
            total += np.abs(step)
        turn = self._prices.turn_m / (math.pi / 2)
        for before, after in pairwise(steps):
            total += turn * np.abs(np.angle(np.conj(before) * after))
        return total

    def _seen_by(
        self,
        site: _Site,
        chain: Sequence[Place],
        middle: int,
        places: Floats,
        first: bool,
        last: bool,
    ) -> Floats:
        """Returns how many of a site's open cells are seen for each place of the middle."""
        seen = np.zeros((len(places), len(site.x)), bool)
        cells = np.stack([site.x, site.y])
        for n in (middle - 1, middle + 1):
            if not 0 <= n < len(chain):
                continue
            d = places - chain[n]
            length = np.maximum(np.sqrt((d * d).sum(axis=1)), 1e-9)[:, None]
            d /= length
            # from a place near by half the digits are enough, and half the time is
            x_y = (cells - np.array(chain[n])[:, None]).astype(np.float32)
            d, length = d.astype(np.float32), length.astype(np.float32)
            along = d @ x_y
            aside = np.stack([-d[:, 1], d[:, 0]], axis=1) @ x_y
            flat_far = (first and n < middle) or (last and n > middle)
            flat_here = (first and middle == 0) or (last and middle == len(chain) - 1)
            seen |= near_stretch(along, aside, length, self._radius, flat_far, flat_here)
        result: Floats = np.count_nonzero(seen, axis=1).astype(np.float64)
        return result

    def _fill_pocket(self, cells: Floats) -> bool:
        """Tries detours from the nearest stretches to a pocket and takes the best."""
        middle = cells.mean(axis=0)
        target = cells[int(np.argmin(((cells - middle) ** 2).sum(axis=1)))]
        points = np.array(self.path)
        a, b = points[:-1], points[1:]
        d = b - a
        square = np.maximum((d**2).sum(axis=1), 1e-12)
        t = np.clip(((target - a) * d).sum(axis=1) / square, 0.0, 1.0)
        near = a + t[:, None] * d
        away = np.linalg.norm(target - near, axis=1)
        best: tuple[float, int, int, tuple[Place, ...]] | None = None
        hoped = 1.5 * len(cells) * self._worth
        for k in (int(n) for n in np.argsort(away, kind="stable")[:3]):
            q = (float(near[k, 0]), float(near[k, 1]))
            for part in (0.3, 0.6, 1.0):
                w = (
                    q[0] + part * (float(target[0]) - q[0]),
                    q[1] + part * (float(target[1]) - q[1]),
                )
                options: list[tuple[int, int, tuple[Place, ...]]] = [(k, k + 1, (q, w, q))]
                if square[k] <= (_LONG * self._prices.swath_m) ** 2:
                    options.append((k, k + 1, (w,)))
                if k == 0 and t[k] == 0.0:
                    options += [(-1, 0, (self._beyond(q, w),)), (-1, 1, (w, self._before(0, 1)))]
                if k + 2 == len(self.path) and t[k] == 1.0:
                    options += [
                        (k + 1, k + 2, (self._beyond(q, w),)),
                        (k, k + 2, (self._before(-1, -2), w)),
                    ]
                for i, j, chain in options:
                    change = self._change(i, j, distinct(self.path, i, j, chain))
                    if change > hoped:
                        continue
                    value = self._value(i, j, chain, change)
                    if value < (best[0] if best else -0.02 * self._radius):
                        best = (value, i, j, chain)
        if best is None:
            return False
        _, i, j, chain = best
        return self._replace(i, j, distinct(self.path, i, j, chain), gain_m=0.01 * self._radius)

    def _beyond(self, end: Place, target: Place) -> Place:
        """Returns a place past an end of the path, towards a target, that makes no stub."""
        away = math.dist(end, target)
        scale = max(1.0, 1.02 * self._radius / max(away, 1e-9))
        return end[0] + scale * (target[0] - end[0]), end[1] + scale * (target[1] - end[1])

    def _before(self, end: int, inner: int) -> Place:
        """Returns the place half a swath before an end of the path, at which it can bend."""
        (ax, ay), (bx, by) = self.path[end], self.path[inner]
        part = min(0.9, 1.1 * self._radius / max(math.dist((ax, ay), (bx, by)), 1e-9))
        return ax + part * (bx - ax), ay + part * (by - ay)

    def _value(self, i: int, j: int, middle: tuple[Place, ...], change: float) -> float:
        """Returns what putting places between two neighbours would cost; negative is good."""
        if len(middle) == 3 and i >= 0:  # there and back: nothing else changes
            spike = (middle[0], middle[1])
            if not self._room.clear(*spike):
                return math.inf
            site = self._site((), False, False, spike)
            return change - int(self._seen_of(site, spike, False, False).sum()) * self._worth
        begin, finish, first, last = self._ends(i, j)
        old, new = [*begin, *self.path[i + 1 : j], *finish], [*begin, *middle, *finish]
        if self._stub(new, first, last) or not self._clear(new):
            return math.inf
        site = self._site(old, first, last, [*old, *new])
        before = self._seen_of(site, old, first, last)
        after = self._seen_of(site, new, first, last)
        return change + (int(before.sum()) - int(after.sum())) * self._worth
