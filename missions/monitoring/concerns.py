"""What may be wrong with a flight that is under way, as values with stable codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from types import MappingProxyType


class ConcernCode(StrEnum):
    """The stable names of what the monitor looks for."""

    ZONE_BREACH = "zone_breach"
    ZONE_AHEAD = "zone_ahead"
    ZONE_BEGINS = "zone_begins"
    ZONE_APPEARED = "zone_appeared"
    OFF_ROUTE = "off_route"
    ENERGY_LOW = "energy_low"
    LINK_STALE = "link_stale"
    WEATHER_OUT = "weather_out"
    WEATHER_UNKNOWN = "weather_unknown"
    PERMISSION_ENDING = "permission_ending"
    PERMISSION_ENDED = "permission_ended"
    POSITION_UNCERTAIN = "position_uncertain"
    MODE_UNEXPECTED = "mode_unexpected"
    MANUAL_CONTROL = "manual_control"


CONCERN_CODES: Mapping[ConcernCode, str] = MappingProxyType(
    {
        ConcernCode.ZONE_BREACH: "It is in an exclusion, outside the inclusions, or above one's"
        " ceiling, at an instant when that holds.",
        ConcernCode.ZONE_AHEAD: "As it flies now it will be in such a place soon.",
        ConcernCode.ZONE_BEGINS: "The hours of an exclusion that it is in begin soon.",
        ConcernCode.ZONE_APPEARED: "A zone that its plan was not proven against has come into force"
        " over it, its way ahead or its home.",
        ConcernCode.OFF_ROUTE: "It is farther beside its proven way than the margin allows.",
        ConcernCode.ENERGY_LOW: "The battery holds less than a return from here and the reserve.",
        ConcernCode.LINK_STALE: "Nothing has been heard of it for a while.",
        ConcernCode.WEATHER_OUT: "The air is beyond the limits of the asset.",
        ConcernCode.WEATHER_UNKNOWN: "There are no weather data of now.",
        ConcernCode.PERMISSION_ENDING: "The way home takes longer than the permission still holds.",
        ConcernCode.PERMISSION_ENDED: "The permission it is flown under holds no longer.",
        ConcernCode.POSITION_UNCERTAIN: "Its position is too uncertain, or has jumped.",
        ConcernCode.MODE_UNEXPECTED: "It does something else than it was ordered to.",
        ConcernCode.MANUAL_CONTROL: "A pilot flies it by hand; the station orders nothing.",
    }
)


class Gravity(IntEnum):
    """How much a concern weighs."""

    WARN = 1
    """People are told; it may be no more than the error of the position."""
    ACT = 2
    """It is so beyond every doubt that is known of: something is ordered."""
    LAST = 3
    """What it has is used up: nothing but a landing is left."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that is wrong with one flight at one instant."""

    code: ConcernCode
    gravity: Gravity
    message: str
    at: datetime
    about: str = ""
    """The zone or permission that it is about."""
    place: tuple[float, float] | None = None
    """Latitude and longitude of the aircraft."""
    measured: float | None = None
    limit: float | None = None
    unit: str = ""

    @property
    def key(self) -> tuple[ConcernCode, str]:
        """What makes two concerns the same one at two instants."""
        return self.code, self.about
