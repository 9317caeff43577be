"""Weather from a JSON file that a station's own feed keeps writing."""

import asyncio
import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from core.given_json import read_json_text
from missions.scheduling.gates import FORECAST_MOST_S
from missions.weather import Weather, weather_numbers

log = logging.getLogger(__name__)


class WeatherFile:
    """A `WeatherSource` that reads one observation, or a list of them, anew each time.

    Each is an object with `at` (ISO 8601 with an offset) and the names of `Weather`. A file that
    is missing, broken or being written gives `None`, so that gates stay closed.
    """

    def __init__(self, file: Path) -> None:
        """Takes the file; it may come later."""
        self._file = file

    async def weather_at(self, lat_deg: float, lon_deg: float, at: datetime) -> Weather | None:
        """Returns the newest that is valid for an instant; the file holds for the whole city."""
        try:
            known = await asyncio.to_thread(self._read)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("no weather data", extra={"file": str(self._file), "reason": str(error)})
            return None
        latest = at + timedelta(seconds=FORECAST_MOST_S)
        return max((one for one in known if one.at <= latest), key=lambda w: w.at, default=None)

    def _read(self) -> list[Weather]:
        document = read_json_text(self._file.read_text(encoding="utf-8-sig"))
        return [_weather(row) for row in (document if isinstance(document, list) else [document])]


def _weather(row: dict[str, Any]) -> Weather:
    at = datetime.fromisoformat(row["at"])
    if at.tzinfo is None:
        raise ValueError("a time without its offset")
    return Weather(at, **weather_numbers(row), source=str(row.get("source", "")))
