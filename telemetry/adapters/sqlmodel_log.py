"""Telemetry in SQL, in a database of its own: columns of samples, by asset and hour.

An append writes the packed records of its samples as a piece, in one transaction: what was
acknowledged survives the death of the process. Once the pieces of an asset and hour hold enough
samples, or the next hour begins, they become one compressed block. `station.database` gives the
database synchronous NORMAL: a power cut may cost the newest moments, never the file.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Index,
    LargeBinary,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.orm import Session, registry
from sqlmodel import Field, SQLModel, col

from core.errors import StoreUnreadable
from core.ids import AssetId
from telemetry import blocks
from telemetry.clock_offset import ClockOffset
from telemetry.columns import SampleColumns, instant, microseconds, record_values
from telemetry.model import TelemetrySample

_HOUR_US = 3_600_000_000
_ENOUGH = 2_048
"""Samples of which a block is made."""
_SEALS_AT_ONCE = 8
"""Blocks made by one append; the next ones make the rest, so that none takes long."""
_AT_ONCE = 200
"""Assets in one question, and parts in one transaction of the retention."""


class TelemetryTable(SQLModel, registry=registry()):
    """The base of rows in the telemetry database; `metadata` holds its tables alone."""


class PartRow(TelemetryTable, table=True):
    """A piece or a block: samples of one asset within one hour of UTC, each instant once."""

    __tablename__: ClassVar[str] = "telemetry_part"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        Index("telemetry_part_open", "sealed", "asset_id", "hour"),
    )

    asset_id: str = Field(primary_key=True)
    hour: int = Field(primary_key=True)
    """Whole hours since 1970 in UTC."""
    first_us: int = Field(primary_key=True, sa_type=BigInteger)
    """Microseconds since 1970 of the first sample; no two parts share an instant."""
    last_us: int = Field(sa_type=BigInteger)
    samples: int
    sealed: bool
    """Whether it is a block."""
    data: bytes = Field(sa_type=LargeBinary)
    """See `telemetry.blocks`."""


class ClockRow(TelemetryTable, table=True):
    """How far a vehicle's clock was from the station's, at one instant."""

    __tablename__: ClassVar[str] = "telemetry_clock"

    asset_id: str = Field(primary_key=True)
    at_us: int = Field(primary_key=True, sa_type=BigInteger)
    """By the station's clock, microseconds since 1970."""
    offset_s: float
    sigma_s: float
    least_s: float
    most_s: float
    measured: bool


_ASSET, _HOUR, _FIRST = col(PartRow.asset_id), col(PartRow.hour), col(PartRow.first_us)
_LAST, _SAMPLES, _SEALED = col(PartRow.last_us), col(PartRow.samples), col(PartRow.sealed)
_DATA = col(PartRow.data)
_INSERT = insert(TelemetryTable.metadata.tables["telemetry_part"])
_KEPT = (
    select(
        _ASSET,
        _HOUR,
        func.max(_LAST),
        func.coalesce(func.sum(_SAMPLES).filter(_SEALED.is_(False)), 0),
    )
    .where(_ASSET.in_(bindparam("assets", expanding=True)))
    .where(_HOUR >= bindparam("low"), _HOUR <= bindparam("high"))
    .group_by(_ASSET, _HOUR)
)
"""Made once: to make a statement takes longer than to carry it out."""
_Records = dict[int, bytes]
"""Packed records by their instant."""


class SqlTelemetryLog:
    """A `TelemetryLog` in a database. Safe to share by threads and processes."""

    def __init__(self, engine: Engine) -> None:
        """Uses the telemetry engine made by `station.database`."""
        self._reads = engine
        self._writes = engine.execution_options(qyran_write=True)

    def note_clock(self, asset_id: AssetId, at: datetime, offset: ClockOffset) -> None:
        """Keeps how far a vehicle's clock was from the station's."""
        row = ClockRow(
            asset_id=asset_id,
            at_us=microseconds(at),
            offset_s=offset.seconds,
            sigma_s=offset.sigma_s,
            least_s=offset.least_s,
            most_s=offset.most_s,
            measured=offset.measured,
        )
        with Session(self._writes) as session, session.begin():
            session.merge(row)

    def clocks_between(
        self, asset_id: AssetId, start: datetime, end: datetime
    ) -> Sequence[tuple[datetime, ClockOffset]]:
        """Returns what is kept of its clock with start <= at < end, in order of time."""
        at_us = col(ClockRow.at_us)
        statement = (
            select(ClockRow)
            .where(col(ClockRow.asset_id) == asset_id)
            .where(at_us >= microseconds(start), at_us < microseconds(end))
            .order_by(at_us)
        )
        with Session(self._reads) as session:
            return tuple(
                (
                    instant(row.at_us),
                    ClockOffset(row.offset_s, row.sigma_s, row.least_s, row.most_s, row.measured),
                )
                for row in session.scalars(statement)
            )

    def append(self, samples: Sequence[TelemetrySample]) -> int:
        """Keeps samples, all or none; returns how many were new.

        Raises:
            DiskFull: if there is no room; none of these samples is kept.
            StoreUnreadable: if it can't be written, or what is kept of that time is damaged.
        """
        groups: dict[tuple[str, int], _Records] = {}
        pack = blocks.PACK_RECORD
        for sample in samples:
            at_us = microseconds(sample.at)
            group = groups.setdefault((sample.asset_id, at_us // _HOUR_US), {})
            if at_us not in group:
                group[at_us] = pack(*record_values(sample, at_us))
        if not groups:
            return 0
        with self._writes.begin() as connection:
            _only_writer(connection)
            return self._append(connection, groups)

    def _append(self, connection: Connection, groups: dict[tuple[str, int], _Records]) -> int:
        rows: list[dict[str, Any]] = []
        to_seal: list[tuple[str, int]] = []
        kept = _kept_of(connection, groups)
        count = 0
        for (asset_id, hour), records in groups.items():
            newest_us, loose = kept.get((asset_id, hour), (None, 0))
            if newest_us is not None and min(records) <= newest_us:
                records = _not_kept(connection, asset_id, hour, records)
            if not records:
                continue
            count += len(records)
            times = sorted(records)
            row = {"asset_id": asset_id, "hour": hour, "samples": len(times), "sealed": False}
            row |= {"first_us": times[0], "last_us": times[-1]}
            row["data"] = blocks.piece([records[at_us] for at_us in times])
            rows.append(row)
            if loose + len(times) >= _ENOUGH:
                to_seal.append((asset_id, hour))
            if newest_us is None:  # an hour begins: the asset's former ones will hardly grow
                open_hours = select(_HOUR).distinct().where(
                    _SEALED.is_(False), _ASSET == asset_id, _HOUR < hour
                )  # fmt: skip
                to_seal += [(asset_id, one) for one in connection.scalars(open_hours)]
        if rows:
            connection.execute(_INSERT, rows)
        for asset_id, hour in list(dict.fromkeys(to_seal))[:_SEALS_AT_ONCE]:
            _seal(connection, asset_id, hour)
        return count

    def between(self, asset_id: AssetId, start: datetime, end: datetime) -> SampleColumns:
        """Returns the asset's samples with start <= at < end, in order of time; maybe none.

        Raises:
            StoreUnreadable: if a part of that time is damaged.
        """
        start_us, end_us = microseconds(start), microseconds(end)
        wanted = select(_DATA).where(
            _ASSET == asset_id,
            _HOUR >= start_us // _HOUR_US,
            _HOUR <= end_us // _HOUR_US,
            _LAST >= start_us,
            _FIRST < end_us,
        )
        with self._reads.connect() as connection:
            parts = connection.scalars(wanted.order_by(_FIRST)).all()
        columns = _columns_of(parts, asset_id, start_us)
        low, high = columns["at_us"].searchsorted((start_us, max(start_us, end_us)))
        return SampleColumns(asset_id, columns)[low:high]

    def remove_before(self, at: datetime) -> int:
        """Removes samples and clocks older than `at`; returns how many samples."""
        at_us, removed = microseconds(at), 0
        with self._writes.begin() as connection:
            connection.execute(delete(ClockRow).where(col(ClockRow.at_us) < at_us))
        with self._reads.connect() as connection:
            assets = connection.scalars(select(_ASSET).distinct()).all()
        for asset_id in assets:  # in small steps, so that no lock is held long
            while count := self._remove_some(asset_id, at_us):
                removed += count
        return removed

    def _remove_some(self, asset_id: str, at_us: int) -> int:
        old = select(_HOUR, _FIRST, _LAST, _SAMPLES).where(
            _ASSET == asset_id, _HOUR <= at_us // _HOUR_US, _FIRST < at_us
        )
        removed = 0
        with self._writes.begin() as connection:
            _only_writer(connection)
            for hour, first_us, last_us, samples in connection.execute(old.limit(_AT_ONCE)).all():
                where = (_ASSET == asset_id, _HOUR == hour, _FIRST == first_us)
                left = 0
                if last_us >= at_us:
                    data = connection.scalars(select(_DATA).where(*where)).one()
                    columns = _columns_of([data], asset_id, first_us)
                    cut = int(columns["at_us"].searchsorted(at_us))
                    rest = {name: column[cut:] for name, column in columns.items()}
                    left = samples - cut
                connection.execute(delete(PartRow).where(*where))
                if left:
                    connection.execute(_INSERT, [_block_row(asset_id, hour, rest)])
                removed += samples - left
        return removed


def _only_writer(connection: Connection) -> None:
    """Keeps others from writing until the end of the transaction, as SQLite does by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE telemetry_part IN SHARE ROW EXCLUSIVE MODE"))


def _kept_of(
    connection: Connection, groups: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], tuple[int, int]]:
    """Returns the newest instant, and the samples in pieces, of each asset and hour."""
    assets = sorted({asset_id for asset_id, _ in groups})
    hours = [hour for _, hour in groups]
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for index in range(0, len(assets), _AT_ONCE):
        asked = {"assets": assets[index : index + _AT_ONCE], "low": min(hours), "high": max(hours)}
        for asset_id, hour, newest_us, count in connection.execute(_KEPT, asked):
            found[asset_id, hour] = (newest_us, int(count))
    return found


def _not_kept(connection: Connection, asset_id: str, hour: int, records: _Records) -> _Records:
    """Returns those records whose instants are not kept yet."""
    first_us, last_us = min(records), max(records)
    near = select(_DATA).where(
        _ASSET == asset_id, _HOUR == hour, _LAST >= first_us, _FIRST <= last_us
    )
    kept = _columns_of(connection.scalars(near).all(), asset_id, first_us)["at_us"]
    known = set(kept.tolist())
    return {at_us: record for at_us, record in records.items() if at_us not in known}


def _seal(connection: Connection, asset_id: str, hour: int) -> None:
    """Makes one block of an asset's pieces of an hour."""
    pieces = (_ASSET == asset_id, _HOUR == hour, _SEALED.is_(False))
    data = connection.scalars(select(_DATA).where(*pieces).order_by(_FIRST)).all()
    columns = _columns_of(data, asset_id, hour * _HOUR_US)
    connection.execute(delete(PartRow).where(*pieces))
    connection.execute(_INSERT, [_block_row(asset_id, hour, columns)])


def _block_row(asset_id: str, hour: int, columns: blocks.Columns) -> dict[str, Any]:
    at_us = columns["at_us"]
    return {
        "asset_id": asset_id,
        "hour": hour,
        "first_us": int(at_us[0]),
        "last_us": int(at_us[-1]),
        "samples": len(at_us),
        "sealed": True,
        "data": blocks.block(columns),
    }


def _columns_of(parts: Sequence[bytes], asset_id: str, about_us: int) -> blocks.Columns:
    try:
        return blocks.columns_of(parts)
    except ValueError as error:
        raise StoreUnreadable(
            f"a part of the telemetry log is damaged: {error}",
            where=f"{asset_id}, about {instant(about_us):%Y-%m-%dT%H:%MZ}",
            cure="ask for the time before and after it, or restore a backup",
        ) from error
