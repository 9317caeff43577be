"""The shape of the document that `qyran plan fleet` reads; see docs/guides/fleet.md."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, model_validator
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from geo.antimeridian import CURE_APART, edge_across, said
from missions.model import AssetKind, Autopilot
from station.bounded_fields import (
    LONGEST_S,
    Energy,
    Hours,
    Instant,
    NotNegative,
    Number,
    Positive,
    PositiveSeconds,
    Seconds,
    Speed,
    Width,
)
from station.dispatch_document import CameraPart, HomePart, Part, PlacePart

Name = Annotated[str, Field(min_length=1, max_length=100)]
_KINDS = {
    "uav": "drone", "copter": "drone", "car": "vehicle", "patrol_car": "vehicle",
    "ambulance": "vehicle",
}  # fmt: skip


def _kind(value: object) -> object:
    if not isinstance(value, str):
        return value
    word = value.strip().lower().replace(" ", "_").replace("-", "_")
    return _KINDS.get(word, word)


def _geometry(value: object) -> object:
    """Takes a GeoJSON geometry or feature, or [lon, lat]."""
    if isinstance(value, Mapping) and value.get("type") == "Feature":
        value = value.get("geometry")
    if isinstance(value, list | tuple) and len(value) in (2, 3):
        value = {"type": "Point", "coordinates": value}
    if not isinstance(value, Mapping):
        raise ValueError("it is no GeoJSON geometry and no [lon, lat]")
    try:
        made = shape(dict(value))
    except (ShapelyError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise ValueError(f"it is no GeoJSON geometry: {error}") from error
    if made.is_empty or made.geom_type not in ("Point", "LineString", "Polygon"):
        raise ValueError(f"a {made.geom_type} is not understood; give Point, LineString or Polygon")
    west, south, east, north = made.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise ValueError("it is no place on Earth; give longitude, then latitude")
    across = edge_across(made)
    if across is not None:
        raise ValueError(f"{said(across)}; {CURE_APART}")
    if not made.is_valid:
        raise ValueError("its border crosses itself")
    return made


Kind = Annotated[AssetKind, BeforeValidator(_kind)]
Shape = Annotated[Any, BeforeValidator(_geometry)]
_WHERE = AliasChoices("geometry", "place", "position", "line", "area")


class ShiftPart(Part):
    """When somebody is on duty."""

    start: Instant
    end: Instant | None = None
    hours: Hours | None = None
    rrule: str = ""
    time_zone: str = "UTC"
    exdates: tuple[Instant, ...] = ()

    @model_validator(mode="after")
    def _ends(self) -> "ShiftPart":
        if (self.end is None) == (self.hours is None):
            raise ValueError("give either the first end or the hours")
        if self.end is not None and self.end <= self.start:
            raise ValueError("it ends before it begins")
        return self


class PersonPart(Part):
    """Somebody who flies or drives."""

    id: Name
    name: str = ""
    kinds: tuple[Kind, ...] = tuple(AssetKind)
    assets: tuple[str, ...] = ()
    shifts: tuple[ShiftPart, ...] | None = None
    """`None`: on duty for the whole of it."""


class FleetAssetPart(Part):
    """An asset."""

    id: Name
    kind: Kind
    name: str = ""
    home: HomePart = Field(validation_alias=AliasChoices("home", "position", "depot"))
    cruise_m_s: Speed = 10.0
    endurance_s: PositiveSeconds = 1_500.0
    acceptance_radius_m: Positive = 2.0
    autopilot: Autopilot = Autopilot.PX4
    climb_m_s: Speed = 2.5
    sink_m_s: Speed = 1.5
    energy: Energy | None = None
    link_range_m: Positive | None = None
    wind_most_m_s: Speed = 10.0
    coldest_c: Number = -10.0
    passive: bool = False
    camera: CameraPart | bool = True
    height_m: Positive = 60.0
    swap_s: Seconds = 180.0
    available_from: Instant | None = None
    available_until: Instant | None = None


class WantedPart(Part):
    """What jobs and targets have in common."""

    id: Name
    name: str = ""
    geometry: Shape = Field(validation_alias=_WHERE)
    stay_s: Seconds = 30.0
    kinds: tuple[Kind, ...] = tuple(AssetKind)

    @property
    def shape(self) -> BaseGeometry:
        """Where it is; longitude first."""
        made: BaseGeometry = self.geometry
        return made


class JobPart(WantedPart):
    """Something to be looked at once."""

    earliest: Instant | None = None
    latest: Instant | None = None
    worth_s: PositiveSeconds | None = None
    assets: tuple[str, ...] = ()
    needs_camera: bool = True
    seen_counts: bool = False
    swath_m: Width = 50.0

    @model_validator(mode="after")
    def _window_is_one(self) -> "JobPart":
        if self.earliest and self.latest and self.latest < self.earliest:
            raise ValueError("its latest is before its earliest")
        return self


class TargetPart(WantedPart):
    """A place, street or zone that should never stay unseen for too long."""

    revisit_s: Annotated[float, Field(ge=60, le=LONGEST_S)]
    last_seen_at: Instant | None = None
    weight: Annotated[float, Field(ge=1e-6, le=1e6)] = 1.0


def _fix(value: object) -> object:
    """Takes [lon, lat, instant]."""
    if isinstance(value, list | tuple) and len(value) == 3:
        return dict(zip(("lon", "lat", "at"), value, strict=True))
    return value


class FixPart(Part):
    """Where an asset was at an instant."""

    at: Instant
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]


class TrackPart(Part):
    """Where a passive asset was."""

    asset: Name
    sees_m: NotNegative = 30.0
    fixes: tuple[Annotated[FixPart, BeforeValidator(_fix)], ...]


class PolicyPart(Part):
    """What the city allows."""

    drones_per_pilot: Annotated[int, Field(ge=1, le=20)] = 1


class FleetDocument(Part):
    """The whole document."""

    start: Instant
    end: Instant | None = None
    hours: Hours | None = None
    seed: Annotated[int, Field(ge=0, le=2**31)] = 1
    iterations: Annotated[int, Field(ge=1, le=1_000_000)] = 500
    roads: str | None = None
    zones: Any = None
    permissions: Any = None
    weather: dict[str, Any] | None = None
    rally: tuple[PlacePart, ...] = ()
    margin_m: NotNegative = 0.0
    policy: PolicyPart = PolicyPart()
    people: tuple[PersonPart, ...] | None = None
    assets: tuple[FleetAssetPart, ...] = Field(validation_alias=AliasChoices("assets", "fleet"))
    jobs: tuple[JobPart, ...] = ()
    targets: tuple[TargetPart, ...] = ()
    tracks: tuple[TrackPart, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> "FleetDocument":
        if (self.end is None) == (self.hours is None):
            raise ValueError("give either the shift's end or its hours")
        if self.end is not None and self.end <= self.start:
            raise ValueError("the shift ends before it begins")
        for what, ids in (
            ("asset", [one.id for one in self.assets]),
            ("job or target", [one.id for one in (*self.jobs, *self.targets)]),
            ("person", [one.id for one in self.people or ()]),
        ):
            double = next((name for k, name in enumerate(ids) if name in ids[:k]), None)
            if double is not None:
                raise ValueError(f"{what} {double} is there twice")
        return self
