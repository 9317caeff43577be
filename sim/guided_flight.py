"""What a simulated vehicle does beside its mission, and what it carries."""

import math
from dataclasses import dataclass

from sim.vehicle_physics import QuadPhysics

_AHEAD_RAD = 0.2
_ON_CIRCLE_M = 1.0
_LEVEL_M = 1.0

Spot = tuple[float, float, float]
"""Metres east, north and up of home."""


def steer_round(
    quad: QuadPhysics, middle: Spot, radius_m: float, speed_m_s: float, *, clockwise: bool = False
) -> None:
    """Steers along a circle: a point of it, a fifth of a radian ahead, is followed."""
    turn = -_AHEAD_RAD if clockwise else _AHEAD_RAD
    ahead = math.atan2(quad.north - middle[1], quad.east - middle[0]) + turn
    quad.fly_to(
        middle[0] + radius_m * math.cos(ahead),
        middle[1] + radius_m * math.sin(ahead),
        middle[2],
        min(speed_m_s, math.sqrt(radius_m)),
    )
    quad.end_speed = quad.speed


@dataclass(frozen=True, slots=True)
class Round:
    """A circle that is flown."""

    middle: Spot
    radius_m: float
    """Negative is flown to the left, as MAVLink has it."""
    speed_m_s: float


class GuidedFlight:
    """Where a vehicle is sent beside its mission, and what its camera and lamp do."""

    def __init__(self) -> None:
        """Is sent nowhere; nothing is switched on."""
        self.goal: Spot | None = None
        self.round: Round | None = None
        self.speed_m_s = 5.0
        self.zoom_percent = 0.0
        self.lit = False
        self.said: list[str] = []
        """What its loudspeaker has said."""

    def clear(self) -> None:
        """Forgets where it was sent."""
        self.goal = self.round = None

    def fly_to(self, quad: QuadPhysics, goal: Spot, speed_m_s: float) -> None:
        """Sets out straight for a place."""
        self.goal, self.round = goal, None
        quad.fly_to(*goal, speed_m_s)

    def go_round(self, quad: QuadPhysics, one: Round) -> None:
        """Sets out for a circle, to where it is nearest, and goes round it."""
        self.goal, self.round = None, one
        east, north = quad.east - one.middle[0], quad.north - one.middle[1]
        size = max(0.01, math.hypot(east, north))
        share = abs(one.radius_m) / size
        to = (one.middle[0] + east * share, one.middle[1] + north * share)
        quad.fly_to(*to, one.middle[2], one.speed_m_s)

    def step(self, quad: QuadPhysics) -> None:
        """Goes on round a circle once it is on it."""
        one = self.round
        if one is None:
            return
        radius_m = abs(one.radius_m)
        away = math.hypot(quad.east - one.middle[0], quad.north - one.middle[1])
        if abs(away - radius_m) > _ON_CIRCLE_M + 0.1 * radius_m:
            return
        if abs(quad.up - one.middle[2]) <= _LEVEL_M:
            clockwise = one.radius_m > 0
            steer_round(quad, one.middle, radius_m, one.speed_m_s, clockwise=clockwise)
