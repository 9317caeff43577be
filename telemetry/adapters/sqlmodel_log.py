"""Telemetry in SQL, in a database of its own: many small rows, written in batches.

`station.database` gives it synchronous NORMAL: a power cut may cost the newest moments,
never the file.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from sqlalchemy import BigInteger, CheckConstraint, Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, col

from core.ids import AssetId
from geo.positions import Altitude, Attitude, Datum, Position
from telemetry.model import TelemetrySample, VehicleMode

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError("a sample's time must have a zone")
    return (at - _EPOCH) // timedelta(microseconds=1)


class TelemetryTable(SQLModel, registry=registry()):
    """The base of rows in the telemetry database; `metadata` holds its tables alone."""


class SampleRow(TelemetryTable, table=True):
    """One sample; a column for each field, angles in degrees, speeds in metres a second."""

    __tablename__: ClassVar[str] = "telemetry_sample"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        CheckConstraint("lat_deg BETWEEN -90 AND 90", name="sample_lat_on_earth"),
        CheckConstraint("lon_deg BETWEEN -180 AND 180", name="sample_lon_on_earth"),
        {"sqlite_with_rowid": False},
    )

    asset_id: str = Field(primary_key=True)
    at_us: int = Field(primary_key=True, sa_type=BigInteger)
    """Microseconds since 1970 in UTC: exact, sorted and small."""
    lat_deg: float | None = None
    lon_deg: float | None = None
    altitude_m: float | None = None
    datum: str | None = None
    north_m_s: float | None = None
    east_m_s: float | None = None
    down_m_s: float | None = None
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    camera_yaw_deg: float | None = None
    camera_pitch_deg: float | None = None
    camera_roll_deg: float | None = None
    horizontal_sigma_m: float | None = None
    vertical_sigma_m: float | None = None
    battery_fraction: float | None = None
    armed: bool | None = None
    mode: str | None = None
    on_ground: bool | None = None

    @classmethod
    def from_domain(cls, sample: TelemetrySample) -> Self:
        """Returns the row of a sample."""
        return cls(**_columns(sample))

    def to_domain(self) -> TelemetrySample:
        """Returns the sample of this row."""
        return _sample(self)


def _sample(row: Any) -> TelemetrySample:
    """Returns the sample of a row, or of anything else with these columns."""
    position = None
    if row.lat_deg is not None:
        altitude = Altitude(row.altitude_m, Datum(row.datum))
        position = Position(row.lat_deg, row.lon_deg, altitude)
    return TelemetrySample(
        AssetId(row.asset_id),
        _EPOCH + timedelta(microseconds=row.at_us),
        position,
        row.north_m_s,
        row.east_m_s,
        row.down_m_s,
        _attitude(row.yaw_deg, row.pitch_deg, row.roll_deg),
        _attitude(row.camera_yaw_deg, row.camera_pitch_deg, row.camera_roll_deg),
        row.horizontal_sigma_m,
        row.vertical_sigma_m,
        row.battery_fraction,
        row.armed,
        None if row.mode is None else VehicleMode(row.mode),
        row.on_ground,
    )


def _attitude(
    yaw_deg: float | None, pitch_deg: float | None, roll_deg: float | None
) -> Attitude | None:
    if yaw_deg is None or pitch_deg is None or roll_deg is None:
        return None
    return Attitude(yaw_deg, pitch_deg, roll_deg)


def _columns(sample: TelemetrySample) -> dict[str, Any]:
    position, body, camera = sample.position, sample.attitude, sample.camera
    return {
        "asset_id": sample.asset_id,
        "at_us": _microseconds(sample.at),
        "lat_deg": position and position.lat_deg,
        "lon_deg": position and position.lon_deg,
        "altitude_m": position and position.altitude.metres,
        "datum": position and str(position.altitude.datum),
        "north_m_s": sample.north_m_s,
        "east_m_s": sample.east_m_s,
        "down_m_s": sample.down_m_s,
        "yaw_deg": body and body.yaw_deg,
        "pitch_deg": body and body.pitch_deg,
        "roll_deg": body and body.roll_deg,
        "camera_yaw_deg": camera and camera.yaw_deg,
        "camera_pitch_deg": camera and camera.pitch_deg,
        "camera_roll_deg": camera and camera.roll_deg,
        "horizontal_sigma_m": sample.horizontal_sigma_m,
        "vertical_sigma_m": sample.vertical_sigma_m,
        "battery_fraction": sample.battery_fraction,
        "armed": sample.armed,
        "mode": None if sample.mode is None else str(sample.mode),
        "on_ground": sample.on_ground,
    }


class SqlTelemetryLog:
    """A `TelemetryLog` in a database. Safe to share by threads."""

    def __init__(self, engine: Engine) -> None:
        """Uses the telemetry engine made by `station.database`."""
        self._reads = engine
        self._writes = engine.execution_options(qyran_write=True)

    def append(self, samples: Sequence[TelemetrySample]) -> None:
        """Keeps samples; one of the same asset and instant as a kept one is dropped.

        Raises:
            DiskFull: if there is no room; none of these samples is kept.
        """
        if not samples:
            return
        make = postgresql.insert if self._writes.dialect.name == "postgresql" else sqlite.insert
        statement = make(SampleRow).on_conflict_do_nothing()
        with self._writes.begin() as connection:
            connection.execute(statement, [_columns(sample) for sample in samples])

    def between(
        self, asset_id: AssetId, start: datetime, end: datetime
    ) -> Sequence[TelemetrySample]:
        """Returns the asset's samples with start <= at < end, in order of time; maybe none."""
        columns = TelemetryTable.metadata.tables["telemetry_sample"]
        with self._reads.connect() as connection:  # without the mapper: a track is many rows
            rows = connection.execute(
                select(columns)
                .where(
                    col(SampleRow.asset_id) == asset_id,
                    col(SampleRow.at_us) >= _microseconds(start),
                    col(SampleRow.at_us) < _microseconds(end),
                )
                .order_by(col(SampleRow.at_us))
            ).all()
        return tuple(_sample(row) for row in rows)

    def remove_before(self, at: datetime) -> int:
        """Removes samples older than `at`, for the retention; returns how many."""
        removed = 0
        with self._reads.connect() as connection:
            assets = connection.execute(select(col(SampleRow.asset_id)).distinct()).scalars().all()
        for asset_id in assets:  # by asset, so that the key is used and no lock is held long
            with self._writes.begin() as connection:
                removed += connection.execute(
                    delete(SampleRow).where(
                        col(SampleRow.asset_id) == asset_id,
                        col(SampleRow.at_us) < _microseconds(at),
                    )
                ).rowcount
        return removed
