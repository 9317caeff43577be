"""How far an aircraft is carried on, at corners and when it is ordered to return.

Figures are PX4's (`MPC_ACC_HOR` 3 m/s2). Ordered to return, an aircraft first loses the speed of
its leg along that leg, whether it climbs or not, and only then sets out. PX4 1.17 in simulation ran
on 8 m from 5 m/s, 17 m from 8 and 28 m from 11; up to 8 m/s it came no more than 0.4 m out of the
triangle between that way and home, with 11 m/s 4.1 m. The simulated autopilot does alike.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from geo.coverage import Place

BRAKE_M_S2 = 3.0
_RUN_ON_S = 0.9
"""Until a return brakes fully, with little jerk, at the speed of the leg."""
_STEADY_M_S = 8.0
_SOFT_DEG, _STOP_DEG = 15.0, 50.0
"""Bends up to the first are flown at full speed, from the second on at a crawl."""
_CRAWL_M_S = 1.2
SAME_M = 0.01
"""Steps no farther apart are at one place."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place on the way, in metres east and north of home."""

    item: int
    place: Place
    speed_m_s: float
    """Of the leg that leads there."""
    halts: bool


def run_on_m(speed_m_s: float) -> float:
    """Returns how far along its leg an aircraft is carried that is ordered to return."""
    return speed_m_s**2 / (2 * BRAKE_M_S2) + _RUN_ON_S * speed_m_s


def swing_m(speed_m_s: float) -> float:
    """Returns how far such an aircraft may come out of its triangle, the run-on included there."""
    return max(0.0, speed_m_s - _STEADY_M_S) ** 2 / 2


def runs_beyond_m(stops: Sequence[Stop], radius_m: float) -> dict[int, float]:
    """Returns how far beyond its place a return runs on that is ordered just before it, by step.

    Before a stop and a sharp corner an aircraft has slowed down; at a soft bend it has not.

    Args:
        stops: of a way that begins and ends at home.
        radius_m: how far beside the next leg it may be anyway; less than that is left out.
    """
    found: dict[int, float] = {}
    here: Place = (0.0, 0.0)
    for k, stop in enumerate(stops):
        after = stops[k + 1].place if k + 1 < len(stops) else None
        found[stop.item] = 0.0
        if after is not None and not stop.halts and math.dist(here, stop.place) >= SAME_M:
            bend = bend_deg(here, stop.place, after)
            metres = run_on_m(allowed_m_s(bend, stop.speed_m_s))
            aside = metres * math.sin(math.radians(min(90.0, bend)))
            beyond = metres - math.dist(stop.place, after)
            if max(aside, beyond) > radius_m:
                found[stop.item] = metres
        here = stop.place
    return found


def bend_deg(before: Place, here: Place, after: Place) -> float:
    """Returns by how much a way turns at a place, 0 to 180 degrees.

    Where the next place is the same, as for a climb, a hold or a landing there, it is a stop: 180.
    PX4 takes an unknown direction for a sharp corner.
    """
    if math.dist(here, after) < SAME_M:
        return 180.0
    one = math.atan2(here[1] - before[1], here[0] - before[0])
    two = math.atan2(after[1] - here[1], after[0] - here[0])
    return abs(math.degrees(math.remainder(two - one, 2 * math.pi)))


def allowed_m_s(bend_deg: float, speed_m_s: float) -> float:
    """Returns the speed at which a bend is meant to be passed."""
    if bend_deg < _SOFT_DEG:
        return speed_m_s
    return max(_CRAWL_M_S, speed_m_s * (1 - bend_deg / _STOP_DEG))
