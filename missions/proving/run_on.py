"""Corners that an aircraft reaches too fast, and how wide it may be flung out there.

An autopilot brakes for the corner at the end of the leg that it flies, no farther ahead. Where
that leg is too short to brake on, as within a row of small bends or just before a sharp one, the
aircraft comes to the corner fast and is carried beyond it, many times the acceptance radius. The
figures are PX4's, and are held against flights of the simulated autopilot.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from geo.coverage import Place
from missions.momentum import BRAKE_M_S2, SAME_M, Stop, allowed_m_s, bend_deg

FLUNG_M_S2 = 1.5
"""What is left of that to bend the way, while it also speeds up along the next leg."""
_LAG_S = 0.3
"""From the wish to slow down until it does."""
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
        if length < SAME_M:
            continue
        after = stops[k + 1].place if k + 1 < len(stops) else (0.0, 0.0)
        ends = stop.halts or k + 1 == len(stops)
        bend = 180.0 if ends else bend_deg(here, stop.place, after)
        wanted = 0.0 if ends else allowed_m_s(bend, stop.speed_m_s)
        fast = _reached_m_s(fast, length, wanted, stop.speed_m_s)
        bends = 180.0 if ends else _bends_deg(here, stops[k:], fast)
        if fast > allowed_m_s(bends, stop.speed_m_s) + _OVER_M_S:
            radius = fast**2 / (2 * FLUNG_M_S2) + _LAG_S * fast
            until = _along(stop.place, after, 3 * radius)
            found.append(FastCorner(stop.item, stop.place, until, fast, radius))
        here = stop.place
    return tuple(found)


def _bends_deg(before: Place, ahead: Sequence[Stop], speed_m_s: float) -> float:
    """Returns how much the way turns within the next second."""
    total, way_m, here = 0.0, 0.0, before
    for one, two in pairwise(ahead):
        if one is not ahead[0]:
            way_m += math.dist(here, one.place)
        if way_m > speed_m_s:
            break
        total += bend_deg(here, one.place, two.place)
        here = one.place
        if two.halts:
            break
    return total


def _reached_m_s(fast: float, length_m: float, wanted: float, leg_speed: float) -> float:
    """Returns the speed at the end of a leg that is begun at a speed and should end at another."""
    room = max(0.0, length_m - _EARLY_M)
    if fast**2 <= wanted**2 + BRAKE_M_S2 * room:  # half the brake is planned with
        return min(max(wanted, 0.0), math.sqrt(fast**2 + 2 * BRAKE_M_S2 * length_m))
    left = fast**2 - 2 * BRAKE_M_S2 * max(0.0, length_m - _LAG_S * fast)
    return max(wanted, math.sqrt(max(0.0, left)))


def _along(here: Place, there: Place, most_m: float) -> Place:
    """Returns the place that far towards another, or that one."""
    share = min(1.0, most_m / max(1e-9, math.dist(here, there)))
    return here[0] + share * (there[0] - here[0]), here[1] + share * (there[1] - here[1])
