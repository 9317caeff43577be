"""Whether the air lets a patrol begin. What is not known, or is old, is a no."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from missions.model import Asset, AssetKind
from missions.schedules import GateOverride, StopReason, WeatherGates
from missions.weather import Weather

ICING_MOST_C, ICING_LEAST_C = 2.0, -25.0
"""Between these, moisture freezes to rotors and wings."""
ICING_SPREAD_C = 2.0
"""Air whose dew point is nearer than this is moist enough to ice."""
FOG_M = 1_000.0
FORECAST_MOST_S = 900.0
"""How far ahead of now a value may be valid and still count as of now."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gates say."""

    reason: StopReason | None = None
    """`None`: it may begin."""
    text: str = ""

    @property
    def open(self) -> bool:
        """Whether the patrol may begin."""
        return self.reason is None


def judge_weather(
    gates: WeatherGates,
    asset: Asset,
    weather: Weather | None,
    now: datetime,
    override: GateOverride | None = None,
) -> Verdict:
    """Returns whether a patrol may begin in this air.

    For a drone the asset's own limits of wind and cold hold beside those of the gates, the
    stricter one each time; a car has none of its own.

    Args:
        gates: what the schedule asks for.
        asset: what is to fly or drive.
        weather: the newest that is known.
        now: the present instant.
        override: a person's word that the gates do not hold.
    """
    if override is not None and override.at <= now < override.until:
        return Verdict(text=f"gates overridden by {override.by}: {override.reason}")
    if weather is None:
        return Verdict(StopReason.STALE_WEATHER, "there are no weather data")
    age_s = (now - weather.at).total_seconds()
    if age_s > gates.fresh_s:
        text = f"the weather data are {age_s / 60:.0f} min old, at most {gates.fresh_s / 60:.0f}"
        return Verdict(StopReason.STALE_WEATHER, text)
    if age_s < -FORECAST_MOST_S:
        text = f"the weather data are of {-age_s / 60:.0f} min from now"
        return Verdict(StopReason.STALE_WEATHER, text)
    unknown, bad = [], []
    for name, value, least, most, unit in _limits(gates, asset, weather):
        if least is None and most is None:
            continue
        if value is None or value != value:
            unknown.append(name)
        elif most is not None and value > most:
            bad.append(f"{name} {value:g} {unit}, at most {most:g}")
        elif least is not None and value < least:
            bad.append(f"{name} {value:g} {unit}, at least {least:g}")
    if asset.kind is AssetKind.DRONE and gates.refuse_icing:
        missing, icing = _icing(weather)
        unknown += missing
        bad += icing
    if bad:
        return Verdict(StopReason.WEATHER_HOLD, "; ".join(bad))
    if unknown:
        names = ", ".join(dict.fromkeys(unknown))
        return Verdict(StopReason.STALE_WEATHER, f"not known: {names}")
    return Verdict()


def _limits(
    gates: WeatherGates, asset: Asset, weather: Weather
) -> Iterator[tuple[str, float | None, float | None, float | None, str]]:
    """Yields name, value, least, most and unit of each limit."""
    flies = asset.kind is AssetKind.DRONE
    wind_most = _least_of(gates.wind_most_m_s, asset.wind_most_m_s if flies else None)
    coldest = _most_of(gates.temperature_least_c, asset.coldest_c if flies else None)
    # a gust beyond the steady limit is held against it where nobody set a limit for gusts
    gust_most = gates.gust_most_m_s
    if gust_most is None and flies and weather.gust_m_s is not None:
        gust_most = 1.5 * asset.wind_most_m_s
    yield "wind", weather.wind_m_s, None, wind_most, "m/s"
    yield "gusts", weather.gust_m_s, None, gust_most, "m/s"
    yield "temperature", weather.temperature_c, coldest, gates.temperature_most_c, "°C"
    yield "visibility", weather.visibility_m, gates.visibility_least_m, None, "m"
    yield "lowest cloud", weather.ceiling_m, gates.ceiling_least_m, None, "m"
    most_rain = gates.precipitation_most_mm_h
    yield "precipitation", weather.precipitation_mm_h, None, most_rain, "mm/h"


def _icing(weather: Weather) -> tuple[list[str], list[str]]:
    """Returns what is not known about icing, and what speaks for it."""
    temperature = weather.temperature_c
    if temperature is None:
        return ["temperature"], []
    if not ICING_LEAST_C <= temperature <= ICING_MOST_C:
        return [], []
    reasons = []
    if (weather.precipitation_mm_h or 0.0) > 0.0:
        reasons.append(f"precipitation at {temperature:g} °C")
    if weather.visibility_m is not None and weather.visibility_m < FOG_M:
        reasons.append(f"fog at {temperature:g} °C")
    spread = None if weather.dew_point_c is None else temperature - weather.dew_point_c
    if spread is not None and spread < ICING_SPREAD_C:
        reasons.append(f"dew point only {spread:.1f} °C below {temperature:g} °C")
    if reasons:
        return [], [f"icing: {', '.join(reasons)}"]
    names = ("dew point", "precipitation")
    values = (weather.dew_point_c, weather.precipitation_mm_h)
    return [name for name, value in zip(names, values, strict=True) if value is None], []


def _least_of(*values: float | None) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _most_of(*values: float | None) -> float | None:
    return max((value for value in values if value is not None), default=None)
