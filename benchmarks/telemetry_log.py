"""The telemetry log beside plain rows in SQLite, in one run: writing, and an hour read back.

    python benchmarks/telemetry_log.py [--assets 100] [--seconds 420] [--json FILE]

Writes what `--assets` vehicles say at 10 Hz, in flushes of two seconds for all of them;
then one vehicle's whole hour, in appends of two seconds as the recorder
makes them, and reads that hour. The peer is one table with a row for each sample by the
standard library's sqlite3, with the same pragmas, the same flushes and the same repeated
instants dropped. Both must give back every sample equal, before a time counts. Positions are on
a 1e-7 degree grid and heights in millimetres, as MAVLink has them; angles are full doubles with
noise, the worst that can be compressed.

Goals: 50,000 samples/s written, an hour (36,000 samples) read in under 50 ms. Exit code 0 where
both are met and all samples equal, else 1.
"""

import argparse
import json
import math
import random
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.ids import AssetId
from geo.positions import Altitude, Attitude, Datum, Position
from station.data_folder import TELEMETRY_FILE
from station.database import open_database
from telemetry.adapters.sqlmodel_log import SqlTelemetryLog
from telemetry.columns import RECORD, SampleColumns, microseconds, record_values
from telemetry.model import TelemetrySample, VehicleMode

START = datetime(2026, 11, 20, 9, tzinfo=UTC)
FLUSH = 20
"""Samples of one asset in one append: two seconds."""
NAMES = RECORD.names or ()


def flight(asset_id: AssetId, count: int, seed: int) -> list[TelemetrySample]:
    """Returns samples at 10 Hz of a vehicle that circles."""
    draw = random.Random(seed)
    samples = []
    for index in range(count):
        angle = index / 300
        lat = round((50.9754 + 0.002 * math.sin(angle) + draw.gauss(0, 2e-6)) * 1e7) / 1e7
        lon = round((71.3549 + 0.003 * math.cos(angle) + draw.gauss(0, 2e-6)) * 1e7) / 1e7
        height = Altitude(round(60_000 + draw.gauss(0, 300)) / 1000, Datum.HOME)
        samples.append(
            TelemetrySample(
                asset_id,
                START + timedelta(milliseconds=100 * index),
                Position(lat, lon, height),
                round(800 * math.cos(angle) + draw.gauss(0, 10)) / 100,
                round(-800 * math.sin(angle) + draw.gauss(0, 10)) / 100,
                round(draw.gauss(0, 10)) / 100,
                Attitude(math.degrees(angle) % 360, draw.gauss(-5, 1), draw.gauss(0, 2)),
                Attitude(math.degrees(angle) % 360, draw.gauss(-60, 0.1), draw.gauss(0, 0.1)),
                1.2,
                2.5,
                round(100 - index / 360) / 100,
                True,
                VehicleMode.MISSION,
                False,
            )
        )
    return samples


class Rows:
    """The peer: a row for each sample."""

    def __init__(self, file: Path) -> None:
        self.connection = sqlite3.connect(file)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        kinds = ", ".join(f"{name} NUMERIC" for name in NAMES)
        self.connection.execute(
            f"CREATE TABLE s (asset TEXT, {kinds}, PRIMARY KEY (asset, at_us)) WITHOUT ROWID"
        )

    def append(self, samples: Sequence[TelemetrySample]) -> None:
        """Keeps samples."""
        marks = ", ".join("?" * (len(NAMES) + 1))
        rows = [(s.asset_id, *record_values(s, microseconds(s.at))) for s in samples]
        with self.connection:
            self.connection.executemany(f"INSERT OR IGNORE INTO s VALUES ({marks})", rows)

    def between(
        self, asset_id: AssetId, start: datetime, end: datetime
    ) -> list[tuple[object, ...]]:
        """Returns the rows of a time."""
        return self.connection.execute(
            f"SELECT {', '.join(NAMES)} FROM s WHERE asset = ? AND at_us >= ? AND at_us < ? "
            "ORDER BY at_us",
            (asset_id, microseconds(start), microseconds(end)),
        ).fetchall()


def timed(work: Callable[[], object]) -> float:
    """Returns the seconds that it takes."""
    begun = perf_counter()
    work()
    return perf_counter() - begun


def size_bytes(file: Path) -> int:
    """Returns what a database takes on the disk."""
    return sum(one.stat().st_size for one in file.parent.glob(file.name + "*"))


def main() -> int:
    """Measures, compares, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=420, help="of flight of each asset")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    ids = [AssetId(f"drone-{number}") for number in range(chosen.assets)]
    base = flight(ids[0], chosen.seconds * 10, 1)
    flights = {one: flight(one, chosen.seconds * 10, i) for i, one in enumerate(ids)} | {
        ids[0]: base
    }
    flushes = [
        [s for one in ids for s in flights[one][i : i + FLUSH]] for i in range(0, len(base), FLUSH)
    ]
    hour = flight(AssetId("hour"), 36_000, 7)
    singles = [hour[i : i + FLUSH] for i in range(0, len(hour), FLUSH)]
    end = START + timedelta(hours=1)
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder), migrate=False)
        log, rows = SqlTelemetryLog(database.telemetry), Rows(Path(folder) / "rows.db")
        figures: dict[str, object] = {"assets": chosen.assets}
        total = sum(map(len, flushes))
        for name, peer in (("log", log), ("rows", rows)):
            flush_s = [timed(lambda one=one, to=peer: to.append(one)) for one in flushes]
            single_s = sum(timed(lambda one=one, to=peer: to.append(one)) for one in singles)
            read_s = [
                timed(lambda of=peer: of.between(hour[0].asset_id, START, end)) for _ in range(9)
            ]
            listed = timed(lambda of=peer: list(of.between(hour[0].asset_id, START, end)))
            figures |= {
                f"{name}_samples_s": round(total / sum(flush_s)),
                f"{name}_flush_p99_ms": round(sorted(flush_s)[int(len(flush_s) * 0.99)] * 1e3, 1),
                f"{name}_one_asset_samples_s": round(len(hour) / single_s),
                f"{name}_hour_ms": round(statistics.median(read_s) * 1e3, 1),
                f"{name}_hour_listed_ms": round(listed * 1e3, 1),
            }
        kept = log.between(hour[0].asset_id, START, end)
        equal = isinstance(kept, SampleColumns) and list(kept) == hour
        equal &= all(list(log.between(one, START, end)) == flights[one] for one in ids)
        equal &= len(rows.between(hour[0].asset_id, START, end)) == len(hour)
        database.close()
        rows.connection.close()
        both = total + len(hour)
        figures["log_bytes_a_sample"] = round(size_bytes(Path(folder) / TELEMETRY_FILE) / both, 1)
        figures["rows_bytes_a_sample"] = round(size_bytes(Path(folder) / "rows.db") / both, 1)
    figures["equal"] = equal
    print(json.dumps(figures, indent=2))
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    fast = (
        float(str(figures["log_samples_s"])) >= 50_000 and float(str(figures["log_hour_ms"])) < 50
    )
    return 0 if equal and fast else 1


if __name__ == "__main__":
    sys.exit(main())
