"""Events handed to who goes there, and the SOS buttons that call for it."""

import secrets
from typing import Annotated

from fastapi import Header, Path, Request
from starlette.concurrency import run_in_threadpool

from api.accounts import Account, Role
from api.fleet_desk import check_crew
from api.handoff_desk import HandoffDesk
from api.incident_desk import visible_to
from api.known_ground import refuse_swapped
from api.occasions import occasion_of
from api.paging import Cursors, page_of
from api.policies import PUBLIC, GuardedRouter, roles
from api.requests import USUAL_LIMIT, Cursor, Limit, ServicesOf, Who
from api.schemas.base import ListOf
from api.schemas.handoffs import (
    ButtonBody,
    ButtonOut,
    HandoffBody,
    HandoffOut,
    OutcomeBody,
    PressOut,
    ReasonBody,
    point_of,
)
from api.services import Services
from core.errors import BadRequest, NotFound, NotSignedIn
from core.ids import AssetId, IncidentId, fresh_id
from geo.swapped import box_at
from missions.handoffs.model import Handoff, HandoffId, Occasion, SosButton
from missions.handoffs.sos import key_hash

router = GuardedRouter("handoffs")

_OPENS = roles(Role.DISPATCHER, Role.PILOT, Role.REVIEWER)
_CREW = roles(Role.PILOT, Role.DRIVER)
_CALLS_OFF = roles(Role.DISPATCHER, Role.PILOT)
_READS = roles(Role.DISPATCHER, Role.PILOT, Role.DRIVER, Role.REVIEWER, Role.AUDITOR)
_BUTTONS = roles(Role.ADMIN)
_NUMBERS = 10**17
ButtonId = Annotated[str, Path(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9._-]+$")]


@router.add("GET", "/handoffs", _READS)
def get_handoffs(
    services: ServicesOf,
    only_open: bool = False,
    asset_id: str | None = None,
    cursor: Cursor = None,
    limit: Limit = USUAL_LIMIT,
) -> ListOf[HandoffOut]:
    """Lists hand-offs, the newest first."""
    found = services.handoff_store.handoffs(
        only_open=only_open, asset_id=None if asset_id is None else AssetId(asset_id)
    )
    page = page_of(
        found,
        _newest_first,
        Cursors(services.cursor_key, f"handoffs {only_open} {asset_id}"),
        cursor,
        limit,
    )
    return ListOf(items=[HandoffOut.from_domain(one) for one in page.items], next=page.cursor)


@router.add("GET", "/handoffs/{handoff_id}", _READS)
def get_handoff(services: ServicesOf, handoff_id: str) -> HandoffOut:
    """Gives a hand-off with everybody who was asked."""
    return HandoffOut.from_domain(services.handoff_store.get(HandoffId(handoff_id)))


@router.add("POST", "/handoffs", _OPENS, status_code=202)
async def post_handoff(services: ServicesOf, who: Who, body: HandoffBody) -> HandoffOut:
    """Hands an incident, or something at a place, to the best free asset."""
    desk = _desk(services)
    occasion = await run_in_threadpool(_occasion, services, who, body)
    return HandoffOut.from_domain(await desk.open(occasion, who.user_id))


@router.add("POST", "/handoffs/{handoff_id}/accept", _CREW)
async def post_handoff_accept(services: ServicesOf, who: Who, handoff_id: str) -> HandoffOut:
    """Accepts for the asset that is asked: its vehicle goes, under this person's lease."""
    wanted = await run_in_threadpool(_crews, services, who, handoff_id)
    return HandoffOut.from_domain(await _desk(services).accept(wanted, who.user_id))


@router.add("POST", "/handoffs/{handoff_id}/refuse", _CREW)
async def post_handoff_refuse(
    services: ServicesOf, who: Who, handoff_id: str, body: ReasonBody
) -> HandoffOut:
    """Refuses for the asset that is asked, with a reason; the next best is asked."""
    wanted = await run_in_threadpool(_crews, services, who, handoff_id)
    return HandoffOut.from_domain(await _desk(services).refuse(wanted, who.user_id, body.reason))


@router.add("POST", "/handoffs/{handoff_id}/outcome", _CREW)
async def post_handoff_outcome(
    services: ServicesOf, who: Who, handoff_id: str, body: OutcomeBody
) -> HandoffOut:
    """Records what came of it; the asset goes home, or on with what it left."""
    wanted = await run_in_threadpool(_crews, services, who, handoff_id)
    done = await _desk(services).close(wanted, body.outcome, body.words, who.user_id)
    return HandoffOut.from_domain(done)


@router.add("POST", "/handoffs/{handoff_id}/withdraw", _CALLS_OFF)
async def post_handoff_withdraw(
    services: ServicesOf, who: Who, handoff_id: str, body: ReasonBody
) -> HandoffOut:
    """Calls it off, for a reason."""
    done = await _desk(services).withdraw(HandoffId(handoff_id), who.user_id, body.reason)
    return HandoffOut.from_domain(done)


@router.add("POST", "/sos/{button_id}", PUBLIC, status_code=202)
async def post_sos(
    services: ServicesOf,
    request: Request,
    button_id: ButtonId,
    key: Annotated[str | None, Header(alias="Qyran-Sos-Key", max_length=200)] = None,
) -> PressOut:
    """Takes a press of an SOS button, by the button's own key; presses in a window are one."""
    desk, address = _desk(services), request.client.host if request.client else ""
    login = f"sos {button_id}"
    services.throttle.check(login, address)
    try:
        handoff, new = await desk.press(button_id, key or "")
    except NotSignedIn:
        services.throttle.failed(login, address)
        raise
    services.throttle.succeeded(login, address)
    return PressOut(handoff_id=handoff.handoff_id, new=new, state=handoff.state)


@router.add("GET", "/sos-buttons", _BUTTONS)
def get_sos_buttons(services: ServicesOf) -> ListOf[ButtonOut]:
    """Lists the SOS buttons; nobody knows their keys."""
    found = services.handoff_store.buttons()
    return ListOf(items=[ButtonOut.from_domain(one) for one in found], next=None)


@router.add("PUT", "/sos-buttons/{button_id}", _BUTTONS)
def put_sos_button(services: ServicesOf, button_id: ButtonId, body: ButtonBody) -> ButtonOut:
    """Keeps a button; a new one gets a key, which is shown this once."""
    refuse_swapped(services, [box_at(body.lat, body.lon)], "lat, lon")
    known = services.handoff_store.button(button_id)
    key = secrets.token_urlsafe(32) if known is None else None
    point = point_of(body.lat, body.lon, body.radius_m)
    held = known.key_hash if known is not None else key_hash(key or "")
    button = SosButton(button_id, body.name, point, held, body.enabled)
    services.handoff_store.save_button(button)
    return ButtonOut.from_domain(button, key)


@router.add("POST", "/sos-buttons/{button_id}/key", _BUTTONS)
def post_sos_button_key(services: ServicesOf, button_id: ButtonId) -> ButtonOut:
    """Gives a button a new key, which is shown this once; the old one ends."""
    known = services.handoff_store.button(button_id)
    if known is None:
        raise NotFound("there is no such button", where=button_id, cure="make it by PUT")
    key = secrets.token_urlsafe(32)
    button = SosButton(button_id, known.name, known.point, key_hash(key), known.enabled)
    services.handoff_store.save_button(button)
    return ButtonOut.from_domain(button, key)


def _desk(services: Services) -> HandoffDesk:
    if services.handoffs is None:
        raise NotFound("this station hands nothing off", cure="start it by qyran serve")
    return services.handoffs


def _occasion(services: Services, who: Account, body: HandoffBody) -> Occasion:
    if body.incident_id is not None:
        incident = services.incidents.get(IncidentId(body.incident_id))
        if not visible_to(who)(incident):
            raise NotFound("there is no such incident", where=body.incident_id)
        return occasion_of(incident, priority=body.priority, words=body.words)
    if body.lat is None or body.lon is None:
        raise BadRequest(
            "it takes an incident or a place", where="incident_id", cure="give it, or lat and lon"
        )
    refuse_swapped(services, [box_at(body.lat, body.lon)], "lat, lon")
    return Occasion(
        fresh_id("event"),
        body.kind,
        point_of(body.lat, body.lon, body.radius_m),
        services.clock.now(),
        body.priority,
        body.stay_s,
        body.heading_deg,
        plate=body.plate,
        words=body.words,
    )


def _crews(services: Services, who: Account, handoff_id: str) -> HandoffId:
    """Returns a hand-off for whose asset somebody may speak; a driver speaks for no drone."""
    handoff = services.handoff_store.get(HandoffId(handoff_id))
    offer = handoff.offer
    if offer is not None:
        check_crew(services, who, offer.asset_id)
    return handoff.handoff_id


def _newest_first(handoff: Handoff) -> tuple[str, ...]:
    micros = int(handoff.occasion.at.timestamp() * 1e6)
    return f"{_NUMBERS - micros:018d}", handoff.handoff_id
