"""What missions need from outside: a vehicle's mission, fence, arming and parameters; a store."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import date, datetime, tzinfo
from typing import Protocol

from core.ids import AssetId, PatrolId, SortieId
from geo.zones import Zone
from missions.model import Asset, Patrol, Progress, Sortie
from missions.permissions import Permission
from missions.proving.proof import ProvenPlan
from missions.routing import Effort, RoutingProblem, RoutingSolution
from missions.schedules import Firing, FiringState, Schedule, ScheduleId, SunEvent
from missions.weather import Weather


class Pilot(Protocol):
    """Commands one vehicle through a mission. Proof is the vehicle's state, never an ACK."""

    async def upload(self, proven: ProvenPlan, fences: Sequence[Zone] | None = None) -> None:
        """Sends a plan as one, reads all of it back and compares; a repetition replaces it.

        It takes a proven plan alone, so that nothing else can reach a vehicle. What the proof of
        returns counts on is sent and compared too, where the vehicle returns by itself: the
        plan's rally points, none of an earlier plan, and `missions.proving.return_settings`.
        On failure the vehicle holds what it held before, or nothing: the message says which.

        Args:
            proven: what is to be flown.
            fences: what the vehicle is to guard itself, as for `FenceLink`; `None` leaves its
                fence as it is.

        Raises:
            VehicleUnreachable: if nothing answers.
            UploadMismatch: if what was read back differs; the vehicle must not be started.
            PartialUpload: if it may hold parts of two plans now.
            PlanUnreadable: if an altitude counts from a datum that can't be carried.
        """
        ...

    async def start(self, first: int = 0) -> None:
        """Starts the uploaded mission and returns once the vehicle's own mode shows it.

        Args:
            first: the item of the plan to begin with, of a vehicle that is in the air already;
                0 is the beginning. A car drives its whole route.

        Raises:
            StartRefused: if the mode does not come; the message holds the vehicle's words.
            PlanDrifted: if the vehicle no longer holds what was uploaded.
            LinkLost: if the vehicle falls silent.
        """
        ...

    async def hold(self) -> None:
        """Stops where it is and returns once the mode shows it; a second call does nothing.

        Raises:
            StartRefused: if the mode does not come.
            LinkLost: if the vehicle falls silent.
        """
        ...

    async def resume(self) -> None:
        """Goes on with the mission after a hold.

        Raises:
            StartRefused: if the mode does not come.
            PlanDrifted: if the vehicle no longer holds what was uploaded.
            LinkLost: if the vehicle falls silent.
        """
        ...

    async def return_to_launch(self) -> None:
        """Ends the mission and comes home.

        Raises:
            StartRefused: if the mode does not come.
            LinkLost: if the vehicle falls silent.
        """
        ...

    async def land(self) -> None:
        """Ends the mission and comes down where it is; a second call does nothing.

        Whether it may land there is not looked at: it is for those who have proven nothing
        better. A car stops at the next safe place, which ends its patrol.

        Raises:
            StartRefused: if the mode does not come.
            LinkLost: if the vehicle falls silent.
        """
        ...

    def progress(self) -> AsyncIterator[Progress]:
        """Yields progress whenever it changes and ends after one with `ended`.

        An item reported twice is one; an item whose report was lost is made up for by the
        next.

        Raises:
            LinkLost: if the vehicle falls silent for longer than the link allows.
        """
        ...


class FenceLink(Protocol):
    """The fence that the vehicle itself guards."""

    async def upload_fences(self, fences: Sequence[Zone]) -> None:
        """Replaces the vehicle's fence by these zones, reads it back and compares.

        An empty sequence clears it. Ceilings and times can't be carried; the caller guards
        them.

        Raises:
            UploadMismatch: if what the vehicle holds differs, or it says that it ignores it.
            VehicleUnreachable: if nothing answers.
        """
        ...


class Arming(Protocol):
    """Readies a vehicle's motors."""

    async def arm(self) -> None:
        """Waits until the vehicle is ready and arms it; returns once its state shows it.

        Raises:
            ArmingDenied: if it is not armed in time; the message holds the vehicle's words.
            LinkLost: if the vehicle falls silent.
        """
        ...

    async def disarm(self) -> None:
        """Disarms on the ground; a disarmed vehicle stays so.

        Raises:
            ArmingDenied: if the vehicle refuses (in flight).
        """
        ...


class Parameters(Protocol):
    """Named settings of an autopilot."""

    async def read(self, name: str) -> float:
        """Returns the value.

        Raises:
            NotFound: if the autopilot has no such parameter.
            LinkLost: if it does not answer.
        """
        ...

    async def write(self, name: str, value: float) -> None:
        """Writes, reads back and compares.

        Raises:
            NotFound: if the autopilot has no such parameter.
            UploadMismatch: if it keeps another value.
            LinkLost: if it does not answer.
        """
        ...


class Armable(Arming, Parameters, Protocol):
    """An aircraft that can be armed, and whose settings can be read before: never one alone."""


class MissionStore(Protocol):
    """Keeps assets, patrols and sorties."""

    def save_asset(self, asset: Asset) -> None:
        """Keeps an asset; one of the same id is replaced."""
        ...

    def assets(self) -> Sequence[Asset]:
        """Returns all assets in order of their id."""
        ...

    def save_patrol(self, patrol: Patrol) -> None:
        """Keeps a patrol; one of the same id is replaced."""
        ...

    def patrols(self) -> Sequence[Patrol]:
        """Returns all patrols in order of their id."""
        ...

    def save_sortie(self, sortie: Sortie) -> None:
        """Keeps the newest state of a sortie; a version that is not newer is dropped."""
        ...

    def sorties(
        self,
        *,
        sortie_id: SortieId | None = None,
        asset_id: AssetId | None = None,
        patrol_id: PatrolId | None = None,
    ) -> Sequence[Sortie]:
        """Returns sorties that fit every filter given, newest id last; maybe none."""
        ...


class PermissionStore(Protocol):
    """Keeps airspace permissions, which are never deleted: one that ends early is revoked."""

    def save(self, permission: Permission) -> None:
        """Keeps a permission; one of the same issuer and number is replaced."""
        ...

    def permissions(self) -> Sequence[Permission]:
        """Returns all of them in order of issuer and number, also those that have ended."""
        ...


class DayCalendar(Protocol):
    """Knows public holidays and the sun; the same question always gets the same answer."""

    def holiday(self, country: str, subdivision: str, day: date) -> str:
        """Returns the name of the public holiday, empty where it is none.

        Raises:
            ScheduleInvalid: if the country or its region is unknown.
        """
        ...

    def is_workday(self, country: str, subdivision: str, day: date) -> bool:
        """Returns whether people work on a day: neither weekend nor holiday; raises likewise."""
        ...

    def sun(
        self, lat_deg: float, lon_deg: float, event: SunEvent, day: date, zone: tzinfo
    ) -> datetime | None:
        """Returns the instant (UTC) of an event on a day of the zone's calendar.

        `None` where there is none, as in a polar night.
        """
        ...

    def is_daylight(self, lat_deg: float, lon_deg: float, at: datetime) -> bool:
        """Returns whether the sun is up at an instant."""
        ...


class ScheduleStore(Protocol):
    """Keeps schedules with all their versions, and what became of each occurrence.

    Several processes may work on one store; each method is one transaction.
    """

    def add(self, schedule: Schedule) -> None:
        """Keeps a new schedule.

        Raises:
            VersionConflict: if one of that id is there already.
        """
        ...

    def replace(self, schedule: Schedule, expected_version: int) -> None:
        """Keeps the next version; the old one stays in the history.

        Raises:
            NotFound: if there is no such schedule.
            VersionConflict: if the newest version is not `expected_version`.
        """
        ...

    def get(self, schedule_id: ScheduleId) -> Schedule:
        """Returns the newest version.

        Raises:
            NotFound: if there is none.
        """
        ...

    def schedules(self) -> Sequence[Schedule]:
        """Returns the newest version of each, in order of their id."""
        ...

    def versions(self, schedule_id: ScheduleId) -> Sequence[Schedule]:
        """Returns every version, oldest first; maybe none."""
        ...

    def looked_until(self, schedule_id: ScheduleId) -> datetime | None:
        """Returns the instant before which every occurrence has been enrolled."""
        ...

    def enrol(
        self, schedule_id: ScheduleId, firings: Sequence[Firing], looked_until: datetime
    ) -> None:
        """Keeps what has come due and moves `looked_until` on, together.

        A firing whose schedule and start are there already stays as it is; `looked_until`
        never moves back.

        Raises:
            NotFound: if there is no such schedule.
        """
        ...

    def claim(
        self, schedule_id: ScheduleId, start: datetime, *, by: str, now: datetime, lease_s: float
    ) -> Firing | None:
        """Takes a firing for one process; of several that ask at once exactly one gets it.

        `None` where there is none, another's lease still holds, or it is at its end.
        """
        ...

    def record(self, firing: Firing) -> bool:
        """Keeps the next version of a firing; `False` where somebody else has moved it on."""
        ...

    def firings(
        self,
        *,
        schedule_id: ScheduleId | None = None,
        states: Collection[FiringState] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[Firing]:
        """Returns firings that fit every filter, `since <= start < until`, in order of start."""
        ...


class WeatherSource(Protocol):
    """Says what the air does."""

    async def weather_at(self, lat_deg: float, lon_deg: float, at: datetime) -> Weather | None:
        """Returns the newest observation or forecast for a place and an instant.

        `None` where there is none or the source does not answer: silence is never fine weather.
        """
        ...


class FleetOptimiser(Protocol):
    """Finds routes for a fleet; the same problem, seed and iterations give the same routes."""

    def solve(self, problem: RoutingProblem, effort: Effort) -> RoutingSolution:
        """Returns the best routes found within the effort; it never raises for a hard problem.

        Where whatever must be visited can't all be visited, as much of it as it could find is,
        and the solution says that it is not feasible. No vehicles or no stops give no routes.
        """
        ...
