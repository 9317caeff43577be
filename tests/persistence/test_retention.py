from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.clock import Clock
from core.ids import Digest, IncidentId, ObservationId
from incidents.adapters.folder_vault import FolderVault
from incidents.adapters.sqlmodel_retention import SqlEvidenceRetention
from incidents.adapters.sqlmodel_store import SqlIncidentStore
from incidents.model import Incident, IncidentState
from station.data_folder import EVIDENCE_FOLDER
from station.database import (
    open_database,
)
from station.retention import RetentionPolicy, purge
from tests.builders import NOW, a_piece_of_evidence, a_sample, after, an_incident, an_observation
from tests.sql_makers import empty_home, sql_telemetry


class At:
    """A clock that stands."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    async def sleep_until(self, at: datetime) -> None:
        self.at = max(self.at, at)


LATER = after(days=31)


def keep(home: Path, name: str, state: IncidentState, picture: bytes, clock: Clock) -> Incident:
    """Puts an incident into a state, with one picture, at the clock's time."""
    vault = FolderVault(home / EVIDENCE_FOLDER)
    digest = vault.put(picture, "image/jpeg")
    database = open_database(home, migrate=False)
    store = SqlIncidentStore(database.main, clock)
    incident = an_incident(
        incident_id=IncidentId(name),
        observations=(
            an_observation(
                observation_id=ObservationId(name), evidence=(a_piece_of_evidence(digest=digest),)
            ),
        ),
    )
    store.add(incident)
    moved = replace(incident, state=state, version=2)
    store.save(moved, 1)
    database.close()
    return moved


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return empty_home(tmp_path)


@pytest.mark.parametrize("state", [s for s in IncidentState if s is not IncidentState.DISMISSED])
def test_media_of_what_is_not_dismissed_stay_for_ever(home: Path, state: IncidentState) -> None:
    keep(home, "incident-1", state, b"a picture", At(NOW))
    report = purge(home, RetentionPolicy(timedelta(0), timedelta(0)), after(days=10_000))
    assert report.media == 0


def test_media_of_what_was_dismissed_go_and_leave_a_tombstone(home: Path) -> None:
    incident = keep(home, "incident-1", IncidentState.DISMISSED, b"a picture", At(NOW))
    (piece,) = incident.all_evidence
    assert purge(home, RetentionPolicy(), after(days=29)).media == 0
    report = purge(home, RetentionPolicy(), LATER)
    assert (report.media, report.media_bytes) == (1, 9)
    assert not FolderVault(home / EVIDENCE_FOLDER).has(piece.digest)
    assert purge(home, RetentionPolicy(), LATER).media == 0

    database = open_database(home, migrate=False)
    (stone,) = SqlEvidenceRetention(database.main).tombstones()
    assert (stone.digest, stone.size_bytes, stone.media_type) == (piece.digest, 9, "image/jpeg")
    assert stone.removed_at == LATER
    assert "dismissed" in stone.reason
    store = SqlIncidentStore(database.main, At(LATER))
    assert store.get(incident.incident_id) == incident  # the record itself stays
    database.close()


@pytest.mark.parametrize("other", [IncidentState.OPEN, IncidentState.CONFIRMED])
def test_media_that_another_incident_holds_stay(home: Path, other: IncidentState) -> None:
    keep(home, "incident-1", IncidentState.DISMISSED, b"shared", At(NOW))
    keep(home, "incident-2", other, b"shared", At(NOW))
    assert purge(home, RetentionPolicy(), LATER).media == 0


def test_the_time_counts_from_the_last_change(home: Path) -> None:
    keep(home, "incident-1", IncidentState.DISMISSED, b"a picture", At(after(days=20)))
    assert purge(home, RetentionPolicy(), LATER).media == 0
    assert purge(home, RetentionPolicy(), after(days=51)).media == 1


def test_what_is_reopened_meanwhile_is_not_buried(home: Path) -> None:
    incident = keep(home, "incident-1", IncidentState.DISMISSED, b"a picture", At(NOW))
    digest = incident.all_evidence[0].digest
    database = open_database(home, migrate=False)
    retention = SqlEvidenceRetention(database.main)
    assert retention.evidence_only_dismissed(LATER) == (digest,)
    SqlIncidentStore(database.main, At(LATER)).save(
        replace(incident, state=IncidentState.OPEN, version=3), 2
    )
    buried = retention.bury(
        Digest(digest), LATER, removed_at=LATER, size_bytes=9, media_type="image/jpeg", reason="r"
    )
    assert not buried
    assert retention.tombstones() == ()
    database.close()


def test_telemetry_goes_after_ninety_days(home: Path) -> None:
    database = open_database(home, migrate=False)
    sql_telemetry(database).append([a_sample(at=NOW), a_sample(at=after(days=50))])
    database.close()
    assert purge(home, RetentionPolicy(), after(days=91)).samples == 1
    assert purge(home, RetentionPolicy(), after(days=91)).samples == 0
