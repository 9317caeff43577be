"""What every control store promises."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from core.errors import LeaseStale
from core.ids import AssetId, UserId
from missions.adapters.memory_control import MemoryControlStore
from missions.control.leases import Lease, taken
from missions.control.ports import ControlStore
from missions.control.records import (
    Answer,
    CommandKind,
    CommandRecord,
    Outcome,
    first_fault,
)
from tests.builders import NOW
from tests.sql_makers import close_databases, postgres_database, sql_control, sqlite_database

ASSET, OTHER = AssetId("drone-1"), AssetId("drone-2")
ANNA, BOLAT = UserId("anna"), UserId("bolat")
MAKERS: dict[str, Callable[[Path], ControlStore]] = {
    "memory": lambda folder: MemoryControlStore(),
    "sqlite": lambda folder: sql_control(sqlite_database(folder)),
    "postgres": lambda folder: sql_control(postgres_database(folder)),
}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ControlStore]:
    yield MAKERS[request.param](tmp_path)
    close_databases()


def a_record(number: int = 1, **changes: object) -> CommandRecord:
    record = CommandRecord(
        f"command-{number}", CommandKind.HOLD, NOW + timedelta(seconds=number), ANNA, ASSET, term=1
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def test_a_lease_is_replaced_by_comparing_and_its_record_comes_with_it(
    store: ControlStore,
) -> None:
    assert store.lease(ASSET) is None
    first = taken(None, ASSET, ANNA, NOW)
    assert store.put_lease(first, None, a_record(1, kind=CommandKind.LEASE))
    assert not store.put_lease(taken(None, ASSET, BOLAT, NOW), None, a_record(2))
    assert store.lease(ASSET) == first
    assert [entry.record.kind for entry in store.records()] == [CommandKind.LEASE]
    renewed = replace(first, expires_at=first.expires_at + timedelta(seconds=1))
    assert store.put_lease(renewed, first, None)
    assert not store.put_lease(renewed, first, None)
    assert (store.lease(ASSET), store.lease(OTHER)) == (renewed, None)


def test_of_many_takers_at_once_one_wins(store: ControlStore) -> None:
    won: list[Lease] = []
    gate = threading.Barrier(8)

    def take(number: int) -> None:
        mine = taken(None, ASSET, UserId(f"pilot-{number}"), NOW)
        gate.wait()
        if store.put_lease(mine, None, a_record(number, by=mine.holder)):
            won.append(mine)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.lease(ASSET)] == won
    assert [entry.record.by for entry in store.records()] == [won[0].holder]


def test_appends_at_once_make_one_sound_chain(store: ControlStore) -> None:
    def append(number: int) -> None:
        for step in range(5):
            store.append(a_record(10 * number + step))

    threads = [threading.Thread(target=append, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = store.records()
    assert [entry.number for entry in entries] == list(range(1, 31))
    assert first_fault(entries, (30, entries[-1].digest)) is None


def test_a_fenced_record_is_kept_only_under_its_own_lease(store: ControlStore) -> None:
    mine = taken(None, ASSET, ANNA, NOW)
    store.put_lease(mine, None, None)
    store.append(a_record(1), fenced=True)
    store.put_lease(taken(mine, ASSET, BOLAT, NOW, "the link is gone"), mine, None)
    with pytest.raises(LeaseStale):
        store.append(a_record(2), fenced=True)
    with pytest.raises(LeaseStale):  # the newest term, but another's
        store.append(a_record(3, term=2), fenced=True)
    with pytest.raises(LeaseStale):  # over by the time of the record
        store.append(a_record(400, by=BOLAT, term=2, at=NOW + timedelta(hours=1)), fenced=True)
    store.append(a_record(4))  # an answer is kept whoever commands now
    assert [entry.record.command_id for entry in store.records()] == ["command-1", "command-4"]


def test_records_are_found_by_asset_and_time_and_the_newest_by_kind(store: ControlStore) -> None:
    assert store.newest([CommandKind.CLEAR_SKY]) is None
    kept = [
        a_record(1),
        a_record(2, asset_id=OTHER, answer=Answer(Outcome.REFUSED, "lease_held", "сөз")),
        a_record(3, asset_id=None, kind=CommandKind.CLEAR_SKY),
        a_record(4),
    ]
    for record in kept:
        store.append(record)
    assert [entry.record for entry in store.records()] == kept
    assert [entry.number for entry in store.records(asset_id=ASSET)] == [1, 4]
    since, until = kept[1].at, kept[3].at
    assert [entry.number for entry in store.records(since=since, until=until)] == [2, 3]
    newest = store.newest([CommandKind.CLEAR_SKY, CommandKind.LIFT_SKY])
    assert newest is not None
    assert newest.record == kept[2]


@pytest.mark.parametrize(
    "verb", ["UPDATE command_record SET digest = ''", "DELETE FROM command_record"]
)
def test_the_database_itself_refuses_to_alter_the_chain(verb: str, tmp_path: Path) -> None:
    database = sqlite_database(tmp_path)
    store = sql_control(database)
    store.append(a_record())
    with database.main.connect() as connection, pytest.raises(DatabaseError, match="append-only"):
        connection.execute(text(verb))
    assert first_fault(store.records()) is None
    close_databases()
