"""What of a fleet's shift is drawn: the way of each asset, the jobs, and those left undone."""

from missions.fleet import FleetPlan
from missions.fleets.planning import FleetOrder
from station.plan_sheet import LonLat, Sheet, Way


def sheet_of_fleet(order: FleetOrder, plan: FleetPlan, title: str = "Shift of a fleet") -> Sheet:
    """Returns the drawing of a shift."""
    ways: list[Way] = []
    homes: list[LonLat] = []
    labels: list[tuple[LonLat, str]] = []
    undone = {job.job_id for job in plan.unserved}
    for colour, route in enumerate(plan.routes):
        for trip in route.trips:
            places = tuple((lon, lat) for lat, lon in trip.line)
            ways.append(Way(places, str(route.asset_id), colour=colour))
            if places:
                homes.append(places[0])
    for job in order.jobs:
        mark = f"{job.job_id}, not done" if job.job_id in undone else job.job_id
        lat, lon = job.places[0]
        labels.append(((lon, lat), mark))
        if len(job.places) > 1:
            line = tuple((lon, lat) for lat, lon in job.places)
            ways.append(Way(line, "line to be followed", dashed=True, colour=6))
    km = sum(route.distance_m for route in plan.routes) / 1000
    trips = sum(len(route.trips) for route in plan.routes)
    note = (
        f"{len(order.jobs) - len(undone)} of {len(order.jobs)} jobs, {trips} trips of "
        f"{len(plan.routes)} assets, {km:.1f} km"
    )
    return Sheet(
        title,
        note,
        tuple(ways),
        zones=order.zones,
        homes=tuple(dict.fromkeys(homes)),
        looks=tuple((job.places[0][1], job.places[0][0]) for job in order.jobs),
        labels=tuple(labels),
    )
