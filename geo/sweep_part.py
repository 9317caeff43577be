"""The path over one connected part of an area: the best drafts, polished until enough is seen."""

import logging
import math
from collections.abc import Callable, Sequence

import numpy as np
import shapely
from shapely import LineString, Polygon, affinity
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from geo.coverage import Place
from geo.sweep_chords import plain_path, straight_path
from geo.sweep_drafts import FEW_PLACES, Draft, Wish, drafts_over
from geo.sweep_polish import Band
from geo.sweep_prices import PathPrices, length_m, turning_m
from geo.sweep_repair import repaired
from geo.sweep_strips import seen_share

log = logging.getLogger(__name__)

_POLISHED = 10
"""Drafts of a short path that are polished at most."""
_HOPELESS = 1.4
"""Times the cost of the best draft: one that costs more is not polished to anything better."""
MOST_PLACES = 130
"""Of all drafts of a short path that are polished: the time goes with them."""
_CELLS_PER_SWATH = 14
_FEWEST_CELLS, _MOST_FINE_CELLS, _MOST_CELLS = 4_000, 200_000, 3_000_000
_FIRST_WORTH = 8.0
"""Of what stays unseen, per square metre and swath, in metres of flight."""
_USUAL_UNSEEN = 0.004
_MORE_ROUNDS = 4
_LARGE = 1_200
"""Area over squared swath beyond which fewer sets are tried."""
_WIDE, _FEW_LINES = 1.5, 4.0
"""Area over squared swath up to which plain paths are always tried, and up to which they are
where the others don't see enough."""
_MOSTLY = 1 / 3
"""Of a room: where less of it is still to be seen, these are specks that bent ways join sooner."""
_SAME = 1e-9
"""A share that turning a path back may change."""


def part_path(
    room: Polygon, need: BaseGeometry, wish: Wish, most_places: int = MOST_PLACES
) -> tuple[Place, ...]:
    """Returns a path inside a room that sees what is needed, or all of it that can be seen.

    Args:
        room: where the path lies, a hair smaller than what is permitted.
        need: what is to be seen.
        wish: how.
        most_places: of all drafts that are polished, where the path is short.
    """
    line = _straight(room, need, wish)
    if line is not None:
        return line
    swaths = need.area / wish.swath_m**2
    large = swaths > _LARGE
    paths = _swept(room, need, wish, most_places, large=large) or [_thread(room)]
    best, seen = paths[0], seen_share(paths[0], wish.swath_m, need)
    enough = seen >= wish.seen_goal - _SAME
    if enough and (swaths > _WIDE or wish.angle_deg is not None):
        return best
    plain: list[tuple[Place, ...]] = []
    lines = swaths <= _FEW_LINES
    done_or_logged(
        lambda: plain.append(plain_path(room, need, wish, paths, lines=lines)), "made plainer"
    )
    for path in plain:
        share = seen_share(path, wish.swath_m, need)
        quicker = wish.pace.flight_s(path) < wish.pace.flight_s(best)
        if (quicker or not enough) if share >= wish.seen_goal - _SAME else share > seen:
            return path
    return best


def _straight(room: Polygon, need: BaseGeometry, wish: Wish) -> tuple[Place, ...] | None:
    """Returns the straight line that sees enough, if there is one and no bent way is shorter."""
    if need.area < _MOSTLY * room.area:
        return None
    found: list[tuple[Place, ...] | None] = []
    done_or_logged(lambda: found.append(straight_path(room, need, wish)), "flown straight")
    return found[0] if found else None


def _swept(
    room: Polygon, need: BaseGeometry, wish: Wish, most_places: int, *, large: bool
) -> list[tuple[Place, ...]]:
    """Returns paths along lanes, polished: the best first, then what others see most with."""
    drafts = drafts_over(room, need, wish, large)
    if not drafts:
        return []
    small = max(len(drafts[0].path), 2) <= FEW_PLACES
    # of large areas the best draft stays the best: polishing a second one gained nothing
    polished = _worth_polish(drafts, most_places) if small else drafts[:1]
    runs = [_Run(draft, wish) for draft in polished]
    for run in runs:
        run.round()
    best = min(runs, key=lambda run: run.value_m)
    for _ in range(0 if large else _MORE_ROUNDS):
        if best.done:
            break
        best.round()
    if not best.done:
        best.repair()
    most = [(max(run.found(), key=lambda one: one[1])[2], run.draft.angle_deg) for run in runs]
    chosen = [_chosen(drafts, runs, wish.seen_goal), *most]
    return [_turned(path, angle_deg) for path, angle_deg in chosen]


def _worth_polish(drafts: Sequence[Draft], most_places: int) -> list[Draft]:
    """Returns the drafts of a short path of which one may turn out best."""
    chosen: list[Draft] = []
    places = 0
    for draft in drafts[:_POLISHED]:
        places += len(draft.path)
        hopeless = draft.cost_m > _HOPELESS * drafts[0].cost_m or places > most_places
        if hopeless and chosen:
            break
        chosen.append(draft)
    return chosen


def _turned(path: Sequence[Place], angle_deg: float) -> tuple[Place, ...]:
    turned = affinity.rotate(LineString(path), angle_deg, origin=(0, 0))
    return tuple((float(x), float(y)) for x, y in turned.coords)


class _Run:
    """The polish of one draft, round by round, with what is unseen worth more or less."""

    def __init__(self, draft: Draft, wish: Wish) -> None:
        """Lays the draft over its raster."""
        swath, need = wish.swath_m, draft.need
        west, south, east, north = need.bounds
        around = (east - west) * (north - south)
        usual = swath / _CELLS_PER_SWATH
        # specks far apart would ask for a raster that is fine where there is nothing
        fine = max(math.sqrt(need.area / _FEWEST_CELLS), math.sqrt(around / _MOST_FINE_CELLS))
        cell = max(min(usual, fine), math.sqrt(around / _MOST_CELLS))
        self.draft, self._wish = draft, wish
        self._band = Band(draft.path, draft.room, need, PathPrices(swath, wish.pace.turn_m), cell)
        asked = _USUAL_UNSEEN / max(1e-4, 1 - wish.seen_goal)
        self._worth = _FIRST_WORTH * max(1.0, asked**0.8)
        self._found = [self._measured()]
        self._failed = False

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
        if not self._failed:
            self._failed = not done_or_logged(self._improve, "polished further")

    def _improve(self) -> None:
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
        done_or_logged(self._reach, "repaired")

    def _reach(self) -> None:
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


def done_or_logged(step: Callable[[], None], what: str) -> bool:
    """Does a step that makes a path better, and returns whether it came to its end.

    The path before it is good without it. So what nobody foresaw in its arithmetic is told in
    the log and costs the improvement, never the path.
    """
    try:
        step()
    except (ArithmeticError, ValueError, ShapelyError):
        log.exception("a path could not be %s; the one before is kept", what)
        return False
    return True


def _chosen(
    drafts: Sequence[Draft], runs: Sequence[_Run], seen_goal: float
) -> tuple[list[Place], float]:
    """Returns the cheapest path that sees enough, else the one that sees most, and its angle."""
    found = [(draft.flight_m, draft.seen, draft.path, draft.angle_deg) for draft in drafts]
    found += [(*one, run.draft.angle_deg) for run in runs for one in run.found()]
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
