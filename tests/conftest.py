"""Fixtures that every package's tests share: one parametrised fixture per port.

Each list below names the adapters that go through a port's contract. An adapter joins by one
more line; its maker gets a fresh folder and may raise nothing but a skip.
"""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from geo.adapters.memory_zones import MemoryZones
from geo.ports import ZoneStore
from incidents.adapters.folder_vault import FolderVault
from incidents.adapters.log_notifier import LogNotifier
from incidents.adapters.memory_store import MemoryIncidentStore
from incidents.adapters.memory_vault import MemoryVault
from incidents.ports import EvidenceVault, IncidentStore, Notifier
from station import logs as station_logs
from tests.sql_makers import (
    close_databases,
    postgres_database,
    sql_incidents,
    sql_zones,
    sqlite_database,
)

# the same examples each time, so that a change is judged by what it changed; QYRAN_EXPLORE=1
# draws new ones, and what they find belongs into a test of its own
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("new", deadline=None)
settings.load_profile("new" if os.environ.get("QYRAN_EXPLORE") else "fixed")

INCIDENT_STORES: dict[str, Callable[[Path], IncidentStore]] = {
    "memory": lambda folder: MemoryIncidentStore(),
    "sqlite": lambda folder: sql_incidents(sqlite_database(folder)),
    "postgres": lambda folder: sql_incidents(postgres_database(folder)),
}
EVIDENCE_VAULTS: dict[str, Callable[[Path], EvidenceVault]] = {
    "folder": lambda folder: FolderVault(folder / "evidence"),
    "memory": lambda folder: MemoryVault(),
}
ZONE_STORES: dict[str, Callable[[Path], ZoneStore]] = {
    "memory": lambda folder: MemoryZones(),
    "sqlite": lambda folder: sql_zones(sqlite_database(folder)),
    "postgres": lambda folder: sql_zones(postgres_database(folder)),
}
NOTIFIERS: dict[str, Callable[[Path], Notifier]] = {
    "log": lambda folder: LogNotifier(),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the scenarios first: by themselves they take as long as half of all the rest."""
    items.sort(key=lambda item: "tests/scenarios/" not in item.nodeid)


@pytest.fixture(autouse=True)
def closed_databases() -> Iterator[None]:
    """Closes what the SQL makers opened."""
    yield
    close_databases()


@pytest.fixture(autouse=True)
def same_log_levels() -> Iterator[None]:
    """Takes back what a verb has set for the whole process."""
    names = (None, *station_logs.OURS)
    before = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(params=sorted(INCIDENT_STORES))
def incident_store(request: pytest.FixtureRequest, tmp_path: Path) -> IncidentStore:
    """An empty store of incidents, once per adapter."""
    return INCIDENT_STORES[request.param](tmp_path)


@pytest.fixture(params=sorted(EVIDENCE_VAULTS))
def evidence_vault(request: pytest.FixtureRequest, tmp_path: Path) -> EvidenceVault:
    """An empty vault, once per adapter."""
    return EVIDENCE_VAULTS[request.param](tmp_path)


@pytest.fixture(params=sorted(ZONE_STORES))
def zone_store(request: pytest.FixtureRequest, tmp_path: Path) -> ZoneStore:
    """An empty store of zones, once per adapter."""
    return ZONE_STORES[request.param](tmp_path)


@pytest.fixture(params=sorted(NOTIFIERS))
def notifier(request: pytest.FixtureRequest, tmp_path: Path) -> Notifier:
    """A notifier, once per adapter."""
    return NOTIFIERS[request.param](tmp_path)
