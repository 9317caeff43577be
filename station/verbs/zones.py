"""`qyran zones`: bring zones in, take them out, list them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core.clock import SystemClock
from geo.zones import Purpose, Zone
from station.command import Run, verb
from station.known_ground import known_boxes, refuse_swapped_zones
from station.stores import opened_stores
from station.wiring import write_zone_file
from station.zone_imports import bring_in, zones_to_keep

For = Annotated[Purpose | None, typer.Option("--purpose", help="Only zones of this purpose.")]
All = Annotated[bool, typer.Option("--all", help="Also zones that are switched off.")]


class Given(StrEnum):
    """What zones are for that do not say it themselves."""

    FLIGHT = "flight"
    WATCH = "watch"
    BOTH = "both"


@verb
def import_(
    call: Run,
    file: Annotated[Path, typer.Argument(help="GeoJSON, GeoPackage, KML, NOTAMs or AIXM.")],
    purpose: Annotated[
        Given | None, typer.Option("--purpose", help="Of zones that do not say theirs.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change.")] = False,
) -> None:
    """Bring zones in from a file. A zone whose id is known becomes its next version.

    A zone must say its purpose, or --purpose must: a parking ban may not become a fence.
    """
    # all or none: a bad row stops it before anything is written
    zones = zones_to_keep(file, _purposes(purpose))
    now = SystemClock().now()
    with opened_stores(call.settings) as stores:
        ids = [zone.zone_id for zone in zones]
        refuse_swapped_zones(zones, known_boxes(stores.zones, stores.missions, ids), str(file))
        done = [(zone, bring_in(stores.zones, zone, now, dry_run=dry_run)) for zone in zones]
    counts = {word: sum(1 for _, w in done if w == word) for word in ("added", "changed", "same")}
    rows = [
        {
            "id": zone.zone_id,
            "name": zone.name,
            "purpose": sorted(zone.purposes),
            "kind": zone.kind,
            "done": word,
        }
        for zone, word in done
    ]
    said = ", ".join(f"{number} {word}" for word, number in counts.items())
    text = f"{file}: {said}{' (dry run, nothing written)' if dry_run else ''}"
    lines = [f"{word:8} {_line(zone)}" for zone, word in done]
    call.emit(
        {"file": file, "dry_run": dry_run, **counts, "zones": rows}, "\n".join([text, *lines])
    )


def _purposes(given: Given | None) -> frozenset[Purpose] | None:
    if given is None:
        return None
    return frozenset(Purpose) if given is Given.BOTH else frozenset({Purpose(given)})


@verb
def export(
    call: Run,
    file: Annotated[Path, typer.Argument(help="Ends in .geojson, .gpkg or .kml.")],
    purpose: For = None,
    with_inactive: All = False,
) -> None:
    """Take zones out into a file; a former file is replaced."""
    with opened_stores(call.settings) as stores:
        zones = stores.zones.find(purpose, active=not with_inactive)
    write_zone_file(file, zones)
    call.emit({"file": file, "zones": len(zones)}, f"{file}: {len(zones)} zones")


@verb
def list_(call: Run, purpose: For = None, with_inactive: All = False) -> None:
    """List zones."""
    with opened_stores(call.settings) as stores:
        zones = stores.zones.find(purpose, active=not with_inactive)
    rows = [
        {
            "id": zone.zone_id,
            "name": zone.name,
            "purpose": zone.purposes,
            "kind": zone.kind,
            "rules": zone.rules,
            "active": zone.active,
            "owner": zone.owner,
            "version": zone.version,
            "changed_at": zone.changed_at,
        }
        for zone in zones
    ]
    call.emit({"zones": rows}, "\n".join(_line(zone) for zone in zones) or "no zones yet")


def _line(zone: Zone) -> str:
    purposes = "+".join(sorted(zone.purposes))
    rules = ", ".join(zone.rules) or str(zone.kind)
    off = "" if zone.active else "  (off)"
    return f"{zone.zone_id}  v{zone.version}  {purposes:12} {zone.name}: {rules}{off}"


RUNS = {"import": import_, "export": export, "list": list_}
