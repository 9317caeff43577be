import math
import socket
import statistics
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from pymavlink.dialects.v20 import common as m

from core.ids import MissionId
from geo.local_frame import LocalFrame
from missions.formats.plan_file import SimpleItem, fence_rings, simple_items
from missions.model import Mission
from sim.autopilot import STEP_S, Autopilot
from sim.clock import ScaledClock
from sim.failures import Failure, FailureKind, Failures
from sim.mavlink_transfer import Transfers
from sim.mavlink_vehicle import MavlinkVehicle
from sim.return_goal import HOME, Spot, return_goal
from sim.sensor_errors import CONSUMER, PERFECT, SensorErrors, SensorProfile
from sim.vehicle_truth import VehicleTruth
from telemetry.model import VehicleMode
from tests.builders import AT, NOW, a_square, after
from tests.missions.flying import a_fence, a_short_mission, asset

MODE = VehicleMode


def an_autopilot(*failures: Failure, seed: int = 1, sensors: SensorProfile = CONSUMER) -> Autopilot:
    return Autopilot(asset(), NOW, seed=seed, failures=Failures(*failures), sensors=sensors)


def run(pilot: Autopilot, seconds: float) -> None:
    for _ in range(round(seconds / STEP_S)):
        pilot.step()


def take_off(pilot: Autopilot, steps: tuple[SimpleItem, ...] | None = None) -> None:
    pilot.set_mission(steps or simple_items(a_short_mission()))
    run(pilot, 5.0)
    assert pilot.arm()
    pilot.set_mode(MODE.MISSION)


def words(pilot: Autopilot) -> str:
    return "; ".join(text for _, text in pilot.texts)


# --- always on ---


def test_it_can_not_be_armed_before_it_has_a_position() -> None:
    pilot = an_autopilot()
    assert not pilot.arm()
    assert "Arming denied" in words(pilot)
    run(pilot, 5.0)
    assert pilot.arm()


def test_it_disarms_by_itself_ten_seconds_after_arming() -> None:
    pilot = an_autopilot()
    run(pilot, 5.0)
    pilot.arm()
    run(pilot, 9.5)
    assert pilot.armed
    run(pilot, 1.0)
    assert not pilot.armed


def test_it_flies_its_mission_and_comes_down_at_home() -> None:
    pilot = an_autopilot()
    take_off(pilot)
    truths: list[VehicleTruth] = []
    while pilot.armed and pilot.boot_s < 200:
        pilot.step()
        truths.append(pilot.history.at(pilot.now))
    assert pilot.boot_s < 100
    assert not pilot.armed
    assert math.hypot(truths[-1].east_m, truths[-1].north_m) < 2.0
    for east, north in ((0, 40), (40, 40)):
        nearest = min(math.hypot(t.east_m - east, t.north_m - north) for t in truths)
        assert nearest <= asset().acceptance_radius_m
    # where it cut or overshot its corners it stayed near its legs
    assert max(t.east_m for t in truths) < 43
    assert max(t.north_m for t in truths) < 43
    assert max(t.speed_m_s for t in truths) < 9.0
    accelerations = [
        abs(b.speed_m_s - a.speed_m_s) / STEP_S
        for a, b in pairwise(truths)
        if a.height_m > 1.0  # on the ground it stops at once
    ]
    assert max(accelerations) < 5.0
    yaw_rates = [
        abs((b.camera.yaw_deg - a.camera.yaw_deg + 180) % 360 - 180) / STEP_S
        for a, b in pairwise(truths)
    ]
    assert max(yaw_rates) < 46
    assert {round(t.camera.pitch_deg) for t in truths[-20:]} == {-45}


def test_a_return_climbs_to_thirty_metres_first() -> None:
    pilot = an_autopilot()
    take_off(pilot)
    while pilot.reached != 3:
        pilot.step()
    pilot.set_mode(MODE.RETURN)
    highest = 0.0
    while pilot.armed:
        pilot.step()
        highest = max(highest, pilot.physics.up)
    assert highest == pytest.approx(30, abs=1)


def test_a_waypoint_outside_the_fence_is_told_at_upload_and_refused_at_start() -> None:
    pilot = an_autopilot()
    pilot.set_fence(fence_rings([a_fence(30.0)]))
    take_off(pilot)
    assert "Geofence violation for waypoint" in words(pilot)
    assert "Switching to Mission is currently not available" in words(pilot)
    assert pilot.mode is MODE.HOLD


def test_a_fence_that_does_not_hold_home_is_not_in_force_and_it_flies_anyway() -> None:
    pilot = an_autopilot()
    pilot.set_fence(fence_rings([a_fence(area=a_square(500, 0, 50))]))
    assert "Geofence invalid, doesn't contain Home position" in words(pilot)
    take_off(pilot)
    run(pilot, 8.0)
    assert pilot.mode is MODE.MISSION
    assert not pilot.physics.on_ground


def test_a_leg_through_a_closed_area_is_flown_into_before_it_holds() -> None:
    pilot = an_autopilot()
    closed = a_fence(area=a_square(0, 20, 5), kind="exclusion")
    pilot.set_fence(fence_rings([closed]))
    take_off(pilot)
    run(pilot, 40.0)
    assert pilot.mode is MODE.HOLD
    assert 12 < pilot.physics.north < 30


@pytest.mark.parametrize(
    ("rtl_type", "here", "spots", "goal"),
    [
        (0, (50, 0), [], None),
        (0, (50, 0), [(80, 0, 0)], 0),
        (0, (30, 0), [(80, 0, 0)], None),
        (0, (39, 0), [(77, 0, 0)], None),  # nearer by less than 2 m
        (0, (50, 0), [(9, 0, 0), (95, 0, 0)], 1),  # the first is beside home
        (3, (50, 0), [(80, 0, 0), (60, 0, 0)], 1),
        (1, (30, 0), [(80, 0, 0)], 0),
        (5, (30, 0), [(80, 0, 0)], 0),
        (2, (50, 0), [(60, 0, 0)], None),
        (4, (50, 0), [(60, 0, 0)], None),
    ],
)
def test_a_return_goes_where_px4s_would(
    rtl_type: int, here: tuple[float, float], spots: list[Spot], goal: int | None
) -> None:
    wanted = HOME if goal is None else spots[goal]
    assert return_goal(here, spots, rtl_type) == wanted


def test_a_return_to_a_rally_point_counts_its_height_from_there() -> None:
    pilot = an_autopilot()
    pilot.set_rally([(*AT.to_geo1_deg(0, 50), 5.0)])
    take_off(pilot)
    while pilot.reached != 3:
        pilot.step()
    pilot.set_mode(MODE.RETURN)
    highest = 0.0
    while pilot.armed:
        pilot.step()
        highest = max(highest, pilot.physics.up)
    assert highest == pytest.approx(35, abs=1)
    assert math.dist((pilot.physics.east, pilot.physics.north), (0, 50)) < 2.0


def test_the_camera_is_held_to_a_place_until_it_is_freed() -> None:
    place = AT.to_geo1_deg(-30, 20)
    takeoff, corner, end, home = a_short_mission().items
    looking = replace(corner, look_at=place, camera_pitch_deg=None)
    freed = replace(end, camera_pitch_deg=-20.0)
    pilot = an_autopilot()
    take_off(pilot, simple_items(Mission(MissionId("m"), (takeoff, looking, freed, home))))
    off = []
    while pilot.mission[pilot.current].item < 2:
        pilot.step()
        truth = pilot.history.at(pilot.now)
        if truth.north_m > 10:
            bearing = math.degrees(math.atan2(-30 - truth.east_m, 20 - truth.north_m)) % 360
            down = math.degrees(
                math.atan2(-truth.height_m, math.hypot(30 + truth.east_m, 20 - truth.north_m))
            )
            turned = (truth.camera.yaw_deg - bearing + 180) % 360 - 180
            off.append(max(abs(turned), abs(truth.camera.pitch_deg - down)))
    assert len(off) > 40
    assert max(off[20:-1]) < 1.0  # with the last step it is freed
    run(pilot, 3.0)
    assert pilot.history.at(pilot.now).camera.pitch_deg == pytest.approx(-20, abs=0.5)


def test_a_mission_must_begin_with_take_off() -> None:
    pilot = an_autopilot()
    take_off(pilot, simple_items(a_short_mission())[3:])
    assert pilot.mode is MODE.HOLD


def test_the_same_seed_flies_the_same_flight() -> None:
    def flown(seed: int) -> list[float]:
        pilot = an_autopilot(seed=seed)
        take_off(pilot)
        run(pilot, 30.0)
        return [pilot.physics.east, pilot.physics.north, pilot.errors.east_m]

    assert flown(1) == flown(1)
    assert flown(1) != flown(2)


# --- what it reports is wrong by as much as a consumer drone's ---


def test_sensor_errors_have_the_size_and_slowness_of_the_profile() -> None:
    level, up, moves = [], [], []
    for seed in range(150):
        errors = SensorErrors(CONSUMER, seed)
        for _ in range(20):
            before = errors.east_m
            errors.wander(1.0)
            moves.append(errors.east_m - before)
        level += [errors.east_m, errors.north_m]
        up.append(errors.up_m)
    assert statistics.pstdev(level) == pytest.approx(1.5, rel=0.15)
    assert statistics.pstdev(up) == pytest.approx(2.0, rel=0.2)
    assert statistics.pstdev(moves) < 0.3  # a receiver wanders, it does not jump
    yaws = [SensorErrors(CONSUMER, seed).yaw_deg for seed in range(300)]
    pitches = [SensorErrors(CONSUMER, seed).pitch_deg for seed in range(300)]
    assert statistics.pstdev(yaws) == pytest.approx(2.0, rel=0.15)
    assert statistics.pstdev(pitches) == pytest.approx(1.0, rel=0.15)
    assert all(abs(SensorErrors(CONSUMER, seed).time_s) <= 0.2 for seed in range(300))


def test_the_truth_is_given_in_the_wanted_frame() -> None:
    frame = LocalFrame(*AT.to_geo1_deg(-100.0, -50.0))
    pilot = Autopilot(asset(), NOW, seed=1, failures=Failures(), sensors=PERFECT, frame=frame)
    truth = pilot.history.at(NOW)
    assert (truth.east_m, truth.north_m) == pytest.approx((100, 50), abs=0.01)


# --- on the wire ---


class Ground:
    """A bare ground station: a socket and a codec."""

    def __init__(self, *failures: Failure, factor: float = 20.0) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(5.0)
        self.codec = m.MAVLink(None, srcSystem=245, srcComponent=190)
        self.clock = ScaledClock(NOW, factor)
        port = self._socket.getsockname()[1]
        self.vehicle = MavlinkVehicle(
            asset(), clock=self.clock, port=port, failures=failures, seed=1
        )
        self._address: Any = None

    def close(self) -> None:
        self.vehicle.stop()
        self._socket.close()

    def messages(self) -> Iterator[m.MAVLink_message]:
        for _ in range(20_000):  # many simulated minutes: who waits longer waits for ever
            data, self._address = self._socket.recvfrom(4096)
            yield from self.codec.parse_buffer(data) or []
        pytest.fail("the message did not come")

    def wait(self, *names: str) -> m.MAVLink_message:
        return next(message for message in self.messages() if message.get_type() in names)

    def send(self, message: m.MAVLink_message) -> None:
        if self._address is None:
            self.wait("HEARTBEAT")
        self._socket.sendto(message.pack(self.codec), self._address)


@contextmanager
def ground(*failures: Failure, factor: float = 20.0) -> Iterator[Ground]:
    station = Ground(*failures, factor=factor)
    with station.vehicle:
        try:
            yield station
        finally:
            station.close()


def an_item(seq: int, command: int, kind: int, frame: int = 6) -> m.MAVLink_message:
    return m.MAVLink_mission_item_int_message(
        1, 1, seq, frame, command, 0, 1, 3, 0, 0, 0,
        round((50.9754 + 1e-4 * (seq % 2)) * 1e7), round((71.3549 + 1e-4 * (seq // 2)) * 1e7),
        20.0, kind,
    )  # fmt: skip


def upload(station: Ground, kind: int, items: list[m.MAVLink_message]) -> int:
    station.send(m.MAVLink_mission_count_message(1, 1, len(items), kind))
    while True:
        reply = station.wait("MISSION_REQUEST_INT", "MISSION_ACK")
        assert reply.mission_type == kind
        if reply.get_type() == "MISSION_ACK":
            return int(reply.type)
        station.send(items[reply.seq])


def test_missions_and_fences_are_kept_apart() -> None:
    with ground() as station:
        mission = [an_item(n, 22 if n == 0 else 16, 0) for n in range(4)]
        fence = [an_item(n, 5001, 1, frame=0) for n in range(3)]
        assert upload(station, 0, mission) == 0
        assert upload(station, 1, fence) == 0
        for kind, count in ((0, 4), (1, 3), (2, 0)):
            station.send(m.MAVLink_mission_request_list_message(1, 1, kind))
            reply = station.wait("MISSION_COUNT")
            assert (reply.count, reply.mission_type) == (count, kind)
        station.send(m.MAVLink_mission_request_int_message(1, 1, 2, 1))
        item = station.wait("MISSION_ITEM_INT")
        assert (item.command, item.mission_type) == (5001, 1)


def a_spot(seq: int, frame: int, up_m: float = 4.0) -> m.MAVLink_message:
    lat, lon = AT.to_geo1_deg(0, 60 + seq)
    return m.MAVLink_mission_item_int_message(
        1, 1, seq, frame, 5100, 0, 1, 0, 0, 0, 0, round(lat * 1e7), round(lon * 1e7), up_m, 2
    )


def test_rally_points_are_kept_told_in_whole_numbers_and_cleared() -> None:
    with ground() as station:
        assert upload(station, 2, [a_spot(0, 3), a_spot(1, 0, 354.0)]) == 0
        station.send(m.MAVLink_mission_request_int_message(1, 1, 0, 2))
        item = station.wait("MISSION_ITEM_INT")
        assert (item.command, item.frame, item.z) == (5100, 6, 4.0)
        station.send(m.MAVLink_mission_clear_all_message(1, 1, 2))
        assert station.wait("MISSION_ACK").mission_type == 2
        station.send(m.MAVLink_mission_request_list_message(1, 1, 2))
        assert station.wait("MISSION_COUNT").count == 0


def test_only_rally_points_in_the_two_frames_are_returned_to() -> None:
    pilot = an_autopilot()
    transfers = Transfers(pilot, lambda message: None)
    spots = [a_spot(0, 3), a_spot(1, 0, 354.0), a_spot(2, 6), a_spot(3, 5, 354.0)]
    transfers.handle(m.MAVLink_mission_count_message(1, 1, len(spots), 2))
    for spot in spots:
        transfers.handle(spot)
    home_m = asset().home.altitude.metres
    assert [round(up, 3) for _, _, up in pilot.rally] == [4.0, round(354.0 - home_m, 3)]
    assert "RTL: unsupported MAV_FRAME" in words(pilot)
    transfers.handle(m.MAVLink_mission_count_message(1, 1, 0, 2))
    assert pilot.rally == ()


def test_what_it_does_not_know_is_refused_at_upload() -> None:
    with ground() as station:
        turns = [an_item(0, 22, 0), an_item(1, 18, 0)]
        assert upload(station, 0, turns) == m.MAV_MISSION_UNSUPPORTED
        frame = [an_item(n, 5001, 1, frame=6) for n in range(3)]
        assert upload(station, 1, frame) == m.MAV_MISSION_UNSUPPORTED_FRAME


def test_another_transfer_is_refused_while_one_is_open() -> None:
    with ground() as station:
        station.send(m.MAVLink_mission_count_message(1, 1, 3, 0))
        station.wait("MISSION_REQUEST_INT")
        station.send(m.MAVLink_mission_count_message(1, 1, 3, 1))
        assert station.wait("MISSION_ACK").type == m.MAV_MISSION_ERROR


def test_an_item_that_got_lost_is_asked_for_again() -> None:
    with ground() as station:
        station.send(m.MAVLink_mission_count_message(1, 1, 1, 0))
        first = station.wait("MISSION_REQUEST_INT")
        again = station.wait("MISSION_REQUEST_INT")
        assert (first.seq, again.seq) == (0, 0)
        station.send(an_item(0, 22, 0))
        assert station.wait("MISSION_ACK").type == 0


def test_a_whole_number_parameter_travels_as_its_bytes() -> None:
    with ground() as station:
        station.send(m.MAVLink_param_request_read_message(1, 1, b"GF_ACTION", -1))
        reply = station.wait("PARAM_VALUE")
        assert reply.param_type == m.MAV_PARAM_TYPE_INT32
        assert struct.unpack("<i", struct.pack("<f", reply.param_value))[0] == 2


def test_a_reached_step_is_reported_each_second() -> None:
    with ground() as station:
        items = [an_item(0, 22, 0), an_item(1, 19, 0)]
        assert upload(station, 0, items) == 0
        while station.wait("SYS_STATUS").onboard_control_sensors_health & 32 == 0:
            continue
        arm = m.MAVLink_command_long_message(1, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0)
        station.send(arm)
        assert station.wait("COMMAND_ACK").result == 0
        station.send(m.MAVLink_command_long_message(1, 1, 176, 0, 1, 4, 4, 0, 0, 0, 0))
        reports = [station.wait("MISSION_ITEM_REACHED").seq for _ in range(4)]
        assert reports.count(0) > 1


def test_the_vehicles_time_is_simulated_time_with_its_own_clock_error() -> None:
    with ground() as station:
        message = station.wait("SYSTEM_TIME")
        told_s = message.time_unix_usec / 1e6 - NOW.timestamp()
        assert abs(told_s - message.time_boot_ms / 1000) <= 0.2 + 1.0  # its start, its clock
        assert message.time_boot_ms % 50 == 0


def test_silence_is_silence_in_both_directions() -> None:
    with ground(Failure(FailureKind.SILENT, from_s=2.0, until_s=10.0)) as station:
        stamps = []
        for message in station.messages():
            if message.get_type() == "ATTITUDE":
                stamps.append(message.time_boot_ms / 1000)
                if stamps[-1] > 12.0:
                    break
        assert not any(2.1 < stamp < 9.9 for stamp in stamps)
        assert any(stamp >= 10.0 for stamp in stamps)


def test_a_cut_link_drops_packets_until_it_is_restored() -> None:
    with ground() as station:
        before_ms = station.wait("ATTITUDE").time_boot_ms
        station.vehicle.cut_link()
        cut_at = station.vehicle.simulated_now()
        while station.vehicle.simulated_now() < cut_at + timedelta(seconds=5):
            station.vehicle.truth_at(station.clock.now())
        station.vehicle.restore_link()
        stamps = [before_ms]
        for _ in range(40):  # what was sent before the cut may still be in the socket
            stamps.append(station.wait("ATTITUDE").time_boot_ms)
        assert max(b - a for a, b in pairwise(stamps)) > 3_000


def test_packets_are_lost_by_seed_and_share() -> None:
    with ground(Failure(FailureKind.PACKETS_LOST, fraction=0.5)) as station:
        stamps = []
        for message in station.messages():
            if message.get_type() == "ATTITUDE":
                stamps.append(message.time_boot_ms)
                if len(stamps) == 60:
                    break
        kept = len(stamps) / ((stamps[-1] - stamps[0]) / 100 + 1)
        assert 0.3 < kept < 0.7


def test_the_truth_reaches_to_now_and_no_further() -> None:
    with ground() as station:
        now = station.clock.now()
        assert station.vehicle.truth_at(now).at == now
        with pytest.raises(ValueError, match="no truth"):
            station.vehicle.truth_at(after(3_600 * 10))
        with pytest.raises(ValueError, match="no truth"):
            station.vehicle.truth_at(station.vehicle.started_at - timedelta(seconds=1))


def test_a_second_stop_does_nothing() -> None:
    with ground() as station:
        station.vehicle.stop()
        station.vehicle.stop()
