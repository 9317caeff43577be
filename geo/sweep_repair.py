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
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from geo.coverage import Place
from geo.sweep_raster import Floats
from geo.sweep_strips import common_area_m2, strip_of, without
from geo.sweep_ways import Room, Ways

_MOST_DETOURS = 40
_SOURCES = 16


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
    given_up: list[BaseGeometry] = []
    for _ in range(_MOST_DETOURS):
        left = without(need, strip_of(path, swath_m))
        if left.area <= (1 - goal) * need.area:
            break
        pockets = [p for p in shapely.get_parts(left) if p.geom_type == "Polygon"]
        pockets = [p for p in pockets if not any(g.intersects(p) for g in given_up)]
        if not pockets:
            break
        pocket = max(pockets, key=lambda one: one.area)
        better = _with_detour(path, room, left, pocket, swath_m)
        if better is None:
            given_up.append(pocket.representative_point().buffer(0.02 * swath_m))
        else:
            path = better
    return path


def _with_detour(
    path: list[Place], room: Room, left: BaseGeometry, pocket: BaseGeometry, swath_m: float
) -> list[Place] | None:
    """Returns the path with the detour that sees most for its length."""
    targets = _targets(path, room, pocket)
    sources = _sources(path, targets[0])
    places = np.array([*targets, *(place for place, _ in sources)])
    ways = Ways(room, places, [])
    best: tuple[float, list[Place]] | None = None
    for t in range(len(targets)):
        away = ways.distance_m[t, len(targets) :]
        nearest = int(np.argmin(away))
        choices = {nearest, 0, 1}  # the first two are the path's ends
        for s in choices:
            if not np.isfinite(away[s]) or away[s] < 1e-9:
                continue
            way = ways.way(len(targets) + s, t)
            _, after = sources[s]
            for trial in _spliced(path, way, s, after):
                cost = _length(trial) - _length(path) + 0.1 * swath_m
                seen = common_area_m2(left, strip_of(trial, swath_m))
                if seen < 0.02 * pocket.area:
                    continue
                value = seen / max(cost, 1e-9)
                if (best is None or value > best[0]) and _clear(room, way):
                    best = (value, trial)
    return None if best is None else best[1]


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


def _spliced(path: list[Place], way: list[Place], source: int, after: int) -> list[list[Place]]:
    there_and_back = [*way, *way[-2::-1]]
    if source == 0:
        return [[*way[:0:-1], *path]]
    if source == 1:
        return [[*path, *way[1:]]]
    return [_thin([*path[:after], *there_and_back, *path[after:]])]


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
