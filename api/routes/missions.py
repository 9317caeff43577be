"""Assets, patrols, plans, sorties: what pilots and drivers do."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query, Response
from starlette.concurrency import run_in_threadpool

from api.accounts import Account, Role
from api.errors import problem_of_error
from api.fleet_desk import asset_of, check_crew
from api.known_ground import refuse_swapped
from api.paging import Cursors, page_of
from api.policies import SIGNED_IN, GuardedRouter, roles
from api.requests import USUAL_LIMIT, Cursor, LeaseTerm, Limit, ServicesOf, Who
from api.schemas.base import Instant, ListOf
from api.schemas.control import CommandedOut
from api.schemas.missions import (
    AssetOut,
    FindingOut,
    PatrolBody,
    PatrolOut,
    PlanOut,
    ReturnBody,
    SortieOut,
    TrackOut,
)
from api.services import Services
from core.errors import BadRequest, NotFound, PlanUnsafe
from core.ids import AssetId, PatrolId, SortieId, ZoneId, fresh_id
from geo.swapped import box_at
from geo.zones import Purpose
from missions.model import AssetKind, Patrol, Sortie

router = GuardedRouter("missions")

_CREW = roles(Role.PILOT, Role.DRIVER)
_TRACK = timedelta(hours=1)
_TRACK_MOST = timedelta(days=1)


@router.add("GET", "/assets", SIGNED_IN)
def get_assets(
    services: ServicesOf, cursor: Cursor = None, limit: Limit = USUAL_LIMIT
) -> ListOf[AssetOut]:
    """Lists what patrols, with the newest that is known of each."""
    page = page_of(
        services.missions.assets(),
        lambda asset: (asset.asset_id,),
        Cursors(services.cursor_key, "assets"),
        cursor,
        limit,
    )
    shown = [AssetOut.from_domain(asset, services.operations) for asset in page.items]
    return ListOf(items=shown, next=page.cursor)


@router.add("GET", "/assets/{asset_id}/track", SIGNED_IN)
def get_asset_track(
    services: ServicesOf,
    asset_id: str,
    since: Annotated[Instant | None, Query()] = None,
) -> TrackOut:
    """Gives where an asset was: the last hour, or since an instant at most a day ago."""
    asset = asset_of(services, asset_id)
    now = services.clock.now()
    begin = now - _TRACK if since is None else max(since, now - _TRACK_MOST)
    end = now + timedelta(seconds=1)  # a vehicle's clock may be a little ahead
    samples = services.telemetry_log.between(asset.asset_id, begin, end)
    return TrackOut.from_domain(asset.asset_id, samples)


@router.add("GET", "/patrols", SIGNED_IN)
def get_patrols(
    services: ServicesOf, cursor: Cursor = None, limit: Limit = USUAL_LIMIT
) -> ListOf[PatrolOut]:
    """Lists the patrols."""
    page = page_of(
        services.missions.patrols(),
        lambda patrol: (patrol.patrol_id,),
        Cursors(services.cursor_key, "patrols"),
        cursor,
        limit,
    )
    return ListOf(items=[PatrolOut.from_domain(one) for one in page.items], next=page.cursor)


@router.add("POST", "/patrols", roles(Role.PLANNER, Role.PILOT), status_code=201)
def post_patrol(services: ServicesOf, body: PatrolBody) -> PatrolOut:
    """Keeps a new patrol."""
    asset = asset_of(services, body.asset_id)
    if asset.passive:
        raise BadRequest(
            "that asset is never tasked", where="asset_id", cure="name one that is not passive"
        )
    if asset.kind is AssetKind.DRONE and body.altitude_m is None:
        raise BadRequest(
            "a drone's patrol needs an altitude",
            where="altitude_m",
            cure="give metres above home, such as 60",
        )
    for zone_id in body.zone_ids:
        if Purpose.WATCH not in services.zones.get(ZoneId(zone_id)).purposes:
            raise BadRequest(
                "that zone is not to be watched",
                where=zone_id,
                cure="name a zone whose purpose is watch",
            )
    patrol = body.to_domain(PatrolId(fresh_id("patrol")))
    places = (*patrol.route, *patrol.places)
    refuse_swapped(services, [box_at(lat, lon) for lat, lon in places], "route, places")
    services.missions.save_patrol(patrol)
    return PatrolOut.from_domain(patrol)


@router.add("POST", "/patrols/{patrol_id}/plan", roles(Role.PLANNER, Role.PILOT, Role.DRIVER))
def post_patrol_plan(services: ServicesOf, patrol_id: str) -> PlanOut:
    """Plans a patrol with the zones of now and checks the plan; sends nothing anywhere."""
    patrol = _patrol(services, patrol_id)
    report = services.operations.plan(patrol.patrol_id)
    versions: dict[str, int] = {zone.zone_id: zone.version for zone in report.plan.fences}
    watched = services.zones.find(Purpose.WATCH)
    wanted = set(patrol.zone_ids) or {zone.zone_id for zone in watched}
    versions |= {zone.zone_id: zone.version for zone in watched if zone.zone_id in wanted}
    return PlanOut.from_domain(patrol_id, report, versions)


@router.add(
    "POST", "/patrols/{patrol_id}/sorties", _CREW, status_code=202, response_model=SortieOut
)
async def post_patrol_sortie(
    services: ServicesOf, who: Who, patrol_id: str, term: LeaseTerm = None
) -> SortieOut | Response:
    """Plans, checks and starts a patrol."""
    patrol = await run_in_threadpool(_patrol, services, patrol_id)
    await run_in_threadpool(check_crew, services, who, patrol.asset_id)
    try:
        sortie = await services.operations.start(patrol.patrol_id, who.user_id, term=term)
    except PlanUnsafe as error:
        report = await run_in_threadpool(services.operations.plan, patrol.patrol_id)
        found = [FindingOut.from_domain(one).model_dump(mode="json") for one in report.findings]
        return problem_of_error(error, extra={"findings": found})
    return SortieOut.from_domain(sortie)


@router.add("GET", "/sorties", SIGNED_IN)
def get_sorties(
    services: ServicesOf,
    asset_id: str | None = None,
    patrol_id: str | None = None,
    cursor: Cursor = None,
    limit: Limit = USUAL_LIMIT,
) -> ListOf[SortieOut]:
    """Lists sorties, the newest first."""
    sorties = services.missions.sorties(
        asset_id=None if asset_id is None else AssetId(asset_id),
        patrol_id=None if patrol_id is None else PatrolId(patrol_id),
    )
    page = page_of(
        sorties,
        _newest_first,
        Cursors(services.cursor_key, f"sorties {asset_id} {patrol_id}"),
        cursor,
        limit,
    )
    return ListOf(items=[SortieOut.from_domain(one) for one in page.items], next=page.cursor)


_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


def _newest_first(sortie: Sortie) -> tuple[str, ...]:
    """Returns a key whose ascending order is newest first; what has not begun comes before."""
    began = sortie.events[0].at if sortie.events else sortie.started_at
    age = _LATEST - (began or _LATEST)
    return f"{age // timedelta(microseconds=1):020d}", sortie.sortie_id


@router.add("GET", "/sorties/{sortie_id}", SIGNED_IN)
def get_sortie(services: ServicesOf, sortie_id: str) -> SortieOut:
    """Gives a sortie."""
    return SortieOut.from_domain(_sortie(services, sortie_id))


@router.add("POST", "/sorties/{sortie_id}/hold", _CREW)
async def post_sortie_hold(
    services: ServicesOf, who: Who, sortie_id: str, term: LeaseTerm = None
) -> CommandedOut:
    """Stops the asset where it is."""
    wanted = await _commanded(services, who, sortie_id)
    done = await services.operations.hold(wanted, who.user_id, term=term)
    return CommandedOut.from_commanded(done)


@router.add("POST", "/sorties/{sortie_id}/resume", _CREW)
async def post_sortie_resume(
    services: ServicesOf, who: Who, sortie_id: str, term: LeaseTerm = None
) -> CommandedOut:
    """Goes on after a hold."""
    wanted = await _commanded(services, who, sortie_id)
    done = await services.operations.resume(wanted, who.user_id, term=term)
    return CommandedOut.from_commanded(done)


@router.add("POST", "/sorties/{sortie_id}/return", _CREW)
async def post_sortie_return(
    services: ServicesOf,
    who: Who,
    sortie_id: str,
    body: ReturnBody | None = None,
    term: LeaseTerm = None,
) -> CommandedOut:
    """Ends the patrol and comes home."""
    wanted = await _commanded(services, who, sortie_id)
    retasked = body is not None and body.reason == "retasked"
    done = await services.operations.return_home(wanted, who.user_id, retasked=retasked, term=term)
    return CommandedOut.from_commanded(done)


async def _commanded(services: Services, who: Account, sortie_id: str) -> SortieId:
    sortie = await run_in_threadpool(_sortie, services, sortie_id)
    await run_in_threadpool(check_crew, services, who, sortie.plan.asset_id)
    return sortie.sortie_id


def _patrol(services: Services, patrol_id: str) -> Patrol:
    for patrol in services.missions.patrols():
        if patrol.patrol_id == patrol_id:
            return patrol
    raise NotFound("there is no such patrol", where=patrol_id, cure="name one of /patrols")


def _sortie(services: Services, sortie_id: str) -> Sortie:
    found = services.missions.sorties(sortie_id=SortieId(sortie_id))
    if not found:
        raise NotFound("there is no such sortie", where=sortie_id, cure="name one of /sorties")
    return found[-1]
