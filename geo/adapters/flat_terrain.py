"""Level ground: one height everywhere."""

from dataclasses import dataclass

from geo.positions import Altitude


@dataclass(frozen=True, slots=True)
class FlatTerrain:
    """A `TerrainModel` of one height, with how wrong that may be."""

    altitude: Altitude
    sigma_m: float = 2.0

    def elevation(self, lat_deg: float, lon_deg: float) -> Altitude:
        """Returns the one height, wherever asked."""
        return self.altitude
