"""Operations that also send an asset somewhere at once, out of what it does where need be."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from core.errors import QyranError
from core.ids import AssetId, PatrolId, SortieId, UserId
from missions.control.orders import FollowOn, Order, SortieCommands
from missions.executor import RETASKED, authorise, new_sortie
from missions.model import Asset, Plan, Sortie
from station.operations import StationOperations
from station.patrol_line import Outcome


class GoingOperations(StationOperations):
    """Station operations for hand-offs: a given plan is proven, and begun from wherever it is."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """Takes what `StationOperations` takes."""
        super().__init__(*args, **more)
        self._follow_ons: dict[SortieId, SortieId] = {}
        """Sorties that are to follow another one without landing, with that."""
        self._hearers: tuple[Callable[[Sortie], None], ...] = ()

    def also_tell(self, hearer: Callable[[Sortie], None]) -> None:
        """Has another told of each change of a sortie from now on."""
        self._hearers = (*self._hearers, hearer)

    async def go(
        self,
        plan: Plan,
        by: UserId,
        sortie_id: SortieId,
        *,
        first_item: int = 0,
        as_station: bool = False,
    ) -> Sortie:
        """Has an asset carry out a plan at once, and returns its sortie.

        One on a sortie holds, takes the plan and starts it from there; its old sortie ends as
        retasked. Where a sortie of `sortie_id` is there already, it is returned as it is.

        Args:
            plan: of the asset that it names.
            by: who has it go.
            sortie_id: of the sortie that it is to be.
            first_item: of the plan, to begin with in the air.
            as_station: the start is the station's own and asks for no lease.

        Raises:
            NotFound: if there is no such asset.
            PlanUnsafe: if the plan can't be proven now.
            IllegalMove: if the asset is being started, or in no state for it.
            LeaseHeld: if somebody else commands it.
            SkyCleared: if the sky is cleared.
            SortieFailed: if the vehicle does not take the plan, or does not start.
        """
        if known := self._missions.sorties(sortie_id=sortie_id):
            return known[-1]
        asset = self._asset(plan.asset_id)
        leaves = self._busy.get(asset.asset_id)
        if leaves is None:
            return await self._begin(plan, asset, by, sortie_id, as_station)
        async with self._proving:
            sortie = await asyncio.to_thread(self._proven, plan, asset, by, sortie_id)
            self._follow_ons[sortie_id], self._coming[sortie_id] = leaves, sortie.plan
        try:
            await self._commanding.order(
                Order.RETASK, self._sortie(leaves), self._order(leaves), by,
                lambda: self._sortie(leaves), reason_code=RETASKED,
                follow_on=FollowOn(sortie, first_item),
            )  # fmt: skip
        except QyranError:
            self._follow_ons.pop(sortie_id, None)
            self._coming.pop(sortie_id, None)
            raise
        return sortie

    async def go_on_with(
        self, patrol_id: PatrolId, asset_id: AssetId, by: UserId, sortie_id: SortieId
    ) -> Sortie:
        """Has an asset carry out a patrol, also one that is another asset's; raises as `go`.

        It is the station's own start and asks for no lease.
        """
        patrol, asset = self._patrol(patrol_id), self._asset(asset_id)
        lent = replace(patrol, asset_id=asset_id)
        made = await asyncio.to_thread(lambda: self._planned(lent, asset, self._known(asset)))
        return await self.go(made.plan, by, sortie_id, as_station=True)

    def bring_home(self, sortie_id: SortieId, text: str) -> None:
        """Has a sortie come home by the station's own order, which asks for no lease.

        Raises:
            NotFound: if it is not under way.
        """
        self._order(sortie_id).bring_home(text=text)

    async def _begin(
        self, plan: Plan, asset: Asset, by: UserId, sortie_id: SortieId, as_station: bool
    ) -> Sortie:
        patrol_id = plan.patrol_id or PatrolId("")
        command = await self._commanding.asked_to_start(
            patrol_id, asset.asset_id, by, None, station=as_station
        )
        try:
            async with self._proving:
                with self.reserved(asset):
                    sortie = await asyncio.to_thread(self._proven, plan, asset, by, sortie_id)
                    await self._commanding.send_start(command, sortie_id)
                    self._changed(sortie)
                    orders = self._taken(sortie)
        except QyranError as error:
            await self._commanding.refuse(command, error)
            raise
        await self._commanding.ground_if_cleared(orders)
        self._running[sortie_id] = asyncio.create_task(self._fly(sortie, asset, orders))
        return sortie

    def _proven(self, plan: Plan, asset: Asset, by: UserId, sortie_id: SortieId) -> Sortie:
        known, now = self._known(asset), self._station.clock.now()
        made = new_sortie(plan, sortie_id)
        return authorise(made, asset, by, now, known, terrain=self._station.ground.terrain)

    def _changed(self, sortie: Sortie) -> None:
        self._coming.pop(sortie.sortie_id, None)
        left = self._follow_ons.pop(sortie.sortie_id, None)
        if left is not None and left in self._orders:  # it has left its mission for this one
            self._orders[sortie.sortie_id] = self._orders[left]
            self._busy[sortie.plan.asset_id] = sortie.sortie_id
            self._running[sortie.sortie_id] = self._running[left]
        super()._changed(sortie)
        for hearer in self._hearers:
            hearer(sortie)

    async def _fly(self, sortie: Sortie, asset: Asset, orders: SortieCommands) -> Outcome | None:
        try:
            return await super()._fly(sortie, asset, orders)
        finally:
            for sortie_id in [one for one, theirs in self._orders.items() if theirs is orders]:
                del self._orders[sortie_id]

    def _failed(self, sortie_id: SortieId, error: QyranError) -> None:
        newest = self._busy.get(self._sortie(sortie_id).plan.asset_id, sortie_id)
        super()._failed(newest, error)
