from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from core.errors import DatumUnknown, SourceMissing, SourceUnreadable
from geo.adapters.grid_terrain import GridTerrain
from geo.adapters.terrain_files import read_tile
from geo.positions import Datum
from geo.terrain_grid import TerrainGrid

KEYS = (1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326)


def write_hgt(path: Path, side: int = 1201, void: tuple[int, int] | None = None) -> None:
    rows, columns = np.mgrid[0:side, 0:side]
    heights = (300 + rows // 10 + columns // 5).astype(">i2")
    if void:
        heights[void] = -32768
    path.write_bytes(heights.tobytes())


def write_tiff(path: Path, heights: Any, compression: str | None = None, **tags: Any) -> None:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    wanted = {
        33550: (0.01, 0.01, 0.0), 33922: (0.0, 0.0, 0.0, 71.0, 51.0, 0.0), 34735: KEYS,
        **{int(key[1:]): value for key, value in tags.items()},
    }  # fmt: skip
    for tag, value in wanted.items():
        if value is not None:
            info[tag] = value
            info.tagtype[tag] = {34735: 3, 42113: 2}.get(tag, 12)
    Image.fromarray(heights).save(path, tiffinfo=info, compression=compression)


def test_an_srtm_tile_between_its_nodes(tmp_path: Path) -> None:
    write_hgt(tmp_path / "N50E071.hgt", void=(600, 600))
    ground = GridTerrain.read(tmp_path)
    assert ground.elevation(51.0, 71.0).metres == 300
    assert ground.elevation(51.0, 71.0).datum is Datum.GEOID
    assert ground.elevation(50.0, 72.0).metres == 300 + 120 + 240
    step = 1 / 1200
    assert ground.elevation(51.0 - 9.5 * step, 71.0 + 4.5 * step).metres == pytest.approx(301.0)
    with pytest.raises(DatumUnknown, match="void"):
        ground.elevation(51.0 - 600.4 * step, 71.0 + 600.4 * step)
    assert ground.elevation(51.0 - 601 * step, 71.0 + 601 * step).metres == pytest.approx(480)
    with pytest.raises(DatumUnknown, match="reaches"):
        ground.elevation(49.9, 71.5)


def test_southern_and_western_names_and_neighbours(tmp_path: Path) -> None:
    write_hgt(tmp_path / "S01W001.hgt")
    write_hgt(tmp_path / "S01E000.hgt")
    ground = GridTerrain.read(tmp_path)
    assert ground.elevation(-0.5, -0.5).metres == 300 + 60 + 120
    assert ground.elevation(-0.5, 0.5).metres == 300 + 60 + 120


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize("kind", [np.float32, np.int32, np.uint16])
def test_a_geotiff_of_areas(tmp_path: Path, kind: Any, compression: str | None) -> None:
    rows, columns = np.mgrid[0:50, 0:40]
    write_tiff(tmp_path / "t.tif", (100 + rows + 2 * columns).astype(kind), compression)
    ground = GridTerrain.read(tmp_path / "t.tif")
    # the corner of pixel 0, 0 is the tie point; its height stands in its middle
    assert ground.elevation(51.0 - 0.005, 71.0 + 0.005).metres == pytest.approx(100)
    assert ground.elevation(51.0 - 0.105, 71.0 + 0.205).metres == pytest.approx(100 + 10 + 40)
    assert ground.elevation(51.0 - 0.11, 71.0 + 0.205).metres == pytest.approx(150.5)
    assert ground.elevation(51.0 - 0.001, 71.0 + 0.001).metres == pytest.approx(100)  # its rim


def test_a_geotiff_of_points_and_its_voids(tmp_path: Path) -> None:
    heights = np.full((20, 20), 200.0, np.float32)
    heights[5, 5] = -9999.0
    points = (*KEYS[:11], 2, *KEYS[12:])
    write_tiff(tmp_path / "t.tiff", heights, _34735=points, _42113="-9999")
    ground = GridTerrain.read(tmp_path / "t.tiff")
    assert ground.elevation(51.0, 71.0).metres == 200
    with pytest.raises(DatumUnknown, match="void"):
        ground.elevation(50.95, 71.05)
    signed = np.full((20, 20), -7, np.int16).astype(np.int32)
    write_tiff(tmp_path / "below.tif", signed)
    assert GridTerrain.read(tmp_path / "below.tif").elevation(50.9, 71.1).metres == -7


def test_a_second_tile_fills_the_voids_of_the_first(tmp_path: Path) -> None:
    holes = np.full((20, 20), np.nan, np.float32)
    holes[0, 0] = 1.0
    first = TerrainGrid(holes, 51.0, 71.0, 0.01, 0.01)
    second = TerrainGrid(np.full((20, 20), 9.0, np.float32), 51.0, 71.0, 0.01, 0.01)
    assert GridTerrain(first, second, sigma_m=2.0).elevation(50.9, 71.1).metres == pytest.approx(9)
    assert GridTerrain(first, second, sigma_m=2.0).sigma_m == 2.0


def test_what_is_no_tile_is_refused_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        GridTerrain.read(tmp_path / "none.hgt")
    with pytest.raises(SourceMissing, match="no tile"):
        GridTerrain.read(tmp_path)
    (tmp_path / "N50E071.hgt").write_bytes(b"123")
    with pytest.raises(SourceUnreadable, match="1201"):
        read_tile(tmp_path / "N50E071.hgt")
    (tmp_path / "map.hgt").write_bytes(b"123")
    with pytest.raises(SourceUnreadable, match="name"):
        read_tile(tmp_path / "map.hgt")
    (tmp_path / "t.tif").write_bytes(b"II*\x00nothing")
    with pytest.raises(SourceUnreadable):
        read_tile(tmp_path / "t.tif")
    flat = np.full((9, 9), 1.0, np.float32)
    write_tiff(tmp_path / "t.tif", flat, _33550=None)
    with pytest.raises(SourceUnreadable, match="33550"):
        read_tile(tmp_path / "t.tif")
    utm = (*KEYS[:7], 1, *KEYS[8:])
    write_tiff(tmp_path / "t.tif", flat, _34735=utm)
    with pytest.raises(SourceUnreadable, match="gdalwarp"):
        read_tile(tmp_path / "t.tif")
    write_tiff(tmp_path / "t.tif", np.full((9, 9), np.nan, np.float32))
    with pytest.raises(SourceUnreadable, match="no height"):
        read_tile(tmp_path / "t.tif")
    Image.new("RGB", (9, 9)).save(tmp_path / "t.tif")
    with pytest.raises(SourceUnreadable, match="no heights"):
        read_tile(tmp_path / "t.tif")


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_plane_comes_back_exactly(lat: float, lon: float) -> None:
    rows, columns = np.mgrid[0:11, 0:11]
    plane = TerrainGrid((3.0 * rows - columns).astype(np.float32), 1.0, 0.0, 0.1, 0.1)
    assert plane.height_m(lat, lon) == pytest.approx(30 * (1 - lat) - 10 * lon, abs=1e-4)
