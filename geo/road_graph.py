"""A routable graph of roads: where a car can drive, how long it takes, which turns are banned.

A state of the search is an edge, not a crossing, so that a banned turn and the price of turning
round cost what they should. Edges have a direction: a street of two directions is two edges.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix
from scipy.sparse.csgraph import dijkstra
from shapely import (
    LineString,
    STRtree,
    distance,
    get_coordinates,
    line_locate_point,
    linestrings,
    points,
)
from shapely.ops import substring

from geo.local_frame import Floats, LocalFrame

Ints = NDArray[np.int64]
LatLon = tuple[float, float]

U_TURN_S = 20.0
"""Price of turning round in the street."""
DEAD_END_S = 10.0
"""Price of turning round where the street ends anyway."""
OFF_ROAD_M_S = 1.5
"""From the kerb to the place itself: on foot."""
OFF_ROAD_MOST_M = 500.0
"""A place farther from any road is not reached by car."""
_LEAST_S = 1e-6
_SAME_M = 1e-3
"""Streets this much farther away than the nearest count as near: they share its crossing."""


@dataclass(frozen=True, slots=True)
class RoadPlace:
    """A place on a road: the edge, how far along it, how far the place itself is from it."""

    edge: int
    fraction: float
    off_m: float


@dataclass(frozen=True, slots=True)
class Drive:
    """A way by road."""

    seconds: float
    distance_m: float
    line: tuple[LatLon, ...]
    """Latitude and longitude; from the place itself to the place itself."""


@dataclass(frozen=True, eq=False)
class RoadGraph:
    """Roads as arrays; one row of an edge array is one direction of one street."""

    tail: Ints
    """Crossing that the edge leaves."""
    head: Ints
    length_m: Floats
    speed_m_s: Floats
    """At which a car really drives there."""
    shape_start: Ints
    """Where the edge's points begin in the two arrays below; one more than there are edges."""
    shape_lat_deg: Floats
    shape_lon_deg: Floats
    twin: Ints
    """The same street the other way, or -1 in a one-way street."""
    banned: Ints
    """Rows of two edges: from the first one may not turn into the second."""
    attribution: str = ""
    streets: tuple[str, ...] = ()
    """Name of each edge's street, empty where it has none; no names at all where nobody told."""

    def __len__(self) -> int:
        """Returns the number of edges."""
        return len(self.tail)

    @property
    def crossings(self) -> int:
        """Number of crossings and ends of streets."""
        return int(max(self.tail.max(), self.head.max())) + 1 if len(self) else 0

    @cached_property
    def seconds(self) -> Floats:
        """Time along each edge."""
        result: Floats = np.maximum(self.length_m / self.speed_m_s, _LEAST_S)
        return result

    @cached_property
    def bounds_deg(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        lon, lat = self.shape_lon_deg, self.shape_lat_deg
        return float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())

    @cached_property
    def frame(self) -> LocalFrame:
        """The local frame in which places are laid onto roads."""
        west, south, east, north = self.bounds_deg
        return LocalFrame((south + north) / 2, (west + east) / 2)

    @cached_property
    def _lines(self) -> NDArray[np.object_]:
        east, north = self.frame.to_en_m(self.shape_lat_deg, self.shape_lon_deg)
        owner = np.repeat(np.arange(len(self)), np.diff(self.shape_start))
        return np.asarray(linestrings(np.stack([east, north], axis=1), indices=owner), object)

    def line(self, edge: int) -> LineString:
        """Returns an edge's line in metres of `frame`."""
        line: LineString = self._lines[edge]
        return line

    @cached_property
    def _index(self) -> STRtree:
        return STRtree(self._lines)

    @cached_property
    def _leaving(self) -> tuple[Ints, Ints]:
        """Edges in order of their tail, and where each crossing's begin."""
        order = np.argsort(self.tail, kind="stable")
        starts = np.searchsorted(self.tail[order], np.arange(self.crossings + 1))
        return order, starts

    @cached_property
    def _back(self) -> csr_matrix:
        """Entry (f, e): seconds from the end of edge e to the end of edge f."""
        order, starts = self._leaving
        degree = np.diff(starts)
        count = degree[self.head]
        e = np.repeat(np.arange(len(self)), count)
        offset = np.arange(len(e)) - np.repeat(np.cumsum(count) - count, count)
        f = order[starts[self.head[e]] + offset]
        seconds = self.seconds[f] + self._turn_s(e, f)
        if len(self.banned):
            key = e * len(self) + f
            allowed = ~np.isin(key, self.banned[:, 0] * len(self) + self.banned[:, 1])
            e, f, seconds = e[allowed], f[allowed], seconds[allowed]
        return csr_matrix((seconds, (f, e)), shape=(len(self), len(self)))

    def _turn_s(self, e: Ints, f: Ints) -> Floats:
        _, starts = self._leaving
        round_s = np.where(np.diff(starts)[self.head[e]] == 1, DEAD_END_S, U_TURN_S)
        price: Floats = np.where(self.twin[e] == f, round_s, 0.0)
        return price

    @cached_property
    def _onward(self) -> csc_matrix:
        return csc_matrix(self._back)

    def next_edges(self, edge: int) -> Ints:
        """Returns the edges that may be driven after one, turning round in the street included."""
        onward = self._onward
        following = onward.indices[onward.indptr[edge] : onward.indptr[edge + 1]]
        return np.asarray(following, np.int64)

    def around(self, lat_deg: float, lon_deg: float, within_m: float) -> tuple[RoadPlace, ...]:
        """Returns the nearest place on each edge that comes this near, the nearest edges first."""
        dot = points(*self.frame.to_en1_m(lat_deg, lon_deg))
        edges = self._index.query(dot, predicate="dwithin", distance=within_m)
        lines = self._lines[edges]
        off_m = distance(lines, dot)
        along = line_locate_point(lines, dot, normalized=True)
        order = np.lexsort((edges, off_m))
        return tuple(
            RoadPlace(int(edges[k]), float(along[k]), float(off_m[k])) for k in order.tolist()
        )

    def street(self, edge: int) -> str:
        """Returns the name of an edge's street; empty where none is known."""
        return self.streets[edge] if self.streets else ""

    def snap(self, lat_deg: float, lon_deg: float) -> tuple[RoadPlace, ...]:
        """Returns the nearest place on a road: one for each direction and street that meet there.

        Nothing where the nearest road is farther than `OFF_ROAD_MOST_M`.
        """
        return self.snap_all([(lat_deg, lon_deg)])[0]

    def snap_all(self, places: Sequence[LatLon]) -> tuple[tuple[RoadPlace, ...], ...]:
        """Returns `snap` of each place, in their order."""
        if not places:
            return ()
        lat, lon = np.array(places, float).T
        dots = np.asarray(points(np.stack(self.frame.to_en_m(lat, lon), axis=1)), object)
        (own, _), nearest_m = self._index.query_nearest(
            dots, max_distance=OFF_ROAD_MOST_M, all_matches=False, return_distance=True
        )
        # the other direction of a street is the same line drawn backwards: rounding may tell
        # them apart, so a millimetre more is asked for
        within_m: Any = nearest_m + _SAME_M  # the stubs know one distance only
        which, edge = self._index.query(dots[own], predicate="dwithin", distance=within_m)
        dot, line = dots[own[which]], self._lines[edge]
        fraction = line_locate_point(line, dot, normalized=True)
        off_m = distance(line, dot)
        found: list[list[RoadPlace]] = [[] for _ in places]
        for k in np.lexsort((edge, which)):
            place = RoadPlace(int(edge[k]), float(fraction[k]), float(off_m[k]))
            found[own[which[k]]].append(place)
        return tuple(tuple(one) for one in found)

    def to(self, lat_deg: float, lon_deg: float) -> "WaysTo | None":
        """Returns the quickest ways from everywhere to a place; `None` where no road is near."""
        goals = self.snap(lat_deg, lon_deg)
        return WaysTo(self, (lat_deg, lon_deg), goals) if goals else None

    def search(self, goals: Sequence[RoadPlace]) -> tuple[Floats, Ints]:
        """Returns, from the end of each edge, the seconds to the goals and the edge that follows.

        The search runs backwards from one more state, the goal; an edge that leads straight
        to it is followed by that state's number or beyond: which goal it is.
        """
        m, back = len(self), self._back
        rows = [_row_of(back, goal.edge, self.seconds[goal.edge]) for goal in goals]
        # one more state for each goal, joined to those edges from which its edge may be entered
        data: list[Floats] = [back.data]
        indices: list[NDArray[np.int32]] = [back.indices]
        indptr = [int(start) for start in back.indptr]
        for goal, (before, turn_s) in zip(goals, rows, strict=True):
            part = goal.fraction * self.seconds[goal.edge]
            data.append(np.maximum(turn_s + part, _LEAST_S))
            indices.append(before)
            indptr.append(indptr[-1] + len(before))
        size = m + len(goals)
        whole = csr_matrix(
            (np.concatenate(data), np.concatenate(indices), np.array(indptr)), shape=(size, size)
        )
        seconds, following, _ = dijkstra(
            whole, indices=list(range(m, size)), return_predecessors=True, min_only=True
        )
        return seconds, following.astype(np.int64)


def _row_of(back: csr_matrix, edge: int, edge_s: float) -> tuple[NDArray[np.int32], Floats]:
    """Returns the edges from which `edge` may be entered, and the price of each turn."""
    begin, end = back.indptr[edge], back.indptr[edge + 1]
    return back.indices[begin:end], back.data[begin:end] - edge_s


class WaysTo:
    """The quickest ways by road from everywhere to one place."""

    def __init__(self, graph: RoadGraph, place: LatLon, goals: Sequence[RoadPlace]) -> None:
        """Searches once; every question after that is cheap."""
        self._graph, self._place, self._goals = graph, place, goals
        self._seconds, self._following = graph.search(goals)

    def seconds_from(self, lat_deg: float, lon_deg: float) -> float:
        """Returns the seconds from a place, infinite where no way leads here."""
        best = self._best(lat_deg, lon_deg)
        return np.inf if best is None else best[0]

    def way_from(self, lat_deg: float, lon_deg: float) -> Drive | None:
        """Returns the quickest way from a place, or `None` where there is none."""
        best = self._best(lat_deg, lon_deg)
        if best is None:
            return None
        seconds, start, goal = best
        graph = self._graph
        if goal is not None:
            pieces = [substring(graph.line(start.edge), start.fraction, goal.fraction, True)]
        else:
            pieces = [substring(graph.line(start.edge), start.fraction, 1.0, True)]
            edge = int(self._following[start.edge])
            while edge < len(graph):
                pieces.append(graph.line(edge))
                edge = int(self._following[edge])
            goal = self._goals[edge - len(graph)]
            pieces.append(substring(graph.line(goal.edge), 0.0, goal.fraction, True))
        by_road_m = sum(piece.length for piece in pieces)
        east, north = get_coordinates(pieces).T
        lat, lon = graph.frame.to_geo_deg(east, north)
        line: list[LatLon] = [
            (lat_deg, lon_deg),
            *zip(lat.tolist(), lon.tolist(), strict=True),
            self._place,
        ]
        thin = [b for a, b in zip([None, *line], line, strict=False) if a != b]
        return Drive(seconds, by_road_m + start.off_m + goal.off_m, tuple(thin))

    def seconds_and_metres(self, starts: Sequence[RoadPlace]) -> tuple[float, float]:
        """Returns time and length of the quickest way from a snapped place; maybe infinite."""
        best = self._best_of(starts)
        if best is None:
            return np.inf, np.inf
        seconds, start, goal = best
        length_m = float(self._graph.length_m[start.edge])
        if goal is not None:
            by_road_m = (goal.fraction - start.fraction) * length_m
        else:
            by_road_m = (1.0 - start.fraction) * length_m + float(self._metres[start.edge])
        return seconds, by_road_m + start.off_m + self._goals[0].off_m

    @cached_property
    def _metres(self) -> Floats:
        """Metres from the end of each edge to the goal; 0 where no way leads there."""
        graph, m = self._graph, len(self._graph)
        parts = np.array([goal.fraction * graph.length_m[goal.edge] for goal in self._goals])
        after = np.concatenate([graph.length_m, parts])
        following = self._following[:m]
        metres = np.append(np.where(following >= 0, after[following], 0.0), 0.0)
        nxt = np.append(np.where((following >= 0) & (following < m), following, m), m)
        # each round looks twice as far ahead, so a way of a thousand edges takes ten rounds
        while (nxt[:m] < m).any():
            metres = metres + metres[nxt]
            nxt = nxt[nxt]
        return metres

    def _best(
        self, lat_deg: float, lon_deg: float
    ) -> tuple[float, RoadPlace, RoadPlace | None] | None:
        return self._best_of(self._graph.snap(lat_deg, lon_deg))

    def _best_of(
        self, starts: Sequence[RoadPlace]
    ) -> tuple[float, RoadPlace, RoadPlace | None] | None:
        """Returns seconds, where one starts and, on the goal's own street, the goal."""
        found: list[tuple[float, RoadPlace, RoadPlace | None]] = []
        for start in starts:
            edge_s = float(self._graph.seconds[start.edge])
            off_s = (start.off_m + self._goals[0].off_m) / OFF_ROAD_M_S
            ahead = float(self._seconds[start.edge]) + (1.0 - start.fraction) * edge_s
            if np.isfinite(ahead):
                found.append((ahead + off_s, start, None))
            for goal in self._goals:
                if goal.edge == start.edge and goal.fraction >= start.fraction:
                    along = (goal.fraction - start.fraction) * edge_s
                    found.append((along + off_s, start, goal))
        return min(found, key=lambda one: one[0], default=None)


def travel_matrix(graph: RoadGraph, places: Sequence[LatLon]) -> tuple[Floats, Floats]:
    """Returns the seconds and metres by road between places, row from, column to.

    Infinite where no way leads; the metres are those of the quickest way.
    """
    n = len(places)
    snapped = graph.snap_all(places)
    seconds, metres = np.full((n, n), np.inf), np.full((n, n), np.inf)
    for column, (place, goals) in enumerate(zip(places, snapped, strict=True)):
        seconds[column, column] = metres[column, column] = 0.0
        if not goals:
            continue
        ways = WaysTo(graph, place, goals)
        for row, starts in enumerate(snapped):
            if row != column:
                seconds[row, column], metres[row, column] = ways.seconds_and_metres(starts)
    return seconds, metres
