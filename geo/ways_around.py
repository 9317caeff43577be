"""Shortest ways around many closed areas, without a graph of all their corners.

A way that is shortest around some of the areas is never longer than one around all of them.
So the search begins with the areas on the straight line, adds those that the way found meets,
and ends with a way that meets none: that one is the shortest. Metres in a local frame.
"""

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from shapely import LineString, Point, Polygon, STRtree, prepare
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient
from shapely.ops import nearest_points

from geo.coverage import Place
from geo.zones import Area

Areas = NDArray[np.object_]
Flags = NDArray[np.bool_]
_SLACK_M = 0.02
"""What is tested is smaller by this than the borders that ways follow: a touch is no hit."""
_MITRE = 1.5


@dataclass(frozen=True, slots=True)
class Way:
    """A way; or only how long it is at least, where the search was told to stop there."""

    places: tuple[Place, ...]
    """From the start to the goal, both included; empty where it was not followed to its end."""
    length_m: float


class WaysAround:
    """Ways that keep a distance from closed areas and stay inside a permitted one."""

    def __init__(
        self, areas: Areas, closed: Flags, permitted: Area | None, tree: STRtree | None = None
    ) -> None:
        """Takes what limits ways.

        Args:
            areas: polygons, an array of objects.
            closed: which of them are closed here.
            permitted: where one may be; `None` means everywhere.
            tree: an index of `areas`, if the caller has one.
        """
        self._areas, self._closed, self._permitted = areas, closed, permitted
        self._tree = STRtree(areas) if tree is None else tree
        self._kept: dict[tuple[int, float], BaseGeometry] = {}

    def clear(self, places: Sequence[Place], margin_m: float) -> bool:
        """Returns whether a line keeps its distance from everything closed and from outside."""
        line = _line(places)
        if self._permitted is not None and not self._room(margin_m - _SLACK_M).covers(line):
            return False
        return not self._near(line, margin_m - _SLACK_M)

    def nearest_free(self, place: Place, margin_m: float, reach_m: float) -> Place | None:
        """Returns the nearest place that keeps the margin, `None` if farther than `reach_m`."""
        if self.clear((place,), margin_m):
            return place
        point = Point(place)
        free: BaseGeometry = point.buffer(reach_m)
        if self._permitted is not None:
            free = free.intersection(self._room(margin_m))
        for number in self._near(point, reach_m + margin_m):
            free = free.difference(self._grown(number, margin_m))
        if free.is_empty:
            return None
        spot = nearest_points(free, point)[0]
        return float(spot.x), float(spot.y)

    def way(
        self, a: Place, b: Place, margin_m: float, *, longest_m: float = math.inf
    ) -> Way | None:
        """Returns the shortest way from a to b, or `None` where there is none.

        Near a start or goal that is itself nearer to a border than the margin, the way keeps
        from that border what the start or goal keeps. A way that must be longer than
        `longest_m` is not searched to its end.
        """
        ends = (Point(a), Point(b))
        margins = {
            number: min(margin_m, *(self._areas[number].distance(end) for end in ends))
            for end in ends
            for number in self._near(end, margin_m)
        }
        if any(self._areas[n].contains(end) for n in margins for end in ends):
            return None
        corners: list[Place] = []
        room: BaseGeometry | None = None
        if self._permitted is not None:
            if not all(self._permitted.covers(end) for end in ends):
                return None
            inside_m = min(margin_m, *(self._permitted.boundary.distance(end) for end in ends))
            room = self._room(inside_m - _SLACK_M)
            corners += _reflex(self._room(inside_m))
        solids: dict[int, BaseGeometry] = {}
        searched = False
        found: Way | None = Way((a, b), math.dist(a, b))
        while found is not None and found.places:
            line = _line(found.places)
            met = [
                number
                for number in self._near(line, margin_m)
                if number not in solids
                and self._grown(number, margins.get(number, margin_m) - _SLACK_M).intersects(line)
            ]
            if not met and (searched or room is None or room.covers(line)):
                return found
            searched = True
            for number in met:
                margin = margins.get(number, margin_m)
                solids[number] = self._grown(number, margin - _SLACK_M)
                corners += _convex(self._grown(number, margin))
            found = _search(a, b, corners, list(solids.values()), room, longest_m)
        return found

    def _near(self, shape: BaseGeometry, distance_m: float) -> list[int]:
        near = self._tree.query(shape, predicate="dwithin", distance=max(0.0, distance_m))
        return sorted(int(number) for number in near if self._closed[number])

    def _grown(self, number: int, margin_m: float) -> BaseGeometry:
        key = (number, margin_m)
        if key not in self._kept:
            area = self._areas[number]
            grown = area.buffer(margin_m, join_style="mitre", mitre_limit=_MITRE)
            prepare(grown)
            self._kept[key] = grown
        return self._kept[key]

    def _room(self, margin_m: float) -> BaseGeometry:
        key = (-1, margin_m)
        if key not in self._kept:
            assert self._permitted is not None
            shrunk = self._permitted.buffer(-margin_m, join_style="mitre", mitre_limit=_MITRE)
            prepare(shrunk)
            self._kept[key] = shrunk
        return self._kept[key]


def _line(places: Sequence[Place]) -> BaseGeometry:
    return LineString(places) if len(set(places)) > 1 else Point(places[0])


def _search(
    a: Place,
    b: Place,
    corners: Sequence[Place],
    solids: Sequence[BaseGeometry],
    room: BaseGeometry | None,
    longest_m: float,
) -> Way | None:
    """Returns the shortest way over corners; a leg is tested only when it could be part of it."""
    nodes = [a, b, *dict.fromkeys(corners)]
    places = np.array(nodes)
    to_goal = np.hypot(*(places - places[1]).T)
    cost = np.full(len(nodes), math.inf)
    before = [-1] * len(nodes)
    settled = [False] * len(nodes)
    queue: list[tuple[float, float, int, int]] = [(float(to_goal[0]), 0.0, 0, -1)]
    while queue:
        least, so_far, here, came_from = heapq.heappop(queue)
        if settled[here]:
            continue
        if least > longest_m:
            return Way((), least)
        if came_from >= 0 and not _free(nodes[came_from], nodes[here], solids, room):
            continue
        settled[here], before[here], cost[here] = True, came_from, so_far
        if here == 1:
            break
        steps = np.hypot(*(places - places[here]).T)
        for there in range(len(nodes)):
            if not settled[there]:
                length = so_far + float(steps[there])
                heapq.heappush(queue, (length + float(to_goal[there]), length, there, here))
    if not settled[1]:
        return None
    way, here = [], 1
    while here >= 0:
        way.append(nodes[here])
        here = before[here]
    way.reverse()
    return Way(tuple(way), math.fsum(math.dist(p, q) for p, q in pairwise(way)))


def _free(a: Place, b: Place, solids: Iterable[BaseGeometry], room: BaseGeometry | None) -> bool:
    line = _line((a, b))
    if room is not None and not room.covers(line):
        return False
    return not any(solid.intersects(line) for solid in solids)


def _convex(area: BaseGeometry) -> list[Place]:
    """Returns the corners about which a way outside an area can bend."""
    return [place for turn, place in _turns(area) if turn > 1e-9]


def _reflex(area: BaseGeometry) -> list[Place]:
    """Returns the corners about which a way inside an area can bend."""
    return [place for turn, place in _turns(area) if turn < -1e-9]


def _turns(area: BaseGeometry) -> list[tuple[float, Place]]:
    """Returns each corner and how it turns with the inside on the left, positive to the left."""
    turns: list[tuple[float, Place]] = []
    for part in getattr(area, "geoms", [area]):
        if not isinstance(part, Polygon) or part.is_empty:
            continue
        part = orient(part)
        for ring in (part.exterior, *part.interiors):
            here = np.asarray(ring.coords)[:-1, :2]
            one, two = here - np.roll(here, 1, axis=0), np.roll(here, -1, axis=0) - here
            cross = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
            turns += [
                (float(turn), (float(x), float(y)))
                for turn, (x, y) in zip(cross, here, strict=True)
            ]
    return turns
