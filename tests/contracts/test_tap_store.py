"""What every store of taps promises."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from core.ids import AssetId, SortieId, UserId
from missions.adapters.memory_taps import MemoryTapStore
from missions.adapters.sqlmodel_taps import SqlTapStore
from missions.driving.ports import TapStore
from missions.driving.taps import Obstacle, Tap, TapId, TapKind, TapPlace
from tests.builders import NOW
from tests.sql_makers import close_databases, postgres_database, sqlite_database

CAR, OTHER = AssetId("car-1"), AssetId("car-2")
MAKERS: dict[str, Callable[[Path], TapStore]] = {
    "memory": lambda folder: MemoryTapStore(),
    "sqlite": lambda folder: SqlTapStore(sqlite_database(folder).main),
    "postgres": lambda folder: SqlTapStore(postgres_database(folder).main),
}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TapStore]:
    yield MAKERS[request.param](tmp_path)
    close_databases()


def a_tap(number: int = 1, **changes: object) -> Tap:
    at = NOW + timedelta(seconds=number)
    tap = Tap(
        TapId(f"tap-{number}"), CAR, UserId("anna"), TapKind.DONE, at, at, SortieId("s"), number
    )
    return replace(tap, **changes)  # type: ignore[arg-type]


def test_a_tap_is_kept_once_and_comes_back_whole(store: TapStore) -> None:
    tap = a_tap(
        kind=TapKind.CANNOT,
        reason=Obstacle.NO_ACCESS,
        place=TapPlace(50.9754321, 71.3549876, 7.25),
    )
    assert store.add(tap) is None
    later = replace(tap, received_at=tap.received_at + timedelta(minutes=5), stop=3)
    assert store.add(later) == tap
    assert store.get(tap.tap_id) == tap
    assert store.get(TapId("another")) is None
    assert list(store.taps(CAR)) == [tap]


def test_taps_are_found_by_car_sortie_kind_and_time_in_order_of_receipt(store: TapStore) -> None:
    kept = [
        a_tap(3),
        a_tap(1, kind=TapKind.SOS, sortie_id=None, stop=None),
        a_tap(2, sortie_id=SortieId("t")),
    ]
    for tap in (*kept, a_tap(4, asset_id=OTHER)):
        assert store.add(tap) is None
    assert list(store.taps(CAR)) == kept
    assert list(store.taps(CAR, sortie_id=SortieId("t"))) == [kept[2]]
    assert list(store.taps(CAR, kinds={TapKind.SOS, TapKind.SOS_OVER})) == [kept[1]]
    assert list(store.taps(CAR, since=kept[2].received_at)) == [kept[0], kept[2]]
    assert list(store.taps(CAR, kinds=())) == []


def test_of_many_that_add_one_tap_at_once_one_is_told_that_it_was_new(store: TapStore) -> None:
    gate = threading.Barrier(6)
    answers: list[Tap | None] = []

    def add(number: int) -> None:
        mine = replace(a_tap(1), received_at=NOW + timedelta(seconds=number))
        gate.wait()
        answers.append(store.add(mine))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(None) == 1
    assert {answer for answer in answers if answer is not None} == set(store.taps(CAR))


def test_the_database_refuses_to_alter_or_forget_a_tap(tmp_path: Path) -> None:
    database = sqlite_database(tmp_path)
    SqlTapStore(database.main).add(a_tap())
    for statement in ("UPDATE driver_tap SET kind = 'sos'", "DELETE FROM driver_tap"):
        with pytest.raises(DatabaseError), database.main.begin() as connection:
            connection.execute(text(statement))
    close_databases()
