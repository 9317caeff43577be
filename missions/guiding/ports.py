"""What guiding a vehicle needs from outside: whatever flies it beside its mission."""

from typing import Protocol

from missions.guided import Capability, ProvenTask


class Guide(Protocol):
    """Flies one vehicle beside its mission, and uses its camera, light and loudspeaker.

    Proof is what the vehicle says of its own goal, camera or lamp, never an ACK. A mission that
    was left is gone on with by `Pilot.resume`.
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What may be asked for; of what hangs on the single vehicle (a camera, a lamp) maybe."""
        ...

    async def carry_out(self, proven: ProvenTask) -> None:
        """Does a task and returns once the vehicle shows that it does it, not that it is done.

        A task that moves goes on until another order.

        Raises:
            CapabilityMissing: if the vehicle has nothing to do it with, or does not react.
            StartRefused: if it stays in another mode, or goes elsewhere.
            LinkLost: if the vehicle falls silent.
        """
        ...

    async def stop(self) -> None:
        """Ends a task that moves, where the vehicle is; returns once its hold mode shows it.

        Raises:
            StartRefused: if the mode does not come, or it goes on.
            LinkLost: if the vehicle falls silent.
        """
        ...
