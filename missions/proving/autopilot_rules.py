"""What PX4 and ArduPilot would refuse, by the names that they give it.

PX4's names are those of its events (`FeasibilityChecker.cpp`, `mission_feasibility_checker.cpp`,
`geofence.cpp` of 2026); ArduPilot has texts alone. A finding without a name here is one that the
autopilot would accept and fly.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from missions.model import Autopilot, Finding, ItemKind, Plan, Severity

EVENTS: Mapping[Autopilot, Mapping[str, str]] = MappingProxyType(
    {
        Autopilot.PX4: MappingProxyType(
            {
                "takeoff_missing": "navigator_mis_takeoff_missing",
                "takeoff_not_first": "navigator_mis_takeoff_not_first",
                "takeoff_twice": "navigator_mis_takeoff_not_first",
                "takeoff_too_low": "navigator_mis_takeoff_too_low",
                "starts_with_landing": "navigator_mis_starts_w_landing",
                "waypoint_outside": "navigator_mis_geofence_violation",
                "waypoint_excluded": "navigator_mis_geofence_violation",
                "leg_outside": "navigator_mis_geofence_path_violation",
                "leg_excluded": "navigator_mis_geofence_path_violation",
                "home_outside": "navigator_geofence_invalid_against_home",
                "home_excluded": "navigator_geofence_invalid_against_home",
                "first_step_far": "navigator_mis_first_wp_too_far",
                "below_home": "navigator_mis_wp_below_home",
                "mission_too_long": "MAV_MISSION_NO_SPACE",
                "item_unsupported": "MAV_MISSION_UNSUPPORTED",
            }
        ),
        Autopilot.ARDUPILOT: MappingProxyType(
            {
                "takeoff_missing": "Auto: Missing Takeoff Cmd",
                "takeoff_not_first": "Auto: Missing Takeoff Cmd",
                "home_outside": "PreArm: vehicle outside fence",
                "home_excluded": "PreArm: vehicle outside fence",
                "mission_too_long": "MAV_MISSION_NO_SPACE",
            }
        ),
    }
)
"""Code of a finding, and what the autopilot says of the same fault."""

ITEMS_MOST: Mapping[Autopilot, int] = MappingProxyType(
    {Autopilot.PX4: 500, Autopilot.ARDUPILOT: 600}
)
"""Steps that an autopilot is sure to have room for, without a memory card."""


def check_autopilot(plan: Plan, autopilot: Autopilot) -> Iterator[Finding]:
    """Yields what only the autopilot minds."""
    items = plan.mission.items
    if items and items[0].kind is ItemKind.LAND:
        message = "the mission starts with a landing"
        yield Finding(Severity.ERROR, "starts_with_landing", message, item=0)
    for number, item in enumerate(items):
        if autopilot is Autopilot.PX4 and item.kind is ItemKind.LOITER and item.loiter_turns:
            message = f"step {number} counts rounds (NAV_LOITER_TURNS), which PX4's copters refuse"
            cure = "fly the circle as waypoints, or hold there for a time"
            yield Finding(Severity.ERROR, "item_unsupported", message, item=number, cure=cure)
    settings = sum(
        (item.speed_m_s is not None) + (item.camera_pitch_deg is not None) for item in items
    )
    most = ITEMS_MOST[autopilot]
    if len(items) + settings > most:
        message = (
            f"{len(items) + settings} steps with their settings; a small autopilot keeps {most}"
        )
        cure = "split the patrol into several sorties where the vehicle refuses it"
        yield Finding(Severity.WARNING, "mission_too_long", message, cure=cure)
