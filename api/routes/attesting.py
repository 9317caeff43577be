"""Flights by hand: the plan goes out as a file, and its pilot says what became of it."""

from enum import StrEnum
from typing import Annotated

from fastapi import Query, Response
from starlette.concurrency import run_in_threadpool

from api.accounts import Role
from api.fleet_desk import check_crew
from api.policies import GuardedRouter, roles
from api.requests import ServicesOf, Who
from api.schemas.attesting import AttestBody
from api.schemas.missions import SortieOut
from api.services import Services
from core.errors import BadRequest, IllegalMove, NotFound
from core.ids import SortieId
from missions.attestations import Attestation
from missions.formats.kml_plan import save_kmz
from missions.formats.wpml_file import DJI_MODELS, save_wpml
from missions.model import Sortie, SortieState

router = GuardedRouter("attesting")

_MEDIA_TYPE = "application/vnd.google-earth.kmz"


class PlanFormat(StrEnum):
    """As which file a plan goes out."""

    WPML = "wpml"
    """DJI's waylines, for the aircraft of `model`."""
    KMZ = "kmz"
    """Lines to look at, for any program that shows KML."""


@router.add("POST", "/sorties/{sortie_id}/attest", roles(Role.PILOT))
async def post_sortie_attest(
    services: ServicesOf, who: Who, sortie_id: str, body: AttestBody
) -> SortieOut:
    """Says that a flight by hand has started or ended; the sortie follows the word."""
    sortie = await run_in_threadpool(_sortie, services, sortie_id)
    await run_in_threadpool(check_crew, services, who, sortie.plan.asset_id)
    if services.attestations is None:
        raise IllegalMove(
            "this station flies nothing by hand",
            where=sortie_id,
            cure="ask who runs it to set up flights by hand",
        )
    at = body.at or services.clock.now()
    word = Attestation(body.what, at, who.user_id, body.as_planned, body.note)
    await services.attestations.tell(sortie, word)
    return SortieOut.from_domain(await run_in_threadpool(_sortie, services, sortie_id))


@router.add(
    "GET",
    "/sorties/{sortie_id}/plan-file",
    roles(Role.PILOT, Role.PLANNER),
    response_class=Response,
)
def get_sortie_plan_file(
    services: ServicesOf,
    sortie_id: str,
    kind: Annotated[PlanFormat, Query(alias="format")] = PlanFormat.WPML,
    model: Annotated[str, Query(max_length=20)] = "m30",
) -> Response:
    """Gives the proven plan of a released sortie as a file; its header names what it lacks."""
    sortie = _sortie(services, sortie_id)
    if sortie.state in (SortieState.PLANNED, SortieState.CANCELLED):
        raise IllegalMove(
            "only a released plan goes out", where=sortie_id, cure="start its patrol first"
        )
    if model not in DJI_MODELS:
        raise BadRequest(
            f"no aircraft {model} is known", where="model",
            cure=f"name one of {', '.join(sorted(DJI_MODELS))}",
        )  # fmt: skip
    wpml = kind is PlanFormat.WPML
    data, losses = save_wpml(sortie.plan, DJI_MODELS[model]) if wpml else save_kmz(sortie.plan)
    headers = {
        "Content-Disposition": f'attachment; filename="{sortie.sortie_id}.kmz"',
        "Qyran-Plan-Losses": ", ".join(sorted({loss.code for loss in losses})),
    }
    return Response(data, media_type=_MEDIA_TYPE, headers=headers)


def _sortie(services: Services, sortie_id: str) -> Sortie:
    found = services.missions.sorties(sortie_id=SortieId(sortie_id))
    if not found:
        raise NotFound("there is no such sortie", where=sortie_id, cure="name one of /sorties")
    return found[-1]
