"""Which kind of log a file is, by what it holds, and its reader."""

from collections.abc import Callable
from pathlib import Path

from core.errors import SourceMissing, TelemetryUnreadable
from telemetry.adapters import dataflash, tlog, ulog
from telemetry.adapters.gpx_log import read_gpx
from telemetry.adapters.nmea_log import read_nmea
from telemetry.flight_logs import FlightLog, LogHints

_LARGEST_BYTES = 512 << 20
_HEAD_BYTES = 4_096


def read_flight_log(path: Path, hints: LogHints) -> FlightLog:
    """Returns what a log file says: GPX, NMEA, PX4 ULog, ArduPilot DataFlash, or tlog.

    Raises:
        SourceMissing: if there is no such file.
        TelemetryUnreadable: if it is of another kind, too large, or holds no sample.
    """
    if not path.is_file():
        raise SourceMissing("there is no such file", where=str(path), cure="check the path")
    if path.stat().st_size > _LARGEST_BYTES:
        raise TelemetryUnreadable(
            "is too large for a log", where=str(path), cure="cut it into parts of 512 MiB"
        )
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    binary = _reader_of(head)
    if binary is not None:
        return binary(path, hints)
    xml = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<"))
    if not xml and b"$" not in head:
        raise TelemetryUnreadable(
            "is neither GPX, NMEA, ULog, DataFlash nor a telemetry log",
            where=str(path),
            cure="give GPX, a receiver's NMEA log, or an autopilot's .ulg, .BIN or .tlog",
        )
    found = read_gpx(path, hints) if xml else read_nmea(path, hints)
    if not found.samples:
        why = "; ".join(f"{loss.count} x {loss.what}" for loss in found.losses)
        raise TelemetryUnreadable(
            f"holds no sample{': ' + why if why else ''}",
            where=str(path),
            cure="for a car's log without heights say --car; else give a log with fixes",
        )
    return found


def _reader_of(head: bytes) -> Callable[[Path, LogHints], FlightLog] | None:
    """Returns the reader of an autopilot's or ground station's log, by how the file begins."""
    if head.startswith(ulog.MAGIC):
        return ulog.read_ulog
    if head.startswith(dataflash.MAGIC):
        return dataflash.read_dataflash
    return tlog.read_tlog if tlog.looks_like_tlog(head) else None
