"""The demo's score: incidents against the simulator's truth.

An incident is right where a true violation of its kind lies within `GATE_M` of its place;
pairs are one to one, chosen to make the sum of distances least. Two incidents of one thing
are therefore one right and one wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from geo.local_frame import LocalFrame
from incidents.model import Incident, IncidentKind
from sim.world import PlacedThing

GATE_M = 15.0
"""About the spacing of the truth's own things; further off is another thing."""

_FAR = 1e6


@dataclass(frozen=True, slots=True)
class Score:
    """How well a pass did."""

    precision: float
    """Right incidents among all; 1 where there is none."""
    recall: float
    """True violations that have an incident; 1 where there is none."""
    errors_m: tuple[float, ...]
    """Distance of each right incident from the truth."""

    def error_quantile_m(self, share: float) -> float | None:
        """Returns a quantile of the errors in metres, `None` where nothing is right."""
        return float(np.quantile(self.errors_m, share)) if self.errors_m else None


def _kind(thing: PlacedThing) -> IncidentKind:
    return IncidentKind.WASTE_HEAP if thing.kind == "waste" else IncidentKind.VEHICLE_STOPPED


def score(incidents: Sequence[Incident], truth: Sequence[PlacedThing], frame: LocalFrame) -> Score:
    """Returns the score of incidents against what truly broke a rule.

    Args:
        incidents: all that the pass opened.
        truth: the violating things, east and north of `frame`.
        frame: the district's local frame.
    """
    if not incidents or not truth:
        return Score(0.0 if incidents else 1.0, 0.0 if truth else 1.0, ())
    cost = np.full((len(incidents), len(truth)), _FAR)
    for row, incident in enumerate(incidents):
        east, north = frame.to_en1_m(incident.point.lat_deg, incident.point.lon_deg)
        for column, thing in enumerate(truth):
            away = float(np.hypot(east - thing.east_m, north - thing.north_m))
            if _kind(thing) is incident.kind and away <= GATE_M:
                cost[row, column] = away
    rows, columns = linear_sum_assignment(cost)
    errors = [float(cost[r, c]) for r, c in zip(rows, columns, strict=True) if cost[r, c] < _FAR]
    return Score(len(errors) / len(incidents), len(errors) / len(truth), tuple(errors))


def cleared_thing(
    incident: Incident, standing: Sequence[PlacedThing], frame: LocalFrame
) -> str | None:
    """Returns the id of the thing that an incident is about, `None` where none is near."""
    east, north = frame.to_en1_m(incident.point.lat_deg, incident.point.lon_deg)
    near = [
        (float(np.hypot(east - thing.east_m, north - thing.north_m)), thing.thing_id)
        for thing in standing
        if not thing.moving and _kind(thing) is incident.kind
    ]
    distance_m, thing_id = min(near, default=(_FAR, ""))
    return thing_id if distance_m <= GATE_M else None
