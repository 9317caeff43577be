"""Checks of plan files, and who goes to an event, on the wire."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, JsonValue

from api.schemas.base import Answer, Body, Instant, LonLat, NearInstant
from api.schemas.missions import FindingOut
from core.errors import BadRequest
from geo.area_path import PathWish
from geo.sweep_path import SEEN_GOAL
from geo.sweep_time import Pace, Wind
from missions.events import Candidate, Decision, EnergyNeed, Event, LeftTask, Reason, TaskOutcome
from missions.formats.losses import Loss
from missions.model import Severity
from missions.weather import BOUNDS, Weather


def _step(command: int, lat: float, lon: float, up_m: float) -> dict[str, JsonValue]:
    """Returns a step of an example of a plan; heights count from home."""
    return {
        "type": "SimpleItem",
        "command": command,
        "frame": 3,
        "autoContinue": True,
        "params": [0, 0, 0, None, lat, lon, up_m],
    }


_PLAN_EXAMPLE: dict[str, JsonValue] = {
    "fileType": "Plan",
    "version": 1,
    "mission": {
        "version": 2,
        "plannedHomePosition": [50.9754, 71.3549, 350.0],
        "hoverSpeed": 8,
        "cruiseSpeed": 8,
        "items": [
            _step(22, 50.9754, 71.3549, 40),
            _step(16, 50.9763, 71.3549, 40),
            {**_step(20, 0, 0, 0), "frame": 2},
        ],
    },
}


def _bounded(name: str) -> Any:
    """Returns the bounds of a number of the weather."""
    least, most = BOUNDS[name]
    return Field(ge=least, le=most)


class WeatherBody(Body):
    """What the air does; what is left out is not known, never fine."""

    at: NearInstant
    wind_m_s: Annotated[float, _bounded("wind_m_s")] | None = None
    wind_from_deg: Annotated[float, _bounded("wind_from_deg")] | None = None
    gust_m_s: Annotated[float, _bounded("gust_m_s")] | None = None
    temperature_c: Annotated[float, _bounded("temperature_c")] | None = None
    dew_point_c: Annotated[float, _bounded("dew_point_c")] | None = None
    visibility_m: Annotated[float, _bounded("visibility_m")] | None = None
    ceiling_m: Annotated[float, _bounded("ceiling_m")] | None = None
    precipitation_mm_h: Annotated[float, _bounded("precipitation_mm_h")] | None = None
    source: Annotated[str, Field(max_length=200)] = ""

    def to_domain(self) -> Weather:
        """Returns the weather."""
        return Weather(**self.model_dump())


class PlanCheckBody(Body):
    """A plan file to be checked against the zones and permissions of the station."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"plan": _PLAN_EXAMPLE, "margin_m": 3}]}
    )

    plan: dict[str, Any]
    """A QGroundControl `.plan` document."""
    asset_id: str | None = None
    """Who flies it; a usual PX4 quadcopter by default."""
    departs_at: NearInstant | None = None
    weather: WeatherBody | None = None
    margin_m: Annotated[float, Field(ge=0, le=1_000)] = 0.0
    station_zones: bool = True
    """Whether the station's flight zones hold besides the plan's own fence."""
    station_permissions: bool = True
    """Whether it must fit one of the station's permissions; else it is only not known."""
    station_surroundings: bool = True
    """Whether the station's ground counts and, for a named asset that starts within the hour, its
    weather (where none is given) and our sorties under way, as when the plan is started."""
    fix: bool = False
    """Whether cures are applied and the result is proven again."""


class AreaPlanBody(Body):
    """An area, and how it is to be covered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "area": {
                        "type": "Polygon",
                        "coordinates": [
                            [[71.35, 50.97], [71.354, 50.97], [71.354, 50.972], [71.35, 50.97]]
                        ],
                    },
                    "swath_m": 30,
                    "margin_m": 5,
                }
            ]
        }
    )

    area: dict[str, Any]
    """GeoJSON: a geometry, a Feature or a FeatureCollection with polygons."""
    swath_m: Annotated[float, Field(ge=0.01, le=10_000)]
    """Width that is seen from the path."""
    margin_m: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    start: LonLat | None = None
    """Where one comes from; longitude first."""
    angle_deg: Annotated[float, Field(ge=-720, le=720)] | None = None
    """Direction of the lanes, counter-clockwise from east; else the best."""
    speed_m_s: Annotated[float, Field(ge=0.01, le=100)] = 8.0
    turn_s: Annotated[float, Field(ge=0, le=600)] = 0.5
    covered: Annotated[float, Field(ge=0, lt=1)] = SEEN_GOAL
    wind_m_s: Annotated[float, Field(ge=0, le=100)] = 0.0
    wind_from_deg: Annotated[float, Field(ge=-720, le=720)] = 0.0
    station_zones: bool = True
    """Whether the station's flight zones limit the path."""

    def wish(self) -> PathWish:
        """Returns how the area is to be covered.

        Raises:
            BadRequest: if the wind is stronger than one goes, or the start is no place.
        """
        start = None
        if self.start is not None:
            lon, lat = self.start
            if not (abs(lon) <= 180 and abs(lat) <= 90):
                raise BadRequest(
                    f"{lon:g}, {lat:g} is no place on Earth",
                    where="start",
                    cure="give longitude first, then latitude",
                )
            start = lat, lon
        try:
            pace = Pace(self.speed_m_s, self.turn_s, Wind(self.wind_m_s, self.wind_from_deg))
        except ValueError as error:
            raise BadRequest(
                str(error), where="speed_m_s, wind_m_s", cure="wait, or fly faster"
            ) from error
        return PathWish(self.swath_m, self.margin_m, start, self.angle_deg, pace, self.covered)


class AreaPlanOut(Answer):
    """A path from which a strip sees an area."""

    path: dict[str, Any]
    """A LineString, or a MultiLineString where the area has separate parts."""
    transits: dict[str, Any] | None = None
    """The ways between separate parts."""
    length_m: float
    turns: int
    covered_fraction: float
    """Share of the area as it was given."""
    covered_permitted_fraction: float
    """Share of the area without what zones take away."""
    outside_m: float
    flight_s: float
    swath_m: float
    area_m2: float
    permitted_m2: float
    epsg: int
    """The grid that distances are of."""
    seconds: float
    """What planning took."""
    zone_versions: dict[str, int]
    """Versions of the station's zones that limited it."""


class LossOut(Answer):
    """Something of a file that was not understood or can't be kept."""

    severity: Severity
    code: str
    message: str
    item: int | None

    @classmethod
    def from_domain(cls, loss: Loss) -> Self:
        """Returns a loss."""
        return cls(severity=loss.severity, code=loss.code, message=loss.message, item=loss.item)


class PlanCheckOut(Answer):
    """What the check of a plan file found."""

    safe: bool
    items: int
    findings: list[FindingOut]
    losses: list[LossOut]
    changes: list[str]
    """What was changed, in words; only with `fix`."""
    plan: dict[str, Any] | None
    """The mended plan as a `.plan` document; only with `fix`."""


class EventBody(Body):
    """Something that has happened and needs an asset at its place."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "sos", "lat": 50.9761, "lon": 71.3587, "stay_s": 300}]
        }
    )

    kind: Annotated[str, Field(min_length=1, max_length=60)] = "sos"
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    at: NearInstant | None = None
    """Now by default."""
    stay_s: Annotated[float, Field(ge=0, le=86_400)] = 300.0
    priority: Annotated[int, Field(ge=0, le=1_000)] = 100
    camera: Annotated[str, Field(max_length=40)] = ""
    weather: WeatherBody | None = None


class EnergyOut(Answer):
    """What an answer to an event takes of a battery."""

    unit: str
    go: float
    stay: float
    back: float
    have: float

    @classmethod
    def from_domain(cls, need: EnergyNeed) -> Self:
        """Returns a need."""
        return cls(unit=need.unit, go=need.go, stay=need.stay, back=need.back, have=need.have)


class CandidateOut(Answer):
    """One asset, judged for one event."""

    asset_id: str
    feasible: bool | None
    reason_code: Reason
    why: str
    travel_s: float | None
    arrives_at: Instant | None
    energy: EnergyOut | None
    route: list[LonLat]
    findings: list[FindingOut]

    @classmethod
    def from_domain(cls, one: Candidate) -> Self:
        """Returns a candidate; its route longitude first."""
        return cls(
            asset_id=one.asset_id,
            feasible=one.feasible,
            reason_code=one.reason,
            why=one.why,
            travel_s=one.travel_s,
            arrives_at=one.arrives_at,
            energy=None if one.energy is None else EnergyOut.from_domain(one.energy),
            route=[(lon, lat) for lat, lon in one.route],
            findings=[FindingOut.from_domain(finding) for finding in one.findings],
        )


class LeftTaskOut(Answer):
    """A task that is left for an event, and what becomes of it."""

    name: str
    patrol_id: str | None
    outcome: TaskOutcome
    by: str | None
    resumes_at: Instant | None
    why: str

    @classmethod
    def from_domain(cls, left: LeftTask) -> Self:
        """Returns a task that is left."""
        return cls(
            name=left.task.name,
            patrol_id=left.task.patrol_id,
            outcome=left.outcome,
            by=left.by,
            resumes_at=left.resumes_at,
            why=left.why,
        )


class DecisionOut(Answer):
    """Who goes to an event, why, and why not the others."""

    event_id: str
    at: Instant
    chosen: str | None
    explanation: str
    candidates: list[CandidateOut]
    left_task: LeftTaskOut | None
    notes: list[str]

    @classmethod
    def from_domain(cls, decision: Decision) -> Self:
        """Returns a decision."""
        event: Event = decision.event
        left = decision.left_task
        return cls(
            event_id=event.event_id,
            at=event.at,
            chosen=None if decision.chosen is None else decision.chosen.asset_id,
            explanation=decision.explanation,
            candidates=[CandidateOut.from_domain(one) for one in decision.candidates],
            left_task=None if left is None else LeftTaskOut.from_domain(left),
            notes=list(decision.notes),
        )
