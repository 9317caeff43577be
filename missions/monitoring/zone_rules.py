"""Zones in four dimensions: where an aircraft must not be now, and where it is about to be."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime

from shapely import LineString, Point, union_all
from shapely.geometry.base import BaseGeometry

from missions.momentum import BRAKE_M_S2, run_on_m
from missions.monitoring.concerns import Concern, ConcernCode, Gravity
from missions.monitoring.flight import Situation, Spot
from missions.monitoring.policy import MonitorPolicy
from missions.monitoring.zone_index import Near, ZoneIndex

_LANDING_M = 20.0
"""So near to where it takes off and lands floors of inclusions mean nothing."""


def zone_concerns(
    situation: Situation, index: ZoneIndex, policy: MonitorPolicy, now: datetime
) -> Iterator[Concern]:
    """Yields what zones have against a flight at an instant, and will have soon.

    Args:
        situation: its frame must be that of the index.
        index: the zones.
        policy: margins and times.
        now: the present instant.
    """
    spot = situation.spot
    if spot is None:
        return
    doubt_m = policy.sigmas * spot.sigma_m
    keep_m = run_on_m(spot.speed_m_s) + doubt_m + policy.margin_m
    reach_m = spot.speed_m_s * policy.ahead_s + keep_m
    radius_m = situation.track.asset.acceptance_radius_m
    if situation.beside_m <= radius_m + 3:  # a proven plan turns at the end of its leg
        reach_m = min(reach_m, situation.leg_left_m + radius_m)
    here = Point(spot.place)
    ahead = _ahead(spot, reach_m)
    near = index.near(situation.track.plan.home, ahead, doubt_m, now)
    for one in near:
        if not one.inclusion:
            yield from _exclusion(spot, here, ahead, one, policy, now, keep_m)
    if index.has_inclusions and index.some_inclusion_holds(now):
        inside = [one for one in near if one.inclusion and one.begins_s == 0.0]
        yield from _inclusions(situation, here, ahead, inside, policy, now, keep_m)


def _ahead(spot: Spot, reach_m: float) -> Point | LineString:
    speed = spot.speed_m_s
    if speed < 0.3 or reach_m < 0.1:
        return Point(spot.place)
    east, north = spot.place
    far = reach_m / speed
    return LineString([(east, north), (east + spot.east_m_s * far, north + spot.north_m_s * far)])


def _exclusion(
    spot: Spot,
    here: Point,
    ahead: BaseGeometry,
    near: Near,
    policy: MonitorPolicy,
    now: datetime,
    keep_m: float,
) -> Iterator[Concern]:
    deep_m = _depth_m(near.area, here)
    high_m = min(spot.up_m - near.floor_m, near.ceiling_m - spot.up_m)
    if deep_m > 0 and high_m > 0:
        if near.begins_s > 0:
            if near.begins_s <= policy.begins_s:
                yield _begins(spot, near, policy, now)
            return
        sure = deep_m > policy.sigmas * spot.sigma_m and high_m > policy.sigmas * spot.sigma_up_m
        least = min(deep_m, high_m)
        yield Concern(
            ConcernCode.ZONE_BREACH,
            Gravity.ACT if sure else Gravity.WARN,
            f"{least:.0f} m inside {near.name}",
            now, near.name, spot.geographic, round(least, 1), 0.0, "m",
        )  # fmt: skip
        return
    if deep_m > 0:  # over or under it: what its height does counts
        yield from _from_above(spot, near, policy, now)
        return
    meets_m = _meets_m(ahead, near.area, here)
    if meets_m is None or near.begins_s > policy.ahead_s:
        return
    after_s = meets_m / max(0.1, spot.speed_m_s)
    ups = (spot.up_m, spot.up_m + spot.up_m_s * min(after_s, policy.ahead_s))
    if min(ups) > near.ceiling_m or max(ups) < near.floor_m:
        return
    yield _entering(spot, near.name, meets_m, after_s, keep_m, now)


def _entering(
    spot: Spot, name: str, meets_m: float, after_s: float, keep_m: float, now: datetime
) -> Concern:
    return Concern(
        ConcernCode.ZONE_AHEAD,
        Gravity.ACT if meets_m <= keep_m else Gravity.WARN,
        f"{name} in {after_s:.0f} s: {meets_m:.0f} m away, {keep_m:.0f} m are needed to stop",
        now, name, spot.geographic, round(meets_m, 1), round(keep_m, 1), "m",
    )  # fmt: skip


def _begins(spot: Spot, near: Near, policy: MonitorPolicy, now: datetime) -> Concern:
    return Concern(
        ConcernCode.ZONE_BEGINS,
        Gravity.ACT if near.begins_s <= policy.leave_s else Gravity.WARN,
        f"{near.name} begins here in {near.begins_s:.0f} s",
        now, near.name, spot.geographic, round(near.begins_s, 1), policy.leave_s, "s",
    )  # fmt: skip


def _from_above(spot: Spot, near: Near, policy: MonitorPolicy, now: datetime) -> Iterator[Concern]:
    """Yields that a climb or a sink takes it into a zone that it is over or under."""
    gap_m = spot.up_m - near.ceiling_m if spot.up_m >= near.ceiling_m else near.floor_m - spot.up_m
    closing = -spot.up_m_s if spot.up_m >= near.ceiling_m else spot.up_m_s
    if closing < 0.3 or gap_m / closing > policy.ahead_s or near.begins_s > policy.ahead_s:
        return
    keep_m = closing**2 / (2 * BRAKE_M_S2) + policy.sigmas * spot.sigma_up_m
    yield _entering(spot, near.name, gap_m, gap_m / closing, keep_m, now)


def _inclusions(
    situation: Situation,
    here: Point,
    ahead: BaseGeometry,
    inside: Sequence[Near],
    policy: MonitorPolicy,
    now: datetime,
    keep_m: float,
) -> Iterator[Concern]:
    spot = situation.spot
    assert spot is not None  # asked before
    covering = [one for one in inside if one.area.covers(here)]
    if not covering:
        outside_m = min((float(one.area.distance(here)) for one in inside), default=math.inf)
        sure = outside_m > policy.sigmas * spot.sigma_m
        known_m = round(outside_m, 1) if math.isfinite(outside_m) else None
        yield Concern(
            ConcernCode.ZONE_BREACH,
            Gravity.ACT if sure else Gravity.WARN,
            "outside every permitted area" + ("" if known_m is None else f", by {known_m:g} m"),
            now, "permitted area", spot.geographic, known_m, 0.0, "m",
        )  # fmt: skip
        return
    for one in covering:
        yield from _height(situation, spot, one, policy, now)
    if isinstance(ahead, Point) or any(one.area.covers(ahead) for one in covering):
        return
    beyond = ahead.difference(union_all([one.area for one in inside]))
    if beyond.is_empty:
        return
    leaves_m = float(beyond.distance(here))
    after_s = leaves_m / max(0.1, spot.speed_m_s)
    yield _entering(spot, "the end of the permitted area", leaves_m, after_s, keep_m, now)


def _height(
    situation: Situation, spot: Spot, near: Near, policy: MonitorPolicy, now: datetime
) -> Iterator[Concern]:
    doubt_m = policy.sigmas * spot.sigma_up_m
    over_m, under_m = spot.up_m - near.ceiling_m, near.floor_m - spot.up_m
    goals = situation.track.goals
    landing = min(math.dist(spot.place, goal) for goal in goals) < _LANDING_M
    limit_m, beyond_m, word = near.ceiling_m, over_m, "above the ceiling"
    if under_m > over_m and not landing:
        limit_m, beyond_m, word = near.floor_m, under_m, "below the floor"
    if beyond_m > 0:
        yield Concern(
            ConcernCode.ZONE_BREACH,
            Gravity.ACT if beyond_m > doubt_m else Gravity.WARN,
            f"{beyond_m:.0f} m {word} of {near.name}",
            now, near.name, spot.geographic, round(spot.up_m, 1), round(limit_m, 1), "m",
        )  # fmt: skip
    elif spot.up_m_s > 0.3 and -over_m / spot.up_m_s <= policy.ahead_s:
        keep_m = spot.up_m_s**2 / (2 * BRAKE_M_S2) + doubt_m
        # a plan that levels off just below is proven; where it is on its way it only warns
        found = _entering(
            spot, f"the ceiling of {near.name}", -over_m, -over_m / spot.up_m_s, 0.0, now
        )
        if -over_m <= keep_m:
            yield found


def _depth_m(area: BaseGeometry, here: Point) -> float:
    """Returns how deep a place is inside an area; negative outside."""
    if area.covers(here):
        return float(area.boundary.distance(here))
    return -1.0


def _meets_m(ahead: BaseGeometry, area: BaseGeometry, here: Point) -> float | None:
    """Returns how far the way ahead goes until it meets an area, `None` if it does not."""
    if isinstance(ahead, Point):
        return None
    met = ahead.intersection(area)
    return None if met.is_empty else float(met.distance(here))
