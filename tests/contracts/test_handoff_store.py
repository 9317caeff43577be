"""What every hand-off store promises."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import NotFound, VersionConflict
from missions.adapters.memory_control import MemoryControlStore
from missions.adapters.memory_handoffs import MemoryHandoffStore
from missions.control.ports import ControlStore
from missions.control.records import CommandKind, CommandRecord, first_fault
from missions.handoffs.life import accepted, offered, withdrawn
from missions.handoffs.model import Handoff, HandoffId
from missions.handoffs.ports import HandoffStore
from tests.builders import NOW, after
from tests.missions.handing_off import ANNA, CAR, a_button, a_candidate, a_handoff, an_occasion
from tests.sql_makers import (
    close_databases,
    postgres_database,
    sql_control,
    sql_handoffs,
    sqlite_database,
)

Both = tuple[HandoffStore, ControlStore]


def in_memory(folder: Path) -> Both:
    chain = MemoryControlStore()
    return MemoryHandoffStore(chain), chain


def in_sqlite(folder: Path) -> Both:
    database = sqlite_database(folder)
    return sql_handoffs(database), sql_control(database)


def in_postgres(folder: Path) -> Both:
    database = postgres_database(folder)
    return sql_handoffs(database), sql_control(database)


MAKERS: dict[str, Callable[[Path], Both]] = {
    "memory": in_memory, "sqlite": in_sqlite, "postgres": in_postgres,
}  # fmt: skip


@pytest.fixture(params=MAKERS)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Both]:
    yield MAKERS[request.param](tmp_path)
    close_databases()


def a_record(number: int = 1) -> CommandRecord:
    return CommandRecord(f"command-{number}", CommandKind.HAND_OFF, after(number), ANNA, CAR)


def test_it_comes_back_as_it_was_with_its_record(both: Both) -> None:
    store, chain = both
    handoff = a_handoff()
    assert store.add(handoff, a_record(1)) == handoff
    went = offered(handoff, a_candidate(), NOW, 20.0)
    store.replace(went, a_record(2))
    store.replace(accepted(went, CAR, ANNA, after(3)), a_record(3))
    kept = store.get(handoff.handoff_id)
    assert kept == accepted(went, CAR, ANNA, after(3))
    assert [one.record.command_id for one in chain.records()] == [
        "command-1", "command-2", "command-3",
    ]  # fmt: skip
    assert first_fault(chain.records()) is None


def test_one_event_is_one_handoff_also_for_many_at_once(both: Both) -> None:
    store, chain = both
    gate, got = threading.Barrier(6), list[Handoff]()

    def add(number: int) -> None:
        mine = replace(a_handoff(), handoff_id=HandoffId(f"handoff-{number}"))
        gate.wait()
        got.append(store.add(mine, a_record(number)))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.handoff_id for one in got}) == len(store.handoffs()) == 1
    assert len(chain.records()) == 1


def test_a_version_that_is_not_the_next_keeps_nothing(both: Both) -> None:
    store, chain = both
    handoff = a_handoff()
    with pytest.raises(NotFound):
        store.replace(offered(handoff, a_candidate(), NOW, 20.0), a_record(0))
    store.add(handoff, a_record(1))
    went = offered(handoff, a_candidate(), NOW, 20.0)
    store.replace(went, a_record(2))
    with pytest.raises(VersionConflict):
        store.replace(offered(handoff, a_candidate("drone-9"), NOW, 20.0), a_record(3))
    assert store.get(handoff.handoff_id) == went
    assert len(chain.records()) == 2
    with pytest.raises(NotFound):
        store.get(HandoffId("another"))


def test_filters(both: Both) -> None:
    store, _ = both
    first = a_handoff()
    late = an_occasion(event_id="event-2", at=NOW + timedelta(minutes=5), button_id="b-1")
    second = replace(a_handoff(late), handoff_id=HandoffId("handoff-2"))
    store.add(second, a_record(1))
    store.add(first, a_record(2))
    store.replace(withdrawn(first, ANNA, "a mistake", NOW), a_record(3))
    store.replace(offered(second, a_candidate(), NOW, 20.0), a_record(4))

    def ids(**filters: object) -> list[str]:
        return [one.handoff_id for one in store.handoffs(**filters)]  # type: ignore[arg-type]

    assert ids() == ["handoff-1", "handoff-2"]
    assert ids(only_open=True) == ids(since=after(minutes=1)) == ["handoff-2"]
    assert ids(asset_id=CAR) == ids(button_id="b-1") == ["handoff-2"]
    assert ids(asset_id="drone-9") == []


def test_buttons_are_kept_and_replaced(both: Both) -> None:
    store, _ = both
    assert store.button("b-1") is None
    store.save_button(a_button("b-2"))
    store.save_button(a_button("b-1"))
    off = replace(a_button("b-1"), enabled=False)
    store.save_button(off)
    assert store.button("b-1") == off
    assert [one.button_id for one in store.buttons()] == ["b-1", "b-2"]
