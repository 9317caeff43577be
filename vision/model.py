"""The currency of vision: frames, boxes, detections, tracks. All in pixels.

Pixel (0, 0) is the centre of the upper left pixel; x goes right, y goes down.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from core.ids import CameraId, TrackId

Image = NDArray[np.uint8]
"""A picture of shape (height, width, 3), uint8, channels blue, green, red."""

Homography = NDArray[np.float64]
"""A 3x3 matrix that takes homogeneous pixels of one frame to pixels of another."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of one camera at one instant."""

    camera_id: CameraId
    sequence: int
    """Counts frames of this camera from 0; gaps mean dropped frames."""
    captured_at: datetime
    """Instant of exposure, aware UTC."""
    image: Image
    media_time_s: float = 0.0
    """Seconds from the start of the medium (video time stamp); names the place in a clip."""
    name: str = ""
    """File name where each frame is a file of its own, else empty."""


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-parallel rectangle in pixels: left, top, width, height."""

    x_px: float
    y_px: float
    width_px: float
    height_px: float

    @property
    def centre_px(self) -> tuple[float, float]:
        """The middle of the box as (x, y)."""
        return self.x_px + self.width_px / 2, self.y_px + self.height_px / 2

    @property
    def ground_contact_px(self) -> tuple[float, float]:
        """The middle of the lower edge, where an upright thing meets the ground."""
        return self.x_px + self.width_px / 2, self.y_px + self.height_px

    @property
    def area_px2(self) -> float:
        """The area in square pixels."""
        return self.width_px * self.height_px


@dataclass(frozen=True, slots=True)
class Detection:
    """What one network said of one place in one frame."""

    label: str
    """One of the model's classes: car, truck, bus, minibus, motorcycle, person, waste…"""
    confidence: float
    """0..1, as the model gives it."""
    box: Box
    model: str = ""
    """Name and version of the model that spoke, kept with the evidence."""


@dataclass(frozen=True, slots=True)
class Track:
    """The same thing over frames of one camera, as known after the newest frame."""

    track_id: TrackId
    detection: Detection
    """Its newest detection."""
    hits: int
    """How many frames have shown it so far."""
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file says about itself before a frame is decoded."""

    width_px: int
    height_px: int
    frame_rate: float
    """0 where it does not say."""
    duration_s: float
    """0 where it does not say."""
    has_data: bool
    created_at: datetime | None
