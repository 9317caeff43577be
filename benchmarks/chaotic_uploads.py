"""Uploads random plans over a bad link to vehicles that lie, and looks into the vehicles.

    python -m benchmarks.chaotic_uploads --uploads 1000 --seed 1
    python -m benchmarks.chaotic_uploads --uploads 100 --liars    # must count false "uploaded"

30 % of the packets are lost in each direction, others come twice or late and out of order, and a
third of the uploads meets a vehicle that drops, alters, keeps or refuses something. Counted is
what the pilot reported against what the vehicle really holds. The exit code is 1 where an upload
was reported good that was not, or where a failed one said something untrue of what it left.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

from shapely import box

from benchmarks.flown_scenes import FRAME, HOME, START
from core.errors import PartialUpload, QyranError, SortieFailed
from core.ids import AssetId, MissionId, ZoneId
from geo.positions import Altitude, Datum, Position
from geo.zones import Purpose, Zone, ZoneKind, to_geographic
from missions.adapters.mavsdk_pilot import Deadlines, MavsdkPilot
from missions.formats.plan_file import SimpleItem, fence_rings, simple_items
from missions.model import (
    Asset,
    AssetKind,
    Autopilot,
    ItemKind,
    Mission,
    MissionItem,
    Plan,
    RallyPoint,
)
from missions.proving.proof import prove
from missions.proving.return_settings import rally_spots
from sim.clock import ScaledClock
from sim.failures import Failure, FailureKind
from sim.held_plan import HeldPlan
from sim.lossy_wire import Badness, LossyWire
from sim.mavlink_vehicle import MavlinkVehicle, free_udp_port
from sim.profiles import ARDU_COPTER, PX4_QUAD
from telemetry.adapters.mavsdk_system import open_system

BAD = Badness(lost=0.3, doubled=0.1, late=0.2, late_most_s=0.04)
_DEADLINES = Deadlines(
    arm_s=8.0, mode_s=1.5, retry_after_s=0.7, tries=5, item_s=0.08, fence_text_s=0.2
)
_QUIET_S = 0.15
"""After this nothing is under way any more on a link that delays by `BAD.late_most_s`."""
_SILENCE_S = 6.0
_FAULTS = (
    FailureKind.STORED_OTHERWISE,
    FailureKind.MISSION_STUCK,
    FailureKind.FENCE_DROPPED,
    FailureKind.RALLY_DROPPED,
    FailureKind.RALLY_KEPT,
    FailureKind.TRANSFER_NAK,
)
_FAULTY = 0.33


@dataclass
class Tally:
    """What became of uploads."""

    uploads: int = 0
    good: int = 0
    false_good: list[str] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    """What failed uploads left: as before, cleared, partial (told as such)."""
    misreported: list[str] = field(default_factory=list)
    unopened: list[str] = field(default_factory=list)
    packets: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Counts another's uploads in."""
        self.uploads += other.uploads
        self.good += other.good
        self.false_good += other.false_good
        self.failed += other.failed
        self.left += other.left
        self.misreported += other.misreported
        self.unopened += other.unopened
        self.packets += other.packets

    @property
    def honest(self) -> bool:
        """Whether nothing untrue was said."""
        return not self.false_good and not self.misreported


def a_drone(autopilot: Autopilot) -> Asset:
    """Returns the aircraft of all uploads."""
    return Asset(
        AssetId("drone-1"), "drone", AssetKind.DRONE, None, 8.0, HOME, autopilot=autopilot
    )  # fmt: skip


def a_random_plan(rng: random.Random, asset: Asset) -> tuple[Plan, list[Zone]]:
    """Returns a plan that is safe, and the fence that goes with it, which may be none."""
    up_m = float(rng.randint(12, 60))

    def at(metres: float = up_m) -> Position:
        east, north = rng.uniform(-90, 90), rng.uniform(-90, 90)
        return Position(*FRAME.to_geo1_deg(east, north), Altitude(metres, Datum.HOME))

    over_home = Position(HOME.lat_deg, HOME.lon_deg, Altitude(up_m, Datum.HOME))
    items = [MissionItem(ItemKind.TAKEOFF, over_home, speed_m_s=float(rng.randint(4, 8)))]
    items += [
        MissionItem(ItemKind.WAYPOINT, at(), hold_s=float(rng.choice([0, 0, 5])))
        for _ in range(rng.randint(1, 5))
    ]
    items.append(MissionItem(ItemKind.RETURN))
    zones = []
    for number in range(rng.randint(0, 2)):
        half_m = rng.uniform(150, 300)
        area = to_geographic(box(-half_m, -half_m, half_m, half_m), FRAME)
        zones.append(
            Zone(
                ZoneId(f"room-{number}"), "room", frozenset({Purpose.FLIGHT}), area,
                ZoneKind.INCLUSION,
            )
        )  # fmt: skip
    plan = Plan(
        Mission(MissionId(f"mission-{rng.getrandbits(40)}"), tuple(items)),
        asset.asset_id, HOME, 8.0, tuple(zones[:1]),
        tuple(RallyPoint(at(0.0)) for _ in range(rng.randint(0, 2))),
        return_altitude=Altitude(up_m, Datum.HOME), expected_s=120.0,
    )  # fmt: skip
    return plan, zones


def wanted(plan: Plan, fences: Sequence[Zone]) -> HeldPlan:
    """Returns what a vehicle must hold of a plan, straight from the plan."""
    rings = tuple((bool(inclusion), tuple(ring)) for inclusion, ring in fence_rings(fences))
    return HeldPlan(tuple(simple_items(plan.mission)), rings, tuple(rally_spots(plan)))


def alike(a: HeldPlan, b: HeldPlan) -> bool:
    """Returns whether two are the same to what an autopilot keeps: 1e-7 degrees, centimetres."""
    return _rounded(a) == _rounded(b)


def _rounded(held: HeldPlan) -> tuple[object, object, object]:
    def place(lat: float, lon: float) -> tuple[int, int]:
        return round(lat * 1e7), round(lon * 1e7)

    def step(one: SimpleItem) -> object:
        placed = place(one.lat_deg, one.lon_deg)
        return one.command, placed, round(one.z_m, 2), round(one.params[0], 2)

    return (
        [step(one) for one in held.steps],
        [(inside, [place(*corner) for corner in ring]) for inside, ring in held.rings],
        [(place(lat, lon), round(up, 2)) for lat, lon, up in held.rally],
    )


@asynccontextmanager
async def _opened(autopilot: Autopilot, port: int, clock: ScaledClock) -> AsyncIterator[Any]:
    """Opens a pilot by the driver of an autopilot."""
    url = f"udpin://127.0.0.1:{port}"
    if autopilot is Autopilot.PX4:
        async with open_system(url, clock, silence_limit_s=_SILENCE_S) as system:
            yield MavsdkPilot(system, _DEADLINES)
        return
    from missions.adapters.dronekit_pilot import DronekitPilot
    from telemetry.adapters.dronekit_system import open_ardupilot

    async with open_ardupilot(url, clock, silence_limit_s=_SILENCE_S) as vehicle:
        yield DronekitPilot(vehicle, _DEADLINES)


async def uploads(
    autopilot: Autopilot, count: int, seed: int, *, liars: bool = False, badness: Badness = BAD
) -> Tally:
    """Returns what became of some uploads to one vehicle, each after the other."""
    rng = random.Random(f"chaos-{seed}")
    tally, clock, port = Tally(), ScaledClock(START, 1.0), free_udp_port()
    asset = a_drone(autopilot)
    profile = PX4_QUAD if autopilot is Autopilot.PX4 else ARDU_COPTER
    # it need not wait 41 s until it knows where it is
    profile = replace(profile, position_after_s=min(5.0, profile.position_after_s))
    with LossyWire(port, Badness(), seed) as wire:
        with MavlinkVehicle(
            asset, clock=clock, port=wire.port, seed=seed, profile=profile
        ) as vehicle:
            try:
                async with _opened(autopilot, port, clock) as pilot:
                    wire.badness = badness
                    for _ in range(count):
                        await _one(pilot, vehicle, rng, asset, tally, clock, liars=liars)
                    wire.badness = Badness()
            except SortieFailed as error:
                tally.unopened.append(str(error))
        for counts in wire.counts:
            tally.packets.update(
                sent=counts.sent, lost=counts.lost, doubled=counts.doubled, late=counts.late
            )
    return tally


async def _one(
    pilot: Any,
    vehicle: MavlinkVehicle,
    rng: random.Random,
    asset: Asset,
    tally: Tally,
    clock: ScaledClock,
    *,
    liars: bool,
) -> None:
    plan, fences = a_random_plan(rng, asset)
    if liars:
        vehicle.fail(Failure(FailureKind.READBACK_LIES, times=1))
    elif rng.random() < _FAULTY:
        vehicle.fail(Failure(rng.choice(_FAULTS), times=rng.choice([1, 1, 2, 6]), code=4))
    before, number = vehicle.held(), tally.uploads
    tally.uploads += 1
    try:
        await pilot.upload(prove(plan, asset), fences)
    except QyranError as error:
        await _quiet(clock)
        _judge_failure(error, before, vehicle.held(), tally)
        return
    await _quiet(clock)
    if alike(vehicle.held(), wanted(plan, fences)):
        tally.good += 1
    else:
        tally.false_good.append(f"upload {number} to {asset.autopilot}")


async def _quiet(clock: ScaledClock) -> None:
    await asyncio.sleep(_QUIET_S)


def _judge_failure(error: QyranError, before: HeldPlan, after: HeldPlan, tally: Tally) -> None:
    tally.failed[error.code] += 1
    said = error.message
    if isinstance(error, PartialUpload):
        tally.left["partial, and told so"] += 1
    elif "were cleared" in said:
        tally.left["cleared"] += 1
        if not after.empty:
            tally.misreported.append(f"not cleared: {said}")
    else:  # put back, or never touched
        tally.left["as before"] += 1
        if not alike(before, after):
            tally.misreported.append(f"not as before ({_apart(before, after)}): {said}")


def _apart(a: HeldPlan, b: HeldPlan) -> str:
    kinds = zip(("mission", "fence", "rally points"), _rounded(a), _rounded(b), strict=True)
    return ", ".join(f"{name}: {one} and {two}" for name, one, two in kinds if one != two)


async def run(count: int, seed: int, at_once: int, *, liars: bool = False) -> dict[str, Any]:
    """Returns what became of uploads to several vehicles at once, half of them by each driver."""
    kinds = [Autopilot.PX4]
    if find_spec("dronekit") is not None:
        kinds.append(Autopilot.ARDUPILOT)
    began = time.monotonic()
    tallies = {kind: Tally() for kind in kinds}
    shares = [(kinds[k % len(kinds)], k) for k in range(at_once)]
    each = [count // at_once + (k < count % at_once) for k in range(at_once)]
    jobs = [uploads(kind, each[k], seed * 1_000 + k, liars=liars) for kind, k in shares]
    for (kind, _), tally in zip(shares, await asyncio.gather(*jobs), strict=True):
        tallies[kind].add(tally)
    return {
        "seconds": round(time.monotonic() - began, 1),
        "link": {"lost": BAD.lost, "doubled": BAD.doubled, "late": BAD.late},
        **{
            str(kind): {
                "uploads": t.uploads, "good": t.good, "false_good": len(t.false_good),
                "failed": dict(t.failed), "left": dict(t.left), "misreported": t.misreported,
                "which_false": t.false_good, "unopened": t.unopened, "packets": dict(t.packets),
            }
            for kind, t in tallies.items()
        },
        "honest": all(tally.honest for tally in tallies.values()),
    }  # fmt: skip


def main() -> int:
    """Runs the benchmark and prints its counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--uploads", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--liars", action="store_true", help="vehicles that no one can see through")
    args = parser.parse_args()
    counts = asyncio.run(run(args.uploads, args.seed, args.at_once, liars=args.liars))
    sys.stdout.write(json.dumps(counts, indent=2) + "\n")
    return 0 if counts["honest"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
