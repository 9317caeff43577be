"""Incidents: what reviewers, dispatchers and services do."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

from fastapi import File, Form, Query, Response, UploadFile

from api.accounts import Account, Role
from api.incident_desk import READERS, change_incident, visible_incident, visible_to
from api.paging import Cursors, page_of_incidents
from api.pictures import checked_picture
from api.policies import GuardedRouter, roles
from api.requests import (
    USUAL_LIMIT,
    Cursor,
    Limit,
    OfferedVersion,
    ServicesOf,
    Who,
    check_version,
    set_etag,
)
from api.schemas.base import ListOf, Note
from api.schemas.incidents import (
    AssignmentBody,
    ClaimBody,
    ClosureBody,
    DecisionBody,
    IncidentOut,
    Viewer,
)
from api.services import Services
from core.errors import BadRequest, IllegalMove, NotAllowed
from core.ids import AgencyId, UserId
from incidents import review
from incidents.model import Evidence, EvidenceRole, Incident, IncidentKind, IncidentState
from incidents.ports import IncidentFilter

router = GuardedRouter("incidents")

_READERS = roles(*READERS)
_REVIEWERS = roles(Role.REVIEWER)
_DISPATCHERS = roles(Role.REVIEWER, Role.DISPATCHER)


@router.add("GET", "/incidents", _READERS, response_model_exclude_unset=True)
def get_incidents(
    services: ServicesOf,
    who: Who,
    state: Annotated[str | None, Query(max_length=200, description="several by commas")] = None,
    kind: IncidentKind | None = None,
    cursor: Cursor = None,
    limit: Limit = USUAL_LIMIT,
) -> ListOf[IncidentOut]:
    """Lists incidents, the newest first; a service sees those assigned to its agency."""
    page = page_of_incidents(
        services.incidents,
        IncidentFilter(states=_states(state), kind=kind),
        visible_to(who),
        Cursors(services.cursor_key, f"incidents {state} {kind}"),
        cursor,
        limit,
    )
    viewer = Viewer(services, who)
    return ListOf(items=[viewer.listed(one) for one in page.items], next=page.cursor)


def _states(words: str | None) -> frozenset[IncidentState] | None:
    if words is None or not words.strip():
        return None
    try:
        return frozenset(IncidentState(word.strip()) for word in words.split(","))
    except ValueError as error:
        known = ", ".join(IncidentState)
        raise BadRequest("no such state", where="state", cure=f"known: {known}") from error


@router.add("GET", "/incidents/{incident_id}", _READERS, response_model_exclude_unset=True)
def get_incident(
    services: ServicesOf, who: Who, response: Response, incident_id: str
) -> IncidentOut:
    """Gives all of an incident, with its version as ETag."""
    incident = visible_incident(services, who, incident_id)
    return _shown(services, who, response, incident)


@router.add("POST", "/incidents/{incident_id}/claim", _REVIEWERS, response_model_exclude_unset=True)
def post_incident_claim(
    services: ServicesOf,
    who: Who,
    response: Response,
    incident_id: str,
    version: OfferedVersion,
    body: ClaimBody | None = None,
) -> IncidentOut:
    """Leases an incident to the reviewer for ten minutes; again renews it."""
    reason = body.take_over_reason if body is not None else ""
    return _changed(
        services, who, response, incident_id, version,
        lambda i: review.claim(i, who.user_id, services.clock.now(), reason),
    )  # fmt: skip


@router.add(
    "DELETE", "/incidents/{incident_id}/claim", _REVIEWERS, response_model_exclude_unset=True
)
def delete_incident_claim(
    services: ServicesOf, who: Who, response: Response, incident_id: str, version: OfferedVersion
) -> IncidentOut:
    """Gives an incident free again."""
    return _changed(
        services, who, response, incident_id, version,
        lambda i: review.release(i, who.user_id, services.clock.now()),
    )  # fmt: skip


@router.add(
    "POST", "/incidents/{incident_id}/decision", _REVIEWERS, response_model_exclude_unset=True
)
def post_incident_decision(
    services: ServicesOf,
    who: Who,
    response: Response,
    incident_id: str,
    version: OfferedVersion,
    body: DecisionBody,
) -> IncidentOut:
    """Confirms, rejects or reopens an incident that the reviewer has claimed."""
    by_word: Mapping[str, Callable[[Incident, UserId, datetime, str], Incident]] = {
        "confirm": review.confirm,
        "reject": review.reject,
        "reopen": review.reopen,
    }
    deciding = by_word[body.decision]
    return _changed(
        services, who, response, incident_id, version,
        lambda i: deciding(i, who.user_id, services.clock.now(), body.reason),
    )  # fmt: skip


@router.add(
    "POST", "/incidents/{incident_id}/assignment", _DISPATCHERS, response_model_exclude_unset=True
)
def post_incident_assignment(
    services: ServicesOf,
    who: Who,
    response: Response,
    incident_id: str,
    version: OfferedVersion,
    body: AssignmentBody,
) -> IncidentOut:
    """Hands a confirmed incident to a service."""
    if not any(a.service and a.agency_id == body.agency for a in services.agencies):
        known = ", ".join(a.agency_id for a in services.agencies if a.service)
        raise BadRequest("no such service", where="agency", cure=f"known: {known or 'none'}")
    agency = AgencyId(body.agency)
    return _changed(
        services, who, response, incident_id, version,
        lambda i: review.assign(i, agency, who.user_id, services.clock.now(), body.note),
    )  # fmt: skip


@router.add(
    "POST", "/incidents/{incident_id}/completion", roles(Role.SERVICE),
    media=True, response_model_exclude_unset=True,
)  # fmt: skip
def post_incident_completion(
    services: ServicesOf,
    who: Who,
    response: Response,
    incident_id: str,
    version: OfferedVersion,
    photo: Annotated[UploadFile, File()],
    note: Annotated[Note, Form()] = "",
) -> IncidentOut:
    """Says that the service has dealt with it, with a photo."""
    incident = visible_incident(services, who, incident_id)
    if version is not None:
        check_version(version, incident.version, incident_id)
    if who.agency is None or who.agency != incident.agency:
        raise NotAllowed(
            "it is assigned to another agency",
            where=incident_id,
            cure="ask a dispatcher to assign it anew",
        )
    if incident.state is not IncidentState.ASSIGNED:  # before anything gets into the vault
        raise IllegalMove(
            f"it is {incident.state}, not assigned",
            where=incident_id,
            cure="read it anew; only what is assigned can be completed",
        )
    data = photo.file.read()
    head = checked_picture(services, data)
    evidence = Evidence(
        digest=services.vault.put(data, head.media_type),
        role=EvidenceRole.COMPLETION,
        media_type=head.media_type,
        size_bytes=len(data),
        captured_at=services.clock.now(),
        note=note,
    )
    return _changed(
        services, who, response, incident_id, version,
        lambda i: review.complete(
            i, evidence, who.user_id, who.agency, services.clock.now(), note
        ),
    )  # fmt: skip


@router.add(
    "POST", "/incidents/{incident_id}/closure", _DISPATCHERS, response_model_exclude_unset=True
)
def post_incident_closure(
    services: ServicesOf,
    who: Who,
    response: Response,
    incident_id: str,
    version: OfferedVersion,
    body: ClosureBody,
) -> IncidentOut:
    """Closes an incident, or sends it back to its service."""
    settle = review.accept_closure if body.accept else review.refuse_closure
    return _changed(
        services, who, response, incident_id, version,
        lambda i: settle(i, who.user_id, services.clock.now(), body.note),
    )  # fmt: skip


def _changed(
    services: Services,
    who: Account,
    response: Response,
    incident_id: str,
    version: int | None,
    decide: Callable[[Incident], Incident],
) -> IncidentOut:
    incident = change_incident(services, who, incident_id, version, decide)
    return _shown(services, who, response, incident)


def _shown(services: Services, who: Account, response: Response, incident: Incident) -> IncidentOut:
    set_etag(response, incident.version)
    return Viewer(services, who).whole(incident)
