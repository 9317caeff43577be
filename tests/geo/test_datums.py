import pytest

from core.errors import DatumUnknown
from geo.adapters.flat_terrain import FlatTerrain
from geo.datums import height_above_ground_m
from geo.positions import Altitude, Datum, Position


def at(metres: float, datum: Datum) -> Position:
    return Position(50.97, 71.35, Altitude(metres, datum))


GEOID_350 = FlatTerrain(Altitude(350, Datum.GEOID))


@pytest.mark.parametrize(
    ("position", "home", "metres"),
    [
        (at(60, Datum.GROUND), None, 60),
        (at(410, Datum.GEOID), None, 60),
        (at(50, Datum.HOME), Altitude(360, Datum.GEOID), 60),
    ],
)
def test_heights_that_can_be_joined(
    position: Position, home: Altitude | None, metres: float
) -> None:
    assert height_above_ground_m(position, GEOID_350, home) == metres


@pytest.mark.parametrize(
    ("position", "home"),
    [
        (at(330, Datum.ELLIPSOID), None),
        (at(50, Datum.HOME), None),
        (at(50, Datum.HOME), Altitude(320, Datum.ELLIPSOID)),
    ],
)
def test_heights_that_cannot_are_refused_and_never_guessed(
    position: Position, home: Altitude | None
) -> None:
    with pytest.raises(DatumUnknown, match="can't be joined"):
        height_above_ground_m(position, GEOID_350, home)
