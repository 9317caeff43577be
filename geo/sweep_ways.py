"""Distances and ways inside an area between many places at once: a sparse visibility graph.

The graph joins what sees each other near by, the corners of the border along it, and whatever
else the caller knows to be open (lanes). Ways of the graph are then pulled straight. Unlike
`geo.detours`, which answers one question exactly, this answers all pairs of a few hundred
places in one call.
"""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from geo.coverage import Place
from geo.sweep_raster import Floats

Ints = NDArray[np.int64]

_NEAR_PLACES = 10
_NEAR_CORNERS = 8
_FEW = 60
"""Up to so many places everything is joined with everything."""


class Room:
    """Where a path may go: one polygon, a hair inside what is permitted."""

    def __init__(self, shape: BaseGeometry, slack_m: float) -> None:
        """Prepares a room.

        Args:
            shape: one polygon; metres.
            slack_m: how far a way may leave it: less than it was shrunk by beforehand.
        """
        self.shape = shape
        self._wide = shape.buffer(slack_m, join_style="mitre")
        shapely.prepare(self._wide)
        rings = shapely.get_rings(shape)
        self.corners: Floats = np.concatenate([shapely.get_coordinates(r)[:-1] for r in rings])
        sizes = [len(shapely.get_coordinates(r)) - 1 for r in rings]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self._along: Ints = np.concatenate(
            [
                np.stack([s + np.arange(n), s + (np.arange(n) + 1) % n], axis=1)
                for s, n in zip(starts, sizes, strict=True)
            ]
        )

    def clear(self, a: Place, b: Place) -> bool:
        """Returns whether the straight way is inside."""
        return bool(self._wide.covers(shapely.linestrings([a, b])))

    def all_clear(self, lines: Floats) -> NDArray[np.bool_]:
        """Returns for each straight way (n, 2, 2) whether it is inside."""
        if not len(lines):
            return np.zeros(0, bool)
        return np.asarray(shapely.covers(self._wide, shapely.linestrings(lines)))


class Ways:
    """Shortest known ways between given places of a room."""

    def __init__(self, room: Room, places: Floats, open_pairs: Sequence[tuple[int, int]]) -> None:
        """Builds the graph.

        Args:
            room: where ways lie.
            places: (n, 2), in the room.
            open_pairs: places joined by a straight way that is known to be inside.
        """
        self._room = room
        self._nodes = np.concatenate([places, room.corners])
        n = len(places)
        pairs = self._near_pairs(places, room.corners, n)
        a, b = self._nodes[pairs[:, 0]], self._nodes[pairs[:, 1]]
        pairs = pairs[room.all_clear(np.stack([a, b], axis=1))]
        known = [np.array(list(open_pairs), np.int64).reshape(-1, 2), room._along + n]
        pairs = np.concatenate([pairs, *known])
        length = np.linalg.norm(self._nodes[pairs[:, 0]] - self._nodes[pairs[:, 1]], axis=1)
        # a zero would count as no link in a sparse matrix
        length = np.maximum(length, 1e-9)
        size = len(self._nodes)
        dense, came = dijkstra(
            _symmetric(pairs, length, size),
            directed=False,
            indices=np.arange(n),
            return_predecessors=True,
        )
        self.distance_m: Floats = dense[:, :n]
        self._came = came

    @staticmethod
    def _near_pairs(places: Floats, corners: Floats, n: int) -> Ints:
        nodes = np.concatenate([places, corners])
        found: list[Ints] = []
        if len(nodes) <= _FEW:
            i, j = np.triu_indices(len(nodes), 1)
            return np.stack([i, j], axis=1)
        for source, target, shift_s, shift_t, most in (
            (places, places, 0, 0, _NEAR_PLACES),
            (places, corners, 0, n, _NEAR_CORNERS),
            (corners, corners, n, n, _NEAR_CORNERS),
        ):
            k = min(most + 1, len(target))
            _, near = cKDTree(target).query(source, k=k)
            near = np.asarray(near).reshape(len(source), -1)
            rows = np.repeat(np.arange(len(source)), near.shape[1])
            found.append(np.stack([rows + shift_s, near.ravel() + shift_t], axis=1))
        pairs = np.concatenate(found)
        pairs = np.sort(pairs, axis=1)
        pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
        result: Ints = pairs
        return result

    def way(self, a: int, b: int) -> list[Place]:
        """Returns the way between two places by their numbers, both included."""
        if a == b:
            return [self._place(a)]
        chain = [b]
        while chain[-1] != a:
            before = int(self._came[a, chain[-1]])
            if before < 0:
                return [self._place(a), self._place(b)]  # not joined: the caller checks
            chain.append(before)
        return self.pulled([self._place(k) for k in reversed(chain)])

    def _place(self, k: int) -> Place:
        return float(self._nodes[k, 0]), float(self._nodes[k, 1])

    def pulled(self, way: list[Place]) -> list[Place]:
        """Returns a way with every corner left out that can be."""
        i, pulled = 0, [way[0]]
        while i < len(way) - 1:
            j = min(len(way) - 1, i + 12)
            while j > i + 1 and not self._room.clear(way[i], way[j]):
                j -= 1
            pulled.append(way[j])
            i = j
        return pulled


def _symmetric(pairs: Ints, length: Floats, size: int) -> csr_matrix:
    """Returns a graph with every link once; of doubles the shorter."""
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    order = np.lexsort((length, high, low))
    low, high, length = low[order], high[order], length[order]
    first = np.ones(len(low), bool)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return csr_matrix((length[first], (low[first], high[first])), shape=(size, size))
