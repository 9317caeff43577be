import math
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely import Polygon

from core.ids import PatrolId, ZoneId
from geo.adapters.flat_terrain import FlatTerrain
from geo.positions import Altitude, Datum
from geo.zones import Purpose, Zone, ZoneKind, to_geographic
from missions.model import ItemKind, Plan, Severity
from missions.planning.planner import look, plan_path, plan_patrol, seen_fraction
from missions.proving.checks import check_plan
from tests.builders import AT, GROUND, a_mount, a_patrol, a_square, a_zone, an_asset
from tests.missions.flying import a_car, a_fence

HOME = Datum.HOME


def polygon(*corners: tuple[float, float]) -> Polygon:
    area = to_geographic(Polygon(corners), AT)
    assert isinstance(area, Polygon)
    return area


def a_watch(*corners: tuple[float, float], zone_id: str = "zone-1") -> Zone:
    return a_zone(zone_id=ZoneId(zone_id), area=polygon(*corners))


def closed(east: float, north: float, half: float, **changes: Any) -> Zone:
    return a_fence(
        half, zone_id=ZoneId(f"closed-{east:.0f}-{north:.0f}"), name="closed",
        kind=ZoneKind.EXCLUSION, area=a_square(east, north, half), **changes,
    )  # fmt: skip


def errors(plan: Plan, **changes: Any) -> list[str]:
    found = check_plan(plan, an_asset(), **changes)
    return [f.code for f in found if f.severity is Severity.ERROR]


CITY = a_fence(400.0)
PATROL = a_patrol(zone_ids=(), altitude=Altitude(45.0, HOME))


@st.composite
def rings(draw: st.DrawFn, reach: float) -> list[tuple[float, float]]:
    east, north = draw(st.floats(-reach, reach)), draw(st.floats(-reach, reach))
    count = draw(st.integers(3, 7))
    radii = draw(st.lists(st.floats(15, 90), min_size=count, max_size=count))
    return [
        (
            east + r * math.cos(2 * math.pi * k / count),
            north + r * math.sin(2 * math.pi * k / count),
        )
        for k, r in enumerate(radii)
    ]


@given(
    st.lists(rings(260.0), min_size=1, max_size=3),
    st.lists(st.tuples(st.floats(-300, 300), st.floats(-300, 300), st.floats(10, 70)), max_size=3),
    st.lists(st.floats(150, 420), min_size=6, max_size=6),
    st.floats(20, 90),
)
@settings(max_examples=10, deadline=None)
def test_a_plan_never_leaves_its_fence(
    watched: list[list[tuple[float, float]]],
    blocks: list[tuple[float, float, float]],
    border: list[float],
    up_m: float,
) -> None:
    assume(all(max(abs(e), abs(n)) > half + 25 for e, n, half in blocks))
    city = a_fence(
        area=polygon(
            *(
                (r * math.cos(math.pi * k / 3), r * math.sin(math.pi * k / 3))
                for k, r in enumerate(border)
            )
        )
    )
    zones = [a_watch(*ring, zone_id=f"zone-{n}") for n, ring in enumerate(watched)]
    fences = [city, *(closed(e, n, half) for e, n, half in blocks)]
    patrol = a_patrol(zone_ids=(), altitude=Altitude(up_m, HOME))
    asset = an_asset(endurance_s=1e6)
    plan = plan_patrol(patrol, zones, fences, asset)
    found = [f for f in check_plan(plan, asset) if f.severity is Severity.ERROR]
    if not plan.mission.items:
        assert [f.code for f in found] == ["mission_empty"]
    else:
        # a way home that no rally point clears is told, and keeps the plan on the ground
        assert {f.code for f in found} <= {"emergency_way_blocked"}
    assert plan_patrol(patrol, zones, fences, asset) == plan


def test_the_camera_sees_the_whole_zone() -> None:
    zones = [
        a_watch((50, 50), (250, 50), (250, 250), (150, 150), (50, 250)),
        a_watch((-250, -30), (-50, -40), (-60, -10), (-240, 0), zone_id="zone-2"),
    ]
    plan = plan_patrol(PATROL, zones, [CITY], an_asset())
    assert errors(plan) == []
    assert seen_fraction(plan, an_asset(), zones) > 0.99
    assert plan.mission.items[0].kind is ItemKind.TAKEOFF
    assert plan.mission.items[0].camera_pitch_deg == -60.0
    assert plan.mission.items[-1].kind is ItemKind.RETURN
    assert plan.expected_s > 60


def test_an_oblique_camera_is_flown_behind_what_it_looks_at() -> None:
    zone = a_watch((-100, 90), (100, 90), (100, 110), (-100, 110))
    # the lead-in is flown so that the nose points along the lane when it begins; a camera that
    # looks straight down needs none
    for pitch, ahead, lead_in in ((-90.0, 0.0, 0.0), (-45.0, 45.0, 6.0)):
        plan = plan_patrol(PATROL, [zone], [CITY], an_asset(camera=a_mount(pitch_deg=pitch)))
        positions = [item.position for item in plan.mission.items[1:-1]]
        assert all(position is not None for position in positions)
        start, end = (
            AT.to_en1_m(position.lat_deg, position.lon_deg)[0]
            for position in positions[-2:]
            if position is not None
        )
        forward = math.copysign(1.0, end - start)
        # over a camera that looks straight down the sweep may draw an end back a little
        near_m = 3.0 if pitch == -90.0 else 1.0
        assert forward * start == pytest.approx(-100 - ahead - lead_in, abs=near_m)
        assert forward * end == pytest.approx(100 - ahead, abs=near_m)


def test_a_closed_area_is_flown_around() -> None:
    zone = a_watch((150, -20), (250, -20), (250, 20), (150, 20))
    straight = plan_patrol(PATROL, [zone], [CITY], an_asset())
    around = plan_patrol(PATROL, [zone], [CITY, closed(80, 0, 20)], an_asset())
    assert "leg_excluded" not in errors(around)
    assert errors(around) == []
    assert around.expected_s > straight.expected_s


def test_a_ceiling_lowers_the_flight_and_its_return() -> None:
    zone = a_watch((100, 0), (200, 0), (200, 50), (100, 50))
    low = a_fence(
        80.0, zone_id=ZoneId("low"), area=a_square(150, 30, 80), ceiling=Altitude(25.0, HOME)
    )
    plan = plan_patrol(PATROL, [zone], [CITY, low], an_asset())
    heights = {i.position.altitude.metres for i in plan.mission.items if i.position is not None}
    assert heights == {23.0}
    assert plan.return_altitude == Altitude(23.0, HOME)
    assert errors(plan) == []


def test_a_ceiling_above_ground_needs_the_ground() -> None:
    zone = a_watch((100, 0), (200, 0), (200, 50), (100, 50))
    low = a_fence(400.0, ceiling=Altitude(35.0, Datum.GROUND))
    level = plan_patrol(PATROL, [zone], [low], an_asset())  # nobody knows: level at home
    assert level.return_altitude == Altitude(33.0, HOME)
    apart = FlatTerrain(Altitude(300.0, Datum.ELLIPSOID))
    blind = plan_patrol(PATROL, [zone], [low], an_asset(), terrain=apart)
    assert "datum_unknown" in errors(blind, terrain=apart)
    terrain = FlatTerrain(GROUND)
    plan = plan_patrol(PATROL, [zone], [low], an_asset(), terrain=terrain)
    assert errors(plan, terrain=terrain) == []
    assert plan.mission.items[1].position is not None
    assert plan.mission.items[1].position.altitude == Altitude(33.0, HOME)


def test_only_the_patrols_own_zones_are_watched() -> None:
    near = a_watch((50, 0), (100, 0), (100, 50), (50, 50))
    far = a_watch((250, 250), (300, 250), (300, 300), (250, 300), zone_id="zone-2")
    one = a_patrol(zone_ids=(ZoneId("zone-1"),), altitude=Altitude(45.0, HOME))
    plan = plan_patrol(one, [near, far], [CITY], an_asset())
    assert seen_fraction(plan, an_asset(), [far]) == 0.0
    flight_only = a_zone(purposes=frozenset({Purpose.FLIGHT}))
    off = a_zone(active=False)
    assert plan_patrol(PATROL, [flight_only, off], [CITY], an_asset()).mission.items == ()


def test_what_cannot_be_reached_is_said_not_raised() -> None:
    zone = a_watch((150, -20), (250, -20), (250, 20), (150, 20))
    plan = plan_patrol(PATROL, [zone], [a_fence(60.0)], an_asset(camera=a_mount(pitch_deg=-90.0)))
    assert errors(plan) == ["mission_empty"]
    away = plan_patrol(PATROL, [zone], [a_fence(100.0, 250.0)], an_asset())
    assert "home_outside" in errors(away)


def test_a_lower_camera_sees_less() -> None:
    assert look(a_mount(), 30.0).width_m < look(a_mount(), 60.0).width_m
    assert look(a_mount(pitch_deg=-90.0), 50.0).ahead_m == pytest.approx(0, abs=0.1)
    assert look(a_mount(pitch_deg=-45.0), 50.0).ahead_m == pytest.approx(50, abs=0.2)
    assert look(None, 50.0).width_m > 0
    assert look(a_mount(pitch_deg=20.0), 50.0).width_m > 0


def test_a_car_drives_its_route() -> None:
    route = tuple(AT.to_geo1_deg(e, n) for e, n in ((0, 0), (100, 0), (100, 100)))
    patrol = a_patrol(patrol_id=PatrolId("patrol-2"), asset_id=a_car().asset_id, route=route)
    plan = plan_patrol(patrol, [], [CITY], a_car())
    assert plan_path(plan) == route
    assert plan.fences == ()
    assert plan.expected_s > 200 / 8
    assert check_plan(plan, a_car()) == ()
