"""Fires schedules: each occurrence once, across crashes, restarts and clocks that jump.

What has come due is first enrolled in the store, then claimed, then dispatched, then recorded;
each step is a transaction. A process that dies in between leaves a claim whose lease ends; who
takes it over asks first whether the sortie is there, whose id follows from schedule and start,
so doing it again gives the same sortie and never a second one.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from core.clock import Clock
from core.errors import QyranError, ScheduleInvalid
from core.ids import SortieId
from missions.ports import DayCalendar, ScheduleStore
from missions.schedules import (
    OPEN_STATES,
    Firing,
    FiringState,
    MissedPolicy,
    Occurrence,
    Schedule,
    ScheduleId,
    StopReason,
    firing_of,
    moved_on,
    sortie_of,
)
from missions.scheduling.gates import Verdict
from missions.scheduling.occurrences import occurrences
from missions.scheduling.scheduler import stop_reason, too_late, worth_retrying

log = logging.getLogger(__name__)

BATCH, BATCHES_MOST = 500, 20
"""Occurrences of one schedule in a transaction, and transactions in a turn: after a long outage
it takes several turns, before which none of them begins."""
_SECOND = timedelta(seconds=1)
_STALE = timedelta(minutes=1)


class Dispatcher(Protocol):
    """Starts sorties for schedules."""

    async def permits(self, schedule: Schedule, now: datetime) -> Verdict:
        """Returns whether weather and asset let a patrol begin now."""
        ...

    async def dispatch(self, schedule: Schedule, sortie_id: SortieId) -> None:
        """Starts the schedule's patrol as the sortie of this id, unless there is one already.

        Raises:
            QyranError: if it can't begin; nothing has moved then.
        """
        ...

    def started(self, sortie_id: SortieId) -> bool:
        """Returns whether there is a sortie of this id, whatever became of it."""
        ...


class ScheduleLoop:
    """Fires the schedules of one store; several may run on it at once."""

    def __init__(
        self,
        store: ScheduleStore,
        dispatcher: Dispatcher,
        days: DayCalendar,
        clock: Clock,
        *,
        name: str,
        every: timedelta = timedelta(seconds=2),
        lease_s: float = 60.0,
        retry_s: float = 30.0,
        on_firing: Callable[[Firing], None] = lambda firing: None,
    ) -> None:
        """Takes what it works with.

        Args:
            store: schedules and their firings.
            dispatcher: starts sorties.
            days: holidays and the sun.
            clock: the station's clock.
            name: of this process, as the history shows it.
            every: how long it rests between two turns.
            lease_s: how long a claim holds; longer than a dispatch takes.
            retry_s: how long after a refusal it tries again.
            on_firing: told of every change of a firing.
        """
        self._store, self._dispatcher, self._days = store, dispatcher, days
        self._clock, self._name, self._every = clock, name, every
        self._lease_s, self._retry = lease_s, timedelta(seconds=retry_s)
        self._on_firing = on_firing

    async def run(self) -> None:
        """Turns until it is cancelled; a fault of the store is logged and tried again."""
        while True:
            try:
                await self.turn()
            except QyranError as error:
                log.error("schedules could not be looked at", extra={"reason": str(error)})
            except Exception:  # a fault of our own must not end all patrols in silence
                log.exception("schedules could not be looked at")
            await self._clock.sleep_until(self._clock.now() + self._every)

    async def turn(self) -> None:
        """Enrols what has come due and settles what is open.

        Raises:
            StoreUnreadable: if the store fails; nothing is lost, the next turn goes on.
            DiskFull: likewise.
        """
        now = self._clock.now()
        ready = await asyncio.to_thread(self._enrol_all, now)
        open_ones = await asyncio.to_thread(self._store.firings, states=OPEN_STATES)
        due = [firing for firing in open_ones if firing.start <= now]
        newest = {firing.schedule_id: firing.start for firing in due}  # in order of start
        for firing in due:
            schedule = ready.get(firing.schedule_id)
            if schedule is None or not self._ripe(firing, now):
                continue
            superseded = firing.start < newest[firing.schedule_id]
            if schedule.missed is MissedPolicy.RUN_ONCE and not superseded:
                superseded = await asyncio.to_thread(self._later, firing, now)
            await self._settle(firing, schedule, superseded=superseded)

    def _enrol_all(self, now: datetime) -> dict[ScheduleId, Schedule]:
        """Returns the schedules of which everything that has come due is enrolled."""
        ready = {}
        for schedule in self._store.schedules():
            try:
                whole = not schedule.fires or self._enrol(schedule, now)
            except ScheduleInvalid as error:  # this one alone: a country that is not known any more
                extra = {"schedule_id": schedule.schedule_id, "reason": str(error)}
                log.error("a schedule can't be followed", extra=extra)
                continue
            if whole:
                ready[schedule.schedule_id] = schedule
        return ready

    def _enrol(self, schedule: Schedule, now: datetime) -> bool:
        """Enrols the occurrences since it was looked last; returns whether these are all."""
        looked = self._store.looked_until(schedule.schedule_id)
        since = schedule.effective_from or schedule.changed_at or now
        if looked is not None:
            since = max(since, looked)
            if now < looked - self._every:
                self._reopen(schedule, now)
        if since > now:
            return True
        end = now.replace(microsecond=0) + _SECOND
        found = occurrences(schedule.timetable, since, end, self._days)
        starts = (one for one in found if isinstance(one, Occurrence))
        for _ in range(BATCHES_MOST):
            due = list(islice(starts, BATCH))
            whole = len(due) < BATCH
            until = end if whole else due[-1].start + _SECOND
            # a transaction is not spent on nothing but the passing of time, or but rarely
            if due or looked is None or until - looked > _STALE:
                firings = [
                    self._enrolled(schedule, one, now, superseded=one is not due[-1]) for one in due
                ]
                self._store.enrol(schedule.schedule_id, firings, until)
            if whole:
                return True
        return False

    def _enrolled(
        self, schedule: Schedule, one: Occurrence, now: datetime, *, superseded: bool
    ) -> Firing:
        """Returns a firing; what an outage has made too late is missed from its beginning."""
        firing = firing_of(schedule, one)
        reason = too_late(firing, schedule, now, superseded=superseded)
        if reason is None:
            return firing
        return moved_on(firing, FiringState.MISSED, now, reason=reason, by=self._name)

    def _reopen(self, schedule: Schedule, now: datetime) -> None:
        """Gives those their chance back that were missed only by a clock that ran ahead."""
        missed = self._store.firings(
            schedule_id=schedule.schedule_id, states={FiringState.MISSED}, since=now + self._every
        )
        for firing in missed:
            text = "the clock was set back; it lies in the future again"
            self._keep(moved_on(firing, FiringState.DUE, now, text=text, by=self._name))

    def _ripe(self, firing: Firing, now: datetime) -> bool:
        if firing.state is FiringState.HELD and firing.retry_at is not None:
            # a time to retry that is further off than any is left from a clock that ran ahead
            return not now < firing.retry_at <= now + self._retry
        if firing.state is FiringState.CLAIMED and firing.lease_until is not None:
            return firing.lease_until <= now or self._from_fast_clock(firing.lease_until, now)
        return True

    def _from_fast_clock(self, lease_until: datetime, now: datetime) -> bool:
        return lease_until > now + timedelta(seconds=2 * self._lease_s)

    async def _settle(self, firing: Firing, schedule: Schedule, *, superseded: bool) -> None:
        now = self._clock.now()
        mine = await asyncio.to_thread(
            self._store.claim,
            firing.schedule_id, firing.start, by=self._name, now=now, lease_s=self._lease_s,
        )  # fmt: skip
        if mine is None:
            return
        sortie_id = sortie_of(firing.schedule_id, firing.start)
        if await asyncio.to_thread(self._dispatcher.started, sortie_id):
            text = "its sortie was there already: a process had died before it could say so"
            await self._end(mine, sortie_id, text)
            return
        late = too_late(mine, schedule, now, superseded=superseded)
        if late is not None:
            await self._put(moved_on(mine, FiringState.MISSED, now, reason=late, by=self._name))
            return
        verdict = await self._dispatcher.permits(schedule, now)
        if verdict.reason is not None:
            await self._put_off(mine, verdict.reason, verdict.text)
            return
        try:
            await self._dispatcher.dispatch(schedule, sortie_id)
        except QyranError as error:
            reason = stop_reason(error.code, error.message)
            await self._put_off(mine, reason, f"{error} [{error.code}]")
            return
        await self._end(mine, sortie_id, verdict.text)

    def _later(self, firing: Firing, now: datetime) -> bool:
        """Returns whether a newer occurrence has come due, whatever became of it."""
        after, until = firing.start + _SECOND, now + _SECOND
        found = self._store.firings(schedule_id=firing.schedule_id, since=after, until=until)
        return bool(found)

    async def _end(self, mine: Firing, sortie_id: SortieId, text: str) -> None:
        """Records that a firing has its sortie, even where another process thought otherwise."""
        while True:
            now = self._clock.now()
            done = moved_on(
                mine, FiringState.DISPATCHED, now, text=text, by=self._name, sortie_id=sortie_id
            )
            if await self._put(done):
                return
            found = await asyncio.to_thread(
                self._store.firings,
                schedule_id=mine.schedule_id, since=mine.start, until=mine.start + _SECOND,
            )  # fmt: skip
            if not found or found[0].state is FiringState.DISPATCHED:
                return
            mine = found[0]
            if mine.state in (FiringState.DUE, FiringState.HELD):
                until = now + timedelta(seconds=self._lease_s)
                mine = moved_on(mine, FiringState.CLAIMED, now, by=self._name, lease_until=until)
                if not await self._put(mine):
                    return  # whoever holds it now will find the sortie

    async def _put_off(self, mine: Firing, reason: StopReason, text: str) -> None:
        now = self._clock.now()
        if worth_retrying(reason):
            retry_at = now + self._retry
            state = FiringState.HELD
        else:
            retry_at, state = None, FiringState.MISSED
        await self._put(
            moved_on(mine, state, now, reason=reason, text=text, by=self._name, retry_at=retry_at)
        )

    async def _put(self, firing: Firing) -> bool:
        return await asyncio.to_thread(self._keep, firing)

    def _keep(self, firing: Firing) -> bool:
        if not self._store.record(firing):
            return False
        self._on_firing(firing)
        return True
