"""What is always so with a simulated vehicle, by whose autopilot it has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from pymavlink.dialects.v20 import common as m

from sim.ardupilot import ArduCopter, ArduTransfers
from sim.autopilot import Autopilot
from sim.mavlink_transfer import Transfers
from sim.rover import ArduRover, Px4Rover
from telemetry.model import VehicleMode

_TEMPORARILY_REJECTED, _FAILED = 1, 4


@dataclass(frozen=True, slots=True)
class Profile:
    """The ways of one autopilot on one kind of vehicle, over the wire."""

    name: str
    mav_type: int
    mav_autopilot: int
    modes: Mapping[VehicleMode, int]
    """The custom mode number of each mode that it knows."""
    autopilot: Callable[..., Autopilot]
    transfers: Callable[..., Transfers]
    idle_parameter: str
    """Names the seconds after which it disarms itself where it has not taken off."""
    position_after_s: float
    """Simulated seconds until it knows where it is."""
    home_items: int = 0
    """How many items stand before a mission's own."""
    reached_repeats: bool = True
    """Whether it reports a reached step each second until the next."""
    bytes_of_whole_parameters: bool = True
    """Whether it sends the bytes of an integer as if they were a float."""
    tells_filter: bool = False
    """Whether it speaks of its position filter (EKF_STATUS_REPORT)."""
    refusal: int = _TEMPORARILY_REJECTED
    """MAV_RESULT of what it does not do now."""

    def custom_mode(self, first: float, second: float) -> int:
        """Returns the mode number that two parameters of DO_SET_MODE mean."""
        if self.mav_autopilot == m.MAV_AUTOPILOT_PX4:
            return int(first) << 16 | int(second) << 24
        return int(first)

    def mode_of(self, number: int) -> VehicleMode | None:
        """Returns the mode of a number, or `None`."""
        return next((mode for mode, own in self.modes.items() if own == number), None)


def _px4(main: int, sub: int) -> int:
    return main << 16 | sub << 24


PX4_QUAD = Profile(
    "px4_quad",
    m.MAV_TYPE_QUADROTOR,
    m.MAV_AUTOPILOT_PX4,
    MappingProxyType(
        {
            VehicleMode.MANUAL: _px4(3, 0),
            VehicleMode.GUIDED: _px4(3, 1),
            VehicleMode.TAKEOFF: _px4(4, 2),
            VehicleMode.HOLD: _px4(4, 3),
            VehicleMode.MISSION: _px4(4, 4),
            VehicleMode.RETURN: _px4(4, 5),
            VehicleMode.LAND: _px4(4, 6),
        }
    ),
    Autopilot,
    Transfers,
    idle_parameter="COM_DISARM_PRFLT",
    position_after_s=5.0,
)
"""PX4 1.17's multicopter."""

ARDU_COPTER = Profile(
    "ardu_copter",
    m.MAV_TYPE_QUADROTOR,
    m.MAV_AUTOPILOT_ARDUPILOTMEGA,
    MappingProxyType(
        {
            VehicleMode.MANUAL: 0,
            VehicleMode.MISSION: 3,
            VehicleMode.GUIDED: 4,
            VehicleMode.RETURN: 6,
            VehicleMode.LAND: 9,
            VehicleMode.HOLD: 17,
        }
    ),
    ArduCopter,
    ArduTransfers,
    idle_parameter="DISARM_DELAY",
    position_after_s=41.0,
    home_items=1,
    reached_repeats=False,
    bytes_of_whole_parameters=False,
    tells_filter=True,
    refusal=_FAILED,
)
"""ArduCopter 4.7's multicopter."""

PX4_ROVER = replace(
    PX4_QUAD, name="px4_rover", mav_type=m.MAV_TYPE_GROUND_ROVER, autopilot=Px4Rover
)
"""PX4 1.17's rover (Ackermann)."""

ARDU_ROVER = replace(
    ARDU_COPTER,
    name="ardu_rover",
    mav_type=m.MAV_TYPE_GROUND_ROVER,
    modes=MappingProxyType(
        {
            VehicleMode.MANUAL: 0,
            VehicleMode.HOLD: 4,
            VehicleMode.MISSION: 10,
            VehicleMode.RETURN: 11,
            VehicleMode.GUIDED: 15,
        }
    ),
    autopilot=ArduRover,
)
"""ArduRover 4.7's rover."""

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {one.name: one for one in (PX4_QUAD, PX4_ROVER, ARDU_COPTER, ARDU_ROVER)}
)
"""Every profile by its name."""
