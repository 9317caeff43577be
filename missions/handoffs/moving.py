"""Whether a vehicle is on its way, and whether it is there, by what it says itself."""

import math

from geo.local_frame import distance_m
from missions.handoffs.model import Handoff
from missions.model import Asset, AssetKind
from telemetry.model import TelemetrySample

_MOVES_M_S, _CLIMBS_M_S = 0.5, 0.3
_THERE_M = {AssetKind.DRONE: 15.0, AssetKind.VEHICLE: 40.0}
"""Beyond the acceptance radius: drones hold over a place, cars stop where they can."""


def is_moving(sample: TelemetrySample) -> bool:
    """Returns whether a vehicle moves over the ground, climbs or sinks."""
    over_ground = math.hypot(sample.north_m_s or 0.0, sample.east_m_s or 0.0)
    return over_ground >= _MOVES_M_S or abs(sample.down_m_s or 0.0) >= _CLIMBS_M_S


def is_there(handoff: Handoff, asset: Asset, sample: TelemetrySample) -> bool:
    """Returns whether a vehicle is where it was to go, which may be beside the place."""
    offer, position, point = handoff.offer, sample.position, handoff.occasion.point
    if offer is None or position is None:
        return False
    goal = offer.goal or (point.lat_deg, point.lon_deg)
    away_m = distance_m(position.lat_deg, position.lon_deg, *goal)
    return away_m <= asset.acceptance_radius_m + _THERE_M[asset.kind]
