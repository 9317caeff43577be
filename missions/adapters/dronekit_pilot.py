"""Flies an ArduPilot vehicle over DroneKit's connection; its own state is the proof of all.

Seen on ArduCopter 4.7 in simulation: it numbers from home (0); a MISSION_START makes it take off
in AUTO; it arms in STABILIZE without a position and then stands there, so it is armed in GUIDED,
which it enters only with one; a fence is in force once FENCE_ENABLE says so, and one that does not
hold home keeps it from arming.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol

from core.errors import ArmingDenied, LinkLost, NotFound, StartRefused, UploadMismatch
from geo.zones import Zone
from missions.adapters.ardupilot_codec import HOME_ITEMS, for_ardupilot, home_item
from missions.adapters.ardupilot_fence import FenceInForce
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
from missions.adapters.mavsdk_pilot import Deadlines
from missions.adapters.plan_transaction import PlanTransfers
from missions.adapters.pymavlink_transfer import PymavlinkWire, TransferSystem
from missions.adapters.setting_changes import SettingChanges
from missions.model import ItemKind, Plan, Progress
from missions.proving.ardupilot_returns import copter_return_settings
from missions.proving.proof import ProvenPlan
from missions.proving.return_settings import ReturnSetting, rally_spots
from telemetry.model import VehicleMode

_GUIDED = "GUIDED"
_CAME_HOME = "Reached destination"
"""What ArduRover says at home; it stays armed there."""
_MISSION_START = 300
_ANSWER_SHARE = 0.2
"""Of the time for a mode: how long one answer is waited for."""
_MORE_TRIES = 2
"""A parameter that is not there gives no answer, so silence must be beyond chance."""
_FRESH_S = 30.0
"""A read-back this young will do for a start: it was made before the vehicle was armed."""
_REAL32 = 9
_AUTOPILOT = 1


class _State(Protocol):
    mode: VehicleMode | None
    armed: bool | None
    current: int | None
    reached: int | None
    texts_heard: int
    plan_ids: tuple[int, int, int] | None
    plan_ids_heard: int


class OpenedSystem(TransferSystem, Protocol):
    """What the pilot needs of an opened ArduPilot vehicle."""

    vehicle: Any
    on_wheels: bool
    has_position: bool

    @property
    def state(self) -> _State:
        """The newest that the vehicle said."""
        ...

    def texts_since(self, count: int) -> str:
        """Returns the words said since then."""
        ...

    def lost_error(self) -> LinkLost:
        """Returns the error of a silence."""
        ...

    def command(self, number: int, *params: float) -> None:
        """Sends a COMMAND_LONG to the autopilot."""
        ...


class DronekitPilot:
    """`Pilot`, `FenceLink`, `Arming` and `Parameters` of one ArduPilot vehicle."""

    def __init__(self, system: OpenedSystem, deadlines: Deadlines | None = None) -> None:
        """Commands an opened system, which stays its owner's to close."""
        self._system = system
        self._deadlines = deadlines or Deadlines()
        self._answer_s = _ANSWER_SHARE * self._deadlines.mode_s
        self._transfers = PlanTransfers(
            system,
            PymavlinkWire(system, answer_s=self._deadlines.item_s),
            self,
            tries=self._deadlines.tries,
            retry_after_s=self._deadlines.retry_after_s,
        )
        self._fence = FenceInForce(system, self, self._deadlines)
        self._encoded: EncodedMission | None = None
        self._returns_at = -1
        self._furthest = 0
        self._heard = 0

    # --- Pilot ---

    async def upload(self, proven: ProvenPlan, fences: Sequence[Zone] | None = None) -> None:
        """Sends all that a plan consists of as one, reads all of it back and compares.

        Its fence is in force afterwards, beside the ceiling and circle that the operator has
        set, which the plan must keep.

        Raises:
            VehicleUnreachable: if nothing answers.
            UploadMismatch: if what the vehicle holds differs, or its own fence forbids the plan.
            PartialUpload: if that could be neither undone nor cleared.
            PlanUnreadable: if an altitude counts from a datum that can't be carried.
        """
        plan = proven.plan
        encoded = encode_mission(plan.mission)
        items = for_ardupilot(encoded.items, home_item(plan.home.lat_deg, plan.home.lon_deg))
        wanted = {MISSION: items, RALLY: encode_rally(rally_spots(plan))}
        if fences is not None:
            wanted[FENCE] = encode_fences(fences)
        settings = await self._return_settings(plan)

        async def keep(changes: SettingChanges) -> None:
            for setting in settings:
                await self._keep(changes, setting)

        async def enforce(changes: SettingChanges) -> None:
            if fences is not None:
                await self._fence.enforce(changes, bool(fences))
            if not self._system.on_wheels:
                await self._fence.check(plan)

        self._encoded = None
        await self._transfers.replace(wanted, before=keep, after=enforce)
        self._encoded, self._furthest = encoded, 0
        kinds = [item.kind for item in plan.mission.items]
        self._returns_at = len(kinds) - 1 if kinds[-1:] == [ItemKind.RETURN] else -1

    async def _return_settings(self, plan: Plan) -> Sequence[ReturnSetting]:
        settings = copter_return_settings(plan, metres=False)
        if self._system.on_wheels:
            return ()  # a rover returns on the ground, straight; it has none of these
        try:
            if not await self._has("RTL_ALT") and await self._has("RTL_ALT_M"):
                return copter_return_settings(plan, metres=True)
        except LinkLost as error:
            raise self._transfers.unreachable("the return could not be confirmed") from error
        return settings

    async def _has(self, name: str) -> bool:
        try:
            await self.read(name)
        except NotFound:
            return False
        return True

    async def _keep(self, changes: SettingChanges, setting: ReturnSetting) -> None:
        """Has the vehicle hold a parameter that the proof counts on."""
        try:
            await changes.keep(setting)
        except NotFound as error:
            raise UploadMismatch(
                f"{setting.name} is not {setting.wanted:g}, and returns may go elsewhere:"
                f" {error.message}",
                where=self._system.url,
                cure="set it by hand, or fly this plan with an ArduPilot that has it",
            ) from error
        except LinkLost as error:
            raise self._transfers.unreachable(f"{setting.name} could not be confirmed") from error

    async def start(self, first: int = 0) -> None:
        """Starts the mission, in the air with any item; returns once mode and step show it.

        Raises:
            StartRefused: if they do not come, or the vehicle is not armed.
            PlanDrifted: if it no longer holds what was uploaded.
            LinkLost: if the vehicle falls silent.
        """
        self._system.state.reached = self._system.state.current = None
        self._furthest = 0
        heard = self._system.state.texts_heard
        if first and self._encoded is not None:
            await self._begin_with(self._encoded.item_of.index(first) + HOME_ITEMS)
        await self._enter_mission(_FRESH_S)

        def underway() -> bool:
            return bool(self._system.state.current)

        for _ in range(self._deadlines.tries):
            self._system.command(_MISSION_START)
            if await self._system.wait_for(underway, self._deadlines.mode_s):
                return
        words = self._system.texts_since(heard) or "it gave no reason"
        raise StartRefused(
            f"the vehicle stands at the beginning of its mission: {words}",
            where=self._system.url,
            cure="check the plan against its fence, and the vehicle's own log",
        )

    async def _begin_with(self, step: int) -> None:
        system = self._system
        for _ in range(self._deadlines.tries):
            system.mavlink.mission_set_current_send(system.system_id, _AUTOPILOT, step)
            if await system.wait_for(lambda: system.state.current == step, self._answer_s):
                return
        raise StartRefused(
            f"the vehicle is at step {system.state.current} and not at {step}",
            where=system.url,
            cure="look at what it holds, and upload it again",
        )

    async def _enter_mission(self, within_s: float = 0.0) -> None:
        await self._transfers.confirm(within_s=within_s)
        if self._system.state.armed is False:
            raise StartRefused(
                f"the vehicle is not armed: {self._system.status_text}".rstrip(": "),
                where=self._system.url,
                cure="arm it and start at once; it disarms itself when it waits",
            )
        await self._reach_mode(VehicleMode.MISSION, "AUTO")

    async def hold(self) -> None:
        """Stops where it is; returns once the mode shows it.

        Raises:
            StartRefused: if the mode does not come.
            LinkLost: if the vehicle falls silent.
        """
        await self._reach_mode(VehicleMode.HOLD, "HOLD" if self._system.on_wheels else "BRAKE")

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
        await self._reach_mode(VehicleMode.RETURN, "RTL")

    async def land(self) -> None:
        """Comes down where it is; a rover stops there and is disarmed.

        Raises:
            StartRefused: if the mode does not come.
            LinkLost: if the vehicle falls silent.
        """
        if not self._system.on_wheels:
            await self._reach_mode(VehicleMode.LAND, "LAND")
            return
        await self.hold()
        try:
            await self.disarm()
        except ArmingDenied as error:
            raise StartRefused(error.message, where=self._system.url) from error

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
        at_item = -1
        if encoded is not None and was_armed:
            if state.reached is not None:
                reached = encoded.reached_by(state.reached - HOME_ITEMS)
                self._furthest = max(self._furthest, reached)
            step = (state.current or 0) - HOME_ITEMS
            if 0 <= step < len(encoded.items):
                # what comes before the step that it is at is done, whatever got lost
                at_item = encoded.item_of[step]
                self._furthest = max(self._furthest, at_item)
        returning = state.mode is VehicleMode.RETURN
        if state.mode is VehicleMode.MISSION and at_item >= 0:  # a mission's own return is AUTO
            returning = at_item == self._returns_at
        if self._system.on_wheels and total:  # it stands at its last place, armed and in AUTO
            ended = ended or self._furthest == total
            came_home = state.mode is VehicleMode.RETURN and was_armed
            ended = ended or (came_home and _CAME_HOME in self._system.texts_since(self._heard))
        return Progress(
            self._furthest, total, ended, returning and not ended,
            self._system.texts_since(self._heard),
            by_hand=state.mode is VehicleMode.MANUAL and was_armed and not ended,
        )  # fmt: skip

    # --- FenceLink ---

    async def upload_fences(self, fences: Sequence[Zone]) -> None:
        """Replaces the vehicle's fence, reads it back, puts it in force and asks about home.

        A ceiling or circle that the operator has in force stays so. Without zones, and without
        those, no fence is in force.

        Raises:
            UploadMismatch: if what it holds differs, or it says that home is not inside.
            PartialUpload: if that could be neither undone nor cleared.
            VehicleUnreachable: if nothing answers.
        """

        async def enforce(changes: SettingChanges) -> None:
            await self._fence.enforce(changes, bool(fences))

        await self._transfers.replace({FENCE: encode_fences(fences)}, after=enforce)

    # --- Arming ---

    async def arm(self) -> None:
        """Arms as soon as the vehicle allows it; returns once its state shows it.

        A plan that was uploaded is read back first: ArduPilot does not say what it holds, and
        once armed it does not wait for long.

        Raises:
            ArmingDenied: if it is not armed in time.
            PlanDrifted: if it no longer holds what was uploaded.
            LinkLost: if the vehicle falls silent.
        """
        if self._transfers.loaded:
            await self._transfers.confirm()
        clock, heard = self._system.clock, self._system.state.texts_heard
        deadline_at = clock.now() + timedelta(seconds=self._deadlines.arm_s)
        while not self._system.state.armed:
            if self._guided():
                self._system.vehicle.armed = True
            else:
                self._order_mode(_GUIDED)
            wait_s = self._deadlines.retry_after_s
            guided = self._guided()

            def moved(known: bool = guided) -> bool:
                return bool(self._system.state.armed) or self._guided() != known

            await self._system.wait_for(moved, wait_s)
            if clock.now() >= deadline_at and not self._system.state.armed:
                words = self._system.texts_since(heard) or "no reason given"
                raise ArmingDenied(
                    f"not armed within {self._deadlines.arm_s:g} s: {words}",
                    where=self._system.url,
                    cure="clear what the vehicle complains about and try again",
                )

    def _guided(self) -> bool:
        return bool(self._system.vehicle.mode.name == _GUIDED)

    async def disarm(self) -> None:
        """Disarms on the ground.

        Raises:
            ArmingDenied: if the vehicle refuses.
        """
        heard = self._system.state.texts_heard
        for _ in range(self._deadlines.tries):
            self._system.vehicle.armed = False
            within_s = self._deadlines.mode_s / self._deadlines.tries
            if await self._system.wait_for(lambda: self._system.state.armed is False, within_s):
                return
        words = self._system.texts_since(heard) or "it gave no reason"
        raise ArmingDenied(f"not disarmed: {words}", where=self._system.url)

    # --- Parameters ---

    async def read(self, name: str) -> float:
        """Returns a parameter's value.

        Raises:
            NotFound: if the vehicle has none of that name.
            LinkLost: if it does not answer.
        """
        out, to = self._system.mavlink, self._system.system_id
        value = await self._parameter(
            name,
            lambda: out.param_request_read_send(to, _AUTOPILOT, name.encode(), -1),
            lambda held: True,
        )
        if value is None:  # ArduPilot 4.7 was seen to answer nothing for a name it does not know
            raise NotFound(f"the vehicle has no parameter {name}", where=self._system.url)
        return value

    async def write(self, name: str, value: float) -> None:
        """Writes a parameter, reads it back and compares.

        Raises:
            NotFound: if the vehicle has none of that name.
            UploadMismatch: if it keeps another value.
            LinkLost: if it does not answer.
        """

        def kept(held: float) -> bool:
            return abs(held - value) <= 1e-4 * max(1.0, abs(value))

        await self.read(name)
        out, to = self._system.mavlink, self._system.system_id
        # DroneKit has the vehicle list its parameters, so an old value may come before the answer
        await self._parameter(
            name, lambda: out.param_set_send(to, _AUTOPILOT, name.encode(), value, _REAL32), kept
        )
        held = await self.read(name)
        if not kept(held):
            raise UploadMismatch(
                f"parameter {name} holds {held:g}, not {value:g}", where=self._system.url
            )

    async def _parameter(
        self, name: str, ask: Callable[[], None], wanted: Callable[[float], bool]
    ) -> float | None:
        """Asks until a wanted value comes; returns the newest that came, or `None`."""
        found: list[float] = []

        def hear(heard: str, fields: dict[str, Any]) -> None:
            if heard == "PARAM_VALUE" and fields["param_id"] == name:
                found.append(float(fields["param_value"]))

        end = self._system.add_listener(hear)
        try:
            for _ in range(_MORE_TRIES * self._deadlines.tries):
                ask()
                if await self._system.wait_for(lambda: any(map(wanted, found)), self._answer_s):
                    break
        finally:
            end()
        return found[-1] if found else None

    # --- what they share ---

    def _order_mode(self, name: str) -> None:
        self._system.vehicle.mode = name

    async def _reach_mode(self, mode: VehicleMode, name: str) -> None:
        heard = self._system.state.texts_heard
        if self._system.lost:
            raise self._system.lost_error()
        for _ in range(self._deadlines.tries):
            if self._system.state.mode is mode:
                return
            self._order_mode(name)
            within_s = self._deadlines.mode_s / self._deadlines.tries
            if await self._system.wait_for(lambda: self._system.state.mode is mode, within_s):
                return
        words = self._system.texts_since(heard) or "it gave no reason"
        raise StartRefused(
            f"the vehicle did not enter {mode} mode: {words}",
            where=self._system.url,
            cure="check the plan against its fence, and the vehicle's own log",
        )
