"""Decides who goes to an event: by real travel time, energy, zones, leave and duty.

Pure: the same event and fleet give the same decision. Whoever is out of the question is told
first; the others are looked at in order of the least time that they could need, and only so far
as they could still be the quickest. A drone is chosen only with a plan that its check has passed.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from geo.ports import TerrainModel
from geo.zones import Zone
from missions.airspace import Airspace
from missions.circumstances import Circumstances
from missions.dispatching.flight import Refusal
from missions.dispatching.judge import Judge, TravelTimes, refused
from missions.dispatching.task import what_becomes
from missions.events import (
    Candidate,
    Decision,
    DispatchPolicy,
    Event,
    Reason,
    Responder,
)
from missions.model import AssetKind, RallyPoint
from missions.people import DutyPolicy, Person, available, on_duty

_LONGEST_S = 1_800.0
"""Ways keep clear of a zone that comes into force within this and the stay; the check of the plan
knows the hour at which each place is passed."""
_EQUAL_S = 0.1
"""Travel times that round to the same multiple of this are equal."""


def decide(
    event: Event,
    fleet: Sequence[Responder],
    fences: Sequence[Zone] = (),
    *,
    circumstances: Circumstances | None = None,
    roads: TravelTimes | None = None,
    rally: Sequence[RallyPoint] = (),
    policy: DispatchPolicy | None = None,
    terrain: TerrainModel | None = None,
    thorough: bool = False,
) -> Decision:
    """Returns who goes to an event, why, why not the others, and what becomes of what it leaves.

    Args:
        event: what has happened; the order is given at its instant.
        fleet: every asset with its state.
        fences: flight zones; those in force then limit drones.
        circumstances: permissions, weather, other flights and a margin, as for `check_plan`;
            the departure is the event's.
        roads: the ways by road to the event's place, as `RoadGraph.to` gives them, or `NoRoads`
            where it gives none; `None` takes straight distances, longer by a factor.
        rally: places that are kept for drones that must return and can't come home.
        policy: what the station has decided.
        terrain: joins heights above ground with each home.
        thorough: look at every asset to the end, also where it can't be the quickest.
    """
    policy = policy or DispatchPolicy()
    around = circumstances or Circumstances()
    until = event.at + timedelta(seconds=_LONGEST_S + event.stay_s)
    space = Airspace(fences, event.lat_deg, event.lon_deg, event.at, until, terrain)
    judge = Judge(event, space, around, policy, roads, rally, terrain)
    best: tuple[Responder, Candidate] | None = None
    others: list[tuple[Responder, Candidate]] = []
    waiting: list[tuple[float, str, Responder]] = []
    for responder in fleet:
        refusal = judge.refused_at_once(responder)
        if refusal is not None:
            others.append((responder, refused(responder, refusal)))
            continue
        least_s = judge.least_s(responder)
        waiting.append((least_s, responder.asset.asset_id, responder))
    waiting.sort(key=lambda row: (row[0] + _handicap_s(row[2], policy), row[1]))
    for least_s, _, responder in waiting:
        limit_s = math.inf
        if best is not None and not thorough:
            ahead_s = _handicap_s(best[0], policy) - _handicap_s(responder, policy)
            limit_s = (best[1].travel_s or 0.0) + ahead_s + _EQUAL_S
        if least_s > limit_s:
            late = Refusal(Reason.NOT_QUICKER, "", least_s)
            others.append((responder, refused(responder, late)))
            continue
        one = (responder, judge.look_at(responder, limit_s))
        if one[1].feasible and (best is None or _rank(*one, policy) < _rank(*best, policy)):
            others += [] if best is None else [best]
            best = one
        else:
            others.append(one)
    notes = _notes(fleet, around, roads)
    plan = None if best is None else best[1].plan
    if plan is not None and set(plan.rally) - set(rally):
        notes = (*notes, "rally points lie on its way where nobody has chosen them: look at them")
    return _told(event, best, others, policy, notes)


def with_crews(
    fleet: Sequence[Responder],
    people: Sequence[Person],
    at: datetime,
    duty: DutyPolicy | None = None,
) -> tuple[Responder, ...]:
    """Returns the fleet with who is crewed: by whoever has it in hand, else by somebody free.

    Args:
        fleet: assets, with who has them in hand.
        people: who may fly or drive what, and when they are on duty.
        at: the instant.
        duty: how many drones a pilot may have; one, if not given.
    """
    in_hand = [(r.in_hand_of, r.asset.kind) for r in fleet if r.in_hand_of is not None]
    there = {person.user_id for person in on_duty(people, at)}
    crewed = []
    for responder in fleet:
        if responder.in_hand_of is not None:
            fit = responder.in_hand_of in there
        else:
            fit = bool(available(people, responder.asset, at, in_hand, duty or DutyPolicy()))
        crewed.append(replace(responder, crewed=fit))
    return tuple(crewed)


def _handicap_s(responder: Responder, policy: DispatchPolicy) -> float:
    """Returns by how much an asset must be quicker because it would leave a task."""
    return 0.0 if responder.task is None else policy.leave_task_s


def _rank(
    responder: Responder, candidate: Candidate, policy: DispatchPolicy
) -> tuple[int, bool, int, str]:
    """Returns the order of preference; of equal times whoever leaves least, then by id."""
    seconds = (candidate.travel_s or 0.0) + _handicap_s(responder, policy)
    priority = 0 if responder.task is None else responder.task.priority
    steps = round(seconds / _EQUAL_S)
    return steps, responder.task is not None, priority, responder.asset.asset_id


def _told(
    event: Event,
    best: tuple[Responder, Candidate] | None,
    others: list[tuple[Responder, Candidate]],
    policy: DispatchPolicy,
    notes: tuple[str, ...],
) -> Decision:
    if best is not None:
        others = [(r, _beaten(r, c, *best)) for r, c in others]
    behind = tuple(
        sorted(
            (candidate for _, candidate in others),
            key=lambda c: (c.feasible is False, c.travel_s or 0.0, c.asset_id),
        )
    )
    if best is None:
        reasons = "; ".join(f"{c.asset_id} {c.why}" for c in behind)
        return Decision(event, None, behind, f"nobody can go: {reasons or 'no asset'}", None, notes)
    chosen = replace(best[1], reason=Reason.CHOSEN)
    out = {Reason.PASSIVE, Reason.GROUNDED, Reason.NO_CREW, Reason.WEATHER, Reason.PERMISSION}
    free = [r for r, c in others if c.reason not in out]
    left = what_becomes(event, best[0], chosen, free, policy)
    parts = [f"{chosen.asset_id} goes: {chosen.why}"]
    parts += [f"{left.task.name}: {left.why}"] if left is not None else []
    parts += [f"{c.asset_id} not: {c.why}" for c in behind]
    return Decision(event, chosen, (chosen, *behind), "; ".join(parts), left, notes)


def _beaten(
    responder: Responder, candidate: Candidate, winner: Responder, chosen: Candidate
) -> Candidate:
    """Says by how much an asset that could go is behind the chosen one."""
    mine, first = candidate.travel_s, chosen.travel_s
    if candidate.reason not in (Reason.NOT_QUICKER, Reason.SLOWER) or mine is None or first is None:
        return candidate
    if candidate.reason is Reason.NOT_QUICKER:
        why = f"would need at least {mine:.0f} s, {chosen.asset_id} is there in {first:.0f} s"
        return replace(candidate, why=why)
    if mine > first + _EQUAL_S:
        why = f"there in {mine:.0f} s, {mine - first:.0f} s after {chosen.asset_id}"
    elif responder.task is not None and winner.task is None:
        why = f"there in {mine:.0f} s, but would leave {responder.task.name} for it"
    else:
        why = f"there in {mine:.0f} s too; {chosen.asset_id} comes first in the order of names"
    return replace(candidate, why=why)


def _notes(
    fleet: Sequence[Responder], around: Circumstances, roads: TravelTimes | None
) -> tuple[str, ...]:
    """Says what nobody said, and what was taken instead."""
    tasked = [one for one in fleet if not one.asset.passive]
    drones = [one for one in tasked if one.asset.kind is AssetKind.DRONE]
    weather = around.weather
    notes = []
    if drones and (weather is None or weather.wind_m_s is None):
        notes.append("the wind is not known: reckoned without any")
    if drones and (weather is None or weather.temperature_c is None):
        notes.append("the temperature is not known: reckoned with 20 degrees")
    if drones and around.permissions is None:
        notes.append("no permissions were given: none was looked for")
    full = sorted(str(one.asset.asset_id) for one in drones if one.battery_fraction is None)
    if full:
        notes.append(f"battery not known, taken as full: {', '.join(full)}")
    crew = sorted(str(one.asset.asset_id) for one in tasked if one.crewed is None)
    if crew:
        notes.append(f"duty not known, taken as crewed: {', '.join(crew)}")
    if roads is None and any(one.asset.kind is AssetKind.VEHICLE for one in tasked):
        notes.append("no roads are loaded: drives are straight distances times a factor")
    return tuple(notes)
