"""On which street a car is, by all of its fixes together: a hidden Markov model over the roads.

P. Newson and J. Krumm, "Hidden Markov Map Matching Through Noise and Sparseness", ACM SIGSPATIAL
GIS 2009. The states are places on directed edges; a fix is the likelier the nearer it lies to one,
and a step the likelier the less the way by road differs from the way as the crow flies. Here the
error of each fix is its own, a bend counts only where the road lets a car turn, and turning round
in the street is possible but dear.
"""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from geo.local_frame import distance_m
from geo.road_graph import RoadGraph, RoadPlace

USUAL_SIGMA_M = 5.0
"""Of a fix that tells no error of its own."""
ROAD_SIGMA_M = 3.0
"""Roads are drawn by their middle, and not exactly."""
_BETA_M = 4.0
"""Mean difference of the two ways for fixes that lie close together, and below its growth."""
_BETA_FRACTION = 0.1
_REACH_SIGMAS = 4.0
_REACH_LEAST_M, _REACH_MOST_M = 25.0, 120.0
_CANDIDATES_MOST = 14
_DETOUR = 2.0
_DETOUR_M = 150.0
"""A way by road that is longer than so many times the straight one, and this, is none."""
_TURN_ROUND_M = 60.0
"""Price of turning round in the street, in metres of difference."""
_BACK_M = 15.0
"""A fix may lie this far behind the one before on the same street: it is noise."""
_STILL_SIGMAS = 2.0
"""Fixes nearer than this to the one used last say nothing new."""


@dataclass(frozen=True, slots=True)
class RoadFix:
    """Where a receiver says that a car was."""

    at: datetime
    lat_deg: float
    lon_deg: float
    sigma_m: float | None = None
    """One sigma along one axis."""


@dataclass(frozen=True, slots=True)
class Matched:
    """What a fix came to."""

    fix: RoadFix
    place: RoadPlace | None
    """On the road; `None` where no road is near, or none that fits with the rest."""
    lead: float = 0.0
    """How much likelier than the best place on any other street, as the difference of logarithms;
    small where it is a guess. 0 where there is no place."""


@dataclass(frozen=True, slots=True)
class _State:
    place: RoadPlace
    score: float
    before: int
    """Which of the states of the fix before it follows; -1 begins."""


class RoadMatcher:
    """Matches the fixes of one car as they come. It keeps what is needed to change its mind."""

    def __init__(self, graph: RoadGraph, *, remember: int = 120) -> None:
        """Starts with no fix.

        Args:
            graph: the roads.
            remember: how many fixes back a later one may still change the match.
        """
        self._graph, self._remember = graph, remember
        self._fixes: list[RoadFix] = []
        self._layers: list[list[_State]] = []
        self._used: list[int] = []
        """Which layer each fix belongs to; -1 where no road was near."""

    def add(self, fix: RoadFix) -> None:
        """Takes the next fix; one that is not later than the last is left out."""
        if self._fixes and fix.at <= self._fixes[-1].at:
            return
        self._fixes.append(fix)
        if self._layers and self._stands(fix):
            self._used.append(len(self._layers) - 1)
        else:
            found = self._candidates(fix)
            if found:
                self._layers.append(self._reached(fix, found))
                self._last = fix
            self._used.append(len(self._layers) - 1 if found else -1)
        self._forget()

    def matched(self) -> tuple[Matched, ...]:
        """Returns the fixes that are remembered, each with its likeliest place by now."""
        chosen = _backwards(self._layers)
        result = []
        for fix, layer in zip(self._fixes, self._used, strict=True):
            if layer < 0:
                result.append(Matched(fix, None))
                continue
            state = self._layers[layer][chosen[layer]]
            result.append(Matched(fix, state.place, self._lead(layer, state)))
        return tuple(result)

    def now(self) -> Matched | None:
        """Returns the newest fix with its place; `None` before there is any."""
        found = self.matched()
        return found[-1] if found else None

    def _stands(self, fix: RoadFix) -> bool:
        apart_m = distance_m(self._last.lat_deg, self._last.lon_deg, fix.lat_deg, fix.lon_deg)
        return apart_m < _STILL_SIGMAS * _sigma_m(fix)

    def _candidates(self, fix: RoadFix) -> list[RoadPlace]:
        reach_m = min(_REACH_MOST_M, max(_REACH_LEAST_M, _REACH_SIGMAS * _sigma_m(fix)))
        found = self._graph.around(fix.lat_deg, fix.lon_deg, reach_m)
        return list(found[:_CANDIDATES_MOST])

    def _reached(self, fix: RoadFix, places: Sequence[RoadPlace]) -> list[_State]:
        """Returns the states of a fix, each after the one from which it is likeliest."""
        sigma_m = _sigma_m(fix)
        near = [-0.5 * (place.off_m / sigma_m) ** 2 for place in places]
        if not self._layers:
            return [_State(p, score, -1) for p, score in zip(places, near, strict=True)]
        apart_m = distance_m(self._last.lat_deg, self._last.lon_deg, fix.lat_deg, fix.lon_deg)
        beta_m = _BETA_M + _BETA_FRACTION * apart_m
        limit_m = _DETOUR * apart_m + _DETOUR_M
        best: list[tuple[float, int]] = [(-math.inf, -1)] * len(places)
        for number, state in enumerate(self._layers[-1]):
            ways = ways_by_road_m(self._graph, state.place, places, limit_m)
            for k, way_m in enumerate(ways):
                if math.isfinite(way_m):
                    score = state.score - abs(way_m - apart_m) / beta_m
                    best[k] = max(best[k], (score, number))
        if all(number < 0 for _, number in best):  # a gap: what came before says nothing here
            worst = min(state.score for state in self._layers[-1])
            return [_State(p, worst + score, -1) for p, score in zip(places, near, strict=True)]
        reached = [
            _State(place, before[0] + score, before[1])
            for place, score, before in zip(places, near, best, strict=True)
            if before[1] >= 0
        ]
        top = max(state.score for state in reached)
        return [_State(s.place, s.score - top, s.before) for s in reached]

    def _lead(self, layer: int, chosen: _State) -> float:
        street = self._same_street(chosen.place.edge)
        others = [s.score for s in self._layers[layer] if s.place.edge not in street]
        return 100.0 if not others else max(0.0, chosen.score - max(others))

    def _same_street(self, edge: int) -> frozenset[int]:
        return frozenset({edge, int(self._graph.twin[edge])})

    def _forget(self) -> None:
        """Drops the oldest fixes, and layers that none of the rest belongs to."""
        if len(self._fixes) <= self._remember:
            return
        cut = len(self._fixes) - self._remember
        del self._fixes[:cut], self._used[:cut]
        first = min((layer for layer in self._used if layer >= 0), default=len(self._layers))
        if first:
            del self._layers[:first]
            self._used = [layer - first if layer >= 0 else -1 for layer in self._used]


def match(graph: RoadGraph, fixes: Sequence[RoadFix]) -> tuple[Matched, ...]:
    """Returns the fixes of one car, in order of time, each with its likeliest place on a road."""
    ordered = sorted(fixes, key=lambda fix: fix.at)
    matcher = RoadMatcher(graph, remember=max(1, len(ordered)))
    for fix in ordered:
        matcher.add(fix)
    return matcher.matched()


def ways_by_road_m(
    graph: RoadGraph, start: RoadPlace, goals: Sequence[RoadPlace], limit_m: float
) -> list[float]:
    """Returns the metres by road from a place to others; infinite beyond the limit.

    Turning round in the street is priced; a goal a little behind, on the same edge, is taken for
    noise and costs what it lies behind.
    """
    length_m = float(graph.length_m[start.edge])
    result = [math.inf] * len(goals)
    open_goals: dict[int, list[int]] = {}
    for k, goal in enumerate(goals):
        if goal.edge == start.edge:
            ahead_m = (goal.fraction - start.fraction) * length_m
            if ahead_m >= -_BACK_M:
                result[k] = abs(ahead_m)
                continue
        open_goals.setdefault(goal.edge, []).append(k)
    done: set[int] = set()
    queue = [((1.0 - start.fraction) * length_m, start.edge)]
    wanted = set(open_goals)
    while queue and wanted:
        metres, edge = heapq.heappop(queue)
        if metres > limit_m or edge in done:
            continue
        done.add(edge)
        for following in graph.next_edges(edge).tolist():
            price = _TURN_ROUND_M if graph.twin[edge] == following else 0.0
            begins_m = metres + price
            if begins_m > limit_m:
                continue
            for k in open_goals.get(following, ()):
                whole_m = begins_m + goals[k].fraction * float(graph.length_m[following])
                if whole_m <= limit_m:
                    result[k] = min(result[k], whole_m)
            if following in wanted:
                wanted.discard(following)
            if following not in done:
                heapq.heappush(queue, (begins_m + float(graph.length_m[following]), following))
    return result


def _sigma_m(fix: RoadFix) -> float:
    return math.hypot(fix.sigma_m or USUAL_SIGMA_M, ROAD_SIGMA_M)


def _backwards(layers: Sequence[Sequence[_State]]) -> list[int]:
    """Returns which state of each layer lies on the likeliest way."""
    chosen = [0] * len(layers)
    following = -1
    for n in range(len(layers) - 1, -1, -1):
        if following < 0:
            scores = [state.score for state in layers[n]]
            chosen[n] = scores.index(max(scores))
        else:
            chosen[n] = following
        following = layers[n][chosen[n]].before
    return chosen
