"""Is it the same thing? Association by position error, kind, class and time; and fusion.

An incident keeps a place x with covariance S. For an observation (z, C): V = S + C and
m = (z - x)' V^-1 (z - x). It is a candidate where m < 9.21 (chi-square, 99 %); the best has
the least m + ln det V. A distance or a grid alone never decides.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from geo.local_frame import LocalFrame
from geo.positions import Covariance, GroundPoint
from incidents.model import (
    Incident,
    IncidentKind,
    Observation,
    Origin,
    Violation,
)

GATE = 9.21
REACH_M = 60.0
"""Candidates are at most this far away, whatever their errors."""

SAME_BODY_M = 1.5
"""Two tracks seen at once so near each other are one thing tracked twice."""

_FLOOR_M2 = 0.25
"""No fused place is better than 0.5 m on an axis: the things themselves have a size."""

_PASS_GAP = timedelta(minutes=10)

WINDOWS: dict[IncidentKind, timedelta] = {
    IncidentKind.VEHICLE_STOPPED: timedelta(hours=12),
    IncidentKind.WASTE_HEAP: timedelta(days=21),
}
"""How long after it was last seen a thing may still be the same."""

_CLASSES: tuple[frozenset[str], ...] = (
    frozenset({"car", "van", "vehicle"}),
    frozenset({"van", "minibus", "truck", "vehicle"}),
    frozenset({"bus", "minibus", "truck", "vehicle"}),
    frozenset({"motorcycle", "vehicle"}),
    frozenset({"tractor", "truck", "trailer", "vehicle"}),
)


@dataclass(frozen=True, slots=True)
class Match:
    """The incident that a violation belongs to, and why."""

    incident: Incident
    distance_m: float
    mahalanobis2: float
    cost: float
    because: str


def best_match(violation: Violation, candidates: Sequence[Incident]) -> Match | None:
    """Returns the incident that the violation is another view of, or `None`."""
    matches = [m for c in candidates if (m := _match(violation, c)) is not None]
    return min(matches, key=lambda m: (m.cost, m.incident.incident_id), default=None)


def _match(violation: Violation, incident: Incident) -> Match | None:
    seen = violation.observation
    if incident.kind is not violation.kind or not _in_time(seen, incident):
        return None
    others = [o for o in incident.observations if o.observation_id != seen.observation_id]
    if others and not any(compatible(seen.label, o.label) for o in others):
        return None
    if seen.plate and any(o.plate and o.plate != seen.plate for o in others):
        return None
    if any(_two_things(seen, o) for o in others):
        return None
    east, north = offset_m(seen.point, incident.point)
    if max(abs(east), abs(north)) > REACH_M:
        return None
    v = seen.point.covariance + incident.point.covariance
    m = v.mahalanobis2(east, north)
    if not m < GATE:
        return None
    determinant = v.ee_m2 * v.nn_m2 - v.en_m2**2
    distance_m = math.hypot(east, north)
    return Match(
        incident,
        distance_m,
        m,
        m + math.log(max(determinant, 1e-12)),
        f"{distance_m:.1f} m apart, same kind, {_later(seen, incident)}",
    )


def offset_m(of: GroundPoint, origin: GroundPoint) -> tuple[float, float]:
    """Returns how far east and north a point is of another."""
    return LocalFrame(origin.lat_deg, origin.lon_deg).to_en1_m(of.lat_deg, of.lon_deg)


def compatible(label: str, other: str) -> bool:
    """Returns whether one thing may well be called by both labels."""
    if label == other:
        return True
    known = any(label in c for c in _CLASSES) and any(other in c for c in _CLASSES)
    return not known or any(label in c and other in c for c in _CLASSES)


def _in_time(seen: Observation, incident: Incident) -> bool:
    window = WINDOWS[incident.kind]
    first = min(o.first_seen_at for o in incident.observations) if incident.observations else None
    begun: datetime = min(incident.opened_at, first) if first else incident.opened_at
    return (
        seen.first_seen_at <= incident.last_seen_at + window and seen.last_seen_at >= begun - window
    )


def _two_things(a: Observation, b: Observation) -> bool:
    """Returns whether two observations show two things because one camera saw both at once."""
    same_camera = (
        a.source.origin is Origin.OWN
        and b.source.origin is Origin.OWN
        and a.source.camera_id == b.source.camera_id
        and a.source.sortie_id == b.source.sortie_id
    )
    at_once = a.first_seen_at <= b.last_seen_at and b.first_seen_at <= a.last_seen_at
    return same_camera and at_once and math.hypot(*offset_m(a.point, b.point)) > SAME_BODY_M


def _later(seen: Observation, incident: Incident) -> str:
    gap = seen.first_seen_at - incident.last_seen_at
    if gap < timedelta(0):
        earlier = incident.opened_at - seen.last_seen_at
        return f"{_span(earlier)} earlier" if earlier > timedelta(0) else "at the same time"
    return f"{_span(gap)} later"


def _span(gap: timedelta) -> str:
    """Returns a duration in its largest unit, for a person."""
    seconds = gap.total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def fuse(incident: Incident, observation: Observation) -> Incident:
    """Returns the incident with this observation added, or put in its older version's place.

    Evidence that the older version had and the newer has not is kept. The place and the
    confidence are made anew from all observations. Version, state and timeline are the
    caller's.
    """
    older = {o.observation_id: o for o in incident.observations}
    known = older.get(observation.observation_id)
    if known is not None:
        media = {e.digest: e for e in (*known.evidence, *observation.evidence)}
        observation = replace(observation, evidence=tuple(media.values()))
    older[observation.observation_id] = observation
    observations = tuple(sorted(older.values(), key=lambda o: (o.first_seen_at, o.observation_id)))
    return refreshed(incident, observations)


def refreshed(incident: Incident, observations: tuple[Observation, ...]) -> Incident:
    """Returns the incident with these observations and what follows from them."""
    return replace(
        incident,
        observations=observations,
        point=fused_point(observations),
        last_seen_at=max(o.last_seen_at for o in observations),
        confidence=max(o.confidence for o in observations),
    )


def fused_point(observations: Collection[Observation]) -> GroundPoint:
    """Returns the place that all observations agree on, with its covariance.

    Passes of other sorties, assets or cameras err independently and are fused as a Kalman
    filter does. Within one pass the errors are the same ones, so the best view stands for all
    of them and nothing shrinks.

    Raises:
        ValueError: if there are none.
    """
    if not observations:
        raise ValueError("there is nothing to fuse")
    views = [
        min(group, key=lambda o: (o.point.radius_m, o.observation_id)).point
        for group in _passes(observations)
    ]
    place = views[0]
    for view in views[1:]:
        place = _updated(place, view)
    c = place.covariance
    floor = Covariance(max(c.ee_m2, _FLOOR_M2), max(c.nn_m2, _FLOOR_M2), c.en_m2)
    return replace(place, covariance=floor)


def _passes(observations: Collection[Observation]) -> list[list[Observation]]:
    """Returns the observations grouped by what shares its errors, in order of time."""
    passes: defaultdict[tuple[str, ...], list[list[Observation]]] = defaultdict(list)
    for o in sorted(observations, key=lambda o: (o.first_seen_at, o.observation_id)):
        source = o.source
        own = source.origin is Origin.OWN
        if own and source.sortie_id is not None:
            groups = passes["sortie", source.asset_id or "", source.sortie_id]
        else:
            groups = passes[source.origin, source.asset_id or "", source.camera_id]
        # without a sortie, a long silence ends a pass; a fixed camera is wrong for ever
        new_pass = (
            own
            and source.sortie_id is None
            and groups
            and (o.first_seen_at - max(x.last_seen_at for x in groups[-1]) > _PASS_GAP)
        )
        if not groups or new_pass:
            groups.append([])
        groups[-1].append(o)
    return [group for groups in passes.values() for group in groups]


def _updated(place: GroundPoint, seen: GroundPoint) -> GroundPoint:
    """Returns a Kalman update of a place by an independent view of it."""
    s, c = place.covariance, seen.covariance
    v = s + c
    determinant = v.ee_m2 * v.nn_m2 - v.en_m2**2
    if determinant <= 0:
        return place
    inverse = (v.nn_m2 / determinant, v.ee_m2 / determinant, -v.en_m2 / determinant)
    k11 = s.ee_m2 * inverse[0] + s.en_m2 * inverse[2]
    k12 = s.ee_m2 * inverse[2] + s.en_m2 * inverse[1]
    k21 = s.en_m2 * inverse[0] + s.nn_m2 * inverse[2]
    k22 = s.en_m2 * inverse[2] + s.nn_m2 * inverse[1]
    frame = LocalFrame(place.lat_deg, place.lon_deg)
    east, north = frame.to_en1_m(seen.lat_deg, seen.lon_deg)
    lat, lon = frame.to_geo1_deg(k11 * east + k12 * north, k21 * east + k22 * north)
    covariance = Covariance(
        s.ee_m2 - k11 * s.ee_m2 - k12 * s.en_m2,
        s.nn_m2 - k21 * s.en_m2 - k22 * s.nn_m2,
        s.en_m2 - k11 * s.en_m2 - k12 * s.nn_m2,
    )
    return GroundPoint(lat, lon, covariance, place.altitude or seen.altitude)
