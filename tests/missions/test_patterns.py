import math
from dataclasses import replace
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon

from core.errors import DatumUnknown, ResolutionImpossible
from core.ids import ZoneId
from geo.adapters.flat_terrain import FlatTerrain
from geo.camera import project_to_ground
from geo.positions import Altitude, Attitude, Datum
from geo.zones import Zone, ZoneKind, to_geographic, to_local
from missions.model import Asset, ItemKind, Patrol, Pattern, Plan, Severity
from missions.planning.patterns import circle, corridor_area
from missions.planning.planner import PatrolPlan, plan_patrol, plan_with_reasons, seen_fraction
from missions.planning.seen_ground import fraction_of, seen_along
from missions.planning.shots import (
    Shutter,
    height_for_m,
    look,
    resolution_m_per_px,
    shots,
    speed_limit_m_s,
)
from missions.planning.terrain_following import TOLERANCE_M
from missions.planning.tours import length, tour
from missions.proving.checks import check_plan
from tests.builders import AT, GROUND, a_mount, a_patrol, a_square, an_asset
from tests.missions.flying import a_fence
from tests.missions.test_planner import a_watch, closed

HOME = Datum.HOME
NADIR = a_mount(pitch_deg=-90.0)
CITY = a_fence(400.0)
PLACES = [(120.0, 60.0), (-80.0, 140.0), (60.0, -150.0), (200.0, 40.0), (-150.0, -90.0)]


def geo(*places: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    return tuple(AT.to_geo1_deg(*place) for place in places)


def patrol(pattern: Pattern, **changes: Any) -> Patrol:
    values = {"zone_ids": (), "altitude": Altitude(45.0, HOME), "pattern": pattern, **changes}
    return a_patrol(**values)


def way(plan: Plan) -> list[tuple[float, float]]:
    """Where a plan goes, home's metres, without the last way home."""
    positions = [item.position for item in plan.mission.items if item.position is not None]
    return [AT.to_en1_m(p.lat_deg, p.lon_deg) for p in positions]


def errors(plan: Plan, asset: Asset, **more: Any) -> list[str]:
    found = check_plan(plan, asset, **more)
    return [f"{f.code} {f.message}" for f in found if f.severity is Severity.ERROR]


def metres_outside(plan: Plan, fences: list[Zone]) -> float:
    """An own reckoning of the gate: metres of the way and its return that are not permitted."""
    line = LineString([*way(plan), (0.0, 0.0)]) if plan.mission.items else LineString()
    permitted = to_local(fences[0].area, AT)
    out = line.difference(permitted.buffer(1e-3)).length
    return out + sum(
        line.intersection(to_local(zone.area, AT)).length for zone in fences[1:]
    )  # fmt: skip


def test_the_same_height_and_resolution_belong_together() -> None:
    for mount in (NADIR, a_mount(pitch_deg=-60.0), a_mount(pitch_deg=-35.0)):
        height = height_for_m(mount, 0.05)
        assert resolution_m_per_px(mount, height) == pytest.approx(0.05)
        model = mount.model
        u = np.array([model.cx_px, model.cx_px + 1, model.cx_px])
        v = np.array([model.cy_px, model.cy_px, model.cy_px + 1])
        middle, right, below = project_to_ground(
            model, Attitude(0, mount.pitch_deg), height, u, v
        ).T
        coarser = max(math.dist(middle, right), math.dist(middle, below))
        assert coarser == pytest.approx(0.05, rel=0.01)


def test_shots_by_hand() -> None:
    f = NADIR.model.fx_px
    found = shots(
        NADIR, 0.04, side_overlap=0.6, front_overlap=0.8, cruise_m_s=7.0,
        shutter=Shutter(1.0, 1 / 500, 1.0),
    )  # fmt: skip
    assert found.height_m == pytest.approx(0.04 * f)
    assert found.lane_spacing_m == pytest.approx(1280 * 0.04 * 0.4)
    assert found.trigger_m == pytest.approx(720 * 0.04 * 0.2)
    assert found.speed_m_s == pytest.approx(720 * 0.04 * 0.2)  # a picture a second
    assert speed_limit_m_s(0.01, 100.0, Shutter(1.0, 1 / 250, 1.0)) == pytest.approx(2.5)
    low = shots(NADIR, 0.04, side_overlap=0.6, front_overlap=0.8, cruise_m_s=7.0, highest_m=25.0)
    assert low.height_m == 25.0
    assert low.resolution_m_per_px < 0.04


def test_an_impossible_resolution_is_refused_and_its_cure_works() -> None:
    usual: dict[str, Any] = {"side_overlap": 0.6, "front_overlap": 0.7, "cruise_m_s": 7.0}
    with pytest.raises(ResolutionImpossible, match="needs a height of") as low:
        shots(NADIR, 0.001, **usual)
    words = low.value.cure.split()
    better = float(words[words.index("m") - 1])
    assert shots(NADIR, better, **usual).height_m == pytest.approx(10.0, rel=0.01)
    slow = Shutter(least_interval_s=5.0, exposure_s=1 / 20)
    with pytest.raises(ResolutionImpossible, match="below") as blurred:
        shots(NADIR, 0.012, **usual, shutter=slow)
    words = blurred.value.cure.split()
    better = float(words[words.index("m") - 1])
    assert shots(NADIR, better, **usual, shutter=slow).speed_m_s >= 1.0
    for wrong in ({"front_overlap": 1.0}, {"side_overlap": -0.1}):
        with pytest.raises(ResolutionImpossible, match="overlap"):
            shots(NADIR, 0.05, **{**usual, **wrong})
    with pytest.raises(ResolutionImpossible, match="tilt"):
        shots(a_mount(pitch_deg=0.0), 0.05, **usual)
    with pytest.raises(ResolutionImpossible):
        shots(NADIR, math.inf, **usual)


def test_a_camera_that_looks_aside_covers_its_depth() -> None:
    ahead, aside = look(a_mount(), 50.0), look(a_mount(yaw_offset_deg=90.0), 50.0)
    assert aside.width_m == pytest.approx(ahead.depth_m)
    assert aside.depth_m == pytest.approx(ahead.width_m)


def test_a_survey_flies_by_its_resolution() -> None:
    zone = a_watch((50, 50), (170, 50), (170, 150), (50, 150))
    asset = an_asset(camera=NADIR)
    wish = patrol(
        Pattern.AREA, altitude=Altitude(80.0, HOME), resolution_m_per_px=0.04,
        overlap_fraction=0.6, front_overlap_fraction=0.75,
    )  # fmt: skip
    found = plan_with_reasons(wish, [zone], [CITY], asset)
    items = found.plan.mission.items
    height = 0.04 * NADIR.model.fx_px
    heights = {i.position.altitude.metres for i in items if i.position}
    assert list(heights) == [pytest.approx(height)]
    assert items[1].trigger_m == pytest.approx(720 * 0.04 * 0.25)
    assert items[-1].trigger_m == 0.0
    assert items[0].speed_m_s == pytest.approx(min(7.0, 720 * 0.04 * 0.25))
    assert found.resolution_m_per_px == pytest.approx(0.04)
    assert seen_fraction(found.plan, asset, [zone]) > 0.999
    assert errors(found.plan, asset) == []
    with pytest.raises(ResolutionImpossible):
        plan_patrol(patrol(Pattern.AREA, resolution_m_per_px=0.002), [zone], [CITY], asset)
    with pytest.raises(ResolutionImpossible, match="no camera"):
        plan_patrol(wish, [zone], [CITY], an_asset(camera=None))


ROADS = {
    "straight": [(-200.0, 60.0), (250.0, 90.0)],
    "bent": [(-200.0, 60.0), (20.0, 60.0), (20.0, 250.0)],
    "sharp": [(-200.0, 60.0), (100.0, 60.0), (-100.0, 160.0)],
    "round": [(200 * math.cos(t), 200 * math.sin(t)) for t in np.linspace(0, 2.4, 25)],
}


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("mount", [NADIR, a_mount()])
@pytest.mark.parametrize("width_m", [20.0, 120.0])
def test_a_corridor_is_seen_in_its_whole_width(road: str, mount: Any, width_m: float) -> None:
    asset = an_asset(camera=mount, endurance_s=1e5)
    wish = patrol(Pattern.CORRIDOR, route=geo(*ROADS[road]), width_m=width_m)
    plan = plan_patrol(wish, [], [a_fence(600.0)], asset)
    assert errors(plan, asset) == []
    strip = corridor_area(ROADS[road], width_m)
    assert fraction_of([strip], seen_along(plan, mount)) > 0.985
    lanes = max(1, math.ceil((width_m - look(mount, 45.0).width_m) / 1e9))
    assert len(plan.mission.items) >= 2 + lanes


@pytest.mark.parametrize("mount", [NADIR, a_mount()])
def test_a_perimeter_follows_the_border_and_its_holes(mount: Any) -> None:
    ring = Polygon(
        [(-180, -150), (200, -150), (200, 170), (60, 170), (60, 40), (-180, 40)],
        [[(90, -60), (150, -60), (150, 20), (90, 20)]],
    )
    zone = a_watch((0, 0), (1, 0), (0, 1))
    zone = Zone(zone.zone_id, "ring", zone.purposes, to_geographic(ring, AT))
    asset = an_asset(camera=mount, endurance_s=1e5)
    found = plan_with_reasons(patrol(Pattern.PERIMETER), [zone], [CITY], asset)
    assert found.left_out == ()
    assert errors(found.plan, asset) == []
    border = ring.boundary.buffer(3.0).intersection(ring)
    assert fraction_of([border], seen_along(found.plan, mount)) > 0.97


def test_a_perimeter_keeps_inside_where_the_border_is_the_fence() -> None:
    fence = a_fence(150.0)
    zone = a_watch((-150, -150), (150, -150), (150, 150), (-150, 150))
    asset = an_asset(camera=NADIR)
    found = plan_with_reasons(patrol(Pattern.PERIMETER), [zone], [fence], asset)
    corners = way(found.plan)[2:]
    assert errors(found.plan, asset) == []
    assert max(max(abs(e), abs(n)) for e, n in corners) < 150 - 8
    assert max(max(abs(e), abs(n)) for e, n in corners) > 120


@given(st.floats(5, 200), st.floats(-50, 50), st.floats(-50, 50), st.booleans())
def test_a_circle_is_round_enough(
    radius: float, east: float, north: float, clockwise: bool
) -> None:
    ring = circle((east, north), radius, (0.0, 0.0), clockwise=clockwise)
    assert ring[0] == ring[-1]
    assert all(math.dist(p, (east, north)) == pytest.approx(radius) for p in ring)
    nearest = LineString(ring).distance(Point(east, north))
    assert radius - nearest <= min(1.0, radius / 20) + 1e-9
    area = Polygon(ring).exterior
    assert area.is_ccw is not clockwise
    if math.hypot(east, north) > 1e-3:
        assert math.dist(ring[0], (0, 0)) == pytest.approx(
            abs(math.hypot(east, north) - radius), abs=1e-6
        )


def test_an_orbit_looks_at_its_middle() -> None:
    asset = an_asset()
    wish = patrol(Pattern.ORBIT, places=geo((100, 50), (-120, 80)), radius_m=40.0)
    found = plan_with_reasons(wish, [], [CITY], asset)
    assert errors(found.plan, asset) == []
    assert found.left_out == ()
    looks = [i.look_at for i in found.plan.mission.items if i.look_at is not None]
    assert {tuple(round(v, 6) for v in AT.to_en1_m(*one)) for one in looks} == {
        (100.0, 50.0), (-120.0, 80.0),
    }  # fmt: skip
    pitches = [i.camera_pitch_deg for i in found.plan.mission.items if i.look_at is not None]
    assert pitches[0] == pytest.approx(-math.degrees(math.atan2(45, 40)))
    around = [p for p in way(found.plan) if math.dist(p, (100, 50)) < 41]
    turns = [math.atan2(n - 50, e - 100) for e, n in around]
    steps = [math.remainder(b - a, 2 * math.pi) for a, b in pairwise(turns)]
    assert sum(step < 0 for step in steps) >= len(steps) - 1  # clockwise, as a right look wants
    left = an_asset(camera=a_mount(yaw_offset_deg=-90.0))
    other = way(plan_patrol(wish, [], [CITY], left))
    turns = [math.atan2(n - 50, e - 100) for e, n in other if math.dist((e, n), (100, 50)) < 41]
    assert sum(math.remainder(b - a, 2 * math.pi) > 0 for a, b in pairwise(turns)) >= 8


def test_an_orbits_height_follows_from_its_resolution() -> None:
    f = NADIR.model.fx_px
    wish = patrol(
        Pattern.ORBIT, altitude=Altitude(100.0, HOME), places=geo((100, 50)), radius_m=30.0,
        resolution_m_per_px=0.08,
    )  # fmt: skip
    found = plan_with_reasons(wish, [], [CITY], an_asset())
    up = found.plan.mission.items[3].position
    assert up is not None
    h = up.altitude.metres
    assert (30**2 + h**2) / (f * h) <= 0.08 + 1e-9
    assert h == pytest.approx(0.08 * f / 2 + math.sqrt((0.08 * f / 2) ** 2 - 900))
    with pytest.raises(ResolutionImpossible, match="circle of 60") as error:
        plan_patrol(replace(wish, radius_m=60.0), [], [CITY], an_asset())
    radius = float(error.value.cure.split()[4])
    plan_patrol(replace(wish, radius_m=radius), [], [CITY], an_asset())


def test_an_orbit_cut_by_the_fence_is_flown_in_arcs() -> None:
    asset = an_asset()
    fences = [a_fence(150.0)]
    wish = patrol(Pattern.ORBIT, places=geo((130, 0), (600, 0)), radius_m=40.0)
    found = plan_with_reasons(wish, [], fences, asset)
    assert errors(found.plan, asset) == []
    assert metres_outside(found.plan, fences) == 0
    assert len(found.plan.mission.items) > 6
    assert [one.what for one in found.left_out] == ["the circle about place 2"]


def test_a_look_list_sees_every_place_by_a_short_tour() -> None:
    asset = an_asset()
    wish = patrol(Pattern.PLACES, places=geo(*PLACES), stay_s=20.0)
    found = plan_with_reasons(wish, [], [CITY], asset)
    assert errors(found.plan, asset) == []
    stops = [i for i in found.plan.mission.items if i.hold_s > 0]
    assert len(stops) == len(PLACES)
    assert all(stop.hold_s == 20.0 for stop in stops)
    ahead = look(asset.camera, 45.0).ahead_m
    for stop in stops:
        assert stop.look_at is not None
        assert stop.position is not None
        here = AT.to_en1_m(stop.position.lat_deg, stop.position.lon_deg)
        place = AT.to_en1_m(*stop.look_at)
        assert math.dist(here, place) == pytest.approx(ahead, abs=0.1)
        assert stop.camera_pitch_deg == pytest.approx(-60.0, abs=0.2)
    straight = sum(math.dist(a, b) for a, b in pairwise([(0, 0), *PLACES, (0, 0)]))
    flown = sum(math.dist(a, b) for a, b in pairwise([*way(found.plan), (0.0, 0.0)]))
    assert flown < straight
    assert found.plan.expected_s > 5 * 20


@given(
    st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=1, max_size=6),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_tours_are_nearly_the_shortest(places: list[tuple[float, float]], back: bool) -> None:
    spots = [(0.0, 0.0), *places]
    costs = [[math.dist(a, b) for b in spots] for a in spots]
    found = tour(costs, closed=back)
    assert sorted(found) == list(range(1, len(spots)))
    best = min(length(p, costs, closed=back) for p in permutations(range(1, len(spots))))
    assert length(found, costs, closed=back) <= 1.08 * best + 1e-6


corners = st.tuples(st.floats(-250, 250), st.floats(-250, 250))


@given(
    st.sampled_from([p for p in Pattern if p is not Pattern.AREA]),
    st.lists(corners, min_size=2, max_size=4),
    st.lists(st.tuples(st.floats(-300, 300), st.floats(-300, 300), st.floats(10, 60)), max_size=3),
    st.sampled_from([-90.0, -60.0, -40.0]),
    st.floats(25, 90),
)
@settings(max_examples=8, deadline=None)
def test_no_pattern_leaves_what_is_permitted(
    pattern: Pattern,
    places: list[tuple[float, float]],
    blocks: list[tuple[float, float, float]],
    pitch: float,
    up_m: float,
) -> None:
    blocks = [b for b in blocks if max(abs(b[0]), abs(b[1])) > b[2] + 25]
    fences = [a_fence(280.0), *(closed(e, n, half) for e, n, half in blocks)]
    asset = an_asset(camera=a_mount(pitch_deg=pitch), endurance_s=1e6)
    wish = patrol(
        pattern, altitude=Altitude(up_m, HOME), route=geo(*places), places=geo(*places),
        width_m=70.0, radius_m=35.0,
    )  # fmt: skip
    e, n = places[0]
    zone = a_watch((e - 60, n - 40), (e + 60, n - 50), (e + 20, n), (e + 50, n + 60), (e, n + 70))
    found = plan_with_reasons(wish, [zone], fences, asset)
    assert metres_outside(found.plan, fences) == 0
    if found.plan.mission.items:
        assert errors(found.plan, asset) == []
        assert found.plan.mission.items[-1].kind is ItemKind.RETURN
    else:
        assert found.left_out
    assert plan_patrol(wish, [zone], fences, asset) == found.plan


class Hills:
    """Smooth hills of some height, or a plain with a steep edge."""

    sigma_m = 1.0

    def __init__(self, height_m: float, length_m: float, edge: bool = False) -> None:
        self.height_m, self.length_m, self.edge = height_m, length_m, edge

    def elevation(self, lat_deg: float, lon_deg: float) -> Altitude:
        e, n = AT.to_en1_m(lat_deg, lon_deg)
        if self.edge:
            up = self.height_m * min(1.0, max(0.0, (e - 100) / self.length_m))
        else:
            up = self.height_m * math.sin(e / self.length_m) * math.sin(n / self.length_m)
        return Altitude(GROUND.metres + up, Datum.GEOID)


def above_ground(plan: Plan, hills: Hills) -> list[tuple[float, float, float]]:
    """Height above the ground every two metres from the first waypoint on, and slopes."""
    found = []
    items = [i for i in plan.mission.items if i.position is not None]
    for a, b in pairwise(items):
        assert a.position is not None
        assert b.position is not None
        pa = AT.to_en1_m(a.position.lat_deg, a.position.lon_deg)
        pb = AT.to_en1_m(b.position.lat_deg, b.position.lon_deg)
        count = max(1, int(math.dist(pa, pb) / 2))
        low, high = a.position.altitude.metres, b.position.altitude.metres
        for k in range(count + 1):
            t = k / count
            e, n = pa[0] + (pb[0] - pa[0]) * t, pa[1] + (pb[1] - pa[1]) * t
            ground = hills.elevation(*AT.to_geo1_deg(e, n)).metres - GROUND.metres
            slope = (high - low) / max(0.1, math.dist(pa, pb))
            found.append((low + (high - low) * t - ground, slope, 0.0))
    return found


def a_following(hills: Hills, **changes: Any) -> tuple[PatrolPlan, Asset]:
    wish = patrol(
        Pattern.CORRIDOR, route=geo((-250, 100), (250, 120)), width_m=20.0,
        terrain_following=True, **changes,
    )  # fmt: skip
    asset = an_asset(camera=NADIR, endurance_s=1e5)
    return plan_with_reasons(wish, [], [a_fence(400.0)], asset, terrain=hills), asset


@pytest.mark.parametrize("hills", [Hills(15.0, 60.0), Hills(40.0, 200.0)])
def test_terrain_is_followed_within_the_tolerance(hills: Hills) -> None:
    found, asset = a_following(hills)
    heights = [h for h, _, _ in above_ground(found.plan, hills)]
    assert min(heights) > 45 - TOLERANCE_M - 0.3
    speeds = [i.speed_m_s for i in found.plan.mission.items if i.speed_m_s is not None]
    assert min(speeds) >= 1.5
    assert max(heights) < 45 + TOLERANCE_M + 1.0
    assert len(found.plan.mission.items) >= (9 if hills.height_m < 20 else 6)
    assert errors(found.plan, asset, terrain=hills) == []
    level = plan_patrol(
        patrol(Pattern.CORRIDOR, route=geo((-250, 100), (250, 120)), width_m=20.0),
        [], [a_fence(400.0)], asset, terrain=hills,
    )  # fmt: skip
    assert len({i.position.altitude.metres for i in level.mission.items if i.position}) == 1


def test_a_steep_edge_is_climbed_as_fast_as_the_drone_can() -> None:
    cliff = Hills(60.0, 25.0, edge=True)
    found, asset = a_following(cliff)
    rows = above_ground(found.plan, cliff)
    assert min(h for h, _, _ in rows) > 45 - TOLERANCE_M - 0.3
    speed = 7.0
    for before, item in pairwise(found.plan.mission.items[1:-1]):
        speed = item.speed_m_s or speed
        assert before.position is not None
        assert item.position is not None
        a, b = before.position, item.position
        away = math.dist(AT.to_en1_m(a.lat_deg, a.lon_deg), AT.to_en1_m(b.lat_deg, b.lon_deg))
        rise = b.altitude.metres - a.altitude.metres
        rate = rise / max(1e-6, away / speed)
        assert -asset.sink_m_s - 1e-6 <= rate <= asset.climb_m_s + 1e-6 or away < 0.01


def test_a_ceiling_above_the_ground_is_kept_on_a_slope() -> None:
    hills = Hills(30.0, 100.0)
    wish = patrol(
        Pattern.CORRIDOR, route=geo((-250, 100), (250, 120)), width_m=20.0, terrain_following=True
    )
    low = a_fence(400.0, ceiling=Altitude(35.0, Datum.GROUND))
    asset = an_asset(camera=NADIR)
    found = plan_with_reasons(wish, [], [low], asset, terrain=hills)
    heights = [h for h, _, _ in above_ground(found.plan, hills)]
    assert max(heights) < 35.0
    assert min(heights) > 20.0


def test_terrain_of_another_datum_cannot_be_followed() -> None:
    wish = patrol(Pattern.AREA, terrain_following=True)
    zone = a_watch((50, 50), (170, 50), (170, 150), (50, 150))
    apart = FlatTerrain(Altitude(300.0, Datum.ELLIPSOID))
    with pytest.raises(DatumUnknown):
        plan_patrol(wish, [zone], [CITY], an_asset(), terrain=apart)
    level = plan_patrol(wish, [zone], [CITY], an_asset())  # nobody knows: level at home
    assert {i.position.altitude.metres for i in level.mission.items if i.position} == {45.0}


def test_returns_are_secured_by_rally_points_where_home_is_out_of_sight() -> None:
    zone = a_watch((150, -60), (250, -60), (250, 60), (150, 60))
    asset = an_asset()
    wall = a_fence(
        1.0, zone_id=ZoneId("wall"), kind=ZoneKind.EXCLUSION,
        area=a_square(100.0, 0.0, 60.0),
    )  # fmt: skip
    plan = plan_patrol(patrol(Pattern.AREA), [zone], [CITY, wall], asset)
    assert plan.rally
    assert errors(plan, asset) == []
    assert seen_fraction(plan, asset, [zone]) > 0.9
