"""What is always so with simulated rovers, as real ones were seen to behave."""

import math

import pytest

from missions.formats.plan_file import simple_items
from sim.autopilot import Autopilot
from sim.failures import Failures
from sim.profiles import ARDU_ROVER, PX4_ROVER, Profile
from sim.sensor_errors import PERFECT
from telemetry.model import VehicleMode
from tests.builders import NOW
from tests.missions.flying import a_car, a_drive

BOTH = pytest.mark.parametrize("profile", [PX4_ROVER, ARDU_ROVER], ids=lambda one: one.name)


def booted(profile: Profile, seconds: float = 45.0) -> Autopilot:
    rover = profile.autopilot(a_car(), NOW, seed=1, failures=Failures(), sensors=PERFECT)
    rover.position_after_s = profile.position_after_s
    rover.parameters[profile.idle_parameter] = 10
    run(rover, seconds)
    return rover


def run(rover: Autopilot, seconds: float) -> None:
    for _ in range(round(seconds / 0.05)):
        rover.step()


def driving(profile: Profile, seconds: float) -> Autopilot:
    rover = booted(profile)
    rover.set_mission(simple_items(a_drive().mission))
    rover.set_mode(VehicleMode.HOLD)
    assert rover.arm()
    assert rover.begin()
    run(rover, seconds)
    return rover


def where(rover: Autopilot) -> tuple[float, float]:
    return rover.physics.east, rover.physics.north


@BOTH
def test_it_drives_its_route_on_the_ground_and_stands_armed_at_its_end(profile: Profile) -> None:
    rover = driving(profile, 70.0)
    assert math.dist(where(rover), (0, 60)) < 2.5
    assert rover.physics.on_ground
    assert rover.physics.up == 0.0
    assert rover.armed
    ended_in = VehicleMode.MISSION if profile is ARDU_ROVER else VehicleMode.HOLD
    assert rover.shown_mode is ended_in


@BOTH
def test_it_comes_home_and_only_px4_disarms_there(profile: Profile) -> None:
    rover = driving(profile, 15.0)
    assert not rover.physics.on_ground  # one that moves counts as flying
    rover.set_mode(VehicleMode.RETURN)
    run(rover, 60.0)
    assert math.hypot(*where(rover)) < 2.0
    assert rover.armed is (profile is ARDU_ROVER)
    said = [text for _, text in rover.texts]
    assert ("Reached destination" in said) is (profile is ARDU_ROVER)


@BOTH
def test_a_hold_stops_it_and_its_mission_goes_on_from_there(profile: Profile) -> None:
    rover = driving(profile, 10.0)
    rover.set_mode(VehicleMode.HOLD)
    run(rover, 6.0)
    before = where(rover)
    run(rover, 5.0)
    assert math.dist(before, where(rover)) < 0.1
    rover.set_mode(VehicleMode.MISSION)
    run(rover, 60.0)
    assert math.dist(where(rover), (0, 60)) < 2.5


def test_ardurover_refuses_auto_before_it_knows_where_it_is() -> None:
    rover = booted(ARDU_ROVER, 5.0)
    assert not rover.set_mode(VehicleMode.MISSION)
    assert not rover.set_mode(VehicleMode.LAND)  # it knows no landing
    assert rover.tells_amsl


def test_a_px4_rover_needs_no_take_off_but_keeps_to_its_fence() -> None:
    rover = booted(PX4_ROVER)
    rover.set_mission(simple_items(a_drive().mission))
    assert rover.arm()
    near = [(rover.home.to_geo1_deg(e, n)) for e, n in ((-30, -30), (30, -30), (30, 30), (-30, 30))]
    rover.set_fence([(True, tuple(near))])
    rover.begin()
    assert rover.mode is not VehicleMode.MISSION
    rover.set_fence([])
    rover.begin()
    assert rover.mode is VehicleMode.MISSION
