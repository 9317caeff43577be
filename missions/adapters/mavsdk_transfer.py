"""Missions, fences and rally points by MAVSDK's plain messages, as a transaction's wire.

MAVSDK's own transfers give up at a doubled packet, were seen to report nothing where there was
something, and now and then never came back.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from mavsdk import MavsdkError
from mavsdk.plugins.mavlink_direct import MavlinkDirect, MavlinkMessage

from missions.adapters.item_exchange import ItemExchange, target
from missions.adapters.item_wire import Held
from missions.adapters.mavlink_codec import RawItem, taken_frames

_AHEAD = 1
"""PX4 answers a question out of turn with an error."""


class TransferSystem(Protocol):
    """What transfers need of an opened MAVSDK system."""

    system: Any
    system_id: int

    def add_listener(self, listener: Callable[[str, dict[str, Any]], None]) -> Callable[[], None]:
        """Calls with each message; returns what ends that."""
        ...

    async def wait_for(self, ready: Callable[[], bool], within_s: float) -> bool:
        """Waits for a state; raises LinkLost when the vehicle falls silent."""
        ...


class MavsdkWire(ItemExchange):
    """An `ItemWire` of one PX4 vehicle."""

    def __init__(self, system: TransferSystem, *, answer_s: float) -> None:
        """Serves an opened system, which stays its owner's to close.

        Args:
            system: the vehicle.
            answer_s: by its clock, how long each answer is waited for before asking again.
        """
        direct = MavlinkDirect(system.system._system)

        def post(name: str, fields: dict[str, Any]) -> None:
            known = {
                key: None if isinstance(value, float) and math.isnan(value) else value
                for key, value in {**target(system.system_id), **fields}.items()
            }
            try:  # it only queues, so it may be called on the loop
                direct.send_message(MavlinkMessage(name, 0, 0, 0, 0, json.dumps(known)))
            except MavsdkError:
                return  # a lost packet; it is sent again

        super().__init__(system, post, answer_s=answer_s, ahead=_AHEAD)
        self.first: Mapping[int, int] = {}

    def as_sent(self, held: Held, kind: int) -> tuple[RawItem, ...]:
        """Returns the items in frames in which PX4 takes them."""
        return taken_frames(held.items, kind)
