import numpy as np
import pytest

from core.errors import DatumUnknown, SourceMissing, SourceUnreadable
from geo.adapters.grid_terrain import GridTerrain
from geo.positions import Datum


def grid(tmp_path, header, rows):
    path = tmp_path / "ground.asc"
    path.write_text("\n".join([*header, *(" ".join(map(str, row)) for row in rows)]))
    return path


HEADER = ["ncols 3", "nrows 2", "xllcenter 71.0", "yllcenter 50.0", "cellsize 0.01"]


def test_an_ascii_grid_runs_from_north_to_south(tmp_path):
    ground = GridTerrain.read(grid(tmp_path, HEADER, [[300, 310, 320], [400, 410, 420]]))
    assert ground.elevation(50.0, 71.0).metres == 400.0  # the south is the last row
    assert ground.elevation(50.01, 71.02).metres == pytest.approx(320.0)
    assert ground.elevation(50.005, 71.005).metres == pytest.approx(355.0)
    assert ground.elevation(50.0, 71.0).datum is Datum.GEOID


def test_corners_of_cells_are_half_a_cell_off(tmp_path):
    header = [line.replace("center", "corner") for line in HEADER]
    ground = GridTerrain.read(grid(tmp_path, header, [[300, 310, 320], [400, 410, 420]]))
    assert ground.elevation(50.005, 71.005).metres == pytest.approx(400.0)


def test_what_is_not_known_is_said(tmp_path):
    rows = [[300, -9999, 320], [400, 410, 420]]
    ground = GridTerrain.read(grid(tmp_path, [*HEADER, "NODATA_value -9999"], rows))
    for lat, lon in [(50.005, 71.005), (49.9, 71.0), (50.0, 71.04)]:
        with pytest.raises(DatumUnknown):
            ground.elevation(lat, lon)


def test_an_srtm_tile_is_named_after_its_corner(tmp_path):
    heights = np.zeros((1201, 1201), dtype=">i2")
    heights[0, :] = 100  # the northern edge
    path = tmp_path / "N50E071.hgt"
    heights.tofile(path)
    ground = GridTerrain.read(path)
    assert ground.elevation(51.0, 71.5).metres == 100.0
    assert ground.elevation(50.0, 71.5).metres == 0.0


@pytest.mark.parametrize(
    "header",
    [
        HEADER[:-1],
        ["ncols 4", *HEADER[1:]],
        [*HEADER[:2], "xllcenter 500000", "yllcenter 5600000", "cellsize 30"],
    ],
)
def test_what_is_no_grid_in_degrees_is_refused(tmp_path, header):
    with pytest.raises(SourceUnreadable):
        GridTerrain.read(grid(tmp_path, header, [[300, 310, 320], [400, 410, 420]]))
    with pytest.raises(SourceMissing):
        GridTerrain.read(tmp_path / "nope.asc")
