"""A ground station's telemetry log (.tlog): MAVLink packets, each behind the time it came.

The packets are told apart by their heads alone; of those that are wanted the checksum is proven
before they are believed. Times are joined to the ground's clock by `time_boot_ms`, so the radio's
delay is not taken for the vehicle's.
"""

import math
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np
from pymavlink.generator.mavcrc import x25crc

from core.errors import TelemetryUnreadable
from geo.positions import Datum
from telemetry.adapters.autopilot_tracks import (
    AutopilotTrack,
    Floats,
    Places,
    Series,
    joined,
    pairs_of_ground,
)
from telemetry.flight_logs import FlightLog, LogHints, LossCount

_HEARTBEAT, _SYS_STATUS, _SYSTEM_TIME, _ATTITUDE, _GLOBAL_POSITION = 0, 1, 2, 30, 33
_LAYOUTS: dict[int, tuple[struct.Struct, int]] = {
    _HEARTBEAT: (struct.Struct("<IBBBBB"), 50),
    _SYS_STATUS: (struct.Struct("<IIIHHhHHHHHHb"), 124),
    _SYSTEM_TIME: (struct.Struct("<QI"), 137),
    _ATTITUDE: (struct.Struct("<Iffffff"), 39),
    _GLOBAL_POSITION: (struct.Struct("<IiiiihhhH"), 104),
}
"""By message id: its fields on the wire (common.xml), and the extra byte of its checksum."""
_STAMP = struct.Struct(">Q")
_V1, _V2 = 0xFE, 0xFD
_FIRST_US, _LAST_US = 1_104_537_600_000_000, 4_102_444_800_000_000
"""2005 and 2100: a packet stamped otherwise is none."""
_GROUND, _NO_AUTOPILOT = 6, 8
_ARMED_BIT = 0x80
_DEGREES = 180.0 / math.pi


@dataclass(slots=True)
class _System:
    """What one vehicle said: rows of numbers by message."""

    rows: dict[int, list[tuple[float, ...]]] = field(default_factory=dict)
    """Each row begins with the second at which it came."""
    vehicle: bool = False


def read_tlog(path: Path, hints: LogHints) -> FlightLog:
    """Returns the track of the vehicle that says most in a log; heights are above the geoid.

    Raises:
        TelemetryUnreadable: if it is no telemetry log, or says nowhere where a vehicle was.
    """
    counted = LossCount()
    systems: dict[int, _System] = {}
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        for came_s, system_id, message, words in _packets(data, counted):
            system = systems.setdefault(system_id, _System())
            system.rows.setdefault(message, []).append((came_s, *words))
            if message == _HEARTBEAT and words[1] != _GROUND and words[2] != _NO_AUTOPILOT:
                system.vehicle = True
    places = Counter(
        {one: len(s.rows.get(_GLOBAL_POSITION, ())) for one, s in systems.items() if s.vehicle}
    )
    if not places or not places.most_common(1)[0][1]:
        raise TelemetryUnreadable(
            "says nowhere where a vehicle was",
            where=str(path),
            cure="give a telemetry log with GLOBAL_POSITION_INT and HEARTBEAT",
        )
    chosen = places.most_common(1)[0][0]
    for other, number in places.items():
        if other != chosen and number:
            counted.add("other_vehicle", f"vehicle {other} is left out, {chosen} is read")
    return joined("tlog", _track(systems[chosen]), hints, counted, path)


def looks_like_tlog(head: bytes) -> bool:
    """Returns whether a file begins with a stamped MAVLink packet."""
    if len(head) < 9 or head[8] not in (_V1, _V2):
        return False
    stamp: int = _STAMP.unpack_from(head)[0]
    return _FIRST_US < stamp < _LAST_US


def _packets(data: mmap, counted: LossCount) -> Iterator[tuple[float, int, int, tuple[float, ...]]]:
    """Yields when a wanted packet came, of which system, which message it is, and its fields."""
    at, size = 0, len(data)
    while at + 16 <= size:
        stamp, magic = _STAMP.unpack_from(data, at)[0], data[at + 8]
        if magic not in (_V1, _V2) or not _FIRST_US < stamp < _LAST_US:
            counted.add("damaged", f"no packet begins at byte {at}")
            at = _next_packet(data, at + 1)
            continue
        begin, length = at + 8, data[at + 9]
        if magic == _V1:
            head, system_id, message, tail = 6, data[begin + 3], data[begin + 5], 2
        else:
            head, system_id, tail = 10, data[begin + 5], 15 if data[begin + 2] & 1 else 2
            message = int.from_bytes(data[begin + 7 : begin + 10], "little")
        end = begin + head + length + tail
        if end > size:
            counted.add("cut_off", f"the file ends within a packet at byte {at}")
            return
        layout = _LAYOUTS.get(message)
        if layout is not None:
            words = _words(data[begin : begin + head + length + 2], head, layout)
            if words is None:
                counted.add("bad_checksum", f"the packet at byte {at} has a wrong checksum")
                at = _next_packet(data, at + 1)
                continue
            yield stamp / 1e6, system_id, message, words
        at = end
    if at < size:
        counted.add("cut_off", f"the file ends within a packet at byte {at}")


def _words(packet: bytes, head: int, layout: tuple[struct.Struct, int]) -> tuple[float, ...] | None:
    """Returns the fields of a packet; `None` where its checksum is wrong."""
    shape, extra = layout
    told = packet[-2] | packet[-1] << 8
    crc = x25crc(packet[1:-2])
    crc.accumulate(bytes([extra]))
    if crc.crc != told:
        return None
    payload = packet[head:-2]  # MAVLink 2 leaves zeros at the end away
    words: tuple[float, ...] = shape.unpack(payload.ljust(shape.size, b"\x00")[: shape.size])
    return words


def _next_packet(data: mmap, at: int) -> int:
    """Returns where the next packet may begin, by its start byte and a time that can be."""
    size = len(data)
    while True:
        one, two = data.find(bytes([_V1]), at + 8), data.find(bytes([_V2]), at + 8)
        found = min((place for place in (one, two) if place >= 0), default=-1)
        if found < 0:
            return size
        if _FIRST_US < _STAMP.unpack_from(data, found - 8)[0] < _LAST_US:
            return found - 8
        at = found - 7


def _track(system: _System) -> AutopilotTrack:
    position = _columns(system.rows[_GLOBAL_POSITION])
    boot_s = position[1] * 1e-3
    places = Places(
        boot_s, position[2] * 1e-7, position[3] * 1e-7, position[4] * 1e-3, Datum.GEOID,
        position[6] * 0.01, position[7] * 0.01, position[8] * 0.01,
    )  # fmt: skip
    attitude = system.rows.get(_ATTITUDE)
    angles = None
    if attitude is not None:
        columns = _columns(attitude)
        times = columns[1] * 1e-3
        roll, pitch, yaw = (columns[n] * _DEGREES for n in (2, 3, 4))
        angles = Series(times, yaw), Series(times, pitch), Series(times, roll)
    beats = _columns(system.rows[_HEARTBEAT])
    came = _from_ground(position[0], boot_s)
    status = system.rows.get(_SYS_STATUS)
    battery = None
    if status is not None:
        columns = _columns(status)
        known = columns[-1] >= 0
        battery = Series(came(columns[0][known]), columns[-1][known] * 0.01)
    armed: Floats = (beats[4].astype(np.int64) & _ARMED_BIT > 0).astype(np.float64)
    return AutopilotTrack(
        places,
        _utc(system, position),
        angles,
        battery_fraction=battery,
        armed=Series(came(beats[0]), armed),
    )


def _utc(system: _System, position: list[Floats]) -> Series:
    """Returns pairs of UTC and time since switching on: the vehicle's own, else the ground's."""
    own = system.rows.get(_SYSTEM_TIME)
    if own is not None:
        columns = _columns(own)
        known = columns[1] > _FIRST_US
        if known.any():
            return Series(columns[2][known] * 1e-3, columns[1][known] * 1e-6)
    return pairs_of_ground(position[0], position[1] * 1e-3)


def _from_ground(came_s: Floats, boot_s: Floats) -> Callable[[Floats], Floats]:
    """Returns what turns the ground's time into the time since switching on."""
    offset = float(np.min(came_s - boot_s))
    return lambda seconds: seconds - offset


def _columns(rows: list[tuple[float, ...]]) -> list[Floats]:
    return list(np.array(rows, np.float64).T)
