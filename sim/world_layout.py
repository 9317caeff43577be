"""The demo district that never changes: streets, blocks, areas, houses and trees.

East/north metres about the origin (50.9754 N, 71.3549 E, 350 m above mean sea level). What
varies by seed (cars, heaps) lives in `sim.world`.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

ORIGIN_LATITUDE_DEG = 50.9754
ORIGIN_LONGITUDE_DEG = 71.3549
GROUND_AMSL_M = 350.0

Ring = tuple[tuple[float, float], ...]
"""A closed polygon of (east, north) metres; the first corner isn't repeated."""


class AreaPurpose(StrEnum):
    """What an area of the district is for."""

    NO_STOPPING = "no_stopping"
    """No vehicle may stand here."""
    PARKING = "parking"
    """Vehicles may stand here."""
    WASTE_WATCH = "waste_watch"
    """No waste may lie here."""
    NO_FLY = "no_fly"
    """No drone may fly above."""


@dataclass(frozen=True, slots=True)
class Area:
    """A named piece of the district."""

    name: str
    purpose: AreaPurpose
    ring: Ring


@dataclass(frozen=True, slots=True)
class Road:
    """A street with its centre line; traffic keeps to the right."""

    name: str
    width_m: float
    centre_line: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Surface:
    """A piece of ground made of one material; later ones lie on top."""

    material: str
    ring: Ring
    soft_edge_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Building:
    """A house as an upright box."""

    east_m: float
    north_m: float
    length_m: float
    """East-west size."""
    width_m: float
    """North-south size."""
    height_m: float
    style: int


@dataclass(frozen=True, slots=True)
class Plant:
    """A tree, or a bush where `trunk_m` is zero."""

    east_m: float
    north_m: float
    radius_m: float
    height_m: float
    trunk_m: float
    style: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything about a district that stands still for years."""

    extent_m: tuple[float, float, float, float]
    """West, south, east, north limits of the painted ground."""
    roads: tuple[Road, ...]
    areas: tuple[Area, ...]
    surfaces: tuple[Surface, ...]
    buildings: tuple[Building, ...]
    plants: tuple[Plant, ...]
    clutter: tuple[tuple[float, float, float], ...]
    """Places (east, north, heading) where small real things such as people are painted."""


def rectangle(west: float, south: float, east: float, north: float) -> Ring:
    """Returns the ring of an upright rectangle, anticlockwise from its south-west corner."""
    return ((west, south), (east, south), (east, north), (west, north))


EXTENT_M = (-300.0, -225.0, 300.0, 225.0)

ROADS = (
    Road("main-street", 14.0, ((-300.0, -95.0), (300.0, -95.0))),
    Road("north-street", 10.0, ((-300.0, 90.0), (300.0, 90.0))),
    Road("centre-avenue", 14.0, ((0.0, -225.0), (0.0, 225.0))),
    Road("west-lane", 10.0, ((-190.0, -225.0), (-190.0, 225.0))),
    Road("east-lane", 9.0, ((195.0, -225.0), (195.0, 225.0))),
)

AREAS = (
    Area("main-street-no-stopping", AreaPurpose.NO_STOPPING, rectangle(18, -109, 178, -81)),
    Area("centre-avenue-no-stopping", AreaPurpose.NO_STOPPING, rectangle(-14, -72, 14, 72)),
    Area("north-street-no-stopping", AreaPurpose.NO_STOPPING, rectangle(-170, 78, -25, 102)),
    Area("plaza-parking", AreaPurpose.PARKING, rectangle(122, -52, 182, 44)),
    Area("north-parking", AreaPurpose.PARKING, rectangle(24, 112, 96, 150)),
    Area("east-plot", AreaPurpose.WASTE_WATCH, rectangle(212, -70, 288, 60)),
    Area("west-yard", AreaPurpose.WASTE_WATCH, rectangle(-165, -72, -95, 10)),
    Area("school-yard", AreaPurpose.NO_FLY, rectangle(-290, -60, -205, 60)),
)

_GREEN_BLOCKS = (
    (-300.0, -225.0, -197.0, -104.0),
    (-183.0, -225.0, -9.0, -104.0),
    (9.0, -225.0, 188.0, -104.0),
    (202.0, -225.0, 300.0, -104.0),
    (-300.0, -86.0, -197.0, 83.0),
    (-183.0, -86.0, -9.0, 83.0),
    (9.0, -86.0, 188.0, 83.0),
    (202.0, -86.0, 300.0, 83.0),
    (-300.0, 97.0, -197.0, 225.0),
    (-183.0, 97.0, -9.0, 225.0),
    (9.0, 97.0, 188.0, 225.0),
    (202.0, 97.0, 300.0, 225.0),
)

BUILDINGS = (
    Building(-247.0, 32.0, 62.0, 18.0, 9.0, 0),
    Building(-60.0, 40.0, 70.0, 14.0, 15.0, 1),
    Building(-136.0, 52.0, 58.0, 14.0, 15.0, 1),
    Building(-52.0, -45.0, 14.0, 60.0, 12.0, 2),
    Building(-140.0, -150.0, 60.0, 14.0, 12.0, 2),
    Building(-50.0, -160.0, 50.0, 16.0, 9.0, 0),
    Building(60.0, -150.0, 64.0, 16.0, 15.0, 1),
    Building(140.0, -170.0, 44.0, 18.0, 6.0, 0),
    Building(250.0, -165.0, 40.0, 20.0, 6.0, 2),
    Building(-245.0, 160.0, 60.0, 16.0, 12.0, 1),
    Building(-90.0, 175.0, 80.0, 16.0, 12.0, 2),
    Building(140.0, 170.0, 60.0, 16.0, 15.0, 1),
    Building(250.0, 150.0, 50.0, 24.0, 6.0, 0),
)


def _surfaces() -> tuple[Surface, ...]:
    base = [Surface("grass", rectangle(*EXTENT_M))]
    for road in ROADS:
        (x0, y0), (x1, y1) = road.centre_line
        half = road.width_m / 2 + 3.2
        across = (half, 0.0) if x0 == x1 else (0.0, half)
        base.append(
            Surface(
                "pavement",
                rectangle(x0 - across[0], y0 - across[1], x1 + across[0], y1 + across[1]),
            )
        )
    base += [
        Surface("plaza", rectangle(24, -70, 112, 70)),
        Surface("asphalt", rectangle(122, -52, 182, 44)),
        Surface("asphalt", rectangle(112, -6, 122, 6)),
        Surface("asphalt", rectangle(182, -6, 192, 6)),
        Surface("asphalt", rectangle(24, 112, 96, 150)),
        Surface("asphalt", rectangle(54, 93, 66, 112)),
        Surface("soil", rectangle(210, -72, 290, 62), 2.5),
        Surface("gravel", rectangle(225, -50, 270, -10), 4.0),
        Surface("brick", rectangle(-168, -75, -92, 13)),
        Surface("grass", rectangle(-150, -55, -110, -25), 1.0),
        Surface("plaza", rectangle(-290, -60, -205, 15)),
        Surface("soil", rectangle(-275, -50, -230, -20), 1.5),
        Surface("brick", rectangle(-30, -80, -20, 70)),
        Surface("gravel", rectangle(30, -215, 180, -190), 3.0),
        Surface("soil", rectangle(60, 180, 100, 215), 4.0),
    ]
    for road in ROADS:
        (x0, y0), (x1, y1) = road.centre_line
        half = road.width_m / 2
        across = (half, 0.0) if x0 == x1 else (0.0, half)
        material = "dark_asphalt" if road.name in ("main-street", "west-lane") else "asphalt"
        base.append(
            Surface(
                material, rectangle(x0 - across[0], y0 - across[1], x1 + across[0], y1 + across[1])
            )
        )
    return tuple(base)


def _clear(east: float, north: float, gap_m: float, buildings: tuple[Building, ...]) -> bool:
    """Says whether a plant may stand here: on green, away from houses and paved areas."""
    green = any(
        w + gap_m < east < e - gap_m and s + gap_m < north < n - gap_m
        for w, s, e, n in _GREEN_BLOCKS
    )
    open_ground = (
        (20, -74, 188, 74),
        (20, 97, 100, 154),
        (208, -76, 292, 66),
        (-172, -78, -88, 17),
        (-292, -64, -203, 18),
    )
    free = not any(w < east < e and s < north < n for w, s, e, n in open_ground)
    off_house = all(
        abs(east - b.east_m) > b.length_m / 2 + gap_m
        or abs(north - b.north_m) > b.width_m / 2 + gap_m
        for b in buildings
    )
    return green and free and off_house


def demo_layout() -> Layout:
    """Returns the district of the demo, the same at each call."""
    chance = random.Random(2024)
    plants: list[Plant] = []
    for _ in range(900):
        east, north = chance.uniform(-295, 295), chance.uniform(-220, 220)
        radius = chance.uniform(1.8, 3.6)
        if not _clear(east, north, radius + 1.0, BUILDINGS):
            continue
        if any(abs(p.east_m - east) + abs(p.north_m - north) < 9.0 for p in plants):
            continue
        plants.append(
            Plant(east, north, radius, radius * 1.6 + 2.5, 2.0, chance.randrange(1 << 16))
        )
        if len(plants) >= 150:
            break
    # bushes are the honest look-alikes of waste heaps: some stand inside the watched areas
    for east, north in (
        (216, 40), (282, -15), (244, 52), (-161, -12), (-100, -66), (-128, -38),
        (34, 60), (104, -62), (40, -64), (100, 62), (-213, -48), (-24, -76), (-24, 10),
        (220, 76), (24, 100), (98, 156), (-175, -60), (-88, 20), (206, -30), (30, -112),
    ):  # fmt: skip
        radius = chance.uniform(0.7, 1.4)
        plants.append(
            Plant(float(east), float(north), radius, radius * 1.1, 0.0, chance.randrange(1 << 16))
        )
    clutter = tuple(
        (chance.uniform(w, e), chance.uniform(s, n), chance.uniform(0, 360))
        for (w, s, e, n), count in (
            ((26, -68, 110, 68), 40),
            ((-166, -73, -94, 11), 10),
            ((-288, -58, -207, 12), 14),
            ((212, -70, 288, 60), 6),
            ((-29, -78, -21, 68), 12),
            ((-295, 95.6, 295, 97.6), 20),
            ((-295, -103.5, 295, -102.5), 20),
        )
        for _ in range(count)
    )
    return Layout(EXTENT_M, ROADS, AREAS, _surfaces(), BUILDINGS, tuple(plants), clutter)
