"""`qyran plan rest`: what a sortie has left to see; an entry of `station.verbs.plan`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import SourceUnreadable
from geo.area_documents import area_to_document
from geo.flight_room import limits_flight
from geo.zones import Purpose
from missions.circumstances import Circumstances
from missions.endurance import endurance_of
from missions.formats.plan_file import save_plan
from missions.model import Asset, AssetKind, Pattern, Severity
from missions.planning.resumption import OVERLAP_M, Rest, plan_rest, unseen_m2
from missions.planning.seen_ground import FARTHEST_M
from missions.planning.survey_report import Picture
from missions.proving.checks import check_plan
from station.asset_file import read_assets
from station.command import Run, verb
from station.given_zones import read_given_zones
from station.patrol_answer import check_wish, left_of, lines_of, row_of
from station.patrol_file import read_patrol
from station.survey_file import read_pictures, timed
from station.wiring import read_terrain


@verb
def rest(
    call: Run,
    patrol_file: Annotated[
        Path, typer.Argument(metavar="PATROL", help="JSON: what the sortie was to see.")
    ],
    poses: Annotated[
        Path, typer.Option(help="Poses of the pictures that were taken, as for qyran survey.")
    ],
    asset: Annotated[Path, typer.Option(help="JSON: who flies the rest, with the camera.")],
    zones: Annotated[
        Path | None, typer.Option(help="Flight and watch zones: GeoJSON, GeoPackage or KML.")
    ] = None,
    terrain: Annotated[
        Path | None, typer.Option(help="Ground: a tile (.hgt, .tif, .asc) or a folder of tiles.")
    ] = None,
    overlap_m: Annotated[
        float, typer.Option(min=0, max=1_000, help="What was seen is seen again this far, m.")
    ] = OVERLAP_M,
    farthest_m: Annotated[
        float, typer.Option(min=1.0, help="Ground farther away does not count as seen, m.")
    ] = FARTHEST_M,
    out: Annotated[Path | None, typer.Option(help="Write the plan of the rest as a .plan.")] = None,
) -> int:
    """Plan what an interrupted sortie has not seen, and prove it.

    What was seen is told by the footprints of its pictures, whatever waypoint it had reached.
    Exit code 0 where nothing is left or the rest is safe, 1 where it is not.
    """
    who = _asset(asset)
    wish, own = read_patrol(patrol_file, who.asset_id)
    notes: list[str] = []
    known = () if zones is None else read_given_zones(zones, notes)
    watched = [*own, *(zone for zone in known if Purpose.WATCH in zone.purposes)]
    if own and wish.zone_ids:
        wish = replace(wish, zone_ids=(*wish.zone_ids, *(zone.zone_id for zone in own)))
    check_wish(wish.pattern, wish.zone_ids, watched, str(patrol_file))
    pictures = read_pictures(poses)
    if wish.pattern is Pattern.PLACES and wish.stay_s > 0:
        _check_times(pictures, poses)
    ground = None if terrain is None else read_terrain(terrain)
    found = plan_rest(
        wish,
        watched,
        [zone for zone in known if limits_flight(zone)],
        who,
        [picture.pose for picture in pictures],
        terrain=ground,
        overlap_m=overlap_m,
        farthest_m=farthest_m,
    )
    rows: list[dict[str, Any]] = []
    safe = True
    if found.plan is not None:
        plan = found.plan.plan
        findings = check_plan(plan, who, Circumstances(), terrain=ground)
        safe = all(one.severity is not Severity.ERROR for one in findings)
        rows.append(row_of(plan, who, endurance_of(plan, who), findings))
        if out is not None and plan.mission.items:
            out.write_text(save_plan(plan)[0], encoding="utf-8")
            rows[0]["file"] = out
    document = {
        "patrol": patrol_file,
        "pattern": wish.pattern,
        "pictures": len(pictures),
        "seen_fraction": found.seen_fraction,
        "unseen": None if found.unseen is None else area_to_document(found.unseen),
        "unseen_m2": unseen_m2(found),
        "unseen_places": [[lon, lat] for lat, lon in found.places],
        "done": found.plan is None,
        "safe": safe,
        "sorties": rows,
        "left_out": [] if found.plan is None else [left_of(one) for one in found.plan.left_out],
        "notes": notes,
    }
    call.emit(
        document, "\n".join([_seen(found), *([] if found.plan is None else lines_of(document))])
    )
    return 0 if safe else 1


def _asset(path: Path) -> Asset:
    assets = read_assets(path)
    if len(assets) != 1:
        raise SourceUnreadable(
            f"holds {len(assets)} assets", where=str(path), cure="give the one that flies the rest"
        )
    (one,) = assets
    if one.kind is not AssetKind.DRONE:
        raise SourceUnreadable(
            "the rest of a drive is not told by footprints",
            where=str(path),
            cure="give a drone; let a car drive its route again",
        )
    if one.camera is None:
        raise SourceUnreadable(
            "the asset has no camera, so what its pictures show is not known",
            where=str(path),
            cure="give the asset its camera: id, width_px, height_px, hfov_deg, pitch_deg",
        )
    return one


def _check_times(pictures: tuple[Picture, ...], path: Path) -> None:
    if not timed(pictures):
        raise SourceUnreadable(
            "has pictures without `at`, so how long a place was looked at is not known",
            where=str(path),
            cure="give every picture its `at`, or the patrol a stay_s of 0",
        )


def _seen(found: Rest) -> str:
    if found.plan is None:
        return f"{found.seen_fraction:.1%} seen, nothing is left"
    if found.places:
        return f"{found.seen_fraction:.1%} seen, {len(found.places)} places are left"
    return f"{found.seen_fraction:.1%} seen, {unseen_m2(found):.0f} m2 are left"
