"""What the station plans and proves before anything starts, against all that it knows now."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from api.services import PlanReport, RestReport
from core.errors import BadRequest, NotFound
from core.ids import AssetId, PatrolId, SortieId, UserId
from geo.ports import TerrainModel, ZoneStore
from geo.zones import Purpose, Zone
from missions.circumstances import Circumstances, OwnFlight
from missions.executor import authorise, new_sortie
from missions.fence_translation import FenceLoss, translate_fence
from missions.model import Asset, AssetKind, Patrol, Plan, Sortie
from missions.planning.planner import PatrolPlan, plan_with_reasons
from missions.planning.resumption import plan_rest, unseen_m2
from missions.ports import MissionStore
from missions.proving.checks import check_plan
from missions.proving.proof import refuse_errors
from station.circumstances import own_flight, with_permission
from station.kept_poses import kept_poses
from station.patrol_line import Station

_SOON = timedelta(hours=1)


class PreparedSorties:
    """Plans and proves sorties over the zones, permissions, weather and flights of now."""

    def __init__(
        self,
        station: Station,
        missions: MissionStore,
        zones: ZoneStore,
        circumstances: Callable[[Asset, datetime], Circumstances],
    ) -> None:
        """Takes what plans are made of; see `StationOperations`."""
        self._station, self._missions, self._zones = station, missions, zones
        self._circumstances = circumstances
        self._busy: dict[AssetId, SortieId] = {}
        self._coming: dict[SortieId, Plan] = {}
        """Plans that assets on a sortie are about to go on with."""

    def plan(self, patrol_id: PatrolId) -> PlanReport:
        """Plans a patrol over the zones in force now and checks the plan.

        Raises:
            NotFound: if there is no such patrol or asset.
        """
        patrol = self._patrol(patrol_id)
        asset = self._asset(patrol.asset_id)
        known = self._known(asset)
        return self._report(self._planned(patrol, asset, known), asset, known)

    def surroundings(self, asset: Asset, at: datetime) -> tuple[Circumstances, TerrainModel | None]:
        """Returns what a start of an asset at an instant is held against, zones apart.

        Sorties that are under way count for a start within the hour, as does weather.
        """
        known = self._known(asset)
        if not abs(at - self._station.clock.now()) < _SOON:
            known = replace(self._circumstances(asset, at), weather=None)
        return replace(known, departs_at=at), self._station.ground.terrain

    def rest(self, sortie_id: SortieId, others: Sequence[SortieId] = ()) -> RestReport:
        """Plans what a sortie's camera has not seen, over the zones in force now.

        Raises:
            NotFound: if there is no such sortie, or its patrol or asset is gone.
            BadRequest: if it is no drone's, or another one flew another patrol.
            PoseUnknown: if no pose of its camera was kept.
        """
        sortie = self._sortie(sortie_id)
        patrol = self._patrol(sortie.plan.patrol_id or PatrolId(""))
        asset = self._asset(sortie.plan.asset_id)
        flown = [sortie, *(self._sortie(other) for other in others)]
        poses = kept_poses(flown, asset, self._station.telemetry_log, self._station.clock.now())
        found = plan_rest(
            patrol,
            self._watched(patrol),
            [*self._zones.find(Purpose.FLIGHT)],
            asset,
            poses,
            terrain=self._station.ground.terrain,
        )
        report = None
        if found.plan is not None:
            known = self._known(asset)
            made = replace(found.plan, plan=with_permission(found.plan.plan, asset, known))
            report = self._report(made, asset, known)
        return RestReport(found, len(poses), unseen_m2(found), report)

    def _report(self, made: PatrolPlan, asset: Asset, known: Circumstances) -> PlanReport:
        terrain = self._station.ground.terrain
        losses: tuple[FenceLoss, ...] = ()
        if asset.kind is AssetKind.DRONE:
            begins = known.departs_at
            losses = translate_fence(made.plan, asset.autopilot, departs_at=begins).losses
        findings = check_plan(made.plan, asset, known, terrain=terrain)
        return PlanReport(made.plan, findings, made.left_out, losses)

    def _released(
        self,
        patrol: Patrol,
        asset: Asset,
        by: UserId,
        sortie_id: SortieId | None,
        rest_of: Sequence[SortieId],
    ) -> Sortie:
        """Plans, proves and authorises; what was checked before is checked again here."""
        known, terrain = self._known(asset), self._station.ground.terrain
        if rest_of:
            left = self.rest(rest_of[0], rest_of[1:]).report
            if left is None:
                raise BadRequest(
                    "nothing of that patrol is left to see", where=rest_of[0],
                    cure="start the patrol itself to fly all of it again",
                )  # fmt: skip
            plan = left.plan
        else:
            plan = self._planned(patrol, asset, known).plan
        sortie = new_sortie(plan, sortie_id)
        now = self._station.clock.now()
        return authorise(sortie, asset, by, now, known, terrain=terrain)

    def _check_once_more(self, sortie_id: SortieId) -> None:
        """Raises PlanUnsafe where what has changed since its proof forbids a sortie to start."""
        plan = self._sortie(sortie_id).plan
        asset, terrain = self._asset(plan.asset_id), self._station.ground.terrain
        known, zones = self._known(asset), tuple(self._zones.find(Purpose.FLIGHT))
        if not set(zones) <= set(plan.fences):
            known = replace(known, zones=zones)
        refuse_errors(check_plan(plan, asset, known, terrain=terrain), plan)

    def _known(self, asset: Asset) -> Circumstances:
        now = self._station.clock.now()
        known = self._circumstances(asset, now)
        if asset.kind is not AssetKind.DRONE:
            return known
        flying = [
            self._sortie(sortie_id)
            for other, sortie_id in tuple(self._busy.items())
            if other != asset.asset_id and self._asset(other).kind is AssetKind.DRONE
        ]
        coming = [
            OwnFlight(plan, now, untimed=True)
            for plan in tuple(self._coming.values())
            if plan.asset_id != asset.asset_id
        ]
        others = (*(own_flight(sortie, now) for sortie in flying), *coming)
        return replace(known, others=(*known.others, *others))

    def _planned(self, patrol: Patrol, asset: Asset, known: Circumstances) -> PatrolPlan:
        fences = [*self._zones.find(Purpose.FLIGHT)]
        terrain = self._station.ground.terrain
        made = plan_with_reasons(patrol, self._watched(patrol), fences, asset, terrain=terrain)
        return replace(made, plan=with_permission(made.plan, asset, known))

    def _watched(self, patrol: Patrol) -> Sequence[Zone]:
        zones = self._zones.find(Purpose.WATCH)
        return [z for z in zones if not patrol.zone_ids or z.zone_id in patrol.zone_ids]

    def _sortie(self, sortie_id: SortieId) -> Sortie:
        found = self._missions.sorties(sortie_id=sortie_id)
        if not found:
            raise NotFound("no such sortie", where=str(sortie_id))
        return found[-1]

    def _patrol(self, patrol_id: PatrolId) -> Patrol:
        found = [p for p in self._missions.patrols() if p.patrol_id == patrol_id]
        if not found:
            raise NotFound("no such patrol", where=str(patrol_id))
        return found[0]

    def _asset(self, asset_id: AssetId) -> Asset:
        found = [a for a in self._missions.assets() if a.asset_id == asset_id]
        if not found:
            raise NotFound("no such asset", where=str(asset_id))
        return found[0]
