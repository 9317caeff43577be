"""What is on a drawing of plans: ways, zones, findings and places, as values.

Everything is longitude, then latitude. `station.plan_drawing` puts a sheet on paper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from shapely import MultiPolygon

from geo.local_frame import LocalFrame
from geo.zones import Area, Zone
from missions.model import Finding, ItemKind, Plan

LonLat = tuple[float, float]
THERE_AND_BACK = "there and back"
_APART = (ItemKind.TAKEOFF, ItemKind.LAND)
"""Kinds that are drawn as ways there and back rather than as part of the path."""


@dataclass(frozen=True, slots=True)
class Way:
    """One path on the sheet."""

    places: tuple[LonLat, ...]
    name: str = "path"
    numbers: tuple[int, ...] = ()
    """What each place is called; empty draws no dots."""
    dashed: bool = False
    """A way to get there: take-off, return, transit."""
    colour: int = 0
    """Ways of one colour belong together."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that is on one drawing."""

    title: str = ""
    note: str = ""
    """Under the title: length, time."""
    ways: tuple[Way, ...] = ()
    areas: tuple[Area, ...] = ()
    """What is to be covered."""
    zones: tuple[Zone, ...] = ()
    findings: tuple[Finding, ...] = ()
    footprints: tuple[Area, ...] = ()
    """What a camera sees."""
    homes: tuple[LonLat, ...] = ()
    assets: tuple[LonLat, ...] = ()
    """Where assets are now."""
    rally: tuple[LonLat, ...] = ()
    looks: tuple[LonLat, ...] = ()
    """Places that a camera keeps in view."""
    circles: tuple[tuple[LonLat, float], ...] = ()
    """Circles that are flown: middle and radius in metres."""
    labels: tuple[tuple[LonLat, str], ...] = ()
    attribution: str = "Qyran"


def sheet_of_plan(plan: Plan, *, title: str = "", colour: int = 0, name: str = "path") -> Sheet:
    """Returns what of a plan is drawn; several sheets can be joined."""
    home = (plan.home.lon_deg, plan.home.lat_deg)
    placed = [
        (n, item, (item.position.lon_deg, item.position.lat_deg))
        for n, item in enumerate(plan.mission.items)
        if item.position is not None
    ]
    main = [(n, at) for n, item, at in placed if item.kind not in _APART]
    ways = [Way(tuple(at for _, at in main), name, tuple(n for n, _ in main), colour=colour)]
    start = [at for _, item, at in placed if item.kind is ItemKind.TAKEOFF][:1] or [home]
    if main:
        out = (*dict.fromkeys((home, *start)), main[0][1])
        ways.insert(0, Way(out, THERE_AND_BACK, dashed=True, colour=colour))
        last = plan.mission.items[-1]
        if last.kind is ItemKind.RETURN:
            ways.append(Way((main[-1][1], home), THERE_AND_BACK, dashed=True, colour=colour))
        elif last.kind is ItemKind.LAND:
            ways.append(
                Way((main[-1][1], placed[-1][2]), THERE_AND_BACK, dashed=True, colour=colour)
            )
    circles = tuple((at, item.loiter_radius_m) for _, item, at in placed if item.loiter_radius_m)
    looks = tuple(
        dict.fromkeys((i.look_at[1], i.look_at[0]) for i in plan.mission.items if i.look_at)
    )
    metres = sum(length_m(way.places) for way in ways)
    return Sheet(
        title or f"Plan of {plan.asset_id}",
        f"{metres / 1000:.2f} km, {len(main)} waypoints",
        tuple(way for way in ways if len(way.places) > 1 or way.numbers),
        zones=plan.fences,
        homes=(home,),
        rally=tuple((p.position.lon_deg, p.position.lat_deg) for p in plan.rally),
        looks=looks,
        circles=circles,
    )


def sheet_of_path(
    document: Mapping[str, Any], area: Area, zones: Sequence[Zone], title: str
) -> Sheet:
    """Returns the drawing of what `qyran plan area` answers: path, transits, the area."""
    path = document["path"]
    lines = [path["coordinates"]] if path["type"] == "LineString" else path["coordinates"]
    transits = document.get("transits", {}).get("coordinates", [])
    ways = [Way(tuple((x, y) for x, y in line)) for line in lines]
    ways += [Way(tuple((x, y) for x, y in line), "transit", dashed=True) for line in transits]
    note = (
        f"{document['length_m'] / 1000:.2f} km, {document['turns']} turns, "
        f"{100 * document['covered_fraction']:.2f} % covered, {document['outside_m']:g} m outside"
    )
    ends = ((ways[0].places[0], "start"), (ways[-len(transits) - 1].places[-1], "end"))
    return Sheet(title, note, tuple(ways), (area,), tuple(zones), labels=ends)


def length_m(places: Sequence[LonLat]) -> float:
    """Returns the length of a line of places."""
    if len(places) < 2:
        return 0.0
    lon, lat = np.array(places).T
    east, north = LocalFrame(float(lat[0]), float(lon[0])).to_en_m(lat, lon)
    return float(np.hypot(np.diff(east), np.diff(north)).sum())


def corners(area: Area) -> list[LonLat]:
    """Returns the outer corners of an area."""
    parts = area.geoms if isinstance(area, MultiPolygon) else [area]
    return [(float(c[0]), float(c[1])) for part in parts for c in part.exterior.coords]
