"""A plan as the waypoints of a wayline, with what holds from each of them on."""

from dataclasses import dataclass, replace

from geo.local_frame import distance_m
from geo.positions import Altitude, Datum
from missions.formats.losses import LossReport
from missions.model import ItemKind, MissionItem, Plan

_SAME_M = 1.0


@dataclass(frozen=True, slots=True)
class Stop:
    """One waypoint of a wayline, with what holds from it on."""

    lat_deg: float
    lon_deg: float
    up_m: float
    """Above the place of take-off."""
    speed_m_s: float
    hold_s: float
    pitch_deg: float | None
    look_at: tuple[float, float] | None
    trigger_m: float


def name_losses(plan: Plan, report: LossReport) -> None:
    """Notes what a wayline has no word for."""
    if plan.fences:
        report.error("zone_not_carried", f"{len(plan.fences)} zones of the fence are left out")
    if plan.rally:
        report.error("rally_changed", f"{len(plan.rally)} rally points are left out")
    if plan.permission:
        report.warning("permission_left_out", f"permission {plan.permission} is left out")
    if plan.patrol_id is not None or plan.expected_s:
        report.info("record_left_out", "the patrol and the expected time are left out")
    report.info("said_otherwise", "the aircraft stops at every waypoint")


def stops_of(plan: Plan, report: LossReport) -> list[Stop]:
    """Returns the waypoints; a setting before a movement acts at the waypoint before it."""
    stops: list[Stop] = []
    speed, trigger = plan.cruise_m_s, 0.0
    pitch: float | None = None
    look: tuple[float, float] | None = None
    items = plan.mission.items
    for n, item in enumerate(items):
        before = (speed, pitch, look, trigger)
        speed = item.speed_m_s or speed
        pitch = item.camera_pitch_deg if item.camera_pitch_deg is not None else pitch
        if item.camera_pitch_deg is not None:
            look = None
        look = item.look_at or look
        trigger = item.trigger_m if item.trigger_m is not None else trigger
        if stops and (speed, pitch, look, trigger) != before:
            stops[-1] = replace(
                stops[-1], speed_m_s=speed, pitch_deg=pitch, look_at=look, trigger_m=trigger
            )
        if item.look_at is not None:
            message = f"item {n}: the aircraft turns to the place, the camera's pitch stays"
            report.warning("setting_left_out", message, n)
        if item.acceptance_radius_m is not None:
            message = (
                f"item {n}: its acceptance radius of {item.acceptance_radius_m:g} m is left out"
            )
            report.warning("setting_left_out", message, n)
        place = _place(plan, n, item, stops, report)
        if place is not None:
            stops.append(Stop(*place, speed, item.hold_s, pitch, look, trigger))
    return stops


def _place(
    plan: Plan, n: int, item: MissionItem, stops: list[Stop], report: LossReport
) -> tuple[float, float, float] | None:
    """Returns where a waypoint is, or `None` for an item that is none in the format."""
    items = plan.mission.items
    spot = item.position
    if item.kind is ItemKind.RETURN:
        if n != len(items) - 1:
            report.error("movement_changed", f"item {n}: a return on the way is left out", n)
        return None
    if spot is None:
        report.error("movement_not_understood", f"item {n}: it has no place and is left out", n)
        return None
    if item.kind is ItemKind.TAKEOFF:
        home = plan.home
        away = distance_m(home.lat_deg, home.lon_deg, spot.lat_deg, spot.lon_deg)
        if n != 0:
            report.error("movement_changed", f"item {n}: a second take-off is left out", n)
        elif away > _SAME_M:
            return (spot.lat_deg, spot.lon_deg, up_m(plan, n, spot.altitude, report))
        if item.hold_s:
            report.warning("setting_left_out", f"item {n}: a hold after take-off is left out", n)
        return None
    if item.kind is ItemKind.LAND:
        if n != len(items) - 1:
            report.error("movement_changed", f"item {n}: a landing on the way is left out", n)
            return None
        up = stops[-1].up_m if stops else up_m(plan, n, spot.altitude, report)
        return (spot.lat_deg, spot.lon_deg, up)
    if item.kind is ItemKind.LOITER and item.loiter_radius_m:
        message = f"item {n}: a circle of {item.loiter_radius_m:g} m becomes a hover in its middle"
        report.error("movement_changed", message, n)
    return (spot.lat_deg, spot.lon_deg, up_m(plan, n, spot.altitude, report))


def up_m(plan: Plan, n: int, altitude: Altitude, report: LossReport) -> float:
    """Returns a height above home; where nothing joins the two, that is an error."""
    home = plan.home.altitude
    if altitude.datum is Datum.HOME:
        return altitude.metres
    if altitude.datum is home.datum:
        report.info("said_otherwise", f"item {n}: its height is counted from home", n)
        return altitude.metres - home.metres
    message = f"item {n}: its height above {altitude.datum} is taken as above home"
    report.error("movement_changed", message, n)
    return altitude.metres
