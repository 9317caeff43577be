"""What is told of an aircraft's failsafes, and the port by which people ask for it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.ids import AssetId, UserId
from missions.failsafes.reading import Corrected
from missions.failsafes.requirements import Contract, Deviation, Held


@dataclass(frozen=True, slots=True)
class FailsafeReport:
    """What an aircraft was read to hold of its contract, at one instant."""

    asset_id: AssetId
    contract: Contract
    """What counts for every plan; a plan asks for its own besides."""
    read_at: datetime
    held: dict[str, Held]
    """By requirement's code; what the aircraft does not have is left out."""
    deviations: tuple[Deviation, ...]
    corrected: tuple[Corrected, ...] = ()
    """What was corrected just before it was read."""

    @property
    def met(self) -> bool:
        """Whether it may arm, as far as every plan goes."""
        return not self.deviations


class FailsafeService(Protocol):
    """Reads and corrects the failsafes of an aircraft that stands on the ground."""

    async def read(self, asset_id: AssetId) -> FailsafeReport:
        """Reads what an aircraft holds and compares; nothing is changed.

        Raises:
            NotFound: if there is no such asset.
            IllegalMove: if it is on a sortie, or has no autopilot that can be asked.
            VehicleUnreachable: if nothing answers.
            LinkLost: if it falls silent.
        """
        ...

    async def correct(
        self,
        asset_id: AssetId,
        by: UserId,
        reason: str,
        *,
        codes: Collection[str] | None = None,
        term: int | None = None,
    ) -> FailsafeReport:
        """Writes what strays and may be corrected from afar, and reads everything again.

        Args:
            asset_id: the aircraft.
            by: who asks for it; takes the asset's lease where nobody holds it.
            reason: in words.
            codes: of the requirements to be corrected; `None` takes all that stray.
            term: of the lease that they believe to hold.

        Raises as `read`, and:
            BadRequest: if the reason says nothing, or a code is none of the contract's.
            LeaseHeld: if somebody else commands the asset.
            LeaseStale: if `term` is not in force.
        """
        ...
