"""What pilots ask of aircraft beside their missions: proven from where they are, then sent.

An aircraft that moves is held first, and the proof is made anew from where it then stands, so
that nothing hangs on how far it runs on. What can't be proven is refused before it is held.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from api.services import Commanded
from core.clock import Clock
from core.errors import CapabilityMissing, IllegalMove, PoseUnknown
from core.ids import AssetId, UserId
from geo.ports import TerrainModel
from geo.zones import Zone
from missions.circumstances import Circumstances
from missions.control.orders import Order, SortieCommands
from missions.dispatching.exits import InFlight, braked
from missions.dispatching.zone_appeared import flight_of
from missions.guided import Capability, ProvenTask, Task, described, needs
from missions.guiding.proof import prove_resumption, prove_task
from missions.model import Asset, AssetKind, Sortie, SortieState
from station.commanding import Commanding
from telemetry.model import AssetStatus

_HEARD_MOST = timedelta(seconds=5)
_STANDS_M_S = 0.7
_STANDS_WITHIN = timedelta(seconds=20)
_LOOK_AGAIN = timedelta(milliseconds=250)
_MOVES = frozenset({Capability.FLY_TO, Capability.ORBIT, Capability.FOLLOW})


class Guiding:
    """Proves and gives the tasks of pilots; lives on the event loop that flies the sorties."""

    def __init__(
        self,
        commanding: Commanding,
        clock: Clock,
        *,
        status: Callable[[AssetId], AssetStatus | None],
        zones: Callable[[], Sequence[Zone]],
        circumstances: Callable[[Asset], Circumstances],
        terrain: TerrainModel | None,
    ) -> None:
        """Takes what it works with.

        Args:
            commanding: gives orders and writes them down.
            clock: the station's clock.
            status: returns the newest of an asset.
            zones: returns the flight zones of now; it may block.
            circumstances: returns those of a start now: permissions, weather, other sorties; it
                may block.
            terrain: joins heights above ground.
        """
        self._commanding, self._clock = commanding, clock
        self._status, self._zones = status, zones
        self._circumstances, self._terrain = circumstances, terrain

    async def ask(
        self,
        task: Task,
        sortie: Sortie,
        asset: Asset,
        commands: SortieCommands,
        by: UserId,
        newest: Callable[[], Sortie],
        *,
        term: int | None = None,
        kind: Capability | None = None,
    ) -> Commanded:
        """Gives a task to a sortie under way, once it is proven from where its aircraft is.

        Args:
            task: what is asked for.
            sortie: whose.
            asset: of the sortie.
            commands: the way to its vehicle.
            by: who asks.
            newest: returns the sortie as it is then.
            term: of the lease that they believe to hold.
            kind: what was asked for where it is not the task itself: a step of following
                somebody, which goes on from one to the next without a stop.

        Raises:
            BadRequest: if its values make no sense.
            PlanUnsafe: if it can't be proven; the message begins with the finding's code.
            CapabilityMissing: if the asset can't do it.
            PoseUnknown: if it is not known where the asset is.
            IllegalMove: if the sortie is in no state for it.
            FlownByHand: if a pilot flies it by the sticks.
            SortieFailed: if the vehicle does not obey.
            LeaseHeld, LeaseStale, SkyCleared: as any order.
        """
        kind = kind or needs(task)
        words = described(task, kind)

        async def prove(under: int | None) -> ProvenTask:
            if kind not in _MOVES:
                still = InFlight(asset, 0.0, 0.0, 0.0)
                return await self._proven(task, still, sortie, kind)
            self._check_may_leave(newest(), asset, kind)
            flight = self._flight(newest(), asset)
            proven = await self._proven(task, flight, newest(), kind)
            if kind is Capability.FOLLOW or _stands(flight):
                return proven
            await self._held(newest(), asset, commands, by, newest, under)
            return await self._proven(task, self._flight(newest(), asset), newest(), kind)

        return await self._commanding.guide(
            kind, words, sortie, commands, by, newest, prove, term=term
        )

    async def check_resumption(
        self,
        asset: Asset,
        commands: SortieCommands,
        by: UserId,
        newest: Callable[[], Sortie],
        term: int | None,
    ) -> None:
        """Does nothing where a sortie may go on with its mission from where its aircraft is.

        One that has left its way is looked at, since its plan was proven along the way; and one
        that was held, since meanwhile zones, permissions, weather and others have moved on.

        Raises:
            PlanUnsafe: if the way back to the mission can't be proven.
            PoseUnknown: if it is not known where the aircraft is.
        """
        sortie = newest()
        off = sortie.guided is not None or sortie.by_hand
        held = sortie.state is SortieState.HOLDING
        if not (off or held) or asset.kind is not AssetKind.DRONE:
            return
        flight = self._flight(sortie, asset)
        if sortie.guided is not None and not _stands(flight):
            await self._held(sortie, asset, commands, by, newest, term)
            sortie = newest()
            flight = self._flight(sortie, asset)
        reached = 0 if sortie.progress is None else sortie.progress.reached
        zones, known = await self._known(asset)
        await asyncio.to_thread(
            prove_resumption, reached, flight, sortie.plan, zones, known, terrain=self._terrain
        )

    async def _proven(
        self, task: Task, flight: InFlight, sortie: Sortie, kind: Capability
    ) -> ProvenTask:
        zones, known = await self._known(flight.asset)
        if kind is Capability.FOLLOW:  # it need not stop: what lies inside the bend is swept too
            known = replace(known, margin_m=known.margin_m + math.hypot(*braked(flight)[0]))
        return await asyncio.to_thread(
            prove_task, task, flight, sortie.plan, zones, known, terrain=self._terrain, kind=kind
        )

    async def _known(self, asset: Asset) -> tuple[Sequence[Zone], Circumstances]:
        zones = await asyncio.to_thread(self._zones)
        known = await asyncio.to_thread(self._circumstances, asset)
        return zones, replace(known, departs_at=self._clock.now())

    def _check_may_leave(self, sortie: Sortie, asset: Asset, kind: Capability) -> None:
        if asset.kind is not AssetKind.DRONE:
            raise CapabilityMissing(
                f"a car can't be asked to {kind}",
                where=str(asset.asset_id),
                cure="tell its driver",
            )
        if sortie.state not in (SortieState.UNDERWAY, SortieState.HOLDING):
            raise IllegalMove(
                f"a sortie that is {sortie.state} can't be ordered to {kind}",
                where=sortie.sortie_id,
                cure="see what it does now",
            )
        if sortie.progress is None or sortie.progress.reached < 1:
            raise IllegalMove(
                "it has not taken off yet",
                where=sortie.sortie_id,
                cure="wait until its first step is reached",
            )

    def _flight(self, sortie: Sortie, asset: Asset) -> InFlight:
        status = self._status(asset.asset_id)
        fresh = status is not None and self._clock.now() - status.heard_at <= _HEARD_MOST
        flight = flight_of(sortie, asset, status.sample) if status is not None and fresh else None
        if flight is None:
            raise PoseUnknown(
                "where it is in the air is not known now",
                where=str(asset.asset_id),
                cure="wait for its telemetry, and ask again",
            )
        return flight

    async def _held(
        self,
        sortie: Sortie,
        asset: Asset,
        commands: SortieCommands,
        by: UserId,
        newest: Callable[[], Sortie],
        term: int | None,
    ) -> None:
        """Holds an aircraft, and returns once it stands.

        Raises:
            IllegalMove: if it does not come to a stop.
        """
        await self._commanding.order(Order.HOLD, sortie, commands, by, newest, term=term)
        until: datetime = self._clock.now() + _STANDS_WITHIN
        while not _stands(self._flight(newest(), asset)):
            if self._clock.now() >= until:
                raise IllegalMove(
                    "it has not come to a stop", where=sortie.sortie_id, cure="see what it does"
                )
            await self._clock.sleep_until(self._clock.now() + _LOOK_AGAIN)


def _stands(flight: InFlight) -> bool:
    return math.hypot(flight.east_m_s, flight.north_m_s) <= _STANDS_M_S
