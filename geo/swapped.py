"""Whether zones and places lie where they are meant to, or only would with swapped coordinates."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo.zones import Zone

APART_M = 100_000.0
"""No flight goes as far; a zone beyond it is of another place."""
_EARTH_M = 6_371_009.0
Box: TypeAlias = tuple[float, float, float, float]
"""West, south, east and north in degrees; of a place twice the same."""
_Sides: TypeAlias = NDArray[np.float64]
SAID = "longitude and latitude are swapped: it lies by everything else only the other way round"
CURE = "give longitude first, then latitude"


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
    boxes = [_box_of(zone) for zone in several]
    away = _apart_m(boxes, [box_at(lat_deg, lon_deg)])[:, 0]
    if away.min() <= APART_M:
        return None
    mirrored = _apart_m(boxes, [box_at(lon_deg, lat_deg)])[:, 0]
    if mirrored.min() <= APART_M:
        return FarZones(several[int(np.argmin(mirrored))], True)
    return FarZones(several[int(np.argmin(away))], False)


def box_at(lat_deg: float, lon_deg: float) -> Box:
    """Returns the box of one place."""
    return lon_deg, lat_deg, lon_deg, lat_deg


def beyond_a_pole(lon_deg: float, lat_deg: float) -> bool:
    """Returns whether a place can only be meant with its longitude and latitude swapped."""
    return 90.0 < abs(lat_deg) <= 180.0 and abs(lon_deg) <= 90.0


def boxes_of(zones: Iterable[Zone]) -> tuple[Box, ...]:
    """Returns the boxes around zones."""
    return tuple(_box_of(zone) for zone in zones)


def box_of_document(document: Any) -> Box | None:
    """Returns the box around all that a GeoJSON document holds, or `None` around nothing."""
    places = np.array([*_positions(document)], float)
    if not len(places):
        return None
    (west, south), (east, north) = places.min(axis=0), places.max(axis=0)
    return float(west), float(south), float(east), float(north)


def swapped_among(given: Sequence[Box], known: Iterable[Box] = ()) -> int | None:
    """Returns which of the given boxes lies by the others only with its coordinates swapped.

    Boxes less than 100 km apart belong together. One is swapped if it does not belong to what is
    known, and swapping brings it to some of the rest, known or given; of two groups of given
    ones, each of which lies by the other only when it is swapped, the smaller one is. What is
    merely far away is of another city, and no fault.

    Args:
        given: what comes in, several at once.
        known: what is there already.
    """
    there = [*known]
    if not given or len(given) + len(there) < 2:
        return None
    # a city's zones fall into a few boxes: thousands of them need no table of every pair
    ours, which = np.unique(_rounded(given), axis=0, return_inverse=True)
    theirs = np.unique(_rounded(there), axis=0) if there else np.empty((0, 4))
    around = np.concatenate([ours, theirs])
    near = _apart_m(around, around) <= APART_M
    for _ in range(len(around)):
        wider = near @ near
        if bool((wider == near).all()):
            break
        near = wider
    strangers = ~near[: len(ours), len(ours) :].any(axis=1)
    mirrored = _apart_m(ours[:, [1, 0, 3, 2]], around) <= APART_M
    suspects = np.flatnonzero(strangers & (mirrored & ~near[: len(ours)]).any(axis=1))
    if not len(suspects):
        return None
    number = np.bincount(which.ravel(), minlength=len(ours))
    sizes = near[: len(ours), : len(ours)] @ number
    smallest = suspects[int(np.argmin(sizes[suspects]))]
    return int(np.flatnonzero(which.ravel() == smallest)[0])


def _rounded(boxes: Sequence[Box]) -> _Sides:
    """Returns boxes rounded outward to tenths of a degree, which is little beside 100 km."""
    sides = np.array(boxes, float) * 10
    return np.concatenate([np.floor(sides[:, :2]), np.ceil(sides[:, 2:])], axis=1) / 10


def _box_of(zone: Zone) -> Box:
    west, south, east, north = zone.area.bounds
    return west, south, east, north


def _positions(document: Any) -> Iterator[tuple[float, float]]:
    if isinstance(document, dict):
        for name in ("features", "geometries", "geometry", "coordinates"):
            yield from _positions(document.get(name))
    elif isinstance(document, list | tuple):
        if len(document) >= 2 and all(isinstance(one, int | float) for one in document):
            yield float(document[0]), float(document[1])
        else:
            for one in document:
                yield from _positions(one)


def _apart_m(ones: Sequence[Box] | _Sides, others: Sequence[Box] | _Sides) -> NDArray[np.float64]:
    """Returns the distances between boxes on a sphere; 0 where two of them meet."""
    w, s, e, n = (side[:, None] for side in np.array(ones, float).T)
    w2, s2, e2, n2 = (side[None, :] for side in np.array(others, float).T)
    lat, lat2 = _nearest(s, n, s2, n2)
    lon, lon2 = _nearest(w, e, w2, e2)
    half = (
        np.sin(np.radians(lat - lat2) / 2) ** 2
        + np.cos(np.radians(lat))
        * np.cos(np.radians(lat2))
        * np.sin(np.radians(lon - lon2) / 2) ** 2
    )
    apart: NDArray[np.float64] = 2 * _EARTH_M * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return apart


def _nearest(low: _Sides, high: _Sides, low2: _Sides, high2: _Sides) -> tuple[_Sides, _Sides]:
    """Returns the nearest values of two spans, of every pair."""
    first = np.clip(low2, low, high)
    second = np.clip(first, low2, high2)
    return first, second
