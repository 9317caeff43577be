"""`qyran telemetry` through the whole command line."""

import json
import os

import pytest

from station import cli
from tests.telemetry_files.test_flight_logs import GPX


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def qyran(capfd):
    def call(*words):
        code = cli.main([*map(str, words), "--json"])
        return code, json.loads(capfd.readouterr().out or "null")

    return call


def test_a_log_comes_in_once_and_is_shown(qyran, tmp_path):
    file = tmp_path / "track.gpx"
    file.write_text(GPX.replace("2026-11-20", "2025-11-20"))
    code, done = qyran("telemetry", "import", file, "--asset", "car-1")
    assert code == 0
    assert (done["kind"], done["samples"], done["new"]) == ("gpx", 3, 3)
    assert {one["code"] for one in done["losses"]} >= {"datum_assumed", "no_zone"}
    code, done = qyran("telemetry", "import", file, "--asset", "car-1")
    assert (code, done["new"]) == (0, 0)
    code, shown = qyran(
        "telemetry", "show", "--asset", "car-1",
        "--from", "2025-11-20T14:00:00+05:00", "--to", "2025-11-20T14:00:03+05:00",
    )  # fmt: skip
    assert (code, shown["samples"]) == (0, 2)
    assert shown["altitudes_m"] == {"geoid": [351.5, 352.0]}
    assert shown["bounds"] == [71.3549, 50.9754, 71.355, 50.9755]


def test_what_is_not_there_is_no_and_what_is_wrong_is_usage(qyran, tmp_path):
    span = ("--from", "2025-11-20T09:00:00Z", "--to", "2025-11-20T10:00:00Z")
    assert qyran("telemetry", "show", "--asset", "car-1", *span)[0] == 1
    assert qyran("telemetry", "show", "--asset", "c", "--from", "now", "--to", "then")[0] == 2
    file = tmp_path / "late.gpx"
    file.write_text(GPX.replace("2026-11-20", "2999-11-20"))
    assert qyran("telemetry", "import", file, "--asset", "car-1")[0] == 2
    assert qyran("telemetry", "import", file, "--asset", "car-1", "--datum", "x")[0] == 2
