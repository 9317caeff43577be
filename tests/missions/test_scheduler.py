from datetime import timedelta

import pytest

from core.errors import IllegalMove, NotAllowed
from core.ids import AssetId, PatrolId, UserId
from missions.schedules import GateOverride, ScheduleStage
from missions.scheduling.scheduler import amended, approved, due_patrols, overridden, switched
from tests.builders import NOW, a_patrol, after
from tests.missions.schedule_builders import a_schedule

HOUR = timedelta(hours=1)
A = a_patrol(patrol_id=PatrolId("a"), asset_id=AssetId("drone-1"))
B = a_patrol(patrol_id=PatrolId("b"), asset_id=AssetId("drone-1"))
AUTHOR, OTHER = UserId("planner-author"), UserId("planner-other")
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


@pytest.mark.parametrize("author", [AUTHOR, None])
def test_nobody_approves_the_own_draft_where_another_must(author: UserId | None) -> None:
    draft = a_schedule(stage=ScheduleStage.DRAFT, drafted_by=author, approved_by=None)
    with pytest.raises(NotAllowed) as refused:
        approved(draft, AUTHOR, NOW, four_eyes=True)
    assert refused.value.cure
    assert approved(draft, AUTHOR, NOW, four_eyes=False).fires


def test_another_approves_it_and_then_nobody_again() -> None:
    draft = a_schedule(stage=ScheduleStage.DRAFT, drafted_by=AUTHOR, approved_by=None)
    fires = approved(draft, OTHER, NOW, four_eyes=True)
    assert (fires.fires, fires.approved_by, fires.drafted_by) == (True, OTHER, AUTHOR)
    with pytest.raises(IllegalMove):
        approved(fires, OTHER, NOW, four_eyes=True)


def test_who_changes_a_draft_is_its_author_and_who_switches_it_is_not() -> None:
    draft = a_schedule(stage=ScheduleStage.DRAFT, drafted_by=AUTHOR, approved_by=None)
    changed = amended(draft, OTHER, NOW, name="Night round")
    with pytest.raises(NotAllowed):
        approved(changed, OTHER, NOW, four_eyes=True)
    assert approved(changed, AUTHOR, NOW, four_eyes=True).fires
    # or an author could approve after a friend's flick of the switch
    word = GateOverride(OTHER, "search for a child", NOW, after(60))
    for touched in (switched(draft, NOW, enabled=True), overridden(draft, word)):
        with pytest.raises(NotAllowed):
            approved(touched, AUTHOR, NOW, four_eyes=True)
