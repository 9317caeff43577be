"""Crafts for tests of flights: by MAVLink on a scaled clock, others on a manual one."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import pytest

from core.clock import Clock
from core.ids import AssetId, CameraId, ZoneId
from geo.positions import Altitude, Datum
from geo.zones import Purpose, Zone, ZoneKind
from missions.adapters.driver_pilot import DriverPilot
from missions.adapters.dronekit_guide import DronekitGuide
from missions.adapters.dronekit_pilot import DronekitPilot
from missions.adapters.mavsdk_guide import MavsdkGuide
from missions.adapters.mavsdk_pilot import Deadlines, MavsdkPilot
from missions.model import (
    Asset,
    AssetKind,
    Autopilot,
    CameraMount,
    ItemKind,
    Mission,
    MissionItem,
    Plan,
)
from missions.proving.proof import ProvenPlan, prove
from sim.clock import ManualClock, ScaledClock
from sim.failures import Failure
from sim.guide import SimGuide
from sim.mavlink_vehicle import MavlinkVehicle, free_udp_port
from sim.pilot import SimPilot, SimVehicle
from sim.profiles import ARDU_COPTER, ARDU_ROVER, PX4_ROVER
from sim.route_vehicle import RouteVehicle
from sim.sensor_errors import CONSUMER, SensorProfile
from telemetry.adapters.dronekit_compat import load
from telemetry.adapters.dronekit_system import open_ardupilot
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
ROVER_SPEED = 20.0
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


@dataclass(frozen=True)
class Settings:
    """Parameters of an autopilot, for the contracts that deal with them."""

    broken: tuple[str, float]
    """One that holds broken numbers, with its value at boot."""
    whole: tuple[str, float]
    """One that holds whole numbers only, with its value at boot."""
    astray: Mapping[str, float]
    """Values with which returns go elsewhere or at another height."""
    mended: Mapping[str, float]
    """The same after an upload of a plan that returns at `HEIGHT_M`."""
    will_do: tuple[str, float]
    """One that need not be changed."""


PX4_SETTINGS = Settings(
    ("RTL_RETURN_ALT", 30.0),
    ("GF_ACTION", 2.0),
    {"RTL_TYPE": 2, "RTL_CONE_ANG": 80, "RTL_RETURN_ALT": 77},
    {"RTL_TYPE": 0, "RTL_CONE_ANG": 45, "RTL_RETURN_ALT": HEIGHT_M},
    ("RTL_CONE_ANG", 25),
)
COPTER_SETTINGS = Settings(
    ("RTL_CONE_SLOPE", 3.0),
    ("FENCE_ACTION", 1.0),
    {"RTL_CLIMB_MIN": 300, "RTL_CONE_SLOPE": 0.5, "RALLY_INCL_HOME": 0, "RTL_ALT": 7_700},
    {"RTL_CLIMB_MIN": 0, "RTL_CONE_SLOPE": 3, "RALLY_INCL_HOME": 1, "RTL_ALT": 100 * HEIGHT_M},
    ("RTL_CONE_SLOPE", 2),
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
    drives: bool = False
    guide: Any = None
    """Guide; cars have none."""
    settings: Settings = PX4_SETTINGS
    autopilot: Autopilot = Autopilot.PX4

    @property
    def asset(self) -> Asset:
        own = an_asset(cruise_m_s=8.0, autopilot=self.autopilot)
        return a_car(autopilot=self.autopilot) if self.drives else own

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
        guide = SimGuide(vehicle, mode_s=5.0, silence_limit_s=silence_s)
        plan = a_short_plan()
        yield Craft(pilot, clock, lambda: vehicle.link(silence_s), vehicle, plan, guide=guide)


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
                guide=MavsdkGuide(system, deadlines),
            )


@asynccontextmanager
async def dronekit_craft(
    *failures: Failure, sensors: SensorProfile = CONSUMER, silence_s: float = 4.0 * SPEED
) -> AsyncIterator[Craft]:
    if find_spec("dronekit") is None:
        pytest.skip("the extra dronekit is not installed")
    load()  # which takes a while, and the vehicle would have booted meanwhile
    clock = ScaledClock(NOW, SPEED)
    port = free_udp_port()
    deadlines = replace(Deadlines(mode_s=1.5).at_speed(SPEED), arm_s=20.0)
    # as the real one in all but this: a test need not wait 41 s for a position
    profile = replace(ARDU_COPTER, position_after_s=7.0)
    with MavlinkVehicle(
        asset(), clock=clock, port=port, failures=failures, sensors=sensors, seed=1,
        profile=profile,
    ) as vehicle:  # fmt: skip
        async with open_ardupilot(
            f"udpin://127.0.0.1:{port}", clock, silence_limit_s=silence_s
        ) as system:
            yield Craft(
                DronekitPilot(system, deadlines),
                clock,
                lambda: MavsdkLink(AssetId("drone-1"), system),
                vehicle,
                a_short_plan(),
                guide=DronekitGuide(system, deadlines),
                settings=COPTER_SETTINGS,
                autopilot=Autopilot.ARDUPILOT,
            )


@asynccontextmanager
async def car_craft(*failures: Failure, silence_s: float = 5.0) -> AsyncIterator[Craft]:
    clock = ManualClock(NOW)
    car = RouteVehicle(a_car(), clock=clock, seed=1)

    def link() -> TelemetryLink:
        return car.link(silence_s)

    async with clock.running():
        pilot = DriverPilot(car, link)
        yield Craft(pilot, clock, link, car, a_drive(), arms=False, drives=True)


CraftMaker = Callable[..., AbstractAsyncContextManager[Craft]]


@asynccontextmanager
async def mavsdk_rover(
    *failures: Failure, silence_s: float = 4.0 * ROVER_SPEED
) -> AsyncIterator[Craft]:
    clock = ScaledClock(NOW, ROVER_SPEED)
    port = free_udp_port()
    deadlines = replace(Deadlines(mode_s=0.6).at_speed(ROVER_SPEED), arm_s=40.0)
    car = a_car()
    with MavlinkVehicle(
        car, clock=clock, port=port, failures=failures, seed=1, profile=PX4_ROVER
    ) as vehicle:
        async with open_system(
            f"udpin://127.0.0.1:{port}", clock, silence_limit_s=silence_s
        ) as system:
            yield Craft(
                MavsdkPilot(system, deadlines),
                clock,
                lambda: MavsdkLink(car.asset_id, system),
                vehicle,
                a_drive(),
                drives=True,
            )


@asynccontextmanager
async def dronekit_rover(
    *failures: Failure, silence_s: float = 4.0 * ROVER_SPEED
) -> AsyncIterator[Craft]:
    if find_spec("dronekit") is None:
        pytest.skip("the extra dronekit is not installed")
    load()
    clock = ScaledClock(NOW, ROVER_SPEED)
    port = free_udp_port()
    deadlines = replace(Deadlines(mode_s=1.5).at_speed(ROVER_SPEED), arm_s=40.0)
    car = a_car(autopilot=Autopilot.ARDUPILOT)
    profile = replace(ARDU_ROVER, position_after_s=7.0)
    with MavlinkVehicle(
        car, clock=clock, port=port, failures=failures, seed=1, profile=profile
    ) as vehicle:
        async with open_ardupilot(
            f"udpin://127.0.0.1:{port}", clock, silence_limit_s=silence_s
        ) as system:
            yield Craft(
                DronekitPilot(system, deadlines),
                clock,
                lambda: MavsdkLink(car.asset_id, system),
                vehicle,
                a_drive(),
                drives=True,
                autopilot=Autopilot.ARDUPILOT,
            )


DRONES: dict[str, CraftMaker] = {
    "sim": sim_craft,
    "mavsdk": mavsdk_craft,
    "dronekit": dronekit_craft,
}
CRAFTS: dict[str, CraftMaker] = {**DRONES, "car": car_craft}
ROVERS: dict[str, CraftMaker] = {"mavsdk-rover": mavsdk_rover, "dronekit-rover": dronekit_rover}
"""Cars with an autopilot: they have no sorties yet, since nobody proves a way beside the roads."""
