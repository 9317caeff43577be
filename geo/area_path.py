"""A path from which a strip sees a whole area, as the command line and the API answer it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from shapely import LineString

from core.errors import BadRequest, NothingLeft, TooLarge
from geo.area_reading import from_grid, to_grid
from geo.area_zones import APART_M, open_part, polygons_of
from geo.sweep_path import SEEN_GOAL, Sweep, cover, covered_fraction, outside_m
from geo.sweep_time import Pace
from geo.utm_frame import UtmFrame
from geo.zones import Area, Zone

_LARGEST_M2 = 200e6
_LONGEST_SWATHS = 100_000
"""Area over squared swath: the path has about so many swaths."""


@dataclass(frozen=True, slots=True)
class PathWish:
    """How an area is to be covered."""

    swath_m: float
    """Width that is seen from the path."""
    margin_m: float = 0.0
    """Kept from the border and from zones."""
    start: tuple[float, float] | None = None
    """Latitude and longitude of where one comes from."""
    angle_deg: float | None = None
    """Direction of the lanes, counter-clockwise from east; else the best."""
    pace: Pace = field(default_factory=Pace)
    covered: float = SEEN_GOAL
    """Share to cover at least."""


def path_over(
    given: Area,
    fences: Sequence[Zone],
    wish: PathWish,
    where: str,
    *,
    tick: Callable[[], float],
) -> dict[str, Any]:
    """Returns a path from which a strip sees a whole area, inside it and out of what is closed.

    The document that is returned is measured on the coordinates that stand in it.

    Args:
        given: longitude and latitude.
        fences: flight zones near it that count, whatever their heights.
        wish: how.
        where: what the area is called in a refusal.
        tick: seconds of a clock that only goes forward, for `seconds`.

    Raises:
        NothingLeft: if the margin and the zones leave nothing to fly over.
        TooLarge: if the area, or its path, is too large to be planned in one go.
        BadRequest: if the start lies far from the area.
    """
    middle = given.centroid
    frame = UtmFrame.around(middle.y, middle.x)
    whole = to_grid(given, frame)
    _check_size(whole, wish.swath_m, where)
    open_area = open_part(whole, list(fences), frame)
    margin_m = wish.margin_m
    permitted = polygons_of(
        open_area.buffer(-margin_m, join_style="mitre") if margin_m else open_area
    )
    if permitted.is_empty:
        raise NothingLeft(
            f"nothing is left of it with a margin of {margin_m:g} m"
            f"{' and the zones' if fences else ''}, around longitude {middle.x:.6f}, "
            f"latitude {middle.y:.6f}",
            where=where,
            cure="take a smaller margin" + (", or other zones" if fences else ""),
        )
    here = None if wish.start is None else _start(wish.start, frame, whole)
    begun = tick()
    sweep = cover(
        open_area,
        _useful_swath_m(wish.swath_m, whole),
        permitted=permitted,
        start=here,
        angle_deg=wish.angle_deg,
        pace=wish.pace,
        seen_goal=wish.covered,
    )
    seconds = tick() - begun
    if not sweep.parts:
        raise NothingLeft(
            f"what is left is too thin for any path, around longitude {middle.x:.6f}, "
            f"latitude {middle.y:.6f}",
            where=where,
            cure="take a smaller margin",
        )
    document = _answer(sweep, frame, wish.swath_m, whole, open_area, permitted)
    document["seconds"] = round(seconds, 3)
    return document


def _answer(
    sweep: Sweep,
    frame: UtmFrame,
    swath_m: float,
    whole: Area,
    open_area: Area,
    permitted: Area,
) -> dict[str, Any]:
    """Returns the answer, measured on the coordinates that are given out."""
    seen_m = _useful_swath_m(swath_m, whole)
    lines = [from_grid(part, frame) for part in sweep.parts]
    back = []
    for line in lines:
        lon, lat = np.array(line).T
        back.append([(float(x), float(y)) for x, y in np.stack(frame.to_en_m(lat, lon), axis=1)])
    many = len(lines) > 1
    path: dict[str, Any] = {
        "type": "MultiLineString" if many else "LineString",
        "coordinates": lines if many else lines[0],
    }
    document: dict[str, Any] = {
        "path": path,
        "length_m": round(sum(LineString(part).length for part in back), 3),
        "turns": sweep.turns,
        "covered_fraction": round(covered_fraction(back, seen_m, whole), 6),
        "covered_permitted_fraction": round(covered_fraction(back, seen_m, open_area), 6),
        "outside_m": round(outside_m(back, permitted), 6),
        "flight_s": round(sweep.flight_s, 1),
        "swath_m": swath_m,
        "area_m2": round(whole.area, 1),
        "permitted_m2": round(permitted.area, 1),
        "epsg": frame.epsg,
    }
    if many:
        document["transits"] = {
            "type": "MultiLineString",
            "coordinates": [from_grid(transit, frame) for transit in sweep.transits],
        }
    return document


def _useful_swath_m(swath_m: float, whole: Area) -> float:
    """Returns the swath to plan with: wider than the area is across, it is all the same."""
    west, south, east, north = whole.bounds
    return min(swath_m, 2.0 * math.hypot(east - west, north - south))


def _check_size(whole: Area, swath_m: float, where: str) -> None:
    if whole.area > _LARGEST_M2:
        raise TooLarge(
            f"it has {whole.area / 1e6:.0f} km², more than {_LARGEST_M2 / 1e6:.0f}",
            where=where,
            cure="cut it into smaller areas and plan each",
        )
    if whole.area / swath_m**2 > _LONGEST_SWATHS:
        least = math.sqrt(whole.area / _LONGEST_SWATHS)
        raise TooLarge(
            f"a swath of {swath_m:g} m makes a path of {whole.area / swath_m / 1e3:.0f} km",
            where=where,
            cure=f"cut the area, or take a swath of {math.ceil(least * 10) / 10:g} m or more",
        )


def _start(place: tuple[float, float], frame: UtmFrame, whole: Area) -> tuple[float, float]:
    lat, lon = place
    east, north = frame.to_en_m(np.array([lat]), np.array([lon]))
    here = (float(east[0]), float(north[0]))
    if shapely.Point(here).distance(whole) > APART_M:
        raise BadRequest(
            f"latitude {lat:g}, longitude {lon:g} is more than {APART_M / 1000:.0f} km away from"
            " the area",
            where="start",
            cure="see that latitude and longitude are not swapped",
        )
    return here
