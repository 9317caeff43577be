"""Which receiver an address names, and the link to it."""

from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

from core.clock import Clock
from core.errors import VehicleUnreachable
from core.ids import AssetId
from telemetry.adapters import gpsd_link
from telemetry.adapters.gpsd_link import GpsdDecoder
from telemetry.adapters.nmea_link import NmeaDecoder
from telemetry.adapters.receiver_link import (
    OpenSource,
    ReceiverLink,
    from_device,
    from_tcp,
    from_udp,
    speed_of,
)

_BAUD = 9_600
SCHEMES = ("gpsd", "nmea", "nmea+tcp", "nmea+udp")


def open_receiver(
    address: str, asset_id: AssetId, clock: Clock, *, silence_limit_s: float
) -> ReceiverLink:
    """Returns the link to a car's receiver; nothing is opened before it is read.

    Args:
        address: `gpsd://host:2947`, `nmea+tcp://host:port`, `nmea+udp://0.0.0.0:port` for lines
            that are sent here, or `nmea:///dev/ttyUSB0?baud=9600`.
        asset_id: the car.
        clock: counts the silence.
        silence_limit_s: longest time without a word.

    Raises:
        VehicleUnreachable: if it is no such address.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _unknown(address) from error
    if parts.scheme == "gpsd" and host:
        source = from_tcp(host, port or gpsd_link.PORT, gpsd_link.HELLO)
        decoder = GpsdDecoder(asset_id, on_ground=True)
        return ReceiverLink(asset_id, source, decoder, clock, silence_limit_s=silence_limit_s)
    spoken = NmeaDecoder(asset_id, clock.now, on_ground=True)
    source = _nmea_source(address, parts, host, port)
    return ReceiverLink(asset_id, source, spoken, clock, silence_limit_s=silence_limit_s)


def _nmea_source(
    address: str, parts: SplitResult, host: str | None, port: int | None
) -> OpenSource:
    if parts.scheme == "nmea" and not host and parts.path.startswith("/"):
        told = parse_qs(parts.query).get("baud", [str(_BAUD)])[0]
        baud = int(told) if told.isascii() and told.isdigit() and len(told) < 9 else 0
        speed_of(baud, address)  # a wrong one is told now, not when the car is under way
        return from_device(Path(parts.path), baud)
    if host and port and parts.scheme == "nmea+tcp":
        return from_tcp(host, port)
    if host and port and parts.scheme == "nmea+udp":
        return from_udp(host, port)
    raise _unknown(address)


def _unknown(address: str) -> VehicleUnreachable:
    return VehicleUnreachable(
        "that is no address of a receiver",
        where=address[:120],
        cure="give gpsd://host, nmea+tcp://host:port, nmea+udp://0.0.0.0:port, nmea:///dev/NAME "
        "or, for the driver's phone, phone:",
    )
