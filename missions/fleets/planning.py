"""Plans a shift of drones and cars together: one optimiser, then exact times, then the proof.

The optimiser proposes who does what in which order. What it can't know is made true after it:
trips are cut by what a battery really spends, and every flight becomes a plan that
`missions.proving.checks` has found without error, or is not flown.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from core.ids import AssetId
from geo.ports import TerrainModel
from geo.road_graph import RoadGraph
from geo.zones import Zone
from missions.circumstances import Circumstances, OwnFlight
from missions.fleet import (
    FleetAsset,
    FleetPlan,
    FleetRoute,
    FleetStop,
    FleetTrip,
    Job,
    LatLon,
    PassiveTrack,
    RevisitTarget,
    Unserved,
    UnservedReason,
)
from missions.fleets.air import AirWays
from missions.fleets.flights import TripPlan, trip_plan
from missions.fleets.idleness import looks_of, visits
from missions.fleets.problem import Member, routing_problem
from missions.fleets.reasons import Judge
from missions.fleets.travel import Legs, Node, nodes_of, road_legs
from missions.fleets.trips import TimedRoute, TimedTrip, Window, timed_route, timed_trip
from missions.model import Asset, AssetKind, ChangeKind, Finding, RallyPoint, Severity
from missions.permissions import Permission
from missions.proving.checks import check_plan
from missions.routing import Effort, RoutingProblem, RoutingSolution
from missions.weather import Weather

Solve = Callable[[RoutingProblem, Effort], RoutingSolution]
LegsOf = Callable[[Asset, Sequence[Node]], Legs]

_CAUTIONS = (1.0, 1.4, 2.0)
"""How much way a battery is thought to need for each stop, tried in turn until trips fit."""
_PUT_OFF_MOST = 8
"""How often a flight is put off to let others of ours pass."""
_ROUNDS = 4
"""Of planning without what turned out not to be permitted."""


@dataclass(frozen=True, slots=True)
class FleetOrder:
    """A shift to be planned."""

    start: datetime
    end: datetime
    crewed: tuple[FleetAsset, ...]
    """Assets with somebody on duty."""
    assets: tuple[Asset, ...]
    """All there are, so that a reason can be told."""
    jobs: tuple[Job, ...] = ()
    targets: tuple[RevisitTarget, ...] = ()
    tracks: tuple[PassiveTrack, ...] = ()
    zones: tuple[Zone, ...] = ()
    roads: RoadGraph | None = None
    heights_m: Mapping[AssetId, float] = field(default_factory=dict)
    """Wanted height above home of each drone; 60 m where none is given."""
    rally: tuple[RallyPoint, ...] = ()
    permissions: tuple[Permission, ...] | None = None
    weather: Weather | None = None
    terrain: TerrainModel | None = None
    margin_m: float = 0.0
    second_cost: int = 1
    metre_cost: int = 0


def jobs_of(order: FleetOrder) -> tuple[tuple[Job, ...], tuple[Unserved, ...]]:
    """Returns the jobs of a shift, those of its revisit targets included, and those seen already.

    What a passive asset has seen counts: a target is due later, a job that it does is done.
    """
    jobs, seen = [], []
    for job in order.jobs:
        looks = looks_of(job.places, order.tracks) if job.seen_counts else ()
        first, last = job.earliest or order.start, job.latest or order.end
        at = next((look for look in looks if first <= look <= last), None)
        if at is None:
            jobs.append(job)
        else:
            detail = f"seen at {at.isoformat()}"
            seen.append(Unserved(job.job_id, UnservedReason.SEEN_ALREADY, detail))
    for target in order.targets:
        for visit in visits(target, looks_of(target.places, order.tracks), order.start, order.end):
            jobs.append(
                Job(
                    f"{target.target_id}#{visit.number + 1}",
                    target.places,
                    target.stay_s,
                    visit.earliest,
                    visit.latest,
                    visit.worth_s,
                    target.kinds,
                    target_id=target.target_id,
                    name=target.name,
                )
            )
    return tuple(jobs), tuple(seen)


def plan_fleet(
    order: FleetOrder, solve: Solve, effort: Effort, legs_of: LegsOf | None = None
) -> FleetPlan:
    """Returns what the fleet does in a shift; the same order, effort and seed give the same.

    Args:
        order: the shift.
        solve: the optimiser (see `missions.ports.FleetOptimiser`).
        effort: how long it may try.
        legs_of: how vehicles get about, instead of by road and around zones.
    """
    return _Planner(order, solve, effort, legs_of).plan()


class _Planner:
    """One shift's planning."""

    def __init__(
        self, order: FleetOrder, solve: Solve, effort: Effort, legs_of: LegsOf | None
    ) -> None:
        self._order, self._solve, self._effort = order, solve, effort
        self._jobs, self._seen = jobs_of(order)
        self._nodes = nodes_of(self._jobs)
        self._windows = [Window(0.0, math.inf, 0.0), *map(self._window, self._nodes)]
        self._zones = tuple(z for z in order.zones if z.in_force(order.start, order.end))
        self._air: dict[int, AirWays] = {}
        self._members = self._with_ways(legs_of)
        self._judge = Judge(order.assets, self._members, self._jobs, self._nodes, self._windows)
        self._dropped: dict[str, Finding] = {}
        self._iterations = 0

    def _seconds(self, at: datetime) -> float:
        return (at - self._order.start).total_seconds()

    def _at(self, seconds: float) -> datetime:
        return self._order.start + timedelta(seconds=seconds)

    def _window(self, node: Node) -> Window:
        job = self._jobs[node.job]
        early = 0.0 if job.earliest is None else max(0.0, self._seconds(job.earliest))
        late = self._seconds(self._order.end if job.latest is None else job.latest)
        return Window(early, late, job.stay_s if len(node.places) == 1 else 0.0)

    def _with_ways(self, legs_of: LegsOf | None) -> list[Member]:
        known: dict[object, tuple[int, Legs]] = {}
        members = []
        for crewed in self._order.crewed:
            asset = crewed.asset
            # whatever else two assets differ in has no bearing on their ways
            key = replace(
                asset, asset_id=AssetId(""), name="", address="", video="", agency=None, camera=None
            )
            height = self._height_m(asset)
            if (key, height) not in known:
                number = len(known)
                if legs_of is not None:
                    legs = legs_of(asset, self._nodes)
                elif asset.kind is AssetKind.DRONE:
                    self._air[number] = AirWays(
                        asset, self._nodes, self._zones, up_m=height,
                        margin_m=self._order.margin_m, weather=self._order.weather,
                        terrain=self._order.terrain,
                    )  # fmt: skip
                    legs = self._air[number].legs()
                else:
                    legs = road_legs(asset, self._nodes, self._order.roads)
                known[key, height] = (number, legs)
            number, legs = known[key, height]
            start, end = self._seconds(crewed.start), self._seconds(crewed.end)
            members.append(Member(crewed, legs, number, start, end))
        return members

    def _height_m(self, asset: Asset) -> float:
        return self._order.heights_m.get(asset.asset_id, 60.0)

    def plan(self) -> FleetPlan:
        """Plans, proves, and plans again without what is not permitted."""
        routes: list[FleetRoute] = []
        for _ in range(_ROUNDS):
            timed = self._routed()
            routes, clean = self._proved(timed)
            if clean:
                break
        served = {stop.job_id for r in routes for t in r.trips for stop in t.stops}
        unserved = [
            self._judge.reason(number)
            for number, job in enumerate(self._jobs)
            if job.job_id not in served
        ]
        return FleetPlan(
            tuple(routes),
            (*self._seen, *unserved),
            sum(route.seconds for route in routes),
            self._iterations,
            tuple(self._dropped.values()),
        )

    def _routed(self) -> list[TimedRoute]:
        """Returns the best routes over several guesses at what a battery carries."""
        best: tuple[tuple[float, ...], list[TimedRoute]] | None = None
        costs = (self._order.second_cost, self._order.metre_cost)
        may = self._judge.may()
        for caution in _CAUTIONS:
            problem = routing_problem(
                self._members, self._jobs, self._nodes, self._windows, may,
                caution=caution, costs=costs,
            )  # fmt: skip
            solution = self._solve(problem, self._effort)
            self._iterations += solution.iterations
            proposed = {route.vehicle: route.trips for route in solution.routes}
            timed = [
                timed_route(
                    [[stop + 1 for stop in trip] for trip in proposed.get(number, ())],
                    member.legs,
                    self._windows,
                    member.start_s,
                    member.end_s,
                    member.crewed.swap_s,
                )
                for number, member in enumerate(self._members)
            ]
            timed = self._put_back(timed, may)
            score = self._score(timed)
            if best is None or score < best[0]:
                best = (score, timed)
            if not any(route.left for route in timed):
                break
        return [] if best is None else best[1]

    def _score(self, timed: Sequence[TimedRoute]) -> tuple[float, ...]:
        """Returns what is to be least: jobs not done that must be, then cost and worth lost."""
        done = {self._nodes[n - 1].job for r in timed for t in r.trips for n in t.nodes}
        missed = [job for k, job in enumerate(self._jobs) if k not in done]
        spent = sum(t.returns_s - t.departs_s for r in timed for t in r.trips)
        metres = sum(t.metres for r in timed for t in r.trips)
        cost = self._order.second_cost * spent + self._order.metre_cost * metres
        lost = sum(job.worth_s for job in missed if job.worth_s is not None)
        must = sum(1 for job in missed if job.worth_s is None)
        return float(must), cost + self._order.second_cost * lost

    def _put_back(self, timed: list[TimedRoute], may: np.ndarray) -> list[TimedRoute]:
        """Puts nodes that fell out of a cut trip where they cost least, if anywhere."""
        left = [node for route in timed for node in route.left]
        timed = list(timed)
        for node in left:
            best: tuple[float, int, TimedRoute] | None = None
            for number, (route, member) in enumerate(zip(timed, self._members, strict=True)):
                if not may[number, node - 1]:
                    continue
                before_s = sum(t.returns_s - t.departs_s for t in route.trips)
                for trips in _insertions(route, node):
                    again = timed_route(
                        trips, member.legs, self._windows, member.start_s, member.end_s,
                        member.crewed.swap_s,
                    )  # fmt: skip
                    more_s = sum(t.returns_s - t.departs_s for t in again.trips) - before_s
                    if not again.left and (best is None or more_s < best[0]):
                        best = (more_s, number, replace(again, left=route.left))
            if best is not None:
                _, number, again = best
                timed[number] = again
                timed = [
                    replace(route, left=tuple(n for n in route.left if n != node))
                    for route in timed
                ]
        return timed

    def _proved(self, timed: Sequence[TimedRoute]) -> tuple[list[FleetRoute], bool]:
        """Returns routes of which every flight is proved, and whether none had to be left out."""
        flown: list[OwnFlight] = []
        routes, clean = [], True
        for number, (route, member) in enumerate(zip(timed, self._members, strict=True)):
            asset_id, ways = member.crewed.asset.asset_id, self._air.get(member.profile)
            ready_s = member.start_s
            trips = []
            for trip in route.trips:
                if ways is None:
                    trips.append(self._trip(trip, member, None, ()))
                    continue
                if trip.departs_s < ready_s:  # the one before it was put off
                    again = self._from(member, trip, ready_s)
                    if again is None:
                        self._judge.crowd(trip.nodes)
                        continue
                    trip = again
                # its own former flights are over by then
                others = [one for one in flown if one.plan.asset_id != asset_id]
                done = self._prove(number, member, ways, trip, others)
                if done is None:
                    clean = False
                    continue
                trip, made, findings = done
                trips.append(self._trip(trip, member, made, findings))
                flown.append(OwnFlight(made.plan, self._at(trip.departs_s)))
                ready_s = trip.returns_s + member.crewed.swap_s
            if trips:
                routes.append(FleetRoute(asset_id, member.crewed.user_id, tuple(trips)))
        return routes, clean

    def _from(self, member: Member, trip: TimedTrip, ready_s: float) -> TimedTrip | None:
        """Returns a trip that departs no sooner than an instant."""
        return timed_trip(trip.nodes, member.legs, self._windows, ready_s, member.end_s)

    def _prove(
        self,
        number: int,
        member: Member,
        ways: AirWays,
        trip: TimedTrip,
        others: Sequence[OwnFlight],
    ) -> tuple[TimedTrip, TripPlan, tuple[Finding, ...]] | None:
        """Returns a trip whose plan has no error, maybe put off to let another flight pass.

        Else `None`, and what may not be flown is noted.
        """
        for _ in range(_PUT_OFF_MOST):
            made = self._planned(member, ways, trip)
            findings = self._findings(member, made, trip.departs_s, others)
            errors = [one for one in findings if one.severity is Severity.ERROR]
            if not errors:
                return trip, made, findings
            waits = [
                one.change.seconds or 0.0
                for one in errors
                if one.change is not None and one.change.kind is ChangeKind.SET_DEPARTURE
            ]
            if len(waits) < len(errors):
                self._blame(number, member, ways, trip, made, errors[0])
                return None
            later = self._from(member, trip, trip.departs_s + max(waits))
            if later is None or max(waits) <= 0:
                break
            trip = later
        self._judge.crowd(trip.nodes)
        for node in trip.nodes:
            self._judge.forbid(member.profile, node, "")
        return None

    def _blame(
        self,
        number: int,
        member: Member,
        ways: AirWays,
        trip: TimedTrip,
        made: TripPlan,
        error: Finding,
    ) -> None:
        """Notes which nodes of a trip are why it may not be flown."""
        guilty: dict[int, Finding] = {}
        for node in trip.nodes:
            alone = self._judge.alone(number, node)
            if alone is None:
                continue
            own = self._planned(member, ways, alone)
            for finding in self._findings(member, own, alone.departs_s, ()):
                if finding.severity is Severity.ERROR:
                    guilty.setdefault(node, finding)
        if not guilty:  # only together: what the finding points at goes, else the last one
            known = error.item is not None and error.item < len(made.node_of)
            node = made.node_of[error.item or 0] if known else trip.nodes[-1]
            guilty = {node: error}
        for node, finding in guilty.items():
            self._judge.forbid(member.profile, node, f"{finding.message} [{finding.code}]")
            self._dropped.setdefault(self._jobs[self._nodes[node - 1].job].job_id, finding)

    def _planned(self, member: Member, ways: AirWays, trip: TimedTrip) -> TripPlan:
        asset = member.crewed.asset
        return trip_plan(trip, asset, ways, self._nodes, self._zones, self._order.rally)

    def _findings(
        self, member: Member, made: TripPlan, departs_s: float, flown: Sequence[OwnFlight]
    ) -> tuple[Finding, ...]:
        circumstances = Circumstances(
            departs_at=self._at(departs_s),
            permissions=self._order.permissions,
            weather=self._order.weather,
            others=tuple(flown),
            margin_m=self._order.margin_m,
        )
        asset = member.crewed.asset
        return check_plan(made.plan, asset, circumstances, terrain=self._order.terrain)

    def _trip(
        self,
        trip: TimedTrip,
        member: Member,
        made: TripPlan | None,
        findings: tuple[Finding, ...],
    ) -> FleetTrip:
        legs = member.legs
        stops, line, here = [], list[LatLon](), 0
        for number, node in enumerate(trip.nodes):
            one = self._nodes[node - 1]
            stops.append(
                FleetStop(
                    self._jobs[one.job].job_id,
                    self._at(trip.arrives_s[number]),
                    self._at(trip.begins_s[number]),
                    self._at(trip.leaves_s[number]),
                    one.backwards,
                )
            )
            line += [*legs.draw(here, node), *legs.trace(node)]
            here = node
        line += legs.draw(here, 0)
        thin = [place for k, place in enumerate(line) if k == 0 or place != line[k - 1]]
        share = None if legs.shares is None else trip.share
        return FleetTrip(
            self._at(trip.departs_s), self._at(trip.returns_s), tuple(stops), tuple(thin),
            trip.metres, share, None if made is None else made.plan, findings,
        )  # fmt: skip


def _insertions(route: TimedRoute, node: int) -> list[list[list[int]]]:
    """Returns a route's trips with one more node, at every place, or as a trip of its own."""
    trips = [list(trip.nodes) for trip in route.trips]
    found = []
    for k, trip in enumerate(trips):
        for place in range(len(trip) + 1):
            longer = [*trip[:place], node, *trip[place:]]
            found.append([*trips[:k], longer, *trips[k + 1 :]])
    for k in range(len(trips) + 1):
        found.append([*trips[:k], [node], *trips[k:]])
    return found
