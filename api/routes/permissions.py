"""Airspace permissions: who may fly where, how high and when."""

from dataclasses import replace
from typing import Annotated

from fastapi import Query

from api.accounts import Role
from api.known_ground import refuse_swapped
from api.policies import SIGNED_IN, GuardedRouter, roles
from api.requests import ServicesOf
from api.schemas.permissions import PermissionBody, PermissionOut, PermissionsOut, RevocationBody
from core.errors import NotFound, ZoneInvalid

router = GuardedRouter("airspace")

_KEEPERS = roles(Role.PLANNER, Role.PILOT)


@router.add("GET", "/permissions", SIGNED_IN)
def get_permissions(
    services: ServicesOf,
    ended: Annotated[bool, Query(description="also those that have ended")] = False,
) -> PermissionsOut:
    """Gives the permissions that hold or will."""
    now = services.clock.now()
    kept = [p for p in services.permissions.permissions() if ended or p.ends_at > now]
    return PermissionsOut(features=[PermissionOut.from_domain(p) for p in kept])


@router.add("POST", "/permissions", _KEEPERS, status_code=201)
def post_permission(services: ServicesOf, body: PermissionBody) -> PermissionOut:
    """Keeps a permission as the authority gave it; one of that issuer and number is replaced."""
    permission = body.to_domain()
    where = f"permission {permission.number}"
    refuse_swapped(services, [permission.area.bounds], where, kind=ZoneInvalid)
    services.permissions.save(permission)
    return PermissionOut.from_domain(permission)


@router.add("POST", "/permissions/revoke", _KEEPERS)
def post_permission_revocation(services: ServicesOf, body: RevocationBody) -> PermissionOut:
    """Notes that a permission does not hold any more; it is never deleted."""
    found = [
        p
        for p in services.permissions.permissions()
        if p.number == body.number and body.issuer in ("", p.issuer)
    ]
    if len(found) != 1:
        raise NotFound(
            f"{len(found)} permissions have that number", where=body.number, cure="say the issuer"
        )
    since = body.revoked_at or services.clock.now()
    revoked = replace(found[0], revoked_at=since, note=body.note or found[0].note)
    services.permissions.save(revoked)
    return PermissionOut.from_domain(revoked)
