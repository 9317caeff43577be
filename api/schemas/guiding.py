"""What pilots ask of aircraft beside their missions, on the wire."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue

from api.schemas.base import Answer, Body, Id, Lat, Lon
from missions.guided import ApprovedText, Capability, FlyTo, Light, LookAt, Orbit, Task, Zoom

_FLY: list[JsonValue] = [{"task": "fly_to", "lat": 50.9754, "lon": 71.3549, "altitude_m": 60}]
_FOLLOW: list[JsonValue] = [
    {"task": "follow", "target": "car-1", "altitude_m": 60, "distance_m": 30}
]
_SAY: list[JsonValue] = [{"task": "loudspeaker", "text": "step-back", "language": "kk"}]
Up = Annotated[float, Field(ge=-500, le=10_000)]
"""Metres above the aircraft's home."""
Speed = Annotated[float, Field(ge=0.5, le=40)]


class FlyToBody(Body):
    """Go straight to a place and stay there."""

    model_config = ConfigDict(json_schema_extra={"examples": _FLY})

    task: Literal["fly_to"]
    lat: Lat
    lon: Lon
    altitude_m: Up
    speed_m_s: Speed | None = None

    def to_domain(self) -> Task:
        """Returns the task."""
        return FlyTo(self.lat, self.lon, self.altitude_m, self.speed_m_s)


class OrbitBody(Body):
    """Go round a place."""

    task: Literal["orbit"]
    lat: Lat
    lon: Lon
    altitude_m: Up
    radius_m: Annotated[float, Field(ge=5, le=500)]
    clockwise: bool = True
    speed_m_s: Speed | None = None

    def to_domain(self) -> Task:
        """Returns the task."""
        return Orbit(
            self.lat, self.lon, self.altitude_m, self.radius_m, self.clockwise, self.speed_m_s
        )


class FollowBody(Body):
    """Follow another asset."""

    model_config = ConfigDict(json_schema_extra={"examples": _FOLLOW})

    task: Literal["follow"]
    target: Id
    """The asset that is followed."""
    altitude_m: Up
    distance_m: Annotated[float, Field(ge=0, le=500)] = 20.0


class LookAtBody(Body):
    """Keep the camera on a place; without one it is let go."""

    task: Literal["look_at"]
    lat: Lat | None = None
    lon: Lon | None = None
    altitude_m: Up = 0.0

    def to_domain(self) -> Task:
        """Returns the task."""
        if self.lat is None or self.lon is None:
            return LookAt(None)
        return LookAt((self.lat, self.lon), self.altitude_m)


class ZoomBody(Body):
    """Set the zoom, as a share of the camera's range."""

    task: Literal["zoom"]
    percent: Annotated[float, Field(ge=0, le=100)]

    def to_domain(self) -> Task:
        """Returns the task."""
        return Zoom(self.percent)


class LightBody(Body):
    """Switch the searchlight."""

    task: Literal["light"]
    on: bool

    def to_domain(self) -> Task:
        """Returns the task."""
        return Light(self.on)


class SayBody(Body):
    """Say an approved text over the loudspeaker."""

    model_config = ConfigDict(json_schema_extra={"examples": _SAY})

    task: Literal["loudspeaker"]
    text: Id
    """Of `/approved-texts`."""
    language: Id


TaskBody = Annotated[
    FlyToBody | OrbitBody | FollowBody | LookAtBody | ZoomBody | LightBody | SayBody,
    Field(discriminator="task"),
]


class CapabilitiesOut(Answer):
    """What may be asked of an asset beside its mission."""

    asset_id: str
    capabilities: list[Capability]


class TextOut(Answer):
    """A text that may be said over a loudspeaker."""

    id: str
    language: str
    words: str

    @classmethod
    def from_domain(cls, text: ApprovedText) -> Self:
        """Returns a text."""
        return cls(id=text.text_id, language=text.language, words=text.words)


class TextsOut(Answer):
    """All of them."""

    items: list[TextOut]
