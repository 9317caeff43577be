"""Starts real autopilots in simulation, from folders that the environment names.

Nothing of an autopilot is part of Qyran. Each one gets a working folder of its own, since its
parameters and missions stay in it, and its console is kept there for as long as it runs.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from core.errors import ExtraMissing

_MEMORY = Path("/dev/shm")
"""PX4 syncs each mission item to disk within a second: a folder in memory keeps that quick."""
_PX4_API_PORT, _PX4_MOST = 14_540, 10
"""PX4's start script knows so many ports for APIs."""
_STOP_S = 5.0
_HOME = (50.9754, 71.3549, 350.0)
_APART_DEG = 0.0005


@dataclass(frozen=True, slots=True)
class Started:
    """A simulated vehicle that runs."""

    number: int
    vehicle: str
    address: str
    """To listen at, as an asset's address."""
    system_id: int


def px4_folder(environment: Mapping[str, str]) -> Path:
    """Returns the folder with PX4.

    Raises:
        ExtraMissing: if none is named, or it does not hold PX4.
    """
    folder = Path(environment.get("QYRAN_PX4") or "unset")
    if not (folder / "bin" / "px4").is_file() or not (folder / "etc").is_dir():
        raise ExtraMissing(
            "there is no PX4: QYRAN_PX4 names no folder with bin/px4 and etc",
            where="QYRAN_PX4",
            cure="build PX4 1.17 or later for simulation (SIH) by its makers' guide, set QYRAN_PX4"
            " to the folder with bin/px4 and etc, or use qyran sim embedded",
        )
    return folder


def ardupilot_folder(environment: Mapping[str, str], program: str) -> Path:
    """Returns the folder with an ArduPilot program.

    Raises:
        ExtraMissing: if none is named, or it does not hold that program.
    """
    folder = Path(environment.get("QYRAN_ARDUPILOT") or "unset")
    if not (folder / program).is_file():
        raise ExtraMissing(
            f"there is no ArduPilot: QYRAN_ARDUPILOT names no folder with {program}",
            where="QYRAN_ARDUPILOT",
            cure="build ArduPilot 4.6 or later for SITL by its makers' guide, set QYRAN_ARDUPILOT"
            f" to the folder with {program} and its .parm file, or use qyran sim embedded",
        )
    return folder


def homes(count: int) -> tuple[tuple[float, float, float], ...]:
    """Returns homes some tens of metres apart: latitude, longitude, height above sea level."""
    lat, lon, amsl_m = _HOME
    return tuple((lat, lon + number * _APART_DEG, amsl_m) for number in range(count))


@contextmanager
def px4_vehicles(
    count: int, speed: float, *, rover: bool, environment: Mapping[str, str]
) -> Iterator[tuple[tuple[Started, ...], tuple[subprocess.Popen[bytes], ...]]]:
    """Starts PX4 as often as wanted and yields what runs; all are stopped at the end.

    Raises:
        ExtraMissing: if there is no PX4.
    """
    folder = px4_folder(environment)
    model = "sihsim_rover_ackermann" if rover else "sihsim_quadx"
    with _Processes() as processes:
        started = []
        for number, (lat, lon, amsl_m) in enumerate(homes(count)):
            settings = {
                "PX4_SIM_MODEL": model,
                "PX4_HOME_LAT": str(lat),
                "PX4_HOME_LON": str(lon),
                "PX4_HOME_ALT": str(amsl_m),
                **({} if speed == 1.0 else {"PX4_SIM_SPEED_FACTOR": f"{speed:g}"}),
            }
            processes.start(
                [str(folder / "bin" / "px4"), "-i", str(number), "-d", str(folder / "etc")],
                {**environment, **settings},
            )
            address = f"udpin://127.0.0.1:{_PX4_API_PORT + min(number, _PX4_MOST - 1)}"
            started.append(Started(number, model, address, number + 1))
        yield tuple(started), tuple(processes.running)


@contextmanager
def ardupilot_vehicles(
    count: int, speed: float, first_port: int, *, rover: bool, environment: Mapping[str, str]
) -> Iterator[tuple[tuple[Started, ...], tuple[subprocess.Popen[bytes], ...]]]:
    """Starts ArduPilot as often as wanted and yields what runs; all are stopped at the end.

    Raises:
        ExtraMissing: if there is no such ArduPilot.
    """
    program, model, kind = ("arducopter", "quad", "copter")
    if rover:
        program, model, kind = ("ardurover", "rover", "rover")
    folder = ardupilot_folder(environment, program)
    with _Processes() as processes:
        started = []
        for number, (lat, lon, amsl_m) in enumerate(homes(count)):
            port, system_id = first_port + number, 11 + number
            processes.start(
                [
                    str(folder / program), "--model", model, "--home", f"{lat},{lon},{amsl_m},0",
                    "--speedup", f"{speed:g}", "--instance", str(number),
                    "--defaults", str(folder / f"{kind}.parm"), "--sysid", str(system_id),
                    "--serial0", f"udpclient:127.0.0.1:{port}",
                ],
                environment,
            )  # fmt: skip
            started.append(Started(number, program, f"udpin://127.0.0.1:{port}", system_id))
        yield tuple(started), tuple(processes.running)


class _Processes:
    """Programs that are stopped together, each in a folder that is gone afterwards."""

    def __init__(self) -> None:
        self.running: list[subprocess.Popen[bytes]] = []
        self._rooms: list[TemporaryDirectory[str]] = []
        self._consoles: list[IO[bytes]] = []

    def __enter__(self) -> "_Processes":
        """Has started nothing yet."""
        return self

    def start(self, words: list[str], environment: Mapping[str, str]) -> None:
        """Starts one program."""
        parent = _MEMORY if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) else None
        room = TemporaryDirectory(prefix="qyran-sim-", dir=parent)
        self._rooms.append(room)
        console = (Path(room.name) / "console.log").open("wb")
        self._consoles.append(console)
        self.running.append(
            subprocess.Popen(
                words, cwd=room.name, env=dict(environment), stdin=subprocess.DEVNULL,
                stdout=console, stderr=subprocess.STDOUT, start_new_session=True,
            )
        )  # fmt: skip

    def __exit__(self, *exc_info: object) -> None:
        """Stops all, those that do not listen by force."""
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for console in self._consoles:
            console.close()
        for room in self._rooms:
            room.cleanup()
