"""Pictures and clips as evidence: encoded, put into the vault, described.

OpenCV writes JPEG without EXIF, so nothing of a device travels with a picture. The marker
carries no words: the page shows those in the reader's own language.
"""

from datetime import datetime
from typing import Final

import cv2
import numpy as np

from core.ids import CameraId
from incidents.model import Evidence, EvidenceRole
from incidents.ports import EvidenceVault
from vision.model import Box, Detection, Frame, Image

JPEG: Final = "image/jpeg"
CLIP_TYPE: Final = "video/mp4"
_QUALITY = 90
_MARK_BGR = (0, 200, 255)
_EDGE_BGR = (0, 0, 0)
_CROP_MARGIN_FRACTION = 0.4
"""Of the box's longer side, on each side."""
_SMALLEST_CROP_PX = 96


def picture_evidence(frame: Frame, detection: Detection, vault: EvidenceVault) -> Evidence:
    """Keeps the whole frame with the thing's box marked, and returns it as evidence.

    Raises:
        DiskFull: if the vault has no room.
    """
    data = jpeg(marked(frame.image, detection.box))
    return _kept(data, JPEG, EvidenceRole.PICTURE, vault, frame.captured_at, frame.camera_id)


def crop_evidence(frame: Frame, detection: Detection, vault: EvidenceVault) -> Evidence:
    """Keeps the thing with a margin about it, unmarked, and returns it as evidence.

    Raises:
        DiskFull: if the vault has no room.
    """
    data = jpeg(cropped(frame.image, detection.box))
    return _kept(data, JPEG, EvidenceRole.CROP, vault, frame.captured_at, frame.camera_id)


def clip_evidence(
    clip: bytes, vault: EvidenceVault, *, captured_at: datetime, camera_id: CameraId | None
) -> Evidence:
    """Keeps a finished MP4 clip and returns it as evidence.

    Raises:
        DiskFull: if the vault has no room.
    """
    return _kept(clip, CLIP_TYPE, EvidenceRole.CLIP, vault, captured_at, camera_id)


def jpeg(image: Image) -> bytes:
    """Returns a picture as JPEG without metadata."""
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ValueError(f"a picture of shape {image.shape} can't be encoded")
    return bytes(data)


def marked(image: Image, box: Box) -> Image:
    """Returns a copy with the box drawn just outside the thing and its foot marked."""
    height, width = image.shape[:2]
    line = max(1, round(max(height, width) / 640))
    left, top, right, bottom = _corners(box, width, height, margin_px=2.0 * line)
    copy = np.ascontiguousarray(image).copy()
    # a dark edge keeps the line visible on any ground
    for colour, thickness in ((_EDGE_BGR, 3 * line), (_MARK_BGR, line)):
        cv2.rectangle(copy, (left, top), (right - 1, bottom - 1), colour, thickness)
    x, y = box.ground_contact_px
    foot = (round(min(max(x, 0), width - 1)), round(min(max(y, 0), height - 1)))
    cv2.circle(copy, foot, 3 * line, _EDGE_BGR, cv2.FILLED)
    cv2.circle(copy, foot, 2 * line, _MARK_BGR, cv2.FILLED)
    return copy


def cropped(image: Image, box: Box) -> Image:
    """Returns the part of a picture about a box, at least 96 px wide and high where it can."""
    height, width = image.shape[:2]
    longer = max(box.width_px, box.height_px)
    least = (_SMALLEST_CROP_PX - min(box.width_px, box.height_px)) / 2
    margin_px = max(_CROP_MARGIN_FRACTION * longer, least)
    left, top, right, bottom = _corners(box, width, height, margin_px)
    return image[top:bottom, left:right]


def _corners(box: Box, width: int, height: int, margin_px: float) -> tuple[int, int, int, int]:
    """Returns left, top, right, bottom in the picture, never empty."""
    left = int(min(max(box.x_px - margin_px, 0), width - 1))
    top = int(min(max(box.y_px - margin_px, 0), height - 1))
    right = int(np.ceil(min(max(box.x_px + box.width_px + margin_px, left + 1), width)))
    bottom = int(np.ceil(min(max(box.y_px + box.height_px + margin_px, top + 1), height)))
    return left, top, right, bottom


def _kept(
    data: bytes,
    media_type: str,
    role: EvidenceRole,
    vault: EvidenceVault,
    captured_at: datetime,
    camera_id: CameraId | None,
) -> Evidence:
    digest = vault.put(data, media_type)
    return Evidence(digest, role, media_type, len(data), captured_at, camera_id)
