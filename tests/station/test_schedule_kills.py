"""`kill -9` of the firing loop at any moment: nothing lost, nothing doubled."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sql_makers import empty_home


def fired(folder: Path, *words: object) -> dict[str, int]:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.station.schedule_firing", empty_home(folder),
         *map(str, words)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.stdout, ended.stderr
    counts: dict[str, int] = json.loads(ended.stdout)
    print(counts)
    return counts


def test_ten_kills_of_two_workers_lose_and_double_nothing(tmp_path: Path) -> None:
    counts = fired(tmp_path, "--kills", 10, "--hours", 4)
    assert counts["expected"] > 30
    assert (counts["lost"], counts["doubled"], counts["untold"], counts["open"]) == (0, 0, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_hundred_and_twenty_kills_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    counts = fired(tmp_path, "--kills", 120, "--hours", 48, "--workers", 3, "--seed", seed)
    assert counts["expected"] > 400
    assert (counts["lost"], counts["doubled"], counts["untold"], counts["open"]) == (0, 0, 0, 0)
