"""A fleet that obeys at once and goes nowhere: for tests and for trying the API out."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from api.services import PlanReport, RestReport
from core.clock import Clock
from core.errors import (
    ArmingDenied,
    IllegalMove,
    NotFound,
    PlanUnsafe,
    PoseUnknown,
    VehicleUnreachable,
)
from core.ids import AssetId, MissionId, PatrolId, SortieId, UserId, fresh_id
from missions.model import (
    SORTIE_MOVES,
    Asset,
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
from telemetry.model import AssetStatus


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

    def __init__(self, missions: MissionStore, clock: Clock) -> None:
        """Commands the assets that `missions` holds."""
        self.failure = FleetFailure.NONE
        self.statuses: dict[AssetId, AssetStatus] = {}
        self.footprints: dict[AssetId, tuple[tuple[float, float], ...]] = {}
        self.rests: dict[SortieId, RestReport] = {}
        self._missions = missions
        self._clock = clock
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

    async def start(self, patrol_id: PatrolId, by: UserId) -> Sortie:
        """Starts a sortie, which is under way at once."""
        report = self.plan(patrol_id)
        if not report.safe:
            raise PlanUnsafe("the plan has errors", where=patrol_id, cure="see its findings")
        if self.sortie_of(report.plan.asset_id) is not None:
            raise IllegalMove(
                "the asset is on a sortie",
                where=report.plan.asset_id,
                cure="wait for its end or bring it home",
            )
        self._fail()
        sortie = Sortie(SortieId(fresh_id("sortie")), report.plan, authorised_by=by, version=0)
        for state in (SortieState.AUTHORISED, SortieState.UNDERWAY):
            sortie = self._moved(sortie, state, by)
        return sortie

    async def hold(self, sortie_id: SortieId, by: UserId) -> Sortie:
        """Stops."""
        return self._ordered(sortie_id, SortieState.HOLDING, by)

    async def resume(self, sortie_id: SortieId, by: UserId) -> Sortie:
        """Goes on."""
        return self._ordered(sortie_id, SortieState.UNDERWAY, by)

    async def return_home(
        self, sortie_id: SortieId, by: UserId, *, retasked: bool = False
    ) -> Sortie:
        """Comes home."""
        return self._ordered(sortie_id, SortieState.RETURNING, by, "retasked" if retasked else "")

    def status(self, asset_id: AssetId) -> AssetStatus | None:
        """Returns what was put into `statuses`."""
        return self.statuses.get(asset_id)

    def footprint(self, asset_id: AssetId) -> tuple[tuple[float, float], ...] | None:
        """Returns what was put into `footprints`."""
        return self.footprints.get(asset_id)

    def sortie_of(self, asset_id: AssetId) -> SortieId | None:
        """Returns the sortie of the asset that has not ended."""
        running = (s for s in self._missions.sorties(asset_id=asset_id) if s.state not in _ENDED)
        return next((sortie.sortie_id for sortie in running), None)

    def _ordered(
        self, sortie_id: SortieId, state: SortieState, by: UserId, reason_code: str = ""
    ) -> Sortie:
        found = self._missions.sorties(sortie_id=sortie_id)
        if not found:
            raise NotFound("there is no such sortie", where=sortie_id, cure="name one of /sorties")
        self._fail()
        return self._moved(replace(found[-1], reason_code=reason_code), state, by)

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
