"""What every model of the ground must do, and each is held to it."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from core.errors import DatumUnknown
from geo.adapters.flat_terrain import FlatTerrain
from geo.adapters.grid_terrain import GridTerrain
from geo.ports import TerrainModel
from geo.positions import Altitude
from geo.terrain_grid import TerrainGrid
from tests.builders import GROUND


def a_grid() -> TerrainModel:
    rows, columns = np.mgrid[0:101, 0:101]
    heights = (350.0 + 0.1 * rows + 0.2 * columns).astype(np.float32)
    return GridTerrain(TerrainGrid(heights, 51.5, 71.0, 0.01, 0.01))


MODELS: dict[str, Callable[[], TerrainModel]] = {
    "flat": lambda: FlatTerrain(GROUND),
    "grid": a_grid,
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_the_ground(name: str) -> None:
    model = MODELS[name]()
    assert model.sigma_m > 0
    here = model.elevation(50.9754, 71.3549)
    assert isinstance(here, Altitude)
    assert here == model.elevation(50.9754, 71.3549)
    near = model.elevation(50.97541, 71.35491)
    assert near.datum is here.datum
    assert math.isclose(near.metres, here.metres, abs_tol=1.0)


def test_what_a_grid_does_not_reach_it_does_not_guess() -> None:
    for lat, lon in ((20.0, 71.4), (50.9, 90.0)):
        with pytest.raises(DatumUnknown, match="reaches"):
            a_grid().elevation(lat, lon)
