"""Missions, fences and rally points as MAVLink integer items, and back for the comparison."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from geo.zones import Zone
from missions.formats.plan_file import FRAME_AMSL, FRAME_HOME, SimpleItem, fence_rings, simple_items
from missions.model import ItemKind, Mission
from missions.proving.return_settings import RallySpot

MISSION, FENCE, RALLY = 0, 1, 2
"""MAV_MISSION_TYPE numbers."""
_INT_FRAMES = {FRAME_AMSL: 5, FRAME_HOME: 6}
_MEANS = {whole: plain for plain, whole in _INT_FRAMES.items()}
"""PX4 answers in the frame for whole numbers whichever of the two it was sent."""
_FENCE_FRAME = 0
"""PX4 has been seen to take fences in MAV_FRAME_GLOBAL only."""
_FENCE_INCLUSION, _FENCE_EXCLUSION = 5001, 5002
_RALLY_POINT = 5100
_RALLY_FRAME = FRAME_HOME
"""PX4 takes others, but its return knew only this one and MAV_FRAME_GLOBAL until 2026."""
_GREATEST_DIFFERENCE = 1e-3


@dataclass(frozen=True, slots=True)
class RawItem:
    """One MISSION_ITEM_INT."""

    seq: int
    frame: int
    command: int
    current: int
    params: tuple[float, float, float, float]
    x: int
    y: int
    z: float
    mission_type: int


@dataclass(frozen=True, slots=True)
class EncodedMission:
    """A mission as raw items, with the way back to its own numbering."""

    items: tuple[RawItem, ...]
    item_of: tuple[int, ...]
    """For each raw item, the mission item that it belongs to."""
    moves: tuple[bool, ...]
    """For each raw item, whether it is the step of its item that moves."""

    def reached_by(self, seq: int) -> int:
        """Returns how many mission items are reached once raw item `seq` is."""
        if not 0 <= seq < len(self.items):
            return 0
        return self.item_of[seq] + (1 if self.moves[seq] else 0)


def encode_mission(mission: Mission) -> EncodedMission:
    """Returns a mission as PX4 takes it: numbered from 0, latitude and longitude in 1e-7 deg.

    Raises:
        PlanUnreadable: if an altitude counts from a datum that a mission can't carry.
    """
    steps = simple_items(mission)
    moves = tuple(
        index + 1 == len(steps) or steps[index + 1].item != step.item
        for index, step in enumerate(steps)
    )
    return EncodedMission(
        tuple(_raw(seq, step) for seq, step in enumerate(steps)),
        tuple(step.item for step in steps),
        moves,
    )


def _raw(seq: int, step: SimpleItem) -> RawItem:
    return RawItem(
        seq,
        _INT_FRAMES.get(step.frame, step.frame),
        step.command,
        int(seq == 0),
        step.params,
        round(step.lat_deg * 1e7),
        round(step.lon_deg * 1e7),
        step.z_m,
        MISSION,
    )


def encode_fences(fences: Sequence[Zone]) -> tuple[RawItem, ...]:
    """Returns zones as fence items; floors and ceilings can't be carried."""
    items: list[RawItem] = []
    for inclusion, ring in fence_rings(fences):
        command = _FENCE_INCLUSION if inclusion else _FENCE_EXCLUSION
        for lat, lon in ring:
            params = (float(len(ring)), 0.0, 0.0, 0.0)
            items.append(
                RawItem(
                    len(items), _FENCE_FRAME, command, 0, params,
                    round(lat * 1e7), round(lon * 1e7), 0.0, FENCE,
                )
            )  # fmt: skip
    return tuple(items)


def encode_rally(spots: Sequence[RallySpot]) -> tuple[RawItem, ...]:
    """Returns rally points as raw items."""
    return tuple(
        RawItem(
            seq, _RALLY_FRAME, _RALLY_POINT, 0, (0.0, 0.0, 0.0, 0.0),
            round(lat * 1e7), round(lon * 1e7), up_m, RALLY,
        )
        for seq, (lat, lon, up_m) in enumerate(spots)
    )  # fmt: skip


def taken_frames(items: Sequence[RawItem], kind: int) -> tuple[RawItem, ...]:
    """Returns items that were read from a vehicle in the frames in which it takes them back.

    Numbered from 0, the first one current, as an upload has them. Missions go in the frames for
    whole numbers, fences and rally points in the plain ones.
    """
    frames = _INT_FRAMES if kind == MISSION else _MEANS
    return tuple(
        replace(item, seq=seq, frame=frames.get(item.frame, item.frame), current=int(seq == 0))
        for seq, item in enumerate(items)
    )


def difference(sent: Sequence[RawItem], held: Sequence[RawItem]) -> str:
    """Returns what differs between what was sent and what the vehicle holds, or nothing.

    A parameter that was left to the vehicle (no number) may come back as 0, as the last one of a
    loiter does.
    """
    if len(sent) != len(held):
        return f"{len(sent)} items were sent, {len(held)} are held"
    for a, b in zip(sent, held, strict=True):
        frames = [_MEANS.get(frame, frame) for frame in (a.frame, b.frame)]
        if a.command != b.command or frames[0] != frames[1]:
            return f"item {a.seq} is command {b.command} in frame {b.frame}"
        if abs(a.x - b.x) > 1 or abs(a.y - b.y) > 1:
            return f"item {a.seq} is at another place"
        for one, two in zip((*a.params, a.z), (*b.params, b.z), strict=True):
            left_open = not math.isfinite(one) and (two == 0 or not math.isfinite(two))
            if not left_open and not abs(one - two) <= _GREATEST_DIFFERENCE:
                return f"item {a.seq} holds {two:g} where {one:g} was sent"
    return ""


def flown_items(mission: Mission) -> int:
    """Returns how many items are reached by flying, a final return not counted."""
    return sum(item.kind is not ItemKind.RETURN for item in mission.items)
