"""The city's map and its zones."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Query, Response
from fastapi.responses import JSONResponse

from api.accounts import Role
from api.policies import SIGNED_IN, GuardedRouter, roles
from api.requests import DemandedVersion, ServicesOf, check_version, set_etag
from api.schemas.zones import (
    GeometryBody,
    ZoneBody,
    ZoneCheckOut,
    ZoneOut,
    ZonesOut,
    area_of,
    checked,
)
from api.services import Services
from api.signing_in import check_agency
from core.errors import BadRequest, ZoneInvalid
from core.ids import ZoneId, fresh_id
from geo.zones import Zone

router = GuardedRouter("map")

_PLANNERS = roles(Role.PLANNER)


@router.add("GET", "/city", SIGNED_IN, response_class=JSONResponse)
def get_city(services: ServicesOf) -> Any:
    """Gives the city's boundary, places and streets, each with its attribution."""
    return JSONResponse(dict(services.city()), media_type="application/geo+json")


@router.add("GET", "/zones", SIGNED_IN)
def get_zones(
    services: ServicesOf,
    inactive: Annotated[bool, Query(description="also those that are switched off")] = False,
) -> ZonesOut:
    """Gives the zones that are switched on."""
    zones = services.zones.find(active=not inactive)
    return ZonesOut(features=[ZoneOut.from_domain(zone) for zone in zones])


@router.add("POST", "/zones", _PLANNERS, status_code=201)
def post_zone(services: ServicesOf, response: Response, body: ZoneBody) -> ZoneOut:
    """Keeps a new zone; the next plan obeys it."""
    if body.id is not None:
        raise BadRequest("a new zone has no id yet", where="id", cure="leave it out")
    check_agency(services.agencies, body.properties.owner, ())
    present = {
        "zone_id": ZoneId(fresh_id("zone")),
        "version": 1,
        "changed_at": services.clock.now(),
    }
    zone = services.zones.add(body.change(present, services.limits.zone_corners))
    return _told(services, response, zone)


@router.add("POST", "/zones/check", _PLANNERS)
def post_zone_check(services: ServicesOf, body: GeometryBody) -> ZoneCheckOut:
    """Says whether a border makes sense, and where it does not."""
    try:
        return checked(area_of(body, services.limits.zone_corners))
    except ZoneInvalid as error:
        return ZoneCheckOut(valid=False, message=error.message, place=None, area_m2=0.0)


@router.add("GET", "/zones/{zone_id}", SIGNED_IN)
def get_zone(services: ServicesOf, response: Response, zone_id: str) -> ZoneOut:
    """Gives a zone with its version as ETag."""
    zone = services.zones.get(ZoneId(zone_id))
    set_etag(response, zone.version)
    return ZoneOut.from_domain(zone)


@router.add("PUT", "/zones/{zone_id}", _PLANNERS)
def put_zone(
    services: ServicesOf,
    response: Response,
    zone_id: str,
    version: DemandedVersion,
    body: ZoneBody,
) -> ZoneOut:
    """Keeps the next version of a zone."""
    if body.id not in (None, zone_id):
        raise BadRequest("the id is another than the route's", where="id")
    present = services.zones.get(ZoneId(zone_id))
    check_version(version, present.version, zone_id)
    check_agency(services.agencies, body.properties.owner, ())
    as_set = {
        "zone_id": present.zone_id,
        "version": version + 1,
        "changed_at": services.clock.now(),
    }
    changed = body.change(as_set, services.limits.zone_corners)
    return _told(services, response, services.zones.replace(changed, version))


@router.add("DELETE", "/zones/{zone_id}", _PLANNERS, status_code=204)
def delete_zone(services: ServicesOf, zone_id: str, version: DemandedVersion) -> None:
    """Switches a zone off; its history stays."""
    present = services.zones.get(ZoneId(zone_id))
    check_version(version, present.version, zone_id)
    off = replace(present, active=False, version=version + 1, changed_at=services.clock.now())
    services.zones.replace(off, version)
    services.live.zone_changed(off.zone_id, off.version)


def _told(services: Services, response: Response, zone: Zone) -> ZoneOut:
    services.live.zone_changed(zone.zone_id, zone.version)
    set_etag(response, zone.version)
    return ZoneOut.from_domain(zone)
