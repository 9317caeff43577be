"""A slice of `benchmarks/chaotic_uploads.py`: over a bad link nothing false is said."""

import asyncio
import socket
from importlib.util import find_spec

import pytest

from benchmarks.chaotic_uploads import BAD, Tally, uploads
from missions.model import Autopilot
from sim.lossy_wire import Badness, LossyWire
from sim.mavlink_vehicle import free_udp_port

MILD = Badness(lost=0.05, doubled=0.05, late=0.1, late_most_s=0.01)
DEADLINE_S = 60.0
needs_dronekit = pytest.mark.skipif(
    find_spec("dronekit") is None, reason="the extra dronekit is not installed"
)
BOTH = [Autopilot.PX4, pytest.param(Autopilot.ARDUPILOT, marks=needs_dronekit)]


def tried(autopilot: Autopilot, count: int, badness: Badness, *, liars: bool = False) -> Tally:
    job = uploads(autopilot, count, seed=3, badness=badness, liars=liars)
    tally = asyncio.run(asyncio.wait_for(job, DEADLINE_S * count))
    assert not tally.unopened
    assert tally.uploads == count
    return tally


@pytest.mark.parametrize(
    "autopilot",
    [Autopilot.PX4, pytest.param(Autopilot.ARDUPILOT, marks=[needs_dronekit, pytest.mark.slow])],
)
def test_nothing_false_is_said_over_a_poor_link(autopilot: Autopilot) -> None:
    tally = tried(autopilot, 3, MILD)
    assert tally.honest
    assert tally.good + sum(tally.failed.values()) == 3
    assert tally.packets["lost"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("autopilot", BOTH)
def test_nothing_false_is_said_over_a_very_bad_link(autopilot: Autopilot) -> None:
    tally = tried(autopilot, 6, BAD)
    assert tally.honest


@pytest.mark.slow
@pytest.mark.parametrize("autopilot", BOTH)
def test_the_count_sees_a_vehicle_that_flies_another_plan(autopilot: Autopilot) -> None:
    tally = tried(autopilot, 2, Badness(), liars=True)
    assert len(tally.false_good) == 2
    assert not tally.honest


def test_a_bad_wire_treats_the_same_packets_alike() -> None:
    def passed(seed: int) -> list[bytes]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ground:
            ground.bind(("127.0.0.1", free_udp_port()))
            ground.settimeout(0.2)
            bad = Badness(lost=0.3, doubled=0.2)
            with LossyWire(ground.getsockname()[1], bad, seed) as wire:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as vehicle:
                    for number in range(100):
                        vehicle.sendto(bytes([number]), ("127.0.0.1", wire.port))
                    came = []
                    try:
                        while True:
                            came.append(ground.recv(16))
                    except TimeoutError:
                        return came

    first = passed(1)
    assert first == passed(1)
    assert 55 <= len(set(first)) <= 85
    assert len(first) > len(set(first))
    assert first != passed(2)
