"""The contract of `MissionStore`, on every adapter."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.ids import AssetId, PatrolId, SortieId, UserId
from missions.adapters.memory_store import MemoryMissionStore
from missions.executor import authorise
from missions.model import AssetKind, Progress, SortieState
from missions.ports import MissionStore
from tests.builders import NOW, a_patrol, a_plan, a_sortie, after, an_asset
from tests.sql_makers import close_databases, postgres_database, sql_missions, sqlite_database

MISSION_STORES: dict[str, Callable[[Path], MissionStore]] = {
    "memory": lambda folder: MemoryMissionStore(),
    "sqlite": lambda folder: sql_missions(sqlite_database(folder)),
    "postgres": lambda folder: sql_missions(postgres_database(folder)),
}


@pytest.fixture(params=sorted(MISSION_STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MissionStore]:
    yield MISSION_STORES[request.param](tmp_path)
    close_databases()


def test_an_empty_store_holds_nothing(store: MissionStore) -> None:
    assert (list(store.assets()), list(store.patrols()), list(store.sorties())) == ([], [], [])


def test_assets_and_patrols_are_kept_whole_and_in_order(store: MissionStore) -> None:
    second = an_asset(asset_id=AssetId("b"), kind=AssetKind.VEHICLE, camera=None, passive=True)
    first = an_asset(asset_id=AssetId("a"), address="udpin://127.0.0.1:14540")
    for asset in (second, first):
        store.save_asset(asset)
    later = a_patrol(patrol_id=PatrolId("2"), zone_ids=(), route=((50.9, 71.3), (50.91, 71.31)))
    sooner = a_patrol(patrol_id=PatrolId("1"))
    for patrol in (later, sooner):
        store.save_patrol(patrol)
    assert list(store.assets()) == [first, second]
    assert list(store.patrols()) == [sooner, later]


def test_the_same_id_is_replaced(store: MissionStore) -> None:
    store.save_asset(an_asset())
    store.save_asset(an_asset(name="Another name"))
    store.save_patrol(a_patrol())
    store.save_patrol(a_patrol(name="Evening round"))
    assert [asset.name for asset in store.assets()] == ["Another name"]
    assert [patrol.name for patrol in store.patrols()] == ["Evening round"]


def test_a_sortie_keeps_its_plan_and_its_events(store: MissionStore) -> None:
    flown = authorise(a_sortie(), an_asset(), UserId("pilot-1"), NOW)
    flown = replace(
        flown, state=SortieState.FAILED, reason_code="link_lost", started_at=NOW,
        ended_at=after(60), progress=Progress(2, 4, returning=True, message="words"),
        version=flown.version + 1,
    )  # fmt: skip
    store.save_sortie(flown)
    assert list(store.sorties()) == [flown]


def test_an_older_version_is_dropped(store: MissionStore) -> None:
    newest = a_sortie(version=5, reason_code="new")
    store.save_sortie(newest)
    store.save_sortie(a_sortie(version=4, reason_code="old"))
    store.save_sortie(a_sortie(version=5, reason_code="same"))
    assert list(store.sorties()) == [newest]
    store.save_sortie(a_sortie(version=6))
    assert [sortie.version for sortie in store.sorties()] == [6]


def test_filters_are_joined(store: MissionStore) -> None:
    other = a_plan(asset_id=AssetId("drone-2"), patrol_id=None)
    for name, plan in (("b", a_plan()), ("a", a_plan()), ("c", other)):
        store.save_sortie(a_sortie(sortie_id=SortieId(name), plan=plan))

    def found(**filters: str) -> list[str]:
        return [sortie.sortie_id for sortie in store.sorties(**filters)]  # type: ignore[arg-type]

    assert found() == ["a", "b", "c"]
    assert found(asset_id="drone-1") == ["a", "b"]
    assert found(patrol_id="patrol-1", sortie_id="b") == ["b"]
    assert found(asset_id="drone-2", patrol_id="patrol-1") == []
    assert found(sortie_id="none") == []
