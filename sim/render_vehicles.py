"""Vehicles: a real picture from above laid over a low shape, with sides made from its pixels."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np

from sim.projection import Matrix, Points
from sim.render_assets import AssetSet, Image, Skin, as_image
from sim.render_faces import Face, darken, heading_turn, paint_plane, placed
from sim.render_ground import SUN_EAST, SUN_NORTH
from sim.world import PlacedThing


@dataclass(frozen=True, slots=True)
class _Shape:
    """The side view of a kind: shares of length from the rear, shares of height."""

    top: tuple[tuple[float, float], ...]
    """Stations of the top line, from the rear to the front."""
    belt: float
    """Where the body ends and the windows begin."""
    roof_width: float
    windows: tuple[float, float]
    """Lower and upper edge of the window band."""


_SHAPES = {
    "car": _Shape(
        (
            (0.0, 0.58),
            (0.03, 0.66),
            (0.15, 0.98),
            (0.30, 1.0),
            (0.60, 0.98),
            (0.76, 0.66),
            (0.96, 0.56),
            (1.0, 0.42),
        ),
        0.64,
        0.84,
        (0.66, 0.94),
    ),
    "minibus": _Shape(
        ((0.0, 0.96), (0.03, 1.0), (0.78, 1.0), (0.90, 0.58), (0.98, 0.46), (1.0, 0.38)),
        0.52,
        0.92,
        (0.55, 0.82),
    ),
    "bus": _Shape(((0.0, 0.98), (0.02, 1.0), (0.97, 1.0), (1.0, 0.92)), 0.40, 0.97, (0.42, 0.80)),
    "truck": _Shape(
        ((0.0, 1.0), (0.77, 1.0), (0.775, 0.80), (0.90, 0.78), (0.985, 0.50), (1.0, 0.45)),
        0.97,
        0.99,
        (0.0, 0.0),
    ),
}
_CLEARANCE = 0.16
_PAINT_HUES = (4.0, 4.0, 14.0, 24.0, 70.0, 104.0, 112.0, 112.0)
"""Usual car colours as OpenCV hues (half degrees)."""


def _pixels_of(skin: Image, left: float, right: float) -> Image:
    """Returns the middle of a skin between two shares of its length, as BGR."""
    height, width = skin.shape[:2]
    return skin[
        int(height * 0.3) : int(height * 0.7), int(width * left) : int(width * right) + 1, :3
    ]


@lru_cache(maxsize=256)
def _jittered(assets: AssetSet, kind: str, texture: int) -> Skin:
    """Picks a look and varies its light, its colour and its left-right side."""
    skins = assets.skins_of(kind)
    skin = skins[texture % len(skins)]
    chance = np.random.default_rng(texture)
    picture = skin.picture[::-1] if chance.random() < 0.5 else skin.picture
    hsv = cv2.cvtColor(np.ascontiguousarray(picture[..., :3]), cv2.COLOR_BGR2HSV).astype(np.float32)
    if kind in ("car", "truck") and chance.random() < 0.45:
        hsv[..., 0] = chance.choice(_PAINT_HUES) + chance.uniform(-4, 4)
        hsv[..., 1] = (hsv[..., 1] + 70 * (hsv[..., 2] > 70)).clip(0, 165)
    hsv[..., 2] = (hsv[..., 2] * chance.uniform(0.75, 1.08)).clip(0, 255)
    colour = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2BGR)
    return Skin(skin.kind, np.dstack([colour, picture[..., 3]]), skin.length_m, skin.width_m)


def _side_texture(skin: Image, shape: _Shape, kind: str) -> Image:
    """Makes a flank 200x100 from the paint of the skin: body, window band, sill, wheels."""
    paint = _pixels_of(skin, 0.80, 0.93) if kind == "car" else _pixels_of(skin, 0.25, 0.70)
    side = cv2.resize(paint, (200, 100), interpolation=cv2.INTER_LINEAR)
    side = cv2.convertScaleAbs(side, alpha=0.86)
    if kind == "truck":
        cab = cv2.resize(_pixels_of(skin, 0.80, 0.97), (46, 100))
        side[:, 154:] = cv2.convertScaleAbs(cab, alpha=0.86)
        cv2.rectangle(side, (164, 26), (184, 48), (52, 46, 42), -1)
        side[82:, :150] = side[82:, :150] // 3
    glass = cv2.resize(
        _pixels_of(skin, 0.64, 0.70) if kind == "car" else _pixels_of(skin, 0.84, 0.88), (200, 100)
    )
    glass = cv2.addWeighted(glass, 0.35, np.full_like(glass, 40), 0.65, 0)
    low, high = shape.windows
    if high:
        top, bottom = int(100 * (1 - high)), int(100 * (1 - low))
        spans = {
            "car": ((20, 70), (74, 118), (121, 142)),
            "minibus": ((6, 60), (64, 112), (120, 164)),
            "bus": tuple((6 + 27 * k, 29 + 27 * k) for k in range(7)),
        }[kind]
        for left, right in spans:
            side[top:bottom, left:right] = glass[top:bottom, left:right]
    side[76:80] = side[76:80] // 2
    for seam in (72, 119) if kind in ("car", "minibus") else ():
        side[36:80, seam : seam + 1] = side[36:80, seam : seam + 1] // 2
    return as_image(side)


def _end_texture(skin: Image, kind: str, front: bool) -> Image:
    """Makes a nose or a tail 80x60: paint, glass, lights, bumper, plate without signs."""
    paint = _pixels_of(skin, 0.82, 0.95) if front else _pixels_of(skin, 0.0, 0.1)
    if kind != "car":
        paint = _pixels_of(skin, 0.3, 0.6)
    end = cv2.convertScaleAbs(cv2.resize(paint, (80, 60)), alpha=0.8)
    end[46:] = end[46:] // 2
    lamp = (225, 235, 235) if front else (45, 35, 190)
    for left in (3, 63):
        cv2.rectangle(end, (left, 16), (left + 14, 26), lamp, -1)
    if front:
        cv2.rectangle(end, (22, 20), (58, 32), (38, 36, 34), -1)
    elif kind in ("minibus", "bus"):
        cv2.rectangle(end, (10, 4), (70, 22), (50, 46, 42), -1)
    cv2.rectangle(end, (31, 36), (49, 41), (215, 215, 215), -1)
    return as_image(end)


def _face(
    texture: Image,
    origin: Points,
    along: Points,
    across: Points,
    corners: Points,
    normal: Points,
    light: float,
) -> Face:
    """Builds a face whose texture spans `along` by `across` metres from `origin`."""
    height, width = texture.shape[:2]
    return Face(texture, origin, along / width, across / height, corners, normal, light)


@lru_cache(maxsize=256)
def vehicle_faces(
    assets: AssetSet, kind: str, texture: int, length_m: float, width_m: float, height_m: float
) -> tuple[Face, ...]:
    """Returns the faces of a vehicle about the middle of its footprint, front to +x."""
    shape = _SHAPES[kind]
    skin = _jittered(assets, kind, texture).picture
    rows, columns = skin.shape[:2]
    half_l, half_w = length_m / 2, width_m / 2
    stations = [(share * length_m - half_l, level * height_m) for share, level in shape.top]

    def half_width(z: float) -> float:
        share = (z / height_m - shape.belt) / max(1e-6, 1 - shape.belt)
        return half_w * (1 - (1 - shape.roof_width) * min(1.0, max(0.0, share)))

    faces: list[Face] = []
    for (x0, z0), (x1, z1) in pairwise(stations):
        slope = (z1 - z0) / (x1 - x0)
        step_x, step_y = length_m / columns, width_m / rows
        origin = np.array([-half_l, half_w, z0 + (-half_l - x0) * slope])
        w0, w1 = half_width(z0), half_width(z1)
        corners = np.array([[x0, w0, z0], [x1, w1, z1], [x1, -w1, z1], [x0, -w0, z0]])
        normal = np.array([-slope, 0.0, 1.0]) / np.hypot(slope, 1.0)
        # a cut-out's round corners belong to flat pieces; an upright pane shows its whole width
        steep = abs(slope) > 0.7
        picture = np.ascontiguousarray(skin[..., :3]) if steep else skin
        if steep and x0 < -0.3 * half_l and kind == "car":
            picture = as_image(cv2.addWeighted(picture, 0.3, np.full_like(picture, 42), 0.7, 0))
        faces.append(
            Face(
                picture,
                origin,
                np.array([step_x, 0, slope * step_x]),
                np.array([0, -step_y, 0.0]),
                corners,
                normal,
                1.0 if abs(slope) < 0.3 else 0.93,
            )
        )
    side = _side_texture(skin, shape, kind)
    belt, floor = shape.belt * height_m, _CLEARANCE * height_m
    rim = [(x, min(z, belt)) for x, z in stations]
    cabin = [(x, z) for x, z in stations if z > belt + 0.02]
    for sign, light in ((1.0, 0.95), (-1.0, 0.78)):
        normal = np.array([0.0, sign, 0.0])
        body = np.array(
            [
                [-half_l, sign * half_w, floor],
                *([x, sign * half_w, z] for x, z in rim),
                [half_l, sign * half_w, floor],
            ]
        )
        faces.append(
            _face(
                side,
                np.array([-half_l, sign * half_w, height_m]),
                np.array([length_m, 0, 0.0]),
                np.array([0, 0, -height_m]),
                body,
                normal,
                light,
            )
        )
        if cabin:
            low = [_at_level(stations, belt, False), _at_level(stations, belt, True)]
            lean = (half_width(height_m) - half_w) / (height_m - belt)
            points = [
                [low[0], sign * half_w, belt],
                *([x, sign * half_width(z), z] for x, z in cabin),
                [low[1], sign * half_w, belt],
            ]
            down = np.array([0, -sign * lean * height_m, -height_m])
            start = np.array([-half_l, sign * (half_w + lean * (height_m - belt)), height_m])
            faces.append(
                _face(
                    side, start, np.array([length_m, 0, 0.0]), down, np.array(points), normal, light
                )
            )
        faces.extend(_wheels(side, sign, length_m, half_w, height_m))
    for x, level, front in ((half_l, shape.top[-1][1], True), (-half_l, shape.top[0][1], False)):
        top = level * height_m
        texture_end = _end_texture(skin, kind, front)
        y = half_w * (1.0 if front else -1.0)
        corners = np.array(
            [[x, half_w, floor], [x, half_w, top], [x, -half_w, top], [x, -half_w, floor]]
        )
        faces.append(
            _face(
                texture_end,
                np.array([x, y, top]),
                np.array([0, -2 * y, 0.0]),
                np.array([0, 0, floor - top]),
                corners,
                np.array([1.0 if front else -1.0, 0, 0]),
                0.88,
            )
        )
    return tuple(faces)


def _at_level(stations: list[tuple[float, float]], level: float, front: bool) -> float:
    """Returns where the top line crosses a height, nearest to the front or the rear."""
    end = stations[-1] if front else stations[0]
    if end[1] >= level:
        return end[0]
    pairs = list(pairwise(stations))
    for (x0, z0), (x1, z1) in reversed(pairs) if front else pairs:
        if (z0 - level) * (z1 - level) <= 0 and z0 != z1:
            return x0 + (x1 - x0) * (level - z0) / (z1 - z0)
    return end[0]


def _wheels(
    side: Image, sign: float, length_m: float, half_w: float, height_m: float
) -> list[Face]:
    tyre = np.full((24, 24, 3), 30, np.uint8)
    cv2.circle(tyre, (12, 12), 6, (120, 120, 118), -1)
    radius = 0.33 if height_m < 2.8 else 0.48
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    wheels = []
    for share in (-0.31, 0.32):
        centre = np.array([share * length_m, sign * (half_w + 0.01), radius])
        ring = centre + radius * np.stack([np.cos(angles), 0 * angles, np.sin(angles)], axis=1)
        wheels.append(
            _face(
                tyre,
                centre + np.array([-radius, 0, radius]),
                np.array([2 * radius, 0, 0.0]),
                np.array([0, 0, -2 * radius]),
                ring,
                np.array([0.0, sign, 0.0]),
                1.0,
            )
        )
    return wheels


def paint_vehicle(
    canvas: Image, matrix: Matrix, eye_m: Points, thing: PlacedThing, assets: AssetSet
) -> Points:
    """Paints a vehicle and its shadow; returns the corners (n, 3) of what was painted."""
    faces = vehicle_faces(
        assets, thing.kind, thing.texture, thing.length_m, thing.width_m, thing.height_m
    )
    turn, place = heading_turn(thing.heading_deg), np.array([thing.east_m, thing.north_m, 0.0])
    _paint_shadow(canvas, matrix, thing, turn, place)
    seen = []
    for face in faces:
        world = placed(face, turn, place)
        middle = world.corners_m.mean(axis=0)
        if float(world.normal @ (eye_m - middle)) > 0:
            seen.append((float(np.linalg.norm(eye_m - middle)), world))
    # wheels lie on their flank: they come last because they're smaller and a little outside
    seen.sort(key=lambda pair: (len(pair[1].corners_m) == 12, -pair[0]))
    for _, world in seen:
        paint_plane(canvas, matrix, world)
    return np.asarray(np.vstack([face.corners_m for face in faces]) @ turn.T + place)


def _paint_shadow(
    canvas: Image, matrix: Matrix, thing: PlacedThing, turn: Matrix, place: Points
) -> None:
    half = np.array([thing.length_m / 2, thing.width_m / 2, 0.0])
    base = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0.0]]) * half @ turn.T + place
    cast = np.array([SUN_EAST, SUN_NORTH, 0.0]) * thing.height_m * 0.85
    hull = cv2.convexHull(np.vstack([base, base + cast])[:, :2].astype(np.float32))[:, 0]
    depth = float(matrix[2, :3] @ place + matrix[2, 3])
    soft_px = min(12.0, 90.0 / max(depth, 1.0) * 1.5)
    darken(
        canvas,
        matrix,
        np.column_stack([hull, np.zeros(len(hull))]).astype(np.float64),
        0.66,
        soft_px,
    )
    darken(canvas, matrix, place + (base - place) * 1.04, 0.45, soft_px)
