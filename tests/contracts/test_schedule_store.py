"""The contract of `ScheduleStore`, on every adapter."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import NotFound, VersionConflict
from core.ids import SortieId
from missions.adapters.memory_schedules import MemoryScheduleStore
from missions.ports import ScheduleStore
from missions.schedules import FiringState, ScheduleId, StopReason, moved_on
from tests.builders import NOW, after
from tests.missions.schedule_builders import a_firing, a_schedule, a_wholly_filled_schedule
from tests.sql_makers import close_databases, postgres_database, sql_schedules, sqlite_database

STORES: dict[str, Callable[[Path], ScheduleStore]] = {
    "memory": lambda folder: MemoryScheduleStore(),
    "sqlite": lambda folder: sql_schedules(sqlite_database(folder)),
    "postgres": lambda folder: sql_schedules(postgres_database(folder)),
}
ID = ScheduleId("schedule-1")


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ScheduleStore]:
    yield STORES[request.param](tmp_path)
    close_databases()


@pytest.fixture
def filled(store: ScheduleStore) -> ScheduleStore:
    """One schedule with an occurrence that is due."""
    store.add(a_schedule())
    store.enrol(ID, [a_firing()], after(1))
    return store


def test_a_schedule_is_kept_whole(store: ScheduleStore) -> None:
    store.add(a_wholly_filled_schedule())
    assert store.get(ID) == a_wholly_filled_schedule()


def test_every_version_stays(store: ScheduleStore) -> None:
    first = a_schedule()
    second = replace(first, name="another", version=2)
    store.add(first)
    store.replace(second, 1)
    assert store.get(ID) == second
    assert list(store.schedules()) == [second]
    assert list(store.versions(ID)) == [first, second]


def test_changes_on_an_old_version_are_refused(store: ScheduleStore) -> None:
    store.add(a_schedule())
    with pytest.raises(VersionConflict):
        store.add(a_schedule())
    store.replace(a_schedule(version=2), 1)
    with pytest.raises(VersionConflict):
        store.replace(a_schedule(version=2, name="mine"), 1)
    assert store.get(ID).name != "mine"


def test_what_is_not_there_is_told(store: ScheduleStore) -> None:
    with pytest.raises(NotFound):
        store.get(ID)
    with pytest.raises(NotFound):
        store.replace(a_schedule(version=2), 1)
    with pytest.raises(NotFound):
        store.enrol(ID, [], NOW)
    assert store.claim(ID, NOW, by="a", now=NOW, lease_s=60) is None
    assert (list(store.schedules()), list(store.versions(ID)), store.looked_until(ID)) == (
        [], [], None,
    )  # fmt: skip
    assert store.record(a_firing(version=2)) is False


def test_enrolling_twice_keeps_one_and_never_looks_back(filled: ScheduleStore) -> None:
    mine = filled.claim(ID, NOW, by="a", now=NOW, lease_s=60)
    filled.enrol(ID, [a_firing(), a_firing(start=after(60))], after(30))
    assert [f.start for f in filled.firings()] == [NOW, after(60)]
    assert filled.firings()[0] == mine
    filled.enrol(ID, [], after(10))
    assert filled.looked_until(ID) == after(30)


def test_a_claim_excludes_others_until_its_lease_ends(filled: ScheduleStore) -> None:
    mine = filled.claim(ID, NOW, by="a", now=NOW, lease_s=60)
    assert mine is not None
    assert (mine.state, mine.claimed_by, mine.lease_until) == ("claimed", "a", after(60))
    assert filled.claim(ID, NOW, by="b", now=after(59), lease_s=60) is None
    theirs = filled.claim(ID, NOW, by="b", now=after(60), lease_s=60)
    assert theirs is not None
    assert theirs.claimed_by == "b"
    # the first one comes back too late: what it knew is not the newest any more
    assert not filled.record(moved_on(mine, FiringState.MISSED, after(61), reason=StopReason.LATE))
    done = moved_on(theirs, FiringState.DISPATCHED, after(61), sortie_id=SortieId("s"))
    assert filled.record(done)
    assert list(filled.firings()) == [done]
    assert filled.claim(ID, NOW, by="c", now=after(9_999), lease_s=60) is None


def test_a_held_one_can_be_claimed_again(filled: ScheduleStore) -> None:
    mine = filled.claim(ID, NOW, by="a", now=NOW, lease_s=60)
    assert mine is not None
    held = moved_on(mine, FiringState.HELD, NOW, reason=StopReason.WEATHER_HOLD, text="wind")
    assert filled.record(held)
    assert filled.firings()[0].events[-1].reason is StopReason.WEATHER_HOLD
    assert filled.claim(ID, NOW, by="a", now=NOW, lease_s=60) is not None


def test_of_many_who_claim_at_once_one_gets_it(filled: ScheduleStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        got = list(
            pool.map(lambda n: filled.claim(ID, NOW, by=f"p{n}", now=NOW, lease_s=60), range(16))
        )
    assert sum(firing is not None for firing in got) == 1


def test_of_many_who_enrol_at_once_one_row_is_made(filled: ScheduleStore) -> None:
    new = [a_firing(start=after(60 * n)) for n in range(20)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: filled.enrol(ID, new[n:], after(n)), range(8)))
    assert [f.start for f in filled.firings()] == [f.start for f in new]


def test_filters_are_joined(store: ScheduleStore) -> None:
    other = ScheduleId("other")
    store.add(a_schedule())
    store.add(a_schedule(schedule_id=other))
    store.enrol(ID, [a_firing(start=after(60 * n)) for n in range(3)], after(999))
    store.enrol(other, [a_firing(schedule_id=other, start=after(30))], after(999))
    store.claim(ID, NOW, by="a", now=NOW, lease_s=60)

    def seconds(**filters: object) -> list[float]:
        found = store.firings(**filters)  # type: ignore[arg-type]
        return [(f.start - NOW).total_seconds() for f in found]

    assert seconds() == [0, 30, 60, 120]
    assert seconds(schedule_id=ID) == [0, 60, 120]
    assert seconds(states={FiringState.DUE}) == [30, 60, 120]
    assert seconds(states=()) == []
    assert seconds(since=after(30), until=after(120)) == [30, 60]
    assert seconds(schedule_id=ID, states={FiringState.CLAIMED}, until=after(1)) == [0]
