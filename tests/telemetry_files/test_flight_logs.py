"""GPX and NMEA files become samples, with what was lost; broken ones keep what was read."""

from datetime import UTC, date, datetime, timedelta, timezone
from functools import reduce
from operator import xor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import QyranError, SourceMissing, TelemetryUnreadable
from core.ids import AssetId
from geo.positions import Altitude, Datum
from telemetry.adapters.flight_log_files import read_flight_log
from telemetry.flight_logs import FlightLog, LogHints

CAR = AssetId("car-1")
HINTS = LogHints(CAR)
GPX = """<?xml version="1.0"?>
<gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1">
<wpt lat="1" lon="2"/>
<trk><trkseg>
<trkpt lat="50.9754" lon="71.3549"><ele>351.5</ele><time>2026-11-20T09:00:00Z</time></trkpt>
<trkpt lat="50.9755" lon="71.3550"><ele>352</ele><time>2026-11-20T14:00:01.5+05:00</time></trkpt>
<trkpt lat="50.9756" lon="71.3551"><time>2026-11-20T09:00:02Z</time></trkpt>
<trkpt lat="50.9757" lon="71.3552"><ele>352</ele><time>2026-11-20T09:00:03</time></trkpt>
<trkpt lat="95" lon="71.3552"><ele>352</ele><time>2026-11-20T09:00:04Z</time></trkpt>
<trkpt lat="50.9757" lon="71.3552"><ele>352</ele></trkpt>
</trkseg></trk></gpx>
"""


def sentence(body: str) -> str:
    return f"${body}*{reduce(xor, body.encode()):02X}\r\n"


NMEA = (
    sentence("GPGGA,235958.00,5058.5240,N,07121.2940,E,1,09,0.9,351.5,M,-38.0,M,,")
    + sentence("GPRMC,235958.00,A,5058.5240,N,07121.2940,E,19.438,090.0,201126,,")
    + sentence("GPGST,235958.00,3.0,,,,3.0,4.0,6.0")
    + sentence("GPGGA,000001.00,5058.5240,S,07121.2940,W,1,09,0.9,352.5,M,-38.0,M,,")
    + sentence("GPGGA,000002.00,,,,,0,,,,M,,M,,")
    + sentence("GPGSV,1,1,00")
    + "$GPGGA,000003.00,5058.5240,N,07121.2940,E,1,09,0.9,351.5,M,-38.0,M,,*00\r\nnoise\n"
)


def read(folder: Path, text: str | bytes, hints: LogHints = HINTS) -> FlightLog:
    file = folder / "log"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_flight_log(file, hints)


def losses(log: FlightLog) -> dict[str, int]:
    return {loss.code: loss.count for loss in log.losses}


def test_a_gpx_track(tmp_path: Path) -> None:
    log = read(tmp_path, GPX)
    assert [s.at for s in log.samples] == [
        datetime(2026, 11, 20, 9, 0, 0, tzinfo=UTC),
        datetime(2026, 11, 20, 9, 0, 1, 500_000, tzinfo=UTC),
        datetime(2026, 11, 20, 9, 0, 3, tzinfo=UTC),
    ]
    place = log.samples[0].position
    assert place is not None
    assert (place.lat_deg, place.lon_deg) == (50.9754, 71.3549)
    assert place.altitude == Altitude(351.5, Datum.GEOID)
    assert losses(log) == {
        "no_time": 2, "datum_assumed": 3, "no_height": 1, "no_zone": 1, "no_place": 1,
    }  # fmt: skip


def test_what_a_person_tells_of_a_gpx_track(tmp_path: Path) -> None:
    almaty = timezone(timedelta(hours=5))
    log = read(tmp_path, GPX, LogHints(CAR, True, Datum.ELLIPSOID, almaty))
    assert "datum_assumed" not in losses(log)
    heights = {s.at.hour: s.position.altitude for s in log.samples if s.position}
    assert heights[4] == Altitude(352.0, Datum.ELLIPSOID)  # 09:00:03 without a zone
    assert Altitude(0.0, Datum.GROUND) in [s.position.altitude for s in log.samples if s.position]


def test_a_gpx_track_that_is_cut_off_keeps_what_it_holds(tmp_path: Path) -> None:
    log = read(tmp_path, GPX[: GPX.index("<trkpt", GPX.index("50.9755"))])
    assert len(log.samples) == 2
    assert losses(log)["cut_off"] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused(tmp_path: Path, encoding: str) -> None:
    bomb = GPX.replace("<gpx", '<!DOCTYPE gpx [<!ENTITY a "aaaa">]>\n<gpx', 1)
    if encoding == "utf-16":
        bomb = bomb.replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-16"?>')
    with pytest.raises(TelemetryUnreadable, match="document type"):
        read(tmp_path, bomb.encode(encoding))


def test_an_nmea_log(tmp_path: Path) -> None:
    log = read(tmp_path, NMEA)
    first, second = log.samples
    assert first.at == datetime(2026, 11, 20, 23, 59, 58, tzinfo=UTC)
    assert second.at == datetime(2026, 11, 21, 0, 0, 1, tzinfo=UTC)  # after midnight
    assert first.position is not None
    assert second.position is not None
    assert first.position.lat_deg == pytest.approx(50.9754, abs=1e-9)
    assert second.position.lon_deg == pytest.approx(-71.3549, abs=1e-9)
    assert first.position.altitude == Altitude(351.5, Datum.GEOID)
    assert (first.north_m_s, first.east_m_s) == pytest.approx((0.0, 10.0), abs=1e-3)
    assert first.horizontal_sigma_m == pytest.approx(12.5**0.5)
    assert first.vertical_sigma_m == 6.0
    assert losses(log) == {"not_read_gsv": 1, "bad_checksum": 1, "not_nmea": 1, "no_fix": 1}


def test_nmea_without_a_day_asks_for_it(tmp_path: Path) -> None:
    undated = NMEA.splitlines(keepends=True)[0]
    with pytest.raises(TelemetryUnreadable, match="--day"):
        read(tmp_path, undated)
    log = read(tmp_path, undated, LogHints(CAR, day=date(2026, 11, 20)))
    assert log.samples[0].at == datetime(2026, 11, 20, 23, 59, 58, tzinfo=UTC)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TelemetryUnreadable, match="neither"):
        read(tmp_path, b"\x00\x01\x02" * 100)
    with pytest.raises(TelemetryUnreadable, match="begins with <kml>"):
        read(tmp_path, "<kml/>")
    with pytest.raises(SourceMissing):
        read_flight_log(tmp_path / "none", HINTS)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([GPX, NMEA]), st.integers(0, 2_000), st.binary(max_size=6), st.booleans())
def test_broken_files_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str, place: int, junk: bytes, cut: bool
) -> None:
    data = text.encode()
    place %= len(data)
    broken = data[:place] + junk + (b"" if cut else data[place + len(junk) :])
    try:
        log = read(tmp_path_factory.mktemp("log"), broken)
    except QyranError as error:
        told = error.cure
    else:
        told = "read"
        assert [s.at for s in log.samples] == sorted({s.at for s in log.samples})
    assert told
