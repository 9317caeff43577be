"""What `qyran dispatch` reads: one JSON document with the event, the fleet, and what limits it.

Only the event's place and of each asset its id, kind and position are needed; every other field
has a default, which docs/guides/dispatch.md names. A field that is not known is not dropped in
silence: its name is returned.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.errors import QyranError, SourceUnreadable
from core.ids import AssetId, CameraId, PatrolId, UserId
from core.instants import read_near_instant
from core.recurrence import Recurrence
from geo.camera import CameraModel
from geo.positions import Altitude, Datum, Position
from geo.swapped import box_at
from geo.zones import Zone
from missions.circumstances import Circumstances
from missions.dispatching.dispatch import with_crews
from missions.energy import EnergyModel
from missions.events import Activity, DispatchPolicy, Event, Responder, Task
from missions.model import Asset, AssetKind, CameraMount, RallyPoint
from missions.people import DutyPolicy, Person
from missions.permission_documents import permissions_of
from missions.permissions import Permission
from missions.weather import Weather, weather_numbers
from station.dispatch_document import AssetPart, CameraPart, Document, PlacePart
from station.field_cures import refusal_of
from station.given_zones import read_given_zones
from station.json_file import read_json
from station.swapped_document import refuse_swapped

_GUIDE = "see docs/guides/dispatch.md"
_CRUISE_M_S = 10.0
"""Of a drone or a car in town, where nobody says it."""
_OF_EVENT = (
    "id", "kind", "type", "at", "lat", "lat_deg", "latitude", "lon", "lng", "lon_deg", "longitude",
    "place", "position", "location", "geometry", "coordinates", "stay_s", "priority", "camera",
    "resolution_m_per_px", "properties",
)  # fmt: skip
"""Fields of an event that may stand at the top."""
_UNDERWAY_M = 60.0
"""Height of a drone that is under way, where nobody says it."""


@dataclass(frozen=True, slots=True)
class DispatchCase:
    """One event with all that is needed to decide on it."""

    event: Event
    fleet: tuple[Responder, ...]
    zones: tuple[Zone, ...]
    circumstances: Circumstances
    policy: DispatchPolicy
    rally: tuple[RallyPoint, ...] = ()
    notes: tuple[str, ...] = ()
    """What was assumed of the zones."""
    not_understood: tuple[str, ...] = field(default=())
    """Names of fields that the document has and nobody knows."""


def read_dispatch(path: Path, now: datetime, zones: Path | None = None) -> DispatchCase:
    """Returns what a document says.

    Args:
        path: the JSON document.
        now: the event's instant, where the document gives none.
        zones: a file with more flight zones.

    Raises:
        SourceMissing: if there is no such file, or no such file of zones.
        SourceUnreadable: if it is no such document; the field is named.
        ZoneInvalid: if a zone or a permission makes no sense.
    """
    value = read_json(path)
    if not isinstance(value, Mapping):
        raise SourceUnreadable("is no JSON object", where=str(path), cure=_GUIDE)
    unknown: list[str] = []
    try:
        document = Document.model_validate(_with_event(value))
        document.gather_unknown("", unknown)
        event = _event(document, now)
        fleet = _fleet(document, event)
        policy = _policy(document.policy, unknown)
        rally = tuple(rally_of(part) for part in document.rally)
        weather = None if document.weather is None else weather_of(document.weather, event.at)
        margin_m = float(document.margin_m)
    except ValidationError as error:
        raise refusal_of(error, path, "docs/guides/dispatch.md") from error
    except (ValueError, TypeError) as error:
        raise SourceUnreadable(str(error), where=str(path), cure=_GUIDE) from error
    _refuse_doubles(fleet, path)
    notes: list[str] = []
    fences = zones_of(document.zones, path, notes)
    fences += () if zones is None else read_given_zones(zones, notes)
    permissions = None if document.permissions is None else _permissions(document.permissions, path)
    _refuse_swapped(event, fleet, fences, rally, permissions or (), path)
    circumstances = Circumstances(
        event.at,
        permissions,
        weather,
        margin_m=margin_m,
    )
    return DispatchCase(
        event, fleet, fences, circumstances, policy, rally, tuple(notes), tuple(unknown)
    )


def _with_event(value: Mapping[str, Any]) -> dict[str, Any]:
    """Lets the event's fields stand at the top, where there is no `event`."""
    if "event" in value:
        return dict(value)
    event = {key: value[key] for key in _OF_EVENT if key in value}
    return {"event": event, **{key: v for key, v in value.items() if key not in event}}


def _fleet(document: Document, event: Event) -> tuple[Responder, ...]:
    """Returns the assets; what they say of duty goes before what the list of people gives."""
    fleet = tuple(_responder(part) for part in document.assets)
    if document.people is None:
        return fleet
    now = (Recurrence(event.at - timedelta(hours=1), timedelta(hours=2)),)
    people = [
        Person(
            UserId(one.id),
            frozenset(one.kinds),
            frozenset(AssetId(name) for name in one.assets),
            now if one.on_duty else (),
        )
        for one in document.people
    ]
    crewed = with_crews(fleet, people, event.at, DutyPolicy(document.drones_per_pilot))
    return tuple(
        said if said.crewed is not None else found
        for said, found in zip(fleet, crewed, strict=True)
    )


def _event(document: Document, now: datetime) -> Event:
    part = document.event
    place = part.place_of()
    return Event(
        part.id, part.kind, place.lat, place.lon, part.at or now, part.stay_s, part.priority,
        part.camera_kind(), part.resolution_m_per_px,
    )  # fmt: skip


def _policy(values: Mapping[str, Any], unknown: list[str]) -> DispatchPolicy:
    default = DispatchPolicy()
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        if name not in DispatchPolicy.__dataclass_fields__:
            unknown.append(f"policy.{name}")
            continue
        wanted = type(getattr(default, name))
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if wanted is bool and not isinstance(value, bool):
            raise ValueError(f"policy.{name} is {value!r}, not true or false")
        if wanted is not bool and not (number and 0 <= value < 1e6):
            raise ValueError(f"policy.{name} is {value!r}, not a number from 0 on")
        chosen[name] = wanted(value)
    return DispatchPolicy(**chosen)


def weather_of(values: Mapping[str, Any], at: datetime) -> Weather:
    """Returns the weather of a document.

    Raises:
        ValueError: if a value is no number.
    """
    if values.get("at") is not None:
        at = read_near_instant(values["at"], UTC, "weather.at")
    try:
        return Weather(at, **weather_numbers(values), source=str(values.get("source", "")))
    except ValueError as error:
        raise ValueError(f"weather.{error}") from None


def rally_of(part: PlacePart) -> RallyPoint:
    """Returns a place that is kept for drones that must return."""
    return RallyPoint(Position(part.lat, part.lon, Altitude(part.up_m or 0.0, Datum.HOME)))


def _responder(part: AssetPart) -> Responder:
    place = part.place_of()
    drone = part.kind is AssetKind.DRONE
    activity = part.activity()
    in_air = drone and activity in (Activity.UNDERWAY, Activity.RETURNING)
    up_m = place.up_m if place.up_m is not None else (_UNDERWAY_M if in_air else 0.0)
    task = None
    if part.patrol is not None:
        p = part.patrol
        resume = None if p.resume_at is None else (p.resume_at.lat, p.resume_at.lon)
        patrol_id = PatrolId(p.id) if p.id else None
        task = Task(
            p.name or p.id or "its patrol", p.priority, p.left_s, patrol_id, resume, p.until
        )
    elif activity is Activity.UNDERWAY:
        task = Task("its task")
    cameras = frozenset(part.cameras) if part.cameras is not None else frozenset({"colour"})
    return Responder(
        asset_of(part, place), place.lat, place.lon, up_m if drone else 0.0, activity,
        part.battery_fraction, part.ready_in_s, task, cameras, part.on_duty,
        None if part.in_hand_of is None else UserId(part.in_hand_of),
    )  # fmt: skip


def asset_of(part: AssetPart, place: PlacePart) -> Asset:
    """Returns the asset that a document's part describes; its home is where it is by default."""
    drone = part.kind is AssetKind.DRONE
    home = part.home
    if home is None:
        altitude = Altitude(0.0, Datum.GROUND)
        at = Position(place.lat, place.lon, altitude)
    else:
        ground = home.ground_m
        altitude = Altitude(0.0, Datum.GROUND) if ground is None else Altitude(ground, home.datum)
        at = Position(home.lat, home.lon, altitude)
    return Asset(
        AssetId(part.id),
        part.name or part.id,
        part.kind,
        None if part.camera is None else _mount(part.camera, part.id),
        part.cruise_m_s or _CRUISE_M_S,
        at,
        part.endurance_s or (1_500.0 if drone else 28_800.0),
        acceptance_radius_m=part.acceptance_radius_m,
        passive=part.passive,
        autopilot=part.autopilot,
        climb_m_s=part.climb_m_s,
        sink_m_s=part.sink_m_s,
        energy=None if part.energy is None else EnergyModel(**part.energy),
        link_range_m=part.link_range_m,
        wind_most_m_s=part.wind_most_m_s,
        coldest_c=part.coldest_c,
    )


def _mount(part: CameraPart, asset_id: str) -> CameraMount:
    model = CameraModel.from_hfov(part.width_px, part.height_px, part.hfov_deg)
    return CameraMount(CameraId(part.id or f"{asset_id}-camera"), model, part.pitch_deg)


def _refuse_doubles(fleet: Sequence[Responder], path: Path) -> None:
    seen: set[str] = set()
    for one in fleet:
        if one.asset.asset_id in seen:
            message = f"asset {one.asset.asset_id} is there twice"
            raise SourceUnreadable(message, where=str(path), cure="give each asset its own id")
        seen.add(one.asset.asset_id)


def _refuse_swapped(
    event: Event,
    fleet: Sequence[Responder],
    zones: Sequence[Zone],
    rally: Sequence[RallyPoint],
    permissions: Sequence[Permission],
    path: Path,
) -> None:
    """Refuses a document of which one place lies by the others only when it is swapped."""
    parts = [("event", box_at(event.lat_deg, event.lon_deg))]
    for one in fleet:
        home, name = one.asset.home, f"asset {one.asset.asset_id}"
        parts += [
            (f"{name}, position", box_at(one.lat_deg, one.lon_deg)),
            (f"{name}, home", box_at(home.lat_deg, home.lon_deg)),
        ]
    places = [point.position for point in rally]
    parts += [("rally", box_at(place.lat_deg, place.lon_deg)) for place in places]
    refuse_swapped(parts, zones, permissions, path)


def _permissions(value: Any, path: Path) -> tuple[Permission, ...]:
    if isinstance(value, str):
        return permissions_of(read_json(path.parent / value), value)
    return () if value == [] else permissions_of(value, f"{path}, permissions")


def zones_of(value: Any, path: Path, notes: list[str]) -> tuple[Zone, ...]:
    """Returns the zones that a document holds, or names as a file beside it.

    Args:
        value: GeoJSON, or a file's name.
        path: of the document.
        notes: takes what was assumed of them.

    Raises:
        SourceUnreadable: if they are no GeoJSON.
        ZoneInvalid: if a zone makes no sense.
    """
    if value is None or value == []:
        return ()
    if isinstance(value, str):
        return read_given_zones(path.parent / value, notes)
    if isinstance(value, Mapping) and value.get("type") == "FeatureCollection":
        features = value.get("features")
    elif isinstance(value, Mapping) and value.get("type") == "Feature":
        features = [value]
    elif isinstance(value, Mapping) and "coordinates" in value:
        features = [{"type": "Feature", "properties": {}, "geometry": value}]
    else:
        features = value
    if not isinstance(features, list) or not all(isinstance(one, Mapping) for one in features):
        raise SourceUnreadable("zones: are no GeoJSON", where=str(path), cure=_GUIDE)
    if not features:
        return ()
    collection = {"type": "FeatureCollection", "features": features}
    with tempfile.TemporaryDirectory(prefix="qyran-dispatch-") as folder:
        file = Path(folder) / "zones.geojson"
        file.write_text(json.dumps(collection), encoding="utf-8")
        try:
            return read_given_zones(file, notes)
        except QyranError as error:
            error.where = error.where.replace(str(file), f"{path}, zones")
            raise
