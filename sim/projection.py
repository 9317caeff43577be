"""How a point of the simulated world lands in a picture: the simulator's own pinhole.

It shares no code with the `geo` package on purpose: the truth boxes made with it are the
independent check of every geotag. World axes are east, north, up in metres about the origin
of the district, up counted from the level ground.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Points = NDArray[np.float64]

_NEAR_M = 0.2


@dataclass(frozen=True, slots=True)
class CameraPose:
    """Where the camera stands and where it looks."""

    east_m: float
    north_m: float
    up_m: float
    """Height of the camera above the ground."""
    yaw_deg: float
    """Heading of the optical axis, clockwise from true north."""
    pitch_deg: float
    """Angle of the optical axis above the horizon; negative looks down."""
    roll_deg: float = 0.0
    """Turn about the optical axis; positive lowers the right side of the camera."""


@dataclass(frozen=True, slots=True)
class Pinhole:
    """A camera without distortion; pixel (0, 0) is the centre of the upper left pixel."""

    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float

    @classmethod
    def from_field_of_view(cls, width_px: int, height_px: int, hfov_deg: float) -> "Pinhole":
        """Returns square pixels whose outer edges span `hfov_deg` from left to right."""
        focal_px = width_px / 2 / math.tan(math.radians(hfov_deg) / 2)
        return cls(width_px, height_px, focal_px, focal_px, (width_px - 1) / 2, (height_px - 1) / 2)


DRONE_CAMERA = Pinhole.from_field_of_view(1280, 720, 62.0)
"""The camera of the demo drones."""
CAR_CAMERA = Pinhole.from_field_of_view(1280, 720, 75.0)
"""The mast camera of the demo patrol cars."""


def body_axes(pose: CameraPose) -> Matrix:
    """Returns the rows forward, right, down of the camera in east, north, up axes.

    Yaw, then pitch, then roll (3-2-1) turn a body that first looks north and level.
    """
    yaw, pitch, roll = (
        math.radians(angle) for angle in (pose.yaw_deg, pose.pitch_deg, pose.roll_deg)
    )
    level_forward = np.array([math.sin(yaw), math.cos(yaw), 0.0])
    level_right = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    forward = math.cos(pitch) * level_forward + math.sin(pitch) * up
    pitched_down = math.sin(pitch) * level_forward - math.cos(pitch) * up
    right = math.cos(roll) * level_right + math.sin(roll) * pitched_down
    down = math.cos(roll) * pitched_down - math.sin(roll) * level_right
    return np.stack([forward, right, down])


def projection_matrix(camera: Pinhole, pose: CameraPose) -> Matrix:
    """Returns the 3x4 matrix from homogeneous east, north, up to homogeneous pixels.

    The third homogeneous coordinate is the depth along the optical axis in metres.
    """
    axes = body_axes(pose)
    calibration = np.array(
        [
            [camera.cx_px, camera.fx_px, 0.0],
            [camera.cy_px, 0.0, camera.fy_px],
            [1.0, 0.0, 0.0],
        ]
    )
    centre = np.array([pose.east_m, pose.north_m, pose.up_m])
    return np.asarray(calibration @ np.hstack([axes, -(axes @ centre)[:, None]]))


def to_pixels(matrix: Matrix, points_m: Points) -> tuple[Points, NDArray[np.float64]]:
    """Returns the pixels (n, 2) and depths in metres (n,) of world points (n, 3).

    A point behind the camera gets a depth below zero; its pixel means nothing.
    """
    homogeneous = points_m @ matrix[:, :3].T + matrix[:, 3]
    depth_m = homogeneous[:, 2]
    safe = np.where(np.abs(depth_m) < 1e-9, 1e-9, depth_m)
    return homogeneous[:, :2] / safe[:, None], depth_m


def all_in_front(depth_m: NDArray[np.float64]) -> bool:
    """Says whether every depth lies far enough before the lens to be drawn."""
    return bool(depth_m.min() > _NEAR_M)


def plane_homography(matrix: Matrix, origin_m: Points, along_m: Points, across_m: Points) -> Matrix:
    """Returns the 3x3 matrix from plane coordinates (a, b, 1) to pixels.

    The plane holds the points `origin + a * along + b * across`.
    """
    columns = np.stack([along_m, across_m, origin_m], axis=1)
    result = matrix[:, :3] @ columns
    result[:, 2] += matrix[:, 3]
    return np.asarray(result)
