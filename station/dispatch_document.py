"""The shape of the document that `qyran dispatch` reads; see docs/guides/dispatch.md."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from geo.positions import Datum
from geo.swapped import beyond_a_pole
from missions.events import Activity
from missions.model import AssetKind, Autopilot
from station.bounded_fields import (
    Energy,
    Instant,
    Latitude,
    Longitude,
    NotNegative,
    Number,
    Positive,
    PositiveSeconds,
    Rank,
    Seconds,
    Speed,
)

_KINDS = {"uav": "drone", "copter": "drone", "car": "vehicle", "patrol_car": "vehicle"}
_STATES = {
    "ready": "idle", "available": "idle", "free": "idle", "parked": "idle", "patrol": "underway",
    "patrolling": "underway", "flying": "underway", "driving": "underway", "busy": "underway",
    "holding": "underway", "rtl": "returning", "maintenance": "grounded", "broken": "grounded",
}  # fmt: skip
_LAT = ("lat", "lat_deg", "latitude")
_LON = ("lon", "lng", "lon_deg", "longitude")
_FEATURE = ("type", "geometry", "properties", "bbox")
_PERCENT = ("battery_pct", "battery_percent")
P = TypeVar("P", bound="Part")


def _word_of(table: Mapping[str, str]) -> BeforeValidator:
    def said(value: object) -> object:
        if not isinstance(value, str):
            return value
        word = value.strip().lower().replace(" ", "_").replace("-", "_")
        return table.get(word, word)

    return BeforeValidator(said)


class Part(BaseModel):
    """A part of the document: unknown fields are kept, so that they can be named."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    def gather_unknown(self, where: str, found: list[str]) -> None:
        """Adds the names of fields that nobody knows, here and in what it holds."""
        found += [f"{where}{name}" for name in self.model_extra or {}]
        for name in type(self).model_fields:
            value = getattr(self, name)
            for number, one in enumerate(value if isinstance(value, tuple) else (value,)):
                if isinstance(one, Part):
                    step = f"{name}.{number}." if isinstance(value, tuple) else f"{name}."
                    one.gather_unknown(where + step, found)


class PlacePart(Part):
    """A place: an object with lat and lon, a GeoJSON point, or [lon, lat] and maybe a height."""

    lat: Latitude = Field(validation_alias=AliasChoices(*_LAT))
    lon: Longitude = Field(validation_alias=AliasChoices(*_LON))
    up_m: Number | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_point(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("type") == "Feature":
            value = value.get("geometry")
        if isinstance(value, Mapping) and value.get("type") == "Point":
            value = value.get("coordinates")
        if isinstance(value, list | tuple):
            if len(value) not in (2, 3):
                raise ValueError("a place is [lon, lat] or [lon, lat, height above home]")
            value = dict(zip(("lon", "lat", "up_m"), value, strict=False))
        _refuse_beyond_pole(value)
        return value


def _refuse_beyond_pole(value: Any) -> None:
    """Says of a latitude that can only be a longitude what it is."""
    if not isinstance(value, Mapping):
        return
    lon, lat = (
        next((value[name] for name in names if name in value), None) for names in (_LON, _LAT)
    )
    if isinstance(lon, int | float) and isinstance(lat, int | float) and beyond_a_pole(lon, lat):
        raise ValueError(
            f"longitude and latitude are swapped: {lat:g} is no latitude; a list is [lon, lat]"
        )


class _Placed(Part):
    """Something with a place, under `position` or as lat and lon of its own."""

    position: PlacePart | None = Field(
        None,
        validation_alias=AliasChoices("position", "place", "location", "geometry", "coordinates"),
    )
    lat: Latitude | None = Field(None, validation_alias=AliasChoices(*_LAT))
    lon: Longitude | None = Field(None, validation_alias=AliasChoices(*_LON))
    up_m: Number | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_feature(cls, value: Any) -> Any:
        """Takes a GeoJSON feature, whose properties are the fields, or a bare point."""
        if isinstance(value, Mapping) and value.get("type") == "Feature":
            own = value.get("properties")
            value = {
                **{name: part for name, part in value.items() if name not in _FEATURE},
                **(own if isinstance(own, Mapping) else {}),
                "position": value.get("geometry"),
            }
        elif isinstance(value, Mapping) and value.get("type") == "Point":
            value = {name: part for name, part in value.items() if name != "type"}
        _refuse_beyond_pole(value)
        return value

    @model_validator(mode="after")
    def _has_place(self) -> "_Placed":
        if self.position is None and (self.lat is None or self.lon is None):
            raise ValueError("it has no place; give lat and lon, or position as [lon, lat]")
        return self

    def place_of(self) -> PlacePart:
        """Returns the place, wherever it stands."""
        if self.position is not None:
            up_m = self.position.up_m if self.position.up_m is not None else self.up_m
            return PlacePart(lat=self.position.lat, lon=self.position.lon, up_m=up_m)
        return PlacePart.model_validate({"lat": self.lat, "lon": self.lon, "up_m": self.up_m})


class EventPart(_Placed):
    """What has happened."""

    id: str = "event"
    kind: str = Field("sos", validation_alias=AliasChoices("kind", "type"))
    at: Instant | None = None
    stay_s: Seconds = 300.0
    priority: Rank = 100
    camera: str | bool | None = None
    resolution_m_per_px: Positive | None = None

    def camera_kind(self) -> str:
        """Returns the kind of camera that is wanted; `any` takes each, empty none."""
        if self.camera is None or self.camera is False:
            return ""
        return "any" if self.camera is True else self.camera


class PatrolPart(Part):
    """What an asset is doing."""

    id: str = ""
    name: str = ""
    priority: Rank = 0
    left_s: Seconds = 0.0
    resume_at: PlacePart | None = None
    until: Instant | None = None


class HomePart(PlacePart):
    """Where an asset belongs, with the height of the ground there."""

    ground_m: Number | None = None
    datum: Annotated[Datum, BeforeValidator(lambda v: Datum.named(str(v)))] = Datum.GEOID


class CameraPart(Part):
    """A camera, so far as its resolution matters."""

    id: str = ""
    width_px: Annotated[int, Field(ge=16, le=20_000)] = 1_920
    height_px: Annotated[int, Field(ge=16, le=20_000)] = 1_080
    hfov_deg: Annotated[float, Field(gt=1, lt=179)] = 62.0
    pitch_deg: Annotated[float, Field(ge=-90, le=0)] = -55.0


class AssetPart(_Placed):
    """An asset with its state."""

    id: Annotated[str, Field(min_length=1, max_length=100)]
    kind: Annotated[AssetKind, _word_of(_KINDS)] = Field(
        validation_alias=AliasChoices("kind", "type")
    )
    name: str = ""
    home: HomePart | None = None
    cruise_m_s: Speed | None = None
    endurance_s: PositiveSeconds | None = None
    acceptance_radius_m: Positive = 2.0
    autopilot: Autopilot = Autopilot.PX4
    climb_m_s: Speed = 2.5
    sink_m_s: Speed = 1.5
    energy: Energy | None = None
    link_range_m: Positive | None = None
    wind_most_m_s: Speed = 10.0
    coldest_c: Number = -10.0
    passive: bool = False
    camera: CameraPart | None = None
    cameras: tuple[str, ...] | None = None
    battery_fraction: Annotated[float, Field(ge=0, le=1)] | None = None
    state: Annotated[Activity | None, _word_of(_STATES)] = None
    ready_in_s: Seconds = 0.0
    patrol: PatrolPart | None = None
    on_duty: bool | None = None
    in_hand_of: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_percent(cls, value: Any) -> Any:
        """Takes the battery in percent as well."""
        if not isinstance(value, Mapping):
            return value
        said = [name for name in _PERCENT if value.get(name) is not None]
        if not said:
            return value
        if len(said) > 1 or value.get("battery_fraction") is not None:
            raise ValueError(f"{said[0]} and another word say the battery twice; leave one out")
        percent = value[said[0]]
        number = isinstance(percent, int | float) and not isinstance(percent, bool)
        if not (number and 0 <= percent <= 100):
            raise ValueError(f"{said[0]} is {percent!r}, not a number from 0 to 100")
        rest = {name: part for name, part in value.items() if name not in _PERCENT}
        return {**rest, "battery_fraction": percent / 100}

    def activity(self) -> Activity:
        """Returns what it does; with a patrol and no state it is under way."""
        if self.state is not None:
            return self.state
        return Activity.IDLE if self.patrol is None else Activity.UNDERWAY


class PersonPart(Part):
    """Somebody who may fly or drive."""

    id: Annotated[str, Field(min_length=1)]
    kinds: tuple[Annotated[AssetKind, _word_of(_KINDS)], ...] = tuple(AssetKind)
    assets: tuple[str, ...] = ()
    on_duty: bool = True


class Document(Part):
    """The whole document."""

    event: EventPart
    assets: tuple[AssetPart, ...] = Field((), validation_alias=AliasChoices("assets", "fleet"))
    zones: Any = None
    permissions: Any = None
    weather: dict[str, Any] | None = None
    rally: tuple[PlacePart, ...] = ()
    people: tuple[PersonPart, ...] | None = None
    drones_per_pilot: Annotated[int, Field(ge=1, le=1_000)] = 1
    policy: dict[str, Any] = Field(default_factory=dict)
    margin_m: NotNegative = 0.0
