"""Reports become incidents: opened, joined, and never lost."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest

from core.errors import DiskFull, KeyReused, VersionConflict
from core.ids import AgencyId, AssetId, CameraId, ObservationId, SortieId, TrackId
from core.refusals import RefusalCode
from incidents import review
from incidents.adapters.log_notifier import LogNotifier
from incidents.adapters.memory_store import MemoryIncidentStore
from incidents.intake import (
    elsewhere_observation,
    report_observation_from_elsewhere,
    report_violation,
)
from incidents.model import (
    CloseProposal,
    Incident,
    IncidentKind,
    IncidentState,
    Origin,
    TimelineEntry,
    Violation,
)
from incidents.ports import IncidentFilter, IncidentStore
from tests.builders import (
    NOW,
    REVIEWER,
    a_piece_of_evidence,
    a_point,
    a_source,
    a_violation,
    a_zone,
    after,
    an_incident,
    an_observation,
)

S = IncidentState


class Ear:
    """Hears what the notifier says."""

    def __init__(self) -> None:
        self.heard: list[Incident] = []
        self.notifier = LogNotifier(self.heard.append)


@pytest.fixture
def ear() -> Ear:
    return Ear()


def seen(number: int, at: datetime = NOW, **changes: object) -> Violation:
    """A violation seen in a sortie of its own number."""
    values: dict[str, object] = {
        "observation_id": ObservationId(f"observation-{number}"),
        "source": a_source(
            sortie_id=SortieId(f"sortie-{number}"), asset_id=AssetId(f"drone-{number}")
        ),
        "first_seen_at": at,
        "last_seen_at": at,
        "point": a_point(0.5 * number, 0),
        **changes,
    }
    return a_violation(observation=an_observation(**values))


def heap(number: int, at: datetime = NOW) -> Violation:
    return replace(seen(number, at, label="waste"), kind=IncidentKind.WASTE_HEAP)


def everything(store: IncidentStore) -> list[Incident]:
    return list(store.find(IncidentFilter()))


def put(store: IncidentStore, incident: Incident) -> Incident:
    store.add(incident)
    return incident


def test_a_first_report_opens_an_incident(incident_store: IncidentStore, ear: Ear) -> None:
    violation = seen(1)
    incident = report_violation(violation, incident_store, ear.notifier, after(9))
    assert incident_store.get(incident.incident_id) == incident
    assert incident.state is S.OPEN
    assert (incident.kind, incident.zone_id) == (violation.kind, violation.zone_id)
    assert incident.point == violation.observation.point
    assert incident.opened_at == after(9)
    assert incident.because == violation.because
    assert [e.event for e in incident.timeline] == ["opened"]
    assert ear.heard == [incident]


def test_the_same_report_again_changes_nothing(incident_store: IncidentStore, ear: Ear) -> None:
    first = report_violation(seen(1), incident_store, ear.notifier, NOW)
    again = report_violation(seen(1), incident_store, ear.notifier, after(60))
    assert again == first
    assert ear.heard == [first]


def test_a_grown_observation_takes_the_older_ones_place(
    incident_store: IncidentStore, ear: Ear
) -> None:
    report_violation(seen(1), incident_store, ear.notifier, NOW)
    grown = seen(1, last_seen_at=after(8), sightings=80, point=a_point(0.6, 0, 1.5))
    incident = report_violation(grown, incident_store, ear.notifier, after(8))
    assert incident.observations == (grown.observation,)
    assert incident.point == grown.observation.point
    assert incident.version == 2
    assert len(everything(incident_store)) == 1
    # an older version that comes late does not undo it
    assert report_violation(seen(1), incident_store, ear.notifier, after(9)) == incident


def test_evidence_that_comes_later_joins(incident_store: IncidentStore, ear: Ear) -> None:
    picture, clip = a_piece_of_evidence(), a_piece_of_evidence(digest="b" * 64)
    report_violation(seen(1, evidence=(picture,)), incident_store, ear.notifier, NOW)
    incident = report_violation(seen(1, evidence=(clip,)), incident_store, ear.notifier, after(5))
    assert [e.digest for e in incident.all_evidence] == [picture.digest, clip.digest]


def test_another_pass_extends_and_sharpens(incident_store: IncidentStore, ear: Ear) -> None:
    first = report_violation(seen(1), incident_store, ear.notifier, NOW)
    later = after(hours=2)
    second = report_violation(seen(2, later), incident_store, ear.notifier, later)
    assert second.incident_id == first.incident_id
    assert len(second.observations) == 2
    assert second.point.radius_m < first.point.radius_m
    assert second.last_seen_at == later
    assert second.timeline[-1].event == "extended"
    assert second.timeline[-1].note == "0.5 m apart, same kind, 2 h later"


def test_a_neighbour_in_the_same_picture_is_an_incident_of_its_own(
    incident_store: IncidentStore, ear: Ear
) -> None:
    report_violation(seen(1), incident_store, ear.notifier, NOW)
    neighbour = seen(
        2, source=a_source(sortie_id=SortieId("sortie-1"), asset_id=AssetId("drone-1"),
                           track_id=TrackId("track-2")), point=a_point(3, 0),
    )  # fmt: skip
    report_violation(neighbour, incident_store, ear.notifier, NOW)
    assert len(everything(incident_store)) == 2


@pytest.mark.parametrize("state", [S.OPEN, S.CONFIRMED, S.ASSIGNED])
def test_a_living_incident_is_extended_in_its_state(
    state: IncidentState, incident_store: IncidentStore, ear: Ear
) -> None:
    put(incident_store, an_incident(state=state))
    later = after(hours=1)
    incident = report_violation(seen(2, later), incident_store, ear.notifier, later)
    assert (incident.incident_id, incident.state) == ("incident-1", state)
    assert incident.timeline[-1].event == "extended"


def test_a_proposal_to_close_falls_when_the_thing_is_seen_again(
    incident_store: IncidentStore, ear: Ear
) -> None:
    proposal = CloseProposal(None, after(60), 9, "gone")
    put(incident_store, an_incident(state=S.CONFIRMED, close_proposal=proposal))
    late = report_violation(seen(2, after(30)), incident_store, ear.notifier, after(90))
    assert late.close_proposal == proposal  # seen before the proposal
    again = report_violation(seen(3, after(120)), incident_store, ear.notifier, after(120))
    assert again.close_proposal is None


def ended(event: str, state: IncidentState, **changes: object) -> Incident:
    entry = TimelineEntry(after(hours=1), event, REVIEWER)
    return an_incident(state=state, timeline=(TimelineEntry(after(4), "opened"), entry), **changes)


def test_what_was_dismissed_stays_so_while_it_stands(
    incident_store: IncidentStore, ear: Ear
) -> None:
    put(incident_store, ended("dismissed", S.DISMISSED))
    soon = after(hours=1.5)
    incident = report_violation(seen(2, soon), incident_store, ear.notifier, soon)
    assert (incident.incident_id, incident.state) == ("incident-1", S.DISMISSED)
    assert incident.timeline[-1].event == "extended"
    much_later = after(hours=8)
    new = report_violation(seen(3, much_later), incident_store, ear.notifier, much_later)
    assert (new.incident_id == "incident-1", new.state) == (False, S.OPEN)


def test_seen_again_after_the_work_the_proposal_is_withdrawn(
    incident_store: IncidentStore, ear: Ear
) -> None:
    proposal = CloseProposal(None, after(hours=2), 9, "gone")
    put(incident_store, ended("done", S.DONE, close_proposal=proposal))
    later = after(hours=3)
    incident = report_violation(seen(2, later), incident_store, ear.notifier, later)
    assert (incident.state, incident.close_proposal) == (S.DONE, None)
    assert incident.timeline[-1].event == "seen_again"


def test_seen_before_the_work_says_nothing_of_it(incident_store: IncidentStore, ear: Ear) -> None:
    put(incident_store, ended("done", S.DONE))
    incident = report_violation(
        seen(2, after(minutes=30)), incident_store, ear.notifier, after(hours=3)
    )
    assert incident.timeline[-1].event == "extended"


@pytest.mark.parametrize(
    ("hours", "same", "state", "event"),
    [
        (0.5, True, S.CLOSED, "extended"),  # before the closing, uploaded late
        (1.4, True, S.OPEN, "reopened"),  # too soon to be another
        (1.6, False, S.OPEN, "opened"),
    ],
)
def test_after_closing(
    hours: float,
    same: bool,
    state: IncidentState,
    event: str,
    incident_store: IncidentStore,
    ear: Ear,
) -> None:
    put(incident_store, ended("closed", S.CLOSED))
    at = after(hours=hours)
    incident = report_violation(seen(2, at), incident_store, ear.notifier, at)
    assert (incident.incident_id == "incident-1") is same
    assert (incident.state, incident.timeline[-1].event) == (state, event)


def test_a_heap_that_comes_back_a_week_after_closing_is_new(
    incident_store: IncidentStore, ear: Ear
) -> None:
    closed = ended("closed", S.CLOSED, kind=IncidentKind.WASTE_HEAP,
                   observations=(an_observation(label="waste"),))  # fmt: skip
    put(incident_store, closed)
    at = after(days=7)
    new = report_violation(heap(2, at), incident_store, ear.notifier, at)
    assert new.incident_id != "incident-1"


def test_a_growing_observation_follows_a_merge(incident_store: IncidentStore, ear: Ear) -> None:
    one = report_violation(seen(1), incident_store, ear.notifier, NOW)
    far = seen(9, point=a_point(30, 0))
    two = report_violation(far, incident_store, ear.notifier, NOW)
    merged, survivor = review.merge_into(two, one, REVIEWER, after(5))
    incident_store.save(merged, two.version)
    incident_store.save(survivor, one.version)
    grown = seen(9, point=a_point(30, 0), last_seen_at=after(9), sightings=99)
    incident = report_violation(grown, incident_store, ear.notifier, after(9))
    assert incident.incident_id == one.incident_id
    assert {o.sightings for o in incident.observations} == {20, 99}


class TestFailures:
    def test_a_full_disk_is_raised_and_nobody_is_told(self, ear: Ear) -> None:
        store = MemoryIncidentStore()
        store.fail_next = "disk_full"
        with pytest.raises(DiskFull):
            report_violation(seen(1), store, ear.notifier, NOW)
        assert everything(store) == []
        assert ear.heard == []
        # the caller still has the violation and may report it again
        assert report_violation(seen(1), store, ear.notifier, NOW).state is S.OPEN

    def test_somebody_elses_change_in_between_is_no_loss(self, ear: Ear) -> None:
        class Racing(MemoryIncidentStore):
            """A reviewer confirms between this intake's reading and its saving."""

            raced = False

            def save(self, incident: Incident, expected_version: int) -> None:
                if not self.raced:
                    self.raced = True
                    held = self.get(incident.incident_id)
                    claim = review.claim(held, REVIEWER, NOW)
                    super().save(claim, held.version)
                super().save(incident, expected_version)

        store = Racing()
        report_violation(seen(1), store, ear.notifier, NOW)
        later = after(60)
        incident = report_violation(seen(2, later), store, ear.notifier, later)
        assert incident.version == 3
        assert len(incident.observations) == 2
        assert incident.claim is not None

    def test_endless_conflict_is_raised(self, ear: Ear) -> None:
        class Stubborn(MemoryIncidentStore):
            def save(self, incident: Incident, expected_version: int) -> None:
                raise VersionConflict("always")

        store = Stubborn()
        report_violation(seen(1), store, ear.notifier, NOW)
        with pytest.raises(VersionConflict):
            report_violation(seen(2, after(60)), store, ear.notifier, after(60))

    def test_reports_from_many_threads_open_one_incident(
        self, incident_store: IncidentStore, ear: Ear
    ) -> None:
        with ThreadPoolExecutor(6) as pool:
            list(
                pool.map(
                    lambda n: report_violation(seen(n), incident_store, ear.notifier, NOW),
                    range(1, 7),
                )
            )
        (incident,) = everything(incident_store)
        assert len(incident.observations) == 6


def theirs(serial: str = "7", **changes: object) -> object:
    lat, lon = a_point().lat_deg, a_point().lon_deg
    values: dict[str, object] = {
        "device_id": "complex-4",
        "serial": serial,
        "at": NOW,
        "kind": IncidentKind.VEHICLE_STOPPED,
        "label": "car",
        "confidence": 0.8,
        "lat_deg": lat,
        "lon_deg": lon,
        "radius_m": 5.0,
        "plate": "123ABC01",
        **changes,
    }
    return elsewhere_observation(**values)  # type: ignore[arg-type]


class TestFromElsewhere:
    def report(self, observation: object, store: IncidentStore, ear: Ear) -> object:
        return report_observation_from_elsewhere(
            observation, [a_zone()], store, ear.notifier, after(5)  # type: ignore[arg-type]
        )  # fmt: skip

    def test_it_is_labelled_as_theirs(self) -> None:
        seen = theirs(camera_id=CameraId("pole-9"))
        assert seen.source.origin is Origin.ELSEWHERE  # type: ignore[attr-defined]
        assert seen.source.camera_id == "pole-9"  # type: ignore[attr-defined]
        assert seen.source.device_serial == "7"  # type: ignore[attr-defined]
        assert seen.point.radius_m == pytest.approx(5.0, rel=0.005)  # type: ignore[attr-defined]

    def test_the_same_serial_is_one_observation(
        self, incident_store: IncidentStore, ear: Ear
    ) -> None:
        first = self.report(theirs(), incident_store, ear)
        again = self.report(theirs(), incident_store, ear)
        assert first.new  # type: ignore[attr-defined]
        assert not again.new  # type: ignore[attr-defined]
        assert first.incident == again.incident  # type: ignore[attr-defined]
        assert len(everything(incident_store)) == 1

    def test_with_another_content_it_is_refused(
        self, incident_store: IncidentStore, ear: Ear
    ) -> None:
        self.report(theirs(), incident_store, ear)
        with pytest.raises(KeyReused):
            self.report(theirs(plate="999XYZ01"), incident_store, ear)

    def test_serials_are_each_devices_own(self, incident_store: IncidentStore, ear: Ear) -> None:
        a = self.report(theirs(), incident_store, ear)
        b = self.report(theirs(device_id="complex-5"), incident_store, ear)
        assert a.observation_id != b.observation_id  # type: ignore[attr-defined]

    def test_it_joins_what_our_own_drone_has_seen(
        self, incident_store: IncidentStore, ear: Ear
    ) -> None:
        own = report_violation(seen(1), incident_store, ear.notifier, NOW)
        answer = self.report(theirs(at=after(5)), incident_store, ear)
        assert answer.incident.incident_id == own.incident_id  # type: ignore[attr-defined]
        assert {o.source.origin for o in answer.incident.observations} == set(Origin)  # type: ignore[attr-defined]

    def test_outside_all_zones_it_is_refused_with_the_reason(
        self, incident_store: IncidentStore, ear: Ear
    ) -> None:
        lat, lon = a_point(900, 0).lat_deg, a_point(900, 0).lon_deg
        answer = self.report(theirs(lat_deg=lat, lon_deg=lon), incident_store, ear)
        assert answer.incident is None  # type: ignore[attr-defined]
        assert answer.refused.code is RefusalCode.OUTSIDE_ZONES  # type: ignore[attr-defined]
        assert everything(incident_store) == []


def test_the_agency_of_a_dismissed_heap_is_not_woken_for_three_weeks(ear: Ear) -> None:
    store = MemoryIncidentStore()
    opened = report_violation(heap(1), store, ear.notifier, NOW)
    claimed = review.claim(opened, REVIEWER, NOW)
    store.save(claimed, 1)
    store.save(review.reject(claimed, REVIEWER, NOW, "not_a_violation"), 2)
    for day in range(1, 20):
        incident = report_violation(heap(day + 1, after(days=day)), store, ear.notifier, NOW)
        assert incident.state is S.DISMISSED
        assert incident.agency != AgencyId("cleaning")
    assert len(everything(store)) == 1
