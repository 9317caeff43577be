"""Returns ordered at speed: what the simulated autopilot swings is within what is swept."""

import math
from copy import deepcopy

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from geo.positions import Altitude, Datum
from geo.zones import ZoneKind, to_geographic
from missions.momentum import calm_climb_m, speed_left_m_s, swing_m
from missions.proving.sheets import Part, Sheet
from sim.vehicle_physics import QuadPhysics
from tests.builders import AT
from tests.missions.flying import a_fence
from tests.missions.proving import RETURN, TAKEOFF, a_flight, a_permission, errors, to

STEP_S = 0.02
RADIUS_M = 2.0
SPEEDS = (3.0, 5.0, 6.5, 8.0, 11.0, 15.0)


def at_speed(speed_m_s: float) -> QuadPhysics:
    quad = QuadPhysics(3, 0.0, 0.0)
    quad.up = 40.0
    quad.fly_to(2_000.0, 0.0, 40.0, speed_m_s, speed_m_s)
    for _ in range(int(12 / STEP_S)):
        quad.step(STEP_S, True)
    return quad


FLYING = {speed: at_speed(speed) for speed in SPEEDS}


@given(st.sampled_from(SPEEDS), st.floats(0.0, 180.0), st.floats(3.0, 250.0), st.booleans())
def test_a_return_at_speed_stays_within_its_sheet(
    speed: float, angle_deg: float, away_m: float, left: bool
) -> None:
    quad = deepcopy(FLYING[speed])
    here = (quad.east, quad.north)
    turn = math.radians(angle_deg if left else -angle_deg)
    goal = (here[0] + away_m * math.cos(turn), here[1] + away_m * math.sin(turn))
    quad.fly_to(*goal, 40.0, speed)
    flown = []
    for _ in range(int(min(40.0, away_m / speed + 15.0) / STEP_S)):
        quad.step(STEP_S, True)
        flown.append((quad.east, quad.north))
    ahead = (here[0] + speed**2 / 3, here[1])  # before a stop there is so much way left
    sheet = Sheet(
        Part.RETURN, 1, here, ahead, 40.0, 40.0, RADIUS_M, 0.0, 1.0, goal=goal,
        swing_m=max(0.0, swing_m(speed, angles(here, ahead, goal)) - RADIUS_M),
    )  # fmt: skip
    beside = shapely.distance(sheet.shape, shapely.points(np.array(flown)))
    assert float(beside.max()) <= RADIUS_M


def angles(
    a: tuple[float, float], b: tuple[float, float], goal: tuple[float, float]
) -> tuple[float, float]:
    off = [abs(math.degrees(math.atan2(goal[1] - y, goal[0] - x))) for x, y in (a, b)]
    return min(off), max(off)


@given(st.floats(0.5, 25.0))
def test_a_calm_climb_takes_the_speed(speed_m_s: float) -> None:
    climb = calm_climb_m(speed_m_s)
    assert swing_m(speed_left_m_s(speed_m_s, climb)) <= RADIUS_M
    assert speed_left_m_s(speed_m_s, 0.0) == speed_m_s
    if climb > 0:
        assert swing_m(speed_left_m_s(speed_m_s, climb - 1.0)) > swing_m(5.5)


@pytest.mark.parametrize(
    ("speed_m_s", "return_up_m", "blocked"),
    [(4.0, 40.0, False), (11.0, 40.0, True), (11.0, 60.0, False), (8.0, 40.0, False)],
)
def test_a_wall_beside_the_way_back(speed_m_s: float, return_up_m: float, blocked: bool) -> None:
    wall = a_fence(
        area=to_geographic(box(209.0, -100.0, 300.0, 300.0), AT), kind=ZoneKind.EXCLUSION
    )
    plan = a_flight(
        TAKEOFF, to(-200, 150), to(200, 150), RETURN, fences=(a_fence(5_000.0), wall),
        cruise_m_s=speed_m_s, return_altitude=Altitude(return_up_m, Datum.HOME),
    )  # fmt: skip
    found = errors(plan, permissions=(a_permission(5_000.0),))
    assert ("emergency_way_blocked" in found) is blocked
