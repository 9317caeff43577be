"""Opens an aircraft on the ground to read its failsafes, and to correct them for a person."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace

from core.clock import Clock
from core.errors import BadRequest, IllegalMove, NotFound, QyranError
from core.ids import AssetId, UserId
from missions.control.desk import ControlDesk
from missions.control.leases import checked_reason
from missions.control.records import Answer, CommandDetails, CommandKind, Outcome, refusal
from missions.failsafes.contracts import contract_for
from missions.failsafes.reading import Corrected, correct, read_held
from missions.failsafes.report import FailsafeReport
from missions.failsafes.requirements import Contract, Deviation, compare
from missions.model import Asset
from missions.ports import MissionStore, Parameters
from station.operations import Hangar


class FailsafeChecks:
    """The `FailsafeService` of a station; it never opens a vehicle that is on a sortie."""

    def __init__(
        self,
        hangar: Hangar,
        missions: MissionStore,
        desk: ControlDesk,
        clock: Clock,
        *,
        reserved: Callable[[Asset], AbstractContextManager[None]],
    ) -> None:
        """Takes what it works with.

        Args:
            hangar: where vehicles are opened.
            missions: the assets.
            desk: leases and the records of commands.
            clock: the station's.
            reserved: keeps an asset on the ground meanwhile; raises IllegalMove if it is busy.
        """
        self._hangar, self._missions, self._desk = hangar, missions, desk
        self._clock, self._reserved = clock, reserved

    async def read(self, asset_id: AssetId) -> FailsafeReport:
        """Reads and compares; raises as `FailsafeService.read`."""
        asset = self._asset(asset_id)
        async with self._opened(asset) as parameters:
            return await self._report(asset, parameters, contract_for(asset))

    async def correct(
        self,
        asset_id: AssetId,
        by: UserId,
        reason: str,
        *,
        codes: Collection[str] | None = None,
        term: int | None = None,
    ) -> FailsafeReport:
        """Corrects, reads again, and writes down who did what and why; raises as the port says.

        The record names each change before the first is sent, as with every order.
        """
        asset = self._asset(asset_id)
        words = checked_reason(reason, "correcting an aircraft's failsafes")
        contract = contract_for(asset)
        _check_codes(codes, contract)
        command = await self._desk.admit(
            self._desk.new_command(
                CommandKind.CORRECT_FAILSAFES, by, asset_id=asset_id, reason=words
            ),
            term,
        )
        try:
            async with self._opened(asset) as parameters:
                before = await self._report(asset, parameters, contract)
                wanted = [one for one in before.deviations if codes is None or one.code in codes]
                command = await self._desk.send(
                    replace(command, details=CommandDetails(how=_told(wanted)))
                )
                done = await correct(parameters, wanted)
                after = await self._report(asset, parameters, contract)
        except QyranError as error:
            await self._desk.answer(command, refusal(error))
            raise
        await self._desk.answer(command, _answer(done, after))
        return replace(after, corrected=done)

    async def _report(
        self, asset: Asset, parameters: Parameters, contract: Contract
    ) -> FailsafeReport:
        held = await read_held(parameters, contract)
        deviations = compare(contract, held)
        return FailsafeReport(asset.asset_id, contract, self._clock.now(), held, deviations)

    @asynccontextmanager
    async def _opened(self, asset: Asset) -> AsyncIterator[Parameters]:
        with self._reserved(asset):
            async with self._hangar.craft(asset) as craft:
                if craft.arming is None:
                    raise IllegalMove(
                        "it has no autopilot that can be asked",
                        where=str(asset.asset_id),
                        cure="name an asset that arms by an autopilot",
                    )
                yield craft.arming

    def _asset(self, asset_id: AssetId) -> Asset:
        for asset in self._missions.assets():
            if asset.asset_id == asset_id:
                return asset
        raise NotFound("there is no such asset", where=str(asset_id), cure="name one of /assets")


def _check_codes(codes: Collection[str] | None, contract: Contract) -> None:
    known = {one.code for one in contract.requirements}
    unknown = sorted(set(codes or ()) - known)
    if unknown:
        raise BadRequest(
            f"{', '.join(unknown)} is nothing of the contract {contract.name}",
            where="codes",
            cure=f"name some of: {', '.join(sorted(known))}",
        )


def _told(wanted: Collection[Deviation]) -> str:
    changes = [
        f"{one.name} {one.found:g} -> {one.correction:g}"
        for one in wanted
        if one.found is not None and one.correction is not None
    ]
    return ", ".join(changes) or "nothing to correct"


def _answer(done: tuple[Corrected, ...], after: FailsafeReport) -> Answer:
    left = [f"{one.deviation.name}: {one.words}" for one in done if not one.kept]
    if left:
        return Answer(Outcome.REFUSED, "upload_mismatch", "; ".join(left))
    words = "all is met" if after.met else f"{len(after.deviations)} still stray"
    return Answer(Outcome.DONE, words=words)
