"""A real PX4 in simulation, started from a folder that `QYRAN_PX4` names.

Its sockets are open to the network, so the tests want a network of their own, and PX4 keeps a lock
in `/tmp`: `unshare -rnm bash -c 'ip link set lo up; mount -t tmpfs none /tmp; pytest -m sitl'`. It
syncs each mission item to disk within a second of real time, so it works in a folder in memory.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.builders import AT

_MEMORY = Path("/dev/shm")
API_PORT = 14_540


def installed() -> Path:
    """Returns the folder of PX4, or skips the test with the reason."""
    folder = Path(os.environ.get("QYRAN_PX4", "unset"))
    if not (folder / "bin" / "px4").is_file():
        pytest.skip(f"no PX4: QYRAN_PX4 is {folder}, which has no bin/px4")
    return folder


@contextmanager
def flying_px4(
    model: str = "sihsim_quadx", *, instance: int = 0, speed: float = 1.0, **parameters: float
) -> Iterator[str]:
    """Starts PX4 at the place of the tests and yields the address to listen at."""
    folder = installed()
    with TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as room:
        settings = {
            "PX4_SIM_MODEL": model,
            "PX4_HOME_LAT": str(AT.lat_deg),
            "PX4_HOME_LON": str(AT.lon_deg),
            "PX4_HOME_ALT": "350",
            "PX4_PARAM_SDLOG_BACKEND": "0",
            **({} if speed == 1.0 else {"PX4_SIM_SPEED_FACTOR": f"{speed:g}"}),
            **{f"PX4_PARAM_{name}": f"{value:g}" for name, value in parameters.items()},
        }
        with (Path(room) / "console.log").open("wb") as console:
            process = subprocess.Popen(
                [folder / "bin" / "px4", "-i", str(instance), "-d", folder / "etc"],
                cwd=room, env={**os.environ, **settings}, stdin=subprocess.DEVNULL,
                stdout=console, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                yield f"udpin://127.0.0.1:{API_PORT + instance}"
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
                keep = os.environ.get("QYRAN_SITL_LOGS")
                if keep:
                    shutil.copy(Path(room) / "console.log", keep)
