"""What a camera really saw of an area: how much, how finely, how often; from its pictures' poses.

Seen and unseen ground are polygons made of footprints. Resolution and the number of pictures are
told on a grid of places inside the area: each is projected into every picture, and the coarser
side of a pixel there is its ground resolution (`shots` plans by the same measure).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon, contains_xy, union_all
from shapely.geometry.base import BaseGeometry

from geo.camera import CameraModel
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.positions import Altitude, Pose
from geo.zones import Area, to_geographic, to_local
from missions.planning.seen_ground import FARTHEST_M, Views, footprints, rotations, views_of

Floats = NDArray[np.float64]
_CELLS = 20_000
_SMALLEST_CELL_M = 0.25
_SLACK = 1.0 + 1e-9


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture that was taken."""

    name: str
    pose: Pose


@dataclass(frozen=True, slots=True)
class PictureSeen:
    """What one picture shows."""

    picture: Picture
    height_m: float
    """Above the ground in its middle."""
    resolution_m_per_px: float | None
    """At its middle; `None` where that is not on the ground."""
    footprint: Area | None
    """Longitude and latitude; `None` where no ground is seen."""
    overlap_fraction: float | None
    """Part of it that the picture before shows too; `None` for the first."""


@dataclass(frozen=True, slots=True)
class ResolutionSeen:
    """Ground resolution over the seen area, each place at its finest picture; metres per pixel."""

    best: float
    median: float
    p90: float
    worst: float


@dataclass(frozen=True, slots=True)
class SurveyReport:
    """The result of a survey, besides its pictures."""

    area_m2: float
    seen_m2: float
    seen: Area | None
    """Longitude and latitude; `None` where there is nothing."""
    unseen: Area | None
    resolution: ResolutionSeen | None
    wanted_m_per_px: float | None
    fine_fraction: float | None
    """Of the area, seen at the wanted resolution or finer; `None` where none was wanted."""
    mean_pictures: float
    """In how many pictures a place of the area is, on average."""
    twice_fraction: float
    """Of the area, in two pictures and more, as a map in heights needs it."""
    pictures: tuple[PictureSeen, ...]

    @property
    def unseen_m2(self) -> float:
        """The rest of the area."""
        return max(0.0, self.area_m2 - self.seen_m2)

    @property
    def seen_fraction(self) -> float:
        """Part of the area that is seen, 0 to 1."""
        return min(1.0, self.seen_m2 / self.area_m2) if self.area_m2 > 0 else 0.0


def report_survey(
    pictures: Sequence[Picture],
    model: CameraModel,
    area: Area,
    *,
    terrain: TerrainModel | None = None,
    home: Altitude | None = None,
    wanted_m_per_px: float | None = None,
    farthest_m: float = FARTHEST_M,
) -> SurveyReport:
    """Returns what pictures show of an area.

    Args:
        pictures: in the order in which they were taken.
        model: their camera.
        area: longitude and latitude.
        terrain: the ground; without it level at home.
        home: height of the take-off place.
        wanted_m_per_px: ground resolution that was asked for.
        farthest_m: ground farther away than this does not count as seen.

    Raises:
        DatumUnknown: if a pose's height can't be joined with the ground.
    """
    middle = area.centroid
    frame = LocalFrame(middle.y, middle.x)
    local = to_local(area, frame)
    views = views_of([p.pose for p in pictures], model, frame, terrain, home)
    shapes = footprints(model, views, farthest_m=farthest_m)
    seen = local.intersection(union_all(shapes)) if len(shapes) else Polygon()
    grid = _Grid.over(local)
    finest, counts = grid.resolutions(views, model, farthest_m)
    known = np.isfinite(finest)
    return SurveyReport(
        local.area,
        seen.area,
        _geographic(seen, frame),
        _geographic(local.difference(seen), frame),
        _distribution(finest[known]) if known.any() else None,
        wanted_m_per_px,
        None if wanted_m_per_px is None else float(np.mean(finest <= wanted_m_per_px * _SLACK)),
        float(np.mean(counts)),
        float(np.mean(counts >= 2)),
        _pictures(pictures, views, shapes.tolist(), model, frame),
    )


def _distribution(values: Floats) -> ResolutionSeen:
    best, median, p90, worst = np.percentile(values, [0, 50, 90, 100]).tolist()
    return ResolutionSeen(best, median, p90, worst)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Places inside an area, evenly spread."""

    east_m: Floats
    north_m: Floats

    @classmethod
    def over(cls, area: Area) -> "_Grid":
        """Returns about as many places as a report needs; at least one."""
        step = max(_SMALLEST_CELL_M, math.sqrt(area.area / _CELLS))
        west, south, east, north = area.bounds
        e, n = np.meshgrid(
            np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step)
        )
        inside = contains_xy(area, e.ravel(), n.ravel())
        if not inside.any():
            point = area.representative_point()
            return cls(np.array([point.x]), np.array([point.y]))
        return cls(e.ravel()[inside], n.ravel()[inside])

    def resolutions(
        self, views: Views, model: CameraModel, farthest_m: float
    ) -> tuple[Floats, NDArray[np.int64]]:
        """Returns the finest resolution of each place, infinite where unseen, and its pictures."""
        finest = np.full(self.east_m.shape, np.inf)
        counts = np.zeros(self.east_m.shape, np.int64)
        for turned, e, n, up in zip(
            rotations(views), views.east_m, views.north_m, views.height_m, strict=True
        ):
            de, dn = self.east_m - e, self.north_m - n
            near = np.flatnonzero(de**2 + dn**2 <= farthest_m**2)
            if up <= 0 or not near.size:
                continue
            inside, resolution = _seen_in(turned, model, de[near], dn[near], up)
            counts[near[inside]] += 1
            hit = near[inside]
            finest[hit] = np.minimum(finest[hit], resolution[inside])
        return finest, counts


def _seen_in(
    turned: Floats, model: CameraModel, de: Floats, dn: Floats, up: float
) -> tuple[NDArray[np.bool_], Floats]:
    """Returns which places are in a picture, and the coarser side of a pixel at each."""
    body = turned.T @ np.stack([dn, de, np.full_like(de, up)])
    u, v = model.pixels(body)
    x, y, z = body
    with np.errstate(divide="ignore", invalid="ignore"):
        ahead = x > 1e-6
        inside = (u >= -0.5) & (u <= model.width_px - 0.5) & (v >= -0.5)
        inside &= (v <= model.height_px - 0.5) & ahead
        # change of the pixel with a metre north (column 0 of the matrix) and east (column 1)
        rows = turned.T[:, :2]
        du = [model.fx_px * (rows[1, k] * x - y * rows[0, k]) / x**2 for k in (0, 1)]
        dv = [model.fy_px * (rows[2, k] * x - z * rows[0, k]) / x**2 for k in (0, 1)]
        # the smaller singular value of that two by two matrix is the coarser side's
        total = du[0] ** 2 + du[1] ** 2 + dv[0] ** 2 + dv[1] ** 2
        det = du[0] * dv[1] - du[1] * dv[0]
        least = np.sqrt(np.maximum((total - np.sqrt(np.maximum(total**2 - 4 * det**2, 0))) / 2, 0))
        resolution: Floats = 1.0 / least
    return inside, resolution


def _pictures(
    pictures: Sequence[Picture],
    views: Views,
    shapes: Sequence[BaseGeometry],
    model: CameraModel,
    frame: LocalFrame,
) -> tuple[PictureSeen, ...]:
    overlaps: list[float | None] = [None] if pictures else []
    for before, shape in pairwise(shapes):
        overlaps.append(before.intersection(shape).area / shape.area if shape.area > 0 else None)
    found = []
    for k, (picture, shape) in enumerate(zip(pictures, shapes, strict=True)):
        found.append(
            PictureSeen(
                picture,
                float(views.height_m[k]),
                _middle_resolution(views.some([k]), model),
                _geographic(shape, frame),
                overlaps[k],
            )
        )
    return tuple(found)


def _middle_resolution(view: Views, model: CameraModel) -> float | None:
    turned = rotations(view)[0]
    north, east, down = turned @ model.rays(np.array([model.cx_px]), np.array([model.cy_px]))
    up = float(view.height_m[0])
    if down[0] <= 1e-6 or up <= 0:
        return None
    scale = up / down
    _, resolution = _seen_in(turned, model, east * scale, north * scale, up)
    return float(resolution[0])


def _geographic(shape: BaseGeometry, frame: LocalFrame) -> Area | None:
    parts = [p for p in getattr(shape, "geoms", [shape]) if isinstance(p, Polygon) and p.area > 0]
    if not parts:
        return None
    return to_geographic(parts[0] if len(parts) == 1 else MultiPolygon(parts), frame)
