"""PX4's ULog, read as far as a flight's track needs it.

https://docs.px4.io/main/en/dev_log/ulog_file_format.html. Topics that are not wanted are skipped by
their length; what is cut off or damaged ends or skips, is counted, and costs nothing that is whole.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import TelemetryUnreadable
from geo.local_frame import LocalFrame
from geo.positions import Datum
from telemetry.adapters.autopilot_tracks import (
    AutopilotTrack,
    Floats,
    Places,
    Series,
    angles_of,
    joined,
)
from telemetry.flight_logs import FlightLog, LogHints, LossCount
from telemetry.model import VehicleMode

MAGIC = b"ULog\x01\x12\x35"
_SYNC = b"\x2f\x73\x13\x20\x25\x0c\xbb\x12"
_HEAD = struct.Struct("<HB")
_TYPES = {
    "int8_t": "i1", "uint8_t": "u1", "int16_t": "<i2", "uint16_t": "<u2", "int32_t": "<i4",
    "uint32_t": "<u4", "int64_t": "<i8", "uint64_t": "<u8", "float": "<f4", "double": "<f8",
    "bool": "u1", "char": "u1",
}  # fmt: skip
_KNOWN = frozenset(b"BFIMPQADSORLC")
_WANTED = frozenset(
    {
        "vehicle_gps_position", "sensor_gps", "vehicle_global_position", "vehicle_local_position",
        "vehicle_attitude", "battery_status", "vehicle_status", "vehicle_land_detected",
    }
)  # fmt: skip
_FORMATS_MOST = 2_000
_FIELDS_MOST = 500
_ROWS_MOST = 20_000_000
_ARMED = 2
_NAV_STATES = {
    0: VehicleMode.MANUAL, 1: VehicleMode.MANUAL, 2: VehicleMode.MANUAL, 3: VehicleMode.MISSION,
    4: VehicleMode.HOLD, 5: VehicleMode.RETURN, 10: VehicleMode.MANUAL, 14: VehicleMode.GUIDED,
    15: VehicleMode.MANUAL, 17: VehicleMode.TAKEOFF, 18: VehicleMode.LAND, 20: VehicleMode.LAND,
}  # fmt: skip
"""Of `vehicle_status.nav_state`; those that are not here are unknown modes."""

Table = NDArray[np.void]


@dataclass(slots=True)
class _Reading:
    """What was met so far."""

    counted: LossCount
    formats: dict[str, str] = field(default_factory=dict)
    topics: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Name and instance by the number that data messages carry."""
    rows: dict[tuple[str, int], list[bytes]] = field(default_factory=dict)
    appended: tuple[int, ...] = ()
    """Where data begin that were added after a crash."""


def read_ulog(path: Path, hints: LogHints) -> FlightLog:
    """Returns the track of a ULog; heights are above the geoid, as PX4 counts them.

    Raises:
        TelemetryUnreadable: if it is no ULog, says nowhere where the vehicle was, or never the
            time of day.
    """
    counted = LossCount()
    reading = _Reading(counted)
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        if data[: len(MAGIC)] != MAGIC or len(data) < 16:
            raise TelemetryUnreadable("is no ULog", where=str(path), cure="give a .ulg file of PX4")
        for kind, begin, end in _messages(data, reading):
            _take(kind, data[begin:end], reading)
    tables = {key: table for key in reading.rows if (table := _table(key, reading)) is not None}
    return joined("ulog", _track(tables, counted), hints, counted, path)


def _messages(data: mmap, reading: _Reading) -> Iterator[tuple[int, int, int]]:
    """Yields the type of each message and where its content begins and ends."""
    at, size = 16, len(data)
    while at + _HEAD.size <= size:
        length, kind = _HEAD.unpack_from(data, at)
        begin, end = at + _HEAD.size, at + _HEAD.size + length
        cut = next((place for place in reading.appended if at < place < end), None)
        if cut is not None:  # the last message before what was added is not whole
            at = cut
            continue
        if kind not in _KNOWN or end > size:
            found = data.find(_SYNC, begin)
            if found < 0:
                if end > size:
                    reading.counted.add("cut_off", f"the file ends within a message at byte {at}")
                else:
                    reading.counted.add("damaged", f"no message begins at byte {at}")
                return
            reading.counted.add("damaged", f"no message begins at byte {at}; read on at {found}")
            at = found + len(_SYNC)
            continue
        yield kind, begin, end
        at = end
    if at < size:
        reading.counted.add("cut_off", f"the file ends within a message at byte {at}")


def _take(kind: int, content: bytes, reading: _Reading) -> None:
    if kind == ord("D"):
        if len(content) > 2:
            topic = reading.topics.get(content[0] | content[1] << 8)
            if topic is not None:
                reading.rows.setdefault(topic, []).append(content[2:])
    elif kind == ord("F"):
        name, _, fields = content.decode("ascii", "replace").partition(":")
        if len(reading.formats) < _FORMATS_MOST:
            reading.formats[name] = fields
    elif kind == ord("A") and len(content) > 3:
        name = content[3:].decode("ascii", "replace")
        if name in _WANTED:
            reading.topics[content[1] | content[2] << 8] = (name, content[0])
    elif kind == ord("B") and len(content) >= 40 and content[8] & 1:
        places = struct.unpack_from("<3Q", content, 16)
        reading.appended = tuple(sorted(place for place in places if place))
    elif kind == ord("O"):
        reading.counted.add("dropout", "the autopilot could not write all the time")


def _table(key: tuple[str, int], reading: _Reading) -> Table | None:
    """Returns the rows of one topic, without those that are too short."""
    kind = _row_type(reading.formats.get(key[0], ""))
    if kind is None:
        reading.counted.add("format_unknown", f"{key[0]} has fields that are not understood")
        return None
    whole = [row[: kind.itemsize] for row in reading.rows[key] if len(row) >= kind.itemsize]
    for _ in range(len(reading.rows[key]) - len(whole)):
        reading.counted.add("damaged", f"a row of {key[0]} is too short")
    return np.frombuffer(b"".join(whole), kind) if whole else None


def _row_type(fields: str) -> np.dtype[np.void] | None:
    """Returns the type of a row of primitive fields, without padding at its end."""
    parts = [part for part in fields.split(";") if part]
    while parts and parts[-1].split(" ")[-1].startswith("_padding"):
        parts.pop()
    listed: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    for part in parts:
        told, _, name = part.partition(" ")
        base, _, count = told.partition("[")
        code = _TYPES.get(base)
        if code is None or not name or any(name == one[0] for one in listed):
            return None
        if not count:
            listed.append((name, code))
            continue
        number = count.rstrip("]")
        if not (number.isascii() and number.isdigit() and 0 < int(number[:5]) <= 4_096):
            return None
        listed.append((name, code, (int(number),)))
    if not listed or len(listed) > _FIELDS_MOST or "timestamp" not in (one[0] for one in listed):
        return None
    return np.dtype(listed)


def _track(tables: Mapping[tuple[str, int], Table], counted: LossCount) -> AutopilotTrack:
    gps = _first(tables, "vehicle_gps_position", "sensor_gps")
    attitude = _first(tables, "vehicle_attitude")
    status = _first(tables, "vehicle_status")
    angles = None
    if attitude is not None and "q" in _names(attitude) and attitude["q"].ndim == 2:
        yaw, pitch, roll = angles_of(attitude["q"].astype(np.float64))
        times = _boot_s(attitude)
        angles = Series(times, yaw), Series(times, pitch), Series(times, roll)
    utc = Series(np.empty(0), np.empty(0))
    if gps is not None and "time_utc_usec" in _names(gps):
        utc = Series(_boot_s(gps), gps["time_utc_usec"].astype(np.float64) / 1e6)
    return AutopilotTrack(
        _places(tables, gps, counted),
        utc,
        angles,
        battery_fraction=_series(_first(tables, "battery_status"), "remaining", 0.0, 1.0),
        armed=_armed(status),
        on_ground=_series(_first(tables, "vehicle_land_detected"), "landed", 0.0, 1.0),
        modes=_series(status, "nav_state", 0.0, 255.0),
        mode_of=lambda code: _NAV_STATES.get(int(code), VehicleMode.UNKNOWN),
    )


def _places(
    tables: Mapping[tuple[str, int], Table], gps: Table | None, counted: LossCount
) -> Places:
    """Returns the best places there are: the estimator's, else those of the receiver."""
    whole = _first(tables, "vehicle_global_position")
    local = _first(tables, "vehicle_local_position")
    if whole is not None and {"lat", "lon", "alt"} <= _names(whole):
        places = Places(
            _boot_s(whole), _floats(whole, "lat"), _floats(whole, "lon"), _floats(whole, "alt"),
            Datum.GEOID,
            horizontal_sigma_m=_maybe(whole, "eph"), vertical_sigma_m=_maybe(whole, "epv"),
        )  # fmt: skip
        if local is not None and {"vx", "vy", "vz"} <= _names(local):
            _add_velocity(places, local)
        return places
    needed = {"x", "y", "z", "ref_lat", "ref_lon", "ref_alt", "vx", "vy", "vz", "ref_timestamp"}
    if local is not None and needed <= _names(local):
        places = _from_local(local)
        if len(places.boot_s):
            return places
    if gps is not None and {"lat", "lon", "alt", "fix_type"} <= _names(gps):
        counted.add("receiver_only", "places are the receiver's own: the estimator logged none")
        fixed = gps[gps["fix_type"] >= 3]
        utc = _maybe(fixed, "time_utc_usec")
        return Places(
            _boot_s(fixed), _floats(fixed, "lat") * 1e-7, _floats(fixed, "lon") * 1e-7,
            _floats(fixed, "alt") * 1e-3, Datum.GEOID,
            _maybe(fixed, "vel_n_m_s"), _maybe(fixed, "vel_e_m_s"), _maybe(fixed, "vel_d_m_s"),
            _maybe(fixed, "eph"), _maybe(fixed, "epv"),
            None if utc is None else utc * 1e-6,
        )  # fmt: skip
    none = np.empty(0)
    return Places(none, none, none, none, Datum.GEOID)


def _from_local(local: Table) -> Places:
    """Returns places told in metres from a reference, which may move during a flight."""
    local = local[np.isfinite(local["ref_lat"]) & (np.abs(local["ref_lat"]) < 90)]
    local = local[(local["ref_timestamp"] > 0) & np.isfinite(local["x"]) & np.isfinite(local["y"])]
    local = local[(np.abs(local["x"]) < 1e6) & (np.abs(local["y"]) < 1e6)]
    lat, lon = np.empty(len(local)), np.empty(len(local))
    references = np.stack([local["ref_lat"], local["ref_lon"]], axis=1)
    starts = [0, *(np.flatnonzero((np.diff(references, axis=0) != 0).any(axis=1)) + 1), len(local)]
    for begin, end in pairwise(int(place) for place in starts):
        if begin < end:
            frame = LocalFrame(float(references[begin, 0]), float(references[begin, 1]))
            part = slice(begin, end)
            lat[part], lon[part] = frame.to_geo_deg(
                _floats(local, "y")[part], _floats(local, "x")[part]
            )
    return Places(
        _boot_s(local), lat, lon, _floats(local, "ref_alt") - _floats(local, "z"), Datum.GEOID,
        _floats(local, "vx"), _floats(local, "vy"), _floats(local, "vz"),
        _maybe(local, "eph"), _maybe(local, "epv"),
    )  # fmt: skip


def _add_velocity(places: Places, local: Table) -> None:
    times = _boot_s(local)
    order = np.argsort(times, kind="stable")
    for name, key in (("north_m_s", "vx"), ("east_m_s", "vy"), ("down_m_s", "vz")):
        values = _floats(local, key)[order]
        setattr(places, name, np.interp(places.boot_s, times[order], values, np.nan, np.nan))


def _first(tables: Mapping[tuple[str, int], Table], *names: str) -> Table | None:
    """Returns the first instance of the first of these topics that is there."""
    for name in names:
        found = sorted(key for key in tables if key[0] == name)
        if found:
            return tables[found[0]]
    return None


def _names(table: Table) -> frozenset[str]:
    return frozenset(table.dtype.names or ())


def _boot_s(table: Table) -> Floats:
    return _floats(table, "timestamp") * 1e-6


def _floats(table: Table, name: str) -> Floats:
    values: Floats = table[name].astype(np.float64)
    return values


def _maybe(table: Table, name: str) -> Floats | None:
    return _floats(table, name) if name in _names(table) else None


def _series(table: Table | None, name: str, least: float, most: float) -> Series | None:
    """Returns a field over time, without values that can't be."""
    if table is None or name not in _names(table):
        return None
    values = _floats(table, name)
    with np.errstate(invalid="ignore"):
        good = (values >= least) & (values <= most)
    return Series(_boot_s(table)[good], values[good])


def _armed(status: Table | None) -> Series | None:
    found = _series(status, "arming_state", 0.0, 255.0)
    return None if found is None else Series(found.boot_s, (found.values == _ARMED) * 1.0)
