"""A drone's ways between the jobs of a shift: around zones, with wind, in parts of its battery."""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon, box
from shapely.ops import nearest_points

from geo.coverage import Place
from geo.detours import Detours
from geo.flight_room import FlightRoom
from geo.ports import TerrainModel
from geo.zones import Area, Zone
from missions.endurance import CORNER_S, Air, Cost, Spot, air_of, share_of, spendable
from missions.fleet import LatLon
from missions.fleets.travel import Legs, Node
from missions.model import Asset
from missions.planning.patrol_room import MARGIN_M, UP_MARGIN_M
from missions.weather import Weather

STAND_OFF_HEIGHTS = 1.0
"""A place that may not be flown over is looked at from this far, in heights."""
_AROUND_M = 2_000.0
_SIMPLER_M = 2.0
_SLACK_M = 0.01


class AirWays:
    """Where one drone may fly at one height, and its ways between nodes."""

    def __init__(
        self,
        asset: Asset,
        nodes: Sequence[Node],
        zones: Sequence[Zone],
        *,
        up_m: float,
        margin_m: float = 0.0,
        weather: Weather | None = None,
        terrain: TerrainModel | None = None,
    ) -> None:
        """Prepares the room.

        Args:
            asset: who flies, from its home and back.
            nodes: the jobs' nodes.
            zones: flight zones in force at any time of the shift.
            up_m: wanted height above home; lowered below the ceilings of inclusions.
            margin_m: kept from borders beyond what is kept always.
            weather: wind and temperature; `None` is still mild air.
            terrain: joins heights above ground with home.
        """
        self._asset = asset
        room = FlightRoom(zones, asset.home, terrain)
        self.frame = room.frame
        ceilings = [li.ceiling_m for li in room.inclusions if li.ceiling_m is not None]
        self.up_m = min([up_m, *(ceiling - UP_MARGIN_M for ceiling in ceilings)])
        self._air: Air = air_of(asset, weather)
        self._budget: Cost = spendable(asset, weather)
        wanted = [[self.frame.to_en1_m(*place) for place in node.places] for node in nodes]
        every = [(0.0, 0.0), *(spot for places in wanted for spot in places)]
        west, south = (min(axis) - _AROUND_M for axis in zip(*every, strict=True))
        east, north = (max(axis) + _AROUND_M for axis in zip(*every, strict=True))
        keep = asset.acceptance_radius_m + MARGIN_M + margin_m
        self._free = _simpler(room.free(self.up_m, keep, box(west, south, east, north)))
        self._detours = Detours(self._free)
        self.closed: dict[int, str] = {}
        self.looks: list[LatLon | None] = [None]
        """For each node the place to be looked at where it is not flown over."""
        self.stations: list[tuple[Place, ...]] = [((0.0, 0.0),)]
        for number, places in enumerate(wanted, start=1):
            self.stations.append(self._flown(number, nodes[number - 1], places))

    def _flown(self, number: int, node: Node, places: list[Place]) -> tuple[Place, ...]:
        """Returns where to fly for a node: above it, or beside it where that is closed."""
        look: LatLon | None = None
        if len(places) == 1:
            near = self._beside(places[0])
            away = math.dist(near, places[0])
            if away > STAND_OFF_HEIGHTS * self.up_m or self._free.is_empty:
                self.closed[number] = f"no permitted place is within {self.up_m:.0f} m of it"
            else:
                look = node.places[0] if away > 0 else None
                places = [near]
        elif not self._wide.covers(LineString(places)):
            self.closed[number] = "its line leaves what is permitted"
        self.looks.append(look)
        return tuple(places)

    def _beside(self, place: Place) -> Place:
        """Returns the place itself, or the nearest permitted one, on the side of home if it can.

        From there the way home and a return ordered there are less often blocked.
        """
        if self._free.is_empty or self._wide.covers(Point(place)):
            return place
        towards_home = LineString([place, (0.0, 0.0)]) if place != (0.0, 0.0) else Point(place)
        side = towards_home.intersection(self._free)
        if not side.is_empty:
            near = nearest_points(side, Point(place))[0]
            if math.dist((near.x, near.y), place) <= STAND_OFF_HEIGHTS * self.up_m:
                return float(near.x), float(near.y)
        return self._detours.nearest_inside(place)

    @cached_property
    def _wide(self) -> Area:
        wide: Area = self._free.buffer(_SLACK_M, join_style="mitre")
        shapely.prepare(wide)
        return wide

    def legs(self) -> Legs:
        """Returns the ways between all nodes; a closed node has none."""
        n = len(self.stations)
        seconds, metres = np.full((n, n), math.inf), np.full((n, n), math.inf)
        shares = np.full((n, n), math.inf)
        within_s, within_m, within_shares = np.zeros(n), np.zeros(n), np.zeros(n)
        open_ = [k for k in range(n) if k not in self.closed]
        clear = self._clear(open_)
        for a in open_:
            for b in open_:
                way = self._way(a, b, clear=bool(clear[a, b]))
                if way is None:
                    continue
                cost = self._cost(a, b, way)
                seconds[a, b] = cost.seconds
                shares[a, b] = share_of(cost, self._budget)
                metres[a, b] = _length(way)
        for b in open_:
            places = self.stations[b]
            cost = self._air.way([self._up(p) for p in places], self._asset.cruise_m_s)
            within_s[b], within_m[b] = cost.seconds, _length(places)
            within_shares[b] = share_of(cost, self._budget)
        closed = dict(self.closed)
        for b in open_[1:]:
            if not math.isfinite(seconds[0, b] + seconds[b, 0]):
                closed[b] = "no permitted way leads there and back, or not against this wind"
        hover = share_of(self._air.hover(1.0), self._budget)
        return Legs(
            seconds, metres, within_s, within_m, self.draw, self.trace,
            shares, within_shares, hover, closed,
        )  # fmt: skip

    def way(self, a: int, b: int) -> tuple[Place, ...]:
        """Returns the way from the end of one node to the begin of another, both included."""
        found = self._way(a, b, clear=False)
        return (self.stations[a][-1], self.stations[b][0]) if found is None else found

    def draw(self, a: int, b: int) -> tuple[LatLon, ...]:
        """Returns that way in latitude and longitude."""
        return self._drawn(self.way(a, b))

    def trace(self, node: int) -> tuple[LatLon, ...]:
        """Returns the line within a node."""
        return self._drawn(self.stations[node])

    def _drawn(self, places: Sequence[Place]) -> tuple[LatLon, ...]:
        return tuple(self.frame.to_geo1_deg(*place) for place in places)

    def _clear(self, open_: Sequence[int]) -> np.ndarray:
        """Returns which pairs of open nodes see each other, all at once."""
        n = len(self.stations)
        clear = np.zeros((n, n), dtype=bool)
        pairs = [(a, b) for a in open_ for b in open_]
        ends = np.array([[self.stations[a][-1], self.stations[b][0]] for a, b in pairs])
        inside = np.atleast_1d(shapely.covers(self._wide, shapely.linestrings(ends)))
        clear[tuple(np.array(pairs).T)] = inside
        return clear

    def _way(self, a: int, b: int, *, clear: bool) -> tuple[Place, ...] | None:
        start, goal = self.stations[a][-1], self.stations[b][0]
        if clear or start == goal:
            return (start, goal)
        if (a == 0 or b == 0) and not self._wide.covers(Point(0.0, 0.0)):
            return self._from_a_home_outside(a, start, goal)
        return self._detours.way(start, goal)

    def _from_a_home_outside(self, a: int, start: Place, goal: Place) -> tuple[Place, ...] | None:
        """Returns the way where home itself lies within the margin of a border."""
        near = self._detours.nearest_inside((0.0, 0.0))
        if math.dist(near, (0.0, 0.0)) > self._asset.acceptance_radius_m + 2 * MARGIN_M:
            return None
        way = self._detours.way(near, goal) if a == 0 else self._detours.way(start, near)
        if way is None:
            return None
        return ((0.0, 0.0), *way) if a == 0 else (*way, (0.0, 0.0))

    def _up(self, place: Place) -> Spot:
        return (*place, self.up_m)

    def _cost(self, a: int, b: int, way: Sequence[Place]) -> Cost:
        speed = self._asset.cruise_m_s
        spots = [self._up(place) for place in way]
        cost = self._air.way(spots, speed) + self._air.hover(CORNER_S)
        if a == 0:
            cost += self._air.leg((0.0, 0.0, 0.0), (0.0, 0.0, self.up_m), speed)
        if b == 0:
            cost += self._air.leg((0.0, 0.0, self.up_m), (0.0, 0.0, 0.0), speed)
        return cost


def _simpler(free: Area) -> Area:
    """Returns simpler borders, which keep the search fast; shrunk first, so as to stay inside."""
    simpler = free.buffer(-_SIMPLER_M, join_style="mitre").simplify(_SIMPLER_M)
    if not isinstance(simpler, Polygon | MultiPolygon) or simpler.is_empty:
        return free
    return simpler if free.covers(simpler) else free


def _length(way: Sequence[Place]) -> float:
    return math.fsum(math.dist(way[k], way[k + 1]) for k in range(len(way) - 1))
