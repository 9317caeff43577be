"""What `qyran plan fleet` answers: routes, times, lines, idleness, and what is not done."""

from collections.abc import Mapping, Sequence
from typing import Any

from missions.fleet import FleetPlan, FleetRoute, FleetTrip, RevisitTarget
from missions.fleets.idleness import Idleness, idleness, looks_of, summary
from missions.fleets.planning import FleetOrder, jobs_of
from station.plan_fleet import FleetCase

Json = dict[str, Any]


def answer(case: FleetCase, plan: FleetPlan) -> Json:
    """Returns the document of a planned shift; times are ISO 8601, places longitude first."""
    order = case.order
    jobs, _ = jobs_of(order)
    target_of = {job.job_id: job.target_id for job in jobs if job.target_id}
    served = sum(len(trip.stops) for route in plan.routes for trip in route.trips)
    kinds = {asset.asset_id: asset.kind for asset in order.assets}
    routes = [_route(route, str(kinds[route.asset_id]), target_of) for route in plan.routes]
    return {
        "start": order.start,
        "end": order.end,
        "jobs": len(jobs),
        "served": served,
        "routes": routes,
        "unserved": [
            {"job": one.job_id, "reason": one.reason, "detail": one.detail} for one in plan.unserved
        ],
        "idleness": _idleness(order, plan, target_of),
        "cost_s": plan.cost_s,
        "iterations": plan.iterations,
        "seed": case.effort.seed,
        "not_flown": [
            {"code": one.code, "message": one.message, "cure": one.cure} for one in plan.dropped
        ],
        "notes": case.notes,
        "not_understood": case.not_understood,
        "attribution": "" if order.roads is None else order.roads.attribution,
    }


def _route(route: FleetRoute, kind: str, target_of: Mapping[str, str]) -> Json:
    return {
        "asset": route.asset_id,
        "kind": kind,
        "person": route.user_id,
        "distance_m": route.distance_m,
        "seconds": route.seconds,
        "trips": [_trip(trip, target_of) for trip in route.trips],
    }


def _trip(trip: FleetTrip, target_of: Mapping[str, str]) -> Json:
    return {
        "departs_at": trip.departs_at,
        "returns_at": trip.returns_at,
        "seconds": (trip.returns_at - trip.departs_at).total_seconds(),
        "distance_m": trip.distance_m,
        "battery_share": trip.share,
        "stops": [
            {
                "job": stop.job_id,
                "target": target_of.get(stop.job_id),
                "arrives_at": stop.arrives_at,
                "begins_at": stop.begins_at,
                "leaves_at": stop.leaves_at,
                "backwards": stop.backwards,
            }
            for stop in trip.stops
        ],
        "line": {"type": "LineString", "coordinates": [[lon, lat] for lat, lon in trip.line]},
        "mission": None if trip.plan is None else trip.plan.mission.mission_id,
        "findings": [
            {"severity": one.severity, "code": one.code, "message": one.message, "cure": one.cure}
            for one in trip.findings
        ],
    }


def _idleness(order: FleetOrder, plan: FleetPlan, target_of: Mapping[str, str]) -> Json | None:
    """Returns how long targets stay unseen without this plan and with it."""
    if not order.targets:
        return None
    visits: dict[str, list[Any]] = {target.target_id: [] for target in order.targets}
    for route in plan.routes:
        for trip in route.trips:
            for stop in trip.stops:
                if stop.job_id in target_of:
                    visits[target_of[stop.job_id]].append(stop.begins_at)
    before, after, rows = [], [], []
    for target in order.targets:
        others = looks_of(target.places, order.tracks)
        without = idleness(target, others, order.start, order.end)
        looks = [*others, *visits[target.target_id]]
        with_plan = idleness(target, looks, order.start, order.end)
        before.append(without)
        after.append(with_plan)
        rows.append(
            {
                "target": target.target_id,
                "revisit_s": target.revisit_s,
                "before": _numbers(without),
                "after": _numbers(with_plan),
            }
        )
    return {
        "before": _summary(order.targets, before),
        "after": _summary(order.targets, after),
        "targets": rows,
    }


def _numbers(one: Idleness) -> Json:
    return {"worst_s": one.worst_s, "mean_s": one.mean_s, "met": one.met, "looks": one.looks}


def _summary(targets: Sequence[RevisitTarget], parts: Sequence[Idleness]) -> Json:
    whole = summary(targets, parts)
    assert whole is not None
    return {
        "worst_s": whole.worst_s,
        "mean_s": whole.mean_s,
        "met": whole.met,
        "targets": whole.targets,
    }


def lines(case: FleetCase, plan: FleetPlan, document: Json) -> str:
    """Returns the same for a person."""
    told = [
        f"{route.asset_id:12} {trip.departs_at:%H:%M}-{trip.returns_at:%H:%M}  "
        f"{trip.distance_m / 1000:6.1f} km  "
        + ("" if trip.share is None else f"{100 * trip.share:3.0f} % of its battery  ")
        + " ".join(stop.job_id for stop in trip.stops)
        for route in plan.routes
        for trip in route.trips
    ]
    told += [f"not done: {one.job_id}: {one.detail} [{one.reason}]" for one in plan.unserved]
    idle = document["idleness"]
    if idle is not None:
        told.append(
            f"idleness: worst {idle['before']['worst_s'] / 60:.0f} -> "
            f"{idle['after']['worst_s'] / 60:.0f} min, mean {idle['before']['mean_s'] / 60:.0f}"
            f" -> {idle['after']['mean_s'] / 60:.0f} min, "
            f"{idle['after']['met']} of {idle['after']['targets']} targets kept"
        )
    told.append(f"{document['served']} of {document['jobs']} jobs, {len(plan.routes)} assets out")
    told += [f"note: {note}" for note in case.notes]
    told += [f"not understood: {name}" for name in case.not_understood]
    told += [document["attribution"]] if document["attribution"] else []
    return "\n".join(told)
