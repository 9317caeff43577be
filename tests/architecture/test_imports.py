"""The import contract of pyproject.toml holds, and catches what it should."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINT = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder):
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )  # fmt: skip


def test_the_import_contract_holds(root):
    done = lint(root)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("incidents/geotag.py", "import missions.model", "Packages point one way"),
        ("missions/planning/planner.py", "import mavsdk", "Each outside library"),
        ("api/app.py", "import sim.world", "Packages point one way"),
        ("core/ids.py", "import geo.positions", "Packages point one way"),
        ("vision/tracking.py", "import geo.positions", "Vision knows pixels"),
        ("incidents/rules.py", "import incidents.adapters.folder_vault", "Inside a package"),
        ("api/app.py", "import incidents.adapters.folder_vault", "Only the wiring may"),
        ("station/retention.py", "import incidents.adapters.folder_vault", "Only the wiring may"),
        ("missions/utils.py", "import core.ids", "Inside missions"),
        ("sim/projection.py", "import geo.camera", "shares no code"),
    ],
)
@pytest.mark.slow
def test_a_broken_rule_is_caught(root, tmp_path, module, line, contract):
    for name in ("core", "geo", "telemetry", "missions", "vision", "incidents", "api", "sim",
                 "station"):  # fmt: skip
        shutil.copytree(
            root / name, tmp_path / name, ignore=shutil.ignore_patterns("page", "assets")
        )
    shutil.copy(root / "pyproject.toml", tmp_path)
    target = Path(tmp_path, module)
    before = target.read_text() if target.is_file() else '"""A module."""\n'
    target.write_text(before + f"\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode != 0
    broken = [text for text in done.stdout.splitlines() if "BROKEN" in text]
    assert any(contract in text for text in broken) or contract in done.stdout, done.stdout
