"""Tiles of ground heights in files: SRTM `.hgt`, ESRI ASCII grids, GeoTIFF (Copernicus and such).

`.hgt`: big-endian 16-bit metres, square, 1201 or 3601 nodes a side, its south-west corner in its
name (`N50E071.hgt`); -32768 is a void.

`.asc` (ESRI ASCII grid): in degrees on WGS 84, its corner named by a cell's corner or middle; one
in metres of a projection is refused rather than guessed at.

GeoTIFF: one band of 16-bit or 32-bit integers or 32-bit floats, stripped or tiled, compressed as
Pillow can read (none, LZW, Deflate, with or without horizontal prediction; not the predictor for
floats, which Copernicus tiles from the cloud use: convert those with `gdal_translate -co
PREDICTOR=1`), with ModelPixelScale (33550), ModelTiepoint (33922) and a geographic system on WGS 84
(GeoKeys, 34735: EPSG 4326). No rotation, no projected system, north up. The void is what
GDAL_NODATA (42113) says.
"""

import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from core.errors import SourceMissing, SourceUnreadable
from geo.terrain_grid import TerrainGrid

SUFFIXES = (".asc", ".hgt", ".tif", ".tiff")
_VOID = -32768
_HGT_NAME = re.compile(r"([NS])(\d{1,2})([EW])(\d{1,3})", re.IGNORECASE)
_HGT_SIDES = (1201, 3601)
_ASC_HEADER = re.compile(r"^\s*([A-Za-z_]+)\s+(\S+)\s*$")
_ASC_VOID = -9_999.0
_SCALE, _TIEPOINT, _MATRIX, _GEO_KEYS, _NODATA = 33550, 33922, 34264, 34735, 42113
_MODEL_TYPE, _RASTER_TYPE, _GEOGRAPHIC_TYPE = 1024, 1025, 2048
_GEOGRAPHIC, _POINT, _WGS84 = 2, 2, 4326
_LOWEST_M, _HIGHEST_M = -1_000.0, 10_000.0
_MOST_PIXELS = 200_000_000
_PREDICTOR, _FLOAT_PREDICTOR = 317, 3


def read_tile(path: Path) -> TerrainGrid:
    """Returns the tile of a file, its voids NaN.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no tile that is understood; the message says why.
    """
    if not path.is_file():
        raise SourceMissing("there is no such file", where=str(path), cure="check the path")
    try:
        return _READERS.get(path.suffix.lower(), _read_tiff)(path)
    except SourceUnreadable as error:
        error.where = error.where or str(path)
        raise
    except (OSError, ValueError, struct.error, Image.DecompressionBombError) as error:
        raise SourceUnreadable(
            f"the heights can't be read: {error}", where=str(path), cure="give the tile whole"
        ) from error


def _read_hgt(path: Path) -> TerrainGrid:
    named = _HGT_NAME.match(path.stem)
    if named is None:
        raise SourceUnreadable(
            "its name does not tell its place", cure="name it as SRTM does: N50E071.hgt"
        )
    raw = path.read_bytes()
    side = next((side for side in _HGT_SIDES if len(raw) == 2 * side * side), 0)
    if not side:
        raise SourceUnreadable(
            f"{len(raw)} bytes are no square of 1201 or 3601 heights", cure="give the tile whole"
        )
    ns, lat, ew, lon = named.groups()
    south = int(lat) * (1 if ns.upper() == "N" else -1)
    west = int(lon) * (1 if ew.upper() == "E" else -1)
    heights = np.frombuffer(raw, ">i2").reshape(side, side).astype(np.float32)
    heights[heights == _VOID] = np.nan
    step = 1.0 / (side - 1)
    return TerrainGrid(_sane(heights), south + 1.0, float(west), step, step)


def _read_asc(path: Path) -> TerrainGrid:
    lines = path.read_text(encoding="ascii").splitlines()
    header: dict[str, float] = {}
    while lines and (found := _ASC_HEADER.match(lines[0])):
        header[found[1].lower()] = float(found[2])
        lines.pop(0)
    try:
        columns, rows, step = int(header["ncols"]), int(header["nrows"]), header["cellsize"]
        south, west = (_asc_middle(header, axis, step) for axis in ("yll", "xll"))
    except KeyError as error:
        raise SourceUnreadable(
            f"its header has no {error.args[0]}", cure="give an ESRI ASCII grid with its header"
        ) from error
    values = np.array(" ".join(lines).split(), dtype=np.float32)
    if values.size != rows * columns or rows < 2 or columns < 2:
        raise SourceUnreadable(
            f"it has {values.size} heights for {columns} columns and {rows} rows",
            cure="give the grid whole",
        )
    if not 0 < step <= 1 or not (-90 <= south <= 90 and -180 <= west <= 180):
        raise SourceUnreadable(
            "its corner and step are not degrees", cure="convert it: gdalwarp -t_srs EPSG:4326"
        )
    heights = values.reshape(rows, columns)
    heights[heights == np.float32(header.get("nodata_value", _ASC_VOID))] = np.nan
    return TerrainGrid(_sane(heights), south + (rows - 1) * step, west, step, step)


def _asc_middle(header: dict[str, float], axis: str, step: float) -> float:
    """Returns where the middle of the first cell is along an axis."""
    if f"{axis}center" in header:
        return header[f"{axis}center"]
    return header[f"{axis}corner"] + step / 2


def _read_tiff(path: Path) -> TerrainGrid:
    try:
        with _no_warnings(), Image.open(path) as picture:
            if not isinstance(picture, TiffImagePlugin.TiffImageFile):
                raise SourceUnreadable(
                    f"is a {picture.format}, not a TIFF", cure="give a GeoTIFF or an .hgt tile"
                )
            tags = dict(picture.tag_v2.items())
            if picture.width * picture.height > _MOST_PIXELS:
                raise SourceUnreadable("is too large", cure="cut the tile smaller")
            if tags.get(_PREDICTOR) == _FLOAT_PREDICTOR:
                raise SourceUnreadable(
                    "its floats are packed with predictor 3, which can't be read here",
                    cure="convert it: gdal_translate -co COMPRESS=DEFLATE -co PREDICTOR=1",
                )
            if picture.mode not in ("I;16", "I;16B", "I;16S", "I", "F", "L"):
                raise SourceUnreadable(
                    f"its pixels ({picture.mode}) are no heights", cure="give one band of metres"
                )
            heights = np.array(picture, dtype=np.float32)
            signed = tags.get(339, (1,))
            if picture.mode.startswith("I;16") and _first(signed) == 2:
                heights = np.array(picture).astype(np.uint16).astype(np.int16).astype(np.float32)
    except UnidentifiedImageError as error:
        raise SourceUnreadable(
            "is no TIFF that can be read", cure="convert it: gdal_translate -of GTiff"
        ) from error
    void = tags.get(_NODATA)
    if void is not None:
        text = str(_first(void)).strip("\x00 ")
        heights[heights == np.float32(float(text or "nan"))] = np.nan
    heights[heights == _VOID] = np.nan
    return _placed(_sane(heights), tags)


@contextmanager
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is amiss shows in the tags and pixels
        yield


def _placed(heights: np.ndarray, tags: dict[int, object]) -> TerrainGrid:
    scale, tie = tags.get(_SCALE), tags.get(_TIEPOINT)
    if _MATRIX in tags or not isinstance(scale, tuple) or not isinstance(tie, tuple):
        raise SourceUnreadable(
            "has no plain scale and tie point (tags 33550, 33922)", cure="give a north-up GeoTIFF"
        )
    keys = _geo_keys(tags.get(_GEO_KEYS))
    model, system = keys.get(_MODEL_TYPE, _GEOGRAPHIC), keys.get(_GEOGRAPHIC_TYPE, _WGS84)
    if model != _GEOGRAPHIC or system != _WGS84:
        raise SourceUnreadable(
            f"is not in latitude and longitude of WGS 84 (model {model}, system {system})",
            cure="convert it: gdalwarp -t_srs EPSG:4326",
        )
    step_lon, step_lat = float(scale[0]), float(scale[1])
    column, row, _, lon, lat = (float(value) for value in tie[:5])
    if not (step_lon > 0 and step_lat > 0 and abs(lat) <= 90.0 and abs(lon) <= 540.0):
        raise SourceUnreadable(
            "its scale or tie point makes no sense", cure="give a north-up GeoTIFF in WGS 84"
        )
    # a tie point of areas names a pixel's corner, its height stands in the middle
    half = 0.0 if keys.get(_RASTER_TYPE) == _POINT else 0.5
    west = lon + (half - column) * step_lon
    north = lat - (half - row) * step_lat
    return TerrainGrid(heights, north, west, step_lat, step_lon)


def _geo_keys(values: object) -> dict[int, int]:
    """Returns the short keys of a GeoKeyDirectory that stand in the directory itself."""
    if not isinstance(values, tuple):
        return {}
    rows = [values[k : k + 4] for k in range(4, len(values) - 3, 4)]
    return {int(key): int(value) for key, location, _, value in rows if location == 0}


def _first(value: object) -> object:
    return value[0] if isinstance(value, tuple | list) and value else value


def _sane(heights: np.ndarray) -> np.ndarray:
    """Returns heights in which what is no height on Earth is a void."""
    with np.errstate(invalid="ignore"):
        heights[~((heights >= _LOWEST_M) & (heights <= _HIGHEST_M))] = np.nan
    if heights.ndim != 2 or not np.isfinite(heights).any():
        raise SourceUnreadable("holds no height", cure="give a tile that is not all void")
    return heights


_READERS = {".hgt": _read_hgt, ".asc": _read_asc}
