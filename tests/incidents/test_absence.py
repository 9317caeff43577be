"""A place seen empty, and the many ways of not having seen it."""

from dataclasses import replace

import pytest

from core.ids import ObservationId, SortieId
from incidents.absence import AbsenceLimits, SeenGround, propose_closures, seen_ground
from incidents.adapters.log_notifier import LogNotifier
from incidents.intake import report_absences
from incidents.model import (
    CloseProposal,
    Incident,
    IncidentKind,
    IncidentState,
    TimelineEntry,
)
from incidents.ports import IncidentStore
from tests.builders import (
    REVIEWER,
    a_camera_model,
    a_point,
    a_pose,
    a_sigma,
    after,
    an_incident,
    an_observation,
)

S = IncidentState
CAMERA = a_camera_model()
NEXT = SortieId("sortie-2")


def a_pass(
    frames: int = 12, *, start_s: float = 3_600, up_m: float = 60, **changes: object
) -> list[SeenGround]:
    """A drone that flies north over the middle and looks 60 degrees down."""
    seen = []
    for i in range(frames):
        pose = a_pose(0, -42 + i, up_m, at=after(start_s + i / 5), **changes)
        ground = seen_ground(CAMERA, pose, up_m)
        assert ground is not None
        seen.append(ground)
    return seen


def done(**changes: object) -> Incident:
    timeline = (TimelineEntry(after(4), "opened"), TimelineEntry(after(1_800), "done", REVIEWER))
    return an_incident(**{"state": S.DONE, "timeline": timeline, **changes})


def proposed(
    incident: Incident, seen: list[SeenGround], observed: tuple[object, ...] = (), **options: object
) -> tuple[Incident, ...]:
    return propose_closures([incident], seen, observed, NEXT, after(3_700), **options)  # type: ignore[arg-type]


def test_a_done_incident_whose_place_is_empty_may_be_closed() -> None:
    (incident,) = proposed(done(), a_pass())
    proposal = incident.close_proposal
    assert proposal is not None
    assert (proposal.sortie_id, proposal.frames, proposal.at) == (NEXT, 12, after(3_700))
    assert proposal.because.startswith("12 frames saw the whole place, from 68 m")
    assert incident.state is S.DONE  # a person decides
    assert incident.version == 2
    assert incident.timeline[-1].event == "close_proposed"


@pytest.mark.parametrize("state", [S.CONFIRMED, S.ASSIGNED])
def test_for_others_it_is_a_hint(state: IncidentState) -> None:
    (incident,) = proposed(an_incident(state=state), a_pass())
    assert incident.close_proposal is not None
    assert "gone by itself" in incident.close_proposal.because


@pytest.mark.parametrize("state", [S.OPEN, S.DISMISSED, S.CLOSED, S.MERGED])
def test_nothing_is_proposed_where_nobody_waits_for_it(state: IncidentState) -> None:
    assert proposed(an_incident(state=state), a_pass()) == ()


class TestNotTrulySeen:
    def test_too_few_frames(self) -> None:
        assert proposed(done(), a_pass(7)) == ()
        assert proposed(done(), a_pass(7), limits=AbsenceLimits(frames=7))

    def test_before_the_work(self) -> None:
        assert proposed(done(), a_pass(start_s=900)) == ()

    def test_before_it_was_last_seen(self) -> None:
        assert proposed(an_incident(state=S.ASSIGNED), a_pass(start_s=-60)) == ()

    def test_outside_the_picture(self) -> None:
        assert proposed(done(point=a_point(60, 0)), a_pass()) == ()

    def test_the_circle_of_its_error_leaves_the_picture(self) -> None:
        half_m = 67 * 640 / CAMERA.fx_px
        assert proposed(done(point=a_point(half_m - 14, 0, 2)), a_pass())
        assert proposed(done(point=a_point(half_m - 6, 0, 2)), a_pass()) == ()
        assert proposed(done(point=a_point(half_m - 14, 0, 9)), a_pass()) == ()

    def test_too_far_to_tell(self) -> None:
        near = AbsenceLimits(greatest_slant_m=50)
        assert proposed(done(), a_pass(), limits=near) == ()
        sharp = AbsenceLimits(greatest_pixel_m=0.05)
        assert proposed(done(), a_pass(), limits=sharp) == ()

    def test_a_pose_that_is_hardly_known(self) -> None:
        assert proposed(done(), a_pass(sigma=a_sigma(horizontal_m=12.0))) == ()

    def test_a_camera_at_the_sky(self) -> None:
        assert seen_ground(CAMERA, a_pose(pitch_deg=60), 60.0) is None


@pytest.mark.parametrize(
    ("changes", "still_there"),
    [
        ({}, True),
        ({"sightings": 1, "confidence": 0.2}, True),  # however briefly and unsurely
        ({"point": a_point(8, 0)}, True),
        ({"point": a_point(30, 0)}, False),
        ({"label": "waste"}, False),
        ({"label": "bicycle"}, False),
        ({"label": "x", "kind": IncidentKind.VEHICLE_STOPPED}, True),
        ({"first_seen_at": after(10), "last_seen_at": after(20)}, False),  # before the work
    ],
)
def test_anything_of_that_kind_speaks_against_it(
    changes: dict[str, object], still_there: bool
) -> None:
    values: dict[str, object] = {
        "observation_id": ObservationId("observation-2"),
        "first_seen_at": after(3_600),
        "last_seen_at": after(3_602),
        **changes,
    }
    observed = (an_observation(**values),)
    assert bool(proposed(done(), a_pass(), observed)) is not still_there


def test_one_pass_proposes_once() -> None:
    (incident,) = proposed(done(), a_pass())
    assert proposed(incident, a_pass()) == ()
    other = replace(incident, close_proposal=CloseProposal(SortieId("sortie-1"), after(9), 9, ""))
    assert proposed(other, a_pass())


def test_proposals_are_kept_and_told(incident_store: IncidentStore) -> None:
    incident_store.add(done())
    heard: list[Incident] = []
    notifier = LogNotifier(heard.append)
    changed = report_absences(a_pass(), (), NEXT, incident_store, notifier, after(3_700))
    assert changed == (incident_store.get(done().incident_id),)
    assert list(changed) == heard
    again = report_absences(a_pass(), (), NEXT, incident_store, notifier, after(3_800))
    assert again == ()
    assert report_absences((), (), NEXT, incident_store, notifier, after(3_800)) == ()


def test_another_change_in_between_is_no_loss() -> None:
    from incidents import review
    from incidents.adapters.memory_store import MemoryIncidentStore

    class Racing(MemoryIncidentStore):
        raced = False

        def save(self, incident: Incident, expected_version: int) -> None:
            if not self.raced:
                self.raced = True
                held = self.get(incident.incident_id)
                super().save(review.claim(held, REVIEWER, after(3_700)), held.version)
            super().save(incident, expected_version)

    store = Racing()
    store.add(done())
    (incident,) = report_absences(a_pass(), (), NEXT, store, LogNotifier(), after(3_700))
    assert incident.claim is not None
    assert incident.close_proposal is not None
