import math
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pictures

from core.errors import SourceMissing, TelemetryUnreadable
from core.ids import AssetId
from core.refusals import Refusal, RefusalCode
from geo.positions import Datum
from telemetry.adapters.dji_photo import read_photo
from telemetry.adapters.dji_srt import parse_srt, read_srt
from telemetry.recorded import PhotoPose, hfov_deg

AT = datetime(2026, 5, 4, 9, tzinfo=UTC)
DRONE = AssetId("drone")

DIALECTS = {
    "p4_rtk": "F/5.6, SS 400, ISO 100, EV 0, GPS (71.4, 51.0, 15), HOME (71.3, 50.9, 350.0m), "
    "D 698.70m, H 85.80m, H.S 0.00m/s, V.S 0.00m/s, F.PRY (2.7°, -7.0°, 110.1°), "
    "G.PRY (-24.4°, 0.5°, -110.4°)",
    "mavic_mini": "F/2.8, SS 30.15, ISO 260, EV -1.7, GPS (71.4, 51.0, 17), D 221.21m, H 85.80m, "
    "H.S n/a, V.S n/a",
    "mavic_pro": "HOME(71.3,50.9) 2017.08.05 14:11:51\nGPS(71.4,51.0,16) BAROMETER:85.8\n"
    "ISO:100 Shutter:60 EV: Fnum:2.2",
    "mavic_3": '<font size="28">FrameCnt: 1, DiffTime: 20ms\n2021-12-25 12:27:52.373\n'
    "[iso: 220] [shutter: 1/8000.0] [focal_len: 24.00] [latitude: 51.0] [longitude: 71.4] "
    "[rel_alt: 85.800 abs_alt: 430.401] </font>",
    "mavic_2_zoom": '<font size="36">FrameCnt : 1, DiffTime : 16ms\n2020-04-02 15:19:58,720,764\n'
    "[focal_len : 240] [latitude : 51.0] [longtitude : 71.4] [altitude: 213.983002] </font>",
    "enterprise": "[focal_len: 24.00] [latitude: 51.0] [longitude: 71.4] "
    "[rel_alt: 85.800 abs_alt: 430.401] [gb_yaw: -110.4 gb_pitch: -24.4 gb_roll: 0.5]",
}


def cue(text: str, start: str = "00:00:01,500", end: str = "00:00:02,500") -> str:
    return f"1\n{start} --> {end}\n{text}\n\n"


@pytest.mark.parametrize("name", DIALECTS)
def test_each_dialect_gives_its_place(name: str) -> None:
    (found,) = parse_srt(cue(DIALECTS[name])).cues
    assert (found.lat_deg, found.lon_deg) == (51.0, 71.4)  # longitude first in GPS(...)
    assert found.media_time_s == 1.5
    # "altitude" without a datum is never taken for a height above home
    assert found.above_home_m == (None if name == "mavic_2_zoom" else 85.8)


@pytest.mark.parametrize("name", DIALECTS)
def test_only_dialects_with_gimbal_angles_may_place_a_picture(name: str) -> None:
    track = parse_srt(cue(DIALECTS[name]))
    (found,) = track.cues
    if name in ("p4_rtk", "enterprise"):
        assert found.refusal is None
        assert found.gimbal is not None
        assert found.gimbal.yaw_deg == pytest.approx(249.6)
        assert (found.gimbal.pitch_deg, found.gimbal.roll_deg) == (-24.4, 0.5)
        (sample,) = track.samples(DRONE, AT)
        assert sample.at == AT + timedelta(seconds=1.5)
        assert sample.camera == found.gimbal
        assert sample.position is not None
        assert sample.position.altitude.datum is Datum.HOME
    else:
        assert found.refusal is not None
        assert found.refusal.code is RefusalCode.UNKNOWN_GIMBAL
        assert track.refused.as_dict() == {"unknown_gimbal": 1}


def test_dates_are_read_in_the_zone_that_is_told() -> None:
    for name, wanted in (
        ("mavic_3", datetime(2021, 12, 25, 7, 27, 52, 373_000, tzinfo=UTC)),
        ("mavic_2_zoom", datetime(2020, 4, 2, 10, 19, 58, 720_764, tzinfo=UTC)),
        ("mavic_pro", datetime(2017, 8, 5, 9, 11, 51, tzinfo=UTC)),
    ):
        track = parse_srt(cue(DIALECTS[name]), zone=timezone(timedelta(hours=5)))
        assert track.cues[0].dated == wanted
        assert track.start_at == wanted - timedelta(seconds=1.5)
    assert parse_srt(cue(DIALECTS["p4_rtk"])).start_at is None


def test_focal_lengths_in_tenths_are_understood() -> None:
    assert parse_srt(cue(DIALECTS["mavic_3"])).cues[0].focal_35mm_mm == 24.0
    assert parse_srt(cue(DIALECTS["mavic_2_zoom"])).cues[0].focal_35mm_mm == 24.0


def test_a_place_at_zero_or_off_the_earth_is_none() -> None:
    for place in ("0.0, 0.0", "71.4, 97.0", "271.4, 51.0"):
        (found,) = parse_srt(cue(DIALECTS["p4_rtk"].replace("71.4, 51.0", place))).cues
        assert found.refusal is not None
        assert found.refusal.code is RefusalCode.BAD_TELEMETRY


@given(st.data())
def test_no_damage_makes_it_raise(data: st.DataObject) -> None:
    text = "".join(cue(body) for body in DIALECTS.values())
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 200)))
    hurt = text[:start] + data.draw(st.text(max_size=20)) + text[end:]
    track = parse_srt(hurt)
    assert len(track.cues) <= len(DIALECTS) + 1


@given(st.text(max_size=200))
def test_no_text_at_all_makes_it_raise(text: str) -> None:
    parse_srt(text)
    parse_srt(cue(text))


def test_files_without_telemetry_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        read_srt(tmp_path / "none.srt")
    path = tmp_path / "film.srt"
    path.write_text(cue("Good evening."))
    with pytest.raises(TelemetryUnreadable):
        read_srt(path)


def test_the_field_of_view_is_that_of_the_whole_sensor() -> None:
    # 24 mm on a 3:2 sensor: 36 mm wide
    assert hfov_deg(24.0, 5472, 3648) == pytest.approx(2 * math.degrees(math.atan(18 / 24)))
    # a video of 16:9 uses the full width of the 4:3 sensor
    assert hfov_deg(20.0, 3840, 2160) == hfov_deg(20.0, 4000, 3000)
    assert hfov_deg(20.0, 4000, 3000) == pytest.approx(81.8, abs=0.1)


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description {fields}/></rdf:RDF></x:xmpmeta>'
)
FIELDS = {
    "GimbalYawDegree": "+45.00", "GimbalPitchDegree": "-89.90", "GimbalRollDegree": "+0.00",
    "FlightYawDegree": "+46.00", "FlightPitchDegree": "+1.80", "FlightRollDegree": "+3.00",
    "RelativeAltitude": "+39.80", "AbsoluteAltitude": "+198.31",
    "GpsLatitude": "51.0000001", "GpsLongtitude": "71.4000001",
}  # fmt: skip


def photo(
    path: Path, fields: dict[str, str], *, focal: int | None = 20, gps: bool = False, turn: int = 1
) -> PhotoPose | Refusal:
    exif = Pictures.Exif()
    exif[274] = turn
    if focal:
        exif.get_ifd(0x8769)[41989] = focal
    if gps:
        place = exif.get_ifd(0x8825)
        place[1], place[2], place[3], place[4] = "S", (50.0, 59.0, 60.0), "W", (71.0, 24.0, 0.0)
    text = " ".join(f'drone-dji:{name}="{value}"' for name, value in fields.items())
    image = Pictures.fromarray(np.zeros((30, 40, 3), np.uint8))
    image.save(path, exif=exif, xmp=XMP.format(fields=text).encode())
    return read_photo(path, DRONE, AT)


def test_a_photograph_gives_pose_and_lens(tmp_path: Path) -> None:
    found = photo(tmp_path / "a.jpg", FIELDS)
    assert isinstance(found, PhotoPose)
    position, camera = found.sample.position, found.sample.camera
    assert position is not None
    assert camera is not None
    assert (position.lat_deg, position.lon_deg) == (51.0000001, 71.4000001)
    assert (position.altitude.metres, position.altitude.datum) == (39.8, Datum.HOME)
    assert (camera.yaw_deg, camera.pitch_deg, camera.roll_deg) == (45.0, -89.9, 0.0)
    assert found.camera.fx_px == pytest.approx(20 / 34.6133 * 40, rel=1e-3)
    assert found.sigma is None


def test_exif_gives_the_place_where_xmp_has_none(tmp_path: Path) -> None:
    fields = {k: v for k, v in FIELDS.items() if not k.startswith("Gps")}
    found = photo(tmp_path / "a.jpg", fields, gps=True)
    assert isinstance(found, PhotoPose)
    assert found.sample.position is not None
    assert found.sample.position.lat_deg == pytest.approx(-51.0)
    assert found.sample.position.lon_deg == pytest.approx(-71.4)


def test_the_maker_s_calibration_outweighs_the_focal_length(tmp_path: Path) -> None:
    dewarp = "2018-08-14;36.6,36.7,-0.5,0.25,-0.26,0.11,0.0004,-0.0002,-0.036"
    found = photo(tmp_path / "a.jpg", {**FIELDS, "DewarpData": dewarp})
    assert isinstance(found, PhotoPose)
    assert (found.camera.fx_px, found.camera.fy_px) == (36.6, 36.7)
    assert (found.camera.cx_px, found.camera.cy_px) == (19.0, 14.75)
    assert found.camera.distortion == (-0.26, 0.11, 0.0004, -0.0002, -0.036)
    straight = photo(tmp_path / "b.jpg", {**FIELDS, "DewarpData": dewarp, "DewarpFlag": "1"})
    assert isinstance(straight, PhotoPose)
    assert not any(straight.camera.distortion)


def test_a_fixed_rtk_solution_tells_its_error(tmp_path: Path) -> None:
    rtk = {"RtkStdLat": "0.011", "RtkStdLon": "0.03", "RtkStdHgt": "0.05"}
    found = photo(tmp_path / "a.jpg", {**FIELDS, **rtk, "RtkFlag": "50"})
    assert isinstance(found, PhotoPose)
    assert found.sigma is not None
    assert (found.sigma.horizontal_m, found.sigma.vertical_m) == (0.03, 0.05)
    loose = photo(tmp_path / "b.jpg", {**FIELDS, **rtk, "RtkFlag": "16"})
    assert isinstance(loose, PhotoPose)
    assert loose.sigma is None


@pytest.mark.parametrize(
    ("left_out", "focal", "turn", "code"),
    [
        ("GimbalPitchDegree", 20, 1, RefusalCode.UNKNOWN_GIMBAL),
        ("RelativeAltitude", 20, 1, RefusalCode.UNKNOWN_DATUM),
        ("GpsLatitude", 20, 1, RefusalCode.BAD_TELEMETRY),
        ("FlightYawDegree", None, 1, RefusalCode.UNKNOWN_CAMERA),
        ("FlightYawDegree", 20, 6, RefusalCode.UNKNOWN_GIMBAL),
    ],
)
def test_what_a_photograph_lacks_is_refused_by_name(
    tmp_path: Path, left_out: str, focal: int | None, turn: int, code: RefusalCode
) -> None:
    fields = {k: v for k, v in FIELDS.items() if k != left_out}
    found = photo(tmp_path / "a.jpg", fields, focal=focal, turn=turn)
    assert isinstance(found, Refusal)
    assert found.code is code


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8 nothing")
    found = read_photo(path, DRONE, AT)
    assert isinstance(found, Refusal)
    assert found.code is RefusalCode.UNDECODABLE


def shared(folder: str) -> Path:
    root = Path(os.environ.get("QYRAN_SHARED", Path(__file__).parents[3] / "shared"))
    path = root / "data" / folder
    if not path.exists():
        pytest.skip(f"{folder} is not there (QYRAN_SHARED)")
    return path


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "cues", "gimbal"),
    [
        ("MAVIC3.srt", 1035, False),
        ("m2zoom.SRT", 1015, False),
        ("mavic_2pro_new.SRT", 1091, False),  # its last cue is cut
        ("mavic_air2.srt", 25, False),
        ("mavic_mini.SRT", 117, False),
        ("mavic_pro.SRT", 468, False),
        ("p4_rtk.SRT", 55, True),
        ("broken_incomplete.SRT", 19, False),
    ],
)
def test_every_dialect_that_could_be_had_is_read(name: str, cues: int, gimbal: bool) -> None:
    track = read_srt(shared("srt") / name)
    assert len(track.cues) == cues
    assert all(cue.lat_deg is not None for cue in track.cues)
    assert all((cue.gimbal is not None) == gimbal for cue in track.cues)
    assert track.refused.as_dict().get("unknown_gimbal", 0) == (0 if gimbal else cues)


@pytest.mark.shared
def test_the_photographs_that_could_be_had_are_read() -> None:
    paths = sorted(shared("photos").glob("*.JPG"))
    assert len(paths) == 4
    for path in paths:
        found = read_photo(path, DRONE, AT)
        assert isinstance(found, PhotoPose)
        assert found.sample.camera is not None
        assert found.sample.camera.pitch_deg == pytest.approx(-90.0, abs=0.2)
        assert found.sample.position is not None
        assert found.sample.position.altitude.metres == pytest.approx(40.0, abs=0.5)
