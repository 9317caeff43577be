"""The parameters of ArduPilot on which the proof of a plan's returns counts.

The proof counts on a return that climbs to the return height and goes straight to the nearest of
home and the rally points (see `return_settings` for PX4's). ArduCopter does so, seen in simulation
or read in its source (`mode_rtl.cpp`, `AP_Rally.cpp`), with

- `RTL_ALT` (centimetres; `RTL_ALT_M` in metres where that is its name) as the plan has it; it
  counts from home, and a rally point's own height, sent as home's, never raises it;
- `RTL_CLIMB_MIN` 0: else it climbs above what was proven;
- `RTL_CONE_SLOPE` of at least 1 in 1: a flatter cone returns lower than was proven;
- `RTL_ALT_FINAL` 0: it comes down; `RTL_ALT_TYPE` 0: heights count from home, not from the ground;
- `RALLY_INCL_HOME` 1 and `RALLY_LIMIT_KM` 0: home is one of the places, and none is too far;
- `OA_TYPE` 0: no way around obstacles, which would not be straight.

How fast it returns is `RTL_SPEED`'s, not the mission's; after a return ordered at 5 and 10 m/s
ArduCopter ran on 6.4 m and 21.1 m along its leg, within `missions.momentum.run_on_m`.
"""

from missions.model import Plan
from missions.proving.return_settings import ReturnSetting, return_up_m

_FLATTEST_SLOPE, _USUAL_SLOPE, _STEEPEST_SLOPE = 1.0, 3.0, 10.0


def copter_return_settings(plan: Plan | None, *, metres: bool) -> tuple[ReturnSetting, ...]:
    """Returns the parameters that the proof of a plan's returns counts on.

    A released plan has a return height (`missions.authorising`); one without leaves the vehicle's.

    Args:
        plan: what is to be flown; `None` gives what counts for every plan.
        metres: whether this ArduCopter has `RTL_ALT_M` and its like instead of `RTL_ALT`.

    Raises:
        PlanUnreadable: if the return height counts from a datum that can't be joined with home's.
    """
    suffix, unit = ("_M", 1.0) if metres else ("", 100.0)
    settings = [
        ReturnSetting(f"RTL_CLIMB_MIN{suffix}", 0.0, 0.0, 0.0),
        ReturnSetting("RTL_CONE_SLOPE", _USUAL_SLOPE, _FLATTEST_SLOPE, _STEEPEST_SLOPE),
        ReturnSetting(f"RTL_ALT_FINAL{suffix}", 0.0, 0.0, 0.0),
        ReturnSetting("RTL_ALT_TYPE", 0.0, 0.0, 0.0),
        ReturnSetting("RALLY_INCL_HOME", 1.0, 1.0, 1.0),
        ReturnSetting("RALLY_LIMIT_KM", 0.0, 0.0, 0.0),
        ReturnSetting("OA_TYPE", 0.0, 0.0, 0.0),
    ]
    up_m = None if plan is None else return_up_m(plan)
    if up_m is not None:
        height = round(up_m * unit) if not metres else up_m
        settings.insert(0, ReturnSetting(f"RTL_ALT{suffix}", height, height, height))
    return tuple(settings)
