"""Patrols, plans, sorties: what is meant, what is uploaded, what is flown."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.ids import AgencyId, AssetId, CameraId, MissionId, PatrolId, SortieId, UserId, ZoneId
from core.states import Transitions
from geo.camera import CameraModel
from geo.positions import Altitude, Position
from geo.zones import Zone
from missions.energy import EnergyModel
from missions.guided import Guided


class AssetKind(StrEnum):
    """What patrols."""

    DRONE = "drone"
    VEHICLE = "vehicle"


class Autopilot(StrEnum):
    """Whose rules a plan must please, and how its fence is carried."""

    PX4 = "px4"
    ARDUPILOT = "ardupilot"


@dataclass(frozen=True, slots=True)
class CameraMount:
    """A camera on an asset: its lens, how it is held, how well it is aligned."""

    camera_id: CameraId
    model: CameraModel
    pitch_deg: float
    """Wanted depression as a pitch, negative down; a drone's gimbal holds it to the horizon."""
    yaw_offset_deg: float = 0.0
    """Clockwise from the vehicle's nose."""
    height_m: float = 0.0
    """Of the lens above the ground for a car, above the position sensor for a drone."""
    yaw_sigma_deg: float = 2.0
    pitch_sigma_deg: float = 1.0
    roll_sigma_deg: float = 1.0
    time_sigma_s: float = 0.1
    """Of the time stamps that join its pictures with the vehicle's telemetry."""


@dataclass(frozen=True, slots=True)
class Asset:
    """Something that patrols."""

    asset_id: AssetId
    name: str
    kind: AssetKind
    camera: CameraMount | None
    cruise_m_s: float
    home: Position
    endurance_s: float = 1_500.0
    """Time it can be under way, reserve not counted."""
    turn_radius_m: float = 5.0
    acceptance_radius_m: float = 2.0
    """How near a waypoint counts as reached."""
    agency: AgencyId | None = None
    address: str = ""
    """Where its autopilot or receiver is found, such as `udpin://127.0.0.1:14540`."""
    passive: bool = False
    """Never tasked, but what it has seen counts (an ambulance)."""
    video: str = ""
    """Where its camera's stream is found, such as `rtsp://10.0.0.5/main`."""
    autopilot: Autopilot = Autopilot.PX4
    climb_m_s: float = 2.5
    sink_m_s: float = 1.5
    energy: EnergyModel | None = None
    """`None`: only `endurance_s` limits it."""
    link_range_m: float | None = None
    """How far from home it is still heard; `None` means that nobody said."""
    wind_most_m_s: float = 10.0
    """Greatest mean wind in which it may fly."""
    coldest_c: float = -10.0
    """Lowest air temperature in which it may fly, degrees Celsius."""
    attested: bool = False
    """It can't be commanded: its pilot flies it by hand and says what it does."""


class ItemKind(StrEnum):
    """What a mission item asks; MAVLink numbers live in the adapters."""

    TAKEOFF = "takeoff"
    WAYPOINT = "waypoint"
    LOITER = "loiter"
    RETURN = "return"
    LAND = "land"


@dataclass(frozen=True, slots=True)
class MissionItem:
    """One ordered step. Numbered from 0 in a mission, whatever the autopilot counts."""

    kind: ItemKind
    position: Position | None = None
    """Altitude above home for drones; `None` for a return."""
    speed_m_s: float | None = None
    """To be kept from here on; `None` leaves it."""
    hold_s: float = 0.0
    camera_pitch_deg: float | None = None
    """Wanted gimbal pitch from here on; `None` leaves it."""
    loiter_radius_m: float | None = None
    """Of the circle flown while loitering; `None` or 0 hovers."""
    look_at: tuple[float, float] | None = None
    """Latitude and longitude that the camera keeps in view from here on; `None` leaves it."""
    trigger_m: float | None = None
    """A picture every so many metres from here on; 0 ends it, `None` leaves it."""
    acceptance_radius_m: float | None = None
    """A waypoint counts as reached this near; `None` leaves the asset's."""
    loiter_turns: float | None = None
    """Rounds of the circle, where the autopilot is to count those; `hold_s` is what they take."""


@dataclass(frozen=True, slots=True)
class Mission:
    """Ordered steps for one asset."""

    mission_id: MissionId
    items: tuple[MissionItem, ...]


@dataclass(frozen=True, slots=True)
class RallyPoint:
    """A safe place to return to."""

    position: Position


@dataclass(frozen=True, slots=True)
class Plan:
    """Mission, geofence and rally points, as uploaded."""

    mission: Mission
    asset_id: AssetId
    home: Position
    cruise_m_s: float
    fences: tuple[Zone, ...] = ()
    """The flight zones in force when it was planned."""
    rally: tuple[RallyPoint, ...] = ()
    return_altitude: Altitude | None = None
    """Above home, as the autopilot's return is set."""
    patrol_id: PatrolId | None = None
    expected_s: float = 0.0
    permission: str = ""
    """Number of the airspace permission that it is flown under; empty names none."""


class Severity(StrEnum):
    """How much a finding weighs; an error keeps the plan on the ground."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class ChangeKind(StrEnum):
    """What can be changed in a plan so that a finding goes away."""

    MOVE_ITEM = "move_item"
    """Move an item to `place`."""
    SET_HEIGHT = "set_height"
    """Give an item the height `metres` above home."""
    LOWER_ITEMS = "lower_items"
    """Bring an item, and those before and behind it without a break that are higher than
    `metres` above home, down to that; a landing is none of them."""
    RAISE_ITEMS = "raise_items"
    """The same upwards."""
    LEVEL_ITEMS = "level_items"
    """Fly every item at `metres` above home, landings aside."""
    SET_RETURN_HEIGHT = "set_return_height"
    """Give the return the height `metres` above home."""
    INSERT_ITEM = "insert_item"
    """Put a waypoint at `place` before an item, to go around something."""
    REMOVE_ITEM = "remove_item"
    ADD_TAKEOFF = "add_takeoff"
    ADD_RETURN = "add_return"
    MOVE_RALLY = "move_rally"
    """Move rally point number `item` to `place`."""
    REMOVE_RALLY = "remove_rally"
    SET_SPEED = "set_speed"
    """Fly at `metres` a second."""
    SET_LEG_SPEED = "set_leg_speed"
    """Fly to an item, and only there, at `metres` a second."""
    SET_DEPARTURE = "set_departure"
    """Start `seconds` later."""


@dataclass(frozen=True, slots=True)
class Change:
    """The smallest change of a plan that cures a finding."""

    kind: ChangeKind
    item: int | None = None
    place: tuple[float, float] | None = None
    """Latitude and longitude."""
    metres: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check."""

    severity: Severity
    code: str
    message: str
    place: tuple[float, float] | None = None
    """Latitude and longitude."""
    item: int | None = None
    """The mission item it is about."""
    cure: str = ""
    """The smallest change that cures it, in words; empty where no change of the plan does."""
    change: Change | None = None
    """The same as a value that can be applied."""
    autopilot_event: str = ""
    """What the autopilot itself would say: PX4's event name or ArduPilot's text."""
    about: str = ""
    """What it is about besides the item: a zone, a permission, a rally point, another sortie."""


class Pattern(StrEnum):
    """How a patrol covers what it watches."""

    AREA = "area"
    """Lanes over the watch zones."""
    CORRIDOR = "corridor"
    """Lanes along `route`, `width_m` wide."""
    PERIMETER = "perimeter"
    """Along the border of the watch zones."""
    ORBIT = "orbit"
    """A circle of `radius_m` about each of `places`, looking at it."""
    PLACES = "places"
    """From one of `places` to the next, looking at each for `stay_s`."""


@dataclass(frozen=True, slots=True)
class Patrol:
    """Standing intent: what should be watched, by which kind of asset."""

    patrol_id: PatrolId
    name: str
    zone_ids: tuple[ZoneId, ...]
    """Watch zones to be seen; empty means every active one."""
    asset_id: AssetId
    altitude: Altitude
    """Wanted height of a drone above home; without meaning for a car."""
    overlap_fraction: float = 0.2
    route: tuple[tuple[float, float], ...] = ()
    """For a car the line to drive, for a corridor its middle; latitude and longitude."""
    pattern: Pattern = Pattern.AREA
    places: tuple[tuple[float, float], ...] = ()
    """For an orbit or a look-list, latitude and longitude."""
    resolution_m_per_px: float | None = None
    """Wanted ground resolution; it then gives the height, and `altitude` is the highest allowed."""
    front_overlap_fraction: float = 0.7
    """Of pictures along a lane; `overlap_fraction` is between lanes."""
    width_m: float = 50.0
    radius_m: float = 30.0
    stay_s: float = 10.0
    terrain_following: bool = False
    """Keep the height above the ground rather than above home."""
    revisit_s: float | None = None
    """Longest time that a watched place should stay unseen; `None` has no target."""


class SortieState(StrEnum):
    """The life of a sortie."""

    PLANNED = "planned"
    """A proven plan exists."""
    AUTHORISED = "authorised"
    """A pilot has released it; parameters are frozen."""
    UNDERWAY = "underway"
    HOLDING = "holding"
    RETURNING = "returning"
    COMPLETED = "completed"
    """It ended as planned."""
    ABORTED = "aborted"
    """A person or a fail-safe ended it early; the asset is safe."""
    FAILED = "failed"
    """It could not go on, for the reason kept with it."""
    CANCELLED = "cancelled"
    """Ended before it began."""


_S = SortieState
SORTIE_MOVES = Transitions(
    "sortie",
    {
        _S.PLANNED: frozenset({_S.AUTHORISED, _S.CANCELLED}),
        _S.AUTHORISED: frozenset({_S.UNDERWAY, _S.PLANNED, _S.CANCELLED, _S.FAILED}),
        _S.UNDERWAY: frozenset({_S.HOLDING, _S.RETURNING, _S.COMPLETED, _S.ABORTED, _S.FAILED}),
        _S.HOLDING: frozenset({_S.UNDERWAY, _S.RETURNING, _S.ABORTED, _S.FAILED}),
        _S.RETURNING: frozenset({_S.COMPLETED, _S.ABORTED, _S.FAILED}),
    },
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a vehicle is."""

    reached: int
    """Items reached so far."""
    total: int
    ended: bool = False
    """The vehicle is down, disarmed or parked at its last item."""
    returning: bool = False
    message: str = ""
    """The vehicle's own words where it gave any."""
    by_hand: bool = False
    """Its mode shows that a person flies it by the sticks."""


@dataclass(frozen=True, slots=True)
class SortieEvent:
    """One line of a sortie's log."""

    at: datetime
    state: SortieState
    text: str
    by: UserId | None = None


@dataclass(frozen=True, slots=True)
class Sortie:
    """One asset executing one plan once."""

    sortie_id: SortieId
    plan: Plan
    state: SortieState = SortieState.PLANNED
    authorised_by: UserId | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason_code: str = ""
    """Stable code of why it ended other than as planned."""
    progress: Progress | None = None
    events: tuple[SortieEvent, ...] = field(default=())
    version: int = 1
    guided: Guided | None = None
    """What it does beside its mission by a person's order; its mission is on hold then."""
    by_hand: bool = False
    """A pilot has taken the sticks: nothing is ordered until somebody takes the vehicle back."""
    attested: bool = False
    """Its states are somebody's word, not the vehicle's; it is never proven flown."""
    proof: str = field(default="", compare=False, repr=False)
    """Seal of the proof that this very plan has no error; see `missions.proving.proof`."""
