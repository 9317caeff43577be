"""Returns ordered at speed: where the simulated autopilot is carried is within what is swept."""

import math
from copy import deepcopy

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity, box

from geo.positions import Altitude, Datum
from geo.zones import ZoneKind, to_geographic
from missions.model import ItemKind, MissionItem
from missions.momentum import Stop, run_on_m, runs_beyond_m, swing_m
from sim.flown_plan import fly
from sim.vehicle_physics import QuadPhysics
from tests.builders import AT, NOW, a_place, an_asset
from tests.missions.flying import a_fence
from tests.missions.proving import RETURN, TAKEOFF, a_flight, a_permission, errors, to

STEP_S = 0.02
RADIUS_M = 2.0
SPEEDS = (3.0, 5.0, 6.5, 8.0, 11.0)


def at_speed(speed_m_s: float) -> QuadPhysics:
    quad = QuadPhysics(3, 0.0, 0.0)
    quad.up = 40.0
    quad.fly_to(2_000.0, 0.0, 40.0, speed_m_s, speed_m_s)
    for _ in range(int(12 / STEP_S)):
        quad.step(STEP_S, True)
    return quad


FLYING = {speed: at_speed(speed) for speed in SPEEDS}


@given(st.sampled_from(SPEEDS), st.floats(0.0, 180.0), st.floats(3.0, 250.0), st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_return_at_speed_stays_within_its_triangle(
    speed: float, angle_deg: float, away_m: float, left: bool
) -> None:
    quad = deepcopy(FLYING[speed])
    here = (quad.east, quad.north)
    turn = math.radians(angle_deg if left else -angle_deg)
    goal = (here[0] + away_m * math.cos(turn), here[1] + away_m * math.sin(turn))
    quad.fly_straight(*goal, 40.0, speed)
    flown = []
    for _ in range(int(min(40.0, away_m / speed + 15.0) / STEP_S)):
        quad.step(STEP_S, True)
        flown.append((quad.east, quad.north))
    ring = shapely.LineString([here, (here[0] + run_on_m(speed), here[1]), goal, here])
    beside = shapely.distance(ring.convex_hull, shapely.points(np.array(flown)))
    assert float(beside.max()) <= max(RADIUS_M, swing_m(speed))


@pytest.mark.parametrize(("speed_m_s", "seen_m"), [(5.0, 8.0), (8.0, 17.0), (11.0, 28.0)])
def test_it_is_carried_on_as_px4_was_seen_to(speed_m_s: float, seen_m: float) -> None:
    """PX4 1.17 with its built-in quadcopter, ordered to return in the middle of a leg."""
    assert seen_m <= run_on_m(speed_m_s) <= 1.15 * seen_m
    quad = deepcopy(FLYING[speed_m_s])
    here = most = quad.east
    quad.fly_straight(here - 20.0, quad.north + 80.0, 40.0, speed_m_s)
    for _ in range(int(10 / STEP_S)):
        quad.step(STEP_S, True)
        most = max(most, quad.east)
    assert 0.65 * seen_m <= most - here <= 1.05 * seen_m


def test_it_has_slowed_down_before_a_stop_and_a_sharp_corner_alone() -> None:
    places = [(0.0, 100.0), (24.0, 200.0), (124.0, 300.0), (124.0, 500.0), (300.0, 500.0)]
    stops = [Stop(n, place, 8.0, halts=n == 2) for n, place in enumerate(places)]
    beyond = runs_beyond_m(stops, RADIUS_M)
    assert beyond[0] == run_on_m(8.0)  # a bend of 13.5 degrees
    assert 2.0 < beyond[1] < 8.0  # of 31.5
    assert beyond[2] == beyond[3] == beyond[4] == 0.0
    slow = runs_beyond_m([Stop(n, place, 2.0, halts=False) for n, place in enumerate(places)], 2.0)
    assert not any(slow.values())


SHARP = (to(-200, 150), to(200, 150), to(200, 20))
SOFT = (to(-200, 150), to(200, 150), to(400, 90))


@pytest.mark.parametrize("speed_m_s", [5.0, 10.0])
@pytest.mark.parametrize(("clear_m", "blocked"), [(2.5, False), (1.5, True)])
def test_a_wall_beyond_a_sharp_corner_may_be_near(
    speed_m_s: float, clear_m: float, blocked: bool
) -> None:
    found = walled(box(200.0 + clear_m, -100.0, 300.0, 300.0), speed_m_s, SHARP)
    assert bool(found) is blocked


@pytest.mark.parametrize(("speed_m_s", "blocked"), [(3.0, False), (5.0, False), (9.0, True)])
def test_a_wall_beyond_a_soft_bend_may_not(speed_m_s: float, blocked: bool) -> None:
    # beside the leg behind the bend by 2.1 m and more
    wall = box(206.5, 150.6, 300.0, 250.0)
    found = walled(wall, speed_m_s, SOFT)
    assert ("emergency_way_blocked" in found) is blocked
    assert not found - {"emergency_way_blocked"}


def walled(wall: shapely.Polygon, speed_m_s: float, ways: tuple[MissionItem, ...]) -> set[str]:
    ban = a_fence(area=to_geographic(wall, AT), kind=ZoneKind.EXCLUSION)
    plan = a_flight(
        TAKEOFF, *ways, RETURN, fences=(a_fence(5_000.0), ban),
        cruise_m_s=speed_m_s, return_altitude=Altitude(40.0, Datum.HOME),
    )  # fmt: skip
    return set(errors(plan, permissions=(a_permission(5_000.0),)))


AGAIN = {
    "twice": lambda at: (to(*at), to(*at)),
    "climbs": lambda at: (to(*at), MissionItem(ItemKind.WAYPOINT, a_place(*at, 60))),
    "holds": lambda at: (to(*at), MissionItem(ItemKind.LOITER, a_place(*at, 40), hold_s=5.0)),
    "lands": lambda at: (to(*at), MissionItem(ItemKind.LAND, a_place(*at, 0))),
}


@pytest.mark.parametrize("name", AGAIN)
@pytest.mark.parametrize("ahead", [(1, 0), (0, 1), (-1, 0), (0, -1)], ids="ENWS")
def test_a_step_where_the_one_before_was_is_a_stop(name: str, ahead: tuple[int, int]) -> None:
    """Whatever the compass says: an unknown direction is no direction."""
    at = (100.0 * ahead[0], 100.0 * ahead[1])
    turned = affinity.rotate(box(-20, 102.5, 20, 140), -degrees(ahead), origin=(0, 0))
    wall = a_fence(area=to_geographic(turned, AT), kind=ZoneKind.EXCLUSION)
    plan = a_flight(
        TAKEOFF, *AGAIN[name](at), *(() if name == "lands" else (to(-at[1], at[0]), RETURN)),
        fences=(a_fence(5_000.0), wall), cruise_m_s=8.0,
    )  # fmt: skip
    assert not errors(plan, permissions=(a_permission(5_000.0),))
    (flown,) = fly(plan, an_asset(cruise_m_s=8.0), seed=3, start_at=NOW, returns=[], longest_s=400)
    track = flown.track
    assert float(np.max(track[:, 1] * ahead[0] + track[:, 2] * ahead[1])) < 102.0


def degrees(ahead: tuple[int, int]) -> float:
    return math.degrees(math.atan2(ahead[0], ahead[1]))
