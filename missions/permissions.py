"""Airspace permissions and temporary bans: who may fly where, how high and when.

Every sortie of a drone names a permission. `missions.proving` holds the whole path against it,
the return included.
"""

from dataclasses import dataclass
from datetime import datetime

from core.errors import ZoneInvalid
from core.ids import AssetId
from geo.positions import Altitude
from geo.zones import Area


@dataclass(frozen=True, slots=True)
class Permission:
    """Leave to use airspace, as the authority gave it."""

    number: str
    """As the issuer numbers it."""
    issuer: str
    area: Area
    """Longitude and latitude."""
    valid_from: datetime
    valid_until: datetime
    floor: Altitude | None = None
    ceiling: Altitude | None = None
    asset_ids: tuple[AssetId, ...] = ()
    """For which assets; empty means any of ours."""
    note: str = ""
    revoked_at: datetime | None = None
    """Since when it does not hold any more, whatever `valid_until` says."""

    def __post_init__(self) -> None:
        """Refuses a permission that makes no sense.

        Raises:
            ZoneInvalid: if it has no number, no area, or ends before it begins.
        """
        where = f"permission {self.number}"
        if not self.number.strip():
            raise ZoneInvalid("a permission has no number", cure="give the issuer's number")
        if self.area.is_empty or not self.area.is_valid:
            raise ZoneInvalid(
                "its area is empty or crosses itself",
                where=where,
                cure="draw at least three corners, and no two edges that cross",
            )
        if self.valid_until <= self.valid_from:
            raise ZoneInvalid(
                "it ends before it begins", where=where, cure="put valid_until after valid_from"
            )

    @property
    def ends_at(self) -> datetime:
        """Instant from which it does not hold any more."""
        revoked = self.revoked_at
        return self.valid_until if revoked is None else min(self.valid_until, revoked)

    def holds(self, start: datetime, end: datetime) -> bool:
        """Returns whether it holds at every instant from `start` to `end`."""
        return self.valid_from <= start and end <= self.ends_at
