import math
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SourceMissing, SourceUnreadable, TelemetryUnreadable
from core.ids import AssetId
from core.refusals import Refusal, RefusalCode
from geo.camera import rotation
from geo.positions import Attitude, Datum
from sim.stream import H264Streamer
from station.ingest_agreement import klv_agreement
from telemetry.adapters.klv_telemetry import camera_attitude, read_klv, record_of
from telemetry.recorded import KlvRecord
from telemetry.st0601 import decode, encode

AT = datetime(2026, 5, 4, 9, tzinfo=UTC)
UAV = AssetId("uav")
FULL = {
    5: 90.0, 6: 0.0, 7: 0.0, 13: 51.0, 14: 71.4, 15: 450.0, 16: 40.0, 17: 30.0,
    18: 90.0, 19: -30.0, 20: 0.0, 21: 200.0, 23: 50.9984, 24: 71.4, 25: 350.0,
}  # fmt: skip


def shared(name: str) -> Path:
    root = Path(os.environ.get("QYRAN_SHARED", Path(__file__).parents[3] / "shared"))
    path = root / "data" / "misb" / name
    if not path.exists():
        pytest.skip(f"{path.name} is not there (QYRAN_SHARED)")
    return path


def record(numbers: dict[int, float]) -> KlvRecord:
    packet = decode(encode(AT, numbers))
    assert not isinstance(packet, Refusal)
    made = record_of(packet, UAV)
    assert isinstance(made, KlvRecord)
    return made


ANGLES = st.floats(-180, 180)


@given(ANGLES, st.floats(-20, 20), st.floats(-50, 50), ANGLES, st.floats(-89.9, 10), ANGLES)
def test_the_camera_s_attitude_is_the_turn_of_both_turns(
    yaw: float, pitch: float, roll: float, azimuth: float, elevation: float, turn: float
) -> None:
    platform = Attitude(yaw, pitch, roll)
    found = rotation(camera_attitude(platform, azimuth, elevation, turn))
    wanted = rotation(platform) @ rotation(Attitude(azimuth, elevation, turn))
    assert np.allclose(found, wanted, atol=1e-6)


def test_a_level_platform_simply_adds_the_angles() -> None:
    camera = camera_attitude(Attitude(100.0, 0.0, 0.0), 45.0, -30.0, 0.0)
    assert (camera.yaw_deg, camera.pitch_deg) == pytest.approx((145.0, -30.0))
    # the nose is 5 degrees up, the sensor looks straight back: it looks 5 degrees down
    back = camera_attitude(Attitude(0.0, 5.0, 0.0), 180.0, 0.0, 0.0)
    assert (back.yaw_deg, back.pitch_deg) == pytest.approx((180.0, -5.0))
    # the right wing is 10 degrees down, the sensor looks right: it looks 10 degrees down
    right = camera_attitude(Attitude(0.0, 0.0, 10.0), 90.0, 0.0, 0.0)
    assert (right.yaw_deg, right.pitch_deg) == pytest.approx((90.0, -10.0))


def test_a_full_packet_gives_pose_lens_and_ground() -> None:
    made = record(FULL)
    assert made.refusal is None
    assert made.sample.position is not None
    assert made.sample.position.altitude.datum is Datum.GEOID
    assert made.sample.position.altitude.metres == pytest.approx(450.0, abs=0.2)
    assert made.ground is not None
    assert made.ground.metres == pytest.approx(350.0, abs=0.2)
    assert made.sample.camera is not None
    assert made.sample.camera.yaw_deg == pytest.approx(180.0, abs=0.01)
    camera = made.camera(1000, 800)
    assert camera is not None
    assert camera.fx_px == pytest.approx(500 / math.tan(math.radians(20)), rel=1e-3)
    assert camera.fy_px == pytest.approx(400 / math.tan(math.radians(15)), rel=1e-3)


@pytest.mark.parametrize(
    ("left_out", "code"),
    [
        ((25,), RefusalCode.UNKNOWN_DATUM),
        ((15,), RefusalCode.UNKNOWN_DATUM),
        ((13,), RefusalCode.BAD_TELEMETRY),
        ((18,), RefusalCode.UNKNOWN_GIMBAL),
        ((5,), RefusalCode.UNKNOWN_GIMBAL),
    ],
)
def test_what_is_missing_is_refused_by_name(left_out: tuple[int, ...], code: RefusalCode) -> None:
    made = record({tag: n for tag, n in FULL.items() if tag not in left_out})
    assert made.refusal is not None
    assert made.refusal.code is code


def test_heights_of_different_datums_are_never_joined() -> None:
    numbers = {tag: n for tag, n in FULL.items() if tag != 15}
    made = record({**numbers, 75: 450.0})  # above the ellipsoid; the ground is above sea level
    assert made.refusal is not None
    assert made.refusal.code is RefusalCode.UNKNOWN_DATUM
    made = record({**numbers, 75: 450.0, 78: 340.0})
    assert made.refusal is None
    assert made.ground is not None
    assert made.ground.datum is Datum.ELLIPSOID


def test_packets_of_a_stream_and_of_a_raw_file(tmp_path: Path) -> None:
    stream, raw = tmp_path / "s.ts", tmp_path / "s.klv"
    packets = []
    with H264Streamer(64, 48, 5, stream) as out:
        for n in range(6):
            at = AT + timedelta(seconds=n / 5)
            out.send(np.zeros((48, 64, 3), np.uint8), at, FULL)
            packets.append(encode(at, FULL))
    packets[2] = packets[2][:-1] + bytes([packets[2][-1] ^ 1])
    raw.write_bytes(b"".join(packets))
    track = read_klv(stream, UAV)
    assert [r.media_time_s for r in track.records] == pytest.approx([n / 5 for n in range(6)])
    assert [r.sample.at for r in track.records] == [AT + timedelta(seconds=n / 5) for n in range(6)]
    track = read_klv(raw, UAV)
    assert (track.packets, len(track.records)) == (6, 5)
    assert track.refused.as_dict() == {"bad_checksum": 1}
    assert klv_agreement(track).packets_refused == 1


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        read_klv(tmp_path / "none.ts", UAV)
    text = tmp_path / "text.ts"
    text.write_text("no stream")
    with pytest.raises(SourceUnreadable):
        read_klv(text, UAV)
    broken = tmp_path / "broken.klv"
    broken.write_bytes(encode(AT, FULL)[:-1] + b"\x00")
    with pytest.raises(TelemetryUnreadable, match="checksum"):
        read_klv(broken, UAV)


@pytest.mark.shared
def test_our_frame_centres_and_corners_agree_with_the_simulated_sample() -> None:
    found = klv_agreement(read_klv(shared("sample-stream.ts"), UAV))
    assert (found.packets, found.packets_refused, found.compared) == (277, 0, 277)
    assert found.centre_median_m is not None
    assert found.corners_median_m is not None
    assert found.centre_median_m < 1.0  # 3.6 km away
    assert found.corners_median_m < 5.0


@pytest.mark.shared
def test_our_frame_centres_agree_with_a_real_flight() -> None:
    found = klv_agreement(read_klv(shared("Truck.klv"), UAV))
    assert (found.packets, found.packets_refused) == (711, 0)
    assert found.centre_median_m is not None
    assert found.centre_median_m < 10.0  # 2.3 km away, angles of 16 bits


@pytest.mark.shared
def test_the_packet_whose_checksum_is_wrong_is_refused() -> None:
    read_klv(shared("DynamicOnlyMISMMSPacketData.bin"), UAV)
    with pytest.raises(TelemetryUnreadable, match="checksum"):
        read_klv(shared("DynamicConstantMISMMSPacketData.bin"), UAV)
