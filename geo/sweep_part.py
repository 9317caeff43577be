"""The path over one connected part of an area: lanes, their order, the ways between, polish."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import LineString, Polygon, affinity
from shapely.geometry.base import BaseGeometry

from geo.coverage import Place
from geo.sweep_lanes import LanePrices, LaneSet, best_lanes, directions_deg
from geo.sweep_order import best_order
from geo.sweep_polish import Band, PathPrices, length_m, turning_m
from geo.sweep_raster import Floats, edges_of
from geo.sweep_time import Pace
from geo.sweep_ways import Room, Ways

_TRIED = 6
"""Lane sets that are ordered."""
_POLISHED = 2
"""Of those, the best that are polished."""
_CELLS_PER_SWATH = 14
_FEWEST_CELLS, _MOST_CELLS = 4_000, 3_000_000
_FIRST_WORTH = 12.0
"""Of what stays unseen, per square metre and swath, in metres of flight."""
_ROUNDS = 5
_SHORTEST = 0.05
"""Of a lane, in swaths: what is left out the polish finds again, if it matters."""
_LARGE = 1_200
"""Area over squared swath beyond which fewer sets are tried."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of the path over one part."""

    swath_m: float
    pace: Pace
    angle_deg: float | None
    start: Place | None
    seen_goal: float
    """Share of what is to be seen that is enough."""
    hair_m: float
    """How far the room was shrunk: a way may leave it by half of that."""


def part_path(room: Polygon, need: BaseGeometry, wish: Wish) -> tuple[Place, ...]:
    """Returns a path inside a room that sees what is needed, or all of it that can be seen.

    Args:
        room: where the path lies, a hair smaller than what is permitted.
        need: what is to be seen.
        wish: how.
    """
    large = need.area / wish.swath_m**2 > _LARGE
    drafts = _drafts(room, need, wish, _lane_sets(room, need, wish, large), large)
    if not drafts:
        return _thread(room)
    count = 1 if large or wish.angle_deg is not None else _POLISHED
    best: tuple[tuple[bool, float], Polygon, list[Place], float] | None = None
    for draft in drafts[:count]:
        path, seen = _polished(draft, wish, large)
        short = seen < wish.seen_goal
        cost = length_m(path) + turning_m(path, wish.pace.turn_m)
        rank = (short, -seen if short else cost * draft.lane_factor)
        if best is None or rank < best[0]:
            best = (rank, room, path, draft.angle_deg)
    assert best is not None
    turned = affinity.rotate(LineString(best[2]), best[3], origin=(0, 0))
    return tuple((float(x), float(y)) for x, y in turned.coords)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A path over one lane set, in the frame in which its lanes lie east to west."""

    cost_m: float
    angle_deg: float
    lane_factor: float
    path: list[Place]
    room: Room
    need: BaseGeometry


def _lane_sets(
    room: Polygon, need: BaseGeometry, wish: Wish, large: bool
) -> list[tuple[LaneSet, float]]:
    """Returns the best lanes of each direction with how the wind slows them, cheapest first."""
    swath = wish.swath_m
    angles = (
        directions_deg(room, coarse=large) if wish.angle_deg is None else (wish.angle_deg % 180.0,)
    )
    room_edges, need_edges = edges_of(room), edges_of(need)
    sets = []
    for angle in angles:
        factor = wish.pace.to_and_fro(angle)
        prices = LanePrices(
            swath, (0.5 * swath + 2 * wish.pace.turn_m) / factor, 4.0 / swath / factor
        )
        found = best_lanes(room_edges, need_edges, angle, prices)
        if found.heights_m:
            sets.append((found, factor))
    sets.sort(key=lambda one: one[0].cost_m * one[1])
    return sets


def _drafts(
    room: Polygon,
    need: BaseGeometry,
    wish: Wish,
    sets: Sequence[tuple[LaneSet, float]],
    large: bool,
) -> list[_Draft]:
    drafts = []
    for lanes, factor in sets[: 2 if large else _TRIED]:
        turned = affinity.rotate(room, -lanes.angle_deg, origin=(0, 0))
        seen = affinity.rotate(need, -lanes.angle_deg, origin=(0, 0))
        place = Room(turned, wish.hair_m / 2)
        pieces = _pieces(turned, lanes.heights_m, wish.swath_m)
        if not len(pieces):
            continue
        start = None
        if wish.start is not None:
            start = affinity.rotate(shapely.Point(wish.start), -lanes.angle_deg, origin=(0, 0))
        path = _joined(place, pieces, None if start is None else (start.x, start.y))
        unseen = seen.area - _seen_area(path, wish.swath_m, seen)
        cost = length_m(path) + turning_m(path, wish.pace.turn_m) + unseen * 6.0 / wish.swath_m
        drafts.append(_Draft(cost * factor, lanes.angle_deg, factor, path, place, seen))
    drafts.sort(key=lambda draft: draft.cost_m)
    return drafts


def _pieces(room: Polygon, heights_m: Sequence[float], swath_m: float) -> Floats:
    """Returns the pieces of lanes inside a room, (n, 2, 2)."""
    west, _, east, _ = room.bounds
    lines = shapely.linestrings([[(west - 1, y), (east + 1, y)] for y in heights_m])
    found = []
    for piece in shapely.get_parts(shapely.intersection(lines, room)):
        coords = shapely.get_coordinates(piece)
        if len(coords) > 1:
            found.append((coords[0], coords[-1]))
    if not found:
        return np.zeros((0, 2, 2))
    pieces = np.array(found)
    long = np.abs(pieces[:, 1, 0] - pieces[:, 0, 0])
    kept = long > min(_SHORTEST * swath_m, 0.5 * float(long.max()))
    result: Floats = pieces[kept]
    return result


def _joined(room: Room, pieces: Floats, start: Place | None) -> list[Place]:
    """Returns the path along all pieces in a good order."""
    n = len(pieces)
    ends = pieces.reshape(-1, 2)
    ways = Ways(room, ends, [(2 * i, 2 * i + 1) for i in range(n)])
    entry = None
    if start is not None:
        entry = np.linalg.norm(ends - np.array(start), axis=1)
    order = [int(k) for k in best_order(ways.distance_m, entry)]
    path = [_place(ends[order[0]])]
    for before, k in zip([None, *order], order, strict=False):
        if before is not None:
            path += ways.way(before ^ 1, k)[1:]
        path.append(_place(ends[k ^ 1]))
    thin = path[:1]
    for place in path[1:]:
        if math.dist(place, thin[-1]) > 1e-6:
            thin.append(place)
    return thin


def _place(xy: Floats) -> Place:
    return float(xy[0]), float(xy[1])


def _polished(draft: _Draft, wish: Wish, large: bool) -> tuple[list[Place], float]:
    """Returns the cheapest path found that sees enough, else the one that sees most."""
    swath, need = wish.swath_m, draft.need
    west, south, east, north = need.bounds
    box = max((east - west) * (north - south), 1e-9)
    cell = min(swath / _CELLS_PER_SWATH, math.sqrt(need.area / _FEWEST_CELLS))
    cell = max(cell, math.sqrt(box / _MOST_CELLS))
    band = Band(draft.path, draft.room, need, PathPrices(swath, wish.pace.turn_m), cell)
    worth = _FIRST_WORTH
    found = [(list(draft.path), _seen_area(draft.path, swath, need) / need.area)]
    for _ in range(2 if large else _ROUNDS):
        band.improve(worth / swath, 3)
        band.fill_pockets(worth / swath, 40)
        band.improve(worth / swath, 2)
        seen = _seen_area(band.path, swath, need) / need.area
        found.append((list(band.path), seen))
        unseen, most = 1 - seen, 1 - wish.seen_goal
        if 0.7 * most <= unseen <= most:
            break
        worth *= 1.8 if unseen > most else 0.6
    enough = [one for one in found if one[1] >= wish.seen_goal]
    if not enough:
        return max(found, key=lambda one: one[1])
    turn = wish.pace.turn_m
    return min(enough, key=lambda one: length_m(one[0]) + turning_m(one[0], turn))


def _seen_area(path: Sequence[Place], swath_m: float, need: BaseGeometry) -> float:
    strip = LineString(path).buffer(swath_m / 2, cap_style="flat")
    return float(strip.intersection(need).area)


def _thread(room: Polygon) -> tuple[Place, ...]:
    """Returns the longest straight line through a room too thin for lanes."""
    box = room.minimum_rotated_rectangle
    corners = shapely.get_coordinates(box)[:4]
    if len(corners) == 4:
        a, b, c, d = corners
        if np.linalg.norm(b - a) < np.linalg.norm(c - b):
            a, b, c, d = b, c, d, a
        line = LineString([(a + d) / 2, (b + c) / 2]).intersection(room)
        pieces = [p for p in shapely.get_parts(line) if p.length > 0]
        if pieces:
            best = max(pieces, key=lambda piece: piece.length)
            return tuple((float(x), float(y)) for x, y in best.coords)
    inside = room.representative_point()
    return ((inside.x, inside.y),)
