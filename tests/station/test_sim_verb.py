"""`qyran sim`: our own vehicles speak at the addresses that it prints; absent ones are told of."""

import json
import socket
import threading
import time
from pathlib import Path

import pytest
from pymavlink.dialects.v20 import common as m

from core.errors import ExtraMissing
from sim.clock import ScaledClock
from sim.mavlink_vehicle import free_udp_port
from sim.profiles import PROFILES
from station.autopilots import ardupilot_vehicles, px4_vehicles
from station.cli import main
from station.embedded_fleet import embedded_vehicles
from tests.builders import NOW


def heard_at(port: int, within_s: float = 5.0) -> m.MAVLink_message | None:
    """Returns the first heartbeat that comes to a port."""
    codec = m.MAVLink(None)
    codec.robust_parsing = True
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", port))
        ear.settimeout(within_s)
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            for message in codec.parse_buffer(ear.recv(4096)) or []:
                if message.get_type() == "HEARTBEAT":
                    return message
    return None


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_kind_of_our_own_speaks_with_its_own_type(profile: str) -> None:
    port = free_udp_port()
    with embedded_vehicles(1, ScaledClock(NOW, 10.0), port, profile) as (started, _):
        (one,) = started
        assert one.address == f"udpin://127.0.0.1:{port}"
        heartbeat = heard_at(port)
    assert heartbeat is not None
    chosen = PROFILES[profile]
    assert (heartbeat.type, heartbeat.autopilot) == (chosen.mav_type, chosen.mav_autopilot)


def test_it_prints_each_address_and_ends_by_itself(capfd: pytest.CaptureFixture[str]) -> None:
    port = free_udp_port()
    words = ["sim", "embedded", "--count", "2", "--speed", "5", "--port", str(port)]
    assert main([*words, "--seconds", "0", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert [one["address"] for one in told["vehicles"]] == [
        f"udpin://127.0.0.1:{port}",
        f"udpin://127.0.0.1:{port + 1}",
    ]
    assert [one["system_id"] for one in told["vehicles"]] == [1, 2]
    left = [one.name for one in threading.enumerate() if one.name.startswith("mavlink-sim-")]
    assert not left


@pytest.mark.parametrize(("kind", "name"), [("px4", "QYRAN_PX4"), ("ardupilot", "QYRAN_ARDUPILOT")])
def test_what_is_not_there_is_said_with_what_to_install(
    kind: str, name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(name, raising=False)
    assert main(["sim", kind, "--seconds", "0"]) == ExtraMissing.exit_code
    told = capfd.readouterr().err
    assert name in told
    assert "qyran sim embedded" in told


def a_program(folder: Path, name: str, words: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{words}\n")
    path.chmod(0o755)


def test_programs_get_a_folder_of_their_own_and_are_stopped(tmp_path: Path) -> None:
    a_program(tmp_path, "bin/px4", f'echo "$PX4_HOME_LON $2" > {tmp_path}/told$2; exec sleep 600')
    (tmp_path / "etc").mkdir()
    named = {"QYRAN_PX4": str(tmp_path), "PATH": "/usr/bin:/bin"}
    with px4_vehicles(2, 1.0, rover=False, environment=named) as (started, running):
        assert [one.address for one in started] == [
            "udpin://127.0.0.1:14540",
            "udpin://127.0.0.1:14541",
        ]
        assert all(one.poll() is None for one in running)
    assert all(one.poll() is not None for one in running)


def test_one_that_ends_by_itself_shows(tmp_path: Path) -> None:
    a_program(tmp_path, "ardurover", "exit 3")
    named = {"QYRAN_ARDUPILOT": str(tmp_path), "PATH": "/usr/bin:/bin"}
    with ardupilot_vehicles(1, 1.0, 14_550, rover=True, environment=named) as (started, running):
        assert started[0].address == "udpin://127.0.0.1:14550"
        assert running[0].wait(10) == 3
