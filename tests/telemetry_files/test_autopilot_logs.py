"""Logs of PX4, ArduPilot and ground stations: what is read, its time, and that nothing kills it."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import QyranError, TelemetryUnreadable
from core.ids import AssetId
from geo.positions import Datum
from telemetry.adapters.flight_log_files import read_flight_log
from telemetry.flight_logs import FlightLog, LogHints
from telemetry.model import VehicleMode
from tests.telemetry_files.autopilot_logs import UTC_S, dataflash, rows, tlog, ulog

HINTS = LogHints(AssetId("drone-1"))
WRITERS: dict[str, Callable[[], bytes]] = {
    "ulog": ulog,
    "dataflash": dataflash,
    "tlog": tlog,
}


def read(data: bytes, folder: Path, name: str = "log") -> FlightLog:
    path = folder / name
    path.write_bytes(data)
    return read_flight_log(path, HINTS)


def losses(log: FlightLog) -> dict[str, int]:
    return {loss.code: loss.count for loss in log.losses}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_flight_is_read_with_places_attitudes_and_states(kind: str, tmp_path: Path) -> None:
    log = read(WRITERS[kind](), tmp_path)  # told apart by content: the name says nothing
    assert log.kind == kind
    assert losses(log) == {}
    told = list(rows())
    assert len(log.samples) == len(told)
    for sample, (_, lat, lon, up) in zip(log.samples, told, strict=True):
        position = sample.position
        assert position is not None
        assert position.lat_deg == pytest.approx(lat, abs=1e-7)
        assert position.lon_deg == pytest.approx(lon, abs=1e-7)
        assert position.altitude.datum is Datum.GEOID
        assert position.altitude.metres == pytest.approx(up, abs=0.01)
        assert sample.attitude is not None
        assert sample.attitude.yaw_deg == pytest.approx(90.0, abs=0.01)
        assert sample.armed is True
    middle = log.samples[25]
    if kind == "ulog":
        assert (middle.mode, middle.horizontal_sigma_m) == (VehicleMode.MISSION, pytest.approx(0.7))
    else:
        assert middle.north_m_s == pytest.approx(10.0)


@pytest.mark.parametrize(
    "data",
    [
        ulog(delay_s=0.0), ulog(delay_s=0.12), ulog(delay_s=0.25), ulog(estimator=False),
        dataflash(delay_s=0.0), dataflash(delay_s=0.25),
        tlog(delay_s=0.0), tlog(delay_s=0.2), tlog(version=1, delay_s=0.05),
    ],
)  # fmt: skip
def test_times_are_joined_to_utc_within_what_is_said_of_them(data: bytes, tmp_path: Path) -> None:
    log = read(data, tmp_path)
    assert log.clock_sigma_s is not None
    assert 0.0 < log.clock_sigma_s < 0.1
    for sample, (second, *_) in zip(log.samples, rows(), strict=True):
        truth = datetime.fromtimestamp(UTC_S, UTC) + timedelta(seconds=second)
        assert abs((sample.at - truth).total_seconds()) < 2.5 * log.clock_sigma_s


def test_a_receivers_own_places_keep_the_time_of_the_fix(tmp_path: Path) -> None:
    log = read(ulog(estimator=False, delay_s=0.2), tmp_path)
    assert losses(log) == {"receiver_only": 1}
    assert log.samples[0].at == datetime.fromtimestamp(UTC_S, UTC)
    assert log.samples[0].horizontal_sigma_m == pytest.approx(1.5)


def test_of_two_vehicles_in_one_telemetry_log_the_one_that_says_more_is_read(
    tmp_path: Path,
) -> None:
    from pymavlink.dialects.v20 import ardupilotmega as mavlink

    other = mavlink.MAVLink(None, srcSystem=9, srcComponent=1)
    beat = mavlink.MAVLink_heartbeat_message(2, 3, 0, 0, 4, 3).pack(other)
    place = mavlink.MAVLink_global_position_int_message(5, 1, 1, 1, 1, 1, 1, 1, 1).pack(other)
    stamp = tlog()[:8]
    log = read(tlog() + stamp + beat + stamp + place, tmp_path)
    assert len(log.samples) == 50
    assert losses(log) == {"other_vehicle": 1}


@pytest.mark.parametrize("kind", WRITERS)
def test_what_is_cut_off_costs_no_sample_before_it(kind: str, tmp_path: Path) -> None:
    data = WRITERS[kind]()
    whole = read(data, tmp_path).samples
    log = read(data[: len(data) * 6 // 10 + 11], tmp_path)
    assert len(log.samples) >= 25
    assert losses(log).get("cut_off") == 1
    places = {sample.position for sample in whole}
    assert all(sample.position in places for sample in log.samples)


@pytest.mark.parametrize("kind", ["dataflash", "tlog"])
def test_a_hole_in_the_middle_costs_only_what_lies_in_it(kind: str, tmp_path: Path) -> None:
    data = bytearray(WRITERS[kind]())
    half = len(data) // 2
    data[half : half + 60] = os.urandom(0) + bytes(range(7, 67))
    log = read(bytes(data), tmp_path)
    assert len(log.samples) >= 46
    assert {"damaged", "bad_checksum"} & losses(log).keys()


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(sorted(WRITERS)),
    edits=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=24)),
        min_size=1, max_size=8,
    ),
    cut=st.floats(0.02, 1.0),
)  # fmt: skip
def test_a_damaged_log_is_read_in_part_or_refused_and_never_worse(
    kind: str,
    edits: list[tuple[float, bytes]],
    cut: float,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = bytearray(SMALL[kind])
    for place, bytes_ in edits:
        at = int(place * len(data))
        data[at : at + len(bytes_)] = bytes_
    try:
        log = read(bytes(data[: max(1, int(cut * len(data)))]), tmp_path_factory.getbasetemp())
    except QyranError:
        return
    times = [sample.at for sample in log.samples]
    assert times == sorted(set(times))


SMALL = {kind: WRITERS[kind](12) for kind in WRITERS}  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "data", [b"ULog\x01\x12\x35", b"\xa3\x95", ulog(0), dataflash(0), b"ULog\x01\x12\x35\x01" * 9]
)
def test_a_log_without_a_flight_is_refused_with_a_cure(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(TelemetryUnreadable) as refused:
        read(data, tmp_path)
    assert refused.value.cure


SHARED = Path(os.environ.get("QYRAN_SHARED", "../shared")) / "data" / "logs"


@pytest.mark.shared
def test_the_logs_of_others_are_read_as_their_own_readers_read_them() -> None:
    if not SHARED.is_dir():
        pytest.skip("QYRAN_SHARED has no data/logs")
    px4 = read_flight_log(SHARED / "sample_log_small.ulg", HINTS)
    # as pyulog 1.3.0 gives the last fix of vehicle_gps_position
    last = px4.samples[-1]
    assert len(px4.samples) == 32
    assert last.position is not None
    assert (last.position.lat_deg, last.position.lon_deg) == pytest.approx((63.4170457, 10.4082271))
    assert last.position.altitude.metres == pytest.approx(62.977)
    assert last.at == datetime(2021, 4, 21, 6, 31, 4, 800341, tzinfo=UTC)

    from pymavlink import DFReader

    ardupilot = read_flight_log(SHARED / "ardupilot_test.BIN", HINTS)
    theirs = DFReader.DFReader_binary(str(SHARED / "ardupilot_test.BIN"))
    places = []
    while (message := theirs.recv_match(type="POS")) is not None:
        places.append((message.Lat, message.Lng, message.Alt))
    theirs.data_map.close()
    theirs.filehandle.close()
    ours = [s.position for s in ardupilot.samples]
    assert [(p.lat_deg, p.lon_deg, p.altitude.metres) for p in ours if p] == [
        pytest.approx(place) for place in places
    ]
