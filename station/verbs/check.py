"""`qyran check PLAN`: proves a plan file, tells what is wrong, and mends what can be mended."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from core.clock import SystemClock
from geo.positions import Altitude, Datum
from geo.zones import Purpose
from missions.circumstances import Circumstances
from missions.formats.plan_file import write_plan
from missions.model import Asset, Change, Finding, Plan, Severity
from missions.proving.checks import ASSUMED, as_warnings, check_plan, default_asset, is_safe
from missions.proving.cures import Fixed, fix_plan
from missions.proving.departure import chosen_start
from missions.proving.finding_list import placed
from station.check_inputs import (
    check_number,
    for_asset,
    read_other,
    read_permissions,
    read_plan_file,
    read_start,
    read_weather,
)
from station.check_zones import read_zones
from station.command import Run, verb
from station.plan_drawing import Plot, check_plot, draw_plan
from station.wiring import read_terrain


@verb
def run(
    call: Run,
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="A QGroundControl .plan file.")],
    zones: Annotated[
        list[Path] | None, typer.Option(help="More flight zones: GeoJSON, GeoPackage or KML.")
    ] = None,
    asset: Annotated[
        str | None,
        typer.Option(help="Whose limits hold: a JSON file, or an id from the data folder."),
    ] = None,
    permission: Annotated[
        list[Path] | None, typer.Option(help="Airspace permissions: GeoJSON.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="When it starts, ISO 8601.")] = None,
    weather: Annotated[Path | None, typer.Option(help="Weather: JSON.")] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="OTHER.plan[@START]", help="Another sortie of ours."),
    ] = None,
    terrain: Annotated[
        Path | None, typer.Option(help="Height of the ground: .asc in degrees, or .hgt.")
    ] = None,
    margin_m: Annotated[
        float,
        typer.Option(help="Kept from borders beyond the acceptance radius, 0 to 100000 m."),
    ] = 0.0,
    return_m: Annotated[
        float | None,
        typer.Option(help="Height of a return above home, 0 to 100000 m; the file has none."),
    ] = None,
    endurance_s: Annotated[
        float | None,
        typer.Option(help="Time under way where no asset is given, 1 to 1e8 s."),
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Apply cures until none is left.")] = False,
    out: Annotated[Path | None, typer.Option(help="Where to write the mended plan.")] = None,
    plot: Plot = None,
) -> int:
    """Check a plan file. Exit code 1 where a finding is an error."""
    check_plot(plot)
    check_number(margin_m, "--margin-m", 0.0, 1e5, "m")
    check_number(return_m, "--return-m", 0.0, 1e5, "m")
    check_number(endurance_s, "--endurance-s", 1.0, 1e8, "s")
    loaded, told = read_plan_file(plan_file)
    plan, whole = loaded.plan, is_safe(told)
    fences, about_zones = read_zones(zones or (), plan)
    flight = tuple(zone for zone in fences if Purpose.FLIGHT in zone.purposes)
    told = (*told, *about_zones)
    if return_m is not None:
        plan = replace(plan, return_altitude=Altitude(return_m, Datum.HOME))
    start, about_start = chosen_start(read_start(at), loaded.departs_at, SystemClock().now())
    told = (*told, *about_start)
    others = [read_other(text, start) for text in with_ or ()]
    circumstances = Circumstances(
        departs_at=start,
        permissions=read_permissions(permission, plan),
        weather=None if weather is None else read_weather(weather, start),
        others=tuple(flight for flight, _ in others),
        margin_m=margin_m,
        zones=flight,
    )
    ground = None if terrain is None else read_terrain(terrain)
    vehicle, more = _vehicle(call, plan, asset, endurance_s)
    more = (*more, *(finding for _, about in others for finding in about))
    plan = for_asset(plan, vehicle)
    lowered = ASSUMED if asset is None and endurance_s is None else frozenset()
    fixed = None
    if fix or out is not None:
        able = replace(vehicle, endurance_s=1e9) if lowered else vehicle
        fixed = fix_plan(plan, able, circumstances, terrain=ground)
        plan, circumstances = fixed.plan, fixed.circumstances
        # a plan that was not understood must not come back as one that looks whole
        if out is not None and whole:
            # zones given beside the file stay beside it: it could not carry their heights
            text = write_plan(plan, circumstances.departs_at)
            out.write_text(text, encoding="utf-8")
        elif out is not None:
            told = (*told, _not_written(out))
    found = check_plan(plan, vehicle, circumstances, terrain=ground)
    findings = _sorted((*placed(told, loaded.plan), *more, *as_warnings(found, lowered)))
    safe = is_safe(findings)
    if plot is not None:
        drawn = replace(plan, fences=(*plan.fences, *flight))
        draw_plan(plot, drawn, zones=fences, findings=findings, title=f"Check of {plan_file.name}")
    document = {
        "file": plan_file,
        "safe": safe,
        "items": len(plan.mission.items),
        "fences": len(plan.fences) + len(flight),
        "asset": vehicle.asset_id,
        "findings": [_document(finding) for finding in findings],
    }
    if fixed is not None:
        document["fixed"] = _fixed(fixed, out if whole else None)
    lines = [f"mended  {words}" for words in (fixed.words if fixed else ())]
    lines += [_line(finding) for finding in findings]
    lines.append(f"{plan_file}: {'safe' if safe else 'not safe'}, {len(findings)} findings")
    call.emit(document, "\n".join(lines))
    return 0 if safe else 1


def _vehicle(
    call: Run, plan: Plan, named: str | None, endurance_s: float | None
) -> tuple[Asset, tuple[Finding, ...]]:
    if named is not None:
        # settings, validators and the data folder are seconds of imports, which few checks need
        from station.given_asset import read_given_asset

        given = read_given_asset(named, plan, call.settings)
        return given.asset, given.findings
    assumed = default_asset(plan, endurance_s or 1_500.0)
    message = (
        "no asset is given; a PX4 quadcopter is assumed: acceptance radius"
        f" {assumed.acceptance_radius_m:g} m, {assumed.endurance_s / 60:.0f} min of flight"
    )
    finding = Finding(Severity.WARNING, "asset_unknown", message, cure="give --asset ASSET.json")
    return assumed, (finding,)


def _not_written(out: Path) -> Finding:
    message = (
        f"{out} is not written: the file holds steps that are not understood, and a mended plan"
        " without them would look whole"
    )
    cure = "plan those steps with take-off, waypoints, loiter, return and land, then mend it"
    return Finding(Severity.WARNING, "mended_not_written", message, cure=cure)


def _sorted(findings: tuple[Finding, ...]) -> list[Finding]:
    weight = list(Severity)
    return sorted(
        findings, key=lambda f: (weight.index(f.severity), -1 if f.item is None else f.item)
    )


def _point(place: tuple[float, float] | None) -> dict[str, object] | None:
    """Returns a place as GeoJSON: longitude first."""
    return None if place is None else {"type": "Point", "coordinates": [place[1], place[0]]}


def _document(finding: Finding) -> dict[str, object]:
    return {
        "severity": finding.severity,
        "code": finding.code,
        "message": finding.message,
        "place": _point(finding.place),
        "item": finding.item,
        "cure": finding.cure,
        "change": None if finding.change is None else _change(finding.change),
        "about": finding.about or None,
        "autopilot_event": finding.autopilot_event or None,
    }


def _change(change: Change) -> dict[str, object]:
    return {
        "kind": change.kind,
        "item": change.item,
        "place": _point(change.place),
        "metres": change.metres,
        "seconds": change.seconds,
    }


def _fixed(fixed: Fixed, out: Path | None) -> dict[str, object]:
    both = zip(fixed.changes, fixed.words, strict=True)
    return {
        "changes": [{**_change(change), "words": words} for change, words in both],
        "departs_at": fixed.circumstances.departs_at,
        "return_m": None
        if fixed.plan.return_altitude is None
        else fixed.plan.return_altitude.metres,
        "out": out,
    }


def _line(finding: Finding) -> str:
    item = "" if finding.item is None else f"item {finding.item}: "
    cure = f"; {finding.cure}" if finding.cure else ""
    event = f" ({finding.autopilot_event})" if finding.autopilot_event else ""
    return f"{finding.severity:7}  {item}{finding.message}{event}{cure} [{finding.code}]"
