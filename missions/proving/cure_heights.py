"""The least change of height that clears a ceiling, a floor or the ground.

An aircraft is off the straight line of a slope (`off_line`), so that the limit itself is too high
for a step that is climbed to; and how far off it is depends on the height that is sought. So it is
searched for: heights alone are tried over, on the legs beside the steps that change.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from geo.positions import Altitude, Datum
from missions.model import Change, ChangeKind, ItemKind, MissionItem, Plan
from missions.proving.check_height import LEAST_CLEARANCE_M, near_ground
from missions.proving.cure_bench import Bench
from missions.proving.sheets import Part, Sheet

_K = ChangeKind
_RISING = frozenset({ItemKind.TAKEOFF, ItemKind.WAYPOINT, ItemKind.LOITER})
"""Steps whose height says how high one flies there; a landing's says where the ground is."""
_EXACT_M, _FARTHEST_M = 0.1, 102.4
_AROUND = 3
"""Steps before and behind that are tried with those that change: what is off line carries on."""

Clean = Callable[[Sequence[Sheet]], bool]
"""Tells whether sheets of air are free of what is to be cured."""


def run_of(plan: Plan, number: int, metres: float, *, lower: bool) -> range:
    """Returns the steps about one, without a break, that are higher (or lower) than a height.

    Args:
        plan: whose steps.
        number: of the step.
        metres: above home.
        lower: whether those that are higher are meant, to be lowered.
    """

    def beyond(index: int) -> bool:
        up = _up_m(plan, index)
        return up is not None and (up > metres if lower else up < metres)

    if not beyond(number):
        return range(0)
    first = last = number
    while first > 0 and beyond(first - 1):
        first -= 1
    while last + 1 < len(plan.mission.items) and beyond(last + 1):
        last += 1
    return range(first, last + 1)


def levelled(plan: Plan, run: range, metres: float) -> Iterator[MissionItem]:
    """Yields the items of a plan with some of them at one height above home, landings aside."""
    for index, item in enumerate(plan.mission.items):
        if index in run and item.kind in _RISING and item.position is not None:
            altitude = Altitude(metres, Datum.HOME)
            yield replace(item, position=replace(item.position, altitude=altitude))
        else:
            yield item


def run_meant(plan: Plan, change: Change) -> range:
    """Returns the items that a change brings to one height."""
    if change.kind is _K.LEVEL_ITEMS:
        return range(len(plan.mission.items))
    number = -1 if change.item is None else change.item
    if change.metres is None or not 0 <= number < len(plan.mission.items):
        return range(0)
    return run_of(plan, number, change.metres, lower=change.kind is _K.LOWER_ITEMS)


def limit_height_m(bench: Bench, *, lower: bool, alone: bool) -> float | None:
    """Returns the height nearest to a zone's limit at which the finding's steps keep to it.

    Args:
        bench: the finding.
        lower: whether they are too high.
        alone: whether the finding's own step alone is to change.
    """
    limit, step = bench.limit(), bench.step(bench.item)
    if limit is None or step is None:
        return None
    here = Sheet(
        Part.LEG, step.number, step.place, step.place, step.up_m, step.up_m, bench.path.radius_m,
        0.0, 0.0,
    )  # fmt: skip
    floor, ceiling = bench.clearance.limits_over(limit, here)

    def clean(sheets: Sequence[Sheet]) -> bool:
        return not any(
            above is lower and one.zone.zone_id == limit.zone.zone_id
            for source in bench.sources
            for _, one, above in source.wrong_heights(sheets)
        )

    bound = ceiling if lower else floor
    if step.up_m < bound if lower else step.up_m > bound:
        bound = step.up_m  # it keeps to the limit itself: it is off its line that breaks it
    return _nearest_m(bench, bench.item, bound, clean, lower=lower, alone=alone)


def ground_height_m(bench: Bench, number: int) -> float | None:
    """Returns the least height of a step at which the ways to it and from it clear the ground."""
    step = bench.step(number)
    if step is None:
        return None
    ground = bench.prover.ground
    least_m = LEAST_CLEARANCE_M + (0.0 if ground is None else ground.at(*step.place))
    least_m = max(least_m, bench.prover.asset.acceptance_radius_m + 1.0, step.up_m)

    def clean(sheets: Sequence[Sheet]) -> bool:
        return next(near_ground(sheets, ground), None) is None

    return _nearest_m(bench, number, least_m, clean, lower=False, alone=False)


def _nearest_m(
    bench: Bench, number: int, bound_m: float, clean: Clean, *, lower: bool, alone: bool
) -> float | None:
    if not math.isfinite(bound_m):
        return None
    run = run_of(bench.plan, number, bound_m, lower=lower)
    first = run.start if run and not alone else number
    key = (bench.finding.code, bench.finding.about, first, bound_m, alone)
    if key not in bench.memo:
        bench.memo[key] = _search_m(bench, number, bound_m, clean, lower=lower, alone=alone)
    return bench.memo[key]


def _search_m(
    bench: Bench, number: int, bound_m: float, clean: Clean, *, lower: bool, alone: bool
) -> float | None:
    sign = -1.0 if lower else 1.0

    def tried(reach_m: float) -> bool:
        metres = _rounded(bound_m, sign * reach_m)
        run = run_of(bench.plan, number, metres, lower=lower)
        return clean(_sheets(bench, range(number, number + 1) if alone else run, metres))

    if run_of(bench.plan, number, bound_m, lower=lower) and tried(0.0):
        return _rounded(bound_m, 0.0)
    bad, good = 0.0, _EXACT_M
    while not tried(good):
        bad, good = good, 2 * good
        if good > _FARTHEST_M or (lower and bound_m - good <= 0.0):
            return None
    while good - bad > 1.01 * _EXACT_M:
        middle = (good + bad) / 2
        bad, good = (bad, middle) if tried(middle) else (middle, good)
    return _rounded(bound_m, sign * good)


def _rounded(bound_m: float, by_m: float) -> float:
    """Returns a height as people say it: to the decimetre, off the bound; itself to 1 cm."""
    if by_m == 0.0:
        return round(bound_m, 2)
    tenths = 10 * (bound_m + by_m)
    return (math.floor(tenths + 1e-6) if by_m < 0 else math.ceil(tenths - 1e-6)) / 10


def _sheets(bench: Bench, run: range, metres: float) -> Sequence[Sheet]:
    """Returns what is swept on the ways to and from steps that are set to a height."""
    items = tuple(levelled(bench.plan, run, metres))
    first = max(0, run.start - _AROUND)
    part = bench.part(items, first, run.stop + _AROUND)
    beside = range(run.start - first, run.stop - first + 1)
    start_s = bench.path.begins_s(first)
    return [
        sheet
        for sheet in bench.prover.path_of(part, bench.circumstances, start_s).own
        if sheet.item in beside and sheet.part is not Part.CORNER
    ]


def _up_m(plan: Plan, number: int) -> float | None:
    """Returns the height of a step above home, the ground taken as level."""
    item = plan.mission.items[number]
    if item.position is None or item.kind not in _RISING:
        return None
    altitude, home = item.position.altitude, plan.home.altitude
    if altitude.datum in (Datum.HOME, Datum.GROUND):
        return altitude.metres
    return altitude.metres - home.metres if altitude.datum is home.datum else None
