"""Corners that an aircraft reaches too fast, and how wide it may be flung out there.

An autopilot brakes for the corner at the end of the leg that it flies, no farther ahead. Where
that leg is too short to brake on, as within a row of small bends or just before a sharp one, the
aircraft comes to the corner fast and is carried beyond it, many times the acceptance radius. The
figures are PX4's (`MPC_ACC_HOR` 3 m/s2), and are held against flights of the simulated autopilot.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from geo.coverage import Place
from missions.momentum import BRAKE_M_S2, LAG_S

FLUNG_M_S2 = 1.5
"""What is left of that to bend the way, while it also speeds up along the next leg."""
_SOFT_DEG, _STOP_DEG = 15.0, 50.0
"""Bends up to the first are flown at full speed, from the second on at a crawl."""
_CRAWL_M_S = 1.2
_EARLY_M = 1.0
_OVER_M_S = 0.5
"""A corner that is reached faster than it should be by less than this is none."""


@dataclass(frozen=True, slots=True)
class FastCorner:
    """A corner behind which the next leg is swept wider than the acceptance radius."""

    item: int
    """The step whose place it is."""
    corner: Place
    """East and north of home."""
    until: Place
    """On the way from there to the next step, or home: behind it the aircraft is back."""
    speed_m_s: float
    radius_m: float
    """How far it may be from the line between both."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place on the way, in metres east and north of home."""

    item: int
    place: Place
    speed_m_s: float
    """Of the leg that leads there."""
    halts: bool


def fast_corners(stops: Sequence[Stop]) -> tuple[FastCorner, ...]:
    """Returns the corners of a way that are reached too fast, in order.

    Args:
        stops: of a way that begins and ends at home.
    """
    found: list[FastCorner] = []
    here: Place = (0.0, 0.0)
    fast = 0.0
    for k, stop in enumerate(stops):
        length = math.dist(here, stop.place)
        if length < 1e-6:
            continue
        after = stops[k + 1].place if k + 1 < len(stops) else (0.0, 0.0)
        ends = stop.halts or k + 1 == len(stops)
        bend = 180.0 if ends else _bend_deg(here, stop.place, after)
        wanted = 0.0 if ends else _allowed_m_s(bend, stop.speed_m_s)
        fast = _reached_m_s(fast, length, wanted, stop.speed_m_s)
        bends = 180.0 if ends else _bends_deg(here, stops[k:], fast)
        if fast > _allowed_m_s(bends, stop.speed_m_s) + _OVER_M_S:
            radius = fast**2 / (2 * FLUNG_M_S2) + LAG_S * fast
            until = _along(stop.place, after, 3 * radius)
            found.append(FastCorner(stop.item, stop.place, until, fast, radius))
        here = stop.place
    return tuple(found)


def _bend_deg(before: Place, here: Place, after: Place) -> float:
    one = math.atan2(here[1] - before[1], here[0] - before[0])
    two = math.atan2(after[1] - here[1], after[0] - here[0])
    return abs(math.degrees(math.remainder(two - one, 2 * math.pi)))


def _bends_deg(before: Place, ahead: Sequence[Stop], speed_m_s: float) -> float:
    """Returns how much the way turns within the next second."""
    total, way_m, here = 0.0, 0.0, before
    for one, two in pairwise(ahead):
        if one is not ahead[0]:
            way_m += math.dist(here, one.place)
        if way_m > speed_m_s:
            break
        total += _bend_deg(here, one.place, two.place)
        here = one.place
        if two.halts:
            break
    return total


def _allowed_m_s(bend_deg: float, speed_m_s: float) -> float:
    """Returns the speed at which a bend is meant to be passed."""
    if bend_deg < _SOFT_DEG:
        return speed_m_s
    return max(_CRAWL_M_S, speed_m_s * (1 - bend_deg / _STOP_DEG))


def _reached_m_s(fast: float, length_m: float, wanted: float, leg_speed: float) -> float:
    """Returns the speed at the end of a leg that is begun at a speed and should end at another."""
    room = max(0.0, length_m - _EARLY_M)
    if fast**2 <= wanted**2 + BRAKE_M_S2 * room:  # half the brake is planned with
        return min(max(wanted, 0.0), math.sqrt(fast**2 + 2 * BRAKE_M_S2 * length_m))
    left = fast**2 - 2 * BRAKE_M_S2 * max(0.0, length_m - LAG_S * fast)
    return max(wanted, math.sqrt(max(0.0, left)))


def _along(here: Place, there: Place, most_m: float) -> Place:
    """Returns the place that far towards another, or that one."""
    share = min(1.0, most_m / max(1e-9, math.dist(here, there)))
    return here[0] + share * (there[0] - here[0]), here[1] + share * (there[1] - here[1])
