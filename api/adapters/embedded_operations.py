"""A fleet that obeys at once and goes nowhere: for tests and for trying the API out."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from api.services import (
    Cleared,
    Commanded,
    Confirmation,
    PlanReport,
    RestReport,
    SkyAnswer,
)
from core.clock import Clock
from core.errors import (
    ArmingDenied,
    CapabilityMissing,
    IllegalMove,
    NotFound,
    PlanUnsafe,
    PoseUnknown,
    QyranError,
    VehicleUnreachable,
)
from core.ids import AssetId, MissionId, PatrolId, SortieId, UserId, fresh_id
from geo.ports import TerrainModel
from missions.circumstances import Circumstances
from missions.control.desk import ControlDesk
from missions.control.records import (
    Answer,
    CommandDetails,
    CommandKind,
    CommandRecord,
    Outcome,
    refusal,
)
from missions.guided import Capability, Task, check_task, described, needs
from missions.guiding.capabilities import capabilities_of
from missions.model import (
    SORTIE_MOVES,
    Asset,
    AssetKind,
    Finding,
    ItemKind,
    Mission,
    MissionItem,
    Patrol,
    Plan,
    Severity,
    Sortie,
    SortieEvent,
    SortieState,
)
from missions.ports import MissionStore
from telemetry.model import AssetStatus, TelemetrySample


class FleetFailure(StrEnum):
    """What may go wrong, by name."""

    NONE = ""
    UNSAFE_PLAN = "unsafe_plan"
    """Every plan has an error-level finding."""
    UNREACHABLE = "unreachable"
    """No vehicle answers a command."""
    WILL_NOT_ARM = "will_not_arm"
    """Vehicles refuse to start."""


_ENDED = frozenset(state for state in SortieState if SORTIE_MOVES.final(state))


class EmbeddedOperations:
    """Implements `Operations` on a mission store alone; each order is obeyed on the spot."""

    def __init__(self, missions: MissionStore, clock: Clock, control: ControlDesk) -> None:
        """Commands the assets that `missions` holds, by the leases of `control`."""
        self.failure = FleetFailure.NONE
        self.statuses: dict[AssetId, AssetStatus] = {}
        self.footprints: dict[AssetId, tuple[tuple[float, float], ...]] = {}
        self.rests: dict[SortieId, RestReport] = {}
        self._missions = missions
        self._clock, self._control = clock, control
        self._lock = threading.Lock()

    def plan(self, patrol_id: PatrolId) -> PlanReport:
        """Plans to take off and come straight home."""
        patrol = self._patrol(patrol_id)
        asset = self._asset(patrol.asset_id)
        above_home = replace(asset.home, altitude=patrol.altitude)
        items = (MissionItem(ItemKind.TAKEOFF, above_home), MissionItem(ItemKind.RETURN))
        mission = Mission(MissionId(fresh_id("mission")), items)
        plan = Plan(
            mission, asset.asset_id, asset.home, asset.cruise_m_s, patrol_id=patrol.patrol_id
        )
        if self.failure is not FleetFailure.UNSAFE_PLAN:
            return PlanReport(plan)
        place = (asset.home.lat_deg, asset.home.lon_deg)
        finding = Finding(Severity.ERROR, "item_outside_fence", "leaves the fence", place, 0)
        return PlanReport(plan, (finding,))

    def surroundings(self, asset: Asset, at: datetime) -> tuple[Circumstances, TerrainModel | None]:
        """Returns that the start alone is known."""
        return Circumstances(departs_at=at), None

    def rest(self, sortie_id: SortieId, others: Sequence[SortieId] = ()) -> RestReport:
        """Returns what was put into `rests`.

        Raises:
            PoseUnknown: if nothing was: this fleet has no cameras.
        """
        if sortie_id not in self.rests:
            raise PoseUnknown(
                "no pose of its camera was kept", where=sortie_id, cure="plan the patrol anew"
            )
        return self.rests[sortie_id]

    async def start(self, patrol_id: PatrolId, by: UserId, *, term: int | None = None) -> Sortie:
        """Starts a sortie, which is under way at once."""
        report = self.plan(patrol_id)
        asset_id = report.plan.asset_id
        sortie = Sortie(SortieId(fresh_id("sortie")), report.plan, authorised_by=by, version=0)

        def started() -> Sortie:
            if not report.safe:
                raise PlanUnsafe("the plan has errors", where=patrol_id, cure="see its findings")
            if self.sortie_of(asset_id) is not None:
                raise IllegalMove(
                    "the asset is on a sortie",
                    where=asset_id,
                    cure="wait for its end or bring it home",
                )
            self._fail()
            ready = self._moved(sortie, SortieState.AUTHORISED, by)
            return self._moved(ready, SortieState.UNDERWAY, by)

        details = CommandDetails(patrol_id=patrol_id)
        command = self._command(CommandKind.START, by, asset_id, sortie.sortie_id, details)
        return (await self._done(command, term, started)).sortie

    async def hold(self, sortie_id: SortieId, by: UserId, *, term: int | None = None) -> Commanded:
        """Stops."""
        return await self._ordered(CommandKind.HOLD, sortie_id, SortieState.HOLDING, by, term)

    async def resume(
        self, sortie_id: SortieId, by: UserId, *, term: int | None = None
    ) -> Commanded:
        """Goes on."""
        return await self._ordered(CommandKind.RESUME, sortie_id, SortieState.UNDERWAY, by, term)

    async def return_home(
        self, sortie_id: SortieId, by: UserId, *, retasked: bool = False, term: int | None = None
    ) -> Commanded:
        """Comes home."""
        code = "retasked" if retasked else ""
        state = SortieState.RETURNING
        return await self._ordered(CommandKind.RETURN, sortie_id, state, by, term, code)

    async def guide(
        self, sortie_id: SortieId, task: Task, by: UserId, *, term: int | None = None
    ) -> Commanded:
        """Does it at once, proves nothing, and goes nowhere."""
        kind = needs(task)
        check_task(task)
        moves = kind in (Capability.FLY_TO, Capability.ORBIT)
        sortie = self._sortie(sortie_id)
        state = SortieState.HOLDING if moves else sortie.state
        return await self._asked(kind, described(task, kind), sortie, state, by, term)

    async def follow(
        self,
        sortie_id: SortieId,
        target: AssetId,
        by: UserId,
        *,
        up_m: float,
        distance_m: float,
        term: int | None = None,
    ) -> Commanded:
        """Says that it follows."""
        self._asset(target)
        sortie = self._sortie(sortie_id)
        words = f"following {target} at {up_m:g} m"
        return await self._asked(Capability.FOLLOW, words, sortie, SortieState.HOLDING, by, term)

    async def _asked(
        self,
        kind: Capability,
        words: str,
        sortie: Sortie,
        state: SortieState,
        by: UserId,
        term: int | None,
    ) -> Commanded:
        asset = self._asset(sortie.plan.asset_id)
        command = self._command(
            CommandKind(kind.value),
            by,
            asset.asset_id,
            sortie.sortie_id,
            CommandDetails(task=words),
        )

        def obeyed() -> Sortie:
            self._fail()
            if kind not in capabilities_of(asset):
                raise CapabilityMissing(
                    f"it can't be asked to {kind}", where=asset.asset_id, cure="ask another asset"
                )
            return sortie if state is sortie.state else self._moved(sortie, state, by)

        return await self._done(command, term, obeyed)

    async def clear_sky(self, by: UserId, how: str, reason: str) -> Cleared:
        """Holds or brings home every drone under way; all obey at once, or none answers."""
        command = await self._control.clear_sky(by, how, reason)
        flying = [
            (sortie, asset)
            for asset in self._missions.assets()
            if asset.kind is AssetKind.DRONE
            for sortie in self._missions.sorties(asset_id=asset.asset_id)
            if sortie.state not in _ENDED
        ]
        found = []
        for sortie, asset in flying:
            answer, words = SkyAnswer.CONFIRMED, ""
            state = SortieState.HOLDING if how == "hold" else SortieState.RETURNING
            if self.failure is FleetFailure.UNREACHABLE:
                answer, words = SkyAnswer.SILENT, "no autopilot answered"
            elif sortie.state not in (SortieState.RETURNING, state):
                self._moved(replace(sortie, reason_code="sky_cleared"), state, by)
            found.append(Confirmation(asset.asset_id, sortie.sortie_id, answer, words))
        await self._control.answer(command, Answer(Outcome.DONE))
        return Cleared(command.at, how, command.reason, tuple(found))

    def status(self, asset_id: AssetId) -> AssetStatus | None:
        """Returns what was put into `statuses`."""
        return self.statuses.get(asset_id)

    def heard(self, sample: TelemetrySample) -> None:
        """Keeps the newest of an asset in `statuses`."""
        self.statuses[sample.asset_id] = AssetStatus(sample, self._clock.now())

    def footprint(self, asset_id: AssetId) -> tuple[tuple[float, float], ...] | None:
        """Returns what was put into `footprints`."""
        return self.footprints.get(asset_id)

    def sortie_of(self, asset_id: AssetId) -> SortieId | None:
        """Returns the sortie of the asset that has not ended."""
        running = (s for s in self._missions.sorties(asset_id=asset_id) if s.state not in _ENDED)
        return next((sortie.sortie_id for sortie in running), None)

    async def _ordered(
        self,
        kind: CommandKind,
        sortie_id: SortieId,
        state: SortieState,
        by: UserId,
        term: int | None,
        reason_code: str = "",
    ) -> Commanded:
        asset_id = self._sortie(sortie_id).plan.asset_id
        command = self._command(
            kind, by, asset_id, sortie_id, CommandDetails(reason_code=reason_code)
        )

        def obeyed() -> Sortie:
            self._fail()
            return self._moved(replace(self._sortie(sortie_id), reason_code=reason_code), state, by)

        return await self._done(command, term, obeyed)

    def _command(
        self,
        kind: CommandKind,
        by: UserId,
        asset_id: AssetId,
        sortie_id: SortieId,
        details: CommandDetails,
    ) -> CommandRecord:
        return self._control.new_command(
            kind, by, asset_id=asset_id, sortie_id=sortie_id, details=details
        )

    async def _done(
        self, command: CommandRecord, term: int | None, what: Callable[[], Sortie]
    ) -> Commanded:
        """Does what was commanded, written down before and after."""
        sent = await self._control.send(await self._control.admit(command, term))
        try:
            sortie = what()
        except QyranError as error:
            await self._control.answer(sent, refusal(error))
            raise
        answer = Answer(Outcome.DONE)
        await self._control.answer(sent, answer)
        return Commanded(sortie, answer)

    def _sortie(self, sortie_id: SortieId) -> Sortie:
        found = self._missions.sorties(sortie_id=sortie_id)
        if not found:
            raise NotFound("there is no such sortie", where=sortie_id, cure="name one of /sorties")
        return found[-1]

    def _moved(self, sortie: Sortie, state: SortieState, by: UserId) -> Sortie:
        now = self._clock.now()
        with self._lock:
            moved = replace(
                sortie,
                state=SORTIE_MOVES.move(sortie.state, state),
                started_at=sortie.started_at or now,
                events=(*sortie.events, SortieEvent(now, state, str(state), by)),
                version=sortie.version + 1,
            )
            self._missions.save_sortie(moved)
        return moved

    def _fail(self) -> None:
        if self.failure is FleetFailure.UNREACHABLE:
            raise VehicleUnreachable("no autopilot answered", cure="see that it is switched on")
        if self.failure is FleetFailure.WILL_NOT_ARM:
            raise ArmingDenied("the vehicle says: compass not calibrated", cure="calibrate it")

    def _asset(self, asset_id: AssetId) -> Asset:
        for asset in self._missions.assets():
            if asset.asset_id == asset_id:
                return asset
        raise NotFound("there is no such asset", where=asset_id, cure="name one of /assets")

    def _patrol(self, patrol_id: PatrolId) -> Patrol:
        for patrol in self._missions.patrols():
            if patrol.patrol_id == patrol_id:
                return patrol
        raise NotFound("there is no such patrol", where=patrol_id, cure="name one of /patrols")
