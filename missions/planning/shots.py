"""What a camera sees from a height, and the height, spacing and speed that a wish needs.

Ground resolution is the coarser side of a pixel on level ground, at the picture's centre: for a
camera that looks straight down it is the height over the focal length everywhere.
"""

import math
from dataclasses import dataclass

import numpy as np

from core.errors import ResolutionImpossible
from geo.camera import CameraModel, project_to_ground
from geo.positions import Attitude
from missions.model import CameraMount

LOWEST_M = 10.0
"""Nobody plans a flight lower than this above the ground."""
SLOWEST_M_S = 1.0
"""A survey slower than this is none."""
_FARTHEST_LOOK = 3.0
"""Greatest distance of the picture's centre, in heights."""
_WITHOUT_CAMERA_M = 30.0


@dataclass(frozen=True, slots=True)
class Look:
    """What a camera sees of level ground from a height, looking along the flight."""

    width_m: float
    """Of the nearest line seen, the narrowest; of a camera that looks aside, what lies across the
    flight."""
    ahead_m: float
    """From below the camera to the picture's centre, along its heading."""
    yaw_offset_deg: float
    depth_m: float = 0.0
    """Along the flight, about the picture's centre as far as to its nearest line; 0 without a
    camera."""


@dataclass(frozen=True, slots=True)
class Shutter:
    """How fast a camera takes pictures, and how much blur is still sharp."""

    least_interval_s: float = 1.0
    exposure_s: float = 1 / 500
    most_blur_px: float = 1.0


@dataclass(frozen=True, slots=True)
class Shots:
    """How to fly so that pictures have a wanted resolution and overlap."""

    height_m: float
    """Above the ground."""
    resolution_m_per_px: float
    lane_spacing_m: float
    trigger_m: float
    """Way between two pictures."""
    speed_m_s: float


def look(mount: CameraMount | None, height_m: float) -> Look:
    """Returns what a mounted camera sees from a height above the ground."""
    if mount is None:
        return Look(_WITHOUT_CAMERA_M, 0.0, 0.0)
    model = mount.model
    u = np.array([-0.5, model.width_px - 0.5, model.cx_px])
    v = np.array([model.height_px - 0.5, model.height_px - 0.5, model.cy_px])
    places = project_to_ground(model, Attitude(0.0, mount.pitch_deg), height_m, u, v)
    width, ahead = float(places[0, 1] - places[0, 0]), float(places[1, 2])
    if not math.isfinite(width):  # it looks above the horizon: as good as no camera
        return Look(_WITHOUT_CAMERA_M, 0.0, 0.0)
    ahead = ahead if math.isfinite(ahead) else math.inf
    ahead = min(ahead, _FARTHEST_LOOK * height_m)
    depth = 2 * max(0.0, ahead - float(np.mean(places[1, :2])))
    across, along = _turned(width, depth, mount.yaw_offset_deg)
    return Look(across, ahead, mount.yaw_offset_deg, along)


def _turned(width: float, depth: float, yaw_offset_deg: float) -> tuple[float, float]:
    """Returns how wide a picture is across the flight, and along it, through its middle."""
    c, s = abs(math.cos(math.radians(yaw_offset_deg))), abs(math.sin(math.radians(yaw_offset_deg)))
    tiny = 1e-9
    across = min(width / max(c, tiny), depth / max(s, tiny))
    along = min(depth / max(c, tiny), width / max(s, tiny))
    return across, along


def resolution_m_per_px(mount: CameraMount, height_m: float) -> float:
    """Returns the ground resolution at the picture's centre from a height above the ground.

    Infinite for a camera that looks at or above the horizon.
    """
    down = math.sin(math.radians(-mount.pitch_deg))
    if down <= 1e-6:
        return math.inf
    return height_m / _pixels_per_unit(mount.model, down)


def height_for_m(mount: CameraMount, resolution: float) -> float:
    """Returns the greatest height above the ground that still has a resolution in m per pixel."""
    down = math.sin(math.radians(-mount.pitch_deg))
    return resolution * _pixels_per_unit(mount.model, down) if down > 1e-6 else 0.0


def _pixels_per_unit(model: CameraModel, down: float) -> float:
    return min(model.fx_px * down, model.fy_px * down**2)


def speed_limit_m_s(resolution: float, trigger_m: float, shutter: Shutter) -> float:
    """Returns the greatest speed at which pictures come fast enough and stay sharp."""
    by_interval = trigger_m / shutter.least_interval_s if shutter.least_interval_s > 0 else math.inf
    by_blur = (
        shutter.most_blur_px * resolution / shutter.exposure_s
        if shutter.exposure_s > 0
        else math.inf
    )
    return min(by_interval, by_blur)


def shots(
    mount: CameraMount,
    resolution: float,
    *,
    side_overlap: float,
    front_overlap: float,
    cruise_m_s: float,
    highest_m: float = math.inf,
    lowest_m: float = LOWEST_M,
    shutter: Shutter | None = None,
) -> Shots:
    """Returns how to fly for pictures of at least a resolution, with these overlaps.

    Args:
        mount: the camera.
        resolution: greatest metres of ground per pixel.
        side_overlap: of neighbouring lanes, 0 to below 1.
        front_overlap: of pictures along a lane, 0 to below 1.
        cruise_m_s: greatest speed of the aircraft.
        highest_m: above the ground; a lower flight only sees finer.
        lowest_m: above the ground.
        shutter: of the camera; a usual one by default.

    Raises:
        ResolutionImpossible: if no height or speed gives it; the message says what would do.
    """
    shutter = shutter or Shutter()
    for name, part in (("side", side_overlap), ("front", front_overlap)):
        if not 0 <= part < 1:
            raise ResolutionImpossible(
                f"a {name} overlap of {part:g} leaves no way between pictures",
                cure="give 0 to below 1, such as 0.7",
            )
    height = min(highest_m, height_for_m(mount, resolution)) if resolution > 0 else 0.0
    if not math.isfinite(height):
        raise ResolutionImpossible(
            f"{resolution:g} m per pixel sets no height", cure="give a finite resolution"
        )
    if height < lowest_m or highest_m < lowest_m:
        finest = resolution_m_per_px(mount, lowest_m)
        wanted = f"{resolution:g} m per pixel needs a height of {height:.1f} m"
        room = f", the flight may be {lowest_m:.0f} to {highest_m:.0f} m high"
        cure = f"ask for {_up(finest):g} m per pixel or coarser, or take a longer lens"
        if not math.isfinite(finest):
            cure = "tilt the camera below the horizon"
        elif highest_m < lowest_m:
            cure = "raise the ceiling or the patrol's altitude"
        raise ResolutionImpossible(wanted + room, cure=cure)
    seen = look(mount, height)
    reached = resolution_m_per_px(mount, height)
    trigger = (seen.depth_m or seen.width_m) * (1.0 - front_overlap)
    speed = min(cruise_m_s, speed_limit_m_s(reached, trigger, shutter))
    if speed < min(SLOWEST_M_S, cruise_m_s):
        by_blur = SLOWEST_M_S * shutter.exposure_s / shutter.most_blur_px
        by_way = SLOWEST_M_S * shutter.least_interval_s / trigger * reached
        raise ResolutionImpossible(
            f"{resolution:g} m per pixel stays sharp and overlapping only below {speed:.2f} m/s",
            cure=f"ask for {_up(max(by_blur, by_way)):g} m per pixel or coarser,"
            " a shorter exposure or less overlap",
        )
    return Shots(height, reached, seen.width_m * (1.0 - side_overlap), trigger, speed)


def _up(value: float) -> float:
    """Returns a value rounded up to three digits, so that what is said would do."""
    if value <= 0 or not math.isfinite(value):
        return value
    step = 10.0 ** (math.floor(math.log10(value)) - 2)
    return math.ceil(value / step - 1e-9) * step
