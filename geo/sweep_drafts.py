"""Drafts of the path over one part: good lanes, ordered and joined by ways that stay inside."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import Polygon, affinity
from shapely.geometry.base import BaseGeometry

from geo.coverage import Place
from geo.sweep_lanes import LanePrices, LaneSet, best_lanes, directions_deg
from geo.sweep_order import Ints, best_order
from geo.sweep_prices import length_m, turning_m
from geo.sweep_raster import Floats, edges_of
from geo.sweep_repair import longest_way
from geo.sweep_strips import seen_share
from geo.sweep_time import Pace
from geo.sweep_ways import Room, Ways

_TRIED, _TRIED_FULLER = 5, 2
"""Lane sets that are ordered, and how many of their directions are filled once more."""
_UNSEEN_IN_LANES, _UNSEEN_IN_FULLER = 4.0, 12.0
"""What a square metre unseen is worth in choosing lanes, in metres of flight and swaths."""
_UNSEEN_IN_DRAFTS = 6.0
FEW_PLACES = 20
"""A path of so few is cheap to polish: several drafts are."""
_FEW_SHAKES, _MANY_SHAKES, _SHAKEN_WELL = 4, 60, 2
"""How often orders are shaken to compare lane sets, and how often for the best of those."""
_LEAST_ORDERED, _PIECES_ORDERED = 2, 500
"""Lane sets that are ordered whatever they are, and pieces of lanes in all of them."""
_FEW_PIECES = 4
"""Of lanes: then one line along the whole room may do better."""
_SHORTEST = 0.05
"""Of a lane, in swaths: what is left out the polish finds again, if it matters."""


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


@dataclass(frozen=True, slots=True)
class Draft:
    """A path over one lane set, in the frame in which its lanes lie east to west."""

    flight_m: float
    """Its length and turns in metres of flight, with the wind on its lanes."""
    seen: float
    """Share of what is to be seen."""
    cost_m: float
    """Flight, and what stays unseen at its worth: by which drafts compare."""
    angle_deg: float
    lane_factor: float
    """How much slower the wind makes the lanes."""
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

    def sets_of(
        tried: Sequence[float], unseen: float, *, rough: bool = False
    ) -> list[tuple[LaneSet, float]]:
        found = []
        for angle in tried:
            factor = wish.pace.to_and_fro(angle)
            piece_m = (0.5 * swath + 2 * wish.pace.turn_m) / factor
            prices = LanePrices(swath, piece_m, unseen / swath / factor)
            lanes = best_lanes(room_edges, need_edges, angle, prices, rough=rough)
            if lanes.heights_m:
                found.append((lanes, factor))
        return sorted(found, key=lambda one: one[0].cost_m * one[1])

    most = 2 if large else _TRIED
    if len(angles) > 2 * most:
        # the best of all directions are among the first of a rough comparison
        rough = sets_of(angles, _UNSEEN_IN_LANES, rough=True)
        angles = tuple(lanes.angle_deg for lanes, _ in rough[: 2 * most])
    sets = sets_of(angles, _UNSEEN_IN_LANES)[:most]
    # where a strip is left over, a lane more may still be cheaper than what the polish does
    known = {lanes.heights_m for lanes, _ in sets}
    again = sets_of([lanes.angle_deg for lanes, _ in sets[:_TRIED_FULLER]], _UNSEEN_IN_FULLER)
    return sets + [one for one in again if one[0].heights_m not in known]


def drafts_over(
    room: Polygon,
    need: BaseGeometry,
    wish: Wish,
    large: bool,
) -> list[Draft]:
    """Returns drafts, the best first; those in front with their order sought more thoroughly.

    Args:
        room: where the path lies, a hair smaller than what is permitted.
        need: what is to be seen.
        wish: how.
        large: whether to try fewer lanes.
    """
    laid: list[_Laid] = []
    pieces = 0
    for lanes, factor in _lane_sets(room, need, wish, large):
        one = _Laid(room, need, wish, lanes, factor)
        pieces += len(one.pieces)
        if len(laid) >= _LEAST_ORDERED and pieces > _PIECES_ORDERED:
            break
        laid.append(one)
    found = [(draft, one) for one in laid for draft in one.drafts(_FEW_SHAKES)]
    found.sort(key=lambda pair: pair[0].cost_m)
    drafts = [draft for draft, _ in found]
    if drafts and len(drafts[0].path) > FEW_PLACES:
        for _, one in found[:_SHAKEN_WELL]:
            drafts += one.drafts(_MANY_SHAKES)
    return sorted(drafts, key=lambda draft: draft.cost_m)


class _Laid:
    """One lane set laid over the room: its pieces, and the ways between them."""

    def __init__(
        self, room: Polygon, need: BaseGeometry, wish: Wish, lanes: LaneSet, factor: float
    ) -> None:
        """Cuts the lanes into pieces and finds all ways."""
        self._wish, self._angle_deg, self._factor = wish, lanes.angle_deg, factor
        turned = affinity.rotate(room, -lanes.angle_deg, origin=(0, 0))
        self._need = affinity.rotate(need, -lanes.angle_deg, origin=(0, 0))
        self._room = Room(turned, wish.hair_m / 2)
        self.pieces = _pieces(turned, lanes, wish.swath_m)
        self._ends = self.pieces.reshape(-1, 2)
        start = None
        if wish.start is not None:
            start = affinity.rotate(shapely.Point(wish.start), -lanes.angle_deg, origin=(0, 0))
        here = None if start is None else (start.x, start.y)
        self._entries = [here]
        if here is None and len(self.pieces) <= FEW_PLACES // 2:
            # the shortest order need not be the one that the polish makes most of
            west, south, east, north = turned.bounds
            self._entries += [(west, south), (east, south), (west, north), (east, north)]
        self._orders: list[Ints | None] = [None] * len(self._entries)
        self._ways: Ways | None = None

    def drafts(self, shakes: int) -> list[Draft]:
        """Returns the drafts and, of few pieces, that of one line along the room.

        What is asked for a second time goes on from the orders found before.
        """
        if not len(self.pieces):
            return []
        drafts: list[Draft] = []
        for n in range(len(self._entries)):
            path = self._joined(n, shakes)
            if all(path != draft.path for draft in drafts):
                drafts.append(self._draft(path))
        if len(self.pieces) <= _FEW_PIECES:
            thread = longest_way(self._room)
            if len(thread) > 1 and length_m(thread) > 0:
                drafts.append(self._draft(thread))
        return drafts

    def _joined(self, n: int, shakes: int) -> list[Place]:
        """Returns the path along all pieces in a good order, from one of the entries."""
        ends, start = self._ends, self._entries[n]
        if self._ways is None:
            known = [(2 * i, 2 * i + 1) for i in range(len(self.pieces))]
            self._ways = Ways(self._room, ends, known)
        ways = self._ways
        entry = None if start is None else np.linalg.norm(ends - np.array(start), axis=1)
        found = best_order(ways.distance_m, entry, shakes=shakes, begun=self._orders[n])
        self._orders[n] = found
        order = [int(k) for k in found]
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

    def _draft(self, path: list[Place]) -> Draft:
        wish, need = self._wish, self._need
        seen = seen_share(path, wish.swath_m, need)
        flight = self._factor * (length_m(path) + turning_m(path, wish.pace.turn_m))
        unseen = (1 - seen) * need.area * _UNSEEN_IN_DRAFTS / wish.swath_m
        cost = flight + self._factor * unseen
        return Draft(flight, seen, cost, self._angle_deg, self._factor, path, self._room, need)


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


def _place(xy: Floats) -> Place:
    return float(xy[0]), float(xy[1])
