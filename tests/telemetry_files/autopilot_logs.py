"""Small logs of autopilots, written byte by byte as their formats are described."""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime

from pymavlink.dialects.v20 import ardupilotmega as mavlink

UTC_S = datetime(2026, 11, 20, 9, 0, tzinfo=UTC).timestamp()
LAT, LON = 50.97, 71.35
BOOT_S = 100.0
"""Seconds since switching on at the first sample."""
_GPS_FORMAT = "uint64_t timestamp;uint64_t time_utc_usec;int32_t lat;int32_t lon;int32_t alt;"
_GPS_FORMAT += "float eph;float epv;float vel_n_m_s;float vel_e_m_s;float vel_d_m_s;"
_GPS_FORMAT += "uint8_t fix_type;uint8_t[3] _padding0;"


def rows(count: int = 50) -> Iterator[tuple[float, float, float, float]]:
    """Yields seconds since the first, latitude, longitude and height: north at 10 m/s."""
    for n in range(count):
        yield n / 5, LAT + n * 2.0 / 111_250, LON, 350.0 + n


def _message(kind: str, content: bytes) -> bytes:
    return struct.pack("<HB", len(content), ord(kind)) + content


def ulog(count: int = 50, *, delay_s: float = 0.08, estimator: bool = True) -> bytes:
    """Returns a ULog of `rows`; a fix is logged `delay_s` after its time."""
    out = [b"ULog\x01\x12\x35\x01" + struct.pack("<Q", 0)]
    out.append(_message("B", bytes(8) + bytes(8) + bytes(24)))
    formats = {
        "vehicle_gps_position": _GPS_FORMAT,
        "vehicle_attitude": "uint64_t timestamp;float[4] q;uint8_t quat_reset_counter;",
        "vehicle_global_position": "uint64_t timestamp;double lat;double lon;float alt;float eph;",
        "vehicle_status": "uint64_t timestamp;uint8_t nav_state;uint8_t arming_state;",
        "debug_vect": "uint64_t timestamp;float x;char[10] name;",
    }
    names = list(formats)
    for name, fields in formats.items():
        out.append(_message("F", f"{name}:{fields}".encode()))
    for number, name in enumerate(names):
        out.append(_message("A", struct.pack("<BH", 0, number) + name.encode()))

    def data(name: str, content: bytes) -> None:
        out.append(_message("D", struct.pack("<H", names.index(name)) + content))

    for second, lat, lon, up in rows(count):
        at_us = round((BOOT_S + second) * 1e6)
        utc_us = round((UTC_S + second) * 1e6)
        data(
            "vehicle_gps_position",
            struct.pack("<QQiii", at_us + round(delay_s * 1e6), utc_us, round(lat * 1e7),
                        round(lon * 1e7), round(up * 1e3))
            + struct.pack("<fffffB3x", 1.5, 2.5, 10.0, 0.0, 0.0, 3),
        )  # fmt: skip
        quaternion = (0.7071067811865476, 0.0, 0.0, 0.7071067811865476)  # looks east
        data("vehicle_attitude", struct.pack("<Q4fB", at_us, *quaternion, 0))
        if estimator:
            data("vehicle_global_position", struct.pack("<Qddff", at_us, lat, lon, up, 0.7))
        data("vehicle_status", struct.pack("<QBB", at_us, 3, 2))
        data("debug_vect", struct.pack("<Qf10s", at_us, 1.0, b"noise"))
    return b"".join(out)


def dataflash(count: int = 50, *, delay_s: float = 0.08) -> bytes:
    """Returns a DataFlash log of `rows`."""
    kinds = {
        130: ("GPS", "QBIHLLefff", "TimeUS,Status,GMS,GWk,Lat,Lng,Alt,Spd,GCrs,VZ", "<QBIHiiifff"),
        131: ("POS", "QLLff", "TimeUS,Lat,Lng,Alt,RelHomeAlt", "<Qiiff"),
        132: ("ATT", "QccC", "TimeUS,Roll,Pitch,Yaw", "<QhhH"),
        133: ("ARM", "QB", "TimeUS,ArmState", "<QB"),
        134: ("MSG", "QZ", "TimeUS,Message", "<Q64s"),
    }
    out = []

    def fmt(number: int, length: int, name: str, codes: str, labels: str) -> None:
        out.append(b"\xa3\x95\x80" + struct.pack("<BB4s16s64s", number, length, name.encode(),
                                                 codes.encode(), labels.encode()))  # fmt: skip

    fmt(128, 89, "FMT", "BBnNZ", "Type,Length,Name,Format,Columns")
    for number, (name, codes, labels, shape) in kinds.items():
        fmt(number, 3 + struct.calcsize(shape), name, codes, labels)

    def data(number: int, *values: object) -> None:
        out.append(b"\xa3\x95" + bytes([number]) + struct.pack(kinds[number][3], *values))

    gps_s = UTC_S + 18.0 - 315_964_800.0
    for second, lat, lon, up in rows(count):
        at_us = round((BOOT_S + second) * 1e6)
        week, in_week = divmod(gps_s + second, 604_800.0)
        data(134, at_us, b"ArduCopter V4.5")
        data(130, at_us + round(delay_s * 1e6), 3, round(in_week * 1e3), int(week),
             round(lat * 1e7), round(lon * 1e7), round(up * 100), 10.0, 0.0, 0.0)  # fmt: skip
        data(131, at_us, round(lat * 1e7), round(lon * 1e7), up, up - 350.0)
        data(132, at_us, 100, -200, 9_000)
        data(133, at_us, 1)
    return b"".join(out)


def tlog(count: int = 50, *, delay_s: float = 0.3, version: int = 2) -> bytes:
    """Returns a telemetry log of `rows`, as MAVLink's own encoder makes its packets.

    The radio takes `delay_s`, and three times as long every other time.
    """
    vehicle = mavlink.MAVLink(None, srcSystem=7, srcComponent=1)
    ground = mavlink.MAVLink(None, srcSystem=255, srcComponent=190)
    out = []

    def packed(sender: mavlink.MAVLink, message: object, came_s: float) -> None:
        packet = message.pack(sender, force_mavlink1=version == 1)  # type: ignore[attr-defined]
        out.append(struct.pack(">Q", round(came_s * 1e6)) + packet)

    for number, (second, lat, lon, up) in enumerate(rows(count)):
        boot_ms = round((BOOT_S + second) * 1e3)
        came_s = UTC_S + second + delay_s * (3 if number % 2 else 1)
        beat = mavlink.MAVLink_heartbeat_message(2, 3, 0x80, 0, 4, 3)
        packed(vehicle, beat, came_s)
        packed(ground, mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3), came_s)
        place = mavlink.MAVLink_global_position_int_message(
            boot_ms, round(lat * 1e7), round(lon * 1e7), round(up * 1e3), 0, 1_000, 0, 0, 0
        )
        packed(vehicle, place, came_s)
        turn = mavlink.MAVLink_attitude_message(
            boot_ms, 0.0, 0.1, 1.5707963267948966, 0.0, 0.0, 0.0
        )
        packed(vehicle, turn, came_s)
        packed(vehicle, mavlink.MAVLink_vfr_hud_message(10.0, 10.0, 0, 50, 10.0, 0.0), came_s)
    return b"".join(out)
