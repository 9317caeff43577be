"""Simulated rovers: a body on wheels, and what PX4 and ArduPilot do with one.

Seen on PX4 1.17 and ArduRover 4.7 in simulation: PX4 counts a rover that moves as flying, ends a
mission in hold mode, and disarms at home after a return; ArduRover stays armed at both ends, says
that it has reached its destination, and tells its height above sea level as that above home.
"""

import math
from typing import Any

from sim.ardupilot import ArduCopter
from sim.autopilot import INFO, MOVES, Autopilot
from sim.return_goal import Spot
from sim.vehicle_physics import QuadPhysics
from sim.vehicle_truth import turn_deg
from telemetry.model import VehicleMode

_ACCELERATION_M_S2, _BRAKE_M_S2 = 1.5, 2.0
_YAW_RATE_DEG_S = 60.0
_CREEP_M_S = 0.5
_STANDS_M_S = 0.15
_THERE_M = 0.3


class RoverPhysics(QuadPhysics):
    """A body on wheels that drives straight lines and turns as it drives."""

    def __init__(self, seed: int, yaw_offset_deg: float, gimbal_pitch_deg: float) -> None:
        """Puts it at home."""
        super().__init__(seed, yaw_offset_deg, gimbal_pitch_deg)
        self._halts = True

    @property
    def on_ground(self) -> bool:
        """Whether it stands: autopilots count a rover that moves as flying."""
        return math.hypot(self.v_east, self.v_north) < _STANDS_M_S

    def fly_to(
        self, east: float, north: float, up: float, speed: float, end_speed: float = 0.0
    ) -> None:
        """Starts a leg from here; a height means nothing."""
        super().fly_to(east, north, 0.0, speed, end_speed)
        self._halts = False

    def fly_straight(self, east: float, north: float, up: float, speed: float) -> None:
        """Heads for a place."""
        self.fly_to(east, north, 0.0, speed)

    def stay(self) -> None:
        """Brakes."""
        super().stay()
        self.wanted_up = 0.0
        self._halts = True

    def step(self, dt: float, powered: bool) -> None:
        """Moves it on by `dt` seconds."""
        speed = math.hypot(self.v_east, self.v_north)
        wanted = self._wanted_speed() if powered else 0.0
        change = max(-_BRAKE_M_S2 * dt, min(_ACCELERATION_M_S2 * dt, wanted - speed))
        speed = max(0.0, speed + change)
        if speed > 0.0 and not self._halts:
            limit = _YAW_RATE_DEG_S * dt
            self.yaw = (self.yaw + max(-limit, min(limit, self._error_deg()))) % 360.0
        self.v_east = speed * math.sin(math.radians(self.yaw))
        self.v_north = speed * math.cos(math.radians(self.yaw))
        self.east += self.v_east * dt
        self.north += self.v_north * dt
        self.up = self.v_up = self.pitch = self.roll = 0.0
        self._turn_camera(dt)

    def _error_deg(self) -> float:
        (bx, by) = self.leg[1]
        return turn_deg(self.yaw, math.degrees(math.atan2(bx - self.east, by - self.north)))

    def _wanted_speed(self) -> float:
        left = self.distance_m()
        if self._halts or left < _THERE_M:
            return 0.0
        room = max(0.0, left - _THERE_M)
        brake = math.sqrt(self.end_speed**2 + _BRAKE_M_S2 * room)
        ahead = max(0.0, math.cos(math.radians(self._error_deg())))
        return max(_CREEP_M_S, min(self.speed * ahead, brake))


class Px4Rover(Autopilot):
    """One simulated rover with PX4's ways."""

    body = RoverPhysics

    def _infeasible(self) -> bool:
        moves = [step for step in self.mission if step.command in MOVES]
        return not moves or not all(self._permitted(step) for step in moves)

    def _return(self) -> tuple[Spot, float]:
        return super()._return()[0], 0.0


class ArduRover(ArduCopter):
    """One simulated rover with ArduPilot's ways."""

    body = RoverPhysics
    tells_amsl = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.parameters |= {"FS_ACTION": 1, "WP_RADIUS": float(self.asset.acceptance_radius_m)}
        self._finished = False

    @property
    def _near_m(self) -> float:
        return float(self.parameters["WP_RADIUS"])

    def set_mode(self, mode: VehicleMode) -> bool:
        """Changes the mode; it knows no landing."""
        if mode is VehicleMode.LAND:
            return False
        return super().set_mode(mode)

    def begin(self) -> bool:
        """Drives its mission from its beginning."""
        if not self._begun:
            self._finished = False
        return super().begin()

    def _return(self) -> tuple[Spot, float]:
        return super()._return()[0], 0.0

    def _fly_home(self) -> None:
        before = self._leg_of
        super()._fly_home()
        if self._leg_of == -3 and before != -3:
            self.say(INFO, "Reached destination")

    def _fly_mission(self) -> None:
        if self._finished:
            return
        super()._fly_mission()
        if self.mode is VehicleMode.HOLD:  # it stands at its last place, armed and in AUTO
            self.mode, self._finished = VehicleMode.MISSION, True

    def _land(self) -> None:
        """Stays armed wherever it stands."""
