"""What pilots ask of aircraft beside their missions."""

from starlette.concurrency import run_in_threadpool

from api.accounts import Role
from api.fleet_desk import asset_of, check_crew
from api.policies import SIGNED_IN, GuardedRouter, roles
from api.requests import LeaseTerm, ServicesOf, Who
from api.schemas.control import CommandedOut
from api.schemas.guiding import (
    CapabilitiesOut,
    FollowBody,
    SayBody,
    TaskBody,
    TextOut,
    TextsOut,
)
from api.services import Commanded, Services
from core.errors import NotFound
from core.ids import AssetId, SortieId, UserId
from missions.guided import Announce
from missions.guiding.capabilities import capabilities_of
from missions.guiding.texts import approved
from missions.model import Sortie

router = GuardedRouter("guiding")


@router.add("GET", "/assets/{asset_id}/capabilities", SIGNED_IN)
def get_asset_capabilities(services: ServicesOf, asset_id: str) -> CapabilitiesOut:
    """Tells what may be asked of an asset beside its mission."""
    asset = asset_of(services, asset_id)
    return CapabilitiesOut(asset_id=asset_id, capabilities=list(capabilities_of(asset)))


@router.add("GET", "/approved-texts", SIGNED_IN)
def get_approved_texts(services: ServicesOf) -> TextsOut:
    """Lists what may be said over a loudspeaker."""
    return TextsOut(items=[TextOut.from_domain(text) for text in services.texts])


@router.add("POST", "/sorties/{sortie_id}/tasks", roles(Role.PILOT))
async def post_sortie_task(
    services: ServicesOf, who: Who, sortie_id: str, body: TaskBody, term: LeaseTerm = None
) -> CommandedOut:
    """Asks an aircraft for something beside its mission, once it is proven."""
    sortie = await run_in_threadpool(_sortie, services, sortie_id)
    await run_in_threadpool(check_crew, services, who, sortie.plan.asset_id)
    done = await _asked(services, sortie.sortie_id, body, who.user_id, term)
    return CommandedOut.from_commanded(done)


async def _asked(
    services: Services, sortie_id: SortieId, body: TaskBody, by: UserId, term: int | None
) -> Commanded:
    operations = services.operations
    if isinstance(body, FollowBody):
        return await operations.follow(
            sortie_id, AssetId(body.target), by,
            up_m=body.altitude_m, distance_m=body.distance_m, term=term,
        )  # fmt: skip
    if isinstance(body, SayBody):
        task = Announce(approved(services.texts, body.text, body.language))
        return await operations.guide(sortie_id, task, by, term=term)
    return await operations.guide(sortie_id, body.to_domain(), by, term=term)


def _sortie(services: Services, sortie_id: str) -> Sortie:
    found = services.missions.sorties(sortie_id=SortieId(sortie_id))
    if not found:
        raise NotFound("there is no such sortie", where=sortie_id, cure="name one of /sorties")
    return found[-1]
