from dataclasses import replace
from typing import Any

import pytest

from core.ids import ZoneId
from geo.positions import Altitude, Datum
from geo.zones import Zone, ZoneKind
from missions.checks import FINDING_CODES, check_plan
from missions.model import Asset, ItemKind, MissionItem, Plan, RallyPoint, Severity
from tests.builders import a_mission, a_place, a_plan, a_square, an_asset
from tests.missions.flying import a_fence

HOME = Datum.HOME
K = ItemKind
TAKEOFF = MissionItem(K.TAKEOFF, a_place(0, 0, 40))
RETURN = MissionItem(K.RETURN)
CITY = a_fence(200.0)
SCHOOL = a_fence(
    zone_id=ZoneId("school"), name="school", kind=ZoneKind.EXCLUSION, area=a_square(60, 0, 20)
)


def to(east: float, north: float, up: float = 40.0, **changes: Any) -> MissionItem:
    return replace(MissionItem(K.WAYPOINT, a_place(east, north, up)), **changes)


def a_flight(*items: MissionItem, fences: tuple[Zone, ...] = (CITY,), **changes: object) -> Plan:
    values: dict[str, object] = {
        "mission": a_mission(items=items),
        "fences": fences,
        "return_altitude": Altitude(40.0, HOME),
        **changes,
    }
    return a_plan(**values)


GOOD = a_flight(TAKEOFF, to(0, 60), to(100, 60), RETURN)


def codes(plan: Plan, asset: Asset | None = None) -> set[str]:
    return {finding.code for finding in check_plan(plan, asset or an_asset())}


def test_a_good_plan_has_no_finding() -> None:
    assert check_plan(GOOD, an_asset()) == ()


def low(ceiling: float | None = None, floor: float | None = None) -> Zone:
    return a_fence(
        zone_id=ZoneId("part"),
        name="part",
        area=a_square(0, 60, 15),
        ceiling=None if ceiling is None else Altitude(ceiling, HOME),
        floor=None if floor is None else Altitude(floor, HOME),
    )


BAD = {
    "mission_empty": a_flight(),
    "only_return": a_flight(TAKEOFF, RETURN),
    "takeoff_missing": a_flight(to(0, 60), RETURN),
    "takeoff_not_first": a_flight(to(0, 60), TAKEOFF, RETURN),
    "takeoff_twice": a_flight(TAKEOFF, to(0, 60), TAKEOFF, RETURN),
    "takeoff_too_low": a_flight(MissionItem(K.TAKEOFF, a_place(0, 0, 2.5)), to(0, 60), RETURN),
    "end_missing": a_flight(TAKEOFF, to(0, 60)),
    "item_after_end": a_flight(TAKEOFF, to(0, 60), RETURN, to(0, 70)),
    "item_without_place": a_flight(TAKEOFF, MissionItem(K.WAYPOINT), to(0, 60), RETURN),
    "altitude_datum": a_flight(
        TAKEOFF,
        to(0, 60, position=replace(a_place(0, 60), altitude=Altitude(40.0, Datum.ELLIPSOID))),
        RETURN,
    ),
    "below_home": a_flight(TAKEOFF, to(0, 60, -5.0), RETURN),
    "home_outside": a_flight(TAKEOFF, to(0, 60), RETURN, fences=(a_fence(50.0, 100.0),)),
    "home_excluded": a_flight(
        TAKEOFF, to(0, 60), RETURN, fences=(CITY, a_fence(10.0, kind=ZoneKind.EXCLUSION))
    ),
    "waypoint_outside": a_flight(TAKEOFF, to(0, 201), RETURN),
    "waypoint_excluded": a_flight(TAKEOFF, to(60, 0), RETURN, fences=(CITY, SCHOOL)),
    # both ends are free, and PX4 would take it: only the way between is not
    "leg_excluded": a_flight(
        TAKEOFF, to(0, 60), to(120, -60), to(0, -60), RETURN, fences=(CITY, SCHOOL)
    ),
    "leg_outside": a_flight(TAKEOFF, to(0, 199), RETURN),
    "hover_outside": a_flight(TAKEOFF, to(0, 197, hold_s=20.0), RETURN),
    "above_ceiling": a_flight(TAKEOFF, to(0, 60), RETURN, fences=(CITY, low(ceiling=35.0))),
    "below_floor": a_flight(TAKEOFF, to(0, 60), RETURN, fences=(CITY, low(floor=45.0))),
    "datum_unknown": a_flight(
        TAKEOFF, to(0, 60), RETURN,
        fences=(replace(CITY, ceiling=Altitude(60.0, Datum.GROUND)),),
    ),
    "return_above_ceiling": a_flight(
        TAKEOFF, to(0, 60), RETURN, fences=(CITY, low(ceiling=45.0)),
        return_altitude=Altitude(50.0, HOME),
    ),
    "return_way_blocked": a_flight(
        TAKEOFF, to(0, 60), to(120, 60), to(120, 0), RETURN, fences=(CITY, SCHOOL)
    ),
    "emergency_way_blocked": a_flight(
        TAKEOFF, to(0, 60), to(120, 60), to(120, 0), to(120, 60), to(0, 60), RETURN,
        fences=(CITY, SCHOOL),
    ),
    "rally_outside": a_flight(
        TAKEOFF, to(0, 60), RETURN, rally=(RallyPoint(a_place(300, 0, 40)),)
    ),
    "first_step_far": a_flight(TAKEOFF, to(12_000, 0), RETURN, fences=(a_fence(20_000.0),)),
    "steps_too_close": a_flight(TAKEOFF, to(0, 60), to(0, 60.01), RETURN),
    "endurance_exceeded": replace(GOOD, expected_s=1_501.0),
    "endurance_tight": replace(GOOD, expected_s=1_400.0),
    "no_fence": a_flight(TAKEOFF, to(0, 60), RETURN, fences=()),
    "fence_too_big": a_flight(
        TAKEOFF, to(0, 60), RETURN, fences=(replace(CITY, area=CITY.area.buffer(0.001, 32)),)
    ),
}  # fmt: skip
WARNINGS = {
    "end_missing", "item_after_end", "emergency_way_blocked", "steps_too_close",
    "endurance_tight", "no_fence", "fence_too_big",
}  # fmt: skip


def test_every_code_has_a_case_and_a_meaning() -> None:
    assert set(BAD) == set(FINDING_CODES)


@pytest.mark.parametrize("code", sorted(BAD))
def test_each_fault_is_found(code: str) -> None:
    found = [f for f in check_plan(BAD[code], an_asset()) if f.code == code]
    assert found
    assert found[0].message
    severity = Severity.WARNING if code in WARNINGS else Severity.ERROR
    assert {finding.severity for finding in found} == {severity}


def test_errors_come_first() -> None:
    found = check_plan(BAD["leg_excluded"], an_asset())
    order = [list(Severity).index(finding.severity) for finding in found]
    assert order == sorted(order)


def test_the_swept_leg_is_as_wide_as_corners_are_cut() -> None:
    passing = a_flight(
        TAKEOFF, to(0, 23), to(120, 23), to(120, 60), to(0, 60), RETURN, fences=(CITY, SCHOOL)
    )
    assert "leg_excluded" not in codes(passing)
    assert "leg_excluded" in codes(passing, an_asset(acceptance_radius_m=4.0))


def test_without_a_return_altitude_px4s_own_thirty_metres_count() -> None:
    start = MissionItem(K.TAKEOFF, a_place(0, 0, 20))
    fences = (a_fence(200.0, ceiling=Altitude(25.0, HOME)),)
    plan = a_flight(start, to(0, 60, 20), RETURN, fences=fences, return_altitude=None)
    assert "return_above_ceiling" in codes(plan)
    lowered = replace(plan, return_altitude=Altitude(20.0, HOME))
    assert codes(lowered) == set()


def test_an_exclusion_with_a_floor_is_open_below_it() -> None:
    above = replace(SCHOOL, floor=Altitude(60.0, HOME))
    plan = a_flight(TAKEOFF, to(120, 0), RETURN, fences=(CITY, above))
    assert codes(plan) == set()
    high = a_flight(TAKEOFF, to(120, 0, 70), RETURN, fences=(CITY, above))
    assert "leg_excluded" in codes(high)


def test_two_inclusions_permit_their_union() -> None:
    parts = (a_fence(60.0), a_fence(60.0, 100.0, zone_id=ZoneId("east")))
    assert codes(a_flight(TAKEOFF, to(100, 0), RETURN, fences=parts)) == set()
