"""What an autopilot's log says about one flight, joined: places, attitudes, states, and UTC.

Autopilots log each thing at its own rate and by the time since they were switched on. A sample is
made of each place; what else was said is brought to its instant. UTC comes from pairs of the two
clocks: each pair proves that a fix can't have been logged before it was made, so the greatest
difference is the nearest to the truth (see `telemetry.clock_offset`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import TelemetryUnreadable
from geo.positions import Altitude, Attitude, Datum, Position
from telemetry.clock_offset import GREATEST_DRIFT_PPM, USUAL_DELAY_S
from telemetry.flight_logs import FlightLog, LogHints, LossCount, flight_log
from telemetry.model import TelemetrySample, VehicleMode

Floats = NDArray[np.float64]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_UTC_S = datetime(2005, 1, 1, tzinfo=UTC).timestamp()
"""Before the first autopilot of either kind; an earlier time is a receiver that knows none."""
_LAST_UTC_S = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_PAIRS_MOST = 400
_ATTITUDE_GAP_S = 1.0
"""An attitude is not guessed over a longer silence."""
_STATE_LASTS_S = 30.0
"""What changes slowly is logged seldom; older than this it is not believed."""


@dataclass(slots=True)
class Places:
    """Where the vehicle was, one row for each instant since it was switched on."""

    boot_s: Floats
    lat_deg: Floats
    lon_deg: Floats
    altitude_m: Floats
    datum: Datum
    north_m_s: Floats | None = None
    east_m_s: Floats | None = None
    down_m_s: Floats | None = None
    horizontal_sigma_m: Floats | None = None
    vertical_sigma_m: Floats | None = None
    utc_s: Floats | None = None
    """Of the fix itself, where a receiver's own places are all there is: they were logged later."""


@dataclass(slots=True)
class Series:
    """Something that was said again and again."""

    boot_s: Floats
    values: Floats


@dataclass(slots=True)
class AutopilotTrack:
    """All that was read of one flight."""

    places: Places
    utc: Series
    """UTC in seconds since 1970 at instants since switching on."""
    angles_deg: tuple[Series, Series, Series] | None = None
    """Yaw, pitch and roll of the body."""
    battery_fraction: Series | None = None
    armed: Series | None = None
    on_ground: Series | None = None
    modes: Series | None = None
    """Codes, which `mode_of` turns into modes."""
    mode_of: Callable[[float], VehicleMode | None] = field(default=lambda code: None)


@dataclass(frozen=True, slots=True)
class BootClock:
    """UTC of instants since an autopilot was switched on."""

    boot_s: Floats
    offset_s: Floats
    """UTC minus time since switching on, at the best pairs."""

    @classmethod
    def of(cls, pairs: Series) -> "BootClock | None":
        """Returns the clock of pairs; `None` where none of them can be."""
        good = np.isfinite(pairs.values) & np.isfinite(pairs.boot_s)
        good &= (pairs.values > _FIRST_UTC_S) & (pairs.values < _LAST_UTC_S)
        boot, offset = pairs.boot_s[good], (pairs.values - pairs.boot_s)[good]
        if not len(boot):
            return None
        # a receiver that knew no time yet says one that is far off: the middle of all judges
        near = np.abs(offset - np.median(offset)) < 60.0
        boot, offset = boot[near], offset[near]
        if len(boot) > _PAIRS_MOST:  # the best of each stretch
            edges = np.linspace(boot.min(), boot.max(), _PAIRS_MOST)
            bins = np.digitize(boot, edges)
            best = np.lexsort((-offset, bins))
            _, first = np.unique(bins[best], return_index=True)
            boot, offset = boot[best[first]], offset[best[first]]
        return cls(boot, offset)

    def utc_s(self, boot_s: Floats) -> tuple[Floats, float]:
        """Returns UTC of instants, and its one-sigma uncertainty at the worst of them."""
        drift = GREATEST_DRIFT_PPM * 1e-6
        apart_s = np.abs(boot_s[:, None] - self.boot_s[None, :])
        least = np.max(self.offset_s[None, :] - apart_s * drift, axis=1)
        far = np.min(apart_s, axis=1) * drift
        sigma = (USUAL_DELAY_S + 2.0 * far) / np.sqrt(12.0)
        return boot_s + least + USUAL_DELAY_S / 2, float(sigma.max(initial=0.0))


def pairs_of_ground(came_s: Floats, boot_s: Floats) -> Series:
    """Returns pairs as `AutopilotTrack.utc` has them of when each message came to the ground.

    Each proves the contrary of a fix that was logged: it can't have come before it was said. The
    least difference is the nearest to the truth, and lies above it by no more than a usual delay.
    """
    edges = np.linspace(boot_s.min(), boot_s.max(), _PAIRS_MOST)
    bins = np.digitize(boot_s, edges)
    best = np.lexsort((came_s - boot_s, bins))
    _, first = np.unique(bins[best], return_index=True)
    at, bound = boot_s[best[first]], (came_s - boot_s)[best[first]]
    apart_s = np.abs(at[:, None] - at[None, :])
    most = np.min(bound[None, :] + apart_s * GREATEST_DRIFT_PPM * 1e-6, axis=1)
    return Series(at, at + most - USUAL_DELAY_S)


def joined(
    kind: str, track: AutopilotTrack, hints: LogHints, counted: LossCount, path: Path
) -> FlightLog:
    """Returns the samples of a track.

    Raises:
        TelemetryUnreadable: if there is no place in it, or it never says what time it was.
    """
    places = _sound(track.places, counted)
    if not len(places.boot_s):
        raise TelemetryUnreadable(
            "says nowhere where the vehicle was",
            where=str(path),
            cure="give a log of a flight with a satellite fix",
        )
    clock = BootClock.of(track.utc)
    if clock is None:
        raise TelemetryUnreadable(
            "never says the time of day, only the time since switching on",
            where=str(path),
            cure="give a log that was recorded with a satellite fix",
        )
    utc_s, sigma_s = _in_parts(clock, places.boot_s)
    if places.utc_s is not None:
        places.boot_s = places.boot_s + (places.utc_s - utc_s)
        utc_s = places.utc_s
    angles = _angles(track.angles_deg, places.boot_s)
    battery = _held(track.battery_fraction, places.boot_s)
    armed, landed = _held(track.armed, places.boot_s), _held(track.on_ground, places.boot_s)
    modes = _held(track.modes, places.boot_s)
    samples = []
    for n, seconds in enumerate(utc_s.tolist()):
        mode = None if np.isnan(modes[n]) else track.mode_of(float(modes[n]))
        samples.append(
            TelemetrySample(
                hints.asset_id,
                _EPOCH + timedelta(microseconds=round(seconds * 1e6)),
                Position(
                    float(places.lat_deg[n]),
                    float(places.lon_deg[n]),
                    Altitude(float(places.altitude_m[n]), places.datum),
                ),
                _one(places.north_m_s, n),
                _one(places.east_m_s, n),
                _one(places.down_m_s, n),
                attitude=angles[n],
                horizontal_sigma_m=_one(places.horizontal_sigma_m, n),
                vertical_sigma_m=_one(places.vertical_sigma_m, n),
                battery_fraction=None if np.isnan(battery[n]) else float(battery[n]),
                armed=None if np.isnan(armed[n]) else bool(armed[n]),
                mode=mode,
                on_ground=None if np.isnan(landed[n]) else bool(landed[n]),
            )
        )
    return flight_log(kind, samples, counted, clock_sigma_s=round(sigma_s, 4))


def _in_parts(clock: BootClock, boot_s: Floats) -> tuple[Floats, float]:
    parts = [clock.utc_s(boot_s[n : n + 5_000]) for n in range(0, len(boot_s), 5_000)]
    return np.concatenate([part for part, _ in parts]), max(sigma for _, sigma in parts)


def _sound(places: Places, counted: LossCount) -> Places:
    """Returns the places that can be, in order of time."""
    good = np.isfinite(places.boot_s) & np.isfinite(places.altitude_m)
    with np.errstate(invalid="ignore"):
        good &= (np.abs(places.lat_deg) <= 90) & (np.abs(places.lon_deg) <= 180)
        good &= (places.boot_s >= 0) & (places.boot_s < 1e8) & (np.abs(places.altitude_m) < 1e5)
        if places.utc_s is not None:
            good &= (places.utc_s > _FIRST_UTC_S) & (places.utc_s < _LAST_UTC_S)
        good &= (places.lat_deg != 0) | (places.lon_deg != 0)  # what a receiver says before a fix
    for _ in range(int((~good).sum())):
        counted.add("no_fix", "a place that can't be, or without a fix")
    order = np.flatnonzero(good)
    order = order[np.argsort(places.boot_s[order], kind="stable")]

    def kept(values: Floats | None) -> Floats | None:
        return None if values is None else values[order]

    return Places(
        places.boot_s[order], places.lat_deg[order], places.lon_deg[order],
        places.altitude_m[order], places.datum,
        kept(places.north_m_s), kept(places.east_m_s), kept(places.down_m_s),
        kept(places.horizontal_sigma_m), kept(places.vertical_sigma_m), kept(places.utc_s),
    )  # fmt: skip


def _one(values: Floats | None, n: int) -> float | None:
    if values is None or not np.isfinite(values[n]):
        return None
    return float(values[n])


def _held(series: Series | None, boot_s: Floats) -> Floats:
    """Returns what was said last before each instant, NaN where that is too long ago."""
    result = np.full(len(boot_s), np.nan)
    if series is None or not len(series.boot_s):
        return result
    order = np.argsort(series.boot_s, kind="stable")
    times, values = series.boot_s[order], series.values[order]
    index = np.searchsorted(times, boot_s, side="right") - 1
    fresh = (index >= 0) & (boot_s - times[np.maximum(index, 0)] <= _STATE_LASTS_S)
    result[fresh] = values[index[fresh]]
    return result


def _angles(series: tuple[Series, Series, Series] | None, boot_s: Floats) -> list[Attitude | None]:
    """Returns the attitude at each instant, between the two that lie about it."""
    if series is None or len(series[0].boot_s) < 2:
        return [None] * len(boot_s)
    times = series[0].boot_s
    order = np.argsort(times, kind="stable")
    times = times[order]
    after = np.clip(np.searchsorted(times, boot_s), 1, len(times) - 1)
    gap_s = times[after] - times[after - 1]
    inside = (boot_s >= times[after - 1]) & (boot_s <= times[after]) & (gap_s <= _ATTITUDE_GAP_S)
    found = []
    for one in series:
        turns = np.unwrap(np.radians(one.values[order]))
        found.append(np.degrees(np.interp(boot_s, times, turns)))
    yaw, pitch, roll = found
    good = inside & np.isfinite(yaw) & np.isfinite(pitch) & np.isfinite(roll)
    good &= np.abs(pitch) <= 90.0 + 1e-6
    return [
        Attitude(float(yaw[n] % 360.0), float(pitch[n]), float((roll[n] + 180.0) % 360.0 - 180.0))
        if good[n]
        else None
        for n in range(len(boot_s))
    ]


def angles_of(q: NDArray[np.float64]) -> tuple[Floats, Floats, Floats]:
    """Returns yaw, pitch and roll in degrees of quaternions (w, x, y, z) body to north-east-down.

    A row that is no rotation gives NaN.
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        length = np.sqrt((q**2).sum(axis=1))
        w, x, y, z = (q / length[:, None]).T
        yaw = np.degrees(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))
        pitch = np.degrees(np.arcsin(np.clip(2 * (w * y - z * x), -1.0, 1.0)))
        roll = np.degrees(np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)))
        bad = ~np.isfinite(length) | (np.abs(length - 1.0) > 0.1)
    for angle in (yaw, pitch, roll):
        angle[bad] = np.nan
    return yaw, pitch, roll
