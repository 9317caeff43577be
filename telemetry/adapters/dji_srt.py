"""DJI subtitle telemetry (`.SRT`): eight and more dialects, one reader.

A cue is valid from its beginning. What a dialect does not say stays `None`; only those that
give the gimbal's angles in the earth frame can place a picture, the others are refused cue
by cue for UNKNOWN_GIMBAL. Heights: `H`, `rel_alt` and `BAROMETER` count from the take-off
place; `altitude` and `abs_alt` have no stated datum and are never used. In `GPS(…)` and
`HOME(…)` the longitude comes first.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from core.errors import SourceMissing, TelemetryUnreadable
from core.refusals import Refusal, RefusalCode, RefusalCount
from geo.positions import Attitude
from telemetry.recorded import SrtCue, SrtTrack

_LARGEST_BYTES = 256 << 20
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_TIMES = re.compile(r"(\d+):(\d\d):(\d\d)[,.](\d{1,3})\s*-->\s*\d+:\d\d:\d\d[,.]\d{1,3}")
_DATE = re.compile(
    r"(\d{4})[-.](\d\d)[-.](\d\d)\s+(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,3}))?(?:[.,](\d{1,3}))?"
)
_GPS = re.compile(rf"GPS\s*\(\s*({_NUMBER})\s*,\s*({_NUMBER})\s*,\s*({_NUMBER})?")
_HOME = re.compile(rf"HOME\s*\(\s*({_NUMBER})\s*,\s*({_NUMBER})\s*(?:,\s*({_NUMBER})\s*m)?")
_HEIGHT = re.compile(rf"\bH\s+({_NUMBER})\s*m")
_BAROMETER = re.compile(rf"BAROMETER:\s*({_NUMBER})")
_ANGLES = rf"\s*\(\s*({_NUMBER})[^\d,)+-]*,\s*({_NUMBER})[^\d,)+-]*,\s*({_NUMBER})"
_GIMBAL = re.compile(r"G\.PRY" + _ANGLES)
_BODY = re.compile(r"F\.PRY" + _ANGLES)
_FIELD = re.compile(rf"([A-Za-z_]+)\s*:\s*({_NUMBER})")


def read_srt(path: Path, *, zone: tzinfo = UTC) -> SrtTrack:
    """Returns the cues of a subtitle file; broken ones are counted, never raised.

    Args:
        path: the file.
        zone: of the dates in it, which name none (DJI writes local time).

    Raises:
        SourceMissing: if there is no such file.
        TelemetryUnreadable: if it holds no cue that tells anything.
    """
    if not path.is_file():
        raise SourceMissing("there is no such file", where=str(path), cure="check the path")
    if path.stat().st_size > _LARGEST_BYTES:
        raise TelemetryUnreadable(
            "is too large for subtitles",
            where=str(path),
            cure="give the .SRT file that the drone wrote beside the video",
        )
    text = path.read_bytes().decode("utf-8", "replace")
    track = parse_srt(text, zone=zone)
    if not track.cues:
        raise TelemetryUnreadable(
            "holds no DJI telemetry",
            where=str(path),
            cure="give the .SRT file that the drone wrote beside the video",
        )
    return track


def parse_srt(text: str, *, zone: tzinfo = UTC) -> SrtTrack:
    """Returns the cues of subtitle text; see `read_srt`."""
    refused = RefusalCount()
    cues: list[SrtCue] = []
    for start_s, body in _blocks(text):
        cue = _cue(start_s, body, zone)
        if cue is None:
            refused.add(Refusal(RefusalCode.BAD_TELEMETRY, "a subtitle without telemetry"))
            continue
        if cue.refusal is not None:
            refused.add(cue.refusal)
        cues.append(cue)
    return SrtTrack(tuple(sorted(cues, key=lambda cue: cue.media_time_s)), refused)


def _blocks(text: str) -> Iterator[tuple[float, str]]:
    """Yields the beginning and the text of each cue."""
    times = list(_TIMES.finditer(text))
    for index, match in enumerate(times):
        hours, minutes, seconds, part = match.groups()
        start_s = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{part}")
        end = times[index + 1].start() if index + 1 < len(times) else len(text)
        yield start_s, text[match.end() : end]


def _cue(start_s: float, text: str, zone: tzinfo) -> SrtCue | None:
    fields = {name.lower(): float(value) for name, value in _FIELD.findall(text)}
    lat, lon = _place(text, fields)
    height = _first(_HEIGHT, text)
    if height is None:
        height = _first(_BAROMETER, text)
    if height is None:
        height = fields.get("rel_alt")
    gimbal = _angles(_GIMBAL, text)
    if gimbal is None and "gb_yaw" in fields and "gb_pitch" in fields:
        gimbal = _attitude(fields["gb_pitch"], fields.get("gb_roll", 0.0), fields["gb_yaw"])
    if lat is None and height is None and gimbal is None:
        return None
    focal = fields.get("focal_len")
    if focal is not None:
        focal = focal / 10 if focal >= 200 else focal  # some firmware writes tenths
    return SrtCue(
        start_s,
        _date(text, zone),
        lat,
        lon,
        height,
        _angles(_BODY, text),
        gimbal,
        focal if focal and focal > 0 else None,
        _refusal(lat, height, gimbal),
    )


def _refusal(lat: float | None, height: float | None, gimbal: Attitude | None) -> Refusal | None:
    if gimbal is None:
        return Refusal(
            RefusalCode.UNKNOWN_GIMBAL, "this dialect of .SRT does not tell the gimbal's angles"
        )
    if lat is None:
        return Refusal(RefusalCode.BAD_TELEMETRY, "a subtitle without a position")
    if height is None:
        return Refusal(RefusalCode.UNKNOWN_DATUM, "a subtitle without a height above take-off")
    return None


def _place(text: str, fields: dict[str, float]) -> tuple[float | None, float | None]:
    """Returns latitude and longitude; both `None` where there is no place on Earth."""
    match = _GPS.search(text)
    if match:
        lon, lat = float(match[1]), float(match[2])
    else:
        longitude = fields.get("longitude", fields.get("longtitude"))  # spelt so by some firmware
        latitude = fields.get("latitude")
        if longitude is None or latitude is None:
            return None, None
        lat, lon = latitude, longitude
    if not (-90 <= lat <= 90 and -180 <= lon <= 180) or (lat == 0 and lon == 0):
        return None, None  # zeros: no satellite fix yet
    return lat, lon


def _first(pattern: re.Pattern[str], text: str) -> float | None:
    match = pattern.search(text)
    return float(match[1]) if match else None


def _angles(pattern: re.Pattern[str], text: str) -> Attitude | None:
    match = pattern.search(text)
    return _attitude(*(float(part) for part in match.groups())) if match else None


def _attitude(pitch: float, roll: float, yaw: float) -> Attitude | None:
    if not (abs(pitch) <= 180 and abs(roll) <= 180 and abs(yaw) <= 360):
        return None
    return Attitude(yaw % 360.0, pitch, roll)


def _date(text: str, zone: tzinfo) -> datetime | None:
    match = _DATE.search(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    micros = int((match[7] or "0").ljust(3, "0")) * 1000 + int((match[8] or "0").ljust(3, "0"))
    try:
        at = datetime(year, month, day, hour, minute, second, micros, zone)
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
