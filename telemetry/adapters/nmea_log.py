"""NMEA 0183 as receivers log it: fixes of GGA and RMC, errors of GST, joined by their time."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from itertools import pairwise
from operator import xor
from pathlib import Path

from core.errors import TelemetryUnreadable
from geo.positions import Datum, Position
from telemetry.flight_logs import FlightLog, LogHints, LossCount, flight_log
from telemetry.model import TelemetrySample

_SENTENCE = re.compile(r"\$([A-Z]{2})([A-Z]{3}),([^*$\r\n]*)(?:\*([0-9A-Fa-f]{2}))?")
_LONGEST = 1_000
"""Of a line; the standard has 82."""
_KNOT_M_S = 1852 / 3600


@dataclass(slots=True)
class _Fix:
    """What the sentences of one time of day say."""

    second: float
    where: str
    lat: float | None = None
    lon: float | None = None
    sea_m: float | None = None
    north_m_s: float | None = None
    east_m_s: float | None = None
    horizontal_sigma_m: float | None = None
    vertical_sigma_m: float | None = None
    day: date | None = None
    bad: bool = False
    """Whether the receiver says that it has no fix."""


def read_nmea(path: Path, hints: LogHints) -> FlightLog:
    """Returns the fixes of a file as samples; heights are above the geoid, times are UTC.

    Dates come with RMC and ZDA; fixes before the first are dated by it, or by `hints.day`. Midnight
    is seen by the time of day going back.

    Raises:
        TelemetryUnreadable: if it holds no sentence with a fix, or never says the day.
    """
    counted = LossCount()
    fixes = list(_fixes(path, counted))
    first = next((i for i, fix in enumerate(fixes) if fix.day is not None), None)
    if not fixes or (first is None and hints.day is None):
        what = "holds no fix" if not fixes else "never says the day, only times of day"
        cure = "give the receiver's own log" if not fixes else "tell the day by --day 2026-11-20"
        raise TelemetryUnreadable(what, where=str(path), cure=cure)
    days = _days(fixes, first, hints.day)
    samples = []
    for fix, day in zip(fixes, days, strict=True):
        sample = _sample(fix, day, hints, counted)
        if sample is not None:
            samples.append(sample)
    return flight_log("nmea", samples, counted)


def _days(fixes: list[_Fix], first: int | None, told: date | None) -> list[date]:
    """Returns the day of each fix: told ones as they are, between them by midnights."""
    turns = [0]
    for before, fix in pairwise(fixes):
        turns.append(turns[-1] + (fix.second < before.second - 43_200))
    start, turn = told or date(1970, 1, 1), 0
    if first is not None and fixes[first].day is not None:
        start, turn = fixes[first].day or start, turns[first]
    days = []
    for fix, now in zip(fixes, turns, strict=True):
        if fix.day is not None:
            start, turn = fix.day, now
        days.append(start + timedelta(days=now - turn))
    return days


def _sample(fix: _Fix, day: date, hints: LogHints, counted: LossCount) -> TelemetrySample | None:
    if fix.bad or fix.lat is None or fix.lon is None:
        counted.add("no_fix", f"{fix.where} is without a fix")
        return None
    height = hints.height(fix.sea_m, Datum.GEOID)
    if height is None:
        counted.add("no_height", f"{fix.where} gives no height (no GGA)")
        return None
    return TelemetrySample(
        hints.asset_id,
        datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=fix.second),
        Position(fix.lat, fix.lon, height),
        fix.north_m_s,
        fix.east_m_s,
        horizontal_sigma_m=fix.horizontal_sigma_m,
        vertical_sigma_m=fix.vertical_sigma_m,
        on_ground=hints.on_ground or None,
    )


def _fixes(path: Path, counted: LossCount) -> Iterator[_Fix]:
    fix: _Fix | None = None
    for kind, words, where in _sentences(path, counted):
        if kind not in ("GGA", "RMC", "GST", "ZDA"):
            counted.add(f"not_read_{kind.lower()}", f"{where}: {kind} is not read")
            continue
        try:
            second = _second(words[0])
            if fix is None or fix.second != second:
                if fix is not None:
                    yield fix
                fix = _Fix(second, where)
            _READERS[kind](fix, words)
        except (ValueError, IndexError):
            counted.add("broken", f"{where}: a {kind} that can't be read")
    if fix is not None:
        yield fix


def _sentences(path: Path, counted: LossCount) -> Iterator[tuple[str, list[str], str]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LONGEST):
            number += 1
            where = f"line {number}"
            match = _SENTENCE.search(line.decode("ascii", "replace"))
            if match is None:
                if line.strip():
                    counted.add("not_nmea", f"{where} is no NMEA sentence")
                continue
            talker, kind, body, checksum = match.groups()
            if checksum is None:
                counted.add("no_checksum", f"{where} has no checksum and is not trusted")
            elif int(checksum, 16) != reduce(xor, f"{talker}{kind},{body}".encode()):
                counted.add("bad_checksum", f"{where} has a wrong checksum")
            else:
                yield kind, body.split(","), where


def _second(text: str) -> float:
    hours, minutes, seconds = int(text[:2]), int(text[2:4]), float(text[4:])
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 61):
        raise ValueError(text)
    return hours * 3600 + minutes * 60 + seconds


def _place(words: list[str]) -> tuple[float | None, float | None]:
    lat, north, lon, east = words
    if not (lat and lon):
        return None, None
    found = []
    for text, side, most in ((lat, north, 90.0), (lon, east, 180.0)):
        dot = text.index(".") if "." in text else len(text)
        minutes = float(text[dot - 2 :])
        degrees = int(text[: dot - 2]) + minutes / 60
        if not (0 <= minutes < 60 and degrees <= most and side in "NSEW" and side):
            raise ValueError(text)
        found.append(-degrees if side in "SW" else degrees)
    return found[0], found[1]


def _finite(text: str) -> float | None:
    if not text:
        return None
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _gga(fix: _Fix, words: list[str]) -> None:
    place, height = _place(words[1:5]), _finite(words[8])
    fix.bad |= words[5] in ("", "0")
    (fix.lat, fix.lon), fix.sea_m = place, height


def _rmc(fix: _Fix, words: list[str]) -> None:
    place, knots, course = _place(words[2:6]), _finite(words[6]), _finite(words[7])
    fix.bad |= words[1] != "A"
    if fix.lat is None:
        fix.lat, fix.lon = place
    if knots is not None and course is not None:
        fix.north_m_s = knots * _KNOT_M_S * math.cos(math.radians(course))
        fix.east_m_s = knots * _KNOT_M_S * math.sin(math.radians(course))
    if words[8]:
        day, month, year = (int(words[8][i : i + 2]) for i in (0, 2, 4))
        fix.day = date(year + (1900 if year >= 80 else 2000), month, day)


def _gst(fix: _Fix, words: list[str]) -> None:
    lat_m, lon_m, up_m = (_finite(word) for word in words[5:8])
    if lat_m is not None and lon_m is not None:
        fix.horizontal_sigma_m = math.hypot(lat_m, lon_m) / math.sqrt(2)
    fix.vertical_sigma_m = up_m


def _zda(fix: _Fix, words: list[str]) -> None:
    day = date(int(words[3]), int(words[2]), int(words[1]))
    if not 1980 <= day.year < 2100:  # GPS began in 1980
        raise ValueError(words[3])
    fix.day = day


_READERS = {"GGA": _gga, "RMC": _rmc, "GST": _gst, "ZDA": _zda}
