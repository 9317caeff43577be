"""Heights above the ground: the only place where altitudes of different datums meet.

Nothing is converted in silence. A geoid grid is not known here yet, so an ellipsoid height
and one above the geoid are never joined.
"""

from core.errors import DatumUnknown
from geo.ports import TerrainModel
from geo.positions import Altitude, Datum, Position


def height_above_ground_m(
    position: Position, terrain: TerrainModel, home: Altitude | None = None
) -> float:
    """Returns how far a position is above the terrain under it, in metres.

    Args:
        position: the place, with its altitude's datum.
        terrain: the ground, with its own datum.
        home: the altitude of the take-off place, needed where the position counts from it.

    Raises:
        DatumUnknown: if the two datums can't be joined by what is given.
    """
    altitude = position.altitude
    if altitude.datum is Datum.GROUND:
        return altitude.metres
    ground = terrain.elevation(position.lat_deg, position.lon_deg)
    if altitude.datum == ground.datum:
        return altitude.metres - ground.metres
    if altitude.datum is Datum.HOME and home is not None and home.datum == ground.datum:
        return home.metres + altitude.metres - ground.metres
    raise DatumUnknown(
        f"a height above {altitude.datum} can't be joined with ground given above {ground.datum}",
        cure="give the height of the take-off place or of the ground in the same datum",
    )
