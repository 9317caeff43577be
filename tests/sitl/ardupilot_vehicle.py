"""A real ArduPilot in simulation, started from a folder that `QYRAN_ARDUPILOT` names.

Its sockets are open to the network, so the tests want a network of their own:
`unshare -rn bash -c 'ip link set lo up; pytest -m sitl'`.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sim.mavlink_vehicle import free_udp_port
from tests.builders import AT

_MEMORY = Path("/dev/shm")
_PROGRAMS = {"copter": ("arducopter", "quad"), "rover": ("ardurover", "rover")}


def installed(kind: str) -> Path:
    """Returns the folder of ArduPilot, or skips the test with the reason."""
    folder = Path(os.environ.get("QYRAN_ARDUPILOT", "unset"))
    if not (folder / _PROGRAMS[kind][0]).is_file():
        pytest.skip(f"no ArduPilot: QYRAN_ARDUPILOT is {folder}, no {_PROGRAMS[kind][0]} in it")
    return folder


@contextmanager
def flying_ardupilot(
    kind: str = "copter", *, speed: float = 5.0, parameters: Mapping[str, float] | None = None
) -> Iterator[str]:
    """Starts ArduPilot at the place of the tests and yields the address to listen at."""
    folder = installed(kind)
    program, model = _PROGRAMS[kind]
    port = free_udp_port()
    with TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as room:
        extra = Path(room) / "extra.parm"
        extra.write_text("".join(f"{n} {v:g}\n" for n, v in (parameters or {}).items()))
        with (Path(room) / "console.log").open("wb") as console:
            process = subprocess.Popen(
                [
                    folder / program, "--model", model,
                    "--home", f"{AT.lat_deg},{AT.lon_deg},350,0", "--speedup", f"{speed:g}",
                    "--instance", "0", "--defaults", f"{folder / kind}.parm,{extra}",
                    "--sysid", "11", "--serial0", f"udpclient:127.0.0.1:{port}",
                ],
                cwd=room, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                yield f"udpin://127.0.0.1:{port}"
            finally:
                process.kill()
                process.wait(10)
                keep = os.environ.get("QYRAN_SITL_LOGS")
                if keep:
                    shutil.copy(Path(room) / "console.log", keep)
