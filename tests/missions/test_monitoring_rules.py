"""What the live monitor finds wrong with a flight."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from core.recurrence import Recurrence
from geo.positions import Altitude, Datum, Position
from missions.model import SortieState
from missions.momentum import run_on_m
from missions.monitoring.concerns import CONCERN_CODES, ConcernCode, Gravity
from missions.monitoring.flight import situation_of, track_of
from missions.monitoring.flight_rules import (
    energy_concern,
    link_concern,
    mode_concern,
    permission_concerns,
    position_concern,
    route_concern,
    weather_concern,
)
from missions.monitoring.policy import MonitorPolicy
from missions.monitoring.zone_index import ZoneIndex
from missions.monitoring.zone_rules import zone_concerns
from missions.permissions import Permission
from missions.weather import Weather
from telemetry.model import TelemetrySample, VehicleMode
from tests.builders import AT, NOW, a_place, after, an_asset
from tests.missions.flying import a_fence, a_short_plan
from tests.missions.test_exits import a_ban

ASSET = an_asset(cruise_m_s=8.0)
PLAN = a_short_plan()
POLICY = MonitorPolicy()
HEIGHT = Datum.HOME


def a_sample(east=0.0, north=20.0, up=12.0, speed=(0.0, 0.0), sigma=0.5, **changes):
    values = {
        "asset_id": ASSET.asset_id, "at": NOW, "position": a_place(east, north, up),
        "east_m_s": speed[0], "north_m_s": speed[1], "down_m_s": 0.0, "armed": True,
        "horizontal_sigma_m": sigma, "vertical_sigma_m": sigma, "battery_fraction": 0.9,
        "mode": VehicleMode.MISSION, "on_ground": False, **changes,
    }  # fmt: skip
    return TelemetrySample(**values)


def situation(sample, zones=(), state=SortieState.UNDERWAY, plan=PLAN):
    index = ZoneIndex(zones, AT.lat_deg, AT.lon_deg, NOW)
    return situation_of(track_of(plan, ASSET, index.frame), state, sample), index


def found(sample, zones, now=NOW, policy=POLICY):
    there, index = situation(sample, zones)
    return [(c.code, c.gravity) for c in zone_concerns(there, index, policy, now)]


BREACH, AHEAD = ConcernCode.ZONE_BREACH, ConcernCode.ZONE_AHEAD
WARN, ACT, LAST = Gravity.WARN, Gravity.ACT, Gravity.LAST


# --- zones in four dimensions ---


def test_a_breach_within_the_error_of_the_position_warns_and_beyond_it_acts():
    ban = a_ban(box(10, 10, 60, 60), "ban")
    assert found(a_sample(8, 30), [ban]) == []
    assert found(a_sample(11, 30, sigma=1.0), [ban]) == [(BREACH, WARN)]
    assert found(a_sample(14, 30, sigma=1.0), [ban]) == [(BREACH, ACT)]


def test_floors_and_ceilings_count():
    ban = a_ban(
        box(10, 10, 60, 60), "ban", floor=Altitude(20, HEIGHT), ceiling=Altitude(40, HEIGHT)
    )
    for up, wanted in [(12, []), (30, [(BREACH, ACT)]), (20.5, [(BREACH, WARN)]), (45, [])]:
        assert found(a_sample(30, 30, up), [ban]) == wanted
    sinking = a_sample(30, 30, 44, down_m_s=2.0)
    assert found(sinking, [ban]) == [(AHEAD, WARN)]


def test_an_inclusion_is_left_sideways_and_above_its_ceiling():
    city = a_fence(50.0, ceiling=Altitude(30, HEIGHT))
    assert found(a_sample(0, 20), [city]) == []
    assert found(a_sample(0, 50.5), [city]) == [(BREACH, WARN)]
    assert found(a_sample(0, 55), [city]) == [(BREACH, ACT)]
    assert found(a_sample(0, 20, 30.5), [city]) == [(BREACH, WARN)]
    assert found(a_sample(0, 20, 33), [city]) == [(BREACH, ACT)]
    assert found(a_sample(20, 20, speed=(8.0, 0.0)), [city]) == [(AHEAD, WARN)]
    assert found(a_sample(35, 20, speed=(8.0, 0.0)), [city]) == [(AHEAD, ACT)]


def test_two_inclusions_side_by_side_permit_their_union():
    two = [a_fence(50.0), a_fence(50.0, 99.0, zone_id="fence-2", name="next")]
    assert found(a_sample(45, 20, speed=(8.0, 0.0)), two) == []


def test_hours_that_begin_and_end_in_flight_count():
    window = Recurrence(after(minutes=5), timedelta(minutes=10))
    ban = a_ban(box(10, 10, 60, 60), "ban", windows=(window,))
    there, index = situation(a_sample(30, 30), [ban])
    seen = {}
    for second in (0, 170, 190, 250, 260, 299, 301, 899, 901):
        concerns = list(zone_concerns(there, index, POLICY, after(second)))
        seen[second] = [(c.code, c.gravity) for c in concerns]
    assert seen[0] == seen[170] == seen[901] == []
    assert seen[190] == seen[250] == [(ConcernCode.ZONE_BEGINS, WARN)]
    assert seen[260] == seen[299] == [(ConcernCode.ZONE_BEGINS, ACT)]
    assert seen[301] == seen[899] == [(BREACH, ACT)]


def test_zones_that_are_switched_off_or_only_watched_mean_nothing():
    ban = a_ban(box(10, 10, 60, 60), "ban", active=False)
    assert found(a_sample(30, 30), [ban]) == []


@settings(max_examples=25, deadline=None)
@given(
    speed=st.floats(1.0, 15.0),
    heading=st.floats(0, 2 * math.pi),
    start_m=st.floats(60.0, 180.0),
    half_m=st.floats(5.0, 40.0),
    sigma=st.floats(0.0, 3.0),
)
def test_a_straight_flight_is_warned_of_a_zone_while_it_can_still_brake(
    speed, heading, start_m, half_m, sigma
):
    east, north = math.sin(heading), math.cos(heading)
    ban = a_ban(box(-half_m, -half_m, half_m, half_m), "ban")
    plan = replace(PLAN, mission=replace(PLAN.mission, items=()))
    index = ZoneIndex([ban], AT.lat_deg, AT.lon_deg, NOW)
    track = track_of(plan, ASSET, index.frame)
    warned_m = acted_m = None
    far_m = start_m
    while far_m > -half_m:
        sample = a_sample(-east * far_m, -north * far_m, 12.0, (east * speed, north * speed), sigma)
        there = situation_of(track, SortieState.UNDERWAY, sample)
        concerns = list(zone_concerns(there, index, POLICY, NOW))
        if not concerns:
            assert warned_m is None  # it never falls silent again on the way in
        for one in concerns:
            if one.code is BREACH:
                break
            warned_m = warned_m or one.measured
            if one.gravity is ACT:
                acted_m = acted_m or one.measured
        else:
            far_m -= speed / 4
            continue
        break
    first_m = start_m - half_m * math.sqrt(2)
    assert warned_m is not None
    assert acted_m is not None
    if first_m > run_on_m(speed):
        assert acted_m >= min(first_m, run_on_m(speed)) - speed / 4
        assert warned_m >= acted_m


# --- the rest ---


def test_beside_the_way():
    def grave(east, north, **changes):
        there, _ = situation(a_sample(east, north, **changes))
        one = route_concern(there, POLICY, NOW)
        return None if one is None else one.gravity

    assert grave(0, 30) is None
    assert grave(-12, 30) is None
    assert grave(-15, 30, sigma=2.0) is WARN
    assert grave(-25, 30, sigma=2.0) is ACT
    assert grave(-25, 30, mode=VehicleMode.RETURN) is None  # a return is proven elsewhere


def test_energy_to_return_counts_the_wind_the_reserve_and_whether_it_returns():
    def grave(left, weather=None, state=SortieState.UNDERWAY, north=40.0):
        there, _ = situation(a_sample(0, north, battery_fraction=left), state=state)
        one = energy_concern(there, POLICY, weather, NOW)
        return None if one is None else one.gravity

    assert grave(0.9) is None
    assert grave(0.10) is ACT  # the reserve is not for this
    assert grave(0.10, state=SortieState.RETURNING) is None
    assert grave(0.005, state=SortieState.RETURNING, north=400.0) is LAST
    assert grave(None) is None
    storm = Weather(NOW, wind_m_s=20.0, wind_from_deg=180.0)
    assert grave(0.9, storm) is ACT


def test_modes():
    def code(mode, state=SortieState.UNDERWAY):
        there, _ = situation(a_sample(mode=mode), state=state)
        one = mode_concern(there, NOW)
        return None if one is None else one.code

    assert code(VehicleMode.MISSION) is None
    assert code(VehicleMode.HOLD) is ConcernCode.MODE_UNEXPECTED
    assert code(VehicleMode.HOLD, SortieState.HOLDING) is None
    assert code(VehicleMode.MISSION, SortieState.RETURNING) is ConcernCode.MODE_UNEXPECTED
    assert code(VehicleMode.MANUAL) is ConcernCode.MANUAL_CONTROL
    assert code(None) is None


def test_positions_that_jump_or_are_not_known():
    first, _ = situation(a_sample(0, 20, speed=(0.0, 8.0)))
    second, _ = situation(a_sample(0, 20.8, speed=(0.0, 8.0), at=after(0.1)))
    far, _ = situation(a_sample(40, 20.8, speed=(0.0, 8.0), at=after(0.1)))
    vague, _ = situation(a_sample(0, 20.8, sigma=20.0))
    assert position_concern(second, first.spot, POLICY, NOW) is None
    jumped = position_concern(far, first.spot, POLICY, NOW)
    assert jumped is not None
    assert "jumped by 40 m" in jumped.message
    assert position_concern(vague, None, POLICY, NOW) is not None


def test_silence_air_and_permission():
    assert link_concern(NOW, NOW, POLICY, after(2)) is None
    assert link_concern(NOW, NOW, POLICY, after(4)) is not None
    fine = Weather(NOW, 3.0, 0.0, 4.0, 15.0, 5.0, 10_000.0, 1_000.0, 0.0)
    assert weather_concern(ASSET, fine, NOW) is None
    for bad, code in [
        (replace(fine, wind_m_s=14.0), ConcernCode.WEATHER_OUT),
        (replace(fine, temperature_c=-2.0, dew_point_c=-2.5), ConcernCode.WEATHER_OUT),
        (None, ConcernCode.WEATHER_UNKNOWN),
        (replace(fine, at=NOW - timedelta(hours=2)), ConcernCode.WEATHER_UNKNOWN),
    ]:
        one = weather_concern(ASSET, bad, NOW)
        assert one is not None
        assert one.code is code


def test_a_permission_that_ends_is_foreseen():
    def grave(left_s, way_s=100.0):
        area = a_fence().area
        held = Permission("KZ-1", "", area, NOW - timedelta(hours=1), after(left_s))
        return [
            (c.code, c.gravity) for c in permission_concerns("KZ-1", [held], way_s, POLICY, NOW)
        ]

    assert grave(600) == []
    assert grave(200) == [(ConcernCode.PERMISSION_ENDING, WARN)]
    assert grave(150) == [(ConcernCode.PERMISSION_ENDING, ACT)]
    assert grave(-1) == [(ConcernCode.PERMISSION_ENDED, ACT)]
    assert list(permission_concerns("", [], 1.0, POLICY, NOW)) == []


def test_every_code_is_explained():
    assert set(CONCERN_CODES) == set(ConcernCode)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_policy_of_nonsense_is_refused(value):
    with pytest.raises(ValueError, match="ahead_s"):
        MonitorPolicy(ahead_s=value)


@settings(max_examples=40, deadline=None)
@given(
    north=st.floats(-1e7, 1e7) | st.just(math.nan),
    up=st.floats(allow_nan=True, allow_infinity=True),
    sigma=st.floats(allow_nan=True, allow_infinity=True) | st.none(),
    speed=st.floats(-1e3, 1e3),
)
def test_whatever_a_vehicle_says_nothing_raises(north, up, sigma, speed):

    place = Position(
        50.97 + (0.0 if math.isnan(north) else north / 1e7), 71.35, Altitude(0, HEIGHT)
    )
    try:
        place = replace(place, altitude=Altitude(up, HEIGHT))
    except ValueError:
        return
    sample = a_sample(position=place, speed=(speed, speed), horizontal_sigma_m=sigma)
    there, index = situation(sample, [a_fence(), a_ban(box(10, 10, 60, 60))])
    list(zone_concerns(there, index, POLICY, NOW))
    energy_concern(there, POLICY, None, NOW)
    route_concern(there, POLICY, NOW)
    position_concern(there, there.spot, POLICY, NOW)
