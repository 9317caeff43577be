"""How fast a fleet of our own simulated vehicles runs in one process, MAVLink included.

    python benchmarks/embedded_fleet.py [--vehicles 20] [--speed 10] [--seconds 20]

Each vehicle hovers at the end of a short take-off and sends all its streams to a port of this
machine, where one thread takes them in. What is printed is the simulated time of the slowest
vehicle over the real time: the factor that was reached. Goal: 20 vehicles at 10 on two cores.
"""

import argparse
import contextlib
import select
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.clock import SystemClock
from sim.clock import ScaledClock
from sim.mavlink_vehicle import free_udp_port
from station.embedded_fleet import embedded_vehicles


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, default=20)
    parser.add_argument("--speed", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    first, ears, heard, stop = _ears(given.vehicles)
    listening = threading.Thread(target=_listen, args=(ears, heard, stop))
    listening.start()
    clock = ScaledClock(SystemClock().now(), given.speed)
    with embedded_vehicles(given.vehicles, clock, first, "px4_quad") as (_, vehicles):
        time.sleep(2.0)  # they boot
        began_s, used_s = time.monotonic(), time.process_time()
        before = [vehicle.simulated_now() for vehicle in vehicles]
        packets = heard[0]
        time.sleep(given.seconds)
        after = [vehicle.simulated_now() for vehicle in vehicles]
        real_s, used_s = time.monotonic() - began_s, time.process_time() - used_s
        packets = heard[0] - packets
    stop.set()
    listening.join()
    ran = [(b - a).total_seconds() / real_s for a, b in zip(before, after, strict=True)]
    print(
        f"{given.vehicles} vehicles at {given.speed:g} wanted: the slowest ran at {min(ran):.2f},"
        f" the quickest at {max(ran):.2f}; {packets / real_s:.0f} packets/s heard,"
        f" {used_s / real_s:.2f} of a core"
    )


def _ears(count: int) -> tuple[int, list[socket.socket], list[int], threading.Event]:
    """Returns the first of so many ports in a row that are free, and a socket on each."""
    while True:
        first = free_udp_port()
        ears: list[socket.socket] = []
        with contextlib.suppress(OSError, OverflowError):
            for number in range(count):
                ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                ears.append(ear)
                ear.bind(("127.0.0.1", first + number))
            return first, ears, [0], threading.Event()
        for ear in ears:
            ear.close()


def _listen(ears: list[socket.socket], heard: list[int], stop: threading.Event) -> None:
    while not stop.is_set():
        for ear in select.select(ears, [], [], 0.1)[0]:
            ear.recv(4096)
            heard[0] += 1
    for ear in ears:
        ear.close()


if __name__ == "__main__":
    main()
