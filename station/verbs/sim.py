"""`qyran sim`: simulated vehicles to be flown, our own or real autopilots that are at hand."""

import os
import subprocess
import time
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from core.clock import SystemClock
from sim.clock import ScaledClock
from station.autopilots import Started, ardupilot_vehicles, px4_vehicles
from station.command import Run, verb
from station.embedded_fleet import embedded_vehicles

_LOOK_S = 0.2
_PORTS = {"px4": 14_540, "ardupilot": 14_550, "embedded": 14_540}


@verb
def run(
    call: Run,
    kind: Annotated[
        Literal["px4", "ardupilot", "embedded"], typer.Argument(help="Whose vehicles.")
    ],
    count: Annotated[int, typer.Option(help="How many.", min=1, max=50)] = 1,
    speed: Annotated[
        float, typer.Option(help="Simulated seconds per second.", min=0.1, max=20.0)
    ] = 1.0,
    rover: Annotated[bool, typer.Option("--rover", help="Rovers instead of multicopters.")] = False,
    profile: Annotated[
        Literal["px4", "ardupilot"], typer.Option(help="Whose ways embedded vehicles have.")
    ] = "px4",
    port: Annotated[
        int | None, typer.Option(help="First UDP port of this machine.", min=1024, max=65_535)
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="End by itself after so long.", min=0.0)
    ] = None,
) -> int:
    """Start simulated vehicles and say where they are; Ctrl-C stops them."""
    first_port = port or _PORTS[kind]
    until_s = None if seconds is None else time.monotonic() + seconds
    if kind == "embedded":
        clock = ScaledClock(SystemClock().now(), speed)
        name = {
            ("px4", False): "px4_quad",
            ("px4", True): "px4_rover",
            ("ardupilot", False): "ardu_copter",
            ("ardupilot", True): "ardu_rover",
        }[profile, rover]
        with embedded_vehicles(count, clock, first_port, name) as (started, _):
            _tell(call, kind, speed, started)
            return _wait(call, until_s, ())
    if kind == "px4":
        with px4_vehicles(count, speed, rover=rover, environment=os.environ) as (found, running):
            call.note("PX4's sockets are open to the network: run it where nobody else reaches it")
            _tell(call, kind, speed, found)
            return _wait(call, until_s, running)
    with ardupilot_vehicles(count, speed, first_port, rover=rover, environment=os.environ) as (
        found,
        running,
    ):
        call.note("ArduPilot's sockets are open to the network: run it where nobody reaches it")
        _tell(call, kind, speed, found)
        return _wait(call, until_s, running)


def _tell(call: Run, kind: str, speed: float, started: Sequence[Started]) -> None:
    listed = [
        {
            "number": one.number, "vehicle": one.vehicle, "address": one.address,
            "system_id": one.system_id,
        }
        for one in started
    ]  # fmt: skip
    lines = [
        f"{one.vehicle} {one.number}: {one.address} (system {one.system_id})" for one in started
    ]
    call.emit({"kind": kind, "speed": speed, "vehicles": listed}, "\n".join(lines))


def _wait(call: Run, until_s: float | None, running: Sequence[subprocess.Popen[bytes]]) -> int:
    """Returns once the time is over (0), or an autopilot has ended by itself (1)."""
    while until_s is None or time.monotonic() < until_s:
        ended = [number for number, one in enumerate(running) if one.poll() is not None]
        if ended:
            call.note(f"vehicle {ended[0]} has ended by itself")
            return 1
        time.sleep(_LOOK_S)
    return 0
