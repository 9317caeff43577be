"""`qyran exits CASE.json`: a zone appears in flight; the proven way out of each aircraft."""

from pathlib import Path
from typing import Annotated

import typer

from core.clock import SystemClock
from missions.dispatching.exits import WayOut, later, ways_out
from station.command import Run, verb
from station.exits_file import ExitsCase, read_exits


@verb
def run(
    call: Run,
    case_file: Annotated[
        Path, typer.Argument(metavar="CASE", help="JSON: what appeared, and who is in the air.")
    ],
    zones: Annotated[
        Path | None, typer.Option(help="More flight zones: GeoJSON, GeoPackage or KML.")
    ] = None,
) -> int:
    """Give each aircraft that a new zone affects its proven way out.

    Exit code 1 where one of them has none that can be proven.
    """
    case = read_exits(case_file, SystemClock().now(), zones)
    outs = ways_out(
        case.flights,
        case.fences,
        case.appeared,
        case.at,
        rally=case.rally,
        margin_m=case.margin_m,
        weather=case.weather,
    )
    call.emit(_document(case, outs), _text(case, outs))
    return 0 if all(out.proven for out in outs) else 1


def _document(case: ExitsCase, outs: tuple[WayOut, ...]) -> dict[str, object]:
    by_id = {out.asset_id: out for out in outs}
    rows: list[dict[str, object]] = []
    for flight in case.flights:
        asset_id = flight.asset.asset_id
        out = by_id.get(asset_id)
        if out is None:
            rows.append(_unaffected(asset_id, "its way keeps clear of what appeared"))
        else:
            here = [flight.lon_deg, flight.lat_deg, flight.up_m]
            rows.append(_affected(out, here))
    rows += [_unaffected(asset_id, why) for asset_id, why in case.grounded]
    return {
        "at": case.at,
        "appeared": [zone.name or zone.zone_id for zone in case.appeared],
        "affected": len(outs),
        "proven": all(out.proven for out in outs),
        "assets": rows,
        "notes": _notes(case),
        "not_understood": case.not_understood,
    }


def _affected(out: WayOut, here: list[float]) -> dict[str, object]:
    spots = [here, *([move.lon_deg, move.lat_deg, move.up_m] for move in out.moves)]
    return {
        "asset": out.asset_id,
        "affected": True,
        "proven": out.proven,
        "end": out.ending,
        "why": out.why,
        "inside": out.left,
        "inside_s": out.inside_s,
        "seconds": sum(move.seconds for move in out.moves),
        "path": {"type": "LineString", "coordinates": spots},
        "moves": [
            {
                "kind": move.kind,
                "place": {"type": "Point", "coordinates": [move.lon_deg, move.lat_deg]},
                "up_m": move.up_m,
                "seconds": move.seconds,
            }
            for move in out.moves
        ],
        "exit_move": out.exit_move,
    }


def _unaffected(asset_id: str, why: str) -> dict[str, object]:
    return {"asset": asset_id, "affected": False, "why": why}


def _notes(case: ExitsCase) -> list[str]:
    notes = [
        f"{zone.name or zone.zone_id} is not in force within half an hour: it closes nothing"
        for zone in case.appeared
        if not zone.in_force(case.at, later(case.at))
    ]
    notes += case.notes
    if case.weather is None:
        notes.append("no weather was given: times and energy are those of still air")
    full = [f.asset.asset_id for f in case.flights if f.battery_fraction is None]
    if full:
        notes.append(f"battery not known, energy is not looked at: {', '.join(full)}")
    return notes


def _text(case: ExitsCase, outs: tuple[WayOut, ...]) -> str:
    lines = [f"{out.asset_id}: {out.why}" + ("" if out.proven else " [not proven]") for out in outs]
    hit = {out.asset_id for out in outs}
    away = [f.asset.asset_id for f in case.flights if f.asset.asset_id not in hit]
    if away:
        lines.append(f"not affected: {', '.join(away)}")
    lines += [f"not affected: {asset_id}, {why}" for asset_id, why in case.grounded]
    lines += [f"  note: {note}" for note in _notes(case)]
    return "\n".join(lines)
