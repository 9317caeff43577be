"""The story of a vehicle that leaves its mission in the air, for embedded and real autopilots."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

from geo.positions import Altitude, Datum
from missions.model import ItemKind, MissionItem, Progress
from missions.proving.proof import prove
from telemetry.model import TelemetrySample
from tests.builders import AT, a_mission, a_place
from tests.missions.flying import HEIGHT_M, Craft, a_fence

OTHER = a_mission(
    items=(
        MissionItem(ItemKind.TAKEOFF, a_place(0, 0, HEIGHT_M), speed_m_s=8.0),
        MissionItem(ItemKind.WAYPOINT, a_place(0, 30, HEIGHT_M), speed_m_s=8.0),
        MissionItem(ItemKind.LOITER, a_place(-40, 30, HEIGHT_M), hold_s=5.0),
        MissionItem(ItemKind.RETURN),
    )
)
"""Its second step leads from where the first mission is left."""


async def left_in_the_air(craft: Craft) -> tuple[list[tuple[float, float, float]], Progress]:
    """Flies a plan to its first corner, holds, uploads another and begins it with its second step.

    Returns:
        Where it was from there on, east, north and metres above home; and its last progress.
    """
    pilot, link = craft.pilot, craft.open_link()
    heard: list[TelemetrySample] = []

    async def listen() -> None:
        async for sample in link.samples():
            heard.append(sample)

    listening = asyncio.ensure_future(listen())
    await pilot.upload(craft.proven, [a_fence()])
    await pilot.arm()
    await pilot.start()
    async with aclosing(pilot.progress()) as steps:
        async for progress in steps:
            if progress.reached >= 2:
                break
    await pilot.hold()
    heard.clear()
    plan = replace(craft.plan, mission=OTHER, return_altitude=Altitude(HEIGHT_M, Datum.HOME))
    await pilot.upload(prove(plan, craft.asset), [a_fence(140.0)])
    await pilot.start(1)
    async with aclosing(pilot.progress()) as steps:
        async for newer in steps:
            progress = newer
    await link.close()
    await listening
    places = [one.position for one in heard if one.position is not None]
    return [(*AT.to_en1_m(p.lat_deg, p.lon_deg), p.altitude.metres) for p in places], progress


def check_left(track: list[tuple[float, float, float]], last: Progress) -> None:
    """Holds what was flown against the other plan."""
    assert last.ended
    assert last.reached >= 3
    assert -45.0 < min(east for east, _, _ in track) < -35.0  # it went to the other's place
    turned = next(k for k, (east, _, _) in enumerate(track) if east < -35.0)
    assert min(up for _, _, up in track[:turned]) > HEIGHT_M - 4.0  # and never came down before
    assert max(up for _, _, up in track) < HEIGHT_M + 4.0
