"""Flies a PX4 vehicle by MAVSDK: every command is proven by the vehicle's own state."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

from mavsdk import MavsdkError
from mavsdk.asyncio.plugins.action import ActionAsync
from mavsdk.asyncio.plugins.mission_raw import MissionRawAsync
from mavsdk.asyncio.plugins.param import ParamAsync, ParamError, ParamResult

from core.clock import Clock
from core.errors import (
    ArmingDenied,
    LinkLost,
    NotFound,
    StartRefused,
    UploadMismatch,
)
from geo.zones import Zone
from missions.adapters.heard_progress import changes
from missions.adapters.mavlink_codec import (
    FENCE,
    MISSION,
    RALLY,
    EncodedMission,
    encode_fences,
    encode_mission,
    encode_rally,
)
from missions.adapters.mavsdk_transfer import MavsdkWire
from missions.adapters.plan_transaction import PlanTransfers
from missions.adapters.setting_changes import SettingChanges
from missions.model import Progress
from missions.proving.proof import ProvenPlan
from missions.proving.return_settings import ReturnSetting, rally_spots, return_settings
from telemetry.model import VehicleMode

_FENCE_IGNORED = "Geofence invalid"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long and how often things are tried; seconds by the clock."""

    arm_s: float = 60.0
    mode_s: float = 10.0
    retry_after_s: float = 2.0
    tries: int = 3
    item_s: float = 0.5
    """How long an answer of a transfer is waited for before it is asked again."""
    fence_text_s: float = 2.0
    """How long after a fence upload the vehicle's objection is waited for."""

    def at_speed(self, factor: float) -> "Deadlines":
        """Returns the same real time by a clock that runs `factor` times as fast."""
        return replace(
            self,
            arm_s=self.arm_s * max(1.0, factor / 2),
            mode_s=self.mode_s * factor,
            item_s=self.item_s * factor,
            retry_after_s=max(self.retry_after_s, 0.3 * factor),
            fence_text_s=max(self.fence_text_s, 0.5 * factor),
        )


class _State(Protocol):
    mode: VehicleMode | None
    armed: bool | None
    on_ground: bool | None
    current: int | None
    reached: int | None
    texts_heard: int
    plan_ids: tuple[int, int, int] | None
    plan_ids_heard: int


class OpenedSystem(Protocol):
    """What the pilot needs of an opened MAVSDK system."""

    url: str
    system: Any
    system_id: int
    on_wheels: bool
    clock: Clock
    lost: bool

    @property
    def state(self) -> _State:
        """The newest that the vehicle said."""
        ...

    @property
    def status_text(self) -> str:
        """The autopilot's newest words."""
        ...

    def texts_since(self, count: int) -> str:
        """Returns the words said since then."""
        ...

    def add_listener(self, listener: Callable[[str, dict[str, Any]], None]) -> Callable[[], None]:
        """Calls with each message; returns what ends that."""
        ...

    async def wait_for(self, ready: Callable[[], bool], within_s: float) -> bool:
        """Waits for a state; raises LinkLost when the vehicle falls silent."""
        ...

    def lost_error(self) -> LinkLost:
        """Returns the error of a silence."""
        ...


class MavsdkPilot:
    """`Pilot`, `FenceLink`, `Arming` and `Parameters` of one PX4 vehicle."""

    def __init__(self, system: OpenedSystem, deadlines: Deadlines | None = None) -> None:
        """Commands an opened system, which stays its owner's to close."""
        self._system = system
        self._deadlines = deadlines or Deadlines()
        self._missions = MissionRawAsync(system.system)
        self._action = ActionAsync(system.system)
        self._parameters = ParamAsync(system.system)
        self._wire = MavsdkWire(system, answer_s=self._deadlines.item_s)
        self._transfers = PlanTransfers(
            system,
            self._wire,
            self,
            tries=self._deadlines.tries,
            retry_after_s=self._deadlines.retry_after_s,
        )
        self._encoded: EncodedMission | None = None
        self._heard = 0

    # --- Pilot ---

    async def upload(self, proven: ProvenPlan, fences: Sequence[Zone] | None = None) -> None:
        """Sends all that a plan consists of as one, reads all of it back and compares.

        The settings of `return_settings` come first; then the fence, the rally points (a plan
        without any clears those of the flight before, which would draw returns elsewhere) and
        the mission.

        Raises:
            VehicleUnreachable: if nothing answers.
            UploadMismatch: if what the vehicle holds differs from what was sent.
            PartialUpload: if that could be neither undone nor cleared.
            PlanUnreadable: if an altitude counts from a datum that can't be carried.
        """
        plan = proven.plan
        encoded, settings = encode_mission(plan.mission), return_settings(plan)
        wanted = {MISSION: encoded.items, RALLY: encode_rally(rally_spots(plan))}
        if fences is not None:
            wanted[FENCE] = encode_fences(fences)
        heard = self._system.state.texts_heard

        async def keep(changes: SettingChanges) -> None:
            for setting in settings:
                await self._keep(changes, setting)

        async def ask(changes: SettingChanges) -> None:
            if fences:
                await self._hear_of_fence(heard)

        self._encoded = None
        await self._transfers.replace(wanted, before=keep, after=ask)
        self._encoded = encoded

    async def _keep(self, changes: SettingChanges, setting: ReturnSetting) -> None:
        """Has the vehicle hold a parameter that the proof counts on."""
        try:
            await changes.keep(setting)
        except NotFound as error:
            raise UploadMismatch(
                f"{setting.name} is not {setting.wanted:g}, and returns may go elsewhere:"
                f" {error.message}",
                where=self._system.url,
                cure="set it by hand, or fly this plan with a PX4 that has it",
            ) from error
        except LinkLost as error:
            raise self._transfers.unreachable(f"{setting.name} could not be confirmed") from error

    async def start(self, first: int = 0) -> None:
        """Starts the mission, in the air with any item; returns once the vehicle's mode shows it.

        Raises:
            StartRefused: if the mode does not come, or the vehicle is not armed.
            PlanDrifted: if it no longer holds what was uploaded.
            LinkLost: if the vehicle falls silent.
        """
        self._system.state.reached = self._system.state.current = None
        if first and self._encoded is not None:
            await self._begin_with(self._encoded.item_of.index(first))
        await self._enter_mission()

    async def _begin_with(self, step: int) -> None:
        state, deadlines = self._system.state, self._deadlines
        for _ in range(deadlines.tries):
            self._wire.set_current(step)  # MAVSDK's own call knows its own uploads alone
            within_s = deadlines.mode_s / deadlines.tries
            if await self._system.wait_for(lambda: state.current == step, within_s):
                return
        raise StartRefused(
            f"the vehicle is at step {state.current} and not at {step}",
            where=self._system.url,
            cure="look at what it holds, and upload it again",
        )

    async def _enter_mission(self) -> None:
        await self._transfers.confirm()
        await self._reach_mode(VehicleMode.MISSION, self._missions.start_mission)
        if self._system.state.armed is False:
            raise StartRefused(
                f"the vehicle is not armed: {self._system.status_text}".rstrip(": "),
                where=self._system.url,
                cure="arm it and start at once; it disarms itself when it waits",
            )

    async def hold(self) -> None:
        """Stops where it is; returns once the mode shows it.

        Raises:
            StartRefused: if the mode does not come.
            LinkLost: if the vehicle falls silent.
        """
        await self._reach_mode(VehicleMode.HOLD, self._action.hold)

    async def resume(self) -> None:
        """Goes on with the mission.

        Raises:
            StartRefused: if the mode does not come.
            PlanDrifted: if it no longer holds what was uploaded.
            LinkLost: if the vehicle falls silent.
        """
        await self._enter_mission()

    async def return_to_launch(self) -> None:
        """Comes home.

        Raises:
            StartRefused: if the mode does not come.
            LinkLost: if the vehicle falls silent.
        """
        await self._reach_mode(VehicleMode.RETURN, self._action.return_to_launch)

    async def land(self) -> None:
        """Comes down where it is; a rover stops there and is disarmed.

        Raises:
            StartRefused: if the mode does not come.
            LinkLost: if the vehicle falls silent.
        """
        if not self._system.on_wheels:
            await self._reach_mode(VehicleMode.LAND, self._action.land)
            return
        await self.hold()
        for last in (False, False, True):  # while it still rolls it refuses
            try:
                await self.disarm()
            except ArmingDenied as error:
                if last:
                    raise StartRefused(error.message, where=self._system.url) from error
            else:
                return

    def progress(self) -> AsyncIterator[Progress]:
        """Yields progress whenever it changes and ends after one with `ended`.

        Raises:
            LinkLost: if the vehicle falls silent.
        """
        self._heard = self._system.state.texts_heard
        return changes(self._system, self._progress)

    def _progress(self, was_armed: bool) -> Progress:
        state, encoded = self._system.state, self._encoded
        total = len(encoded.items) and encoded.item_of[-1] + 1 if encoded else 0
        ended = was_armed and state.armed is False
        reached = 0
        if encoded is not None:
            if state.reached is not None:
                reached = encoded.reached_by(state.reached)
            if state.current and state.current < len(encoded.items) and was_armed:
                # the step that it is at now: what comes before it is done, whatever got lost
                reached = max(reached, encoded.item_of[state.current])
        if self._system.on_wheels and total:  # it stands at its last place, armed and in hold mode
            ended = ended or (was_armed and reached == total)
        returning = state.mode is VehicleMode.RETURN and not ended
        by_hand = state.mode is VehicleMode.MANUAL and was_armed and not ended
        words = self._system.texts_since(self._heard)
        return Progress(reached, total, ended, returning, words, by_hand)

    # --- FenceLink ---

    async def upload_fences(self, fences: Sequence[Zone]) -> None:
        """Replaces the vehicle's fence, reads it back, and listens for an objection.

        Raises:
            UploadMismatch: if what it holds differs, or it says that it ignores the fence.
            VehicleUnreachable: if nothing answers.
        """
        heard = self._system.state.texts_heard

        async def ask(changes: SettingChanges) -> None:
            await self._hear_of_fence(heard)

        await self._transfers.replace({FENCE: encode_fences(fences)}, after=ask)

    async def _hear_of_fence(self, heard: int) -> None:
        """Listens for what the vehicle says of a fence that it took after `heard` words."""

        def objects() -> bool:
            return _FENCE_IGNORED in self._system.texts_since(heard)

        try:
            ignored = await self._system.wait_for(objects, self._deadlines.fence_text_s)
        except LinkLost as error:
            raise self._transfers.unreachable("the fence could not be confirmed") from error
        if ignored:
            raise UploadMismatch(
                f"the vehicle does not enforce the fence: {self._system.texts_since(heard)}",
                where=self._system.url,
                cure="take off from inside every inclusion and outside every exclusion",
            )

    # --- Arming ---

    async def arm(self) -> None:
        """Arms as soon as the vehicle allows it; returns once its state shows it.

        Raises:
            ArmingDenied: if it is not armed in time.
            LinkLost: if the vehicle falls silent.
        """
        clock, heard = self._system.clock, self._system.state.texts_heard
        deadline_at = clock.now() + timedelta(seconds=self._deadlines.arm_s)
        while True:
            refusal = await self._command(self._action.arm)
            wait_s = self._deadlines.retry_after_s
            if await self._system.wait_for(lambda: bool(self._system.state.armed), wait_s):
                return
            if clock.now() >= deadline_at:
                words = self._system.texts_since(heard) or refusal or "no reason given"
                raise ArmingDenied(
                    f"not armed within {self._deadlines.arm_s:g} s: {words}",
                    where=self._system.url,
                    cure="clear what the vehicle complains about and try again",
                )

    async def disarm(self) -> None:
        """Stops the motors on the ground; a disarmed vehicle stays so.

        Raises:
            ArmingDenied: if the vehicle refuses.
            LinkLost: if the vehicle falls silent.
        """
        if self._system.state.armed is False:
            return
        heard = self._system.state.texts_heard
        refusal = await self._command(self._action.disarm)
        if not await self._system.wait_for(
            lambda: self._system.state.armed is False, self._deadlines.retry_after_s
        ):
            words = self._system.texts_since(heard) or refusal or "no reason given"
            raise ArmingDenied(f"not disarmed: {words}", where=self._system.url)

    # --- Parameters ---

    async def read(self, name: str) -> float:
        """Returns a parameter's value.

        Raises:
            NotFound: if the vehicle has none of that name.
            LinkLost: if it does not answer.
        """
        try:
            return await self._value(name)
        except ParamError as error:
            raise self._parameter_error(name, error) from error

    async def _value(self, name: str) -> float:
        try:
            return float(await self._parameters.get_param_float(name))
        except ParamError as error:
            if error.result is not ParamResult.WRONG_TYPE:
                raise
        return float(await self._parameters.get_param_int(name))

    async def write(self, name: str, value: float) -> None:
        """Writes a parameter, reads it back and compares.

        Raises:
            NotFound: if the vehicle has none of that name.
            UploadMismatch: if it keeps another value.
            LinkLost: if it does not answer.
        """
        kept = math.nan
        for _ in range(self._deadlines.tries):
            try:
                await self._set(name, value)
            except ParamError as error:
                raise self._parameter_error(name, error) from error
            # a late packet may tell what was there before, so one look is no refusal yet
            kept = await self.read(name)
            if abs(kept - value) <= 1e-4 * max(1.0, abs(value)):
                return
        raise UploadMismatch(
            f"parameter {name} holds {kept:g}, not {value:g}", where=self._system.url
        )

    async def _set(self, name: str, value: float) -> None:
        try:
            await self._parameters.set_param_float(name, value)
        except ParamError as error:
            if error.result is not ParamResult.WRONG_TYPE:
                raise
            await self._parameters.set_param_int(name, round(value))

    def _parameter_error(self, name: str, error: ParamError) -> NotFound | LinkLost:
        # PX4 answers nothing at all for a name that it does not know
        if self._system.lost or error.result is ParamResult.CONNECTION_ERROR:
            return self._system.lost_error()
        return NotFound(
            f"the vehicle has no parameter {name} ({error.result.name})", where=self._system.url
        )

    # --- what they share ---

    async def _command(self, order: Callable[[], Awaitable[object]]) -> str:
        """Gives an order and returns the driver's refusal, which is no proof of anything."""
        try:
            await order()
        except MavsdkError as error:
            return str(getattr(getattr(error, "result", None), "name", error))
        return ""

    async def _reach_mode(self, mode: VehicleMode, order: Callable[[], Awaitable[object]]) -> None:
        heard, refusal = self._system.state.texts_heard, ""
        if self._system.lost:
            raise self._system.lost_error()
        for _ in range(self._deadlines.tries):
            if self._system.state.mode is mode:
                return
            refusal = await self._command(order)
            within_s = self._deadlines.mode_s / self._deadlines.tries
            if await self._system.wait_for(lambda: self._system.state.mode is mode, within_s):
                return
        words = self._system.texts_since(heard) or refusal or "it gave no reason"
        raise StartRefused(
            f"the vehicle did not enter {mode} mode: {words}",
            where=self._system.url,
            cure="check the plan against its fence, and the vehicle's own log",
        )
