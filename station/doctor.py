"""What this installation has, what it lacks, what that would give and how to get it."""

import importlib.metadata
import importlib.resources
import os
import platform
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from station.settings import Settings

PAGE = Path(__file__).parent / "page" / "index.html"
_EXTRAS = {
    "ultralytics": "weights in ultralytics' own format (AGPL-3.0; with torch, several GB)",
    "openvino": "OpenVINO, for measuring it against ONNX Runtime",
    "dronekit": "ArduPilot vehicles by DroneKit",
    "postgres": "PostgreSQL instead of SQLite",
    "nats": "events over NATS",
    "train": "training the network anew (with torch, several GB)",
    "airspace": "bans from NOTAM texts and AIXM",
    "roads": "road networks from OpenStreetMap extracts",
}
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


class State(StrEnum):
    """How a thing stands."""

    OK = "ok"
    MISSING = "missing"
    """Not there; the rest works without it."""
    FAULT = "fault"
    """Needed, and not there or not in order."""


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that was looked at."""

    name: str
    state: State
    detail: str
    gives: str = ""
    """What it is good for."""
    cure: str = ""
    """How to get it; empty where all is well."""


def examine(settings: Settings) -> tuple[Report, ...]:
    """Looks at everything; changes nothing and asks no other machine."""
    return tuple(_examined(settings))


def _examined(settings: Settings) -> Iterator[Report]:
    yield _python()
    yield from _packages()
    yield _weights(settings.detector.weights)
    yield _page()
    yield _home(settings.home)
    yield _disk(settings.home, settings.store.free_least_mb)
    yield _port(settings.server.host, settings.server.port)
    yield _program("chromium", _CHROMIUMS, "", "the tests of the page", "apt-get install chromium")
    yield _program("px4", ("px4",), "QYRAN_PX4", "tests against PX4's own simulator (-m sitl)",
                   "set QYRAN_PX4 to the folder of a built PX4 SITL")  # fmt: skip
    yield _program("ardupilot", ("arducopter",), "QYRAN_ARDUPILOT",
                   "tests against ArduPilot's own simulator (-m sitl)",
                   "set QYRAN_ARDUPILOT to a built arducopter")  # fmt: skip


def _python() -> Report:
    version = platform.python_version()
    good = sys.version_info >= (3, 11)
    cure = "" if good else "install Python 3.11 or newer"
    return Report("python", State.OK if good else State.FAULT, version, "everything", cure)


def _packages() -> Iterator[Report]:
    try:
        needed = importlib.metadata.requires("qyran") or []
    except importlib.metadata.PackageNotFoundError:
        yield Report(
            "packages", State.MISSING, "a bare source tree: nothing says what is needed", "extras",
            "pip install . or ./scripts/demo",
        )  # fmt: skip
        return
    by_extra: dict[str, list[str]] = {}
    for text in needed:
        name = re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0]
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", text)
        by_extra.setdefault(extra[1] if extra else "", []).append(name)
    lacking = [name for name in by_extra.pop("", []) if not _installed(name)]
    yield Report(
        "packages",
        State.FAULT if lacking else State.OK,
        f"missing: {', '.join(lacking)}" if lacking else "all that are needed",
        "everything",
        "pip install -r requirements.lock" if lacking else "",
    )
    for name_of_extra, names in sorted(by_extra.items()):
        lacking = [name for name in names if not _installed(name)]
        yield Report(
            f"extra {name_of_extra}",
            State.MISSING if lacking else State.OK,
            f"missing: {', '.join(lacking)}" if lacking else ", ".join(names),
            _EXTRAS.get(name_of_extra, ""),
            f"pip install 'qyran[{name_of_extra}]'" if lacking else "",
        )


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _weights(chosen: Path | None) -> Report:
    gives = "finding vehicles and waste in pictures"
    if chosen is not None:
        there = chosen.is_file()
        cure = "" if there else "mend the setting detector.weights"
        return Report("weights", State.OK if there else State.FAULT, str(chosen), gives, cure)
    found = [
        entry.name
        for entry in importlib.resources.files("vision.weights").iterdir()
        if entry.name.endswith(".onnx")
    ]
    if found:
        return Report("weights", State.OK, f"shipped: {', '.join(sorted(found))}", gives)
    return Report("weights", State.FAULT, "none were shipped", gives, "set detector.weights")


def _page() -> Report:
    if PAGE.is_file():
        return Report("page", State.OK, "built in", "the map and the review in a browser")
    return Report(
        "page",
        State.MISSING,
        "not built into this installation",
        "the map and the review in a browser; the API works without it",
        "scripts/build_page in the repository, or install the wheel",
    )


def _home(home: Path) -> Report:
    nearest = _nearest_folder(home)
    good = nearest.is_dir() and os.access(nearest, os.W_OK)
    what = "there" if home.is_dir() else "made at first use"
    cure = "" if good else "choose another by QYRAN_HOME or mend its permissions"
    state = State.OK if good else State.FAULT
    return Report("data folder", state, f"{home} ({what})", "all that is kept", cure)


def _disk(home: Path, least_mb: float) -> Report:
    free_mb = shutil.disk_usage(_nearest_folder(home)).free / 1e6
    good = free_mb >= least_mb
    detail = f"{free_mb / 1000:.1f} GB free, {least_mb / 1000:.1f} GB wanted"
    cure = "" if good else "free some space; a full disk refuses new evidence"
    return Report("disk", State.OK if good else State.FAULT, detail, "evidence", cure)


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _port(host: str, port: int) -> Report:
    gives = "the API and the page"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            # as the server does: a port that only lingers after a stop counts as free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        cure = "stop what listens there (a running station does), or set server.port"
        return Report("port", State.MISSING, f"{host}:{port}: {reason}", gives, cure)
    return Report("port", State.OK, f"{host}:{port} is free", gives)


def _program(name: str, commands: tuple[str, ...], variable: str, gives: str, cure: str) -> Report:
    named = os.environ.get(variable, "") if variable else ""
    path = named or next((found for c in commands if (found := shutil.which(c))), "")
    if path and Path(path).exists():
        return Report(name, State.OK, path, gives)
    return Report(name, State.MISSING, f"{path} is not there" if path else "not found", gives, cure)
