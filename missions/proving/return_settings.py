"""What a vehicle is told besides its mission, so that its returns are those that were proven.

The proof counts on a return that climbs to the return height and goes straight to the nearest of
home and the plan's rally points (`flight_path`, `check_return`). PX4 does so
with the rally points uploaded and these parameters:

- `RTL_TYPE` 0: the closest of home and rally points, direct. 1 and 5 prefer rally points to home,
  2, 4 and 6 follow the mission, and 3 may choose a landing pattern, so with or without rally
  points no other value is left as it is.
- `RTL_CONE_ANG` at most 45 degrees: a wider cone returns lower than was proven.
- `RTL_RETURN_ALT`, where the plan sets it. PX4 counts it from the height of the place it returns
  to, the proof from home. So a rally point is sent at home's height, whatever its plan says of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from core.errors import PlanUnreadable
from geo.positions import Datum
from missions.model import Plan

RallySpot: TypeAlias = tuple[float, float, float]
"""Latitude, longitude and metres above home."""

_STRAIGHT_TO_THE_NEAREST = 0.0
_WIDEST_CONE_DEG = 45.0


@dataclass(frozen=True, slots=True)
class ReturnSetting:
    """A parameter of the autopilot on whose value the proof of returns counts."""

    name: str
    wanted: float
    """Written where the vehicle has none of the values that will do."""
    least: float
    most: float

    def allows(self, value: float) -> bool:
        """Returns whether a value will do; a parameter holds 32 bits."""
        slack = 1e-4 * max(1.0, abs(self.wanted))
        return self.least - slack <= value <= self.most + slack


def return_settings(plan: Plan | None) -> tuple[ReturnSetting, ...]:
    """Returns the parameters that the proof of a plan's returns counts on.

    A released plan has a return height (`missions.authorising`); one without leaves the vehicle's.
    `None` gives what counts for every plan.

    Raises:
        PlanUnreadable: if the return height counts from a datum that can't be joined with home's.
    """
    kind, cone = _STRAIGHT_TO_THE_NEAREST, _WIDEST_CONE_DEG
    settings = [
        ReturnSetting("RTL_TYPE", kind, kind, kind),
        ReturnSetting("RTL_CONE_ANG", cone, 0.0, cone),
    ]
    up_m = None if plan is None else return_up_m(plan)
    if up_m is not None:
        settings.append(ReturnSetting("RTL_RETURN_ALT", up_m, up_m, up_m))
    return tuple(settings)


def return_up_m(plan: Plan) -> float | None:
    """Returns the return height above home, `None` where the plan sets none.

    Raises:
        PlanUnreadable: if it counts from a datum that can't be joined with home's.
    """
    altitude, home = plan.return_altitude, plan.home.altitude
    if altitude is None:
        return None
    if altitude.datum is Datum.HOME:
        return altitude.metres
    if altitude.datum is home.datum:
        return altitude.metres - home.metres
    raise PlanUnreadable(
        f"the return height is above {altitude.datum}, which no autopilot holds",
        where=str(plan.mission.mission_id),
        cure="give it above home",
    )


def rally_spots(plan: Plan) -> Sequence[RallySpot]:
    """Returns a plan's rally points as they are sent: all at home's height."""
    return tuple((one.position.lat_deg, one.position.lon_deg, 0.0) for one in plan.rally)
