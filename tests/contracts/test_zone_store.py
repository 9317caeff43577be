"""The contract of `ZoneStore`; adapters join by `ZONE_STORES` in tests/conftest.py."""

from dataclasses import replace

import pytest

from core.errors import NotFound, VersionConflict
from core.ids import AgencyId, ZoneId
from geo.ports import ZoneStore
from geo.positions import Altitude, Datum
from geo.zones import Purpose, Zone, ZoneKind, ZoneStage
from tests.builders import a_square, a_zone, after

FLIGHT, WATCH = Purpose.FLIGHT, Purpose.WATCH


def named(name: str, *purposes: Purpose, **changes: object) -> Zone:
    return a_zone(zone_id=ZoneId(name), purposes=frozenset(purposes), **changes)


def ids(store: ZoneStore, *args: Purpose, **options: bool) -> list[str]:
    return [z.zone_id for z in store.find(*args, **options)]


def test_what_was_added_comes_back_whole(zone_store: ZoneStore) -> None:
    hole = a_square(half_m=80).difference(a_square(half_m=5))
    zone = a_zone(
        area=hole,
        purposes=frozenset({FLIGHT, WATCH}),
        kind=ZoneKind.EXCLUSION,
        floor=Altitude(10, Datum.HOME),
        ceiling=Altitude(120, Datum.GROUND),
        owner=AgencyId("police"),
        reason="school",
        changed_at=after(0.25),
    )
    assert zone_store.add(zone) == zone
    assert zone_store.get(zone.zone_id) == zone


def test_an_id_is_added_once(zone_store: ZoneStore) -> None:
    zone_store.add(a_zone())
    with pytest.raises(VersionConflict):
        zone_store.add(a_zone(name="another"))
    assert zone_store.get(ZoneId("zone-1")).name == a_zone().name


def test_zones_come_in_order_by_purpose_and_switched_on(zone_store: ZoneStore) -> None:
    zone_store.add(named("zone-c", WATCH))
    zone_store.add(named("zone-a", FLIGHT))
    zone_store.add(named("zone-b", FLIGHT, WATCH))
    zone_store.add(named("zone-d", WATCH, active=False))
    assert ids(zone_store) == ["zone-a", "zone-b", "zone-c"]
    assert ids(zone_store, FLIGHT) == ["zone-a", "zone-b"]
    assert ids(zone_store, WATCH) == ["zone-b", "zone-c"]
    assert ids(zone_store, WATCH, active=False) == ["zone-b", "zone-c", "zone-d"]


def test_the_next_version_takes_the_place_of_the_newest(zone_store: ZoneStore) -> None:
    zone_store.add(a_zone())
    second = a_zone(version=2, area=a_square(10, 0, 20), active=False)
    assert zone_store.replace(second, 1) == second
    assert zone_store.get(ZoneId("zone-1")) == second
    assert ids(zone_store) == []


def test_only_the_version_that_was_read_can_be_replaced(zone_store: ZoneStore) -> None:
    zone_store.add(a_zone())
    zone_store.replace(a_zone(version=2, name="second"), 1)
    with pytest.raises(VersionConflict):
        zone_store.replace(a_zone(version=2, name="late"), 1)
    assert zone_store.get(ZoneId("zone-1")).name == "second"


def test_what_is_not_there_is_not_found(zone_store: ZoneStore) -> None:
    with pytest.raises(NotFound):
        zone_store.get(ZoneId("zone-9"))
    with pytest.raises(NotFound):
        zone_store.replace(replace(a_zone(zone_id=ZoneId("zone-9")), version=2), 1)
    assert list(zone_store.find()) == []


def test_a_draft_changes_nothing_until_it_is_active(zone_store: ZoneStore) -> None:
    first = zone_store.add(a_zone(name="first"))
    draft = zone_store.replace(a_zone(version=2, name="draft", stage=ZoneStage.DRAFT), 1)
    assert zone_store.get(first.zone_id) == draft
    assert list(zone_store.find(WATCH)) == [first]
    assert list(zone_store.find(active=False)) == [draft]
    reviewed = zone_store.replace(replace(draft, version=3, stage=ZoneStage.REVIEWED), 2)
    assert list(zone_store.find(WATCH)) == [first]
    active = zone_store.replace(replace(reviewed, version=4, stage=ZoneStage.ACTIVE), 3)
    assert list(zone_store.find(WATCH)) == [active]
    assert list(zone_store.history(first.zone_id)) == [first, draft, reviewed, active]


def test_a_draft_of_another_purpose_hides_nothing(zone_store: ZoneStore) -> None:
    first = zone_store.add(named("zone-a", FLIGHT))
    zone_store.replace(named("zone-a", WATCH, version=2, stage=ZoneStage.DRAFT), 1)
    assert list(zone_store.find(FLIGHT)) == [first]
    assert list(zone_store.find(WATCH)) == []


def test_a_first_draft_and_a_retired_zone_do_not_stand(zone_store: ZoneStore) -> None:
    draft = zone_store.add(a_zone(stage=ZoneStage.DRAFT))
    assert list(zone_store.find()) == []
    active = zone_store.replace(replace(draft, version=2, stage=ZoneStage.ACTIVE), 1)
    assert list(zone_store.find()) == [active]
    zone_store.replace(replace(draft, version=3, stage=ZoneStage.RETIRED), 2)
    assert list(zone_store.find()) == []
    assert list(zone_store.history(ZoneId("zone-9"))) == []
