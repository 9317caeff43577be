"""The contract of `TelemetryLog`, on every adapter."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.ids import AssetId
from telemetry.adapters.memory_log import MemoryTelemetryLog
from telemetry.clock_offset import ClockOffset
from telemetry.model import TelemetrySample
from telemetry.ports import TelemetryLog
from tests.builders import a_sample, after
from tests.sql_makers import close_databases, postgres_database, sql_telemetry, sqlite_database

TELEMETRY_LOGS: dict[str, Callable[[Path], TelemetryLog]] = {
    "memory": lambda folder: MemoryTelemetryLog(),
    "sqlite": lambda folder: sql_telemetry(sqlite_database(folder)),
    "postgres": lambda folder: sql_telemetry(postgres_database(folder)),
}
DRONE = AssetId("drone-1")


@pytest.fixture(params=sorted(TELEMETRY_LOGS))
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TelemetryLog]:
    yield TELEMETRY_LOGS[request.param](tmp_path)
    close_databases()


def test_an_empty_log_has_nothing_between(log: TelemetryLog) -> None:
    log.append([])
    assert list(log.between(DRONE, after(0), after(10))) == []


def test_samples_come_back_whole_in_order_and_half_open(log: TelemetryLog) -> None:
    samples = [a_sample(at=after(second / 10)) for second in range(10)]
    log.append(samples[5:])
    log.append(samples[:5])
    assert list(log.between(DRONE, after(0), after(10))) == samples
    assert list(log.between(DRONE, after(0.2), after(0.5))) == samples[2:5]


def test_what_was_not_said_stays_unsaid(log: TelemetryLog) -> None:
    bare = TelemetrySample(DRONE, after(1))
    log.append([bare])
    assert list(log.between(DRONE, after(0), after(2))) == [bare]


def test_clocks_are_kept_by_asset_and_time_and_forgotten_with_the_samples(
    log: TelemetryLog,
) -> None:
    first = ClockOffset(0.125, 0.07, 0.0, 0.25, measured=False)
    later = ClockOffset(-3.5, 0.001, -3.502, -3.498, measured=True)
    log.note_clock(DRONE, after(0), first)
    log.note_clock(DRONE, after(30), first)
    log.note_clock(DRONE, after(30), later)
    log.note_clock(AssetId("car-1"), after(30), first)
    assert list(log.clocks_between(DRONE, after(0), after(60))) == [
        (after(0), first), (after(30), later),
    ]  # fmt: skip
    assert list(log.clocks_between(DRONE, after(0), after(30))) == [(after(0), first)]
    log.remove_before(after(30))
    assert list(log.clocks_between(DRONE, after(0), after(60))) == [(after(30), later)]


def test_the_first_of_an_instant_is_kept(log: TelemetryLog) -> None:
    first = a_sample(battery_fraction=0.5)
    assert log.append([first, a_sample(battery_fraction=0.4)]) == 1
    assert log.append([a_sample(battery_fraction=0.3)]) == 0
    assert list(log.between(DRONE, after(-1), after(1))) == [first]


def test_assets_are_kept_apart(log: TelemetryLog) -> None:
    other = a_sample(asset_id=AssetId("car-1"))
    log.append([a_sample(), other])
    assert list(log.between(AssetId("car-1"), after(-1), after(1))) == [other]


def test_what_is_older_than_an_instant_can_be_removed(log: TelemetryLog) -> None:
    samples = [a_sample(at=after(second)) for second in range(4)]
    log.append([*samples, a_sample(asset_id=AssetId("car-1"), at=after(0))])
    assert log.remove_before(after(2)) == 3
    assert log.remove_before(after(2)) == 0
    assert list(log.between(DRONE, after(-1), after(10))) == samples[2:]
