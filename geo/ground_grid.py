"""The ground around a home, in metres above that home, sampled once and asked often."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import DatumUnknown
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.positions import Datum, Position

Bounds = tuple[float, float, float, float]
"""West, south, east, north; metres of the local frame."""

_FINEST_M = 25.0
_NODES = 10_000
_FEW = 3


@dataclass(frozen=True)
class GroundGrid:
    """Heights of the ground on a square grid; `nan` where the terrain model does not reach."""

    west_m: float
    south_m: float
    step_m: float
    heights_m: NDArray[np.float64]
    """Rows from south to north, columns from west to east; above home."""
    joined: bool = True
    """Whether the ground counts from home's datum, so that both can be compared."""

    @classmethod
    def around(
        cls, bounds: Bounds, frame: LocalFrame, home: Position, terrain: TerrainModel
    ) -> "GroundGrid":
        """Samples the ground within bounds, 25 m apart or as near as 10,000 samples allow.

        Args:
            bounds: what must be covered.
            frame: whose metres they are.
            home: where heights count from.
            terrain: the ground; where it counts from another datum than home, it is not known.
        """
        west, south, east, north = bounds
        width, height = max(1.0, east - west), max(1.0, north - south)
        step = max(_FINEST_M, math.sqrt(width * height / _NODES))
        xs = west + step * np.arange(-1, math.ceil(width / step) + 2)
        ys = south + step * np.arange(-1, math.ceil(height / step) + 2)
        grid_x, grid_y = (axis.ravel() for axis in np.meshgrid(xs, ys))
        lats, lons = frame.to_geo_deg(grid_x, grid_y)
        heights = np.array(
            [_above(terrain, home, lat, lon) for lat, lon in zip(lats, lons, strict=True)]
        )
        joined = _datum(terrain, home) is home.altitude.datum
        return cls(float(xs[0]), float(ys[0]), step, heights.reshape(len(ys), len(xs)), joined)

    def span_m(self, bounds: Bounds) -> tuple[float, float]:
        """Returns the lowest and highest ground within bounds, by the samples around them.

        Over a few cells it is exact. What is not known counts as level with home.
        """
        west, south, east, north = bounds
        rows, columns = self.heights_m.shape
        x0 = self._index(west - self.west_m, math.floor, columns)
        x1 = self._index(east - self.west_m, math.ceil, columns)
        y0 = self._index(south - self.south_m, math.floor, rows)
        y1 = self._index(north - self.south_m, math.ceil, rows)
        if x1 - x0 <= _FEW and y1 - y0 <= _FEW:
            # between samples the ground is bilinear: its extremes lie at samples and edges
            xs = [west, east, *(self.west_m + self.step_m * k for k in range(x0 + 1, x1))]
            ys = [south, north, *(self.south_m + self.step_m * k for k in range(y0 + 1, y1))]
            heights = [self.at(x, y) for x in xs for y in ys]
            return min(heights), max(heights)
        part = np.nan_to_num(self.heights_m[y0 : y1 + 1, x0 : x1 + 1], nan=0.0)
        return float(part.min()), float(part.max())

    def at(self, x_m: float, y_m: float) -> float:
        """Returns the height of the ground at a place, interpolated between four samples."""
        rows, columns = self.heights_m.shape
        fx = min(max((x_m - self.west_m) / self.step_m, 0.0), columns - 1.001)
        fy = min(max((y_m - self.south_m) / self.step_m, 0.0), rows - 1.001)
        x0, y0 = int(fx), int(fy)
        part = np.nan_to_num(self.heights_m[y0 : y0 + 2, x0 : x0 + 2], nan=0.0)
        across = part[:, 0] + (part[:, 1] - part[:, 0]) * (fx - x0)
        return float(across[0] + (across[1] - across[0]) * (fy - y0))

    @property
    def complete(self) -> bool:
        """Whether the terrain is known everywhere in it."""
        return bool(np.isfinite(self.heights_m).all())

    def _index(self, offset_m: float, rounding: Callable[[float], int], count: int) -> int:
        index = rounding(offset_m / self.step_m)
        return int(min(max(index, 0), count - 1))


def _datum(terrain: TerrainModel, home: Position) -> Datum:
    """Returns what the terrain counts from; home's datum where it does not reach home."""
    try:
        return terrain.elevation(home.lat_deg, home.lon_deg).datum
    except DatumUnknown:
        return home.altitude.datum


def _above(terrain: TerrainModel, home: Position, lat_deg: float, lon_deg: float) -> float:
    try:
        ground = terrain.elevation(lat_deg, lon_deg)
    except DatumUnknown:
        return math.nan
    if ground.datum is not home.altitude.datum:
        return math.nan
    return ground.metres - home.altitude.metres
