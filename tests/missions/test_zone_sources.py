"""A flight keeps inside its file's own fence and inside the zones given beside it: both hold."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from core.ids import ZoneId
from geo.positions import Altitude
from geo.zones import ZoneKind, ZoneStage
from missions.model import Plan, RallyPoint
from missions.proving.checks import is_safe
from missions.proving.cures import fix_plan
from missions.proving.prover import Prover
from tests.builders import a_place, a_square, an_asset
from tests.missions.flying import a_fence
from tests.missions.proving import HOME, LEVEL, RETURN, TAKEOFF, a_flight, check, codes, known, to

OUT = a_flight(TAKEOFF, to(100, 60), RETURN, fences=())
WIDE = a_fence(5_000.0, zone_id=ZoneId("own"))
NARROW = a_fence(40.0, zone_id=ZoneId("given"))


def with_fence(plan: Plan, *fences: object) -> Plan:
    return replace(plan, fences=fences)


def test_a_files_own_fence_does_not_widen_what_is_given_nor_the_other_way_round() -> None:
    found = check(with_fence(OUT, WIDE), zones=(NARROW,))
    assert {"waypoint_outside", "leg_outside", "emergency_way_blocked"} <= {f.code for f in found}
    outside = next(one for one in found if one.code == "waypoint_outside")
    assert "given beside the plan" in outside.message
    other = check(with_fence(OUT, NARROW), zones=(WIDE,))
    outside = next(one for one in other if one.code == "waypoint_outside")
    assert "the plan's own fence" in outside.message
    assert is_safe(check(with_fence(OUT, WIDE), zones=(WIDE,)))


def test_zones_of_one_source_permit_their_union() -> None:
    parts = (
        a_fence(60.0, zone_id=ZoneId("west")),
        a_fence(60.0, 100.0, zone_id=ZoneId("east"), area=a_square(100, 40, 80)),
    )
    assert is_safe(check(with_fence(OUT, *parts)))
    assert is_safe(check(OUT, zones=parts))
    assert is_safe(check(with_fence(OUT, WIDE), zones=parts))


def test_only_zones_that_limit_something_make_a_source() -> None:
    draft = replace(NARROW, stage=ZoneStage.DRAFT)
    assert is_safe(check(with_fence(OUT, WIDE), zones=(draft,)))
    shut = replace(NARROW, kind=ZoneKind.EXCLUSION)
    assert "leg_excluded" in codes(with_fence(OUT, WIDE), zones=(shut,))
    assert "no_fence" in codes(OUT, zones=(shut,))
    assert "no_fence" not in codes(OUT, zones=(WIDE,))


def test_ceilings_home_and_rally_points_are_held_against_both_sources() -> None:
    low = replace(WIDE, zone_id=ZoneId("low"), ceiling=Altitude(30.0, HOME))
    assert "above_ceiling" in codes(with_fence(OUT, WIDE), zones=(low,))
    away = a_fence(100.0, 500.0, zone_id=ZoneId("away"))
    assert "home_outside" in codes(with_fence(OUT, WIDE), zones=(away,))
    rallied = replace(OUT, rally=(RallyPoint(a_place(100, 0, 0)),))
    assert "rally_outside" in codes(with_fence(rallied, WIDE), zones=(NARROW,))


def test_a_cure_satisfies_both_sources_and_leaves_the_files_fence_alone() -> None:
    # each source alone would let the step be moved to where the other forbids it
    own = a_fence(area=a_square(-20, 0, 80), zone_id=ZoneId("own"))
    beside = a_fence(area=a_square(0, -20, 80), zone_id=ZoneId("given"))
    plan = a_flight(TAKEOFF, to(75, 75), RETURN, fences=(own,))
    fixed = fix_plan(plan, an_asset(), known(zones=(beside,)), terrain=LEVEL)
    assert is_safe(fixed.findings), fixed.findings
    assert fixed.plan.fences == (own,)
    moved = next(change for change in fixed.changes if change.place is not None)
    assert own.contains(*moved.place)
    assert beside.contains(*moved.place)


PLACES = st.integers(-120, 120)
SQUARES = st.tuples(PLACES, PLACES, st.integers(20, 200), st.sampled_from(list(ZoneKind)))


@given(
    own=st.lists(SQUARES, max_size=3),
    beside=st.lists(SQUARES, max_size=3),
    way=st.lists(st.tuples(PLACES, PLACES), min_size=1, max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_two_sources_find_what_each_finds_with_the_exclusions_of_both(own, beside, way) -> None:
    zones = [
        a_fence(area=a_square(east, north, half), kind=kind, zone_id=ZoneId(f"zone-{number}"))
        for number, (east, north, half, kind) in enumerate([*own, *beside])
    ]
    ours, theirs = zones[: len(own)], zones[len(own) :]
    shut = [zone for zone in zones if zone.kind is ZoneKind.EXCLUSION]
    plan = a_flight(TAKEOFF, *(to(*place) for place in way), RETURN, fences=())
    apart: set[tuple[str, int | None, str]] = set()
    for source in (ours, theirs):
        permitting = [zone for zone in source if zone.kind is ZoneKind.INCLUSION]
        apart |= errors(with_fence(plan, *permitting, *shut))
    assert errors(with_fence(plan, *ours), zones=tuple(theirs)) == apart


def errors(plan: Plan, **changes: object) -> set[tuple[str, int | None, str]]:
    """Returns the errors about a plan; cures are not sought, which would take most of the time."""
    found = Prover(plan, an_asset(), LEVEL).findings(plan, known(**changes))
    return {(one.code, one.item, one.about) for one in found if one.severity == "error"}
