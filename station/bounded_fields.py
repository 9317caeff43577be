"""Fields of documents that people write, each with bounds beyond which nothing flies or drives.

Within them distances, times and their quotients stay what a float and the calendar can hold; a
value beyond them is a slip of the pen, and is refused with its place.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from core.given_json import number
from core.instants import near
from missions.energy import EnergyModel

LONGEST_S = 3_660 * 86_400.0
"""Ten years: nothing is planned, stayed at or repeated for longer."""
_MOST = 1e9
_LEAST = 1e-6

Number = Annotated[float, Field(ge=-_MOST, le=_MOST)]
Positive = Annotated[float, Field(ge=_LEAST, le=_MOST)]
NotNegative = Annotated[float, Field(ge=0, le=_MOST)]
Speed = Annotated[float, Field(ge=0.01, le=1_000)]
"""m/s; slower than that nothing arrives."""
Seconds = Annotated[float, Field(ge=0, le=LONGEST_S)]
PositiveSeconds = Annotated[float, Field(ge=0.001, le=LONGEST_S)]
Hours = Annotated[float, Field(ge=0.001, le=LONGEST_S / 3_600)]
Width = Annotated[float, Field(ge=0.01, le=1e6)]
"""m; of what is seen at once."""
Rank = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
"""How much something matters beside others."""
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


def _instant(value: object) -> object:
    """Takes an ISO 8601 instant; one without an offset is UTC."""
    at = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
    if not isinstance(at, datetime):
        raise ValueError("it is no time such as 2026-05-09T08:00+05:00")
    try:
        return near(at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC), "it")
    except OverflowError:
        raise ValueError("it is beyond the calendar") from None


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""UTC, from 1970 to 2999."""


def _energy(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    for name, part in value.items():
        if name not in EnergyModel.__dataclass_fields__ or name == "usable_at_c":
            raise ValueError(f"energy.{name} is not known")
        try:
            number(part, _ENERGY_LEAST.get(name, 0.0), 1.0 if name.endswith("fraction") else 1e6)
        except ValueError as error:
            raise ValueError(f"energy.{name}: {error}") from None
    return value


_ENERGY_LEAST = {"capacity_wh": 0.001, "hover_w": 0.001, "greatest_air_speed_m_s": 0.01}
Energy = Annotated[dict[str, Any], BeforeValidator(_energy)]
"""Numbers of an `EnergyModel` by name."""
