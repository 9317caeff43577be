"""The live stream of events."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from api.accounts import Account, Role
from api.incident_desk import visible_to
from api.live import LiveEvent, ZoneChange
from api.policies import SIGNED_IN, GuardedRouter
from api.requests import ServicesOf, VisitorOf
from api.schemas.concerns import MonitoredOut
from api.schemas.control import LeaseOut
from api.schemas.driving import TapOut
from api.schemas.handoffs import HandoffOut
from api.schemas.incidents import Viewer
from api.schemas.missions import SortieOut, StatusOut
from api.services import Services
from api.signing_in import Visitor
from core.errors import NotFound, TooManyTries
from incidents.model import Incident
from missions.control.leases import Lease
from missions.driving.taps import Tap
from missions.handoffs.model import Handoff
from missions.model import Sortie
from missions.monitoring.monitored import Monitored

router = GuardedRouter("live")

_LOOK_S = 15.0
"""How often a quiet stream sees whether its visitor is still signed in."""
_HELD_BACK_S = 0.25
HANDOFF_READERS = frozenset({Role.DISPATCHER, Role.PILOT, Role.DRIVER, Role.REVIEWER, Role.AUDITOR})
"""Who sees hand-offs; a city service sees what is assigned to it alone."""


async def _room(services: ServicesOf) -> None:
    if services.live.followers >= services.limits.followers:
        raise TooManyTries("too many live streams", cure="close some and try again")


@router.add(
    "GET", "/live", SIGNED_IN, response_class=EventSourceResponse, dependencies=[Depends(_room)]
)
async def get_live(
    services: ServicesOf,
    visitor: VisitorOf,
    last_event_id: Annotated[str | None, Header(max_length=30)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Streams what changes, as far as this person may see it; `Last-Event-ID` resumes."""
    feed = services.live
    with feed.follow() as bell:
        seen = feed.newest_id
        yield ServerSentEvent(comment="qyran", retry=2000)
        if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit():
            since = int(last_event_id)
            if feed.holds_all_after(since):
                seen = since
            else:
                yield ServerSentEvent(event="reset", id=str(seen), data={})
        looked_at = services.clock.now()
        while True:
            closed = feed.closed  # before the events, so that the last of them are not lost
            for event in feed.after(seen):
                seen = event.event_id
                shown = await run_in_threadpool(_shown, services, visitor.account, event)
                if shown is not None:
                    yield ServerSentEvent(event=shown[0], id=str(seen), data=shown[1])
            if closed:
                return
            await bell.wait(_HELD_BACK_S if feed.assets_wait else _LOOK_S)
            now = services.clock.now()
            if abs(now - looked_at) >= timedelta(seconds=_LOOK_S):
                looked_at = now
                if not await run_in_threadpool(_still_in, services, visitor):
                    return


def _still_in(services: Services, visitor: Visitor) -> bool:
    token = services.accounts.token(visitor.token.token_hash)
    if token is None:
        return False
    if token.expires_at is not None and token.expires_at <= services.clock.now():
        return False
    try:
        return services.accounts.get(token.user_id) == visitor.account
    except NotFound:
        return False


def _shown(services: Services, account: Account, event: LiveEvent) -> tuple[str, Any] | None:
    """Returns the name and data of an event, or `None` where this person may not see it."""
    payload = event.payload
    if isinstance(payload, Incident):
        if not visible_to(account)(payload):
            return None
        shown = Viewer(services, account).listed(payload)
        return "incident", shown.model_dump(mode="json", exclude_unset=True)
    if isinstance(payload, Sortie):
        return "sortie", SortieOut.from_domain(payload).model_dump(mode="json")
    if isinstance(payload, Handoff):
        if not account.roles & HANDOFF_READERS:
            return None
        return "handoff", HandoffOut.from_domain(payload).model_dump(mode="json")
    if isinstance(payload, Monitored):
        return "concerns", MonitoredOut.from_domain(payload).model_dump(mode="json")
    if isinstance(payload, ZoneChange):
        return "zone", {"zone_id": payload.zone_id, "version": payload.version}
    if isinstance(payload, Lease):
        held = payload if payload.holds(services.clock.now()) else None
        return "lease", LeaseOut.from_domain(payload.asset_id, held).model_dump(mode="json")
    if isinstance(payload, Tap):
        if account.roles <= {Role.DRIVER} and payload.by != account.user_id:
            return None  # a driver sees their own car alone
        return "driver", TapOut.from_domain(payload, services).model_dump(mode="json")
    status = StatusOut.from_domain(payload, services.operations)
    if status is None:
        return None
    asset_id = payload.sample.asset_id
    return "asset", {"asset_id": asset_id, "status": status.model_dump(mode="json")}
