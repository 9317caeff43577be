"""How far a vehicle's clock is from the station's, with its uncertainty.

A message that left at vehicle time `v` and came at station time `s` proves that the offset
(station minus vehicle) is at most `s - v`: it can't have come before it left. Delays only add, so
the least of many such bounds is the best (the minimum-delay filter). A TIMESYNC round trip proves
a bound from below as well. Clocks drift: an old bound counts for less, by the greatest drift that
is allowed for. Everything here is a value; nothing reads a clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Self

GREATEST_DRIFT_PPM: Final = 100.0
"""Of a cheap quartz, hot or cold; autopilots and phones do better."""
WINDOW_S: Final = 300.0
"""Bounds that are older are forgotten."""
USUAL_DELAY_S: Final = 0.25
"""What even the quickest message of a link may have taken, where no round trip has told."""
GREATEST_DELAY_S: Final = 30.0
"""No message takes longer: one that seems to was stamped by a clock that was set back."""
_MOST: Final = 64


@dataclass(frozen=True, slots=True)
class Bound:
    """The offset was no more than this, or no less, at one instant of the station's clock."""

    at_s: float
    offset_s: float


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """What to add to a vehicle's time to have the station's, and how wrong that may be."""

    seconds: float
    sigma_s: float
    """One sigma: of the interval in which the offset must lie, taken as even."""
    least_s: float
    most_s: float
    """The offset lies between these, where the drift is no greater than allowed."""
    measured: bool
    """Whether round trips have told the lower end; else it is the usual delay of a link."""


@dataclass(frozen=True, slots=True)
class ClockWatch:
    """The bounds known of one vehicle's clock; each word heard gives the next value."""

    drift_ppm: float = GREATEST_DRIFT_PPM
    window_s: float = WINDOW_S
    usual_delay_s: float = USUAL_DELAY_S
    above: tuple[Bound, ...] = ()
    """Upper bounds by time, only those that no other one makes idle."""
    below: tuple[Bound, ...] = ()

    def heard(self, vehicle_s: float, arrived_s: float) -> Self:
        """Returns what is known after a message that left at `vehicle_s` and came at `arrived_s`.

        A clock that was set back or forth makes bounds that contradict each other; those from
        before the step are then forgotten.
        """
        return self._with_bounds(Bound(arrived_s, arrived_s - vehicle_s), None)

    def round_trip(self, sent_s: float, vehicle_s: float, arrived_s: float) -> Self:
        """Returns what is known after a TIMESYNC: asked, answered at vehicle time, heard.

        Raises:
            ValueError: if the answer came before the question.
        """
        if arrived_s < sent_s:
            raise ValueError("an answer can't come before its question")
        upper = Bound(arrived_s, arrived_s - vehicle_s)
        return self._with_bounds(upper, Bound(arrived_s, sent_s - vehicle_s))

    def offset(self, at_s: float) -> ClockOffset | None:
        """Returns the offset at an instant of the station's clock; `None` if nothing is known."""
        if not self.above:
            return None
        most = self._most(at_s)
        known = self._least(at_s)
        least = most - self.usual_delay_s if known is None else min(known, most)
        return ClockOffset(
            (least + most) / 2, (most - least) / 12**0.5, least, most, known is not None
        )

    def _most(self, at_s: float) -> float:
        return min(b.offset_s + self._drift_s(b, at_s) for b in self.above)

    def _least(self, at_s: float) -> float | None:
        return max((b.offset_s - self._drift_s(b, at_s) for b in self.below), default=None)

    def _drift_s(self, bound: Bound, at_s: float) -> float:
        return abs(at_s - bound.at_s) * self.drift_ppm * 1e-6

    def _with_bounds(self, upper: Bound, lower: Bound | None) -> Self:
        now_s = upper.at_s
        known = self
        least = self._least(now_s)
        most = self._most(now_s) if self.above else None
        forth = least is not None and upper.offset_s < least
        back = most is not None and upper.offset_s > most + GREATEST_DELAY_S
        back |= most is not None and lower is not None and lower.offset_s > most
        if forth or back:
            known = replace(self, above=(), below=())  # the clock was set: what was known is void
        above = known._joined(known._fresh(known.above, now_s), upper, 1.0)
        below = known.below if lower is None else known._joined(known.below, lower, -1.0)
        return replace(known, above=above, below=known._fresh(below, now_s))

    def _joined(self, bounds: tuple[Bound, ...], new: Bound, sign: float) -> tuple[Bound, ...]:
        """Returns the bounds with a new one, without those that it makes idle from now on."""
        drift = self.drift_ppm * 1e-6
        kept = [
            b
            for b in bounds
            if sign * b.offset_s + (new.at_s - b.at_s) * drift < sign * new.offset_s
        ]
        # the first is the best as long as it is remembered; the new one is for afterwards
        return (*kept[: _MOST - 1], new)

    def _fresh(self, bounds: Iterable[Bound], now_s: float) -> tuple[Bound, ...]:
        return tuple(b for b in bounds if now_s - b.at_s <= self.window_s)
