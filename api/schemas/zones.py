"""Zones as GeoJSON features."""

import re
from typing import Annotated, Any, Literal, Self, cast

import shapely
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
)
from shapely import MultiPolygon, Polygon
from shapely.geometry import mapping

from api.schemas.base import Answer, Body, Instant, LonLat, Name
from core.errors import TooLarge, ZoneInvalid
from core.ids import AgencyId
from core.window_documents import WindowInvalid, read_windows, write_window
from geo.antimeridian import edge_across, said
from geo.area_mending import mended
from geo.circles import circle_area
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Datum
from geo.swapped import CURE
from geo.zone_life import ZoneChange
from geo.zones import Area, Circle, Purpose, Zone, ZoneKind, ZoneStage, to_local
from incidents.model import IncidentKind

_CoordinateLon = Annotated[float, Field(ge=-180, le=180)]
# beyond 90 it is told as what it is: a longitude that stands in the wrong place
_CoordinateLat = Annotated[float, Field(ge=-180, le=180)]
# a third number is a height, which RFC 7946 allows and a zone's border has no use for
Coordinate = tuple[_CoordinateLon, _CoordinateLat] | tuple[_CoordinateLon, _CoordinateLat, float]
Ring = list[Coordinate]


_RING: JsonValue = [
    [71.35, 50.97], [71.36, 50.97], [71.36, 50.98], [71.35, 50.98], [71.35, 50.97]
]  # fmt: skip


class PolygonBody(Body):
    """A GeoJSON polygon."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"type": "Polygon", "coordinates": [_RING]}]}
    )

    type: Literal["Polygon"]
    coordinates: Annotated[list[Ring], Field(min_length=1)]
    bbox: list[float] | None = None


class MultiPolygonBody(Body):
    """A GeoJSON multipolygon."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"type": "MultiPolygon", "coordinates": [[_RING]]}]}
    )

    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[Annotated[list[Ring], Field(min_length=1)]], Field(min_length=1)]
    bbox: list[float] | None = None


class PointBody(Body):
    """The centre of a round zone."""

    type: Literal["Point"]
    coordinates: Coordinate
    bbox: list[float] | None = None


GeometryBody = Annotated[PolygonBody | MultiPolygonBody, Field(discriminator="type")]
ZoneGeometryBody = Annotated[
    PolygonBody | MultiPolygonBody | PointBody, Field(discriminator="type")
]


def _datum(word: object) -> object:
    if not isinstance(word, str):
        return word
    return Datum.named(word)


AnyDatum = Annotated[
    Datum,
    BeforeValidator(_datum),
    WithJsonSchema(
        {
            "type": "string",
            "enum": list(Datum.words()),
            "description": "From where a height counts; in small letters or capitals.",
        }
    ),
]
"""Our own names, or AGL, AMSL and HAE in any case."""
Window = dict[str, JsonValue] | str | list[str | None]
"""A time window as `core.window_documents` reads it."""


def area_of(geometry: PolygonBody | MultiPolygonBody, most_corners: int) -> Area:
    """Returns a geometry as an area; whether it is valid is for the zone to say.

    Raises:
        ZoneInvalid: if a ring has fewer than three corners.
        TooLarge: if it has too many.
    """
    polygons = [geometry.coordinates] if geometry.type == "Polygon" else geometry.coordinates
    corners = sum(len(ring) for rings in polygons for ring in rings)
    if corners > most_corners:
        raise TooLarge(f"the border has {corners} corners", cure=f"at most {most_corners}")
    made = [_polygon(rings) for rings in polygons]
    return mended(made[0] if geometry.type == "Polygon" else MultiPolygon(made))


def _polygon(rings: list[Ring]) -> Polygon:
    flat = [[(position[0], position[1]) for position in ring] for ring in rings]
    for lon, lat in (corner for ring in flat for corner in ring):
        if abs(lat) > 90:
            raise ZoneInvalid(
                f"longitude and latitude are swapped: {lat:g} is no latitude,"
                f" at longitude {lon:g}, latitude {lat:g}",
                cure=CURE,
            )
    if any(len(set(ring)) < 3 for ring in flat):
        raise ZoneInvalid("has a ring of fewer than three corners", cure="draw at least three")
    return Polygon(flat[0], flat[1:])


class CircleOut(BaseModel):
    """The centre and radius of a round zone."""

    lat: float
    lon: float
    radius_m: float


class ZoneProperties(BaseModel):
    """What a zone is, beside its border."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    name: Name
    purpose: Annotated[list[Purpose], Field(min_length=1, max_length=2)]
    kind: ZoneKind = ZoneKind.INCLUSION
    floor_m: Annotated[float, Field(ge=-1e6, le=1e6)] | None = None
    ceiling_m: Annotated[float, Field(ge=-1e6, le=1e6)] | None = None
    datum: AnyDatum | None = None
    """From where the heights count; a zone with a height needs it."""
    ceiling_datum: AnyDatum | None = None
    """Only where the ceiling counts from another datum than the floor."""
    radius_m: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Makes a round zone of a point."""
    rules: Annotated[list[IncidentKind], Field(max_length=20, default_factory=list)]
    active: bool = True
    windows: Annotated[list[Window], Field(max_length=50, default_factory=list)]
    """When it is in force; none means always."""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    stage: Literal[ZoneStage.DRAFT, ZoneStage.ACTIVE] | None = None
    """`draft` waits for a review; by default it is active at once, where the station allows it."""
    owner: Annotated[str, Field(max_length=64)] | None = None
    reason: Annotated[str, Field(max_length=2000)] = ""
    version: int | None = None
    """Sent back as it was read; what counts is If-Match."""
    changed_at: Instant | None = None
    """Sent back as it was read; the station sets it."""
    changed_by: str | None = None
    """Sent back as it was read; the station sets it."""
    circle: CircleOut | None = None
    """Sent back as it was read; a circle is drawn as a point with `radius_m`."""


_EXAMPLE: dict[str, JsonValue] = {
    "type": "Feature",
    "geometry": {
        "type": "Polygon",
        "coordinates": [
            [[71.35, 50.97], [71.36, 50.97], [71.36, 50.98], [71.35, 50.98], [71.35, 50.97]]
        ],
    },
    "properties": {
        "name": "School yard",
        "purpose": ["flight"],
        "kind": "exclusion",
        "ceiling_m": 120,
        "datum": "AGL",
        "windows": [
            {
                "dtstart": "2026-09-01T08:00",
                "tzid": "Asia/Almaty",
                "duration_s": 36000,
                "rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
            }
        ],
        "reason": "children in the open",
    },
}


class ZoneBody(Body):
    """A zone to be kept."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    type: Literal["Feature"]
    id: str | None = None
    geometry: ZoneGeometryBody
    properties: ZoneProperties
    bbox: list[float] | None = None

    def change(self, present: dict[str, Any], most_corners: int) -> Zone:
        """Returns the zone that this asks for.

        Args:
            present: `zone_id`, `version`, `changed_at`, `stage` as the station sets them.
            most_corners: of its border.

        Raises:
            ZoneInvalid: if it makes no sense.
            TooLarge: if its border has too many corners.
        """
        p = self.properties
        area, circle = self._shape(most_corners)
        floor = _limit(p.floor_m, p.datum, "floor_m", p.name)
        ceiling = _limit(p.ceiling_m, p.ceiling_datum or p.datum, "ceiling_m", p.name)
        try:
            windows = tuple(w for given in p.windows for w in read_windows(cast(Any, given)))
        except WindowInvalid as error:
            raise ZoneInvalid(
                f"a time window makes no sense: {error.message}", where=p.name, cure=error.cure
            ) from error
        except (ValueError, OverflowError) as error:
            raise ZoneInvalid(
                f"a time window makes no sense: {error}",
                where=p.name,
                cure="see docs/guides/airspace.md, time windows",
            ) from error
        return Zone(
            **present,
            name=p.name,
            purposes=frozenset(p.purpose),
            area=area,
            kind=p.kind,
            floor=floor,
            ceiling=ceiling,
            windows=windows,
            priority=p.priority,
            circle=circle,
            rules=tuple(dict.fromkeys(str(rule) for rule in p.rules)),
            active=p.active,
            owner=None if p.owner is None else AgencyId(p.owner),
            reason=p.reason,
        )

    def _shape(self, most_corners: int) -> tuple[Area, Circle | None]:
        if not isinstance(self.geometry, PointBody):
            return area_of(self.geometry, most_corners), None
        if self.properties.radius_m is None:
            raise ZoneInvalid("a point is no area", cure="give it a radius_m, or draw a polygon")
        lon, lat = self.geometry.coordinates[:2]
        circle = Circle(lat, lon, self.properties.radius_m)
        return circle_area(circle, self.properties.kind), circle


def _limit(metres: float | None, datum: Datum | None, field: str, name: str) -> Altitude | None:
    if metres is None:
        return None
    if datum is None:
        raise ZoneInvalid(
            f"{field} without a datum: nobody knows from where it counts",
            where=name,
            cure="write datum as AGL, AMSL, home or ellipsoid",
        )
    return Altitude(metres, datum)


class ZonePropertiesOut(Answer):
    """What a zone is, beside its border."""

    name: str
    purpose: list[Purpose]
    kind: ZoneKind
    floor_m: float | None
    ceiling_m: float | None
    datum: Datum
    ceiling_datum: Datum | None
    rules: list[str]
    active: bool
    windows: list[dict[str, JsonValue]]
    priority: int
    stage: ZoneStage
    owner: str | None
    reason: str
    version: int
    changed_at: Instant | None
    changed_by: str | None
    circle: CircleOut | None


class ZoneOut(Answer):
    """A zone as a GeoJSON feature."""

    type: Literal["Feature"] = "Feature"
    id: str
    geometry: dict[str, JsonValue]
    properties: ZonePropertiesOut

    @classmethod
    def from_domain(cls, zone: Zone) -> Self:
        """Returns a zone; rings turn as RFC 7946 wants them."""
        limit = zone.floor or zone.ceiling
        other = zone.ceiling is not None and limit is not None and zone.ceiling.datum != limit.datum
        round_ = zone.circle
        return cls(
            id=zone.zone_id,
            geometry=_listed(mapping(shapely.orient_polygons(zone.area))),
            properties=ZonePropertiesOut(
                name=zone.name,
                purpose=sorted(zone.purposes),
                kind=zone.kind,
                floor_m=None if zone.floor is None else zone.floor.metres,
                ceiling_m=None if zone.ceiling is None else zone.ceiling.metres,
                datum=Datum.HOME if limit is None else limit.datum,
                ceiling_datum=zone.ceiling.datum if other and zone.ceiling else None,
                rules=list(zone.rules),
                active=zone.active,
                windows=[cast(Any, write_window(window)) for window in zone.windows],
                priority=zone.priority,
                stage=zone.stage,
                owner=zone.owner,
                reason=zone.reason,
                version=zone.version,
                changed_at=zone.changed_at,
                changed_by=zone.changed_by,
                circle=None
                if round_ is None
                else CircleOut(lat=round_.lat_deg, lon=round_.lon_deg, radius_m=round_.radius_m),
            ),
        )


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    return value


class ZonesOut(Answer):
    """All zones as a GeoJSON feature collection."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[ZoneOut]


class StageBody(Body):
    """Where a zone goes in its life."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"stage": "reviewed"}]})

    stage: ZoneStage
    reason: Annotated[str, Field(max_length=2000)] = ""


class ZoneHistoryOut(Answer):
    """Every version of a zone, oldest first."""

    items: list[ZoneOut]


class ZoneDiffOut(Answer):
    """What differs between two versions of a zone."""

    before: int
    after: int
    fields: list[str]
    added_m2: float
    removed_m2: float

    @classmethod
    def from_domain(cls, change: ZoneChange) -> Self:
        """Returns a difference; areas in whole square metres."""
        return cls(
            before=change.before,
            after=change.after,
            fields=list(change.fields),
            added_m2=round(change.added_m2),
            removed_m2=round(change.removed_m2),
        )


class ZoneCheckOut(Answer):
    """Whether a border makes sense, and where it does not."""

    valid: bool
    message: str
    place: LonLat | None
    area_m2: float


_PLACE = re.compile(r"^(.*?)\[(\S+) (\S+)\]$")


def checked(area: Area) -> ZoneCheckOut:
    """Returns what there is to say about a border."""
    if area.is_empty:
        return ZoneCheckOut(valid=False, message="Empty", place=None, area_m2=0.0)
    west, south, east, north = area.bounds
    local = to_local(area, LocalFrame((south + north) / 2, (west + east) / 2))
    area_m2 = round(float(local.area), 1)
    across = edge_across(area)
    if across is not None:
        return ZoneCheckOut(valid=False, message=said(across), place=across[0], area_m2=area_m2)
    if area.is_valid:
        return ZoneCheckOut(valid=True, message="", place=None, area_m2=area_m2)
    reason = shapely.is_valid_reason(area)
    match = _PLACE.match(reason)
    if match is None:
        return ZoneCheckOut(valid=False, message=reason, place=None, area_m2=area_m2)
    words, lon, lat = match.groups()
    return ZoneCheckOut(
        valid=False, message=words.strip(), place=(float(lon), float(lat)), area_m2=area_m2
    )
