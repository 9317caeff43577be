"""What a simulated PX4 says about itself, as MAVLink messages: errors included, truth never."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pymavlink.dialects.v20 import ardupilotmega as apm
from pymavlink.dialects.v20 import common as m

from sim.autopilot import STEP_S, Autopilot
from sim.mavlink_ids import CurrentWithIds
from sim.profiles import Profile

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_EKF_SETTLED = 1 | 2 | 4 | 8 | 16 | 32
"""Attitude, speeds and places of ArduPilot's filter are good."""
_HEALTHY = (
    m.MAV_SYS_STATUS_SENSOR_3D_GYRO
    | m.MAV_SYS_STATUS_SENSOR_3D_ACCEL
    | m.MAV_SYS_STATUS_SENSOR_3D_MAG
    | m.MAV_SYS_STATUS_SENSOR_GPS
)
_EARTH_FRAME = m.GIMBAL_DEVICE_FLAGS_YAW_IN_EARTH_FRAME | m.GIMBAL_DEVICE_FLAGS_YAW_LOCK


def quaternion(yaw_deg: float, pitch_deg: float, roll_deg: float) -> list[float]:
    """Returns w, x, y, z of 3-2-1 angles."""
    y, p, r = (math.radians(a) / 2 for a in (yaw_deg, pitch_deg, roll_deg))
    cy, sy, cp, sp, cr, sr = (
        math.cos(y), math.sin(y), math.cos(p), math.sin(p), math.cos(r), math.sin(r),
    )  # fmt: skip
    return [
        cr * cp * cy + sr * sp * sy,
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
    ]


def heartbeat(pilot: Autopilot, profile: Profile) -> m.MAVLink_message:
    """Returns HEARTBEAT."""
    base = m.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED | m.MAV_MODE_FLAG_STABILIZE_ENABLED
    base |= m.MAV_MODE_FLAG_GUIDED_ENABLED | m.MAV_MODE_FLAG_AUTO_ENABLED
    if pilot.armed:
        base |= m.MAV_MODE_FLAG_SAFETY_ARMED
    state = m.MAV_STATE_ACTIVE if pilot.armed else m.MAV_STATE_STANDBY
    return m.MAVLink_heartbeat_message(
        profile.mav_type, profile.mav_autopilot, base, profile.modes[pilot.shown_mode], state, 3
    )


def due(pilot: Autopilot, profile: Profile) -> Iterator[m.MAVLink_message]:
    """Yields the messages that are due after the newest step, by simulated time."""
    step = pilot.steps
    every_s = round(1 / STEP_S)
    if step % 2 == 0:
        yield from _fast(pilot)
    if step % (every_s // 2) == 0:
        yield heartbeat(pilot, profile)
        yield from _slow(pilot)
        if profile.tells_filter:
            flags = _EKF_SETTLED if pilot.position_known else 0
            yield apm.MAVLink_ekf_status_report_message(flags, 0.1, 0.1, 0.1, 0.1, 0.0)
    if profile.reached_repeats and step % every_s == 0 and pilot.reached is not None:
        yield m.MAVLink_mission_item_reached_message(pilot.reached)
    elif not profile.reached_repeats and pilot.reached is not None:
        yield m.MAVLink_mission_item_reached_message(pilot.reached + profile.home_items)
        pilot.reached = None


def _fast(pilot: Autopilot) -> Iterator[m.MAVLink_message]:
    quad, errors = pilot.physics, pilot.errors
    boot_ms = round(pilot.boot_s * 1000)
    camera = quad.motion(pilot.armed)
    body_yaw = camera.yaw_deg + errors.yaw_deg + errors.jitter_deg()
    yield m.MAVLink_attitude_message(
        boot_ms,
        math.radians(camera.roll_deg + errors.jitter_deg()),
        math.radians(camera.pitch_deg + errors.jitter_deg()),
        math.radians((body_yaw + 180.0) % 360.0 - 180.0),
        0.0, 0.0, 0.0,
    )  # fmt: skip
    if pilot.asset.camera is not None:
        yield m.MAVLink_gimbal_device_attitude_status_message(
            0, 0, boot_ms, _EARTH_FRAME,
            quaternion(
                camera.camera_yaw_deg + errors.yaw_deg + errors.jitter_deg(),
                camera.camera_pitch_deg + errors.pitch_deg + errors.jitter_deg(),
                camera.camera_roll_deg + errors.roll_deg + errors.jitter_deg(),
            ),
            0.0, 0.0, 0.0, 0, 0.0, 0.0, 1,
        )  # fmt: skip
    if pilot.position_known:
        lat, lon, up = reported_place(pilot)
        yield m.MAVLink_global_position_int_message(
            boot_ms,
            round(lat * 1e7),
            round(lon * 1e7),
            round((pilot.asset.home.altitude.metres + up) * 1000),
            round((up + (pilot.asset.home.altitude.metres if pilot.tells_amsl else 0.0)) * 1000),
            round(quad.v_north * 100),
            round(quad.v_east * 100),
            round(-quad.v_up * 100),
            round(body_yaw % 360.0 * 100) % 36_000,
        )


def reported_place(pilot: Autopilot) -> tuple[float, float, float]:
    """Returns the latitude, longitude and height above home that it believes in."""
    errors, quad = pilot.errors, pilot.physics
    lat, lon = pilot.home.to_geo1_deg(
        quad.east + errors.east_m + errors.jitter_m(),
        quad.north + errors.north_m + errors.jitter_m(),
    )
    return lat, lon, quad.up + errors.up_m + errors.jitter_m()


def _slow(pilot: Autopilot) -> Iterator[m.MAVLink_message]:
    asset, errors = pilot.asset, pilot.errors
    boot_ms = round(pilot.boot_s * 1000)
    now_us = (pilot.now - _EPOCH + timedelta(seconds=errors.time_s)) // timedelta(microseconds=1)
    yield m.MAVLink_system_time_message(now_us, boot_ms)
    landed = m.MAV_LANDED_STATE_ON_GROUND if pilot.physics.on_ground else m.MAV_LANDED_STATE_IN_AIR
    yield m.MAVLink_extended_sys_state_message(m.MAV_VTOL_STATE_UNDEFINED, landed)
    charge = round(pilot.battery * 100)
    health = _HEALTHY if pilot.position_known else _HEALTHY & ~m.MAV_SYS_STATUS_SENSOR_GPS
    millivolts = round(14_000 + 2_800 * pilot.battery)
    yield m.MAVLink_sys_status_message(
        _HEALTHY, _HEALTHY, health, 200, millivolts, 900, charge, 0, 0, 0, 0, 0, 0
    )
    yield m.MAVLink_battery_status_message(
        0, 0, 0, 2500, [millivolts] + [65_535] * 9, 900, -1, -1, charge
    )
    if pilot.position_known:
        lat, lon, up = reported_place(pilot)
        yield m.MAVLink_gps_raw_int_message(
            round(pilot.boot_s * 1e6), 3, round(lat * 1e7), round(lon * 1e7),
            round((asset.home.altitude.metres + up) * 1000), 90, 120, 0, 0, 14, 0,
            round(max(0.01, errors.profile.horizontal_m) * 1000),
            round(max(0.01, errors.profile.vertical_m) * 1000), 300, 0, 0,
        )  # fmt: skip
        yield m.MAVLink_home_position_message(
            round(asset.home.lat_deg * 1e7), round(asset.home.lon_deg * 1e7),
            round(asset.home.altitude.metres * 1000), 0, 0, 0, [1, 0, 0, 0], 0, 0, 0, 0,
        )  # fmt: skip
    total = len(pilot.mission)
    yield CurrentWithIds(pilot.shown_step, total, pilot.plan_ids)
