"""Planning and flying on order: what the API's pilots and planners may ask of the station."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Protocol

from api.services import Cleared, Commanded
from core.errors import NotFound, QyranError
from core.ids import AssetId, PatrolId, SortieId, UserId
from geo.ports import ZoneStore
from geo.zones import Purpose
from missions.circumstances import Circumstances
from missions.control.desk import ControlDesk
from missions.control.orders import Order, SortieCommands
from missions.executor import RETASKED
from missions.guided import Task
from missions.model import Asset, AssetKind, Sortie, SortieEvent, SortieState
from missions.ports import MissionStore
from station.asset_claims import check_free
from station.commanding import Check, Commanding
from station.drive_line import drive_unseen
from station.fleet import Corners, Fleet
from station.following import Followers
from station.guiding import Guiding
from station.patrol_line import Craft, Outcome, Station, View, run_patrol
from station.prepared_sorties import PreparedSorties
from telemetry.model import AssetStatus

log = logging.getLogger(__name__)

_PARKED = (SortieState.COMPLETED, SortieState.ABORTED, SortieState.FAILED, SortieState.CANCELLED)


def _departing(asset: Asset, at: datetime) -> Circumstances:
    """Returns circumstances of which only the start is known."""
    return Circumstances(departs_at=at)


class Hangar(Protocol):
    """Where a sortie gets its vehicle and its pictures."""

    def craft(self, asset: Asset) -> AbstractAsyncContextManager[Craft]:
        """Opens the way to a vehicle for one sortie.

        Raises:
            VehicleUnreachable: on entry, if nothing answers.
        """
        ...

    def view(self, asset: Asset, sortie: Sortie) -> View:
        """Opens the asset's pictures for one sortie."""
        ...


class StationOperations(PreparedSorties):
    """Plans patrols, starts sorties and passes on orders; lives on one event loop."""

    def __init__(
        self,
        station: Station,
        hangar: Hangar,
        missions: MissionStore,
        zones: ZoneStore,
        fleet: Fleet,
        *,
        control: ControlDesk,
        on_sortie: Callable[[Sortie], None],
        on_outcome: Callable[[Outcome], None] = lambda outcome: None,
        circumstances: Callable[[Asset, datetime], Circumstances] = _departing,
    ) -> None:
        """Takes what it works with.

        Args:
            station: what every sortie shares.
            hangar: vehicles and pictures.
            missions: assets, patrols and sorties.
            zones: zones.
            fleet: the newest of every asset.
            control: leases and the records of commands.
            on_sortie: told of every change of a sortie.
            on_outcome: told of every sortie's end.
            circumstances: against which a plan is proven that starts at an instant:
                permissions, weather, our other sorties.
        """
        super().__init__(station, missions, zones, circumstances)
        self._commanding = Commanding(control, station.clock)
        self._guiding = Guiding(
            self._commanding,
            station.clock,
            status=fleet.status,
            zones=lambda: zones.find(Purpose.FLIGHT),
            circumstances=self._known,
            terrain=station.ground.terrain,
        )
        self._followers = Followers(self._guiding, station.clock, fleet.status)
        self._hangar, self._fleet = hangar, fleet
        self._on_sortie, self._on_outcome = on_sortie, on_outcome
        self._running: dict[SortieId, asyncio.Task[Outcome | None]] = {}
        self._orders: dict[SortieId, SortieCommands] = {}
        self._starting: set[AssetId] = set()
        self._proving = asyncio.Lock()
        """One is proven and takes its place before the next: else neither would see the other."""

    async def start(
        self,
        patrol_id: PatrolId,
        by: UserId,
        *,
        sortie_id: SortieId | None = None,
        term: int | None = None,
        as_station: bool = False,
        rest_of: Sequence[SortieId] = (),
    ) -> Sortie:
        """Plans, proves, authorises and starts a sortie; returns while it is under way.

        With `rest_of`, what the cameras of those sorties have left of the patrol is flown.

        Where a sortie of `sortie_id` is there already, it is returned as it is and nothing
        starts: a schedule that is not sure whether it has started one may ask again. Such a
        start, and one `as_station`, is the station's own and asks for no lease.

        Raises:
            NotFound: if there is no such patrol.
            PlanUnsafe: if the check has an error-level finding.
            IllegalMove: if the asset is busy.
            LeaseHeld: if somebody else commands it.
            LeaseStale: if `term` is not in force.
            SkyCleared: if the sky is cleared.
            BadRequest: if nothing is left, or as `rest`.
            PoseUnknown: as `rest`.
        """
        if sortie_id is not None and (known := self._missions.sorties(sortie_id=sortie_id)):
            return known[-1]
        patrol = self._patrol(patrol_id)
        asset = self._asset(patrol.asset_id)
        station = as_station or sortie_id is not None
        command = await self._commanding.asked_to_start(
            patrol_id, asset.asset_id, by, term, station=station
        )
        async with self._proving:
            try:
                self._check_free(asset)
                sortie = await asyncio.to_thread(
                    self._released, patrol, asset, by, sortie_id, rest_of
                )
            except QyranError as error:
                await self._commanding.refuse(command, error)
                raise
            with self.reserved(asset):
                await self._commanding.send_start(command, sortie.sortie_id)
                self._changed(sortie)
                orders = self._taken(sortie)
        # who clears the sky from here on finds it; whoever has done so before is found here
        await self._commanding.ground_if_cleared(orders)
        task = asyncio.create_task(self._fly(sortie, asset, orders))
        self._running[sortie.sortie_id] = task
        return sortie

    def _taken(self, sortie: Sortie) -> SortieCommands:
        """Notes that an asset is on a sortie, and returns what takes the orders to it."""
        orders = self._commanding.commands()
        orders.look_again = partial(asyncio.to_thread, self._check_once_more, sortie.sortie_id)
        self._orders[sortie.sortie_id] = orders
        self._busy[sortie.plan.asset_id] = sortie.sortie_id
        return orders

    async def hold(self, sortie_id: SortieId, by: UserId, *, term: int | None = None) -> Commanded:
        """Orders a hold and waits a while for the vehicle's answer.

        Raises:
            NotFound: if the sortie is not under way.
            LeaseHeld: if somebody else commands the asset.
            LeaseStale: if `term` is not in force.
            IllegalMove: if the sortie is in no state for it.
            SortieFailed: if the vehicle does not obey.
        """
        return await self._ordered(Order.HOLD, sortie_id, by, term)

    async def resume(
        self, sortie_id: SortieId, by: UserId, *, term: int | None = None
    ) -> Commanded:
        """Orders to go on; raises as `hold`, and SkyCleared where the sky is cleared.

        Off its way, beside which it was sent or flown by hand, the way back is proven first.

        Raises:
            PlanUnsafe: if it can't be.
            PoseUnknown: if it is not known where the aircraft is.
        """
        asset, commands = self._asset(self._sortie(sortie_id).plan.asset_id), self._order(sortie_id)

        async def check(under: int | None) -> None:
            await self._guiding.check_resumption(
                asset, commands, by, lambda: self._sortie(sortie_id), under
            )

        return await self._ordered(Order.RESUME, sortie_id, by, term, check=check)

    async def guide(
        self, sortie_id: SortieId, task: Task, by: UserId, *, term: int | None = None
    ) -> Commanded:
        """Asks for a task beside the mission; raises as `Guiding.ask`, and NotFound."""
        sortie, commands = self._sortie(sortie_id), self._order(sortie_id)
        asset = self._asset(sortie.plan.asset_id)
        return await self._guiding.ask(
            task, sortie, asset, commands, by, lambda: self._sortie(sortie_id), term=term
        )

    async def follow(
        self,
        sortie_id: SortieId,
        target: AssetId,
        by: UserId,
        *,
        up_m: float,
        distance_m: float,
        term: int | None = None,
    ) -> Commanded:
        """Follows another asset, step by proven step; raises as `guide`.

        Raises:
            NotFound: if there is no such asset.
            PoseUnknown: if it is not known where that asset is.
        """
        sortie, commands = self._sortie(sortie_id), self._order(sortie_id)
        asset = self._asset(sortie.plan.asset_id)
        self._asset(target)
        return await self._followers.follow(
            target, up_m, distance_m, sortie, asset, commands, by,
            lambda: self._sortie(sortie_id), term=term,
        )  # fmt: skip

    async def return_home(
        self, sortie_id: SortieId, by: UserId, *, retasked: bool = False, term: int | None = None
    ) -> Commanded:
        """Orders to come home, `retasked` where it is wanted elsewhere; raises as `hold`."""
        reason_code = RETASKED if retasked else ""
        return await self._ordered(Order.RETURN, sortie_id, by, term, reason_code)

    async def clear_sky(self, by: UserId, how: str, reason: str) -> Cleared:
        """Holds or brings home every drone at once; nothing starts until it is lifted.

        Raises:
            BadRequest: if the reason says nothing.
        """
        return await self._commanding.clear(
            by,
            how,
            reason,
            lambda: [one for one in self.under_way() if one[1].kind is AssetKind.DRONE],
        )

    def under_way(self) -> Sequence[tuple[Sortie, Asset, SortieCommands]]:
        """Returns the sorties that are under way here, each with the way to order it."""
        return [
            (self._sortie(sortie_id), self._asset(asset_id), self._orders[sortie_id])
            for asset_id, sortie_id in tuple(self._busy.items())
            if sortie_id in self._orders
        ]

    def status(self, asset_id: AssetId) -> AssetStatus | None:
        """Returns the newest that is known of an asset."""
        return self._fleet.status(asset_id)

    def footprint(self, asset_id: AssetId) -> Corners | None:
        """Returns the border of the ground that its camera sees now."""
        return self._fleet.footprint(asset_id)

    def sortie_of(self, asset_id: AssetId) -> SortieId | None:
        """Returns the sortie that the asset is on."""
        return self._busy.get(asset_id)

    async def outcome(self, sortie_id: SortieId) -> Outcome | None:
        """Waits for a sortie's end; `None` where it failed before it began.

        Raises:
            NotFound: if it was not started here.
        """
        if sortie_id not in self._running:
            raise NotFound("no such sortie under way", where=str(sortie_id))
        return await self._running[sortie_id]

    async def close(self) -> None:
        """Brings every asset home as far as it answers, and ends; the vehicles stay safe."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self._followers.close()
        await self._commanding.settled()

    async def _ordered(
        self,
        order: Order,
        sortie_id: SortieId,
        by: UserId,
        term: int | None,
        reason_code: str = "",
        check: Check | None = None,
    ) -> Commanded:
        return await self._commanding.order(
            order,
            self._sortie(sortie_id),
            self._order(sortie_id),
            by,
            lambda: self._sortie(sortie_id),
            term=term,
            reason_code=reason_code,
            check=check,
        )

    @contextmanager
    def reserved(self, asset: Asset) -> Iterator[None]:
        """Keeps an asset from starting meanwhile; raises IllegalMove where it is busy."""
        self._check_free(asset)
        self._starting.add(asset.asset_id)
        try:
            yield
        finally:
            self._starting.discard(asset.asset_id)

    def _check_free(self, asset: Asset) -> None:
        """Refuses an asset that can't be sent; raises as `check_free`."""
        asset_id = asset.asset_id
        check_free(asset, self._busy.get(asset_id), starting=asset_id in self._starting)

    async def _fly(self, sortie: Sortie, asset: Asset, orders: SortieCommands) -> Outcome | None:
        try:
            async with self._hangar.craft(asset) as craft:
                unseen = asset.camera is None and asset.kind is AssetKind.VEHICLE
                if unseen or (asset.attested and not asset.video):
                    outcome = await drive_unseen(
                        sortie, craft, self._station,
                        on_change=self._changed, on_sample=self._fleet.heard, commands=orders,
                    )  # fmt: skip
                else:
                    outcome = await run_patrol(
                        sortie,
                        craft,
                        self._hangar.view(asset, sortie),
                        self._station,
                        on_change=self._changed,
                        on_sample=self._fleet.heard,
                        commands=orders,
                    )
        except QyranError as error:
            self._failed(sortie.sortie_id, error)
            return None
        finally:
            orders.over = True  # also where it ended before anybody flew it
            self._busy.pop(asset.asset_id, None)
            self._orders.pop(sortie.sortie_id, None)
        self._on_outcome(outcome)
        return outcome

    def _failed(self, sortie_id: SortieId, error: QyranError) -> None:
        """Keeps the reason of a sortie that could not be flown to its end."""
        log.error("a sortie failed", extra={"sortie_id": sortie_id, "reason": str(error)})
        sortie, now = self._sortie(sortie_id), self._station.clock.now()
        if sortie.state in _PARKED:
            return
        event = SortieEvent(now, SortieState.FAILED, str(error))
        self._changed(
            replace(
                sortie,
                state=SortieState.FAILED,
                ended_at=now,
                reason_code=error.code,
                events=(*sortie.events, event),
                version=sortie.version + 1,
            )
        )

    def _changed(self, sortie: Sortie) -> None:
        self._missions.save_sortie(sortie)
        self._on_sortie(sortie)
        self._commanding.heard_of(sortie)

    def _order(self, sortie_id: SortieId) -> SortieCommands:
        orders = self._orders.get(sortie_id)
        if orders is None:
            raise NotFound("the sortie is not under way", where=str(sortie_id))
        return orders
