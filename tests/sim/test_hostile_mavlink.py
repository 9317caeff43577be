"""A slice of `benchmarks/fuzz_mavlink.py`, and what it has found."""

import asyncio
import math
from typing import Any

import pytest

from benchmarks.fuzz_mavlink import Found, at_the_ground, at_the_vehicle
from sim.clock import ManualClock
from telemetry.adapters.heard_system import HeardSystem
from telemetry.adapters.mavsdk_system import px4_mode
from tests.builders import NOW

FRAMES = 600


def a_system() -> HeardSystem:
    return HeardSystem("udp", ManualClock(NOW), 5.0, lambda f: px4_mode(int(f["custom_mode"])))


def test_hostile_frames_crash_and_pass_nothing_at_the_ground() -> None:
    found = Found()
    asyncio.run(at_the_ground(FRAMES, 7, found))
    assert found.crashes == []
    assert found.passed == 0
    assert {"unsigned", "wrong_key", "replayed", "broken", "unknown", "garbage"} <= {*found.dropped}


def test_hostile_frames_move_no_vehicle() -> None:
    found = Found()
    at_the_vehicle(FRAMES, 7, found)
    assert found.crashes == []
    assert found.moved == []


def test_the_fuzzing_sees_a_vehicle_that_heeds_anybody() -> None:
    found = Found()
    at_the_vehicle(FRAMES, 7, found, signed=False)
    assert "it is armed" in found.moved


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("SYSTEM_TIME", {"time_unix_usec": 2**64 - 1, "time_boot_ms": 0}),
        ("SYSTEM_TIME", {"time_unix_usec": 1}),
        ("HEARTBEAT", {}),
        ("HEARTBEAT", {"custom_mode": None, "base_mode": 0}),
        ("SYS_STATUS", {"battery_remaining": math.nan}),
        ("MISSION_CURRENT", {"seq": "x"}),
        ("STATUSTEXT", {"text": [300]}),
    ],
)
def test_a_message_without_sense_changes_nothing(name: str, fields: dict[str, Any]) -> None:
    system = a_system()
    before = repr(system.state)
    system.hear(name, fields)
    assert system.state.boot_at is None
    assert repr(system.state) == before
