"""The contract of `PermissionStore`, on every adapter."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.ids import AssetId
from geo.positions import Altitude, Datum
from missions.adapters.memory_permissions import MemoryPermissions
from missions.adapters.sqlmodel_permissions import SqlPermissionStore
from missions.permissions import Permission
from missions.ports import PermissionStore
from tests.builders import a_square, after
from tests.sql_makers import close_databases, postgres_database, sqlite_database

STORES: dict[str, Callable[[Path], PermissionStore]] = {
    "memory": lambda folder: MemoryPermissions(),
    "sqlite": lambda folder: SqlPermissionStore(sqlite_database(folder).main),
    "postgres": lambda folder: SqlPermissionStore(postgres_database(folder).main),
}

WHOLE = Permission(
    "KZ-17",
    "authority",
    a_square(half_m=500).difference(a_square(half_m=20)),
    after(0),
    after(3600),
    Altitude(0, Datum.GROUND),
    Altitude(120, Datum.GROUND),
    (AssetId("drone-1"),),
    "by telephone",
)


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PermissionStore]:
    yield STORES[request.param](tmp_path)
    close_databases()


def test_what_was_saved_comes_back_whole(store: PermissionStore) -> None:
    assert list(store.permissions()) == []
    store.save(WHOLE)
    assert list(store.permissions()) == [WHOLE]


def test_the_same_number_of_another_issuer_is_another(store: PermissionStore) -> None:
    other = replace(WHOLE, issuer="airport")
    store.save(WHOLE)
    store.save(other)
    assert list(store.permissions()) == [other, WHOLE]


def test_a_revocation_takes_the_place_of_what_was(store: PermissionStore) -> None:
    store.save(WHOLE)
    revoked = replace(WHOLE, revoked_at=after(60))
    store.save(revoked)
    assert list(store.permissions()) == [revoked]
