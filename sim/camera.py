"""A camera in the simulated world: a pose and a time give a picture and its truth boxes.

The boxes come from `sim.projection`, which shares nothing with the `geo` package.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from sim.projection import (
    DRONE_CAMERA,
    CameraPose,
    Matrix,
    Pinhole,
    Points,
    all_in_front,
    projection_matrix,
    to_pixels,
)
from sim.render_assets import AssetSet, Image, load_assets
from sim.render_ground import Ground, paint_ground
from sim.render_heaps import paint_heap
from sim.render_scenery import (
    building_corners,
    paint_building,
    paint_plant,
    paint_sky,
    plant_corners,
)
from sim.render_sensor import Sensor, expose
from sim.render_vehicles import paint_vehicle
from sim.world import PlacedThing, World
from sim.world_layout import Building, Layout, Plant

_REACH_M = 260.0
"""Nothing farther than this is drawn."""


@dataclass(frozen=True, slots=True)
class TruthBox:
    """Where a thing truly lies in a picture."""

    thing_id: str
    kind: str
    left_px: float
    top_px: float
    width_px: float
    height_px: float
    visible_fraction: float
    """Share of its outline that is inside the picture and not hidden, 0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class RenderedFrame:
    """A picture of the simulated world and what is truly in it."""

    image: Image
    """BGR, uint8, (height, width, 3)."""
    truth: tuple[TruthBox, ...]


@lru_cache(maxsize=2)
def demo_ground(layout: Layout, gsd_m: float = 0.1) -> Ground:
    """Returns the painted ground of a layout with the shipped pictures; slow only once."""
    return paint_ground(layout, load_assets(), gsd_m)


class SyntheticCamera:
    """Renders a world; holds no state that changes, so one may serve many threads in turn."""

    def __init__(
        self,
        world: World,
        camera: Pinhole = DRONE_CAMERA,
        sensor: Sensor | None = None,
        *,
        assets: AssetSet | None = None,
        ground: Ground | None = None,
    ) -> None:
        """Takes the world and the lens; the other pictures are those of the demo by default."""
        self.world = world
        self.camera = camera
        self._sensor = sensor or Sensor()
        self._assets = assets or load_assets()
        self._ground = ground or demo_ground(world.layout)

    def render(self, pose: CameraPose, t_s: float) -> RenderedFrame:
        """Returns the picture from a pose at a world time in seconds, with its truth boxes."""
        camera = self.camera
        matrix = projection_matrix(camera, pose)
        eye = np.array([pose.east_m, pose.north_m, pose.up_m])
        canvas: Image = np.empty((camera.height_px, camera.width_px, 3), np.uint8)
        owner: Image = np.zeros((camera.height_px, camera.width_px), np.uint8)
        self._ground.draw(canvas, matrix, camera, pose)
        paint_sky(canvas, camera, pose, self._assets, self.world.seed)
        outlines: list[tuple[PlacedThing, Points]] = []
        for thing in self._painting_order(matrix, eye, t_s):
            if isinstance(thing, Building):
                paint_building(canvas, matrix, eye, thing, self._assets)
                _claim(owner, matrix, building_corners(thing), 0)
            elif isinstance(thing, Plant):
                paint_plant(canvas, matrix, eye, thing, self._assets)
                _claim(owner, matrix, plant_corners(thing), 0)
            else:
                paint = paint_heap if thing.kind == "waste" else paint_vehicle
                corners = paint(canvas, matrix, eye, thing, self._assets)
                outlines.append((thing, corners))
                _claim(owner, matrix, corners, len(outlines))
        truth = tuple(
            box
            for index, (thing, corners) in enumerate(outlines)
            if (box := self._truth(matrix, thing, corners, owner, index + 1)) is not None
        )
        return RenderedFrame(expose(canvas, self._sensor, t_s, self.world.seed), truth)

    def _painting_order(
        self, matrix: Matrix, eye: Points, t_s: float
    ) -> list[PlacedThing | Plant | Building]:
        """Returns what may be seen, the farthest first; houses hide what lies behind them."""
        houses = [
            house
            for house in self.world.layout.buildings
            if self._seen(matrix, building_corners(house))
        ]
        loose: list[PlacedThing | Plant] = self._plants_seen(matrix)
        loose += [
            thing for thing in self.world.things_at(t_s) if self._seen(matrix, _hull_of(thing))
        ]

        def distance(thing: PlacedThing | Plant) -> float:
            return math.hypot(thing.east_m - eye[0], thing.north_m - eye[1], 0.5 * float(eye[2]))

        def edge(house: Building) -> float:
            dx = max(abs(float(eye[0]) - house.east_m) - house.length_m / 2, 0.0)
            dy = max(abs(float(eye[1]) - house.north_m) - house.width_m / 2, 0.0)
            return math.hypot(dx, dy)

        loose.sort(key=distance, reverse=True)
        houses.sort(key=edge, reverse=True)
        hidden = [any(_hides(house, eye, thing) for house in houses) for thing in loose]
        behind = [thing for thing, away in zip(loose, hidden, strict=True) if away]
        before = [thing for thing, away in zip(loose, hidden, strict=True) if not away]
        return [*behind, *houses, *before]

    def _plants_seen(self, matrix: Matrix) -> list[PlacedThing | Plant]:
        """Returns the plants that may be in the picture; all of them are tried at once."""
        plants = self.world.layout.plants
        if not plants:
            return []
        middles = np.array([[p.east_m, p.north_m, p.height_m / 2] for p in plants])
        pixels, depth = to_pixels(matrix, middles)
        radius_m = np.array([p.radius_m + p.height_m / 2 for p in plants])
        reach_px = radius_m / depth.clip(0.5) * max(self.camera.fx_px, self.camera.fy_px) * 1.6
        limit = np.array([self.camera.width_px, self.camera.height_px])
        inside = (pixels > -reach_px[:, None]).all(axis=1) & (
            pixels < limit + reach_px[:, None]
        ).all(axis=1)
        wanted = inside & (depth > 1.0) & (depth < _REACH_M)
        return [plant for plant, seen in zip(plants, wanted.tolist(), strict=True) if seen]

    def _seen(self, matrix: Matrix, corners: Points) -> bool:
        pixels, depth = to_pixels(matrix, corners)
        front = depth > 0.3
        if not front.any() or depth.min() > _REACH_M:
            return False
        if not front.all():
            return True
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        return bool(
            high[0] > 0
            and high[1] > 0
            and low[0] < self.camera.width_px
            and low[1] < self.camera.height_px
        )

    def _truth(
        self, matrix: Matrix, thing: PlacedThing, corners: Points, owner: Image, index: int
    ) -> TruthBox | None:
        pixels, depth = to_pixels(matrix, corners)
        if not all_in_front(depth):
            return None
        hull = cv2.convexHull(pixels.astype(np.float32))
        whole = float(cv2.contourArea(hull))
        limit = (self.camera.width_px - 0.5, self.camera.height_px - 0.5)
        low = pixels.min(axis=0).clip(-0.5, limit)
        high = pixels.max(axis=0).clip(-0.5, limit)
        left, top = low.astype(int).clip(0)
        visible = int(
            np.count_nonzero(owner[top : int(high[1]) + 2, left : int(high[0]) + 2] == index)
        )
        if whole < 4.0 or visible == 0:
            return None
        size = high - low
        return TruthBox(
            thing.thing_id,
            thing.kind,
            float(low[0]),
            float(low[1]),
            float(size[0]),
            float(size[1]),
            min(1.0, visible / whole),
        )


def _claim(owner: Image, matrix: Matrix, corners: Points, index: int) -> None:
    """Notes whose outline covers which pixels; later claims hide earlier ones."""
    pixels, depth = to_pixels(matrix, corners)
    if all_in_front(depth):
        hull = cv2.convexHull(np.round(pixels).clip(-8000, 8000).astype(np.int32))
        cv2.fillConvexPoly(owner, hull, index)


def _hull_of(thing: PlacedThing) -> Points:
    """Returns a generous box around a thing."""
    half = 0.62 * math.hypot(thing.length_m, thing.width_m)
    base = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    base += [thing.east_m, thing.north_m]
    return np.vstack([np.column_stack([base, np.full(4, z)]) for z in (0.0, thing.height_m)])


def _hides(house: Building, eye: Points, thing: PlacedThing | Plant) -> bool:
    """Says whether the line of sight from the camera to the middle of a thing meets a house."""
    goal = np.array([thing.east_m, thing.north_m, thing.height_m / 2])
    ray = goal - eye
    low = np.array([house.east_m - house.length_m / 2, house.north_m - house.width_m / 2, 0.0])
    high = np.array(
        [house.east_m + house.length_m / 2, house.north_m + house.width_m / 2, house.height_m]
    )
    ray = np.where(np.abs(ray) < 1e-9, 1e-9, ray)
    first, second = (low - eye) / ray, (high - eye) / ray
    enter = float(np.minimum(first, second).max())
    leave = float(np.maximum(first, second).min())
    return enter < leave and leave > 0.0 and enter < 1.0
