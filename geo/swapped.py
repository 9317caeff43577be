"""Whether zones lie where they are meant to, or only would with their coordinates swapped."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from geo.zones import Zone

APART_M = 100_000.0
"""No flight goes as far; a zone beyond it is of another place."""
_EARTH_M = 6_371_009.0


@dataclass(frozen=True, slots=True)
class FarZones:
    """The zone nearest to a place, of zones that all lie far from it."""

    nearest: Zone
    swapped: bool
    """Whether one of them would be near if longitude and latitude changed places."""


def far_zones(zones: Iterable[Zone], lat_deg: float, lon_deg: float) -> FarZones | None:
    """Returns what is amiss if every zone is more than 100 km away, or `None`.

    A zone that contains the place, or whose box does, is near.
    """
    several = tuple(zones)
    if not several:
        return None
    away = [_away_m(zone, lat_deg, lon_deg) for zone in several]
    if min(away) <= APART_M:
        return None
    mirrored = [_away_m(zone, lon_deg, lat_deg) for zone in several]
    if min(mirrored) <= APART_M:
        return FarZones(several[int(np.argmin(mirrored))], True)
    return FarZones(several[int(np.argmin(away))], False)


def _away_m(zone: Zone, lat_deg: float, lon_deg: float) -> float:
    """Returns the distance to the box around a zone, on a sphere."""
    west, south, east, north = zone.area.bounds
    lat, lon = (
        np.radians(min(max(lat_deg, south), north)),
        np.radians(min(max(lon_deg, west), east)),
    )
    lat0, lon0 = np.radians(lat_deg), np.radians(lon_deg)
    half = (
        np.sin((lat - lat0) / 2) ** 2 + np.cos(lat) * np.cos(lat0) * np.sin((lon - lon0) / 2) ** 2
    )
    return float(2 * _EARTH_M * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))))
