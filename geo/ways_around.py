"""Shortest ways around many closed areas, without a graph of all their corners.

A way that is shortest around some of the areas is never longer than one around all of them.
So the search begins with the areas on the straight line, adds those that the way found meets,
and ends with a way that meets none: that one is the shortest. Metres in a local frame.
"""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from shapely import (
    LineString,
    Point,
    Polygon,
    STRtree,
    covers,
    intersects,
    linestrings,
    prepare,
)
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient
from shapely.ops import nearest_points

from geo.coverage import Place
from geo.zones import Area

Areas = NDArray[np.object_]
Flags = NDArray[np.bool_]
Corner = tuple[float, ...]
"""East and north of a corner, of the one before it and of the one after it."""
_SLACK_M = 0.02
"""What is tested is smaller by this than the borders that ways follow: a touch is no hit."""
_MITRE = 1.5
_ALONG = 1e-4
"""Sine of an angle that is none; more legs than needed do no harm."""


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
        corners: list[Corner] = []
        room: BaseGeometry | None = None
        if self._permitted is not None:
            if not all(self._permitted.covers(end) for end in ends):
                return None
            inside_m = min(margin_m, *(self._permitted.boundary.distance(end) for end in ends))
            room = self._room(inside_m - _SLACK_M)
            corners += reflex_corners(self._room(inside_m))
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
                corners += convex_corners(self._grown(number, margin))
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
    corners: Sequence[Corner],
    solids: Sequence[BaseGeometry],
    room: BaseGeometry | None,
    longest_m: float,
) -> Way | None:
    """Returns the shortest way over corners (A*; a corner's legs are tested when it is settled)."""
    nodes = np.array([(*place, *[math.nan] * 4) for place in (a, b)] + list(corners))
    places = nodes[:, :2]
    to_goal = np.hypot(*(places - places[1]).T)
    cost = np.full(len(nodes), math.inf)
    cost[0] = 0.0
    before = np.full(len(nodes), -1)
    settled = np.zeros(len(nodes), dtype=bool)
    queue = [(float(to_goal[0]), 0)]
    while queue:
        least, here = heapq.heappop(queue)
        if settled[here]:
            continue
        if least > longest_m:
            return Way((), least)
        settled[here] = True
        if here == 1:
            break
        length = cost[here] + np.hypot(*(places - places[here]).T)
        better = np.flatnonzero(~settled & (length < cost) & _taut(nodes, here))
        better = better[free_places(places[here], places[better], solids, room)]
        cost[better], before[better] = length[better], here
        for there in better:
            heapq.heappush(queue, (float(length[there] + to_goal[there]), int(there)))
    if not settled[1]:
        return None
    way, at = [], 1
    while at >= 0:
        way.append((float(places[at, 0]), float(places[at, 1])))
        at = int(before[at])
    way.reverse()
    return Way(tuple(way), math.fsum(math.dist(p, q) for p, q in pairwise(way)))


def _taut(nodes: NDArray[np.float64], here: int) -> NDArray[np.bool_]:
    """Returns to which nodes a leg may lead: it passes a corner on one side of both its edges."""
    legs = _unit(nodes[:, :2] - nodes[here, :2])
    result = np.ones(len(nodes), dtype=bool)
    for of in (nodes, nodes[here]):
        edges = (_unit(of[..., 2:4] - of[..., :2]), _unit(of[..., 4:6] - of[..., :2]))
        one, two = (legs[:, 0] * edge[..., 1] - legs[:, 1] * edge[..., 0] for edge in edges)
        # along an edge is on neither side; start and goal have no edges: NaN is on neither, too
        result &= ~(((one < -_ALONG) & (two > _ALONG)) | ((one > _ALONG) & (two < -_ALONG)))
    return result


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.maximum(1e-12, np.hypot(rows[..., 0], rows[..., 1]))
    unit: NDArray[np.float64] = rows / length[..., None]
    return unit


def free_places(
    here: NDArray[np.float64],
    places: NDArray[np.float64],
    solids: Sequence[BaseGeometry],
    room: BaseGeometry | None,
) -> NDArray[np.bool_]:
    """Returns to which places the straight way is open."""
    ends = np.broadcast_to(here, places.shape)
    lines = np.asarray(linestrings(np.stack([ends, places], axis=1)))
    free: NDArray[np.bool_] = np.ones(len(places), dtype=bool)
    if room is not None:
        free &= covers(room, lines)
    for solid in solids:
        free[free] = ~np.asarray(intersects(solid, lines[free]))
    return free


def convex_corners(area: BaseGeometry) -> list[Corner]:
    """Returns the corners about which a way outside an area can bend."""
    return [corner for turn, corner in _turns(area) if turn > 1e-9]


def reflex_corners(area: BaseGeometry) -> list[Corner]:
    """Returns the corners about which a way inside an area can bend."""
    return [corner for turn, corner in _turns(area) if turn < -1e-9]


def _turns(area: BaseGeometry) -> list[tuple[float, Corner]]:
    """Returns each corner and how it turns with the inside on the left, positive to the left."""
    turns: list[tuple[float, Corner]] = []
    for part in getattr(area, "geoms", [area]):
        if not isinstance(part, Polygon) or part.is_empty:
            continue
        part = orient(part)
        for ring in (part.exterior, *part.interiors):
            here = np.asarray(ring.coords)[:-1, :2]
            last, following = np.roll(here, 1, axis=0), np.roll(here, -1, axis=0)
            one, two = here - last, following - here
            cross = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
            rows = np.concatenate([here, last, following], axis=1).tolist()
            turns += [(turn, tuple(row)) for turn, row in zip(cross.tolist(), rows, strict=True)]
    return turns
