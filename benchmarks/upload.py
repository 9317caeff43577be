"""Uploads a long mission to the embedded vehicle, reads it back and compares, by both drivers.

    python -m benchmarks.upload --items 500 --times 5

Printed are seconds: of an upload as a pilot makes it (what is there is read first, fence and rally
points go along, all is read back), and of its parts, sending and reading the mission alone.
"""

import argparse
import asyncio
import json
import math
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

from benchmarks.chaotic_uploads import a_drone, alike, wanted
from benchmarks.flown_scenes import FRAME, HOME, START
from core.ids import MissionId
from geo.positions import Altitude, Datum, Position
from missions.adapters.mavlink_codec import MISSION
from missions.adapters.mavsdk_pilot import Deadlines, MavsdkPilot
from missions.model import Asset, Autopilot, ItemKind, Mission, MissionItem, Plan
from missions.proving.proof import prove
from sim.clock import ScaledClock
from sim.mavlink_vehicle import MavlinkVehicle, free_udp_port
from sim.profiles import ARDU_COPTER, PX4_QUAD
from telemetry.adapters.mavsdk_system import open_system

GOAL_S = 0.5
_UP_M = 30.0
_RING_M = 80.0


def a_long_plan(asset: Asset, items: int) -> Plan:
    """Returns a plan of about so many items: a spiral, inside 100 m."""

    def at(number: int) -> Position:
        turn, radius_m = 0.35 * number, _RING_M * (0.3 + 0.7 * number / items)
        place = radius_m * math.cos(turn), radius_m * math.sin(turn)
        return Position(*FRAME.to_geo1_deg(*place), Altitude(_UP_M, Datum.HOME))

    over_home = Position(HOME.lat_deg, HOME.lon_deg, Altitude(_UP_M, Datum.HOME))
    steps = [MissionItem(ItemKind.TAKEOFF, over_home, speed_m_s=8.0)]
    steps += [MissionItem(ItemKind.WAYPOINT, at(number)) for number in range(items - 3)]
    steps.append(MissionItem(ItemKind.RETURN))
    return Plan(
        Mission(MissionId("mission-long"), tuple(steps)), asset.asset_id, HOME, 8.0, (), (),
        return_altitude=Altitude(_UP_M, Datum.HOME), expected_s=900.0,
    )  # fmt: skip


@asynccontextmanager
async def _pilot(autopilot: Autopilot, port: int, clock: ScaledClock) -> AsyncIterator[Any]:
    url = f"udpin://127.0.0.1:{port}"
    if autopilot is Autopilot.PX4:
        async with open_system(url, clock) as system:
            yield MavsdkPilot(system, Deadlines(fence_text_s=0.0))
        return
    from missions.adapters.dronekit_pilot import DronekitPilot
    from telemetry.adapters.dronekit_system import open_ardupilot

    async with open_ardupilot(url, clock) as vehicle:
        yield DronekitPilot(vehicle, Deadlines(fence_text_s=0.0))


async def measured(autopilot: Autopilot, items: int, times: int) -> dict[str, Any]:
    """Returns the medians for one driver."""
    asset, clock, port = a_drone(autopilot), ScaledClock(START, 1.0), free_udp_port()
    profile = PX4_QUAD if autopilot is Autopilot.PX4 else ARDU_COPTER
    proven = prove(a_long_plan(asset, items), asset)
    whole, sending, reading = [], [], []
    with MavlinkVehicle(asset, clock=clock, port=port, profile=profile) as vehicle:
        async with _pilot(autopilot, port, clock) as pilot:
            for _ in range(times):
                began = time.perf_counter()
                await pilot.upload(proven)
                whole.append(time.perf_counter() - began)
                if not alike(vehicle.held(), wanted(proven.plan, ())):
                    raise SystemExit(f"{autopilot}: the vehicle holds something else")
                wire = pilot._transfers._wire
                held = await wire.fetch(MISSION)
                again = wire.as_sent(held, MISSION)
                began = time.perf_counter()
                await wire.send(again, MISSION)
                sending.append(time.perf_counter() - began)
                began = time.perf_counter()
                await wire.fetch(MISSION)
                reading.append(time.perf_counter() - began)
    both = statistics.median(a + b for a, b in zip(sending, reading, strict=True))
    return {
        "items": len(held.items), "whole_upload_s": round(statistics.median(whole), 3),
        "send_s": round(statistics.median(sending), 3),
        "read_back_s": round(statistics.median(reading), 3),
        "send_and_read_back_s": round(both, 3), "within_goal": both <= GOAL_S,
    }  # fmt: skip


def main() -> None:
    """Runs the benchmark and prints its figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--times", type=int, default=5)
    args = parser.parse_args()
    kinds = [Autopilot.PX4]
    if find_spec("dronekit") is not None:
        kinds.append(Autopilot.ARDUPILOT)
    figures = {str(kind): asyncio.run(measured(kind, args.items, args.times)) for kind in kinds}
    sys.stdout.write(json.dumps({"goal_s": GOAL_S, **figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
