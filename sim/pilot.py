"""A simulated drone without a wire: the autopilot of the MAVLink vehicle behind the ports."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta

from core.clock import Clock
from core.errors import (
    ArmingDenied,
    LinkLost,
    NotFound,
    PlanDrifted,
    StartRefused,
    UploadMismatch,
    VehicleUnreachable,
)
from core.ids import AssetId
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Attitude, Datum, Position
from geo.zones import Zone
from missions.formats.plan_file import SimpleItem, fence_rings, simple_items
from missions.model import Asset, Plan, Progress
from missions.proving.proof import ProvenPlan
from missions.proving.return_settings import rally_spots, return_settings
from sim.autopilot import STEP_S, Autopilot
from sim.commissioning import commission
from sim.failures import Failure, FailureKind, Failures
from sim.held_plan import HeldPlan, held_by
from sim.link import SaidSoFar, SimTelemetryLink
from sim.sensor_errors import CONSUMER, SensorProfile
from sim.vehicle_truth import VehicleTruth
from telemetry.model import TelemetrySample, VehicleMode

_LOOK_AGAIN = timedelta(milliseconds=200)


class SimVehicle:
    """A simulated drone that lives by any clock; for one event loop."""

    def __init__(
        self,
        asset: Asset,
        *,
        clock: Clock,
        seed: int = 0,
        failures: Sequence[Failure] = (),
        frame: LocalFrame | None = None,
        sensors: SensorProfile = CONSUMER,
        commissioned: bool = True,
    ) -> None:
        """Boots it at the asset's home, with its failsafes as they must be or as the maker's."""
        self._asset, self._clock = asset, clock
        self.failures = Failures(*failures)
        self.autopilot = Autopilot(
            asset, clock.now(), seed=seed, failures=self.failures, sensors=sensors, frame=frame
        )
        if commissioned:
            commission(self.autopilot)
        self._said = SaidSoFar()
        self._cut = False
        self.words: list[str] = []
        """What the autopilot has said."""

    def held(self) -> HeldPlan:
        """Returns what it would fly and guard, whatever it says."""
        return held_by(self.autopilot)

    @property
    def asset_id(self) -> AssetId:
        """The asset that it is."""
        return self._asset.asset_id

    @property
    def clock(self) -> Clock:
        """The clock by which it lives."""
        return self._clock

    @property
    def muted(self) -> bool:
        """Whether its link is cut."""
        silent = self.failures.find(FailureKind.SILENT)
        boot_s = self.autopilot.boot_s
        return self._cut or (silent is not None and silent.from_s <= boot_s < silent.until_s)

    def cut_link(self) -> None:
        """Silences it and makes it deaf."""
        self._cut = True

    def restore_link(self) -> None:
        """Lets it speak and hear again."""
        self._cut = False

    def fail(self, failure: Failure) -> None:
        """Switches a failure on."""
        self.failures.add(failure)

    def take_sticks(self) -> None:
        """Has a pilot take it in hand by the radio: it is in a mode of the sticks then."""
        self.advance()
        self.autopilot.set_mode(VehicleMode.MANUAL)

    def link(self, silence_limit_s: float = 5.0) -> SimTelemetryLink:
        """Returns a new `TelemetryLink` to it."""
        return SimTelemetryLink(self, silence_limit_s)

    def simulated_now(self) -> datetime:
        """Returns the newest instant of which a truth is known."""
        self.advance()
        return self.autopilot.history.newest_at

    def truth_at(self, at: datetime) -> VehicleTruth:
        """Returns where it and its camera really were; for the simulator's camera alone.

        Raises:
            ValueError: if `at` is before its start or after the clock's now.
        """
        self.advance()
        return self.autopilot.history.at(at)

    def said(self, since: int) -> tuple[Sequence[TelemetrySample], int]:
        """Returns what it has said from number `since` until now, and the next number."""
        self.advance()
        return self._said.since(since)

    def advance(self) -> None:
        """Moves it on to the clock's now."""
        pilot = self.autopilot
        while pilot.now < self._clock.now():
            pilot.step()
            while pilot.texts:
                self.words.append(pilot.texts.popleft()[1])
            if pilot.steps % 2 == 0 and pilot.position_known:
                self._said.add(self._sample())

    def _sample(self) -> TelemetrySample:
        pilot, errors = self.autopilot, self.autopilot.errors
        motion = pilot.physics.motion(pilot.armed)
        lat, lon = pilot.home.to_geo1_deg(
            motion.east_m + errors.east_m + errors.jitter_m(),
            motion.north_m + errors.north_m + errors.jitter_m(),
        )
        up = motion.up_m + errors.up_m + errors.jitter_m()
        turned = errors.yaw_deg + errors.jitter_deg()
        camera = None
        if self._asset.camera is not None:
            camera = Attitude(
                (motion.camera_yaw_deg + turned) % 360.0,
                motion.camera_pitch_deg + errors.pitch_deg + errors.jitter_deg(),
                motion.camera_roll_deg + errors.roll_deg + errors.jitter_deg(),
            )
        return TelemetrySample(
            self._asset.asset_id,
            pilot.start_at + timedelta(seconds=pilot.steps * STEP_S + errors.time_s),
            Position(lat, lon, Altitude(up, Datum.HOME)),
            motion.north_m_s,
            motion.east_m_s,
            -motion.up_m_s,
            Attitude((motion.yaw_deg + turned) % 360.0, motion.pitch_deg, motion.roll_deg),
            camera,
            max(0.01, errors.profile.horizontal_m),
            max(0.01, errors.profile.vertical_m),
            pilot.battery,
            pilot.armed,
            pilot.mode,
            pilot.physics.on_ground,
        )


class SimPilot:
    """`Pilot`, `FenceLink`, `Arming` and `Parameters` of a `SimVehicle`."""

    def __init__(
        self,
        vehicle: SimVehicle,
        *,
        arm_s: float = 60.0,
        mode_s: float = 10.0,
        silence_limit_s: float = 5.0,
    ) -> None:
        """Commands a vehicle; the deadlines count by its clock."""
        self._vehicle = vehicle
        self._pilot = vehicle.autopilot
        self._arm_s, self._mode_s, self._silence_s = arm_s, mode_s, silence_limit_s
        self._steps: tuple[SimpleItem, ...] = ()
        self._total = 0
        self._loaded: tuple[object, object, object] | None = None

    async def upload(self, proven: ProvenPlan, fences: Sequence[Zone] | None = None) -> None:
        """Gives the vehicle all that a plan consists of as one, and compares.

        Raises:
            VehicleUnreachable: if it does not hear.
            UploadMismatch: if it refuses, or holds something else; it holds then what it held.
            PlanUnreadable: if an altitude counts from a datum that can't be carried.
        """
        self._reach()
        pilot, self._loaded = self._pilot, None
        before = (pilot.mission, pilot.rings, pilot.rally, dict(pilot.parameters))
        try:
            if fences is not None:
                await self.upload_fences(fences)
            await self._load(proven)
        except UploadMismatch:
            mission, rings, rally, parameters = before
            pilot.parameters.update(parameters)
            pilot.set_fence(rings)
            pilot.set_rally(rally)
            pilot.set_mission(mission)
            raise
        self._loaded = (pilot.mission, pilot.rings, pilot.rally)

    async def _load(self, proven: ProvenPlan) -> None:
        failures = self._vehicle.failures
        if failures.strike(FailureKind.TRANSFER_NAK):
            raise UploadMismatch("the vehicle refused the upload", where=self._where)
        plan = proven.plan
        steps = simple_items(plan.mission)
        await self._prepare_returns(plan)
        if failures.strike(FailureKind.STORED_OTHERWISE):
            self._pilot.set_mission(steps[:-1])
            raise UploadMismatch("read-back differs: an item is missing", where=self._where)
        self._pilot.set_mission(steps)
        differs = failures.find(FailureKind.READBACK_DIFFERS)
        if differs is not None and differs.seq < len(steps):
            raise UploadMismatch(f"read-back differs: item {differs.seq}", where=self._where)
        self._steps, self._total = steps, len(plan.mission.items)

    async def _prepare_returns(self, plan: Plan) -> None:
        settings, spots = return_settings(plan), rally_spots(plan)
        failures = self._vehicle.failures
        if spots and failures.strike(FailureKind.RALLY_DROPPED):
            self._pilot.set_rally(())
        elif not failures.strike(FailureKind.RALLY_KEPT):
            self._pilot.set_rally(spots)
        held = self._pilot.rally
        if held != tuple(spots):
            counts = f"{len(spots)} rally points were sent, {len(held)} are held"
            raise UploadMismatch(f"read-back differs: {counts}", where=self._where)
        for setting in settings:
            if not setting.allows(await self.read(setting.name)):
                await self.write(setting.name, setting.wanted)

    async def start(self, first: int = 0) -> None:
        """Starts the mission, in the air with any item of it.

        Raises:
            StartRefused: if the mode does not come, or the vehicle is not armed.
            PlanDrifted: if it no longer holds what was uploaded.
            LinkLost: if the vehicle is silent.
        """
        if first:
            self._reach()
            steps = enumerate(self._steps)
            self._pilot.begin_with(next(n for n, step in steps if step.item == first))
        await self.resume()

    async def hold(self) -> None:
        """Stops where it is.

        Raises:
            StartRefused: if the mode does not come.
            LinkLost: if the vehicle is silent.
        """
        await self._reach_mode(VehicleMode.HOLD)

    async def resume(self) -> None:
        """Goes on with the mission.

        Raises:
            StartRefused: if the mode does not come.
            PlanDrifted: if it no longer holds what was uploaded.
            LinkLost: if the vehicle is silent.
        """
        pilot = self._pilot
        if self._loaded is None:
            raise StartRefused("no plan has been uploaded to the vehicle", where=self._where)
        if self._loaded != (pilot.mission, pilot.rings, pilot.rally):
            raise PlanDrifted("somebody else has changed its plan", where=self._where)
        await self._reach_mode(VehicleMode.MISSION)
        if not self._pilot.armed:
            raise StartRefused("the vehicle is not armed", where=self._where)

    async def return_to_launch(self) -> None:
        """Comes home.

        Raises:
            StartRefused: if the mode does not come.
            LinkLost: if the vehicle is silent.
        """
        await self._reach_mode(VehicleMode.RETURN)

    async def land(self) -> None:
        """Comes down where it is.

        Raises:
            StartRefused: if the mode does not come.
            LinkLost: if the vehicle is silent.
        """
        await self._reach_mode(VehicleMode.LAND)

    async def progress(self) -> AsyncIterator[Progress]:
        """Yields progress whenever it changes and ends after one with `ended`.

        Raises:
            LinkLost: if the vehicle is silent for longer than the limit.
        """
        clock, last, was_armed = self._vehicle.clock, None, False
        heard_at, said = clock.now(), len(self._vehicle.words)
        while True:
            self._vehicle.advance()
            if self._vehicle.muted:
                if clock.now() - heard_at >= timedelta(seconds=self._silence_s):
                    raise self._lost()
            else:
                heard_at = clock.now()
                was_armed = was_armed or self._pilot.armed
                ended = was_armed and not self._pilot.armed
                returning = self._pilot.mode is VehicleMode.RETURN and not ended
                words = "; ".join(self._vehicle.words[said:])
                by_hand = self._pilot.mode is VehicleMode.MANUAL and was_armed and not ended
                present = Progress(self._reached(), self._total, ended, returning, words, by_hand)
                if present != last:
                    last = present
                    yield present
                    if ended:
                        return
            await clock.sleep_until(clock.now() + _LOOK_AGAIN)

    def _reached(self) -> int:
        lost = self._vehicle.failures.find(FailureKind.REACHED_LOST)
        seq = self._pilot.reached
        reached = 0
        if seq is not None and seq < len(self._steps) and (lost is None or lost.seq != seq):
            reached = self._steps[seq].item + 1
        if self._pilot.current < len(self._steps):
            reached = max(reached, self._steps[self._pilot.current].item)
        return reached

    async def upload_fences(self, fences: Sequence[Zone]) -> None:
        """Gives the vehicle its fence and listens for an objection.

        Raises:
            VehicleUnreachable: if it does not hear.
            UploadMismatch: if it keeps none, or says that it ignores it.
        """
        self._reach()
        rings = fence_rings(fences)
        if rings and self._vehicle.failures.strike(FailureKind.FENCE_DROPPED):
            raise UploadMismatch("read-back differs: no fence is held", where=self._where)
        self._pilot.set_fence(rings)
        if not self._pilot.fence_in_force:
            raise UploadMismatch(
                "the vehicle does not enforce the fence: home is not inside", where=self._where
            )
        if self._loaded is not None:
            self._loaded = (self._loaded[0], self._pilot.rings, self._loaded[2])

    async def arm(self) -> None:
        """Arms as soon as the vehicle allows it.

        Raises:
            ArmingDenied: if it is not armed in time.
            LinkLost: if the vehicle is silent.
        """
        said = len(self._vehicle.words)

        def armed() -> bool:
            return not self._vehicle.muted and self._pilot.arm()

        if not await self._until(armed, self._arm_s):
            words = "; ".join(dict.fromkeys(self._vehicle.words[said:]))
            raise ArmingDenied(f"not armed within {self._arm_s:g} s: {words}", where=self._where)

    async def disarm(self) -> None:
        """Disarms on the ground.

        Raises:
            ArmingDenied: if the vehicle refuses.
        """
        self._vehicle.advance()
        if not self._pilot.disarm():
            raise ArmingDenied("not disarmed: it is in flight", where=self._where)

    async def read(self, name: str) -> float:
        """Returns a parameter's value.

        Raises:
            NotFound: if there is none of that name.
            LinkLost: if the vehicle is silent.
        """
        if self._vehicle.muted:
            raise self._lost()
        if name not in self._pilot.parameters:
            raise NotFound(f"the vehicle has no parameter {name}", where=self._where)
        return float(self._pilot.parameters[name])

    async def write(self, name: str, value: float) -> None:
        """Writes a parameter and compares.

        Raises:
            NotFound: if there is none of that name.
            UploadMismatch: if it keeps another value.
            LinkLost: if the vehicle is silent.
        """
        present = await self.read(name)
        kept = self._vehicle.failures.find(FailureKind.PARAMETER_KEPT)
        if kept is None or kept.text != name:
            whole = isinstance(self._pilot.parameters[name], int)
            self._pilot.parameters[name] = round(value) if whole else float(value)
        present = await self.read(name)
        if abs(present - value) > 1e-4 * max(1.0, abs(value)):
            raise UploadMismatch(f"parameter {name} holds {present:g}", where=self._where)

    @property
    def _where(self) -> str:
        return str(self._vehicle.asset_id)

    def _lost(self) -> LinkLost:
        return LinkLost(f"nothing heard for {self._silence_s:g} s", where=self._where)

    def _reach(self) -> None:
        self._vehicle.advance()
        if self._vehicle.muted:
            raise VehicleUnreachable("no answer", where=self._where, cure="check the link")

    async def _until(self, ready: Callable[[], bool], within_s: float) -> bool:
        clock = self._vehicle.clock
        start_at = heard_at = clock.now()
        while True:
            self._vehicle.advance()
            if ready():
                return True
            now = clock.now()
            heard_at = heard_at if self._vehicle.muted else now
            if now - heard_at >= timedelta(seconds=self._silence_s):
                raise self._lost()
            if now - start_at >= timedelta(seconds=within_s):
                return False
            await clock.sleep_until(now + _LOOK_AGAIN)

    async def _reach_mode(self, mode: VehicleMode) -> None:
        said = len(self._vehicle.words)

        def entered() -> bool:
            if self._vehicle.muted:
                return False
            if self._pilot.mode is not mode:
                self._pilot.set_mode(mode)
            return self._pilot.mode is mode

        if not await self._until(entered, self._mode_s):
            words = "; ".join(dict.fromkeys(self._vehicle.words[said:])) or "it gave no reason"
            raise StartRefused(f"the vehicle did not enter {mode} mode: {words}", where=self._where)
