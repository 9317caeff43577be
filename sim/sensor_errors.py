"""How wrong a vehicle's own sensors are: slowly wandering positions, biases, jitter."""

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SensorProfile:
    """One-sigma errors of what a vehicle reports about itself."""

    horizontal_m: float
    """On each horizontal axis, wandering with `correlation_s`."""
    vertical_m: float
    yaw_deg: float
    """Constant over a sortie."""
    pitch_deg: float
    """Constant over a sortie."""
    roll_deg: float
    """Constant over a sortie."""
    time_s: float
    """How far its clock is off, constant over a sortie."""
    jitter_m: float = 0.03
    jitter_deg: float = 0.1
    correlation_s: float = 90.0


CONSUMER = SensorProfile(1.5, 2.0, 2.0, 1.0, 0.5, 0.1)
"""A calibrated consumer drone: the profile by which geotags are judged."""
PERFECT = SensorProfile(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""No error at all, for tests of everything else."""


class SensorErrors:
    """The errors of one vehicle, as they wander; the same seed gives the same errors."""

    def __init__(self, profile: SensorProfile, seed: int) -> None:
        """Draws the first errors."""
        self._chance = random.Random(f"sensors-{seed}")
        self.profile = profile
        self.east_m = self._chance.gauss(0, profile.horizontal_m)
        self.north_m = self._chance.gauss(0, profile.horizontal_m)
        self.up_m = self._chance.gauss(0, profile.vertical_m)
        self.new_sortie()

    def new_sortie(self) -> None:
        """Draws the errors that stay constant over a sortie."""
        profile = self.profile
        self.yaw_deg = self._chance.gauss(0, profile.yaw_deg)
        self.pitch_deg = self._chance.gauss(0, profile.pitch_deg)
        self.roll_deg = self._chance.gauss(0, profile.roll_deg)
        time_s = self._chance.gauss(0, profile.time_s)
        self.time_s = max(-2 * profile.time_s, min(2 * profile.time_s, time_s))

    def wander(self, step_s: float) -> None:
        """Lets the position errors wander for a while (first-order Gauss-Markov)."""
        profile = self.profile
        keep = math.exp(-step_s / profile.correlation_s)
        fresh = math.sqrt(1 - keep * keep)
        gauss = self._chance.gauss
        self.east_m = keep * self.east_m + gauss(0, fresh * profile.horizontal_m)
        self.north_m = keep * self.north_m + gauss(0, fresh * profile.horizontal_m)
        self.up_m = keep * self.up_m + gauss(0, fresh * profile.vertical_m)

    def jitter_m(self) -> float:
        """Returns a fresh independent position error."""
        return self._chance.gauss(0, self.profile.jitter_m)

    def jitter_deg(self) -> float:
        """Returns a fresh independent angle error."""
        return self._chance.gauss(0, self.profile.jitter_deg)
