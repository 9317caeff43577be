"""Random small scenes for training a network: dense, varied, never the demo district.

They use the training pictures only. A scene is a patch of 120 x 120 m with random ground,
streets, many vehicles and heaps, look-alikes, and a random camera of a drone or a patrol car.
"""

import math
import random
from dataclasses import dataclass

from sim.projection import CameraPose, Pinhole
from sim.render_sensor import Sensor
from sim.world import SIZES_M, Stand, Thing, World
from sim.world_layout import (
    Area,
    AreaPurpose,
    Building,
    Layout,
    Plant,
    Road,
    Surface,
    rectangle,
)

_HALF_M = 60.0
_MATERIALS = (
    "asphalt",
    "dark_asphalt",
    "pavement",
    "plaza",
    "brick",
    "soil",
    "gravel",
    "grass",
    "roof",
)


@dataclass(frozen=True, slots=True)
class PracticeView:
    """One camera in a practice scene."""

    camera: Pinhole
    pose: CameraPose
    sensor: Sensor


def practice_world(seed: int) -> World:
    """Returns a random scene; the same seed gives the same one."""
    chance = random.Random(seed)
    roads = _roads(chance)
    surfaces = [Surface(chance.choice(_MATERIALS), rectangle(-_HALF_M, -_HALF_M, _HALF_M, _HALF_M))]
    for _ in range(chance.randint(3, 8)):
        w, s = chance.uniform(-70, 40), chance.uniform(-70, 40)
        ring = rectangle(w, s, w + chance.uniform(8, 60), s + chance.uniform(8, 60))
        surfaces.append(
            Surface(chance.choice(_MATERIALS), ring, chance.choice((0.0, 0.0, 2.0, 5.0)))
        )
    for road in roads:
        (x0, y0), (x1, _) = road.centre_line
        for material, half in (
            (chance.choice(("pavement", "brick", "plaza", "grass")), road.width_m / 2 + 3),
            (chance.choice(("asphalt", "dark_asphalt")), road.width_m / 2),
        ):
            ring = (
                rectangle(x0 - half, -_HALF_M, x0 + half, _HALF_M)
                if x0 == x1
                else rectangle(-_HALF_M, y0 - half, _HALF_M, y0 + half)
            )
            surfaces.append(Surface(material, ring))
    areas: tuple[Area, ...] = ()
    if chance.random() < 0.4:
        w, s = chance.uniform(-55, 10), chance.uniform(-55, 10)
        areas = (Area("bays", AreaPurpose.PARKING, rectangle(w, s, w + 36, s + 44)),)
    taken: list[tuple[float, float, float]] = []
    things = _things(chance, roads, taken)
    plants = tuple(_plants(chance, taken))
    houses = tuple(
        Building(
            sx * chance.uniform(46, 56),
            chance.uniform(-40, 40),
            chance.uniform(8, 16),
            chance.uniform(10, 40),
            chance.uniform(4, 15),
            chance.randrange(64),
        )
        for sx in (-1, 1)
        if chance.random() < 0.45
    )
    clutter = tuple(
        (chance.uniform(-58, 58), chance.uniform(-58, 58), chance.uniform(0, 360))
        for _ in range(90)
    )
    layout = Layout(
        (-_HALF_M, -_HALF_M, _HALF_M, _HALF_M),
        roads,
        areas,
        tuple(surfaces),
        houses,
        plants,
        clutter,
    )
    return World(seed, layout, tuple(things))


def _roads(chance: random.Random) -> tuple[Road, ...]:
    roads = []
    if chance.random() < 0.8:
        y = chance.uniform(-25, 25)
        roads.append(Road("a", chance.uniform(7, 15), ((-_HALF_M, y), (_HALF_M, y))))
    if chance.random() < 0.5:
        x = chance.uniform(-25, 25)
        roads.append(Road("b", chance.uniform(7, 15), ((x, -_HALF_M), (x, _HALF_M))))
    return tuple(roads)


def _free(taken: list[tuple[float, float, float]], x: float, y: float, radius: float) -> bool:
    if any(math.hypot(x - a, y - b) < radius + r for a, b, r in taken):
        return False
    taken.append((x, y, radius))
    return True


def _things(
    chance: random.Random, roads: tuple[Road, ...], taken: list[tuple[float, float, float]]
) -> list[Thing]:
    things: list[Thing] = []
    wanted = [("vehicle", chance.randint(10, 34)), ("waste", chance.randint(6, 14))]
    for group, count in wanted:
        for _ in range(count * 3):
            if sum((thing.kind == "waste") == (group == "waste") for thing in things) >= count:
                break
            kind = (
                "waste"
                if group == "waste"
                else chance.choices(("car", "truck", "bus", "minibus"), (10, 3, 3, 4))[0]
            )
            length, width, height = SIZES_M[kind]
            heading = chance.choice((0.0, 90.0, 180.0, 270.0)) + chance.gauss(0, 4)
            x, y = chance.uniform(-52, 52), chance.uniform(-52, 52)
            if group == "vehicle" and roads and chance.random() < 0.5:
                road = chance.choice(roads)
                side = chance.choice((-1, 1)) * chance.choice(
                    (road.width_m / 2 - 1.2, road.width_m * 0.2, road.width_m / 2 + 1.5)
                )
                if road.centre_line[0][1] == road.centre_line[1][1]:
                    y, heading = road.centre_line[0][1] + side, 90 + 180 * chance.randrange(2)
                else:
                    x, heading = road.centre_line[0][0] + side, 180.0 * chance.randrange(2)
            elif chance.random() < 0.3:
                heading = chance.uniform(0, 360)
            spread = chance.uniform(0.5, 1.5) if kind == "waste" else chance.uniform(0.88, 1.12)
            low = chance.uniform(0.8, 1.25)
            # side by side as in a car park for some, else well apart
            gap = (
                0.33 if chance.random() < 0.35 and kind == "car" else 0.55
            ) * length * spread + 0.3
            if not _free(taken, x, y, gap):
                continue
            things.append(
                Thing(
                    f"{kind}-{len(things)}",
                    kind,
                    length * spread,
                    width * spread * chance.uniform(0.92, 1.08),
                    height * spread * low,
                    chance.randrange(1 << 16),
                    Stand(x, y, heading % 360),
                )
            )
    return things


def _plants(chance: random.Random, taken: list[tuple[float, float, float]]) -> list[Plant]:
    plants = []
    for _ in range(chance.randint(4, 34)):
        bush = chance.random() < 0.55
        radius = chance.uniform(0.5, 1.6) if bush else chance.uniform(1.5, 3.6)
        x, y = chance.uniform(-56, 56), chance.uniform(-56, 56)
        if _free(taken, x, y, radius * 0.8):
            tall = radius * chance.uniform(0.9, 1.5) if bush else radius * 1.6 + 2.5
            plants.append(
                Plant(x, y, radius, tall, 0.0 if bush else 2.0, chance.randrange(1 << 16))
            )
    return plants


def practice_view(world: World, seed: int) -> PracticeView:
    """Returns a random camera in a practice scene: two of five views are a patrol car's."""
    chance = random.Random(seed)
    from_car = chance.random() < 0.42
    camera = Pinhole.from_field_of_view(
        1280, 720, chance.uniform(68, 82) if from_car else chance.uniform(55, 70)
    )
    sensor = Sensor(
        blur_px=chance.choice((0.5, 0.65, 0.65, 0.85, 1.2)),
        noise_levels=round(chance.uniform(0.5, 5.0), 1),
        exposure=chance.uniform(0.65, 1.3),
        exposure_drift=0.0,
        contrast=chance.uniform(0.75, 1.25),
        warmth=chance.uniform(-0.08, 0.08),
        jpeg_quality=chance.randint(35, 95),
    )
    if from_car:
        aim = chance.choice(world.things)
        assert isinstance(aim.motion, Stand)
        away, angle = chance.uniform(6, 26), chance.uniform(0, 360)
        x = aim.motion.east_m - away * math.sin(math.radians(angle))
        y = aim.motion.north_m - away * math.cos(math.radians(angle))
        pose = CameraPose(
            x,
            y,
            chance.uniform(1.7, 3.0),
            angle + chance.gauss(0, 14),
            chance.uniform(-17, -6),
            chance.gauss(0, 1.0),
        )
        return PracticeView(camera, pose, sensor)
    pitch = -chance.uniform(38, 90)
    up = chance.uniform(35, 85) * (0.75 if pitch > -50 else 1.0)
    yaw = chance.uniform(0, 360)
    reach = up / math.tan(math.radians(-pitch))
    x = chance.uniform(-18, 18) - reach * math.sin(math.radians(yaw))
    y = chance.uniform(-18, 18) - reach * math.cos(math.radians(yaw))
    return PracticeView(camera, CameraPose(x, y, up, yaw, pitch, chance.gauss(0, 1.5)), sensor)
