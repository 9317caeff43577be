"""What a log file of a vehicle says, as samples, and what of it was not understood or not given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, tzinfo

from core.ids import AssetId
from geo.positions import Altitude, Datum
from telemetry.model import TelemetrySample


@dataclass(frozen=True, slots=True)
class LogLoss:
    """One kind of thing that a log file did not give, or that was not understood in it."""

    code: str
    """Stable, such as `no_time`, `no_height`, `cut_off`, `datum_assumed`."""
    what: str
    """For a person, with the first place where it was met."""
    count: int = 1


@dataclass(frozen=True, slots=True)
class FlightLog:
    """A log file that was read."""

    kind: str
    """`gpx`, `nmea`, `ulog`, `dataflash` or `tlog`."""
    samples: tuple[TelemetrySample, ...]
    """In order of time, each instant once; `ReplayLink` tells them again."""
    losses: tuple[LogLoss, ...]
    clock_sigma_s: float | None = None
    """One-sigma uncertainty of the times, where they were joined to UTC; `None` where they are
    of the receiver itself."""


@dataclass(frozen=True, slots=True)
class LogHints:
    """What a person knows of a log file and the file itself does not say."""

    asset_id: AssetId
    on_ground: bool = False
    """A car's: a place without a height is then on the ground."""
    datum: Datum | None = None
    """What heights are counted from, where the format does not say; else the geoid is assumed."""
    zone: tzinfo = UTC
    """Of times that name none."""
    day: date | None = None
    """Of the first fix, where a file gives times of day alone."""

    def height(self, metres: float | None, datum: Datum) -> Altitude | None:
        """Returns a height above a datum, or the ground's for a car without one."""
        if metres is not None:
            return Altitude(metres, datum)
        return Altitude(0.0, Datum.GROUND) if self.on_ground else None


class LossCount:
    """Counts losses by code as a file is read, and keeps the first of each in words."""

    def __init__(self) -> None:
        """Starts with none."""
        self._found: dict[str, tuple[str, int]] = {}

    def add(self, code: str, what: str) -> None:
        """Counts one."""
        first, count = self._found.get(code, (what, 0))
        self._found[code] = (first, count + 1)

    def losses(self) -> tuple[LogLoss, ...]:
        """Returns what was counted, in the order in which each was met first."""
        return tuple(LogLoss(code, what, count) for code, (what, count) in self._found.items())


def flight_log(
    kind: str,
    samples: Sequence[TelemetrySample],
    counted: LossCount,
    *,
    clock_sigma_s: float | None = None,
) -> FlightLog:
    """Returns a log of samples in any order; of one instant the first is kept, and it is told."""
    by_time: dict[object, TelemetrySample] = {}
    for sample in samples:
        if by_time.setdefault(sample.at, sample) is not sample:
            counted.add("repeated", f"a second fix of {sample.at:%Y-%m-%dT%H:%M:%SZ}")
    ordered = sorted(by_time.values(), key=lambda sample: sample.at)
    return FlightLog(kind, tuple(ordered), counted.losses(), clock_sigma_s)
