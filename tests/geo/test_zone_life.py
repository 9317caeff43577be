from dataclasses import replace

import pytest

from core.errors import IllegalMove, NotAllowed, ZoneInvalid
from core.ids import UserId
from geo.circles import circle_area
from geo.local_frame import distance_m
from geo.zone_life import change_between, move, standing
from geo.zones import Circle, ZoneKind, ZoneStage
from tests.builders import NOW, a_square, a_zone, after

AUTHOR, OTHER = UserId("user-author"), UserId("user-other")


def test_a_zone_goes_from_draft_to_active_by_two_people() -> None:
    draft = a_zone(stage=ZoneStage.DRAFT, changed_by=AUTHOR)
    assert not draft.switched_on
    reviewed = move(draft, ZoneStage.REVIEWED, OTHER, NOW, four_eyes=True)
    assert not reviewed.in_force(NOW)
    active = move(reviewed, ZoneStage.ACTIVE, AUTHOR, NOW, four_eyes=True)
    assert active.in_force(NOW)
    assert (active.version, active.changed_by) == (draft.version + 2, AUTHOR)


@pytest.mark.parametrize("author", [AUTHOR, None])
def test_nobody_reviews_the_own_draft_where_another_must(author: UserId | None) -> None:
    draft = a_zone(stage=ZoneStage.DRAFT, changed_by=author)
    with pytest.raises(NotAllowed):
        move(draft, ZoneStage.REVIEWED, AUTHOR, NOW, four_eyes=True)
    assert move(draft, ZoneStage.REVIEWED, AUTHOR, NOW, four_eyes=False)


def test_a_draft_is_not_activated_unseen() -> None:
    with pytest.raises(IllegalMove):
        move(a_zone(stage=ZoneStage.DRAFT), ZoneStage.ACTIVE, OTHER, NOW, four_eyes=False)


def test_what_stands_is_the_newest_active_or_retired_version() -> None:
    active = a_zone()
    draft = a_zone(version=2, stage=ZoneStage.DRAFT)
    retired = a_zone(version=3, stage=ZoneStage.RETIRED)
    assert standing((draft,)) is None
    assert standing((active, draft)) == active
    assert standing((active, draft, retired)) == retired


def test_a_diff_names_fields_and_square_metres() -> None:
    before = a_zone(area=a_square(half_m=50))
    after_it = replace(
        before, area=a_square(east_m=50, half_m=50), name="new", version=2, changed_at=after(1)
    )
    change = change_between(before, after_it)
    assert change.fields == ("area", "name")
    assert change.added_m2 == pytest.approx(5_000, rel=0.01)
    assert change.removed_m2 == pytest.approx(5_000, rel=0.01)
    assert change_between(before, before).fields == ()


@pytest.mark.parametrize("radius_m", [5.0, 800.0, 20_000.0])
def test_a_circle_is_on_the_safe_side(radius_m: float) -> None:
    circle = Circle(51.0, 71.4, radius_m)
    inside = circle_area(circle, ZoneKind.INCLUSION)
    around = circle_area(circle, ZoneKind.EXCLUSION)
    middles = [
        ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
        for a, b in zip(around.exterior.coords, around.exterior.coords[1:], strict=False)
    ]
    for lon, lat in inside.exterior.coords:
        assert distance_m(51.0, 71.4, lat, lon) <= radius_m * (1 + 1e-9)
    for lon, lat in middles:
        assert distance_m(51.0, 71.4, lat, lon) >= radius_m * (1 - 1e-9)


@pytest.mark.parametrize("radius_m", [0.0, -1.0, float("nan"), 1e9])
def test_an_impossible_radius_is_refused(radius_m: float) -> None:
    with pytest.raises(ZoneInvalid):
        circle_area(Circle(51.0, 71.4, radius_m), ZoneKind.INCLUSION)
