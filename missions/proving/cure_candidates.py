"""Changes of a plan that may cure a finding, the smallest first; `cures` proves them."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from shapely import Point, union_all

from geo.flight_room import Limit
from geo.zones import to_local
from missions.circumstances import Circumstances
from missions.model import Change, ChangeKind, Finding, ItemKind, Plan
from missions.proving.cure_bench import (
    Bench,
    Memo,
    far,
    meets,
    nearest_in,
    shadow_behind,
    tangents_meet,
    wind,
)
from missions.proving.cure_heights import ground_height_m, limit_height_m, run_of
from missions.proving.prover import Prover
from missions.proving.sheets import Part, Place, Sheet

_K = ChangeKind
LOCAL = frozenset({_K.MOVE_ITEM, _K.SET_HEIGHT, _K.INSERT_ITEM, _K.REMOVE_ITEM, _K.SET_LEG_SPEED})
"""Changes that touch only the legs beside one item."""
_DELAYS_S = (60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0)
_SLOWEST_M_S = 1.0
_LEVEL_OFF_M = 1.2
"""A step counts as reached about a metre off its height, so that a level way may be off too."""
_SPEEDS = (1.1, 1.25, 1.5, 1.75, 2.0, 0.9, 0.8, 0.7)

UNCURED: Mapping[str, str] = MappingProxyType(
    {
        "waypoint_outside": "move the step into the flight zone, or have the zone widened",
        "waypoint_excluded": "move the step out of the zone",
        "leg_outside": "lead the way inside the flight zone",
        "leg_excluded": "lead the way around the zone",
        "hover_outside": "move the circle, or make it smaller",
        "corner_too_fast": "fly slower towards the step, or make the way there longer",
        "column_excluded": "take off and land elsewhere",
        "above_ceiling": "fly lower there",
        "below_floor": "fly higher there",
        "near_ground": "fly higher there",
        "return_way_blocked": "end the mission where straight home is free",
        "emergency_way_blocked": "set a rally point on this side of what is in the way, fly this"
        " part from another home, or leave it out",
        "rally_way_blocked": "move or remove the rally point",
        "return_above_ceiling": "set a lower return height, or leave this part out",
        "return_below_floor": "set a higher return height",
        "return_near_ground": "set a higher return height",
        "rally_outside": "move the rally point into the flight zone",
        "altitude_datum": "give heights above home",
        "takeoff_missing": "add a take-off",
        "takeoff_not_first": "let the mission begin with its take-off",
        "takeoff_twice": "remove the second take-off",
        "starts_with_landing": "let the mission begin with a take-off",
        "item_without_place": "give the step a place, or remove it",
        "first_step_far": "fly it from a nearer home",
        "link_range": "stay within the range of the link",
        "permission_left": "stay within the area of the permission, or have it widened",
        "permission_left_on_return": "have the permission widened to the ways home",
        "permission_height": "fly lower, or have the permission widened",
        "permission_height_on_return": "set a lower return height",
        "conflict_with_own": "start later, or fly at another height",
        "endurance_tight": "watch fewer zones in one patrol",
        "end_missing": "add a return",
        "item_after_end": "remove what comes after the end",
        "steps_too_close": "remove one of the two",
        "mission_empty": "choose what is to be watched",
        "below_home": "give it a height above home",
    }
)
"""What a person may do where no single change of the plan was found to cure."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change and how a person would say it."""

    change: Change
    words: str


def candidates(
    prover: Prover,
    plan: Plan,
    circumstances: Circumstances,
    finding: Finding,
    memo: Memo | None = None,
) -> Iterator[Candidate]:
    """Yields changes that may cure a finding, the likeliest small ones first.

    Args:
        prover: of the plan.
        plan: what was checked.
        circumstances: against which.
        finding: about it.
        memo: heights that were searched already for findings about the same plan.
    """
    makers = _MAKERS.get(finding.code, ())
    if not makers:
        return
    bench = Bench(prover, plan, circumstances, finding, memo)
    for maker in makers:
        yield from maker(bench)


def _move(bench: Bench, number: int, place: Place) -> Iterator[Candidate]:
    step = bench.step(number)
    if step is None:
        return
    away = math.dist(step.place, place)
    if away < 0.005:
        return
    change = Change(_K.MOVE_ITEM, number, bench.geo(place))
    yield Candidate(change, f"move step {number} by {far(away)} {wind(step.place, place)}")


def _move_clear(bench: Bench) -> Iterator[Candidate]:
    """Moves the step, or the one before, to the nearest free place."""
    for step in (bench.step(bench.item), bench.before()):
        if step is None or step.item.kind is ItemKind.TAKEOFF:
            continue
        disc = abs(step.item.loiter_radius_m or 0.0)
        disc *= 1.01 if step.item.kind is ItemKind.LOITER else 0.0
        low = 0.0 if step.item.kind is ItemKind.LAND else step.up_m
        free = bench.free(step.place, low, step.up_m, bench.keep_m + disc)
        place = nearest_in(free, step.place)
        if place is not None:
            yield from _move(bench, step.number, place)


def _move_lit(bench: Bench) -> Iterator[Candidate]:
    """Moves a step out of the shadow that a zone casts, as seen from a place of return."""
    blocking = bench.blocking()
    for step in (bench.step(bench.item), bench.before()):
        if step is None or not blocking or step.item.kind is ItemKind.TAKEOFF:
            continue
        free = bench.free(step.place, step.up_m, step.up_m, bench.keep_m)
        for goal in bench.path.goals:
            shadows = [shadow_behind(one.area.buffer(bench.keep_m), goal) for one in blocking]
            lit = free.difference(union_all([one for one in shadows if one is not None]))
            place = nearest_in(lit, step.place)
            if place is not None:
                yield from _move(bench, step.number, place)


def _detour(bench: Bench) -> Iterator[Candidate]:
    """Puts one waypoint beside what is in the way of a leg, on either side."""
    step, before = bench.step(bench.item), bench.before()
    a = (0.0, 0.0) if before is None else before.place
    if step is None:  # a planned return
        b, up = (0.0, 0.0), bench.path.return_up_m
    else:
        b, up = step.place, step.up_m
    if math.dist(a, b) < 1.0:
        return
    low = min(up, up if before is None else before.up_m)
    high = max(up, up if before is None else before.up_m)
    leg = Sheet(Part.LEG, bench.item, a, b, low, high, bench.path.radius_m, 0.0, 0.0)
    areas = [
        one.area.buffer(bench.keep_m)
        for one in bench.clearance.exclusions
        if meets(one, low, high) and one.area.distance(leg.shape) < bench.keep_m
    ]
    if not areas:
        return
    hull = union_all(areas).convex_hull
    apexes = [tangents_meet(a, b, hull, side) for side in (1.0, -1.0)]
    ways = [(math.dist(a, p) + math.dist(p, b) - math.dist(a, b), p) for p in apexes if p]
    for longer, place in sorted(ways):
        metres = round((low + high) / 2, 2)
        change = Change(_K.INSERT_ITEM, bench.item, bench.geo(place), metres=metres)
        lat, lon = bench.geo(place)
        words = (
            f"insert a waypoint before step {bench.item} at {lat:.6f}, {lon:.6f}"
            f" ({far(longer)} longer)"
        )
        yield Candidate(change, words)


def _remove(bench: Bench) -> Iterator[Candidate]:
    items = bench.plan.mission.items
    if not 0 <= bench.item < len(items) or items[bench.item].kind is ItemKind.RETURN:
        return
    yield Candidate(Change(_K.REMOVE_ITEM, bench.item), f"leave out step {bench.item}")


def _remove_any(bench: Bench) -> Iterator[Candidate]:
    """Leaves out the step that a finding of order is about, whatever it is."""
    yield Candidate(Change(_K.REMOVE_ITEM, bench.item), f"remove step {bench.item}")


def _heights(bench: Bench, wanted: Sequence[tuple[int, float]]) -> Iterator[Candidate]:
    """Yields heights for steps, the smallest change first."""
    options = []
    for number, metres in wanted:
        step = bench.step(number)
        if step is not None and math.isfinite(metres) and abs(metres - step.up_m) > 1e-3:
            options.append((abs(metres - step.up_m), number, round(metres, 2)))
    for _, number, metres in sorted(options):
        change = Change(_K.SET_HEIGHT, number, metres=metres)
        yield Candidate(change, f"set step {number} to {metres:g} m above home")


def _to_bound(bench: Bench) -> Iterator[Candidate]:
    """Brings a step to the limit of a zone that it breaks."""
    limit, step = bench.limit(), bench.step(bench.item)
    if limit is None or step is None:
        return
    here = Sheet(
        Part.LEG, step.number, step.place, step.place, step.up_m, step.up_m, bench.path.radius_m,
        0.0, 0.0,
    )  # fmt: skip
    floor, ceiling = bench.clearance.limits_over(limit, here)
    numbers = [step.number, *([] if bench.before() is None else [step.number - 1])]
    if limit.inclusion:
        bound = ceiling if bench.finding.code == "above_ceiling" else floor
        yield from _heights(bench, [(number, bound) for number in numbers])
    else:
        yield from _heights(
            bench, [(number, bound) for number in numbers for bound in (floor, ceiling)]
        )


def _within_limits(bench: Bench) -> Iterator[Candidate]:
    """Brings steps under a ceiling or over a floor by the least that does it; at worst all."""
    lower = bench.finding.code == "above_ceiling"
    limit = bench.limit()
    if limit is None:
        return
    bound = limit.ceiling_m if lower else limit.floor_m
    for alone in (False, True) if _neighbours_too(bench, limit, bound, lower) else (True, False):
        metres = limit_height_m(bench, lower=lower, alone=alone)
        if alone and metres is not None:
            yield from _heights(bench, [(bench.item, metres)])
        else:
            yield from _run(bench, bench.item, metres, lower=lower)
    yield from _to_bound(bench)
    if bound is None:
        return
    levels = [bound, bound - _LEVEL_OFF_M if lower else bound + _LEVEL_OFF_M]
    if limit.floor_m is not None and limit.ceiling_m is not None:
        levels.append((limit.floor_m + limit.ceiling_m) / 2)
    for level in levels:
        if level > 0:
            change = Change(_K.LEVEL_ITEMS, metres=round(level, 2))
            yield Candidate(change, f"fly all steps at {round(level, 2):g} m above home")


def _neighbours_too(bench: Bench, limit: Limit, bound: float | None, lower: bool) -> bool:
    """Returns whether the steps that break a limit without a break are all in its zone."""
    if bound is None:
        return False
    run = run_of(bench.plan, bench.item, bound, lower=lower)
    steps = [step for step in bench.path.steps if step.number in run]
    wide = bench.path.radius_m
    return all(limit.area.distance(Point(step.place)) <= wide for step in steps)


def _run(bench: Bench, number: int, metres: float | None, *, lower: bool) -> Iterator[Candidate]:
    """Yields the change that brings a step, and those beside it that need it, to a height."""
    if metres is None:
        return
    run = run_of(bench.plan, number, metres, lower=lower)
    if len(run) == 1:
        change = Change(_K.SET_HEIGHT, number, metres=metres)
        yield Candidate(change, f"set step {number} to {metres:g} m above home")
    elif run:
        kind, verb = (_K.LOWER_ITEMS, "lower") if lower else (_K.RAISE_ITEMS, "raise")
        change = Change(kind, run.start, metres=metres)
        words = f"{verb} steps {run.start} to {run.stop - 1} to {metres:g} m above home"
        yield Candidate(change, words)


def _off_the_ground(bench: Bench) -> Iterator[Candidate]:
    ends = [step for step in (bench.step(bench.item), bench.before()) if step is not None]
    for end in sorted(ends, key=lambda one: one.up_m):
        yield from _run(bench, end.number, ground_height_m(bench, end.number), lower=False)
    wanted = []
    for step in (bench.step(bench.item), bench.before()):
        if step is not None:
            wanted += [(step.number, step.up_m + more) for more in (2.0, 5.0, 10.0, 20.0, 40.0)]
    yield from _heights(bench, wanted)


def _above_home(bench: Bench) -> Iterator[Candidate]:
    before = bench.before()
    yield from _run(bench, bench.item, ground_height_m(bench, bench.item), lower=False)
    wanted = [(bench.item, 30.0)]
    if before is not None:
        wanted.append((bench.item, before.up_m))
    yield from _heights(bench, wanted)


def _return_height(bench: Bench) -> Iterator[Candidate]:
    """Sends the return over or under what is in its way, or under a ceiling."""
    now = bench.path.return_up_m
    bounds: list[float | None] = []
    for block in bench.blocking():
        bounds += [block.ceiling_m, block.floor_m]
    limit = bench.limit()
    if limit is not None:
        bounds += [limit.ceiling_m if limit.inclusion else None, limit.floor_m]
    if bench.finding.code == "return_near_ground":
        bounds += [now + more for more in (2.0, 5.0, 10.0, 20.0, 40.0, 80.0)]
    permission = bench.permission()
    if permission is not None and permission.ceiling is not None:
        bounds.append(bench.path.height_of(permission.ceiling, (0.0, 0.0)))
    heights = {round(one, 2) for one in bounds if one is not None and 0 < one < 1_000.0}
    for metres in sorted(heights, key=lambda one: abs(one - now)):
        change = Change(_K.SET_RETURN_HEIGHT, metres=metres)
        yield Candidate(change, f"return at {metres:g} m above home")


def _takeoff(bench: Bench) -> Iterator[Candidate]:
    ups = [step.up_m for step in bench.path.steps if step.up_m > 0]
    metres = max(ups[0] if ups else 30.0, bench.prover.asset.acceptance_radius_m + 1.0)
    change = Change(_K.ADD_TAKEOFF, metres=round(metres, 2))
    yield Candidate(change, f"begin with a take-off to {metres:g} m")


def _add_return(bench: Bench) -> Iterator[Candidate]:
    yield Candidate(Change(_K.ADD_RETURN), "end with a return")


def _rally(bench: Bench) -> Iterator[Candidate]:
    numbers = range(len(bench.plan.rally))
    about = bench.finding.about
    if about.startswith("rally-"):
        numbers = range(int(about[6:]), int(about[6:]) + 1)
    tops = [step.up_m for step in bench.path.steps] or [0.0]
    for number in numbers:
        place = bench.path.goals[number + 1]
        for keep_m in bench.goal_keeps_m():
            free = bench.free(place, 0.0, max(*tops, bench.path.return_up_m), keep_m)
            near = nearest_in(free, place)
            if near is not None and math.dist(near, place) > 0.005:
                change = Change(_K.MOVE_RALLY, number, bench.geo(near))
                words = f"move rally point {number} by {far(math.dist(near, place))}"
                yield Candidate(change, f"{words} {wind(place, near)}")
    for number in numbers:
        change = Change(_K.REMOVE_RALLY, number)
        yield Candidate(change, f"remove rally point {number}")


def _speed(bench: Bench) -> Iterator[Candidate]:
    asset = bench.prover.asset
    most = 1.5 * asset.cruise_m_s
    if asset.energy is not None:
        most = max(most, 0.8 * asset.energy.greatest_air_speed_m_s)
    for times in _SPEEDS:
        metres = round(bench.plan.cruise_m_s * times, 2)
        if metres <= most:
            change = Change(_K.SET_SPEED, metres=metres)
            yield Candidate(change, f"fly at {metres:g} m/s")


def _slower(bench: Bench) -> Iterator[Candidate]:
    """Slows down on the leg that leads to a corner, or on the one before."""
    for number in (bench.item, bench.item - 1):
        if bench.step(number) is None:
            continue
        items = bench.plan.mission.items[: number + 1]
        given = [item.speed_m_s for item in items if item.speed_m_s]
        speed = given[-1] if given else bench.plan.cruise_m_s
        for times in (0.75, 0.5, 0.35, 0.25, 0.16):
            metres = round(times * speed, 1)
            if metres >= _SLOWEST_M_S:
                change = Change(_K.SET_LEG_SPEED, number, metres=metres)
                yield Candidate(change, f"fly to step {number} at {metres:g} m/s")


def _later(bench: Bench) -> Iterator[Candidate]:
    """Starts later: when a window is over, a permission begins, or the other is away."""
    departs_at = bench.circumstances.departs_at
    if departs_at is None:
        return
    waits: list[float] = []
    permission = bench.permission()
    if permission is not None:
        waits.append((permission.valid_from - departs_at).total_seconds())
    sheets = [sheet for sheet in bench.path.sheets if sheet.item == bench.item]
    for limit in bench.clearance.exclusions:
        if not limit.zone.windows:
            continue
        for sheet in sheets:
            ends = bench.clearance.calendar.ends_s(limit.zone, sheet.early_s, sheet.late_s)
            if ends is not None:
                waits.append(ends - sheet.early_s)
    if bench.finding.code == "conflict_with_own":
        waits += _DELAYS_S
    for wait in sorted({float(math.ceil(one)) for one in waits if one > 0}):
        change = Change(_K.SET_DEPARTURE, seconds=wait)
        yield Candidate(change, f"start {_clock(wait)} later")


def _clock(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 180 else f"{seconds / 60:.0f} min"


def _nearer(bench: Bench) -> Iterator[Candidate]:
    step, reach = bench.step(bench.item), bench.prover.asset.link_range_m
    if step is None or reach is None:
        return
    away = math.hypot(*step.place)
    disc = abs(step.item.loiter_radius_m or 0.0)
    wanted = math.sqrt(max(0.0, reach**2 - step.up_m**2)) - disc - 0.5
    if away > 0 and wanted > 0:
        share = wanted / away
        yield from _move(bench, step.number, (step.place[0] * share, step.place[1] * share))


def _into_permission(bench: Bench) -> Iterator[Candidate]:
    permission = bench.permission()
    if permission is None:
        return
    area = to_local(permission.area, bench.path.frame).buffer(-bench.keep_m)
    for step in (bench.step(bench.item), bench.before()):
        if step is None or step.item.kind is ItemKind.TAKEOFF:
            continue
        free = bench.free(step.place, step.up_m, step.up_m, bench.keep_m).intersection(area)
        place = nearest_in(free, step.place)
        if place is not None:
            yield from _move(bench, step.number, place)


def _permitted_height(bench: Bench) -> Iterator[Candidate]:
    permission = bench.permission()
    if permission is None:
        return
    wanted = []
    for limit in (permission.ceiling, permission.floor):
        up = None if limit is None else bench.path.height_of(limit, (0.0, 0.0))
        if up is not None:
            before = bench.before()
            numbers = [bench.item, *([] if before is None else [before.number])]
            wanted += [(number, up) for number in numbers]
    yield from _heights(bench, wanted)


_Maker = Callable[[Bench], Iterator[Candidate]]
_MAKERS: Mapping[str, Sequence[_Maker]] = MappingProxyType(
    {
        "takeoff_missing": (_takeoff,),
        "takeoff_not_first": (_takeoff,),
        "takeoff_twice": (_remove_any,),
        "takeoff_too_low": (_above_home,),
        "end_missing": (_add_return,),
        "item_after_end": (_remove_any,),
        "item_without_place": (_remove_any,),
        "below_home": (_above_home, _remove),
        "steps_too_close": (_remove,),
        "waypoint_outside": (_move_clear, _remove),
        "waypoint_excluded": (_move_clear, _to_bound, _later, _remove),
        "leg_outside": (_move_clear, _remove),
        "leg_excluded": (_move_clear, _detour, _to_bound, _later, _remove),
        "hover_outside": (_move_clear, _remove),
        "corner_too_fast": (_slower, _speed, _remove),
        "column_excluded": (_move_clear, _to_bound, _return_height, _later),
        "above_ceiling": (_within_limits, _remove),
        "below_floor": (_within_limits, _remove),
        "near_ground": (_off_the_ground, _remove),
        "return_way_blocked": (_return_height, _detour, _move_lit, _later, _remove),
        "emergency_way_blocked": (_return_height, _move_lit, _slower, _later, _remove),
        "rally_way_blocked": (_return_height, _move_lit, _rally, _later, _remove),
        "return_above_ceiling": (_return_height, _remove),
        "return_below_floor": (_return_height,),
        "return_near_ground": (_return_height,),
        "rally_outside": (_rally,),
        "endurance_exceeded": (_speed,),
        "return_endurance": (_speed, _remove),
        "endurance_tight": (_speed,),
        "link_range": (_nearer, _remove),
        "permission_not_yet_valid": (_later,),
        "permission_left": (_into_permission, _remove),
        "permission_left_on_return": (_into_permission, _remove),
        "permission_height": (_permitted_height, _remove),
        "permission_height_on_return": (_return_height,),
        "conflict_with_own": (_later,),
    }
)


def curable_codes() -> frozenset[str]:
    """Returns the codes for which a change of the plan may be found."""
    return frozenset(_MAKERS)
