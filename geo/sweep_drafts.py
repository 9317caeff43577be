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
from geo.sweep_order import best_order
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
    sets = _lane_sets(room, need, wish, large)
    found = [
        (draft, one)
        for one in sets
        for draft in _drafts_of(room, need, wish, *one, shakes=_FEW_SHAKES)
    ]
    found.sort(key=lambda pair: pair[0].cost_m)
    drafts = [draft for draft, _ in found]
    if drafts and len(drafts[0].path) > FEW_PLACES:
        for _, one in found[:_SHAKEN_WELL]:
            drafts += _drafts_of(room, need, wish, *one, shakes=_MANY_SHAKES)
    return sorted(drafts, key=lambda draft: draft.cost_m)


def _drafts_of(
    room: Polygon, need: BaseGeometry, wish: Wish, lanes: LaneSet, factor: float, shakes: int
) -> list[Draft]:
    """Returns the draft of one lane set and, of few pieces, that of one line along the room."""
    turned = affinity.rotate(room, -lanes.angle_deg, origin=(0, 0))
    seen = affinity.rotate(need, -lanes.angle_deg, origin=(0, 0))
    place = Room(turned, wish.hair_m / 2)
    pieces = _pieces(turned, lanes, wish.swath_m)
    if not len(pieces):
        return []
    start = None
    if wish.start is not None:
        start = affinity.rotate(shapely.Point(wish.start), -lanes.angle_deg, origin=(0, 0))
    here = None if start is None else (start.x, start.y)
    entries = [here]
    if here is None and len(pieces) <= FEW_PLACES // 2:
        # the shortest order need not be the one that the polish makes most of
        west, south, east, north = turned.bounds
        entries += [(west, south), (east, south), (west, north), (east, north)]
    drafts: list[Draft] = []
    for entry in entries:
        path = _joined(place, pieces, entry, shakes)
        if all(path != draft.path for draft in drafts):
            drafts.append(_draft(path, lanes.angle_deg, factor, place, seen, wish))
    if len(pieces) <= _FEW_PIECES:
        thread = longest_way(place)
        if len(thread) > 1 and length_m(thread) > 0:
            drafts.append(_draft(thread, lanes.angle_deg, factor, place, seen, wish))
    return drafts


def _draft(
    path: list[Place],
    angle_deg: float,
    factor: float,
    room: Room,
    need: BaseGeometry,
    wish: Wish,
) -> Draft:
    seen = seen_share(path, wish.swath_m, need)
    flight = factor * (length_m(path) + turning_m(path, wish.pace.turn_m))
    unseen = (1 - seen) * need.area * _UNSEEN_IN_DRAFTS / wish.swath_m
    return Draft(flight, seen, flight + factor * unseen, angle_deg, factor, path, room, need)


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


def _joined(room: Room, pieces: Floats, start: Place | None, shakes: int) -> list[Place]:
    """Returns the path along all pieces in a good order."""
    n = len(pieces)
    ends = pieces.reshape(-1, 2)
    ways = Ways(room, ends, [(2 * i, 2 * i + 1) for i in range(n)])
    entry = None
    if start is not None:
        entry = np.linalg.norm(ends - np.array(start), axis=1)
    order = [int(k) for k in best_order(ways.distance_m, entry, shakes=shakes)]
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
