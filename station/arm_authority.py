"""Answers for the station when an aircraft asks whether it may arm, and writes down the answer."""

import asyncio
import logging
from collections.abc import Callable

from core.clock import Clock
from core.errors import QyranError
from core.ids import AssetId, SortieId
from missions.control.desk import ControlDesk
from missions.control.records import Answer, CommandKind, Outcome
from missions.failsafes.authorisation import ArmDecision, decide_arming
from missions.model import Asset, Sortie
from missions.permissions import Permission
from missions.ports import MissionStore, PermissionStore

log = logging.getLogger(__name__)


class ArmAuthority:
    """The `ArmAuthoriser` of a station: what it does not know, it denies."""

    def __init__(
        self,
        missions: MissionStore,
        permissions: PermissionStore,
        desk: ControlDesk,
        clock: Clock,
        sortie_of: Callable[[AssetId], SortieId | None],
    ) -> None:
        """Takes what it looks at.

        Args:
            missions: assets and sorties.
            permissions: those on hand.
            desk: knows whether the sky is cleared, and keeps the chain of commands.
            clock: the station's.
            sortie_of: returns the sortie that an asset is on, as the station flies it.
        """
        self._missions, self._permissions = missions, permissions
        self._desk, self._clock, self._sortie_of = desk, clock, sortie_of
        self._written: set[asyncio.Task[None]] = set()

    async def decide(self, asset_id: AssetId) -> ArmDecision:
        """Returns whether the asset may arm now; a store that fails is a no."""
        sortie_id = self._sortie_of(asset_id)
        try:
            sky = await self._desk.sky()
            asset, sortie, permissions = await asyncio.to_thread(self._known, asset_id, sortie_id)
        except QyranError as error:
            log.exception("an arming was denied because nothing could be looked up")
            decision = ArmDecision(False, str(error))
        else:
            decision = ArmDecision(False, "the station does not know this asset")
            if asset is not None:
                decision = decide_arming(
                    asset, sortie, permissions, self._clock.now(),
                    sky_cleared="" if sky is None else sky.reason,
                )  # fmt: skip
        self._write(asset_id, sortie_id, decision)
        return decision

    async def settled(self) -> None:
        """Returns once every answer is written."""
        await asyncio.gather(*self._written, return_exceptions=True)

    def _known(
        self, asset_id: AssetId, sortie_id: SortieId | None
    ) -> tuple[Asset | None, Sortie | None, tuple[Permission, ...]]:
        asset = next((one for one in self._missions.assets() if one.asset_id == asset_id), None)
        found = () if sortie_id is None else self._missions.sorties(sortie_id=sortie_id)
        sortie = found[-1] if found else None
        return asset, sortie, tuple(self._permissions.permissions())

    def _write(self, asset_id: AssetId, sortie_id: SortieId | None, decision: ArmDecision) -> None:
        """Writes the answer into the chain behind its back: the aircraft waits for one second."""
        command = self._desk.new_command(
            CommandKind.ARM_REQUEST, None, asset_id=asset_id, sortie_id=sortie_id
        )
        outcome = Outcome.DONE if decision.allowed else Outcome.REFUSED
        code = "" if decision.allowed else f"arm_{decision.denial}"
        answer = Answer(outcome, code, decision.words)
        task = asyncio.ensure_future(self._desk.answer(command, answer))
        self._written.add(task)
        task.add_done_callback(self._written.discard)
