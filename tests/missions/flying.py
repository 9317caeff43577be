"""Crafts for tests of flights: embedded ones on a manual clock, MAVSDK ones on a scaled one."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from core.clock import Clock
from core.ids import AssetId, CameraId, ZoneId
from geo.positions import Altitude, Datum
from geo.zones import Purpose, Zone, ZoneKind
from missions.adapters.driver_pilot import DriverPilot
from missions.adapters.mavsdk_pilot import Deadlines, MavsdkPilot
from missions.model import Asset, AssetKind, CameraMount, ItemKind, Mission, MissionItem, Plan
from missions.proving.proof import ProvenPlan, prove
from sim.clock import ManualClock, ScaledClock
from sim.failures import Failure
from sim.mavlink_vehicle import MavlinkVehicle, free_udp_port
from sim.pilot import SimPilot, SimVehicle
from sim.route_vehicle import RouteVehicle
from sim.sensor_errors import CONSUMER, SensorProfile
from telemetry.adapters.mavsdk_link import MavsdkLink
from telemetry.adapters.mavsdk_system import open_system
from telemetry.ports import TelemetryLink
from tests.builders import (
    NOW,
    a_camera_model,
    a_mission,
    a_place,
    a_plan,
    a_square,
    a_zone,
    an_asset,
)

SPEED = 12.0
HEIGHT_M = 12.0


def a_fence(half_m: float = 150.0, east_m: float = 0.0, **changes: Any) -> Zone:
    values: dict[str, Any] = {
        "zone_id": ZoneId("fence-1"),
        "name": "flight area",
        "purposes": frozenset({Purpose.FLIGHT}),
        "area": a_square(east_m, 0.0, half_m),
        "kind": ZoneKind.INCLUSION,
        "rules": (),
        **changes,
    }
    return a_zone(**values)


def a_short_mission() -> Mission:
    return a_mission(
        items=(
            MissionItem(ItemKind.TAKEOFF, a_place(0, 0, HEIGHT_M), speed_m_s=8.0),
            MissionItem(ItemKind.WAYPOINT, a_place(0, 40, HEIGHT_M), camera_pitch_deg=-45.0),
            MissionItem(ItemKind.WAYPOINT, a_place(40, 40, HEIGHT_M)),
            MissionItem(ItemKind.RETURN),
        )
    )


def a_short_plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "mission": a_short_mission(),
        "fences": (a_fence(),),
        "return_altitude": Altitude(HEIGHT_M, Datum.HOME),
        **changes,
    }
    return a_plan(**values)


def a_car(**changes: Any) -> Asset:
    mount = CameraMount(
        CameraId("car-camera"), a_camera_model(), -8.0, yaw_offset_deg=90.0, height_m=2.6
    )
    values: dict[str, Any] = {
        "asset_id": AssetId("car-1"),
        "name": "Car 1",
        "kind": AssetKind.VEHICLE,
        "camera": mount,
        "cruise_m_s": 8.0,
        **changes,
    }
    return an_asset(**values)


def a_drive() -> Plan:
    return a_plan(
        asset_id=AssetId("car-1"),
        mission=a_mission(
            items=(
                MissionItem(ItemKind.WAYPOINT, a_place(60, 0, 0), speed_m_s=8.0),
                MissionItem(ItemKind.WAYPOINT, a_place(60, 60, 0)),
                MissionItem(ItemKind.WAYPOINT, a_place(0, 60, 0)),
            )
        ),
        return_altitude=None,
    )


@dataclass
class Craft:
    pilot: Any
    """Pilot; of drones also FenceLink, Arming and Parameters."""
    clock: Clock
    open_link: Callable[[], TelemetryLink]
    vehicle: Any
    """Has truth_at, cut_link, restore_link."""
    plan: Plan
    arms: bool = True

    @property
    def asset(self) -> Asset:
        return an_asset(cruise_m_s=8.0) if self.arms else a_car()

    @property
    def proven(self) -> ProvenPlan:
        return prove(self.plan, self.asset)


def asset() -> Asset:
    return an_asset(cruise_m_s=8.0)


@asynccontextmanager
async def sim_craft(
    *failures: Failure, sensors: SensorProfile = CONSUMER, silence_s: float = 5.0
) -> AsyncIterator[Craft]:
    clock = ManualClock(NOW)
    vehicle = SimVehicle(asset(), clock=clock, failures=failures, sensors=sensors, seed=1)
    pilot = SimPilot(vehicle, arm_s=20.0, mode_s=5.0, silence_limit_s=silence_s)
    async with clock.running():
        yield Craft(pilot, clock, lambda: vehicle.link(silence_s), vehicle, a_short_plan())


@asynccontextmanager
async def mavsdk_craft(
    *failures: Failure, sensors: SensorProfile = CONSUMER, silence_s: float = 4.0 * SPEED
) -> AsyncIterator[Craft]:
    clock = ScaledClock(NOW, SPEED)
    port = free_udp_port()
    deadlines = replace(Deadlines(mode_s=0.6).at_speed(SPEED), arm_s=20.0)
    with MavlinkVehicle(
        asset(), clock=clock, port=port, failures=failures, sensors=sensors, seed=1
    ) as vehicle:
        async with open_system(
            f"udpin://127.0.0.1:{port}", clock, silence_limit_s=silence_s
        ) as system:
            yield Craft(
                MavsdkPilot(system, deadlines),
                clock,
                lambda: MavsdkLink(AssetId("drone-1"), system),
                vehicle,
                a_short_plan(),
            )


@asynccontextmanager
async def car_craft(*failures: Failure, silence_s: float = 5.0) -> AsyncIterator[Craft]:
    clock = ManualClock(NOW)
    car = RouteVehicle(a_car(), clock=clock, seed=1)

    def link() -> TelemetryLink:
        return car.link(silence_s)

    async with clock.running():
        yield Craft(DriverPilot(car, link), clock, link, car, a_drive(), arms=False)


CraftMaker = Callable[..., AbstractAsyncContextManager[Craft]]
CRAFTS: dict[str, CraftMaker] = {"sim": sim_craft, "mavsdk": mavsdk_craft, "car": car_craft}
DRONES: dict[str, CraftMaker] = {"sim": sim_craft, "mavsdk": mavsdk_craft}
