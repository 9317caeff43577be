"""Plain paths for swaths as wide as the area is across: one line, or a way between corners.

There lanes and the polish's raster say little: a lane's strip ends at right angles where the lane
ends, and an arm of the area may be narrower than a cell. So a few hundred lines of all directions
and ways around corners are measured by exact shapes, and cut as short as they may be. Where none
sees enough for what lies behind its ends, the path turns round at its ends and sees that too.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import shapely
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from geo.coverage import Place
from geo.sweep_drafts import Wish
from geo.sweep_lanes import directions_deg
from geo.sweep_raster import Floats
from geo.sweep_strips import seen_share
from geo.sweep_ways import Room, Ways

_GRID_DIRECTIONS = 18
_HEIGHTS = 11
"""Parallel lines of one direction; those of a room's corners go with them."""
_CORNERS, _LENGTHENED = 12, 6
"""Corners that are joined, and how many of the ways between them go on to a third."""
_CUT, _TURNED = 30, 40
"""Lines that are cut short, and that are tried with turns at their ends."""
_BISECTIONS = 7
"""At least; long lines are cut to a twentieth of a swath."""
_WHOLE = 0.99
"""Of a room: so much of it is still to be seen where no other path sees into it."""
_TURN = 0.05
"""How far a path goes back where it turns round at its end, in swaths."""


def plain_path(
    room: Polygon,
    need: BaseGeometry,
    wish: Wish,
    known: Sequence[Sequence[Place]] = (),
    *,
    lines: bool = True,
) -> tuple[Place, ...]:
    """Returns the quickest plain path that sees enough, else the one that sees most.

    A line that need not turn round at its ends is taken before one that must.

    Args:
        room: where the path lies, a hair smaller than what is permitted.
        need: what is to be seen.
        wish: how.
        known: other paths inside the room that may serve.
        lines: whether to try others than those.
    """
    tried = [tuple(path) for path in known if len(path) > 1]
    if lines:
        tried += _chords(room, wish.angle_deg)
        tried += _corner_ways(Room(room, wish.hair_m / 2), need, wish)
    if not tried:
        inside = room.representative_point()
        return ((inside.x, inside.y),)
    judge = _Judge(need, wish)
    shares = [judge.seen(line) for line in tried]
    enough = [line for line, seen in zip(tried, shares, strict=True) if seen >= wish.seen_goal]
    best = judge.quickest(enough, tuple)
    if best is not None:
        return best
    near = judge.near(tried)
    turning = [tried[int(n)] for n in np.argsort(-near, kind="stable")[:_TURNED]]
    best = judge.quickest(turning, lambda line: _turning_round(line, wish.swath_m))
    if best is not None:
        return best
    return max([*tried, *(_turning_round(line, wish.swath_m) for line in turning)], key=judge.seen)


def straight_path(room: Polygon, need: BaseGeometry, wish: Wish) -> tuple[Place, ...] | None:
    """Returns the quickest straight line that sees enough, or `None` where none does.

    Where all that is to be seen is no wider than a swath, this is the path: lanes would cut it
    into pieces, and their polish only come back to the line.

    Args:
        room: where the path lies, a hair smaller than what is permitted.
        need: what is to be seen.
        wish: how.
    """
    if not 0 < _across_m(need) <= wish.swath_m:
        return None
    lines = _chords(room, wish.angle_deg)
    shares = [seen_share(line, wish.swath_m, need) for line in lines]
    # what a line leaves out of a whole room lies in one piece behind its ends, not in specks
    # along the border: half of what may stay unseen is enough of that
    whole = need.area > _WHOLE * room.area
    for goal in ((1 + wish.seen_goal) / 2, wish.seen_goal) if whole else (wish.seen_goal,):
        enough = [line for line, seen in zip(lines, shares, strict=True) if seen >= goal]
        path = _Judge(need, replace(wish, seen_goal=goal)).quickest(enough, tuple)
        if path is not None:
            return path
    return None


def _across_m(shape: BaseGeometry) -> float:
    """Returns how wide the narrowest box around a shape is."""
    corners = shapely.get_coordinates(shape.minimum_rotated_rectangle)
    if len(corners) < 5:
        return 0.0
    sides = np.linalg.norm(np.diff(corners[:3], axis=0), axis=1)
    return float(sides.min())


class _Judge:
    """What lines see, and how quickly."""

    def __init__(self, need: BaseGeometry, wish: Wish) -> None:
        """Keeps what is asked."""
        self._need, self._wish = need, wish

    def seen(self, path: Sequence[Place]) -> float:
        """Returns the share that a path sees."""
        return seen_share(path, self._wish.swath_m, self._need)

    def near(self, lines: Sequence[Sequence[Place]]) -> Floats:
        """Returns how much lies within half a swath of each line, behind its ends too."""
        strips = shapely.buffer([LineString(line) for line in lines], self._wish.swath_m / 2)
        area: Floats = shapely.area(shapely.intersection(strips, self._need))
        return area

    def quickest(
        self,
        lines: Sequence[Sequence[Place]],
        made: Callable[[Sequence[Place]], tuple[Place, ...]],
    ) -> tuple[Place, ...] | None:
        """Returns what is flown quickest of what is made of pieces of lines and sees enough."""
        pace, best = self._wish.pace, None
        for line in sorted(lines, key=pace.flight_s)[:_CUT]:
            path = self._cut(line, made)
            if path is not None and (best is None or pace.flight_s(path) < pace.flight_s(best)):
                best = path
        return best

    def _cut(
        self, line: Sequence[Place], made: Callable[[Sequence[Place]], tuple[Place, ...]]
    ) -> tuple[Place, ...] | None:
        """Returns what is made of the shortest piece of a line that serves, if any does."""
        whole, length = LineString(line), LineString(line).length
        least = min(1.0, _TURN * self._wish.swath_m / length)

        def path_of(begin: float, end: float) -> tuple[Place, ...] | None:
            piece = substring(whole, begin, end, normalized=True)
            path = made([(float(x), float(y)) for x, y in piece.coords])
            return path if self.seen(path) >= self._wish.seen_goal else None

        best = path_of(0.0, 1.0)
        if best is None:
            return None
        begin, end = 0.0, 1.0
        steps = max(_BISECTIONS, math.ceil(-math.log2(least)))
        for at_end in (True, False):
            kept, gone = (end, begin + least) if at_end else (begin, end - least)
            for _ in range(steps):
                middle = (kept + gone) / 2
                path = path_of(begin, middle) if at_end else path_of(middle, end)
                if path is None:
                    gone = middle
                else:
                    kept, best = middle, path
            begin, end = (begin, kept) if at_end else (kept, end)
        return best


def _turning_round(line: Sequence[Place], swath_m: float) -> tuple[Place, ...]:
    """Returns a path along a line that turns round at both ends, and so sees behind them."""
    return (_back(line[1], line[0], swath_m), *line, _back(line[-2], line[-1], swath_m))


def _back(before: Place, end: Place, swath_m: float) -> Place:
    """Returns the place on the way back from an end."""
    (ax, ay), (bx, by) = end, before
    part = min(0.5, _TURN * swath_m / max(math.dist(end, before), 1e-9))
    return ax + part * (bx - ax), ay + part * (by - ay)


def _chords(room: Polygon, angle_deg: float | None) -> list[tuple[Place, ...]]:
    """Returns the pieces inside a room of straight lines of many directions."""
    angles = {angle_deg} if angle_deg is not None else set(directions_deg(room))
    if angle_deg is None:
        angles |= {180.0 * k / _GRID_DIRECTIONS for k in range(_GRID_DIRECTIONS)}
    corners = shapely.get_coordinates(room)
    middle = corners.mean(axis=0)
    reach = float(np.linalg.norm(corners - middle, axis=1).max()) + 1.0
    lines = []
    for angle in sorted(angles):
        u = np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
        v = np.array([-u[1], u[0]])
        heights = (corners - middle) @ v
        low, high = float(heights.min()), float(heights.max())
        for part in (np.arange(_HEIGHTS) + 0.5) / _HEIGHTS:
            foot = middle + (low + float(part) * (high - low)) * v
            lines.append([foot - reach * u, foot + reach * u])
    pieces = shapely.get_parts(shapely.intersection(shapely.linestrings(lines), room))
    ends = [shapely.get_coordinates(piece) for piece in pieces if piece.length > 0]
    return [(_place(xy[0]), _place(xy[-1])) for xy in ends]


def _corner_ways(room: Room, need: BaseGeometry, wish: Wish) -> list[tuple[Place, ...]]:
    """Returns ways inside a room between corners far apart, the best of them on to a third."""
    places = _far_apart(room.corners, _CORNERS)
    ways, count = Ways(room, places, []), len(places)
    found = {
        (a, b): ways.way(a, b)
        for a in range(count)
        for b in range(a + 1, count)
        if np.isfinite(ways.distance_m[a, b])
    }
    ranked = sorted(found, key=lambda pair: -seen_share(found[pair], wish.swath_m, need))
    longer = [
        [*ways.way(c, a)[:-1], *ways.way(a, b)]
        for pair in ranked[:_LENGTHENED]
        for a, b in (pair, pair[::-1])
        for c in range(count)
        if c not in pair and np.isfinite(ways.distance_m[c, a])
    ]
    return [tuple(way) for way in (*found.values(), *longer) if len(way) > 1]


def _far_apart(corners: Floats, most: int) -> Floats:
    """Returns so many of the corners, each as far as may be from those before."""
    chosen = [int(np.argmax(np.linalg.norm(corners - corners.mean(axis=0), axis=1)))]
    away = np.linalg.norm(corners - corners[chosen[0]], axis=1)
    while len(chosen) < most and away.max() > 1e-6:
        chosen.append(int(np.argmax(away)))
        away = np.minimum(away, np.linalg.norm(corners - corners[chosen[-1]], axis=1))
    return np.asarray(corners[chosen])


def _place(xy: Floats) -> Place:
    return float(xy[0]), float(xy[1])
