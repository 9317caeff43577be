"""A simulated autopilot: the always-on behaviour of PX4 over simple physics, without a wire.

`sim.mavlink_vehicle` puts it behind MAVLink, `sim.pilot` behind the `Pilot` port. It is not
safe in several threads; its owner is.
"""

import math
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from shapely import Point, Polygon

from geo.local_frame import LocalFrame
from missions.formats.plan_file import (
    CHANGE_SPEED,
    FRAME_AMSL,
    FRAME_MISSION,
    MOUNT_CONTROL,
    SimpleItem,
)
from missions.formats.plan_items import ROI_LOCATION, ROI_NONE, TRIGGER_DISTANCE
from missions.model import Asset
from missions.model import Autopilot as Kind
from missions.proving.return_settings import RallySpot
from sim.factory_settings import px4_settings
from sim.failures import FailureKind, Failures
from sim.guided_flight import GuidedFlight, steer_round
from sim.return_goal import HOME, Spot, return_goal
from sim.sensor_errors import SensorErrors, SensorProfile
from sim.vehicle_physics import QuadPhysics
from sim.vehicle_truth import TruthHistory
from telemetry.model import VehicleMode

STEP_S = 0.05
"""Simulated time of one step."""
_POSITION_AFTER_S = 5.0
_DISARM_LANDED_S = 2.0
_LOW_BATTERY = 0.15
_WAYPOINT, _LOITER_TIME, _RETURN, _LAND, _TAKEOFF, _GIMBAL_PITCH = 16, 19, 20, 21, 22, 1000
MOVES = {_WAYPOINT, _LOITER_TIME, _RETURN, _LAND, _TAKEOFF}
SETTINGS = {
    CHANGE_SPEED, MOUNT_CONTROL, _GIMBAL_PITCH, ROI_LOCATION, ROI_NONE, TRIGGER_DISTANCE,
}  # fmt: skip
SUPPORTED = MOVES | SETTINGS
INFO, WARNING, CRITICAL = 6, 4, 2
"""MAV_SEVERITY numbers of the texts."""
_STAYS = frozenset({VehicleMode.HOLD, VehicleMode.GUIDED, VehicleMode.MANUAL})
"""Modes that begin where it will have braked: for a goal of their own, or the sticks let go."""
NOT_AVAILABLE = "Switching to Mission is currently not available"

Ring = tuple[tuple[float, float], ...]


class Autopilot:
    """One simulated multicopter with its autopilot; time moves only by `step`."""

    kind = Kind.PX4
    """Whose ways it has."""
    body: type[QuadPhysics] = QuadPhysics
    """What it flies or drives."""
    tells_amsl = False
    """Whether it tells its height above sea level as that above home."""

    def __init__(
        self,
        asset: Asset,
        start_at: datetime,
        *,
        seed: int,
        failures: Failures,
        sensors: SensorProfile,
        frame: LocalFrame | None = None,
    ) -> None:
        """Boots on the ground at the asset's home.

        Args:
            asset: gives home, cruise speed, endurance, camera.
            start_at: the instant of the first step.
            seed: of gusts and sensor errors.
            failures: what goes wrong.
            sensors: how wrong it reports about itself.
            frame: in which truths are given out; `None` means about home.
        """
        self.asset, self.failures, self.start_at = asset, failures, start_at
        self.home = LocalFrame(asset.home.lat_deg, asset.home.lon_deg)
        mount = asset.camera
        pitch = mount.pitch_deg if mount else -60.0
        self.physics = self.body(seed, mount.yaw_offset_deg if mount else 0.0, pitch)
        lens_m = mount.height_m if mount else 0.0
        self.history = TruthHistory(start_at, STEP_S, self.home, frame, lens_m)
        self.errors = SensorErrors(sensors, seed)
        self.texts: deque[tuple[int, str]] = deque(maxlen=100)
        """Severity and words that were not yet sent."""
        self.parameters = px4_settings(asset)
        self.armed = False
        self.permitted_to_arm = False
        """Whether who was asked (`COM_ARM_AUTH_REQ`) has said yes; without a wire nobody is."""
        self.mode = VehicleMode.HOLD
        self.battery = 1.0
        self.mission: tuple[SimpleItem, ...] = ()
        self.current = 0
        self.reached: int | None = None
        """Number of the step that was reached last and not yet followed by another."""
        self.steps = 0
        self.position_after_s = _POSITION_AFTER_S
        self._speed = asset.cruise_m_s
        self._armed_s = 0.0
        self._flown = False
        self._landed_s: float | None = None
        self._hold_until_s: float | None = None
        self._leg_of = -1
        self._targets: dict[int, tuple[float, float, float]] = {}
        self._circle_from_s: float | None = None
        self.rally: tuple[RallySpot, ...] = ()
        """The rally points that it holds, as they were sent."""
        self._spots: tuple[Spot, ...] = ()
        self._goal = HOME
        self._fence: list[tuple[bool, Polygon]] = []
        self.rings: tuple[tuple[bool, Ring], ...] = ()
        """The fence as it was given: inclusion or not, and corners as latitude and longitude."""
        self.plan_ids = (0, 0, 0)
        """By which names it announces its mission, fence and rally points; 0 for none."""
        self.fence_in_force = False
        self._breached = False
        self._warned_of_battery = False
        self.history.add(self.physics.motion(False))
        self.guided = GuidedFlight()

    @property
    def boot_s(self) -> float:
        """Simulated seconds since the start."""
        return self.steps * STEP_S

    @property
    def now(self) -> datetime:
        """The simulated instant of the newest step."""
        return self.start_at + timedelta(seconds=self.boot_s)

    @property
    def position_known(self) -> bool:
        """Whether it has a position; before that it can't be armed."""
        return self.boot_s >= self.position_after_s

    @property
    def shown_mode(self) -> VehicleMode:
        """The mode that its heartbeat tells."""
        return self.mode

    @property
    def shown_step(self) -> int:
        """The number that it gives the mission step that it is at."""
        return min(self.current, max(0, len(self.mission) - 1))

    @property
    def _idle_armed_s(self) -> float:
        return float(self.parameters["COM_DISARM_PRFLT"])

    @property
    def _near_m(self) -> float:
        return float(self.parameters["NAV_ACC_RAD"])

    def say(self, severity: int, text: str) -> None:
        """Keeps words for the ground station."""
        self.texts.append((severity, text))

    # --- commands; each returns whether it is acknowledged with yes ---

    def arm(self) -> bool:
        """Starts the motors where that is allowed."""
        if self.armed:
            return True
        if self.parameters.get("COM_ARM_AUTH_REQ") and not self.permitted_to_arm:
            self.say(CRITICAL, "Arm auth: No response")
            return False
        failure = self.failures.find(FailureKind.ARMING_DENIED)
        if failure is not None and failure.from_s <= self.boot_s < failure.until_s:
            self.say(CRITICAL, failure.text)
            return False
        if not self.position_known:
            self.say(CRITICAL, "Arming denied: Resolve system health failures first")
            return False
        self.armed, self._flown, self._landed_s = True, False, None
        self._armed_s = self.boot_s
        self.battery = 1.0  # every sortie begins with a fresh one
        self._warned_of_battery = False
        self.errors.new_sortie()
        return True

    def disarm(self) -> bool:
        """Stops the motors; refused in flight."""
        if self.armed and not self.physics.on_ground:
            self.say(CRITICAL, "Disarming denied: not landed")
            return False
        self._stop_motors("Disarmed by external command")
        return True

    def set_mode(self, mode: VehicleMode) -> bool:
        """Changes the mode; a yes may be a lie, as on the real one."""
        if mode is VehicleMode.MISSION:
            if self.failures.strike(FailureKind.START_REFUSED_SILENTLY):
                return True
            if self.failures.strike(FailureKind.MODE_ACK_LIES) or self._infeasible():
                self.say(CRITICAL, NOT_AVAILABLE)
                return True
            if self.mode is not VehicleMode.MISSION:
                self._leg_of = -1
        self._enter(mode)
        return True

    def begin(self) -> bool:
        """Starts the mission, as MISSION_START does."""
        return self.set_mode(VehicleMode.MISSION)

    def check_before_arming(self) -> None:
        """Says what would keep it from arming, where this autopilot does so on request."""

    def set_mission(self, steps: Sequence[SimpleItem]) -> None:
        """Takes a new mission and says which waypoints break the fence.

        Raises:
            ValueError: if it holds a step that this autopilot does not know; the old one stays.
        """
        unknown = {step.command for step in steps} - SUPPORTED
        if unknown:
            raise ValueError(f"the simulated autopilot knows no command {sorted(unknown)}")
        self.mission = tuple(steps)
        self._targets = {}
        self.physics.look_at = None
        self.current, self.reached, self._leg_of = 0, None, -1
        self._hold_until_s = None
        self._judge_mission()

    def begin_with(self, step: int) -> None:
        """Goes on with another step of its mission."""
        self.current, self._leg_of, self._hold_until_s = step, -1, None

    def _judge_mission(self) -> None:
        for number, step in enumerate(self.mission):
            if step.command in MOVES and step.frame != FRAME_MISSION and not self._permitted(step):
                self.say(CRITICAL, f"Geofence violation for waypoint {number + 1}")

    def set_fence(self, rings: Sequence[tuple[bool, Ring]]) -> None:
        """Takes a new fence: inclusion or not, and corners as latitude and longitude.

        As on the real one, a fence that does not hold home is kept but not in force.
        """
        self._take_fence(rings)
        self.fence_in_force = True
        if self._fence and not self._inside(0.0, 0.0):
            self.fence_in_force = False
            self.say(CRITICAL, "Geofence invalid, doesn't contain Home position")

    def _take_fence(self, rings: Sequence[tuple[bool, Ring]]) -> None:
        self.rings = tuple(rings)
        self._fence = [
            (inclusion, Polygon([self.home.to_en1_m(lat, lon) for lat, lon in ring]))
            for inclusion, ring in rings
        ]

    def set_rally(self, spots: Sequence[RallySpot]) -> None:
        """Takes new rally points: latitude, longitude and metres above home; none clears them."""
        self.rally = tuple(spots)
        self._spots = tuple((*self.home.to_en1_m(lat, lon), up) for lat, lon, up in spots)

    # --- rules ---

    def _inside(self, east: float, north: float) -> bool:
        place = Point(east, north)
        inclusions = [area for inclusion, area in self._fence if inclusion]
        exclusions = [area for inclusion, area in self._fence if not inclusion]
        return (not inclusions or any(a.covers(place) for a in inclusions)) and not any(
            a.contains(place) for a in exclusions
        )

    def _permitted(self, step: SimpleItem) -> bool:
        place = self.home.to_en1_m(step.lat_deg, step.lon_deg)
        return not self.fence_in_force or self._inside(*place)

    def _infeasible(self) -> bool:
        moves = [step for step in self.mission if step.command in MOVES]
        if not moves or moves[0].command != _TAKEOFF:
            return True
        if sum(step.command == _TAKEOFF for step in moves) > 1 or len(moves) < 2:
            return True
        return any(s.frame != FRAME_MISSION and not self._permitted(s) for s in moves)

    def _enter(self, mode: VehicleMode) -> None:
        if mode is self.mode:
            return
        self.mode = mode
        self._hold_until_s = None
        self.guided.clear()
        if mode in _STAYS:
            self.physics.stay()
        elif mode is VehicleMode.LAND:
            self.physics.stay()
            self.physics.wanted_up = -1.0
        elif mode is VehicleMode.RETURN:
            self._goal, rtl_up = self._return()
            self.physics.stay()
            self.physics.wanted_up = rtl_up if not self.physics.on_ground else 0.0
            self._leg_of = -1

    def _return(self) -> tuple[Spot, float]:
        """Returns where a return goes to and how high above home."""
        here, kind = (self.physics.east, self.physics.north), int(self.parameters["RTL_TYPE"])
        goal = return_goal(here, self._spots, kind)
        return goal, max(self.physics.up, goal[2] + float(self.parameters["RTL_RETURN_ALT"]))

    def _stop_motors(self, text: str) -> None:
        if self.armed:
            self.armed = False
            self.say(INFO, text)
            if self.mode is not VehicleMode.MISSION or self._flown:
                self.mode = VehicleMode.HOLD

    # --- time ---

    def step(self) -> None:
        """Moves everything on by one step."""
        self.steps += 1
        self.errors.wander(STEP_S)
        if self.armed:
            self._fail()
            self._safeguard()
        if self.armed and self.mode is VehicleMode.MISSION:
            self._fly_mission()
        elif self.armed and self.mode is VehicleMode.RETURN:
            self._fly_home()
        elif self.armed:
            self.guided.step(self.physics)
        if self.armed:
            self._drain()
        self.physics.step(STEP_S, self.armed)
        self._land()
        self.history.add(self.physics.motion(self.armed))

    def _drain(self) -> None:
        self.battery = max(0.0, self.battery - STEP_S * 0.8 / self.asset.endurance_s)
        failure = self.failures.find(FailureKind.BATTERY_FALLS)
        if failure is not None:
            self.battery = max(0.0, self.battery - failure.fraction * STEP_S)

    def _fail(self) -> None:
        since_s = self.boot_s - self._armed_s
        failure = self.failures.find(FailureKind.DISARMS_IN_FLIGHT)
        if failure is not None and since_s >= failure.from_s and not self.physics.on_ground:
            self._stop_motors("Critical failure detected: motors stopped")
        failure = self.failures.find(FailureKind.RTL_BY_ITSELF)
        flying = not self.physics.on_ground and self.mode is not VehicleMode.RETURN
        if failure is not None and since_s >= failure.from_s and flying:
            self.say(CRITICAL, "Failsafe activated: returning to launch")
            self._enter(VehicleMode.RETURN)

    @property
    def _low_battery_mode(self) -> VehicleMode | None:
        """What it does at a low battery; `None` only warns."""
        actions = {2: VehicleMode.LAND, 3: VehicleMode.RETURN}
        return actions.get(int(self.parameters["COM_LOW_BAT_ACT"]))

    def _safeguard(self) -> None:
        airborne = not self.physics.on_ground
        if self.battery < _LOW_BATTERY and airborne and not self._warned_of_battery:
            self._warned_of_battery = True
            mode = self._low_battery_mode
            words = {None: "", VehicleMode.LAND: " Landing"}.get(mode, " Returning to launch")
            self.say(CRITICAL, f"Low battery level!{words}")
            if mode is not None and self.mode not in (mode, VehicleMode.LAND):
                self._enter(mode)
        if self._fence and self.fence_in_force and airborne and self.steps % 5 == 0:
            inside = self._inside(self.physics.east, self.physics.north)
            if not inside and not self._breached:
                self._leave_fence()
            self._breached = not inside

    def _leave_fence(self) -> None:
        self.say(CRITICAL, "Geofence exceeded, holding")
        self._enter(VehicleMode.HOLD)

    def _land(self) -> None:
        if not self.armed:
            return
        if not self.physics.on_ground:
            self._flown, self._landed_s = True, None
        elif self._flown and self.mode in (VehicleMode.RETURN, VehicleMode.LAND):
            self._landed_s = self._landed_s if self._landed_s is not None else self.boot_s
            if self.boot_s - self._landed_s >= _DISARM_LANDED_S:
                self._stop_motors("Disarmed by landing")
        elif not self._flown:
            if self.boot_s - self._armed_s >= self._idle_armed_s:
                self._stop_motors("Disarmed by auto preflight disarming")

    def _fly_home(self) -> None:
        quad = self.physics
        if self._leg_of == -1 and (quad.on_ground or quad.up >= quad.wanted_up - 0.5):
            quad.fly_straight(*self._goal[:2], quad.wanted_up, self.asset.cruise_m_s)
            self._leg_of = -2
        if self._leg_of == -2 and quad.distance_m() < 1.0:
            quad.fly_to(*self._goal[:2], -1.0, 1.0)
            self._leg_of = -3

    def _target(self, number: int) -> tuple[float, float, float]:
        """Returns the place of a step; places are reckoned once."""
        if number not in self._targets:
            step = self.mission[number]
            east, north = self.home.to_en1_m(step.lat_deg, step.lon_deg)
            above = self.asset.home.altitude.metres if step.frame == FRAME_AMSL else 0.0
            self._targets[number] = (east, north, step.z_m - above)
        return self._targets[number]

    def _next_place(self) -> tuple[float, float] | None:
        for number in range(self.current + 1, len(self.mission)):
            step = self.mission[number]
            if step.command in (_WAYPOINT, _LOITER_TIME):
                return self._target(number)[:2]
            if step.command in MOVES:
                return None
        return None

    def _fly_mission(self) -> None:
        while self.current < len(self.mission):
            step = self.mission[self.current]
            if step.command == CHANGE_SPEED:
                self._speed = step.params[1]
            elif step.command in (MOUNT_CONTROL, _GIMBAL_PITCH):
                self.physics.wanted_camera_pitch = step.params[0]
            elif step.command == ROI_LOCATION:
                self.physics.look_at = self._target(self.current)
            elif step.command == ROI_NONE:
                self.physics.look_at = None
            elif step.command in SETTINGS:
                pass  # when pictures are taken moves nothing
            elif step.command == _RETURN:
                self._enter(VehicleMode.RETURN)
                return
            elif not self._move(step):
                return
            self.current += 1
        self.say(INFO, "Mission finished, loitering")
        self._enter(VehicleMode.HOLD)
        self.current = max(0, len(self.mission) - 1)

    def _move(self, step: SimpleItem) -> bool:
        """Flies towards a step and returns whether it is done."""
        quad = self.physics
        if step.command == _LOITER_TIME and 0 < abs(step.params[2]) < math.inf:
            return self._circle(step, abs(step.params[2]))
        if step.command == _LAND and self._leg_of == self.current and quad.distance_m() < 1.0:
            self._enter(VehicleMode.LAND)
            return False
        east, north, up = self._target(self.current)
        if self._leg_of != self.current:
            self._leg_of = self.current
            if step.command == _TAKEOFF:
                quad.fly_to(quad.east, quad.north, up, 1.0)
            elif step.command == _LAND:  # over the place first, as high as it is, then down
                quad.fly_to(east, north, quad.up, self._speed)
            else:
                quad.fly_to(east, north, up, self._speed)
                after = self._next_place()
                if after is not None and step.params[0] <= 0 and step.command == _WAYPOINT:
                    quad.end_speed = quad.corner_speed(after)
        near = self._near_m
        if step.command == _WAYPOINT and step.params[1] > 0:
            near = step.params[1]
        level = step.command == _TAKEOFF or quad.distance_m() <= near
        if self._hold_until_s is None and not (level and abs(quad.up - up) <= 1.0):
            return False
        if self._hold_until_s is None:
            self.reached = self.current
            hold_s = step.params[0] if math.isfinite(step.params[0]) else 0.0
            self._hold_until_s = self.boot_s + (0.0 if step.command == _TAKEOFF else hold_s)
        if self.boot_s < self._hold_until_s:
            return False
        self._hold_until_s = None
        return True

    def _circle(self, step: SimpleItem, radius_m: float) -> bool:
        """Flies a loiter with a radius as circles and returns whether it is done."""
        quad = self.physics
        east, north, up = self._target(self.current)
        away = math.dist((east, north), (quad.east, quad.north))
        if self._leg_of != self.current:
            self._leg_of, self._circle_from_s = self.current, None
            quad.fly_to(east, north, up, self._speed)
            quad.end_speed = self._speed
        if self._circle_from_s is None:
            if away > radius_m + 1.0 or abs(quad.up - up) > 1.0:
                return False
            self._circle_from_s, self.reached = self.boot_s, self.current
        hold_s = step.params[0] if math.isfinite(step.params[0]) else 0.0
        if self.boot_s - self._circle_from_s >= hold_s:
            quad.end_speed = 0.0
            return True
        steer_round(quad, (east, north, up), radius_m, self._speed)
        return False
