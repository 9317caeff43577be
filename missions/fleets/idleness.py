"""How long watched places stay unseen: gaps between looks, and what that asks of a shift.

Idleness of a place at an instant is the time since it was last seen. Over a stretch of time two
numbers tell how well it is watched: the worst, and the mean over time (both as in the
literature on patrolling).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from geo.local_frame import LocalFrame
from missions.fleet import PassiveTrack, RevisitTarget

MOST_VISITS = 24
"""Asked of one target in one shift."""
_PERIOD, _WIDTH = 2 / 3, 1 / 3
"""Of the revisit time: how far the ends of windows are apart, and how long each window is. Then
the earliest look in one window and the latest in the next are one revisit time apart."""
_MOST_URGENT = 3.0


@dataclass(frozen=True, slots=True)
class Idleness:
    """How long a target stays unseen over a stretch of time."""

    target_id: str
    worst_s: float
    mean_s: float
    met: bool
    """Whether it is never unseen for longer than its revisit time, from its first look on where
    it was overdue from the start."""
    looks: int
    """In that stretch."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Idleness of all targets together."""

    worst_s: float
    mean_s: float
    """Weighted by the targets' weights."""
    met: int
    """Targets that are kept."""
    targets: int


@dataclass(frozen=True, slots=True)
class Visit:
    """A look that a target asks for."""

    target_id: str
    number: int
    """From 0, in order of time."""
    earliest: datetime
    latest: datetime
    worth_s: float
    """How much time it is worth."""


def idleness(
    target: RevisitTarget, looks: Iterable[datetime], start: datetime, end: datetime
) -> Idleness:
    """Returns how long a target stays unseen in [start, end].

    A target that was never seen counts as last seen one revisit time before the start.

    Args:
        target: with when it was last seen.
        looks: instants at which it is seen besides; those outside count too.
        start: begin of the stretch.
        end: its end, after the start.
    """
    seen = sorted(at for at in looks if at <= end)
    before = [at for at in seen if at <= start]
    last = max([_last_seen(target, start), *before])
    inside = [at for at in seen if at > start]
    worst = integral = 0.0
    met = True
    here = start
    for at in [*inside, end]:
        low, high = (here - last).total_seconds(), (at - last).total_seconds()
        integral += (high**2 - low**2) / 2
        worst = max(worst, high)
        overdue = low >= target.revisit_s and here == start
        met = met and (high <= target.revisit_s + 1e-6 or (overdue and at != end))
        last = here = at
    mean = integral / (end - start).total_seconds()
    return Idleness(target.target_id, worst, mean, met, len(inside))


def summary(targets: Sequence[RevisitTarget], parts: Sequence[Idleness]) -> Summary | None:
    """Returns the idleness of all targets together, `None` where there are none."""
    if not parts:
        return None
    weights = {target.target_id: target.weight for target in targets}
    total = math.fsum(weights[part.target_id] for part in parts)
    mean = math.fsum(weights[part.target_id] * part.mean_s for part in parts)
    return Summary(
        max(part.worst_s for part in parts),
        mean / total if total > 0 else math.fsum(p.mean_s for p in parts) / len(parts),
        sum(part.met for part in parts),
        len(parts),
    )


def visits(
    target: RevisitTarget, looks: Iterable[datetime], start: datetime, end: datetime
) -> tuple[Visit, ...]:
    """Returns the looks that keep a target in [start, end], each with its window.

    One look anywhere in each window keeps the target. The first ends when it is due, or soon
    after the start where it is overdue then, and is worth more the longer it is overdue.
    """
    revisit = target.revisit_s
    last = max([_last_seen(target, start), *(at for at in looks if at <= start)])
    idle_s = (start - last).total_seconds()
    due_s = revisit - idle_s  # from the start on
    worth = target.weight * revisit
    urgency = 1.0
    if due_s <= 0:
        urgency = min(_MOST_URGENT, max(1.0, idle_s / revisit))
        due_s = revisit * _WIDTH
    length_s = (end - start).total_seconds()
    found: list[Visit] = []
    while due_s <= length_s and len(found) < MOST_VISITS:
        early_s = max(0.0, due_s - revisit * _WIDTH)
        found.append(
            Visit(
                target.target_id,
                len(found),
                start + timedelta(seconds=early_s),
                start + timedelta(seconds=due_s),
                worth * (urgency if not found else 1.0),
            )
        )
        due_s += revisit * _PERIOD
    return tuple(found)


def looks_of(
    places: Sequence[tuple[float, float]], tracks: Iterable[PassiveTrack]
) -> tuple[datetime, ...]:
    """Returns when others saw all of a target's places, each pass once.

    A pass is a stretch of a track within its `sees_m`. A line is seen once every one of its
    corners has been: it counts from when the last of them was.
    """
    found: list[datetime] = []
    for track in tracks:
        passes = [_passes(place, track) for place in places]
        if not all(passes):
            continue
        # the oldest of each corner's newest pass: since then all of it has been seen
        for at in sorted({at for one in passes for at in one}):
            newest = [max((p for p in one if p <= at), default=None) for one in passes]
            known = [p for p in newest if p is not None]
            if len(known) == len(passes):
                found.append(min(known))
    return tuple(sorted(set(found)))


def _passes(place: tuple[float, float], track: PassiveTrack) -> list[datetime]:
    """Returns the instant of each pass at which a track is nearest to a place."""
    if not track.fixes or track.sees_m <= 0:
        return []
    frame = LocalFrame(*place)
    lat, lon = (np.array([getattr(fix, name) for fix in track.fixes]) for name in _LATLON)
    times = np.array([(fix.at - track.fixes[0].at).total_seconds() for fix in track.fixes])
    east, north = frame.to_en_m(lat, lon)
    if len(times) == 1:
        return [track.fixes[0].at] if math.hypot(east[0], north[0]) <= track.sees_m else []
    found: list[datetime] = []
    left_s, best = -math.inf, (math.inf, 0.0)
    for k in range(len(times) - 1):
        piece = _near_piece((east[k], north[k]), (east[k + 1], north[k + 1]), track.sees_m)
        if piece is None:
            continue
        enters, leaves, nearest, away = piece
        whole_s = times[k + 1] - times[k]
        if times[k] + enters * whole_s > left_s + 1e-6 and math.isfinite(best[0]):
            found.append(track.fixes[0].at + timedelta(seconds=best[1]))  # the one before ended
            best = (math.inf, 0.0)
        best = min(best, (away, float(times[k] + nearest * whole_s)))
        left_s = times[k] + leaves * whole_s
    if math.isfinite(best[0]):
        found.append(track.fixes[0].at + timedelta(seconds=best[1]))
    return found


def _near_piece(
    a: tuple[float, float], b: tuple[float, float], within_m: float
) -> tuple[float, float, float, float] | None:
    """Returns where a straight piece comes within a distance of the origin, `None` if never.

    Returns:
        Fractions of the piece at which it enters, leaves and is nearest; how near that is.
    """
    de, dn = b[0] - a[0], b[1] - a[1]
    square = de**2 + dn**2
    if square < 1e-12:
        away = math.hypot(*a)
        return (0.0, 1.0, 0.0, away) if away <= within_m else None
    middle = -(a[0] * de + a[1] * dn) / square
    off2 = (a[0] + middle * de) ** 2 + (a[1] + middle * dn) ** 2
    if off2 > within_m**2:
        return None
    half = math.sqrt((within_m**2 - off2) / square)
    enters, leaves = max(0.0, middle - half), min(1.0, middle + half)
    if enters > leaves:
        return None
    nearest = min(1.0, max(0.0, middle))
    return enters, leaves, nearest, math.hypot(a[0] + nearest * de, a[1] + nearest * dn)


_LATLON = ("lat_deg", "lon_deg")


def _last_seen(target: RevisitTarget, start: datetime) -> datetime:
    never = start - timedelta(seconds=target.revisit_s)
    return never if target.last_seen_at is None else target.last_seen_at
