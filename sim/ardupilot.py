"""The ways of ArduCopter over the simulated autopilot, as 4.7 was seen to behave in simulation.

Where a line was not seen but read in ArduPilot's source, it says so.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pymavlink.dialects.v20 import common as m

from missions.formats.plan_file import SimpleItem
from missions.formats.plan_items import LOITER_TURNS
from missions.model import Autopilot as Kind
from sim.autopilot import CRITICAL, INFO, MOVES, NOT_AVAILABLE, SUPPORTED, WARNING, Autopilot, Ring
from sim.factory_settings import copter_settings
from sim.failures import FailureKind
from sim.mavlink_transfer import FENCE, MISSION, RALLY, Params, Transfers, simple_item
from sim.return_goal import HOME, Spot
from telemetry.model import VehicleMode

_GYROS_AFTER_S = 3.0
_LOWEST_RETURN_M = 0.3
_FLATTEST_CONE = 0.5
_CIRCLE_FENCE_BIT, _POLYGON_FENCE_BIT = 2, 4
_NONE_SELECTED = "Fences enabled, but none selected"
_WAYPOINT, _LOITER_TIME = 16, 19
_LOCATED = {16, 18, 19, 21, 22, 195}
_MAY_BE_MANUAL = {VehicleMode.MANUAL, VehicleMode.LAND}


class ArduCopter(Autopilot):
    """One simulated multicopter with ArduPilot's ways."""

    kind = Kind.ARDUPILOT

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.mode = VehicleMode.MANUAL
        self.parameters = copter_settings(self.asset)
        self._begun = False
        self._returns_in_mission = False

    @property
    def shown_mode(self) -> VehicleMode:
        """The mode that its heartbeat tells; a mission's own return stays AUTO (from reading)."""
        return VehicleMode.MISSION if self._returns_in_mission else self.mode

    @property
    def shown_step(self) -> int:
        """The number of the step that it is at, home being 0; 0 before it has begun."""
        return min(self.current, max(0, len(self.mission) - 1)) + 1 if self._begun else 0

    @property
    def _idle_armed_s(self) -> float:
        return float(self.parameters["DISARM_DELAY"])

    @property
    def _low_battery_mode(self) -> VehicleMode | None:
        actions = {1: VehicleMode.LAND, 2: VehicleMode.RETURN}
        return actions.get(int(self.parameters["BATT_FS_LOW_ACT"]))

    @property
    def _near_m(self) -> float:
        return float(self.parameters["WPNAV_RADIUS"]) / 100.0

    # --- commands ---

    def arm(self) -> bool:
        """Starts the motors; in STABILIZE also before it has a position."""
        if self.armed:
            return True
        words = self._denial()
        if words:
            self.say(CRITICAL, f"Arm: {words}")
            return False
        known, self.position_after_s = self.position_after_s, 0.0
        armed = super().arm()
        self.position_after_s = known
        if armed:
            self.say(INFO, "Arming motors")
        return armed

    def _denial(self) -> str:
        if self.boot_s < min(_GYROS_AFTER_S, self.position_after_s):
            return "Gyros inconsistent"
        if self.mode is VehicleMode.MISSION:
            return "Auto mode not armable"  # from reading
        if self.mode is not VehicleMode.MANUAL and not self.position_known:
            return "Need Position Estimate"
        return self._fence_fault()

    def _fence_fault(self) -> str:
        if not self.parameters["FENCE_ENABLE"]:
            return ""
        polygons = int(self.parameters["FENCE_TYPE"]) & _POLYGON_FENCE_BIT
        if polygons and self._fence and self.position_known:
            inside = self._inside(self.physics.east, self.physics.north)
            return "" if inside else "Vehicle breaching Polygon fence"
        kinds = int(self.parameters["FENCE_TYPE"])
        return "" if self._fence or kinds & ~_POLYGON_FENCE_BIT else _NONE_SELECTED

    def check_before_arming(self) -> None:
        """Says what would keep it from arming."""
        words = self._denial()
        if words and not self.armed:
            self.say(CRITICAL, f"PreArm: {words}")

    def disarm(self) -> bool:
        """Stops the motors; refused in flight."""
        if self.armed and not self.physics.on_ground:
            return False
        self._stop_motors("Disarming motors")
        return True

    def set_mode(self, mode: VehicleMode) -> bool:
        """Changes the mode where a position allows it."""
        if mode not in _MAY_BE_MANUAL and not self.position_known:
            self.say(WARNING, f"Mode change to {mode} failed: requires position")
            return False
        if mode is VehicleMode.MISSION:
            if self.failures.strike(FailureKind.START_REFUSED_SILENTLY):
                return True
            if self.failures.strike(FailureKind.MODE_ACK_LIES):
                self.say(CRITICAL, NOT_AVAILABLE)
                return True
            if self.mode is not VehicleMode.MISSION:
                self._leg_of = -1
        self._returns_in_mission = False
        self._enter(mode)
        return True

    def begin(self) -> bool:
        """Takes off in AUTO, as MISSION_START makes it; without it, it stands there."""
        if not self.armed or not self.mission or not self.set_mode(VehicleMode.MISSION):
            return False
        if not self._begun:
            self._begun, self.current, self.reached, self._leg_of = True, 0, None, -1
        return True

    def set_fence(self, rings: Sequence[tuple[bool, Ring]]) -> None:
        """Takes a new fence; whether it holds home is a matter of arming."""
        self._take_fence(rings)
        self.fence_in_force = bool(self.parameters["FENCE_ENABLE"])

    def _judge_mission(self) -> None:
        """Says nothing of waypoints beyond the fence (from reading)."""

    # --- rules ---

    def _stop_motors(self, text: str) -> None:
        if self.armed:
            self.armed = False
            self.say(INFO, "Disarming motors" if text.startswith("Disarmed") else text)
            self._begun = self._returns_in_mission = False
            self.current = 0

    def _return(self) -> tuple[Spot, float]:
        here, held = (self.physics.east, self.physics.north), self.parameters
        limit_m = 1000.0 * float(held["RALLY_LIMIT_KM"])
        near = min(self._spots, key=lambda spot: math.dist(here, spot[:2]), default=None)
        goal = HOME
        if near is not None and not 0 < limit_m < math.dist(here, near[:2]):
            nearer = math.dist(here, near[:2]) < math.dist(here, HOME[:2])
            goal = near if nearer or not held["RALLY_INCL_HOME"] else HOME
        floor = max(_LOWEST_RETURN_M, self.physics.up + max(0.0, held["RTL_CLIMB_MIN"] / 100.0))
        up = max(floor, goal[2], held["RTL_ALT"] / 100.0)
        slope = float(held["RTL_CONE_SLOPE"])
        if slope >= _FLATTEST_CONE:
            up = min(up, max(floor, math.dist(here, goal[:2]) * slope))
        return goal, up

    def _leave_fence(self) -> None:
        if self.parameters["FENCE_ACTION"]:
            self.say(CRITICAL, "Polygon fence breached")  # from reading, with what follows
            self._enter(VehicleMode.RETURN)

    def step(self) -> None:
        """Moves everything on by one step."""
        self.fence_in_force = bool(self.parameters["FENCE_ENABLE"])
        super().step()

    def _fly_mission(self) -> None:
        if not self._begun:
            return
        super()._fly_mission()
        self._returns_in_mission = self.mode is VehicleMode.RETURN


class ArduTransfers(Transfers):
    """Uploads and downloads with ArduPilot's ways: home is item 0, and nothing is atomic."""

    announces = False
    home_items = 1

    def _objection(self, message: m.MAVLink_mission_item_int_message) -> int:
        if self._kind != MISSION:
            return 0
        code = 0
        if message.command not in SUPPORTED | {LOITER_TURNS}:
            code = m.MAV_MISSION_UNSUPPORTED
        elif message.command == _LOITER_TIME and math.isnan(message.param4):
            code = m.MAV_MISSION_INVALID_PARAM4
        if code:  # what came before it stays
            self._keep(MISSION, list(self._coming or []))
        return int(code)

    def _steps(self, items: list[m.MAVLink_mission_item_int_message]) -> list[SimpleItem]:
        steps = [simple_item(item) for item in items[1:] if item.command in MOVES | SUPPORTED]
        return [_hovering(step) if step.command == _LOITER_TIME else step for step in steps]

    def _held(self, item: m.MAVLink_mission_item_int_message) -> tuple[int, Params, float]:
        params = [0.0 if math.isnan(p) else p for p in (item.param1, item.param2, item.param3)]
        z_m, frame = item.z, {5: 0, 6: 3, 11: 10}.get(item.frame, item.frame)
        if item.mission_type == RALLY:
            return frame, (0.0, 0.0, 0.0, 0.0), float(math.trunc(z_m))
        if item.mission_type == FENCE:
            return 0, (params[0], 0.0, 0.0, 0.0), 0.0
        if item.seq == 0:
            return 0, (0.0, 0.0, 0.0, 0.0), self._pilot.asset.home.altitude.metres
        if item.command not in _LOCATED:
            return 0, (*params, 0.0), z_m  # type: ignore[return-value]
        if item.command == _WAYPOINT:
            params = [float(math.trunc(params[0])), 0.0, 0.0]
        elif item.command == _LOITER_TIME:  # of its circle it keeps the way round alone
            params = [float(math.trunc(params[0])), 0.0, -1.0 if params[2] < 0 else 1.0]
        return frame, (*params, 0.0), math.trunc(z_m * 100) / 100  # type: ignore[return-value]


def _hovering(step: SimpleItem) -> SimpleItem:
    """Returns a timed loiter as a copter flies it, which is on the spot."""
    hold_s, near_m, _, yaw_deg = step.params
    return replace(step, params=(hold_s, near_m, 0.0, yaw_deg))
