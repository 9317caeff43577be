"""All rules together: what is wrong with one flight, by its newest sample and by the clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from missions.model import Plan
from missions.monitoring.concerns import Concern, ConcernCode
from missions.monitoring.flight import Situation, Spot
from missions.monitoring.flight_rules import (
    energy_concern,
    home_s,
    mode_concern,
    permission_concerns,
    position_concern,
    route_concern,
    weather_concern,
)
from missions.monitoring.policy import MonitorPolicy
from missions.monitoring.zone_index import ZoneIndex
from missions.monitoring.zone_rules import zone_concerns
from missions.permissions import Permission
from missions.weather import Weather


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a flight is held against besides its plan."""

    index: ZoneIndex
    weather: Weather | None = None
    permissions: Sequence[Permission] = ()


def judge_sample(
    situation: Situation,
    before: Spot | None,
    around: Surroundings,
    policy: MonitorPolicy,
    now: datetime,
) -> tuple[Concern, ...]:
    """Returns what is wrong with a flight by a new sample; cheap enough for every one.

    While its position can't be believed, nothing is said about zones and its way: whatever was
    beyond doubt before that stays so until it is known anew.
    """
    unsure = position_concern(situation, before, policy, now)
    found = [
        unsure,
        mode_concern(situation, now),
        energy_concern(situation, policy, around.weather, now),
    ]
    if unsure is None:
        found.append(route_concern(situation, policy, now))
        found += zone_concerns(situation, around.index, policy, now)
    return tuple(one for one in found if one is not None)


def judge_time(
    situation: Situation, around: Surroundings, policy: MonitorPolicy, now: datetime
) -> tuple[Concern, ...]:
    """Returns what is wrong with a flight whatever it says: air and permission; once a second."""
    if situation.spot is None:
        return ()
    asset, plan = situation.track.asset, situation.track.plan
    air = weather_concern(asset, around.weather, now)
    wanted_s = home_s(situation, around.weather)
    found = list(permission_concerns(plan.permission, around.permissions, wanted_s, policy, now))
    return (*found, *(() if air is None else (air,)))


def judge_unheard(
    plan: Plan, around: Surroundings, policy: MonitorPolicy, now: datetime
) -> tuple[Concern, ...]:
    """Returns what is wrong with a flight of which nobody knows where it is: its permission."""
    found = permission_concerns(plan.permission, around.permissions, 0.0, policy, now)
    return tuple(one for one in found if one.code is ConcernCode.PERMISSION_ENDED)
