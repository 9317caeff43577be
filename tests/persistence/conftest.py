from pathlib import Path

import pytest

from station.data_folder import Database
from tests.sql_makers import postgres_database, sqlite_database


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """An empty SQLite database."""
    return sqlite_database(tmp_path)


@pytest.fixture(params=["sqlite", "postgres"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database of each kind."""
    return sqlite_database(tmp_path) if request.param == "sqlite" else postgres_database(tmp_path)
