"""Whether two sorties of ours keep apart in space and time (strategic deconfliction).

Each piece of a flight is a volume: its swept ground, its heights, and when it may be there, from
early to late. Two volumes conflict that are nearer than the separation sideways and in height
while their times overlap. Returns are part of both flights only at their planned end: an
unplanned one is for the live monitor. This is our own fleet alone, not ASTM F3548.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import shapely
from shapely import STRtree

from geo.local_frame import LocalFrame
from missions.circumstances import OwnFlight
from missions.endurance import endurance_of
from missions.model import Asset, ItemKind, Plan
from missions.proving.finding_list import FindingList
from missions.proving.flight_path import FlightPath
from missions.proving.sheets import Part, Place, Sheet

APART_M = 30.0
"""Kept sideways between two of our own."""
APART_UP_M = 10.0
"""Kept in height, where they are nearer sideways."""
_PIECE_M = 100.0
"""Longer legs are divided, so that a volume is not occupied for longer than needed."""


def check_others(
    path: FlightPath,
    asset: Asset,
    departs_at: datetime | None,
    others: Sequence[OwnFlight],
    found: FindingList,
) -> None:
    """Checks a flight against other sorties of ours.

    Args:
        path: the way.
        asset: who flies; the others are taken to fly alike.
        departs_at: start; where it is not known, a conflict in space is only a warning.
        others: planned or under way.
        found: takes the findings.
    """
    if not others:
        return
    mine = _volumes(path.own, path)
    for other in others:
        theirs_path = FlightPath(other.plan, asset, endurance_of(other.plan, asset))
        theirs = _volumes(theirs_path.own, theirs_path)
        delay_s = 0.0
        if departs_at is not None:
            delay_s = (other.departs_at - departs_at).total_seconds()
        lift_m = _lift_m(other.plan, path.plan)
        met = _first_conflict(
            mine,
            [replace(one, late_s=math.inf) for one in theirs] if other.untimed else theirs,
            (theirs_path.frame, path.frame),
            (delay_s, lift_m),
            departs_at,
        )
        if met is None:
            continue
        sheet, place = met
        name = str(other.plan.asset_id)
        message = f"on the way to step {sheet.item} it may be near {name}, which is on a sortie too"
        about = f"{name}@{other.departs_at.isoformat()}"
        if departs_at is None:
            cure = "say when it starts"
            found.warning("conflict_possible", message, place, sheet.item, about=about, cure=cure)
        else:
            found.error("conflict_with_own", message, place, sheet.item, about=about)


def _volumes(sheets: Sequence[Sheet], path: FlightPath) -> list[Sheet]:
    pieces = [piece for sheet in sheets for piece in _divided(sheet)]
    end = path.ends_at
    if end is not None and path.plan.mission.items[end].kind is ItemKind.RETURN:
        planned = [s for s in path.returns if s.planned and s.goal is not None]
        # as a line: the planned return starts at one place
        pieces += [_as_leg(sheet) for sheet in planned]
    return pieces


def _as_leg(sheet: Sheet) -> Sheet:
    low, high = sheet.band_m
    goal = sheet.goal or sheet.b
    return Sheet(
        Part.LEG, sheet.item, sheet.a, goal, low, high, sheet.radius_m, sheet.early_s,
        sheet.late_s,
    )  # fmt: skip


def _divided(sheet: Sheet) -> list[Sheet]:
    length = float(np.hypot(sheet.b[0] - sheet.a[0], sheet.b[1] - sheet.a[1]))
    count = int(np.ceil(length / _PIECE_M))
    if count <= 1 or sheet.part is not Part.LEG:
        return [sheet]
    shares = np.linspace(0.0, 1.0, count + 1)

    def mix(start: float, end: float, t: float) -> float:
        return float(start + t * (end - start))

    # the uncertainty of its start and end is that of every piece
    start_s, end_s = sheet.early_s, sheet.late_s
    spread = min(60.0, end_s - start_s)
    return [
        Sheet(
            Part.LEG, sheet.item,
            (mix(sheet.a[0], sheet.b[0], t), mix(sheet.a[1], sheet.b[1], t)),
            (mix(sheet.a[0], sheet.b[0], u), mix(sheet.a[1], sheet.b[1], u)),
            mix(sheet.up_a, sheet.up_b, t), mix(sheet.up_a, sheet.up_b, u), sheet.radius_m,
            mix(start_s, end_s - spread, t), mix(start_s + spread, end_s, u),
        )
        for t, u in pairwise(shares)
    ]  # fmt: skip


def _lift_m(other: Plan, own: Plan) -> float:
    """Returns how much higher the other's home is; level where their datums can't be joined."""
    there, here = other.home.altitude, own.home.altitude
    return there.metres - here.metres if there.datum is here.datum else 0.0


def _first_conflict(
    mine: Sequence[Sheet],
    theirs: Sequence[Sheet],
    frames: tuple[LocalFrame, LocalFrame],
    shifts: tuple[float, float],
    departs_at: datetime | None,
) -> tuple[Sheet, Place] | None:
    """Returns the first of mine that is near one of theirs, and where.

    Args:
        mine: volumes of the flight that is checked.
        theirs: volumes of the other.
        frames: of the other, and of the checked flight.
        shifts: how much later the other starts, and how much higher its home is.
        departs_at: start of the checked flight; `None` compares places alone.
    """
    if not mine or not theirs:
        return None
    (their_frame, frame), (delay_s, lift_m) = frames, shifts
    shapes = np.array([sheet.shape for sheet in theirs], dtype=object)
    moved = shapely.transform(shapes, lambda xy: _moved(xy, their_frame, frame))
    own = np.array([sheet.shape for sheet in mine], dtype=object)
    radii = np.array([sheet.radius_m + APART_M for sheet in mine])
    wide = max(sheet.radius_m for sheet in theirs)
    pairs = STRtree(list(moved)).query(own, predicate="dwithin", distance=radii + wide)
    for a, b in sorted(zip(pairs[0].tolist(), pairs[1].tolist(), strict=True)):
        one, two = mine[a], theirs[b]
        low, high = one.band_m
        other_low, other_high = (up + lift_m for up in two.band_m)
        if low >= other_high + APART_UP_M or other_low >= high + APART_UP_M:
            continue
        if departs_at is not None:
            early, late = two.early_s + delay_s, two.late_s + delay_s
            if one.early_s >= late or early >= one.late_s:
                continue
        point = shapely.shortest_line(own[a], moved[b]).coords[0]
        return one, (float(point[0]), float(point[1]))
    return None


def _moved(
    xy: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", start: LocalFrame, end: LocalFrame
) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    lat, lon = start.to_geo_deg(xy[:, 0], xy[:, 1])
    return np.stack(end.to_en_m(lat, lon), axis=1)
