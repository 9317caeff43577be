"""Who commands what, what was commanded, and the order that clears the sky."""

from typing import Annotated

from fastapi import Query
from starlette.concurrency import run_in_threadpool

from api.accounts import Account, Role
from api.fleet_desk import asset_of, check_crew
from api.paging import Cursors, page_of
from api.policies import SIGNED_IN, GuardedRouter, roles
from api.requests import USUAL_LIMIT, Cursor, Limit, ServicesOf, Who
from api.schemas.base import Instant, ListOf
from api.schemas.control import (
    ClearBody,
    ClearedOut,
    CommandOut,
    LeaseBody,
    LeaseOut,
    LiftBody,
    SkyOut,
)
from api.services import Services
from core.ids import AssetId
from missions.control.records import Command, answered_commands

router = GuardedRouter("control")

_CREW = roles(Role.PILOT, Role.DRIVER)
_CLEARS = roles(Role.PILOT, Role.DISPATCHER)
_READS = roles(Role.PILOT, Role.DISPATCHER, Role.AUDITOR)
_NUMBERS = 10**15


@router.add("GET", "/assets/{asset_id}/lease", SIGNED_IN)
async def get_asset_lease(services: ServicesOf, asset_id: str) -> LeaseOut:
    """Tells who commands an asset, until when and by which term."""
    asset = await run_in_threadpool(asset_of, services, asset_id)
    lease = await services.control.lease(asset.asset_id)
    return LeaseOut.from_domain(asset_id, lease)


@router.add("POST", "/assets/{asset_id}/lease", _CREW)
async def post_asset_lease(
    services: ServicesOf, who: Who, asset_id: str, body: LeaseBody | None = None
) -> LeaseOut:
    """Takes command, renews one's own, or takes it over from somebody else for a reason."""
    asset = await _crewed(services, who, asset_id)
    reason = "" if body is None else body.reason
    return LeaseOut.from_domain(asset_id, await services.control.take(asset, who.user_id, reason))


@router.add("DELETE", "/assets/{asset_id}/lease", _CREW)
async def delete_asset_lease(services: ServicesOf, who: Who, asset_id: str) -> LeaseOut:
    """Gives one's own command back."""
    asset = await _crewed(services, who, asset_id)
    await services.control.release(asset, who.user_id)
    return LeaseOut.from_domain(asset_id, await services.control.lease(asset))


@router.add("GET", "/commands", _READS)
def get_commands(
    services: ServicesOf,
    asset_id: str | None = None,
    since: Annotated[Instant | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = USUAL_LIMIT,
) -> ListOf[CommandOut]:
    """Lists what was commanded, the newest first, with what came of each."""
    entries = services.commands.records(
        asset_id=None if asset_id is None else AssetId(asset_id), since=since
    )
    page = page_of(
        answered_commands(entries),
        _newest_first,
        Cursors(services.cursor_key, f"commands {asset_id} {since}"),
        cursor,
        limit,
    )
    return ListOf(items=[CommandOut.from_domain(one) for one in page.items], next=page.cursor)


@router.add("GET", "/clear-the-sky", SIGNED_IN)
async def get_clear_the_sky(services: ServicesOf) -> SkyOut:
    """Tells whether the sky is cleared, by whom and why."""
    return SkyOut.from_domain(await services.control.sky())


@router.add("POST", "/clear-the-sky", _CLEARS)
async def post_clear_the_sky(services: ServicesOf, who: Who, body: ClearBody) -> ClearedOut:
    """Holds or brings home everything in the air; nothing starts until it is lifted."""
    cleared = await services.operations.clear_sky(who.user_id, body.how, body.reason)
    return ClearedOut.from_domain(cleared)


@router.add("DELETE", "/clear-the-sky", _CLEARS)
async def delete_clear_the_sky(services: ServicesOf, who: Who, body: LiftBody) -> SkyOut:
    """Opens the sky again; what holds goes on only when somebody orders it to."""
    await services.control.lift_sky(who.user_id, body.reason)
    return SkyOut.from_domain(await services.control.sky())


async def _crewed(services: Services, who: Account, asset_id: str) -> AssetId:
    return await run_in_threadpool(check_crew, services, who, AssetId(asset_id))


def _newest_first(command: Command) -> tuple[str, ...]:
    return (f"{_NUMBERS - command.number:016d}",)
