"""Runs every check over one plan, and over its variants while cures are sought.

What plans of one home and one set of zones share is prepared once: the zones in metres, their
index, the ground.

Inclusions permit their union only within one source. Where both the plan's own fence and the
zones given beside it permit something, each source is a group of its own, and the flight must
keep inside both: else a file that draws a wide fence would permit itself.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from shapely.errors import GEOSException

from core.errors import QyranError
from geo.flight_room import FlightRoom, limits_flight
from geo.ground_grid import GroundGrid
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.zones import Zone, ZoneKind
from missions.circumstances import Circumstances
from missions.endurance import Endurance, endurance_of
from missions.model import Asset, AssetKind, Finding, Plan, Severity
from missions.proving.autopilot_rules import check_autopilot
from missions.proving.check_asset import check_asset
from missions.proving.check_corners import check_corners
from missions.proving.check_endurance import (
    check_asset_home,
    check_endurance,
    check_link,
    check_weather,
)
from missions.proving.check_height import check_ground, check_height
from missions.proving.check_order import check_order, check_steps
from missions.proving.check_permission import check_permission
from missions.proving.check_return import check_return
from missions.proving.check_windows import check_windows
from missions.proving.check_zones import FLIGHT_ZONE, check_fence, check_home, check_zones
from missions.proving.clearance import Calendar, Clearance
from missions.proving.deconfliction import check_others
from missions.proving.finding_list import FindingList, placed
from missions.proving.flight_path import FlightPath
from missions.proving.sheets import bounds_of

log = logging.getLogger(__name__)

_AROUND_M = 300.0
_SOURCES = ("the plan's own fence", "the flight zones given beside the plan")


class Prover:
    """Checks one plan and its variants: what does not change is prepared once."""

    def __init__(self, plan: Plan, asset: Asset, terrain: TerrainModel | None) -> None:
        """Takes a plan, whose home and zones its variants share."""
        self.asset, self._terrain = asset, terrain
        self._fences, self._home = plan.fences, plan.home
        self._given: tuple[Zone, ...] = ()
        self._rooms: tuple[FlightRoom, ...] = ()
        self._ground: GroundGrid | None = None
        self._clearances: dict[datetime | None, tuple[Clearance, ...]] = {}
        self._ways: list[tuple[Plan, Circumstances, Endurance, FlightPath]] = []

    def findings(
        self, plan: Plan, circumstances: Circumstances, start_s: float = 0.0, *, brief: bool = False
    ) -> tuple[Finding, ...]:
        """Returns all findings, without cures; it never raises.

        Args:
            plan: of the same home and zones.
            circumstances: against which.
            start_s: time since departure at which it begins, where it is a part of a plan.
            brief: whether only the faults matter, not where and how they are told.
        """
        try:
            found = self._findings(plan, circumstances, start_s, brief=brief)
            return found if brief else placed(found, plan)
        except (QyranError, GEOSException, ValueError, ArithmeticError) as error:
            log.exception("a plan could not be checked")
            message = f"the check failed: {error}"
            return (Finding(Severity.ERROR, "not_provable", message, cure="report this plan"),)

    def endurance(self, plan: Plan, circumstances: Circumstances) -> Endurance:
        """Returns what a plan takes."""
        return self.way(plan, circumstances)[0]

    def path(self, plan: Plan, circumstances: Circumstances, start_s: float = 0.0) -> FlightPath:
        """Returns the way of a drone's plan, which begins `start_s` after departure."""
        return self.way(plan, circumstances, start_s)[1]

    def path_of(self, plan: Plan, circumstances: Circumstances, start_s: float) -> FlightPath:
        """Returns the way of a variant that is looked at once: nothing of it is kept."""
        endurance = endurance_of(plan, self.asset, circumstances.weather)
        return self._path(plan, circumstances, endurance, start_s)

    @property
    def ground(self) -> GroundGrid | None:
        """The ground about the plan; `None` without terrain, and before a way was asked for."""
        return self._ground

    def way(
        self, plan: Plan, circumstances: Circumstances, start_s: float = 0.0
    ) -> tuple[Endurance, FlightPath]:
        """Returns what a plan takes and its way; the last few answers are kept."""
        for known, against, endurance, path in self._ways:
            # a start, permissions or zones change nothing of where it flies and how long
            same = against.weather == circumstances.weather
            if known is plan and same and against.margin_m == circumstances.margin_m:
                return endurance, path
        endurance = endurance_of(plan, self.asset, circumstances.weather)
        path = self._path(plan, circumstances, endurance, start_s)
        self._ways = [*self._ways[-3:], (plan, circumstances, endurance, path)]
        return endurance, path

    def _path(
        self, plan: Plan, circumstances: Circumstances, endurance: Endurance, start_s: float
    ) -> FlightPath:
        margin = circumstances.margin_m
        if self._terrain is None:
            return FlightPath(plan, self.asset, endurance, margin, start_s=start_s)
        if self._ground is None:
            first = FlightPath(plan, self.asset, endurance, margin)
            west, south, east, north = bounds_of(first.sheets)
            wide = (west - _AROUND_M, south - _AROUND_M, east + _AROUND_M, north + _AROUND_M)
            self._ground = GroundGrid.around(wide, first.frame, self._home, self._terrain)
        return FlightPath(plan, self.asset, endurance, margin, self._ground, start_s)

    def clearances(self, circumstances: Circumstances) -> tuple[Clearance, ...]:
        """Returns the zones, ready to be asked, for one departure: one group for each source.

        A flight must keep inside what each group permits. The exclusions of all sources are in
        the first one.
        """
        if not self._rooms or circumstances.zones != self._given:
            self._given, self._clearances = circumstances.zones, {}
            groups = _groups(self._fences, self._given)
            self._rooms = tuple(FlightRoom(group, self._home) for group in groups)
        key = circumstances.departs_at
        if key not in self._clearances:
            calendar = Calendar(key)
            self._clearances[key] = tuple(
                Clearance(room, calendar, self._ground) for room in self._rooms
            )
        return self._clearances[key]

    def _findings(
        self, plan: Plan, circumstances: Circumstances, start_s: float, *, brief: bool
    ) -> tuple[Finding, ...]:
        asset = self.asset
        frame = LocalFrame(self._home.lat_deg, self._home.lon_deg)
        found = FindingList(frame, asset.autopilot, brief=brief)
        found.take(check_asset(plan, asset))
        found.take(check_order(plan, asset))
        check_asset_home(plan, asset, found)
        endurance, path = self.way(plan, circumstances, start_s)
        if plan.mission.items:
            check_endurance(plan, asset, endurance, found)
        if asset.kind is not AssetKind.DRONE:
            return found.sorted()
        found.take(check_autopilot(plan, asset.autopilot))
        clearances = self.clearances(circumstances)
        check_steps(path, asset, found)
        check_fence(clearances, found, grounded=self._ground is None or self._ground.joined)
        names = (FLIGHT_ZONE,) if len(clearances) == 1 else _SOURCES
        for clearance, name in zip(clearances, names, strict=True):
            check_home(clearance, path, found, name)
            passages = clearance.passages(path.sheets)
            check_zones(clearance, path, passages, found, name)
            check_corners(clearance, path, passages, found)
            check_height(clearance, path, found)
            check_return(clearance, path, passages, found)
        check_ground(path, self._ground, found)
        departs_at = circumstances.departs_at
        check_permission(path, asset, circumstances.permissions, departs_at, found, self._ground)
        check_others(path, asset, departs_at, circumstances.others, found)
        check_link(path, asset, found)
        check_weather(asset, circumstances.weather, found)
        check_windows((*self._fences, *circumstances.zones), departs_at, found)
        return found.sorted()


def _groups(own: Sequence[Zone], given: Sequence[Zone]) -> tuple[tuple[Zone, ...], ...]:
    """Returns the zones as one group, or as two where both sources permit something."""
    if not (any(map(_permits, own)) and any(map(_permits, given))):
        return ((*own, *given),)
    closed = tuple(zone for zone in given if not _permits(zone))
    return (*own, *closed), tuple(zone for zone in given if _permits(zone))


def _permits(zone: Zone) -> bool:
    return zone.kind is ZoneKind.INCLUSION and limits_flight(zone)
