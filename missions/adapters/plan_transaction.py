"""Mission, fence and rally points as one: all of them are on the vehicle afterwards, or none.

What is there is read first. A read-back alone proves what was sent. Where anything differs in the
end, what was there before is put back, or else everything is cleared; where neither can be shown,
the upload is told as partial. Nothing starts that was not proven so, nor once it has drifted.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from core.clock import Clock
from core.errors import (
    LinkLost,
    NotFound,
    PartialUpload,
    PlanDrifted,
    SortieFailed,
    StartRefused,
    UploadMismatch,
    VehicleUnreachable,
)
from missions.adapters.item_wire import (
    KINDS,
    NAMES,
    Held,
    ItemWire,
    TransferRefused,
    TransferStalled,
)
from missions.adapters.mavlink_codec import MISSION, RawItem, difference
from missions.adapters.setting_changes import SettingChanges
from missions.ports import Parameters

log = logging.getLogger(__name__)

_ANNOUNCED_S = 3.0
"""PX4 1.17 says once a second what it holds."""

Setting = Callable[[SettingChanges], Awaitable[None]]


class _State(Protocol):
    plan_ids: tuple[int, int, int] | None
    plan_ids_heard: int


class TransactionSystem(Protocol):
    """What a transaction needs of an opened system."""

    url: str
    clock: Clock
    lost: bool

    @property
    def state(self) -> Any:
        """The newest that the vehicle said: `plan_ids`, `plan_ids_heard`."""
        ...

    @property
    def status_text(self) -> str:
        """The autopilot's newest words."""
        ...

    async def wait_for(self, ready: Callable[[], bool], within_s: float) -> bool:
        """Waits for a state; raises LinkLost when the vehicle falls silent."""
        ...

    def lost_error(self) -> LinkLost:
        """Returns the error of a silence."""
        ...


class PlanTransfers:
    """Replaces what one vehicle holds, and knows whether it still does."""

    def __init__(
        self,
        system: TransactionSystem,
        wire: ItemWire,
        parameters: Parameters,
        *,
        tries: int,
        retry_after_s: float,
    ) -> None:
        """Serves an opened system, which stays its owner's to close.

        Args:
            system: the vehicle.
            wire: its driver's transfers.
            parameters: its settings.
            tries: how often each step is begun before it counts as failed.
            retry_after_s: by the system's clock, from one try to the next.
        """
        self._system, self._wire, self._parameters = system, wire, parameters
        self._tries, self._retry_after_s = tries, retry_after_s
        self._kept: dict[int, Held] = {}
        self._read_at: datetime | None = None

    async def replace(
        self,
        wanted: Mapping[int, Sequence[RawItem]],
        *,
        before: Setting | None = None,
        after: Setting | None = None,
    ) -> None:
        """Replaces what the vehicle holds of each kind, reads all of it back and compares.

        Args:
            wanted: items by kind; a kind that is not named stays as it is.
            before: changes settings before anything is sent.
            after: puts in force what was sent, and asks the vehicle about it.

        Raises:
            VehicleUnreachable: if it does not answer; it holds what it held, or nothing.
            UploadMismatch: if it refuses, or holds something else; likewise.
            PartialUpload: if neither can be shown.
        """
        kinds = [kind for kind in KINDS if kind in wanted]
        old = {kind: await self._read(kind) for kind in kinds}  # on failure nothing has changed
        for kind in kinds:
            self._kept.pop(kind, None)
        changes = SettingChanges(self._parameters)
        try:
            if before is not None:
                await before(changes)
            kept = await self._exchange({kind: wanted[kind] for kind in kinds})
            if after is not None:
                await after(changes)
        except SortieFailed as error:
            raise await self._undone(old, changes, error) from error
        except NotFound as error:
            failed = UploadMismatch(error.message, where=self._system.url, cure=error.cure)
            raise await self._undone(old, changes, failed) from error
        self._kept.update(kept)
        self._read_at = self._system.clock.now()

    @property
    def loaded(self) -> bool:
        """Whether a mission was uploaded and has not been seen to drift."""
        return MISSION in self._kept

    async def confirm(self, *, within_s: float = 0.0) -> None:
        """Makes sure that the vehicle still holds what was uploaded to it.

        The ids that it announces will do where it has any; else it is read back.

        Args:
            within_s: by the system's clock; where it announces nothing, a read-back this young
                will do.

        Raises:
            StartRefused: if nothing was uploaded, or the upload failed.
            PlanDrifted: if it holds something else.
            LinkLost: if it does not answer.
        """
        mission = self._kept.get(MISSION)
        if mission is None:
            raise StartRefused(
                "no plan has been uploaded to the vehicle",
                where=self._system.url,
                cure="upload it, and start what was read back",
            )
        clock = self._system.clock
        if mission.opaque_id:
            if await self._announces_the_same():
                return
        elif self._read_at is not None:
            if clock.now() - self._read_at < timedelta(seconds=within_s):
                return
        try:
            held = {kind: await self._read(kind) for kind in self._kept}
        except VehicleUnreachable as error:
            raise LinkLost(error.message, where=self._system.url, cure=error.cure) from error
        wrong = self._differences({kind: kept.items for kind, kept in self._kept.items()}, held)
        if wrong:
            self._kept.clear()
            raise PlanDrifted(
                f"somebody else has changed it: {_told(wrong)}",
                where=self._system.url,
                cure="find out who else commands it, and upload again",
            )
        self._kept = held
        self._read_at = clock.now()

    def unreachable(self, what: str) -> VehicleUnreachable:
        """Returns the error of a vehicle that does not answer."""
        return VehicleUnreachable(
            what, where=self._system.url, cure="check that the vehicle is on and in range"
        )

    async def _announces_the_same(self) -> bool:
        """Returns whether what it says of its plan, from now on, names what was read back."""
        state = self._system.state
        before = state.plan_ids_heard
        if not await self._system.wait_for(lambda: state.plan_ids_heard > before, _ANNOUNCED_S):
            return False
        ids = state.plan_ids
        return ids is not None and all(
            ids[kind] == held.opaque_id for kind, held in self._kept.items()
        )

    # --- one direction ---

    async def _exchange(self, wanted: Mapping[int, Sequence[RawItem]]) -> dict[int, Held]:
        """Sends all and reads all, and again what differs, a bounded number of times."""
        pending, said, wrong = list(wanted), "", {}
        for number in range(self._tries):
            if number:
                await self._pause()
            for kind in pending:
                try:
                    await self._wire.send(wanted[kind], kind)
                except TransferRefused as error:
                    said = f"the vehicle refused the {NAMES[kind]}: {error}"
                except TransferStalled:
                    log.info("an upload stalled", extra={"kind": NAMES[kind]})
                except LinkLost as error:
                    raise self.unreachable("an upload was not answered") from error
            held = {kind: await self._read(kind) for kind in wanted}
            wrong = self._differences(wanted, held)
            if not wrong:
                return held
            log.warning("read-back differs", extra={"difference": _told(wrong)})
            pending = list(wrong)
        words = said or f"read-back differs: {_told(wrong)}"
        raise UploadMismatch(
            f"{words} {self._system.status_text}".rstrip(),
            where=self._system.url,
            cure="do not start it; see what it says, and send again",
        )

    def _differences(
        self, wanted: Mapping[int, Sequence[RawItem]], held: Mapping[int, Held]
    ) -> dict[int, str]:
        wrong = {}
        for kind, items in wanted.items():
            skip = self._wire.first.get(kind, 0)
            differs = difference(items[skip:], held[kind].items[skip:])
            if differs:
                wrong[kind] = differs
        return wrong

    async def _read(self, kind: int) -> Held:
        for number in range(self._tries):
            if number:
                await self._pause()
            try:
                return await self._wire.fetch(kind)
            except LinkLost as error:
                raise self.unreachable(f"its {NAMES[kind]} could not be read") from error
            except (TransferStalled, TransferRefused) as error:
                log.info("a read-back stalled", extra={"kind": NAMES[kind], "why": str(error)})
        raise self.unreachable(f"its {NAMES[kind]} could not be read")

    async def _pause(self) -> None:
        clock = self._system.clock
        await clock.sleep_until(clock.now() + timedelta(seconds=self._retry_after_s))

    # --- the way back ---

    async def _undone(
        self, old: Mapping[int, Held], changes: SettingChanges, error: SortieFailed
    ) -> SortieFailed:
        """Puts back what was there, or clears it; returns the error that says which."""
        names = ", ".join(NAMES[kind] for kind in old)
        if self._system.lost:
            return self._partial(error, names)
        try:
            await self._exchange(
                {kind: self._wire.as_sent(held, kind) for kind, held in old.items()}
            )
            await changes.undo()
        except (SortieFailed, NotFound) as failed:
            log.warning("an upload could not be undone", extra={"why": str(failed)})
        else:
            return _because(error, f"it holds the {names} that it held before")
        try:
            await self._exchange({kind: () for kind in old})
        except SortieFailed as failed:
            log.error("an upload could not be cleared", extra={"why": str(failed)})
            return self._partial(error, names)
        return _because(error, f"its {names} were cleared")

    def _partial(self, error: SortieFailed, names: str) -> PartialUpload:
        return PartialUpload(
            f"{error.message}; it may hold parts of two plans ({names}), which could be neither"
            " undone nor cleared",
            where=self._system.url,
            cure="do not start it; restore the link and upload again",
        )


def _told(wrong: Mapping[int, str]) -> str:
    return "; ".join(f"{NAMES[kind]}: {differs}" for kind, differs in wrong.items())


def _because(error: SortieFailed, what: str) -> SortieFailed:
    return type(error)(f"{error.message}; {what}", where=error.where, cure=error.cure)
