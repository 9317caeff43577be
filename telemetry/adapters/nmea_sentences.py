"""NMEA 0183 sentence by sentence: what each of GGA, RMC, GST and ZDA says about one instant."""

import math
import re
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import xor

_SENTENCE = re.compile(r"\$([A-Z]{2})([A-Z]{3}),([^*$\r\n]*)(?:\*([0-9A-Fa-f]{2}))?")
LONGEST = 1_000
"""Of a line; the standard has 82."""
_KNOT_M_S = 1852 / 3600


class NotASentence(ValueError):
    """A line is no sentence that may be trusted; its code and words say why."""

    def __init__(self, code: str, what: str) -> None:
        """Keeps the stable code and the words, which follow the place."""
        super().__init__(what)
        self.code, self.what = code, what


@dataclass(slots=True)
class Fix:
    """What the sentences of one time of day say."""

    second: float
    """Of the day, UTC."""
    where: str
    lat: float | None = None
    lon: float | None = None
    sea_m: float | None = None
    north_m_s: float | None = None
    east_m_s: float | None = None
    horizontal_sigma_m: float | None = None
    vertical_sigma_m: float | None = None
    day: date | None = None
    hdop: float | None = None
    """Dilution of precision: how much the satellites' places widen the error."""
    course_deg: float | None = None
    bad: bool = False
    """Whether the receiver says that it has no fix."""


def sentence(line: bytes) -> tuple[str, list[str]]:
    """Returns the kind and the words of a sentence.

    Raises:
        NotASentence: if it is none, or its checksum is missing or wrong.
    """
    match = _SENTENCE.search(line.decode("ascii", "replace"))
    if match is None:
        raise NotASentence("not_nmea", "is no NMEA sentence")
    talker, kind, body, checksum = match.groups()
    if checksum is None:
        raise NotASentence("no_checksum", "has no checksum and is not trusted")
    if int(checksum, 16) != reduce(xor, f"{talker}{kind},{body}".encode()):
        raise NotASentence("bad_checksum", "has a wrong checksum")
    return kind, body.split(",")


def second_of(text: str) -> float:
    """Returns the second of the day that `hhmmss.ss` names.

    Raises:
        ValueError: if it names none.
    """
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


def _gga(fix: Fix, words: list[str]) -> None:
    place, height = _place(words[1:5]), _finite(words[8])
    fix.bad |= words[5] in ("", "0")
    (fix.lat, fix.lon), fix.sea_m = place, height
    fix.hdop = _finite(words[7])


def _rmc(fix: Fix, words: list[str]) -> None:
    place, knots, course = _place(words[2:6]), _finite(words[6]), _finite(words[7])
    fix.bad |= words[1] != "A"
    if fix.lat is None:
        fix.lat, fix.lon = place
    fix.course_deg = course
    if knots is not None and course is not None:
        fix.north_m_s = knots * _KNOT_M_S * math.cos(math.radians(course))
        fix.east_m_s = knots * _KNOT_M_S * math.sin(math.radians(course))
    if words[8]:
        day, month, year = (int(words[8][i : i + 2]) for i in (0, 2, 4))
        fix.day = date(year + (1900 if year >= 80 else 2000), month, day)


def _gst(fix: Fix, words: list[str]) -> None:
    lat_m, lon_m, up_m = (_finite(word) for word in words[5:8])
    if lat_m is not None and lon_m is not None:
        fix.horizontal_sigma_m = math.hypot(lat_m, lon_m) / math.sqrt(2)
    fix.vertical_sigma_m = up_m


def _zda(fix: Fix, words: list[str]) -> None:
    day = date(int(words[3]), int(words[2]), int(words[1]))
    if not 1980 <= day.year < 2100:  # GPS began in 1980
        raise ValueError(words[3])
    fix.day = day


READERS = {"GGA": _gga, "RMC": _rmc, "GST": _gst, "ZDA": _zda}
"""What reads each kind; raises ValueError or IndexError where it can't."""
