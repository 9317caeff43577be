"""The last word on what a path sees: exact shapes instead of cells, and ways around corners.

The polish of `sweep_polish` is blind to what lies behind a corner and to what is smaller than
its cells. Here the largest pocket that is still unseen is reached by the shortest way inside
the room, there and back or as a longer end of the path, until enough is seen.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from geo.coverage import Place
from geo.sweep_raster import Floats
from geo.sweep_strips import common_area_m2, strip_of, without
from geo.sweep_ways import Room, Ways

_MOST_DETOURS = 150
_SOURCES = 16
_NEAR = 2.0
"""So near, in swaths, a straight way to a pocket is as good as any around corners."""


def longest_way(room: Room) -> list[Place]:
    """Returns the way between the two corners that are farthest apart inside a room.

    In a room no wider than a swath everything lies abeam of it.
    """
    corners = room.corners
    ways = Ways(room, corners, [])
    apart = np.where(np.isfinite(ways.distance_m), ways.distance_m, -1.0)
    a, b = divmod(int(np.argmax(apart)), len(corners))
    return ways.way(a, b)


def repaired(
    path: Sequence[Place], room: Room, need: BaseGeometry, swath_m: float, goal: float
) -> list[Place]:
    """Returns a path with detours to unseen pockets until a share is seen, or as far as it goes."""
    path = list(path)
    left = _pockets([without(need, strip_of(path, swath_m))])
    given_up: list[BaseGeometry] = []
    for _ in range(_MOST_DETOURS):
        areas = shapely.area(left)
        if areas.sum() <= (1 - goal) * need.area:
            break
        if given_up:
            areas[shapely.intersects(left, shapely.union_all(given_up))] = 0.0
        if not areas.any():
            break
        pocket = left[int(np.argmax(areas))]
        better = _with_detour(path, room, left, pocket, swath_m)
        if better is None:
            given_up.append(pocket.representative_point().buffer(0.02 * swath_m))
            continue
        # a detour takes nothing from what the path has seen: only its own strip is new
        path, strip = better
        near = shapely.intersects(left, strip)
        left = _pockets([*left[~near], *(without(one, strip) for one in left[near])])
    return path


def _pockets(shapes: Sequence[BaseGeometry]) -> NDArray[np.object_]:
    parts = shapely.get_parts(shapely.get_parts(shapes))
    solid: NDArray[np.object_] = parts[shapely.area(parts) > 0]
    return solid


def _with_detour(
    path: list[Place],
    room: Room,
    left: NDArray[np.object_],
    pocket: BaseGeometry,
    swath_m: float,
) -> tuple[list[Place], BaseGeometry] | None:
    """Returns the path with the detour that sees most for its length, and its strip."""
    targets = _targets(path, room, pocket)
    sources = _sources(path, targets[0])
    best: tuple[float, list[Place], BaseGeometry] | None = None
    for way, s in _ways(room, targets, [place for place, _ in sources], swath_m):
        _, after = sources[s]
        trial, fresh = _spliced(path, way, s, after)
        strip = strip_of(fresh, swath_m)
        near = left[shapely.intersects(left, strip)]
        seen = sum(common_area_m2(one, strip) for one in near)
        if seen < 0.02 * pocket.area:
            continue
        value = seen / max(_length(trial) - _length(path) + 0.1 * swath_m, 1e-9)
        if (best is None or value > best[0]) and _clear(room, way):
            best = (value, trial, strip)
    return None if best is None else best[1:]


def _ways(
    room: Room, targets: Sequence[Place], sources: Sequence[Place], swath_m: float
) -> list[tuple[list[Place], int]]:
    """Returns ways from the source next to each target and from the path's ends, and whence."""
    places = np.array([*targets, *sources])
    ends, begins = places[: len(targets)], places[len(targets) :]
    away = np.linalg.norm(ends[:, None] - begins[None, :], axis=2)
    lines = np.stack(np.broadcast_arrays(begins[None, :], ends[:, None]), axis=2)
    clear = room.all_clear(lines.reshape(-1, 2, 2)).reshape(away.shape)
    straight = np.where(clear, away, np.inf)
    known: Ways | None = None
    if (straight.min(axis=1) > _NEAR * swath_m).any():
        # only what lies behind a corner asks for all the ways around corners
        known = Ways(room, places, [])
        away = known.distance_m[: len(targets), len(targets) :]
    else:
        away = straight
    found = []
    for t, target in enumerate(targets):
        for s in sorted({int(np.argmin(away[t])), 0, 1}):  # the first two are the path's ends
            if not np.isfinite(away[t, s]) or away[t, s] < 1e-9:
                continue
            way = [sources[s], target] if known is None else known.way(len(targets) + s, t)
            found.append((way, s))
    return found


def _targets(path: Sequence[Place], room: Room, pocket: BaseGeometry) -> list[Place]:
    line = LineString(path)
    corners = [Point(xy) for xy in shapely.get_coordinates(pocket)]
    far = max(corners, key=line.distance)
    middle = pocket.representative_point()
    return [_inside(room, far), _inside(room, middle)]


def _inside(room: Room, point: BaseGeometry) -> Place:
    near = shapely.get_coordinates(shapely.shortest_line(room.shape, point))[0]
    return float(near[0]), float(near[1])


def _sources(path: Sequence[Place], target: Place) -> list[tuple[Place, int]]:
    """Returns places of the path to set out from, each with the number of the one after it."""
    points = np.array(path)
    a, d = points[:-1], np.diff(points, axis=0)
    square = np.maximum((d**2).sum(axis=1), 1e-12)
    t = np.clip(((np.array(target) - a) * d).sum(axis=1) / square, 0.0, 1.0)
    near: Floats = a + t[:, None] * d
    away = np.linalg.norm(near - np.array(target), axis=1)
    found = [(path[0], 0), (path[-1], len(path))]
    for k in np.argsort(away, kind="stable")[:_SOURCES]:
        found.append(((float(near[k, 0]), float(near[k, 1])), int(k) + 1))
    return found


def _spliced(
    path: list[Place], way: list[Place], source: int, after: int
) -> tuple[list[Place], list[Place]]:
    """Returns the path with a way put in, and the stretch of it that sees more than before."""
    if source == 0:
        longer = way[:0:-1]
        return [*longer, *path], [*longer, *path[:2]]
    if source == 1:
        return [*path, *way[1:]], [*path[-2:], *way[1:]]
    there_and_back = [*way, *way[-2::-1]]
    trial = _thin([*path[:after], *there_and_back, *path[after:]])
    # flat where it leaves the path, which sees what is round there
    return trial, there_and_back


def _thin(path: Sequence[Place]) -> list[Place]:
    thin = [path[0]]
    for place in path[1:]:
        if math.dist(place, thin[-1]) > 1e-6:
            thin.append(place)
    return thin


def _clear(room: Room, way: Sequence[Place]) -> bool:
    return all(room.clear(a, b) for a, b in pairwise(way))


def _length(path: Sequence[Place]) -> float:
    return sum(math.dist(a, b) for a, b in pairwise(path))
