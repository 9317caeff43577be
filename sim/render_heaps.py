"""Waste heaps: low mounds of many small pieces whose colours are real pixels.

No licensed picture of waste was at hand. A heap is therefore composed: scraps of real aerial
pixels on bent boards, bags and boxes that overlap on an uneven mound.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from sim.projection import Matrix, Points, to_pixels
from sim.render_assets import SCRAP_PX, AssetSet, Image
from sim.render_faces import Face, darken, heading_turn, paint_plane
from sim.world import PlacedThing

_CORNERS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Heap:
    """The pieces of a heap about its middle."""

    corners_m: NDArray[np.float64]
    """(pieces, 5, 3)."""
    colours: NDArray[np.float64]
    """(pieces, 3) BGR."""
    scrap: NDArray[np.int64]
    """Which square of the scrap strip each piece shows."""
    footprint_m: NDArray[np.float64]
    """(n, 3): the outline on the ground."""


@lru_cache(maxsize=256)
def heap_of(
    assets: AssetSet, texture: int, length_m: float, width_m: float, height_m: float
) -> Heap:
    """Returns the heap that a texture number always gives."""
    chance = np.random.default_rng(texture)
    count = int(60 + 18 * length_m * width_m)
    lobes = chance.uniform(0.75, 1.15, 7)

    def edge(angle: NDArray[np.float64]) -> NDArray[np.float64]:
        where = (angle / (2 * np.pi) * 7) % 7
        low = where.astype(int) % 7
        share = where - np.floor(where)
        return np.asarray(lobes[low] * (1 - share) + lobes[(low + 1) % 7] * share)

    angle = chance.uniform(0, 2 * np.pi, count)
    reach = np.sqrt(chance.uniform(0, 1, count)) * edge(angle)
    stray = chance.random(count) < 0.06
    reach = np.where(stray, reach * 1.25, reach)
    x = reach * np.cos(angle) * length_m / 2 * 0.9
    y = reach * np.sin(angle) * width_m / 2 * 0.9
    bump = 1 + 0.35 * np.sin(angle * 3 + texture % 7) * reach
    z = height_m * (1 - np.clip(reach, 0, 1) ** 1.6) * bump * chance.uniform(0.75, 1.1, count)
    middle = np.stack([x, y, np.clip(z, 0.04, None)], axis=1)
    slope = np.clip(reach, 0, 1) * 0.8 * height_m
    normal = np.stack([np.cos(angle) * slope, np.sin(angle) * slope, np.full(count, 0.8)], axis=1)
    normal += chance.normal(0, 0.45, (count, 3))
    normal[:, 2] = np.abs(normal[:, 2]) + 0.15
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    first = np.cross(normal, chance.normal(0, 1, (count, 3)))
    first /= np.linalg.norm(first, axis=1, keepdims=True) + 1e-9
    second = np.cross(normal, first)
    size = chance.gamma(3.0, 0.09, count).clip(0.08, 0.6)
    stretch = chance.uniform(0.45, 1.0, count)
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False) + chance.uniform(
        -0.4, 0.4, (count, _CORNERS)
    )
    corners = (
        middle[:, None]
        + (np.cos(turn) * size[:, None])[..., None] * first[:, None]
        + (np.sin(turn) * (size * stretch)[:, None])[..., None] * second[:, None]
    )
    corners[..., 2] = corners[..., 2].clip(0.0, None)
    scrap = chance.integers(0, assets.scraps.shape[1] // SCRAP_PX, count)
    colours = _piece_colours(assets, scrap, chance)
    # low pieces lie in the shade of the others; slopes away from the sun are darker
    lit = 0.62 + 0.38 * (corners[..., 2].mean(axis=1) / max(height_m, 0.1)).clip(0, 1)
    lit *= (0.85 + 0.25 * (normal @ np.array([-0.5, -0.35, 0.8]))).clip(0.5, 1.15)
    ring = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    outline = np.stack(
        [
            edge(ring) * np.cos(ring) * length_m / 2,
            edge(ring) * np.sin(ring) * width_m / 2,
            0 * ring,
        ],
        axis=1,
    )
    return Heap(corners, colours * lit[:, None], scrap, outline)


def _piece_colours(
    assets: AssetSet, scrap: NDArray[np.int64], chance: np.random.Generator
) -> NDArray[np.float64]:
    """Takes the colour of each piece from its scrap; a share is faded, black, white or brown."""
    squares = assets.scraps.reshape(SCRAP_PX, -1, SCRAP_PX, 3).mean(axis=(0, 2))
    colours = squares[scrap]
    kinds = chance.choice(5, len(scrap), p=(0.34, 0.18, 0.25, 0.13, 0.10))
    stains = np.array([[0, 0, 0], [38, 36, 36], [205, 208, 210], [72, 100, 128], [150, 105, 60.0]])
    colours = np.where((kinds > 0)[:, None], 0.25 * colours + 0.75 * stains[kinds], colours)
    whole = chance.uniform(0.75, 1.1) * chance.uniform(0.9, 1.1, 3)
    return np.asarray(colours * whole * chance.uniform(0.7, 1.2, (len(scrap), 1)))


def paint_heap(
    canvas: Image, matrix: Matrix, eye_m: Points, thing: PlacedThing, assets: AssetSet
) -> Points:
    """Paints a heap; returns the corners (n, 3) of what was painted."""
    heap = heap_of(assets, thing.texture, thing.length_m, thing.width_m, thing.height_m)
    turn, place = heading_turn(thing.heading_deg), np.array([thing.east_m, thing.north_m, 0.0])
    depth = float(matrix[2, :3] @ place + matrix[2, 3])
    soft_px = min(14.0, 300.0 / max(depth, 1.0))
    foot = heap.footprint_m @ turn.T + place
    darken(canvas, matrix, place + (foot - place) * 1.08, 0.62, soft_px)
    corners = heap.corners_m @ turn.T + place
    flat = corners.reshape(-1, 3)
    pixels, depths = to_pixels(matrix, flat)
    if depths.min() < 0.3:
        return np.asarray(flat)
    shaped = pixels.reshape(-1, _CORNERS, 2)
    order = np.argsort(-np.linalg.norm(corners.mean(axis=1) - eye_m, axis=1) + 0.0)
    points = np.round(shaped * 16).astype(np.int32)
    big = np.ptp(shaped, axis=1).min(axis=1) > 9.0
    for index in order:
        colour = heap.colours[index].clip(0, 255).tolist()
        if big[index]:
            _paint_scrap(canvas, matrix, corners[index], heap, int(index), assets)
        else:
            cv2.fillConvexPoly(canvas, points[index], colour, shift=4)
    return np.asarray(flat)


def _paint_scrap(
    canvas: Image, matrix: Matrix, corners: Points, heap: Heap, index: int, assets: AssetSet
) -> None:
    """Paints one near piece with the pixels of its scrap, tinted to the piece's colour."""
    left = int(heap.scrap[index]) * SCRAP_PX
    square = assets.scraps[:, left : left + SCRAP_PX]
    own = square.reshape(-1, 3).mean(axis=0)
    tinted = ((square - own) * 0.6 + heap.colours[index]).clip(0, 255).astype(np.uint8)
    along = (corners[1] - corners[0]) / (SCRAP_PX / 2)
    across = (corners[2] - corners[0]) / SCRAP_PX
    origin = corners[0] - along * 4
    paint_plane(canvas, matrix, Face(tinted, origin, along, across, corners, along))
