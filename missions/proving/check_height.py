"""Whether a way keeps to the floors and ceilings of inclusions, and above the ground."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import shapely

from geo.flight_room import Limit
from geo.ground_grid import GroundGrid
from missions.model import Severity
from missions.proving.clearance import TOLERANCE_M, Clearance
from missions.proving.finding_list import FindingList
from missions.proving.flight_path import FlightPath
from missions.proving.sheets import COLUMNS, RETURNS, Part, Place, Sheet

LEAST_CLEARANCE_M = 5.0
"""Kept above the ground everywhere but at take-off and landing."""
_Told = tuple[int, Place, str]
"""The number of a step, where it is, and what is so."""


def check_height(clearance: Clearance, path: FlightPath, found: FindingList) -> None:
    """Checks the floors and ceilings of inclusions along the way and every return."""
    too_high: set[tuple[int, str]] = set()
    told: list[tuple[float, str, str, _Told]] = []
    for sheet, limit, above in clearance.wrong_heights(
        [sheet for sheet in path.own if sheet.part is not Part.CORNER]
    ):
        about = str(limit.zone.zone_id)
        if above:
            too_high.add((sheet.item, about))
        code = "above_ceiling" if above else "below_floor"
        blamed = _blamed(clearance, path, sheet, limit, above=above)
        told += [(beyond, code, about, one) for beyond, one in blamed]
    # of one step's wrong heights the worst is told
    for _, code, about, (item, place, message) in sorted(told, key=lambda one: -one[0]):
        found.error(code, message, place, item, about=about)
    for sheet, limit, above in clearance.wrong_heights(path.returns):
        floor, ceiling = clearance.limits_over(limit, sheet)
        about, (_, high) = str(limit.zone.zone_id), sheet.band_m
        own = max(sheet.up_a, sheet.up_b)
        if sheet.part is Part.RETURN_LANDING:
            own = path.top_m
        severity = Severity.ERROR
        if path.plan.return_altitude is None and own < high:
            severity = Severity.WARNING  # nobody said how high it returns
        if above and (sheet.item, about) not in too_high:
            message = (
                f"a return on the way to step {sheet.item} may be at {metres(high, ceiling)} m,"
                f" {limit.name} ends at {metres(ceiling, high)} m"
            )
            found.add(severity, "return_above_ceiling", message, sheet.b, sheet.item, about=about)
        elif not above and high < floor - TOLERANCE_M:
            message = (
                f"a return on the way to step {sheet.item} is at {metres(high, floor)} m,"
                f" {limit.name} begins at {metres(floor, high)} m"
            )
            found.add(severity, "return_below_floor", message, sheet.b, sheet.item, about=about)


def check_ground(path: FlightPath, ground: GroundGrid | None, found: FindingList) -> None:
    """Checks the height above the ground along the way and every return.

    Args:
        path: the way.
        ground: as high as a terrain model has it; without one it is taken as level at home, and
            what is near that is a warning: the real ground may be lower.
        found: takes the findings.
    """
    for sheet, place, above in near_ground(path.sheets, ground):
        severity = Severity.WARNING if ground is None else Severity.ERROR
        what = "the ground" if ground is not None else "ground that is level at home"
        at = f"{above:.1f} m above" if above >= 0 else f"{-above:.1f} m below"
        if sheet.part in RETURNS:
            message = f"a return on the way to step {sheet.item} may be {at} {what}"
            found.add(severity, "return_near_ground", message, place, sheet.item)
        else:
            message = f"the way to step {sheet.item} may be {at} {what}"
            found.add(severity, "near_ground", message, place, sheet.item)
    if ground is None:
        message = "no terrain is given; the ground is taken as level at the planned home"
        found.warning("terrain_unknown", message, cure="load a terrain model")
    elif not ground.complete:
        message = "the height of the ground is not known everywhere along the way"
        found.warning("terrain_unknown", message, cure="load a terrain model that covers the plan")


def near_ground(
    sheets: Sequence[Sheet], ground: GroundGrid | None
) -> Iterator[tuple[Sheet, Place, float]]:
    """Yields the sheets that come too near to the ground, where, and how far above it they are."""
    for sheet in sheets:
        if sheet.part in COLUMNS or sheet.part is Part.RETURN_CLIMB:
            continue
        lowest = min(sheet.band_m)
        highest = 0.0 if ground is None else ground.span_m(sheet.shape.bounds)[1]
        if lowest - highest >= LEAST_CLEARANCE_M:
            continue  # clear of the highest ground anywhere near
        if ground is None:
            place, above = sheet.a if sheet.up_a < sheet.up_b else sheet.b, lowest
        else:
            place, above = _nearest_ground(sheet, ground)
        if above < LEAST_CLEARANCE_M - TOLERANCE_M:
            yield sheet, place, above


def _nearest_ground(sheet: Sheet, ground: GroundGrid) -> tuple[Place, float]:
    """Returns where a sheet is nearest to the ground, and how near."""
    if sheet.goal is None and sheet.disc_m == 0:
        count = max(1, math.ceil(math.dist(sheet.a, sheet.b) / ground.step_m * 2))
        shares = np.linspace(0.0, 1.0, count + 1)
        places = [_along(sheet.a, sheet.b, t) for t in shares]
        ups = [sheet.up_a + t * (sheet.up_b - sheet.up_a) - sheet.under_m for t in shares]
        return min(
            ((place, up - ground.at(*place)) for place, up in zip(places, ups, strict=True)),
            key=lambda one: one[1],
        )
    return _nearest_in(sheet, ground)


def _nearest_in(sheet: Sheet, ground: GroundGrid) -> tuple[Place, float]:
    west, south, east, north = sheet.shape.bounds
    step = ground.step_m
    xs = np.arange(west, east + step, step)
    ys = np.arange(south, north + step, step)
    grid_x, grid_y = (axis.ravel() for axis in np.meshgrid(xs, ys))
    wide = sheet.shape.buffer(step)
    inside = shapely.contains_xy(wide, grid_x, grid_y)
    places = list(zip(grid_x[inside].tolist(), grid_y[inside].tolist(), strict=True))
    places = places or [sheet.a]
    heights = [ground.at(*place) for place in places]
    highest = int(np.argmax(heights))
    return places[highest], min(sheet.band_m) - heights[highest]


def _along(a: Place, b: Place, t: float) -> Place:
    return (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]))


def _blamed(
    clearance: Clearance, path: FlightPath, sheet: Sheet, limit: Limit, *, above: bool
) -> Iterator[tuple[float, _Told]]:
    """Yields for each step to blame for a wrong height how far it is beyond the limit, and more.

    A step is to blame where it is itself beyond the limit, inside the zone; else the higher end of
    the way (the lower one, over a floor), since that is what has to change.
    """
    floor, ceiling = clearance.limits_over(limit, sheet)
    bound, word = (ceiling, "ends") if above else (floor, "begins")
    sign = 1.0 if above else -1.0
    before = _before(path, sheet.item)
    ends = [(sheet.item, sheet.b, sheet.up_b), (before, sheet.a, sheet.up_a)]
    blamed = False
    for item, place, up in ends[:1] if sheet.part is Part.TAKEOFF else ends:
        if sign * (up - bound) <= TOLERANCE_M or not _over(limit, place, sheet.radius_m):
            continue
        blamed = True
        at, limited = metres(up, bound), metres(bound, up)
        message = f"step {item} is at {at} m, {limit.name} {word} at {limited} m"
        yield sign * (up - bound), (item, place, message)
    if blamed:
        return
    item, _, _ = max(ends, key=lambda end: sign * end[2])
    place, up = _farthest(sheet, limit, sign)
    off_m = sheet.over_m if above else sheet.under_m
    whole = up + sign * off_m
    limited = f"{limit.name} {word} at {metres(bound, whole)} m"
    if sign * (up - bound) > TOLERANCE_M:
        message = f"the way to step {sheet.item} is at {metres(up, bound)} m, {limited}"
    else:
        side = "above" if above else "below"
        message = (
            f"on the way to step {sheet.item} it may be up to {off_m:.1f} m {side} its line, at"
            f" {metres(whole, bound)} m; {limited}"
        )
    yield sign * (whole - bound), (item, place, message)


def _farthest(sheet: Sheet, limit: Limit, sign: float) -> tuple[Place, float]:
    """Returns where the line of a leg is highest over a zone (lowest, with sign -1), and how high.

    Heights run straight along a leg, so that is where it comes into the zone or leaves it.
    """
    ends = [(sheet.a, sheet.up_a), (sheet.b, sheet.up_b)]
    length = math.dist(sheet.a, sheet.b)
    if length > 0.0:
        within = shapely.LineString([sheet.a, sheet.b]).intersection(
            limit.area.buffer(sheet.radius_m)
        )
        shares = [math.dist(sheet.a, one) / length for one in shapely.get_coordinates(within)]
        rise = sheet.up_b - sheet.up_a
        ends = [(_along(sheet.a, sheet.b, t), sheet.up_a + t * rise) for t in shares] or ends
    return max(ends, key=lambda end: sign * end[1])


def _over(limit: Limit, place: Place, radius_m: float) -> bool:
    return bool(shapely.dwithin(limit.area, shapely.Point(place), radius_m))


def metres(up_m: float, other_m: float) -> str:
    """Returns a height in words, with as many digits as tell it from another."""
    digits = 1 if abs(up_m - other_m) >= 0.1 else 2
    return f"{up_m:.{digits}f}".rstrip("0").rstrip(".")


def _before(path: FlightPath, item: int) -> int:
    numbers: Sequence[int] = [step.number for step in path.steps if step.number < item]
    return numbers[-1] if numbers else item
