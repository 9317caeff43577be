"""One tile of ground heights on a regular grid of latitude and longitude; values only."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Heights = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TerrainGrid:
    """Heights at nodes of a grid, row 0 in the north; a void is NaN."""

    heights_m: Heights
    """(rows, columns)."""
    north_deg: float
    """Latitude of the nodes of row 0."""
    west_deg: float
    """Longitude of the nodes of column 0."""
    step_lat_deg: float
    """From one row to the next, southwards; positive."""
    step_lon_deg: float

    @property
    def bounds_deg(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the outermost nodes."""
        rows, columns = self.heights_m.shape
        return (
            self.west_deg,
            self.north_deg - (rows - 1) * self.step_lat_deg,
            self.west_deg + (columns - 1) * self.step_lon_deg,
            self.north_deg,
        )

    def covers(self, lat_deg: float, lon_deg: float, spare: float = 0.0) -> bool:
        """Returns whether a place lies within the nodes, or so many steps beyond them."""
        west, south, east, north = self.bounds_deg
        return (
            west - spare * self.step_lon_deg <= lon_deg <= east + spare * self.step_lon_deg
            and south - spare * self.step_lat_deg <= lat_deg <= north + spare * self.step_lat_deg
        )

    def height_m(self, lat_deg: float, lon_deg: float) -> float:
        """Returns the height between the four nodes around (bilinear); NaN where one is void.

        Beyond the outermost nodes that of the nearest place among them: tiles of pixels end half
        a pixel beyond their nodes.
        """
        rows, columns = self.heights_m.shape
        y = min(max((self.north_deg - lat_deg) / self.step_lat_deg, 0.0), rows - 1.0)
        x = min(max((lon_deg - self.west_deg) / self.step_lon_deg, 0.0), columns - 1.0)
        row, column = min(int(y), max(0, rows - 2)), min(int(x), max(0, columns - 2))
        dy, dx = y - row, x - column
        total = weights = 0.0
        for k, wy in ((row, 1.0 - dy), (row + 1, dy)):
            for j, wx in ((column, 1.0 - dx), (column + 1, dx)):
                weight = wy * wx
                if weight > 1e-12:  # a void beside a node that is hit exactly does no harm
                    total += weight * float(self.heights_m[k, j])
                    weights += weight
        return total / weights if math.isfinite(total) else math.nan
