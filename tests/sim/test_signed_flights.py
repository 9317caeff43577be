"""Signed links on the embedded vehicle, by both drivers: nothing unsigned moves anything."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any

import pytest
from pymavlink.dialects.v20 import common as m

from core.errors import VehicleUnreachable
from missions.adapters.mavsdk_pilot import Deadlines, MavsdkPilot
from missions.proving.proof import prove
from sim.clock import ScaledClock
from sim.mavlink_ids import demand_signatures
from sim.mavlink_vehicle import MavlinkVehicle, free_udp_port
from sim.profiles import ARDU_COPTER, PX4_QUAD
from telemetry.adapters.mavsdk_system import open_system
from telemetry.adapters.wire_guard import GuardRules
from telemetry.model import VehicleMode
from tests.builders import NOW
from tests.missions.flying import a_fence, a_short_plan, asset

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
SPEED = 12.0
HOLD = m.MAVLink_command_long_message(
    1, 1, m.MAV_CMD_DO_SET_MODE, 0, 1.0, 4.0, 3.0, 0.0, 0.0, 0.0, 0.0
)


def opened(
    story: Callable[[MavlinkVehicle, Any, ScaledClock], Awaitable[None]],
    *,
    key: bytes | None = KEY,
    vehicle_key: bytes | None = KEY,
    connect_s: float = 10.0,
) -> None:
    async def run() -> None:
        clock, port = ScaledClock(NOW, SPEED), free_udp_port()
        url, rules = f"udpin://127.0.0.1:{port}", GuardRules(key=key)
        with MavlinkVehicle(
            asset(), clock=clock, port=port, seed=1, profile=PX4_QUAD, signing_key=vehicle_key
        ) as vehicle:
            async with open_system(
                url, clock, silence_limit_s=60.0, connect_s=connect_s, rules=rules
            ) as system:
                await story(vehicle, system, clock)

    asyncio.run(asyncio.wait_for(run(), 30.0))


def say(vehicle: MavlinkVehicle, key: bytes | None, message: m.MAVLink_message) -> None:
    """Sends a message as a stranger on this machine does."""
    codec = m.MAVLink(None, srcSystem=255, srcComponent=190)
    if key is not None:
        demand_signatures(codec, key, NOW)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.sendto(message.pack(codec), vehicle.address)


def test_a_signed_flight_obeys_its_own_station_alone() -> None:
    async def story(vehicle: MavlinkVehicle, system: Any, clock: ScaledClock) -> None:
        pilot = MavsdkPilot(system, Deadlines().at_speed(SPEED))
        await pilot.upload(prove(a_short_plan(), asset()), [a_fence()])
        await pilot.arm()
        await pilot.start()
        for key in (None, OTHER):
            for _ in range(5):
                say(vehicle, key, HOLD)
            heard = system.state.plan_ids_heard  # several heartbeats later
            await system.wait_for(lambda known=heard: system.state.plan_ids_heard > known + 2, 9.0)
            assert system.state.mode is VehicleMode.MISSION
        await pilot.hold()
        assert system.state.mode is VehicleMode.HOLD

    opened(story)


def test_a_vehicle_that_does_not_sign_is_not_heard_where_signatures_are_demanded() -> None:
    async def story(vehicle: MavlinkVehicle, system: Any, clock: ScaledClock) -> None:
        raise AssertionError("it was opened")

    with pytest.raises(VehicleUnreachable) as caught:
        opened(story, vehicle_key=None, connect_s=0.5)
    assert "does not sign" in caught.value.cure


@pytest.mark.slow
def test_a_vehicle_that_demands_signatures_does_not_obey_a_station_without_a_key() -> None:
    async def story(vehicle: MavlinkVehicle, system: Any, clock: ScaledClock) -> None:
        pilot = MavsdkPilot(system, Deadlines(mode_s=0.6).at_speed(SPEED))
        with pytest.raises(VehicleUnreachable):
            await pilot.upload(prove(a_short_plan(), asset()))
        assert vehicle.held().empty

    opened(story, key=None)


@pytest.mark.skipif(find_spec("dronekit") is None, reason="the extra dronekit is not installed")
def test_an_ardupilot_flies_signed_by_the_same_guard() -> None:
    from missions.adapters.dronekit_pilot import DronekitPilot
    from telemetry.adapters.dronekit_system import open_ardupilot

    async def run() -> None:
        clock, port = ScaledClock(NOW, SPEED), free_udp_port()
        with MavlinkVehicle(
            asset(), clock=clock, port=port, seed=1, profile=ARDU_COPTER, signing_key=KEY
        ) as vehicle:
            async with open_ardupilot(
                f"udpin://127.0.0.1:{port}", clock, silence_limit_s=60.0, rules=GuardRules(key=KEY)
            ) as system:
                pilot = DronekitPilot(system, Deadlines().at_speed(SPEED))
                await pilot.upload(prove(a_short_plan(), asset()))
                assert not vehicle.held().empty

    asyncio.run(asyncio.wait_for(run(), 30.0))
