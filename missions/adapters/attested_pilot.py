"""An aircraft flown by hand behind the `Pilot` port: its pilot's word moves it, nothing else."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from core.clock import Clock
from core.errors import CapabilityMissing, StartRefused
from missions.attestations import START_WITHIN, Attested
from missions.attested_flight import AttestedFlight
from missions.model import Progress
from missions.proving.proof import ProvenPlan


class AttestedPilot:
    """A `Pilot` that can only wait for the word of whoever flies."""

    def __init__(
        self, flight: AttestedFlight, clock: Clock, *, start_within: timedelta = START_WITHIN
    ) -> None:
        """Takes the flight as it is told.

        Args:
            flight: what is said of it.
            clock: counts how long the start is waited for.
            start_within: longest wait for the word that it has started.
        """
        self._flight, self._clock, self._within = flight, clock, start_within

    async def upload(self, proven: ProvenPlan, fences: object = None) -> None:
        """Lays the plan ready; it goes to the aircraft as a file, by its pilot's hand.

        Raises:
            CapabilityMissing: if it is to guard a fence.
        """
        if fences:
            raise self._missing("it guards no fence")
        self._flight.plan = proven.plan

    async def start(self, first: int = 0) -> None:
        """Waits until the pilot says that it has started.

        Raises:
            CapabilityMissing: if it is to begin in the middle of its plan.
            StartRefused: if nobody says so in time.
        """
        if first:
            raise self._missing("it can't be sent into the middle of a plan")
        ends_at = self._clock.now() + self._within
        word = asyncio.ensure_future(self._flight.heard(Attested.STARTED))
        patience = asyncio.ensure_future(self._clock.sleep_until(ends_at))
        try:
            await asyncio.wait({word, patience}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            word.cancel()
            patience.cancel()
            await asyncio.gather(word, patience, return_exceptions=True)
        if self._flight.said(Attested.STARTED) is None:
            minutes = self._within.total_seconds() / 60.0
            raise StartRefused(
                f"nobody said within {minutes:g} min that it has started",
                cure="release it again, and say when it starts",
            )

    async def hold(self) -> None:
        """Refuses; raises CapabilityMissing."""
        raise self._missing("it can't be held from here")

    async def resume(self) -> None:
        """Refuses; raises CapabilityMissing."""
        raise self._missing("it can't be sent on from here")

    async def return_to_launch(self) -> None:
        """Refuses; raises CapabilityMissing."""
        raise self._missing("it can't be called home from here")

    async def land(self) -> None:
        """Refuses; raises CapabilityMissing."""
        raise self._missing("it can't be landed from here")

    async def progress(self) -> AsyncIterator[Progress]:
        """Yields one progress, and the last when the pilot says that it has ended.

        What was reached in between is not known. It never falls silent: it never speaks.
        """
        plan = self._flight.plan
        total = 0 if plan is None else len(plan.mission.items)
        yield Progress(0, total)
        word = await self._flight.heard(Attested.ENDED)
        note = f": {word.note}" if word.note else ""
        how = "as planned" if word.as_planned else "not as planned"
        told = f"{how}, says {word.by} of {word.at:%H:%M:%S} UTC{note}"
        yield Progress(total if word.as_planned else 0, total, ended=True, message=told)

    def _missing(self, what: str) -> CapabilityMissing:
        return CapabilityMissing(f"{what}, it is flown by hand", cure="call its pilot")
