"""Whether a plan keeps within the ceiling, floor and circle that an ArduPilot has of its own."""

import math
from collections.abc import Mapping

from geo.local_frame import LocalFrame
from geo.positions import Datum
from missions.model import Plan
from missions.proving.return_settings import return_up_m

CEILING, FLOOR, CIRCLE = "FENCE_ALT_MAX", "FENCE_ALT_MIN", "FENCE_RADIUS"
"""Names of its parameters, in metres: above home, above home, and from home."""
_WITHIN_M = 1.0
"""How far within them a plan must stay: a vehicle's own height wanders by as much."""


def beyond_own_fence(plan: Plan, limits: Mapping[str, float]) -> str:
    """Returns the first limit that a plan does not keep, in words, or nothing.

    The floor is looked at between take-off and landing alone, where ArduPilot does so too. A
    place whose height counts from the ground can't be compared and is left to other checks.

    Args:
        plan: what is to be flown.
        limits: by the names above; one that is not in force is left out.
    """
    frame = LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
    flown = [item.position for item in plan.mission.items if item.position is not None]
    heights_m = []
    for position in flown:
        altitude = position.altitude
        if altitude.datum is Datum.HOME:
            heights_m.append(altitude.metres)
        elif altitude.datum is plan.home.altitude.datum:
            heights_m.append(altitude.metres - plan.home.altitude.metres)
    back_m = return_up_m(plan)
    highest_m = max([*heights_m, *([] if back_m is None else [back_m])], default=0.0)
    lowest_m = min(heights_m, default=math.inf)
    farthest_m = max(
        (math.hypot(*frame.to_en1_m(place.lat_deg, place.lon_deg)) for place in flown),
        default=0.0,
    )
    if CEILING in limits and highest_m > limits[CEILING] - _WITHIN_M:
        return f"it flies {highest_m:g} m above home, {CEILING} is {limits[CEILING]:g} m"
    if FLOOR in limits and lowest_m < limits[FLOOR] + _WITHIN_M:
        return f"it flies {lowest_m:g} m above home, {FLOOR} is {limits[FLOOR]:g} m"
    if CIRCLE in limits and farthest_m > limits[CIRCLE] - _WITHIN_M:
        return f"it goes {farthest_m:.0f} m from home, {CIRCLE} is {limits[CIRCLE]:g} m"
    return ""
