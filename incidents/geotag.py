"""From a box in a picture to a place on the ground with its error, or why there is none.

Which pixel is the thing's place? Seen steeply, the middle of the box is the middle of the
thing, at half its height. Seen flatly, the lower edge is the near side of the thing's foot,
and its middle lies half its depth further on. The height spoils the first (by h / 2 tan d),
the unknown depth the second; they are about equally wrong at a depression of 30 degrees, so
the place slides from the one to the other between 30 and 60 degrees.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from core.errors import DatumUnknown
from core.refusals import Refusal, RefusalCode
from geo.camera import (
    CameraModel,
    ground_covariances,
    ground_errors,
    project_to_ground,
    rotation,
)
from geo.datums import height_above_ground_m
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.positions import Altitude, Covariance, Datum, GroundPoint, Pose
from incidents.model import Sighting
from vision.model import Box, Detection, Frame

Floats = NDArray[np.float64]

FLAT_DEG, STEEP_DEG = 30.0, 60.0
"""Below the first the lower edge alone counts, above the second the middle alone."""

RELIEF = 0.005
"""One sigma of how the ground near a camera departs from level, per metre of distance."""

_POSE_GAP = timedelta(milliseconds=200)
_BORDER_PX = 1.5


@dataclass(frozen=True, slots=True)
class ThingSize:
    """How large a kind of thing usually is; one sigma beside each."""

    height_m: float
    height_sigma_m: float
    depth_m: float
    """Along the view, averaged over all directions: (length + width) 2 / pi for a rectangle."""
    depth_sigma_m: float


SIZES: Mapping[str, ThingSize] = {
    "car": ThingSize(1.5, 0.3, 4.0, 0.9),
    "van": ThingSize(2.0, 0.4, 4.6, 1.1),
    "minibus": ThingSize(2.5, 0.4, 5.5, 1.4),
    "truck": ThingSize(3.0, 0.6, 6.0, 1.8),
    "bus": ThingSize(3.1, 0.3, 9.0, 3.0),
    "motorcycle": ThingSize(1.2, 0.3, 1.8, 0.4),
    "person": ThingSize(1.7, 0.2, 0.5, 0.1),
    "waste": ThingSize(0.6, 0.4, 2.5, 1.0),
}
OTHER_SIZE = ThingSize(1.0, 0.6, 2.5, 1.2)
"""Of a label that is not in the table."""


@dataclass(frozen=True, slots=True)
class GeotagLimits:
    """What is refused."""

    greatest_distance_m: float = 400.0
    """Slant distance of camera and thing."""
    greatest_ce90_m: float = 25.0
    greatest_refinements: int = 3
    """How often the ground's height is looked up anew at the place found."""


GEOTAG_LIMITS = GeotagLimits()


@dataclass(frozen=True, slots=True)
class GroundPlaces:
    """The places of n pixels, as arrays; NaN where a ray does not meet the ground."""

    lat_deg: Floats
    lon_deg: Floats
    covariance_m2: Floats
    """(3, n): ee, nn, en."""
    slant_m: Floats
    depression_deg: Floats


def ground_places(
    camera: CameraModel,
    pose: Pose,
    height_m: float,
    u_px: Floats,
    v_px: Floats,
    *,
    ground_sigma_m: float = 0.0,
) -> GroundPlaces:
    """Returns places and covariances of many pixels of one picture on level ground.

    Args:
        camera: the lens.
        pose: where the camera was.
        height_m: of the camera above that ground.
        u_px: columns (n,).
        v_px: rows (n,).
        ground_sigma_m: one-sigma error of the ground's height.
    """
    places, covariance = ground_covariances(
        camera,
        pose.attitude,
        height_m,
        u_px,
        v_px,
        pose.sigma,
        ground_sigma_m=ground_sigma_m,
        velocity_en_m_s=(pose.east_m_s, pose.north_m_s),
        yaw_rate_deg_s=pose.yaw_rate_deg_s,
    )
    lat, lon = LocalFrame(pose.position.lat_deg, pose.position.lon_deg).to_geo_deg(*places)
    flat = np.hypot(*places)
    return GroundPlaces(
        lat, lon, covariance, np.hypot(flat, height_m), np.degrees(np.arctan2(height_m, flat))
    )


def geotag(
    detection: Detection,
    frame: Frame,
    camera: CameraModel,
    pose: Pose,
    terrain: TerrainModel,
    home_altitude: Altitude | None = None,
    limits: GeotagLimits = GEOTAG_LIMITS,
) -> Sighting | Refusal:
    """Returns where a detected thing stands, or why that can't be said.

    Args:
        detection: what was found, in pixels of `frame`.
        frame: the picture; its size may be another than the camera's at the same shape.
        camera: the lens.
        pose: the camera's pose at the frame's instant.
        terrain: the ground.
        home_altitude: of the take-off place, needed where the pose counts from it.
        limits: what is refused.
    """
    return geotag_frame((detection,), frame, camera, pose, terrain, home_altitude, limits)[0]


def geotag_frame(
    detections: Sequence[Detection],
    frame: Frame,
    camera: CameraModel,
    pose: Pose,
    terrain: TerrainModel,
    home_altitude: Altitude | None = None,
    limits: GeotagLimits = GEOTAG_LIMITS,
) -> tuple[Sighting | Refusal, ...]:
    """Returns, for each detection of a frame, its place or why there is none.

    The arguments are those of `geotag`.
    """
    if not detections:
        return ()
    whole = _whole_frame(frame, camera, pose, terrain, home_altitude)
    if isinstance(whole, Refusal):
        return (whole,) * len(detections)
    camera, height_m = whole
    boxes = [d.box for d in detections]
    sizes = [SIZES.get(d.label, OTHER_SIZE) for d in detections]
    heights = np.full(len(boxes), float(height_m))
    located = _locate(camera, pose, heights, boxes, sizes, terrain)
    for _ in range(limits.greatest_refinements):
        moved = _ground_under(located.places_m, height_m, pose, terrain)
        moved[np.isnan(heights)] = np.nan  # off the terrain once, off it for good
        if np.all((np.abs(moved - heights) < 0.1) | np.isnan(heights)):
            break
        heights = moved
        located = _locate(camera, pose, heights, boxes, sizes, terrain)
    return tuple(
        _sighting(detection, frame, pose, located, i, limits)
        for i, detection in enumerate(detections)
    )


def _whole_frame(
    frame: Frame,
    camera: CameraModel,
    pose: Pose,
    terrain: TerrainModel,
    home_altitude: Altitude | None,
) -> tuple[CameraModel, float] | Refusal:
    """Returns the camera at the frame's size and its height, or why no box has a place."""
    if abs(pose.at - frame.captured_at) > _POSE_GAP:
        return Refusal(RefusalCode.NO_POSE, "the pose is of another instant than the frame")
    height_px, width_px = frame.image.shape[:2]
    fitted = resized(camera, width_px, height_px)
    if isinstance(fitted, Refusal):
        return fitted
    try:
        height_m = height_above_ground_m(pose.position, terrain, home_altitude)
    except DatumUnknown as error:
        return Refusal(RefusalCode.UNKNOWN_DATUM, str(error))
    if height_m <= 0:
        return Refusal(RefusalCode.BAD_TELEMETRY, "the camera is said to be below the ground")
    return fitted, height_m


def resized(camera: CameraModel, width_px: int, height_px: int) -> CameraModel | Refusal:
    """Returns the camera for pictures of another size and the same shape.

    A picture of another shape was cropped in a way that nobody told, so it is refused.
    """
    if (width_px, height_px) == (camera.width_px, camera.height_px):
        return camera
    scale = width_px / camera.width_px
    if abs(height_px / camera.height_px / scale - 1) > 0.01:
        return Refusal(
            RefusalCode.UNKNOWN_CAMERA, "the picture has another shape than the camera's"
        )
    return replace(
        camera,
        width_px=width_px,
        height_px=height_px,
        fx_px=camera.fx_px * scale,
        fy_px=camera.fy_px * scale,
        cx_px=(camera.cx_px + 0.5) * scale - 0.5,
        cy_px=(camera.cy_px + 0.5) * scale - 0.5,
        sigma_px=camera.sigma_px * scale,
    )


@dataclass(frozen=True, slots=True)
class _Located:
    places_m: Floats
    """(2, n): east and north of the camera."""
    shared_m: Floats
    """(8, 2, n): position east, position north, yaw, pitch, roll, height, time, shape."""
    pixel_m: Floats
    """(2, 2, n)."""
    heights_m: Floats


def _locate(
    camera: CameraModel,
    pose: Pose,
    heights_m: Floats,
    boxes: Sequence[Box],
    sizes: Sequence[ThingSize],
    terrain: TerrainModel,
) -> _Located:
    """Returns the places of things; every box has its own height above its own ground."""
    n = len(boxes)
    middle = np.array([box.centre_px for box in boxes]).T
    foot = np.array([box.ground_contact_px for box in boxes]).T
    size = np.array([[s.height_m, s.height_sigma_m, s.depth_m, s.depth_sigma_m] for s in sizes]).T
    # the projection is linear in the height: one pass at 1 m serves every box's own ground
    d = rotation(pose.attitude) @ camera.rays(*middle)
    depression = np.degrees(np.arctan2(d[2], np.hypot(d[0], d[1])))
    steep = np.clip((depression - FLAT_DEG) / (STEEP_DEG - FLAT_DEG), 0.0, 1.0)
    if abs(pose.attitude.roll_deg) > 45:
        steep = np.ones(n)  # the lower edge of a picture on its side is no foot
    from_middle = project_to_ground(camera, pose.attitude, 1.0, *middle)
    from_foot = project_to_ground(camera, pose.attitude, 1.0, *foot)
    flat = np.hypot(*from_foot)
    with np.errstate(invalid="ignore", divide="ignore"):
        onward = np.where(flat > 1e-6, from_foot / flat, 0.0)
    by_middle = from_middle * (heights_m - size[0] / 2)
    by_foot = from_foot * heights_m + onward * size[2] / 2
    # a box whose middle is above the horizon may still stand on its foot
    places = np.where(steep > 0, steep * by_middle + (1 - steep) * by_foot, by_foot)
    # errors are those of the ray to the place itself: a pixel between middle and foot
    share = np.where(np.isnan(from_middle[0]), 0.0, steep)
    u, v = share * middle + (1 - share) * foot
    unit = ground_errors(camera, pose.attitude, 1.0, u, v, pose.sigma)
    azimuth = np.arctan2(d[1], d[0])
    along = np.stack([np.sin(azimuth), np.cos(azimuth)])
    with np.errstate(divide="ignore"):
        by_height = size[1] / 2 / np.tan(np.radians(np.clip(depression, 1.0, 90.0)))
    cut = np.array([_cut(box, camera) for box in boxes])
    shape_sigma = np.where(cut, size[2] / 2, np.hypot(steep * by_height, (1 - steep) * size[3] / 2))
    # yaw, pitch, roll and pixels grow with the height; errors of height and time do not
    by_angles = unit.shared_m[:3] * heights_m
    ground_sigma = np.full(n, terrain.sigma_m)
    if pose.position.altitude.datum is Datum.GROUND:
        # counted from the ground itself, the camera's height owes the terrain nothing but relief
        ground_sigma = np.minimum(ground_sigma, RELIEF * np.hypot(*places))
    by_vertical = unit.places_m * np.hypot(pose.sigma.vertical_m, ground_sigma)
    turn = unit.shared_m[0] / np.radians(pose.sigma.yaw_deg) if pose.sigma.yaw_deg else 0.0
    velocity = np.array([[pose.east_m_s], [pose.north_m_s]])
    by_time = (turn * heights_m * np.radians(pose.yaw_rate_deg_s) + velocity) * pose.sigma.time_s
    still = np.full(n, pose.sigma.horizontal_m)
    shared = np.stack(
        [
            np.stack([still, np.zeros(n)]),
            np.stack([np.zeros(n), still]),
            *by_angles,
            by_vertical,
            by_time,
            along * shape_sigma,
        ]
    )
    return _Located(places, shared, unit.pixel_m * heights_m, heights_m)


def _cut(box: Box, camera: CameraModel) -> bool:
    """Returns whether the picture's border may have cut the thing."""
    return (
        box.x_px <= _BORDER_PX
        or box.y_px <= _BORDER_PX
        or box.x_px + box.width_px >= camera.width_px - 1 - _BORDER_PX
        or box.y_px + box.height_px >= camera.height_px - 1 - _BORDER_PX
    )


def _ground_under(places_m: Floats, height_m: float, pose: Pose, terrain: TerrainModel) -> Floats:
    """Returns the camera's height above the ground at each place, NaN where it is unknown."""
    position = pose.position
    frame = LocalFrame(position.lat_deg, position.lon_deg)
    lat, lon = frame.to_geo_deg(*places_m)
    try:
        here = terrain.elevation(position.lat_deg, position.lon_deg)
    except DatumUnknown:
        return np.full(places_m.shape[1], float(height_m))  # the pose counts from the ground itself
    heights = np.full(places_m.shape[1], float(height_m))
    for i in np.flatnonzero(np.isfinite(lat)):
        try:
            there = terrain.elevation(float(lat[i]), float(lon[i]))
        except DatumUnknown:
            heights[i] = np.nan
            continue
        heights[i] = height_m + here.metres - there.metres
    return heights


def _sighting(
    detection: Detection,
    frame: Frame,
    pose: Pose,
    located: _Located,
    i: int,
    limits: GeotagLimits,
) -> Sighting | Refusal:
    east, north = (float(x) for x in located.places_m[:, i])
    if not (np.isfinite(east) and np.isfinite(north)):
        if np.isnan(located.heights_m[i]):
            return Refusal(RefusalCode.UNKNOWN_DATUM, "the ground's height is not known there")
        return Refusal(RefusalCode.ABOVE_HORIZON, "the ray does not meet the ground")
    slant_m = float(np.hypot(np.hypot(east, north), located.heights_m[i]))
    if slant_m > limits.greatest_distance_m:
        return Refusal(
            RefusalCode.TOO_FAR,
            f"{slant_m:.0f} m away, more than {limits.greatest_distance_m:.0f} m",
        )
    shared = located.shared_m[:, :, i]
    shifts = np.concatenate([shared, located.pixel_m[:, :, i]])
    c = shifts.T @ shifts
    covariance = Covariance(float(c[0, 0]), float(c[1, 1]), float(c[0, 1]))
    if not covariance.ce90_m <= limits.greatest_ce90_m:
        return Refusal(
            RefusalCode.TOO_UNCERTAIN,
            f"known to {covariance.ce90_m:.0f} m only, more than {limits.greatest_ce90_m:.0f} m",
        )
    camera_at = LocalFrame(pose.position.lat_deg, pose.position.lon_deg)
    lat, lon = camera_at.to_geo1_deg(east, north)
    return Sighting(
        at=frame.captured_at,
        media_time_s=frame.media_time_s,
        point=GroundPoint(lat, lon, covariance),
        confidence=detection.confidence,
        label=detection.label,
        shared=tuple((float(e), float(n)) for e, n in shared),
        view_m=(east, north, float(located.heights_m[i])),
    )
