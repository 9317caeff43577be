"""NMEA 0183 as a receiver speaks it: sentences of one instant joined, told as soon as they can be.

A position is given only with a fix by satellites: one that the receiver guesses (dead reckoning),
was told by hand or simulates is refused, and the sample then says that it is alive and no more.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from core.ids import AssetId
from geo.positions import Datum, Position
from telemetry.adapters.nmea_sentences import (
    LONGEST,
    READERS,
    Fix,
    NotASentence,
    second_of,
    sentence,
)
from telemetry.flight_logs import LogHints, LogLoss, LossCount
from telemetry.model import TelemetrySample

UERE_M = 5.0
"""One-sigma error of a single range; times the dilution of precision it is that of the place.
Civil single-frequency receivers among houses are not as good as the 1 to 2 m of open fields."""
_WORSE_M = 100.0
"""A fix this wrong (one sigma) is none."""
_GUESSED = frozenset({"6", "7", "8"})
"""GGA's qualities of estimated, manual and simulated places."""
_HALF_DAY_S = 43_200.0
_NEVER_SAID = "the day is taken from the station's clock"


class NmeaDecoder:
    """A `Decoder` of NMEA 0183."""

    def __init__(self, asset_id: AssetId, now: Callable[[], datetime], *, on_ground: bool) -> None:
        """Starts with nothing heard.

        Args:
            asset_id: whose samples.
            now: the station's clock, for the day where the receiver tells the time alone.
            on_ground: whether a place without a height is on the ground, as a car's.
        """
        self._hints = LogHints(asset_id, on_ground)
        self._now = now
        self._buffer = b""
        self._fix: Fix | None = None
        self._heard: set[str] = set()
        self._told: float | None = None
        self._counted = LossCount()
        self._lines = 0

    @property
    def losses(self) -> tuple[LogLoss, ...]:
        """What could not be read or was refused so far, counted by kind."""
        return self._counted.losses()

    def broken_off(self) -> None:
        """Forgets a half line and a half fix."""
        self._buffer, self._fix, self._heard = b"", None, set()

    def feed(self, chunk: bytes) -> Sequence[TelemetrySample]:
        """Takes bytes and returns the samples that are whole now."""
        *lines, self._buffer = (self._buffer + chunk).replace(b"\r", b"\n").split(b"\n")
        if len(self._buffer) > LONGEST:
            self._counted.add("not_nmea", "bytes without an end of a line")
            self._buffer = b""
        found = []
        for line in lines:
            if line.strip():
                self._lines += 1
                found += self._take(line[:LONGEST])
        return found

    def _take(self, line: bytes) -> list[TelemetrySample]:
        where = f"line {self._lines}"
        try:
            kind, words = sentence(line)
        except NotASentence as error:
            self._counted.add(error.code, f"{where} {error.what}")
            return []
        if kind not in ("GGA", "RMC", "GST"):
            return []  # receivers say much that has no place in a sample
        found: list[TelemetrySample] = []
        try:
            second = second_of(words[0])
            if self._fix is None or self._fix.second != second:
                found = self._ended()
                self._fix, self._heard = Fix(second, where), set()
            READERS[kind](self._fix, words)
            self._fix.bad |= _is_guessed(kind, words)
        except (ValueError, IndexError):
            self._counted.add("broken", f"{where}: a {kind} that can't be read")
            return found
        self._heard.add(kind)
        if {"GGA", "RMC"} <= self._heard:  # nothing that is needed is still to come
            found += self._ended()
        return found

    def _ended(self) -> list[TelemetrySample]:
        fix = self._fix
        if fix is None or not self._heard & {"GGA", "RMC"} or self._told == fix.second:
            return []
        self._told = fix.second
        return [self._sample(fix)]

    def _sample(self, fix: Fix) -> TelemetrySample:
        at = self._instant(fix)
        none = TelemetrySample(self._hints.asset_id, at)
        if fix.bad or fix.lat is None or fix.lon is None:
            self._counted.add("no_fix", f"{fix.where} is without a fix by satellites")
            return none
        sigma_m = fix.horizontal_sigma_m
        if sigma_m is None and fix.hdop is not None:
            sigma_m = fix.hdop * UERE_M
        if sigma_m is not None and sigma_m > _WORSE_M:
            self._counted.add("too_rough", f"{fix.where} is wrong by {sigma_m:.0f} m or so")
            return none
        height = self._hints.height(fix.sea_m, Datum.GEOID)
        if height is None:
            self._counted.add("no_height", f"{fix.where} gives no height")
            return none
        return TelemetrySample(
            self._hints.asset_id,
            at,
            Position(fix.lat, fix.lon, height),
            fix.north_m_s,
            fix.east_m_s,
            horizontal_sigma_m=sigma_m,
            vertical_sigma_m=fix.vertical_sigma_m,
            on_ground=self._hints.on_ground or None,
        )

    def _instant(self, fix: Fix) -> datetime:
        if fix.day is not None:
            start = datetime(fix.day.year, fix.day.month, fix.day.day, tzinfo=UTC)
            return start + timedelta(seconds=fix.second)
        self._counted.add("day_assumed", _NEVER_SAID)
        now = self._now()
        start = now.replace(hour=0, minute=0, second=0, microsecond=0)
        at = start + timedelta(seconds=fix.second)
        apart_s = (at - now).total_seconds()
        if abs(apart_s) > _HALF_DAY_S:  # midnight lies between the two clocks
            at -= timedelta(days=1 if apart_s > 0 else -1)
        return at


def _is_guessed(kind: str, words: list[str]) -> bool:
    if kind == "GGA":
        return words[5] in _GUESSED
    return kind == "RMC" and len(words) > 11 and words[11] in ("E", "M", "N", "S")
