"""Which kind of log a file is, by what it holds, and its reader."""

from pathlib import Path

from core.errors import SourceMissing, TelemetryUnreadable
from telemetry.adapters.gpx_log import read_gpx
from telemetry.adapters.nmea_log import read_nmea
from telemetry.flight_logs import FlightLog, LogHints

_LARGEST_BYTES = 512 << 20
_HEAD_BYTES = 4_096


def read_flight_log(path: Path, hints: LogHints) -> FlightLog:
    """Returns what a GPX or NMEA file says.

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
    xml = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<"))
    if not xml and b"$" not in head:
        raise TelemetryUnreadable(
            "is neither GPX nor NMEA",
            where=str(path),
            cure="save the track as GPX, or give the receiver's NMEA log",
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
