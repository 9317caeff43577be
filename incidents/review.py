"""What people may do with an incident: pure functions from one version to the next.

Each takes the incident and who acts, and returns the next version with one more line in its
timeline. Only the moves of `INCIDENT_MOVES` are made. A claim is a lease: it ends by itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from core.errors import BadRequest, ClaimedByOther, IllegalMove, NotAllowed, NotClaimed
from core.ids import AgencyId, UserId
from incidents.matching import refreshed
from incidents.model import (
    CLAIM_LEASE,
    INCIDENT_MOVES,
    Claim,
    Evidence,
    Incident,
    IncidentState,
    TimelineEntry,
)

REJECTION_REASONS = (
    "not_a_violation",
    "wrong_place",
    "wrong_kind",
    "poor_picture",
    "duplicate",
)
"""And `other: …` with words of one's own."""

_S = IncidentState


def step(
    incident: Incident,
    at: datetime,
    event: str,
    by: UserId | None = None,
    note: str = "",
    state: IncidentState | None = None,
) -> Incident:
    """Returns the next version with one more line of timeline and, if given, another state.

    Raises:
        IllegalMove: if that state may not follow.
    """
    new = incident.state
    if state is not None and state is not incident.state:
        new = INCIDENT_MOVES.move(incident.state, state)
    entry = TimelineEntry(at, event, by, note)
    return replace(
        incident,
        state=new,
        timeline=(*incident.timeline, entry),
        version=incident.version + 1,
    )


def active_claim(incident: Incident, now: datetime) -> Claim | None:
    """Returns the claim that holds at `now`, if any."""
    claim = incident.claim
    return claim if claim is not None and claim.until > now else None


def claim(
    incident: Incident, user_id: UserId, now: datetime, take_over_reason: str = ""
) -> Incident:
    """Returns the incident leased to a reviewer; a holder's second claim renews the lease.

    Raises:
        ClaimedByOther: if another holds it and no reason to take it over is given.
        IllegalMove: if it was merged into another.
    """
    if incident.state is _S.MERGED:
        raise IllegalMove(
            "a merged incident can't be claimed",
            where=incident.incident_id,
            cure=f"claim {incident.merged_into} instead",
        )
    held = active_claim(incident, now)
    reason = take_over_reason.strip()
    if held is not None and held.user_id != user_id and not reason:
        raise _claimed(incident, held)
    taken = held is not None and held.user_id != user_id
    note = f"taken over from {held.user_id}: {reason}" if taken and held else ""
    leased = replace(incident, claim=Claim(user_id, now + CLAIM_LEASE))
    return step(leased, now, "claimed", user_id, note)


def release(incident: Incident, user_id: UserId, now: datetime) -> Incident:
    """Returns the incident without the reviewer's claim.

    Raises:
        ClaimedByOther: if another holds it.
        NotClaimed: if nobody does.
    """
    _held_by(incident, user_id, now)
    return step(replace(incident, claim=None), now, "released", user_id)


def confirm(incident: Incident, user_id: UserId, now: datetime, note: str = "") -> Incident:
    """Returns the incident as a violation by a person's word; the claim stays for what follows.

    Raises:
        NotClaimed: if the reviewer has not claimed it.
        ClaimedByOther: if another has.
        IllegalMove: if it is past that.
    """
    _held_by(incident, user_id, now)
    return _moved(incident, now, "confirmed", user_id, note, _S.CONFIRMED, only_from=_S.OPEN)


def reject(incident: Incident, user_id: UserId, now: datetime, reason: str) -> Incident:
    """Returns the incident dismissed, for a reason of the list or `other: …`.

    Raises:
        BadRequest: if the reason is none of those.
        NotClaimed: if the reviewer has not claimed it.
        ClaimedByOther: if another has.
        IllegalMove: if it is past that.
    """
    reason = reason.strip()
    own_words = reason.startswith("other:") and reason.removeprefix("other:").strip()
    if reason not in REJECTION_REASONS and not own_words:
        raise BadRequest(
            "a rejection needs a reason",
            where=incident.incident_id,
            cure=f"give one of {', '.join(REJECTION_REASONS)} or other: and a few words",
        )
    _held_by(incident, user_id, now)
    moved = _moved(incident, now, "dismissed", user_id, reason, _S.DISMISSED)
    return replace(moved, claim=None, close_proposal=None)


def reopen(incident: Incident, user_id: UserId, now: datetime, note: str = "") -> Incident:
    """Returns a dismissed or closed incident open again; the claim stays.

    Raises:
        NotClaimed: if the reviewer has not claimed it.
        ClaimedByOther: if another has.
        IllegalMove: if it is neither dismissed nor closed.
    """
    _held_by(incident, user_id, now)
    moved = _moved(incident, now, "reopened", user_id, note, _S.OPEN)
    return replace(moved, close_proposal=None)


def assign(
    incident: Incident, agency: AgencyId, user_id: UserId, now: datetime, note: str = ""
) -> Incident:
    """Returns the incident in the hands of a service; an assigned one may change hands.

    Raises:
        BadRequest: if no agency is named.
        ClaimedByOther: if a reviewer other than this person holds it.
        IllegalMove: if it is not confirmed.
    """
    if not agency:
        raise BadRequest("no agency is named", where=incident.incident_id)
    _not_held_by_other(incident, user_id, now)
    words = f"{agency}: {note}" if note else agency
    if incident.state is _S.ASSIGNED:
        moved = step(incident, now, "assigned", user_id, words)
    else:
        moved = _moved(
            incident, now, "assigned", user_id, words, _S.ASSIGNED, only_from=_S.CONFIRMED
        )
    return replace(moved, agency=agency, claim=None)


def complete(
    incident: Incident,
    evidence: Evidence,
    user_id: UserId,
    agency: AgencyId | None,
    now: datetime,
    note: str = "",
) -> Incident:
    """Returns the incident as dealt with, by the word and photo of its service.

    Raises:
        NotAllowed: if it is assigned to another agency than this person's.
        IllegalMove: if it is not assigned.
    """
    if incident.agency is not None and agency != incident.agency:
        raise NotAllowed(
            "it is assigned to another agency",
            where=incident.incident_id,
            cure=f"somebody of {incident.agency} must complete it",
        )
    moved = _moved(incident, now, "done", user_id, note, _S.DONE)
    # what was seen before the work says nothing of its outcome
    return replace(moved, evidence=(*incident.evidence, evidence), close_proposal=None)


def accept_closure(incident: Incident, user_id: UserId, now: datetime, note: str = "") -> Incident:
    """Returns the incident closed, by a person who accepts that it was dealt with.

    Raises:
        ClaimedByOther: if a reviewer other than this person holds it.
        IllegalMove: if it is neither done nor confirmed.
    """
    _not_held_by_other(incident, user_id, now)
    moved = _moved(incident, now, "closed", user_id, note, _S.CLOSED)
    return replace(moved, claim=None)


def refuse_closure(incident: Incident, user_id: UserId, now: datetime, note: str = "") -> Incident:
    """Returns a done incident back with its service, or a proposal to close withdrawn.

    Raises:
        ClaimedByOther: if a reviewer other than this person holds it.
        IllegalMove: if it is not done and nobody has proposed to close it.
    """
    _not_held_by_other(incident, user_id, now)
    plain = replace(incident, close_proposal=None)
    if incident.close_proposal is not None and incident.state in (_S.CONFIRMED, _S.ASSIGNED):
        return step(plain, now, "closure_refused", user_id, note)
    return _moved(plain, now, "closure_refused", user_id, note, _S.ASSIGNED, only_from=_S.DONE)


def merge_into(
    incident: Incident, survivor: Incident, user_id: UserId, now: datetime
) -> tuple[Incident, Incident]:
    """Returns two incidents of one event as (the merged one, the one that lives on).

    The survivor takes over all that was seen; the merged one keeps what it had as history.
    Save the merged one first.

    Raises:
        BadRequest: if they are one and the same, of different kinds, or the survivor is
            merged itself.
        ClaimedByOther: if another reviewer holds either.
        IllegalMove: if the incident is past merging.
    """
    wrong = (
        incident.incident_id == survivor.incident_id
        or incident.kind is not survivor.kind
        or survivor.state is _S.MERGED
    )
    if wrong:
        raise BadRequest(
            "these two can't be one event",
            where=incident.incident_id,
            cure="choose another, living incident of the same kind",
        )
    _not_held_by_other(incident, user_id, now)
    _not_held_by_other(survivor, user_id, now)
    merged = _moved(incident, now, "merged", user_id, f"into {survivor.incident_id}", _S.MERGED)
    merged = replace(merged, merged_into=survivor.incident_id, claim=None, close_proposal=None)
    all_seen = {o.observation_id: o for o in (*survivor.observations, *incident.observations)}
    ordered = sorted(all_seen.values(), key=lambda o: (o.first_seen_at, o.observation_id))
    media = {e.digest: e for e in (*survivor.evidence, *incident.evidence)}
    grown = replace(refreshed(survivor, tuple(ordered)), evidence=tuple(media.values()))
    return merged, step(grown, now, "merged", user_id, f"with {incident.incident_id}")


def _moved(
    incident: Incident,
    now: datetime,
    event: str,
    user_id: UserId,
    note: str,
    state: IncidentState,
    only_from: IncidentState | None = None,
) -> Incident:
    """Returns the incident in another state; staying where it is, is no move."""
    if incident.state is state or (only_from is not None and incident.state is not only_from):
        raise IllegalMove(
            f"an incident that is {incident.state} can't become {state} by this",
            where=incident.incident_id,
            cure="read it anew, somebody may have been quicker",
        )
    return step(incident, now, event, user_id, note, state)


def _claimed(incident: Incident, held: Claim) -> ClaimedByOther:
    return ClaimedByOther(
        f"{held.user_id} holds it until {held.until:%H:%M} UTC",
        where=incident.incident_id,
        cure="wait, or take it over with a reason",
    )


def _held_by(incident: Incident, user_id: UserId, now: datetime) -> None:
    held = active_claim(incident, now)
    if held is None:
        raise NotClaimed(
            "it is not claimed", where=incident.incident_id, cure="claim it before you decide"
        )
    _not_held_by_other(incident, user_id, now)


def _not_held_by_other(incident: Incident, user_id: UserId, now: datetime) -> None:
    held = active_claim(incident, now)
    if held is not None and held.user_id != user_id:
        raise _claimed(incident, held)


_DECIDING = {"reviewer"}
_DISPATCHING = {"reviewer", "dispatcher"}

_ACTIONS: Mapping[IncidentState, tuple[tuple[str, frozenset[str], bool], ...]] = {
    # action, roles, whether it needs one's own claim
    _S.OPEN: (
        ("confirm", frozenset(_DECIDING), True),
        ("reject", frozenset(_DECIDING), True),
    ),
    _S.CONFIRMED: (
        ("assign", frozenset(_DISPATCHING), False),
        ("reject", frozenset(_DECIDING), True),
        ("accept_closure", frozenset(_DISPATCHING), False),
    ),
    _S.DISMISSED: (("reopen", frozenset(_DECIDING), True),),
    _S.ASSIGNED: (
        ("assign", frozenset(_DISPATCHING), False),
        ("complete", frozenset({"service"}), False),
    ),
    _S.DONE: (
        ("accept_closure", frozenset(_DISPATCHING), False),
        ("refuse_closure", frozenset(_DISPATCHING), False),
    ),
    _S.CLOSED: (("reopen", frozenset(_DECIDING), True),),
}


def actions_for(
    incident: Incident,
    roles: Collection[str],
    user_id: UserId,
    agency: AgencyId | None,
    now: datetime,
) -> tuple[str, ...]:
    """Returns what a person may do with an incident now, in the words of the API."""
    if incident.state is _S.MERGED:
        return ()
    held = active_claim(incident, now)
    mine = held is not None and held.user_id == user_id
    free_or_mine = held is None or mine
    actions: list[str] = []
    if "reviewer" in roles:
        actions.append("release" if mine else "claim" if held is None else "take_over")
    for action, allowed, needs_claim in _ACTIONS.get(incident.state, ()):
        if not allowed & set(roles):
            continue
        if action == "complete" and incident.agency is not None and agency != incident.agency:
            continue
        if action == "accept_closure" and incident.state is _S.CONFIRMED:
            if incident.close_proposal is None:
                continue  # legal, but nothing speaks for it
        if action != "complete" and not (mine if needs_claim else free_or_mine):
            continue
        actions.append(action)
    proposed = incident.close_proposal is not None and "refuse_closure" not in actions
    if proposed and _DISPATCHING & set(roles) and free_or_mine:
        if incident.state in (_S.CONFIRMED, _S.ASSIGNED):
            actions.append("refuse_closure")
    return tuple(actions)
