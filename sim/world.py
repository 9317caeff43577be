"""The seeded ground truth of the demo district: which thing is where at which second.

Nothing here knows of cameras or pixels. Times are world seconds from 0; positions are
east/north metres about the origin that `sim.world_layout` names.
"""

import math
import random
from dataclasses import dataclass, replace
from itertools import pairwise

from sim.world_layout import Area, AreaPurpose, Layout, Ring, Road, demo_layout

KINDS = ("car", "truck", "bus", "minibus", "waste")
VEHICLE_KINDS = ("car", "truck", "bus", "minibus")

SIZES_M = {
    "car": (4.5, 1.8, 1.5),
    "truck": (8.2, 2.5, 3.2),
    "bus": (11.5, 2.55, 3.0),
    "minibus": (6.0, 2.0, 2.5),
    "waste": (3.0, 2.4, 0.8),
}
"""Usual length, width, height of each kind in metres."""


@dataclass(frozen=True, slots=True)
class Drive:
    """A thing that follows a line again and again at a steady speed."""

    line: tuple[tuple[float, float], ...]
    speed_m_s: float
    head_start_m: float

    def place_at(self, t_s: float) -> tuple[float, float, float]:
        """Returns east, north in metres and the heading in degrees at a world time."""
        legs = [math.dist(a, b) for a, b in pairwise(self.line)]
        left = (self.head_start_m + self.speed_m_s * t_s) % sum(legs)
        for index, leg in enumerate(legs):
            if left <= leg or index == len(legs) - 1:
                break
            left -= leg
        a, b = self.line[index], self.line[index + 1]
        part = left / leg
        heading = math.degrees(math.atan2(b[0] - a[0], b[1] - a[1])) % 360.0
        return a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1]), heading


@dataclass(frozen=True, slots=True)
class Stand:
    """A thing that stays where it is."""

    east_m: float
    north_m: float
    heading_deg: float

    def place_at(self, t_s: float) -> tuple[float, float, float]:
        """Returns east, north in metres and the heading in degrees; the time is ignored."""
        return self.east_m, self.north_m, self.heading_deg


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that a detector should find."""

    thing_id: str
    kind: str
    """One of `KINDS`."""
    length_m: float
    width_m: float
    height_m: float
    texture: int
    """Picks the look; the renderer takes it modulo what it has."""
    motion: Stand | Drive
    appears_at_s: float = 0.0
    vanishes_at_s: float = math.inf


@dataclass(frozen=True, slots=True)
class PlacedThing:
    """A thing at one instant."""

    thing_id: str
    kind: str
    east_m: float
    north_m: float
    heading_deg: float
    """Clockwise from true north."""
    length_m: float
    width_m: float
    height_m: float
    texture: int
    moving: bool


@dataclass(frozen=True, slots=True)
class World:
    """All that is true of the district, for every second."""

    seed: int
    layout: Layout
    things: tuple[Thing, ...]

    def things_at(self, t_s: float) -> tuple[PlacedThing, ...]:
        """Returns every thing that is there at a world time in seconds, in a steady order."""
        placed = []
        for thing in self.things:
            if thing.appears_at_s <= t_s < thing.vanishes_at_s:
                east, north, heading = thing.motion.place_at(t_s)
                placed.append(
                    PlacedThing(
                        thing.thing_id, thing.kind, east, north, heading,
                        thing.length_m, thing.width_m, thing.height_m, thing.texture,
                        isinstance(thing.motion, Drive),
                    )
                )  # fmt: skip
        return tuple(placed)

    def areas(self, purpose: AreaPurpose) -> tuple[Area, ...]:
        """Returns the areas that serve a purpose."""
        return tuple(area for area in self.layout.areas if area.purpose is purpose)

    def area(self, name: str) -> Area:
        """Returns the area with this name.

        Raises:
            KeyError: if the district has none of that name.
        """
        for area in self.layout.areas:
            if area.name == name:
                return area
        raise KeyError(name)

    def without(self, thing_id: str, at_s: float) -> "World":
        """Returns a world in which a thing was cleared away at a world time.

        Raises:
            KeyError: if no thing has that id.
        """
        if all(thing.thing_id != thing_id for thing in self.things):
            raise KeyError(thing_id)
        return replace(
            self,
            things=tuple(
                replace(thing, vanishes_at_s=min(at_s, thing.vanishes_at_s))
                if thing.thing_id == thing_id
                else thing
                for thing in self.things
            ),
        )


def inside(ring: Ring, east_m: float, north_m: float) -> bool:
    """Says whether a point lies inside a ring (even-odd rule)."""
    hit = False
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (y0 > north_m) != (y1 > north_m) and east_m < (x1 - x0) * (north_m - y0) / (
            y1 - y0
        ) + x0:
            hit = not hit
    return hit


def violators(world: World, t_s: float) -> tuple[PlacedThing, ...]:
    """Returns what breaks a rule: vehicles standing in no-stopping areas, waste in watched ones."""
    no_stopping = [area.ring for area in world.areas(AreaPurpose.NO_STOPPING)]
    watched = [area.ring for area in world.areas(AreaPurpose.WASTE_WATCH)] + no_stopping
    return tuple(
        thing
        for thing in world.things_at(t_s)
        if not thing.moving
        and any(
            inside(ring, thing.east_m, thing.north_m)
            for ring in (watched if thing.kind == "waste" else no_stopping)
        )
    )


_CURB_PLACES = {
    # centre of a stopped vehicle beside the curb: axis, line, from, to, heading
    "main-street-no-stopping": (
        ("east", -95.0 - 5.7, 24.0, 172.0, 90.0),
        ("east", -95.0 + 5.7, 24.0, 172.0, 270.0),
    ),
    "centre-avenue-no-stopping": (
        ("north", 5.7, -64.0, 64.0, 0.0),
        ("north", -5.7, -64.0, 64.0, 180.0),
    ),
    "north-street-no-stopping": (("east", 90.0 - 3.9, -164.0, -32.0, 90.0),),
}

_BAYS = tuple((127.5 + 0.0, -46.0 + 3.2 * i, 90.0) for i in range(27)) + tuple(
    (176.5, -46.0 + 3.2 * i, 270.0) for i in range(11)
) + tuple((28.0 + 3.2 * i, 146.0, 180.0) for i in range(21))  # fmt: skip


class _Spots:
    """Hands out places that keep their distance from each other."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._taken: list[tuple[float, float]] = []

    def take(self, east: float, north: float, gap_m: float) -> bool:
        if any(math.dist((east, north), other) < gap_m for other in self._taken):
            return False
        self._taken.append((east, north))
        return True


def _sized(kind: str, name: str, chance: random.Random, motion: Stand | Drive) -> Thing:
    length, width, height = SIZES_M[kind]
    spread = chance.uniform(0.75, 1.35) if kind == "waste" else chance.uniform(0.95, 1.05)
    return Thing(
        name,
        kind,
        length * spread,
        width * spread,
        height * spread,
        chance.randrange(1 << 16),
        motion,
    )


def _stopped(chance: random.Random, spots: _Spots) -> list[Thing]:
    things: list[Thing] = []
    quota = {
        "main-street-no-stopping": 3,
        "centre-avenue-no-stopping": 2,
        "north-street-no-stopping": 1,
    }
    extra = chance.choice((None, "main-street-no-stopping", "centre-avenue-no-stopping"))
    if extra:
        quota[extra] += 1
    for area, count in quota.items():
        placed = 0
        while placed < count:
            axis, line, low, high, heading = chance.choice(_CURB_PLACES[area])
            along = chance.uniform(low, high)
            east, north = (along, line) if axis == "east" else (line, along)
            if not spots.take(east, north, 14.0):
                continue
            kind = chance.choices(("car", "minibus", "truck"), (7, 2, 1))[0]
            motion = Stand(east, north, (heading + chance.uniform(-2, 2)) % 360)
            things.append(_sized(kind, f"stopped-{len(things) + 1}", chance, motion))
            placed += 1
    return things


def _parked(chance: random.Random, spots: _Spots) -> list[Thing]:
    things: list[Thing] = []
    wanted = chance.randint(8, 10)
    while len(things) < wanted:
        east, north, heading = chance.choice(_BAYS)
        kind = chance.choices(("car", "minibus"), (6, 2))[0]
        # the last one is a coach along the open east side of the plaza parking
        if len(things) == wanted - 1:
            east, north, heading, kind = 177.0, 24.0, 0.0, "bus"
        if not spots.take(east, north, 6.2):
            continue
        turn = 180.0 * chance.randrange(2)
        motion = Stand(east, north, (heading + turn + chance.uniform(-3, 3)) % 360)
        things.append(_sized(kind, f"parked-{len(things) + 1}", chance, motion))
    return things


def _moving(chance: random.Random, roads: tuple[Road, ...]) -> list[Thing]:
    lanes = []
    for road in roads:
        (x0, y0), (x1, y1) = road.centre_line
        side = road.width_m * 0.17
        length = math.dist((x0, y0), (x1, y1))
        right = ((y1 - y0) / length * side, -(x1 - x0) / length * side)
        forth = ((x0 + right[0], y0 + right[1]), (x1 + right[0], y1 + right[1]))
        back = ((x1 - right[0], y1 - right[1]), (x0 - right[0], y0 - right[1]))
        lanes += [forth, back]
    chosen = chance.sample(lanes, 6)

    def attempt() -> list[Drive]:
        return [
            Drive(lane, chance.uniform(6.0, 12.0), chance.uniform(0, math.dist(*lane)))
            for lane in chosen
        ]

    def closest(drives: list[Drive]) -> float:
        nearest = math.inf
        for t_s in range(0, 600, 1):
            places = [drive.place_at(float(t_s))[:2] for drive in drives]
            for i, one in enumerate(places):
                for other in places[:i]:
                    nearest = min(nearest, math.dist(one, other))
        return nearest

    drives = max((attempt() for _ in range(6)), key=closest)
    kinds = ("car", "car", "car", "car", "minibus", "car")
    return [
        _sized(kind, f"moving-{i + 1}", chance, drive)
        for i, (kind, drive) in enumerate(zip(kinds, drives, strict=True))
    ]


def _heaps(chance: random.Random, spots: _Spots, layout: Layout) -> list[Thing]:
    watched = [area for area in layout.areas if area.purpose is AreaPurpose.WASTE_WATCH]
    loose = (
        (30.0, -210.0, 170.0, -188.0),
        (60.0, 182.0, 98.0, 212.0),
        (-285.0, 70.0, -210.0, 80.0),
    )
    plan = [(watched[0].ring, 5.5)] * 2 + [(watched[1].ring, 5.5)] * 2
    things: list[Thing] = []
    boxes = [(ring[0][0] + m, ring[0][1] + m, ring[2][0] - m, ring[2][1] - m) for ring, m in plan]
    boxes += [chance.choice(loose) for _ in range(chance.randint(1, 2))]
    for west, south, east, north in boxes:
        while True:
            x, y = chance.uniform(west, east), chance.uniform(south, north)
            off_plant = all(math.dist((x, y), (p.east_m, p.north_m)) > 7.0 for p in layout.plants)
            if off_plant and spots.take(x, y, 12.0):
                break
        motion = Stand(x, y, chance.uniform(0, 360))
        things.append(_sized("waste", f"waste-{len(things) + 1}", chance, motion))
    return things


def build_world(seed: int) -> World:
    """Returns the district of one day: 6-7 violating vehicles, 8-10 parked, 6 moving, 5-6 heaps.

    Violators stand at least 4 m inside their area and 12 m apart, so that the truth is plain.
    The same seed gives the same world.
    """
    layout = demo_layout()
    chance = random.Random(seed)
    spots = _Spots(chance)
    things = _stopped(chance, spots)
    things += _heaps(chance, spots, layout)
    things += _parked(chance, spots)
    things += _moving(chance, layout.roads)
    return World(seed, layout, tuple(things))
