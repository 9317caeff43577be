"""Receivers of cars: what is read, what is refused and counted, and that nothing ends the link."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import SystemClock
from core.errors import VehicleUnreachable
from geo.positions import Datum
from telemetry.adapters.gpsd_link import GpsdDecoder
from telemetry.adapters.nmea_link import UERE_M, NmeaDecoder
from telemetry.adapters.receiver_link import ReceiverLink, from_tcp
from telemetry.adapters.receivers import open_receiver
from telemetry.model import TelemetrySample
from tests.telemetry.receivers import BEGAN, CAR, checked, drive, gga, rmc, spoken, tpv

HERE = (BEGAN, 50.97, 71.35)


def nmea(now: datetime = BEGAN) -> NmeaDecoder:
    return NmeaDecoder(CAR, lambda: now, on_ground=True)


def codes(decoder: NmeaDecoder | GpsdDecoder) -> dict[str, int]:
    return {loss.code: loss.count for loss in decoder.losses}


def test_a_fix_of_nmea_has_its_place_speed_height_and_error() -> None:
    decoder = nmea()
    assert decoder.feed(gga(*HERE)) == []  # the speed is still to come
    (sample,) = decoder.feed(rmc(*HERE))
    assert sample.at == BEGAN
    position = sample.position
    assert position is not None
    assert (position.lat_deg, position.lon_deg) == pytest.approx((50.97, 71.35), abs=1e-7)
    assert (position.altitude.metres, position.altitude.datum) == (350.0, Datum.GEOID)
    assert sample.east_m_s == pytest.approx(10 * 1852 / 3600)
    assert sample.horizontal_sigma_m == pytest.approx(0.9 * UERE_M)
    assert codes(decoder) == {}


def test_a_receivers_own_error_counts_before_the_dilution() -> None:
    decoder = nmea()
    gst = checked(f"GPGST,{BEGAN:%H%M%S.%f},,,,,6.0,8.0,11.0")
    (sample,) = decoder.feed(gst + gga(*HERE) + rmc(*HERE))
    assert sample.horizontal_sigma_m == pytest.approx(50**0.5)
    assert sample.vertical_sigma_m == 11.0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (gga(*HERE, quality=0) + rmc(*HERE), "no_fix"),
        (gga(*HERE) + rmc(*HERE, status="V"), "no_fix"),
        (gga(*HERE, quality=6) + rmc(*HERE), "no_fix"),
        (gga(*HERE, quality=8) + rmc(*HERE), "no_fix"),
        (gga(*HERE) + rmc(*HERE, mode="E"), "no_fix"),
        (gga(*HERE, hdop="50.0") + rmc(*HERE), "too_rough"),
    ],
)
def test_a_place_without_a_fix_by_satellites_is_refused_but_the_car_is_alive(
    words: bytes, code: str
) -> None:
    decoder = nmea()
    assert decoder.feed(words) == [TelemetrySample(CAR, BEGAN)]
    assert codes(decoder) == {code: 1}


def test_broken_sentences_are_counted_and_those_about_them_are_read() -> None:
    decoder = nmea()
    good = gga(*HERE) + rmc(*HERE)
    noise = (
        b"$GPGGA,090001,rubbish*00\r\n"
        + checked("GPGGA,990001,,,,,,,,,,,,")
        + checked("GPRMC,")
        + b"\xff\xfe no sentence \r\n"
        + b"$GPRMC,090000,A\r\n"
    )
    later = (BEGAN + timedelta(seconds=1), 50.97, 71.35)
    samples = decoder.feed(noise + good + noise + gga(*later) + rmc(*later))
    assert [sample.at for sample in samples] == [BEGAN, later[0]]
    assert codes(decoder) == {"bad_checksum": 2, "broken": 4, "not_nmea": 2, "no_checksum": 2}


@pytest.mark.parametrize(("minutes", "hour"), [(2, "235959"), (-2, "000001")])
def test_a_time_of_day_alone_gets_the_stations_day_also_about_midnight(
    minutes: int, hour: str
) -> None:
    midnight = datetime(2026, 11, 21, tzinfo=BEGAN.tzinfo)
    decoder = nmea(midnight + timedelta(minutes=minutes))
    place = "5058.20000,N,07121.00000,E"
    decoder.feed(checked(f"GPGGA,{hour}.00,{place},1,09,0.9,350.0,M,-40.0,M,,"))
    (sample,) = decoder.feed(checked(f"GPGGA,12{hour[2:]}.00,{place},1,09,0.9,350.0,M,-40.0,M,,"))
    assert abs(sample.at - midnight) == timedelta(seconds=1)


def test_gpsd_reports_have_their_place_speed_height_and_error() -> None:
    decoder = GpsdDecoder(CAR, on_ground=True)
    (sample,) = decoder.feed(tpv(*HERE))
    assert sample.position is not None
    assert sample.position.altitude.datum is Datum.GEOID
    assert (sample.east_m_s, sample.down_m_s) == (pytest.approx(5.0), -0.5)
    assert sample.horizontal_sigma_m == pytest.approx(12.5**0.5)
    flat = decoder.feed(tpv(*HERE, mode=2))
    assert flat[0].position is not None
    assert flat[0].position.altitude.datum is Datum.GROUND


def test_gpsd_reports_without_a_fix_or_sense_are_counted_and_never_fatal() -> None:
    decoder = GpsdDecoder(CAR, on_ground=True)
    bad = [
        tpv(*HERE, mode=1),
        tpv(*HERE, status=6),
        tpv(*HERE, lat="north"),
        tpv(*HERE, lon=1e400),
        tpv(*HERE, epx=900.0),
        b'{"class":"TPV","mode":3}\n',
        b"[" * 5_000 + b"\n",
        b"not json\n",
        b'{"class":"SKY"}\n',
        b"null\n",
        b"x" * 30_000,
    ]
    samples = decoder.feed(b"".join(bad))
    assert [sample.position for sample in samples] == [None] * 5
    assert codes(decoder) == {"no_fix": 4, "too_rough": 1, "no_time": 1, "not_json": 3}


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 60), st.booleans())
def test_whatever_bytes_come_and_however_they_are_cut_the_good_fixes_are_all_there(
    noise: bytes, cut: int, gpsd: bool
) -> None:
    decoder = GpsdDecoder(CAR, on_ground=True) if gpsd else nmea()
    fixes = list(drive(6))
    told = [tpv(*fix) if gpsd else gga(*fix) + rmc(*fix) for fix in fixes]
    # noise ends its line: what is cut into the middle of a sentence has destroyed it
    stream = noise + b"\n" + b"".join(told)
    found = [s for n in range(0, len(stream), cut) for s in decoder.feed(stream[n : n + cut])]
    assert [sample.at for sample in found if sample.position] == [at for at, _, _ in fixes]


def test_a_source_that_breaks_off_is_opened_again() -> None:
    clients = []

    async def story() -> list[datetime]:
        lines, over = spoken(20), asyncio.Event()

        async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            clients.append(writer)
            half = len(lines) // 2
            writer.write(b"".join(lines[:half] if len(clients) == 1 else lines[half:]))
            await writer.drain()
            if len(clients) > 1:
                await over.wait()
            writer.close()

        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        link = ReceiverLink(
            CAR, from_tcp("127.0.0.1", port), nmea(), SystemClock(), silence_limit_s=6.0
        )
        seen = []
        async for sample in link.samples():
            seen.append(sample.at)
            if len(seen) == 20:
                await link.close()
        over.set()
        server.close()
        await asyncio.sleep(0)
        return seen

    seen = asyncio.run(asyncio.wait_for(story(), 20.0))
    assert seen == [at for at, _, _ in drive(20)]
    assert len(clients) == 2


@pytest.mark.parametrize(
    "address",
    ["", "udp://1.2.3.4:5", "gpsd://", "nmea+tcp://host", "nmea+udp://host:99999999", "nmea://x/y",
     "nmea:///dev/ttyUSB0?baud=1234", "nmea:///dev/ttyUSB0?baud=fast", "nmea+tcp://[::1"],
)  # fmt: skip
def test_an_address_that_names_no_receiver_is_refused(address: str) -> None:
    open_it: Callable[[], object] = lambda: open_receiver(  # noqa: E731
        address, CAR, SystemClock(), silence_limit_s=5.0
    )
    with pytest.raises(VehicleUnreachable):
        open_it()
