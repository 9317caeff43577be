"""Where a simulated PX4 returns to, from reading its return mode (`rtl.cpp`, 1.13 to 1.17)."""

import math
from collections.abc import Sequence
from typing import TypeAlias

Spot: TypeAlias = tuple[float, float, float]
"""Metres east, north and up of home."""

HOME: Spot = (0.0, 0.0, 0.0)
_FROM_HOME_M = 10.0
"""A rally point as near to home as this is not heeded."""
_NEARER_M = 2.0
"""Nor one that is nearer by no more than this."""
_RALLY_TYPES, _RALLY_FIRST = {0, 1, 3, 5}, {1, 5}
"""Values of `RTL_TYPE` that heed rally points, and those that prefer them to home."""


def return_goal(here: tuple[float, float], rally: Sequence[Spot], rtl_type: int) -> Spot:
    """Returns the place that a return flies to; types that follow the mission go home here."""
    goal, away = HOME, math.inf if rtl_type in _RALLY_FIRST else math.hypot(*here)
    for spot in rally if rtl_type in _RALLY_TYPES else ():
        far = math.dist(here, spot[:2])
        if math.hypot(*spot[:2]) > _FROM_HOME_M and far + _NEARER_M < away:
            goal, away = spot, far
    return goal
