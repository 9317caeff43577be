"""Bans of the aviation authority: NOTAM text and AIXM 5.1, by aviconv (extra `airspace`).

Each becomes a flight zone that excludes. What the text says less exactly than a zone needs is
taken on the safe side: the Q-line's circle where item E draws no polygon, all heights where a
limit counts from flight levels or from something that is not said.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapely import Polygon

from core.errors import ExtraMissing, SourceMissing, SourceUnreadable, ZoneInvalid
from core.ids import ZoneId
from core.recurrence import Recurrence
from core.window_documents import OPEN_END
from geo.circles import circle_area
from geo.positions import Altitude, Datum
from geo.zones import Area, Circle, Purpose, Zone, ZoneKind

if TYPE_CHECKING:
    from aviconv_notam.model import Notam

SUFFIXES = (".notam", ".txt", ".aixm", ".xml")
_NAUTICAL_MILE_M = 1_852.0
_FOOT_M = 0.3048
_LIMIT = re.compile(
    r"(?P<value>\d+)\s*(?P<unit>FT|M)\s*(?P<datum>AGL|AMSL|MSL|SFC|ASL)?", re.IGNORECASE
)
_ITEM_B, _ITEM_C = re.compile(r"(\bB\)\s*\d{10})"), re.compile(r"\bC\)")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FORBIDDING = ("P", "R", "D", "D_OTHER", "TRA", "TSA", "RCA", "PROTECT")
"""AIXM's CodeAirspaceType of areas that forbid, or may."""


def read_bans(path: Path) -> tuple[Zone, ...]:
    """Returns the bans of a file of NOTAM texts, set apart by empty lines, or of AIXM 5.1.

    NOTAMs about anything but restricted airspace (Q-code QR..) are no zones. One that cancels
    or replaces another gives the other as a zone that is switched off.

    Raises:
        SourceMissing: if there is no such file.
        ExtraMissing: if the extra `airspace` is not installed.
        SourceUnreadable: if it is neither; the NOTAM or feature is named.
    """
    if not path.is_file():
        raise SourceMissing("no such file", where=str(path), cure="check the path")
    zones = tuple(_aixm(path) if path.suffix.lower() in (".aixm", ".xml") else _notams(path))
    if not zones:
        raise SourceUnreadable(
            "no restricted airspace in it",
            where=str(path),
            cure="give NOTAMs with a Q-code QR.., or AIXM with prohibited or restricted areas",
        )
    newest: dict[ZoneId, Zone] = {}
    for zone in zones:  # a cancellation may stand before or after what it cancels
        kept = newest.get(zone.zone_id)
        if kept is None or not zone.active:
            newest[zone.zone_id] = zone
    return tuple(newest.values())


def _notams(path: Path) -> Iterator[Zone]:
    try:
        from aviconv_core.errors import AviconvError
        from aviconv_notam.parser import parse
    except ImportError as error:
        raise _extra() from error
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise SourceUnreadable(
            f"is no text: {error}", where=str(path), cure="save it as UTF-8 text"
        ) from error
    for number, block in enumerate(_blocks(text), 1):
        where = f"{path}, NOTAM {number}"
        try:
            notam = parse(block)
        except AviconvError as error:
            raise SourceUnreadable(
                f"is no NOTAM: {error}", where=where, cure="set NOTAMs apart by an empty line"
            ) from error
        yield from _bans_of(notam, where)


def _blocks(text: str) -> Iterator[str]:
    """Yields the single NOTAMs without the brackets that some services put around them."""
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        lines = [line.strip() for line in block.strip().splitlines()]
        bare = "\n".join(lines).removeprefix("(").removesuffix(")").strip()
        if "NOTAMC" in bare.partition("\n")[0] and not _ITEM_C.search(bare):
            # ICAO leaves item C out of a cancellation, the parser asks for it
            bare = _ITEM_B.sub(r"\1 C) PERM", bare, count=1)
        if bare:
            yield bare


def _bans_of(notam: "Notam", where: str) -> Iterator[Zone]:
    if not notam.q_line.qcode.startswith("QR"):
        return
    area, circle = _notam_area(notam, where)
    ended = notam.cancels or notam.replaces
    for identifier, active in ((ended, False), (notam.identifier, True)):
        if identifier is None or (active and notam.cancels):
            continue
        yield Zone(
            ZoneId(f"notam-{identifier.replace('/', '-')}"),
            f"NOTAM {identifier}",
            frozenset({Purpose.FLIGHT}),
            area,
            ZoneKind.EXCLUSION,
            floor=_limit(notam.lower_limit),
            ceiling=_limit(notam.upper_limit),
            active=active,
            reason=" ".join(notam.body.split())[:2000],
            windows=_windows(notam),
            circle=circle,
        )


def _notam_area(notam: "Notam", where: str) -> tuple[Area, Circle | None]:
    ring = notam.geometry.polygon
    if ring and len(ring) >= 4:
        polygon = Polygon([(lon, lat) for lat, lon in ring])
        if polygon.is_valid and not polygon.is_empty:
            return polygon, None
    lat, lon, miles = (
        notam.geometry.centre_lat,
        notam.geometry.centre_lon,
        notam.geometry.radius_nm,
    )
    if lat is None or lon is None or not miles:
        raise SourceUnreadable(
            "says no place",
            where=f"{where} ({notam.identifier})",
            cure="add its Q line with centre and radius, or draw the zone as GeoJSON",
        )
    circle = Circle(lat, lon, miles * _NAUTICAL_MILE_M)
    try:
        return circle_area(circle, ZoneKind.EXCLUSION), circle
    except ZoneInvalid as error:
        raise ZoneInvalid(
            error.message, where=f"{where} ({notam.identifier})", cure=error.cure
        ) from error


def _limit(text: str | None) -> Altitude | None:
    """Returns a limit that is said in metres or feet above ground or sea, else `None`."""
    match = _LIMIT.fullmatch((text or "").strip())
    if match is None or match["datum"] is None:
        return None  # SFC, GND, UNL, a flight level, or a height above nobody knows what
    metres = float(match["value"]) * (_FOOT_M if match["unit"].upper() == "FT" else 1.0)
    word = match["datum"].upper()
    return Altitude(metres, Datum.GROUND if word in ("AGL", "SFC") else Datum.GEOID)


def _windows(notam: "Notam") -> tuple[Recurrence, ...]:
    begin = notam.effective_from
    end = notam.effective_to
    until = end if isinstance(end, datetime) else begin + OPEN_END
    whole = (Recurrence(begin, until - begin),)
    if notam.schedule.parse_error is not None or not notam.schedule.periods:
        return whole
    found = []
    for period in notam.schedule.periods:
        start, stop = getattr(period, "start", None), getattr(period, "end", None)
        if start is None or stop is None or not hasattr(start, "hour") or not hasattr(stop, "hour"):
            return whole  # sunrise and sunset: the whole period is the safe side
        first = datetime.combine(begin.date(), start, UTC) - timedelta(days=1)
        length = datetime.combine(begin.date(), stop, UTC) - datetime.combine(
            begin.date(), start, UTC
        )
        length += timedelta(days=1) if length <= timedelta(0) else timedelta(0)
        days = ",".join(_DAYS[int(day) - 1] for day in sorted(period.days))
        rule = f"FREQ=WEEKLY;BYDAY={days};UNTIL={until:%Y%m%dT%H%M%SZ}"
        found.append(Recurrence(first, length, "UTC", rule))
    return tuple(found)


def _aixm(path: Path) -> Iterator[Zone]:
    try:
        from aviconv_aixm import read_aixm
        from aviconv_aixm.geojson import feature_to_geojson
    except ImportError as error:
        raise _extra() from error
    try:
        features: Iterable[Any] = list(read_aixm(path))
    except Exception as error:  # the library passes on what its XML parser raises
        raise SourceUnreadable(
            f"is no AIXM 5.1: {type(error).__name__}: {error}",
            where=str(path),
            cure="give an AIXM 5.1 message, or the zones as GeoJSON",
        ) from error
    for feature in features:
        if getattr(feature, "feature_type", "") != "Airspace" or not feature.time_slices:
            continue
        slice_ = feature.time_slices[0]
        kind = slice_.properties.type or ""
        if kind not in _FORBIDDING:
            continue
        document = feature_to_geojson(feature)
        rings = ((document or {}).get("geometry") or {}).get("coordinates") or []
        name = slice_.properties.name or slice_.properties.designator or kind
        if not rings:
            raise SourceUnreadable(
                "has no border", where=f"{path}, {name}", cure="draw that one as GeoJSON"
            )
        begin, end = slice_.valid_time.begin, slice_.valid_time.end
        window: tuple[Recurrence, ...] = ()
        if begin is not None:
            length = end - begin if end is not None else OPEN_END
            window = (Recurrence(begin, length),)
        yield Zone(
            ZoneId(f"aixm-{feature.gml_identifier.value}"),
            name,
            frozenset({Purpose.FLIGHT}),
            Polygon(rings[0], rings[1:]),
            ZoneKind.EXCLUSION,
            reason=f"AIXM {kind}; its heights are taken as all, since their datum is not read",
            windows=window,
        )


def _extra() -> ExtraMissing:
    return ExtraMissing(
        "NOTAM and AIXM need the extra airspace", cure="pip install 'qyran[airspace]'"
    )
