"""Small moves of a path's places, and what a stretch of it sees: the pieces of the polish."""

import math
from collections.abc import Sequence

import numpy as np

from geo.coverage import Place
from geo.sweep_raster import Bools, Floats

_STEPS = (0.25, 0.1, 0.04)
"""How far a place is moved at once, in swaths."""


def near_stretch(
    along: Floats, aside: Floats, length: float | Floats, radius: float, flat_a: bool, flat_b: bool
) -> Bools:
    """Returns what is within a radius of a stretch, given places along and aside of it."""
    half = 0.5 * length
    over = along - half
    np.abs(over, out=over)
    over -= half
    np.maximum(over, 0.0, out=over)
    over *= over
    over += aside * aside
    seen: Bools = over <= radius * radius
    if flat_a:
        seen &= along >= 0.0
    if flat_b:
        seen &= along <= length
    return seen


def candidates(
    chain: Sequence[Place], middle: int, fixed: Sequence[Place], swath_m: float
) -> Floats:
    """Returns the place itself and those to which it may go, along and across its stretches.

    A place that lies upon all of its neighbours has no stretch and stays where it is.
    """
    here = chain[middle]
    found: list[Place] = []
    if fixed:
        u = fixed[0]
        found = [u, (-u[0], -u[1])]
    else:
        for n in (middle - 1, middle + 1):
            if not 0 <= n < len(chain):
                continue
            dx, dy = chain[n][0] - here[0], chain[n][1] - here[1]
            length = math.hypot(dx, dy)
            if length < 1e-6:
                continue
            u = (dx / length, dy / length)
            for d in (u, (-u[0], -u[1]), (-u[1], u[0]), (u[1], -u[0])):
                if all(abs(d[0] - e[0]) + abs(d[1] - e[1]) > 0.2 for e in found):
                    found.append(d)
    shifts = np.array([(d[0] * step, d[1] * step) for step in _STEPS for d in found])
    shifts = shifts.reshape(-1, 2)  # of no direction NumPy makes a list of one dimension
    result: Floats = np.array(here) + np.concatenate([np.zeros((1, 2)), shifts * swath_m])
    return result


def square(middle: Place, half: float) -> tuple[Place, Place]:
    """Returns two opposite corners of a square around a place."""
    return (middle[0] - half, middle[1] - half), (middle[0] + half, middle[1] + half)


def distinct(path: Sequence[Place], i: int, j: int, middle: tuple[Place, ...]) -> tuple[Place, ...]:
    """Returns places to put in without those that repeat a neighbour."""
    left = middle
    if left and i >= 0 and math.dist(left[0], path[i]) < 1e-6:
        left = left[1:]
    if left and j < len(path) and math.dist(left[-1], path[j]) < 1e-6:
        left = left[:-1]
    return left
