"""Shortest ways that stay inside an area: a visibility graph in a local metric frame."""

import heapq
import math
from collections.abc import Sequence

from shapely import LineString, Point, Polygon, prepare
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient
from shapely.ops import nearest_points

from geo.coverage import Place
from geo.zones import Area

_SLACK_M = 0.01


class Detours:
    """Ways inside one area, which may have holes and parts."""

    def __init__(self, area: Area) -> None:
        """Prepares an area; metres."""
        self._area = area
        # a hair wider, so that a way along the border counts as inside
        self._wide: BaseGeometry = area.buffer(_SLACK_M, join_style="mitre")
        prepare(self._wide)
        self._corners = _reflex_corners(area)
        self._links: dict[int, list[tuple[int, float]]] | None = None

    def clear(self, a: Place, b: Place) -> bool:
        """Returns whether the straight way lies inside."""
        if a == b:
            return bool(self._wide.covers(Point(a)))
        return bool(self._wide.covers(LineString([a, b])))

    def nearest_inside(self, place: Place) -> Place:
        """Returns the place itself where it is inside, else the nearest one that is."""
        point = Point(place)
        if self._area.is_empty or self._wide.covers(point):
            return place
        near = nearest_points(self._area, point)[0]
        return float(near.x), float(near.y)

    def way(self, a: Place, b: Place) -> tuple[Place, ...] | None:
        """Returns the shortest way from a to b, both included, or `None` where none is inside."""
        if self.clear(a, b):
            return (a, b)
        links = self._visible()
        to_goal = {n: math.dist(c, b) for n, c in enumerate(self._corners) if self.clear(c, b)}
        queue = [(math.dist(a, c), n, -1) for n, c in enumerate(self._corners) if self.clear(a, c)]
        heapq.heapify(queue)
        came_from: dict[int, int] = {}
        best, best_end = math.inf, -1
        while queue:
            cost, n, before = heapq.heappop(queue)
            if n in came_from or cost >= best:
                continue
            came_from[n] = before
            if n in to_goal and cost + to_goal[n] < best:
                best, best_end = cost + to_goal[n], n
            for other, length in links[n]:
                if other not in came_from:
                    heapq.heappush(queue, (cost + length, other, n))
        if best_end < 0:
            return None
        way = [b]
        n = best_end
        while n >= 0:
            way.append(self._corners[n])
            n = came_from[n]
        return (a, *reversed(way))

    def _visible(self) -> dict[int, list[tuple[int, float]]]:
        if self._links is None:
            self._links = {n: [] for n in range(len(self._corners))}
            for n, one in enumerate(self._corners):
                for k in range(n):
                    other = self._corners[k]
                    if self.clear(one, other):
                        length = math.dist(one, other)
                        self._links[n].append((k, length))
                        self._links[k].append((n, length))
        return self._links


def _reflex_corners(area: Area) -> list[Place]:
    """Returns the corners at which a shortest way can bend: those that point inwards."""
    corners: list[Place] = []
    for part in getattr(area, "geoms", [area]):
        if not isinstance(part, Polygon) or part.is_empty:
            continue
        part = orient(part)  # outer border counter-clockwise, holes clockwise: inside is left
        for ring in (part.exterior, *part.interiors):
            corners.extend(_right_turns([(x, y) for x, y in list(ring.coords)[:-1]]))
    return corners


def _right_turns(ring: Sequence[Place]) -> list[Place]:
    turns = []
    for before, here, after in zip((ring[-1], *ring[:-1]), ring, (*ring[1:], ring[0]), strict=True):
        cross = (here[0] - before[0]) * (after[1] - here[1]) - (here[1] - before[1]) * (
            after[0] - here[0]
        )
        if cross < -1e-12:
            turns.append(here)
    return turns
