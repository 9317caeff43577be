"""Where command of assets is given and taken, and every command is written down."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from core.clock import Clock
from core.errors import EnvironmentFault, LeaseHeld, QyranError, SkyCleared
from core.ids import AssetId, SortieId, UserId, fresh_id
from missions.control.leases import Lease, checked_reason, for_order, released, taken
from missions.control.ports import ControlStore
from missions.control.records import (
    Answer,
    CommandDetails,
    CommandKind,
    CommandRecord,
    Outcome,
    refusal,
)

log = logging.getLogger(__name__)

_L = TypeVar("_L", Lease, Lease | None)

_K = CommandKind
_SAFE = frozenset({_K.HOLD, _K.RETURN, _K.LAND, _K.CLEAR_SKY})
"""Commands that only make something safer: they go out even where they can't be written."""
_GOES_ON = frozenset({_K.START, _K.RESUME, _K.RETASK, _K.FLY_TO, _K.ORBIT, _K.FOLLOW})
_TRIES = 64
"""How often a change of a lease is tried anew because somebody else was faster."""


@dataclass(frozen=True, slots=True)
class ClearedSky:
    """Somebody has cleared the sky, and nobody has lifted it yet."""

    by: UserId | None
    at: datetime
    how: str
    """`hold` or `return`."""
    reason: str


class ControlDesk:
    """Gives and takes leases and keeps the chain; its state is the store's alone."""

    def __init__(
        self,
        store: ControlStore,
        clock: Clock,
        *,
        on_lease: Callable[[Lease], None] = lambda lease: None,
    ) -> None:
        """Takes what it works with.

        Args:
            store: leases and records.
            clock: the station's clock.
            on_lease: told of every change of a lease.
        """
        self._store, self._clock, self._on_lease = store, clock, on_lease

    async def lease(self, asset_id: AssetId) -> Lease | None:
        """Returns the asset's lease that is in force, or `None`."""
        present = await asyncio.to_thread(self._store.lease, asset_id)
        return present if present is not None and present.holds(self._clock.now()) else None

    async def take(self, asset_id: AssetId, by: UserId, reason: str = "") -> Lease:
        """Takes a free lease, renews one's own, or takes over another's for a reason.

        Raises:
            LeaseHeld: if somebody else holds it and no reason was given; that is recorded.
            BadRequest: if the reason says nothing.
        """

        def change(present: Lease | None, now: datetime) -> Lease:
            return taken(present, asset_id, by, now, reason)

        return await self._changed(asset_id, by, change, _K.LEASE)

    async def release(self, asset_id: AssetId, by: UserId) -> None:
        """Gives one's own lease back; nothing happens where nobody holds it.

        Raises:
            LeaseHeld: if somebody else holds it; that is recorded.
        """

        def change(present: Lease | None, now: datetime) -> Lease | None:
            return released(present, by, now) or present

        await self._changed(asset_id, by, change, _K.RELEASE)

    def new_command(
        self,
        kind: CommandKind,
        by: UserId | None,
        *,
        asset_id: AssetId | None = None,
        sortie_id: SortieId | None = None,
        reason: str = "",
        details: CommandDetails = CommandDetails(),  # noqa: B008 - frozen
    ) -> CommandRecord:
        """Returns a command that was given now; nothing is written yet."""
        now = self._clock.now()
        return CommandRecord(
            fresh_id("command"), kind, now, by, asset_id, sortie_id, reason, details
        )

    async def admit(self, command: CommandRecord, term: int | None = None) -> CommandRecord:
        """Returns a command as it may go: a person's with the term of their lease.

        A free lease is taken for its giver. A refusal is recorded.

        Args:
            command: of `new_command`, for one asset.
            term: of the lease that a person believes to hold.

        Raises:
            SkyCleared: if something would start or go on although the sky is cleared.
            LeaseHeld: if somebody else commands the asset.
            LeaseStale: if the term is not in force.
        """
        by, asset_id = command.by, command.asset_id
        try:
            if command.kind in _GOES_ON:
                await self.check_sky()
            if by is None or asset_id is None:
                return command

            def change(present: Lease | None, now: datetime) -> Lease:
                return for_order(present, asset_id, by, now, term)

            lease = await self._changed(asset_id, by, change, _K.LEASE, record_refusal=False)
        except QyranError as error:
            await self.refuse(command, error)
            raise
        return replace(command, term=lease.term)

    async def send(self, command: CommandRecord) -> CommandRecord:
        """Writes a command down just before it goes out, while its lease is in force.

        Raises:
            LeaseStale: if command of the asset has passed on since it was admitted.
            SkyCleared: if the sky was cleared since then and it would go on.
            EnvironmentFault: if it can't be written, unless it only makes something safer.
        """
        going = replace(
            command,
            at=self._clock.now(),
            details=replace(command.details, asked_at=command.details.asked_at or command.at),
        )
        try:
            if command.kind in _GOES_ON:
                await self.check_sky()
            fenced = command.term is not None
            await asyncio.to_thread(self._store.append, going, fenced=fenced)
        except EnvironmentFault as error:
            if command.kind not in _SAFE:
                raise
            log.error("a command went out unrecorded", extra=_told(command, error))
            return replace(going, details=replace(going.details, recorded_late=True))
        except QyranError as error:
            await self.refuse(command, error)
            raise
        return going

    async def answer(self, command: CommandRecord, answer: Answer) -> None:
        """Writes down what came of a command; a store that fails is logged, not raised."""
        kept = replace(command, at=self._clock.now(), answer=answer)
        try:
            await asyncio.to_thread(self._store.append, kept)
        except EnvironmentFault as error:
            log.error("an answer could not be recorded", extra=_told(command, error))

    async def refuse(self, command: CommandRecord, error: QyranError) -> None:
        """Writes down a command that never went out."""
        await self.answer(command, refusal(error))

    async def sky(self) -> ClearedSky | None:
        """Returns the order that cleared the sky, `None` where it is open."""
        entry = await asyncio.to_thread(self._store.newest, (_K.CLEAR_SKY, _K.LIFT_SKY))
        if entry is None or entry.record.kind is _K.LIFT_SKY:
            return None
        record = entry.record
        return ClearedSky(record.by, record.at, record.details.how, record.reason)

    async def check_sky(self) -> None:
        """Returns where the sky is open.

        Raises:
            SkyCleared: if it is not.
        """
        cleared = await self.sky()
        if cleared is not None:
            raise SkyCleared(
                f"{cleared.by} has cleared the sky at {cleared.at:%H:%M:%S} UTC: {cleared.reason}",
                cure="wait until somebody lifts it, or lift it with a reason",
            )

    async def clear_sky(self, by: UserId, how: str, reason: str) -> CommandRecord:
        """Closes the sky: nothing starts or goes on from here on, also after a restart.

        Raises:
            BadRequest: if the reason says nothing.
        """
        words = checked_reason(reason, "clearing the sky")
        command = self.new_command(_K.CLEAR_SKY, by, reason=words, details=CommandDetails(how=how))
        return await self.send(command)

    async def lift_sky(self, by: UserId, reason: str) -> None:
        """Opens the sky again; nothing happens where it is open.

        Raises:
            BadRequest: if the reason says nothing.
        """
        words = checked_reason(reason, "opening the sky")
        if await self.sky() is not None:
            await self.send(self.new_command(_K.LIFT_SKY, by, reason=words))

    async def _changed(
        self,
        asset_id: AssetId,
        by: UserId,
        change: Callable[[Lease | None, datetime], _L],
        kind: CommandKind,
        *,
        record_refusal: bool = True,
    ) -> _L:
        """Changes a lease by a rule until nobody was faster; renewals alone are not recorded."""
        for _ in range(_TRIES):
            present = await asyncio.to_thread(self._store.lease, asset_id)
            now = self._clock.now()
            command = self.new_command(kind, by, asset_id=asset_id)
            try:
                wanted = change(present, now)
            except QyranError as error:
                if record_refusal:
                    await self.refuse(command, error)
                raise
            if wanted is None or wanted == present:
                return wanted
            record = _of_change(command, present, wanted, now)
            if await asyncio.to_thread(self._store.put_lease, wanted, present, record):
                self._on_lease(wanted)
                return wanted
        raise LeaseHeld(
            "too many ask for command at once", where=str(asset_id), cure="try again in a moment"
        )


def _of_change(
    command: CommandRecord, present: Lease | None, wanted: Lease, now: datetime
) -> CommandRecord | None:
    """Returns the record of a change; `None` of a renewal."""
    ends = wanted.expires_at <= now
    if present is not None and present.term == wanted.term and not ends:
        return None
    over = present is not None and present.holds(now) and present.holder != wanted.holder
    return replace(
        command,
        at=now,
        reason="" if ends else wanted.reason,
        term=wanted.term,
        details=CommandDetails(
            lease_until=wanted.expires_at,
            overrides=present.holder if present is not None and over else None,
        ),
        answer=Answer(Outcome.DONE),
    )


def _told(command: CommandRecord, error: QyranError) -> dict[str, object]:
    return {"command": command.command_id, "kind": command.kind, "reason": str(error)}
