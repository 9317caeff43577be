"""Sorties whose station was killed are told as failed by the next one, in history and on REST."""

import subprocess
import sys
from pathlib import Path

import pytest

from api.accounts import Role
from missions.adapters.memory_store import MemoryMissionStore
from missions.model import SORTIE_MOVES, SortieState
from missions.schedules import StopReason
from station.left_sorties import close_left
from station.settings import Settings
from station.store_lock import station_lock
from station.stores import opened_stores
from tests.api.station import a_station
from tests.builders import NOW, a_sortie, after
from tests.sql_makers import empty_home

OPEN = ("authorised", "underway", "holding", "returning")
STATION = """
import sys
from pathlib import Path
from missions.model import SortieState
from core.ids import SortieId
from station.settings import Settings
from station.store_lock import station_lock
from station.stores import opened_stores
from tests.builders import a_sortie
home = Path(sys.argv[1])
with station_lock(home, "qyran serve"), opened_stores(Settings(home=home)) as stores:
    for state in SortieState:
        sortie = a_sortie(sortie_id=SortieId(f"sortie-{state}"), state=state)
        stores.missions.save_sortie(sortie)
    print("flying", flush=True)
    sys.stdin.read()
"""


def killed_station(home: Path) -> None:
    """A station that dies by kill -9 while its sorties are in every state."""
    with subprocess.Popen(
        [sys.executable, "-c", STATION, str(home)],
        cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "flying\n"
        process.kill()
        process.wait()


def test_a_station_that_was_killed_leaves_no_sortie_open(tmp_path: Path) -> None:
    home = empty_home(tmp_path)
    killed_station(home)
    settings = Settings(home=home)
    with station_lock(home, "qyran serve"), opened_stores(settings) as stores:
        before = {s.sortie_id: s for s in stores.missions.sorties()}
        assert len(before) == len(SortieState)
        closed = close_left(stores.missions, after(60))
        assert {s.sortie_id for s in closed} == {f"sortie-{state}" for state in OPEN}
        assert close_left(stores.missions, after(120)) == ()
    with opened_stores(settings) as stores:  # once more: it is kept
        for sortie in stores.missions.sorties():
            old = before[sortie.sortie_id]
            if old.state not in OPEN:
                assert sortie == old
                continue
            assert sortie.state is SortieState.FAILED
            assert SORTIE_MOVES.final(sortie.state)
            assert sortie.reason_code == StopReason.STATION_STOPPED
            assert sortie.ended_at == after(60)
            assert sortie.events[:-1] == old.events
            assert "must be looked at" in sortie.events[-1].text or old.state == "authorised"
            assert "fail-safe" in sortie.events[-1].text
        with a_station(missions=stores.missions) as station:
            shown = station.client(Role.AUDITOR).get("/sorties/sortie-underway").json()
    assert (shown["state"], shown["reason_code"]) == ("failed", "station_stopped")
    assert "fail-safe" in shown["events"][-1]["text"]


def test_whoever_follows_is_told_of_each() -> None:
    missions, told = MemoryMissionStore(), []
    missions.save_sortie(a_sortie(state=SortieState.UNDERWAY))
    closed = close_left(missions, NOW, told.append)
    assert tuple(told) == closed
    assert missions.sorties() == closed


@pytest.mark.parametrize("state", OPEN)
def test_every_state_that_is_open_may_fail(state: str) -> None:
    SORTIE_MOVES.move(SortieState(state), SortieState.FAILED)
