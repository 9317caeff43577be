"""The contract of `IncidentStore`; adapters join by `INCIDENT_STORES` in tests/conftest.py."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from core.errors import DiskFull, NotFound, VersionConflict
from core.ids import IncidentId, ObservationId
from incidents.adapters.memory_store import MemoryIncidentStore
from incidents.model import Claim, CloseProposal, Incident, IncidentKind, IncidentState
from incidents.ports import IncidentFilter, IncidentStore
from tests.builders import (
    REVIEWER,
    a_piece_of_evidence,
    a_point,
    after,
    an_incident,
    an_observation,
)

ALL = IncidentFilter()


def numbered(number: int, **changes: object) -> Incident:
    observation = an_observation(observation_id=ObservationId(f"observation-{number}"))
    return an_incident(
        incident_id=IncidentId(f"incident-{number}"),
        observations=(observation,),
        opened_at=after(minutes=number),
        **changes,
    )


def ids(found: object) -> list[str]:
    return [i.incident_id for i in found]  # type: ignore[attr-defined]


def test_what_was_added_comes_back_whole(incident_store: IncidentStore) -> None:
    incident = an_incident(
        observations=(an_observation(evidence=(a_piece_of_evidence(),), plate="123ABC01"),),
        claim=Claim(REVIEWER, after(600)),
        close_proposal=CloseProposal(None, after(60), 12, "12 frames saw it"),
        evidence=(a_piece_of_evidence(note="done"),),
    )
    incident_store.add(incident)
    assert incident_store.get(incident.incident_id) == incident


def test_an_id_is_added_once(incident_store: IncidentStore) -> None:
    incident_store.add(numbered(1))
    with pytest.raises(VersionConflict):
        incident_store.add(numbered(1, because="another"))
    assert incident_store.get(IncidentId("incident-1")) == numbered(1)


def test_what_is_not_there_is_not_found(incident_store: IncidentStore) -> None:
    with pytest.raises(NotFound):
        incident_store.get(IncidentId("incident-9"))
    with pytest.raises(NotFound):
        incident_store.save(replace(numbered(9), version=2), 1)
    assert incident_store.by_observation(ObservationId("observation-9")) is None
    assert list(incident_store.find(ALL)) == []


def test_only_the_version_that_was_read_can_be_replaced(incident_store: IncidentStore) -> None:
    incident_store.add(numbered(1))
    second = replace(numbered(1), version=2, because="second")
    incident_store.save(second, 1)
    with pytest.raises(VersionConflict):
        incident_store.save(replace(second, because="late"), 1)
    assert incident_store.get(second.incident_id) == second


def test_a_version_that_does_not_follow_is_a_mistake(incident_store: IncidentStore) -> None:
    with pytest.raises(ValueError, match="version"):
        incident_store.add(numbered(1, version=3))
    incident_store.add(numbered(1))
    with pytest.raises(ValueError, match="version"):
        incident_store.save(replace(numbered(1), version=7), 1)


def test_newest_first_page_by_page(incident_store: IncidentStore) -> None:
    for number in (3, 1, 5, 2, 4):
        incident_store.add(numbered(number))
    first = incident_store.find(ALL, limit=2)
    second = incident_store.find(ALL, after=first[-1].incident_id, limit=2)
    third = incident_store.find(ALL, after=second[-1].incident_id, limit=2)
    assert [ids(first), ids(second), ids(third)] == [
        ["incident-5", "incident-4"],
        ["incident-3", "incident-2"],
        ["incident-1"],
    ]
    assert list(incident_store.find(ALL, after=third[-1].incident_id)) == []


def test_incidents_of_one_instant_keep_one_order(incident_store: IncidentStore) -> None:
    for number in range(6):
        incident_store.add(replace(numbered(number), opened_at=after(0)))
    whole = ids(incident_store.find(ALL))
    paged = ids(incident_store.find(ALL, limit=1))
    while page := incident_store.find(ALL, after=IncidentId(paged[-1]), limit=1):
        paged += ids(page)
    assert paged == whole
    assert all(a > b for a, b in pairwise(whole))


def test_a_page_after_an_unknown_incident_is_empty(incident_store: IncidentStore) -> None:
    incident_store.add(numbered(1))
    assert list(incident_store.find(ALL, after=IncidentId("incident-x"))) == []


def test_every_field_of_a_filter_must_fit(incident_store: IncidentStore) -> None:
    incident_store.add(numbered(1))
    incident_store.add(numbered(2, state=IncidentState.CONFIRMED))
    incident_store.add(numbered(3, kind=IncidentKind.WASTE_HEAP))
    incident_store.add(numbered(4, last_seen_at=after(days=3)))
    for wanted, found in (
        (IncidentFilter(states=frozenset({IncidentState.CONFIRMED})), ["incident-2"]),
        (IncidentFilter(states=frozenset()), []),
        (IncidentFilter(kind=IncidentKind.WASTE_HEAP), ["incident-3"]),
        (IncidentFilter(seen_since=after(days=3)), ["incident-4"]),
        (
            IncidentFilter(
                states=frozenset({IncidentState.OPEN}), kind=IncidentKind.VEHICLE_STOPPED
            ),
            ["incident-4", "incident-1"],
        ),
    ):
        assert ids(incident_store.find(wanted)) == found


def test_near_means_at_most_so_many_metres(incident_store: IncidentStore) -> None:
    for number, east in ((1, 0.0), (2, 29.9), (3, 30.1), (4, -25.0)):
        incident_store.add(numbered(number, point=a_point(east, 0)))
    incident_store.add(numbered(5, point=a_point(29, 29)))
    here = a_point()
    wanted = IncidentFilter(near_lat_deg=here.lat_deg, near_lon_deg=here.lon_deg, near_m=30.0)
    assert ids(incident_store.find(wanted)) == ["incident-4", "incident-2", "incident-1"]
    assert ids(incident_store.find(wanted, limit=2)) == ["incident-4", "incident-2"]
    rest = incident_store.find(wanted, after=IncidentId("incident-2"))
    assert ids(rest) == ["incident-1"]


def test_an_incident_is_found_by_each_observation(incident_store: IncidentStore) -> None:
    incident_store.add(numbered(1))
    more = an_observation(observation_id=ObservationId("observation-7"))
    grown = replace(numbered(1), observations=(*numbered(1).observations, more), version=2)
    incident_store.save(grown, 1)
    for name in ("observation-1", "observation-7"):
        assert incident_store.by_observation(ObservationId(name)) == grown


def test_an_observation_belongs_to_one_incident(incident_store: IncidentStore) -> None:
    incident_store.add(numbered(1))
    incident_store.add(numbered(2))
    stolen = replace(
        numbered(2), observations=(*numbered(2).observations, *numbered(1).observations), version=2
    )
    with pytest.raises(VersionConflict):
        incident_store.save(stolen, 1)
    assert incident_store.get(IncidentId("incident-2")) == numbered(2)
    assert incident_store.by_observation(ObservationId("observation-1")) == numbered(1)


def test_a_merged_incident_gives_its_observations_away(incident_store: IncidentStore) -> None:
    incident_store.add(numbered(1))
    incident_store.add(numbered(2))
    merged = replace(
        numbered(1),
        state=IncidentState.MERGED,
        merged_into=IncidentId("incident-2"),
        version=2,
    )
    survivor = replace(
        numbered(2), observations=(*numbered(1).observations, *numbered(2).observations), version=2
    )
    incident_store.save(merged, 1)
    incident_store.save(survivor, 1)
    assert incident_store.by_observation(ObservationId("observation-1")) == survivor
    assert incident_store.get(IncidentId("incident-1")) == merged


def test_times_keep_their_microseconds_and_their_zone(incident_store: IncidentStore) -> None:
    seen = after(0) + timedelta(microseconds=123_457)
    incident_store.add(numbered(1, last_seen_at=seen))
    found = incident_store.get(IncidentId("incident-1"))
    assert found.last_seen_at == seen
    assert found.last_seen_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("failure", "error"), [("disk_full", DiskFull), ("conflict", VersionConflict)]
)
def test_the_memory_store_fails_by_name_once_and_changes_nothing(
    failure: str, error: type[Exception]
) -> None:
    store = MemoryIncidentStore()
    store.add(numbered(1))
    store.fail_next = failure  # type: ignore[assignment]
    with pytest.raises(error):
        store.save(replace(numbered(1), version=2), 1)
    assert store.get(IncidentId("incident-1")).version == 1
    store.save(replace(numbered(1), version=2), 1)
