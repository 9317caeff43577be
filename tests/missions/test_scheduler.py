from datetime import timedelta

from core.ids import AssetId, PatrolId
from missions.scheduling.scheduler import due_patrols
from tests.builders import NOW, a_patrol, after

HOUR = timedelta(hours=1)
A = a_patrol(patrol_id=PatrolId("a"), asset_id=AssetId("drone-1"))
B = a_patrol(patrol_id=PatrolId("b"), asset_id=AssetId("drone-1"))
C = a_patrol(patrol_id=PatrolId("c"), asset_id=AssetId("car-1"))


def test_each_asset_gets_the_patrol_that_waited_longest() -> None:
    started = {A.patrol_id: after(-7200), B.patrol_id: after(-9000), C.patrol_id: after(-60)}
    assert due_patrols([A, B, C], started, (), NOW, HOUR) == (B,)


def test_one_that_never_was_comes_first_and_a_busy_asset_gets_none() -> None:
    assert due_patrols([A, B, C], {A.patrol_id: after(-9000)}, (), NOW, HOUR) == (B, C)
    assert due_patrols([A, B, C], {}, [AssetId("drone-1")], NOW, HOUR) == (C,)


def test_it_is_due_exactly_after_its_interval() -> None:
    assert due_patrols([A], {A.patrol_id: after(-3600)}, (), NOW, HOUR) == (A,)
    assert due_patrols([A], {A.patrol_id: after(-3599)}, (), NOW, HOUR) == ()
