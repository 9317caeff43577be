"""SQL adapters for the contracts: SQLite in the test's folder, PostgreSQL where one is named."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from core.clock import SystemClock
from geo.adapters.sqlmodel_zones import SqlZoneStore
from incidents.adapters.sqlmodel_store import SqlIncidentStore
from missions.adapters.sqlmodel_control import SqlControlStore
from missions.adapters.sqlmodel_handoffs import SqlHandoffStore
from missions.adapters.sqlmodel_schedules import SqlScheduleStore
from missions.adapters.sqlmodel_store import SqlMissionStore
from station.data_folder import STATION_FILE, TELEMETRY_FILE, Database
from station.database import (
    open_database,
    postgres_engine,
)
from telemetry.adapters.sqlmodel_log import SqlTelemetryLog

_opened: list[Database] = []


@cache
def _template() -> Path:
    """A migrated, empty data folder; copying it is quicker than migrating anew."""
    folder = Path(tempfile.mkdtemp(prefix="qyran-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    open_database(folder, migrate=False).close()
    return folder


def empty_home(folder: Path) -> Path:
    """Returns a data folder with empty databases."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    for name in (STATION_FILE, TELEMETRY_FILE):
        shutil.copy(_template() / name, home / name)
    return home


def sqlite_database(folder: Path) -> Database:
    """Returns an empty database; `close_databases` closes it."""
    database = open_database(empty_home(folder), migrate=False)
    _opened.append(database)
    return database


@cache
def _own_database(url: str) -> str:
    """Returns a database beside the named one for this worker alone, made if need be."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        return url
    name = f"qyran_test_{worker}"
    engine = postgres_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        known = text("SELECT 1 FROM pg_database WHERE datname = :name")
        if connection.execute(known, {"name": name}).first() is None:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def postgres_database(folder: Path) -> Database:
    """Returns an emptied PostgreSQL database, or skips where none is named."""
    url = os.environ.get("QYRAN_TEST_POSTGRES", "")
    if not url:
        pytest.skip("QYRAN_TEST_POSTGRES names no PostgreSQL database that may be emptied")
    url = _own_database(url)
    engine = postgres_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    database = open_database(folder, migrate=False, url=url)
    _opened.append(database)
    return database


def close_databases() -> None:
    """Closes what the makers opened."""
    while _opened:
        _opened.pop().close()


def sql_incidents(database: Database) -> SqlIncidentStore:
    return SqlIncidentStore(database.main, SystemClock())


def sql_zones(database: Database) -> SqlZoneStore:
    return SqlZoneStore(database.main)


def sql_missions(database: Database) -> SqlMissionStore:
    return SqlMissionStore(database.main)


def sql_schedules(database: Database) -> SqlScheduleStore:
    return SqlScheduleStore(database.main)


def sql_handoffs(database: Database) -> SqlHandoffStore:
    return SqlHandoffStore(database.main, SqlControlStore(database.main))


def sql_control(database: Database) -> SqlControlStore:
    return SqlControlStore(database.main)


def sql_telemetry(database: Database) -> SqlTelemetryLog:
    return SqlTelemetryLog(database.telemetry)
