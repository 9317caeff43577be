"""What the station knows that a plan must be held against, beside its zones."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from core.errors import QyranError
from missions.circumstances import Circumstances, OwnFlight
from missions.model import Asset, AssetKind, Plan, Sortie, SortieState
from missions.ports import PermissionStore, WeatherSource
from missions.proving.checks import check_plan, is_safe
from missions.schedules import WeatherGates
from missions.scheduling.gates import FORECAST_MOST_S
from missions.weather import Weather

log = logging.getLogger(__name__)

_LATE, _LATE_S = 1.1, 30.0
"""What a plan's times may be exceeded by, as its proof has it."""
_TRIED_MOST = 8
"""Permissions that are tried one by one to find the one that a flight is made under."""


def known_circumstances(
    permissions: PermissionStore, weather: WeatherSource | None = None
) -> Callable[[Asset, datetime], Circumstances]:
    """Returns what tells, for an asset that starts at an instant, what is known then.

    A drone needs a permission that is on hand: none at all is an error. A car needs none, and
    weather does not ground it. Weather that is missing or older than the gates of schedules take
    is not known, which a person's start is warned of; a scheduled one is held by its own gates.

    Args:
        permissions: those on hand.
        weather: where it comes from; `None` where nothing is set.
    """

    def known(asset: Asset, at: datetime) -> Circumstances:
        if asset.kind is not AssetKind.DRONE:
            return Circumstances(departs_at=at)
        found = None
        if weather is not None:
            found = fresh_weather(weather, asset.home.lat_deg, asset.home.lon_deg, at)
        return Circumstances(at, tuple(permissions.permissions()), found)

    return known


def own_flight(sortie: Sortie, now: datetime) -> OwnFlight:
    """Returns what a sortie of ours that has not ended means for another one's plan."""
    started_at, expected_s = sortie.started_at, sortie.plan.expected_s
    if started_at is None:
        return OwnFlight(sortie.plan, now, untimed=True)
    states = (sortie.state, *(event.state for event in sortie.events))
    held = SortieState.HOLDING in states
    beside = sortie.guided is not None or sortie.by_hand
    late = (now - started_at).total_seconds() > _LATE * expected_s + _LATE_S
    return OwnFlight(sortie.plan, started_at, untimed=held or beside or late)


def fresh_weather(
    source: WeatherSource, lat_deg: float, lon_deg: float, at: datetime
) -> Weather | None:
    """Returns the weather at a place if it is of that instant, else `None`; it may block.

    A source that fails is one that knows nothing: no flight gets safer by a broken file.
    """
    # a loop may be running in the thread that asks, so it is asked in another
    with ThreadPoolExecutor(max_workers=1) as other:
        found = other.submit(lambda: asyncio.run(_ask(source, lat_deg, lon_deg, at))).result()
    if found is None:
        return None
    age_s = (at - found.at).total_seconds()
    if -FORECAST_MOST_S <= age_s <= WeatherGates().fresh_s:
        return found
    log.warning("the weather data are not of now", extra={"age_s": age_s})
    return None


def weather_at_home(source: WeatherSource, asset: Asset, at: datetime) -> Weather | None:
    """Returns the weather of an instant at an asset's home as `fresh_weather` does."""
    return fresh_weather(source, asset.home.lat_deg, asset.home.lon_deg, at)


async def _ask(
    source: WeatherSource, lat_deg: float, lon_deg: float, at: datetime
) -> Weather | None:
    try:
        return await source.weather_at(lat_deg, lon_deg, at)
    except QyranError as error:
        log.warning("no weather data", extra={"reason": str(error)})
        return None


def with_permission(plan: Plan, asset: Asset, known: Circumstances) -> Plan:
    """Returns a plan that names the permission it can be flown under, where there is one."""
    if asset.kind is not AssetKind.DRONE or plan.permission or not known.permissions:
        return plan
    at = known.departs_at
    holding = [
        permission
        for permission in known.permissions
        if (at is None or permission.holds(at, at))
        and (not permission.asset_ids or asset.asset_id in permission.asset_ids)
    ]
    named = [replace(plan, permission=permission.number) for permission in holding[:_TRIED_MOST]]
    if len(named) == 1:
        return named[0]
    return next((one for one in named if is_safe(check_plan(one, asset, known))), plan)
