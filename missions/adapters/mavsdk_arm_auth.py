"""Answers PX4's question whether it may arm (MAV_CMD_ARM_AUTHORIZATION_REQUEST).

PX4 1.17 asks system `COM_ARM_AUTH_ID` by a COMMAND_LONG and reads of the COMMAND_ACK: the result,
`result_param2` as seconds for which a yes is valid, `progress` as the reason of a no. It takes an
answer from whichever system, if it is addressed to itself. MAVSDK hands on only what is addressed
to its own id or to all, so `COM_ARM_AUTH_ID` must be `AUTHORISER_ID`; with PX4's default of 10 the
request is heard by nobody, and the aircraft does not arm.
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

AUTHORISER_ID = 245
"""Our MAVLink system, as MAVSDK has it: what `COM_ARM_AUTH_ID` must hold."""
_REQUEST = 3001
_ACCEPTED, _DENIED = 0, 2
_REASONS = {Denial.GENERIC: 0, Denial.TIMEOUT: 3, Denial.AIRSPACE_IN_USE: 4}
_FIELDS_MOST = 4_096


class OpenedSystem(Protocol):
    """What is needed of an opened MAVSDK system."""

    system: Any


class ArmAuthorisation:
    """Answers for one vehicle while its link is open; without it the vehicle hears nothing."""

    def __init__(self, system: OpenedSystem, asset_id: AssetId, authoriser: ArmAuthoriser) -> None:
        """Takes the opened vehicle, whose it is, and who decides."""
        self._direct = MavlinkDirectAsync(system.system)
        self._asset_id, self._authoriser = asset_id, authoriser

    async def run(self) -> None:
        """Answers each request until cancelled; a repeated one is answered anew."""
        async for message in self._direct.subscribe_message("COMMAND_LONG"):
            if _asks(message.fields_json):
                decision = await self._authoriser.decide(self._asset_id)
                await self._answer(message, decision)

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


def _asks(fields_json: str) -> bool:
    """Returns whether a COMMAND_LONG asks for leave to arm; what can't be read asks nothing."""
    if len(fields_json) > _FIELDS_MOST:
        return False
    try:
        return int(json.loads(fields_json)["command"]) == _REQUEST
    except (ValueError, KeyError, TypeError, OverflowError):
        return False


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
