"""Telemetry from ST 0601 packets: a metadata stream in MPEG-TS, or a raw file of packets.

Each packet gives a sample of its own: where the sensor was and how it looked in the earth
frame, what its lens saw, and what the producer itself says of the ground. The camera's
attitude is composed of the platform's heading, pitch and roll and the sensor's relative
azimuth, elevation and roll, in that order, as the standard has it.
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np

from core.errors import SourceMissing, SourceUnreadable, TelemetryUnreadable
from core.ids import AssetId
from core.refusals import Refusal, RefusalCode, RefusalCount
from geo.camera import rotation
from geo.positions import Altitude, Attitude, Datum, Position
from telemetry import st0601
from telemetry.model import TelemetrySample
from telemetry.recorded import KlvRecord, KlvTrack


def camera_attitude(platform: Attitude, azimuth: float, elevation: float, roll: float) -> Attitude:
    """Returns the earth-frame attitude of a sensor held at relative angles (degrees)."""
    matrix = rotation(platform) @ rotation(Attitude(azimuth, elevation, roll))
    yaw = math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])) % 360.0
    pitch = math.degrees(-math.asin(float(np.clip(matrix[2, 0], -1.0, 1.0))))
    return Attitude(yaw, pitch, math.degrees(math.atan2(matrix[2, 1], matrix[2, 2])))


def record_of(
    packet: st0601.Packet, asset_id: AssetId, media_time_s: float | None = None
) -> KlvRecord | Refusal:
    """Returns what a packet says, or why nothing can be made of it."""
    if packet.at is None:
        return Refusal(RefusalCode.BAD_TELEMETRY, "a metadata packet without a time stamp")
    lat, lon = packet.get(13), packet.get(14)
    height, ground, refusal = _heights(packet)
    position = None
    if lat is None or lon is None:
        refusal = Refusal(RefusalCode.BAD_TELEMETRY, "metadata without the sensor's position")
    elif height is not None:
        position = Position(lat, lon, height)
    heading, pitch, roll = packet.get(5), packet.get(90, 6), packet.get(91, 7)
    body = None
    if heading is not None and pitch is not None and roll is not None:
        body = Attitude(heading, pitch, roll)
    azimuth, elevation = packet.get(18), packet.get(19)
    camera = None
    if body is not None and azimuth is not None and elevation is not None:
        # a sensor without its own roll axis sends none: it is then rigid about that axis
        camera = camera_attitude(body, azimuth, elevation, packet.get(20) or 0.0)
    elif refusal is None:
        refusal = Refusal(RefusalCode.UNKNOWN_GIMBAL, "metadata without the sensor's angles")
    centre = (packet.get(23), packet.get(24))
    sample = TelemetrySample(
        asset_id,
        packet.at,
        position,
        north_m_s=packet.get(79),
        east_m_s=packet.get(80),
        attitude=body,
        camera=camera,
    )
    return KlvRecord(
        sample,
        media_time_s,
        packet.get(16),
        packet.get(17),
        ground,
        (centre[0], centre[1]) if centre[0] is not None and centre[1] is not None else None,
        packet.corners(),
        packet.get(21),
        refusal,
    )


def _heights(packet: st0601.Packet) -> tuple[Altitude | None, Altitude | None, Refusal | None]:
    """Returns the sensor's height and the ground's in one datum, or why there are none."""
    mean_sea, centre_sea = packet.get(15), packet.get(25)
    ellipsoid, centre_ellipsoid = packet.get(104, 75), packet.get(78)
    if mean_sea is not None and centre_sea is not None:
        return Altitude(mean_sea, Datum.GEOID), Altitude(centre_sea, Datum.GEOID), None
    if ellipsoid is not None and centre_ellipsoid is not None:
        own, ground = Altitude(ellipsoid, Datum.ELLIPSOID), centre_ellipsoid
        return own, Altitude(ground, Datum.ELLIPSOID), None
    reason = "metadata without heights of sensor and ground above the same datum"
    if mean_sea is not None:
        own = Altitude(mean_sea, Datum.GEOID)
        return own, None, Refusal(RefusalCode.UNKNOWN_DATUM, reason)
    if ellipsoid is not None:
        own = Altitude(ellipsoid, Datum.ELLIPSOID)
        return own, None, Refusal(RefusalCode.UNKNOWN_DATUM, reason)
    return None, None, Refusal(RefusalCode.UNKNOWN_DATUM, "metadata without the sensor's height")


def _seconds(ticks: int | None, base: Fraction | None) -> float | None:
    return None if ticks is None or base is None else float(ticks * base)


def _stream_packets(path: Path) -> Iterator[tuple[bytes, float | None]]:
    try:
        container = av.open(
            str(path), options={"protocol_whitelist": "file", "format_whitelist": "mpegts"}
        )
    except av.error.FFmpegError as error:
        raise SourceUnreadable(
            f"can't be opened as MPEG-TS: {error.strerror}",
            where=str(path),
            cure="give an MPEG-TS with ST 0601 metadata, or a raw file of its packets",
        ) from None
    try:
        video = next(iter(container.streams.video), None)
        begin_s = _seconds(video.start_time, video.time_base) if video is not None else None
        if not container.streams.data:
            raise TelemetryUnreadable(
                "holds no metadata stream",
                where=str(path),
                cure="give the telemetry as a file of its own (--telemetry FILE)",
            )
        packets = container.demux(list(container.streams.data))
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.error.EOFError):
                return
            except av.error.FFmpegError:
                continue
            if packet.size:
                at_s = _seconds(packet.pts, packet.time_base)
                yield bytes(packet), None if at_s is None else at_s - (begin_s or 0.0)
    finally:
        container.close()


def _file_packets(path: Path) -> Iterator[tuple[bytes, float | None]]:
    # raw files hold minutes of metadata, some megabytes at most
    for packet in st0601.split(path.read_bytes()):
        yield packet, None


def read_klv(path: Path, asset_id: AssetId) -> KlvTrack:
    """Returns what all packets of an MPEG-TS or a raw KLV file say; broken ones are counted.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is neither MPEG-TS nor a run of ST 0601 packets.
        TelemetryUnreadable: if it holds no metadata stream, or no packet that can be read.
    """
    if not path.is_file():
        raise SourceMissing("there is no such file", where=str(path), cure="check the path")
    with path.open("rb") as opened:
        head = opened.read(4096)
    raw = head[:1] != b"\x47" and st0601.KEY in head
    refused = RefusalCount()
    records: list[KlvRecord] = []
    packets = 0
    for data, media_time_s in _file_packets(path) if raw else _stream_packets(path):
        packets += 1
        packet = st0601.decode(data)
        if isinstance(packet, st0601.Packet):
            record = record_of(packet, asset_id, media_time_s)
            if isinstance(record, KlvRecord):
                records.append(record)
                continue
            packet = record
        refused.add(packet)
    if not records:
        reasons = "; ".join(refused.first_reasons.values())
        raise TelemetryUnreadable(
            f"no metadata packet can be read{': ' + reasons if reasons else ''}",
            where=str(path),
            cure="copy the recording again, whole: packets of a cut one fail their checksum",
        )
    records.sort(key=lambda record: record.sample.at)
    return KlvTrack(tuple(records), packets, refused)
