"""`qyran dispatch EVENT.json`: who goes to an event, why, and why not the others."""

from pathlib import Path
from typing import Annotated

import typer

from core.clock import SystemClock
from missions.dispatching.dispatch import decide
from missions.dispatching.judge import NoRoads, TravelTimes
from missions.events import Candidate, Decision, LeftTask
from missions.formats.plan_file import write_plan
from missions.model import Finding
from station.command import Run, verb
from station.dispatch_drawing import sheet_of_decision
from station.dispatch_file import DispatchCase, read_dispatch
from station.plan_drawing import Plot, check_plot, draw_sheet
from station.road_network import load_roads

_ALL_UP_TO = 12
"""In a fleet of up to so many every asset is looked at to the end."""


@verb
def run(
    call: Run,
    event_file: Annotated[
        Path, typer.Argument(metavar="EVENT", help="JSON: the event, the assets and their state.")
    ],
    zones: Annotated[
        Path | None, typer.Option(help="More flight zones: GeoJSON, GeoPackage or KML.")
    ] = None,
    roads: Annotated[
        Path | None, typer.Option(help="Roads of cars: from qyran roads import, or an extract.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Write the chosen drone's plan there, as .plan file.")
    ] = None,
    thorough: Annotated[
        bool, typer.Option("--all", help="Look at every asset to the end, however slow it is.")
    ] = False,
    plot: Plot = None,
) -> int:
    """Decide who goes to an event. Exit code 1 where nobody can."""
    check_plot(plot)
    case = read_dispatch(event_file, SystemClock().now(), zones)
    decision = decide(
        case.event,
        case.fleet,
        case.zones,
        circumstances=case.circumstances,
        roads=_ways(case, roads),
        rally=case.rally,
        policy=case.policy,
        thorough=thorough or len(case.fleet) <= _ALL_UP_TO,
    )
    chosen = decision.chosen
    if plan is not None and chosen is not None and chosen.plan is not None:
        plan.write_text(write_plan(chosen.plan), encoding="utf-8")
    if plot is not None:
        draw_sheet(plot, sheet_of_decision(case, decision))
    call.emit(_document(case, decision), _text(case, decision))
    return 0 if chosen is not None else 1


def _ways(case: DispatchCase, roads: Path | None) -> TravelTimes | None:
    if roads is None:
        return None
    return load_roads(roads).to(case.event.lat_deg, case.event.lon_deg) or NoRoads()


def _document(case: DispatchCase, decision: Decision) -> dict[str, object]:
    chosen, event = decision.chosen, decision.event
    return {
        "event": {
            "id": event.event_id,
            "kind": event.kind,
            "at": event.at,
            "place": {"type": "Point", "coordinates": [event.lon_deg, event.lat_deg]},
            "stay_s": event.stay_s,
            "priority": event.priority,
        },
        "chosen": None if chosen is None else chosen.asset_id,
        "travel_s": None if chosen is None else chosen.travel_s,
        "arrives_at": None if chosen is None else chosen.arrives_at,
        "away_s": None if chosen is None else chosen.away_s,
        "energy": None if chosen is None else _energy(chosen),
        "up_m": None if chosen is None else chosen.up_m,
        "route": None if chosen is None else _route(chosen),
        "first_item": None if chosen is None else chosen.first_item,
        "candidates": [_candidate(one) for one in decision.candidates],
        "left_patrol": None if decision.left_task is None else _left(decision.left_task),
        "explanation": decision.explanation,
        "notes": [*case.notes, *decision.notes],
        "not_understood": case.not_understood,
    }


def _candidate(one: Candidate) -> dict[str, object]:
    return {
        "asset": one.asset_id,
        "feasible": one.feasible,
        "travel_s": one.travel_s,
        "arrives_at": one.arrives_at,
        "reason_code": one.reason,
        "why": one.why,
        "energy": _energy(one),
        "findings": [_finding(finding) for finding in one.findings],
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {"severity": finding.severity, "code": finding.code, "message": finding.message}


def _energy(one: Candidate) -> dict[str, object] | None:
    need = one.energy
    if need is None:
        return None
    return {
        "unit": need.unit,
        "go": need.go,
        "stay": need.stay,
        "back": need.back,
        "total": need.total,
        "have": need.have,
    }


def _route(one: Candidate) -> dict[str, object] | None:
    places = [[lon, lat] for lat, lon in one.route]
    if len(places) < 2 or all(place == places[0] for place in places):
        return {"type": "Point", "coordinates": places[0]} if places else None
    return {"type": "LineString", "coordinates": places}


def _left(left: LeftTask) -> dict[str, object]:
    return {
        "patrol": left.task.patrol_id or left.task.name,
        "name": left.task.name,
        "outcome": left.outcome,
        "by": left.by,
        "resumes_at": left.resumes_at,
        "why": left.why,
    }


def _text(case: DispatchCase, decision: Decision) -> str:
    chosen = decision.chosen
    lines = ["nobody can go" if chosen is None else f"{chosen.asset_id} goes: {chosen.why}"]
    lines += [
        f"  {one.asset_id}: {one.why} [{one.reason}]"
        for one in decision.candidates
        if one is not chosen
    ]
    if decision.left_task is not None:
        lines.append(f"  left: {decision.left_task.task.name}, {decision.left_task.why}")
    lines += [f"  note: {note}" for note in (*case.notes, *decision.notes)]
    return "\n".join(lines)
