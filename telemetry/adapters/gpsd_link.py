"""gpsd's JSON protocol: the TPV reports of a daemon that shares a receiver.

https://gpsd.gitlab.io/gpsd/gpsd_json.html
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from core.ids import AssetId
from geo.positions import Altitude, Datum, Position
from telemetry.flight_logs import LogLoss, LossCount
from telemetry.model import TelemetrySample

HELLO = b'?WATCH={"enable":true,"json":true};\n'
PORT = 2947
_LONGEST = 20_000
"""Of a line: a SKY report of many satellites has some thousands of characters."""
_WORSE_M = 100.0
"""A fix this wrong (one sigma) is none."""


class GpsdDecoder:
    """A `Decoder` of gpsd's reports."""

    def __init__(self, asset_id: AssetId, *, on_ground: bool) -> None:
        """Starts with nothing heard.

        Args:
            asset_id: whose samples.
            on_ground: whether a place without a height is on the ground, as a car's.
        """
        self._asset_id, self._on_ground = asset_id, on_ground
        self._buffer = b""
        self._counted = LossCount()

    @property
    def losses(self) -> tuple[LogLoss, ...]:
        """What could not be read or was refused so far, counted by kind."""
        return self._counted.losses()

    def broken_off(self) -> None:
        """Forgets a half line."""
        self._buffer = b""

    def feed(self, chunk: bytes) -> Sequence[TelemetrySample]:
        """Takes bytes and returns the samples that are whole now."""
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        if len(self._buffer) > _LONGEST:
            self._counted.add("not_json", "bytes without an end of a line")
            self._buffer = b""
        found = (self._report(line) for line in lines if line.strip())
        return [sample for sample in found if sample is not None]

    def _report(self, line: bytes) -> TelemetrySample | None:
        try:
            report = json.loads(line[:_LONGEST])
        except (ValueError, RecursionError):
            self._counted.add("not_json", "a line is no JSON")
            return None
        if not isinstance(report, dict) or report.get("class") != "TPV":
            return None
        at = _instant(report.get("time"))
        if at is None:
            self._counted.add("no_time", "a report without a time")
            return None
        position = self._position(report)
        if position is None:
            return TelemetrySample(self._asset_id, at)
        north, east = _velocity(report)
        down = _number(report, "climb")
        return TelemetrySample(
            self._asset_id,
            at,
            position,
            north,
            east,
            None if down is None else -down,
            horizontal_sigma_m=_sigma_m(report),
            vertical_sigma_m=_number(report, "epv"),
            on_ground=self._on_ground or None,
        )

    def _position(self, report: Mapping[str, Any]) -> Position | None:
        """Returns where a fix is; `None`, counted, where it is none or too rough."""
        mode = report.get("mode")
        lat, lon = _number(report, "lat"), _number(report, "lon")
        # status 6 and 8 are dead reckoning and simulation
        if mode not in (2, 3) or lat is None or lon is None or report.get("status") in (6, 8):
            self._counted.add("no_fix", "a report without a fix by satellites")
            return None
        sigma_m = _sigma_m(report)
        if sigma_m is not None and sigma_m > _WORSE_M:
            self._counted.add("too_rough", f"a fix is wrong by {sigma_m:.0f} m or so")
            return None
        height = self._height(report, solid=mode == 3)
        if height is None or abs(lat) > 90 or abs(lon) > 180:
            self._counted.add("no_height", "a fix without a height, or no place on Earth")
            return None
        return Position(lat, lon, height)

    def _height(self, report: Mapping[str, Any], *, solid: bool) -> Altitude | None:
        sea_m, ellipsoid_m = _number(report, "altMSL"), _number(report, "altHAE")
        if solid and sea_m is not None:
            return Altitude(sea_m, Datum.GEOID)
        if solid and ellipsoid_m is not None:
            return Altitude(ellipsoid_m, Datum.ELLIPSOID)
        if self._on_ground:  # the older `alt` never says what it is counted from
            return Altitude(0.0, Datum.GROUND)
        return None


def _number(report: Mapping[str, Any], key: str) -> float | None:
    value = report.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _sigma_m(report: Mapping[str, Any]) -> float | None:
    """Returns the one-sigma error along one axis.

    gpsd says of its estimates "certainty unknown": taken as one sigma they are rather too large.
    """
    east, north = _number(report, "epx"), _number(report, "epy")
    if east is not None and north is not None:
        return math.hypot(east, north) / math.sqrt(2.0)
    return _number(report, "eph")


def _velocity(report: Mapping[str, Any]) -> tuple[float | None, float | None]:
    speed, course = _number(report, "speed"), _number(report, "track")
    if speed is None or (course is None and speed != 0.0):
        return None, None
    turn = math.radians(course or 0.0)
    return speed * math.cos(turn), speed * math.sin(turn)


def _instant(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if at.tzinfo is None else at.astimezone(UTC)
