"""The fit behind ground tracks: one place and one velocity from a pass's sightings.

Pure linear algebra on arrays, in metres about a local frame; `ground_tracks` says what the
numbers mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.positions import Covariance

Floats = NDArray[np.float64]

STANDING_GATE = 9.21
"""Chi-square, 99 %, two degrees of freedom."""
TURNS = [2, 3, 4, 5]
"""Which of a sighting's shared shifts turn or scale the view: yaw, pitch, roll, height."""
STRAIGHT_DOWN = (0.0, 0.0, 1e5)
"""The view of a sighting that tells none: from so high that metres stay metres."""


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
        return self.velocity_covariance.mahalanobis2(*self.velocity_en_m_s) < STANDING_GATE

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
    views_m: Floats,
    noise_m2: Floats,
    shared_m: Floats,
    speed_floor_m_s: float = 0.1,
) -> PassFit:
    """Fits place and velocity to the sightings of one pass.

    Least squares over place, velocity and the pass's shared errors (each with its one-sigma
    prior), by Huber's weights against outliers; where the residuals are larger than the noise
    says, the noise is taken to be as large as they are. A thing whose velocity may well be
    nought is fitted again as one that stands.

    Args:
        times_s: (n,).
        places_m: (n, 2) east and north.
        views_m: (n, 3) from the camera to the place: east, north, down.
        noise_m2: (n, 2, 2) what changes from frame to frame.
        shared_m: (n, 2, m) one-sigma shifts by each shared error, in geotag's order.
        speed_floor_m_s: one-sigma error of a speed that no fit may fall below (the position
            wanders a little).
    """
    cameras_m = places_m - views_m[:, :2]
    heights_m = views_m[:, 2]
    slopes = _slopes(places_m, cameras_m, heights_m)
    data = _Sight(
        times_s - times_s.mean(),
        cameras_m,
        heights_m,
        _directions(places_m, cameras_m, heights_m),
        np.asarray(np.linalg.inv(slopes @ noise_m2 @ slopes), np.float64),
        _smoothed(times_s, slopes @ shared_m[:, :, TURNS]),
        np.delete(shared_m, TURNS, axis=2),
    )
    # the steadiest view starts the search
    start = places_m[np.argmin(np.einsum("nam,nam->n", shared_m, shared_m))]
    middle_s = float(times_s.mean())
    still, still_block = _solved(data, start, moving=False)
    if len(times_s) < 3 or float(np.ptp(times_s)) <= 0.2:
        return PassFit(
            float(still[0]), float(still[1]), covariance_of(still_block), None, None, middle_s
        )
    fit, block = _solved(data, start, moving=True)
    velocity = (float(fit[2]), float(fit[3]))
    spread = covariance_of(block[2:4, 2:4] + speed_floor_m_s**2 * np.eye(2))
    if spread.mahalanobis2(*velocity) < STANDING_GATE:
        return PassFit(
            float(still[0]), float(still[1]), covariance_of(still_block), velocity, spread, middle_s
        )
    # a moving thing is where it was seen last
    last_s = float(data.times_s.max())
    later = np.concatenate([np.eye(2), last_s * np.eye(2)], axis=1)
    east, north = (float(x) for x in later @ fit[:4])
    covariance = covariance_of(later @ block[:4, :4] @ later.T)
    return PassFit(east, north, covariance, velocity, spread, middle_s + last_s)


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the fit is made of, as directions instead of places.

    In metres a flat far view is bent beyond what a straight line describes: one degree of
    tilt at 5 degrees of depression is a fifth of the distance. As a direction it is one
    degree. The direction from a camera is q = (east, north) / (slant + height): 0 straight
    down, length 1 at the horizon, and an angle everywhere alike (stereographic).
    """

    times_s: Floats
    cameras_m: Floats
    heights_m: Floats
    seen: Floats
    """(n, 2) directions."""
    inverse: Floats
    """(n, 2, 2) inverse of their noise."""
    turns: Floats
    """(n, 2, k) their shifts by errors that turn the view (angles) or scale it (height)."""
    moves: Floats
    """(n, 2, l) shifts of the place, in metres, by all other errors."""


def _directions(places_m: Floats, cameras_m: Floats, heights_m: Floats) -> Floats:
    away = places_m - cameras_m
    slant = np.sqrt(np.sum(away**2, axis=1) + heights_m**2)
    result: Floats = away / (slant + heights_m)[:, None]
    return result


def _slopes(places_m: Floats, cameras_m: Floats, heights_m: Floats) -> Floats:
    """Returns d(direction) / d(place), (n, 2, 2), symmetric."""
    away = places_m - cameras_m
    slant = np.sqrt(np.sum(away**2, axis=1) + heights_m**2)
    reach = slant + heights_m
    outer = away[:, :, None] * away[:, None, :]
    result: Floats = np.eye(2) / reach[:, None, None] - outer / (slant * reach**2)[:, None, None]
    return result


def _smoothed(times_s: Floats, shared: Floats) -> Floats:
    """Returns the shifts as smooth functions of time.

    Each was worked out at a place that carries its own frame's error. Left so, the fit would
    explain an error by the very shift that it has bent, and be sure of something false.
    """
    n = len(times_s)
    if n < 2:
        return shared
    scaled = (times_s - times_s.mean()) / max(float(np.ptp(times_s)), 1e-6)
    powers = np.vander(scaled, min(2, (n - 1) // 3) + 1)
    flat = shared.reshape(n, -1)
    smooth: Floats = (powers @ np.linalg.lstsq(powers, flat, rcond=None)[0]).reshape(shared.shape)
    return smooth


def _solved(data: _Sight, start_m: Floats, *, moving: bool) -> tuple[Floats, Floats]:
    """Returns the solution (east, north, and both velocities if moving) and its covariance."""
    n, _, turns = data.turns.shape
    m = turns + data.moves.shape[2]
    places = 4 if moving else 2
    solution = np.zeros(places + m)
    solution[:2] = start_m
    # nothing is farther than a kilometre from where it was seen, or faster than 30 m/s
    known = np.array([1e3, 1e3, 30.0, 30.0][:places])
    prior = np.diag(np.concatenate([known**-2.0, np.ones(m)]))
    design = np.zeros((n, 2, places + m))
    design[:, :, places : places + turns] = data.turns
    weights = np.ones(n)
    for _ in range(8):
        at = solution[:2] + (data.times_s[:, None] * solution[2:4] if moving else 0.0)
        slopes = _slopes(at, data.cameras_m, data.heights_m)
        design[:, :, :2] = slopes
        # by the slopes that the place has: else an offset of the position, which is a shift of
        # the place and nothing else, would seem to be another thing and be found out
        design[:, :, places + turns :] = slopes @ data.moves
        if moving:
            design[:, :, 2:4] = slopes * data.times_s[:, None, None]
        rest = data.seen - _directions(at, data.cameras_m, data.heights_m)
        rest = rest - design[:, :, places:] @ solution[places:]
        length2 = np.einsum("na,nab,nb->n", rest, data.inverse, rest)
        weights = np.minimum(1.0, 3.0 / np.sqrt(np.maximum(length2, 1e-12)))
        weighted = data.inverse * weights[:, None, None]
        normal = prior + np.einsum("nai,nab,nbj->ij", design, weighted, design)
        pull = prior @ np.concatenate([solution[:2] - start_m, solution[2:]])
        right = np.einsum("nai,nab,nb->i", design, weighted, rest) - pull
        change = np.linalg.solve(normal, right)
        solution = solution + change
        if float(np.abs(change[:places]).max()) < 1e-3:
            break
    spare = 2 * n - places
    scale = max(1.0, float(np.sum(weights * length2)) / spare) if spare > 0 else 1.0
    normal = prior + np.einsum("nai,nab,nbj->ij", design, weighted / scale, design)
    return solution[:places], np.linalg.inv(normal)[:places, :places]


def covariance_of(matrix: Floats) -> Covariance:
    """Returns a symmetric 2x2 matrix as a covariance."""
    return Covariance(
        float(matrix[0, 0]), float(matrix[1, 1]), float((matrix[0, 1] + matrix[1, 0]) / 2)
    )
