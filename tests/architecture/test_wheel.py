"""The built wheel installs and runs in an empty environment."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def run(*command, cwd, **environment):
    clean = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, env={**clean, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    root = Path(__file__).resolve().parents[2]
    target = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(target.glob("*.whl"))


def test_the_wheel_holds_what_it_needs_and_no_more(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    packages = {
        "core",
        "geo",
        "telemetry",
        "missions",
        "vision",
        "incidents",
        "api",
        "sim",
        "station",
    }
    assert {top for top in tops if not top.endswith(".dist-info")} == packages
    assert "station/data/kosshy.geojson" in names
    assert any(name.startswith("vision/weights/") and name.endswith(".onnx") for name in names)
    assert any(name.startswith("sim/assets/") for name in names)
    assert any(name.startswith("station/migrations/") for name in names)
    assert "station/page/index.html" in names


def test_the_wheel_runs_in_an_empty_environment(wheel, tmp_path):
    root = Path(__file__).resolve().parents[2]
    place = tmp_path / "empty"
    venv.create(place, with_pip=True)
    python, qyran = place / "bin" / "python", place / "bin" / "qyran"
    done = run(python, "-m", "pip", "install", "-q", "-r", root / "requirements.lock", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = run(python, "-m", "pip", "install", "-q", "--no-deps", wheel, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert run(python, "-m", "pip", "check", cwd=tmp_path).returncode == 0
    home = {"QYRAN_HOME": str(tmp_path / "home")}

    done = run(qyran, "version", "--json", cwd=tmp_path, **home)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["version"] != "0+unknown"

    done = run(qyran, "doctor", "--json", cwd=tmp_path, **home)
    assert done.returncode == 0, done.stdout + done.stderr
    states = {check["name"]: check["state"] for check in json.loads(done.stdout)["checks"]}
    assert states["packages"] == states["weights"] == states["page"] == "ok"

    done = run(qyran, "zones", "list", "--json", cwd=tmp_path, **home)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"zones": []}
