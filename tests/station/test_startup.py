"""A verb loads what it needs and no more: most of its time would else be imports."""

import json
import subprocess
import sys

from station.command import Elsewhere
from station.verbs import plan
from tests.station.test_check_verb import EAST, zones

HEAVY = {
    "geopandas", "pandas", "pyogrio", "pyproj", "mavsdk", "onnxruntime", "cv2", "av", "fastapi",
    "sqlmodel", "sqlalchemy", "alembic", "pyvrp", "matplotlib", "pydantic_settings",
}  # fmt: skip
SCIPY = {"scipy"}


def loaded(*words):
    """Returns which heavy packages a call of `qyran` has loaded."""
    source = (
        "import sys\nfrom station import cli\n"
        "code = cli.main(sys.argv[1:])\n"
        "print(code, *{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", source, *map(str, words)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    code, *names = done.stderr.splitlines()[-1].split()
    assert code == "0", done.stderr
    return set(names) & (HEAVY | SCIPY)


def test_a_check_loads_neither_databases_nor_tables(tmp_path):
    east, fences = tmp_path / "east.plan", tmp_path / "zones.geojson"
    east.write_text(json.dumps(EAST))
    fences.write_text(json.dumps(zones()))
    assert loaded("check", east, "--zones", fences, "--json") == set()


def test_an_area_is_planned_without_routing_and_databases(tmp_path):
    ring = [[71.3, 50.9], [71.302, 50.9], [71.302, 50.901], [71.3, 50.901], [71.3, 50.9]]
    area = tmp_path / "area.geojson"
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    assert loaded("plan", "area", area, "--swath-m", 40, "--json") <= SCIPY


def test_help_loads_nothing_heavy():
    assert loaded("--help") == set()


def test_verbs_in_modules_of_their_own_have_the_line_of_their_docstring():
    apart = [run for run in plan.RUNS.values() if isinstance(run, Elsewhere)]
    assert apart
    for run in apart:
        assert run.line == (run.load().__doc__ or "").partition("\n")[0]
