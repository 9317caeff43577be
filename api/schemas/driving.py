"""What the driver's page sends and gets."""

import math
from typing import Annotated, Self

from pydantic import ConfigDict, Field, JsonValue

from api.driving_desk import ONE_SIGMA, Posted, Sheet, TapAnswer, TapOutcome
from api.schemas.base import Answer, Body, Id, Instant, Lat, LineString, Lon, LonLat, line_of
from api.services import Services
from core.errors import NotFound
from core.ids import AssetId, SortieId, UserId
from geo.positions import Altitude, Datum, Position
from missions.driving.rounds import StopNow, StopState
from missions.driving.taps import Obstacle, Tap, TapId, TapKind, TapPlace
from missions.handoffs.model import Handoff, HandoffState
from missions.model import Asset, SortieState
from missions.planning.planner import plan_path
from telemetry.model import TelemetrySample

_PLACE: dict[str, JsonValue] = {"lat": 50.9754, "lon": 71.3549, "radius_m": 6.5}
_TAP: dict[str, JsonValue] = {
    "id": "tap-7d0c5b1e-52f4-4a3e-9d0a-0b6f2f3f9a11",
    "kind": "done",
    "at": "2026-11-20T09:00:00Z",
    "sortie_id": "sortie-4f0c8a1d2b3c4d5e6f70",
    "stop": 2,
    "place": _PLACE,
}
_TAPS: list[JsonValue] = [{"taps": [_TAP]}]
_POSITIONS: list[JsonValue] = [
    {"positions": [{"at": "2026-11-20T09:00:00Z", **_PLACE, "speed_m_s": 8.2, "course_deg": 91.5}]}
]
_SEAT: list[JsonValue] = [{}, {"take_over": True}]
Radius = Annotated[float, Field(ge=0, le=1e7)]
"""Of the circle that holds a place, metres; 68 % certain at the least."""


class SeatBody(Body):
    """A driver sits down."""

    model_config = ConfigDict(json_schema_extra={"examples": _SEAT})

    take_over: bool = False
    """Take the car although somebody else sits in it."""


class PlaceIn(Body):
    """Where a phone was."""

    lat: Lat
    lon: Lon
    radius_m: Radius


class TapIn(Body):
    """One press of a button."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{8,80}$")]
    """Made by the phone, never used twice: the same press sent again is known by it."""
    kind: TapKind
    at: Instant
    sortie_id: Id | None = None
    stop: Annotated[int, Field(ge=0, le=100_000)] | None = None
    reason: Obstacle | None = None
    place: PlaceIn | None = None

    def to_domain(self, asset_id: str, by: UserId, received_at: Instant) -> Tap:
        """Returns the tap."""
        place = self.place
        return Tap(
            TapId(self.id),
            AssetId(asset_id),
            by,
            self.kind,
            self.at,
            received_at,
            None if self.sortie_id is None else SortieId(self.sortie_id),
            self.stop,
            self.reason,
            None if place is None else TapPlace(place.lat, place.lon, place.radius_m),
        )


class TapsBody(Body):
    """Presses in the order in which they were made."""

    model_config = ConfigDict(json_schema_extra={"examples": _TAPS})

    taps: Annotated[list[TapIn], Field(min_length=1, max_length=200)]


class PositionIn(PlaceIn):
    """Where a phone was at one instant."""

    at: Instant
    speed_m_s: Annotated[float, Field(ge=0, le=200)] | None = None
    course_deg: Annotated[float, Field(ge=0, le=360)] | None = None
    """Over ground, from true north."""

    def to_domain(self, asset_id: str) -> TelemetrySample:
        """Returns the sample: a car stands on the ground, whatever its phone says of its height."""
        north = east = None
        if self.speed_m_s is not None and (self.course_deg is not None or self.speed_m_s == 0.0):
            course = math.radians(self.course_deg or 0.0)
            north, east = self.speed_m_s * math.cos(course), self.speed_m_s * math.sin(course)
        return TelemetrySample(
            AssetId(asset_id),
            self.at,
            Position(self.lat, self.lon, Altitude(0.0, Datum.GROUND)),
            north,
            east,
            horizontal_sigma_m=self.radius_m / ONE_SIGMA,
            on_ground=True,
        )


class PositionsBody(Body):
    """Positions of one car, in any order; those sent before may come again."""

    model_config = ConfigDict(json_schema_extra={"examples": _POSITIONS})

    positions: Annotated[list[PositionIn], Field(min_length=1, max_length=1000)]


class CarOut(Answer):
    """A car that a driver may sit in."""

    id: str
    name: str
    passive: bool
    mine: bool
    taken: bool
    """Whether somebody sits in it."""


class TapOut(Answer):
    """What a driver has pressed, for those who watch."""

    asset_id: str
    asset_name: str
    by: str
    """The driver's name."""
    kind: TapKind
    at: Instant
    received_at: Instant
    sortie_id: str | None
    stop: int | None
    reason: Obstacle | None
    place: LonLat | None
    radius_m: float | None

    @classmethod
    def from_domain(cls, tap: Tap, services: Services) -> Self:
        """Returns a tap with the names of its car and driver."""
        names = [a.name for a in services.missions.assets() if a.asset_id == tap.asset_id]
        try:
            by = services.accounts.get(tap.by).name
        except NotFound:
            by = ""
        place = tap.place
        return cls(
            asset_id=tap.asset_id,
            asset_name=names[0] if names else tap.asset_id,
            by=by,
            kind=tap.kind,
            at=tap.at,
            received_at=tap.received_at,
            sortie_id=tap.sortie_id,
            stop=tap.stop,
            reason=tap.reason,
            place=None if place is None else (place.lon_deg, place.lat_deg),
            radius_m=None if place is None else place.radius_m,
        )


class StopOut(Answer):
    """A stop and what became of it."""

    number: int
    item: int
    """Where it lies on the path: number of the path's corner, from 0."""
    place: LonLat
    stay_s: float
    state: StopState
    reason: Obstacle | None

    @classmethod
    def from_domain(cls, one: StopNow) -> Self:
        """Returns a stop; its place longitude first."""
        stop = one.stop
        return cls(
            number=stop.number,
            item=stop.item,
            place=(stop.lon_deg, stop.lat_deg),
            stay_s=stop.stay_s,
            state=one.state,
            reason=one.reason,
        )


class OfferOut(Answer):
    """A patrol that the driver may start."""

    id: str
    name: str


class DriveOut(Answer):
    """The sortie that the car is on."""

    id: str
    name: str
    state: SortieState
    reached: int
    """Corners of the path that the car has passed."""
    path: LineString | None
    stops: list[StopOut]
    next: int | None
    """Number of the stop to go to; null where all are done."""
    paused: bool


class CallOut(Answer):
    """An event that the car is asked to go to, or goes to."""

    id: str
    """Of the hand-off: accepted, refused and closed by its own routes."""
    state: HandoffState
    kind: str
    words: str
    plate: str
    place: LonLat
    heading_deg: float | None
    """Direction of travel of what is sought."""
    answer_by: Instant | None
    """Until when the car is asked; null once it was answered."""
    travel_s: float | None

    @classmethod
    def from_domain(cls, handoff: Handoff) -> Self:
        """Returns a call."""
        occasion, offer = handoff.occasion, handoff.offer
        asked = offer is not None and handoff.state is HandoffState.OFFERED
        return cls(
            id=handoff.handoff_id,
            state=handoff.state,
            kind=occasion.kind,
            words=occasion.words,
            plate=occasion.plate,
            place=(occasion.point.lon_deg, occasion.point.lat_deg),
            heading_deg=occasion.heading_deg,
            answer_by=offer.answer_by if asked and offer is not None else None,
            travel_s=None if offer is None else offer.travel_s,
        )


class SheetOut(Answer):
    """A car as its driver sees it."""

    car: CarOut
    time: Instant
    """The station's clock, by which a phone sets its own."""
    seated_at: Instant
    drive: DriveOut | None
    patrols: list[OfferOut]
    call: CallOut | None
    sos_at: Instant | None
    """Since when a call for help is out."""
    street: str
    """On which the car is; empty where that is not sure, or the station has no roads."""

    @classmethod
    def from_domain(cls, sheet: Sheet, services: Services) -> Self:
        """Returns what a driver sees."""
        drive = None
        if sheet.sortie is not None:
            plan, upcoming = sheet.sortie.plan, sheet.round.next
            names = [p.name for p in services.missions.patrols() if p.patrol_id == plan.patrol_id]
            progress = sheet.sortie.progress
            drive = DriveOut(
                id=sheet.sortie.sortie_id,
                name=names[0] if names else "",
                state=sheet.sortie.state,
                reached=0 if progress is None else progress.reached,
                path=line_of(plan_path(plan)),
                stops=[StopOut.from_domain(one) for one in sheet.round.stops],
                next=None if upcoming is None else upcoming.stop.number,
                paused=sheet.round.paused,
            )
        return cls(
            car=car_out(sheet.asset, mine=True, taken=True),
            time=services.clock.now(),
            seated_at=sheet.seat.received_at,
            drive=drive,
            patrols=[OfferOut(id=one.patrol_id, name=one.name) for one in sheet.patrols],
            call=None if sheet.call is None else CallOut.from_domain(sheet.call),
            sos_at=None if sheet.sos is None else sheet.sos.at,
            street=sheet.street,
        )


def car_out(asset: Asset, *, mine: bool, taken: bool) -> CarOut:
    """Returns a car."""
    return CarOut(id=asset.asset_id, name=asset.name, passive=asset.passive, mine=mine, taken=taken)


class TapAnswerOut(Answer):
    """What became of one tap."""

    id: str
    outcome: TapOutcome
    code: str
    words: str

    @classmethod
    def from_domain(cls, answer: TapAnswer) -> Self:
        """Returns an answer."""
        return cls(id=answer.tap_id, outcome=answer.outcome, code=answer.code, words=answer.words)


class TapsOut(Answer):
    """What became of each tap, in the order in which they were sent."""

    answers: list[TapAnswerOut]
    sheet: SheetOut | None
    """As it stands by now; null where the driver does not sit in the car any more."""


class PostedOut(Answer):
    """What became of a batch of positions."""

    kept: int
    repeated: int
    refused: int
    """Too rough, or from a clock that is ahead."""
    time: Instant

    @classmethod
    def from_domain(cls, posted: Posted, now: Instant) -> Self:
        """Returns the counts."""
        return cls(kept=posted.kept, repeated=posted.repeated, refused=posted.refused, time=now)
