"""Heights along a way over uneven ground: near the wanted height, flyable, below every ceiling.

The wanted profile is raised where an aircraft could not climb or sink fast enough to follow it,
so that it never comes lower over the ground than wanted; slopes that are too steep for its speed
are flown more slowly first. Then as few waypoints as the tolerance allows are put in between.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from shapely import contains_xy

from core.errors import DatumUnknown
from geo.coverage import Place
from geo.flight_room import FlightRoom, Limit
from geo.ports import TerrainModel
from geo.positions import Datum, Position

Floats = NDArray[np.float64]
Ground = Callable[[Floats, Floats], Floats]
"""Height of the ground above home at places east and north of it."""

TOLERANCE_M = 3.0
"""How far a leg may be from the wanted height above the ground."""
STEP_M = 5.0
"""Between two samples of the ground."""
_SLOWEST_M_S = 1.5


@dataclass(frozen=True, slots=True)
class Knot:
    """One waypoint of a profile."""

    place: Place
    up_m: float
    """Above home."""
    leg_speed_m_s: float
    """On the leg that ends here."""
    corner: int | None
    """Which place of the given way this is; `None` for one that was put in."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A way with heights."""

    knots: tuple[Knot, ...]
    least_m: float
    """Least height above the ground along it."""
    most_m: float


def ground_above_home(terrain: TerrainModel | None, home: Position, room: FlightRoom) -> Ground:
    """Returns the height of the ground above home; level where no terrain is known.

    Raises:
        DatumUnknown: when called, if terrain and home have different datums or the terrain
            doesn't reach there.
    """
    if terrain is None:
        return lambda east, north: np.zeros(np.shape(east))

    def ground(east: Floats, north: Floats) -> Floats:
        lat, lon = room.frame.to_geo_deg(np.asarray(east, float), np.asarray(north, float))
        found = [terrain.elevation(float(a), float(b)) for a, b in zip(lat, lon, strict=True)]
        for one in found[:1]:
            if one.datum is not home.altitude.datum:
                raise DatumUnknown(
                    f"ground above {one.datum} can't be joined with home above"
                    f" {home.altitude.datum}",
                    cure="give the height of home in the terrain's datum",
                )
        return np.array([one.metres for one in found]) - home.altitude.metres

    return ground


def sampled(way: Sequence[Place], step_m: float = STEP_M) -> tuple[Floats, Floats, list[int]]:
    """Returns places along a way, its corners among them, and which of them are the corners."""
    east, north, corners = [way[0][0]], [way[0][1]], [0]
    for a, b in pairwise(way):
        count = max(1, math.ceil(math.dist(a, b) / step_m))
        part = np.arange(1, count + 1) / count
        east.extend(a[0] + (b[0] - a[0]) * part)
        north.extend(a[1] + (b[1] - a[1]) * part)
        corners.append(len(east) - 1)
    return np.array(east), np.array(north), corners


def follow(
    way: Sequence[Place],
    above_ground_m: float,
    ground: Ground,
    room: FlightRoom,
    *,
    speed_m_s: float,
    climb_m_s: float,
    sink_m_s: float,
    margin_m: float,
    tolerance_m: float = TOLERANCE_M,
) -> Profile:
    """Returns the heights at which to fly a way, with waypoints put in where they are needed.

    Args:
        way: places in turn.
        above_ground_m: wanted height.
        ground: under it.
        room: its inclusions' floors and ceilings hold, those above ground at each place.
        speed_m_s: over the ground.
        climb_m_s: greatest rate.
        sink_m_s: greatest rate.
        margin_m: kept below ceilings and above floors, besides the tolerance.
        tolerance_m: of the height above the ground.
    """
    east, north, corners = sampled(way)
    under = ground(east, north)
    floor, ceiling = limits_at(east, north, under, room)
    spare = margin_m + tolerance_m
    target = np.maximum(under + above_ground_m, floor + spare)
    steps = np.hypot(np.diff(east), np.diff(north))
    speeds = _leg_speeds(target, steps, corners, (speed_m_s, climb_m_s, sink_m_s))
    per_step = np.repeat(speeds, np.diff(corners))
    rise, fall = steps * climb_m_s / per_step, steps * sink_m_s / per_step
    up = _slope_limited(target, rise, fall)
    # the highest profile under the ceilings that can be flown; both limited, so is the lower one
    up = np.minimum(up, -_slope_limited(spare - ceiling, fall, rise))
    knots = [Knot(way[0], float(up[0]), speed_m_s, 0)]
    for number, (a, b) in enumerate(pairwise(corners)):
        along = np.concatenate([[0.0], np.cumsum(steps[a:b])])
        for k in _kept(along, up[a : b + 1], tolerance_m):
            place = (float(east[a + k]), float(north[a + k]))
            corner = number + 1 if a + k == b else None
            knots.append(Knot(place, float(up[a + k]), float(speeds[number]), corner))
    flown = _flown(east, north, corners, knots)
    return Profile(tuple(knots), float(np.min(flown - under)), float(np.max(flown - under)))


def limits_at(
    east: Floats, north: Floats, under: Floats, room: FlightRoom
) -> tuple[Floats, Floats]:
    """Returns the highest floor and the lowest ceiling at places, above home."""
    floor, ceiling = np.full(east.shape, -1e6), np.full(east.shape, 1e6)
    for limit in room.inclusions:
        inside = contains_xy(limit.area, east, north)
        low, high = _above_home(limit, under, floor=True), _above_home(limit, under, floor=False)
        if low is not None:
            floor = np.where(inside, np.maximum(floor, low), floor)
        if high is not None:
            ceiling = np.where(inside, np.minimum(ceiling, high), ceiling)
    return floor, ceiling


def _above_home(limit: Limit, under: Floats, *, floor: bool) -> Floats | None:
    value = limit.zone.floor if floor else limit.zone.ceiling
    if value is None:
        return None
    if value.datum is Datum.GROUND:
        return under + value.metres
    metres = limit.floor_m if floor else limit.ceiling_m
    return None if metres is None else np.full(under.shape, metres)


def _leg_speeds(
    target: Floats, steps: Floats, corners: Sequence[int], rates: tuple[float, float, float]
) -> Floats:
    """Returns the speed of each leg: slower where its slope would outrun the climb or sink."""
    speed, climb, sink = rates
    found = []
    for a, b in pairwise(corners):
        rises, ways = np.diff(target[a : b + 1]), steps[a:b]
        slopes = rises[ways > 1e-9] / ways[ways > 1e-9]
        up = max(0.0, float(np.max(slopes, initial=0.0)))
        down = max(0.0, -float(np.min(slopes, initial=0.0)))
        most = min(climb / up if up > 0 else math.inf, sink / down if down > 0 else math.inf)
        found.append(max(min(_SLOWEST_M_S, speed), min(speed, most)))
    return np.array(found)


def _slope_limited(target: Floats, rise: Floats, fall: Floats) -> Floats:
    """Returns the lowest profile over a target that rises and falls by no more than so much."""
    up = target.copy()
    for k in range(len(up) - 2, -1, -1):
        up[k] = max(up[k], up[k + 1] - rise[k])
    for k in range(len(up) - 1):
        up[k + 1] = max(up[k + 1], up[k] - fall[k])
    return up


def _kept(along: Floats, up: Floats, tolerance_m: float) -> list[int]:
    """Returns which samples to keep, the last among them (Douglas and Peucker's way)."""
    kept: list[int] = []
    todo = [(0, len(up) - 1)]
    while todo:
        a, b = todo.pop()
        if b - a < 2:
            kept.append(b)
            continue
        line = up[a] + (up[b] - up[a]) * (along[a : b + 1] - along[a]) / max(
            along[b] - along[a], 1e-9
        )
        off = np.abs(up[a : b + 1] - line)
        k = int(np.argmax(off))
        if off[k] <= tolerance_m:
            kept.append(b)
        else:
            todo += [(a + k, b), (a, a + k)]
    return kept


def _flown(east: Floats, north: Floats, corners: Sequence[int], knots: Sequence[Knot]) -> Floats:
    """Returns the height of the knots' legs at every sample."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(east), np.diff(north)))])
    places = [knot.place for knot in knots]
    way = np.concatenate([[0.0], np.cumsum([math.dist(a, b) for a, b in pairwise(places)])])
    flown: Floats = np.interp(along, way, [knot.up_m for knot in knots])
    return flown
