"""What becomes of the task that an asset leaves for an event."""

from collections.abc import Sequence
from datetime import timedelta

from geo.local_frame import distance_m
from missions.events import (
    Activity,
    Candidate,
    DispatchPolicy,
    Event,
    LeftTask,
    Responder,
    Task,
    TaskOutcome,
)
from missions.model import AssetKind

_WITHOUT_SWAP_S = 0.0
_USUAL_SWAP_S = 300.0
"""To a fresh battery, where an asset's energy is not known."""


def what_becomes(
    event: Event,
    leaver: Responder,
    chosen: Candidate,
    others: Sequence[Responder],
    policy: DispatchPolicy,
) -> LeftTask | None:
    """Returns who goes on with the task that the chosen asset leaves, and when.

    The same asset straight after, if its battery carries that too; else the same with a fresh
    battery or another that is free, whoever is there first, so long as the task is of use then;
    else it is dropped.

    Args:
        event: for which it is left.
        leaver: who leaves it, with the task.
        chosen: how it answers the event.
        others: assets that may be tasked.
        policy: how long a task may wait for its own asset.
    """
    task = leaver.task
    if task is None or chosen.travel_s is None or chosen.away_s is None:
        return None
    stayed_s = chosen.travel_s + event.stay_s
    resume_at = task.resume_at or leaver.place
    to_it_s = _least_s(leaver, (event.lat_deg, event.lon_deg), resume_at)
    at_once_s = stayed_s + to_it_s
    if _in_time(event, task, at_once_s) and _carries(leaver, chosen, task, to_it_s):
        why = f"it goes on with it after {at_once_s:.0f} s, its battery is enough for both"
        return _left(event, task, TaskOutcome.RESUMED, why, leaver, at_once_s)
    energy = leaver.asset.energy
    swap_s = _USUAL_SWAP_S if energy is None else energy.swap_s
    home = (leaver.asset.home.lat_deg, leaver.asset.home.lon_deg)
    if leaver.asset.kind is AssetKind.VEHICLE:
        swap_s = _WITHOUT_SWAP_S
    later_s = chosen.away_s + swap_s + _least_s(leaver, home, resume_at)
    other = _quickest_other(event, task, leaver, others, resume_at)
    own_in_time = _in_time(event, task, later_s) and later_s <= policy.resume_within_s
    if other is not None and not (own_in_time and later_s <= other[0]):
        seconds, responder = other
        name = responder.asset.asset_id
        why = f"{name} is free and takes it over after {seconds:.0f} s"
        return _left(event, task, TaskOutcome.REASSIGNED, why, responder, seconds)
    if own_in_time:
        why = f"it comes home first and goes on with it after {later_s:.0f} s"
        return _left(event, task, TaskOutcome.RESUMED_LATER, why, leaver, later_s)
    limit = "too late to be of use" if not _in_time(event, task, later_s) else "longer than allowed"
    why = f"dropped: {leaver.asset.asset_id} could go on after {later_s:.0f} s, {limit}, and"
    return LeftTask(task, TaskOutcome.DROPPED, f"{why} no other asset is free for it")


def _left(
    event: Event, task: Task, outcome: TaskOutcome, why: str, by: Responder, after_s: float
) -> LeftTask:
    resumes_at = event.at + timedelta(seconds=after_s)
    return LeftTask(task, outcome, why, by.asset.asset_id, resumes_at)


def _in_time(event: Event, task: Task, after_s: float) -> bool:
    return task.until is None or event.at + timedelta(seconds=after_s + task.left_s) <= task.until


def _least_s(responder: Responder, a: tuple[float, float], b: tuple[float, float]) -> float:
    return distance_m(*a, *b) / responder.asset.cruise_m_s


def _carries(leaver: Responder, chosen: Candidate, task: Task, to_it_s: float) -> bool:
    """Returns whether the battery is enough for the event, the rest of the task, and home.

    What a second of the task takes is taken from the way to the event and back.
    """
    if leaver.asset.kind is AssetKind.VEHICLE:
        return True
    need = chosen.energy
    if need is None or chosen.travel_s is None or chosen.away_s is None:
        return False
    if need.unit == "s":
        return need.total + to_it_s + task.left_s <= need.have
    away_s = max(1.0, chosen.away_s)
    return need.total * (1.0 + (to_it_s + task.left_s) / away_s) <= need.have


def _quickest_other(
    event: Event,
    task: Task,
    leaver: Responder,
    others: Sequence[Responder],
    resume_at: tuple[float, float],
) -> tuple[float, Responder] | None:
    """Returns the free asset of the same kind that is there first and lasts, and its time."""
    able = []
    for one in others:
        free = one.activity in (Activity.IDLE, Activity.CHARGING) and one.task is None
        same = one.asset.kind is leaver.asset.kind and leaver.cameras <= one.cameras
        if not free or not same or one.crewed is False or one.asset.passive:
            continue
        to_s = one.ready_in_s + _least_s(one, one.place, resume_at)
        lasts_s = one.asset.endurance_s * (
            1.0 if one.battery_fraction is None else one.battery_fraction
        )
        enough = 2 * (to_s - one.ready_in_s) + task.left_s <= lasts_s
        if one.asset.asset_id != leaver.asset.asset_id and enough and _in_time(event, task, to_s):
            able.append((to_s, one.asset.asset_id, one))
    best = min(able, key=lambda row: row[:2], default=None)
    return None if best is None else (best[0], best[2])
