"""What an interrupted sortie has left to see."""

from api.accounts import Role
from api.policies import GuardedRouter, roles
from api.requests import ServicesOf
from api.schemas.rest import RestBody, RestOut
from core.errors import BadRequest, NotFound
from core.ids import SortieId

router = GuardedRouter("missions")


@router.add("POST", "/sorties/{sortie_id}/rest", roles(Role.PLANNER, Role.PILOT))
def post_sortie_rest(services: ServicesOf, sortie_id: str, body: RestBody | None = None) -> RestOut:
    """Plans what a sortie's camera has not seen, by its footprints, and proves it; keeps nothing.

    What was seen is told by the poses of its camera that the station has kept.
    """
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
    others = () if body is None else tuple(SortieId(one) for one in body.with_sorties)
    report = services.operations.rest(found[-1].sortie_id, others)
    fences = () if report.report is None else report.report.plan.fences
    versions: dict[str, int] = {zone.zone_id: zone.version for zone in fences}
    return RestOut.from_domain(sortie_id, patrol_id, report, versions)
