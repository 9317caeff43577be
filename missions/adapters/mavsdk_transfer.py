"""Missions, fences and rally points by MAVSDK, as the wire of a transaction."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from mavsdk import MavsdkError
from mavsdk.asyncio.plugins.geofence import GeofenceAsync, GeofenceError
from mavsdk.asyncio.plugins.mavlink_direct import MavlinkDirectAsync, MavlinkMessage
from mavsdk.asyncio.plugins.mission_raw import MissionRawAsync, MissionRawError, MissionRawResult
from mavsdk.plugins.mission_raw import MissionItem as MavsdkItem

from core.errors import LinkLost
from missions.adapters.item_wire import Held, TransferRefused, TransferStalled
from missions.adapters.mavlink_codec import FENCE, MISSION, RALLY, RawItem, taken_frames

_SILENT = {MissionRawResult.TIMEOUT, MissionRawResult.NO_SYSTEM}
_AUTOPILOT_COMPONENT = 1


class TransferSystem(Protocol):
    """What transfers need of an opened MAVSDK system."""

    system: Any
    lost: bool

    def add_listener(self, listener: Callable[[str, dict[str, Any]], None]) -> Callable[[], None]:
        """Calls with each message; returns what ends that."""
        ...

    def lost_error(self) -> LinkLost:
        """Returns the error of a silence."""
        ...


class MavsdkWire:
    """An `ItemWire` of one PX4 vehicle."""

    def __init__(self, system: TransferSystem, raw: MissionRawAsync) -> None:
        """Serves an opened system with its mission plugin; both stay their owner's."""
        self._system, self._raw = system, raw
        self.first: Mapping[int, int] = {}
        self._fence = GeofenceAsync(system.system)
        self._direct = MavlinkDirectAsync(system.system)

    async def send(self, items: Sequence[RawItem], kind: int) -> None:
        """Replaces what the vehicle holds; raises as `ItemWire.send`."""
        raw = self._raw
        send = {
            MISSION: raw.upload_mission, FENCE: raw.upload_geofence, RALLY: raw.upload_rally_points
        }  # fmt: skip
        clear = {MISSION: raw.clear_mission, FENCE: self._clear_fence, RALLY: self._clear_rally}
        if items:
            await self._done(send[kind]([_to_mavsdk(item) for item in items]))
        else:  # an upload of nothing is refused by MAVSDK itself
            await self._done(clear[kind]())

    async def fetch(self, kind: int) -> Held:
        """Returns what the vehicle holds; raises as `ItemWire.fetch`."""
        raw = self._raw
        fetch = {
            MISSION: raw.download_mission,
            FENCE: raw.download_geofence,
            RALLY: raw.download_rallypoints,
        }
        opaque_id = 0

        def hear(name: str, fields: dict[str, Any]) -> None:
            nonlocal opaque_id
            if name == "MISSION_COUNT" and int(fields.get("mission_type") or 0) == kind:
                opaque_id = int(fields.get("opaque_id") or 0)

        end = self._system.add_listener(hear)
        try:
            items = await self._done(fetch[kind]())
        except _NothingThere:
            return Held(())
        finally:
            end()
        return Held(tuple(_from_mavsdk(item) for item in items), opaque_id)

    def as_sent(self, held: Held, kind: int) -> tuple[RawItem, ...]:
        """Returns the items in frames in which PX4 takes them."""
        return taken_frames(held.items, kind)

    async def _done(self, call: Awaitable[Any]) -> Any:
        try:
            return await call
        except MissionRawError as error:
            if error.result is MissionRawResult.NO_MISSION_AVAILABLE:
                raise _NothingThere from error
            if self._system.lost:
                raise self._system.lost_error() from error
            if error.result in _SILENT:
                raise TransferStalled(error.result.name) from error
            raise TransferRefused(error.result.name) from error

    async def _clear_fence(self) -> None:
        try:
            await self._fence.clear_geofence()
        except GeofenceError as error:
            result = MissionRawResult.__members__.get(error.result.name, MissionRawResult.ERROR)
            raise MissionRawError(result, "clear_geofence()") from error

    async def _clear_rally(self) -> None:
        # MAVSDK has no call for it; the read-back is the proof
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


class _NothingThere(TransferRefused):
    """The vehicle holds nothing of that kind."""


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
