"""What a plan is held against besides its own fence: when, by whose leave, in which air."""

from dataclasses import dataclass
from datetime import datetime

from geo.zones import Zone
from missions.model import Plan
from missions.permissions import Permission
from missions.weather import Weather


@dataclass(frozen=True, slots=True)
class OwnFlight:
    """Another sortie of ours, planned or under way."""

    plan: Plan
    departs_at: datetime
    untimed: bool = False
    """It was held, is late, or hasn't started yet: when it will be where is not known, so that it
    keeps every place of its way from its time on until it has landed."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Everything that the check of a plan may know. What is not known is a warning."""

    departs_at: datetime | None = None
    """`None`: not known, so zones with time windows count as in force always."""
    permissions: tuple[Permission, ...] | None = None
    """Permissions on hand; `None` means nobody said, an empty tuple that there is none."""
    weather: Weather | None = None
    others: tuple[OwnFlight, ...] = ()
    margin_m: float = 0.0
    """Kept from every border beyond the acceptance radius."""
    zones: tuple[Zone, ...] = ()
    """Flight zones given beside the plan's own fence. What permits there does not widen the fence,
    nor the fence what is given: both hold, and every exclusion of both."""
