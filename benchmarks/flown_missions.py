"""Flies random missions that the checker accepted, and looks for one that left its room.

    python benchmarks/flown_missions.py [--missions 10000] [--seed 1] [--processes 2]
        [--mavlink 0] [--fault NAME] [--margin-m 0] [--json FILE]

Each mission has a room of its own (an inclusion with notches and maybe a ceiling, exclusions,
circles, floors, ceilings, time windows) and a plan: random waypoints, a careful way around what
is closed, or a patrol of the planner's; with holds, loiters, changes of speed and of height,
several steps at one place, rally points. `check_plan` decides. Every accepted plan is flown by
stepping the simulator's dynamics directly, once to its end and again with a return ordered at
random instants; of the rejected ones every fourth, to see how many would have been harmless. The
truth, every 0.1 s, is held against the plain zones. `--mavlink N` flies N accepted ones again
through MAVLink and MAVSDK.

`--fault NAME` breaks the checker (or the vehicle) on purpose in this process only; then breaches
must be found, and the run ends with the first:

    legs_not_swept        only steps are looked at, and returns from steps, as PX4 does
    radius_ignored        corners are thought to be flown exactly
    loiters_ignored       a loiter's circle is thought to be its middle
    returns_ignored       ordered returns are not looked at
    ceilings_ignored      ceilings of inclusions are not looked at
    heights_wrong         exclusions are thought to end 15 m lower than they do
    windows_ignored       zones with time windows are left out
    rally_not_uploaded    the vehicle does not know the plan's rally points
    corners_ignored       corners that are reached too fast are swept like others
    run_on_ignored        returns ordered at speed are thought to turn on the spot (found seldom)

`--margin-m` is kept from every border besides the acceptance radius, as a station would for an
aircraft that is not exact.

Exit code: 0 where no accepted plan broke anything, 1 where one did.
"""

import argparse
import asyncio
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.flown_judging import Breach, beside_m, breaches
from benchmarks.flown_scenes import START, Scene, scene
from geo.positions import Altitude
from geo.zones import ZoneKind
from missions.circumstances import Circumstances
from missions.model import Finding, Plan, Severity
from missions.proving.checks import check_plan
from missions.proving.flight_path import FlightPath
from missions.proving.prover import Prover
from missions.proving.sheets import Part, Sheet
from sim.flown_plan import fly

RETURNS = 2
_EVERY_REJECTED = 4
_EVERY_CURES = 50
"""Of so many missions one is checked with cures too; the verdict must be the same."""

Filter = Callable[[Finding], bool]
_CODES = {
    "returns_ignored": {"emergency_way_blocked", "rally_way_blocked", "return_above_ceiling"},
    "ceilings_ignored": {"above_ceiling", "return_above_ceiling"},
}
FAULTS = (
    "legs_not_swept", "loiters_ignored", *_CODES, "radius_ignored", "heights_wrong",
    "windows_ignored", "rally_not_uploaded", "corners_ignored", "run_on_ignored",
)  # fmt: skip
_PATHS = ("legs_not_swept", "loiters_ignored", "corners_ignored")


@dataclass
class Result:
    """What came of one mission."""

    number: int
    kind: str
    accepted: bool
    radius_m: float
    codes: list[str] = field(default_factory=list)
    """Of errors."""
    flights: int = 0
    seconds: float = 0.0
    """Flown."""
    broke: list[Breach] = field(default_factory=list)
    beside_m: float = 0.0
    """Greatest distance beside the planned lines, on the way."""
    return_beside_m: float = 0.0
    """The same of ordered returns."""
    verdicts_differ: bool = False


def verdict(one: Scene, fault: str, margin_m: float) -> tuple[tuple[Finding, ...], bool]:
    """Returns the checker's errors, with its fault, and whether its two entries disagree."""
    plan, asset = one.plan, one.asset
    circumstances = Circumstances(START, margin_m=margin_m)
    if fault == "radius_ignored":
        asset = replace(asset, acceptance_radius_m=0.02)
    elif fault == "heights_wrong":
        plan = replace(plan, fences=tuple(_lower(zone) for zone in plan.fences))
    elif fault == "windows_ignored":
        plan = replace(plan, fences=tuple(zone for zone in plan.fences if not zone.windows))
    found = Prover(plan, asset, None).findings(plan, circumstances)
    errors = tuple(f for f in found if f.severity is Severity.ERROR)
    differ = False
    if one.number % _EVERY_CURES == 0:
        whole = check_plan(plan, asset, circumstances)
        codes = sorted(f.code for f in whole if f.severity is Severity.ERROR)
        differ = codes != sorted(f.code for f in errors)
    return tuple(f for f in errors if f.code not in _CODES.get(fault, ())), differ


def break_path(fault: str) -> None:
    """Has the checker of this process see less of a plan's way than there is."""
    whole = FlightPath._own

    def less(self: FlightPath) -> Iterator[Sheet]:
        for sheet in whole(self):
            if fault == "legs_not_swept" and sheet.part is Part.LEG:
                yield replace(sheet, a=sheet.b, up_a=sheet.up_b)
            elif (fault, sheet.part) not in (
                ("loiters_ignored", Part.LOITER), ("corners_ignored", Part.CORNER)
            ):  # fmt: skip
                yield sheet

    FlightPath._own = less  # type: ignore[method-assign]


def _lower(zone: Any) -> Any:
    if zone.kind is ZoneKind.EXCLUSION and zone.ceiling is not None and zone.floor is None:
        return replace(
            zone, ceiling=Altitude(max(1.0, zone.ceiling.metres - 15), zone.ceiling.datum)
        )
    return zone


def judge(number: int, seed: int, fault: str, margin_m: float) -> Result:
    """Makes a scene, has it checked, flies it and looks at the tracks."""
    one = scene(seed, number, RETURNS)
    errors, differ = verdict(one, fault, margin_m)
    result = Result(
        number, one.kind, not errors, one.asset.acceptance_radius_m,
        sorted({f.code for f in errors}), verdicts_differ=differ,
    )  # fmt: skip
    if errors and number % _EVERY_REJECTED:
        return result
    flown_plan: Plan = one.plan
    if fault == "rally_not_uploaded":
        flown_plan = replace(flown_plan, rally=())
    try:
        flights = fly(
            flown_plan, one.asset, seed=number, start_at=START, returns=one.returns_s,
            longest_s=900.0,
        )  # fmt: skip
    except Exception as error:
        if not errors:
            raise RuntimeError(f"mission {number} was accepted and can't be flown") from error
        return result
    for flight in flights:
        result.flights += 1
        result.seconds += float(flight.track[-1, 0]) - (flight.returned_at_s or 0.0)
        result.broke += breaches(one.plan, flight)
        beside = float(beside_m(one.plan, flight).max(initial=0.0))
        if flight.returned_at_s is None:
            result.beside_m = beside
        else:
            result.return_beside_m = max(result.return_beside_m, beside)
    return result


def _work(job: tuple[int, int, str, float]) -> Result:
    return judge(*job)


def _prepare(fault: str) -> None:
    if fault in _PATHS:
        break_path(fault)
    if fault == "run_on_ignored":
        FlightPath._run_on = lambda _, leg: leg  # type: ignore[method-assign]


def run(missions: int, seed: int, fault: str, margin_m: float, processes: int) -> Iterator[Result]:
    """Yields what came of each mission, in no order."""
    jobs = ((number, seed, fault, margin_m) for number in range(missions))
    if processes == 1:
        whole, run_on = FlightPath._own, FlightPath._run_on
        _prepare(fault)
        try:
            yield from map(_work, jobs)
        finally:
            FlightPath._own = whole  # type: ignore[method-assign]
            FlightPath._run_on = run_on  # type: ignore[method-assign]
        return
    with multiprocessing.get_context("spawn").Pool(
        processes, initializer=_prepare, initargs=(fault,)
    ) as pool:
        yield from pool.imap_unordered(_work, jobs, chunksize=10)


def summary(results: list[Result]) -> dict[str, Any]:
    """Returns the figures of a run."""
    accepted = [r for r in results if r.accepted]
    rejected = [r for r in results if not r.accepted]
    tried = [r for r in rejected if r.flights]
    broke = sorted((r for r in accepted if r.broke), key=lambda r: r.number)
    figures: dict[str, Any] = {
        "missions": len(results),
        "accepted": len(accepted),
        "accepted_by_kind": dict(sorted(Counter(r.kind for r in accepted).items())),
        "flights": sum(r.flights for r in results),
        "flown_s": sum(r.seconds for r in results),
        "accepted_that_broke": len(broke),
        "breaches": [
            {"mission": r.number, "kind": r.kind, **asdict(b)} for r in broke for b in r.broke
        ][:200],
        "rejected": len(rejected),
        "rejected_flown": len(tried),
        "rejected_that_broke": sum(bool(r.broke) for r in tried),
        "rejected_codes": dict(Counter(c for r in rejected for c in r.codes).most_common()),
        "verdicts_differ": sum(r.verdicts_differ for r in results),
        "beside_m": {},
    }
    for radius in sorted({r.radius_m for r in accepted}):
        out = np.array([r.beside_m for r in accepted if r.radius_m == radius])
        back = np.array([r.return_beside_m for r in accepted if r.radius_m == radius])
        figures["beside_m"][f"{radius:g}"] = {
            "missions": len(out), "way_p50": float(np.median(out)),
            "way_p99": float(np.percentile(out, 99)), "way_most": float(out.max()),
            "return_p99": float(np.percentile(back, 99)), "return_most": float(back.max()),
        }  # fmt: skip
    return figures


def show(figures: dict[str, Any], took_s: float) -> None:
    """Prints the figures."""
    f = figures
    print(f"{f['missions']} missions, {f['accepted']} accepted {f['accepted_by_kind']}, "
          f"{f['flights']} flights of {f['flown_s'] / 3600:.1f} h in {took_s:.0f} s")  # fmt: skip
    print(f"accepted plans that broke something: {f['accepted_that_broke']}")
    for one in f["breaches"][:10]:
        print(f"  mission {one['mission']} ({one['kind']}): {one['zone']} {one['what']}, "
              f"{one['deep_m']:.2f} m deep at {one['at_s']:.0f} s"
              f"{', returning' if one['returning'] else ''}")  # fmt: skip
    share = f["rejected_that_broke"] / max(1, f["rejected_flown"])
    print(f"rejected plans flown: {f['rejected_flown']}, of which {share:.0%} broke something")
    for radius, row in f["beside_m"].items():
        print(f"beside the line, acceptance radius {radius} m: way p50 {row['way_p50']:.2f}, "
              f"p99 {row['way_p99']:.2f}, most {row['way_most']:.2f} m; "
              f"return p99 {row['return_p99']:.2f}, most {row['return_most']:.2f} m")  # fmt: skip


def main() -> int:
    """Runs it and says whether an accepted plan broke anything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--missions", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--margin-m", type=float, default=0.0)
    parser.add_argument("--fault", choices=FAULTS, default="")
    parser.add_argument("--mavlink", type=int, default=0, help="accepted ones flown by MAVLink too")
    parser.add_argument("--json", type=Path, help="write the figures there; - is standard output")
    options = parser.parse_args()
    began = time.monotonic()
    results: list[Result] = []
    for result in run(
        options.missions, options.seed, options.fault, options.margin_m, options.processes
    ):
        results.append(result)
        if options.fault and result.accepted and result.broke:
            break  # found out
        if len(results) % max(1, options.missions // 20) == 0:
            broke = sum(bool(r.broke) for r in results if r.accepted)
            spent = time.monotonic() - began
            print(f"{len(results)} missions, {broke} broke, {spent:.0f} s", file=sys.stderr)
    figures = summary(results)
    if options.mavlink:
        from benchmarks.flown_mavlink import fly_by_mavlink

        fit = sorted(r.number for r in results if r.accepted and not r.broke)
        figures["mavlink"] = asyncio.run(
            fly_by_mavlink(
                [scene(options.seed, n, 1) for n in fit], options.mavlink, options.margin_m
            )
        )
    took_s = time.monotonic() - began
    figures |= {"took_s": took_s, "seed": options.seed, "fault": options.fault}
    figures |= {"margin_m": options.margin_m}
    if options.json is not None and str(options.json) == "-":
        print(json.dumps(figures))
    else:
        if options.json is not None:
            options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
        show(figures, took_s)
        if options.mavlink:
            print(f"by MAVLink: {figures['mavlink']}")
    broke = figures["accepted_that_broke"] + figures.get("mavlink", {}).get("broke", 0)
    return 1 if broke or figures["verdicts_differ"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
