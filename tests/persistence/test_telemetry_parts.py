"""The log in a database: pieces, blocks, an old database, a killed process."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from core.errors import StoreOutdated, StoreUnreadable
from core.ids import AssetId
from station.backup import upgrade
from station.data_folder import Database
from station.database import TELEMETRY, migrate_to, open_database
from telemetry.adapters.memory_log import MemoryTelemetryLog
from telemetry.model import TelemetrySample
from tests.builders import NOW, a_sample, after
from tests.sql_makers import close_databases, sql_telemetry, sqlite_database

DRONE = AssetId("drone-1")


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    close_databases()


def parts(database: Database) -> list[tuple[int, bool]]:
    with database.telemetry.connect() as connection:
        rows = connection.execute(
            text("SELECT samples, sealed FROM telemetry_part ORDER BY asset_id, first_us")
        ).all()
    return [(samples, bool(sealed)) for samples, sealed in rows]


def test_pieces_become_a_block_once_there_are_many(any_database: Database) -> None:
    log = sql_telemetry(any_database)
    samples = [a_sample(at=after(index / 10)) for index in range(4_200)]
    for index in range(0, len(samples), 100):
        assert log.append(samples[index : index + 100]) == 100
    assert parts(any_database)[:2] == [(2_100, True), (2_100, True)]
    assert log.between(DRONE, after(0), after(999)) == samples
    assert log.append(samples) == 0  # all known
    assert log.append([*samples[-5:], a_sample(at=after(900))]) == 1


def test_an_hour_that_has_passed_becomes_a_block(any_database: Database) -> None:
    log = sql_telemetry(any_database)
    log.append([a_sample(at=after(0)), a_sample(at=after(1))])
    log.append([a_sample(at=after(2))])
    log.append([a_sample(at=after(hours=1))])
    assert parts(any_database) == [(3, True), (1, False)]


def test_the_retention_cuts_a_block_in_two(any_database: Database) -> None:
    log = sql_telemetry(any_database)
    samples = [a_sample(at=after(index / 10)) for index in range(3_000)]
    log.append(samples)
    assert log.remove_before(after(100)) == 1_000
    assert log.between(DRONE, after(-1), after(999)) == samples[1_000:]
    assert log.remove_before(after(999)) == 2_000
    assert parts(any_database) == []


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_any_order_of_appends_and_removals_ends_as_in_memory(
    tmp_path_factory: pytest.TempPathFactory, seed: int, steps: int
) -> None:
    draw = random.Random(seed)
    log = sql_telemetry(sqlite_database(tmp_path_factory.mktemp("log")))
    plain = MemoryTelemetryLog()
    for _ in range(steps):
        begin = draw.uniform(-4_000, 8_000)
        batch = [
            a_sample(
                asset_id=AssetId(draw.choice(["drone-1", "car-1"])),
                at=after(round(begin + draw.randint(0, 900) * draw.choice([1, 7]))),
                battery_fraction=draw.random(),
            )
            for _ in range(draw.choice([1, 20, 2_500]))
        ]
        assert log.append(batch) == plain.append(batch)
        if draw.random() < 0.2:
            at = after(draw.uniform(-4_000, 8_000))
            assert log.remove_before(at) == plain.remove_before(at)
    for asset in ("drone-1", "car-1"):
        low, high = sorted(draw.uniform(-5_000, 16_000) for _ in range(2))
        for span in ((low, high), (-9_000, 99_000)):
            span_at = (after(span[0]), after(span[1]))
            assert log.between(AssetId(asset), *span_at) == plain.between(AssetId(asset), *span_at)
    close_databases()


def test_a_damaged_part_is_told_with_its_place(database: Database) -> None:
    log = sql_telemetry(database)
    log.append([a_sample()])
    log.append([a_sample(at=after(hours=2))])
    with database.telemetry.begin() as connection:
        connection.execute(text("UPDATE telemetry_part SET data = x'515450' WHERE first_us = "
                                "(SELECT min(first_us) FROM telemetry_part)"))  # fmt: skip
    with pytest.raises(StoreUnreadable, match=r"drone-1, about .*damaged.*restore a backup"):
        log.between(DRONE, after(-1), after(1))
    assert len(log.between(DRONE, after(hours=1), after(hours=3))) == 1  # the rest is as it was


def old_samples(database: Database, count: int) -> list[TelemetrySample]:
    """Rows as the first schema had them; returns what they say."""
    full = a_sample()
    samples = [a_sample(at=after(index * 10)) for index in range(count - 1)]
    samples.append(TelemetrySample(DRONE, after(count * 10)))
    place, body, camera = full.position, full.attitude, full.camera
    assert place is not None
    values = {
        "lat_deg": place.lat_deg, "lon_deg": place.lon_deg, "altitude_m": place.altitude.metres,
        "datum": str(place.altitude.datum), "north_m_s": full.north_m_s,
        "east_m_s": full.east_m_s, "down_m_s": full.down_m_s,
        "horizontal_sigma_m": full.horizontal_sigma_m,
        "vertical_sigma_m": full.vertical_sigma_m, "battery_fraction": full.battery_fraction,
        "armed": full.armed, "mode": full.mode and str(full.mode), "on_ground": full.on_ground,
    }  # fmt: skip
    for name, attitude in (("", body), ("camera_", camera)):
        if attitude is not None:
            for axis in ("yaw_deg", "pitch_deg", "roll_deg"):
                values[name + axis] = getattr(attitude, axis)
    with database.telemetry.begin() as connection:
        for sample in samples:
            row = values if sample.position is not None else {}
            row = row | {"asset_id": DRONE, "at_us": round(sample.at.timestamp() * 1e6)}
            names = ", ".join(row)
            marks = ", ".join(f":{name}" for name in row)
            connection.execute(
                text(f"INSERT INTO telemetry_sample ({names}) VALUES ({marks})"), row
            )
    return samples


def test_an_old_database_keeps_its_samples(tmp_path: Path) -> None:
    home = tmp_path / "home"
    database = open_database(home, migrate=False)
    migrate_to(database.telemetry, TELEMETRY, "telemetry_0001")
    samples = old_samples(database, 900)  # two and a half hours
    database.close()
    with pytest.raises(StoreOutdated, match="qyran upgrade"):
        open_database(home, migrate=False)
    report = upgrade(home, now=NOW)
    assert report.backup is not None
    database = open_database(home, migrate=False)
    assert sql_telemetry(database).between(DRONE, after(-1), after(days=1)) == samples
    database.close()


def test_the_way_back_keeps_the_samples_too(any_database: Database) -> None:
    samples = [a_sample(at=after(index * 10)) for index in range(900)]
    samples.append(TelemetrySample(DRONE, after(hours=9)))
    sql_telemetry(any_database).append(samples)
    migrate_to(any_database.telemetry, TELEMETRY, "telemetry_0001")
    migrate_to(any_database.telemetry, TELEMETRY, TELEMETRY.head)
    assert sql_telemetry(any_database).between(DRONE, after(-1), after(days=1)) == samples


WRITER = """
import sys
from pathlib import Path
from station.database import open_database
from telemetry.adapters.sqlmodel_log import SqlTelemetryLog
from tests.builders import a_sample, after
log = SqlTelemetryLog(open_database(Path(sys.argv[1]), migrate=False).telemetry)
for index in range(100_000):
    log.append([a_sample(at=after(index + part / 100)) for part in range(100)])
    print(index, flush=True)
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    home = tmp_path / "home"
    open_database(home, migrate=False).close()
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    last = -1
    for line in process.stdout:
        last = int(line)
        if last == 25:  # a block has been sealed, and there are pieces
            os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    database = open_database(home, migrate=False)
    kept = sql_telemetry(database).between(DRONE, after(-1), after(days=9))
    assert len(kept) >= (last + 1) * 100
    assert len(kept) % 100 == 0  # an append is kept whole or not at all
    assert kept[0] == a_sample(at=after(0))
    database.close()
