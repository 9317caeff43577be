"""What `qyran exits` reads: one JSON document with the new zone, the fleet, the zones in force.

```json
{"at": "2026-11-20T14:00:00+05:00", "appeared": GeoJSON,
 "assets": [{"id": "drone-1", "kind": "drone", "position": [71.3600, 50.9770, 60],
             "home": [71.3549, 50.9754], "east_m_s": 0, "north_m_s": 7,
             "ahead": [[71.3600, 50.9790]], "battery_fraction": 0.6}],
 "zones": GeoJSON, "rally": [], "weather": null, "margin_m": 5}
```

An asset is described as for `qyran dispatch`; its height above home is never guessed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, Field, ValidationError

from core.errors import SourceUnreadable, ZoneInvalid
from geo.swapped import CURE, SAID, Box, box_at, boxes_of, swapped_among
from geo.zones import Purpose, Zone
from missions.dispatching.exits import InFlight
from missions.events import Activity
from missions.model import AssetKind, RallyPoint
from missions.weather import Weather
from station.bounded_fields import Instant, NotNegative
from station.dispatch_document import AssetPart, Part, PlacePart
from station.dispatch_file import asset_of, rally_of, weather_of, zones_of
from station.field_cures import refusal_of
from station.given_zones import read_given_zones
from station.json_file import read_json

Velocity = Annotated[float, Field(ge=-1_000, le=1_000)]
GUIDE = "docs/guides/dispatch.md"
_IN_AIR_M = 1.0


@dataclass(frozen=True, slots=True)
class ExitsCase:
    """New zones and the aircraft that they may affect."""

    at: datetime
    appeared: tuple[Zone, ...]
    fences: tuple[Zone, ...]
    flights: tuple[InFlight, ...]
    grounded: tuple[tuple[str, str], ...]
    """Assets that are not in the air, each with what it is instead."""
    rally: tuple[RallyPoint, ...]
    weather: Weather | None
    margin_m: float
    notes: tuple[str, ...]
    """What was assumed of the zones."""
    not_understood: tuple[str, ...]


class _Flying(AssetPart):
    """An asset with what its way out depends on."""

    east_m_s: Velocity = 0.0
    north_m_s: Velocity = 0.0
    ahead: tuple[PlacePart, ...] = ()


class _Document(Part):
    """The whole document."""

    at: Instant | None = None
    appeared: Any = Field(validation_alias=AliasChoices("appeared", "new_zone", "zone"))
    zones: Any = None
    assets: tuple[_Flying, ...] = Field(validation_alias=AliasChoices("assets", "fleet"))
    rally: tuple[PlacePart, ...] = ()
    weather: dict[str, Any] | None = None
    margin_m: NotNegative = 5.0


def read_exits(path: Path, now: datetime, zones: Path | None = None) -> ExitsCase:
    """Returns what a document says.

    Args:
        path: the JSON document.
        now: the instant, where the document gives none.
        zones: a file with more flight zones.

    Raises:
        SourceMissing: if there is no such file, or no such file of zones.
        SourceUnreadable: if it is no such document; the field is named.
        ZoneInvalid: if a zone makes no sense, or what appeared limits no flight.
    """
    value = read_json(path)
    if not isinstance(value, Mapping):
        raise SourceUnreadable("is no JSON object", where=str(path), cure=f"see {GUIDE}")
    unknown: list[str] = []
    try:
        document = _Document.model_validate(value)
        document.gather_unknown("", unknown)
        at = document.at or now
        weather = None if document.weather is None else weather_of(document.weather, at)
    except ValidationError as error:
        raise refusal_of(error, path, GUIDE) from error
    except (ValueError, TypeError) as error:
        raise SourceUnreadable(str(error), where=str(path), cure=f"see {GUIDE}") from error
    flights, grounded = _fleet(document.assets, path)
    notes: list[str] = []
    appeared = zones_of(document.appeared, path, notes)
    if not any(Purpose.FLIGHT in zone.purposes for zone in appeared):
        raise ZoneInvalid(
            "what appeared limits no flight",
            where=f"{path}, appeared",
            cure="give a zone whose purpose is flight",
        )
    fences = zones_of(document.zones, path, notes)
    fences += () if zones is None else read_given_zones(zones, notes)
    rally = tuple(rally_of(part) for part in document.rally)
    _refuse_swapped(flights, appeared, fences, rally, path)
    return ExitsCase(
        at,
        appeared,
        fences,
        flights,
        grounded,
        rally,
        weather,
        document.margin_m,
        tuple(notes),
        tuple(unknown),
    )


def _fleet(
    parts: Sequence[_Flying], path: Path
) -> tuple[tuple[InFlight, ...], tuple[tuple[str, str], ...]]:
    flights: list[InFlight] = []
    grounded: list[tuple[str, str]] = []
    seen: set[str] = set()
    for part in parts:
        if part.id in seen:
            message = f"asset {part.id} is there twice"
            raise SourceUnreadable(message, where=str(path), cure="give each asset its own id")
        seen.add(part.id)
        place = part.place_of()
        flying = part.activity() in (Activity.UNDERWAY, Activity.RETURNING)
        if part.kind is not AssetKind.DRONE:
            grounded.append((part.id, "it drives"))
        elif place.up_m is None and flying:
            raise SourceUnreadable(
                f"how high asset {part.id} is, is not said",
                where=str(path),
                cure="give up_m, metres above its home, or position as [lon, lat, up_m]",
            )
        elif place.up_m is None or place.up_m <= _IN_AIR_M:
            grounded.append((part.id, "it is on the ground"))
        else:
            flights.append(_flight(part, place.lat, place.lon, place.up_m))
    return tuple(flights), tuple(grounded)


def _flight(part: _Flying, lat: float, lon: float, up_m: float) -> InFlight:
    return InFlight(
        asset_of(part, part.place_of()),
        lat,
        lon,
        up_m,
        part.east_m_s,
        part.north_m_s,
        tuple((one.lat, one.lon) for one in part.ahead),
        part.battery_fraction,
    )


def _refuse_swapped(
    flights: Sequence[InFlight],
    appeared: Sequence[Zone],
    fences: Sequence[Zone],
    rally: Sequence[RallyPoint],
    path: Path,
) -> None:
    """Refuses a document of which one place lies by the others only when it is swapped."""
    parts: list[tuple[str, Box]] = []
    for one in flights:
        home, name = one.asset.home, f"asset {one.asset.asset_id}"
        parts += [
            (f"{name}, position", box_at(one.lat_deg, one.lon_deg)),
            (f"{name}, home", box_at(home.lat_deg, home.lon_deg)),
            *((f"{name}, ahead", box_at(lat, lon)) for lat, lon in one.ahead),
        ]
    zones = (*appeared, *fences)
    names = (f"zone {zone.name or zone.zone_id}" for zone in zones)
    parts += zip(names, boxes_of(zones), strict=True)
    parts += [("rally", box_at(one.position.lat_deg, one.position.lon_deg)) for one in rally]
    number = swapped_among([box for _, box in parts])
    if number is None:
        return
    name, (west, south, _, _) = parts[number]
    kind = ZoneInvalid if name.startswith("zone ") else SourceUnreadable
    message = f"{SAID} (longitude {west:g}, latitude {south:g} was read)"
    raise kind(message, where=f"{path}, {name}", cure=CURE)
