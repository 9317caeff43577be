"""Public holidays by `holidays`, the sun by `astral`."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

import holidays
from astral import Observer
from astral.sun import dawn, dusk, elevation, sunrise, sunset

from core.errors import ScheduleInvalid
from missions.schedules import SunEvent

_EVENTS: dict[SunEvent, Callable[..., datetime]] = {
    SunEvent.DAWN: dawn,
    SunEvent.SUNRISE: sunrise,
    SunEvent.SUNSET: sunset,
    SunEvent.DUSK: dusk,
}
_RISEN_DEG = -0.833
"""The sun's middle at sunrise: its radius and the refraction at the horizon."""


class CalendarDays:
    """A `DayCalendar` that needs no network."""

    def holiday(self, country: str, subdivision: str, day: date) -> str:
        """Returns the name of the public holiday, empty where it is none."""
        return str(_calendar(country, subdivision).get(day) or "")

    def is_workday(self, country: str, subdivision: str, day: date) -> bool:
        """Returns whether people work on a day: neither weekend nor holiday, transfers heeded."""
        return bool(_calendar(country, subdivision).is_working_day(day))

    def sun(
        self, lat_deg: float, lon_deg: float, event: SunEvent, day: date, zone: tzinfo
    ) -> datetime | None:
        """Returns the instant (UTC) of the event on a day of the zone's calendar."""
        return _sun(lat_deg, lon_deg, event, day, zone)

    def is_daylight(self, lat_deg: float, lon_deg: float, at: datetime) -> bool:
        """Returns whether the sun is up."""
        at = at.astimezone(UTC)
        # the same function that gives sunrise and sunset decides near them
        noon_day = (at + timedelta(hours=lon_deg / 15)).date()
        rise = _sun(lat_deg, lon_deg, SunEvent.SUNRISE, noon_day, None, lon_deg)
        set_ = _sun(lat_deg, lon_deg, SunEvent.SUNSET, noon_day, None, lon_deg)
        if rise is None or set_ is None:
            height_deg = elevation(Observer(lat_deg, lon_deg), at, with_refraction=False)
            return bool(height_deg > _RISEN_DEG)
        return rise <= at < set_


@lru_cache(maxsize=4096)
def _sun(
    lat_deg: float,
    lon_deg: float,
    event: SunEvent,
    day: date,
    zone: tzinfo | None,
    solar_lon_deg: float | None = None,
) -> datetime | None:
    """Returns the event on a day of a zone, or of the place's own solar time."""
    observer = Observer(lat_deg, lon_deg)
    for near in (day, day - timedelta(days=1), day + timedelta(days=1)):
        try:
            at = _EVENTS[event](observer, date=near, tzinfo=UTC)
        except ValueError:  # the sun stays up or down on that day
            continue
        if zone is not None:
            local = at.astimezone(zone).date()
        else:
            local = (at + timedelta(hours=(solar_lon_deg or 0.0) / 15)).date()
        if local == day:
            return at.replace(microsecond=0)
    return None


@lru_cache(maxsize=32)
def _calendar(country: str, subdivision: str) -> Any:
    known = holidays.list_supported_countries(include_aliases=True)
    code = country.strip().upper()
    if code not in known:
        raise ScheduleInvalid(
            f"no public holidays are known of {country!r:.40}",
            where="holidays.country",
            cure="give an ISO 3166 code such as KZ",
        )
    if subdivision and subdivision not in known[code]:
        listed = ", ".join(known[code][:8]) or "none"
        raise ScheduleInvalid(
            f"{code} has no region {subdivision!r:.40}",
            where="holidays.subdivision",
            cure=f"leave it out, or one of: {listed}",
        )
    # one language, whatever the machine speaks
    return holidays.country_holidays(code, subdiv=subdivision or None, language="en_US")
