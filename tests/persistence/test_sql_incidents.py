"""What SQL promises beyond the contract of an incident store."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from core.errors import DiskFull, NotFound, VersionConflict
from core.ids import Digest, IncidentId, ObservationId
from incidents.adapters.memory_store import MemoryIncidentStore
from incidents.model import Incident, IncidentKind, IncidentState, TimelineEntry
from incidents.ports import IncidentFilter
from station.data_folder import Database
from station.database import (
    open_database,
)
from tests.builders import (
    AT,
    a_piece_of_evidence,
    a_point,
    after,
    an_incident,
    an_observation,
)
from tests.sql_makers import sql_incidents, sqlite_database


def next_version(incident: Incident, **changes: object) -> Incident:
    return replace(incident, version=incident.version + 1, **changes)  # type: ignore[arg-type]


def test_every_version_is_kept(any_database: Database) -> None:
    store = sql_incidents(any_database)
    first = an_incident()
    second = next_version(first, state=IncidentState.CONFIRMED)
    store.add(first)
    store.save(second, 1)
    assert store.history(first.incident_id) == (first, second)
    assert store.history(IncidentId("incident-unknown")) == ()


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE incident_history SET document = '{}'",
        "DELETE FROM incident_history",
        "DELETE FROM incident",
        "UPDATE incident SET state = 'dismissed'",
        "UPDATE incident SET version = 7",
        "UPDATE incident SET incident_id = 'other', version = version + 1",
        "INSERT INTO incident_history SELECT 'none', 1, saved_at, document FROM incident_history",
        "INSERT INTO incident_history SELECT * FROM incident_history",
    ],
)
def test_the_database_itself_refuses_to_alter_what_was_acknowledged(
    any_database: Database, tampering: str
) -> None:
    store = sql_incidents(any_database)
    store.add(an_incident())
    with (
        pytest.raises(IntegrityError),
        any_database.main.execution_options(qyran_write=True).begin() as connection,
    ):
        connection.execute(text(tampering))
    assert store.get(an_incident().incident_id) == an_incident()


@pytest.mark.parametrize("values", [{"state": "'lost'"}, {"kind": "'theft'"}, {"lat_deg": "91"}])
def test_the_database_itself_refuses_nonsense(
    any_database: Database, values: dict[str, str]
) -> None:
    sql_incidents(any_database).add(an_incident())
    (column, value), *_ = values.items()
    with (
        pytest.raises(IntegrityError),
        any_database.main.execution_options(qyran_write=True).begin() as connection,
    ):
        connection.execute(text(f"UPDATE incident SET {column} = {value}, version = version + 1"))


def test_one_observation_opens_one_incident_however_many_try(any_database: Database) -> None:
    store = sql_incidents(any_database)

    def attempt(number: int) -> bool:
        try:
            store.add(an_incident(incident_id=IncidentId(f"incident-{number}")))
        except VersionConflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(24))) == 1
    assert len(store.find(IncidentFilter())) == 1


def test_no_update_is_lost_between_threads(any_database: Database) -> None:
    store = sql_incidents(any_database)
    store.add(an_incident())

    def append(number: int) -> None:
        while True:
            present = store.get(an_incident().incident_id)
            entry = TimelineEntry(after(number), "extended", note=str(number))
            try:
                store.save(
                    next_version(present, timeline=(*present.timeline, entry)), present.version
                )
            except VersionConflict:
                continue
            return

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(append, range(24)))
    notes = {entry.note for entry in store.get(an_incident().incident_id).timeline}
    assert notes == {"", *map(str, range(24))}
    assert len(store.history(an_incident().incident_id)) == 25


def test_it_is_there_after_the_process_has_gone(tmp_path: Path) -> None:
    database = open_database(tmp_path, migrate=False)
    sql_incidents(database).add(an_incident())
    # not closed: what was acknowledged must not wait for that
    again = open_database(tmp_path, migrate=False)
    assert sql_incidents(again).get(an_incident().incident_id) == an_incident()
    again.close()
    database.close()


def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path) -> None:
    database = sqlite_database(tmp_path)
    store = sql_incidents(database)
    first = an_incident()
    store.add(first)
    database.main.dispose()

    @event.listens_for(database.main, "connect")
    def no_room(connection, _record):  # type: ignore[no-untyped-def]
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    many = tuple(an_observation(observation_id=ObservationId(f"o-{i}")) for i in range(200))
    with pytest.raises(DiskFull) as refused:
        store.save(next_version(first, observations=(*first.observations, *many)), 1)
    assert "free some space" in refused.value.cure
    with pytest.raises(DiskFull):
        store.add(an_incident(incident_id=IncidentId("incident-2"), observations=many))
    assert store.history(first.incident_id) == (first,)
    assert store.by_observation(ObservationId("o-0")) is None
    assert store.find(IncidentFilter()) == (first,)


def test_an_observation_moves_to_the_survivor_of_a_merge(any_database: Database) -> None:
    store = sql_incidents(any_database)
    other = an_observation(observation_id=ObservationId("observation-2"))
    lost = an_incident()
    kept = an_incident(incident_id=IncidentId("incident-2"), observations=(other,))
    store.add(lost)
    store.add(kept)
    with pytest.raises(VersionConflict, match="observation-1"):
        store.save(next_version(kept, observations=(other, an_observation())), 1)
    store.save(next_version(lost, state=IncidentState.MERGED, merged_into=kept.incident_id), 1)
    store.save(next_version(kept, observations=(other, an_observation())), 1)
    holder = store.by_observation(ObservationId("observation-1"))
    assert holder is not None
    assert holder.incident_id == kept.incident_id


def test_who_has_ever_held_a_picture(any_database: Database) -> None:
    store = sql_incidents(any_database)
    digest = Digest("c" * 64)
    picture = a_piece_of_evidence(digest=digest)
    first = an_incident(evidence=(picture,))
    store.add(first)
    store.save(next_version(first, evidence=()), 1)
    assert store.holders(digest) == (first.incident_id,)
    assert store.holders(Digest("d" * 64)) == ()


def test_near_is_exact_whatever_the_page(database: Database) -> None:
    store = sql_incidents(database)
    for number in range(40):  # a line to the east, 3 m apart; a box alone would take too many
        store.add(
            an_incident(
                incident_id=IncidentId(f"incident-{number:02}"),
                observations=(
                    an_observation(
                        observation_id=ObservationId(f"o-{number}"),
                        point=a_point(3.0 * number, 3.0 * number),
                    ),
                ),
            )
        )
    wanted = IncidentFilter(near_lat_deg=AT.lat_deg, near_lon_deg=AT.lon_deg, near_m=60.0)
    found = store.find(wanted, limit=200)
    assert [i.incident_id for i in found] == [f"incident-{n:02}" for n in range(14, -1, -1)]
    paged: list[Incident] = []
    while page := store.find(wanted, after=paged[-1].incident_id if paged else None, limit=4):
        paged += page
    assert tuple(paged) == tuple(found)


class SqlBesideMemory(RuleBasedStateMachine):
    """Any history: both stores give the same answers and the same refusals."""

    ids = st.sampled_from([IncidentId(f"incident-{letter}") for letter in "abc"])
    observations = st.lists(
        st.sampled_from([ObservationId(f"observation-{number}") for number in range(4)]),
        unique=True, max_size=3,
    )  # fmt: skip

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.database = sqlite_database(Path(self.folder.name))
        self.stores = (MemoryIncidentStore(), sql_incidents(self.database))

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.database.close()
            self.folder.cleanup()

    def both(self, act) -> None:  # type: ignore[no-untyped-def]
        outcomes = []
        for store in self.stores:
            try:
                outcomes.append(act(store))
            except (NotFound, VersionConflict, ValueError) as error:
                outcomes.append(type(error))
        assert outcomes[0] == outcomes[1]

    @rule(incident_id=ids, held=observations, minute=st.integers(0, 3))
    def add(self, incident_id: IncidentId, held: list[ObservationId], minute: int) -> None:
        incident = an_incident(
            incident_id=incident_id,
            opened_at=after(minutes=minute),
            observations=tuple(an_observation(observation_id=o) for o in held),
        )
        self.both(lambda store: store.add(incident))

    @rule(
        incident_id=ids,
        held=observations,
        state=st.sampled_from(IncidentState),
        base=st.integers(1, 3),
        east_m=st.sampled_from([0.0, 30.0, 500.0]),
    )
    def save(
        self,
        incident_id: IncidentId,
        held: list[ObservationId],
        state: IncidentState,
        base: int,
        east_m: float,
    ) -> None:
        incident = an_incident(
            incident_id=incident_id,
            state=state,
            version=base + 1,
            observations=tuple(
                an_observation(observation_id=o, point=a_point(east_m)) for o in held
            ),
        )
        self.both(lambda store: store.save(incident, base))

    @rule(
        states=st.none() | st.frozensets(st.sampled_from(IncidentState), max_size=3),
        kind=st.none() | st.sampled_from(IncidentKind),
        after_id=st.none() | ids,
        limit=st.integers(1, 3),
        near_m=st.none() | st.sampled_from([10.0, 100.0]),
    )
    def find(self, states, kind, after_id, limit, near_m) -> None:  # type: ignore[no-untyped-def]
        wanted = IncidentFilter(
            states, kind, AT.lat_deg, AT.lon_deg, near_m, after(seconds=4) if limit == 2 else None
        )
        self.both(lambda store: tuple(store.find(wanted, after=after_id, limit=limit)))

    @invariant()
    def the_same_everywhere(self) -> None:
        if not hasattr(self, "stores"):
            return
        for number in range(4):
            observation_id = ObservationId(f"observation-{number}")
            self.both(lambda store, o=observation_id: store.by_observation(o))
        self.both(lambda store: tuple(store.find(IncidentFilter())))


TestSqlBesideMemory = SqlBesideMemory.TestCase
TestSqlBesideMemory.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
