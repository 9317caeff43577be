"""What a sweep's path is judged by: its length, and its turns by their angle."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from geo.coverage import Place


@dataclass(frozen=True, slots=True)
class PathPrices:
    """What the path is judged by."""

    swath_m: float
    turn_m: float
    """What a right-angled turn costs, in metres of flight."""


def length_m(path: Sequence[Place]) -> float:
    """Returns the length of a path."""
    return sum(math.dist(a, b) for a, b in pairwise(path))


def turning_m(path: Sequence[Place], turn_m: float) -> float:
    """Returns what all turns of a path cost, by their angle."""
    total = 0.0
    for (ax, ay), (bx, by), (cx, cy) in zip(path, path[1:], path[2:], strict=False):
        ux, uy, vx, vy = bx - ax, by - ay, cx - bx, cy - by
        total += abs(math.atan2(ux * vy - uy * vx, ux * vx + uy * vy))
    return turn_m * total / (math.pi / 2)
