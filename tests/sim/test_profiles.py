"""What is always so with the simulated ArduCopter, as the real one was seen to behave."""

import math

import pytest

from missions.adapters.ardupilot_codec import for_ardupilot, home_item
from missions.adapters.mavlink_codec import encode_mission
from missions.formats.plan_file import simple_items
from sim.ardupilot import ArduCopter
from sim.failures import Failures
from sim.profiles import ARDU_COPTER, PX4_QUAD
from sim.sensor_errors import PERFECT
from telemetry.model import VehicleMode
from tests.builders import AT, NOW
from tests.missions.flying import a_short_mission, asset


def booted(seconds: float = 45.0) -> ArduCopter:
    copter = ArduCopter(asset(), NOW, seed=1, failures=Failures(), sensors=PERFECT)
    copter.position_after_s = ARDU_COPTER.position_after_s
    run(copter, seconds)
    return copter


def run(copter: ArduCopter, seconds: float) -> None:
    for _ in range(round(seconds / 0.05)):
        copter.step()


def words(copter: ArduCopter) -> str:
    said = "; ".join(text for _, text in copter.texts)
    copter.texts.clear()
    return said


def airborne(**parameters: float) -> ArduCopter:
    copter = booted()
    copter.parameters.update(parameters)
    copter.set_mission(simple_items(a_short_mission()))
    copter.set_mode(VehicleMode.GUIDED)
    assert copter.arm()
    copter.set_mode(VehicleMode.MISSION)
    assert copter.begin()
    run(copter, 12.0)
    return copter


def test_arms_in_stabilize_before_it_knows_where_it_is_but_enters_no_other_mode() -> None:
    copter = booted(1.0)
    assert not copter.arm()
    assert "Gyros inconsistent" in words(copter)
    run(copter, 5.0)
    assert not copter.set_mode(VehicleMode.GUIDED)
    assert not copter.set_mode(VehicleMode.MISSION)
    assert "requires position" in words(copter)
    assert copter.arm()


def test_disarms_by_itself_when_it_does_not_take_off() -> None:
    copter = booted()
    copter.set_mode(VehicleMode.GUIDED)
    assert copter.arm()
    run(copter, 9.0)
    assert copter.armed
    run(copter, 2.0)
    assert not copter.armed


def test_stands_in_auto_until_the_mission_is_started() -> None:
    copter = booted()
    copter.set_mission(simple_items(a_short_mission()))
    copter.set_mode(VehicleMode.GUIDED)
    copter.arm()
    copter.set_mode(VehicleMode.MISSION)
    run(copter, 5.0)
    assert copter.shown_step == 0
    assert copter.physics.on_ground
    copter.begin()
    run(copter, 1.0)
    assert copter.shown_step >= 1


def test_a_missions_own_return_stays_auto_and_the_count_begins_anew_on_the_ground() -> None:
    copter = airborne(RTL_ALT=1_200)
    seen = set()
    for _ in range(180):
        run(copter, 1.0)
        if copter.armed:
            seen.add(copter.shown_mode)
    assert seen == {VehicleMode.MISSION}
    assert not copter.armed
    assert copter.shown_step == 0


def test_a_return_climbs_to_its_height_above_home_and_no_rally_point_raises_it() -> None:
    copter = airborne(RTL_ALT=2_000, RTL_CONE_SLOPE=0.0, RALLY_LIMIT_KM=0.0)
    lat, lon = AT.to_geo1_deg(30.0, 60.0)
    copter.set_rally([(lat, lon, 0.0)])
    copter.set_mode(VehicleMode.RETURN)
    run(copter, 12.0)
    assert copter.physics.up == pytest.approx(20.0, abs=1.0)


def test_a_fence_away_from_home_keeps_it_from_arming_only_where_it_is_enabled() -> None:
    copter = booted()
    away = [AT.to_geo1_deg(e, n) for e, n in ((300, 0), (400, 0), (400, 100))]
    copter.set_fence([(True, tuple(away))])
    copter.set_mode(VehicleMode.GUIDED)
    copter.check_before_arming()
    assert not words(copter)
    copter.parameters["FENCE_ENABLE"] = 1
    copter.check_before_arming()
    assert "breaching Polygon fence" in words(copter)
    assert not copter.arm()


def test_items_are_sent_as_it_keeps_them() -> None:
    items = for_ardupilot(encode_mission(a_short_mission()).items, home_item(51.0, 71.0))
    assert [item.seq for item in items] == list(range(len(items)))
    assert all(math.isfinite(value) for item in items for value in item.params)
    assert all(item.frame != 2 for item in items)


def test_each_profile_names_each_of_its_modes_once() -> None:
    for profile in (PX4_QUAD, ARDU_COPTER):
        for mode, number in profile.modes.items():
            assert profile.mode_of(number) is mode
    assert ARDU_COPTER.custom_mode(6, 0) == 6
    assert PX4_QUAD.custom_mode(4, 3) == 4 << 16 | 3 << 24
