"""What is assumed of a plan when it is checked is fixed when it is released."""

from dataclasses import replace

import pytest

from core.errors import PlanUnsafe
from core.ids import UserId
from geo.positions import Altitude, Datum
from missions.authorising import authorise, new_sortie
from missions.model import ItemKind, MissionItem
from missions.proving.proof import ProvenPlan
from missions.proving.return_settings import return_settings
from tests.builders import NOW, a_mission, a_place, a_plan, an_asset
from tests.missions.flying import a_car, a_drive, a_fence

PILOT = UserId("pilot")
ITEMS = (
    MissionItem(ItemKind.TAKEOFF, a_place(0, 0, 20)),
    MissionItem(ItemKind.WAYPOINT, a_place(0, 60, 20)),
    MissionItem(ItemKind.RETURN),
)  # fmt: skip
BARE = a_plan(mission=a_mission(items=ITEMS), return_altitude=None)


def test_a_plan_without_a_return_height_is_released_with_the_one_that_was_proven() -> None:
    sortie = authorise(new_sortie(BARE), an_asset(), PILOT, NOW)
    assert sortie.plan.return_altitude == Altitude(30.0, Datum.HOME)
    assert "30 m above home" in sortie.events[-1].text
    told = {one.name: one.wanted for one in return_settings(sortie.plan)}
    assert told["RTL_RETURN_ALT"] == 30.0
    ProvenPlan(sortie.plan, sortie.proof or "")


def test_and_is_not_released_where_that_height_breaks_a_ceiling() -> None:
    low = replace(BARE, fences=(a_fence(200.0, ceiling=Altitude(25.0, Datum.HOME)),))
    with pytest.raises(PlanUnsafe, match="return_above_ceiling"):
        authorise(new_sortie(low), an_asset(), PILOT, NOW)


def test_a_drive_needs_none() -> None:
    assert authorise(new_sortie(a_drive()), a_car(), PILOT, NOW).plan == a_drive()
