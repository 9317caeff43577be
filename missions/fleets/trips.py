"""When an asset is where: exact times of a route, cut into trips that its battery carries."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from missions.fleets.travel import Legs

MOST_SHARE = 0.97
"""Of what a battery may spend (its reserve is not part of that); the rest is for rounding."""


@dataclass(frozen=True, slots=True)
class Window:
    """When a node's job begins, in seconds from the shift's start, and how long it stays."""

    earliest_s: float
    latest_s: float
    stay_s: float


@dataclass(frozen=True, slots=True)
class TimedTrip:
    """One trip with its times, in seconds from the shift's start."""

    nodes: tuple[int, ...]
    departs_s: float
    arrives_s: tuple[float, ...]
    begins_s: tuple[float, ...]
    leaves_s: tuple[float, ...]
    returns_s: float
    share: float
    """Of what a battery may spend; 0 where none limits it."""
    metres: float


@dataclass(frozen=True, slots=True)
class TimedRoute:
    """The trips of one asset, and what found no room in them."""

    trips: tuple[TimedTrip, ...]
    left: tuple[int, ...]


def timed_route(
    trips: Sequence[Sequence[int]],
    legs: Legs,
    windows: Sequence[Window],
    start_s: float,
    end_s: float,
    swap_s: float,
) -> TimedRoute:
    """Returns when each node is served.

    A trip that a battery doesn't carry, or that would hover for longer than it takes to fly home
    and back, is ended earlier and goes on after a swap. A node that then comes too late is left
    out.

    Args:
        trips: nodes in turn, as the optimiser proposes them.
        legs: of this asset.
        windows: of each node; that of home is not used.
        start_s: from when on the asset may be out.
        end_s: when it must be home.
        swap_s: between two trips.
    """
    done: list[TimedTrip] = []
    left: list[int] = []
    ready_s = start_s
    for proposed in trips:
        here: TimedTrip | None = None
        for node in proposed:
            nodes = (node,) if here is None else (*here.nodes, node)
            longer = timed_trip(nodes, legs, windows, ready_s, end_s)
            if here is not None and (longer is None or _better_at_home(longer, legs, swap_s)):
                again = timed_trip((node,), legs, windows, here.returns_s + swap_s, end_s)
                if again is not None:
                    done.append(here)
                    ready_s = here.returns_s + swap_s
                    longer = again
            if longer is None:
                left.append(node)
            else:
                here = longer
        if here is not None:
            done.append(here)
            ready_s = here.returns_s + swap_s
    return TimedRoute(tuple(done), tuple(left))


def _better_at_home(trip: TimedTrip, legs: Legs, swap_s: float) -> bool:
    """Returns whether a drone could fly home and back while it hovers before its last node."""
    if legs.shares is None or len(trip.nodes) < 2:
        return False
    before, last = trip.nodes[-2], trip.nodes[-1]
    waits_s = trip.begins_s[-1] - trip.arrives_s[-1]
    return waits_s > float(legs.seconds[before, 0]) + swap_s + float(legs.seconds[0, last])


def timed_trip(
    nodes: Sequence[int],
    legs: Legs,
    windows: Sequence[Window],
    ready_s: float,
    end_s: float,
) -> TimedTrip | None:
    """Returns the times of a trip, or `None` where a window, the battery or the shift forbids it.

    It departs as late as it can without coming home later, since waiting on the ground is free.
    """
    trip = _run(nodes, legs, windows, ready_s)
    if trip is None or trip.returns_s > end_s:
        return None
    # backwards from the last begin: how late each could begin without delaying the next
    late = trip.begins_s[-1]
    for k in range(len(nodes) - 2, -1, -1):
        node, after = nodes[k], nodes[k + 1]
        window = windows[node]
        takes = window.stay_s + legs.within_s[node] + float(legs.seconds[node, after])
        late = min(window.latest_s, late - takes)
    depart = late - float(legs.seconds[0, nodes[0]])
    if depart > ready_s + 1e-9:
        trip = _run(nodes, legs, windows, depart) or trip
    return trip if trip.share <= MOST_SHARE else None


def _run(
    nodes: Sequence[int], legs: Legs, windows: Sequence[Window], depart_s: float
) -> TimedTrip | None:
    arrives, begins, leaves = [], [], []
    now, here = depart_s, 0
    metres = share = 0.0
    for node in (*nodes, 0):
        now += float(legs.seconds[here, node])
        if not math.isfinite(now):
            return None
        metres += float(legs.metres[here, node])
        if legs.shares is not None:
            share += float(legs.shares[here, node])
        if node == 0:
            break
        window = windows[node]
        begin = max(now, window.earliest_s)
        if begin > window.latest_s + 1e-6:
            return None
        arrives.append(now)
        begins.append(begin)
        share += legs.hover_share_s * (begin - now + window.stay_s)
        metres += float(legs.within_m[node])
        if legs.within_shares is not None:
            share += float(legs.within_shares[node])
        now = begin + window.stay_s + float(legs.within_s[node])
        leaves.append(now)
        here = node
    return TimedTrip(
        tuple(nodes),
        float(depart_s),
        tuple(arrives),
        tuple(begins),
        tuple(leaves),
        now,
        float(share),
        metres,
    )
