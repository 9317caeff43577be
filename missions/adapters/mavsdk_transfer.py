"""Uploads by MAVSDK that are read back: mission, fence and rally points of one vehicle."""

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol

from mavsdk import MavsdkError
from mavsdk.asyncio.plugins.geofence import GeofenceAsync, GeofenceError
from mavsdk.asyncio.plugins.mavlink_direct import MavlinkDirectAsync, MavlinkMessage
from mavsdk.asyncio.plugins.mission_raw import MissionRawAsync, MissionRawError, MissionRawResult
from mavsdk.plugins.mission_raw import MissionItem as MavsdkItem

from core.clock import Clock
from core.errors import UploadMismatch, VehicleUnreachable
from missions.adapters.mavlink_codec import RALLY, RawItem, difference

log = logging.getLogger(__name__)

_NO_MISSION = {MissionRawResult.NO_MISSION_AVAILABLE}
_SILENT = {MissionRawResult.TIMEOUT, MissionRawResult.NO_SYSTEM}
_PASSING = {MissionRawResult.BUSY, MissionRawResult.ERROR, *_SILENT}
_AUTOPILOT_COMPONENT = 1


class TransferSystem(Protocol):
    """What transfers need of an opened MAVSDK system."""

    url: str
    system: Any
    clock: Clock
    lost: bool

    @property
    def status_text(self) -> str:
        """The autopilot's newest words."""
        ...


class VerifiedTransfers:
    """Sends items to one vehicle and compares what it then holds."""

    def __init__(
        self, system: TransferSystem, raw: MissionRawAsync, *, tries: int, retry_after_s: float
    ) -> None:
        """Serves an opened system.

        Args:
            system: stays its owner's to close.
            raw: its mission plugin.
            tries: how often an upload is begun before it counts as failed.
            retry_after_s: by the system's clock, from one try to the next.
        """
        self._system, self._raw = system, raw
        self._fence = GeofenceAsync(system.system)
        self._direct = MavlinkDirectAsync(system.system)
        self._tries, self._retry_after_s = tries, retry_after_s

    async def mission(self, items: Sequence[RawItem]) -> None:
        """Replaces the mission; raises as `Pilot.upload` does."""
        await self._transfer(items, self._raw.upload_mission, self._raw.download_mission)

    async def fence(self, items: Sequence[RawItem]) -> None:
        """Replaces the fence, or clears it; raises as `FenceLink.upload_fences` does."""
        send = self._raw.upload_geofence if items else self._clear_fence
        await self._transfer(items, send, self._raw.download_geofence)

    async def rally(self, items: Sequence[RawItem]) -> None:
        """Replaces the rally points, or clears them; raises as `Pilot.upload` does."""
        send = self._raw.upload_rally_points if items else self._clear_rally
        await self._transfer(items, send, self._raw.download_rallypoints)

    def unreachable(self, what: str) -> VehicleUnreachable:
        """Returns the error of a vehicle that does not answer."""
        return VehicleUnreachable(
            what, where=self._system.url, cure="check that the vehicle is on and in range"
        )

    async def _clear_fence(self, items: list[MavsdkItem]) -> None:
        try:
            await self._fence.clear_geofence()  # an upload of nothing is refused by MAVSDK itself
        except GeofenceError as error:
            result = MissionRawResult.__members__.get(error.result.name, MissionRawResult.ERROR)
            raise MissionRawError(result, "clear_geofence()") from error

    async def _clear_rally(self, items: list[MavsdkItem]) -> None:
        # MAVSDK has no call for it and refuses an upload of nothing; the read-back is the proof
        fields = {
            "target_system": await self._system.system.get_system_id(),
            "target_component": _AUTOPILOT_COMPONENT,
            "mission_type": RALLY,
        }
        message = MavlinkMessage("MISSION_CLEAR_ALL", 0, 0, 0, 0, json.dumps(fields))
        try:
            await self._direct.send_message(message)
        except MavsdkError as error:
            raise MissionRawError(MissionRawResult.ERROR, "clear_rally_points()") from error

    async def _transfer(
        self,
        items: Sequence[RawItem],
        send: Callable[[list[MavsdkItem]], Awaitable[object]],
        fetch: Callable[[], Awaitable[list[MavsdkItem]]],
    ) -> None:
        """Sends items and compares what the vehicle then holds, a bounded number of times."""
        differs = ""
        for number in range(self._tries):
            last = number == self._tries - 1
            try:
                await send([_to_mavsdk(item) for item in items])
                held = [_from_mavsdk(item) for item in await _fetched(fetch)]
            except MissionRawError as error:
                if error.result in _PASSING and not last and not self._system.lost:
                    await self._pause()
                    continue
                if error.result in _SILENT or self._system.lost:
                    raise self.unreachable("an upload was not answered") from error
                raise UploadMismatch(
                    f"the vehicle refused the upload: {error.result.name}"
                    f" {self._system.status_text}".rstrip(),
                    where=self._system.url,
                ) from error
            differs = difference(items, held)
            if not differs:
                return
            log.warning("read-back differs", extra={"difference": differs})
        raise UploadMismatch(
            f"read-back differs: {differs}",
            where=self._system.url,
            cure="do not start it; clear the vehicle's mission and send again",
        )

    async def _pause(self) -> None:
        clock = self._system.clock
        await clock.sleep_until(clock.now() + timedelta(seconds=self._retry_after_s))


async def _fetched(fetch: Callable[[], Awaitable[list[MavsdkItem]]]) -> list[MavsdkItem]:
    try:
        return await fetch()
    except MissionRawError as error:
        if error.result in _NO_MISSION:
            return []
        raise


def _to_mavsdk(item: RawItem) -> MavsdkItem:
    return MavsdkItem(
        item.seq, item.frame, item.command, item.current, 1, *item.params,
        item.x, item.y, item.z, item.mission_type,
    )  # fmt: skip


def _from_mavsdk(item: Any) -> RawItem:
    return RawItem(
        item.seq, item.frame, item.command, 0,
        (item.param1, item.param2, item.param3, item.param4),
        item.x, item.y, item.z, item.mission_type,
    )  # fmt: skip
