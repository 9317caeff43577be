"""How far an aircraft may be off the straight line of each leg: below, above and beside it.

Heights run straight along a leg. An aircraft is off that line where it turns into a slope while it
is still fast, where it begins the leg beside its corner, and where it was late already; on a slope
that asks for all that it can climb it doesn't catch up. Late at the end of a leg, it passes the
corner and waits behind it until it has come to the height.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from missions.momentum import (
    ARRIVED_M,
    BRAKE_M_S2,
    CLIMB_M_S,
    SAME_M,
    SETTLE_S,
    SOFT_DEG,
    allowed_m_s,
    bend_deg,
    height_lag_m,
    slope_braking_m,
)
from missions.proving.sheets import Place

_CATCH_UP_S, _LITTLE_M = 1.2, 0.02
"""In which most of a wrong height is made good, and what of it is nothing."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A leg by its end, in metres from home."""

    item: int
    place: Place
    up_m: float
    speed_m_s: float
    """That is wanted on it."""
    halts: bool
    """Whether it stops there."""
    passed_m_s: float | None = None
    """At a corner that is reached too fast to turn there."""
    takeoff: bool = False


@dataclass(frozen=True, slots=True)
class OffLine:
    """How far off the line of a leg."""

    under_m: float = 0.0
    over_m: float = 0.0
    beside_m: float = 0.0


@dataclass(frozen=True, slots=True)
class _Begin:
    """How a leg is begun."""

    place: Place = (0.0, 0.0)
    up_m: float = 0.0
    slope: float = 0.0
    """Of the leg before."""
    speed_m_s: float = 0.0
    bend_deg: float = 0.0
    halted: bool = True
    low_m: float = 0.0
    high_m: float = 0.0
    """How far it still has to climb or sink when the step before counts as reached."""
    beyond_m: float = 0.0
    """How far behind the corner it may have waited for that."""


def off_lines(
    legs: Sequence[Leg], radius_m: float, climb_m_s: float, sink_m_s: float
) -> dict[int, OffLine]:
    """Returns how far off its line an aircraft may be on each leg, by the number of its item.

    Args:
        legs: in the order in which they are flown, from the take-off on, which has no entry.
        radius_m: how far before its end a leg counts as flown.
        climb_m_s: that it can climb.
        sink_m_s: that it can sink.
    """
    found: dict[int, OffLine] = {}
    begin = _Begin()
    for leg, after in zip(legs, [*legs[1:], None], strict=True):
        rise_m = leg.up_m - begin.up_m
        off, left, beyond_m = OffLine(), (0.0, 0.0), 0.0
        if not leg.takeoff:
            most_m_s = climb_m_s if rise_m > 0 else sink_m_s
            off = _off(leg, begin, radius_m, most_m_s)
            left = _left_m(leg, begin, off, most_m_s)
            beyond_m = _beyond_m(leg, begin, after, max(left), most_m_s)
            found[leg.item] = OffLine(off.under_m, off.over_m, max(off.beside_m, beyond_m))
        begin = _begin_after(leg, begin, after, left, beyond_m)
    return found


def _off(leg: Leg, begin: _Begin, radius_m: float, most_m_s: float) -> OffLine:
    length_m, rise_m = math.dist(begin.place, leg.place), leg.up_m - begin.up_m
    lag_m = height_lag_m(begin.speed_m_s, begin.slope, length_m, rise_m, most_m_s)
    if begin.bend_deg >= SOFT_DEG:  # it slows down for the bend, and up or down with it
        lag_m = max(lag_m, height_lag_m(begin.speed_m_s, 0.0, length_m, rise_m, most_m_s))
    turn = math.radians(begin.bend_deg)
    # a corner counts as passed before it, so that behind a sharp one the leg begins farther on
    on_m = max(begin.beyond_m * math.cos(turn), -radius_m * math.cos(turn))
    on_m = 0.0 if begin.halted or length_m < SAME_M else min(length_m, max(0.0, on_m))
    ahead_m = on_m * rise_m / max(length_m, SAME_M)
    under_m = lag_m + begin.low_m + max(0.0, ahead_m)
    over_m = lag_m + begin.high_m + max(0.0, -ahead_m)
    braking_m = slope_braking_m(begin.speed_m_s, length_m, rise_m, most_m_s)
    aside = math.sin(min(math.pi / 2, turn))
    return OffLine(under_m, over_m, aside * max(braking_m, begin.beyond_m))


def _left_m(leg: Leg, begin: _Begin, off: OffLine, most_m_s: float) -> tuple[float, float]:
    """Returns how much of that may be left below and above when the leg's end is reached."""
    length_m = math.dist(begin.place, leg.place)
    slope = abs(leg.up_m - begin.up_m) / max(length_m, SAME_M)
    spare_m_s = max(0.0, most_m_s - slope * leg.speed_m_s)
    seconds = length_m / max(leg.speed_m_s, 1e-9)

    def left(late_m: float) -> float:
        slow_m = spare_m_s * _CATCH_UP_S
        straight_s = max(0.0, late_m - slow_m) / max(spare_m_s, 1e-9)
        if seconds <= straight_s:
            return late_m - spare_m_s * seconds
        kept = min(late_m, slow_m) * math.exp(-(seconds - straight_s) / _CATCH_UP_S)
        return kept if kept > _LITTLE_M else 0.0

    return left(off.under_m), left(off.over_m)


def _beyond_m(leg: Leg, begin: _Begin, after: Leg | None, late_m: float, most_m_s: float) -> float:
    """Returns how far beyond its end an aircraft may come that has to wait there for its height."""
    if late_m <= ARRIVED_M or leg.halts or after is None:
        return 0.0
    length_m = max(SAME_M, math.dist(begin.place, leg.place))
    slope = abs(leg.up_m - begin.up_m) / length_m
    bend = bend_deg(begin.place, leg.place, after.place)
    fastest_m_s = max(most_m_s, CLIMB_M_S) / max(slope, 1e-9)  # faster than it says that it is
    speed_m_s = min(allowed_m_s(bend, leg.speed_m_s), fastest_m_s)
    room_m = max(0.0, length_m - SETTLE_S * begin.speed_m_s)  # too short to brake on
    speed_m_s = max(speed_m_s, math.sqrt(max(0.0, begin.speed_m_s**2 - 2 * BRAKE_M_S2 * room_m)))
    return speed_m_s**2 / (2 * BRAKE_M_S2) + SETTLE_S * speed_m_s


def _begin_after(
    leg: Leg, begin: _Begin, after: Leg | None, left_m: tuple[float, float], beyond_m: float
) -> _Begin:
    rise_m, length_m = leg.up_m - begin.up_m, math.dist(begin.place, leg.place)
    slope = rise_m / length_m if length_m > SAME_M and not leg.takeoff else 0.0
    bend, speed_m_s = 0.0, leg.passed_m_s or 0.0
    if leg.passed_m_s is None and not leg.halts and after is not None:
        bend = bend_deg(begin.place, leg.place, after.place)
        speed_m_s = allowed_m_s(bend, leg.speed_m_s)
    low_m = min(ARRIVED_M, max(left_m[0], rise_m))
    high_m = min(ARRIVED_M, max(left_m[1], -rise_m))
    return _Begin(
        leg.place, leg.up_m, slope, speed_m_s, bend, leg.halts, low_m, high_m, beyond_m
    )  # fmt: skip
