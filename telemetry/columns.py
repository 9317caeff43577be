"""Samples of one asset as columns: whole numbers of memory instead of thousands of objects.

An hour of a vehicle is 36,000 samples. As columns it is read from the log in milliseconds; the
samples themselves are made when somebody takes them out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self, overload

import numpy as np
from numpy.typing import NDArray

from core.ids import AssetId
from geo.positions import Altitude, Attitude, Datum, Position
from telemetry.model import TelemetrySample, VehicleMode

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

DATUMS: Final = (Datum.ELLIPSOID, Datum.GEOID, Datum.GROUND, Datum.HOME)
"""By code, counted from 1; a code is kept for ever and new ones go to the end."""
MODES: Final = (
    VehicleMode.UNKNOWN, VehicleMode.STANDBY, VehicleMode.TAKEOFF, VehicleMode.MISSION,
    VehicleMode.HOLD, VehicleMode.RETURN, VehicleMode.LAND, VehicleMode.MANUAL,
    VehicleMode.GUIDED,
)  # fmt: skip
"""As `DATUMS`."""
_DATUM_CODES = {datum: code for code, datum in enumerate(DATUMS, 1)}
_MODE_CODES = {mode: code for code, mode in enumerate(MODES, 1)}
_FLAG_CODES = {None: 0, False: 1, True: 2}
_FLAGS = (None, False, True)

RECORD: Final = np.dtype(
    [
        ("at_us", "<i8"),
        ("said", "<u2"),
        *(
            (name, "<f8")
            for name in (
                "lat_deg", "lon_deg", "altitude_m", "north_m_s", "east_m_s", "down_m_s",
                "yaw_deg", "pitch_deg", "roll_deg",
                "camera_yaw_deg", "camera_pitch_deg", "camera_roll_deg",
                "horizontal_sigma_m", "vertical_sigma_m", "battery_fraction",
            )
        ),
        ("datum", "u1"),
        ("mode", "u1"),
        ("armed", "u1"),
        ("on_ground", "u1"),
    ]
)  # fmt: skip
"""One sample as a packed record: what was not said is zero and its bit of `said` is off."""

_POSITION, _NORTH, _EAST, _DOWN, _BODY, _CAMERA, _H_SIGMA, _V_SIGMA, _BATTERY = (
    1 << bit for bit in range(9)
)
SAID: Final = {
    "lat_deg": _POSITION, "lon_deg": _POSITION, "altitude_m": _POSITION,
    "north_m_s": _NORTH, "east_m_s": _EAST, "down_m_s": _DOWN,
    "yaw_deg": _BODY, "pitch_deg": _BODY, "roll_deg": _BODY,
    "camera_yaw_deg": _CAMERA, "camera_pitch_deg": _CAMERA, "camera_roll_deg": _CAMERA,
    "horizontal_sigma_m": _H_SIGMA, "vertical_sigma_m": _V_SIGMA, "battery_fraction": _BATTERY,
}  # fmt: skip
"""The bit of `said` that stands for each number."""


def microseconds(at: datetime) -> int:
    """Returns an instant as microseconds since 1970 in UTC.

    Raises:
        ValueError: if it has no zone.
    """
    if at.tzinfo is None:
        raise ValueError("a sample's time must have a zone")
    past = at - _EPOCH
    return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds


def instant(at_us: int) -> datetime:
    """Returns the instant of microseconds since 1970 in UTC."""
    return _EPOCH + timedelta(microseconds=at_us)


def record_values(sample: TelemetrySample, at_us: int) -> tuple[Any, ...]:
    """Returns a sample as the values of one `RECORD`, in its order."""
    said = 0
    lat = lon = height = yaw = pitch = roll = c_yaw = c_pitch = c_roll = 0.0
    datum = 0
    position, body, camera = sample.position, sample.attitude, sample.camera
    if position is not None:
        said = _POSITION
        altitude = position.altitude
        lat, lon, height = position.lat_deg, position.lon_deg, altitude.metres
        datum = _DATUM_CODES[altitude.datum]
    if body is not None:
        said |= _BODY
        yaw, pitch, roll = body.yaw_deg, body.pitch_deg, body.roll_deg
    if camera is not None:
        said |= _CAMERA
        c_yaw, c_pitch, c_roll = camera.yaw_deg, camera.pitch_deg, camera.roll_deg
    north, east, down = sample.north_m_s, sample.east_m_s, sample.down_m_s
    h_sigma, v_sigma = sample.horizontal_sigma_m, sample.vertical_sigma_m
    battery = sample.battery_fraction
    if north is None:
        north = 0.0
    else:
        said |= _NORTH
    if east is None:
        east = 0.0
    else:
        said |= _EAST
    if down is None:
        down = 0.0
    else:
        said |= _DOWN
    if h_sigma is None:
        h_sigma = 0.0
    else:
        said |= _H_SIGMA
    if v_sigma is None:
        v_sigma = 0.0
    else:
        said |= _V_SIGMA
    if battery is None:
        battery = 0.0
    else:
        said |= _BATTERY
    return (
        at_us, said, lat, lon, height, north, east, down, yaw, pitch, roll,
        c_yaw, c_pitch, c_roll, h_sigma, v_sigma, battery, datum,
        0 if sample.mode is None else _MODE_CODES[sample.mode],
        _FLAG_CODES[sample.armed], _FLAG_CODES[sample.on_ground],
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SampleColumns(Sequence[TelemetrySample]):
    """Samples of one asset in order of time, kept as columns; a sequence of samples to others."""

    asset_id: AssetId
    columns: dict[str, NDArray[Any]]
    """One array for each field of `RECORD`, all of one length; not to be changed."""

    @classmethod
    def of(cls, asset_id: AssetId, samples: Sequence[TelemetrySample]) -> Self:
        """Returns the columns of samples that are in order of time."""
        rows = [record_values(sample, microseconds(sample.at)) for sample in samples]
        records = np.array(rows, dtype=RECORD)
        return cls(asset_id, {name: records[name].copy() for name in RECORD.names or ()})

    @property
    def at_us(self) -> NDArray[np.int64]:
        """The instants, in microseconds since 1970 in UTC."""
        return self.columns["at_us"]

    def number(self, name: str) -> NDArray[np.float64]:
        """Returns a column of `SAID`, NaN where it was not said."""
        said = (self.columns["said"] & SAID[name]) != 0
        return np.where(said, self.columns[name], np.nan)

    def __len__(self) -> int:
        return len(self.at_us)

    @overload
    def __getitem__(self, index: int) -> TelemetrySample: ...
    @overload
    def __getitem__(self, index: slice) -> "SampleColumns": ...
    def __getitem__(self, index: int | slice) -> "TelemetrySample | SampleColumns":
        if isinstance(index, slice):
            parts = {name: column[index] for name, column in self.columns.items()}
            return SampleColumns(self.asset_id, parts)
        if not -len(self) <= index < len(self):
            raise IndexError("no such sample")
        return self._sample(tuple(self.columns[name][index].item() for name in _ORDER))

    def __iter__(self) -> Iterator[TelemetrySample]:
        for row in zip(*(self.columns[name].tolist() for name in _ORDER), strict=True):
            yield self._sample(row)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def _sample(self, row: tuple[Any, ...]) -> TelemetrySample:
        at_us, said, lat, lon, height, north, east, down, yaw, pitch, roll = row[:11]
        c_yaw, c_pitch, c_roll, h_sigma, v_sigma, battery, datum, mode, armed, ground = row[11:]
        position = None
        if said & _POSITION:
            position = Position(lat, lon, Altitude(height, DATUMS[datum - 1]))
        return TelemetrySample(
            self.asset_id,
            _EPOCH + timedelta(microseconds=at_us),
            position,
            north if said & _NORTH else None,
            east if said & _EAST else None,
            down if said & _DOWN else None,
            Attitude(yaw, pitch, roll) if said & _BODY else None,
            Attitude(c_yaw, c_pitch, c_roll) if said & _CAMERA else None,
            h_sigma if said & _H_SIGMA else None,
            v_sigma if said & _V_SIGMA else None,
            battery if said & _BATTERY else None,
            _FLAGS[armed],
            MODES[mode - 1] if mode else None,
            _FLAGS[ground],
        )


_ORDER: Final = RECORD.names or ()
