"""The city's map and its zones."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Query, Response
from fastapi.responses import JSONResponse

from api.accounts import Account, Role
from api.known_ground import refuse_swapped
from api.policies import SIGNED_IN, GuardedRouter, roles
from api.requests import DemandedVersion, ServicesOf, Who, check_version, set_etag
from api.schemas.zones import (
    GeometryBody,
    StageBody,
    ZoneBody,
    ZoneCheckOut,
    ZoneDiffOut,
    ZoneHistoryOut,
    ZoneOut,
    ZonesOut,
    area_of,
    checked,
)
from api.services import Services
from api.signing_in import check_agency
from core.errors import BadRequest, NotFound, ZoneInvalid
from core.ids import ZoneId, fresh_id
from geo.swapped import boxes_of
from geo.zone_life import change_between, move
from geo.zones import Zone, ZoneStage

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
def post_zone(services: ServicesOf, response: Response, who: Who, body: ZoneBody) -> ZoneOut:
    """Keeps a new zone; the next plan obeys it, unless it is a draft."""
    if body.id is not None:
        raise BadRequest("a new zone has no id yet", where="id", cure="leave it out")
    check_agency(services.agencies, body.properties.owner, ())
    present = {
        "zone_id": ZoneId(fresh_id("zone")),
        "version": 1,
        **_changed(services, who, body),
    }
    new = body.change(present, services.limits.zone_corners)
    refuse_swapped(services, boxes_of([new]), f"zone {new.name}", kind=ZoneInvalid)
    zone = services.zones.add(new)
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
    who: Who,
    version: DemandedVersion,
    body: ZoneBody,
) -> ZoneOut:
    """Keeps the next version of a zone; a draft leaves in force what stands."""
    if body.id not in (None, zone_id):
        raise BadRequest("the id is another than the route's", where="id", cure="leave it out")
    present = services.zones.get(ZoneId(zone_id))
    check_version(version, present.version, zone_id)
    check_agency(services.agencies, body.properties.owner, ())
    as_set = {
        "zone_id": present.zone_id,
        "version": version + 1,
        **_changed(services, who, body),
    }
    changed = body.change(as_set, services.limits.zone_corners)
    where = f"zone {changed.name}"
    refuse_swapped(services, boxes_of([changed]), where, kind=ZoneInvalid, replaced=zone_id)
    same = changed.area.normalize().equals_exact(present.area.normalize(), 0.0)
    if same and changed.kind is present.kind:
        changed = replace(changed, circle=present.circle)  # a circle comes back as its polygon
    return _told(services, response, services.zones.replace(changed, version))


@router.add("DELETE", "/zones/{zone_id}", _PLANNERS, status_code=204)
def delete_zone(services: ServicesOf, zone_id: str, who: Who, version: DemandedVersion) -> None:
    """Switches a zone off; its history stays."""
    present = services.zones.get(ZoneId(zone_id))
    check_version(version, present.version, zone_id)
    off = replace(
        present,
        active=False,
        stage=ZoneStage.RETIRED,
        version=version + 1,
        changed_at=services.clock.now(),
        changed_by=who.user_id,
    )
    services.zones.replace(off, version)
    services.live.zone_changed(off.zone_id, off.version)


@router.add("POST", "/zones/{zone_id}/stage", _PLANNERS)
def post_zone_stage(
    services: ServicesOf,
    response: Response,
    zone_id: str,
    who: Who,
    version: DemandedVersion,
    body: StageBody,
) -> ZoneOut:
    """Takes a zone one stage on: draft, reviewed, active, retired.

    Where the station wants four eyes, a draft is reviewed by another planner than its author.
    """
    present = services.zones.get(ZoneId(zone_id))
    check_version(version, present.version, zone_id)
    moved = move(
        present,
        body.stage,
        who.user_id,
        services.clock.now(),
        four_eyes=services.limits.zone_review,
    )
    if body.reason:
        moved = replace(moved, reason=body.reason)
    return _told(services, response, services.zones.replace(moved, version))


@router.add("GET", "/zones/{zone_id}/history", SIGNED_IN)
def get_zone_history(services: ServicesOf, zone_id: str) -> ZoneHistoryOut:
    """Gives every version of a zone, oldest first."""
    versions = _history(services, zone_id)
    return ZoneHistoryOut(items=[ZoneOut.from_domain(zone) for zone in versions])


@router.add("GET", "/zones/{zone_id}/diff", SIGNED_IN)
def get_zone_diff(
    services: ServicesOf,
    zone_id: str,
    before: Annotated[int | None, Query(ge=1, description="by default the one before")] = None,
    after: Annotated[int | None, Query(ge=1, description="by default the newest")] = None,
) -> ZoneDiffOut:
    """Says what differs between two versions of a zone, in words and square metres."""
    versions = {zone.version: zone for zone in _history(services, zone_id)}
    later = after or max(versions)
    earlier = before or max(1, later - 1)
    for number in (earlier, later):
        if number not in versions:
            raise NotFound(f"there is no version {number}", where=zone_id)
    return ZoneDiffOut.from_domain(change_between(versions[earlier], versions[later]))


def _history(services: Services, zone_id: str) -> Sequence[Zone]:
    versions = services.zones.history(ZoneId(zone_id))
    if not versions:
        raise NotFound("there is no such zone", where=zone_id, cure="name one of /zones")
    return versions


def _changed(services: Services, who: Account, body: ZoneBody) -> dict[str, Any]:
    """Returns what the station sets: when, by whom, and at which stage it begins."""
    wanted = body.properties.stage or ZoneStage.ACTIVE
    return {
        "changed_at": services.clock.now(),
        "changed_by": who.user_id,
        "stage": ZoneStage.DRAFT if services.limits.zone_review else wanted,
    }


def _told(services: Services, response: Response, zone: Zone) -> ZoneOut:
    services.live.zone_changed(zone.zone_id, zone.version)
    set_etag(response, zone.version)
    return ZoneOut.from_domain(zone)
