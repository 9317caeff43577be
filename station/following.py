"""Has an aircraft follow another asset: one short flight after the other, each proven anew.

A target that goes where the aircraft may not ends it: it is held, and the reason stands with the
sortie. So does a target that is not heard of any more, and any other order to the aircraft.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from api.services import Commanded
from core.clock import Clock
from core.errors import BadRequest, LinkLost, PoseUnknown, QyranError
from core.ids import AssetId, SortieId, UserId
from geo.local_frame import LocalFrame
from missions.control.orders import SortieCommands
from missions.guided import Capability, FlyTo
from missions.model import Asset, Sortie
from station.guiding import Guiding
from telemetry.model import AssetStatus

log = logging.getLogger(__name__)

FOLLOW_ENDED = "follow_ended"
"""Reason code of a sortie that was held because it could not follow any further."""
_EVERY = timedelta(seconds=2)
_MOVED_M = 3.0
_HEARD_MOST = timedelta(seconds=10)
_FARTHEST_M = 500.0


@dataclass(frozen=True, slots=True)
class _Wish:
    """Who follows whom, and how."""

    target: AssetId
    up_m: float
    distance_m: float
    asset: Asset
    commands: SortieCommands
    by: UserId
    newest: Callable[[], Sortie]
    term: int | None


class Followers:
    """The aircraft that follow somebody; on the loop that flies the sorties."""

    def __init__(
        self, guiding: Guiding, clock: Clock, status: Callable[[AssetId], AssetStatus | None]
    ) -> None:
        """Takes what proves and gives the flights, the clock, and the newest of every asset."""
        self._guiding, self._clock, self._status = guiding, clock, status
        self._tasks: dict[SortieId, asyncio.Task[None]] = {}

    async def follow(
        self,
        target: AssetId,
        up_m: float,
        distance_m: float,
        sortie: Sortie,
        asset: Asset,
        commands: SortieCommands,
        by: UserId,
        newest: Callable[[], Sortie],
        *,
        term: int | None = None,
    ) -> Commanded:
        """Sets out after a target and goes on until another order, or until it can't.

        Args:
            target: the asset that is followed.
            up_m: height above the follower's home.
            distance_m: kept from the target, on the side where it is now; 0 is above it.
            sortie: of the follower.
            asset: the follower.
            commands: the way to its vehicle.
            by: who asks.
            newest: returns its sortie as it is then.
            term: of the lease that they believe to hold.

        Raises as `Guiding.ask`, and:
            BadRequest: if it would follow itself, or the distance makes no sense.
            PoseUnknown: if it is not known where the target is.
        """
        if target == asset.asset_id:
            raise BadRequest("it can't follow itself", where="target", cure="name another asset")
        if not 0.0 <= distance_m <= _FARTHEST_M:
            raise BadRequest(
                "that is no distance to follow at",
                where="distance_m",
                cure=f"give 0 to {_FARTHEST_M:g} m",
            )
        wish = _Wish(target, up_m, distance_m, asset, commands, by, newest, term)
        self._end(sortie.sortie_id)
        seen = self._place(target)
        done = await self._step(wish, sortie, seen)
        wish = _Wish(target, up_m, distance_m, asset, commands, by, newest, None)
        self._tasks[sortie.sortie_id] = asyncio.ensure_future(self._go_on(wish, seen))
        return done

    async def close(self) -> None:
        """Ends all; nothing is ordered."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, sortie_id: SortieId) -> None:
        task = self._tasks.pop(sortie_id, None)
        if task is not None:
            task.cancel()

    async def _go_on(self, wish: _Wish, seen: tuple[float, float]) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + _EVERY)
            sortie = wish.newest()
            guided = sortie.guided
            if guided is None or guided.held or guided.kind is not Capability.FOLLOW:
                return
            try:
                place = self._place(wish.target)
                frame = LocalFrame(*seen)
                if math.hypot(*frame.to_en1_m(*place)) < _MOVED_M:
                    continue
                await self._step(wish, sortie, place)
                seen = place
            except LinkLost:
                return  # the sortie ends by itself
            except QyranError as error:
                log.warning("an aircraft can't follow any further", extra={"reason": str(error)})
                text = f"it can't follow {wish.target} any further: {error}"
                wish.commands.hold(reason_code=FOLLOW_ENDED, text=text)
                return

    async def _step(self, wish: _Wish, sortie: Sortie, place: tuple[float, float]) -> Commanded:
        goal = self._beside(wish, place)
        task = FlyTo(*goal, wish.up_m, look_at=place)
        return await self._guiding.ask(
            task, sortie, wish.asset, wish.commands, wish.by, wish.newest,
            term=wish.term, kind=Capability.FOLLOW,
        )  # fmt: skip

    def _beside(self, wish: _Wish, place: tuple[float, float]) -> tuple[float, float]:
        """Returns where it stays by a target: on the side from which it comes."""
        frame = LocalFrame(*place)
        east, north = frame.to_en1_m(*self._place(wish.asset.asset_id))
        away = math.hypot(east, north)
        if away < 1.0:
            return frame.to_geo1_deg(0.0, wish.distance_m)
        share = wish.distance_m / away
        return frame.to_geo1_deg(east * share, north * share)

    def _place(self, asset_id: AssetId) -> tuple[float, float]:
        status = self._status(asset_id)
        fresh = status is not None and self._clock.now() - status.heard_at <= _HEARD_MOST
        position = None if status is None or not fresh else status.sample.position
        if position is None:
            raise PoseUnknown(
                "where it is is not known now",
                where=str(asset_id),
                cure="wait for its telemetry, and ask again",
            )
        return position.lat_deg, position.lon_deg
