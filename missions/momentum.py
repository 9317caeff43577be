"""How far an aircraft is carried on that turns to a place of return at speed.

The figures are PX4's: `MPC_ACC_HOR` 3 m/s2, `MPC_Z_V_AUTO_UP` 3 m/s, `NAV_MC_ALT_RAD` 0.8 m; and
the swings are held against flights of the simulated autopilot. Ordered to return, PX4 first climbs
to its return height and brakes meanwhile; where it is that high already, it turns at full speed.
"""

import math

from geo.flight_room import FlightRoom

BRAKE_M_S2 = 3.0
LAG_S = 0.3
"""From the wish to slow down until it does."""

_SWING_PER_M_S2, _SWING_SPARED_M = 0.16, 3.0
"""Fitted around the widest swings of the simulated autopilot at 3 to 15 m/s."""
_SHARES = ((8.0, 0.2), (30.0, 0.35), (90.0, 1.0))
"""Of that, where the way to the goal and the leg are no farther apart than so many degrees."""
_CALM_M_S = 5.5
"""Up to this an aircraft swings no farther out than PX4's acceptance radius of 2 m."""
_CLIMBS_M_S, _CLIMBED_M = 3.0, 0.8
"""How fast an autopilot climbs at most, and how far below a height it takes for reached."""


def swing_m(speed_m_s: float, apart_deg: tuple[float, float] = (90.0, 90.0)) -> float:
    """Returns how far out an aircraft may swing that turns to a place of return at speed.

    It is carried on while it turns, and comes at the place from the side: to the side of its leg
    on which the place lies it leaves the triangle between both, to the other side hardly. The
    simulated autopilot does so by 1.1 m at 5 m/s, 5.5 m at 8, 13.7 m at 11 and 31.4 m at 15 where
    it turns by 100 degrees; by less where the place lies ahead or behind.

    Args:
        speed_m_s: at which it begins to turn.
        apart_deg: the least and the most angle between the leg and the way to the goal, 0 to 180.
    """
    least, most = apart_deg
    off = most if most <= 90.0 else 180.0 - least if least >= 90.0 else 90.0
    share = next(part for degrees, part in _SHARES if off <= degrees)
    return share * max(0.0, _SWING_PER_M_S2 * speed_m_s**2 - _SWING_SPARED_M)


def speed_left_m_s(speed_m_s: float, climb_m: float) -> float:
    """Returns the speed that is left of one where an aircraft brakes while it climbs first."""
    braked_s = max(0.0, (climb_m - _CLIMBED_M) / _CLIMBS_M_S - LAG_S)
    return max(0.0, speed_m_s - BRAKE_M_S2 * braked_s)


def calm_climb_m(speed_m_s: float) -> float:
    """Returns a climb in which so much speed is lost that the return behind it hardly swings."""
    if speed_m_s <= _CALM_M_S:
        return 0.0
    return _CLIMBED_M + _CLIMBS_M_S * (LAG_S + (speed_m_s - _CALM_M_S) / BRAKE_M_S2)


def calm_return_m(room: FlightRoom, up_m: float, speed_m_s: float, margin_m: float) -> float:
    """Returns a return height from below which a return is calm, or the flight's own.

    Args:
        room: its zones; where it would not be free below a ceiling or a closed floor, the
            flight's own height is as good as any.
        up_m: of the flight, above home.
        speed_m_s: of the flight.
        margin_m: kept below ceilings and floors.
    """
    calm = up_m + calm_climb_m(speed_m_s)
    above = [li.ceiling_m if li.inclusion else li.floor_m for li in room.limits]
    over = min((up for up in above if up is not None and up > up_m), default=math.inf)
    return calm if calm + margin_m <= over else up_m
