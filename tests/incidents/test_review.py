"""What people may do, step by step, and what they may not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import (
    BadRequest,
    ClaimedByOther,
    IllegalMove,
    NotAllowed,
    NotClaimed,
    QyranError,
)
from core.ids import AgencyId, IncidentId, ObservationId
from incidents import review
from incidents.model import (
    CLAIM_LEASE,
    CloseProposal,
    Evidence,
    EvidenceRole,
    Incident,
    IncidentKind,
    IncidentState,
)
from tests.builders import (
    NOW,
    OTHER_REVIEWER,
    REVIEWER,
    a_piece_of_evidence,
    a_source,
    after,
    an_incident,
    an_observation,
)

S = IncidentState
CLEANING = AgencyId("cleaning")
PHOTO: Evidence = a_piece_of_evidence(digest="c" * 64, role=EvidenceRole.COMPLETION)
PROPOSAL = CloseProposal(None, NOW, 12, "12 frames saw the whole place")


def claimed(state: IncidentState = S.OPEN, **changes: object) -> Incident:
    return review.claim(an_incident(state=state, **changes), REVIEWER, NOW)


def test_one_incident_from_claim_to_closure() -> None:
    incident = review.claim(an_incident(), REVIEWER, after(1))
    incident = review.confirm(incident, REVIEWER, after(2), "clearly")
    incident = review.assign(incident, CLEANING, REVIEWER, after(3))
    incident = review.complete(incident, PHOTO, OTHER_REVIEWER, CLEANING, after(4), "swept")
    incident = review.accept_closure(incident, REVIEWER, after(5))
    assert incident.state is S.CLOSED
    assert incident.version == 6
    assert incident.agency == CLEANING
    assert incident.evidence == (PHOTO,)
    assert incident.claim is None
    assert [(e.event, e.by, e.note) for e in incident.timeline[1:]] == [
        ("claimed", REVIEWER, ""),
        ("confirmed", REVIEWER, "clearly"),
        ("assigned", REVIEWER, "cleaning"),
        ("done", OTHER_REVIEWER, "swept"),
        ("closed", REVIEWER, ""),
    ]
    assert [e.at for e in incident.timeline[1:]] == [after(s) for s in range(1, 6)]


class TestClaims:
    def test_a_claim_is_a_lease(self) -> None:
        incident = claimed()
        assert review.active_claim(incident, NOW + CLAIM_LEASE - timedelta(seconds=1))
        assert review.active_claim(incident, NOW + CLAIM_LEASE) is None

    def test_a_second_reviewer_is_refused_and_told_by_whom(self) -> None:
        with pytest.raises(ClaimedByOther, match="reviewer-1 holds it until 09:10 UTC"):
            review.claim(claimed(), OTHER_REVIEWER, after(1))

    def test_the_holder_renews(self) -> None:
        incident = review.claim(claimed(), REVIEWER, after(300))
        assert incident.claim is not None
        assert incident.claim.until == after(300) + CLAIM_LEASE

    def test_an_expired_claim_is_free(self) -> None:
        incident = review.claim(claimed(), OTHER_REVIEWER, NOW + CLAIM_LEASE)
        assert incident.claim is not None
        assert incident.claim.user_id == OTHER_REVIEWER
        assert incident.timeline[-1].note == ""

    def test_taking_over_needs_a_reason_and_says_it(self) -> None:
        with pytest.raises(ClaimedByOther):
            review.claim(claimed(), OTHER_REVIEWER, after(1), "  ")
        incident = review.claim(claimed(), OTHER_REVIEWER, after(1), "shift ended")
        assert incident.timeline[-1].note == "taken over from reviewer-1: shift ended"
        with pytest.raises(ClaimedByOther):
            review.confirm(incident, REVIEWER, after(2))

    def test_only_the_holder_releases(self) -> None:
        assert review.release(claimed(), REVIEWER, after(1)).claim is None
        with pytest.raises(ClaimedByOther):
            review.release(claimed(), OTHER_REVIEWER, after(1))
        with pytest.raises(NotClaimed):
            review.release(an_incident(), REVIEWER, NOW)

    def test_a_merged_incident_is_nobodys(self) -> None:
        with pytest.raises(IllegalMove):
            review.claim(an_incident(state=S.MERGED), REVIEWER, NOW)


Step = Callable[[Incident], Incident]
STEPS: dict[str, Step] = {
    "confirm": lambda i: review.confirm(i, REVIEWER, NOW),
    "reject": lambda i: review.reject(i, REVIEWER, NOW, "wrong_kind"),
    "reopen": lambda i: review.reopen(i, REVIEWER, NOW),
    "assign": lambda i: review.assign(i, CLEANING, REVIEWER, NOW),
    "complete": lambda i: review.complete(i, PHOTO, REVIEWER, CLEANING, NOW),
    "accept_closure": lambda i: review.accept_closure(i, REVIEWER, NOW),
    "refuse_closure": lambda i: review.refuse_closure(i, REVIEWER, NOW),
}
LEGAL = {
    ("confirm", S.OPEN): S.CONFIRMED,
    ("reject", S.OPEN): S.DISMISSED,
    ("reject", S.CONFIRMED): S.DISMISSED,
    ("reopen", S.DISMISSED): S.OPEN,
    ("reopen", S.CLOSED): S.OPEN,
    ("assign", S.CONFIRMED): S.ASSIGNED,
    ("assign", S.ASSIGNED): S.ASSIGNED,
    ("complete", S.ASSIGNED): S.DONE,
    ("accept_closure", S.DONE): S.CLOSED,
    ("accept_closure", S.CONFIRMED): S.CLOSED,
    ("refuse_closure", S.DONE): S.ASSIGNED,
}


@pytest.mark.parametrize("state", [s for s in S if s is not S.MERGED])
@pytest.mark.parametrize("name", STEPS)
def test_every_step_from_every_state(name: str, state: IncidentState) -> None:
    incident = claimed(state)
    wanted = LEGAL.get((name, state))
    if wanted is None:
        with pytest.raises(IllegalMove):
            STEPS[name](incident)
    else:
        after_step = STEPS[name](incident)
        assert after_step.state is wanted
        assert after_step.version == incident.version + 1
        assert after_step.timeline[:-1] == incident.timeline


@pytest.mark.parametrize("name", ["confirm", "reject", "reopen"])
def test_a_decision_needs_ones_own_claim(name: str) -> None:
    state = S.DISMISSED if name == "reopen" else S.OPEN
    with pytest.raises(NotClaimed):
        STEPS[name](an_incident(state=state))
    with pytest.raises(ClaimedByOther):
        STEPS[name](review.claim(an_incident(state=state), OTHER_REVIEWER, NOW))


@pytest.mark.parametrize("name", ["assign", "accept_closure", "refuse_closure"])
def test_a_dispatcher_needs_no_claim_but_respects_anothers(name: str) -> None:
    state = S.CONFIRMED if name == "assign" else S.DONE
    assert STEPS[name](an_incident(state=state))
    with pytest.raises(ClaimedByOther):
        STEPS[name](review.claim(an_incident(state=state), OTHER_REVIEWER, NOW))


@pytest.mark.parametrize(
    "reason", [*review.REJECTION_REASONS, "other: it is a sculpture", " duplicate "]
)
def test_a_rejection_keeps_its_reason(reason: str) -> None:
    incident = review.reject(claimed(), REVIEWER, NOW, reason)
    assert incident.timeline[-1].note == reason.strip()
    assert incident.claim is None


@pytest.mark.parametrize("reason", ["", "  ", "because", "other:", "other:  "])
def test_a_rejection_without_a_reason_is_none(reason: str) -> None:
    with pytest.raises(BadRequest):
        review.reject(claimed(), REVIEWER, NOW, reason)


def test_another_agency_cannot_complete() -> None:
    assigned = review.assign(an_incident(state=S.CONFIRMED), CLEANING, REVIEWER, NOW)
    for agency in (AgencyId("roads"), None):
        with pytest.raises(NotAllowed):
            review.complete(assigned, PHOTO, REVIEWER, agency, NOW)


def test_an_assignment_needs_an_agency() -> None:
    with pytest.raises(BadRequest):
        review.assign(an_incident(state=S.CONFIRMED), AgencyId(""), REVIEWER, NOW)


@pytest.mark.parametrize("state", [S.CONFIRMED, S.ASSIGNED])
def test_a_hint_that_it_is_gone_may_be_refused(state: IncidentState) -> None:
    refused = review.refuse_closure(
        an_incident(state=state, close_proposal=PROPOSAL), REVIEWER, NOW, "hidden by a lorry"
    )
    assert refused.state is state
    assert refused.close_proposal is None
    assert refused.timeline[-1].event == "closure_refused"
    assert refused.timeline[-1].note == "hidden by a lorry"


def test_work_done_withdraws_what_was_seen_before_it() -> None:
    assigned = an_incident(state=S.ASSIGNED, close_proposal=PROPOSAL)
    assert review.complete(assigned, PHOTO, REVIEWER, None, NOW).close_proposal is None


class TestMerging:
    other = an_incident(
        incident_id=IncidentId("incident-2"),
        observations=(
            an_observation(
                observation_id=ObservationId("observation-2"),
                source=a_source(sortie_id="sortie-2"),
                last_seen_at=after(99),
            ),
        ),
        evidence=(PHOTO,),
    )

    def test_all_that_was_seen_moves_to_the_survivor(self) -> None:
        merged, survivor = review.merge_into(self.other, an_incident(), REVIEWER, NOW)
        assert (merged.state, merged.merged_into) == (S.MERGED, "incident-1")
        assert [o.observation_id for o in survivor.observations] == [
            "observation-1",
            "observation-2",
        ]
        assert survivor.evidence == (PHOTO,)
        assert survivor.last_seen_at == after(99)
        assert survivor.point.radius_m < an_incident().point.radius_m
        assert merged.timeline[-1].note == "into incident-1"
        assert survivor.timeline[-1].note == "with incident-2"
        assert (merged.version, survivor.version) == (2, 2)

    @pytest.mark.parametrize(
        "survivor",
        [
            other,
            an_incident(kind=IncidentKind.WASTE_HEAP),
            an_incident(state=S.MERGED),
        ],
    )
    def test_what_cannot_be_one_event_is_refused(self, survivor: Incident) -> None:
        with pytest.raises(BadRequest):
            review.merge_into(self.other, survivor, REVIEWER, NOW)

    def test_a_done_one_is_past_merging(self) -> None:
        with pytest.raises(IllegalMove):
            review.merge_into(replace(self.other, state=S.DONE), an_incident(), REVIEWER, NOW)


R, D, SV, A = {"reviewer"}, {"dispatcher"}, {"service"}, {"auditor"}


@pytest.mark.parametrize(
    ("state", "roles", "mine", "actions"),
    [
        (S.OPEN, R, None, ("claim",)),
        (S.OPEN, R, True, ("release", "confirm", "reject")),
        (S.OPEN, R, False, ("take_over",)),
        (S.OPEN, D | SV | A, None, ()),
        (S.CONFIRMED, R, True, ("release", "assign", "reject")),
        (S.CONFIRMED, D, None, ("assign",)),
        (S.CONFIRMED, D, False, ()),
        (S.ASSIGNED, SV, None, ("complete",)),
        (S.ASSIGNED, SV, False, ("complete",)),
        (S.ASSIGNED, D, None, ("assign",)),
        (S.DONE, D, None, ("accept_closure", "refuse_closure")),
        (S.DONE, SV, None, ()),
        (S.DISMISSED, R, True, ("release", "reopen")),
        (S.CLOSED, R, None, ("claim",)),
        (S.MERGED, R | D | SV, None, ()),
        (S.OPEN, A, None, ()),
    ],
)
def test_what_a_person_may_do_now(
    state: IncidentState, roles: set[str], mine: bool | None, actions: tuple[str, ...]
) -> None:
    incident = an_incident(state=state, agency=CLEANING)
    if mine is not None:
        incident = review.claim(incident, REVIEWER if mine else OTHER_REVIEWER, NOW)
    assert review.actions_for(incident, roles, REVIEWER, CLEANING, NOW) == actions


def test_a_service_completes_only_its_own() -> None:
    incident = an_incident(state=S.ASSIGNED, agency=CLEANING)
    assert review.actions_for(incident, SV, REVIEWER, AgencyId("roads"), NOW) == ()


def test_a_proposal_offers_to_close_or_to_keep() -> None:
    incident = an_incident(state=S.CONFIRMED, close_proposal=PROPOSAL)
    assert review.actions_for(incident, D, REVIEWER, None, NOW) == (
        "assign",
        "accept_closure",
        "refuse_closure",
    )


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("proposal", [None, PROPOSAL])
def test_every_offered_action_can_be_done(
    state: IncidentState, proposal: CloseProposal | None
) -> None:
    """What the page offers is never refused."""
    everything = R | D | SV
    for held in (False, True):
        incident = an_incident(state=state, close_proposal=proposal, agency=CLEANING)
        if held and state is not S.MERGED:
            incident = review.claim(incident, REVIEWER, NOW)
        steps: dict[str, Step] = {
            **STEPS,
            "claim": lambda i: review.claim(i, REVIEWER, NOW),
            "release": lambda i: review.release(i, REVIEWER, NOW),
        }
        offered = review.actions_for(incident, everything, REVIEWER, CLEANING, NOW)
        for action in offered:
            steps[action](incident)
        if held:
            for action in set(STEPS) - set(offered) - {"accept_closure"}:
                with pytest.raises(QyranError):
                    steps[action](incident)
