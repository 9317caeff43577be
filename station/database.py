"""The two databases of a data folder: their engines, their schema and its migrations.

`qyran.db` holds what people decide (zones, missions, incidents, accounts) and is written
with synchronous FULL; `telemetry.db` holds samples, with synchronous NORMAL. With a
PostgreSQL address both live in that database.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, ExceptionContext, MetaData, create_engine, event
from sqlalchemy import inspect as inspect_database
from sqlalchemy.exc import OperationalError

from core.errors import DiskFull, ExtraMissing, StoreOutdated, StoreTooNew, StoreUnreadable
from station.data_folder import STATION_FILE, TELEMETRY_FILE, Database
from station.store_lock import make_home
from station.wiring import main_tables, telemetry_tables

SCHEMA_HEAD = "main_0006"
TELEMETRY_HEAD = "telemetry_0003"

_BUSY_S = 15.0
"""How long a writer waits for another before it gives up."""
_BUSY_NAP_S = 0.02


@dataclass(frozen=True, slots=True)
class Branch:
    """One of the two schemas: its migrations, its tables, and where its version is kept."""

    name: str
    head: str
    metadata: MetaData
    version_table: str
    folder: Path | None = None
    """Where its migrations are, if not where this Qyran has them."""


MAIN = Branch("main", SCHEMA_HEAD, main_tables(), "schema_version")
TELEMETRY = Branch("telemetry", TELEMETRY_HEAD, telemetry_tables(), "telemetry_schema_version")


def open_database(
    home: Path,
    *,
    migrate: bool,
    url: str = "",
    branches: tuple[Branch, Branch] = (MAIN, TELEMETRY),
) -> Database:
    """Opens the databases of a data folder and creates them on the first start.

    Args:
        home: the data folder; made where it is missing.
        migrate: brings an older schema up to date instead of refusing it.
        url: a PostgreSQL address; empty for SQLite files in `home`.
        branches: the schemas, main first.

    Raises:
        StoreOutdated: if the schema is older and `migrate` is off.
        StoreTooNew: if a newer Qyran has written it.
        StoreUnreadable: if it can't be opened, or is no database of ours.
        DiskFull: if there is no room to create it.
        ExtraMissing: if the address needs the extra `postgres`.
    """
    if url:
        main = telemetry = postgres_engine(url)
    else:
        make_home(home)
        main = sqlite_engine(home / STATION_FILE, synchronous="FULL")
        telemetry = sqlite_engine(home / TELEMETRY_FILE, synchronous="NORMAL")
    database = Database(home, main, telemetry, branches[0].head)
    try:
        for engine, branch in zip((main, telemetry), branches, strict=True):
            _settle(engine, branch, migrate=migrate, where=home)
    except BaseException:
        database.close()
        raise
    return database


def sqlite_engine(file: Path, *, synchronous: str) -> Engine:
    """Returns an engine of a SQLite file: WAL, foreign keys, honest transactions."""
    engine = create_engine(
        f"sqlite:///{file}", connect_args={"timeout": _BUSY_S}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def settle(connection: sqlite3.Connection, _record: object) -> None:
        # the driver's own BEGIN comes too late for reads and for DDL; ours is below
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_S * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        _write_ahead(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # a writer takes its lock at once: upgrading a read lock can't wait, only fail
        writes = connection.get_execution_options().get("qyran_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    _translate_errors(engine, str(file))
    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switches the file to its write-ahead log, waiting for others that do the same.

    SQLite's busy handler is not asked for this one switch: two first starts at the same moment
    would fail at once.
    """
    give_up_s = time.monotonic() + _BUSY_S
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > give_up_s:
                raise
            time.sleep(_BUSY_NAP_S)
            continue
        if mode != "wal":
            raise sqlite3.OperationalError(f"no write-ahead log here (journal mode {mode})")
        return


def postgres_engine(url: str) -> Engine:
    """Returns an engine of a PostgreSQL database.

    Raises:
        ExtraMissing: if the driver is not installed.
    """
    try:
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            "the PostgreSQL driver is not installed", cure="pip install 'qyran[postgres]'"
        ) from error
    _translate_errors(engine, engine.url.render_as_string(hide_password=True))
    return engine


def _translate_errors(engine: Engine, where: str) -> None:
    @event.listens_for(engine, "handle_error")
    def translate(context: ExceptionContext) -> None:
        error = context.original_exception
        name = getattr(error, "sqlite_errorname", "") or ""
        if name == "SQLITE_FULL" or getattr(error, "sqlstate", "") == "53100":
            raise DiskFull(
                "there is no room to write", where=where, cure="free some space and try again"
            ) from error
        outside = isinstance(error, sqlite3.DatabaseError) and name.startswith(
            ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_NOTADB",
             "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_PERM", "SQLITE_PROTOCOL")
        )  # fmt: skip
        lost = isinstance(context.sqlalchemy_exception, OperationalError) and not name
        if outside or lost:
            raise StoreUnreadable(
                f"the database can't be used: {error}",
                where=where,
                cure="see that the disk and its permissions are sound, or restore a backup",
            ) from error


def migrations_folder() -> Path:
    """Returns where the migrations are: beside this file in a wheel, else in the repository."""
    packed = Path(__file__).parent / "migrations"
    return packed if packed.is_dir() else Path(__file__).parent.parent / "migrations"


def alembic_config(connection: Connection, branch: Branch) -> Config:
    """Returns what Alembic's commands need to work on one schema over a connection."""
    folder = migrations_folder()
    config = Config()
    config.set_main_option("path_separator", "newline")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    versions = branch.folder or folder / branch.name
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    config.attributes |= {
        "connection": connection,
        "metadata": branch.metadata,
        "version_table": branch.version_table,
    }
    return config


def schema_version(connection: Connection, branch: Branch) -> str | None:
    """Returns the schema's version in a database, or `None` where it has none yet."""
    options: dict[str, Any] = {"version_table": branch.version_table}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def known_versions(branch: Branch, connection: Connection) -> tuple[str, ...]:
    """Returns the versions that this Qyran knows, oldest first."""
    script = ScriptDirectory.from_config(alembic_config(connection, branch))
    return tuple(reversed([r.revision for r in script.walk_revisions()]))


_migrating = Lock()
"""Alembic keeps the running migration in module globals: one at a time in a process."""


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with engine.execution_options(qyran_write=True).begin() as connection:
        yield connection


def migrate_to(engine: Engine, branch: Branch, version: str) -> None:
    """Moves a schema up or down to a version (`base` empties it), in one transaction."""
    with _migrating, _writing(engine) as connection:
        versions = ("base", *known_versions(branch, connection))
        present = schema_version(connection, branch) or "base"
        config = alembic_config(connection, branch)
        if versions.index(version) < versions.index(present):
            command.downgrade(config, version)
        else:
            command.upgrade(config, version)


def _settle(engine: Engine, branch: Branch, *, migrate: bool, where: Path) -> None:
    with engine.connect() as connection:
        present = schema_version(connection, branch)
        if present == branch.head:
            return
        foreign = present is None and set(inspect_database(connection).get_table_names()) & set(
            branch.metadata.tables
        )
        known = present is None or present in known_versions(branch, connection)
    if foreign:
        raise StoreUnreadable(
            f"the {branch.name} database has tables but no schema version",
            where=str(where),
            cure="restore a backup, or choose an empty data folder",
        )
    if not known:
        raise StoreTooNew(
            f"the {branch.name} database has schema {present}, this Qyran knows {branch.head}",
            where=str(where),
            cure="start the newer Qyran that wrote it, or restore an older backup",
        )
    if present is not None and not migrate:
        raise StoreOutdated(
            f"the {branch.name} database has schema {present}, this Qyran needs {branch.head}",
            where=str(where),
            cure="run qyran upgrade; it makes a backup first",
        )
    migrate_to(engine, branch, branch.head)
