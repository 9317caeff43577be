"""Whether the steps of a mission make sense in their order, and each by itself."""

import math
from collections.abc import Iterator
from itertools import pairwise

from missions.model import Asset, AssetKind, Finding, ItemKind, Plan, Severity
from missions.proving.finding_list import FindingList
from missions.proving.flight_path import FlightPath

PLACED = frozenset({ItemKind.TAKEOFF, ItemKind.WAYPOINT, ItemKind.LOITER, ItemKind.LAND})
"""Steps that go somewhere."""
ENDS = frozenset({ItemKind.RETURN, ItemKind.LAND})
"""Steps with which a mission ends."""
_FAR_M = 10_000.0
_CLOSE_M = 0.05


def check_order(plan: Plan, asset: Asset) -> Iterator[Finding]:
    """Yields what is wrong with the steps' order, before any zone is looked at."""
    items = plan.mission.items
    moves = [item for item in items if item.kind in PLACED]
    goals = [item for item in moves if item.kind is not ItemKind.TAKEOFF]
    if not goals:
        code = "only_return" if moves else "mission_empty"
        cure = "widen the flight zones or choose other watch zones"
        yield Finding(Severity.ERROR, code, "the mission goes nowhere", cure=cure)
    for number, item in enumerate(items):
        if item.kind in PLACED and item.position is None:
            message = f"step {number} has no place"
            yield Finding(Severity.ERROR, "item_without_place", message, item=number)
    if asset.kind is not AssetKind.DRONE or not items:
        return
    takeoffs = [n for n, item in enumerate(items) if item.kind is ItemKind.TAKEOFF]
    if not takeoffs:
        message = "the mission does not take off"
        yield Finding(Severity.ERROR, "takeoff_missing", message, item=0)
    elif takeoffs[0] != 0:
        message = "take-off is not the first step"
        yield Finding(Severity.ERROR, "takeoff_not_first", message, item=takeoffs[0])
    for number in takeoffs[1:]:
        message = f"step {number} takes off again"
        yield Finding(Severity.ERROR, "takeoff_twice", message, item=number)
    ends = [n for n, item in enumerate(items) if item.kind in ENDS]
    if not ends:
        message = "the mission ends in a hover"
        yield Finding(Severity.WARNING, "end_missing", message, item=len(items) - 1)
    elif ends[0] != len(items) - 1:
        message = f"step {ends[0] + 1} comes after the end"
        yield Finding(Severity.WARNING, "item_after_end", message, item=ends[0] + 1)


def check_steps(path: FlightPath, asset: Asset, found: FindingList) -> None:
    """Checks each step of a drone's mission by itself."""
    for step in path.steps:
        number, kind = step.number, step.item.kind
        if not step.joined and step.item.position is not None:
            datum, home = step.item.position.altitude.datum, path.plan.home.altitude.datum
            found.error(
                "altitude_datum",
                f"step {number} counts its height from {datum}, home from {home}",
                step.place, number, cure="give heights above home",
            )  # fmt: skip
        if step.up_m <= 0 and kind is not ItemKind.LAND:
            message = f"step {number} is {step.up_m:.1f} m above home"
            found.error("below_home", message, step.place, number)
        # PX4 before 1.14 asks for a metre more than its acceptance radius
        if kind is ItemKind.TAKEOFF and step.up_m - 1.0 < asset.acceptance_radius_m:
            found.error("takeoff_too_low", f"take-off to {step.up_m:.1f} m", step.place, number)
        away = math.hypot(*step.place)
        if number <= 1 and away > _FAR_M:
            message = f"step {number} is {away / 1000:.1f} km away"
            found.error("first_step_far", message, step.place, number)
    for before, step in pairwise(path.steps):
        close = math.dist(before.place, step.place) < _CLOSE_M and before.up_m == step.up_m
        if close and step.item.kind is ItemKind.WAYPOINT:
            message = f"steps {before.number} and {step.number} are one place"
            found.warning("steps_too_close", message, step.place, step.number)
