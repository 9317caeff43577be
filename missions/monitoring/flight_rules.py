"""What else is looked at in flight: its way, energy, mode, position, link, air, permission."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime

from missions.endurance import RETURN_UP_M, air_of, share_of, spendable
from missions.model import Asset, SortieState
from missions.monitoring.concerns import Concern, ConcernCode, Gravity
from missions.monitoring.flight import Situation, Spot
from missions.monitoring.policy import MonitorPolicy
from missions.permissions import Permission
from missions.schedules import StopReason, WeatherGates
from missions.scheduling.gates import judge_weather
from missions.weather import Weather
from telemetry.model import VehicleMode

_M = VehicleMode
_EXPECTED = {
    SortieState.UNDERWAY: frozenset({_M.MISSION, _M.TAKEOFF, _M.RETURN, _M.LAND}),
    SortieState.HOLDING: frozenset({_M.HOLD, _M.GUIDED}),
    SortieState.RETURNING: frozenset({_M.RETURN, _M.LAND}),
}
_QUIET = frozenset({_M.UNKNOWN, _M.STANDBY})
_RESERVE_FRACTION = 0.2
"""Where nobody has described the battery."""
_FASTEST_M_S = 25.0


def route_concern(situation: Situation, policy: MonitorPolicy, now: datetime) -> Concern | None:
    """Returns that a flight is beside its proven way; a return is proven from anywhere on it."""
    spot, track = situation.spot, situation.track
    # one that is held for being beside it stays so until it is somewhere else
    flies_it = situation.state in (SortieState.UNDERWAY, SortieState.HOLDING)
    flies_it = flies_it and situation.sample.mode in (_M.MISSION, _M.HOLD, _M.GUIDED)
    if spot is None or track.way is None or not flies_it:
        return None
    away_m = situation.beside_m
    limit_m = track.asset.acceptance_radius_m + track.loiter_m + policy.route_margin_m
    if away_m <= limit_m:
        return None
    sure = away_m - limit_m > policy.sigmas * spot.sigma_m
    return Concern(
        ConcernCode.OFF_ROUTE,
        Gravity.ACT if sure else Gravity.WARN,
        f"{away_m:.0f} m beside its way, at most {limit_m:.0f} m",
        now, "", spot.geographic, round(away_m, 1), round(limit_m, 1), "m",
    )  # fmt: skip


def home_s(situation: Situation, weather: Weather | None) -> float:
    """Returns how long a return from here takes; 0 on the ground, infinite against such wind."""
    if situation.spot is None:
        return 0.0
    return _home(situation, situation.spot, weather)[0]


def _home(situation: Situation, spot: Spot, weather: Weather | None) -> tuple[float, float, float]:
    """Returns seconds and share of a full battery of a return, and the share of a descent."""
    track = situation.track
    asset, air = track.asset, air_of(track.asset, weather)
    goal = min(track.goals, key=lambda one: math.dist(one, spot.place))
    altitude = track.plan.return_altitude
    return_up_m = RETURN_UP_M if altitude is None else altitude.metres
    at = (spot.place[0] - goal[0], spot.place[1] - goal[1], max(0.0, spot.up_m))
    cost = air.home(at, return_up_m, asset.cruise_m_s)
    # coming down is possible in any wind, if not on the spot
    down = air_of(asset, None).leg(at, (at[0], at[1], 0.0), asset.cruise_m_s)
    budget, part = spendable(asset, weather), 1.0 - _reserve(asset)
    return cost.seconds, share_of(cost, budget) * part, share_of(down, budget) * part


def _reserve(asset: Asset) -> float:
    return _RESERVE_FRACTION if asset.energy is None else asset.energy.reserve_fraction


def energy_concern(
    situation: Situation, policy: MonitorPolicy, weather: Weather | None, now: datetime
) -> Concern | None:
    """Returns that the battery holds less than a return with this wind and the reserve.

    One that returns already may use the reserve; what is left then must reach the ground.
    """
    spot, left = situation.spot, situation.sample.battery_fraction
    if spot is None or left is None or not math.isfinite(left):
        return None
    _, back, down = _home(situation, spot, weather)
    returning = situation.state is SortieState.RETURNING
    wanted = back + (0.0 if returning else _reserve(situation.track.asset))
    if left >= wanted + policy.energy_spare_fraction:
        return None
    gravity = Gravity.ACT if left < wanted else Gravity.WARN
    if left < down + policy.land_fraction and left < back:
        gravity = Gravity.LAST
    need = "can't be flown in this wind" if math.isinf(back) else f"takes {wanted:.0%}"
    return Concern(
        ConcernCode.ENERGY_LOW,
        gravity,
        f"{left:.0%} of the battery is left; a return with the reserve {need}",
        now, "", spot.geographic,
        round(left, 4), round(wanted, 4) if math.isfinite(wanted) else None, "",
    )  # fmt: skip


def mode_concern(situation: Situation, now: datetime) -> Concern | None:
    """Returns that a vehicle is flown by hand, or does something else than it was ordered to."""
    mode = situation.sample.mode
    place = None if situation.spot is None else situation.spot.geographic
    if situation.manual:
        text = "a pilot has taken the sticks; the station orders nothing until the mission goes on"
        return Concern(ConcernCode.MANUAL_CONTROL, Gravity.WARN, text, now, "", place)
    expected = _EXPECTED.get(situation.state)
    if situation.spot is None or mode is None or expected is None or mode in expected | _QUIET:
        return None
    text = f"it is in {mode} mode though it is {situation.state}"
    return Concern(ConcernCode.MODE_UNEXPECTED, Gravity.WARN, text, now, "", place)


def position_concern(
    situation: Situation, before: Spot | None, policy: MonitorPolicy, now: datetime
) -> Concern | None:
    """Returns that a position is too uncertain, or is not where it can have flown to.

    Args:
        situation: of now.
        before: the spot before it, by the same vehicle's clock.
        policy: limits.
        now: the present instant.
    """
    spot = situation.spot
    if spot is None:
        return None
    if spot.sigma_m > policy.sigma_most_m:
        text = f"its position is known to {spot.sigma_m:.0f} m only"
        return Concern(
            ConcernCode.POSITION_UNCERTAIN, Gravity.ACT, text,
            now, "", spot.geographic, round(spot.sigma_m, 1), policy.sigma_most_m, "m",
        )  # fmt: skip
    if before is None:
        return None
    passed_s = (spot.at - before.at).total_seconds()
    if not 0 <= passed_s <= 5.0:
        return None
    speed = max(spot.speed_m_s, before.speed_m_s)
    doubt_m = policy.sigmas * math.hypot(spot.sigma_m, before.sigma_m)
    limit_m = min(speed + 5.0, _FASTEST_M_S) * passed_s + doubt_m + policy.jump_m
    moved_m = math.dist(spot.place, before.place)
    if moved_m <= limit_m:
        return None
    text = f"its position has jumped by {moved_m:.0f} m in {passed_s:.1f} s"
    return Concern(
        ConcernCode.POSITION_UNCERTAIN, Gravity.ACT, text,
        now, "", spot.geographic, round(moved_m, 1), round(limit_m, 1), "m",
    )  # fmt: skip


def link_concern(
    heard_at: datetime | None, began_at: datetime, policy: MonitorPolicy, now: datetime
) -> Concern | None:
    """Returns that nothing has been heard for too long."""
    silent_s = (now - (heard_at or began_at)).total_seconds()
    if silent_s < policy.stale_s:
        return None
    text = f"nothing heard for {silent_s:.0f} s"
    return Concern(
        ConcernCode.LINK_STALE, Gravity.WARN, text,
        now, "", None, round(silent_s, 1), policy.stale_s, "s",
    )  # fmt: skip


def weather_concern(asset: Asset, weather: Weather | None, now: datetime) -> Concern | None:
    """Returns that the air is beyond the asset's limits; data that lack or are old only warn."""
    verdict = judge_weather(WeatherGates(), asset, weather, now)
    if verdict.reason is None:
        return None
    if verdict.reason is StopReason.WEATHER_HOLD:
        return Concern(ConcernCode.WEATHER_OUT, Gravity.ACT, verdict.text, now)
    return Concern(ConcernCode.WEATHER_UNKNOWN, Gravity.WARN, verdict.text, now)


def permission_concerns(
    number: str,
    permissions: Sequence[Permission],
    home_s: float,
    policy: MonitorPolicy,
    now: datetime,
) -> Iterator[Concern]:
    """Yields that a permission has ended, or ends before a return from here would have."""
    if not number:
        return
    holding = [one for one in permissions if one.number == number and one.holds(now, now)]
    if not holding:
        text = f"permission {number} holds no longer"
        yield Concern(ConcernCode.PERMISSION_ENDED, Gravity.ACT, text, now, number)
        return
    left_s = max((one.ends_at - now).total_seconds() for one in holding)
    spare_s = left_s - home_s
    if spare_s > 2 * policy.permission_spare_s:
        return
    yield Concern(
        ConcernCode.PERMISSION_ENDING,
        Gravity.ACT if spare_s <= policy.permission_spare_s else Gravity.WARN,
        f"permission {number} ends in {left_s:.0f} s, the way home takes {home_s:.0f} s",
        now, number, None, round(left_s, 1), round(home_s, 1), "s",
    )  # fmt: skip
