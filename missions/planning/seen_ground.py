"""The ground that a camera sees from many poses at once: as planned, or as it truly flew.

Footprints are polygons in metres east and north of a frame, on level ground at each pose's
height. Where the picture holds the horizon they end at a greatest distance.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import union_all
from shapely.geometry.base import BaseGeometry

from core.errors import DatumUnknown
from geo.camera import CameraModel
from geo.datums import height_above_ground_m
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.positions import Altitude, Datum, Pose, Position
from geo.zones import Area
from missions.model import CameraMount, ItemKind, MissionItem, Plan

Floats = NDArray[np.float64]
Ground = Callable[[Floats, Floats], Floats]
"""Height of the ground at places, in the datum of the views' heights."""

FARTHEST_M = 120.0
"""A thing that is farther away than this is not worth counting as seen."""
_SAMPLE_M = 6.0
_LEAST_HEIGHT_M = 0.5
_EDGE_STEPS = 4
_LEVEL = 1e-6


@dataclass(frozen=True, slots=True)
class Views:
    """Where a camera was and how it looked, many times: arrays of one length."""

    east_m: Floats
    north_m: Floats
    height_m: Floats
    """Above the ground that it looks at."""
    yaw_deg: Floats
    pitch_deg: Floats
    roll_deg: Floats

    def __len__(self) -> int:
        """Returns how many there are."""
        return len(self.east_m)

    def some(self, chosen: Any) -> "Views":
        """Returns those of an index array, a slice or a mask."""
        return Views(*(getattr(self, name)[chosen] for name in self.__slots__))


def rotations(views: Views) -> Floats:
    """Returns the matrices (n, 3, 3) that take body axes to north, east, down."""
    angles = np.radians([views.yaw_deg, views.pitch_deg, views.roll_deg])
    (cy, cp, cr), (sy, sp, sr) = np.cos(angles), np.sin(angles)
    rows = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def border_pixels(model: CameraModel) -> tuple[Floats, Floats]:
    """Returns u and v of the picture's border, once around."""
    right, bottom = model.width_px - 0.5, model.height_px - 0.5
    t = np.arange(_EDGE_STEPS) / _EDGE_STEPS
    across, down = -0.5 + (right + 0.5) * t, -0.5 + (bottom + 0.5) * t
    left, top = np.full_like(t, -0.5), np.full_like(t, -0.5)
    u = np.concatenate([across, np.full_like(t, right), right - 0.5 - across, left])
    v = np.concatenate([top, down, np.full_like(t, bottom), bottom - 0.5 - down])
    return u, v


def footprints(
    model: CameraModel, views: Views, *, farthest_m: float = FARTHEST_M
) -> NDArray[np.object_]:
    """Returns the seen ground of each view as a polygon, empty where none is seen."""
    north, east, down = np.moveaxis(rotations(views) @ model.rays(*border_pixels(model)), 1, 0)
    level = np.hypot(north, east)
    height = np.maximum(_LEAST_HEIGHT_M, views.height_m)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.where(down > _LEVEL, height * level / down, np.inf)
        reach = np.minimum(away, np.maximum(farthest_m, 0.0))
        scale = np.where(level > 1e-12, reach / level, 0.0)
    corners = np.stack(
        [views.east_m[:, None] + east * scale, views.north_m[:, None] + north * scale], axis=2
    )
    closed = np.concatenate([corners, corners[:, :1]], 1)
    shapes: NDArray[np.object_] = np.array(shapely.polygons(closed), dtype=object)
    shapes[~np.any(away < farthest_m, axis=1)] = shapely.Polygon()
    bad = ~shapely.is_valid(shapes)
    shapes[bad] = shapely.convex_hull(shapes[bad])
    return shapes


def on_ground(views: Views, model: CameraModel, ground: Ground) -> Views:
    """Returns views with heights above the ground that the picture's middle shows.

    Args:
        views: their heights above the ground's datum.
        model: the camera.
        ground: the terrain.
    """
    middle = model.rays(np.array([model.cx_px]), np.array([model.cy_px]))
    north, east, down = (rotations(views) @ middle)[:, :, 0].T
    height = views.height_m - ground(views.east_m, views.north_m)
    for _ in range(3):  # converges where the ground is less steep than the look
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.where(down > _LEVEL, np.maximum(height, 0.0) / down, 0.0)
        away = np.hypot(east, north) * scale
        scale = np.where(away > FARTHEST_M, 0.0, scale)  # too far to matter: what lies below
        seen = ground(views.east_m + east * scale, views.north_m + north * scale)
        height = views.height_m - seen
    return replace(views, height_m=height)


def views_of(
    poses: Sequence[Pose],
    model: CameraModel,
    frame: LocalFrame,
    terrain: TerrainModel | None,
    home: Altitude | None = None,
) -> Views:
    """Returns poses as views in a frame, their heights above the ground that they look at.

    Args:
        poses: of a camera.
        model: the camera.
        frame: whose metres are wanted.
        terrain: the ground; without it the ground is level at home.
        home: height of the take-off place.

    Raises:
        DatumUnknown: if a pose's height can't be joined with the ground.
    """
    if not poses:
        return Views(*(np.zeros(0) for _ in range(6)))
    lat = np.array([pose.position.lat_deg for pose in poses])
    lon = np.array([pose.position.lon_deg for pose in poses])
    east, north = frame.to_en_m(lat, lon)
    heights = np.array([_above_ground_m(pose.position, terrain, home) for pose in poses])
    angles = [
        np.array([getattr(pose.attitude, name) for pose in poses])
        for name in ("yaw_deg", "pitch_deg", "roll_deg")
    ]
    views = Views(east, north, heights, *angles)
    if terrain is None:
        return views
    reached = terrain

    def ground(east_m: Floats, north_m: Floats) -> Floats:
        lats, lons = frame.to_geo_deg(east_m, north_m)
        spots = zip(lats.tolist(), lons.tolist(), strict=True)
        return np.array([reached.elevation(*spot).metres for spot in spots])

    above = replace(views, height_m=heights + ground(east, north))
    return on_ground(above, model, ground)


def _above_ground_m(
    position: Position, terrain: TerrainModel | None, home: Altitude | None
) -> float:
    if terrain is not None:
        return height_above_ground_m(position, terrain, home)
    altitude = position.altitude
    if altitude.datum in (Datum.HOME, Datum.GROUND):
        return altitude.metres
    if home is not None and home.datum is altitude.datum:
        return altitude.metres - home.metres
    raise DatumUnknown(
        f"a height above {altitude.datum} can't be joined with the ground",
        cure="give the ground's height or the take-off place's in the same datum",
    )


def views_along(plan: Plan, mount: CameraMount, *, step_m: float = _SAMPLE_M) -> Views:
    """Returns the views along a plan's legs, home's frame, heights above home.

    The camera looks along the flight as it is mounted, with the pitch that the items give, or
    at the place that they give.
    """
    frame = LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
    rows: list[tuple[float, ...]] = []
    pitch, target = mount.pitch_deg, None
    placed = [item for item in plan.mission.items if item.position is not None]
    for before, item in pairwise(placed):
        # what an item sets comes before its movement, a look-list's look with its arrival
        pitch = item.camera_pitch_deg if item.camera_pitch_deg is not None else pitch
        target = item.look_at if item.look_at is not None else target
        look_at = frame.to_en1_m(*target) if target is not None else None
        rows += _leg(_spot(before, frame), _spot(item, frame), mount, pitch, look_at, step_m)
    table = np.array(rows, float).reshape(-1, 6).T
    return Views(*table)


def _spot(item: MissionItem, frame: LocalFrame) -> tuple[float, float, float]:
    position = item.position
    assert position is not None  # the caller chose those with one
    up = 0.0 if item.kind is ItemKind.LAND else position.altitude.metres
    return (*frame.to_en1_m(position.lat_deg, position.lon_deg), up)


def _leg(
    a: tuple[float, float, float],
    b: tuple[float, float, float],
    mount: CameraMount,
    pitch: float,
    look_at: tuple[float, float] | None,
    step_m: float,
) -> list[tuple[float, ...]]:
    length = math.dist(a[:2], b[:2])
    if length < 1e-6:
        return []
    nose = math.degrees(math.atan2(b[0] - a[0], b[1] - a[1]))
    count = max(1, math.ceil(length / step_m))
    rows: list[tuple[float, ...]] = []
    for k in range(count + 1):
        east, north, up = (a[n] + (b[n] - a[n]) * k / count for n in range(3))
        yaw, tilt = nose + mount.yaw_offset_deg, pitch
        if look_at is not None:
            away = math.dist((east, north), look_at)
            tilt = -math.degrees(math.atan2(max(_LEAST_HEIGHT_M, up), away))
            if away > 1e-6:
                yaw = math.degrees(math.atan2(look_at[0] - east, look_at[1] - north))
        rows.append((east, north, up + mount.height_m, yaw, tilt, 0.0))
    return rows


def seen_along(
    plan: Plan,
    mount: CameraMount,
    *,
    ground: Ground | None = None,
    farthest_m: float = FARTHEST_M,
) -> BaseGeometry:
    """Returns the ground that comes into the picture along a plan, in home's frame.

    Args:
        plan: what is flown.
        mount: the camera.
        ground: height of the ground above home; `None` is level at home.
        farthest_m: what is farther away does not count.
    """
    views = views_along(plan, mount)
    if ground is not None and len(views):
        views = on_ground(views, mount.model, ground)
    return union_all(footprints(mount.model, views, farthest_m=farthest_m))


def fraction_of(areas: Sequence[Area], seen: BaseGeometry) -> float:
    """Returns which part of areas, together, is seen: 0 to 1."""
    total = union_all(list(areas))
    return float(seen.intersection(total).area / total.area) if total.area > 0 else 0.0
