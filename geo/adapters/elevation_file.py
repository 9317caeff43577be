"""Terrain from a file: ESRI ASCII grids (`.asc`) and SRTM tiles (`.hgt`).

Both are in longitude and latitude on WGS 84 with heights above sea level. A grid in metres of a
projection is refused rather than guessed at.
"""

import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import DatumUnknown, SourceMissing, SourceUnreadable
from geo.positions import Altitude, Datum

SUFFIXES = frozenset({".asc", ".hgt"})
_HEADER = re.compile(r"^\s*([A-Za-z_]+)\s+(\S+)\s*$")
_VOID = -32_768
_ARC_SECONDS = {1_201: 3, 3_601: 1}


class ElevationGrid:
    """A `TerrainModel` on a grid of longitude and latitude, interpolated between four samples."""

    def __init__(
        self,
        heights_m: NDArray[np.float64],
        corner_deg: tuple[float, float],
        step_deg: float,
        sigma_m: float = 5.0,
    ) -> None:
        """Takes a grid.

        Args:
            heights_m: rows from north to south, above sea level; `nan` where nothing is known.
            corner_deg: latitude and longitude of the sample in the south-west.
            step_deg: between samples.
            sigma_m: one-sigma error.
        """
        self._heights, self._step = heights_m[::-1], step_deg
        self._south, self._west = corner_deg
        self._sigma_m = sigma_m

    @property
    def sigma_m(self) -> float:
        """One-sigma error of the surface's height."""
        return self._sigma_m

    def elevation(self, lat_deg: float, lon_deg: float) -> Altitude:
        """Returns the height of the ground above sea level.

        Raises:
            DatumUnknown: if the place is outside the grid, or nothing is known there.
        """
        rows, columns = self._heights.shape
        y, x = (lat_deg - self._south) / self._step, (lon_deg - self._west) / self._step
        slack = 1e-6
        if not (-slack <= y <= rows - 1 + slack and -slack <= x <= columns - 1 + slack):
            raise DatumUnknown(
                "the place is outside the terrain model", cure="give terrain that covers the path"
            )
        row, column = (int(min(max(v, 0.0), n - 1.001)) for v, n in ((y, rows), (x, columns)))
        part = self._heights[row : row + 2, column : column + 2]
        fx, fy = min(max(x - column, 0.0), 1.0), min(max(y - row, 0.0), 1.0)
        across = part[:, 0] * (1 - fx) + part[:, 1] * fx
        metres = float(across[0] * (1 - fy) + across[1] * fy)
        if not math.isfinite(metres):
            raise DatumUnknown(
                "the terrain model knows nothing there",
                cure="give terrain without gaps on the path",
            )
        return Altitude(metres, Datum.GEOID)


def read_elevation(path: Path) -> ElevationGrid:
    """Returns the terrain of a file.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no such grid, or not in longitude and latitude.
    """
    if not path.is_file():
        raise SourceMissing("there is no such file", where=str(path), cure="check the path")
    try:
        grid = _hgt(path) if path.suffix.lower() == ".hgt" else _asc(path)
    except (ValueError, KeyError, OSError, UnicodeDecodeError) as error:
        raise SourceUnreadable(
            f"is no elevation grid: {error}",
            where=str(path),
            cure="give an ESRI ASCII grid (.asc) in degrees, or an SRTM tile (.hgt)",
        ) from error
    return grid


def _asc(path: Path) -> ElevationGrid:
    lines = path.read_text(encoding="ascii").splitlines()
    header: dict[str, float] = {}
    while lines and (found := _HEADER.match(lines[0])):
        header[found[1].lower()] = float(found[2])
        lines.pop(0)
    columns, rows = int(header["ncols"]), int(header["nrows"])
    step = header["cellsize"]
    values = np.array(" ".join(lines).split(), dtype=np.float64)
    if values.size != rows * columns or rows < 2 or columns < 2:
        raise ValueError(f"{values.size} heights for {columns} columns and {rows} rows")
    heights = values.reshape(rows, columns)
    heights[heights == header.get("nodata_value", -9_999.0)] = math.nan
    half = step / 2
    south = header["yllcenter"] if "yllcenter" in header else header["yllcorner"] + half
    west = header["xllcenter"] if "xllcenter" in header else header["xllcorner"] + half
    if step > 1 or not (-90 <= south <= 90 and -180 <= west <= 180):
        raise ValueError("its corner and step are not degrees")
    return ElevationGrid(heights, (south, west), step)


def _hgt(path: Path) -> ElevationGrid:
    name = re.fullmatch(r"([NS])(\d{2})([EW])(\d{3})", path.stem, re.IGNORECASE)
    if name is None:
        raise ValueError("its name says not where it lies, as N50E071.hgt does")
    values = np.fromfile(path, dtype=">i2").astype(np.float64)
    side = math.isqrt(values.size)
    if side not in _ARC_SECONDS or side * side != values.size:
        raise ValueError(f"it has {values.size} heights")
    values[values == _VOID] = math.nan
    south = int(name[2]) * (1 if name[1].upper() == "N" else -1)
    west = int(name[4]) * (1 if name[3].upper() == "E" else -1)
    step = _ARC_SECONDS[side] / 3_600.0
    return ElevationGrid(values.reshape(side, side), (float(south), float(west)), step)
