from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.ids import ZoneId
from geo.adapters.flat_terrain import FlatTerrain
from geo.local_frame import distance_m
from geo.positions import Altitude, Datum
from geo.zones import ZoneKind, ZoneStage
from missions.circumstances import Circumstances, OwnFlight
from missions.model import (
    Autopilot,
    MissionItem,
    Plan,
    Severity,
)
from missions.permissions import Permission
from missions.proving.checks import check_plan
from tests.builders import NOW, a_place, a_square, after, an_asset
from tests.missions.flying import a_car, a_drive, a_fence
from tests.missions.proving import (
    AROUND_SCHOOL,
    CITY,
    CLOSED_TODAY,
    DAILY,
    EAST,
    GOOD,
    GROUND,
    HOME,
    LEVEL,
    OTHER,
    RETURN,
    SCHOOL,
    TAKEOFF,
    Hill,
    K,
    a_flight,
    a_permission,
    check,
    codes,
    errors,
    known,
    low,
    to,
)

THROUGH_THE_SCHOOL = a_flight(
    TAKEOFF, to(0, 60), to(120, -60), to(0, -60), RETURN, fences=(CITY, SCHOOL)
)


def test_a_good_plan_has_no_finding() -> None:
    assert check(GOOD) == ()


def test_what_is_not_given_is_a_warning() -> None:
    found = check_plan(GOOD, an_asset())
    assert {f.code for f in found} == {"permission_unknown", "terrain_unknown", "weather_unknown"}
    assert {f.severity for f in found} == {Severity.WARNING}


def test_a_car_needs_neither_air_nor_permission() -> None:
    assert check_plan(a_drive(), a_car()) == ()


def test_what_takes_off_or_lands_is_not_for_a_car() -> None:
    lands = a_flight(to(0, 60), MissionItem(K.LAND, a_place(0, 60, 0)))
    for plan, item, word in ((GOOD, 0, "takes off"), (lands, 1, "lands")):
        (finding,) = (f for f in check(plan, a_car()) if f.code == "asset_drives")
        assert (finding.severity, finding.item) == (Severity.ERROR, item)
        assert word in finding.message
        assert finding.cure
    assert "asset_drives" not in codes(GOOD)


def test_a_passive_asset_is_given_no_plan() -> None:
    assert errors(GOOD, an_asset(passive=True)) == {"asset_passive"}
    assert {f.code for f in check_plan(a_drive(), replace(a_car(), passive=True))} == {
        "asset_passive"
    }


@pytest.mark.parametrize(
    ("until", "over"), [("20211231T000000Z", True), ("20991231T000000Z", False)]
)
@pytest.mark.parametrize("kind", list(ZoneKind))
def test_a_zone_whose_windows_are_all_over_is_told(until: str, over: bool, kind: ZoneKind) -> None:
    window = replace(
        DAILY, start=datetime(2020, 1, 1, 6, tzinfo=UTC), rrule=f"FREQ=DAILY;UNTIL={until}"
    )
    zone = replace(SCHOOL, kind=kind, area=a_square(-90, -90, 9), windows=(window,))
    found = [f for f in check(replace(GOOD, fences=(CITY, zone))) if f.code == "zone_not_in_force"]
    assert [f.severity for f in found] == [Severity.WARNING] * over
    if over:
        assert found[0].about == "school"
        assert ("limits nothing" in found[0].message) is (kind is ZoneKind.EXCLUSION)


def test_a_zone_that_is_closed_at_that_hour_alone_is_not_told() -> None:
    assert "zone_not_in_force" not in codes(
        replace(GOOD, fences=(CITY, CLOSED_TODAY)), departs_at=after(hours=8)
    )


def test_without_terrain_the_ground_is_level_at_home_and_near_it_warns() -> None:
    def near(up: float, terrain: FlatTerrain | None) -> list[tuple[Severity, int | None]]:
        start = MissionItem(K.TAKEOFF, a_place(0, 0, up + 4))
        plan = a_flight(start, to(0, 60, up), to(60, 60, up), RETURN)
        found = check_plan(plan, an_asset(), known(), terrain=terrain)
        return [(f.severity, f.item) for f in found if f.code == "near_ground"]

    assert near(3.0, None) == [(Severity.WARNING, 1), (Severity.WARNING, 2)]
    assert near(3.0, LEVEL) == [(Severity.ERROR, 1), (Severity.ERROR, 2)]
    assert near(12.0, None) == near(12.0, LEVEL) == []
    low_return = replace(GOOD, return_altitude=Altitude(4.0, HOME))
    assert "return_near_ground" not in codes(low_return)  # it comes home as high as it flew


def test_errors_come_first() -> None:
    found = check(THROUGH_THE_SCHOOL)
    order = [list(Severity).index(finding.severity) for finding in found]
    assert order == sorted(order)


def test_the_swept_leg_is_as_wide_as_corners_are_cut() -> None:
    passing = a_flight(
        TAKEOFF, to(0, 23), to(55, 23), to(55, 60), to(0, 60), RETURN, fences=(CITY, SCHOOL)
    )
    assert "leg_excluded" not in codes(passing)
    assert "leg_excluded" in codes(passing, an_asset(acceptance_radius_m=4.0))
    assert "leg_excluded" in codes(passing, margin_m=2.0)


def test_a_place_that_counts_as_reached_from_afar_cuts_the_corner_behind_it() -> None:
    def around(wide_m: float | None, number: int) -> set[str]:
        places = [(0, 26), (55, 26), (55, 60), (0, 60)]
        items = [to(*place) for place in places]
        items[number] = replace(items[number], acceptance_radius_m=wide_m)
        return codes(a_flight(TAKEOFF, *items, RETURN, fences=(CITY, SCHOOL)))

    assert "leg_excluded" not in around(None, 0) | around(5.0, 0) | around(9.0, 2)
    assert "leg_excluded" in around(9.0, 0)  # the leg along the school begins there


@pytest.mark.parametrize(("gap_m", "entered"), [(2.02, False), (2.0, False), (1.97, True)])
def test_a_border_that_is_only_touched_is_not_crossed(gap_m: float, entered: bool) -> None:
    plan = a_flight(
        TAKEOFF, to(0, 20 + gap_m), to(55, 20 + gap_m), to(0, 60), RETURN, fences=(CITY, SCHOOL)
    )
    assert ("leg_excluded" in codes(plan)) is entered


@pytest.mark.parametrize(("up_m", "over"), [(35.0, False), (35.005, False), (35.05, True)])
def test_a_ceiling_that_is_only_touched_is_not_broken(up_m: float, over: bool) -> None:
    start = MissionItem(K.TAKEOFF, a_place(0, 0, up_m))
    plan = a_flight(
        start, to(0, 60, up_m), RETURN, fences=(CITY, low(ceiling=35.0)),
        return_altitude=Altitude(35.0, HOME),
    )  # fmt: skip
    assert ("above_ceiling" in codes(plan)) is over


def test_without_a_return_altitude_px4s_own_thirty_metres_count_as_a_warning() -> None:
    start = MissionItem(K.TAKEOFF, a_place(0, 0, 20))
    fences = (a_fence(200.0, ceiling=Altitude(25.0, HOME)),)
    plan = a_flight(start, to(0, 60, 20), RETURN, fences=fences, return_altitude=None)
    assert "return_above_ceiling" in codes(plan)
    assert errors(plan) == set()
    assert codes(replace(plan, return_altitude=Altitude(20.0, HOME))) == set()
    assert "return_above_ceiling" in errors(replace(plan, return_altitude=Altitude(30.0, HOME)))


def test_an_exclusion_applies_between_its_floor_and_ceiling_alone() -> None:
    above = replace(SCHOOL, floor=Altitude(60.0, HOME))
    plan = a_flight(TAKEOFF, to(120, 0), RETURN, fences=(CITY, above))
    assert codes(plan) == {"fence_without_height"}
    high = a_flight(TAKEOFF, to(120, 0, 70), RETURN, fences=(CITY, above))
    assert "leg_excluded" in errors(high)
    below = replace(SCHOOL, ceiling=Altitude(30.0, GROUND))
    assert errors(replace(plan, fences=(CITY, below))) == set()
    within = replace(SCHOOL, floor=Altitude(30.0, HOME), ceiling=Altitude(400.0, Datum.GEOID))
    assert "leg_excluded" in errors(replace(plan, fences=(CITY, within)))


def test_a_climbing_leg_is_held_to_the_height_that_it_has_there() -> None:
    zone = replace(SCHOOL, area=a_square(150, 0, 10), ceiling=Altitude(60.0, HOME))
    far = a_flight(
        TAKEOFF, to(0, 60), to(0, 20), to(190, 0, 80), to(0, 60, 80), RETURN,
        fences=(CITY, zone), return_altitude=Altitude(80.0, HOME),
    )  # fmt: skip
    assert errors(far) == set()  # at 140 m east it is at 69 m
    low_there = replace(zone, area=a_square(60, 12, 5))
    assert "leg_excluded" in errors(replace(far, fences=(CITY, low_there)))


def test_the_return_is_proven_from_between_the_waypoints_too() -> None:
    tower = replace(SCHOOL, name="tower", area=a_square(50, 50, 3))
    plan = a_flight(TAKEOFF, to(120, 10), to(10, 120), RETURN, fences=(CITY, tower))
    blocked = [f for f in check(plan) if f.severity is Severity.ERROR]
    assert [(f.code, f.item) for f in blocked] == [("emergency_way_blocked", 2)]
    assert "% of it) flies through tower" in blocked[0].message
    place = blocked[0].place
    assert place is not None
    middle = a_place(65, 65)
    assert distance_m(*place, middle.lat_deg, middle.lon_deg) < 3.0
    over = replace(tower, ceiling=Altitude(39.0, GROUND))
    assert errors(replace(plan, fences=(CITY, over))) == set()


def test_the_return_goes_to_the_nearest_of_home_and_rally_points() -> None:
    plan = a_flight(*AROUND_SCHOOL, to(120, 60), to(0, 60), RETURN, fences=(CITY, SCHOOL))
    assert errors(plan) == {"emergency_way_blocked"}
    # beyond the school the rally point is nearer, so nobody flies home from there
    assert errors(replace(plan, rally=(EAST,))) == set()


def test_a_climb_to_the_return_height_counts() -> None:
    cloud = replace(SCHOOL, area=a_square(0, 60, 20), floor=Altitude(50.0, HOME))
    plan = a_flight(TAKEOFF, to(0, 60), to(100, 60), RETURN, fences=(CITY, cloud))
    assert errors(plan) == set()
    assert "emergency_way_blocked" in errors(replace(plan, return_altitude=Altitude(70.0, HOME)))


def test_two_inclusions_permit_their_union() -> None:
    parts = (a_fence(60.0), a_fence(60.0, 100.0, zone_id=ZoneId("east")))
    assert codes(a_flight(TAKEOFF, to(100, 0), RETURN, fences=parts)) == set()


def test_only_an_active_flight_zone_limits() -> None:
    plan = THROUGH_THE_SCHOOL
    for zone in (
        replace(SCHOOL, active=False),
        replace(SCHOOL, stage=ZoneStage.DRAFT),
        replace(
            SCHOOL,
            purposes=frozenset(
                {next(iter(set(type(next(iter(SCHOOL.purposes)))) - SCHOOL.purposes))}
            ),
        ),
    ):
        assert errors(replace(plan, fences=(CITY, zone))) == set()


def test_a_zone_counts_only_while_its_window_overlaps_the_passage() -> None:
    plan = replace(THROUGH_THE_SCHOOL, fences=(CITY, CLOSED_TODAY))
    assert "leg_excluded" in errors(plan)
    assert errors(plan, departs_at=after(hours=2)) >= {"leg_excluded"}
    later = a_permission(valid_until=after(hours=30))
    assert errors(plan, departs_at=after(hours=7), permissions=(later,)) == set()
    # a minute before it ends it may still be in force when it is reached
    assert "leg_excluded" in errors(plan, departs_at=after(hours=5, minutes=59))
    unknown = check_plan(plan, an_asset(), Circumstances())
    assert "leg_excluded" in {f.code for f in unknown}


def test_an_inclusion_permits_only_while_it_is_in_force() -> None:
    open_today = replace(CITY, windows=(DAILY,))
    plan = replace(GOOD, fences=(open_today,))
    assert errors(plan) == set()
    ends = after(hours=6, minutes=-1)
    assert "leg_outside" in errors(
        plan, departs_at=ends, permissions=(a_permission(valid_until=after(hours=9)),)
    )


def test_heights_above_ground_follow_the_ground() -> None:
    hill = Hill(30.0)
    capped = replace(CITY, ceiling=Altitude(45.0, GROUND))
    climbing = a_flight(
        TAKEOFF, to(0, 100, 70.0), to(60, 100, 70.0), to(0, 0, 40.0), RETURN, fences=(capped,)
    )
    at_level = {f.code for f in check_plan(climbing, an_asset(), known())}
    assert "above_ceiling" in at_level
    over_hill = {
        f.code
        for f in check_plan(climbing, an_asset(), known(), terrain=hill)
        if f.severity is Severity.ERROR
    }
    assert "above_ceiling" not in over_hill


def test_a_permissions_heights_above_ground_follow_the_ground() -> None:
    low = a_permission(ceiling=Altitude(45.0, GROUND))
    rising = a_flight(TAKEOFF, to(0, 100, 70.0), to(60, 100, 70.0), to(0, 0, 40.0), RETURN)
    assert "permission_height" in errors(rising, permissions=(low,))

    def codes_over(plan: Plan, hill_m: float, permission: Permission) -> set[str]:
        against = known(permissions=(permission,))
        found = check_plan(plan, an_asset(), against, terrain=Hill(hill_m))
        return {f.code for f in found if f.severity is Severity.ERROR}

    # it climbs with the hill and stays 40 m above it
    assert "permission_height" not in codes_over(rising, 30.0, low)
    # over a valley what is level with home is far above the ground
    assert "permission_height" in codes_over(GOOD, -60.0, low)
    high = a_permission(floor=Altitude(25.0, GROUND))
    assert "permission_height" not in codes_over(GOOD, 0.0, high)
    assert "permission_height" in codes_over(GOOD, 25.0, high)


def test_one_of_ours_that_is_held_or_late_keeps_its_way() -> None:
    far_later = after(hours=1)
    assert errors(GOOD, others=(OTHER,), departs_at=far_later) == set()
    untimed = replace(OTHER, untimed=True)
    assert errors(GOOD, others=(untimed,), departs_at=far_later) == {"conflict_with_own"}
    before = replace(untimed, departs_at=after(hours=2))  # gone before the other even starts
    assert errors(GOOD, others=(before,), departs_at=far_later) == set()


def test_a_terrain_of_another_datum_joins_nothing() -> None:
    plan = replace(GOOD, fences=(replace(CITY, ceiling=Altitude(60.0, GROUND)),))
    apart = Hill(0.0, Datum.ELLIPSOID)
    found = check_plan(plan, an_asset(), known(), terrain=apart)
    assert {f.code for f in found if f.severity is Severity.ERROR} == {"datum_unknown"}
    beyond = check_plan(GOOD, an_asset(), known(), terrain=Hill(0.0, known_m=20.0))
    assert {f.code for f in beyond} == {"terrain_unknown"}


def test_the_best_permission_is_taken_where_the_plan_names_none() -> None:
    other = a_permission(50.0, number="KZ-16")
    assert errors(GOOD, permissions=(other, a_permission())) == set()
    assert "permission_left" in errors(replace(GOOD, permission="KZ-16"), permissions=(other,))
    assert errors(GOOD, permissions=()) == {"permission_missing"}


def test_two_of_our_own_keep_apart_in_time_or_height() -> None:
    assert "conflict_with_own" in errors(GOOD, others=(OTHER,))
    assert errors(GOOD, others=(replace(OTHER, departs_at=after(minutes=20)),)) == set()
    far = a_flight(
        TAKEOFF, to(0, -60), RETURN, home=replace(a_place(900, 0), altitude=GOOD.home.altitude)
    )
    assert errors(GOOD, others=(OwnFlight(far, NOW),)) >= {"conflict_with_own"}
    away = a_flight(
        MissionItem(K.TAKEOFF, a_place(900, 0, 40)), to(900, 100), RETURN,
        home=replace(a_place(900, 0), altitude=GOOD.home.altitude),
    )  # fmt: skip
    assert errors(GOOD, others=(OwnFlight(away, NOW),)) == set()


def test_what_the_autopilot_would_refuse_has_its_name() -> None:
    events = {f.code: f.autopilot_event for f in check(THROUGH_THE_SCHOOL)}
    assert events["leg_excluded"] == "navigator_mis_geofence_path_violation"
    bare = a_flight(to(0, 60), RETURN)
    assert {f.autopilot_event for f in check(bare)} == {"navigator_mis_takeoff_missing"}
    ours = an_asset(autopilot=Autopilot.ARDUPILOT)
    assert {f.autopilot_event for f in check(bare, ours)} == {"Auto: Missing Takeoff Cmd"}


def test_it_never_raises() -> None:
    class Broken:
        sigma_m = 1.0

        def elevation(self, lat_deg: float, lon_deg: float) -> Altitude:
            raise ValueError("no such tile")

    found = check_plan(GOOD, an_asset(), known(), terrain=Broken())
    assert [(f.severity, f.code) for f in found] == [(Severity.ERROR, "not_provable")]
