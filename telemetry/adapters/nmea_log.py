"""NMEA 0183 as receivers log it: fixes of GGA and RMC, errors of GST, joined by their time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from core.errors import TelemetryUnreadable
from geo.positions import Datum, Position
from telemetry.adapters.nmea_sentences import (
    LONGEST,
    READERS,
    Fix,
    NotASentence,
    second_of,
    sentence,
)
from telemetry.flight_logs import FlightLog, LogHints, LossCount, flight_log
from telemetry.model import TelemetrySample


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


def _days(fixes: list[Fix], first: int | None, told: date | None) -> list[date]:
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


def _sample(fix: Fix, day: date, hints: LogHints, counted: LossCount) -> TelemetrySample | None:
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


def _fixes(path: Path, counted: LossCount) -> Iterator[Fix]:
    fix: Fix | None = None
    for kind, words, where in _sentences(path, counted):
        if kind not in ("GGA", "RMC", "GST", "ZDA"):
            counted.add(f"not_read_{kind.lower()}", f"{where}: {kind} is not read")
            continue
        try:
            second = second_of(words[0])
            if fix is None or fix.second != second:
                if fix is not None:
                    yield fix
                fix = Fix(second, where)
            READERS[kind](fix, words)
        except (ValueError, IndexError):
            counted.add("broken", f"{where}: a {kind} that can't be read")
    if fix is not None:
        yield fix


def _sentences(path: Path, counted: LossCount) -> Iterator[tuple[str, list[str], str]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST):
            number += 1
            where = f"line {number}"
            if not line.strip():
                continue
            try:
                kind, words = sentence(line)
            except NotASentence as error:
                counted.add(error.code, f"{where} {error.what}")
                continue
            yield kind, words, where
