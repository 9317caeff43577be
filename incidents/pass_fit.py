"""The fit behind ground tracks: one place and one velocity from a pass's sightings.

Pure linear algebra on arrays, in metres about a local frame; `ground_tracks` says what the
numbers mean.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geo.positions import Covariance

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PassFit:
    """Place and velocity of one thing over one pass, in metres about a local frame."""

    east_m: float
    north_m: float
    covariance: Covariance
    velocity_en_m_s: tuple[float, float] | None
    """`None` where the pass is too short to tell."""
    velocity_covariance: Covariance | None
    at_s: float
    """The instant that the place is of, in seconds like the sightings' times."""

    @property
    def standing(self) -> bool:
        """Whether the velocity may well be nought (99 %)."""
        if self.velocity_en_m_s is None or self.velocity_covariance is None:
            return True
        return self.velocity_covariance.mahalanobis2(*self.velocity_en_m_s) < 9.21

    @property
    def speed(self) -> tuple[float, float] | None:
        """Speed and its one-sigma error in m/s."""
        if self.velocity_en_m_s is None or self.velocity_covariance is None:
            return None
        east, north = self.velocity_en_m_s
        speed = float(np.hypot(east, north))
        c = self.velocity_covariance
        worst = c.axes_m2[0]
        if speed < 2 * np.sqrt(worst):
            return speed, float(np.sqrt(worst))  # the direction means nothing
        along = (east**2 * c.ee_m2 + north**2 * c.nn_m2 + 2 * east * north * c.en_m2) / speed**2
        return speed, float(np.sqrt(max(0.0, along)))


def fit_pass(
    times_s: Floats,
    places_m: Floats,
    noise_m2: Floats,
    shared_m: Floats,
    speed_floor_m_s: float = 0.1,
) -> PassFit:
    """Fits place and velocity to the sightings of one pass.

    Least squares over place, velocity and the pass's shared errors (each with its one-sigma
    prior), by Huber's weights against outliers; where the residuals are larger than the noise
    says, the noise is taken to be as large as they are.

    Args:
        times_s: (n,).
        places_m: (n, 2) east and north.
        noise_m2: (n, 2, 2) what changes from frame to frame.
        shared_m: (n, 2, m) one-sigma shifts by each shared error.
        speed_floor_m_s: one-sigma error of a speed that no fit may fall below (the position
            wanders a little).
    """
    span_s = float(np.ptp(times_s))
    moving = len(times_s) >= 3 and span_s > 0.2
    if moving:
        fit = _least_squares(times_s, places_m, noise_m2, shared_m, speed_floor_m_s, moving=True)
        if not fit.standing:
            return fit
        still = _least_squares(times_s, places_m, noise_m2, shared_m, speed_floor_m_s, moving=False)
        return replace(
            still,
            velocity_en_m_s=fit.velocity_en_m_s,
            velocity_covariance=fit.velocity_covariance,
        )
    return _least_squares(times_s, places_m, noise_m2, shared_m, speed_floor_m_s, moving=False)


def _least_squares(
    times_s: Floats,
    places_m: Floats,
    noise_m2: Floats,
    shared_m: Floats,
    speed_floor_m_s: float,
    *,
    moving: bool,
) -> PassFit:
    n, _, m = shared_m.shape
    middle_s = float(np.mean(times_s))
    places = 4 if moving else 2
    design = np.zeros((n, 2, places + m))
    design[:, 0, 0] = design[:, 1, 1] = 1.0
    if moving:
        design[:, 0, 2] = design[:, 1, 3] = times_s - middle_s
    design[:, :, places:] = shared_m
    inverse = np.linalg.inv(noise_m2)
    prior = np.diag(np.concatenate([np.full(places, 1e-9), np.ones(m)]))
    weights = np.ones(n)
    for _ in range(4):
        weighted = inverse * weights[:, None, None]
        normal = prior + np.einsum("nai,nab,nbj->ij", design, weighted, design)
        right = np.einsum("nai,nab,nb->i", design, weighted, places_m)
        solution = np.linalg.solve(normal, right)
        rest = places_m - design @ solution
        length2 = np.einsum("na,nab,nb->n", rest, inverse, rest)
        weights = np.minimum(1.0, 3.0 / np.sqrt(np.maximum(length2, 1e-12)))
    spare = 2 * n - places
    scale = max(1.0, float(np.sum(weights * length2)) / spare) if spare > 0 else 1.0
    normal = prior + np.einsum("nai,nab,nbj->ij", design, weighted / scale, design)
    covariance = np.linalg.inv(normal)
    east, north = float(solution[0]), float(solution[1])
    at_s = middle_s
    block = covariance[:2, :2]
    velocity: tuple[float, float] | None = None
    velocity_block: Covariance | None = None
    if moving:
        velocity = (float(solution[2]), float(solution[3]))
        floor = speed_floor_m_s**2
        velocity_block = covariance_of(covariance[2:4, 2:4] + floor * np.eye(2))
        # a moving thing is where it was seen last
        at_s = float(np.max(times_s))
        later = np.concatenate([np.eye(2), (at_s - middle_s) * np.eye(2)], axis=1)
        east, north = (float(x) for x in later @ solution[:4])
        block = later @ covariance[:4, :4] @ later.T
    return PassFit(east, north, covariance_of(block), velocity, velocity_block, at_s)


def covariance_of(matrix: Floats) -> Covariance:
    """Returns a symmetric 2x2 matrix as a covariance."""
    return Covariance(
        float(matrix[0, 0]), float(matrix[1, 1]), float((matrix[0, 1] + matrix[1, 0]) / 2)
    )
