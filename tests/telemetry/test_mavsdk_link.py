import asyncio
import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PortInUse, VehicleUnreachable
from core.ids import AssetId
from sim.clock import ManualClock, ScaledClock
from sim.mavlink_streams import quaternion
from sim.mavlink_vehicle import free_udp_port
from telemetry.adapters.mavsdk_link import MavsdkLink, camera_attitude, euler
from telemetry.adapters.mavsdk_system import MavsdkSystem, VehicleState, open_system, px4_mode
from telemetry.model import TelemetrySample, VehicleMode
from tests.builders import NOW, after

EARTH, VEHICLE = 64, 32


class Spoken:
    """Stands for an opened system: says what a test gives it."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.state = VehicleState()
        self._listeners: list[Callable[[str, dict[str, Any]], None]] = []

    def add_listener(self, listener: Callable[[str, dict[str, Any]], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def lost_error(self) -> Exception:
        raise AssertionError("the link is not lost here")

    def say(self, name: str, **fields: Any) -> None:
        for listener in self._listeners:
            listener(name, fields)

    def say_position(self, boot_ms: int, lat: int = 509_754_000) -> None:
        self.say(
            "GLOBAL_POSITION_INT", time_boot_ms=boot_ms, lat=lat, lon=713_549_000,
            alt=380_000, relative_alt=30_000, vx=100, vy=-200, vz=50, hdg=0,
        )  # fmt: skip


def heard(talk: Callable[[Spoken], None]) -> list[TelemetrySample]:
    async def story() -> list[TelemetrySample]:
        system = Spoken()
        link = MavsdkLink(AssetId("drone-1"), system)  # type: ignore[arg-type]
        talk(system)
        samples: list[TelemetrySample] = []
        iterator = link.samples()
        while True:
            try:
                samples.append(await asyncio.wait_for(anext(iterator), 0.01))
            except TimeoutError:
                return samples

    return asyncio.run(story())


@given(st.floats(0, 359.9), st.floats(-89, 89), st.floats(-179, 179))
def test_angles_survive_the_quaternion(yaw: float, pitch: float, roll: float) -> None:
    attitude = euler(quaternion(yaw, pitch, roll))
    assert attitude is not None
    assert (attitude.yaw_deg - yaw + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)
    assert attitude.pitch_deg == pytest.approx(pitch, abs=1e-6)
    assert attitude.roll_deg == pytest.approx(roll, abs=1e-6)


@given(st.floats(0, 359.9))
def test_straight_down_keeps_its_heading(yaw: float) -> None:
    attitude = euler(quaternion(yaw, -90.0, 0.0))
    assert attitude is not None
    assert attitude.pitch_deg == pytest.approx(-90, abs=1e-3)
    assert (attitude.yaw_deg - yaw + 180) % 360 - 180 == pytest.approx(0, abs=1e-3)


def test_a_camera_whose_frame_is_not_said_is_unknown() -> None:
    q = quaternion(40.0, -60.0, 0.0)
    in_earth = camera_attitude({"flags": EARTH, "q": q})
    assert in_earth is not None
    assert in_earth.yaw_deg == pytest.approx(40)
    turned = camera_attitude({"flags": VEHICLE, "q": q, "delta_yaw": math.radians(90)})
    assert turned is not None
    assert turned.yaw_deg == pytest.approx(130)
    assert camera_attitude({"flags": 0, "q": q}) is None
    assert camera_attitude({"flags": VEHICLE, "q": q, "delta_yaw": None}) is None
    assert camera_attitude({"flags": EARTH, "q": [None] * 4}) is None
    assert camera_attitude({"flags": EARTH, "q": [0, 0, 0, 0]}) is None
    assert camera_attitude({"flags": EARTH}) is None


def test_a_sample_has_the_vehicles_own_time_and_only_fresh_angles() -> None:
    def talk(system: Spoken) -> None:
        system.state.boot_at = after(-100)
        system.say("ATTITUDE", time_boot_ms=1_000, yaw=math.pi / 2, pitch=0.0, roll=0.0)
        system.say(
            "GIMBAL_DEVICE_ATTITUDE_STATUS", time_boot_ms=700, flags=EARTH, q=quaternion(9, -9, 0)
        )
        system.say_position(1_000)
        system.say_position(3_100)  # by now no camera will come for the first

    sample, _ = heard(talk)
    assert sample.at == after(-99)
    assert sample.attitude is not None
    assert sample.attitude.yaw_deg == pytest.approx(90)
    assert sample.camera is None  # 300 ms old: another place in flight
    assert (sample.north_m_s, sample.east_m_s, sample.down_m_s) == (1.0, -2.0, 0.5)
    assert sample.horizontal_sigma_m is None


def test_a_position_waits_for_the_camera_of_its_own_instant() -> None:
    def look(system: Spoken, boot_ms: int, yaw: float) -> None:
        system.say(
            "GIMBAL_DEVICE_ATTITUDE_STATUS", time_boot_ms=boot_ms, flags=EARTH,
            q=quaternion(yaw, -60, 0),
        )  # fmt: skip

    def talk(system: Spoken) -> None:
        look(system, 1_000, 350.0)
        system.say_position(1_100)  # overtakes the camera
        look(system, 1_100, 10.0)
        system.say_position(1_150)
        look(system, 1_200, 20.0)

    first, second = heard(talk)
    assert first.camera is not None
    assert second.camera is not None
    assert first.camera.yaw_deg == pytest.approx(10)
    assert second.camera.yaw_deg == pytest.approx(15)


def test_a_silent_camera_does_not_keep_positions_back() -> None:
    def talk(system: Spoken) -> None:
        system.say("ATTITUDE", time_boot_ms=1_000, yaw=0.0, pitch=0.0, roll=0.0)
        for boot_ms in range(1_000, 3_000, 100):
            system.say_position(boot_ms)
        system.say_position(3_100)  # two seconds: it does not speak any more
        system.say_position(3_200)

    samples = heard(talk)
    assert [sample.attitude is not None for sample in samples] == [True] * 3 + [False] * 19


def test_a_vehicle_without_time_of_day_counts_from_its_first_word() -> None:
    def talk(system: Spoken) -> None:
        system.say_position(5_000)
        system.clock.advance_to(after(30))
        system.say_position(5_100)

    first, second = heard(talk)
    assert first.at == NOW
    assert second.at == NOW + timedelta(milliseconds=100)


def test_repeated_late_and_absurd_positions_are_dropped() -> None:
    def talk(system: Spoken) -> None:
        system.say_position(1_000)
        system.say_position(1_000)
        system.say_position(900)
        system.say_position(1_100, lat=2_000_000_000)
        system.say_position(1_200)

    assert len(heard(talk)) == 2


def test_a_restarted_vehicle_is_heard_again() -> None:
    def talk(system: Spoken) -> None:
        system.say_position(60_000)
        system.say_position(200)
        system.clock.advance_to(after(90))
        system.say_position(300)

    first, second = heard(talk)
    assert second.at == after(90)
    assert first.at < second.at


def test_px4_modes_are_named() -> None:
    assert px4_mode(4 << 16 | 4 << 24) is VehicleMode.MISSION
    assert px4_mode(4 << 16 | 5 << 24) is VehicleMode.RETURN
    assert px4_mode(3 << 16) is VehicleMode.MANUAL
    assert px4_mode(77 << 16) is VehicleMode.UNKNOWN


def test_words_in_chunks_are_joined_and_counted_once() -> None:
    async def story() -> MavsdkSystem:
        system = MavsdkSystem.__new__(MavsdkSystem)
        system.url, system.state, system._chunks = "test", VehicleState(), {}
        for number, text in enumerate(("Preflight fail: ", "compass ", "not calibrated")):
            system._hear_text({"id": 7, "chunk_seq": number, "text": text + ("\0" * 3)})
        system._hear_text({"id": 0, "chunk_seq": 0, "text": "Ready"})
        return system

    system = asyncio.run(story())
    assert list(system.state.texts) == ["Preflight fail: compass not calibrated", "Ready"]
    assert system.texts_since(1) == "Ready"
    assert system.status_text == "Ready"


def open_at(url: str) -> None:
    async def story() -> None:
        async with open_system(url, ScaledClock(NOW), connect_s=0.2):
            pass

    asyncio.run(asyncio.wait_for(story(), 20))


def test_nobody_there_is_unreachable_and_the_url_is_named() -> None:
    url = f"udpin://127.0.0.1:{free_udp_port()}"
    with pytest.raises(VehicleUnreachable) as caught:
        open_at(url)
    assert url in str(caught.value)
    assert caught.value.cure


def test_an_address_that_makes_no_sense_is_unreachable() -> None:
    with pytest.raises(VehicleUnreachable):
        open_at("carrier-pigeon://home")


def test_a_port_in_use_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(PortInUse):
            open_at(f"udpin://127.0.0.1:{other.getsockname()[1]}")
    assert capfd.readouterr().out == ""
