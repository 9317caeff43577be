"""`kill -9` of a station between accepting and moving: recorded, resumable, begun at most once."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from missions.control.records import first_fault
from missions.handoffs.model import HandoffState, OfferState
from station.left_sorties import close_left
from tests.builders import NOW, after
from tests.sql_makers import empty_home
from tests.station.handoff_dying import KeptScene

S = HandoffState


@pytest.mark.parametrize(
    ("moment", "left", "begun_again"),
    [
        pytest.param("before_plan", S.ACCEPTED, True, marks=pytest.mark.slow),
        ("before_order", S.ACCEPTED, True),
        pytest.param("after_start", S.ACCEPTED, False, marks=pytest.mark.slow),
        pytest.param("moving", S.MOVING, False, marks=pytest.mark.slow),
    ],
)
def test_what_a_killed_station_had_accepted_is_found_and_begun_at_most_once(
    moment: str, left: HandoffState, begun_again: bool, tmp_path: Path
) -> None:
    home = empty_home(tmp_path)
    ended = subprocess.run(
        [sys.executable, "-m", "tests.station.handoff_dying", str(home), moment],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    scene = KeptScene(home)
    found = scene.now()
    assert (found.state, found.asset_id) == (left, "drone-1")
    assert first_fault(scene.chain.records()) is None
    scene.clock.advance_to(after(10))
    close_left(scene.missions, NOW)

    async def next_station() -> None:
        await scene.handing.take_up()
        await scene.handing.settled()

    asyncio.run(next_station())
    now = scene.now()
    if begun_again:
        assert scene.fleet.begun == [now.sortie_id]
        assert (now.state, now.asset_id) == (S.ACCEPTED, "drone-1")
    else:
        assert scene.fleet.begun == []
        assert (now.state, now.asset_id) == (S.OFFERED, "drone-2")
        assert now.offers[0].state is OfferState.FAILED
    assert len(scene.missions.sorties()) == 1
    assert first_fault(scene.chain.records()) is None
    scene.database.close()
