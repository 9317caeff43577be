"""Proves what an aircraft in the air is asked to do: the way there, the place, every return.

The way is put as a small plan whose first step is where the aircraft is. What the prover says of
that first step is left out: how it came there lies behind it. Everything behind it counts, the
returns from anywhere on it too. Of an aircraft that moves, the way to brake comes first.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from shapely import MultiPoint

from core.ids import MissionId, content_id
from geo.coverage import Place
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.positions import Altitude, Datum, Position
from geo.zones import Zone
from missions.airspace import Airspace
from missions.circumstances import Circumstances
from missions.dispatching.exits import InFlight, braked, later
from missions.endurance import air_of, share_of, spendable
from missions.guided import (
    Capability,
    FlyTo,
    Guided,
    Orbit,
    ProvenTask,
    Task,
    check_task,
    needs,
    orbit_speed_m_s,
    sealed,
)
from missions.model import (
    Finding,
    ItemKind,
    Mission,
    MissionItem,
    Plan,
    Severity,
)
from missions.proving.proof import refuse_errors
from missions.proving.prover import Prover

_REACH_M = 300.0
"""Zones farther than this from all that is flown, and no inclusions, are left out."""
_CHORDS = 24
"""An orbit is proven as so many straight lines."""
_STAY_S = 30.0
_STANDS_M = 0.5
_BEGUN = 0
"""Number of the step that lies behind the aircraft."""
_BY_BATTERY = frozenset({"endurance_exceeded", "endurance_tight", "return_endurance"})
"""The prover counts from a full battery on the ground; here the battery in the air counts."""
_LANDS = "column_excluded"
_RESERVE_FRACTION = 0.2


def prove_task(
    task: Task,
    flight: InFlight,
    plan: Plan,
    zones: Sequence[Zone],
    circumstances: Circumstances,
    *,
    terrain: TerrainModel | None = None,
    kind: Capability | None = None,
) -> ProvenTask:
    """Returns a task as one that the vehicle may be given now.

    Args:
        task: what is asked for.
        flight: the aircraft; where a task does not move it, its asset alone counts.
        plan: what it flies: its rally points and return height are in the vehicle.
        zones: all flight zones of now.
        circumstances: as for `check_plan`; `departs_at` is now.
        terrain: as for `check_plan`.
        kind: what was asked for where it is not the task itself (following somebody).

    Raises:
        BadRequest: if its values make no sense.
        PlanUnsafe: if a finding is an error; the message begins with its code.
    """
    check_task(task)
    asset, now = flight.asset, circumstances.departs_at
    if now is None:
        raise ValueError("a task is proven for now")
    kind = kind or needs(task)
    if not isinstance(task, FlyTo | Orbit):
        return sealed(task, kind, asset.asset_id, now)
    home = LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
    speed = task.speed_m_s or plan.cruise_m_s
    if isinstance(task, Orbit):
        speed = orbit_speed_m_s(task, plan.cruise_m_s)
    task = replace(task, speed_m_s=speed)  # what is proven is what the vehicle is told
    items, guided = _asked(task, kind, flight, plan, home, speed)
    _prove(items, flight, plan, zones, circumstances, terrain, stay_s=_STAY_S)
    return sealed(task, kind, asset.asset_id, now, guided)


def prove_resumption(
    reached: int,
    flight: InFlight,
    plan: Plan,
    zones: Sequence[Zone],
    circumstances: Circumstances,
    *,
    terrain: TerrainModel | None = None,
) -> None:
    """Does nothing where the mission may go on from where the aircraft is.

    Args:
        reached: how many of the plan's items are done.
        flight: the aircraft, off its mission's way.
        plan: its plan.
        zones: all flight zones of now.
        circumstances: as for `prove_task`.
        terrain: as for `check_plan`.

    Raises:
        PlanUnsafe: if a finding is an error; the message begins with its code.
    """
    rest = [item for item in plan.mission.items[reached:] if item.kind is not ItemKind.TAKEOFF]
    if all(item.position is None for item in rest):
        home = LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
        here = home.to_en1_m(flight.lat_deg, flight.lon_deg)
        rest = [_stay(plan, home, here, flight.up_m, plan.cruise_m_s), *rest]
    _prove(rest, flight, plan, zones, circumstances, terrain, stay_s=0.0)


def _asked(
    task: FlyTo | Orbit,
    kind: Capability,
    flight: InFlight,
    plan: Plan,
    home: LocalFrame,
    speed: float,
) -> tuple[list[MissionItem], Guided]:
    """Returns the steps of a task, and the way that it takes."""
    here = home.to_en1_m(flight.lat_deg, flight.lon_deg)
    goal = home.to_en1_m(task.lat_deg, task.lon_deg)
    begins = (flight.lat_deg, flight.lon_deg)
    ends = (task.lat_deg, task.lon_deg)
    if isinstance(task, FlyTo):
        return [_stay(plan, home, goal, task.up_m, speed)], Guided(kind, (begins, ends), task.up_m)
    places = list(_round(here, goal, task))
    items = [_stay(plan, home, places[0], task.up_m, speed)]
    items += [
        MissionItem(ItemKind.WAYPOINT, _at(home, place, task.up_m), speed_m_s=speed)
        for place in places[1:]
    ]
    return items, Guided(kind, (begins, ends), task.up_m, task.radius_m)


def _round(here: Place, middle: Place, task: Orbit) -> Iterator[Place]:
    """Yields the corners of a circle from where it is nearest, once around; none lies within."""
    east, north = here[0] - middle[0], here[1] - middle[1]
    angle = math.atan2(north, east) if math.hypot(east, north) > 0.01 else 0.0
    radius_m = task.radius_m / math.cos(math.pi / _CHORDS)
    turn = (-2.0 if task.clockwise else 2.0) * math.pi / _CHORDS
    for number in range(_CHORDS + 1):
        along = angle + number * turn
        yield middle[0] + radius_m * math.cos(along), middle[1] + radius_m * math.sin(along)


def _at(home: LocalFrame, place: Place, up_m: float) -> Position:
    return Position(*home.to_geo1_deg(*place), Altitude(up_m, Datum.HOME))


def _stay(plan: Plan, home: LocalFrame, place: Place, up_m: float, speed: float) -> MissionItem:
    return MissionItem(ItemKind.LOITER, _at(home, place, up_m), speed_m_s=speed, hold_s=_STAY_S)


def _prove(
    items: Sequence[MissionItem],
    flight: InFlight,
    plan: Plan,
    zones: Sequence[Zone],
    circumstances: Circumstances,
    terrain: TerrainModel | None,
    *,
    stay_s: float,
) -> None:
    """Raises PlanUnsafe for the first error of the steps behind where the aircraft is."""
    home = LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
    here = home.to_en1_m(flight.lat_deg, flight.lon_deg)
    (east, north), _ = braked(flight)
    steps = [MissionItem(ItemKind.TAKEOFF, _at(home, here, max(0.1, flight.up_m)))]
    if math.hypot(east, north) > _STANDS_M:
        stop = (here[0] + east, here[1] + north)
        speed = math.hypot(flight.east_m_s, flight.north_m_s)
        steps.append(_stay(plan, home, stop, flight.up_m, max(0.5, speed)))
    steps += [item for item in items if item.kind is not ItemKind.RETURN]
    if steps[-1].kind is not ItemKind.LAND:
        steps.append(MissionItem(ItemKind.RETURN))
    small = replace(
        plan,
        mission=Mission(MissionId(content_id("guided", repr(steps))), tuple(steps)),
        fences=_named(steps, flight, zones, circumstances, terrain),
    )
    prover = Prover(small, flight.asset, terrain)
    before_s = prover.path(small, circumstances).begins_s(_BEGUN + 1)
    now = circumstances.departs_at
    others = tuple(one for one in circumstances.others if one.plan.asset_id != plan.asset_id)
    begun = None if now is None else now - timedelta(seconds=before_s)
    against = replace(circumstances, departs_at=begun, others=others)
    found = tuple(one for one in prover.findings(small, against) if _counts(one))
    refuse_errors((*found, *_battery(steps, flight, plan, circumstances, stay_s)), small)


def _counts(finding: Finding) -> bool:
    if finding.severity is not Severity.ERROR or finding.code in _BY_BATTERY:
        return False
    return finding.item != _BEGUN or finding.code == _LANDS


def _named(
    steps: Sequence[MissionItem],
    flight: InFlight,
    zones: Sequence[Zone],
    circumstances: Circumstances,
    terrain: TerrainModel | None,
) -> tuple[Zone, ...]:
    """Returns the zones that matter: the inclusions, and what is near to anything flown."""
    now = circumstances.departs_at
    assert now is not None  # looked at by whoever calls
    space = Airspace(zones, flight.lat_deg, flight.lon_deg, now, later(now), terrain)
    home = flight.asset.home
    places = [(0.0, 0.0), space.frame.to_en1_m(home.lat_deg, home.lon_deg)]
    places += [
        space.frame.to_en1_m(item.position.lat_deg, item.position.lon_deg)
        for item in steps
        if item.position is not None
    ]
    near = set(space.near(MultiPoint(places).convex_hull, _REACH_M))
    return tuple(
        zone
        for number, zone in enumerate(space.zones)
        if number in near or bool(space.inclusion[number])
    )


def _battery(
    steps: Sequence[MissionItem],
    flight: InFlight,
    plan: Plan,
    circumstances: Circumstances,
    stay_s: float,
) -> Iterator[Finding]:
    """Yields that the battery does not hold the way there, a while there and the return."""
    asset, left = flight.asset, flight.battery_fraction
    if left is None:
        return
    home = LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
    spots = [
        (
            *home.to_en1_m(item.position.lat_deg, item.position.lon_deg),
            item.position.altitude.metres,
        )
        for item in steps
        if item.position is not None
    ]
    air = air_of(asset, circumstances.weather)
    back_up_m = plan.return_altitude.metres if plan.return_altitude is not None else spots[-1][2]
    cost = air.way(spots, plan.cruise_m_s) + air.hover(stay_s)
    cost = cost + air.home(spots[-1], back_up_m, plan.cruise_m_s)
    reserve = _RESERVE_FRACTION if asset.energy is None else asset.energy.reserve_fraction
    wanted = share_of(cost, spendable(asset, circumstances.weather)) * (1.0 - reserve) + reserve
    if wanted > left:
        text = f"it takes {wanted:.0%} of a battery with the reserve, {left:.0%} are left"
        cure = "bring it home, or ask for something nearer"
        yield Finding(Severity.ERROR, "return_endurance", text, cure=cure)
