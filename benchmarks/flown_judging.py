"""Holds a flown track against the plain zones, and measures how far it is beside its plan.

Shares nothing with the checker: points of the truth every 0.1 s, whole areas, no margins.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np
import shapely
from shapely import LineString, union_all

from benchmarks.flown_scenes import FRAME, START
from geo.local_frame import Floats
from geo.zones import Zone, ZoneKind
from missions.model import Plan
from sim.flown_plan import Flown

_HAIR_M = 0.005
"""Coordinates of a mission carry 7 decimals: 1 cm."""
_GROUND_M = 0.3


@dataclass(frozen=True)
class Breach:
    """Where a flight was where it must not be."""

    zone: str
    what: str
    at_s: float
    deep_m: float
    """How far beyond the border, or over the ceiling."""
    returning: bool


def _in_force(zone: Zone, seconds: Floats) -> Floats:
    if not zone.windows:
        return np.ones(len(seconds), dtype=bool)
    inside = np.zeros(len(seconds), dtype=bool)
    end = START + timedelta(seconds=float(seconds[-1]) + 1)
    for window in zone.windows:
        for span in window.spans(START, end):
            begin, stop = ((at - START).total_seconds() for at in (span.start, span.end))
            inside |= (begin <= seconds) & (seconds < stop)
    return inside


def breaches(plan: Plan, flown: Flown) -> list[Breach]:
    """Returns what a flight broke; of one zone only the deepest."""
    rows = flown.track[flown.track[:, 3] > _GROUND_M]
    if not len(rows):
        return []
    seconds, east, north, up = rows.T
    spots = shapely.points(east, north)
    found = []

    def add(zone: str, what: str, wrong: Floats, deep: Floats) -> None:
        if wrong.any():
            k = int(np.argmax(np.where(wrong, deep, -1.0)))
            late = flown.returned_at_s is not None and seconds[k] >= flown.returned_at_s
            found.append(Breach(zone, what, float(seconds[k]), float(deep[k]), bool(late)))

    inclusions = [zone for zone in plan.fences if zone.kind is ZoneKind.INCLUSION]
    if inclusions:
        room = union_all([zone.to_local(FRAME) for zone in inclusions])
        away = shapely.distance(room, spots)
        add("inclusions", "left", away > _HAIR_M, away)
    for zone in plan.fences:
        area = zone.to_local(FRAME)
        inside = shapely.contains_xy(area, east, north) & _in_force(zone, seconds)
        low = -np.inf if zone.floor is None else zone.floor.metres
        high = np.inf if zone.ceiling is None else zone.ceiling.metres
        if zone.kind is ZoneKind.INCLUSION:
            add(str(zone.zone_id), "over its ceiling", inside & (up > high + _HAIR_M), up - high)
            continue
        deep = np.where(inside, shapely.distance(area.boundary, spots), 0.0)
        deep = np.minimum(deep, np.minimum(up - low, high - up))
        add(str(zone.zone_id), "entered", deep > _HAIR_M, deep)
    return found


def beside_m(plan: Plan, flown: Flown) -> Floats:
    """Returns how far each point of the way out, or of a return, is beside its straight lines.

    A return is counted from where the aircraft has stopped; until then it moves along its leg.
    """
    if any(item.loiter_radius_m for item in plan.mission.items):
        return np.empty(0)  # circles are no lines
    rows = flown.track
    if flown.returned_at_s is None:
        way = [(0.0, 0.0)]
        for item in plan.mission.items:
            if item.position is not None:
                way.append(FRAME.to_en1_m(item.position.lat_deg, item.position.lon_deg))
        ends = [tuple(rows[-1, 1:3])]  # of the planned return
        lines = [LineString([a, b]) for a, b in pairwise([*way, *ends]) if a != b]
    else:
        rows = rows[flown.from_row :]
        speed = np.hypot(*np.diff(rows[:, 1:3], axis=0).T) / 0.1
        slow = np.flatnonzero(speed < 0.5)
        rows = rows[slow[0] :] if len(slow) else rows[-1:]
        lines = [LineString([rows[0, 1:3], rows[-1, 1:3]])]
    rows = rows[rows[:, 3] > 1.0]
    if not len(rows) or not lines:
        return np.empty(0)
    return np.asarray(shapely.distance(union_all(lines), shapely.points(rows[:, 1:3])))
