"""Flights by stepping the dynamics directly are the flights that the vehicle on a wire makes."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import shapely
from shapely import LineString

from geo.positions import Altitude, Datum
from missions.endurance import endurance_of
from missions.formats.plan_file import CHANGE_SPEED, MOUNT_CONTROL, SimpleItem, simple_items
from missions.formats.plan_items import COMMANDS, ROI_LOCATION, ROI_NONE, TRIGGER_DISTANCE
from missions.model import ItemKind, MissionItem, RallyPoint
from missions.proving.flight_path import FlightPath
from sim.autopilot import MOVES, SETTINGS, Autopilot
from sim.failures import Failures
from sim.flown_plan import fly
from sim.sensor_errors import CONSUMER
from telemetry.model import VehicleMode
from tests.builders import AT, GROUND, NOW, a_mission, a_place, a_plan, an_asset

HOME = replace(a_place(), altitude=GROUND)


def a_drone(**changes):
    return an_asset(cruise_m_s=8.0, home=HOME, **changes)


def a_flight(*items, **changes):
    takeoff = MissionItem(ItemKind.TAKEOFF, a_place(0, 0, 12.0), speed_m_s=8.0)
    end = () if items and items[-1].kind is ItemKind.LAND else (MissionItem(ItemKind.RETURN),)
    values = {"return_altitude": Altitude(15.0, Datum.HOME), **changes}
    return a_plan(mission=a_mission(items=(takeoff, *items, *end)), home=HOME, **values)


def way(*places, up=12.0):
    return [MissionItem(ItemKind.WAYPOINT, a_place(*place, up)) for place in places]


def wire_track(plan, asset, seed):
    """What the autopilot behind MAVLink flies: stepped whole, read from its own truth."""
    pilot = Autopilot(asset, NOW, seed=seed, failures=Failures(), sensors=CONSUMER)
    pilot.set_mission(simple_items(plan.mission))
    pilot.set_rally([(p.position.lat_deg, p.position.lon_deg, 0.0) for p in plan.rally])
    pilot.parameters["RTL_RETURN_ALT"] = plan.return_altitude.metres
    while not pilot.position_known:
        pilot.step()
    assert pilot.arm()
    pilot.set_mode(VehicleMode.MISSION)
    rows = []
    while pilot.armed:
        truth = pilot.history.at(pilot.now)
        rows.append((truth.east_m, truth.north_m, truth.height_m))
        pilot.step()
        pilot.step()
    return np.array(rows)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    "items",
    [
        way((40, 0), (40, 40), (-20, 30)),
        [*way((30, 0)), *way((60, 5), up=25.0)],
        [MissionItem(ItemKind.LOITER, a_place(20, 20, 12.0), hold_s=4.0), *way((0, 40))],
        [
            MissionItem(ItemKind.LOITER, a_place(40, 20, 12.0), hold_s=15.0, loiter_radius_m=12.0),
            *way((0, 40)),
        ],
        [*way((30, 0)), MissionItem(ItemKind.LAND, a_place(40, 10, 0.0))],
    ],
)
def test_the_track_is_that_of_the_whole_autopilot(items, seed):
    rally = (RallyPoint(a_place(15, 60, 0.0)),)
    plan, asset = a_flight(*items, rally=rally), a_drone()
    flown = fly(plan, asset, seed=seed, start_at=NOW)[0]
    wanted = wire_track(plan, asset, seed)
    assert flown.landed
    assert abs(len(flown.track) - len(wanted)) <= 1
    count = min(len(flown.track), len(wanted))
    assert np.abs(flown.track[:count, 1:] - wanted[:count]).max() < 1e-9


def test_the_same_seed_gives_the_same_flight_and_another_one_another():
    plan, asset = a_flight(*way((40, 0))), a_drone()
    one, same, other = (fly(plan, asset, seed=s, start_at=NOW)[0].track for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one[: len(other)], other[: len(one)])


def test_a_return_begins_where_it_is_ordered_and_leaves_the_flight_alone():
    plan, asset = a_flight(*way((80, 0), (80, 80))), a_drone()
    alone = fly(plan, asset, seed=4, start_at=NOW)[0]
    whole, early, late = fly(plan, asset, seed=4, start_at=NOW, returns=(14.0, 9.0))
    assert np.array_equal(whole.track, alone.track)
    assert (early.returned_at_s, late.returned_at_s) == (9.0, 14.0)
    for flown in (early, late):
        row = flown.from_row
        assert np.array_equal(flown.track[:row], whole.track[:row])
        assert flown.landed
        assert len(flown.track) < len(whole.track)
        assert math.hypot(*flown.track[-1, 1:3]) < 2.0
        assert flown.track[:, 3].max() == pytest.approx(15.0, abs=0.6)


def test_orders_before_take_off_and_after_landing_are_left_out():
    plan, asset = a_flight(*way((20, 0))), a_drone()
    assert len(fly(plan, asset, seed=1, start_at=NOW, returns=(0.0, 9_000.0))) == 1


def test_a_return_goes_to_the_nearest_rally_point():
    rally = (RallyPoint(a_place(80, 10, 0.0)), RallyPoint(a_place(-80, 0, 0.0)))
    plan = a_flight(*way((80, 0), (80, 80)), rally=rally)
    _, near, far = fly(plan, a_drone(), seed=4, start_at=NOW, returns=(7.0, 15.0))
    assert math.hypot(*near.track[-1, 1:3]) < 2.0
    assert math.dist(far.track[-1, 1:3], (80, 10)) < 2.0


def test_a_loiter_with_a_radius_is_flown_as_circles():
    around = MissionItem(ItemKind.LOITER, a_place(60, 0, 12.0), hold_s=30.0, loiter_radius_m=15.0)
    flown = fly(a_flight(around), a_drone(), seed=1, start_at=NOW)[0]
    away = np.hypot(flown.track[:, 1] - 60, flown.track[:, 2])
    circling = away < 18.0
    assert 25.0 < np.count_nonzero(circling) * 0.1 < 45.0
    angles = np.degrees(np.arctan2(flown.track[circling, 2], flown.track[circling, 1] - 60))
    assert len({round(a / 45) for a in angles}) >= 8
    assert np.percentile(away[circling], 20) > 10.0


def test_a_mission_without_an_end_is_flown_until_it_hovers():
    plan = a_flight(*way((30, 0)))
    open_end = replace(plan, mission=replace(plan.mission, items=plan.mission.items[:-1]))
    flown = fly(open_end, a_drone(), seed=1, start_at=NOW)[0]
    assert not flown.landed
    assert math.dist(flown.track[-1, 1:3], (30, 0)) < 3.0


def test_where_the_camera_looks_and_pictures_are_taken_moves_nothing():
    plain = a_flight(*way((30, 0), (30, 40), (-20, 0)))
    first, *rest = plain.mission.items[1:]
    looking = replace(first, look_at=AT.to_geo1_deg(0, 40), trigger_m=5.0)
    freed = replace(rest[0], camera_pitch_deg=-30.0, trigger_m=0.0)
    items = (plain.mission.items[0], looking, freed, *rest[1:])
    plan = replace(plain, mission=replace(plain.mission, items=items))
    assert {195, 197, 206} <= {step.command for step in simple_items(plan.mission)}
    one, other = (fly(p, a_drone(), seed=3, start_at=NOW)[0].track for p in (plain, plan))
    assert np.array_equal(one, other)


def test_every_step_that_a_mission_may_hold_is_flown_and_no_other():
    assert set(COMMANDS.values()) == MOVES
    assert {CHANGE_SPEED, MOUNT_CONTROL, ROI_LOCATION, ROI_NONE, TRIGGER_DISTANCE} <= SETTINGS
    pilot = Autopilot(a_drone(), NOW, seed=1, failures=Failures(), sensors=CONSUMER)
    pilot.set_mission(simple_items(a_flight(*way((30, 0))).mission))
    with pytest.raises(ValueError, match="18"):
        pilot.set_mission([SimpleItem(18, 3, (1.0, 0.0, 0.0, 0.0))])
    assert len(pilot.mission) == 4


def test_a_landing_goes_over_its_place_first_and_then_down():
    # PX4 and ArduPilot keep the height that they have, as the proof counts on
    plan = a_flight(*way((0, 60)), MissionItem(ItemKind.LAND, a_place(90, 60, 0.0)))
    track = fly(plan, a_drone(), seed=1, start_at=NOW)[0].track
    away = np.hypot(track[:, 1] - 90, track[:, 2] - 60)
    on_the_way = track[(away > 2.0) & (track[:, 2] > 50)]
    assert len(on_the_way) > 20
    assert on_the_way[:, 3].min() > 10.5
    assert track[-1, 3] < 0.1
    assert away[-1] < 2.0


# --- fast corners ---


def fast_corners(plan, asset):
    path = FlightPath(plan, asset, endurance_of(plan, asset))
    return list(path.fast_corners.values())


def beyond_m(plan, asset, seed):
    """How far the truth is beyond the acceptance radius, and beyond what fast corners allow."""
    flown = fly(plan, asset, seed=seed, start_at=NOW)[0]
    rows = flown.track[flown.track[:, 3] > 1.0]
    spots = shapely.points(rows[:, 1:3])
    places = [AT.to_en1_m(i.position.lat_deg, i.position.lon_deg)
              for i in plan.mission.items if i.position is not None]  # fmt: skip
    legs = [LineString(pair) for pair in pairwise([*places, (0.0, 0.0)]) if pair[0] != pair[1]]
    plain = shapely.distance(shapely.union_all(legs), spots) - asset.acceptance_radius_m
    wide = plain
    for corner in fast_corners(plan, asset):
        line = LineString([corner.corner, corner.until])
        wide = np.minimum(wide, shapely.distance(line, spots) - corner.radius_m)
    return plain.max(), wide.max()


ORBIT = [(60 + 35 * math.cos(k * 0.1), 35 * math.sin(k * 0.1)) for k in range(60)]
SHORT_LEG = [(60, 0), (61.2, 0.3), (40, 60)]
ROOMY = [(60, 0), (60, 60), (-40, 60)]


@pytest.mark.parametrize("places", [ORBIT, SHORT_LEG], ids=["orbit", "short leg"])
def test_a_corner_that_is_reached_too_fast_is_known_and_wide_enough(places):
    asset = a_drone()
    fast = replace(asset, cruise_m_s=10.0)
    takeoff = MissionItem(ItemKind.TAKEOFF, a_place(0, 0, 12.0), speed_m_s=10.0)
    # a straight run-up, flown on at full speed
    plan = a_plan(
        mission=a_mission(
            items=(takeoff, *way((30, 0), *places), MissionItem(ItemKind.RETURN))
        ),
        home=HOME, cruise_m_s=10.0, return_altitude=Altitude(15.0, Datum.HOME),
    )  # fmt: skip
    assert fast_corners(plan, fast)
    beyond = [beyond_m(plan, fast, seed) for seed in range(4)]
    assert max(plain for plain, _ in beyond) > 2.0
    assert max(wide for _, wide in beyond) < 0.3


def test_corners_with_room_to_brake_are_none():
    plan, asset = a_flight(*way(*ROOMY)), a_drone()
    assert fast_corners(plan, asset) == []
    assert max(beyond_m(plan, asset, seed)[0] for seed in range(4)) < 0.3


@pytest.mark.slow
def test_no_accepted_plan_leaves_its_room_and_a_broken_checker_is_found_out():
    from benchmarks.flown_missions import run, summary

    figures = summary(list(run(60, 1, "", 0.0, 1)))
    assert figures["accepted_that_broke"] == 0, figures["breaches"]
    assert figures["accepted"] >= 10
    assert figures["rejected_that_broke"] > 0
    assert figures["verdicts_differ"] == 0
    broken = summary(list(run(20, 1, "ceilings_ignored", 0.0, 1)))
    assert broken["accepted_that_broke"] > 0


def test_a_return_ordered_beside_home_climbs_once_and_comes_down() -> None:
    """On its column an aircraft must not go by the line from where it happens to be to home."""
    items = (
        MissionItem(ItemKind.TAKEOFF, a_place(0, 0, 39.5)),
        MissionItem(ItemKind.WAYPOINT, a_place(0, 60, 39.5)),
    )
    plan = a_plan(mission=a_mission(items=items), return_altitude=Altitude(49.5, Datum.HOME))
    asset = an_asset()
    for seed in range(4):
        _, *returns = fly(plan, asset, seed=seed, start_at=NOW, returns=[14.6, 15.2])
        for flight in returns:
            up = flight.track[flight.from_row :, 3]
            top = int(up.argmax())
            assert flight.landed
            assert up[top] <= 49.5 + 0.3
            assert (np.diff(up[top:]) < 0.05).all()
