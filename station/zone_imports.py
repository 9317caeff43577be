"""Zones from files that are to be kept: what must be right with them, and how they come in."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from shapely import MultiPolygon

from core.errors import NotFound, ZoneInvalid
from core.names import LONGEST_NAME, is_id, is_one_line, shown
from geo.ports import ZoneStore
from geo.positions import Altitude
from geo.zones import Area, Purpose, Zone
from station.wiring import read_zone_file

_SAME_DEG: Final = 1e-9
"""0.1 mm: formats keep fewer digits of a corner than we do."""
_SAME_PART: Final = 1e-12


def zones_to_keep(path: Path, default_purposes: frozenset[Purpose] | None) -> tuple[Zone, ...]:
    """Returns the zones of a file that may be kept, all or none.

    Args:
        path: the file.
        default_purposes: of zones that do not say theirs; `None` refuses those.

    Raises:
        ZoneInvalid: if a zone makes no sense, its id or name can't be kept, or an id comes
            twice; `where` names the row.
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no such format.
    """
    zones = read_zone_file(path, default_purposes=default_purposes)
    if path.suffix.lower() in (".json", ".geojson") and b"\\u0000" in path.read_bytes():
        # the driver would end the text there without a word
        raise ZoneInvalid(
            "holds a null character in an id or a name", where=str(path), cure="take it out"
        )
    rows: dict[str, int] = {}
    for row, zone in enumerate(zones, start=1):
        where = f"{path}, row {row}" + (f" ({shown(zone.name)})" if zone.name else "")
        _check_words(zone, where)
        if zone.zone_id in rows:
            raise ZoneInvalid(
                f"its id {zone.zone_id} is that of row {rows[zone.zone_id]} too",
                where=where,
                cure="give each zone an id of its own, or leave the ids out",
            )
        rows[zone.zone_id] = row
    return zones


def _check_words(zone: Zone, where: str) -> None:
    if not is_id(zone.zone_id):
        raise ZoneInvalid(
            f"{shown(zone.zone_id)!r} can't be an id",
            where=where,
            cure="use 1 to 120 of the characters A-Z a-z 0-9 . _ : - or leave it out",
        )
    if not is_one_line(zone.name) or len(zone.name) > LONGEST_NAME:
        raise ZoneInvalid(
            "its name holds a control character or is too long",
            where=where,
            cure=f"use one line of at most {LONGEST_NAME} characters",
        )


def bring_in(store: ZoneStore, zone: Zone, now: datetime, *, dry_run: bool = False) -> str:
    """Adds a zone, or makes it the next version of the one of its id, unless nothing changed.

    Returns:
        `added`, `changed` or `same`.
    """
    zone = replace(zone, changed_by=None)  # a file can't say who changes it here
    try:
        kept = store.get(zone.zone_id)
    except NotFound:
        if not dry_run:
            store.add(replace(zone, version=1, changed_at=now))
        return "added"
    if same_zone(zone, kept):
        return "same"
    if not dry_run:
        next_version = replace(zone, version=kept.version + 1, changed_at=now)
        store.replace(next_version, expected_version=kept.version)
    return "changed"


def same_zone(one: Zone, other: Zone) -> bool:
    """Returns whether two zones say the same, whatever a file format does to how.

    Where rings begin and which way they run, a single polygon or a list of one, and the last
    digits of a number make no difference, nor do version and authorship.
    """
    return (
        _same_area(one.area, other.area)
        and _same_limit(one.floor, other.floor)
        and _same_limit(one.ceiling, other.ceiling)
        and _same_circle(one, other)
        and replace(
            one,
            area=other.area,
            floor=other.floor,
            ceiling=other.ceiling,
            circle=other.circle,
            version=other.version,
            changed_at=other.changed_at,
            changed_by=other.changed_by,
        )
        == other
    )


def _same_area(one: Area, other: Area) -> bool:
    plain = [_parts(area).normalize() for area in (one, other)]
    return bool(plain[0].equals_exact(plain[1], _SAME_DEG))


def _parts(area: Area) -> MultiPolygon:
    return area if isinstance(area, MultiPolygon) else MultiPolygon([area])


def _same_limit(one: Altitude | None, other: Altitude | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.datum is other.datum and _close([one.metres], [other.metres])


def _same_circle(one: Zone, other: Zone) -> bool:
    if one.circle is None or other.circle is None:
        return one.circle is other.circle
    numbers = [[c.lat_deg, c.lon_deg, c.radius_m] for c in (one.circle, other.circle)]
    return _close(*numbers)


def _close(ones: Sequence[float], others: Sequence[float]) -> bool:
    pairs = zip(ones, others, strict=True)
    return all(math.isclose(a, b, rel_tol=_SAME_PART, abs_tol=_SAME_PART) for a, b in pairs)
