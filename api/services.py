"""What the HTTP edge may use: one frozen object, made by `station.wiring`."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from api.accounts import AccountStore, Agency, PasswordHasher, ReceiptStore
from api.handoff_desk import HandoffDesk
from api.hosts import AllowedHosts
from api.live import LiveFeed
from api.setup import SetUp
from api.throttle import SignInThrottle
from core.clock import Clock
from core.ids import AssetId, CameraId, PatrolId, SortieId, UserId
from geo.ports import TerrainModel, ZoneStore
from incidents.ports import EvidenceVault, IncidentStore, Notifier
from missions.attestations import AttestationService
from missions.circumstances import Circumstances
from missions.control.desk import ControlDesk
from missions.control.ports import ControlStore
from missions.control.records import Answer
from missions.dispatching.judge import TravelTimes
from missions.driving.ports import TapStore
from missions.failsafes.report import FailsafeService
from missions.fence_translation import FenceLoss
from missions.guided import ApprovedText, Task
from missions.handoffs.ports import HandoffStore
from missions.model import Asset, Finding, Plan, Severity, Sortie
from missions.monitoring.monitored import Monitored
from missions.planning.patrol_room import LeftOut
from missions.planning.resumption import Rest
from missions.ports import DayCalendar, MissionStore, PermissionStore, ScheduleStore
from missions.weather import Weather
from telemetry.model import AssetStatus
from telemetry.ports import TelemetryLog
from telemetry.posted import Postbox


@dataclass(frozen=True, slots=True)
class PlanReport:
    """A plan and what its checks found."""

    plan: Plan
    findings: tuple[Finding, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    """What of the patrol is not done, and why; places are latitude and longitude."""
    fence_losses: tuple[FenceLoss, ...] = ()
    """What the autopilot's own fence can't carry, so that the live monitor guards it."""

    @property
    def safe(self) -> bool:
        """Whether the plan may reach a vehicle: no finding is an error."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


@dataclass(frozen=True, slots=True)
class RestReport:
    """What an interrupted sortie has left to see, its plan, and what the checks found."""

    rest: Rest
    poses: int
    """Of the camera, by which it was told."""
    unseen_m2: float
    report: PlanReport | None
    """`None` where nothing is left."""


@dataclass(frozen=True, slots=True)
class Commanded:
    """A sortie after an order, and what its vehicle answered."""

    sortie: Sortie
    answer: Answer | None
    """`None` where it has not answered yet."""


class SkyAnswer(StrEnum):
    """What a vehicle answered when the sky was cleared."""

    CONFIRMED = "confirmed"
    """Its own mode shows it, or it is on its way to the ground, or there."""
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What one vehicle answered when the sky was cleared."""

    asset_id: AssetId
    sortie_id: SortieId
    answer: SkyAnswer
    words: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """The sky has been cleared, with what each vehicle answered."""

    at: datetime
    how: str
    reason: str
    assets: tuple[Confirmation, ...]


class Operations(Protocol):
    """Plans and commands the fleet. Methods that aren't async may block for a while."""

    def plan(self, patrol_id: PatrolId) -> PlanReport:
        """Plans a patrol with the zones of now; nothing is sent anywhere.

        Raises:
            NotFound: if there is no such patrol, asset or zone.
            ZoneInvalid: if a zone can't be planned with.
        """
        ...

    def surroundings(self, asset: Asset, at: datetime) -> tuple[Circumstances, TerrainModel | None]:
        """Returns what a start of an asset at an instant is held against, zones apart."""
        ...

    def rest(self, sortie_id: SortieId, others: Sequence[SortieId] = ()) -> RestReport:
        """Plans what a sortie's camera has not seen, with the zones of now; sends nothing.

        Args:
            sortie_id: of a patrol.
            others: sorties of the same patrol whose pictures count too.

        Raises:
            NotFound: if there is no such sortie, or its patrol or asset is gone.
            BadRequest: if it is no drone's, or another one flew another patrol.
            PoseUnknown: if no pose of its camera was kept.
        """
        ...

    async def start(
        self,
        patrol_id: PatrolId,
        by: UserId,
        *,
        term: int | None = None,
        rest_of: Sequence[SortieId] = (),
    ) -> Sortie:
        """Plans anew, authorises and starts; returns once the sortie is under way in our books.

        With `rest_of`, only what those sorties' cameras have left of the patrol.

        What fails later is told by the sortie's own state.

        Raises:
            NotFound: if there is no such patrol or asset.
            PlanUnsafe: if the plan has an error-level finding.
            IllegalMove: if the asset is on a sortie already.
            LeaseHeld: if somebody else commands it.
            LeaseStale: if `term` is not in force.
            SkyCleared: if the sky is cleared.
            BadRequest: if nothing is left, or as `rest`.
            PoseUnknown: as `rest`.
        """
        ...

    async def hold(self, sortie_id: SortieId, by: UserId, *, term: int | None = None) -> Commanded:
        """Stops the asset where it is, and waits a while for its answer.

        Args:
            sortie_id: under way.
            by: who orders it; takes the asset's lease where nobody holds it.
            term: of the lease that they believe to hold.

        Raises:
            NotFound: if there is no such sortie.
            IllegalMove: if the sortie is not under way.
            SortieFailed: if the vehicle does not obey.
            LeaseHeld: if somebody else commands the asset.
            LeaseStale: if `term` is not in force.
        """
        ...

    async def resume(
        self, sortie_id: SortieId, by: UserId, *, term: int | None = None
    ) -> Commanded:
        """Goes on after a hold; raises as `hold`, and SkyCleared where the sky is cleared."""
        ...

    async def return_home(
        self, sortie_id: SortieId, by: UserId, *, retasked: bool = False, term: int | None = None
    ) -> Commanded:
        """Ends the patrol and comes home; raises as `hold`.

        Args:
            sortie_id: under way.
            by: who orders it.
            retasked: it is wanted for something more urgent.
            term: as for `hold`.
        """
        ...

    async def guide(
        self, sortie_id: SortieId, task: Task, by: UserId, *, term: int | None = None
    ) -> Commanded:
        """Has the asset do something beside its mission, once that is proven from where it is.

        Args:
            sortie_id: under way.
            task: what is asked for.
            by: who asks; takes the asset's lease where nobody holds it.
            term: as for `hold`.

        Raises as `hold`, and:
            BadRequest: if its values make no sense.
            PlanUnsafe: if it can't be proven; the message begins with the finding's code.
            CapabilityMissing: if the asset can't.
            PoseUnknown: if it is not known where the asset is.
            FlownByHand: if a pilot flies it by its sticks.
            SkyCleared: if it would go somewhere although the sky is cleared.
        """
        ...

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
        """Has the asset follow another one, step by proven step; raises as `guide`.

        Args:
            sortie_id: under way.
            target: the asset that is followed.
            by: who asks.
            up_m: height above the follower's home.
            distance_m: kept from the target.
            term: as for `hold`.
        """
        ...

    async def clear_sky(self, by: UserId, how: str, reason: str) -> Cleared:
        """Holds or brings home everything in the air, and lets nothing start until it is lifted.

        It asks for no lease. Each vehicle is ordered at once and answers for itself.

        Args:
            by: who orders it.
            how: `hold` or `return`; what returns already goes on returning.
            reason: in words.

        Raises:
            BadRequest: if the reason says nothing.
        """
        ...

    def status(self, asset_id: AssetId) -> AssetStatus | None:
        """Returns the newest that is known of an asset, or `None`."""
        ...

    def footprint(self, asset_id: AssetId) -> tuple[tuple[float, float], ...] | None:
        """Returns the border of the ground that its camera sees, as (lat, lon), or `None`."""
        ...

    def sortie_of(self, asset_id: AssetId) -> SortieId | None:
        """Returns the sortie that the asset is on, or `None`."""
        ...


@dataclass(frozen=True, slots=True)
class CameraPlace:
    """Where a camera elsewhere looks, for observations that give no place of their own."""

    lat_deg: float
    lon_deg: float
    radius_m: float
    """CE90 of what it sees."""


PictureCheck: TypeAlias = Callable[[bytes], tuple[int, int]]
"""Decodes a whole JPEG or PNG and returns (width, height) in pixels.

Raises SourceUnreadable where it can't. It is called after the size in the picture's head was
found sane, so it is not led into a bomb.
"""


@dataclass(frozen=True, slots=True)
class Versions:
    """What `GET /health` tells."""

    version: str
    schema_version: str
    detector_model: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How much, and how long."""

    session: timedelta = timedelta(hours=12)
    body_bytes: int = 20_000_000
    """Largest body of a request that may carry a picture."""
    json_bytes: int = 1_000_000
    """Largest body of any other."""
    picture_px: int = 100_000_000
    """Largest picture, width times height."""
    zone_corners: int = 10_000
    zone_review: bool = False
    """Whether a zone must be reviewed by a second planner before it holds."""
    schedule_review: bool = False
    """Whether a schedule must be approved by another planner than its author."""
    observation_age: timedelta | None = timedelta(days=30)
    """Oldest observation from elsewhere that is taken in; `None` takes any."""
    followers: int = 256
    """Most live streams at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that a route may reach."""

    zones: ZoneStore
    missions: MissionStore
    permissions: PermissionStore
    schedules: ScheduleStore
    days: DayCalendar
    telemetry_log: TelemetryLog
    incidents: IncidentStore
    vault: EvidenceVault
    notifier: Notifier
    """Told of every change of an incident; it must pass it on to `live` too."""
    accounts: AccountStore
    receipts: ReceiptStore
    passwords: PasswordHasher
    picture_check: PictureCheck
    clock: Clock
    live: LiveFeed
    setup: SetUp
    throttle: SignInThrottle
    operations: Operations
    control: ControlDesk
    """Leases, records of commands, and whether the sky is cleared."""
    commands: ControlStore
    """The chain of commands, to be read."""
    taps: TapStore
    """What drivers have pressed."""
    postbox: Postbox
    """Takes in positions of phones."""
    agencies: tuple[Agency, ...]
    city: Callable[[], Mapping[str, Any]]
    """Returns the city's GeoJSON FeatureCollection."""
    page_folder: Path | None
    """The built web page, or `None` where it was not built."""
    versions: Versions
    demo: bool = False
    hosts: AllowedHosts = field(default_factory=AllowedHosts)
    """Names by which the station may be called."""
    cameras: Mapping[CameraId, CameraPlace] = field(default_factory=dict)
    roads: Callable[[float, float], TravelTimes | None] = lambda lat_deg, lon_deg: None
    """Ways by road to a place of latitude and longitude; `None` where there are no roads."""
    street: Callable[[AssetId], str] = lambda asset_id: ""
    """Name of the street that a car is on, empty where that is not known well; it may block."""
    weather: Callable[[float, float, datetime], Weather | None] = lambda lat_deg, lon_deg, at: None
    """Weather at a place of latitude and longitude, if it is of that instant; it may block."""
    handoffs: HandoffDesk | None = None
    """Hands events off; `None` where the station does not."""
    handoff_store: HandoffStore
    """Hand-offs and SOS buttons, to be read."""
    concerns: Callable[[], Sequence[Monitored]] = tuple
    """Returns every flight that is monitored, with what is wrong with it."""
    attestations: AttestationService | None = None
    """Takes the word of pilots whose aircraft can't be commanded; `None` where there are none."""
    failsafes: FailsafeService | None = None
    """Reads and corrects settings of aircraft; `None` where no vehicle can be opened."""
    texts: tuple[ApprovedText, ...] = ()
    """What may be said over a loudspeaker."""
    limits: Limits = Limits()
    cursor_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    """Signs the cursors of lists; a new one ends those that are out."""
