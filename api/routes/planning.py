"""Plans from elsewhere held against our zones; who goes to an event."""

import json
import time

from api.accounts import Role
from api.fleet_desk import flights_under_way, rally_of_fleet, responders
from api.known_ground import refuse_swapped
from api.policies import GuardedRouter, roles
from api.requests import ServicesOf
from api.schemas.missions import FindingOut
from api.schemas.planning import (
    AreaPlanBody,
    AreaPlanOut,
    DecisionOut,
    EventBody,
    LossOut,
    PlanCheckBody,
    PlanCheckOut,
)
from api.services import Services
from core.errors import AreaInvalid, NotFound, PlanUnreadable
from core.ids import AssetId, fresh_id
from geo.area_path import path_over
from geo.area_reading import area_of_document
from geo.area_zones import fences_near
from geo.swapped import box_at
from geo.zones import Purpose, Zone
from missions.circumstances import Circumstances
from missions.dispatching.dispatch import decide
from missions.events import Event
from missions.formats.losses import findings as findings_of_losses
from missions.formats.plan_file import load_plan, write_plan
from missions.model import Asset, Plan
from missions.proving.checks import ASSUMED, as_warnings, check_plan, default_asset, is_safe
from missions.proving.cures import fix_plan
from missions.proving.departure import chosen_start
from missions.proving.finding_list import placed

router = GuardedRouter("planning")


@router.add("POST", "/plans/check", roles(Role.PLANNER, Role.PILOT))
def post_plan_check(services: ServicesOf, body: PlanCheckBody) -> PlanCheckOut:
    """Proves a QGroundControl plan against zones, heights, endurance and permission.

    Nothing is kept and nothing is sent anywhere. What is not given is a warning.
    """
    loaded = load_plan(json.dumps(body.plan), AssetId(body.asset_id or "unnamed-drone"))
    plan = loaded.plan
    home = box_at(plan.home.lat_deg, plan.home.lon_deg)
    refuse_swapped(services, [home], "plan, home", kind=PlanUnreadable)
    zones = tuple(services.zones.find(Purpose.FLIGHT)) if body.station_zones else ()
    asset = _asset(services, body.asset_id, plan)
    permissions = tuple(services.permissions.permissions()) if body.station_permissions else None
    departs_at, about_start = chosen_start(body.departs_at, loaded.departs_at, services.clock.now())
    weather = None if body.weather is None else body.weather.to_domain()
    known, terrain = Circumstances(departs_at=departs_at), None
    if body.station_surroundings:
        begins = departs_at or services.clock.now()
        known, terrain = services.operations.surroundings(asset, begins)
    around = Circumstances(
        departs_at=departs_at,
        permissions=permissions,
        weather=weather or (known.weather if body.asset_id and departs_at else None),
        others=known.others if body.asset_id and departs_at else (),
        margin_m=body.margin_m,
        zones=zones,
    )
    not_understood = placed(findings_of_losses(loaded.losses), plan)
    changes: tuple[str, ...] = ()
    mended = None
    if body.fix:
        fixed = fix_plan(plan, asset, around, terrain=terrain)
        found, changes = fixed.findings, fixed.words
        # what was not understood must not come back as a plan that looks whole
        mended = (
            json.loads(write_plan(fixed.plan, fixed.circumstances.departs_at))
            if is_safe(not_understood)
            else None
        )
    else:
        found = check_plan(plan, asset, around, terrain=terrain)
    if body.asset_id is None:
        found = as_warnings(found, ASSUMED)
    findings = (*not_understood, *about_start, *found)
    return PlanCheckOut(
        safe=is_safe(findings),
        items=len(plan.mission.items),
        findings=[FindingOut.from_domain(finding) for finding in findings],
        losses=[LossOut.from_domain(loss) for loss in loaded.losses],
        changes=list(changes),
        plan=mended,
    )


@router.add("POST", "/plans/area", roles(Role.PLANNER, Role.PILOT))
def post_plan_area(services: ServicesOf, body: AreaPlanBody) -> AreaPlanOut:
    """Plans a path from which a strip of a given width sees a whole area; keeps nothing.

    It keeps inside the area, out of the station's exclusions and inside its inclusions that hold
    now, whatever their heights.
    """
    area = area_of_document(body.area, "area")
    refuse_swapped(services, [area.bounds], "area", kind=AreaInvalid)
    fences: list[Zone] = []
    if body.station_zones:
        now = services.clock.now()
        found = tuple(z for z in services.zones.find(Purpose.FLIGHT) if z.in_force(now))
        fences = fences_near(found, area, "the station's zones")
    document = path_over(area, fences, body.wish(), "area", tick=time.perf_counter)
    return AreaPlanOut(**document, zone_versions={zone.zone_id: zone.version for zone in fences})


@router.add("POST", "/dispatch", roles(Role.DISPATCHER, Role.PILOT, Role.PLANNER))
def post_dispatch(services: ServicesOf, body: EventBody) -> DecisionOut:
    """Decides who would go to an event, why, and why not the others; moves nothing yet."""
    now = services.clock.now()
    refuse_swapped(services, [box_at(body.lat, body.lon)], "lat, lon")
    event = Event(
        fresh_id("event"),
        body.kind,
        body.lat,
        body.lon,
        body.at or now,
        body.stay_s,
        body.priority,
        body.camera,
    )
    if body.weather is None:
        weather = services.weather(body.lat, body.lon, event.at)
    else:
        weather = body.weather.to_domain()
    around = Circumstances(
        permissions=tuple(services.permissions.permissions()),
        weather=weather,
        others=tuple(flights_under_way(services, now)),
    )
    decision = decide(
        event,
        responders(services, now),
        services.zones.find(Purpose.FLIGHT),
        circumstances=around,
        roads=services.roads(body.lat, body.lon),
        rally=rally_of_fleet(services),
    )
    return DecisionOut.from_domain(decision)


def _asset(services: Services, asset_id: str | None, plan: Plan) -> Asset:
    if asset_id is None:
        return default_asset(plan)
    for asset in services.missions.assets():
        if asset.asset_id == asset_id:
            return asset
    raise NotFound("there is no such asset", where=asset_id, cure="name one of /assets")
