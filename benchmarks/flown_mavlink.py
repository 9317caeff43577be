"""Flies accepted plans of `flown_missions.py` through MAVLink: the real pilot, a wire, a thread.

Several vehicles at once, each with its own port and MAVSDK server, on clocks that run faster
than real time. The truth is held against the zones as in the direct flights. Every third one has
rally points, as far as there are so many, since it is the pilot that must bring them to the
vehicle. Plans with time windows stay out: when a vehicle on a wire starts is not known to the
second.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from benchmarks.flown_judging import breaches
from benchmarks.flown_scenes import FRAME, START, Scene
from core.errors import StartRefused
from missions.adapters.mavsdk_pilot import Deadlines, MavsdkPilot
from missions.circumstances import Circumstances
from missions.model import Progress
from missions.proving.proof import prove
from sim.clock import ScaledClock
from sim.flown_plan import Flown
from sim.mavlink_vehicle import MavlinkVehicle, free_udp_port
from telemetry.adapters.mavsdk_system import open_system

_SPEED = 10.0
_AT_ONCE = 5
_LONGEST_S = 150.0
"""Of the missions that are taken, so that many can be flown."""
_PATIENCE_S = 120.0
"""Real time for one flight."""


def _fit(one: Scene) -> bool:
    way = [
        FRAME.to_en1_m(i.position.lat_deg, i.position.lon_deg)
        for i in one.plan.mission.items
        if i.position is not None
    ]
    length = sum(math.dist(a, b) for a, b in zip([(0.0, 0.0), *way], way, strict=False))
    about_s = 40.0 + length / one.asset.cruise_m_s + sum(i.hold_s for i in one.plan.mission.items)
    return about_s < _LONGEST_S and not any(zone.windows for zone in one.plan.fences)


def _chosen(scenes: Sequence[Scene], wanted: int) -> list[Scene]:
    fit = [one for one in scenes if _fit(one)]
    rallied = [one for one in fit if one.plan.rally][: (wanted + 2) // 3]
    taken = {one.number for one in rallied}
    others = [one for one in fit if one.number not in taken][: wanted - len(rallied)]
    return sorted([*rallied, *others], key=lambda one: one.number)


def _circles(one: Scene) -> bool:
    return any(item.loiter_radius_m for item in one.plan.mission.items)


async def fly_by_mavlink(scenes: Sequence[Scene], wanted: int, margin_m: float) -> dict[str, Any]:
    """Returns how many flights there were and what they broke."""
    chosen = _chosen(scenes, wanted)
    gate = asyncio.Semaphore(_AT_ONCE)
    outcomes = await asyncio.gather(*(_guarded(one, margin_m, gate) for one in chosen))
    failed = [f"mission {one.number}: {text}" for one, text in zip(chosen, outcomes, strict=True)
              if isinstance(text, str)]  # fmt: skip
    broke = [
        {"mission": one.number, "zone": b.zone, "what": b.what, "deep_m": b.deep_m}
        for one, found in zip(chosen, outcomes, strict=True)
        if not isinstance(found, str)
        for b in found
    ]
    return {
        "flights": len(chosen) - len(failed), "wanted": wanted, "broke": len(broke),
        "with_rally": sum(bool(one.plan.rally) for one in chosen),
        "with_circles": sum(_circles(one) for one in chosen),
        "breaches": broke, "failed": failed,
    }  # fmt: skip


async def _guarded(one: Scene, margin_m: float, gate: asyncio.Semaphore) -> Any:
    async with gate:
        try:
            return breaches(one.plan, await asyncio.wait_for(_fly(one, margin_m), _PATIENCE_S))
        except Exception as error:  # a flight that did not come about is told, not hidden
            return f"{type(error).__name__}: {error}"


async def _fly(one: Scene, margin_m: float) -> Flown:
    clock, port = ScaledClock(START, _SPEED), free_udp_port()
    deadlines = replace(Deadlines(mode_s=0.6).at_speed(_SPEED), arm_s=60.0)
    proven = prove(one.plan, one.asset, Circumstances(margin_m=margin_m))
    with MavlinkVehicle(one.asset, clock=clock, port=port, seed=one.number) as vehicle:
        url = f"udpin://127.0.0.1:{port}"
        async with open_system(url, clock, silence_limit_s=6.0 * _SPEED) as system:
            pilot = MavsdkPilot(system, deadlines)
            await pilot.upload(proven)
            began = await _started(pilot, clock)
            await _follow(one, pilot, clock)
            end = vehicle.simulated_now()
            rows = []
            at = began
            while at < end:
                truth = vehicle.truth_at(at)
                rows.append(
                    ((at - began).total_seconds(), truth.east_m, truth.north_m, truth.height_m)
                )
                at += timedelta(seconds=0.1)
    return Flown(np.array(rows), True)


async def _started(pilot: MavsdkPilot, clock: ScaledClock) -> datetime:
    """Arms and starts, again where a busy computer let ten simulated seconds pass between."""
    for last in (False, False, True):
        await pilot.arm()
        began = clock.now()
        try:
            await pilot.start()
            break
        except StartRefused:
            if last:
                raise
    return began


async def _follow(one: Scene, pilot: MavsdkPilot, clock: ScaledClock) -> None:
    """Waits for the end; orders a return on the way in every second flight or with rally points.

    The order is given here and not in a task of its own, since an order under way must not be
    cancelled: MAVSDK waits for the vehicle's answer in a thread.
    """
    returns = (one.number % 2 == 1 or bool(one.plan.rally)) and bool(one.returns_s)
    after_s = one.returns_s[0] if returns else _PATIENCE_S * _SPEED
    timer = asyncio.ensure_future(clock.sleep_until(clock.now() + timedelta(seconds=after_s)))
    async with aclosing(pilot.progress()) as progress:
        step = asyncio.ensure_future(_next(progress))
        try:
            while not (step.done() and step.result() is None):
                if step.done():
                    step = asyncio.ensure_future(_next(progress))
                if returns and timer.done():
                    returns = False
                    with suppress(StartRefused):  # it has landed meanwhile
                        await pilot.return_to_launch()
                await asyncio.wait(
                    {step, timer} if returns else {step}, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            step.cancel()
            timer.cancel()
            await asyncio.gather(step, timer, return_exceptions=True)


async def _next(progress: AsyncIterator[Progress]) -> Progress | None:
    return await anext(progress, None)
