"""One station a data folder, and nobody pulls it away under whoever has it open."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import StoreInUse, StoreUnreadable
from station import cli
from station.backup import backup, restore, upgrade
from station.settings import Settings
from station.store_lock import LOCK_FILES, shared_use, sole_use, station_lock
from station.stores import opened_stores
from tests.builders import NOW, a_zone
from tests.sql_makers import empty_home

HOLDER = """
import sys
from pathlib import Path
from station.store_lock import station_lock
with station_lock(Path(sys.argv[1]), "qyran serve"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def a_station(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the data folder as a station does."""
    command = [sys.executable, "-c", HOLDER, str(home)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return empty_home(tmp_path)


def test_a_restore_is_refused_over_the_folder_of_a_running_station(
    home: Path, tmp_path: Path
) -> None:
    kept = backup(home, tmp_path / "kept.tar").target
    with a_station(home) as station, opened_stores(Settings(home=home)) as stores:
        with pytest.raises(StoreInUse, match=f"qyran serve, process {station.pid}"):
            restore(kept, home, force=True)
        with pytest.raises(StoreInUse):
            upgrade(home, now=NOW)
        stores.zones.add(a_zone())  # what is written after the refusal is not lost
    with opened_stores(Settings(home=home)) as stores:
        assert stores.zones.get(a_zone().zone_id) == a_zone()
    assert restore(kept, home, force=True).put_aside is not None


def test_a_killed_station_holds_nothing(home: Path) -> None:
    with a_station(home) as station:
        station.kill()
        station.wait()
        with station_lock(home, "qyran serve"):
            pass


@pytest.mark.parametrize("words", [("serve",), ("demo",), ("demo", "--once")])
def test_a_second_station_is_refused(words, home, capfd, monkeypatch) -> None:
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    with a_station(home):
        place = ["--json", "--home", str(home), "--set", "server.port=0"]
        assert cli.main([*words, *place]) == 3
    error = json.loads(capfd.readouterr().out)["error"]
    assert (error["code"], error["where"]) == ("store_in_use", str(home))
    assert error["cure"]


def test_verbs_may_run_beside_a_station_and_beside_each_other(home: Path) -> None:
    with a_station(home), opened_stores(Settings(home=home)), opened_stores(Settings(home=home)):
        pass


def test_whoever_has_the_databases_open_keeps_the_folder(home: Path, tmp_path: Path) -> None:
    kept = backup(home, tmp_path / "kept.tar").target
    with opened_stores(Settings(home=home)), pytest.raises(StoreInUse):
        restore(kept, home, force=True)
    with sole_use(home, "qyran restore"):
        with pytest.raises(StoreInUse, match="qyran restore"), opened_stores(Settings(home=home)):
            pass
        with pytest.raises(StoreInUse), shared_use(home):
            pass


def test_locks_are_no_part_of_a_backup_and_do_not_fill_a_folder(home: Path, tmp_path: Path) -> None:
    with station_lock(home, "qyran serve"), shared_use(home):
        kept = backup(home, tmp_path / "kept").target
    assert not LOCK_FILES & {file.name for file in kept.rglob("*")}
    with sole_use(tmp_path / "fresh", "qyran restore"):
        pass
    assert restore(kept, tmp_path / "fresh").put_aside is None


@pytest.mark.parametrize("path", ["/dev/null", "/proc/nowhere"])
def test_a_home_that_can_be_none_is_of_the_environment(path: str) -> None:
    with pytest.raises(StoreUnreadable), station_lock(Path(path), "qyran serve"):
        pass
