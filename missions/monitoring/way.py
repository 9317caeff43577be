"""The way of a mission in metres, ready to be asked ten times a second where an aircraft is on it.

All legs are looked at in one step of numpy: a loop over them in Python took a third of the time
of judging a sample.
"""

import math
from collections.abc import Sequence

import numpy as np

Place = tuple[float, float]

_LEAST_LEG_M, _LEAST_M_S = 0.01, 0.5
_BESIDE_M, _BEYOND_M = 3.0, 3.0
"""So far off a leg, beyond the acceptance radius, or past its ends, it may still fly along it."""
_ALIGNED = 0.97


class Way:
    """The legs of a mission, in turn."""

    def __init__(self, places: Sequence[Place], acceptance_radius_m: float) -> None:
        """Takes two places or more, in metres of one frame."""
        corners = np.asarray(places, dtype=float)
        self._starts = corners[:-1]
        steps = np.diff(corners, axis=0)
        self._lengths = np.hypot(steps[:, 0], steps[:, 1])
        self._flown = self._lengths >= _LEAST_LEG_M
        self._lengths[~self._flown] = 0.0
        # a leg of no length points anywhere: what is beside and past it are still its distance
        self._units = np.tile((1.0, 0.0), (len(steps), 1))
        self._units[self._flown] = steps[self._flown] / self._lengths[self._flown, None]
        self._across_most_m = acceptance_radius_m + _BESIDE_M

    def look(self, place: Place, east_m_s: float, north_m_s: float) -> tuple[float, float]:
        """Returns how far a place is beside the way, and how far the end of its leg is.

        The leg is the one along which it moves; infinite where it moves along none.

        Args:
            place: where it is.
            east_m_s: how it moves.
            north_m_s: how it moves.
        """
        off = self._starts
        dx, dy = place[0] - off[:, 0], place[1] - off[:, 1]
        ux, uy = self._units[:, 0], self._units[:, 1]
        along = dx * ux + dy * uy
        across = np.abs(dx * uy - dy * ux)
        past = along - np.minimum(np.maximum(along, 0.0), self._lengths)
        beside_m = math.sqrt(float((across * across + past * past).min()))
        speed = math.hypot(east_m_s, north_m_s)
        if speed < _LEAST_M_S:
            return beside_m, math.inf
        on = (across <= self._across_most_m) & (np.abs(past) <= _BEYOND_M) & self._flown
        on &= east_m_s * ux + north_m_s * uy > _ALIGNED * speed
        if not on.any():
            return beside_m, math.inf
        return beside_m, max(0.0, float((self._lengths - along)[on].min()))
