"""One flight as its pilot tells it: what was said so far, and a wait for what comes."""

import asyncio

from missions.attestations import Attestation, Attested
from missions.model import Plan


class AttestedFlight:
    """One flight as its pilot tells it; to be used on the event loop that flies the sortie."""

    def __init__(self) -> None:
        """Starts before anything was said."""
        self.plan: Plan | None = None
        self._said: dict[Attested, Attestation] = {}
        self._changed = asyncio.Event()

    def tell(self, attestation: Attestation) -> None:
        """Takes what the pilot says; the first word of each kind counts."""
        self._said.setdefault(attestation.what, attestation)
        self._changed.set()

    def said(self, what: Attested) -> Attestation | None:
        """Returns what was said, or `None`."""
        return self._said.get(what)

    async def heard(self, what: Attested) -> Attestation:
        """Waits until it is said."""
        while (found := self.said(what)) is None:
            self._changed.clear()
            await self._changed.wait()
        return found
