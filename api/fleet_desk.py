"""The fleet as it stands now, for whoever must decide who goes to an event."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from api.accounts import Account, Role
from core.errors import NotAllowed, NotFound
from core.ids import AssetId, SortieId
from geo.positions import Datum
from missions.circumstances import OwnFlight
from missions.events import Activity, Responder, Task
from missions.model import Asset, AssetKind, RallyPoint, Sortie, SortieState
from missions.ports import MissionStore
from telemetry.model import AssetStatus


class FleetNow(Protocol):
    """Who can tell what an asset does now."""

    def status(self, asset_id: AssetId) -> AssetStatus | None:
        """Returns the newest that is known of an asset."""
        ...

    def sortie_of(self, asset_id: AssetId) -> SortieId | None:
        """Returns the sortie that the asset is on."""
        ...


class Books(Protocol):
    """What is looked at; `Services` are one."""

    @property
    def missions(self) -> MissionStore:
        """Assets, patrols and sorties."""
        ...

    @property
    def operations(self) -> FleetNow:
        """What they do now."""
        ...


HEARD_MOST = timedelta(minutes=5)
"""What was heard longer ago says nothing about where an asset is now."""


def responders(services: Books, now: datetime) -> tuple[Responder, ...]:
    """Returns every asset with its place, battery and task as last heard.

    An asset that was not heard of lately counts as parked at home where it has no sortie, and
    as grounded where it has one: nobody knows where it is.
    """
    return tuple(_responder(services, asset, now) for asset in services.missions.assets())


def flights_under_way(services: Books, now: datetime) -> Iterator[OwnFlight]:
    """Yields the flights of our drones that are under way, as proven."""
    for _, sortie in sorties_under_way(services):
        yield OwnFlight(sortie.plan, sortie.started_at or now)


def sorties_under_way(services: Books) -> Iterator[tuple[Asset, Sortie]]:
    """Yields our drones that are on a sortie, each with that sortie."""
    for asset in services.missions.assets():
        sortie = _under_way(services, asset.asset_id)
        if sortie is not None and asset.kind is AssetKind.DRONE:
            yield asset, sortie


def rally_of_fleet(services: Books) -> tuple[RallyPoint, ...]:
    """Returns the places that the flights under way keep for drones that can't come home."""
    sorties = (_under_way(services, asset.asset_id) for asset in services.missions.assets())
    points = (point for sortie in sorties if sortie is not None for point in sortie.plan.rally)
    return tuple(dict.fromkeys(points))


def _responder(services: Books, asset: Asset, now: datetime) -> Responder:
    status = services.operations.status(asset.asset_id)
    fresh = status is not None and now - status.heard_at <= HEARD_MOST
    sortie = _under_way(services, asset.asset_id)
    place = status.sample.position if fresh and status is not None else None
    if place is None:
        activity = Activity.IDLE if sortie is None else Activity.GROUNDED
        return Responder(asset, asset.home.lat_deg, asset.home.lon_deg, activity=activity)
    activity = Activity.IDLE
    if sortie is not None:
        home = sortie.state is SortieState.RETURNING
        activity = Activity.RETURNING if home else Activity.UNDERWAY
    return Responder(
        asset,
        place.lat_deg,
        place.lon_deg,
        _up_m(asset, status),
        activity,
        None if status is None else status.sample.battery_fraction,
        task=None if sortie is None else _task(services, sortie, now),
        in_hand_of=None if sortie is None else sortie.authorised_by,
    )


def _up_m(asset: Asset, status: AssetStatus | None) -> float:
    if status is None or status.sample.position is None:
        return 0.0
    altitude = status.sample.position.altitude
    if altitude.datum is Datum.HOME:
        return max(0.0, altitude.metres)
    if altitude.datum is asset.home.altitude.datum:
        return max(0.0, altitude.metres - asset.home.altitude.metres)
    return 0.0 if status.sample.armed is False else math.inf


def _under_way(services: Books, asset_id: AssetId) -> Sortie | None:
    sortie_id = services.operations.sortie_of(asset_id)
    if sortie_id is None:
        return None
    found: Sequence[Sortie] = services.missions.sorties(sortie_id=sortie_id)
    return found[-1] if found else None


def _task(services: Books, sortie: Sortie, now: datetime) -> Task:
    patrol_id = sortie.plan.patrol_id
    names = [p.name for p in services.missions.patrols() if p.patrol_id == patrol_id]
    begun = sortie.started_at or now
    left_s = max(0.0, sortie.plan.expected_s - (now - begun).total_seconds())
    return Task(names[0] if names else str(sortie.sortie_id), 0, left_s, patrol_id)


def asset_of(services: Books, asset_id: str) -> Asset:
    """Returns an asset of the station.

    Raises:
        NotFound: if there is none of that id.
    """
    for asset in services.missions.assets():
        if asset.asset_id == asset_id:
            return asset
    raise NotFound("there is no such asset", where=asset_id, cure="name one of /assets")


def check_crew(services: Books, who: Account, asset_id: AssetId) -> AssetId:
    """Returns an asset that somebody may command; a driver commands no drone.

    Raises:
        NotFound: if there is no such asset.
        NotAllowed: if it is a drone and they are no pilot.
    """
    if asset_of(services, asset_id).kind is AssetKind.DRONE and Role.PILOT not in who.roles:
        raise NotAllowed("a drone is commanded by a pilot", where=asset_id, cure="ask a pilot")
    return asset_id
