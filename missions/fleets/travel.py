"""How long each kind of vehicle takes between the jobs of a shift; ways by road.

A job that is a line has two nodes, one for each direction; node 0 is the vehicle's home. What is
told here is exact: the optimiser gets it in whole seconds, the timing of a route as it is.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from geo.local_frame import Floats, LocalFrame
from geo.road_graph import RoadGraph, RoadPlace, WaysTo
from missions.fleet import Job, LatLon
from missions.model import Asset

STRAIGHT_FACTOR = 1.4
"""Of the straight distance, by road, where there is no road network."""


@dataclass(frozen=True, slots=True)
class Node:
    """A job, entered at the first of its places and left at the last."""

    job: int
    places: tuple[LatLon, ...]
    backwards: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Legs:
    """Ways between nodes for one kind of vehicle: row from, column to; row and column 0 are home.

    Infinite where there is no way. Shares are parts of what a battery may spend.
    """

    seconds: Floats
    metres: Floats
    within_s: Floats
    """From a node's first place to its last; 0 for home."""
    within_m: Floats
    draw: Callable[[int, int], tuple[LatLon, ...]]
    """The line from the end of one node to the begin of another, both included."""
    trace: Callable[[int], tuple[LatLon, ...]]
    """The line within a node."""
    shares: Floats | None = None
    """`None` for a vehicle that is not limited by a battery."""
    within_shares: Floats | None = None
    hover_share_s: float = 0.0
    """Of the battery, for each second of waiting or staying."""
    closed: dict[int, str] = field(default_factory=dict)
    """Nodes that this kind of vehicle can't serve at all, and why."""


def nodes_of(jobs: Sequence[Job]) -> tuple[Node, ...]:
    """Returns the nodes of jobs, in their order; a line has one for each direction."""
    found: list[Node] = []
    for number, job in enumerate(jobs):
        found.append(Node(number, job.places))
        if len(job.places) > 1:
            found.append(Node(number, job.places[::-1], backwards=True))
    return tuple(found)


def road_legs(asset: Asset, nodes: Sequence[Node], graph: RoadGraph | None) -> Legs:
    """Returns a car's ways: by road, or straight times `STRAIGHT_FACTOR` without a network."""
    home = (asset.home.lat_deg, asset.home.lon_deg)
    if graph is None:
        return _straight_legs(asset, home, nodes)
    return _RoadLegs(graph, home, nodes).legs()


class _RoadLegs:
    """Finds ways by road, each search once."""

    def __init__(self, graph: RoadGraph, home: LatLon, nodes: Sequence[Node]) -> None:
        self._graph = graph
        self._stations = [Node(-1, (home,)), *nodes]
        places = list(dict.fromkeys(p for node in self._stations for p in node.places))
        self._snapped = dict(zip(places, graph.snap_all(places), strict=True))
        self._ways: dict[LatLon, WaysTo | None] = {}

    def _to(self, place: LatLon) -> WaysTo | None:
        if place not in self._ways:
            goals = self._snapped[place]
            self._ways[place] = WaysTo(self._graph, place, goals) if goals else None
        return self._ways[place]

    def _cost(self, start: LatLon, goal: LatLon) -> tuple[float, float]:
        if start == goal:
            return 0.0, 0.0
        ways, starts = self._to(goal), self._starts(start)
        return (math.inf, math.inf) if ways is None else ways.seconds_and_metres(starts)

    def _starts(self, place: LatLon) -> tuple[RoadPlace, ...]:
        return self._snapped[place]

    def legs(self) -> Legs:
        n = len(self._stations)
        seconds, metres = np.full((n, n), math.inf), np.full((n, n), math.inf)
        within_s, within_m = np.zeros(n), np.zeros(n)
        closed: dict[int, str] = {}
        for b, goal in enumerate(self._stations):
            for a, start in enumerate(self._stations):
                seconds[a, b], metres[a, b] = self._cost(start.places[-1], goal.places[0])
            for one, two in pairwise(goal.places):
                step_s, step_m = self._cost(one, two)
                within_s[b] += step_s
                within_m[b] += step_m
            if b and not all(self._snapped[place] for place in goal.places):
                closed[b] = "no road is near it"
            elif b and not math.isfinite(seconds[0, b] + seconds[b, 0] + within_s[b]):
                closed[b] = "no way by road leads there and back"
        return Legs(seconds, metres, within_s, within_m, self._draw, self._trace, closed=closed)

    def _draw(self, a: int, b: int) -> tuple[LatLon, ...]:
        return self._line(self._stations[a].places[-1], self._stations[b].places[0])

    def _line(self, start: LatLon, goal: LatLon) -> tuple[LatLon, ...]:
        ways = self._to(goal)
        way = None if ways is None or start == goal else ways.way_from(*start)
        return (start, goal) if way is None else way.line

    def _trace(self, node: int) -> tuple[LatLon, ...]:
        places = self._stations[node].places
        line = [places[0]]
        for one, two in pairwise(places):
            line += self._line(one, two)[1:]
        return tuple(line)


def _straight_legs(asset: Asset, home: LatLon, nodes: Sequence[Node]) -> Legs:
    frame = LocalFrame(*home)
    stations = [Node(-1, (home,)), *nodes]
    first = np.array([frame.to_en1_m(*node.places[0]) for node in stations])
    last = np.array([frame.to_en1_m(*node.places[-1]) for node in stations])
    metres = STRAIGHT_FACTOR * np.hypot(*(last[:, None] - first[None]).transpose(2, 0, 1))
    within_m = np.array(
        [
            STRAIGHT_FACTOR
            * sum(
                math.dist(frame.to_en1_m(*one), frame.to_en1_m(*two))
                for one, two in pairwise(node.places)
            )
            for node in stations
        ]
    )
    return Legs(
        metres / asset.cruise_m_s,
        metres,
        within_m / asset.cruise_m_s,
        within_m,
        lambda a, b: (stations[a].places[-1], stations[b].places[0]),
        lambda node: stations[node].places,
    )
