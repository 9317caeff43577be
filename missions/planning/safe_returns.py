"""Rally points from which a return ordered anywhere on a way is free, where straight home is not.

An autopilot returns in a straight line to the nearest of home and the rally points. So where an
exclusion stands between the way and home, rally points are put on the way itself, few and so that
from everywhere each place that counts as nearest is in free sight. A rally point is a place to
come down in need: a person should look at those that a plan brings.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point, Polygon, box, union_all
from shapely.geometry.base import BaseGeometry

from geo.coverage import Place
from geo.flight_room import FlightRoom
from missions.momentum import Stop, run_on_m, runs_beyond_m

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_STEP_M = 8.0
_SLACK_M = 0.3
"""Kept from borders besides the acceptance radius."""
_NEAREST_M = 10.5
"""An autopilot may take a place for the nearest that is farther by less than this.

Told as a difference of squares that is the same along a whole leg, as the proof does.
"""
_MOST = 12
_CANDIDATES = 24
_DESCEND_UP_M = 10.0
_RAYS = 360
_HOME: Place = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Returns:
    """Where a return may end, besides home."""

    rally: tuple[Place, ...]
    safe: bool
    """Whether from everywhere on the way the way back is free."""


def open_air(
    room: FlightRoom, heights_m: tuple[float, float], radius_m: float, way: Sequence[Place]
) -> BaseGeometry:
    """Returns where a return may fly at all its heights, from its goal's up to the highest.

    Args:
        room: the flight zones.
        heights_m: of the lowest flight and the highest of flight and return, above home.
        radius_m: how far beside its line the aircraft may be.
        way: limits the area that is looked at.
    """
    around = shapely.MultiPoint([_HOME, *way]).bounds
    everywhere = box(around[0] - 200, around[1] - 200, around[2] + 200, around[3] + 200)
    margin = radius_m + _SLACK_M
    low, high = min(heights_m[0], _DESCEND_UP_M) - 1.0, heights_m[1] + 1.0
    permitted = room.permitted()
    air: BaseGeometry = everywhere if permitted is None else permitted.intersection(everywhere)
    air = air.buffer(-margin, join_style="mitre")
    closed = [
        limit.area.buffer(margin, quad_segs=4)
        for limit in room.limits
        if not limit.inclusion
        and (limit.floor_m is None or limit.floor_m <= high)
        and (limit.ceiling_m is None or limit.ceiling_m >= low)
        and limit.area.intersects(everywhere)
    ]
    return air.difference(union_all(closed)) if closed else air


def find_returns(way: Sequence[Place], air: BaseGeometry, speed_m_s: float) -> Returns:
    """Returns rally points for a way that begins and ends near home; none where home suffices.

    Args:
        way: the places flown to in turn, without home.
        air: where returns may fly (`open_air`).
        speed_m_s: of the flight, which is carried on before it turns back.
    """
    if not way:
        return Returns((), True)
    shapely.prepare(air)
    pieces = _Pieces.of(way, speed_m_s)
    home = pieces.goal(_HOME, air)
    if home.free.all():
        return Returns((), True)
    goals = [home]
    middles = (pieces.starts + pieces.ends) / 2
    places = _candidates(way, middles[~home.free], air)
    candidates = [pieces.goal(place, air, home) for place in places]
    bad = _bad(goals)
    while bad and len(goals) <= _MOST:
        singles = [(_bad([*goals, one]), [one]) for one in candidates]
        fewest, chosen = min(singles, key=_count, default=(bad, []))
        if fewest >= bad:  # two may help where one only moves the gap
            pairs = [(_bad([*goals, *two]), [*two]) for two in combinations(candidates, 2)]
            fewest, chosen = min(pairs, key=_count, default=(bad, []))
        if fewest >= bad:
            break
        bad = fewest
        goals += chosen
        candidates = [one for one in candidates if all(one is not other for other in chosen)]
    return Returns(tuple(goal.place for goal in goals[1:]), bad == 0)


def in_sight_of_home(air: BaseGeometry) -> Polygon:
    """Returns a part of the open air from everywhere in which straight home is free."""
    reach = math.hypot(*(np.abs(air.bounds).reshape(2, 2).max(axis=0))) + 1.0 if air.bounds else 1.0
    angles = 2 * math.pi * np.arange(_RAYS) / _RAYS
    tips = np.stack([np.sin(angles), np.cos(angles)], axis=1) * reach
    if air.is_empty or not air.covers(Point(_HOME)):
        return Polygon()
    lengths = np.array([_sight_m(LineString([_HOME, tip]), air) for tip in tips])
    # what stands between two rays counts for both
    least = np.minimum(lengths, np.minimum(np.roll(lengths, 1), np.roll(lengths, -1)))
    unit = tips / reach
    sight = Polygon(unit * np.maximum(0.0, least - 0.5)[:, None])
    return sight if sight.is_valid else Polygon()


def _sight_m(ray: LineString, air: BaseGeometry) -> float:
    """Returns how far along a ray from home the air is free."""
    inside = shapely.intersection(ray, air)
    for piece in getattr(inside, "geoms", [inside]):
        if (
            isinstance(piece, LineString)
            and not piece.is_empty
            and piece.distance(Point(_HOME)) < 1e-6
        ):
            return float(piece.length)
    return 0.0


@dataclass(frozen=True, slots=True)
class _Goal:
    """A place to return to, as seen from every piece of a way."""

    place: Place
    squared: Floats
    """Distances (2, n) from the begins and ends of the pieces."""
    slack: Floats
    """By how much less another's square may be and this still count as nearest beside it."""
    free: Flags
    """From which pieces the whole triangle to it is free."""


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A way from home and back to it in short pieces, with the legs that they belong to."""

    starts: Floats
    ends: Floats
    leg_starts: Floats
    leg_ends: Floats
    run_ends: Floats
    """How far an aircraft is carried at most that is ordered to return on a piece."""

    @classmethod
    def of(cls, way: Sequence[Place], speed_m_s: float) -> "_Pieces":
        """Returns the pieces of a way that is flown at a speed."""
        rows: list[Floats] = []
        runs: list[Floats] = []
        stops = [Stop(k, place, speed_m_s, halts=False) for k, place in enumerate(way)]
        beyond = runs_beyond_m(stops, 0.5)
        for k, (a, b) in enumerate(pairwise([_HOME, *way, _HOME])):
            count = max(1, math.ceil(math.dist(a, b) / _STEP_M))
            t = np.linspace(0.0, 1.0, count + 1)[:, None]
            places = np.array(a) + (np.array(b) - np.array(a)) * t
            leg = np.broadcast_to([*a, *b], (count, 4))
            rows.append(np.hstack([places[:-1], places[1:], leg]))
            length = max(math.dist(a, b), 1e-9)
            ahead = np.minimum(run_on_m(speed_m_s), (1.0 - t[1:]) * length + beyond.get(k, 0.0))
            runs.append(places[1:] + (np.array(b) - np.array(a)) * ahead / length)
        table = np.concatenate(rows)
        return cls(table[:, :2], table[:, 2:4], table[:, 4:6], table[:, 6:], np.concatenate(runs))

    def goal(self, place: Place, air: BaseGeometry, beside: "_Goal | None" = None) -> _Goal:
        """Returns a place to return to, as seen from here.

        Args:
            place: where.
            air: where returns may fly.
            beside: home: where the place can't be nearer than it, nobody looks.
        """
        most = np.maximum(
            np.hypot(*(self.leg_starts - place).T), np.hypot(*(self.leg_ends - place).T)
        )
        squared = np.array([np.sum((p - place) ** 2, axis=1) for p in (self.starts, self.ends)])
        slack = 2 * _NEAREST_M * most + _NEAREST_M**2
        asked = np.ones(len(self.starts), bool)
        if beside is not None:
            asked = (squared - beside.squared).min(axis=0) <= beside.slack
        free = np.zeros(len(self.starts), bool)
        free[asked] = shapely.covers(
            air, _triangles(self.starts[asked], self.run_ends[asked], place)
        )
        return _Goal(place, squared, slack, free)


def _triangles(starts: Floats, ends: Floats, place: Place) -> NDArray[np.object_]:
    """Returns triangles between pieces and a place; lines where they are flat."""
    goals = np.broadcast_to(place, starts.shape)
    ring = np.stack([starts, ends, goals, starts], axis=1)
    shapes = np.array(shapely.linestrings(ring), dtype=object)
    along, across = ends - starts, goals - starts
    flat = np.abs(along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0]) < 1e-3
    shapes[~flat] = shapely.polygons(ring[~flat])
    return shapes


def _candidates(way: Sequence[Place], blocked: Floats, air: BaseGeometry) -> list[Place]:
    """Returns places of the way that a rally point may be put at, those that are blocked first."""
    some = [(float(x), float(y)) for x, y in blocked[:: max(1, len(blocked) // _CANDIDATES)]]
    some += list(way)[:: max(1, len(way) // _CANDIDATES)]
    roomy = air.buffer(-1.0)
    shapely.prepare(roomy)
    return [place for place in dict.fromkeys(some) if roomy.covers(Point(place))]


def _count(option: tuple[int, list[_Goal]]) -> int:
    return option[0]


def _bad(goals: Sequence[_Goal]) -> int:
    """Returns how many pieces have a place to return to that may be nearest and is not free."""
    wrong = np.zeros(len(goals[0].free), bool)
    for goal in goals:
        nearest = ~goal.free
        for other in goals:
            if other is not goal and nearest.any():
                nearest &= (goal.squared - other.squared).min(axis=0) <= other.slack
        wrong |= nearest
    return int(np.sum(wrong))
