"""A routing problem as an optimiser takes it: whole numbers and tables, no places.

Locations are numbered: first the depots, then the stops in their order. Times are seconds from
the shift's start, rounded so that what is feasible here is feasible in truth.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
UNREACHABLE = -1
"""In a table: no way leads there, or this kind of vehicle may not go."""


@dataclass(frozen=True, slots=True)
class RoutingStop:
    """A place to be visited once."""

    duration_s: int
    earliest_s: int = 0
    """The visit begins in [earliest_s, latest_s]."""
    latest_s: int = 2**40
    prize: int | None = None
    """In units of cost; `None` means that it must be visited."""
    group: int | None = None
    """At most one stop of a group is visited (a line from either end)."""
    weight: int = 0
    """Of a trip's capacity."""


@dataclass(frozen=True, slots=True)
class RoutingVehicle:
    """Somebody who visits stops, from a depot and back."""

    profile: int
    depot: int
    earliest_s: int
    latest_s: int
    """Back at the depot by then."""
    capacity: int | None = None
    """Of one trip; `None` has no limit and makes a single trip."""
    swap_s: int = 0
    """At the depot between two trips."""
    second_cost: int = 1
    metre_cost: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class RoutingProfile:
    """How one kind of vehicle gets about."""

    seconds: Ints
    """Row from, column to."""
    metres: Ints


@dataclass(frozen=True, slots=True)
class RoutingProblem:
    """Everything that an optimiser needs."""

    depots: int
    stops: tuple[RoutingStop, ...]
    vehicles: tuple[RoutingVehicle, ...]
    profiles: tuple[RoutingProfile, ...]


@dataclass(frozen=True, slots=True)
class Effort:
    """How long an optimiser may try; by iterations the result depends on nothing else."""

    iterations: int = 1_000
    seconds: float | None = None
    """Instead of iterations; the result then depends on the machine."""
    seed: int = 1


@dataclass(frozen=True, slots=True)
class RoutingRoute:
    """What one vehicle visits, trip by trip; stops by their number."""

    vehicle: int
    trips: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class RoutingSolution:
    """Routes for the vehicles that go out."""

    routes: tuple[RoutingRoute, ...]
    feasible: bool
    """Whether it keeps every window and capacity and visits whatever must be visited."""
    cost: float
    """Of driving; without the prizes left behind."""
    iterations: int
