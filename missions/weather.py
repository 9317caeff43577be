"""What the air does at a place and an instant; whether that is good enough is for `gates`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from core.given_json import number

BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "wind_m_s": (0, 150),
    "wind_from_deg": (-720, 720),
    "gust_m_s": (0, 200),
    "temperature_c": (-90, 70),
    "dew_point_c": (-120, 70),
    "visibility_m": (0, 1e6),
    "ceiling_m": (0, 1e6),
    "precipitation_mm_h": (0, 1e4),
}
"""What the air can do at all, of each number of `Weather`."""


@dataclass(frozen=True, slots=True)
class Weather:
    """An observation or forecast. `None` means that it is not known, never that it is fine."""

    at: datetime
    """Instant that it is valid for."""
    wind_m_s: float | None = None
    """Mean speed at the height flown."""
    wind_from_deg: float | None = None
    """Where it comes from, clockwise from true north."""
    gust_m_s: float | None = None
    temperature_c: float | None = None
    dew_point_c: float | None = None
    visibility_m: float | None = None
    ceiling_m: float | None = None
    """Height of the lowest broken or overcast cloud above the ground."""
    precipitation_mm_h: float | None = None
    source: str = ""
    """Who says so."""


def weather_numbers(document: Mapping[str, Any]) -> dict[str, float]:
    """Returns the numbers of a document that `Weather` knows by these names.

    Raises:
        ValueError: if one is no number, or none that the air can have; the message names it.
    """
    found: dict[str, float] = {}
    for name, (least, most) in BOUNDS.items():
        value = document.get(name)
        if value is None:
            continue
        try:
            found[name] = number(value, least, most)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return found
