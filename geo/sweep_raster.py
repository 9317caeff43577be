"""Areas as rows of cells: what a sweep counts when it weighs thousands of small changes.

A cell belongs to an area if its middle does. The fill is a scan line over all borders at
once, so that one raster costs about a millisecond.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of one size from a south-west corner, rows northwards."""

    west_m: float
    south_m: float
    across_m: float
    """Width of a cell."""
    along_m: float
    """Height of a cell."""
    columns: int
    rows: int

    @property
    def xs_m(self) -> Floats:
        """The middles of the columns."""
        return self.west_m + (np.arange(self.columns, dtype=np.float64) + 0.5) * self.across_m

    @property
    def ys_m(self) -> Floats:
        """The middles of the rows."""
        return self.south_m + (np.arange(self.rows, dtype=np.float64) + 0.5) * self.along_m


def edges_of(shape: BaseGeometry) -> Floats:
    """Returns the border of polygons as edges (n, 4): x and y of either end."""
    rings = shapely.get_rings(shapely.get_parts(shape))
    coords, index = shapely.get_coordinates(rings, return_index=True)
    same = index[1:] == index[:-1]
    return np.concatenate([coords[:-1][same], coords[1:][same]], axis=1)


def fill(edges: Floats, grid: Grid) -> Bools:
    """Returns which cells have their middle inside a border given by its edges."""
    x1, y1, x2, y2 = edges.T
    up = y2 > y1
    low_x, low_y = np.where(up, x1, x2), np.where(up, y1, y2)
    high_x, high_y = np.where(up, x2, x1), np.where(up, y2, y1)

    def first_row(y: Floats) -> NDArray[np.int64]:
        row = np.ceil((y - grid.south_m) / grid.along_m - 0.5)
        return np.clip(row, 0, grid.rows).astype(np.int64)

    first, last = first_row(low_y), first_row(high_y)
    count = last - first
    which = np.repeat(np.arange(len(edges)), count)
    before = np.concatenate([[0], np.cumsum(count)[:-1]])
    row = np.arange(len(which)) - before[which] + first[which]
    y = grid.south_m + (row + 0.5) * grid.along_m
    rise = high_y[which] - low_y[which]
    x = low_x[which] + (high_x - low_x)[which] * (y - low_y[which]) / np.where(rise == 0, 1, rise)
    column = np.ceil((x - grid.west_m) / grid.across_m - 0.5)
    column = np.clip(column, 0, grid.columns).astype(np.int64)
    # the border is crossed an odd number of times where the sum is odd, whatever it wraps at
    flat = np.zeros((grid.rows, grid.columns + 1), np.uint8)
    np.add.at(flat.reshape(-1), row * (grid.columns + 1) + column, 1)
    crossed = np.cumsum(flat[:, :-1], axis=1, dtype=np.uint8)
    crossed &= 1
    inside: Bools = crossed.view(np.bool_)
    return inside
