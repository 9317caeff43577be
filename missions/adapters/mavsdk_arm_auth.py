"""Answers PX4's question whether it may arm (MAV_CMD_ARM_AUTHORIZATION_REQUEST).

PX4 1.17 asks system `COM_ARM_AUTH_ID` by a COMMAND_LONG and reads of the COMMAND_ACK: the result,
`result_param2` as seconds for which a yes is valid, `progress` as the reason of a no. It takes an
answer from whichever system, if it is addressed to itself. That id must be none of MAVSDK's own
(245): MAVSDK answers what it does not know itself, with "unsupported", which PX4 takes for a no.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from mavsdk import MavsdkError
from mavsdk.asyncio.plugins.mavlink_direct import MavlinkDirectAsync, MavlinkMessage

from core.ids import AssetId
from missions.failsafes.authorisation import ArmAuthoriser, ArmDecision, Denial

log = logging.getLogger(__name__)

AUTHORISER_ID = 10
"""The default of `COM_ARM_AUTH_ID`: as which system we are asked."""
_REQUEST = 3001
_ACCEPTED, _DENIED = 0, 2
_REASONS = {Denial.GENERIC: 0, Denial.TIMEOUT: 3, Denial.AIRSPACE_IN_USE: 4}
_FIELDS_MOST = 4_096


class OpenedSystem(Protocol):
    """What is needed of an opened MAVSDK system."""

    system: Any


class ArmAuthorisation:
    """Answers for one vehicle while its link is open; without it the vehicle hears nothing."""

    def __init__(
        self,
        system: OpenedSystem,
        asset_id: AssetId,
        authoriser: ArmAuthoriser,
        *,
        own_id: int = AUTHORISER_ID,
    ) -> None:
        """Takes the opened vehicle, whose it is, and who decides.

        Args:
            system: the opened vehicle.
            asset_id: whose it is.
            authoriser: decides.
            own_id: as which MAVLink system the vehicle asks us.
        """
        self._direct = MavlinkDirectAsync(system.system)
        self._asset_id, self._authoriser, self._own_id = asset_id, authoriser, own_id

    async def run(self) -> None:
        """Answers each request until cancelled; a repeated one is answered anew."""
        async for message in self._direct.subscribe_message("COMMAND_LONG"):
            if self._asks(message):
                decision = await self._authoriser.decide(self._asset_id)
                await self._answer(message, decision)

    def _asks(self, message: Any) -> bool:
        if len(message.fields_json) > _FIELDS_MOST:
            return False
        try:
            fields = json.loads(message.fields_json)
            command, target = int(fields["command"]), int(fields["target_system"])
        except (ValueError, KeyError, TypeError, OverflowError):
            return False
        return command == _REQUEST and target == self._own_id

    async def _answer(self, asked: Any, decision: ArmDecision) -> None:
        fields = {
            "command": _REQUEST,
            "result": _ACCEPTED if decision.allowed else _DENIED,
            "progress": 0 if decision.allowed else _REASONS[decision.denial],
            "result_param2": decision.valid_s,
            "target_system": asked.system_id,
            "target_component": asked.component_id,
        }
        told = {"asset_id": self._asset_id, "allowed": decision.allowed, "why": decision.words}
        log.info("an aircraft asked whether it may arm", extra=told)
        try:
            await self._direct.send_message(
                MavlinkMessage("COMMAND_ACK", 0, 0, 0, 0, json.dumps(fields))
            )
        except MavsdkError:
            log.warning("an answer to arming could not be sent", extra=told)


@asynccontextmanager
async def answering(
    system: OpenedSystem, asset_id: AssetId, authoriser: ArmAuthoriser | None
) -> AsyncIterator[None]:
    """Answers an opened vehicle meanwhile; without an authoriser nobody does."""
    if authoriser is None:
        yield
        return
    task = asyncio.create_task(ArmAuthorisation(system, asset_id, authoriser).run())
    try:
        await asyncio.sleep(0)  # it listens before anybody orders the vehicle to arm
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
