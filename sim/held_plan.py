"""What a simulated vehicle would fly and guard, whatever it says of it."""

from dataclasses import dataclass

from missions.formats.plan_file import SimpleItem
from missions.proving.return_settings import RallySpot
from sim.autopilot import Autopilot, Ring


@dataclass(frozen=True, slots=True)
class HeldPlan:
    """Mission, fence and rally points as the autopilot uses them; for tests and benchmarks."""

    steps: tuple[SimpleItem, ...]
    rings: tuple[tuple[bool, Ring], ...]
    rally: tuple[RallySpot, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all."""
        return not (self.steps or self.rings or self.rally)


def held_by(pilot: Autopilot) -> HeldPlan:
    """Returns what an autopilot holds now."""
    return HeldPlan(pilot.mission, pilot.rings, pilot.rally)
