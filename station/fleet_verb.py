"""`qyran plan fleet`: one optimiser for drones and cars; an entry of `station.verbs.plan`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from missions.fleets.planning import plan_fleet
from station.command import Run, verb
from station.fleet_answer import answer, lines
from station.fleet_drawing import sheet_of_fleet
from station.plan_drawing import Plot, check_plot, draw_sheet
from station.plan_fleet import read_fleet
from station.road_network import ROADS_FILE
from station.wiring import fleet_optimiser


@verb
def fleet(
    call: Run,
    problem: Annotated[Path, typer.Argument(help="JSON; its fields are in docs/guides/fleet.md.")],
    iterations: Annotated[
        int | None, typer.Option(min=1, help="How long to try; the same gives the same plan.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Try so long instead; the plan then varies.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the search.")] = None,
    plot: Plot = None,
) -> int:
    """Plan a shift of drones and cars; exit code 1 if there are jobs and none can be done."""
    check_plot(plot)
    case = read_fleet(problem, call.settings.home / ROADS_FILE)
    effort = case.effort
    if iterations is not None:
        effort = replace(effort, iterations=iterations)
    if seed is not None:
        effort = replace(effort, seed=seed)
    case = replace(case, effort=replace(effort, seconds=seconds))
    with call.progress("planning the shift"):
        plan = plan_fleet(case.order, fleet_optimiser().solve, case.effort)
    document = answer(case, plan)
    if plot is not None:
        draw_sheet(plot, sheet_of_fleet(case.order, plan, f"Shift of {problem.name}"))
    call.emit(document, lines(case, plan, document))
    return 1 if document["jobs"] and not plan.routes else 0
