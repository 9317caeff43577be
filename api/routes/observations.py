"""Observations of devices that have their own analytics."""

from fastapi import Request, Response

from api.accounts import Role
from api.observation_desk import ObservationDesk
from api.policies import GuardedRouter, roles
from api.requests import Who
from api.schemas.observations import ObservationAnswer, ObservationBody, RefusedOut

router = GuardedRouter("observations")


@router.add(
    "POST", "/observations", roles(Role.DEVICE, Role.ADMIN), media=True, status_code=201,
    responses={200: {"model": ObservationAnswer, "description": "It was known already."}},
)  # fmt: skip
def post_observation(
    request: Request, response: Response, who: Who, body: ObservationBody
) -> ObservationAnswer:
    """Takes in an observation; the same (device_id, serial) is one, however often it comes."""
    desk: ObservationDesk = request.app.state.observation_desk
    receipt, new = desk.take_in(who, body)
    response.status_code = 201 if new else 200
    refused = RefusedOut(code=receipt.refused_code, reason=receipt.refused_reason)
    return ObservationAnswer(
        observation_id=receipt.observation_id,
        incident_id=receipt.incident_id,
        refused=refused if receipt.refused_code else None,
    )
