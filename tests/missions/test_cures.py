"""Every cure that is told is one: applied, the finding is gone and no error is new."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from core.ids import AssetId, ZoneId
from core.recurrence import Recurrence
from geo.adapters.flat_terrain import FlatTerrain
from geo.positions import Altitude, Datum
from geo.zones import Zone, ZoneKind
from missions.circumstances import Circumstances, OwnFlight
from missions.model import (
    Asset,
    Change,
    ChangeKind,
    Finding,
    ItemKind,
    MissionItem,
    Plan,
    RallyPoint,
    Severity,
)
from missions.permissions import Permission
from missions.proving.checks import check_plan
from missions.proving.cures import apply_change, fix_plan
from missions.weather import Weather
from tests.builders import NOW, a_mission, a_place, a_plan, a_square, after, an_asset
from tests.missions.flying import a_fence

HOME = Datum.HOME
K = ItemKind
C = ChangeKind
CITY = a_fence(600.0)
FINE = Weather(NOW, wind_m_s=2.0, wind_from_deg=270.0, temperature_c=15.0)
LEVEL = FlatTerrain(Altitude(350.0, Datum.GEOID))
DRONE = an_asset(endurance_s=3_000.0)
few = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


def known(**changes: Any) -> Circumstances:
    permission = Permission(
        "KZ-17", "authority", a_square(0, 0, 2_000), after(hours=-1), after(hours=30)
    )
    values: dict[str, Any] = {
        "departs_at": NOW, "permissions": (permission,), "weather": FINE, **changes,
    }  # fmt: skip
    return Circumstances(**values)


def at(east: float, north: float, up: float = 40.0, **changes: Any) -> MissionItem:
    return replace(MissionItem(K.WAYPOINT, a_place(east, north, up)), **changes)


def a_flight(*items: MissionItem, fences: tuple[Zone, ...] = (CITY,), **changes: Any) -> Plan:
    values: dict[str, Any] = {
        "mission": a_mission(items=items), "fences": fences,
        "return_altitude": Altitude(40.0, HOME), "expected_s": 0.0, **changes,
    }  # fmt: skip
    return a_plan(**values)


def there_and_back(*items: MissionItem, **changes: Any) -> Plan:
    return a_flight(
        MissionItem(K.TAKEOFF, a_place(0, 0, 40)), *items, MissionItem(K.RETURN), **changes
    )


def closed(east: float, north: float, half: float, **changes: Any) -> Zone:
    return a_fence(
        zone_id=ZoneId(f"closed-{east:.0f}-{north:.0f}"), name="closed", kind=ZoneKind.EXCLUSION,
        area=a_square(east, north, half), **changes,
    )  # fmt: skip


def renumbered(item: int | None, finding: Finding) -> int | None:
    """Says under which number an item is known after a finding's change."""
    change = finding.change
    assert change is not None
    if item is None or (change.item is None and change.kind is not C.ADD_TAKEOFF):
        return item
    if change.kind is C.ADD_TAKEOFF:
        return item + 1
    assert change.item is not None
    if change.kind is C.INSERT_ITEM and item >= change.item:
        return item + 1
    if change.kind is C.REMOVE_ITEM and item > change.item:
        return item - 1
    return item


def cured_kinds(
    plan: Plan, asset: Asset = DRONE, circumstances: Circumstances | None = None
) -> set[ChangeKind]:
    """Applies every cure that is told, one at a time, and holds it to its word."""
    circumstances = circumstances or known()
    found = check_plan(plan, asset, circumstances, terrain=LEVEL)
    before = [f for f in found if f.severity is Severity.ERROR]
    kinds = set()
    for finding in found:
        if finding.change is None:
            continue
        assert finding.cure, finding
        changed, later = apply_change(plan, circumstances, finding.change)
        after_ = check_plan(changed, asset, later, terrain=LEVEL)
        gone = (finding.code, renumbered(finding.item, finding), finding.about)
        assert gone not in {(f.code, f.item, f.about) for f in after_}, (finding, after_)
        allowed = {(f.code, renumbered(f.item, finding), f.about) for f in before}
        errors = {(f.code, f.item, f.about) for f in after_ if f.severity is Severity.ERROR}
        assert errors <= allowed, (finding, errors - allowed)
        kinds.add(finding.change.kind)
    return kinds


places = st.tuples(st.floats(-450, 450), st.floats(-450, 450))


def away_from_home(place: tuple[float, float], least_m: float = 60.0) -> bool:
    return max(abs(place[0]), abs(place[1])) > least_m


@given(places, st.floats(5, 40), st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))
@few
def test_move_item(middle: tuple[float, float], half: float, dx: float, dy: float) -> None:
    assume(away_from_home(middle, half + 20.0))
    inside = (middle[0] + dx * half, middle[1] + dy * half)
    plan = there_and_back(at(*inside), fences=(CITY, closed(*middle, half)))
    assert C.MOVE_ITEM in cured_kinds(plan)


@given(st.floats(605, 900), st.floats(-400, 400))
@few
def test_move_item_back_into_the_flight_zone(east: float, north: float) -> None:
    assert C.MOVE_ITEM in cured_kinds(there_and_back(at(east, north)))


@given(st.floats(5, 30), st.floats(-0.8, 0.8), st.floats(100, 400), st.floats(45, 80))
@few
def test_insert_item(half: float, off: float, length: float, north: float) -> None:
    # a zone that no return meets: it lies across a leg that leads past home's far side
    zone = closed(0, north + 60 + off * half, half, windows=())
    plan = there_and_back(
        at(-length, north + 60), at(length, north + 60), fences=(CITY, zone),
        rally=(RallyPoint(a_place(-length, north + 40, 0)), RallyPoint(a_place(0, 300, 0)),
               RallyPoint(a_place(length, north + 40, 0))),
    )  # fmt: skip
    found = check_plan(plan, DRONE, known(), terrain=LEVEL)
    assume("leg_excluded" in {f.code for f in found})
    assert C.INSERT_ITEM in cured_kinds(plan)


@given(st.floats(20, 39), places)
@few
def test_set_height(ceiling: float, place: tuple[float, float]) -> None:
    assume(away_from_home(place, 90.0))
    low = a_fence(
        zone_id=ZoneId("low"), name="low", area=a_square(*place, 30.0),
        ceiling=Altitude(ceiling, HOME),
    )  # fmt: skip
    plan = there_and_back(at(*place), fences=(CITY, low), return_altitude=Altitude(20.0, HOME))
    assert C.SET_HEIGHT in cured_kinds(plan)


@given(st.floats(45, 90), st.floats(5, 30), st.floats(100, 300))
@few
def test_set_return_height(ceiling: float, half: float, east: float) -> None:
    # the legs go around; straight home from beyond is over the zone or not at all
    tower = closed(east / 2, 0, half, ceiling=Altitude(ceiling, HOME))
    plan = there_and_back(
        at(0, 80), at(east, 80), at(east, 0), at(east, 80), at(0, 80), fences=(CITY, tower)
    )
    assert C.SET_RETURN_HEIGHT in cured_kinds(plan)


@given(st.floats(41, 55))
@few
def test_set_return_height_under_a_ceiling(height: float) -> None:
    capped = a_fence(600.0, ceiling=Altitude(40.5, HOME))
    plan = there_and_back(at(0, 200), fences=(capped,), return_altitude=Altitude(height, HOME))
    assert C.SET_RETURN_HEIGHT in cured_kinds(plan)


@given(places, st.integers(0, 2))
@few
def test_remove_item(place: tuple[float, float], number: int) -> None:
    assume(away_from_home(place))
    stops = [at(100, 100), at(*place), at(-100, 100)]
    stops.insert(number, MissionItem(K.WAYPOINT))
    assert C.REMOVE_ITEM in cured_kinds(there_and_back(*stops))


@given(places)
@few
def test_add_takeoff_and_return(place: tuple[float, float]) -> None:
    assume(away_from_home(place))
    assert cured_kinds(a_flight(at(*place))) == {C.ADD_TAKEOFF, C.ADD_RETURN}
    late = a_flight(at(*place), MissionItem(K.TAKEOFF, a_place(0, 0, 40)), MissionItem(K.RETURN))
    assert C.ADD_TAKEOFF in cured_kinds(late)


@given(places, st.floats(605, 1_500), st.floats(-500, 500), st.floats(1, 15))
@example((289.0, 91.0), 605.0, 20.0, 12.0)  # a fast return is wider there than the point needs
@few
def test_move_rally(
    place: tuple[float, float], east: float, north: float, speed_m_s: float
) -> None:
    assume(away_from_home(place))
    stop = at(*place, speed_m_s=speed_m_s)
    plan = there_and_back(stop, rally=(RallyPoint(a_place(east, north, 0)),))
    kinds = cured_kinds(plan)
    assert kinds & {C.MOVE_RALLY, C.REMOVE_RALLY}
    if east < 950:  # near enough that a place inside is found
        assert C.MOVE_RALLY in kinds


@given(st.floats(1_500, 3_000), places)
@few
def test_remove_rally(east: float, place: tuple[float, float]) -> None:
    assume(away_from_home(place))
    plan = there_and_back(at(*place), rally=(RallyPoint(a_place(east, 0, 0)),))
    assert C.REMOVE_RALLY in cured_kinds(plan)


@given(st.floats(0.75, 0.95))
@few
def test_set_speed(share: float) -> None:
    plan = there_and_back(*[at(0, 500), at(0, 50)] * 4)
    needed = 4_000.0 / 7.0
    tight = replace(DRONE, endurance_s=share * needed)
    assert C.SET_SPEED in cured_kinds(plan, tight)


@given(st.floats(5.0, 12.0), st.floats(2.0, 5.0), st.floats(0, 300))
@example(6.0, 2.0, 5.0)  # no leg is long enough to brake on: all of them must be slow
@example(12.0, 2.0, 12.0)
@few
def test_set_leg_speed(speed: float, short: float, run_up: float) -> None:
    corner = 600.0 - 2.1
    plan = there_and_back(
        replace(at(0, corner - short - run_up), speed_m_s=speed),
        at(0, corner - short), at(0, corner), at(-120, corner),
    )  # fmt: skip
    found = {f.code for f in check_plan(plan, DRONE, known(), terrain=LEVEL)}
    assume("corner_too_fast" in found)
    assert C.SET_LEG_SPEED in cured_kinds(plan)


@given(st.floats(0, 20), places)
@few
def test_set_departure_for_another_sortie(minutes: float, place: tuple[float, float]) -> None:
    assume(away_from_home(place))
    plan = there_and_back(at(*place))
    other = OwnFlight(replace(plan, asset_id=AssetId("drone-2")), NOW + timedelta(seconds=minutes))
    assert cured_kinds(plan, DRONE, known(others=(other,))) == {C.SET_DEPARTURE}


@given(st.floats(0.2, 3.0), st.floats(10, 40))
@few
def test_set_departure_for_a_zone_that_ends(hours: float, half: float) -> None:
    window = Recurrence(after(hours=-1), timedelta(hours=1 + hours))
    # both places of the leg are free, and it is closed only for now
    zone = closed(200, 0, half, windows=(window,))
    plan = there_and_back(at(0, 100), at(400, 0), fences=(CITY, zone))
    found = check_plan(plan, DRONE, known(), terrain=LEVEL)
    returns = [f for f in found if f.code == "emergency_way_blocked"]
    assert returns
    assert cured_kinds(plan)


@given(st.floats(60, 7_200))
@few
def test_set_departure_for_a_permission_that_begins(wait_s: float) -> None:
    later = Permission("KZ-18", "authority", a_square(0, 0, 2_000), after(wait_s), after(hours=30))
    plan = there_and_back(at(0, 100))
    assert cured_kinds(plan, DRONE, known(permissions=(later,))) == {C.SET_DEPARTURE}


def test_the_cure_says_how_far_and_where_to() -> None:
    plan = there_and_back(at(0, 150), fences=(CITY, closed(0, 152, 10)))
    found = check_plan(plan, DRONE, known(), terrain=LEVEL)
    cure = next(f.cure for f in found if f.code == "waypoint_excluded")
    assert cure == "move step 1 by 10 m south"


@pytest.mark.parametrize(("speed_m_s", "cure"), [(7.0, "7.1 m"), (12.0, "13 m")])
def test_a_rally_point_is_moved_no_farther_than_it_must_be(speed_m_s: float, cure: str) -> None:
    stop = at(289, 91, speed_m_s=speed_m_s)
    plan = there_and_back(stop, rally=(RallyPoint(a_place(605, 20, 0)),))
    found = check_plan(plan, DRONE, known(), terrain=LEVEL)
    (finding,) = (f for f in found if f.code == "rally_outside")
    assert finding.cure == f"move rally point 0 by {cure} west"


def capped(ceiling: float | None = None, floor: float | None = None) -> Zone:
    return a_fence(
        600.0, zone_id=ZoneId("c"), name="c",
        ceiling=None if ceiling is None else Altitude(ceiling, Datum.GROUND),
        floor=None if floor is None else Altitude(floor, Datum.GROUND),
    )  # fmt: skip


def height_errors(findings: tuple[Finding, ...]) -> list[Finding]:
    wrong = {"above_ceiling", "below_floor", "below_home", "near_ground"}
    return [f for f in findings if f.severity is Severity.ERROR and f.code in wrong]


def a_climb(takeoff: float, *ups: float, fence: Zone, gap_m: float = 200.0) -> Plan:
    steps = [at(gap_m * (n + 1), 0, up) for n, up in enumerate(ups)]
    return a_flight(
        MissionItem(K.TAKEOFF, a_place(0, 0, takeoff)), *steps, MissionItem(K.RETURN),
        fences=(fence,), return_altitude=Altitude(60.0, HOME),
    )  # fmt: skip


def test_a_climb_that_overshoots_a_ceiling_is_told_as_it_is_and_lowered() -> None:
    plan = a_climb(60, 119, 60, fence=capped(120))
    (finding,) = height_errors(check_plan(plan, DRONE, known(), terrain=LEVEL))
    assert finding.item == 1
    assert " m above its line, at " in finding.message
    assert finding.message.endswith("c ends at 120 m")
    assert finding.change is not None
    assert finding.change.kind is C.SET_HEIGHT
    assert finding.change.metres is not None
    assert 105 < finding.change.metres < 119
    higher = replace(finding.change, metres=finding.change.metres + 0.2)
    almost, _ = apply_change(plan, known(), higher)
    assert height_errors(check_plan(almost, DRONE, known(), terrain=LEVEL))
    assert cured_kinds(plan) == {C.SET_HEIGHT}


def test_steps_that_are_too_high_one_after_the_other_are_lowered_together() -> None:
    plan = a_climb(100, 150, 150, fence=capped(120))
    found = height_errors(check_plan(plan, DRONE, known(), terrain=LEVEL))
    assert [f.item for f in found] == [1, 2]
    assert {f.change.kind for f in found if f.change is not None} == {C.LOWER_ITEMS}
    fixed = fix_plan(plan, DRONE, known(), terrain=LEVEL)
    assert len(fixed.changes) == 1
    assert _errors(fixed.findings) == 0
    heights = [item.position.altitude.metres for item in fixed.plan.mission.items if item.position]
    assert heights[0] == 100
    assert heights[1] == heights[2] > 115


@given(
    st.floats(30, 90), st.lists(st.floats(20, 140), min_size=1, max_size=2),
    st.sampled_from([(80.0, None), (None, 60.0), (70.0, 65.0), (100.0, 61.0)]),
    st.sampled_from([40.0, 150.0]),
)  # fmt: skip
@settings(max_examples=6, deadline=None)
def test_heights_are_mended_wherever_a_height_between_exists(
    takeoff: float, ups: list[float], limits: tuple[float | None, float | None], gap_m: float
) -> None:
    plan = a_climb(takeoff, *ups, fence=capped(*limits), gap_m=gap_m)
    fixed = fix_plan(plan, DRONE, known(), terrain=LEVEL)
    assert height_errors(fixed.findings) == []
    assert len(fixed.plan.mission.items) == len(plan.mission.items)  # no step is left out


@pytest.mark.parametrize("terrain", [LEVEL, None])
def test_a_step_below_home_is_raised_off_the_ground(terrain: FlatTerrain | None) -> None:
    plan = there_and_back(at(0, 100, -5), at(100, 100))
    fixed = fix_plan(plan, DRONE, known(), terrain=terrain)
    assert not {f.code for f in fixed.findings} & {"near_ground", "below_home"}
    (change,) = fixed.changes
    assert change.kind is C.SET_HEIGHT
    assert change.metres is not None
    assert 5 <= change.metres < 15


def test_what_no_change_cures_is_for_a_person() -> None:
    plan = there_and_back(at(0, 100), fences=(CITY, closed(0, 0, 20)))
    found = check_plan(plan, DRONE, known(), terrain=LEVEL)
    home = next(f for f in found if f.code == "home_excluded")
    assert home.change is None
    assert home.cure


stops = st.lists(st.tuples(places, st.floats(15, 70)), min_size=1, max_size=5)
blocks = st.lists(
    st.tuples(places, st.floats(8, 60), st.sampled_from([None, 30.0, 55.0])), max_size=4
)


@given(stops, blocks)
@settings(max_examples=10, deadline=None)
def test_fixing_leaves_fewer_errors_and_what_it_says_it_did(
    wanted: list[tuple[tuple[float, float], float]],
    zones: list[tuple[tuple[float, float], float, float | None]],
) -> None:
    fences = [
        closed(*middle, half, ceiling=None if top is None else Altitude(top, HOME))
        for middle, half, top in zones
        if away_from_home(middle, half + 10.0)
    ]
    plan = there_and_back(*(at(*place, up) for place, up in wanted), fences=(CITY, *fences))
    before = check_plan(plan, DRONE, known(), terrain=LEVEL)
    fixed = fix_plan(plan, DRONE, known(), terrain=LEVEL)
    assert len(fixed.changes) == len(fixed.words)
    assert _errors(fixed.findings) <= _errors(before)
    assert [(f.code, f.item) for f in fixed.findings] == [
        (f.code, f.item) for f in check_plan(fixed.plan, DRONE, fixed.circumstances, terrain=LEVEL)
    ]
    again, circumstances = plan, known()
    for change in fixed.changes:
        again, circumstances = apply_change(again, circumstances, change)
    assert (again, circumstances) == (fixed.plan, fixed.circumstances)


def _errors(findings: tuple[Finding, ...]) -> int:
    return sum(finding.severity is Severity.ERROR for finding in findings)


def test_a_safe_plan_is_left_as_it_is() -> None:
    plan = there_and_back(at(0, 100))
    fixed = fix_plan(plan, DRONE, known(), terrain=LEVEL)
    assert (fixed.plan, fixed.changes) == (plan, ())


@pytest.mark.parametrize("kind", sorted(set(ChangeKind) - {C.ADD_TAKEOFF, C.ADD_RETURN}))
def test_a_change_that_fits_nothing_changes_nothing(kind: ChangeKind) -> None:
    plan = there_and_back(at(0, 100))
    assert apply_change(plan, known(), Change(kind, item=99))[0] == plan
