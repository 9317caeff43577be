"""Reads a shift to be planned, plans it, and writes what the fleet does."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import ValidationError
from shapely import LineString, Point, Polygon

from core.errors import QyranError, SourceUnreadable, ZoneInvalid
from core.ids import AssetId, CameraId, UserId
from core.instants import read_near_instant
from core.recurrence import Recurrence
from geo.camera import CameraModel
from geo.coverage import lanes
from geo.local_frame import LocalFrame, distance_m
from geo.positions import Altitude, Datum, Position
from geo.road_graph import RoadGraph
from geo.swapped import APART_M, Box, box_at
from geo.zones import Zone, to_local
from missions.energy import EnergyModel
from missions.fleet import FleetAsset, Job, LatLon, PassiveTrack, RevisitTarget, TrackFix
from missions.fleets.planning import FleetOrder
from missions.model import Asset, AssetKind, CameraMount, RallyPoint
from missions.people import DutyPolicy, Person, crews
from missions.permission_documents import permissions_of
from missions.permissions import Permission
from missions.routing import Effort
from missions.weather import Weather, weather_numbers
from station.dispatch_document import CameraPart
from station.fleet_document import (
    FleetAssetPart,
    FleetDocument,
    JobPart,
    PersonPart,
    ShiftPart,
    TargetPart,
    WantedPart,
)
from station.given_zones import read_given_zones
from station.json_file import read_json
from station.road_network import load_roads
from station.swapped_document import refuse_swapped

_GUIDE = "see docs/guides/fleet.md"
_LANES_MOST = 200


@dataclass(frozen=True, slots=True)
class FleetCase:
    """A shift to be planned, and how long to try."""

    order: FleetOrder
    effort: Effort
    notes: tuple[str, ...]
    """What was assumed."""
    not_understood: tuple[str, ...]
    """Names of fields that nobody knows."""


def read_fleet(path: Path, own_roads: Path) -> FleetCase:
    """Returns what a document says.

    Args:
        path: the JSON document.
        own_roads: the station's roads, taken where the document names none.

    Raises:
        SourceMissing: if there is no such file, or none that it names.
        SourceUnreadable: if it is no such document; the field is named.
        ZoneInvalid: if a zone or a permission makes no sense.
        RoadsUnreadable: if the roads can't be read.
    """
    value = read_json(path)
    if not isinstance(value, Mapping):
        raise SourceUnreadable("is no JSON object", where=str(path), cure=_GUIDE)
    unknown: list[str] = []
    try:
        document = FleetDocument.model_validate(value)
        document.gather_unknown("", unknown)
        order, notes = _order(document, path, own_roads)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "the document"
        message = first["msg"].removeprefix("Value error, ")
        raise SourceUnreadable(f"{name}: {message}", where=str(path), cure=_GUIDE) from error
    except (ValueError, TypeError) as error:
        raise SourceUnreadable(str(error), where=str(path), cure=_GUIDE) from error
    _refuse_swapped(document, order, path)
    effort = Effort(document.iterations, seed=document.seed)
    return FleetCase(order, effort, tuple(notes), tuple(unknown))


def _refuse_swapped(document: FleetDocument, order: FleetOrder, path: Path) -> None:
    """Refuses a document of which one place lies by the others only when it is swapped."""
    parts: list[tuple[str, Box]] = [
        (f"home of {one.id}", box_at(one.home.lat, one.home.lon)) for one in document.assets
    ]
    wanted = [*document.jobs, *document.targets]
    parts += [(f"job or target {one.id}", one.shape.bounds) for one in wanted]
    parts += [("rally", box_at(one.lat, one.lon)) for one in document.rally]
    parts += [
        (f"track of {track.asset}", box_at(fix.lat, fix.lon))
        for track in document.tracks
        for fix in track.fixes
    ]
    refuse_swapped(parts, order.zones, order.permissions or (), path)


def _order(document: FleetDocument, path: Path, own_roads: Path) -> tuple[FleetOrder, list[str]]:
    start = document.start
    end = document.end or start + timedelta(hours=document.hours or 0.0)
    notes: list[str] = []
    assets = tuple(_asset(part) for part in document.assets)
    roads = _roads(document, path, own_roads, notes)
    drones = any(one.kind is AssetKind.DRONE and not one.passive for one in assets)
    if drones and document.weather is None:
        notes.append("no weather is given: still, mild air is assumed")
    order = FleetOrder(
        start,
        end,
        _crewed(document, assets, start, end, notes),
        assets,
        tuple(_job(part) for part in document.jobs),
        tuple(_target(part) for part in document.targets),
        tuple(
            PassiveTrack(
                AssetId(track.asset),
                tuple(
                    TrackFix(fix.at, fix.lat, fix.lon)
                    for fix in sorted(track.fixes, key=lambda one: one.at)
                ),
                track.sees_m,
            )
            for track in document.tracks
        ),
        _zones(document.zones, path, notes),
        roads,
        {AssetId(part.id): part.height_m for part in document.assets},
        tuple(
            RallyPoint(Position(p.lat, p.lon, Altitude(p.up_m or 0.0, Datum.HOME)))
            for p in document.rally
        ),
        _permissions(document.permissions, path),
        None if document.weather is None else _weather(document.weather, start),
        margin_m=document.margin_m,
    )
    return order, notes


def _roads(
    document: FleetDocument, path: Path, own_roads: Path, notes: list[str]
) -> RoadGraph | None:
    if document.roads is not None:
        return load_roads(path.parent / document.roads)
    if not any(one.kind is AssetKind.VEHICLE and not one.passive for one in document.assets):
        return None
    if own_roads.is_file():
        notes.append(f"cars use the station's roads, {own_roads.name}")
        return load_roads(own_roads)
    notes.append("no roads are given: cars are taken to drive 1.4 times the straight distance")
    return None


def _asset(part: FleetAssetPart) -> Asset:
    home, drone = part.home, part.kind is AssetKind.DRONE
    ground = home.ground_m
    altitude = Altitude(0.0, Datum.GROUND) if ground is None else Altitude(ground, home.datum)
    return Asset(
        AssetId(part.id),
        part.name or part.id,
        part.kind,
        _mount(part.camera, part.id, drone=drone),
        part.cruise_m_s,
        Position(home.lat, home.lon, altitude),
        part.endurance_s,
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


def _mount(part: CameraPart | bool, asset_id: str, *, drone: bool) -> CameraMount | None:
    if part is False:
        return None
    if part is True:
        part = CameraPart(pitch_deg=-55.0 if drone else 0.0)
    model = CameraModel.from_hfov(part.width_px, part.height_px, part.hfov_deg)
    return CameraMount(CameraId(part.id or f"{asset_id}-camera"), model, part.pitch_deg)


def _crewed(
    document: FleetDocument,
    assets: tuple[Asset, ...],
    start: datetime,
    end: datetime,
    notes: list[str],
) -> tuple[FleetAsset, ...]:
    parts = {AssetId(part.id): part for part in document.assets}
    if document.people is None:
        notes.append("no people are given: every asset counts as crewed")
        whole = [FleetAsset(one, start, end) for one in assets if not one.passive]
    else:
        people = [_person(part, start, end) for part in document.people]
        policy = DutyPolicy(document.policy.drones_per_pilot)
        by_id = {asset.asset_id: asset for asset in assets}
        whole = [
            FleetAsset(by_id[crew.asset_id], crew.span.start, crew.span.end, crew.user_id)
            for crew in crews(people, assets, start, end, policy)
        ]
    found = []
    for one in whole:
        part = parts[one.asset.asset_id]
        first = max(one.start, part.available_from or one.start)
        last = min(one.end, part.available_until or one.end)
        if first < last:
            found.append(replace(one, start=first, end=last, swap_s=part.swap_s))
    return tuple(found)


def _person(part: PersonPart, start: datetime, end: datetime) -> Person:
    if part.shifts is None:
        shifts: tuple[Recurrence, ...] = (Recurrence(start, end - start),)
    else:
        shifts = tuple(_shift(one) for one in part.shifts)
    names = frozenset(AssetId(name) for name in part.assets)
    return Person(UserId(part.id), frozenset(part.kinds), names, shifts, part.name)


def _shift(part: ShiftPart) -> Recurrence:
    try:
        ZoneInfo(part.time_zone)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"people: {part.time_zone!r} is no time zone") from error
    lasts = part.end - part.start if part.end is not None else timedelta(hours=part.hours or 0.0)
    return Recurrence(part.start, lasts, part.time_zone, part.rrule, exdates=part.exdates)


def _job(part: JobPart) -> Job:
    return Job(
        part.id,
        _places(part, part.swath_m),
        part.stay_s,
        part.earliest,
        part.latest,
        part.worth_s,
        frozenset(part.kinds),
        frozenset(AssetId(name) for name in part.assets),
        part.needs_camera,
        part.seen_counts,
        name=part.name,
    )


def _target(part: TargetPart) -> RevisitTarget:
    return RevisitTarget(
        part.id, _places(part, None), part.revisit_s, part.last_seen_at, part.weight,
        part.stay_s, frozenset(part.kinds), part.name,
    )  # fmt: skip


def _places(part: WantedPart, swath_m: float | None) -> tuple[LatLon, ...]:
    """Returns a place, the corners of a line, or of the lanes over an area."""
    made = part.shape
    if isinstance(made, Point):
        return ((made.y, made.x),)
    if isinstance(made, LineString):
        return tuple((float(y), float(x)) for x, y, *_ in made.coords)
    if not isinstance(made, Polygon):
        raise ValueError(f"{part.id}: a {made.geom_type} is not understood")
    if swath_m is None:
        middle = made.representative_point()
        return ((middle.y, middle.x),)
    frame = LocalFrame(made.centroid.y, made.centroid.x)
    local = to_local(made, frame)
    west, south, east, north = made.bounds
    if distance_m(south, west, north, east) > APART_M:
        raise ValueError(f"{part.id}: its area reaches further than {APART_M / 1000:g} km")
    if local.area / swath_m**2 > _LANES_MOST * 10:
        raise ValueError(f"{part.id}: its area is too large for a swath of {swath_m:g} m")
    swept = [place for lane in lanes(local, swath_m) for place in (lane.start, lane.end)]
    lat, lon = frame.to_geo_deg(*np.array(swept).T)
    return tuple(zip(lat.tolist(), lon.tolist(), strict=True))


def _weather(values: Mapping[str, Any], at: datetime) -> Weather:
    if values.get("at") is not None:
        at = read_near_instant(values["at"], UTC, "weather.at")
    try:
        return Weather(at, **weather_numbers(values), source=str(values.get("source", "")))
    except ValueError as error:
        raise ValueError(f"weather.{error}") from None


def _permissions(value: Any, path: Path) -> tuple[Permission, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return permissions_of(read_json(path.parent / value), value)
    return () if value == [] else permissions_of(value, f"{path}, permissions")


def _zones(value: Any, path: Path, notes: list[str]) -> tuple[Zone, ...]:
    """Returns the zones that a document holds, or names as a file beside it."""
    if value is None or value == []:
        return ()
    if isinstance(value, str):
        return read_given_zones(path.parent / value, notes)
    if isinstance(value, Mapping) and "coordinates" in value:
        value = [{"type": "Feature", "properties": {}, "geometry": value}]
    elif isinstance(value, Mapping) and value.get("type") == "Feature":
        value = [value]
    elif isinstance(value, Mapping):
        value = value.get("features")
    if not isinstance(value, list):
        raise ZoneInvalid("the zones are no GeoJSON", where=str(path), cure=_GUIDE)
    if not value:
        return ()
    collection = {"type": "FeatureCollection", "features": value}
    with tempfile.TemporaryDirectory(prefix="qyran-fleet-") as folder:
        file = Path(folder) / "zones.geojson"
        file.write_text(json.dumps(collection), encoding="utf-8")
        try:
            return read_given_zones(file, notes)
        except QyranError as error:
            error.where = error.where.replace(str(file), f"{path}, zones")
            raise
