"""A camera: pixels to directions, directions to the ground, the ground to pixels.

Pinhole with Brown-Conrady distortion (OpenCV's order k1, k2, p1, p2, k3). Pixel (0, 0) is
the centre of the upper left pixel. Axes and angles as in `geo.positions.Attitude`. All
functions take and give arrays; nothing here knows of time or telemetry.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.positions import Attitude, PoseSigma

Floats = NDArray[np.float64]
Homography = NDArray[np.float64]
"""A 3x3 matrix between homogeneous pixels of two pictures."""


@dataclass(frozen=True, slots=True)
class CameraModel:
    """Intrinsics of a camera at one picture size."""

    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """k1, k2, p1, p2, k3; zeros mean a rectilinear lens."""
    sigma_px: float = 3.0
    """One-sigma error of a pixel: box, lens and rolling shutter together."""

    @classmethod
    def from_hfov(
        cls, width_px: int, height_px: int, hfov_deg: float, sigma_px: float = 3.0
    ) -> "CameraModel":
        """Returns an undistorted camera with square pixels and this horizontal field of view."""
        f = width_px / 2 / np.tan(np.radians(hfov_deg) / 2)
        return cls(
            width_px, height_px, f, f, (width_px - 1) / 2, (height_px - 1) / 2, sigma_px=sigma_px
        )

    def rays(self, u_px: Floats, v_px: Floats) -> Floats:
        """Returns directions (3, n) in the camera's body frame, x component 1."""
        x = (np.asarray(u_px, float) - self.cx_px) / self.fx_px
        y = (np.asarray(v_px, float) - self.cy_px) / self.fy_px
        if any(self.distortion):
            x, y = self._undistorted(x, y)
        return np.stack([np.ones_like(x), x, y])

    def pixels(self, rays: Floats) -> tuple[Floats, Floats]:
        """Returns u and v of body-frame directions (3, n); NaN for what lies behind."""
        with np.errstate(divide="ignore", invalid="ignore"):
            x, y = rays[1] / rays[0], rays[2] / rays[0]
            if any(self.distortion):
                x, y = self._distorted(x, y)
            behind = rays[0] <= 0
            u = np.where(behind, np.nan, x * self.fx_px + self.cx_px)
            v = np.where(behind, np.nan, y * self.fy_px + self.cy_px)
        return u, v

    def _distorted(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        k1, k2, p1, p2, k3 = self.distortion
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        return (
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        )

    def _undistorted(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        k1, k2, p1, p2, k3 = self.distortion
        u, v = x, y
        for _ in range(12):  # fixed point; converges for every lens that is one-to-one
            r2 = u * u + v * v
            radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
            dx = 2 * p1 * u * v + p2 * (r2 + 2 * u * u)
            dy = p1 * (r2 + 2 * v * v) + 2 * p2 * u * v
            u, v = (x - dx) / radial, (y - dy) / radial
        return u, v


def rotation(attitude: Attitude) -> Floats:
    """Returns the matrix (3, 3) that takes body axes to north, east, down."""
    yaw, pitch, roll = np.radians([attitude.yaw_deg, attitude.pitch_deg, attitude.roll_deg])
    cy, sy, cp, sp, cr, sr = (
        np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll),
    )  # fmt: skip
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def project_to_ground(
    camera: CameraModel, attitude: Attitude, height_m: float, u_px: Floats, v_px: Floats
) -> Floats:
    """Returns where pixels meet level ground, as (2, n): metres east and north of the camera.

    NaN where the ray does not go down. `height_m` is the camera's height above that ground.
    """
    if not any(camera.distortion):
        return _project_rectilinear(camera, attitude, height_m, u_px, v_px)
    north, east, down = rotation(attitude) @ camera.rays(u_px, v_px)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(down > _LEVEL, height_m / down, np.nan)
    return np.stack([east * scale, north * scale])


_LEVEL = 1e-9
"""A direction of unit depth that goes down by no more than this is level."""
_BLOCK = 16_384
"""Pixels at a time: what they need fits the processor's cache."""


def _project_rectilinear(
    camera: CameraModel, attitude: Attitude, height_m: float, u_px: Floats, v_px: Floats
) -> Floats:
    """Returns what `project_to_ground` does, for a lens without distortion, several times faster.

    Then north, east and down are each linear in u and v; the sums are made in place and block
    by block, so that no array of the whole length comes and goes.
    """
    u, v = np.broadcast_arrays(np.asarray(u_px, np.float64), np.asarray(v_px, np.float64))
    to_rays = np.array(
        [
            [0.0, 0.0, 1.0],
            [1 / camera.fx_px, 0.0, -camera.cx_px / camera.fx_px],
            [0.0, 1 / camera.fy_px, -camera.cy_px / camera.fy_px],
        ]
    )
    (nu, nv, n1), (eu, ev, e1), (du, dv, d1) = (rotation(attitude) @ to_rays).tolist()
    flat_u, flat_v = u.ravel(), v.ravel()
    places = np.empty((2, flat_u.size))
    spare = np.empty((2, min(_BLOCK, flat_u.size)))

    def linear(a: Floats, b: Floats, by_a: float, by_b: float, one: float, out: Floats) -> None:
        np.multiply(a, by_a, out=out)
        part = np.multiply(b, by_b, out=spare[1, : a.size])
        out += part
        out += one

    for start in range(0, flat_u.size, _BLOCK):
        a, b = flat_u[start : start + _BLOCK], flat_v[start : start + _BLOCK]
        scale = spare[0, : a.size]
        linear(a, b, du, dv, d1, scale)
        level = scale <= _LEVEL
        if level.any():
            scale[level] = np.nan
        np.divide(height_m, scale, out=scale)
        east, north = places[:, start : start + _BLOCK]
        linear(a, b, eu, ev, e1, east)
        linear(a, b, nu, nv, n1, north)
        east *= scale
        north *= scale
    return places.reshape(2, *u.shape)


def ground_to_pixel(
    camera: CameraModel, attitude: Attitude, height_m: float, east_m: Floats, north_m: Floats
) -> tuple[Floats, Floats]:
    """Returns u and v of places on level ground, given east and north of the camera."""
    ned = np.stack([north_m, east_m, np.full_like(np.asarray(north_m, float), height_m)])
    return camera.pixels(rotation(attitude).T @ ned)


@dataclass(frozen=True, slots=True)
class GroundErrors:
    """Places of n pixels and what each source of error does to them, to first order."""

    places_m: Floats
    """(2, n): east and north of the camera; NaN where the ray does not go down."""
    shared_m: Floats
    """(5, 2, n): one-sigma shifts by yaw, pitch, roll, height and time.

    An error of the pose stays nearly the same from frame to frame, so these don't average out
    over a pass; nor does that of the position, `PoseSigma.horizontal_m` on each axis.
    """
    pixel_m: Floats
    """(2, 2, n): one-sigma shifts by the pixel's own error across and down the picture."""


def ground_errors(
    camera: CameraModel,
    attitude: Attitude,
    height_m: float,
    u_px: Floats,
    v_px: Floats,
    sigma: PoseSigma,
    *,
    ground_sigma_m: float = 0.0,
    velocity_en_m_s: tuple[float, float] = (0.0, 0.0),
    yaw_rate_deg_s: float = 0.0,
) -> GroundErrors:
    """Returns the places of pixels and the shift that each error of one sigma causes.

    Every error is taken through the exact derivative of the projection: height (with the
    ground's own error), the three angles, both pixel axes, and time, which moves the camera
    along its velocity and turns it at its yaw rate.
    """
    matrix = rotation(attitude)
    rays = camera.rays(u_px, v_px)
    d = matrix @ rays
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(d[2] > 1e-9, height_m / d[2], np.nan)
    slope = np.stack([d[1], d[0]]) * (scale / height_m)  # east, north metres per metre of height
    places = slope * height_m

    def moved(change: Floats) -> Floats:
        """Returns d(place) for a change (3, n) of the direction in north, east, down."""
        result: Floats = scale * (np.stack([change[1], change[0]]) - slope * change[2])
        return result

    yaw = np.radians(attitude.yaw_deg)
    axes = (
        np.array([0.0, 0.0, 1.0]),
        np.array([-np.sin(yaw), np.cos(yaw), 0.0]),
        matrix[:, 0],
    )
    by_yaw, by_pitch, by_roll = (moved(np.cross(axis, d.T).T) for axis in axes)
    n = rays.shape[1]
    across = np.stack([np.zeros(n), np.full(n, 1 / camera.fx_px), np.zeros(n)])
    below = np.stack([np.zeros(n), np.zeros(n), np.full(n, 1 / camera.fy_px)])
    by_time = by_yaw * np.radians(yaw_rate_deg_s) + np.array(velocity_en_m_s)[:, None]
    shared = np.stack(
        [
            by_yaw * np.radians(sigma.yaw_deg),
            by_pitch * np.radians(sigma.pitch_deg),
            by_roll * np.radians(sigma.roll_deg),
            slope * float(np.hypot(sigma.vertical_m, ground_sigma_m)),
            by_time * sigma.time_s,
        ]
    )
    pixel = np.stack([moved(matrix @ across), moved(matrix @ below)]) * camera.sigma_px
    return GroundErrors(places, shared, pixel)


def ground_covariances(
    camera: CameraModel,
    attitude: Attitude,
    height_m: float,
    u_px: Floats,
    v_px: Floats,
    sigma: PoseSigma,
    *,
    ground_sigma_m: float = 0.0,
    velocity_en_m_s: tuple[float, float] = (0.0, 0.0),
    yaw_rate_deg_s: float = 0.0,
) -> tuple[Floats, Floats]:
    """Returns the places of pixels and their covariance, to first order.

    The errors of `ground_errors` and that of the position, all independent of each other.

    Returns:
        places (2, n) as `project_to_ground`, and covariances (3, n): ee, nn, en in m².
    """
    errors = ground_errors(
        camera,
        attitude,
        height_m,
        u_px,
        v_px,
        sigma,
        ground_sigma_m=ground_sigma_m,
        velocity_en_m_s=velocity_en_m_s,
        yaw_rate_deg_s=yaw_rate_deg_s,
    )
    shifts = np.concatenate([errors.shared_m, errors.pixel_m])
    east, north = shifts[:, 0], shifts[:, 1]
    covariance = np.stack(
        [np.sum(east * east, axis=0), np.sum(north * north, axis=0), np.sum(east * north, axis=0)]
    )
    covariance[:2] += sigma.horizontal_m**2
    return errors.places_m, covariance


def footprint(
    camera: CameraModel,
    attitude: Attitude,
    height_m: float,
    *,
    greatest_distance_m: float = 1_000.0,
    steps: int = 8,
) -> Floats:
    """Returns the border of the seen ground as (2, n): metres east and north of the camera.

    Where the picture holds the horizon, the footprint ends at `greatest_distance_m`. Empty
    (2, 0) where no ground is seen.
    """
    right, bottom = camera.width_px - 0.5, camera.height_px - 0.5
    across = np.linspace(-0.5, right, steps + 1)
    lines = np.linspace(-0.5, bottom, 4 * steps + 1)
    edge_u = [across, np.full_like(lines, right), across[::-1], np.full_like(lines, -0.5)]
    edge_v = [np.full_like(across, -0.5), lines, np.full_like(across, bottom), lines[::-1]]
    u, v = np.concatenate(edge_u), np.concatenate(edge_v)
    places = project_to_ground(camera, attitude, height_m, u, v)
    far = ~(np.hypot(*places) <= greatest_distance_m)
    seen: Floats = places[:, ~far]
    return seen


def ground_homography(
    camera: CameraModel,
    before: Attitude,
    before_height_m: float,
    after: Attitude,
    after_height_m: float,
    moved_en_m: tuple[float, float],
) -> Homography:
    """Returns the matrix (3, 3) that takes pixels of level ground from one pose to another.

    Lens distortion is left out: between neighbouring frames it all but cancels.

    Args:
        camera: the camera of both pictures.
        before: attitude in the first picture.
        before_height_m: height above the ground in the first picture.
        after: attitude in the second picture.
        after_height_m: height above the ground in the second picture.
        moved_en_m: how far the camera went east and north in between.
    """

    def ground_to_picture(
        attitude: Attitude, height_m: float, east_m: float, north_m: float
    ) -> Homography:
        to_ned = np.array([[0.0, 1.0, -north_m], [1.0, 0.0, -east_m], [0.0, 0.0, height_m]])
        to_picture = np.array(
            [
                [camera.cx_px, camera.fx_px, 0.0],
                [camera.cy_px, 0.0, camera.fy_px],
                [1.0, 0.0, 0.0],
            ]
        )
        result: Homography = to_picture @ rotation(attitude).T @ to_ned
        return result

    first = ground_to_picture(before, before_height_m, 0.0, 0.0)
    second = ground_to_picture(after, after_height_m, *moved_en_m)
    matrix: Homography = second @ np.linalg.inv(first)
    matrix /= matrix[2, 2]
    return matrix
