"""On which street each car is, asked for seldom and heard of often."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from core.ids import AssetId
from geo.map_matching import RoadFix, RoadMatcher
from geo.road_graph import RoadGraph
from telemetry.model import TelemetrySample

_REMEMBER = 60
"""Fixes that a later one may still change."""
_SURE = 1.0
"""Of a match's lead: the street is some three times as likely as any other."""


class StreetWatch:
    """Matches the positions of cars to the roads when somebody asks; safe in several threads.

    Hearing only keeps a position: to match it takes some milliseconds, and most are never asked
    for.
    """

    def __init__(self, roads: Callable[[], RoadGraph | None]) -> None:
        """Starts with nothing heard.

        Args:
            roads: the station's roads, which may come later or change.
        """
        self._roads = roads
        self._lock = threading.Lock()
        self._heard: dict[AssetId, deque[RoadFix]] = {}
        self._matchers: dict[AssetId, tuple[RoadGraph, RoadMatcher, threading.Lock]] = {}

    def heard(self, samples: Sequence[TelemetrySample]) -> None:
        """Keeps where a car was."""
        with self._lock:
            for sample in samples:
                if sample.position is None:
                    continue
                place, sigma_m = sample.position, sample.horizontal_sigma_m
                waiting = self._heard.setdefault(sample.asset_id, deque(maxlen=_REMEMBER))
                waiting.append(RoadFix(sample.at, place.lat_deg, place.lon_deg, sigma_m))

    def street(self, asset_id: AssetId) -> str:
        """Returns the name of the street that a car is on; empty where that is not sure."""
        graph = self._roads()
        if graph is None:
            return ""
        with self._lock:
            known = self._matchers.get(asset_id)
            if known is None or known[0] is not graph:
                known = graph, RoadMatcher(graph, remember=_REMEMBER), threading.Lock()
                self._matchers[asset_id] = known
            fixes = tuple(self._heard.pop(asset_id, ()))
        _, matcher, alone = known
        with alone:
            for fix in sorted(fixes, key=lambda one: one.at):
                matcher.add(fix)
            found = matcher.now()
        if found is None or found.place is None or found.lead < _SURE:
            return ""
        return graph.street(found.place.edge)
