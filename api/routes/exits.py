"""Ways out of a zone that appears in flight, for the sorties that are under way."""

from collections.abc import Iterator
from dataclasses import replace

from api.accounts import Role
from api.fleet_desk import HEARD_MOST, sorties_under_way
from api.known_ground import refuse_swapped
from api.policies import GuardedRouter, roles
from api.requests import ServicesOf
from api.schemas.exits import ExitsBody, ExitsOut, WayOutOut
from api.services import Services
from core.errors import BadRequest, ZoneInvalid
from core.ids import ZoneId
from geo.swapped import boxes_of
from geo.zones import Purpose, Zone, ZoneStage
from missions.dispatching.exits import affected, with_appeared
from missions.dispatching.zone_appeared import flight_of, respond

router = GuardedRouter("planning")


@router.add("POST", "/exits", roles(Role.DISPATCHER, Role.PILOT, Role.PLANNER))
def post_exits(services: ServicesOf, body: ExitsBody) -> ExitsOut:
    """Tells what a zone would mean for the drones in the air; changes nothing and moves nothing.

    Each that it affects gets its proven way out, and what the station would order by itself.
    """
    zone = _zone(services, body)
    if Purpose.FLIGHT not in zone.purposes:
        raise BadRequest(
            "that zone limits no flight",
            where="zone",
            cure="name or draw a zone whose purpose is flight",
        )
    rows = list(_rows(services, zone, body.margin_m))
    hit = [row for row in rows if row.affected]
    return ExitsOut(
        at=services.clock.now(),
        appeared=zone.name or zone.zone_id,
        affected=len(hit),
        proven=all(row.proven for row in hit),
        assets=rows,
    )


def _zone(services: Services, body: ExitsBody) -> Zone:
    if (body.zone is None) == (body.zone_id is None):
        raise BadRequest(
            "it takes one zone", where="zone, zone_id", cure="give either zone_id or zone"
        )
    if body.zone is None:
        found = services.zones.get(ZoneId(body.zone_id or ""))
        return replace(found, stage=ZoneStage.ACTIVE, active=True)
    present = {
        "zone_id": ZoneId("drawn"),
        "version": 1,
        "changed_at": services.clock.now(),
        "changed_by": None,
        "stage": ZoneStage.ACTIVE,
    }
    drawn = body.zone.change(present, services.limits.zone_corners)
    refuse_swapped(services, boxes_of([drawn]), f"zone {drawn.name}", kind=ZoneInvalid)
    return drawn


def _rows(services: Services, zone: Zone, margin_m: float) -> Iterator[WayOutOut]:
    now = services.clock.now()
    zones = with_appeared(services.zones.find(Purpose.FLIGHT), [zone])
    for asset, sortie in sorties_under_way(services):
        status = services.operations.status(asset.asset_id)
        fresh = status is not None and now - status.heard_at <= HEARD_MOST
        sample = status.sample if status is not None and fresh else None
        flight = None if sample is None else flight_of(sortie, asset, sample)
        if sample is not None and (sample.on_ground or sample.armed is False):
            yield WayOutOut(asset_id=asset.asset_id, affected=False, why="on the ground")
        elif flight is None:
            why = "where it is, or how high, is not known"
            yield WayOutOut(asset_id=asset.asset_id, affected=None, why=why)
        elif not affected(flight, zone, now, margin_m, others=zones):
            why = "its way keeps clear of the zone"
            yield WayOutOut(asset_id=asset.asset_id, affected=False, why=why)
        else:
            found = respond(flight, sortie.plan, zones, now, margin_m=margin_m)
            yield WayOutOut.from_domain(flight, found)
