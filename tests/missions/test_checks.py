from dataclasses import replace

import pytest

from core.ids import AssetId, ZoneId
from geo.positions import Altitude, Datum
from geo.zones import ZoneKind
from missions.energy import EnergyModel
from missions.model import (
    Finding,
    MissionItem,
    RallyPoint,
    Severity,
)
from missions.proving.checks import FINDING_CODES, check_plan
from tests.builders import a_place, a_square, after, an_asset
from tests.missions.flying import a_car, a_fence
from tests.missions.proving import (
    AROUND_A_HOLE,
    AROUND_SCHOOL,
    CIRCLE,
    CITY,
    CLOSED_TODAY,
    FINE,
    GOOD,
    GROUND,
    HOME,
    OTHER,
    RETURN,
    SCHOOL,
    TAKEOFF,
    Case,
    Hill,
    K,
    a_flight,
    a_permission,
    known,
    low,
    to,
)

BAD = {
    "mission_empty": a_flight(),
    "only_return": a_flight(TAKEOFF, RETURN),
    "takeoff_missing": a_flight(to(0, 60), RETURN),
    "takeoff_not_first": a_flight(to(0, 60), TAKEOFF, RETURN),
    "takeoff_twice": a_flight(TAKEOFF, to(0, 60), TAKEOFF, RETURN),
    "takeoff_too_low": a_flight(MissionItem(K.TAKEOFF, a_place(0, 0, 2.5)), to(0, 60), RETURN),
    "starts_with_landing": a_flight(MissionItem(K.LAND, a_place(0, 60, 0))),
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
    # the last few metres to the border are too short to brake on
    "corner_too_fast": a_flight(
        TAKEOFF, to(0, 189, speed_m_s=8.0), to(0, 195), to(-60, 195), RETURN
    ),
    # the leg is free, the circle is not (PX4 looks at the circles of fixed wings alone)
    "hover_outside": a_flight(TAKEOFF, CIRCLE, RETURN),
    "column_excluded": a_flight(
        TAKEOFF, to(0, 60), RETURN,
        fences=(CITY, replace(SCHOOL, area=a_square(0, 0, 10), floor=Altitude(30.0, HOME))),
    ),
    "above_ceiling": a_flight(TAKEOFF, to(0, 60), RETURN, fences=(CITY, low(ceiling=35.0))),
    "below_floor": a_flight(TAKEOFF, to(0, 60), RETURN, fences=(CITY, low(floor=45.0))),
    "datum_unknown": a_flight(
        TAKEOFF, to(0, 60), RETURN,
        fences=(replace(CITY, ceiling=Altitude(60.0, Datum.ELLIPSOID)),),
    ),
    "near_ground": Case(GOOD, terrain=Hill(65.0)),
    "terrain_unknown": Case(GOOD, terrain=None),
    "return_above_ceiling": a_flight(
        TAKEOFF, to(0, 60), RETURN, fences=(CITY, low(ceiling=45.0)),
        return_altitude=Altitude(50.0, HOME),
    ),
    "return_below_floor": a_flight(
        TAKEOFF, to(120, 60), to(120, -60), RETURN,
        fences=(CITY, a_fence(
            zone_id=ZoneId("strip"), name="strip", area=a_square(60, 0, 15),
            floor=Altitude(45.0, HOME),
        )),
    ),
    "return_near_ground": Case(
        a_flight(
            TAKEOFF, to(-90, 0), to(-90, 90, 70.0), to(90, 90, 70.0), to(90, 0), RETURN,
            return_altitude=Altitude(30.0, HOME),
        ),
        terrain=Hill(60.0),
    ),
    "return_height_unknown": replace(GOOD, return_altitude=None),
    "return_way_blocked": a_flight(*AROUND_SCHOOL, RETURN, fences=(CITY, SCHOOL)),
    "emergency_way_blocked": a_flight(
        *AROUND_SCHOOL, to(120, 60), to(0, 60), RETURN, fences=(CITY, SCHOOL)
    ),
    "rally_way_blocked": a_flight(
        TAKEOFF, to(0, 60), to(70, 60), RETURN, fences=(CITY, SCHOOL),
        rally=(RallyPoint(a_place(70, -30, 40)),),
    ),
    "rally_outside": a_flight(
        TAKEOFF, to(0, 60), RETURN, rally=(RallyPoint(a_place(300, 0, 40)),)
    ),
    "first_step_far": a_flight(TAKEOFF, to(12_000, 0), RETURN, fences=(a_fence(20_000.0),)),
    "steps_too_close": a_flight(TAKEOFF, to(0, 60), to(0, 60.01), RETURN),
    "mission_too_long": a_flight(
        TAKEOFF, *(to(60 * (n % 2), n / 10) for n in range(501)), RETURN
    ),
    "item_unsupported": a_flight(
        TAKEOFF,
        MissionItem(K.LOITER, a_place(0, 60, 40), hold_s=60, loiter_radius_m=40, loiter_turns=2),
        RETURN,
    ),
    "endurance_exceeded": replace(GOOD, expected_s=1_501.0),
    "return_endurance": Case(
        a_flight(TAKEOFF, to(0, 190), to(0, 180), MissionItem(K.LAND, a_place(0, 180, 0))),
        an_asset(endurance_s=98.0),
    ),
    "endurance_tight": replace(GOOD, expected_s=1_400.0),
    "wind_against": Case(
        GOOD, an_asset(energy=EnergyModel(), wind_most_m_s=30.0),
        {"weather": replace(FINE, wind_m_s=20.0)},
    ),
    "wind_too_strong": Case(GOOD, circumstances={"weather": replace(FINE, wind_m_s=11.0)}),
    "too_cold": Case(GOOD, circumstances={"weather": replace(FINE, temperature_c=-30.0)}),
    "weather_unknown": Case(GOOD, circumstances={"weather": replace(FINE, temperature_c=None)}),
    "asset_drives": Case(GOOD, a_car()),
    "asset_passive": Case(GOOD, an_asset(passive=True)),
    "asset_far": Case(GOOD, an_asset(home=a_place(120_000, 0))),
    "link_range": Case(GOOD, an_asset(link_range_m=100.0)),
    "permission_unknown": Case(GOOD, circumstances={"permissions": None}),
    "permission_missing": Case(replace(GOOD, permission="KZ-18")),
    "permission_other_asset": Case(
        GOOD, circumstances={"permissions": (a_permission(asset_ids=(AssetId("drone-2"),)),)}
    ),
    "permission_not_yet_valid": Case(GOOD, circumstances={"departs_at": after(hours=-2)}),
    "permission_expired": Case(GOOD, circumstances={"departs_at": after(hours=3)}),
    "permission_revoked": Case(
        GOOD, circumstances={"permissions": (a_permission(revoked_at=after(-60)),)}
    ),
    "permission_ends_in_flight": Case(
        GOOD, circumstances={"permissions": (a_permission(valid_until=after(60)),)}
    ),
    "permission_time_unknown": Case(GOOD, circumstances={"departs_at": None}),
    "permission_left": Case(GOOD, circumstances={"permissions": (a_permission(80.0),)}),
    # the two ends are inside, the ways home from between them are not
    "permission_left_on_return": Case(
        a_flight(TAKEOFF, to(0, 60), to(100, 60), to(100, 0), RETURN),
        circumstances={"permissions": (a_permission(area=AROUND_A_HOLE),)},
    ),
    "permission_height": Case(
        GOOD, circumstances={"permissions": (a_permission(ceiling=Altitude(35.0, GROUND)),)}
    ),
    "permission_height_on_return": Case(
        replace(GOOD, return_altitude=Altitude(60.0, HOME)),
        circumstances={"permissions": (a_permission(ceiling=Altitude(400.0, Datum.GEOID)),)},
    ),
    "departure_unknown": Case(
        replace(GOOD, fences=(CITY, replace(CLOSED_TODAY, area=a_square(-90, -90, 9)))),
        circumstances={"departs_at": None},
    ),
    "conflict_with_own": Case(GOOD, circumstances={"others": (OTHER,)}),
    "conflict_possible": Case(GOOD, circumstances={"others": (OTHER,), "departs_at": None}),
    "no_fence": a_flight(TAKEOFF, to(0, 60), RETURN, fences=()),
    "fence_too_big": a_flight(
        TAKEOFF, to(0, 60), RETURN, fences=(replace(CITY, area=CITY.area.buffer(0.001, 32)),)
    ),
    "fence_without_height": a_flight(
        TAKEOFF, to(120, 0), RETURN, fences=(CITY, replace(SCHOOL, ceiling=Altitude(20.0, GROUND)))
    ),
}  # fmt: skip
WARNINGS = {
    "end_missing", "item_after_end", "steps_too_close", "endurance_tight", "no_fence",
    "fence_too_big", "mission_too_long", "terrain_unknown", "return_height_unknown",
    "weather_unknown", "permission_unknown", "permission_time_unknown", "departure_unknown",
    "conflict_possible", "fence_without_height", "asset_far",
}  # fmt: skip
SELDOM = {
    "not_provable", "asset_unknown", "asset_field_unknown", "not_understood", "not_carried",
    "zones_far", "zone_not_in_force", "zone_property_ignored", "zone_datum_assumed",
    "mended_not_written", "other_not_understood", "spacing_impossible", "vehicle_other",
    "speed_assumed", "departure_differs", "departure_from_file",
}  # fmt: skip
"""Tested where they come from: the verb, the plan files, and `test_it_never_raises`."""


def case(code: str) -> Case:
    one = BAD[code]
    return one if isinstance(one, Case) else Case(one)


def found_in(one: Case) -> tuple[Finding, ...]:
    return check_plan(one.plan, one.asset, known(**one.circumstances), terrain=one.terrain)


def test_every_code_has_a_case_and_a_meaning() -> None:
    assert set(BAD) | SELDOM == set(FINDING_CODES)


NOWHERE = {
    "terrain_unknown", "weather_unknown", "permission_unknown", "departure_unknown",
    "return_height_unknown", "no_fence", "fence_too_big", "fence_without_height", "datum_unknown",
    "wind_too_strong", "too_cold",
}  # fmt: skip
"""What is not known, the weather and the whole fence have no place."""


@pytest.mark.parametrize("code", sorted(BAD))
def test_each_fault_is_found(code: str) -> None:
    one = case(code)
    every = found_in(one)
    found = [f for f in every if f.code == code]
    assert found
    assert found[0].message
    assert found[0].cure or code in {"mission_too_long", "endurance_tight"}
    severity = Severity.WARNING if code in WARNINGS else Severity.ERROR
    assert {finding.severity for finding in found} == {severity}
    for finding in every:
        if finding.code not in NOWHERE:
            assert finding.place is not None, finding
            assert finding.place == pytest.approx(
                (one.plan.home.lat_deg, one.plan.home.lon_deg), 3e-3
            )
