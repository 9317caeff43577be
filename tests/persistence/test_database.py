import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from core.errors import DiskFull, StoreOutdated, StoreTooNew, StoreUnreadable
from station.data_folder import STATION_FILE, TELEMETRY_FILE, Database
from station.database import (
    MAIN,
    SCHEMA_HEAD,
    TELEMETRY,
    Branch,
    alembic_config,
    migrate_to,
    migrations_folder,
    open_database,
    schema_version,
    sqlite_engine,
)
from tests.builders import a_sample, a_zone, after, an_incident
from tests.sql_makers import sql_incidents, sql_telemetry, sql_zones

BRANCHES = pytest.mark.parametrize("branch", [MAIN, TELEMETRY], ids=lambda b: b.name)


@BRANCHES
def test_the_migrations_make_what_the_rows_say(any_database: Database, branch: Branch) -> None:
    engine = any_database.main if branch is MAIN else any_database.telemetry
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": branch.version_table,
                "compare_type": True,
                # in PostgreSQL both schemas share one database
                "include_name": lambda name, kind, _: (
                    kind != "table" or name in branch.metadata.tables
                ),
            },
        )
        assert compare_metadata(context, branch.metadata) == []
        for name, table in branch.metadata.tables.items():
            checks = {c["name"] for c in inspect(connection).get_check_constraints(name)}
            assert checks == {
                c.name for c in table.constraints if type(c).__name__ == "CheckConstraint"
            }


@BRANCHES
def test_the_head_is_the_newest_migration(database: Database, branch: Branch) -> None:
    with database.main.connect() as connection:
        script = ScriptDirectory.from_config(alembic_config(connection, branch))
    assert script.get_heads() == [branch.head]


def test_down_and_up_again(any_database: Database) -> None:
    sql_incidents(any_database).add(an_incident())
    sql_zones(any_database).add(a_zone())
    migrate_to(any_database.main, MAIN, "base")
    with any_database.main.connect() as connection:
        left = set(inspect(connection).get_table_names())
        assert not left & set(MAIN.metadata.tables)
        assert schema_version(connection, MAIN) is None
    migrate_to(any_database.main, MAIN, MAIN.head)
    sql_incidents(any_database).add(an_incident())


@pytest.fixture
def newer(tmp_path: Path) -> tuple[Branch, Branch]:
    """The main schema as a later Qyran may have it: one more column and table."""
    folder = tmp_path / "newer"
    shutil.copytree(migrations_folder() / "main", folder)
    (folder / "9999_later.py").write_text(
        "import sqlalchemy as sa\n"
        "from alembic import op\n"
        "revision = 'main_9999'\n"
        f"down_revision = '{MAIN.head}'\n"
        "def upgrade():\n"
        "    op.add_column('incident', sa.Column('severity', sa.Integer(), server_default='0'))\n"
        "    op.create_table('later', sa.Column('id', sa.Integer(), primary_key=True))\n"
        "def downgrade():\n"
        "    op.drop_table('later')\n"
        "    op.drop_column('incident', 'severity')\n"
    )
    return replace(MAIN, head="main_9999", folder=folder), TELEMETRY


def test_an_older_schema_asks_for_an_upgrade_and_keeps_its_data(
    tmp_path: Path, newer: tuple[Branch, Branch]
) -> None:
    home = tmp_path / "home"
    database = open_database(home, migrate=False)
    sql_incidents(database).add(an_incident())
    database.close()
    with pytest.raises(StoreOutdated, match="qyran upgrade"):
        open_database(home, migrate=False, branches=newer)
    upgraded = open_database(home, migrate=True, branches=newer)
    assert upgraded.schema_version == "main_9999"
    assert sql_incidents(upgraded).get(an_incident().incident_id) == an_incident()
    with upgraded.main.connect() as connection:
        assert connection.execute(text("SELECT severity FROM incident")).scalar() == 0
    upgraded.close()
    with pytest.raises(StoreTooNew, match="main_9999"):
        open_database(home, migrate=True)
    migrate_to(sqlite_engine(home / STATION_FILE, synchronous="FULL"), newer[0], MAIN.head)
    back = open_database(home, migrate=False)
    assert sql_incidents(back).get(an_incident().incident_id) == an_incident()
    back.close()


def test_a_migration_that_fails_leaves_the_schema_as_it_was(
    tmp_path: Path, newer: tuple[Branch, Branch]
) -> None:
    home = tmp_path / "home"
    open_database(home, migrate=False).close()
    assert newer[0].folder is not None
    broken = newer[0].folder / "9999_later.py"
    broken.write_text(broken.read_text().replace("def downgrade", "    1 / 0\ndef downgrade"))
    with pytest.raises(ZeroDivisionError):
        open_database(home, migrate=True, branches=newer)
    database = open_database(home, migrate=False)
    assert database.schema_version == SCHEMA_HEAD
    with database.main.connect() as connection:
        assert "later" not in inspect(connection).get_table_names()
    database.close()


def test_many_first_starts_at_once_make_one_schema(tmp_path: Path) -> None:
    def start(_: int) -> str:
        database = open_database(tmp_path / "home", migrate=False)
        sql_zones(database).find()
        database.close()
        return database.schema_version

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(start, range(4))) == {SCHEMA_HEAD}


def test_sqlite_is_set_as_promised(database: Database) -> None:
    def pragma(engine, name: str) -> object:  # type: ignore[no-untyped-def]
        with engine.connect() as connection:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    full, normal = 2, 1
    assert pragma(database.main, "journal_mode") == "wal"
    assert pragma(database.main, "synchronous") == full
    assert pragma(database.telemetry, "synchronous") == normal
    for engine in (database.main, database.telemetry):
        assert pragma(engine, "foreign_keys") == 1
        assert pragma(engine, "busy_timeout") == 15_000


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / STATION_FILE).write_bytes(b"a letter, not a database " * 100)
    with pytest.raises(StoreUnreadable, match="not a database"):
        open_database(tmp_path, migrate=False)


def test_a_database_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / STATION_FILE) as connection:
        connection.execute("CREATE TABLE incident (id TEXT)")
    connection.close()
    with pytest.raises(StoreUnreadable, match="no schema version"):
        open_database(tmp_path, migrate=True)


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnreadable, match="can't be made"):
        open_database(tmp_path / "file" / "home", migrate=False)


def test_a_disk_that_is_full_at_the_first_start_is_told(tmp_path: Path) -> None:
    """A real limit of the system on the size of files, in a process of its own."""
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from core.errors import DiskFull, StoreUnreadable\n"
        "from station.database import open_database\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try:\n"
        "    open_database(Path(sys.argv[1]), migrate=False)\n"
        "except (DiskFull, StoreUnreadable) as error:\n"
        "    sys.exit(error.exit_code)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=Path(__file__).parents[2], check=False
    )
    assert ended.returncode == 3
    open_database(tmp_path, migrate=False).close()  # with room again it is made whole


def test_telemetry_has_a_file_of_its_own(database: Database) -> None:
    sql_telemetry(database).append([a_sample()])
    with database.main.connect() as connection:
        assert "telemetry_part" not in inspect(connection).get_table_names()
    assert (database.home / TELEMETRY_FILE).is_file()


def test_samples_that_find_no_room_are_refused_together(database: Database) -> None:
    log = sql_telemetry(database)
    log.append([a_sample()])
    with database.telemetry.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        connection.rollback()
    many = [a_sample(at=after(1 + i)) for i in range(2_000)]
    with pytest.raises(DiskFull):
        log.append(many)
    assert log.between(a_sample().asset_id, after(0), after(10_000)) == (a_sample(),)


def test_samples_are_removed_by_age(any_database: Database) -> None:
    log = sql_telemetry(any_database)
    log.append([a_sample(at=after(i)) for i in range(10)])
    log.append([a_sample(at=after(i)) for i in range(12)])  # twice the same: once kept
    assert log.remove_before(after(4)) == 4
    kept = log.between(a_sample().asset_id, after(-100), after(100))
    assert [s.at for s in kept] == [after(i) for i in range(4, 12)]
