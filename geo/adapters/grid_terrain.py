"""Ground of tiles of heights, from a file or a folder of them."""

import math
from pathlib import Path

from core.errors import DatumUnknown, SourceMissing
from geo.adapters.terrain_files import SUFFIXES, read_tile
from geo.positions import Altitude, Datum
from geo.terrain_grid import TerrainGrid

SIGMA_M = 4.0
"""One sigma of SRTM and Copernicus heights in open country: both promise 90 % within some 6 m or
better, of a surface that includes roofs and trees."""


class GridTerrain:
    """A `TerrainModel` over tiles, heights above the geoid (EGM96, EGM2008)."""

    def __init__(self, *tiles: TerrainGrid, sigma_m: float = SIGMA_M) -> None:
        """Takes tiles; of two that cover a place the first with a height there counts."""
        self._tiles = list(tiles)
        self._sigma_m = sigma_m

    @classmethod
    def read(cls, path: Path, *, sigma_m: float = SIGMA_M) -> "GridTerrain":
        """Returns the ground of one tile, or of all `.hgt`, `.tif` and `.tiff` of a folder.

        Raises:
            SourceMissing: if there is nothing.
            SourceUnreadable: if a file is no tile that is understood.
        """
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
            if not found:
                raise SourceMissing(
                    "holds no tile of heights",
                    where=str(path),
                    cure=f"put {' or '.join(SUFFIXES)} there",
                )
            return cls(*(read_tile(one) for one in found), sigma_m=sigma_m)
        return cls(read_tile(path), sigma_m=sigma_m)

    @property
    def sigma_m(self) -> float:
        """One-sigma error of the surface's height."""
        return self._sigma_m

    def elevation(self, lat_deg: float, lon_deg: float) -> Altitude:
        """Returns the height of the ground there, above the geoid.

        Raises:
            DatumUnknown: if no tile covers the place, or it is void in all that do.
        """
        void = False
        for spare in (0.0, 1.0):  # half a pixel lies between the nodes of neighbouring tiles
            for tile in self._tiles:
                if not tile.covers(lat_deg, lon_deg, spare):
                    continue
                height = tile.height_m(lat_deg, lon_deg)
                if math.isfinite(height):
                    return Altitude(height, Datum.GEOID)
                void = True
        what = "the ground is not known (void)" if void else "no tile of heights reaches"
        raise DatumUnknown(
            f"{what} at {lat_deg:.5f}, {lon_deg:.5f}", cure="load a tile that covers the place"
        )
