"""Assets, patrols, plans, sorties, tracks on the wire."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field

from api.schemas.base import (
    Answer,
    Body,
    Id,
    Instant,
    LineString,
    LonLat,
    Name,
    PolygonOut,
    line_of,
    polygon_of,
)
from api.services import Operations, PlanReport
from core.errors import BadRequest
from core.ids import AssetId, PatrolId, ZoneId
from geo.local_frame import distance_m
from geo.positions import Altitude, Datum
from missions.attestations import LIMITS, Limit
from missions.fence_translation import FenceLoss
from missions.guided import Capability
from missions.model import (
    Asset,
    AssetKind,
    Finding,
    Patrol,
    Pattern,
    Severity,
    Sortie,
    SortieState,
)
from missions.planning.patrol_room import LeftOut
from missions.planning.planner import plan_path
from telemetry.model import AssetStatus, TelemetrySample


class StatusOut(Answer):
    """The newest that is known of an asset."""

    at: Instant
    lat: float
    lon: float
    altitude_m: float
    datum: Datum
    heading_deg: float | None
    speed_m_s: float | None
    battery_fraction: float | None
    mode: str | None
    armed: bool | None
    footprint: PolygonOut | None
    sortie_id: str | None

    @classmethod
    def from_domain(cls, status: AssetStatus, operations: Operations) -> Self | None:
        """Returns a status, or `None` where it has no place to show."""
        sample = status.sample
        if sample.position is None:
            return None
        asset_id = sample.asset_id
        return cls(
            at=sample.at,
            lat=sample.position.lat_deg,
            lon=sample.position.lon_deg,
            altitude_m=sample.position.altitude.metres,
            datum=sample.position.altitude.datum,
            heading_deg=_heading_deg(sample),
            speed_m_s=_speed_m_s(sample),
            battery_fraction=sample.battery_fraction,
            mode=None if sample.mode is None else str(sample.mode),
            armed=sample.armed,
            footprint=polygon_of(operations.footprint(asset_id)),
            sortie_id=operations.sortie_of(asset_id),
        )


def _speed_m_s(sample: TelemetrySample) -> float | None:
    if sample.north_m_s is None or sample.east_m_s is None:
        return None
    return math.hypot(sample.north_m_s, sample.east_m_s)


def _heading_deg(sample: TelemetrySample) -> float | None:
    return None if sample.attitude is None else sample.attitude.yaw_deg % 360.0


class AssetOut(Answer):
    """Something that patrols."""

    id: str
    name: str
    kind: AssetKind
    passive: bool
    attested: bool
    """It can't be commanded: its pilot flies it by hand and says what it does."""
    home: LonLat
    agency: str | None
    status: StatusOut | None

    @classmethod
    def from_domain(cls, asset: Asset, operations: Operations) -> Self:
        """Returns an asset with its newest status."""
        status = operations.status(asset.asset_id)
        return cls(
            id=asset.asset_id,
            name=asset.name,
            kind=asset.kind,
            passive=asset.passive,
            attested=asset.attested,
            home=(asset.home.lon_deg, asset.home.lat_deg),
            agency=asset.agency,
            status=None if status is None else StatusOut.from_domain(status, operations),
        )


class PatrolBody(Body):
    """A patrol to be kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Yards", "asset_id": "drone-1", "zone_ids": [], "altitude_m": 60},
                {
                    "name": "Lamps of the avenue",
                    "asset_id": "drone-1",
                    "altitude_m": 40,
                    "pattern": "places",
                    "places": [[71.351, 50.971], [71.352, 50.972]],
                    "stay_s": 5,
                },
            ]
        }
    )

    name: Name
    asset_id: Id
    zone_ids: Annotated[list[Id], Field(max_length=200, default_factory=list)]
    altitude_m: Annotated[float, Field(gt=0, le=500)] | None = None
    """Above home; needed for a drone. With a wanted resolution the greatest that is allowed."""
    pattern: Pattern = Pattern.AREA
    route: Annotated[list[LonLat], Field(max_length=5_000, default_factory=list)]
    """For a car the line to drive, for a corridor its middle; longitude first."""
    places: Annotated[list[LonLat], Field(max_length=1_000, default_factory=list)]
    """For an orbit or a look-list; longitude first."""
    overlap_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.2
    front_overlap_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.7
    resolution_m_per_px: Annotated[float, Field(gt=0, le=10)] | None = None
    width_m: Annotated[float, Field(gt=0, le=5_000)] = 50.0
    radius_m: Annotated[float, Field(gt=0, le=2_000)] = 30.0
    stay_s: Annotated[float, Field(ge=0, le=3_600)] = 10.0
    terrain_following: bool = False
    revisit_s: Annotated[float, Field(gt=0, le=3.2e8)] | None = None
    """Longest time that what is watched should stay unseen."""

    def to_domain(self, patrol_id: PatrolId) -> Patrol:
        """Returns the patrol.

        Raises:
            BadRequest: if the pattern lacks what it is about.
        """
        needed = {
            Pattern.CORRIDOR: ("route", len(self.route) >= 2, "a corridor needs two places"),
            Pattern.ORBIT: ("places", bool(self.places), "an orbit needs a place"),
            Pattern.PLACES: ("places", bool(self.places), "a look-list needs a place"),
        }
        where, there, message = needed.get(self.pattern, ("", True, ""))
        if not there:
            raise BadRequest(message, where=where, cure="give it as [[longitude, latitude], ...]")
        for name, listed in (("route", self.route), ("places", self.places)):
            for lon, lat in listed:
                if not (abs(lon) <= 180.0 and abs(lat) <= 90.0):
                    raise BadRequest(
                        f"{lon}, {lat} is no place on Earth",
                        where=name,
                        cure="give longitude first, then latitude, in degrees",
                    )
        return Patrol(
            patrol_id=patrol_id,
            name=self.name,
            zone_ids=tuple(ZoneId(zone_id) for zone_id in dict.fromkeys(self.zone_ids)),
            asset_id=AssetId(self.asset_id),
            altitude=Altitude(self.altitude_m or 0.0, Datum.HOME),
            overlap_fraction=self.overlap_fraction,
            route=tuple((lat, lon) for lon, lat in self.route),
            pattern=self.pattern,
            places=tuple((lat, lon) for lon, lat in self.places),
            resolution_m_per_px=self.resolution_m_per_px,
            front_overlap_fraction=self.front_overlap_fraction,
            width_m=self.width_m,
            radius_m=self.radius_m,
            stay_s=self.stay_s,
            terrain_following=self.terrain_following,
            revisit_s=self.revisit_s,
        )


class PatrolOut(Answer):
    """What should be watched, by which asset."""

    id: str
    name: str
    asset_id: str
    zone_ids: list[str]
    altitude_m: float
    route: LineString | None
    pattern: Pattern
    places: list[LonLat]
    overlap_fraction: float
    front_overlap_fraction: float
    resolution_m_per_px: float | None
    width_m: float
    radius_m: float
    stay_s: float
    terrain_following: bool
    revisit_s: float | None

    @classmethod
    def from_domain(cls, patrol: Patrol) -> Self:
        """Returns a patrol."""
        return cls(
            id=patrol.patrol_id,
            name=patrol.name,
            asset_id=patrol.asset_id,
            zone_ids=list(patrol.zone_ids),
            altitude_m=patrol.altitude.metres,
            route=line_of(patrol.route),
            pattern=patrol.pattern,
            places=[(lon, lat) for lat, lon in patrol.places],
            overlap_fraction=patrol.overlap_fraction,
            front_overlap_fraction=patrol.front_overlap_fraction,
            resolution_m_per_px=patrol.resolution_m_per_px,
            width_m=patrol.width_m,
            radius_m=patrol.radius_m,
            stay_s=patrol.stay_s,
            terrain_following=patrol.terrain_following,
            revisit_s=patrol.revisit_s,
        )


class FindingOut(Answer):
    """One result of a plan's checks."""

    severity: Severity
    code: str
    message: str
    place: LonLat | None
    item: int | None
    cure: str

    @classmethod
    def from_domain(cls, finding: Finding) -> Self:
        """Returns a finding; its place longitude first."""
        place = finding.place
        return cls(
            severity=finding.severity,
            code=finding.code,
            message=finding.message,
            place=None if place is None else (place[1], place[0]),
            item=finding.item,
            cure=finding.cure,
        )


def _length_m(path: Sequence[tuple[float, float]]) -> float:
    return sum(distance_m(*a, *b) for a, b in pairwise(path))


class LeftOutOut(Answer):
    """Something of a patrol that its plan does not do."""

    what: str
    reason: str
    place: LonLat

    @classmethod
    def from_domain(cls, one: LeftOut) -> Self:
        """Returns what is left out; its place longitude first."""
        lat, lon = one.place
        return cls(what=one.what, reason=one.reason, place=(lon, lat))


class FenceLossOut(Answer):
    """Something that the autopilot's own fence can't carry."""

    code: str
    message: str
    zone_id: str | None
    area_m2: float

    @classmethod
    def from_domain(cls, loss: FenceLoss) -> Self:
        """Returns a loss."""
        area_m2 = round(loss.area_m2, 1)
        return cls(code=loss.code, message=loss.message, zone_id=loss.zone_id, area_m2=area_m2)


class PlanOut(Answer):
    """A plan and what its checks found."""

    patrol_id: str
    asset_id: str
    path: LineString | None
    length_m: float
    expected_s: float
    findings: list[FindingOut]
    safe: bool
    left_out: list[LeftOutOut]
    """What of the patrol is not done, and why."""
    fence_losses: list[FenceLossOut]
    """What the autopilot's own fence can't carry; always on the safe side."""
    zone_versions: dict[str, int]

    @classmethod
    def from_domain(
        cls, patrol_id: str, report: PlanReport, zone_versions: Mapping[str, int]
    ) -> Self:
        """Returns a plan; `zone_versions` are those that it was made with."""
        path = plan_path(report.plan)
        return cls(
            patrol_id=patrol_id,
            asset_id=report.plan.asset_id,
            path=line_of(path),
            length_m=round(_length_m(path), 1),
            expected_s=round(report.plan.expected_s, 1),
            findings=[FindingOut.from_domain(finding) for finding in report.findings],
            safe=report.safe,
            left_out=[LeftOutOut.from_domain(one) for one in report.left_out],
            fence_losses=[FenceLossOut.from_domain(loss) for loss in report.fence_losses],
            zone_versions=dict(zone_versions),
        )


class ReturnBody(Body):
    """Why a sortie is brought home, where it is not merely a person's wish."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "retasked"}]})

    reason: Literal["retasked"] | None = None
    """It is wanted for something more urgent: the sortie's reason code and the shift report."""


class ProgressOut(Answer):
    """How far a sortie is."""

    reached: int
    total: int


class SortieEventOut(Answer):
    """One line of a sortie's log."""

    at: Instant
    state: SortieState
    text: str


class SortieOut(Answer):
    """One asset executing one plan once."""

    id: str
    patrol_id: str | None
    asset_id: str
    state: SortieState
    progress: ProgressOut | None
    started_at: Instant | None
    ended_at: Instant | None
    reason_code: str
    guided: Capability | None
    """What it does beside its mission, which is on hold then."""
    by_hand: bool
    """A pilot has taken the sticks: nothing is ordered until somebody takes it back."""
    events: list[SortieEventOut]
    path: LineString | None
    attested: bool
    """Its states are its pilot's word; it is never proven flown."""
    limits: list[Limit]
    """What an attested flight lacks."""

    @classmethod
    def from_domain(cls, sortie: Sortie) -> Self:
        """Returns a sortie."""
        p = sortie.progress
        return cls(
            id=sortie.sortie_id,
            patrol_id=sortie.plan.patrol_id,
            asset_id=sortie.plan.asset_id,
            state=sortie.state,
            progress=None if p is None else ProgressOut(reached=p.reached, total=p.total),
            started_at=sortie.started_at,
            ended_at=sortie.ended_at,
            reason_code=sortie.reason_code,
            guided=None if sortie.guided is None else sortie.guided.kind,
            by_hand=sortie.by_hand,
            events=[
                SortieEventOut(at=event.at, state=event.state, text=event.text)
                for event in sortie.events
            ],
            path=line_of(plan_path(sortie.plan)),
            attested=sortie.attested,
            limits=list(LIMITS) if sortie.attested else [],
        )


class TrackProperties(Answer):
    """When an asset was at each place of its track."""

    asset_id: str
    times: list[Instant]


class TrackOut(Answer):
    """Where an asset was, as a GeoJSON feature; its geometry is null where it has not moved."""

    type: Literal["Feature"] = "Feature"
    geometry: LineString | None
    properties: TrackProperties

    @classmethod
    def from_domain(cls, asset_id: AssetId, samples: Sequence[TelemetrySample]) -> Self:
        """Returns the track of samples that have a place."""
        placed = [(s.at, s.position) for s in samples if s.position is not None]
        line = line_of(tuple((position.lat_deg, position.lon_deg) for _, position in placed))
        times = [at for at, _ in placed] if line is not None else []
        return cls(geometry=line, properties=TrackProperties(asset_id=asset_id, times=times))
