"""The fence that an ArduPilot guards: our polygons in force beside what its operator has set."""

from collections.abc import Callable
from typing import Protocol

from core.clock import Clock
from core.errors import LinkLost, NotFound, UploadMismatch, VehicleUnreachable
from missions.adapters.mavsdk_pilot import Deadlines
from missions.adapters.setting_changes import SettingChanges
from missions.model import Plan
from missions.ports import Parameters
from missions.proving.ardupilot_own_fence import CEILING, CIRCLE, FLOOR, beyond_own_fence

_RUN_PREARM_CHECKS = 401
_POLYGONS = 4
_OWN_LIMITS = {CEILING: 1, CIRCLE: 2, FLOOR: 8}
"""Bits of FENCE_TYPE."""


class _State(Protocol):
    texts_heard: int


class FenceSystem(Protocol):
    """What the fence needs of an opened ArduPilot vehicle."""

    url: str
    clock: Clock
    has_position: bool

    @property
    def state(self) -> _State:
        """The newest that the vehicle said."""
        ...

    def texts_since(self, count: int) -> str:
        """Returns the words said since then."""
        ...

    def command(self, number: int, *params: float) -> None:
        """Sends a COMMAND_LONG to the autopilot."""
        ...

    async def wait_for(self, ready: Callable[[], bool], within_s: float) -> bool:
        """Waits for a state; raises LinkLost when the vehicle falls silent."""
        ...


class FenceInForce:
    """Puts an uploaded fence in force, and knows what else is."""

    def __init__(self, system: FenceSystem, parameters: Parameters, deadlines: Deadlines) -> None:
        """Serves an opened system, which stays its owner's to close."""
        self._system, self._parameters, self._deadlines = system, parameters, deadlines

    async def enforce(self, changes: SettingChanges, wanted: bool) -> None:
        """Puts the polygons that were uploaded in force, and asks the vehicle about them.

        What was in force besides stays so; what was not is not brought into force by ours.

        Args:
            changes: takes what is changed.
            wanted: whether there are polygons.

        Raises:
            UploadMismatch: if it says that home is not inside.
            VehicleUnreachable: if it does not answer.
        """
        try:
            in_force = bool(await self._parameters.read("FENCE_ENABLE"))
            own = int(await self._parameters.read("FENCE_TYPE")) & ~_POLYGONS if in_force else 0
            if wanted or own:
                await changes.write("FENCE_TYPE", float(own | _POLYGONS if wanted else own))
            await changes.write("FENCE_ENABLE", float(wanted or bool(own)))
            words = await self._complaint() if wanted else ""
        except (LinkLost, NotFound) as error:
            raise self._silent() from error
        if words:
            raise UploadMismatch(
                f"the vehicle does not enforce the fence: {words}",
                where=self._system.url,
                cure="take off from inside every inclusion and outside every exclusion",
            )

    async def check(self, plan: Plan) -> None:
        """Refuses a plan that leaves the ceiling, floor or circle which the operator has set.

        ArduPilot would end the flight there, by a return that was not planned.

        Raises:
            UploadMismatch: if it does.
            VehicleUnreachable: if the vehicle does not answer.
        """
        read = self._parameters.read
        try:
            if not await read("FENCE_ENABLE"):
                return
            kinds = int(await read("FENCE_TYPE"))
            limits = {name: await read(name) for name, bit in _OWN_LIMITS.items() if kinds & bit}
        except NotFound:
            return  # a limit that this vehicle does not have can't end the flight
        except LinkLost as error:
            raise self._silent() from error
        wrong = beyond_own_fence(plan, limits)
        if wrong:
            raise UploadMismatch(
                f"the vehicle's own fence forbids the plan: {wrong}",
                where=self._system.url,
                cure="change the plan, or that limit on the vehicle, with its operator",
            )

    async def _complaint(self) -> str:
        """Returns what the vehicle says of the fence, once it knows where it stands."""
        await self._system.wait_for(lambda: self._system.has_position, self._deadlines.arm_s)
        heard = self._system.state.texts_heard
        self._system.command(_RUN_PREARM_CHECKS)

        def objects() -> bool:
            return "fence" in self._system.texts_since(heard).casefold()

        if await self._system.wait_for(objects, self._deadlines.fence_text_s):
            return self._system.texts_since(heard)
        return ""

    def _silent(self) -> VehicleUnreachable:
        return VehicleUnreachable(
            "the fence could not be confirmed",
            where=self._system.url,
            cure="check that the vehicle is on and in range",
        )
