"""Guides a simulated drone without a wire, beside its mission."""

from collections.abc import Callable
from datetime import timedelta

from core.errors import CapabilityMissing, LinkLost, StartRefused
from missions.guided import Announce, Capability, FlyTo, Light, LookAt, Orbit, ProvenTask, Zoom
from sim.failures import FailureKind
from sim.guided_flight import Round, Spot
from sim.pilot import SimVehicle
from telemetry.model import VehicleMode

_LOOK_AGAIN = timedelta(milliseconds=200)


class SimGuide:
    """The `Guide` of a `SimVehicle`."""

    capabilities = frozenset(Capability) - {Capability.FOLLOW}

    def __init__(
        self, vehicle: SimVehicle, *, mode_s: float = 10.0, silence_limit_s: float = 5.0
    ) -> None:
        """Guides a vehicle; the deadlines count by its clock."""
        self._vehicle, self._pilot = vehicle, vehicle.autopilot
        self._mode_s, self._silence_s = mode_s, silence_limit_s

    async def carry_out(self, proven: ProvenTask) -> None:
        """Does a task and returns once the vehicle shows it.

        Raises:
            CapabilityMissing: if it carries nothing to do it with.
            StartRefused: if it does not go there.
            LinkLost: if the vehicle is silent.
        """
        task, guided = proven.task, self._pilot.guided
        await self._hears()
        if isinstance(task, FlyTo):
            goal = self._spot(task.lat_deg, task.lon_deg, task.up_m)
            speed = task.speed_m_s or guided.speed_m_s
            await self._enter(VehicleMode.HOLD)
            guided.fly_to(self._pilot.physics, goal, speed)
            if task.look_at is not None:
                self._pilot.physics.look_at = self._spot(*task.look_at, 0.0)
            return
        if isinstance(task, Orbit):
            middle = self._spot(task.lat_deg, task.lon_deg, task.up_m)
            radius_m = task.radius_m if task.clockwise else -task.radius_m
            await self._enter(VehicleMode.GUIDED)
            speed = task.speed_m_s or guided.speed_m_s
            guided.go_round(self._pilot.physics, Round(middle, radius_m, speed))
            self._pilot.physics.look_at = (*middle[:2], 0.0)
            return
        if self._vehicle.failures.find(FailureKind.PAYLOAD_ABSENT) is not None:
            raise CapabilityMissing(
                f"it carries nothing to {proven.kind} with",
                where=str(self._vehicle.asset_id),
                cure="ask another",
            )
        self._use(task)

    def _use(self, task: LookAt | Zoom | Light | Announce) -> None:
        guided = self._pilot.guided
        if isinstance(task, LookAt):
            place = None if task.place is None else self._spot(*task.place, task.up_m)
            self._pilot.physics.look_at = place
        elif isinstance(task, Zoom):
            guided.zoom_percent = task.percent
        elif isinstance(task, Light):
            guided.lit = task.on
        else:
            guided.said.append(task.text.words)

    async def stop(self) -> None:
        """Ends a task that moves; returns once its hold mode shows it.

        Raises:
            StartRefused: if the mode does not come.
            LinkLost: if the vehicle is silent.
        """
        await self._hears()
        self._pilot.guided.clear()
        self._pilot.physics.stay()
        await self._enter(VehicleMode.HOLD)

    def _spot(self, lat_deg: float, lon_deg: float, up_m: float) -> Spot:
        return (*self._pilot.home.to_en1_m(lat_deg, lon_deg), up_m)

    async def _hears(self) -> None:
        """Returns once it hears.

        Raises:
            LinkLost: if it does not within the limit.
        """
        if not await self._until(lambda: not self._vehicle.muted, self._silence_s):
            raise LinkLost(
                f"nothing heard for {self._silence_s:g} s", where=str(self._vehicle.asset_id)
            )

    async def _enter(self, mode: VehicleMode) -> None:
        pilot = self._pilot
        if pilot.armed and not pilot.physics.on_ground:
            pilot.set_mode(mode)
        if pilot.mode is not mode or not pilot.armed or pilot.physics.on_ground:
            raise StartRefused(
                f"the vehicle did not enter {mode} mode in the air",
                where=str(self._vehicle.asset_id),
                cure="see what it does now",
            )

    async def _until(self, ready: Callable[[], bool], within_s: float) -> bool:
        clock = self._vehicle.clock
        until = clock.now() + timedelta(seconds=within_s)
        while True:
            self._vehicle.advance()
            if ready():
                return True
            if clock.now() >= until:
                return False
            await clock.sleep_until(clock.now() + _LOOK_AGAIN)
