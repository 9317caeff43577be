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
from geo.sweep_polish import Band
from geo.sweep_prices import PathPrices, length_m, turning_m
from geo.sweep_raster import Floats, edges_of
from geo.sweep_repair import longest_way, repaired
from geo.sweep_strips import seen_share
from geo.sweep_time import Pace
from geo.sweep_ways import Room, Ways

_TRIED, _TRIED_FULLER = 6, 3
"""Lane sets that are ordered, and how many of their directions are filled once more."""
_UNSEEN_IN_LANES, _UNSEEN_IN_FULLER = 4.0, 12.0
"""What a square metre unseen is worth in choosing lanes, in metres of flight and swaths."""
_FEW_PLACES = 20
"""A path of so few is cheap to polish: all drafts are."""
_UNSEEN_IN_DRAFTS = 6.0
_FEW_PIECES = 4
"""Of lanes: then one line along the whole room may do better."""
_CELLS_PER_SWATH = 14
_FEWEST_CELLS, _MOST_CELLS = 4_000, 3_000_000
_FIRST_WORTH = 8.0
"""Of what stays unseen, per square metre and swath, in metres of flight."""
_USUAL_UNSEEN = 0.004
_MORE_ROUNDS = 4
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
    drafts = _drafts(room, need, wish, _lane_sets(room, need, wish, large))
    if not drafts:
        return _thread(room)
    small = max(len(drafts[0].path), 2) <= _FEW_PLACES
    # of large areas the best draft stays the best: polishing a second one gained nothing
    runs = [_Run(draft, wish) for draft in (drafts if small else drafts[:1])]
    for run in runs:
        run.round()
    best = min(runs, key=lambda run: run.value_m)
    for _ in range(0 if large else _MORE_ROUNDS):
        if best.done:
            break
        best.round()
    if not best.done:
        best.repair()
    chosen, angle_deg = _chosen(runs, wish.seen_goal)
    turned = affinity.rotate(LineString(chosen), angle_deg, origin=(0, 0))
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

    def sets_of(tried: Sequence[float], unseen: float) -> list[tuple[LaneSet, float]]:
        found = []
        for angle in tried:
            factor = wish.pace.to_and_fro(angle)
            piece_m = (0.5 * swath + 2 * wish.pace.turn_m) / factor
            prices = LanePrices(swath, piece_m, unseen / swath / factor)
            lanes = best_lanes(room_edges, need_edges, angle, prices)
            if lanes.heights_m:
                found.append((lanes, factor))
        return sorted(found, key=lambda one: one[0].cost_m * one[1])

    sets = sets_of(angles, _UNSEEN_IN_LANES)[: 2 if large else _TRIED]
    # where a strip is left over, a lane more may still be cheaper than what the polish does
    known = {lanes.heights_m for lanes, _ in sets}
    again = sets_of([lanes.angle_deg for lanes, _ in sets[:_TRIED_FULLER]], _UNSEEN_IN_FULLER)
    return sets + [one for one in again if one[0].heights_m not in known]


def _drafts(
    room: Polygon,
    need: BaseGeometry,
    wish: Wish,
    sets: Sequence[tuple[LaneSet, float]],
) -> list[_Draft]:
    drafts = []
    for lanes, factor in sets:
        turned = affinity.rotate(room, -lanes.angle_deg, origin=(0, 0))
        seen = affinity.rotate(need, -lanes.angle_deg, origin=(0, 0))
        place = Room(turned, wish.hair_m / 2)
        pieces = _pieces(turned, lanes, wish.swath_m)
        if not len(pieces):
            continue
        start = None
        if wish.start is not None:
            start = affinity.rotate(shapely.Point(wish.start), -lanes.angle_deg, origin=(0, 0))
        path = _joined(place, pieces, None if start is None else (start.x, start.y))
        drafts.append(_draft(path, lanes.angle_deg, factor, place, seen, wish))
        if len(pieces) <= _FEW_PIECES and not drafts[1:]:
            thread = longest_way(place)
            if len(thread) > 1 and length_m(thread) > 0:
                drafts.append(_draft(thread, lanes.angle_deg, factor, place, seen, wish))
    drafts.sort(key=lambda draft: draft.cost_m)
    return drafts


def _draft(
    path: list[Place],
    angle_deg: float,
    factor: float,
    room: Room,
    need: BaseGeometry,
    wish: Wish,
) -> _Draft:
    unseen = (1 - seen_share(path, wish.swath_m, need)) * need.area
    cost = (
        length_m(path)
        + turning_m(path, wish.pace.turn_m)
        + unseen * _UNSEEN_IN_DRAFTS / wish.swath_m
    )
    return _Draft(cost * factor, angle_deg, factor, path, room, need)


def _pieces(room: Polygon, lanes: LaneSet, swath_m: float) -> Floats:
    """Returns the pieces of lanes inside a room, (n, 2, 2)."""
    west, _, east, _ = room.bounds
    spans = [(y, west - 1, east + 1) for y in lanes.heights_m] + list(lanes.extras)
    lines = shapely.linestrings([[(a, y), (b, y)] for y, a, b in spans])
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


class _Run:
    """The polish of one draft, round by round, with what is unseen worth more or less."""

    def __init__(self, draft: _Draft, wish: Wish) -> None:
        """Lays the draft over its raster."""
        swath, need = wish.swath_m, draft.need
        west, south, east, north = need.bounds
        cell = min(swath / _CELLS_PER_SWATH, math.sqrt(need.area / _FEWEST_CELLS))
        cell = max(cell, math.sqrt((east - west) * (north - south) / _MOST_CELLS))
        self.draft, self._wish = draft, wish
        self._band = Band(draft.path, draft.room, need, PathPrices(swath, wish.pace.turn_m), cell)
        asked = _USUAL_UNSEEN / max(1e-4, 1 - wish.seen_goal)
        self._worth = _FIRST_WORTH * max(1.0, asked**0.8)
        self._found = [self._measured()]

    @property
    def done(self) -> bool:
        """Whether enough is seen."""
        return len(self._found) > 1 and self._found[-1][1] >= self._wish.seen_goal

    @property
    def value_m(self) -> float:
        """Cost of the latest path with what it leaves unseen, by which drafts compare."""
        path, seen = self._found[-1]
        unseen = (1 - seen) * self.draft.need.area
        return self.draft.lane_factor * (
            self._cost_m(path) + unseen * _FIRST_WORTH / self._wish.swath_m
        )

    def round(self) -> None:
        """Improves once more, after the worth of what is unseen follows what was reached."""
        if len(self._found) > 1:
            off = (1 - self._found[-1][1]) / max(1e-4, 1 - self._wish.seen_goal)
            self._worth *= min(4.0, max(1.5, off))
        worth = self._worth / self._wish.swath_m
        self._band.improve(worth, 3)
        if self._band.fill_pockets(worth, 40):
            self._band.improve(worth, 3)
        self._found.append(self._measured())

    def repair(self) -> None:
        """Reaches what the polish could not, by exact shapes."""
        wish, draft = self._wish, self.draft
        path = max(self._found, key=lambda one: one[1])[0]
        path = repaired(path, draft.room, draft.need, wish.swath_m, wish.seen_goal)
        self._found.append((path, seen_share(path, wish.swath_m, draft.need)))

    def found(self) -> list[tuple[float, float, list[Place]]]:
        """Returns cost, share seen and places of every path on the way."""
        factor = self.draft.lane_factor
        return [(factor * self._cost_m(path), seen, path) for path, seen in self._found]

    def _measured(self) -> tuple[list[Place], float]:
        path = list(self._band.path)
        need = self.draft.need
        return path, seen_share(path, self._wish.swath_m, need)

    def _cost_m(self, path: Sequence[Place]) -> float:
        return length_m(path) + turning_m(path, self._wish.pace.turn_m)


def _chosen(runs: Sequence[_Run], seen_goal: float) -> tuple[list[Place], float]:
    """Returns the cheapest path that sees enough, else the one that sees most, and its angle."""
    found = [(*one, run.draft.angle_deg) for run in runs for one in run.found()]
    enough = [one for one in found if one[1] >= seen_goal]
    best = min(enough, key=lambda one: one[0]) if enough else max(found, key=lambda one: one[1])
    return best[2], best[3]


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
