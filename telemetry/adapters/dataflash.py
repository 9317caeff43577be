"""ArduPilot's DataFlash log (.BIN), read as far as a flight's track needs it.

A log explains itself: FMT messages say how long each kind is and what its fields are
(https://ardupilot.org/copter/docs/logmessages.html). Kinds that are not wanted are skipped by their
length; what is damaged is skipped to the next message that can be, and counted.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import TelemetryUnreadable
from geo.positions import Datum
from telemetry.adapters.autopilot_tracks import AutopilotTrack, Floats, Places, Series, joined
from telemetry.flight_logs import FlightLog, LogHints, LossCount

MAGIC = b"\xa3\x95"
_FMT_KIND = 0x80
_FMT = struct.Struct("<BB4s16s64s")
_FMT_BYTES = 3 + _FMT.size
_CODES: Mapping[str, tuple[str, float]] = {
    "a": ("S64", 0.0), "b": ("i1", 1.0), "B": ("u1", 1.0), "h": ("<i2", 1.0), "H": ("<u2", 1.0),
    "i": ("<i4", 1.0), "I": ("<u4", 1.0), "f": ("<f4", 1.0), "d": ("<f8", 1.0), "n": ("S4", 0.0),
    "N": ("S16", 0.0), "Z": ("S64", 0.0), "c": ("<i2", 0.01), "C": ("<u2", 0.01),
    "e": ("<i4", 0.01), "E": ("<u4", 0.01), "L": ("<i4", 1e-7), "M": ("u1", 1.0),
    "q": ("<i8", 1.0), "Q": ("<u8", 1.0), "g": ("<f2", 1.0),
}  # fmt: skip
"""By format letter: the type of a field, and what one of it is worth; 0 is text."""
_WANTED = frozenset({"GPS", "POS", "ATT", "BAT", "ARM"})
_GPS_EPOCH_S = 315_964_800.0
_WEEK_S = 604_800.0
_LEAPS = (
    (1_119_744_016.0, 17.0), (1_167_264_017.0, 18.0),
)  # fmt: skip
"""GPS time from which so many leap seconds lie between it and UTC; before, 16 since mid-2012."""

Rows = dict[str, Floats]
"""Fields of one kind, in their units."""


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    length: int
    """With the three bytes of its head."""
    row: "np.dtype[np.void] | None"
    """`None` where it is not wanted or not understood."""
    worth: Mapping[str, float] = field(default_factory=dict)


def read_dataflash(path: Path, hints: LogHints) -> FlightLog:
    """Returns the track of a DataFlash log; heights are above the geoid, as ArduPilot logs them.

    Raises:
        TelemetryUnreadable: if it is no DataFlash log, says nowhere where the vehicle was, or
            never the time of day.
    """
    counted = LossCount()
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        if data[:2] != MAGIC:
            raise TelemetryUnreadable(
                "is no DataFlash log", where=str(path), cure="give a .BIN file of ArduPilot"
            )
        rows = _rows(data, counted)
    return joined("dataflash", _track(rows, counted), hints, counted, path)


def _rows(data: mmap, counted: LossCount) -> dict[str, Rows]:
    kinds: dict[int, _Kind] = {_FMT_KIND: _Kind("FMT", _FMT_BYTES, None)}
    found: dict[int, list[bytes]] = {}
    at, size = 0, len(data)
    while at + 3 <= size:
        kind = kinds.get(data[at + 2]) if data[at] == 0xA3 and data[at + 1] == 0x95 else None
        if kind is None:
            following = data.find(MAGIC, at + 1)
            if data[at : at + 1] != b"\x00" or following >= 0:  # blocks are filled up with zeros
                counted.add("damaged", f"no message that is known begins at byte {at}")
            if following < 0:
                break
            at = following
            continue
        if at + kind.length > size:
            counted.add("cut_off", f"the file ends within a {kind.name} at byte {at}")
            break
        if kind.name == "FMT":
            number, made = _kind_of(data[at + 3 : at + _FMT_BYTES], counted)
            if made is not None and number != _FMT_KIND:
                kinds.setdefault(number, made)  # a second one would make nonsense of rows before it
        elif kind.row is not None:
            found.setdefault(data[at + 2], []).append(data[at + 3 : at + kind.length])
        at += kind.length
    return {kinds[number].name: _table(kinds[number], parts) for number, parts in found.items()}


def _kind_of(content: bytes, counted: LossCount) -> tuple[int, _Kind | None]:
    """Returns the number and the kind that a FMT message explains."""
    number, length, name_bytes, format_bytes, label_bytes = _FMT.unpack(content)
    name = name_bytes.rstrip(b"\x00").decode("ascii", "replace")
    if length < 3:
        counted.add("format_unknown", f"{name} would have {length} bytes")
        return number, None
    if name not in _WANTED:
        return number, _Kind(name, length, None)
    codes = format_bytes.rstrip(b"\x00").decode("ascii", "replace")
    labels = label_bytes.rstrip(b"\x00").decode("ascii", "replace").split(",")
    understood = len(codes) == len(labels) == len(set(labels)) and set(codes) <= set(_CODES)
    if understood and all(labels):
        row = np.dtype([(label, _CODES[c][0]) for label, c in zip(labels, codes, strict=True)])
        if row.itemsize == length - 3:
            worth = {label: _CODES[c][1] for label, c in zip(labels, codes, strict=True)}
            return number, _Kind(name, length, row, worth)
    counted.add("format_unknown", f"{name} has fields that are not understood")
    return number, _Kind(name, length, None)


def _table(kind: _Kind, parts: list[bytes]) -> Rows:
    assert kind.row is not None  # only such rows were kept
    table: NDArray[np.void] = np.frombuffer(b"".join(parts), kind.row)
    return {
        name: table[name].astype(np.float64) * worth
        for name, worth in kind.worth.items()
        if worth > 0
    }


def _track(rows: Mapping[str, Rows], counted: LossCount) -> AutopilotTrack:
    gps, attitude, battery = rows.get("GPS", {}), rows.get("ATT", {}), rows.get("BAT", {})
    angles = None
    if {"TimeUS", "Yaw", "Pitch", "Roll"} <= attitude.keys():
        times = attitude["TimeUS"] * 1e-6
        angles = (
            Series(times, attitude["Yaw"]),
            Series(times, attitude["Pitch"]),
            Series(times, attitude["Roll"]),
        )
    left = battery.get("RemPct")
    return AutopilotTrack(
        _places(rows.get("POS", {}), gps, counted),
        _utc(gps),
        angles,
        battery_fraction=None if left is None else _series(battery, left * 0.01),
        armed=_series(rows.get("ARM", {}), rows.get("ARM", {}).get("ArmState")),
    )


def _series(rows: Rows, values: Floats | None) -> Series | None:
    if values is None or "TimeUS" not in rows:
        return None
    good = np.isfinite(values) & (values >= 0) & (values <= 1)
    return Series(rows["TimeUS"][good] * 1e-6, values[good])


def _utc(gps: Rows) -> Series:
    if not {"TimeUS", "GMS", "GWk", "Status"} <= gps.keys():
        return Series(np.empty(0), np.empty(0))
    fixed = (gps["Status"] >= 3) & (gps["GWk"] > 0)
    gps_s = gps["GWk"][fixed] * _WEEK_S + gps["GMS"][fixed] * 1e-3
    leap_s = np.full(len(gps_s), 16.0)
    for since_s, seconds in _LEAPS:
        leap_s[gps_s >= since_s] = seconds
    return Series(gps["TimeUS"][fixed] * 1e-6, _GPS_EPOCH_S + gps_s - leap_s)


def _places(pos: Rows, gps: Rows, counted: LossCount) -> Places:
    """Returns the estimator's places, else those of the receiver."""
    if {"TimeUS", "Lat", "Lng", "Alt"} <= pos.keys():
        times = pos["TimeUS"] * 1e-6
        places = Places(times, pos["Lat"], pos["Lng"], pos["Alt"], Datum.GEOID)
    elif {"TimeUS", "Lat", "Lng", "Alt", "Status"} <= gps.keys():
        counted.add("receiver_only", "places are the receiver's own: the estimator logged none")
        fixed = gps["Status"] >= 3
        gps = {name: values[fixed] for name, values in gps.items()}
        utc = _utc(gps).values
        places = Places(
            gps["TimeUS"] * 1e-6, gps["Lat"], gps["Lng"], gps["Alt"], Datum.GEOID,
            utc_s=utc if len(utc) == len(gps["TimeUS"]) else None,
        )  # fmt: skip
    else:
        none = np.empty(0)
        return Places(none, none, none, none, Datum.GEOID)
    if {"TimeUS", "Spd", "GCrs", "Status"} <= gps.keys():
        _add_velocity(places, gps)
    return places


def _add_velocity(places: Places, gps: Rows) -> None:
    """Adds the receiver's velocity, between its fixes."""
    fixed = gps["Status"] >= 3
    times = gps["TimeUS"][fixed] * 1e-6
    if len(times) < 2:
        return
    order = np.argsort(times, kind="stable")
    turn = np.radians(gps["GCrs"][fixed][order])
    speed = gps["Spd"][fixed][order]
    at, told = places.boot_s, times[order]
    places.north_m_s = np.interp(at, told, speed * np.cos(turn), np.nan, np.nan)
    places.east_m_s = np.interp(at, told, speed * np.sin(turn), np.nan, np.nan)
    if "VZ" in gps:
        places.down_m_s = np.interp(at, told, gps["VZ"][fixed][order], np.nan, np.nan)
