"""GPX 1.0 and 1.1 tracks: places with times; a file that is cut off gives what it holds."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from core.errors import TelemetryUnreadable
from geo.positions import Datum, Position
from telemetry.flight_logs import FlightLog, LogHints, LossCount, flight_log
from telemetry.model import TelemetrySample

_LONGEST_TEXT = 200
_FIELDS = {"ele", "time", "speed", "course"}


def read_gpx(path: Path, hints: LogHints) -> FlightLog:
    """Returns the track points of a file as samples.

    Heights (`ele`) are metres with no stated datum: above the geoid unless `hints` say otherwise,
    which is told as a loss. Times are UTC by the standard; one without a zone is read in that of
    `hints`. Routes and waypoints have no times and are left out.

    Raises:
        TelemetryUnreadable: if it is no GPX, or declares a document type.
    """
    return _Reader(path, hints).read()


class _Reader:
    def __init__(self, path: Path, hints: LogHints) -> None:
        self.path, self.hints = path, hints
        self.counted, self.samples = LossCount(), list[TelemetrySample]()
        self.open: list[str] = []
        self.point: dict[str, str] | None = None
        self.text = ""
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def read(self) -> FlightLog:
        try:
            with self.path.open("rb") as file:
                self.parser.ParseFile(file)
        except expat.ExpatError as error:
            if not self.samples:
                raise self._unreadable(f"is no GPX: {error}") from error
            self.counted.add("cut_off", f"the file ends or breaks at line {error.lineno}")
        return flight_log("gpx", self.samples, self.counted)

    def _unreadable(self, what: str) -> TelemetryUnreadable:
        cure = "save it again as GPX 1.1 with the program that wrote it"
        return TelemetryUnreadable(what, where=str(self.path), cure=cure)

    def _doctype(self, *_: object) -> NoReturn:
        raise self._unreadable("declares a document type, which GPX has none of")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        word = name.rpartition(" ")[2]
        if not self.open and word != "gpx":
            raise self._unreadable(f"is no GPX: it begins with <{word[:40]}>")
        self.open.append(word)
        self.text = ""
        if word == "trkpt":
            self.point = {key: attributes[key] for key in ("lat", "lon") if key in attributes}
        elif word in ("rtept", "wpt"):
            self.counted.add("no_time", f"a {word} at {self._where()} is no track point")

    def _characters(self, text: str) -> None:
        if len(self.text) < _LONGEST_TEXT:
            self.text += text

    def _end(self, name: str) -> None:
        word = self.open.pop()
        if self.point is None:
            return
        if word in _FIELDS and self.open[-1] == "trkpt":
            self.point[word] = self.text.strip()
        elif word == "trkpt":
            self._take(self.point)
            self.point = None

    def _where(self) -> str:
        return f"line {self.parser.CurrentLineNumber}"

    def _take(self, point: dict[str, str]) -> None:
        where = self._where()
        at = self._time(point.get("time", ""), where)
        if at is None:
            return
        lat, lon = _number(point.get("lat")), _number(point.get("lon"))
        if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:
            self.counted.add("no_place", f"{where} gives no place on Earth")
            return
        metres = _number(point.get("ele"))
        if metres is not None and self.hints.datum is None:
            self.counted.add("datum_assumed", f"heights from {where} on, taken as above the geoid")
        height = self.hints.height(metres, self.hints.datum or Datum.GEOID)
        if height is None:
            self.counted.add("no_height", f"{where} gives no height")
            return
        speed, course = _number(point.get("speed")), _number(point.get("course"))
        north = east = None
        if speed is not None and course is not None:
            north = speed * math.cos(math.radians(course))
            east = speed * math.sin(math.radians(course))
        asset_id, ground = self.hints.asset_id, self.hints.on_ground or None
        self.samples.append(
            TelemetrySample(asset_id, at, Position(lat, lon, height), north, east, on_ground=ground)
        )

    def _time(self, text: str, where: str) -> datetime | None:
        try:
            at = datetime.fromisoformat(text)
            if at.tzinfo is None:
                self.counted.add(
                    "no_zone", f"{where}: {text} names no zone, read in {self.hints.zone}"
                )
                at = at.replace(tzinfo=self.hints.zone)
            return at.astimezone(UTC)
        except (ValueError, OverflowError):
            self.counted.add("no_time", f"{where} gives no time")
            return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
