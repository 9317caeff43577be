"""What the time windows of zones come to: nothing any more, or nobody can say."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.instants import moved
from core.recurrence import Recurrence
from geo.flight_room import limits_flight
from geo.zones import Zone, ZoneKind
from missions.model import Finding, Severity
from missions.proving.finding_list import FindingList

_EARLY = timedelta(minutes=1)
"""A flight may begin a little before it is said to."""
_AHEAD = timedelta(days=3_653)
"""Ten years: what comes later than that is of no use to whoever drew the zone."""
_NAMED = 3


def check_windows(zones: Sequence[Zone], departs_at: datetime | None, found: FindingList) -> None:
    """Tells of flight zones whose windows are all over, or that wait for a start to be judged by.

    A zone that is merely closed at that hour is told nothing of: that is what windows are for.

    Args:
        zones: all that are given, the plan's own among them.
        departs_at: when the flight starts.
        found: takes the findings.
    """
    timed = [zone for zone in zones if zone.windows and limits_flight(zone)]
    if departs_at is None:
        if timed:
            message = "zones have time windows; they count as in force always"
            found.warning("departure_unknown", message, cure="say when the flight starts")
        return
    if found.brief:
        return  # no change of a plan makes a window begin again
    known: dict[tuple[Recurrence, ...], bool] = {}
    for zone in timed:
        if zone.windows not in known:
            known[zone.windows] = _over(zone.windows, departs_at)
    over = [zone for zone in timed if known[zone.windows]]
    for kind, comes_to in ((ZoneKind.EXCLUSION, "limits"), (ZoneKind.INCLUSION, "permits")):
        told = [zone for zone in over if zone.kind is kind]
        if told:
            names = ", ".join(zone.name or str(zone.zone_id) for zone in told[:_NAMED])
            more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
            found.take([_not_in_force(told[0], f"{names}{more}", comes_to)])


def _not_in_force(zone: Zone, names: str, comes_to: str) -> Finding:
    point = zone.area.representative_point()
    return Finding(
        Severity.WARNING,
        "zone_not_in_force",
        f"{names}: no time window of it is left within ten years of the start, so it {comes_to}"
        " nothing",
        (point.y, point.x),
        cure="give it windows that are still to come, or retire it",
        about=str(zone.zone_id),
    )


def _over(windows: Sequence[Recurrence], departs_at: datetime) -> bool:
    start, end = moved(departs_at, -_EARLY), moved(departs_at, _AHEAD)
    return all(next(window.spans(start, end), None) is None for window in windows)
