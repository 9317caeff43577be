"""How high, how fast and with which pictures a pattern is flown for its wanted resolution."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from shapely.geometry.base import BaseGeometry

from core.errors import ResolutionImpossible
from missions.model import Asset, CameraMount, Patrol, Pattern
from missions.planning.shots import LOWEST_M, Shots, Shutter, look, shots
from missions.planning.terrain_following import Ground

_SAMPLES = 16
_LEAST_SPACING_M = 5.0


@dataclass(frozen=True, slots=True)
class Relief:
    """The lowest and the highest ground of an area, above home."""

    low_m: float = 0.0
    high_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Shooting:
    """What a pattern is flown with."""

    spacing_m: float
    speed_m_s: float
    trigger_m: float | None = None
    resolution_m_per_px: float | None = None


def relief(shapes: Sequence[BaseGeometry], ground: Ground) -> Relief:
    """Returns the lowest and highest ground on a grid over the bounds of shapes."""
    low, high = math.inf, -math.inf
    for shape in shapes:
        west, south, east, north = shape.bounds
        e, n = np.meshgrid(np.linspace(west, east, _SAMPLES), np.linspace(south, north, _SAMPLES))
        heights = ground(e.ravel(), n.ravel())
        low, high = min(low, float(heights.min())), max(high, float(heights.max()))
    return Relief(low, high) if low <= high else Relief()


def wanted_height_m(patrol: Patrol, asset: Asset, altitude_m: float, ground: Relief) -> float:
    """Returns the height above the ground that a patrol wants, its altitude the highest.

    Without terrain following this is over the lowest ground, and the highest ground must leave
    room under the same height above home.

    Args:
        patrol: with or without a wanted resolution.
        asset: carries the camera.
        altitude_m: of the patrol: above the ground where it follows it, else above home.
        ground: under what is watched.

    Raises:
        ResolutionImpossible: if no height gives the wanted resolution.
    """
    highest = altitude_m if patrol.terrain_following else altitude_m - ground.low_m
    if patrol.resolution_m_per_px is None:
        return highest
    mount = _camera(asset)
    uneven = 0.0 if patrol.terrain_following else ground.high_m - ground.low_m
    lowest = LOWEST_M + uneven
    try:
        if patrol.pattern is Pattern.ORBIT:
            return _orbit_height_m(mount, patrol, lowest, highest)
        return _shots(patrol, asset, lowest, highest).height_m
    except ResolutionImpossible as error:
        if uneven > 1.0:
            error.cure += f"; or follow the terrain: the ground differs by {uneven:.0f} m there"
        raise


def shooting(patrol: Patrol, asset: Asset, height_m: float) -> Shooting:
    """Returns lane spacing, speed and picture spacing at a height above the ground.

    Raises:
        ResolutionImpossible: if the wanted resolution can't be had at that height or lower.
    """
    seen = look(asset.camera, max(LOWEST_M, height_m))
    side = 1.0 - patrol.overlap_fraction
    if patrol.resolution_m_per_px is None:
        return Shooting(max(_LEAST_SPACING_M, seen.width_m * side), asset.cruise_m_s)
    if patrol.pattern in (Pattern.ORBIT, Pattern.PLACES):
        return Shooting(seen.width_m * side, asset.cruise_m_s)
    found = _shots(patrol, asset, min(LOWEST_M, height_m), height_m)
    return Shooting(
        max(1.0, found.lane_spacing_m), found.speed_m_s, found.trigger_m, found.resolution_m_per_px
    )


def _shots(patrol: Patrol, asset: Asset, lowest_m: float, highest_m: float) -> Shots:
    assert patrol.resolution_m_per_px is not None
    return shots(
        _camera(asset),
        patrol.resolution_m_per_px,
        side_overlap=patrol.overlap_fraction,
        front_overlap=patrol.front_overlap_fraction,
        cruise_m_s=asset.cruise_m_s,
        highest_m=highest_m,
        lowest_m=lowest_m,
        shutter=Shutter(),
    )


def _camera(asset: Asset) -> CameraMount:
    if asset.camera is None:
        raise ResolutionImpossible(
            "the asset has no camera", where=asset.name, cure="give it one, or no resolution"
        )
    return asset.camera


def _orbit_height_m(mount: CameraMount, patrol: Patrol, lowest_m: float, highest_m: float) -> float:
    """Returns the greatest height at which the middle of a circle has the wanted resolution.

    From a height h and a radius r a pixel covers (r² + h²) / (f h) metres at its coarser side.
    """
    wanted, r = patrol.resolution_m_per_px or 0.0, patrol.radius_m
    f = min(mount.model.fx_px, mount.model.fy_px)
    root = (wanted * f) ** 2 - 4 * r**2
    if root < 0:
        raise ResolutionImpossible(
            f"{wanted:g} m per pixel can't be had from a circle of {r:g} m",
            cure=f"take a radius of {math.floor(wanted * f * 5) / 10:g} m or less,"
            f" or {math.ceil(2 * r / f * 1e4) / 1e4:g} m per pixel",
        )
    low, high = (wanted * f - math.sqrt(root)) / 2, (wanted * f + math.sqrt(root)) / 2
    height = min(high, highest_m)
    if height < max(low, lowest_m):
        raise ResolutionImpossible(
            f"{wanted:g} m per pixel needs a height of {low:.0f} to {high:.0f} m,"
            f" the flight may be {lowest_m:.0f} to {highest_m:.0f} m high",
            cure="change the radius, the altitude or the resolution",
        )
    return height


def place_distance_m(patrol: Patrol, asset: Asset, height_m: float) -> float:
    """Returns from how far away a place is looked at, so that it is in the picture's middle."""
    if asset.camera is None:
        return 0.0
    return look(asset.camera, max(LOWEST_M, height_m)).ahead_m
