"""Many vehicles on one port, heard through the sockets that are used in life."""

import asyncio
import socket
from datetime import timedelta
from typing import Any

import pytest
from pymavlink.dialects.v20 import common as m

from core.errors import LinkLost, PortInUse
from core.ids import AssetId
from sim.clock import ManualClock
from telemetry.adapters.fleet_listener import FleetListener
from telemetry.model import TelemetrySample, VehicleMode
from tests.builders import NOW

ASSETS = {1: AssetId("drone-1"), 2: AssetId("drone-2")}


def codec(system: int) -> Any:
    return m.MAVLink(None, srcSystem=system, srcComponent=1)


def a_position(system: int, boot_ms: int, lat: int = 509_000_000) -> bytes:
    message = m.MAVLink_global_position_int_message(
        boot_ms, lat, 713_000_000, 400_000, 60_000, 300, 400, -50, 9000
    )
    return bytes(message.pack(codec(system)))


def listener_of(clock: ManualClock) -> FleetListener:
    return FleetListener(ASSETS, clock, lambda fields: VehicleMode.MISSION, silence_limit_s=5.0)


def test_each_vehicle_is_heard_by_its_own_link_and_strangers_are_counted() -> None:
    async def story() -> None:
        listener = listener_of(ManualClock(NOW))
        port = listener.open()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            whole = a_position(1, 1000) + a_position(1, 1100)
            for data in (b"\xfdno", a_position(9, 1000), whole, a_position(2, 1000, 510_000_000)):
                mouth.sendto(data, ("127.0.0.1", port))
        links = [listener.link(asset_id).samples() for asset_id in ASSETS.values()]
        one = [await anext(links[0]), await anext(links[0])]
        other = await anext(links[1])
        assert [(s.asset_id, s.east_m_s, s.down_m_s) for s in one] == [("drone-1", 4.0, -0.5)] * 2
        assert (one[1].at - one[0].at).total_seconds() == pytest.approx(0.1)
        assert other.position is not None
        assert other.position.lat_deg == 51.0
        with pytest.raises(PortInUse):
            listener_of(ManualClock(NOW)).open(port=port)
        await listener.close()
        await listener.close()
        assert [sample async for sample in links[0]] == []
        assert listener.strangers == 1
        assert listener.reader.noise_bytes == 3

    asyncio.run(asyncio.wait_for(story(), 10.0))


def test_a_vehicle_that_falls_silent_is_lost_and_the_others_are_not() -> None:
    async def story() -> None:
        clock = ManualClock(NOW)
        listener = listener_of(clock)
        listener.open()
        heard: list[TelemetrySample] = []

        async def speak() -> None:
            for second in range(1, 12):
                listener.take(a_position(2, 1000 * second))
                await clock.sleep_until(clock.now() + timedelta(seconds=1))

        async def follow() -> None:
            async for sample in listener.link(ASSETS[2]).samples():
                heard.append(sample)

        async with clock.running():
            following = asyncio.create_task(follow())
            speaking = asyncio.create_task(speak())
            with pytest.raises(LinkLost):
                await anext(listener.link(ASSETS[1]).samples())
            await speaking
            await listener.close()
            await following
        assert len(heard) == 11

    asyncio.run(asyncio.wait_for(story(), 10.0))


@pytest.mark.parametrize("field", ["lat", "time_boot_ms", "time_unix_usec"])
def test_a_hostile_number_costs_its_own_word_alone(field: str) -> None:
    async def story() -> None:
        listener = listener_of(ManualClock(NOW))
        if field == "time_unix_usec":
            message = m.MAVLink_system_time_message(2**64 - 1, 1000)
            listener.take(bytes(message.pack(codec(1))))
        else:
            bad = {"lat": (1000, 2**31 - 1), "time_boot_ms": (2**32 - 1, 509_000_000)}[field]
            listener.take(a_position(2, *bad))
        listener.take(a_position(1, 2000))
        samples = listener.link(ASSETS[1]).samples()
        assert (await anext(samples)).asset_id == "drone-1"
        await listener.close()

    asyncio.run(asyncio.wait_for(story(), 10.0))
