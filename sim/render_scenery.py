"""What stands around without being looked for: houses, trees, bushes, the sky."""

from functools import lru_cache

import cv2
import numpy as np

from sim.projection import CameraPose, Matrix, Pinhole, Points, body_axes
from sim.render_assets import AssetSet, Image, as_image
from sim.render_faces import Face, darken, heading_turn, paint_plane
from sim.world_layout import Building, Plant

_SKY_TOP_DEG = 45.0


@lru_cache(maxsize=64)
def _canopy(assets: AssetSet, style: int) -> Image:
    """Cuts a ragged round piece of real foliage: BGRA 96x96."""
    chance = np.random.default_rng(style)
    leaves = assets.textures_of("foliage")
    patch = leaves[style % len(leaves)]
    side = min(96, *patch.shape[:2])
    top = int(chance.integers(patch.shape[0] - side + 1))
    left = int(chance.integers(patch.shape[1] - side + 1))
    green = cv2.resize(patch[top : top + side, left : left + side], (96, 96))
    tint = chance.uniform(0.85, 1.1, 3) * [0.95, 1.0, 1.0 + 0.35 * chance.random()]
    tint *= chance.uniform(60, 105) / max(20.0, float(green.mean()))
    grain = 1 + chance.normal(0, 0.22, (48, 48)).astype(np.float32)
    speckle = cv2.resize(grain, (96, 96), interpolation=cv2.INTER_LINEAR)[..., None]
    green = (green * tint * speckle).clip(0, 255).astype(np.uint8)
    rows, columns = np.mgrid[-1:1:96j, -1:1:96j]
    rough = cv2.resize(
        chance.normal(0, 0.16, (14, 14)).astype(np.float32), (96, 96), interpolation=cv2.INTER_CUBIC
    )
    alpha = ((np.hypot(rows, columns) + rough) < 0.86) * 255
    return np.dstack([green, alpha.astype(np.uint8)])


@lru_cache(maxsize=4096)
def plant_corners(plant: Plant) -> Points:
    """Returns points (n, 3) about the outline of a plant."""
    angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1) * plant.radius_m * 0.8
    middle = np.array([plant.east_m, plant.north_m])
    ring += middle
    crown = (ring + middle) / 2
    return np.vstack(
        [
            np.column_stack([ring, np.full(8, plant.trunk_m)]),
            np.column_stack([crown, np.full(8, plant.height_m)]),
        ]
    )


def paint_plant(
    canvas: Image, matrix: Matrix, eye_m: Points, plant: Plant, assets: AssetSet
) -> None:
    """Paints a tree or a bush: slices from above, an upright cut-out from the street."""
    canopy = _canopy(assets, plant.style)
    foot = np.array([plant.east_m, plant.north_m, 0.0])
    gap = eye_m - foot
    flat = float(np.hypot(gap[0], gap[1]))
    if gap[2] < flat * 0.45:
        _paint_upright(canvas, matrix, gap / max(flat, 0.1), foot, plant, canopy)
        return
    depth = max(1.0, float(matrix[2, :3] @ foot + matrix[2, 3]))
    tall_px = float(np.hypot(*matrix[:2, 2])) * plant.height_m / depth
    slices = int(np.clip(tall_px / 7, 2, 4 if plant.trunk_m == 0 else 6))
    for index in range(slices):
        share = index / (slices - 1)
        radius = plant.radius_m * (1.0 - 0.75 * abs(share - 0.3) ** 1.5)
        height = plant.trunk_m * 0.7 + share * (plant.height_m - plant.trunk_m * 0.7)
        step = 2 * radius / 96
        turn = heading_turn(index * 67.0 + plant.style % 360)
        corners = (
            np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0.0]]) @ turn.T * radius
            + foot
            + np.array([0, 0, height])
        )
        along, across = turn @ np.array([step, 0, 0.0]), turn @ np.array([0, -step, 0.0])
        face = Face(canopy, corners[3], along, across, corners, foot)
        paint_plane(canvas, matrix, face, light=0.68 + 0.32 * share)


def _paint_upright(
    canvas: Image, matrix: Matrix, toward: Points, foot: Points, plant: Plant, canopy: Image
) -> None:
    right = np.array([-toward[1], toward[0], 0.0])
    if plant.trunk_m:
        half = right * 0.14
        trunk = np.array([foot - half, foot + half, foot + half, foot - half])
        trunk[2:, 2] = plant.trunk_m + 1.0
        bark = np.full((4, 4, 3), (48, 58, 66), np.uint8)
        paint_plane(canvas, matrix, Face(bark, trunk[0], half, half, trunk, toward))
    darken(
        canvas,
        matrix,
        foot + np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0.0]]) * plant.radius_m * 0.5,
        0.7,
        3,
    )
    low = 0.0 if plant.trunk_m == 0 else plant.trunk_m
    tall = plant.height_m - low
    depth = max(1.0, float(matrix[2, :3] @ foot + matrix[2, 3]))
    layers = (
        ((1.0, 0.62, 0.3), (0.9, 0.8, 0.0), (0.75, 1.0, -0.3)) if depth < 60 else ((1.0, 0.8, 0.0),)
    )
    for scale, light, back in layers:
        middle = (
            foot
            + np.array([0, 0, low + tall * (0.5 + 0.06 * (1 - scale))])
            - toward * back * plant.radius_m
        )
        half_w, half_h = right * plant.radius_m * scale, np.array([0, 0, tall / 2 * scale * 1.08])
        corners = np.array(
            [
                middle - half_w + half_h,
                middle + half_w + half_h,
                middle + half_w - half_h,
                middle - half_w - half_h,
            ]
        )
        face = Face(canopy, corners[0], 2 * half_w / 96, -2 * half_h / 96, corners, toward)
        paint_plane(canvas, matrix, face, light=light)


@lru_cache(maxsize=16)
def _wall(assets: AssetSet, style: int, metres: int, floors: int) -> Image:
    """Makes a wall at 10 px a metre: real pavement pixels as plaster, rows of windows."""
    chance = np.random.default_rng(style)
    plain = assets.textures_of(("plaza", "brick", "pavement")[style % 3])[0]
    wall = cv2.resize(plain, (metres * 10, floors * 30))
    tint = np.array([(0.95, 1.0, 1.08), (0.85, 0.95, 1.1), (1.05, 1.02, 1.0)][style % 3])
    wall = (wall * tint).clip(0, 255).astype(np.uint8)
    for floor in range(floors):
        for left in range(8, metres * 10 - 20, 26):
            shade = int(chance.integers(45, 95))
            top = floor * 30 + 8
            cv2.rectangle(
                wall, (left, top), (left + 13, top + 14), (shade + 12, shade + 4, shade), -1
            )
            cv2.rectangle(wall, (left - 1, top - 1), (left + 14, top + 15), (205, 205, 205), 1)
    return as_image(wall)


def building_corners(house: Building) -> Points:
    """Returns the 8 corners of a house."""
    half = np.array([house.length_m / 2, house.width_m / 2])
    base = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half + [house.east_m, house.north_m]
    return np.vstack([np.column_stack([base, np.full(4, z)]) for z in (0.0, house.height_m)])


def paint_building(
    canvas: Image, matrix: Matrix, eye_m: Points, house: Building, assets: AssetSet
) -> None:
    """Paints the walls and the roof of a house that face the camera."""
    corners = building_corners(house)
    floors = max(1, round(house.height_m / 3))
    for index, light in enumerate((0.95, 0.8, 0.7, 0.88)):
        a, b = corners[index], corners[(index + 1) % 4]
        outward = np.array([(b - a)[1], -(b - a)[0], 0.0])
        if float(outward @ (eye_m - a)) <= 0:
            continue
        length = float(np.linalg.norm(b - a))
        wall = _wall(assets, house.style, round(length), floors)
        up = np.array([0, 0, house.height_m])
        ring = np.array([a, b, b + up, a + up])
        face = Face(
            wall, a + up, (b - a) / wall.shape[1], -up / wall.shape[0], ring, outward, light
        )
        paint_plane(canvas, matrix, face)
    if eye_m[2] > house.height_m:
        roofs = assets.textures_of("roof")
        roof = _roof(assets, house.style % len(roofs), round(house.length_m), round(house.width_m))
        top = corners[4:]
        face = Face(
            roof,
            top[3],
            np.array([house.length_m / roof.shape[1], 0, 0]),
            np.array([0, -house.width_m / roof.shape[0], 0]),
            top,
            np.array([0, 0, 1.0]),
            0.95,
        )
        paint_plane(canvas, matrix, face)


@lru_cache(maxsize=32)
def _roof(assets: AssetSet, style: int, length_m: int, width_m: int) -> Image:
    patch = assets.textures_of("roof")[style]
    tile = np.hstack([patch, patch[:, ::-1]])
    tile = np.vstack([tile, tile[::-1]])
    shape = (width_m * 20, length_m * 20)
    repeats = (-(-shape[0] // tile.shape[0]), -(-shape[1] // tile.shape[1]), 1)
    roof = np.tile(tile, repeats)[: shape[0], : shape[1]]
    size = (length_m * 10, width_m * 10)
    return as_image(cv2.resize(roof, size, interpolation=cv2.INTER_AREA))


@lru_cache(maxsize=4)
def _panorama(assets: AssetSet, seed: int) -> Image:
    """Makes the sky all around, 4 px a degree, with a far line of trees and roofs below."""
    chance = np.random.default_rng(seed)
    rows = int(_SKY_TOP_DEG * 4)
    share = np.linspace(1, 0, rows)[:, None, None]
    sky = np.array([226, 216, 205.0]) * (1 - share) + np.array([205, 175, 140.0]) * share
    # a turn of the noise on either side, cut off again, lets east and west ends meet
    noise = np.tile(chance.normal(0, 11, (12, 48)).astype(np.float32), 3)
    cloud = cv2.resize(noise, (4320, rows), interpolation=cv2.INTER_CUBIC)[:, 1440:2880]
    sky = np.broadcast_to(sky, (rows, 1440, 3)) + cloud[..., None]
    leaves = cv2.resize(assets.textures_of("foliage")[0], (1440, 24)).astype(np.float64)
    heights = np.interp(np.arange(1440), np.arange(0, 1440, 12), chance.gamma(4, 1.1, 120)).clip(
        2, 16
    )
    for column in range(1440):
        tall = int(heights[column])
        sky[rows - tall :, column] = leaves[:tall, column] * 0.35 + np.array([190, 185, 175]) * 0.5
    return sky.clip(0, 255).astype(np.uint8)


def paint_sky(
    canvas: Image, camera: Pinhole, pose: CameraPose, assets: AssetSet, seed: int
) -> None:
    """Paints the sky and a thin haze over the far ground; does nothing for a downward look."""
    axes = body_axes(pose)
    step = 16
    xs = np.arange(0, camera.width_px + step, step) - camera.cx_px
    ys = np.arange(0, camera.height_px + step, step) - camera.cy_px
    grid_x, grid_y = np.meshgrid(xs / camera.fx_px, ys / camera.fy_px)
    rays = axes[0] + grid_x[..., None] * axes[1] + grid_y[..., None] * axes[2]
    elevation = np.degrees(np.arctan2(rays[..., 2], np.hypot(rays[..., 0], rays[..., 1])))
    if elevation.max() < -1.0:
        return
    last = int(np.nonzero((elevation > -1.5).any(axis=1))[0].max()) + 1
    azimuth = np.degrees(np.arctan2(rays[..., 0], rays[..., 1]))
    middle = azimuth[0, azimuth.shape[1] // 2]
    azimuth = (azimuth - middle + 180) % 360 - 180
    panorama = np.roll(_panorama(assets, seed), -int((middle - 180) % 360 * 4), axis=1)
    bottom = min(camera.height_px, (last + 1) * step)
    size = (xs.size * step, (last + 2) * step)
    cells = slice(0, last + 2)

    def spread(values: Points, shrink: int) -> Points:
        # resize centres its samples half a cell inside: shift back so that node k lies at k*step
        small = (size[0] // shrink, size[1] // shrink)
        big = cv2.resize(values[cells].astype(np.float32), small, interpolation=cv2.INTER_LINEAR)
        skip = step // 2 // shrink
        rows, columns = -(-bottom // shrink), -(-camera.width_px // shrink)
        return np.asarray(big[skip:, skip:][:rows, :columns])

    level = spread(elevation, 1)
    # clouds are soft: half the resolution is enough for them
    rows = (_SKY_TOP_DEG - spread(elevation, 2).clip(0, _SKY_TOP_DEG - 0.3)) * 4 - 1
    soft = cv2.remap(
        panorama,
        (spread(azimuth, 2) + 180) * 4,
        rows,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    colours = as_image(cv2.resize(soft, level.shape[::-1], interpolation=cv2.INTER_LINEAR))
    part = canvas[: level.shape[0], : level.shape[1]]
    cv2.copyTo(colours, (level >= 0.0).view(np.uint8), part)
    edge = np.nonzero(((level > -1.2) & (level < 0)).any(axis=1))[0]
    if edge.size:
        # a thin haze takes the hard edge off the horizon
        rows_near = slice(int(edge.min()), int(edge.max()) + 1)
        near = level[rows_near]
        share = ((((near + 1.2) / 1.2).clip(0, 0.75)) * (near < 0)).astype(np.float32)[..., None]
        part[rows_near] = (part[rows_near] * (1 - share) + colours[rows_near] * share).astype(
            np.uint8
        )
