"""Flying along a line so that a camera sees it: runs between sharp bends, each flown from behind.

A camera that looks ahead swings away in a sharp bend before it has seen what lies there. So the
line is taken apart at its sharp bends, and each run is flown from as far behind its start as the
camera looks ahead.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from shapely import LineString
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from geo.coverage import Place
from missions.planning.patrol_room import LEAD_IN_M, PatrolRoom
from missions.planning.shots import Look

_SHARP_DEG = 25.0
"""A bend of this and more ends a run of a camera that looks ahead."""
_STRAIGHT_DOWN_M = 1.0
"""A camera whose picture's centre is nearer than this below it sees around any bend."""
_CLEARLY_MORE = 1.15

Line = Sequence[Place]


def bend_deg(before: Place, here: Place, after: Place) -> float:
    """Returns by how much a line turns at a place, 0 to 180."""
    a = math.atan2(here[1] - before[1], here[0] - before[0])
    b = math.atan2(after[1] - here[1], after[0] - here[0])
    return abs(math.degrees(math.remainder(b - a, 2 * math.pi)))


def looks_ahead(seen: Look) -> bool:
    """Returns whether the camera's picture lies clearly away from below it."""
    return seen.ahead_m > _STRAIGHT_DOWN_M


def runs(line: Line) -> list[tuple[Place, ...]]:
    """Returns a line taken apart at its sharp bends; together they are the whole line."""
    found: list[tuple[Place, ...]] = []
    run = [line[0]]
    for before, here, after in zip(line, line[1:], line[2:], strict=False):
        run.append(here)
        if bend_deg(before, here, after) >= _SHARP_DEG:
            found.append(tuple(run))
            run = [here]
    return [*found, (*run, line[-1])]


def opened(ring: Line, here: Place) -> list[Place]:
    """Returns a closed ring as a line that begins and ends at its corner nearest to a place.

    A sharp corner is preferred, so that no run is taken apart there without need.
    """
    corners = list(ring[:-1]) if ring[0] == ring[-1] else list(ring)
    count = len(corners)
    sharp = [
        k
        for k in range(count)
        if bend_deg(corners[k - 1], corners[k], corners[(k + 1) % count]) >= _SHARP_DEG
    ]
    first = min(sharp or range(count), key=lambda k: (math.dist(corners[k], here), k))
    return [*corners[first:], *corners[: first + 1]]


def extended(line: Line, before_m: float, after_m: float) -> list[Place]:
    """Returns a line made longer, straight on, at both ends."""
    (ax, ay), (bx, by) = line[0], line[1]
    (cx, cy), (dx, dy) = line[-2], line[-1]
    first, last = math.dist(line[0], line[1]), math.dist(line[-2], line[-1])
    longer = list(line)
    if before_m > 0 and first > 0:
        t = before_m / first
        longer[0] = (ax + (ax - bx) * t, ay + (ay - by) * t)
    if after_m > 0 and last > 0:
        t = after_m / last
        longer[-1] = (dx + (dx - cx) * t, dy + (dy - cy) * t)
    return longer


def flown_for(line: Line, seen: Look) -> list[Place]:
    """Returns what to fly so that the picture's centre goes along a line: from behind, aside."""
    offset = math.radians(seen.yaw_offset_deg)
    along, right = seen.ahead_m * math.cos(offset), seen.ahead_m * math.sin(offset)
    moved = [*line]
    if abs(right) > _STRAIGHT_DOWN_M:
        sides = lines_of(LineString(line).offset_curve(right, join_style="mitre", mitre_limit=2.0))
        moved = max(sides, key=_length_m, default=moved)
    behind = extended(moved, max(0.0, along) + LEAD_IN_M, max(0.0, -along))
    if along <= 0:
        cut = LineString(behind)
        start = min(-along, max(0.0, cut.length - 0.1))
        return [*map(_place, substring(cut, start, cut.length).coords)]
    cut = LineString(behind)
    end = max(min(LEAD_IN_M, cut.length), cut.length - along)
    return [*map(_place, substring(cut, 0.0, end).coords)]


def pieces_for(line: Line, seen: Look, room: PatrolRoom) -> list[tuple[Place, ...]]:
    """Returns what to fly inside the room so that a run is seen, in its direction or against it.

    Against it only where that shows clearly more.
    """
    options = [room.cut(flown_for(way, seen)) for way in (line, line[::-1])]
    lengths = [sum(map(_length_m, pieces)) for pieces in options]
    return options[1] if lengths[1] > _CLEARLY_MORE * lengths[0] else options[0]


def lines_of(shape: BaseGeometry) -> list[list[Place]]:
    """Returns the lines of a shape as lists of places."""
    if isinstance(shape, LineString):
        return [] if shape.is_empty else [[*map(_place, shape.coords)]]
    return [line for part in getattr(shape, "geoms", []) for line in lines_of(part)]


def _place(xy: Sequence[float]) -> Place:
    return float(xy[0]), float(xy[1])


def _length_m(line: Line) -> float:
    return sum(math.dist(a, b) for a, b in pairwise(line))
