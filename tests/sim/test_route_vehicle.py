import math
from datetime import timedelta
from itertools import pairwise

import pytest

from sim.clock import ManualClock
from sim.route_vehicle import RouteVehicle, rounded
from sim.sensor_errors import CONSUMER, PERFECT
from sim.vehicle_truth import VehicleTruth
from telemetry.model import VehicleMode
from tests.builders import AT, NOW, after
from tests.missions.flying import a_car, a_drive


def driven(seconds: float) -> tuple[RouteVehicle, list[VehicleTruth]]:
    clock = ManualClock(NOW)
    car = RouteVehicle(a_car(), clock=clock, seed=2)
    car.show(a_drive())
    car.go()
    clock.advance_to(after(seconds))
    return car, [car.truth_at(after(t / 10)) for t in range(int(seconds * 10))]


def test_it_drives_its_route_smoothly_and_parks() -> None:
    car, truths = driven(60)
    assert str(car.mode) == "standby"
    assert math.hypot(truths[-1].east_m, truths[-1].north_m - 60) < 1.0
    assert truths[-1].speed_m_s == 0.0
    assert max(truth.speed_m_s for truth in truths) == pytest.approx(8.0, abs=0.1)
    for a, b in pairwise(truths):
        assert abs(b.speed_m_s - a.speed_m_s) <= 0.31  # 3 m/s² at most, braking
        turn = abs((b.body.yaw_deg - a.body.yaw_deg + 180) % 360 - 180)
        assert turn <= 6.1
        assert math.dist((a.east_m, a.north_m), (b.east_m, b.north_m)) < 0.9


def test_its_camera_looks_to_the_right_from_the_mast() -> None:
    _, truths = driven(8)
    truth = truths[-1]  # eastwards
    assert truth.body.yaw_deg == pytest.approx(90, abs=1)
    assert truth.camera.yaw_deg == pytest.approx(180, abs=1)
    assert truth.camera.pitch_deg == pytest.approx(-8, abs=1)
    assert truth.camera_height_m == pytest.approx(2.6)


def test_what_it_says_is_wrong_by_its_sensors_and_in_its_own_time() -> None:
    clock = ManualClock(NOW)
    for sensors, limit in ((PERFECT, 0.05), (CONSUMER, 8.0)):
        car = RouteVehicle(a_car(), clock=clock, seed=2, sensors=sensors)
        car.show(a_drive())
        car.go()
        start = clock.now()
        clock.advance_to(start + timedelta(seconds=10))
        samples, upcoming = car.said(0)
        assert len(samples) == upcoming == 100
        sample = samples[-10]
        truth = car.truth_at(sample.at)
        assert sample.position is not None
        east, north = AT.to_en1_m(sample.position.lat_deg, sample.position.lon_deg)
        error = math.dist((east, north), (truth.east_m, truth.north_m))
        assert error < limit
        assert (error < 0.05) == (sensors is PERFECT)


def test_it_waits_goes_on_and_comes_back_the_way_it_came() -> None:
    clock = ManualClock(NOW)
    car = RouteVehicle(a_car(), clock=clock, seed=2)
    car.show(a_drive())
    car.go()
    clock.advance_to(after(10))
    car.wait()
    clock.advance_to(after(16))
    stood = car.truth_at(after(15))
    assert stood.speed_m_s == 0.0
    assert car.truth_at(after(16)).east_m == stood.east_m
    car.go()
    clock.advance_to(after(22))
    assert car.mode is VehicleMode.MISSION
    car.come_back()
    clock.advance_to(after(70))
    end = car.truth_at(after(70))
    assert str(car.mode) == "standby"
    assert math.hypot(end.east_m, end.north_m) < 1.0


def test_corners_are_rounded_and_doubled_places_left_out() -> None:
    line = rounded([(0, 0), (0, 0), (50, 0), (50, 50)], 5.0)
    assert line[0] == (0, 0)
    assert line[-1] == (50, 50)
    turns = [
        math.degrees(math.atan2(b[1] - a[1], b[0] - a[0])) for a, b in pairwise(line) if a != b
    ]
    assert all(abs(b - a) < 25 for a, b in pairwise(turns))
    assert rounded([(1, 1)], 5.0) == [(1, 1)]
