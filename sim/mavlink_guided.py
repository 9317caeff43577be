"""A simulated vehicle's side of MAVLink for what is asked of it beside its mission.

PX4's ways are those that 1.17 was seen to have: heights of a place are above mean sea level
whatever the frame says, and a look at a place is accepted also where nothing can turn.
"""

import math
import struct
from collections.abc import Iterator, Sequence

from pymavlink.dialects.v20 import common as m

from missions.model import Autopilot as Kind
from sim.autopilot import Autopilot
from sim.failures import FailureKind
from sim.guided_flight import Round, Spot
from telemetry.model import VehicleMode

_ACCEPTED, _DENIED, _UNSUPPORTED = 0, 2, 3
_ILLUMINATOR_STATUS = 440
_EARTH, _ABOVE_HOME = {0, 5}, {3, 6}
_FLYING = frozenset({VehicleMode.HOLD, VehicleMode.GUIDED, VehicleMode.MISSION})
_STEPS_APART = 5
_COORDINATES = 1e7


class IlluminatorStatus(m.MAVLink_message):  # type: ignore[misc]
    """ILLUMINATOR_STATUS, which pymavlink's dialects do not have yet."""

    id = _ILLUMINATOR_STATUS
    msgname = "ILLUMINATOR_STATUS"
    crc_extra = 66

    def __init__(self, boot_ms: int, *, lit: bool) -> None:
        super().__init__(self.id, self.msgname)
        self._payload = struct.pack(
            "<II6f3B", boot_ms, 0, 100.0 if lit else 0.0, 0, 0, 20.0, 0, 0, lit, 1, 1
        )

    def pack(self, mav: m.MAVLink, force_mavlink1: bool = False) -> bytes:
        """Returns the packet."""
        packed: bytes = self._pack(
            mav, self.crc_extra, self._payload, force_mavlink1=force_mavlink1
        )
        return packed


def obey(pilot: Autopilot, command: int, params: Sequence[float], *, whole: bool) -> int | None:
    """Does a command and returns its MAV_RESULT, or `None` where it is none of these.

    Args:
        pilot: the vehicle's.
        command: its MAV_CMD number.
        params: its seven parameters.
        whole: whether latitude and longitude are whole numbers (COMMAND_INT).
    """
    px4 = pilot.kind is Kind.PX4
    scale = _COORDINATES if whole else 1.0
    place = (params[4] / scale, params[5] / scale)
    bare = pilot.failures.find(FailureKind.PAYLOAD_ABSENT) is not None
    if command == m.MAV_CMD_DO_REPOSITION and px4:
        return _go(pilot, _spot(pilot, *place, params[6]), VehicleMode.HOLD)
    if command == m.MAV_CMD_DO_ORBIT and px4:
        return _orbit(pilot, place, params)
    if command == m.MAV_CMD_DO_CHANGE_SPEED:
        pilot.guided.speed_m_s = params[1]
        return _ACCEPTED
    if command == m.MAV_CMD_DO_SET_ROI_LOCATION:
        if not bare:
            up = params[6] if not px4 else params[6] - pilot.asset.home.altitude.metres
            pilot.physics.look_at = (*pilot.home.to_en1_m(*place), up)
        return _ACCEPTED
    if command == m.MAV_CMD_DO_SET_ROI_NONE:
        pilot.physics.look_at = None
        return _ACCEPTED
    if command == m.MAV_CMD_SET_CAMERA_ZOOM:
        if bare or pilot.asset.camera is None or not 0.0 <= params[1] <= 100.0:
            return _UNSUPPORTED
        pilot.guided.zoom_percent = params[1]
        return _ACCEPTED
    if command == m.MAV_CMD_ILLUMINATOR_ON_OFF:
        if bare:
            return _UNSUPPORTED
        pilot.guided.lit = params[0] > 0.5
        return _ACCEPTED
    return None


def take_place(pilot: Autopilot, message: m.MAVLink_set_position_target_global_int_message) -> None:
    """Goes to a place as ArduPilot does: in GUIDED alone, and silently not otherwise."""
    if pilot.kind is not Kind.ARDUPILOT or pilot.mode is not VehicleMode.GUIDED:
        return
    up = message.alt
    if message.coordinate_frame in _EARTH:
        up -= pilot.asset.home.altitude.metres
    elif message.coordinate_frame not in _ABOVE_HOME:
        return
    lat, lon = message.lat_int / _COORDINATES, message.lon_int / _COORDINATES
    _go(pilot, (*pilot.home.to_en1_m(lat, lon), up), VehicleMode.GUIDED)


def _spot(pilot: Autopilot, lat_deg: float, lon_deg: float, amsl_m: float) -> Spot:
    return (*pilot.home.to_en1_m(lat_deg, lon_deg), amsl_m - pilot.asset.home.altitude.metres)


def _go(pilot: Autopilot, goal: Spot, mode: VehicleMode) -> int:
    if not pilot.armed or pilot.physics.on_ground or not all(map(math.isfinite, goal)):
        return _DENIED
    if pilot.mode is not mode:
        pilot.set_mode(mode)
    pilot.guided.fly_to(pilot.physics, goal, pilot.guided.speed_m_s)
    return _ACCEPTED


def _orbit(pilot: Autopilot, place: tuple[float, float], params: Sequence[float]) -> int:
    if not pilot.armed or pilot.physics.on_ground or pilot.mode not in _FLYING:
        return _DENIED
    middle = _spot(pilot, *place, params[6])
    if pilot.mode is not VehicleMode.GUIDED:
        pilot.set_mode(VehicleMode.GUIDED)
    pilot.guided.go_round(pilot.physics, Round(middle, params[0], params[1]))
    pilot.physics.look_at = (*middle[:2], 0.0)
    return _ACCEPTED


def wanted(pilot: Autopilot, number: int) -> m.MAVLink_message | None:
    """Returns the message of a number that is told on request; `None` where there is none."""
    bare = pilot.failures.find(FailureKind.PAYLOAD_ABSENT) is not None
    boot_ms = round(pilot.boot_s * 1000)
    if number == m.MAVLINK_MSG_ID_CAMERA_SETTINGS and not bare and pilot.asset.camera:
        return m.MAVLink_camera_settings_message(boot_ms, 1, pilot.guided.zoom_percent, math.nan)
    if number == _ILLUMINATOR_STATUS and not bare:
        return IlluminatorStatus(boot_ms, lit=pilot.guided.lit)
    return None


def due(pilot: Autopilot) -> Iterator[m.MAVLink_message]:
    """Yields what it says of its own goal, by simulated time."""
    if pilot.steps % _STEPS_APART:
        return
    goal, one = pilot.guided.goal, pilot.guided.round
    boot_ms = round(pilot.boot_s * 1000)
    if goal is not None:
        lat, lon, amsl = _geographic(pilot, goal)
        yield m.MAVLink_position_target_global_int_message(
            boot_ms, 5, 0, lat, lon, amsl, 0, 0, 0, 0, 0, 0, 0, 0
        )
    if one is not None and pilot.kind is Kind.PX4:
        lat, lon, amsl = _geographic(pilot, one.middle)
        yield m.MAVLink_orbit_execution_status_message(
            boot_ms * 1000, one.radius_m, 0, lat, lon, amsl
        )


def _geographic(pilot: Autopilot, spot: Spot) -> tuple[int, int, float]:
    lat, lon = pilot.home.to_geo1_deg(*spot[:2])
    amsl = pilot.asset.home.altitude.metres + spot[2]
    return round(lat * _COORDINATES), round(lon * _COORDINATES), amsl
