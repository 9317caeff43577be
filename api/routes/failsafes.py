"""Whether an aircraft holds the failsafe settings without which it does not arm."""

from starlette.concurrency import run_in_threadpool

from api.accounts import Role
from api.fleet_desk import asset_of, check_crew
from api.policies import GuardedRouter, roles
from api.requests import LeaseTerm, ServicesOf, Who
from api.schemas.failsafes import CorrectFailsafesBody, FailsafesOut
from api.services import Services
from core.errors import VehicleUnreachable
from core.ids import AssetId
from missions.failsafes.report import FailsafeService

router = GuardedRouter("failsafes")


@router.add("GET", "/assets/{asset_id}/failsafes", roles(Role.PILOT, Role.PLANNER, Role.AUDITOR))
async def get_asset_failsafes(services: ServicesOf, asset_id: str) -> FailsafesOut:
    """Reads an aircraft's failsafe settings and compares them with its contract."""
    asset = await run_in_threadpool(asset_of, services, asset_id)
    return FailsafesOut.from_domain(await _service(services, asset_id).read(asset.asset_id))


@router.add("POST", "/assets/{asset_id}/failsafes/correct", roles(Role.PILOT))
async def post_asset_failsafes_correct(
    services: ServicesOf,
    who: Who,
    asset_id: str,
    body: CorrectFailsafesBody,
    term: LeaseTerm = None,
) -> FailsafesOut:
    """Corrects what strays and may be set from afar, and reads everything again."""
    asset = await run_in_threadpool(check_crew, services, who, AssetId(asset_id))
    report = await _service(services, asset_id).correct(
        asset, who.user_id, body.reason, codes=body.codes, term=term
    )
    return FailsafesOut.from_domain(report)


def _service(services: Services, asset_id: str) -> FailsafeService:
    if services.failsafes is None:
        raise VehicleUnreachable(
            "this station opens no vehicles", where=asset_id, cure="ask the one that flies it"
        )
    return services.failsafes
