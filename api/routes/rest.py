"""What an interrupted sortie has left to see."""

from starlette.concurrency import run_in_threadpool

from api.accounts import Role
from api.fleet_desk import check_crew
from api.policies import GuardedRouter, roles
from api.requests import LeaseTerm, ServicesOf, Who
from api.schemas.missions import SortieOut
from api.schemas.rest import RestBody, RestOut
from api.services import Services
from core.errors import BadRequest, NotFound
from core.ids import PatrolId, SortieId
from missions.model import Sortie

router = GuardedRouter("missions")


@router.add("POST", "/sorties/{sortie_id}/rest", roles(Role.PLANNER, Role.PILOT))
def post_sortie_rest(services: ServicesOf, sortie_id: str, body: RestBody | None = None) -> RestOut:
    """Plans what a sortie's camera has not seen, by its footprints, and proves it; keeps nothing.

    What was seen is told by the poses of its camera that the station has kept.
    """
    sortie, patrol_id = _flown(services, sortie_id)
    report = services.operations.rest(sortie.sortie_id, _others(body))
    fences = () if report.report is None else report.report.plan.fences
    versions: dict[str, int] = {zone.zone_id: zone.version for zone in fences}
    return RestOut.from_domain(sortie_id, patrol_id, report, versions)


@router.add(
    "POST",
    "/sorties/{sortie_id}/rest/sorties",
    roles(Role.PILOT),
    status_code=202,
    response_model=SortieOut,
)
async def post_rest_sortie(
    services: ServicesOf,
    who: Who,
    sortie_id: str,
    body: RestBody | None = None,
    term: LeaseTerm = None,
) -> SortieOut:
    """Plans what a sortie's camera has not seen, checks it and starts it as a sortie of its own."""
    sortie, patrol_id = await run_in_threadpool(_flown, services, sortie_id)
    await run_in_threadpool(check_crew, services, who, sortie.plan.asset_id)
    rest_of = (sortie.sortie_id, *_others(body))
    started = await services.operations.start(patrol_id, who.user_id, term=term, rest_of=rest_of)
    return SortieOut.from_domain(started)


def _others(body: RestBody | None) -> tuple[SortieId, ...]:
    return () if body is None else tuple(SortieId(one) for one in body.with_sorties)


def _flown(services: Services, sortie_id: str) -> tuple[Sortie, PatrolId]:
    found = services.missions.sorties(sortie_id=SortieId(sortie_id))
    if not found:
        raise NotFound("there is no such sortie", where=sortie_id, cure="name one of /sorties")
    patrol_id = found[-1].plan.patrol_id
    if patrol_id is None:
        raise BadRequest(
            "that sortie flew no patrol, so what it was to see is not known",
            where=sortie_id,
            cure="name a sortie of a patrol",
        )
    return found[-1], patrol_id
