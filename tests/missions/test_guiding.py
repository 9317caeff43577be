"""What is asked of an aircraft beside its mission is proven from where it is, or refused."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString

from core.errors import BadRequest, PlanUnsafe
from core.ids import ZoneId
from geo.positions import Altitude, Datum
from geo.zones import Zone, ZoneKind, ZoneStage
from missions.circumstances import Circumstances
from missions.dispatching.exits import InFlight
from missions.guided import Capability, FlyTo, LookAt, Orbit, Task, Zoom, described
from missions.guiding.proof import prove_resumption, prove_task
from tests.builders import AT, NOW, a_square, an_asset
from tests.missions.flying import a_fence, a_short_plan

FENCE = a_fence(200.0)
NOW_KNOWN = Circumstances(departs_at=NOW)


def place(east_m: float, north_m: float) -> tuple[float, float]:
    return AT.to_geo1_deg(east_m, north_m)


def in_flight(
    east_m: float = 0.0, north_m: float = 40.0, up_m: float = 12.0, **more: Any
) -> InFlight:
    return InFlight(an_asset(cruise_m_s=8.0), *place(east_m, north_m), up_m, **more)


def exclusion(east_m: float, north_m: float, half_m: float, **more: Any) -> Zone:
    return a_fence(
        zone_id=ZoneId("closed"),
        name="closed",
        area=a_square(east_m, north_m, half_m),
        kind=ZoneKind.EXCLUSION,
        **more,
    )


def code_of(task: Task, flight: InFlight, *zones: Zone, **known: Any) -> str:
    """Returns the finding for which a task is refused, or nothing."""
    try:
        against = replace(NOW_KNOWN, **known)
        prove_task(task, flight, a_short_plan(fences=(FENCE,)), (FENCE, *zones), against)
    except PlanUnsafe as error:
        if f": {error.finding}: " not in str(error):
            raise
        return error.finding
    return ""


def test_a_free_way_is_proven_and_says_where_it_leads() -> None:
    plan = a_short_plan(fences=(FENCE,))
    found = prove_task(FlyTo(*place(80, 40), 15.0), in_flight(), plan, (FENCE,), NOW_KNOWN)
    assert found.kind is Capability.FLY_TO
    assert found.guided is not None
    assert found.guided.way[-1] == place(80, 40)
    assert found.moves
    assert isinstance(found.task, FlyTo)
    assert found.task.speed_m_s == plan.cruise_m_s


@pytest.mark.parametrize(
    ("task", "zone", "code"),
    [
        (FlyTo(*place(100, 40), 12.0), exclusion(50, 40, 10), "leg_excluded"),
        (FlyTo(*place(100, 40), 12.0), exclusion(100, 40, 20), "waypoint_excluded"),
        (FlyTo(*place(100, 0), 12.0), exclusion(50, 0, 10), "return_way_blocked"),
        (Orbit(*place(100, 40), 12.0, 30.0), exclusion(130, 40, 10), "leg_excluded"),
    ],
    ids=["on the way", "at the place", "on the way home", "on the circle"],
)
def test_what_is_closed_is_refused_with_its_code(task: Task, zone: Zone, code: str) -> None:
    assert code_of(task, in_flight()) == ""
    assert code_of(task, in_flight(), zone) in (code, "emergency_way_blocked")


def test_a_place_beyond_the_inclusion_is_refused() -> None:
    assert code_of(FlyTo(*place(250, 40), 12.0), in_flight()) == "waypoint_outside"


def test_a_height_over_a_ceiling_is_refused() -> None:
    low = replace(FENCE, ceiling=Altitude(30.0, Datum.GROUND))
    plan = a_short_plan(fences=(low,))
    with pytest.raises(PlanUnsafe, match="above_ceiling"):
        prove_task(FlyTo(*place(80, 40), 45.0), in_flight(), plan, (low,), NOW_KNOWN)


def test_a_tower_can_be_gone_round_though_nothing_may_fly_over_it() -> None:
    tower = exclusion(60, 60, 5, ceiling=Altitude(20.0, Datum.GROUND))
    plan = replace(a_short_plan(), return_altitude=Altitude(40.0, Datum.HOME))
    task = Orbit(*place(60, 60), 12.0, 40.0)
    prove_task(task, in_flight(0, 100), plan, (FENCE, tower), NOW_KNOWN)
    assert code_of(task, in_flight(0, 100), tower) == "emergency_way_blocked"  # at 12 m


def test_how_it_came_where_it_is_does_not_count() -> None:
    behind = exclusion(0, 20, 5)  # between home and the aircraft, off the way home from the place
    task = FlyTo(*place(80, 40), 12.0)
    assert code_of(task, in_flight(40, 40), behind) == ""


def test_the_way_to_brake_counts() -> None:
    ahead = exclusion(0, 75, 8)
    task = FlyTo(*place(80, 40), 12.0)
    assert code_of(task, in_flight(0, 40), ahead) == ""
    assert code_of(task, in_flight(0, 40, north_m_s=10.0), ahead) != ""


def test_a_battery_that_does_not_last_is_refused() -> None:
    task = FlyTo(*place(80, 40), 12.0)
    assert code_of(task, in_flight(battery_fraction=0.9)) == ""
    assert code_of(task, in_flight(battery_fraction=0.22)) == "return_endurance"


def test_a_zone_that_is_retired_does_not_count() -> None:
    off = replace(exclusion(50, 40, 10), stage=ZoneStage.RETIRED)
    assert code_of(FlyTo(*place(100, 40), 12.0), in_flight(), off) == ""


def test_going_on_with_the_mission_is_proven_from_where_it_stands() -> None:
    plan = a_short_plan(fences=(FENCE,))
    off = in_flight(100, 40)
    prove_resumption(2, off, plan, (FENCE,), NOW_KNOWN)
    between = exclusion(70, 40, 5)
    with pytest.raises(PlanUnsafe, match="leg_excluded"):
        prove_resumption(2, off, plan, (FENCE, between), NOW_KNOWN)


@pytest.mark.parametrize(
    "task",
    [
        FlyTo(91.0, 0.0, 10.0),
        FlyTo(0.0, 0.0, math.nan),
        FlyTo(0.0, 0.0, 10.0, speed_m_s=0.0),
        Orbit(0.0, 0.0, 10.0, 1.0),
        LookAt((0.0, math.inf)),
        Zoom(101.0),
    ],
)
def test_values_without_sense_are_refused(task: Task) -> None:
    with pytest.raises(BadRequest):
        prove_task(task, in_flight(), a_short_plan(), (FENCE,), NOW_KNOWN)


def test_a_proof_is_of_one_task_alone_and_for_a_while() -> None:
    found = prove_task(
        FlyTo(*place(80, 40), 15.0), in_flight(), a_short_plan(), (FENCE,), NOW_KNOWN
    )
    with pytest.raises(PlanUnsafe):
        replace(found, task=FlyTo(*place(500, 40), 15.0))
    with pytest.raises(PlanUnsafe):
        replace(found, proven_at=NOW + timedelta(hours=1))
    found.check_fresh(NOW + timedelta(seconds=10))
    with pytest.raises(PlanUnsafe):
        found.check_fresh(NOW + timedelta(seconds=60))


def test_every_task_has_words() -> None:
    assert described(FlyTo(50.0, 71.0, 12.0), Capability.FOLLOW) == (
        "following to 50.000000, 71.000000 at 12.0 m"
    )
    assert described(LookAt(None), Capability.LOOK_AT) == "looking ahead"


_PLACES = st.tuples(st.floats(-150, 150), st.floats(-150, 150))


@settings(max_examples=40)
@given(here=_PLACES, goal=_PLACES, closed=_PLACES)
def test_no_way_that_is_proven_meets_what_is_closed(
    here: tuple[float, float], goal: tuple[float, float], closed: tuple[float, float]
) -> None:
    zone = exclusion(*closed, 15.0)
    if code_of(FlyTo(*place(*goal), 12.0), in_flight(*here), zone) == "":
        area = a_square(*closed, 15.0)
        for a, b in ((here, goal), (goal, (0.0, 0.0)), (here, (0.0, 0.0))):
            corners = [place(*a)[::-1], place(*b)[::-1]]
            assert not LineString(corners).intersects(area)
