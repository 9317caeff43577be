"""The ground as one big picture, its smaller levels, and its way into a camera's picture."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sim.projection import CameraPose, Matrix, Pinhole, plane_homography
from sim.render_assets import AssetSet, Image, as_image
from sim.render_markings import paint_markings
from sim.world_layout import Layout, Ring

_TEXTURE_GSD_M = 0.05
_BANDS = 8
_DETAIL_GSD_M = 0.02
_DETAIL_PERIOD_M = 512 * _DETAIL_GSD_M
SUN_EAST, SUN_NORTH = 0.55, 0.35
"""How far a shadow falls for each metre of height, in metres east and north."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The painted ground at several resolutions, north up."""

    west_m: float
    north_m: float
    gsd_m: float
    """Metres a pixel of the finest level."""
    levels: tuple[Image, ...]
    detail: Image
    """A repeating grey pattern around 128 at 2 cm a pixel, for close looks."""

    def draw(self, canvas: Image, matrix: Matrix, camera: Pinhole, pose: CameraPose) -> None:
        """Paints the ground into every row of a picture that looks below the horizon."""
        to_pixels = plane_homography(
            matrix, np.array([0.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
        )
        to_ground = np.asarray(np.linalg.inv(to_pixels), np.float64)
        rows = math.ceil(camera.height_px / _BANDS)
        for top in range(0, camera.height_px, rows):
            height = min(rows, camera.height_px - top)
            footprint_m = _footprint_m(to_ground, to_pixels, camera, top + height / 2, top + height)
            if footprint_m is None:
                canvas[top : top + height] = 180
                continue
            finest = footprint_m / self.gsd_m
            level = min(len(self.levels) - 1, max(0, round(math.log2(max(finest, 0.5)) + 0.15)))
            gsd_m = self.gsd_m * 2**level
            shift = np.array([[1.0, 0, 0], [0, 1, -top], [0, 0, 1]])
            # a level's pixel (0, 0) covers a square whose centre lies half a pixel inside
            to_metres = np.array(
                [
                    [gsd_m, 0, self.west_m + gsd_m / 2],
                    [0, -gsd_m, self.north_m - gsd_m / 2],
                    [0, 0, 1],
                ]
            )
            band = cv2.warpPerspective(
                self.levels[level],
                shift @ to_pixels @ to_metres,
                (camera.width_px, height),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT_101,
            )
            if finest < 0.45:
                # the pattern lies about the camera; whole periods keep it fixed to the ground
                half_m = self.detail.shape[0] * _DETAIL_GSD_M / 2
                corner = [
                    math.floor((place - half_m) / _DETAIL_PERIOD_M) * _DETAIL_PERIOD_M
                    for place in (pose.east_m, pose.north_m)
                ]
                to_place = np.array(
                    [[_DETAIL_GSD_M, 0, corner[0]], [0, _DETAIL_GSD_M, corner[1]], [0, 0, 1]]
                )
                pattern = cv2.warpPerspective(
                    self.detail,
                    shift @ to_pixels @ to_place,
                    (camera.width_px, height),
                    flags=cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_CONSTANT,
                    borderValue=(128, 128, 128),
                )
                band = cv2.addWeighted(band, 1.0, pattern, 0.45, -128 * 0.45)
            canvas[top : top + height] = band


def _footprint_m(
    to_ground: Matrix, to_pixels: Matrix, camera: Pinhole, middle: float, bottom: float
) -> float | None:
    """Returns the ground size of a pixel in the middle of a band, None above the horizon."""

    def ground(x: float, y: float) -> tuple[NDArray[np.float64], bool]:
        point = to_ground @ np.array([x, y, 1.0])
        place = point[:2] / point[2]
        return place, float(to_pixels[2, :2] @ place + to_pixels[2, 2]) > 0

    here, in_front = ground(camera.cx_px, middle)
    if not in_front:
        # the horizon may cross the band: its lowest row decides
        here, in_front = ground(camera.cx_px, bottom)
        edges = [ground(x, bottom)[1] for x in (0.0, camera.width_px - 1.0)]
        if not in_front:
            return 1.0 if any(edges) else None
        return 2.0
    right, _ = ground(camera.cx_px + 1, middle)
    below, _ = ground(camera.cx_px, middle + 1)
    across = float(np.hypot(*(right - here)))
    along = float(np.hypot(*(below - here)))
    return math.sqrt(across * along)


class GroundPainter:
    """Paints the pieces of a layout into one big picture."""

    def __init__(
        self, layout: Layout, assets: AssetSet, gsd_m: float, seed: int, tile_px: int, tint: float
    ) -> None:
        self._layout, self._assets, self._gsd_m = layout, assets, gsd_m
        self._tile_px, self._tint = tile_px, tint
        self._chance = np.random.default_rng(seed)
        self._west, south, east, self._north = layout.extent_m
        self.size_px = (round((east - self._west) / gsd_m), round((self._north - south) / gsd_m))
        self.picture: Image = np.zeros((self.size_px[1], self.size_px[0], 3), np.uint8)
        self._tiles: dict[str, Image] = {}

    def _pixels(self, ring: Ring) -> NDArray[np.int32]:
        points = np.array(ring, np.float64)
        x = (points[:, 0] - self._west) / self._gsd_m
        y = (self._north - points[:, 1]) / self._gsd_m
        return np.stack([x, y], axis=1).round().astype(np.int32)

    def _tile(self, material: str) -> Image:
        """Makes a big repeating patch of a material by laying small real patches side by side."""
        if material in self._tiles:
            return self._tiles[material]
        scale = _TEXTURE_GSD_M / self._gsd_m
        patches = [
            cv2.resize(patch, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            for patch in self._assets.textures_of(material)
        ]
        target = np.mean([patch.reshape(-1, 3).mean(axis=0) for patch in patches], axis=0)
        look = target * (1 + self._chance.uniform(-self._tint, self._tint, 3))
        if material == "grass" and self._tint:
            look = look * [0.8, self._chance.uniform(1.0, 1.9), self._chance.uniform(0.8, 1.6)]
        tile = np.empty((self._tile_px, self._tile_px, 3), np.float32)
        tile[:] = look
        side = max(12, min(64, min(min(patch.shape[:2]) for patch in patches) - 1))
        ramp = np.minimum(np.arange(side) + 1, np.arange(side)[::-1] + 1) / (side / 4)
        weight = np.clip(np.minimum.outer(ramp, ramp), 0, 1)[..., None].astype(np.float32)
        step = max(4, int(side * 0.62))
        for y in range(-side // 2, self._tile_px, step):
            for x in range(-side // 2, self._tile_px, step):
                patch = patches[int(self._chance.integers(len(patches)))]
                top = int(self._chance.integers(patch.shape[0] - side + 1))
                left = int(self._chance.integers(patch.shape[1] - side + 1))
                piece = patch[top : top + side, left : left + side].astype(np.float32)
                piece = np.rot90(piece, int(self._chance.integers(4)))
                piece = piece + (look - target) + (target - piece.mean(axis=(0, 1))) * 0.75
                rows = np.arange(y, y + side) % self._tile_px
                columns = np.arange(x, x + side) % self._tile_px
                where = np.ix_(rows, columns)
                tile[where] = tile[where] * (1 - weight) + piece * weight
        self._tiles[material] = tile.clip(0, 255).astype(np.uint8)
        return self._tiles[material]

    def surfaces(self) -> None:
        """Paints every surface of the layout, in order."""
        for surface in self._layout.surfaces:
            ring = self._pixels(surface.ring)
            soft = surface.soft_edge_m / self._gsd_m
            pad = int(2 * soft)
            left, top = np.maximum(ring.min(axis=0) - pad, 0)
            right, bottom = np.minimum(ring.max(axis=0) + pad, self.size_px)
            if right <= left or bottom <= top:
                continue
            mask = np.zeros((bottom - top, right - left), np.uint8)
            cv2.fillPoly(mask, [ring - [left, top]], 255)
            if soft:
                mask = self._ragged(mask, soft)
            tile = self._tile(surface.material)
            rows = np.arange(top, bottom) % self._tile_px
            columns = np.arange(left, right) % self._tile_px
            cv2.copyTo(tile[np.ix_(rows, columns)], mask, self.picture[top:bottom, left:right])

    def _ragged(self, mask: Image, soft_px: float) -> Image:
        """Frays the edge of a mask by noise."""
        rough = self._chance.normal(0, 60, (mask.shape[0] // 6 + 2, mask.shape[1] // 6 + 2))
        noise = cv2.resize(
            rough.astype(np.float32), mask.shape[::-1], interpolation=cv2.INTER_CUBIC
        )
        soft = cv2.GaussianBlur(mask, (0, 0), soft_px / 2).astype(np.float32)
        return (((soft + noise) > 127) * 255).astype(np.uint8)

    def blotches(self, count: int) -> None:
        """Paints dark stains and bare patches: flat things that look a little like waste."""
        width, height = self.size_px
        for _ in range(count):
            radius = float(self._chance.uniform(0.5, 1.8)) / self._gsd_m
            x, y = int(self._chance.integers(width)), int(self._chance.integers(height))
            side = int(radius * 3) + 4
            left, top = max(0, x - side), max(0, y - side)
            roi = self.picture[top : y + side, left : x + side]
            mask = np.zeros(roi.shape[:2], np.uint8)
            angle = float(self._chance.uniform(0, 180))
            axes = (int(radius), int(radius * self._chance.uniform(0.4, 1.0)))
            cv2.ellipse(mask, (x - left, y - top), axes, angle, 0, 360, 255, -1)
            share = self._ragged(mask, radius / 2) / 255 * self._chance.uniform(0.3, 0.75)
            share = np.asarray(cv2.GaussianBlur(share, (0, 0), 1.2), np.float64)[..., None]
            if self._chance.random() < 0.5:
                colour = np.full(3, 35.0)
            else:
                soil = self._tile("soil")
                colour = soil[: roi.shape[0], : roi.shape[1]].astype(np.float64)
            roi[:] = (roi * (1 - share) + colour * share).astype(np.uint8)

    def clutter(self) -> None:
        """Paints small real things flat on the ground."""
        if not self._assets.clutter:
            return
        for index, (east, north, heading) in enumerate(self._layout.clutter):
            thing = self._assets.clutter[index % len(self._assets.clutter)]
            picture = thing.picture.astype(np.float32)
            picture[..., :3] *= picture[..., 3:] / 255
            scale = thing.gsd_m / self._gsd_m
            side = math.ceil(max(picture.shape[:2]) * scale * 1.45)
            turn = cv2.getRotationMatrix2D(
                (picture.shape[1] / 2, picture.shape[0] / 2), heading, scale
            )
            turn[:, 2] += [side / 2 - picture.shape[1] / 2, side / 2 - picture.shape[0] / 2]
            small = cv2.warpAffine(picture, turn, (side, side), flags=cv2.INTER_AREA)
            x, y = self._pixels(((east, north),))[0] - side // 2
            roi = self.picture[max(0, y) : y + side, max(0, x) : x + side]
            if roi.shape[:2] != (side, side):
                continue
            roi[:] = (
                (roi * (1 - small[..., 3:] / 255) + small[..., :3]).clip(0, 255).astype(np.uint8)
            )

    def markings(self) -> None:
        """Paints what is marked on the streets, a little worn."""
        paint: Image = np.zeros(self.picture.shape[:2], np.uint8)
        paint_markings(paint, self._layout, self._pixels)
        worn = self._chance.normal(0.72, 0.16, (paint.shape[0] // 5 + 1, paint.shape[1] // 5 + 1))
        wear = cv2.resize(worn.astype(np.float32).clip(0.15, 0.95), paint.shape[::-1])
        for top in range(0, paint.shape[0], 512):
            rows = slice(top, top + 512)
            share = (paint[rows] > 0)[..., None] * wear[rows][..., None]
            white = paint[rows][..., None].astype(np.float32)
            ground = self.picture[rows]
            ground[:] = (ground * (1 - share) + white * share).astype(np.uint8)

    def shadows(self) -> None:
        """Darkens the ground beside houses and plants."""
        shade: Image = np.full(self.picture.shape[:2], 255, np.uint8)
        for house in self._layout.buildings:
            half = np.array([house.length_m / 2, house.width_m / 2])
            base = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half + [
                house.east_m,
                house.north_m,
            ]
            cast = np.array([SUN_EAST, SUN_NORTH]) * house.height_m
            hull = cv2.convexHull(np.vstack([base, base + cast]).astype(np.float32))[:, 0]
            cv2.fillConvexPoly(shade, self._pixels(tuple(map(tuple, hull.tolist()))), 120)
        for plant in self._layout.plants:
            cast = np.array([SUN_EAST, SUN_NORTH]) * (plant.trunk_m + plant.radius_m)
            centre = self._pixels(((plant.east_m + cast[0], plant.north_m + cast[1]),))[0]
            cv2.circle(shade, centre.tolist(), int(plant.radius_m / self._gsd_m), 140, -1)
        shade = as_image(cv2.blur(shade, (7, 7)))
        self.picture = as_image(
            cv2.multiply(self.picture, cv2.cvtColor(shade, cv2.COLOR_GRAY2BGR), scale=1 / 255)
        )

    def unevenness(self, strength: float) -> None:
        """Varies the brightness over tens of metres."""
        small = self._chance.normal(
            128, 128 * strength, (self.size_px[1] // 120 + 2, self.size_px[0] // 120 + 2)
        )
        grey = cv2.resize(small.astype(np.float32), self.size_px, interpolation=cv2.INTER_CUBIC)
        even = cv2.cvtColor(grey.clip(0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)
        self.picture = as_image(cv2.multiply(self.picture, even, scale=1 / 128))

    def finish(self) -> Ground:
        """Returns the ground with its smaller levels."""
        levels = [self.picture]
        while len(levels) < 6 and min(levels[-1].shape[:2]) > 64:
            half = cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            levels.append(as_image(half))
        detail = self._chance.normal(0, 14, (512, 512)) + cv2.resize(
            self._chance.normal(0, 12, (128, 128)).astype(np.float32), (512, 512)
        )
        grey = np.tile((128 + detail).clip(0, 255).astype(np.uint8), (4, 4))
        return Ground(
            self._west,
            self._north,
            self._gsd_m,
            tuple(levels),
            as_image(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)),
        )


def paint_ground(
    layout: Layout,
    assets: AssetSet,
    gsd_m: float = 0.1,
    seed: int = 7,
    *,
    tile_px: int = 768,
    tint: float = 0.0,
) -> Ground:
    """Returns the painted ground of a layout at a resolution in metres a pixel.

    `tile_px` is the size after which a material repeats; `tint` is the share by which its
    colour may differ from that of the real patches.
    """
    painter = GroundPainter(layout, assets, gsd_m, seed, tile_px, tint)
    west, south, east, north = layout.extent_m
    painter.surfaces()
    painter.blotches(int((east - west) * (north - south) / 1500))
    painter.markings()
    painter.clutter()
    painter.shadows()
    painter.unevenness(0.05)
    return painter.finish()
