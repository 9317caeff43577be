"""Looks after sorties in the air: zones that come into force, permissions that end.

A small hook, not a monitor of flights: what a plan was proven against has changed since, and the
sorties that this affects are ordered what can be proven. What vehicles do all the time (their
distance to zones, their tracks) is not looked at here.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from core.clock import Clock
from core.errors import QyranError
from core.ids import AssetId, SortieId, ZoneId
from geo.ports import TerrainModel, ZoneStore
from geo.zones import Purpose, Zone
from missions.dispatching.exits import affected
from missions.dispatching.zone_appeared import Advice, flight_of, respond
from missions.executor import PERMISSION_ENDED, ZONE_APPEARED, SortieCommands
from missions.model import Asset, AssetKind, Sortie, SortieState
from missions.permissions import Permission
from telemetry.model import AssetStatus

log = logging.getLogger(__name__)

_IN_AIR = (SortieState.UNDERWAY, SortieState.HOLDING, SortieState.RETURNING)


class Flying(Protocol):
    """The part of the station's operations that is needed."""

    def under_way(self) -> Sequence[tuple[Sortie, Asset, SortieCommands]]:
        """Returns the sorties that are under way, each with the way to order it."""
        ...

    def status(self, asset_id: AssetId) -> AssetStatus | None:
        """Returns the newest that is known of an asset."""
        ...


class FlightWatch:
    """Orders the sorties that new zones and ended permissions affect; each once for each."""

    def __init__(
        self,
        operations: Flying,
        zones: ZoneStore,
        permissions: Callable[[], Sequence[Permission]],
        clock: Clock,
        *,
        terrain: TerrainModel | None = None,
        every: timedelta = timedelta(seconds=2),
    ) -> None:
        """Takes what it works with.

        Args:
            operations: the sorties under way and their orders.
            zones: the station's zones.
            permissions: returns those on hand.
            clock: the station's clock.
            terrain: joins heights above ground.
            every: how long it rests between two turns.
        """
        self._operations, self._zones, self._permissions = operations, zones, permissions
        self._clock, self._terrain, self._every = clock, terrain, every
        self._in_force: dict[SortieId, frozenset[tuple[ZoneId, int]]] = {}
        """Zones that each sortie has been judged by, or that held when it began."""
        self._ended: set[SortieId] = set()

    async def run(self) -> None:
        """Turns until it is cancelled; a fault of a store is logged and tried again."""
        while True:
            try:
                await self.turn()
            except QyranError as error:
                log.error("flights could not be looked after", extra={"reason": str(error)})
            except Exception:  # a fault of our own must not end the watch in silence
                log.exception("flights could not be looked after")
            await self._clock.sleep_until(self._clock.now() + self._every)

    async def turn(self) -> None:
        """Looks at every sortie in the air once.

        Raises:
            StoreUnreadable: if a store fails; the next turn goes on.
        """
        flying = [
            one
            for one in self._operations.under_way()
            if one[1].kind is AssetKind.DRONE and one[0].state in _IN_AIR
        ]
        ids = {sortie.sortie_id for sortie, _, _ in flying}
        self._ended &= ids
        self._in_force = {key: kept for key, kept in self._in_force.items() if key in ids}
        if not flying:
            return
        zones = await asyncio.to_thread(self._zones.find, Purpose.FLIGHT)
        permissions = await asyncio.to_thread(self._permissions)
        now = self._clock.now()
        for sortie, asset, orders in flying:
            await self._look(sortie, asset, orders, zones, now)
            self._look_at_permission(sortie, orders, permissions, now)

    async def _look(
        self,
        sortie: Sortie,
        asset: Asset,
        orders: SortieCommands,
        zones: Sequence[Zone],
        now: datetime,
    ) -> None:
        """Orders a sortie what zones ask that hold now and did not when it was proven."""
        holding = {(zone.zone_id, zone.version): zone for zone in zones if zone.in_force(now)}
        judged = self._in_force.get(sortie.sortie_id)
        if judged is None:
            judged = _proven_against(sortie)
        appeared = [zone for key, zone in holding.items() if key not in judged]
        if not appeared:
            self._in_force[sortie.sortie_id] = judged & holding.keys()
            return
        status = self._operations.status(asset.asset_id)
        flight = None if status is None else flight_of(sortie, asset, status.sample)
        if flight is None:
            return  # not heard of yet, or on the ground still: looked at again in the next turn
        self._in_force[sortie.sortie_id] = frozenset(holding)
        terrain = self._terrain
        hit = [
            zone
            for zone in appeared
            if affected(flight, zone, now, terrain=terrain, others=tuple(holding.values()))
        ]
        if not hit:
            return
        found = await asyncio.to_thread(respond, flight, sortie.plan, zones, now, terrain=terrain)
        names = ", ".join(zone.name or str(zone.zone_id) for zone in hit)
        proven = "proven way out" if found.way.proven else "not proven"
        text = f"zone {names} has appeared; {proven}: {found.way.why}"
        extra = {"sortie_id": sortie.sortie_id, "order": found.order, "why": found.way.why}
        log.warning("a zone has appeared in flight", extra=extra)
        if sortie.state is SortieState.RETURNING:
            orders.tell(f"{text}; it is returning already, a person decides")
        elif found.order is Advice.RETURN:
            orders.bring_home(reason_code=ZONE_APPEARED, text=text)
        else:
            orders.hold(reason_code=ZONE_APPEARED, text=f"{text}; a person decides")

    def _look_at_permission(
        self,
        sortie: Sortie,
        orders: SortieCommands,
        permissions: Sequence[Permission],
        now: datetime,
    ) -> None:
        """Brings a sortie home whose permission has ended; its returns were proven."""
        number = sortie.plan.permission
        done = sortie.sortie_id in self._ended or sortie.state is SortieState.RETURNING
        if not number or done:
            return
        named = [one for one in permissions if one.number == number]
        if any(one.holds(now, now) for one in named):
            return
        self._ended.add(sortie.sortie_id)
        text = f"permission {number} holds no longer"
        log.warning("a permission has ended in flight", extra={"sortie_id": sortie.sortie_id})
        orders.bring_home(reason_code=PERMISSION_ENDED, text=text)


def _proven_against(sortie: Sortie) -> frozenset[tuple[ZoneId, int]]:
    """Returns the zones, by version, that held when a sortie began and were in its proof."""
    began = sortie.started_at
    return frozenset(
        (zone.zone_id, zone.version)
        for zone in sortie.plan.fences
        if began is None or zone.in_force(began)
    )
