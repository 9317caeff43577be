"""Paints flat pieces of the world, textured or plain, into a picture with cut edges.

Edges are hard here; the optics blur that `sim.render_sensor` adds smooths them.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sim.projection import Matrix, Points, plane_homography, to_pixels
from sim.render_assets import Image, as_image

_NEAR_M = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A flat polygon with a texture, in the axes of its thing (x forward, y left, z up)."""

    texture: Image
    """BGR, or BGRA where alpha below 128 is see-through."""
    origin_m: Points
    """The place of the texture's pixel (0, 0)."""
    along_m: Points
    """The step of one texture column."""
    across_m: Points
    """The step of one texture row."""
    corners_m: Points
    """(n, 3)."""
    normal: Points
    light: float = 1.0


def clip_near(matrix: Matrix, corners_m: Points) -> Points:
    """Cuts off the part of a polygon that lies behind the lens; may leave no corner."""
    depth = corners_m @ matrix[2, :3] + matrix[2, 3]
    if depth.min() > _NEAR_M:
        return corners_m
    kept: list[NDArray[np.float64]] = []
    for index in range(len(corners_m)):
        here, before = corners_m[index], corners_m[index - 1]
        d_here, d_before = depth[index] - _NEAR_M, depth[index - 1] - _NEAR_M
        if (d_here > 0) != (d_before > 0):
            kept.append(before + (here - before) * (d_before / (d_before - d_here)))
        if d_here > 0:
            kept.append(here)
    return np.array(kept).reshape(-1, 3)


def paint_plane(
    canvas: Image, matrix: Matrix, face: Face, corners_m: Points | None = None, light: float = 1.0
) -> None:
    """Paints a face whose vectors are in world axes."""
    corners = clip_near(matrix, face.corners_m if corners_m is None else corners_m)
    if len(corners) < 3:
        return
    pixels, _ = to_pixels(matrix, corners)
    height, width = canvas.shape[:2]
    left, top = np.floor(pixels.min(axis=0)).clip(0, (width, height)).astype(int)
    right, bottom = (np.ceil(pixels.max(axis=0)) + 1).clip(0, (width, height)).astype(int)
    if right <= left or bottom <= top:
        return
    size = (int(right - left), int(bottom - top))
    shift = np.array([[1.0, 0, -left], [0, 1, -top], [0, 0, 1]])
    to_roi = shift @ plane_homography(matrix, face.origin_m, face.along_m, face.across_m)
    warped: Image = as_image(
        cv2.warpPerspective(
            face.texture, to_roi, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    )
    mask: Image = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(mask, [np.round((pixels - [left, top]) * 16).astype(np.int32)], 255, shift=4)
    if warped.shape[2] == 4:
        mask = mask & (warped[..., 3] > 127).view(np.uint8) * np.uint8(255)
        warped = as_image(cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR))
    light *= face.light
    if light != 1.0:
        warped = as_image(cv2.convertScaleAbs(warped, alpha=light))
    cv2.copyTo(warped, mask, canvas[top:bottom, left:right])


def placed(face: Face, turn: Matrix, place_m: Points) -> Face:
    """Returns a face of a thing moved to its place in the world."""
    return Face(
        face.texture,
        turn @ face.origin_m + place_m,
        turn @ face.along_m,
        turn @ face.across_m,
        face.corners_m @ turn.T + place_m,
        turn @ face.normal,
        face.light,
    )


def heading_turn(heading_deg: float) -> Matrix:
    """Returns the rotation from forward/left/up of a thing to east/north/up."""
    heading = np.deg2rad(heading_deg)
    sin, cos = float(np.sin(heading)), float(np.cos(heading))
    return np.array([[sin, -cos, 0.0], [cos, sin, 0.0], [0.0, 0.0, 1.0]])


def darken(canvas: Image, matrix: Matrix, corners_m: Points, share: float, soft_px: float) -> None:
    """Lays a soft shadow on a polygon of ground."""
    corners = clip_near(matrix, corners_m)
    if len(corners) < 3:
        return
    pixels, _ = to_pixels(matrix, corners)
    height, width = canvas.shape[:2]
    pad = soft_px * 2
    left, top = np.floor(pixels.min(axis=0) - pad).clip(0, (width, height)).astype(int)
    right, bottom = (np.ceil(pixels.max(axis=0) + pad)).clip(0, (width, height)).astype(int)
    if right - left < 2 or bottom - top < 2:
        return
    mask = np.full((bottom - top, right - left), 255, np.uint8)
    hull = np.round((pixels - [left, top]) * 16).astype(np.int32)
    cv2.fillPoly(mask, [hull], int(255 * share), shift=4)
    kernel = max(1, int(soft_px)) * 2 + 1
    mask = cv2.blur(mask, (kernel, kernel))
    roi = canvas[top:bottom, left:right]
    cv2.multiply(roi, cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR), dst=roi, scale=1 / 255)
