"""What the verbs that plan a patrol answer: its sorties, their findings, what is left out."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from core.errors import SourceUnreadable
from core.ids import ZoneId
from geo.local_frame import distance_m
from geo.zones import Zone
from missions.endurance import Endurance
from missions.model import Asset, Finding, Pattern, Plan
from missions.planning.patrol_room import LeftOut
from missions.planning.planner import plan_path


def check_wish(
    pattern: Pattern, zone_ids: Sequence[ZoneId], watched: Sequence[Zone], where: str
) -> None:
    """Does nothing where a patrol has something to watch.

    Raises:
        SourceUnreadable: if a zone is named that is none, or nothing is watched at all.
    """
    unknown = set(zone_ids) - {zone.zone_id for zone in watched}
    if unknown:
        raise SourceUnreadable(
            f"zone_ids: no watch zone {sorted(unknown)[0]}", where=where, cure="see --zones"
        )
    if pattern in (Pattern.AREA, Pattern.PERIMETER) and not watched:
        raise SourceUnreadable(
            f"nothing is watched for the pattern {pattern}",
            where=where,
            cure="give an area, or watch zones with --zones",
        )


def row_of(
    plan: Plan, asset: Asset, endurance: Endurance, findings: Sequence[Finding]
) -> dict[str, Any]:
    """Returns one sortie of the answer: its path, what it takes, and its findings."""
    path = plan_path(plan)
    flown = [(plan.home.lat_deg, plan.home.lon_deg), *path]
    return {
        "asset": asset.asset_id,
        "items": len(plan.mission.items),
        "path": {"type": "LineString", "coordinates": [[lon, lat] for lat, lon in path]}
        if len(path) > 1
        else None,
        "heights_m": [
            item.position.altitude.metres for item in plan.mission.items if item.position
        ],
        "rally": [[p.position.lon_deg, p.position.lat_deg] for p in plan.rally],
        "length_m": sum(distance_m(*a, *b) for a, b in pairwise(flown)),
        "seconds": _finite(endurance.seconds),
        "energy_wh": _finite(endurance.energy_wh),
        "usable_wh": endurance.usable_wh,
        "reserve_wh": endurance.reserve_wh,
        "share": _finite(endurance.share),
        "fits": endurance.fits,
        "assumed": endurance.assumed,
        "findings": [
            {
                "severity": one.severity,
                "code": one.code,
                "message": one.message,
                "place": None
                if one.place is None
                else {"type": "Point", "coordinates": [one.place[1], one.place[0]]},
                "item": one.item,
                "cure": one.cure,
            }
            for one in findings
        ],
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def left_of(one: LeftOut) -> dict[str, Any]:
    """Returns what a plan does not do, with its place as GeoJSON."""
    place = {"type": "Point", "coordinates": [one.place[1], one.place[0]]}
    return {"what": one.what, "place": place, "reason": one.reason}


def lines_of(document: dict[str, Any]) -> list[str]:
    """Returns the answer as lines for a person."""
    lines = []
    for row in document["sorties"]:
        seconds = row["seconds"]
        took = "can't be flown in that wind" if seconds is None else f"{seconds / 60:.1f} min"
        lines.append(f"{row['asset']}: {row['items']} items, {row['length_m']:.0f} m, {took}")
        lines += [
            f"  {one['severity']:7}  {one['message']} [{one['code']}]" for one in row["findings"]
        ]
    lines += [f"left out: {one['what']}: {one['reason']}" for one in document["left_out"]]
    lines += [f"note: {note}" for note in document["notes"]]
    lines.append("safe" if document["safe"] else "not safe")
    return lines
