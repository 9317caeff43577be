"""The patterns of a patrol: what is to be seen, turned into stops inside its room.

Lanes over areas, lanes along a road, a ring along borders, circles about places, a look-list.
Whatever can't be flown inside the room is left out and said, never flown outside.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from shapely import LineString, MultiPolygon, Point, Polygon, union_all

from geo.coverage import Lane, Place, lanes
from geo.sweep_path import cover, covered_fraction
from geo.sweep_time import Pace
from geo.zones import Area
from missions.endurance import CORNER_S
from missions.planning.line_runs import (
    bend_deg,
    extended,
    lines_of,
    looks_ahead,
    opened,
    pieces_for,
    runs,
)
from missions.planning.patrol_room import LEAD_IN_M, SHORTEST_M, Journey, PatrolRoom
from missions.planning.shots import Look
from missions.planning.tours import tour

_CHORD_ERROR_M = 1.0
"""Greatest way that a flown polygon cuts off its circle."""
_DIRECTIONS = 16
_NEARER = (1.0, 0.6, 0.3, 0.0)
"""Parts of the usual distance from which a place is looked at, the best first."""
_MITRE = 1.5
_LITTLE = 0.01
"""A smaller part of an area that is not seen is not worth a word."""
_UNREACHED = "no free way leads there"
_CLOSED = "it lies outside what may be flown"


def area_pattern(parts: Sequence[Polygon], spacing_m: float, journey: Journey) -> None:
    """Flies lanes over areas, where the camera sees them from, the nearest area first."""
    room = journey.room
    left = list(parts)
    while left:
        left.sort(key=lambda part: part.distance(Point(journey.here)))
        part = left.pop(0)
        if not looks_ahead(room.seen):
            _sweep(part, spacing_m, journey)
            continue
        missed, reason = 0, _CLOSED
        for lane in lanes(part, spacing_m, inside=_hull(part), start=journey.here):
            pieces = _flown(lane, room.seen, room)
            flown = [journey.go((piece.start, piece.end)) for piece in pieces]
            if not all(flown):
                reason = _UNREACHED
            missed += not pieces or not all(flown)
        if missed:
            middle = part.representative_point()
            journey.leave_out(f"{missed} lanes of an area", (middle.x, middle.y), reason)


def _sweep(part: Polygon, spacing_m: float, journey: Journey) -> None:
    """Flies the shortest path over an area for a camera that sees what lies below it."""
    near = journey.room.free.intersection(part.buffer(spacing_m, join_style="mitre"))
    room = union_all([p for p in getattr(near, "geoms", [near]) if isinstance(p, Polygon)])
    if not isinstance(room, Polygon | MultiPolygon) or room.is_empty:
        middle = part.representative_point()
        journey.leave_out("an area", (middle.x, middle.y), _CLOSED)
        return
    found = cover(part, spacing_m, permitted=room, start=journey.here, pace=Pace(turn_s=CORNER_S))
    flown = []
    for line in found.parts:
        if journey.go(line):
            flown.append(line)
        else:
            journey.leave_out("a part of an area", line[0], _UNREACHED)
    missed = 1.0 - covered_fraction(found.parts, spacing_m, part)
    if missed > _LITTLE:
        rest = part.difference(union_all([LineString(p).buffer(spacing_m / 2) for p in flown]))
        middle = (rest if not rest.is_empty else part).representative_point()
        what = f"{100 * missed:.0f} % of an area"
        journey.leave_out(what, (middle.x, middle.y), _CLOSED)


def _flown(lane: Lane, seen: Look, room: PatrolRoom) -> list[Lane]:
    """Returns where to fly so that a lane is seen: shifted against the look, cut to room."""
    cut = [_cut(option, seen, room) for option in (lane, lane.reversed())]
    lengths = [sum(piece.length_m for piece in pieces) for pieces in cut]
    # against the planned direction only where that shows clearly more
    return cut[1] if lengths[1] > 1.15 * lengths[0] else cut[0]


def _cut(lane: Lane, seen: Look, room: PatrolRoom) -> list[Lane]:
    length = lane.length_m
    if length < 1e-6:
        return []
    ue, un = (lane.end[0] - lane.start[0]) / length, (lane.end[1] - lane.start[1]) / length
    offset = math.radians(seen.yaw_offset_deg)
    along, right = seen.ahead_m * math.cos(offset), seen.ahead_m * math.sin(offset)
    shift = (-along * ue - right * un, -along * un + right * ue)
    start = (
        lane.start[0] + shift[0] - LEAD_IN_M * ue,
        lane.start[1] + shift[1] - LEAD_IN_M * un,
    )
    end = (lane.end[0] + shift[0], lane.end[1] + shift[1])
    return [Lane(piece[0], piece[-1], lane.cell) for piece in room.cut((start, end))]


def _hull(part: Polygon) -> Polygon:
    hull = part.convex_hull
    return hull if isinstance(hull, Polygon) else part


def corridor_area(line: Sequence[Place], width_m: float) -> Area:
    """Returns the strip of a width along a line: its ends square, its sharp corners cut off."""
    strip: Area = LineString(line).buffer(
        width_m / 2, cap_style="square", join_style="mitre", mitre_limit=_MITRE
    )
    return strip


def corridor_pattern(
    line: Sequence[Place], width_m: float, spacing_m: float, journey: Journey
) -> None:
    """Flies as many lanes along a line as its width needs, to and fro.

    At its square ends and in sharp bends a lane goes on until its corner is seen too.
    """
    width = journey.room.seen.width_m
    count = max(1, math.ceil((width_m - width) / spacing_m - 1e-9) + 1)
    gap = width_m / count
    middles = [gap * (k + 0.5) - width_m / 2 for k in range(count)]
    if math.dist(journey.here, line[-1]) < math.dist(journey.here, line[0]):
        line = line[::-1]
    for number, offset in enumerate(middles):
        way = line if number % 2 == 0 else line[::-1]
        side = offset if number % 2 == 0 else -offset
        for run in _corridor_runs(way, width_m / 2, journey.room.seen):
            for lane in _beside(run, side):
                _fly(lane, f"lane {number + 1} of {count} of the corridor", journey)


def _corridor_runs(line: Sequence[Place], half_m: float, seen: Look) -> list[list[Place]]:
    if not looks_ahead(seen):
        return [extended(line, half_m, half_m)]
    parts = runs(line)
    corners = [math.radians(bend_deg(a[-2], a[-1], b[1])) for a, b in pairwise(parts)]
    beyond = [half_m, *(half_m * min(1.0, math.tan(min(c, 3.0) / 2)) for c in corners), half_m]
    return [extended(run, beyond[k], beyond[k + 1]) for k, run in enumerate(parts)]


def _beside(line: Sequence[Place], left_m: float) -> list[list[Place]]:
    """Returns a line shifted to its left; bends that are too tight for it are cut off."""
    if abs(left_m) < 1e-6:
        return [list(line)]
    shifted = LineString(line).offset_curve(left_m, join_style="mitre", mitre_limit=_MITRE)
    return [found for found in lines_of(shifted) if len(found) > 1]


def _fly(line: Sequence[Place], what: str, journey: Journey) -> None:
    pieces = pieces_for(line, journey.room.seen, journey.room)
    middle = line[len(line) // 2]
    if not pieces:
        journey.leave_out(what, middle, _CLOSED)
    for piece in pieces:
        if not journey.go(piece):
            journey.leave_out(what, piece[0], _UNREACHED)


def perimeter_pattern(parts: Sequence[Polygon], journey: Journey) -> None:
    """Flies along the inside of borders, those of holes too, the nearest first.

    A quarter of the picture's width inside, so that the border itself is in the picture.
    """
    room = journey.room
    rings: list[list[Place]] = []
    for part in parts:
        found = _rings(part, room)
        if not found:
            middle = part.representative_point()
            journey.leave_out("the border of an area", (middle.x, middle.y), _CLOSED)
        rings += found
    while rings:
        rings.sort(key=lambda ring: LineString(ring).distance(Point(journey.here)))
        line = opened(rings.pop(0), journey.here)
        if not looks_ahead(room.seen):
            pieces: list[tuple[Place, ...]] = [tuple(line)]
        else:
            pieces = [p for run in runs(line) for p in pieces_for(run, room.seen, room)]
        for piece in pieces:
            if not journey.go(piece):
                journey.leave_out("a stretch of a border", piece[0], _UNREACHED)


def _rings(part: Polygon, room: PatrolRoom) -> list[list[Place]]:
    """Returns what to follow of a part's borders: inside it, and inside the room."""
    inside = room.seen.width_m / 4
    inner = part.buffer(-inside, join_style="mitre")
    while inner.is_empty and inside > 0.1:  # a narrow area is followed along its middle
        inside /= 2
        inner = part.buffer(-inside, join_style="mitre")
    flown = inner.intersection(room.free)
    holes = [Polygon(hole) for hole in part.interiors]
    rings: list[list[Place]] = []
    for piece in getattr(flown, "geoms", [flown]):
        if not isinstance(piece, Polygon) or piece.length < 4 * SHORTEST_M:
            continue
        rings.append([(float(x), float(y)) for x, y in piece.exterior.coords])
        for hole in piece.interiors:  # one that only an exclusion made is no border of the area
            if any(Polygon(hole).intersection(own).area > 0 for own in holes):
                rings.append([(float(x), float(y)) for x, y in hole.coords])
    return rings


def circle(centre: Place, radius_m: float, start: Place, *, clockwise: bool = True) -> list[Place]:
    """Returns a closed circle as corners on it, begun at the place nearest to `start`.

    The chords come nowhere nearer to the centre than the radius less a metre, or a twentieth.
    """
    error = min(_CHORD_ERROR_M, radius_m / 20)
    count = max(8, math.ceil(math.pi / math.acos(1.0 - error / radius_m)))
    first = math.atan2(start[1] - centre[1], start[0] - centre[0])
    turn = -2 * math.pi / count if clockwise else 2 * math.pi / count
    ring = [
        (
            centre[0] + radius_m * math.cos(first + k * turn),
            centre[1] + radius_m * math.sin(first + k * turn),
        )
        for k in range(count)
    ]
    return [*ring, ring[0]]


def orbit_pattern(
    places: Sequence[Place], radius_m: float, height_m: float, journey: Journey
) -> None:
    """Flies a circle about each place, looking at it; where the room cuts it, its arcs.

    A camera that looks to the left of the nose is flown counter-clockwise, so that it needs to
    turn the least.
    """
    pitch = -math.degrees(math.atan2(height_m, radius_m))
    clockwise = math.sin(math.radians(journey.room.seen.yaw_offset_deg)) >= 0
    for number in _order(places, journey):
        place = places[number]
        ring = circle(place, radius_m, journey.here, clockwise=clockwise)
        arcs = _joined(journey.room.cut(ring))
        if not arcs:
            journey.leave_out(f"the circle about place {number + 1}", place, _CLOSED)
        for arc in arcs:
            if not journey.go(arc, look_at=place, pitch_deg=pitch):
                journey.leave_out(f"an arc about place {number + 1}", arc[0], _UNREACHED)


def _joined(arcs: list[tuple[Place, ...]]) -> list[tuple[Place, ...]]:
    """Returns arcs with the last one joined to the first where a circle was opened in them."""
    if len(arcs) > 1 and math.dist(arcs[-1][-1], arcs[0][0]) < 1e-6:
        return [(*arcs[-1], *arcs[0][1:]), *arcs[1:-1]]
    return arcs


def places_pattern(
    places: Sequence[Place], stay_s: float, height_m: float, distance_m: float, journey: Journey
) -> None:
    """Flies from place to place by the shortest tour, and looks at each for a while.

    Args:
        places: what to look at.
        stay_s: how long to look.
        height_m: above the ground.
        distance_m: from which the camera, as it is held, has a place in the picture's middle;
            it looks more steeply where the room is too narrow for that.
        journey: gets the stops.
    """
    room = journey.room
    stands: dict[int, list[Place]] = {}
    for number, place in enumerate(places):
        found = _stands(place, distance_m, room)
        if found:
            stands[number] = found
        else:
            journey.leave_out(f"place {number + 1}", place, _CLOSED)
    reached = list(stands)
    order = [reached[k] for k in _order([stands[n][0] for n in reached], journey)]
    for _ in range(2):  # the best stands depend on the order, and it on them
        chosen = _best_stands([stands[n] for n in order], journey.here)
        again = _order(chosen, journey)
        order, chosen = [order[k] for k in again], [chosen[k] for k in again]
    chosen = _best_stands([stands[n] for n in order], journey.here)
    for number, stand in zip(order, chosen, strict=True):
        away = math.dist(stand, places[number])
        pitch = -math.degrees(math.atan2(height_m, away))
        if not journey.go((stand,), look_at=places[number], pitch_deg=pitch, hold_s=stay_s):
            journey.leave_out(f"place {number + 1}", places[number], _UNREACHED)


def _stands(place: Place, distance_m: float, room: PatrolRoom) -> list[Place]:
    """Returns where to look at a place from: all around, at the best distance that has room."""
    for part in _NEARER:
        away = part * distance_m
        around = [
            (
                place[0] + away * math.sin(2 * math.pi * k / _DIRECTIONS),
                place[1] + away * math.cos(2 * math.pi * k / _DIRECTIONS),
            )
            for k in range(_DIRECTIONS if away > 0 else 1)
        ]
        inside = [stand for stand in around if room.detours.clear(stand, stand)]
        if inside:
            return inside
    near = room.detours.nearest_inside(place)
    seen = math.dist(near, place) <= 2 * distance_m + room.seen.depth_m / 2
    return [near] if seen and not room.free.is_empty else []


def _best_stands(stands: Sequence[Sequence[Place]], start: Place) -> list[Place]:
    """Returns one stand for each place, so that the way through them all and back is shortest."""
    if not stands:
        return []
    costs = [[math.dist(start, stand) for stand in stands[0]]]
    came: list[list[int]] = [[0] * len(stands[0])]
    for before, here in pairwise(stands):
        rows = [[costs[-1][k] + math.dist(b, h) for k, b in enumerate(before)] for h in here]
        came.append([row.index(min(row)) for row in rows])
        costs.append([min(row) for row in rows])
    final = [c + math.dist(stand, start) for c, stand in zip(costs[-1], stands[-1], strict=True)]
    k = final.index(min(final))
    chosen = []
    for number in range(len(stands) - 1, -1, -1):
        chosen.append(stands[number][k])
        k = came[number][k]
    return chosen[::-1]


def _order(places: Sequence[Place], journey: Journey) -> tuple[int, ...]:
    """Returns the order of the shortest tour from here through places and back, with detours."""
    spots = [journey.here, *map(journey.room.detours.nearest_inside, places)]
    costs = [[0.0] * len(spots) for _ in spots]
    for i, a in enumerate(spots):
        for j in range(i):
            way = journey.room.detours.way(a, spots[j])
            far = 1e9  # there is no way: last of all
            long = far if way is None else sum(map(math.dist, way, way[1:]))
            costs[i][j] = costs[j][i] = long
    return tuple(k - 1 for k in tour(costs))


def parts_of(areas: Sequence[Area]) -> list[Polygon]:
    """Returns areas joined, and taken apart into polygons."""
    if not areas:
        return []
    joined = union_all(list(areas))
    return [part for part in getattr(joined, "geoms", [joined]) if isinstance(part, Polygon)]
