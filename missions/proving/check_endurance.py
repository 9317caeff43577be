"""Whether time, energy, weather and the link suffice, a return from every step included."""

import math

from geo.local_frame import distance_m
from missions.endurance import Endurance
from missions.model import Asset, AssetKind, Plan
from missions.proving.finding_list import FindingList
from missions.proving.flight_path import FlightPath
from missions.weather import Weather

TIGHT = 0.85
"""From this part of what may be spent on, the pilot is told."""
_FAR_M = 100_000.0
"""No asset of ours starts as far from its own home."""


def check_endurance(plan: Plan, asset: Asset, endurance: Endurance, found: FindingList) -> None:
    """Checks time and energy against what the asset has, reserve left."""
    if endurance.blocked_item is not None:
        message = f"against the wind step {endurance.blocked_item} or the way home is out of reach"
        found.error("wind_against", message, item=endurance.blocked_item, cure="wait for less wind")
        return
    by_energy = endurance.usable_wh is not None and endurance.energy_wh is not None
    seconds = max(plan.expected_s, endurance.seconds)
    share = endurance.share
    if not by_energy and asset.endurance_s > 0:
        share = max(share, seconds / asset.endurance_s)
    if by_energy and endurance.usable_wh is not None and endurance.reserve_wh is not None:
        spend = endurance.usable_wh - endurance.reserve_wh
        told = f"about {endurance.energy_wh:.0f} Wh of {spend:.0f} Wh besides the reserve"
    else:
        told = f"about {seconds:.0f} s of {asset.endurance_s:.0f} s"
    if share > 1.0:
        cure = "watch fewer zones in one patrol"
        found.error("endurance_exceeded", f"the flight takes {told}", cure=cure)
        return
    late = [n for n, one in enumerate(endurance.share_with_return) if one > 1.0 + 1e-9]
    if late:
        message = (
            f"from step {late[0]} on the way home takes more than is left"
            f" ({100 * endurance.share_with_return[late[0]]:.0f} % of what may be spent)"
        )
        cure = "turn back earlier, or watch fewer zones in one patrol"
        found.error("return_endurance", message, item=late[0], cure=cure)
        return
    if max((share, *endurance.share_with_return)) > TIGHT:
        found.warning("endurance_tight", f"the flight takes {told}")


def check_asset_home(plan: Plan, asset: Asset, found: FindingList) -> None:
    """Checks that the asset is one of that place: the proof counts from the plan's home."""
    here, there = plan.home, asset.home
    away_m = distance_m(here.lat_deg, here.lon_deg, there.lat_deg, there.lon_deg)
    if away_m > _FAR_M:
        message = (
            f"{asset.name} is at home {away_m / 1000:.0f} km from the home of the plan, from which"
            " everything is checked"
        )
        cure = "name an asset of that place, or mend its home (lat, then lon)"
        found.warning("asset_far", message, (0.0, 0.0), cure=cure)


def check_link(path: FlightPath, asset: Asset, found: FindingList) -> None:
    """Checks that the asset is heard everywhere; the farthest place of a leg is one of its ends."""
    if asset.link_range_m is None:
        return
    for step in path.steps:
        away = math.hypot(*step.place) + abs(step.item.loiter_radius_m or 0.0)
        if math.hypot(away, step.up_m) > asset.link_range_m:
            message = (
                f"step {step.number} is {away:.0f} m from home, the link reaches"
                f" {asset.link_range_m:.0f} m"
            )
            found.error("link_range", message, step.place, step.number)


def check_weather(asset: Asset, weather: Weather | None, found: FindingList) -> None:
    """Checks wind and cold against what the asset may fly in."""
    if asset.kind is not AssetKind.DRONE:
        return
    missing = []
    wind = None if weather is None else weather.wind_m_s
    cold = None if weather is None else weather.temperature_c
    if wind is None:
        missing.append("wind")
    elif wind > asset.wind_most_m_s:
        message = f"the wind is {wind:.1f} m/s, {asset.name} may fly in {asset.wind_most_m_s:.1f}"
        found.error("wind_too_strong", message, cure="wait for less wind")
    if cold is None:
        missing.append("temperature")
    elif cold < asset.coldest_c:
        message = f"it is {cold:.0f} °C, {asset.name} may fly down to {asset.coldest_c:.0f} °C"
        found.error("too_cold", message, cure="wait for warmer air, or use another asset")
    if missing:
        message = f"not known of the weather: {' and '.join(missing)}; still mild air is assumed"
        found.warning("weather_unknown", message, cure="give an observation or a forecast")
