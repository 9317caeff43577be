"""The Universal Transverse Mercator grid on WGS 84, by Krüger's series.

To the sixth order in the third flattening the series is exact to a nanometre within its zone
(Karney, "Transverse Mercator with an accuracy of a few nanometers", 2011); pyproj, which the
tests compare with, gives the same grid. Distances on the grid are short by 0.4 per mille at
the zone's middle, as everybody's UTM distances are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_A_M = 6_378_137.0
_F = 1 / 298.257223563
_N = _F / (2 - _F)
_E = np.sqrt(_F * (2 - _F))
_SCALE = 0.9996
_FALSE_EAST_M = 500_000.0
_FALSE_NORTH_M = 10_000_000.0
_RECTIFYING_M = _A_M / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64 + _N**6 / 256)
_ALPHA = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16 + 41 * _N**4 / 180 - 127 * _N**5 / 288
    + 7891 * _N**6 / 37800,
    13 * _N**2 / 48 - 3 * _N**3 / 5 + 557 * _N**4 / 1440 + 281 * _N**5 / 630
    - 1983433 * _N**6 / 1935360,
    61 * _N**3 / 240 - 103 * _N**4 / 140 + 15061 * _N**5 / 26880 + 167603 * _N**6 / 181440,
    49561 * _N**4 / 161280 - 179 * _N**5 / 168 + 6601661 * _N**6 / 7257600,
    34729 * _N**5 / 80640 - 3418889 * _N**6 / 1995840,
    212378941 * _N**6 / 319334400,
)  # fmt: skip
_BETA = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96 - _N**4 / 360 - 81 * _N**5 / 512
    + 96199 * _N**6 / 604800,
    _N**2 / 48 + _N**3 / 15 - 437 * _N**4 / 1440 + 46 * _N**5 / 105
    - 1118711 * _N**6 / 3870720,
    17 * _N**3 / 480 - 37 * _N**4 / 840 - 209 * _N**5 / 4480 + 5569 * _N**6 / 90720,
    4397 * _N**4 / 161280 - 11 * _N**5 / 504 - 830251 * _N**6 / 7257600,
    4583 * _N**5 / 161280 - 108847 * _N**6 / 3991680,
    20648693 * _N**6 / 638668800,
)  # fmt: skip


def zone_number(lat_deg: float, lon_deg: float) -> int:
    """Returns the UTM zone of a place, with the exceptions of Norway and Svalbard."""
    lon = (lon_deg + 180.0) % 360.0 - 180.0
    if 56 <= lat_deg < 64 and 3 <= lon < 12:
        return 32
    if 72 <= lat_deg <= 84 and 0 <= lon < 42:
        return 31 + 2 * int((lon + 3) // 12)
    return int((lon + 180.0) // 6) + 1


@dataclass(frozen=True, slots=True)
class UtmFrame:
    """Grid metres of one UTM zone."""

    zone: int
    south: bool = False

    @classmethod
    def around(cls, lat_deg: float, lon_deg: float) -> "UtmFrame":
        """Returns the grid of the zone that a place lies in."""
        return cls(zone_number(lat_deg, lon_deg), lat_deg < 0)

    @property
    def epsg(self) -> int:
        """The grid's number in the EPSG register."""
        return (32_700 if self.south else 32_600) + self.zone

    @property
    def _middle_deg(self) -> float:
        return self.zone * 6.0 - 183.0

    def to_en_m(self, lat_deg: Floats, lon_deg: Floats) -> tuple[Floats, Floats]:
        """Returns easting and northing in metres; arrays of one shape in and out."""
        lat = np.radians(np.asarray(lat_deg, float))
        away = (np.asarray(lon_deg, float) - self._middle_deg + 180.0) % 360.0 - 180.0
        lon = np.radians(away)
        sin_lat = np.sin(lat)
        t = np.sinh(np.arctanh(sin_lat) - _E * np.arctanh(_E * sin_lat))
        xi = np.arctan2(t, np.cos(lon))
        eta = np.arcsinh(np.sin(lon) / np.hypot(t, np.cos(lon)))
        east, north = eta.copy(), xi.copy()
        for j, alpha in enumerate(_ALPHA, start=1):
            north += alpha * np.sin(2 * j * xi) * np.cosh(2 * j * eta)
            east += alpha * np.cos(2 * j * xi) * np.sinh(2 * j * eta)
        scale = _SCALE * _RECTIFYING_M
        base = _FALSE_NORTH_M if self.south else 0.0
        return _FALSE_EAST_M + scale * east, base + scale * north

    def to_geo_deg(self, east_m: Floats, north_m: Floats) -> tuple[Floats, Floats]:
        """Returns latitude and longitude of grid places."""
        base = _FALSE_NORTH_M if self.south else 0.0
        scale = _SCALE * _RECTIFYING_M
        xi = (np.asarray(north_m, float) - base) / scale
        eta = (np.asarray(east_m, float) - _FALSE_EAST_M) / scale
        xi0, eta0 = xi.copy(), eta.copy()
        for j, beta in enumerate(_BETA, start=1):
            xi0 -= beta * np.sin(2 * j * xi) * np.cosh(2 * j * eta)
            eta0 -= beta * np.cos(2 * j * xi) * np.sinh(2 * j * eta)
        lon = np.arctan2(np.sinh(eta0), np.cos(xi0))
        conformal = np.sin(xi0) / np.hypot(np.sinh(eta0), np.cos(xi0))
        t = conformal
        e2 = _E**2
        for _ in range(4):  # Newton; two passes reach the last bit, the others cost nothing
            sigma = np.sinh(_E * np.arctanh(_E * t / np.hypot(1.0, t)))
            guess = t * np.hypot(1.0, sigma) - sigma * np.hypot(1.0, t)
            slope = (1 - e2) * np.hypot(1.0, guess) * np.hypot(1.0, t) / (1 + (1 - e2) * t**2)
            t = t + (conformal - guess) / slope
        lon_deg = (np.degrees(lon) + self._middle_deg + 180.0) % 360.0 - 180.0
        return np.degrees(np.arctan(t)), lon_deg
