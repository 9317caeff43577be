from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from core.errors import DatumUnknown
from core.ids import AssetId, ZoneId
from core.recurrence import Recurrence
from geo.adapters.flat_terrain import FlatTerrain
from geo.local_frame import distance_m
from geo.positions import Altitude, Datum
from geo.zones import Zone, ZoneKind, ZoneStage
from missions.checks import FINDING_CODES, check_plan
from missions.circumstances import Circumstances, OwnFlight
from missions.energy import EnergyModel
from missions.model import (
    Asset,
    Autopilot,
    Finding,
    ItemKind,
    MissionItem,
    Plan,
    RallyPoint,
    Severity,
)
from missions.permissions import Permission
from missions.weather import Weather
from tests.builders import AT, NOW, a_mission, a_place, a_plan, a_square, after, an_asset
from tests.missions.flying import a_car, a_drive, a_fence

HOME, GROUND = Datum.HOME, Datum.GROUND
K = ItemKind
TAKEOFF = MissionItem(K.TAKEOFF, a_place(0, 0, 40))
RETURN = MissionItem(K.RETURN)
CITY = a_fence(200.0)
SCHOOL = a_fence(
    zone_id=ZoneId("school"), name="school", kind=ZoneKind.EXCLUSION, area=a_square(60, 0, 20)
)
FINE = Weather(NOW, wind_m_s=3.0, wind_from_deg=270.0, temperature_c=15.0)
LEVEL = FlatTerrain(Altitude(350.0, Datum.GEOID))


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


def a_permission(half_m: float = 300.0, **changes: Any) -> Permission:
    values: dict[str, Any] = {
        "number": "KZ-17", "issuer": "authority", "area": a_square(0, 0, half_m),
        "valid_from": after(hours=-1), "valid_until": after(hours=3), **changes,
    }  # fmt: skip
    return Permission(**values)


def known(**changes: Any) -> Circumstances:
    """Returns circumstances in which nothing is left unsaid."""
    values: dict[str, Any] = {
        "departs_at": NOW, "permissions": (a_permission(),), "weather": FINE, **changes,
    }  # fmt: skip
    return Circumstances(**values)


GOOD = a_flight(TAKEOFF, to(0, 60), to(100, 60), RETURN)


def check(plan: Plan, asset: Asset | None = None, **changes: Any) -> tuple[Finding, ...]:
    return check_plan(plan, asset or an_asset(), known(**changes), terrain=LEVEL)


def codes(plan: Plan, asset: Asset | None = None, **changes: Any) -> set[str]:
    return {finding.code for finding in check(plan, asset, **changes)}


def errors(plan: Plan, asset: Asset | None = None, **changes: Any) -> set[str]:
    found = check(plan, asset, **changes)
    return {finding.code for finding in found if finding.severity is Severity.ERROR}


def test_a_good_plan_has_no_finding() -> None:
    assert check(GOOD) == ()


def test_what_is_not_given_is_a_warning() -> None:
    found = check_plan(GOOD, an_asset())
    assert {f.code for f in found} == {"permission_unknown", "terrain_unknown", "weather_unknown"}
    assert {f.severity for f in found} == {Severity.WARNING}


def test_a_car_needs_neither_air_nor_permission() -> None:
    assert check_plan(a_drive(), a_car()) == ()


def low(ceiling: float | None = None, floor: float | None = None) -> Zone:
    return a_fence(
        zone_id=ZoneId("part"),
        name="part",
        area=a_square(0, 60, 15),
        ceiling=None if ceiling is None else Altitude(ceiling, HOME),
        floor=None if floor is None else Altitude(floor, HOME),
    )


@dataclass
class Case:
    plan: Plan
    asset: Asset = field(default_factory=an_asset)
    circumstances: dict[str, Any] = field(default_factory=dict)
    terrain: Any = LEVEL


class Hill:
    """Ground that rises to the north; beyond 5 km it is not known."""

    sigma_m = 1.0

    def __init__(self, top_m: float, datum: Datum = Datum.GEOID, known_m: float = 5_000.0) -> None:
        self._top_m, self._datum, self._known_m = top_m, datum, known_m

    def elevation(self, lat_deg: float, lon_deg: float) -> Altitude:
        _, north = AT.to_en1_m(lat_deg, lon_deg)
        if north > self._known_m:
            raise DatumUnknown("beyond the model")
        return Altitude(350.0 + self._top_m * min(1.0, max(0.0, north / 100.0)), self._datum)


CIRCLE = MissionItem(K.LOITER, a_place(0, 150, 40), hold_s=30.0, loiter_radius_m=48.5)
AROUND_SCHOOL = (TAKEOFF, to(0, 60), to(120, 60), to(120, 0))
DAILY = Recurrence(after(hours=-2), timedelta(hours=8), "Asia/Almaty", "FREQ=DAILY")
CLOSED_TODAY = replace(SCHOOL, windows=(DAILY,))
LATE = {"departs_at": after(hours=8)}
OTHER = OwnFlight(replace(GOOD, asset_id=AssetId("drone-2")), NOW)
AROUND_A_HOLE = a_square(0, 0, 150) - a_square(50, 20, 5)
EAST = RallyPoint(a_place(150, 0, 40))

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
    "conflict_possible", "fence_without_height",
}  # fmt: skip
SELDOM = {
    "not_provable", "asset_unknown", "asset_field_unknown", "not_understood", "not_carried",
}  # fmt: skip
"""Tested where they come from: the verb, the plan files, and `test_it_never_raises`."""


def case(code: str) -> Case:
    one = BAD[code]
    return one if isinstance(one, Case) else Case(one)


def found_in(one: Case) -> tuple[Finding, ...]:
    return check_plan(one.plan, one.asset, known(**one.circumstances), terrain=one.terrain)


def test_every_code_has_a_case_and_a_meaning() -> None:
    assert set(BAD) | SELDOM == set(FINDING_CODES)


@pytest.mark.parametrize("code", sorted(BAD))
def test_each_fault_is_found(code: str) -> None:
    found = [f for f in found_in(case(code)) if f.code == code]
    assert found
    assert found[0].message
    assert found[0].cure or code in {"mission_too_long", "endurance_tight"}
    severity = Severity.WARNING if code in WARNINGS else Severity.ERROR
    assert {finding.severity for finding in found} == {severity}


def test_errors_come_first() -> None:
    found = check(case("leg_excluded").plan)
    order = [list(Severity).index(finding.severity) for finding in found]
    assert order == sorted(order)


def test_the_swept_leg_is_as_wide_as_corners_are_cut() -> None:
    passing = a_flight(
        TAKEOFF, to(0, 23), to(55, 23), to(55, 60), to(0, 60), RETURN, fences=(CITY, SCHOOL)
    )
    assert "leg_excluded" not in codes(passing)
    assert "leg_excluded" in codes(passing, an_asset(acceptance_radius_m=4.0))
    assert "leg_excluded" in codes(passing, margin_m=2.0)


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
    plan = case("leg_excluded").plan
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
    plan = replace(case("leg_excluded").plan, fences=(CITY, CLOSED_TODAY))
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
    events = {f.code: f.autopilot_event for f in check(case("leg_excluded").plan)}
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
