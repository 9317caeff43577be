"""Who could do a job at all, and why a job is not done."""

from collections.abc import Sequence

import numpy as np

from missions.fleet import Job, Unserved, UnservedReason
from missions.fleets.problem import Member
from missions.fleets.travel import Node
from missions.fleets.trips import MOST_SHARE, TimedTrip, Window, timed_trip
from missions.model import Asset

_R = UnservedReason


class Judge:
    """Knows for each asset and node whether it could be served by a trip of its own."""

    def __init__(
        self,
        assets: Sequence[Asset],
        members: Sequence[Member],
        jobs: Sequence[Job],
        nodes: Sequence[Node],
        windows: Sequence[Window],
    ) -> None:
        """Takes what a shift has."""
        self._assets, self._members, self._jobs = assets, members, jobs
        self._nodes, self._windows = nodes, windows
        self._forbidden: dict[tuple[int, int], str] = {}
        self._crowded: set[int] = set()
        self._why: dict[tuple[int, int], tuple[UnservedReason, str] | None] = {}
        self._trips: dict[tuple[int, int], TimedTrip] = {}
        for m in range(len(members)):
            for node in range(1, len(nodes) + 1):
                self._why[m, node] = self._obstacle(m, node)

    def forbid(self, profile: int, node: int, detail: str) -> None:
        """Notes that a flight there has an error, for all assets of the same ways."""
        self._forbidden.setdefault((profile, node), detail)

    def crowd(self, nodes: Sequence[int]) -> None:
        """Notes that a flight to nodes came too near other flights of ours, however late."""
        self._crowded.update(nodes)

    def alone(self, member: int, node: int) -> TimedTrip | None:
        """Returns the trip of a member to one node only, `None` where there is none."""
        return self._trips.get((member, node))

    def may(self) -> np.ndarray:
        """Returns member by node: whether it may serve it."""
        may = np.zeros((len(self._members), len(self._nodes)), dtype=bool)
        for m, member in enumerate(self._members):
            for node in range(1, len(self._nodes) + 1):
                forbidden = (member.profile, node) in self._forbidden
                may[m, node - 1] = self._why[m, node] is None and not forbidden
        return may

    def _obstacle(self, m: int, node: int) -> tuple[UnservedReason, str] | None:
        member, window = self._members[m], self._windows[node]
        legs, job = member.legs, self._jobs[self._nodes[node - 1].job]
        if not fits(member.crewed.asset, job):
            return _R.NO_ASSET, ""
        if node in legs.closed:
            return _R.UNREACHABLE, legs.closed[node]
        trip = timed_trip((node,), legs, self._windows, member.start_s, member.end_s)
        if trip is not None:
            self._trips[m, node] = trip
            return None
        if legs.shares is not None and legs.within_shares is not None:
            share = float(legs.shares[0, node] + legs.shares[node, 0] + legs.within_shares[node])
            share += legs.hover_share_s * window.stay_s
            if share > MOST_SHARE:
                return _R.NO_ENERGY, f"there and back takes {100 * share:.0f} % of a battery"
        soonest = member.start_s + float(legs.seconds[0, node])
        if soonest > window.latest_s:
            late = soonest - window.latest_s
            return _R.WINDOW_IMPOSSIBLE, f"the soonest arrival is {late:.0f} s too late"
        return _R.WINDOW_IMPOSSIBLE, "its asset would not be home by the end of the shift"

    def reason(self, job_number: int) -> Unserved:
        """Returns why a job is not done."""
        job = self._jobs[job_number]
        if not any(fits(asset, job) for asset in self._assets):
            return Unserved(job.job_id, _R.NO_ASSET, "no asset of ours may do it")
        able = [m for m, one in enumerate(self._members) if fits(one.crewed.asset, job)]
        if not able:
            return Unserved(job.job_id, _R.NO_CREW, "nobody qualified for such an asset is on duty")
        nodes = [k for k, node in enumerate(self._nodes, start=1) if node.job == job_number]
        tries = [(m, node) for m in able for node in nodes]
        obstacles = [why for one in tries if (why := self._why[one]) is not None]
        open_ = [one for one in tries if self._why[one] is None]
        allowed = [(m, n) for m, n in open_ if (self._members[m].profile, n) not in self._forbidden]
        if not open_:
            # the reason that comes nearest to doing it
            nearness = (_R.WINDOW_IMPOSSIBLE, _R.NO_ENERGY, _R.UNREACHABLE)
            nearest, detail = min(obstacles, key=lambda one: nearness.index(one[0]))
            return Unserved(job.job_id, nearest, detail)
        if self._crowded.intersection(nodes):
            detail = "every departure that keeps its window comes too near another flight of ours"
            return Unserved(job.job_id, _R.CONFLICT, detail)
        if not allowed:
            m, node = open_[0]
            detail = self._forbidden[self._members[m].profile, node]
            return Unserved(job.job_id, _R.NOT_PERMITTED, detail)
        trips = [self._trips[one] for one in allowed]
        alone_s = min(trip.returns_s - trip.departs_s for trip in trips)
        if job.worth_s is not None and alone_s > job.worth_s:
            detail = f"alone it takes {alone_s:.0f} s, it is worth {job.worth_s:.0f} s"
            return Unserved(job.job_id, _R.NOT_WORTH_IT, detail)
        return Unserved(job.job_id, _R.NO_TIME, "all who could do it are busy with other jobs")


def fits(asset: Asset, job: Job) -> bool:
    """Returns whether an asset may do a job, whoever is on duty."""
    named = not job.asset_ids or asset.asset_id in job.asset_ids
    sees = asset.camera is not None or not job.needs_camera
    return not asset.passive and named and asset.kind in job.kinds and sees
