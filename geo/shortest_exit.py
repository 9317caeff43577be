"""The shortest way out of an area, where not every way is open; metres in a local frame.

Such a way bends only at corners of what is closed on the way, and its last leg ends at the
nearest place of one straight piece of the border, or passes another corner first. So a search
over corners that tries, from each, the nearest place of every piece finds the shortest.
"""

import heapq
import math
from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.coverage import Place
from geo.ways_around import convex_corners, free_places, reflex_corners

Floats = NDArray[np.float64]
_TOUCH_M = 0.05
_TRIED = 40
"""Places of the border that are tried from one corner, the nearest first."""


def shortest_exit(
    start: Place,
    area: BaseGeometry,
    closed: Sequence[BaseGeometry],
    room: BaseGeometry | None,
    goal: BaseGeometry | None = None,
) -> tuple[Place, ...] | None:
    """Returns the shortest way from inside an area to its border, or `None` where there is none.

    Args:
        start: inside `area`.
        area: to be left.
        closed: areas that the way must not enter.
        room: where it must stay; `None` means everywhere.
        goal: into which it must lead out; `None` means anything outside `area`.
    """
    solids = [solid.buffer(-_TOUCH_M) for solid in closed]
    wide = None if room is None else room.buffer(_TOUCH_M, join_style="mitre")
    border = _component(area, start).boundary
    for solid in solids:
        border = border.difference(solid)
    if wide is not None:
        border = border.intersection(wide)
    if goal is not None:
        border = border.intersection(goal.buffer(_TOUCH_M))
    pieces = _pieces(border)
    if not len(pieces):
        return None
    for shape in [*solids, *([] if wide is None else [wide])]:
        shapely.prepare(shape)
    corners = [corner[:2] for shape in closed for corner in convex_corners(shape)]
    corners += [] if room is None else [corner[:2] for corner in reflex_corners(room)]
    nodes = np.array([start, *dict.fromkeys(corners)], dtype=float)
    cost = np.full(len(nodes), math.inf)
    cost[0] = 0.0
    before = np.full(len(nodes), -1)
    settled = np.zeros(len(nodes), dtype=bool)
    best_m, best_end, best_from = math.inf, (0.0, 0.0), -1
    queue = [(0.0, 0)]
    while queue:
        so_far, here = heapq.heappop(queue)
        if settled[here]:
            continue
        if so_far >= best_m:
            break
        settled[here] = True
        found = _last_leg(nodes[here], pieces, best_m - so_far, solids, wide)
        if found is not None:
            best_m, best_end, best_from = so_far + found[0], found[1], here
        length = so_far + np.hypot(*(nodes - nodes[here]).T)
        better = np.flatnonzero(~settled & (length < cost) & (length < best_m))
        better = better[free_places(nodes[here], nodes[better], solids, wide)]
        cost[better], before[better] = length[better], here
        for there in better:
            heapq.heappush(queue, (float(length[there]), int(there)))
    if best_from < 0:
        return None
    way, at = [best_end], best_from
    while at >= 0:
        way.append((float(nodes[at, 0]), float(nodes[at, 1])))
        at = int(before[at])
    return tuple(way[::-1])


def _component(area: BaseGeometry, start: Place) -> BaseGeometry:
    """Returns the part of an area that a place is in."""
    spot = shapely.Point(start)
    parts: list[BaseGeometry] = list(getattr(area, "geoms", [area]))
    return min(parts, key=lambda part: float(part.distance(spot)))


def _pieces(border: BaseGeometry) -> Floats:
    """Returns the straight pieces of lines as rows of x, y, x, y."""
    rows = []
    for line in getattr(border, "geoms", [border]):
        if line.geom_type in ("LineString", "LinearRing") and not line.is_empty:
            xy = np.asarray(line.coords)[:, :2]
            rows.append(np.concatenate([xy[:-1], xy[1:]], axis=1))
    return np.concatenate(rows) if rows else np.empty((0, 4))


def _last_leg(
    here: Floats,
    pieces: Floats,
    shorter_than_m: float,
    solids: Sequence[BaseGeometry],
    room: BaseGeometry | None,
) -> tuple[float, Place] | None:
    """Returns the shortest open leg to the border, and where it ends."""
    a, along = pieces[:, :2], pieces[:, 2:] - pieces[:, :2]
    length2 = np.maximum(1e-12, np.sum(along**2, axis=1))
    t = np.clip(np.sum((here - a) * along, axis=1) / length2, 0.0, 1.0)
    ends = a + along * t[:, None]
    away = np.hypot(*(ends - here).T)
    near = np.argsort(away, kind="stable")
    near = near[away[near] < shorter_than_m]
    for first in range(0, len(near), _TRIED):
        some = near[first : first + _TRIED]
        free = free_places(here, ends[some], solids, room)
        if free.any():
            one = some[int(np.argmax(free))]
            return float(away[one]), (float(ends[one, 0]), float(ends[one, 1]))
    return None
