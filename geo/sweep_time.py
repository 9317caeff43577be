"""How long a path takes to fly: its length, its turns and the wind."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from geo.coverage import Place


@dataclass(frozen=True, slots=True)
class Wind:
    """A steady wind."""

    speed_m_s: float
    from_deg: float
    """Where it comes from, clockwise from north."""

    @property
    def towards(self) -> Place:
        """Its velocity, east and north in m/s."""
        a = math.radians(self.from_deg)
        return -self.speed_m_s * math.sin(a), -self.speed_m_s * math.cos(a)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast somebody goes along a path."""

    speed_m_s: float = 8.0
    """Through the air."""
    turn_s: float = 0.5
    """What a right-angled turn costs beyond its way, corners being cut."""
    wind: Wind = Wind(0.0, 0.0)

    def __post_init__(self) -> None:
        """Refuses a pace at which one does not get on.

        Raises:
            ValueError: if the speed is not positive, a turn costs less than nothing, or the
                wind is as strong as the speed.
        """
        if not (0 < self.speed_m_s < math.inf and 0 <= self.turn_s < math.inf):
            raise ValueError("a pace needs a positive speed and no negative turns")
        if not 0 <= self.wind.speed_m_s < 0.95 * self.speed_m_s:
            raise ValueError("the wind is as strong as the speed through the air")

    @property
    def turn_m(self) -> float:
        """What a right-angled turn costs, in metres of flight."""
        return self.turn_s * self.speed_m_s

    def over_ground_m_s(self, east: float, north: float) -> float:
        """Returns the speed over ground along a unit vector, the nose held into the wind."""
        we, wn = self.wind.towards
        aside = we * north - wn * east
        return we * east + wn * north + math.sqrt(self.speed_m_s**2 - aside**2)

    def to_and_fro(self, angle_deg: float) -> float:
        """Returns the time of a lane flown both ways as a multiple of the time in still air.

        Args:
            angle_deg: the lane's direction, counter-clockwise from east.
        """
        e, n = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
        there, back = self.over_ground_m_s(e, n), self.over_ground_m_s(-e, -n)
        return self.speed_m_s * (1 / there + 1 / back) / 2

    def flight_s(self, path: Sequence[Place]) -> float:
        """Returns the time along a path with its turns, without a start and a stop."""
        total = 0.0
        heading: float | None = None
        for (ax, ay), (bx, by) in pairwise(path):
            length = math.hypot(bx - ax, by - ay)
            if length == 0:
                continue
            total += length / self.over_ground_m_s((bx - ax) / length, (by - ay) / length)
            now = math.atan2(by - ay, bx - ax)
            if heading is not None:
                total += self.turn_s * abs(math.remainder(now - heading, math.tau)) / (math.pi / 2)
            heading = now
        return total


def turns_of(path: Sequence[Place], least_deg: float = 5.0) -> int:
    """Returns at how many places of a path the heading changes by more than an angle."""
    turns, heading = 0, None
    for (ax, ay), (bx, by) in pairwise(path):
        if (ax, ay) == (bx, by):
            continue
        now = math.atan2(by - ay, bx - ax)
        if heading is not None:
            turns += abs(math.remainder(now - heading, math.tau)) > math.radians(least_deg)
        heading = now
    return turns
