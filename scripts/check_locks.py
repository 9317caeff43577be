"""Checks the pinned lists: plain pins without addresses, in step with pyproject.toml."""

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)$")
NEVER = {
    "opencv-python": "shares its folder with opencv-python-headless",
    "ortools": "routing is PyVRP's (docs/decisions/0007)",
}
NEVER_BY_DEFAULT = re.compile(r"^(torch|torchvision|triton|ultralytics|nvidia-|cuda-)")
"""The default install stays near 1 GB: no torch, no CUDA, nothing of AGPL-3.0."""


def read_lock(path: Path, faults: list[str]) -> dict[str, str]:
    """Returns the pins of a list and notes every line that is none."""
    pins = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = PIN.match(line)
        if not match or "://" in line:
            faults.append(f"{path.name}:{number}: no plain pin: {line}")
        else:
            pins[match[1]] = match[2]
    return pins


def requirements(texts: list[str]) -> list[Requirement]:
    """Returns the parsed requirements."""
    return [Requirement(text) for text in texts]


def check(name: str, wanted: list[Requirement], faults: list[str]) -> dict[str, str]:
    """Checks one list against what it must fulfil and returns its pins."""
    path = ROOT / name
    if not path.is_file():
        faults.append(f"{name}: missing; run scripts/lock")
        return {}
    pins = read_lock(path, faults)
    for requirement in wanted:
        pinned = pins.get(canonicalize_name(requirement.name))
        if pinned is None or not requirement.specifier.contains(pinned, prereleases=True):
            faults.append(f"{name}: {requirement} is not met (has {pinned}); run scripts/lock")
    faults += [f"{name}: {package}: {why}" for package, why in NEVER.items() if package in pins]
    return pins


def main() -> int:
    """Says every fault and returns the exit code."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, groups = pyproject["project"], pyproject["dependency-groups"]
    faults: list[str] = []
    run = requirements(project["dependencies"])
    build = requirements(groups["build"])
    dev = run + build + requirements([text for text in groups["dev"] if isinstance(text, str)])
    run_pins = check("requirements.lock", run, faults)
    faults += [
        f"requirements.lock: {package} does not belong in the default install"
        for package in run_pins
        if NEVER_BY_DEFAULT.match(package)
    ]
    build_pins = check("requirements-build.lock", build, faults)
    dev_pins = check("requirements-dev.lock", dev, faults)
    for package, version in (run_pins | build_pins).items():
        if dev_pins.get(package) != version:
            faults.append(f"requirements-dev.lock: {package} differs from the other lists")
    for extra, texts in project["optional-dependencies"].items():
        check(f"requirements-{extra}.lock", run + requirements(texts), faults)
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
