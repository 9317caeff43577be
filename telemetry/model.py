"""What an asset said about itself, sample by sample."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.ids import AssetId
from geo.positions import Attitude, Position


class VehicleMode(StrEnum):
    """What the autopilot or driver does, in words that all vehicles share."""

    UNKNOWN = "unknown"
    STANDBY = "standby"
    TAKEOFF = "takeoff"
    MISSION = "mission"
    HOLD = "hold"
    RETURN = "return"
    LAND = "land"
    MANUAL = "manual"
    GUIDED = "guided"
    """It goes where it was told to, beside any mission."""


@dataclass(frozen=True, slots=True)
class TelemetrySample:
    """One asset at one instant. What it did not say is `None`, never a guess."""

    asset_id: AssetId
    at: datetime
    """By the vehicle's own clock where it gives one, aware UTC."""
    position: Position | None = None
    north_m_s: float | None = None
    east_m_s: float | None = None
    down_m_s: float | None = None
    attitude: Attitude | None = None
    """Of the vehicle's body."""
    camera: Attitude | None = None
    """Of the camera's optical axis, always in the earth frame (true north, horizon)."""
    horizontal_sigma_m: float | None = None
    vertical_sigma_m: float | None = None
    battery_fraction: float | None = None
    armed: bool | None = None
    mode: VehicleMode | None = None
    on_ground: bool | None = None


@dataclass(frozen=True, slots=True)
class AssetStatus:
    """The newest that is known of an asset, for the map."""

    sample: TelemetrySample
    heard_at: datetime
    """When the station last heard from it, by the station's clock."""
    status_text: str = ""
    """The autopilot's newest words."""
