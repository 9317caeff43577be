"""How far an aircraft is carried on, at corners and when it is ordered to return.

Figures are PX4's (`MPC_ACC_HOR` 3 m/s2). Ordered to return, an aircraft first loses the speed of
its leg along that leg, whether it climbs or not, and only then sets out. PX4 1.17 in simulation ran
on 8 m from 5 m/s, 17 m from 8 and 28 m from 11; up to 8 m/s it came no more than 0.4 m out of the
triangle between that way and home, with 11 m/s 4.1 m. The simulated autopilot does alike.

Heights run straight along a leg: PX4 1.17 kept within 1.5 m of that line, going slower where the
slope asks for more than it can climb or sink. Only behind a corner that it passes fast into another
slope was it late, by 8 m where it came level with 9.4 m/s to a climb of 25 m on 20 m.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from geo.coverage import Place

BRAKE_M_S2 = 3.0
_RUN_ON_S = 0.9
"""Until a return brakes fully, with little jerk, at the speed of the leg."""
_STEADY_M_S = 8.0
SOFT_DEG, _STOP_DEG = 15.0, 50.0
"""Bends up to the first are flown at full speed, from the second on at a crawl."""
_CRAWL_M_S = 1.2
SAME_M = 0.01
"""Steps no farther apart are at one place."""
_TURN_UP_M_S2 = 2.0
"""With which the speed up or down changes."""
_STEEP, CLIMB_M_S = 0.4, 3.0
"""Where slopes change by more it speeds up ahead sooner than up or down; `MPC_Z_V_AUTO_UP`."""
SETTLE_S = 0.5
"""Until a wanted speed is taken up."""
ARRIVED_M = 1.0
"""A step counts as reached this far below or above it; PX4's `NAV_MC_ALT_RAD` is 0.8 m."""
_BESIDE_M, _BESIDE_SHARE = 1.5, 0.1
"""How far it may be from its line in height where that is not level, and of what it climbs."""


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
    if bend_deg < SOFT_DEG:
        return speed_m_s
    return max(_CRAWL_M_S, speed_m_s * (1 - bend_deg / _STOP_DEG))


def height_lag_m(
    speed_m_s: float, slope_before: float, length_m: float, rise_m: float, most_m_s: float
) -> float:
    """Returns how far above or below its line in height an aircraft may be on a leg.

    It brakes to the speed that the slope allows, and turns its way up or down, meanwhile going on
    as before.

    Args:
        speed_m_s: with which it passes the corner before the leg; 0 where it stops there.
        slope_before: of the leg before, metres up per metre.
        length_m: of the leg, level.
        rise_m: from its begin to its end; negative downwards.
        most_m_s: with which it climbs, or sinks, at most.
    """
    if length_m < SAME_M:
        return 0.0
    slope = rise_m / length_m
    change = abs(slope - slope_before)
    slow_m_s = min(speed_m_s, most_m_s / max(abs(slope), 1e-9))
    braking_m = slope_braking_m(speed_m_s, length_m, rise_m, most_m_s)
    turning_m = speed_m_s * (SETTLE_S + change * slow_m_s / (2 * _TURN_UP_M_S2))
    late_m = change * min(length_m, braking_m + turning_m)
    if change > _STEEP:
        late_m += min(abs(rise_m), max(CLIMB_M_S, most_m_s) ** 2 / (2 * _TURN_UP_M_S2))
    return min(_BESIDE_M, _BESIDE_SHARE * abs(rise_m)) + late_m


def slope_braking_m(speed_m_s: float, length_m: float, rise_m: float, most_m_s: float) -> float:
    """Returns on how much of a leg an aircraft brakes because the leg is steep.

    Meanwhile it has little left to turn into the leg with, so that it keeps to the way it came.

    Args as for `height_lag_m`.
    """
    slope = abs(rise_m) / max(length_m, SAME_M)
    slow_m_s = most_m_s / max(slope, 1e-9)
    if slow_m_s >= speed_m_s:
        return 0.0
    return (speed_m_s**2 - slow_m_s**2) / (2 * BRAKE_M_S2) + 2 * SETTLE_S * speed_m_s
