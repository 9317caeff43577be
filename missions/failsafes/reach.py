"""How far a plan leads from its home."""

import math

from geo.local_frame import LocalFrame
from geo.positions import Datum
from missions.model import Plan
from missions.proving.return_settings import return_up_m


def reach_m(plan: Plan) -> tuple[float, float]:
    """Returns how far from home and how high above it a plan and its return lead, in metres.

    A height from a datum that can't be joined with home's is left out; the proof has refused it.

    Raises:
        PlanUnreadable: if the return height counts from such a datum.
    """
    frame = LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
    away_m, up_m = 0.0, return_up_m(plan) or 0.0
    for item in plan.mission.items:
        if item.position is None:
            continue
        place = frame.to_en1_m(item.position.lat_deg, item.position.lon_deg)
        away_m = max(away_m, math.hypot(*place) + abs(item.loiter_radius_m or 0.0))
        altitude = item.position.altitude
        if altitude.datum is Datum.HOME:
            up_m = max(up_m, altitude.metres)
        elif altitude.datum is plan.home.altitude.datum:
            up_m = max(up_m, altitude.metres - plan.home.altitude.metres)
    for rally in plan.rally:
        place = frame.to_en1_m(rally.position.lat_deg, rally.position.lon_deg)
        away_m = max(away_m, math.hypot(*place))
    return away_m, up_m
