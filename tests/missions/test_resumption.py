from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import union_all

from core.errors import DatumUnknown
from geo.adapters.flat_terrain import FlatTerrain
from geo.positions import Altitude, Attitude, Datum, Pose, Position
from geo.zones import to_local
from missions.model import Asset, Pattern, Plan
from missions.planning.planner import plan_patrol
from missions.planning.resumption import plan_rest
from missions.planning.seen_ground import footprints, seen_along, views_along, views_of
from tests.builders import AT, GROUND, NOW, a_mount, a_patrol, a_sigma, an_asset
from tests.missions.flying import a_fence
from tests.missions.test_planner import a_watch

CITY = a_fence(400.0)
PATROL = a_patrol(zone_ids=(), altitude=Altitude(45.0, Datum.HOME))
ZONE = a_watch((50, 50), (250, 50), (250, 200), (50, 200))
DRONE = an_asset(camera=a_mount(pitch_deg=-80.0), endurance_s=1e5)


def flown(plan: Plan, asset: Asset = DRONE) -> list[Pose]:
    """The poses of a plan flown to its end, half a second apart."""
    assert asset.camera is not None
    views = views_along(plan, asset.camera, step_m=3.5)
    poses = []
    for k in range(len(views)):
        lat, lon = AT.to_geo1_deg(views.east_m[k], views.north_m[k])
        at = Position(lat, lon, Altitude(float(views.height_m[k]), Datum.HOME))
        look = Attitude(float(views.yaw_deg[k]), float(views.pitch_deg[k]))
        poses.append(Pose(NOW + timedelta(seconds=k / 2), at, look, a_sigma()))
    return poses


def seen(poses: Sequence[Pose], plan: Plan | None = None) -> Any:
    assert DRONE.camera is not None
    views = views_of(poses, DRONE.camera.model, AT, None, GROUND)
    shapes = [*footprints(DRONE.camera.model, views)]
    if plan is not None:
        shapes.append(seen_along(plan, DRONE.camera))
    return union_all(shapes)


def test_all_seen_leaves_nothing() -> None:
    poses = flown(plan_patrol(PATROL, [ZONE], [CITY], DRONE))
    rest = plan_rest(PATROL, [ZONE], [CITY], DRONE, poses)
    assert rest.plan is None
    assert rest.seen_fraction == 1.0
    nothing = plan_rest(PATROL, [ZONE], [CITY], DRONE, [])
    assert nothing.seen_fraction == pytest.approx(0.0, abs=1e-3)
    assert nothing.plan is not None


@given(st.floats(0.05, 0.95), st.floats(0.02, 0.3), st.sampled_from(["off", "away", "cut"]))
@settings(max_examples=5, deadline=None)
def test_the_rest_is_what_the_camera_missed(begin: float, part: float, how: str) -> None:
    plan = plan_patrol(PATROL, [ZONE], [CITY], DRONE)
    poses = flown(plan)
    a, b = int(begin * len(poses)), int((begin + part) * len(poses))
    if how == "off":
        taken = [*poses[:a], *poses[b:]]
    elif how == "away":  # it flies on, but the gimbal looks at the sky
        up = [replace(pose, attitude=Attitude(0.0, 30.0)) for pose in poses[a:b]]
        taken = [*poses[:a], *up, *poses[b:]]
    else:
        taken = poses[:a]
    rest = plan_rest(PATROL, [ZONE], [CITY], DRONE, taken)
    wanted = to_local(ZONE.area, AT)
    missed = wanted.difference(seen(taken))
    assert rest.seen_fraction == pytest.approx(1 - missed.area / wanted.area, abs=0.02)
    if rest.plan is None:
        assert missed.area < 0.02 * wanted.area
        return
    assert rest.unseen is not None
    assert to_local(rest.unseen, AT).buffer(1.5).covers(missed.buffer(-1.5))
    # what was taken and what the rest will see is everything that can be seen
    both = seen(taken, rest.plan.plan)
    assert wanted.difference(both).area < 0.01 * wanted.area
    assert rest.plan.plan.expected_s <= 1.15 * plan.expected_s
    # from home, wherever it was interrupted
    first = rest.plan.plan.mission.items[0].position
    assert first is not None
    assert AT.to_en1_m(first.lat_deg, first.lon_deg) == pytest.approx((0, 0), abs=1e-3)


def test_a_waypoint_that_was_reached_says_nothing() -> None:
    plan = plan_patrol(PATROL, [ZONE], [CITY], DRONE)
    poses = [replace(p, attitude=Attitude(0.0, 45.0)) for p in flown(plan)]
    rest = plan_rest(PATROL, [ZONE], [CITY], DRONE, poses)
    assert rest.plan is not None
    assert rest.seen_fraction < 1e-3
    assert rest.plan.plan.expected_s == pytest.approx(plan.expected_s, rel=0.05)
    assert seen([], rest.plan.plan).intersection(to_local(ZONE.area, AT)).area > 29_500


def test_a_corridor_is_resumed_where_it_was_left() -> None:
    route = tuple(AT.to_geo1_deg(e, n) for e, n in ((-300, 80), (300, 120)))
    road = replace(PATROL, pattern=Pattern.CORRIDOR, route=route, width_m=20.0)
    plan = plan_patrol(road, [], [CITY], DRONE)
    poses = flown(plan)
    rest = plan_rest(road, [], [CITY], DRONE, poses[: len(poses) // 2])
    assert rest.plan is not None
    assert 0.1 < rest.seen_fraction < 0.9
    length = [
        sum(
            AT.to_en1_m(a.position.lat_deg, a.position.lon_deg) != () for a, _ in pairwise(p.items)
            if a.position
        )
        for p in (plan.mission, rest.plan.plan.mission)
    ]  # fmt: skip
    assert length[1] <= length[0] + 2
    assert rest.plan.plan.expected_s < plan.expected_s


def test_places_count_by_how_long_they_were_looked_at() -> None:
    spots = [(100, 60), (-80, 140), (60, -150)]
    places = tuple(AT.to_geo1_deg(e, n) for e, n in spots)
    look = replace(PATROL, pattern=Pattern.PLACES, places=places, stay_s=5.0)

    def staring(place: tuple[float, float], seconds: float, start: float) -> list[Pose]:
        lat, lon = AT.to_geo1_deg(*place)
        at = Position(lat, lon, Altitude(45.0, Datum.HOME))
        times = [start + k / 2 for k in range(int(seconds * 2) + 1)]
        return [
            Pose(NOW + timedelta(seconds=t), at, Attitude(0.0, -90.0), a_sigma()) for t in times
        ]

    taken = [*staring(spots[0], 6, 0), *staring(spots[1], 2, 60)]
    rest = plan_rest(look, [], [CITY], DRONE, taken)
    assert rest.places == places[1:]
    assert rest.seen_fraction == pytest.approx(1 / 3)
    assert rest.plan is not None
    assert len([i for i in rest.plan.plan.mission.items if i.hold_s > 0]) == 2
    done = [p for k, spot in enumerate(spots) for p in staring(spot, 6, 100 * k)]
    assert plan_rest(look, [], [CITY], DRONE, done).plan is None


def test_heights_need_a_datum_that_joins() -> None:
    pose = flown(plan_patrol(PATROL, [ZONE], [CITY], DRONE))[10]
    strange = replace(
        pose, position=replace(pose.position, altitude=Altitude(400.0, Datum.ELLIPSOID))
    )
    with pytest.raises(DatumUnknown):
        plan_rest(PATROL, [ZONE], [CITY], DRONE, [strange])
    sea = replace(pose, position=replace(pose.position, altitude=Altitude(395.0, Datum.GEOID)))
    level = FlatTerrain(GROUND)
    one = plan_rest(PATROL, [ZONE], [CITY], DRONE, [sea], terrain=level)
    assert one.seen_fraction == plan_rest(PATROL, [ZONE], [CITY], DRONE, [pose]).seen_fraction
