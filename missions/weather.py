"""What the air does at a place and an instant; whether that is good enough is for `gates`."""

from dataclasses import dataclass
from datetime import datetime


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
