"""Arms an aircraft only within its contract: nothing else of Qyran may order a vehicle to arm."""

from core.errors import FailsafesAstray
from missions.failsafes.reading import deviations_of
from missions.failsafes.requirements import Contract, Deviation
from missions.ports import Armable


class GuardedArming:
    """The `Arming` of an aircraft whose settings are read before each time that it arms."""

    def __init__(self, armable: Armable, contract: Contract, *, where: str = "") -> None:
        """Takes the aircraft and what it must hold.

        Args:
            armable: arms, and says what its parameters hold.
            contract: what is required of it.
            where: names the asset in the refusal.
        """
        self._armable, self._contract, self._where = armable, contract, where

    async def arm(self) -> None:
        """Reads, compares, and only then arms.

        Raises:
            FailsafesAstray: if anything of the contract is not met; it was not told to arm.
            ArmingDenied: if it is not armed in time.
            LinkLost: if the vehicle falls silent.
        """
        found = await deviations_of(self._armable, self._contract)
        if found:
            raise astray(found, self._where)
        await self._armable.arm()

    async def disarm(self) -> None:
        """Disarms on the ground, whatever it holds.

        Raises:
            ArmingDenied: if the vehicle refuses.
        """
        await self._armable.disarm()


def astray(deviations: tuple[Deviation, ...], where: str) -> FailsafesAstray:
    """Returns the refusal of an aircraft that does not meet its contract."""
    told = "; ".join(f"{one}: {one.requirement.harm}" for one in deviations[:3])
    more = f"; and {len(deviations) - 3} more" if len(deviations) > 3 else ""
    return FailsafesAstray(
        f"its failsafes are not those that it must have: {told}{more}",
        where=where,
        cure=f"see them at GET /assets/{where}/failsafes; correct them there or at the aircraft",
    )
