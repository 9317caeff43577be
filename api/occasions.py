"""What of an incident goes to whoever is sent there: place, direction of travel, plate, picture."""

from datetime import timedelta

from geo.local_frame import bearing_deg, distance_m
from incidents.model import EvidenceRole, Incident, Observation
from missions.handoffs.model import Occasion

_APART = timedelta(seconds=1)
_PRIORITY, _STAY_S = 50, 300.0


def occasion_of(incident: Incident, *, priority: int = _PRIORITY, words: str = "") -> Occasion:
    """Returns what is handed off of an incident; one incident is one event."""
    seen = sorted(incident.observations, key=lambda one: one.last_seen_at)
    newest = seen[-1] if seen else None
    kept = [*incident.evidence]
    for one in reversed(seen):
        kept += one.evidence
    pictures = [piece.digest for piece in kept if piece.role is EvidenceRole.PICTURE]
    plates = [one.plate for one in reversed(seen) if one.plate]
    return Occasion(
        event_id=f"incident-{incident.incident_id}",
        kind=str(incident.kind),
        point=incident.point if newest is None else newest.point,
        at=incident.last_seen_at,
        priority=priority,
        stay_s=_STAY_S,
        heading_deg=heading_deg(seen),
        speed_m_s=None if newest is None else newest.speed_m_s,
        plate=plates[0] if plates else "",
        picture=pictures[0] if pictures else None,
        incident_id=incident.incident_id,
        words=words or incident.because,
    )


def heading_deg(seen: list[Observation]) -> float | None:
    """Returns the direction of travel by where it was seen one after the other.

    `None` where it was seen once, or moved by less than its place is known to.
    """
    if len(seen) < 2:
        return None
    last = seen[-1]
    for before in reversed(seen[:-1]):
        a, b = before.point, last.point
        moved_m = distance_m(a.lat_deg, a.lon_deg, b.lat_deg, b.lon_deg)
        if last.last_seen_at - before.last_seen_at < _APART:
            continue
        if moved_m > a.radius_m + b.radius_m:
            return bearing_deg(a.lat_deg, a.lon_deg, b.lat_deg, b.lon_deg)
    return None
