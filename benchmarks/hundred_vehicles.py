"""100 vehicles in one process: four messages of each at 10 Hz by UDP, heard to the subscriber.

    python benchmarks/hundred_vehicles.py [--vehicles 100] [--seconds 20]

Another process sends ATTITUDE, GLOBAL_POSITION_INT, SYS_STATUS and GPS_RAW_INT of each vehicle,
each as a datagram of its own. Here `FleetListener` hears them, and one subscriber for each vehicle
takes its samples. Beside it, in the same run: pymavlink's bare decode loop over the same datagrams,
which keeps nothing. Goals: under half a core, p99 from packet to subscriber under 100 ms. Times are
process time of one core; the sender's own are not counted.
"""

import argparse
import asyncio
import gc
import socket
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from pymavlink.dialects.v20 import common as m

from core.clock import SystemClock
from core.ids import AssetId
from telemetry.adapters.fleet_listener import FleetListener
from telemetry.mavlink_frames import FrameReader
from telemetry.model import VehicleMode

_HZ, _KINDS = 10, 4


def words(codec: Any, boot_ms: int, number: int) -> list[bytes]:
    """Returns the four messages of a vehicle at one instant."""
    lat, lon = 509_000_000 + 100 * number, 713_000_000 + (boot_ms % 100_000)
    messages = [
        m.MAVLink_attitude_message(boot_ms, 0.01, 0.02, 0.5, 0.0, 0.0, 0.0),
        m.MAVLink_global_position_int_message(
            boot_ms, lat, lon, 400_000, 60_000, 800, 10, -5, 9_000
        ),
        m.MAVLink_sys_status_message(1, 1, 1, 250, 15_800, 900, 81, 0, 0, 0, 0, 0, 0),
        m.MAVLink_gps_raw_int_message(
            1000 * boot_ms, 3, lat, lon, 400_000, 80, 90, 800, 9_000, 14, 400_000, 800, 1200
        ),
    ]
    return [bytes(one.pack(codec)) for one in messages]


def send(port: int, vehicles: int, seconds: float) -> None:
    """Sends in a process of its own, paced; each vehicle first tells the time of day."""
    mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    codecs = [m.MAVLink(None, srcSystem=n + 1, srcComponent=1) for n in range(vehicles)]
    began = time.time() - 1.0

    def boot_ms() -> int:
        return int(1000 * (time.time() - began))

    for codec in codecs:
        now_ms = boot_ms()
        told = m.MAVLink_system_time_message(int(1e6 * began) + 1000 * now_ms, now_ms)
        mouth.sendto(bytes(told.pack(codec)), ("127.0.0.1", port))
    start = time.monotonic() + 0.1
    for turn in range(int(seconds * _HZ)):
        for n, codec in enumerate(codecs):
            due = start + (turn + n / vehicles) / _HZ
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            for data in words(codec, boot_ms(), n):
                mouth.sendto(data, ("127.0.0.1", port))


async def hear(vehicles: int, seconds: float) -> tuple[float, list[float], FleetListener]:
    """Returns the share of a core, the latency of each sample in ms, and who heard them."""
    assets = {n + 1: AssetId(f"d{n:03d}") for n in range(vehicles)}
    listener = FleetListener(assets, SystemClock(), lambda fields: VehicleMode.MISSION)
    latencies: list[float] = []

    async def follow(asset_id: AssetId) -> None:
        async for sample in listener.link(asset_id).samples():
            latencies.append(1000 * (time.time() - sample.at.timestamp()))

    port = listener.open()
    tasks = [asyncio.create_task(follow(one)) for one in assets.values()]
    order = [__file__, "--send", str(port), "--vehicles", str(vehicles), "--seconds", str(seconds)]
    gc.collect()
    sender = await asyncio.create_subprocess_exec(sys.executable, *order)
    spent = time.process_time()
    await sender.wait()
    await asyncio.sleep(0.2)
    share = (time.process_time() - spent) / seconds
    await listener.close()
    await asyncio.gather(*tasks)
    return share, latencies, listener


def bare(vehicles: int, seconds: float = 5.0) -> tuple[float, float]:
    """Returns the shares of a core of pymavlink's decode loop and of our reader alone."""
    codecs = [m.MAVLink(None, srcSystem=n + 1, srcComponent=1) for n in range(vehicles)]
    data = [
        one
        for turn in range(int(seconds * _HZ))
        for n, codec in enumerate(codecs)
        for one in words(codec, 100 * turn, n)
    ]
    decoder = m.MAVLink(None)
    decoder.robust_parsing = True
    began = time.process_time()
    for one in data:
        decoder.parse_buffer(one)
    theirs = time.process_time() - began
    reader = FrameReader()
    began = time.process_time()
    heard = sum(1 for one in data for _ in reader.frames(one))
    ours = time.process_time() - began
    assert heard == len(data)
    return theirs / seconds, ours / seconds


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--send", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.send is not None:
        send(given.send, given.vehicles, given.seconds)
        return
    rate = _HZ * _KINDS * given.vehicles
    theirs, ours = bare(given.vehicles)
    print(f"{given.vehicles} vehicles, {rate} messages/s")
    print(f"pymavlink's bare decode loop: {theirs:.2f} of a core")
    print(f"our reader alone:             {ours:.2f} of a core")
    share, latencies, listener = asyncio.run(hear(given.vehicles, given.seconds))
    wanted = int(given.seconds * _HZ) * given.vehicles
    quantiles = np.quantile(latencies, [0.5, 0.99, 1.0])
    print(f"UDP to subscriber:            {share:.2f} of a core")
    print(f"packet to subscriber: p50 {quantiles[0]:.0f}, p99 {quantiles[1]:.0f}, "
          f"most {quantiles[2]:.0f} ms")  # fmt: skip
    print(f"samples {len(latencies)} of {wanted}, damaged {listener.reader.damaged}")


if __name__ == "__main__":
    main()
