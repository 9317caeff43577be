"""The zones that `qyran check` is given, and what of them limits nothing without being seen to."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from core.errors import ZoneInvalid
from geo.swapped import far_zones
from geo.zones import Purpose, Zone, ZoneStage
from missions.model import Finding, Plan, Severity
from station.given_zones import ASSUMED_DATUM, datum_words, named
from station.wiring import read_zone_file_told


def read_zones(paths: Iterable[Path], plan: Plan) -> tuple[tuple[Zone, ...], tuple[Finding, ...]]:
    """Returns the zones of files, with findings about those that lie elsewhere or don't count.

    Args:
        paths: of the files.
        plan: what they are to limit.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if one is no such format.
        ZoneInvalid: if a zone makes no sense, or longitude and latitude are swapped.
    """
    zones: list[Zone] = []
    told: list[Finding] = []
    for path in paths:
        read = read_zone_file_told(path, default_datum=ASSUMED_DATUM)
        zones += read.zones
        told += _ignored(read.ignored, path)
        told += _assumed([zone for zone in read.without_datum if Purpose.FLIGHT in zone.purposes])
    flight = [zone for zone in zones if Purpose.FLIGHT in zone.purposes]
    return tuple(zones), (*told, *_far(flight, plan), *_not_in_force(flight))


def _far(flight: Sequence[Zone], plan: Plan) -> Iterable[Finding]:
    """Yields a warning if all given zones are of another place; raises if they are swapped."""
    far = far_zones(flight, plan.home.lat_deg, plan.home.lon_deg)
    if far is None:
        return
    name = far.nearest.name or far.nearest.zone_id
    if far.swapped:
        raise ZoneInvalid(
            "longitude and latitude are swapped: it lies by home only the other way round",
            where=str(name),
            cure="give longitude first",
        )
    message = f"every given zone is more than 100 km from home; the nearest is {name}"
    point = far.nearest.area.representative_point()
    yield Finding(
        Severity.WARNING,
        "zones_far",
        message,
        (point.y, point.x),
        cure="give the zones of that place",
    )


def _not_in_force(flight: Sequence[Zone]) -> Iterable[Finding]:
    """Yields one finding for each reason why flight zones limit nothing at all."""
    for stage in ZoneStage:
        off = [zone for zone in flight if zone.stage is stage and not zone.switched_on]
        if not off:
            continue
        waits = stage in (ZoneStage.DRAFT, ZoneStage.REVIEWED)
        why = f"only {stage}" if waits else "retired" if stage is ZoneStage.RETIRED else "off"
        point = off[0].area.representative_point()
        yield Finding(
            Severity.WARNING if waits else Severity.INFO,
            "zone_not_in_force",
            f"{named(off)}: {why}, so it limits nothing here",
            (point.y, point.x),
            cure="activate it before it is flown" if waits else "",
            about=str(off[0].zone_id),
        )


def _assumed(zones: Sequence[Zone]) -> Iterable[Finding]:
    """Yields one warning for the zones of a file whose heights have no datum."""
    if zones:
        point = zones[0].area.representative_point()
        yield Finding(
            Severity.WARNING,
            "zone_datum_assumed",
            datum_words(zones),
            (point.y, point.x),
            cure="write datum as AGL, or as AMSL where heights above the sea are meant",
            about=str(zones[0].zone_id),
        )


def _ignored(words: Sequence[str], path: Path) -> Iterable[Finding]:
    if words:
        yield Finding(
            Severity.WARNING,
            "zone_property_ignored",
            f"{path.name}: {', '.join(words[:20])} of zones means nothing here",
            cure="see docs/api.md, zones, for the names of properties",
            about=path.name,
        )
