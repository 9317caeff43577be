"""Modules stay small: about 100 lines, above 300 a warning, above 500 a failure."""

import statistics

SOFT, HARD = 300, 500
PACKAGES = ("core", "geo", "telemetry", "missions", "vision", "incidents", "api", "sim", "station")


def line_counts(root, files, tops):
    return {
        str(path.relative_to(root)): len(path.read_text(encoding="utf-8").splitlines())
        for path in files
        if path.suffix == ".py" and path.relative_to(root).parts[0] in tops
    }


def test_no_module_is_over_the_hard_cap(root, files, capsys):
    counts = line_counts(root, files, (*PACKAGES, "tests", "scripts", "benchmarks", "migrations"))
    large = {name: lines for name, lines in counts.items() if lines > SOFT}
    with capsys.disabled():
        for name, lines in sorted(large.items(), key=lambda item: -item[1]):
            print(f"\nlarge module: {name} has {lines} lines (soft cap {SOFT})", end="")
    over = {name: lines for name, lines in counts.items() if lines > HARD}
    assert not over, f"over {HARD} lines, split by noun: {over}"


def test_the_median_stays_near_the_target(root, files):
    counts = [
        lines
        for name, lines in line_counts(root, files, PACKAGES).items()
        if not name.endswith("__init__.py")
    ]
    assert statistics.median(counts) <= 180


def test_no_package_is_called_utils(root, files):
    banned = {"utils", "util", "helpers", "misc", "common"}
    names = [str(path.relative_to(root)) for path in files if path.stem in banned]
    assert not [name for name in names if name.endswith(".py")]
