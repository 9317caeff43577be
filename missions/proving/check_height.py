"""Whether a way keeps to the floors and ceilings of inclusions, and above the ground."""

import math
from collections.abc import Sequence

import numpy as np
import shapely

from geo.ground_grid import GroundGrid
from missions.model import Severity
from missions.proving.clearance import TOLERANCE_M, Clearance
from missions.proving.finding_list import FindingList
from missions.proving.flight_path import FlightPath
from missions.proving.sheets import COLUMNS, RETURNS, Part, Place, Sheet

LEAST_CLEARANCE_M = 5.0
"""Kept above the ground everywhere but at take-off and landing."""


def check_height(clearance: Clearance, path: FlightPath, found: FindingList) -> None:
    """Checks the floors and ceilings of inclusions along the way and every return."""
    too_high: set[tuple[int, str]] = set()
    for sheet, limit, above in clearance.wrong_heights(
        [sheet for sheet in path.own if sheet.part is not Part.CORNER]
    ):
        floor, ceiling = clearance.limits_over(limit, sheet)
        about, bound = str(limit.zone.zone_id), ceiling if above else floor
        ends = [(sheet.item, sheet.b, sheet.up_b), (_before(path, sheet.item), sheet.a, sheet.up_a)]
        wrong = [end for end in ends if _beyond(end[2], bound, above=above)] or ends[:1]
        for item, place, up in wrong:
            if above:
                too_high.add((sheet.item, about))
                message = f"step {item} is at {up:.0f} m, {limit.name} ends at {bound:.0f} m"
                found.error("above_ceiling", message, place, item, about=about)
            else:
                message = f"step {item} is at {up:.0f} m, {limit.name} begins at {bound:.0f} m"
                found.error("below_floor", message, place, item, about=about)
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
                f"a return on the way to step {sheet.item} is at {high:.0f} m,"
                f" {limit.name} ends at {ceiling:.0f} m"
            )
            found.add(severity, "return_above_ceiling", message, sheet.b, sheet.item, about=about)
        elif not above and high < floor - TOLERANCE_M:
            message = (
                f"a return on the way to step {sheet.item} is at {high:.0f} m,"
                f" {limit.name} begins at {floor:.0f} m"
            )
            found.add(severity, "return_below_floor", message, sheet.b, sheet.item, about=about)


def check_ground(path: FlightPath, ground: GroundGrid, found: FindingList) -> None:
    """Checks the height above the ground along the way and every return."""
    if not ground.complete:
        message = "the height of the ground is not known everywhere along the way"
        found.warning("terrain_unknown", message, cure="load a terrain model that covers the plan")
    for sheet in path.sheets:
        if sheet.part in COLUMNS or sheet.part is Part.RETURN_CLIMB:
            continue
        lowest = min(sheet.band_m)
        if lowest - ground.span_m(sheet.shape.bounds)[1] >= LEAST_CLEARANCE_M:
            continue  # clear of the highest ground anywhere near
        place, above = _nearest_ground(sheet, ground)
        if above >= LEAST_CLEARANCE_M - TOLERANCE_M:
            continue
        if sheet.part in RETURNS:
            message = f"a return on the way to step {sheet.item} is {above:.0f} m above the ground"
            found.error("return_near_ground", message, place, sheet.item)
        else:
            message = f"the way to step {sheet.item} is {above:.0f} m above the ground"
            found.error("near_ground", message, place, sheet.item)


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


def _beyond(up_m: float, bound_m: float, *, above: bool) -> bool:
    return up_m > bound_m + TOLERANCE_M if above else up_m < bound_m - TOLERANCE_M


def _before(path: FlightPath, item: int) -> int:
    numbers: Sequence[int] = [step.number for step in path.steps if step.number < item]
    return numbers[-1] if numbers else item
