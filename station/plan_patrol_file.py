"""`qyran plan patrol`: a patrol's pattern as a proven plan; an entry of `station.verbs.plan`."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from core.clock import SystemClock
from core.errors import SourceUnreadable, UsageError
from geo.flight_room import limits_flight
from geo.zones import Purpose
from missions.circumstances import Circumstances
from missions.endurance import endurance_of
from missions.formats.plan_file import save_plan
from missions.model import Pattern, Severity
from missions.planning.planner import plan_with_reasons, seen_fraction, wanted_zones
from missions.planning.splitting import split_patrol
from missions.proving.checks import check_plan
from missions.weather import Weather
from station.asset_file import read_assets
from station.command import Run, verb
from station.given_zones import read_given_zones
from station.patrol_answer import check_wish, left_of, lines_of, row_of
from station.patrol_file import read_patrol
from station.wiring import read_terrain


@verb
def patrol(
    call: Run,
    patrol_file: Annotated[
        Path, typer.Argument(metavar="PATROL", help="JSON: pattern, height, what to see.")
    ],
    asset: Annotated[Path, typer.Option(help="JSON: who flies; a list with --split.")],
    zones: Annotated[
        Path | None, typer.Option(help="Flight and watch zones: GeoJSON, GeoPackage or KML.")
    ] = None,
    terrain: Annotated[
        Path | None, typer.Option(help="Ground: a tile (.hgt, .tif, .asc) or a folder of tiles.")
    ] = None,
    split: Annotated[
        bool, typer.Option("--split", help="Over as many sorties as it takes.")
    ] = False,
    wind_m_s: Annotated[float | None, typer.Option(min=0, help="Mean wind, m/s.")] = None,
    wind_from_deg: Annotated[
        float | None, typer.Option(help="Where it comes from, clockwise from north.")
    ] = None,
    temperature_c: Annotated[float | None, typer.Option(help="Of the air.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write it as a .plan; of several NAME-1.plan and so on.")
    ] = None,
) -> int:
    """Plan a patrol and prove it. Exit code 1 where nothing can be flown or a finding is an error.

    The way never leaves what ZONES permit. What can't be reached is under `left_out`.
    """
    assets = read_assets(asset)
    if not assets or (len(assets) > 1 and not split):
        raise SourceUnreadable(
            f"holds {len(assets)} assets", where=str(asset), cure="give one, or --split"
        )
    wish, own = read_patrol(patrol_file, assets[0].asset_id)
    notes: list[str] = []
    known = () if zones is None else read_given_zones(zones, notes)
    fences = [zone for zone in known if limits_flight(zone)]
    watched = [*own, *(zone for zone in known if Purpose.WATCH in zone.purposes)]
    if own and wish.zone_ids:
        wish = replace(wish, zone_ids=(*wish.zone_ids, *(zone.zone_id for zone in own)))
    check_wish(wish.pattern, wish.zone_ids, watched, str(patrol_file))
    if wind_from_deg is not None and not math.isfinite(wind_from_deg):
        raise UsageError(
            "--wind-from-deg is no direction", cure="give degrees from north, 0 to 360"
        )
    weather = None
    if wind_m_s is not None or temperature_c is not None:
        now = SystemClock().now()
        weather = Weather(now, wind_m_s, wind_from_deg, temperature_c=temperature_c)
    ground = None if terrain is None else read_terrain(terrain)
    around = Circumstances(weather=weather)
    extra: dict[str, Any] = {}
    if split:
        found = split_patrol(wish, watched, fences, assets, weather=weather, terrain=ground)
        by_id = {one.asset_id: one for one in assets}
        parts = [
            (s.plan, by_id[s.asset_id], s.endurance, {"starts_s": s.starts_s})
            for s in found.sorties
        ]
        left_out, extra["seconds"] = found.left_out, found.seconds
    else:
        made = plan_with_reasons(wish, watched, fences, assets[0], terrain=ground)
        parts = [(made.plan, assets[0], endurance_of(made.plan, assets[0], weather), {})]
        left_out = made.left_out
        extra |= {
            "height_above_ground_m": made.height_above_ground_m,
            "resolution_m_per_px": made.resolution_m_per_px,
        }
    rows, safe = [], bool(parts)
    for number, (plan, who, endurance, more) in enumerate(parts, start=1):
        findings = check_plan(plan, who, around, terrain=ground)
        safe = safe and all(one.severity is not Severity.ERROR for one in findings)
        rows.append({**row_of(plan, who, endurance, findings), **more})
        if out is not None and plan.mission.items:
            path = out.with_name(f"{out.stem}-{number}{out.suffix}") if split else out
            path.write_text(save_plan(plan)[0], encoding="utf-8")
            rows[-1]["file"] = path
    areas = wanted_zones(wish, watched) if wish.pattern is Pattern.AREA else []
    if areas and not split:
        extra["seen_fraction"] = seen_fraction(parts[0][0], assets[0], areas, terrain=ground)
    document = {
        "patrol": patrol_file,
        "pattern": wish.pattern,
        "safe": safe,
        **extra,
        "sorties": rows,
        "left_out": [left_of(one) for one in left_out],
        "notes": notes,
    }
    call.emit(document, "\n".join(lines_of(document)))
    return 0 if safe else 1
