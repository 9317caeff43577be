import hashlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DiskFull
from incidents.adapters.evidence_maker import (
    clip_evidence,
    crop_evidence,
    cropped,
    jpeg,
    marked,
    picture_evidence,
)
from incidents.adapters.memory_vault import MemoryVault
from incidents.model import EvidenceRole
from tests.builders import NOW, a_box, a_detection, a_frame
from vision.model import Box, Image


def decoded(data: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def test_the_whole_picture_with_its_mark_and_the_crop_without() -> None:
    ground = np.full((720, 1280, 3), 90, np.uint8)
    frame, vault = a_frame(image=ground), MemoryVault()
    detection = a_detection(box=a_box(640, 360, 200, 150))
    picture = picture_evidence(frame, detection, vault)
    crop = crop_evidence(frame, detection, vault)
    assert (picture.role, crop.role) == (EvidenceRole.PICTURE, EvidenceRole.CROP)
    assert picture.captured_at == frame.captured_at
    assert picture.camera_id == frame.camera_id
    with vault.open(picture.digest) as reader:
        data = reader.read()
    assert len(data) == picture.size_bytes
    assert hashlib.sha256(data).hexdigest() == picture.digest
    shown = decoded(data)
    assert shown.shape == ground.shape
    changed = np.argwhere(np.abs(shown.astype(int) - 90).max(axis=2) > 60)
    top, left = changed.min(axis=0)
    bottom, right = changed.max(axis=0)
    assert 530 <= left < 540 < 740 < right <= 750  # round the thing, not over it
    assert 275 <= top < 285 < 435 < bottom <= 445
    inside = shown[300:420, 560:720]
    assert np.abs(inside.astype(int) - 90).max() < 10
    with vault.open(crop.digest) as reader:
        part = decoded(reader.read())
    assert np.abs(part.astype(int) - 90).max() < 5
    assert np.all(ground == 90)  # the frame itself goes on to others unmarked


def test_a_picture_tells_nothing_of_the_device() -> None:
    data = jpeg(a_frame().image)
    assert b"Exif" not in data
    assert b"http" not in data


@settings(max_examples=60, deadline=None)
@given(x=st.floats(-200, 400), y=st.floats(-200, 300), w=st.floats(0, 500), h=st.floats(0, 500))
def test_any_box_gives_a_picture_and_a_crop(x: float, y: float, w: float, h: float) -> None:
    image = np.zeros((120, 160, 3), np.uint8)
    box = Box(x, y, w, h)
    assert marked(image, box).shape == image.shape
    part = cropped(image, box)
    assert part.size > 0
    assert not image.any()


@given(x=st.floats(0, 1240), y=st.floats(0, 690), w=st.floats(1, 40), h=st.floats(1, 30))
def test_a_crop_holds_the_whole_box(x: float, y: float, w: float, h: float) -> None:
    image = np.zeros((720, 1280, 3), np.uint8)
    image[int(y) : int(np.ceil(y + h)), int(x) : int(np.ceil(x + w))] = 255
    part = cropped(image, Box(x, y, w, h))
    assert (part == 255).sum() == (image == 255).sum()
    assert min(part.shape[:2]) >= 48  # half of 96 in a corner of the picture


def test_a_clip_is_described() -> None:
    vault = MemoryVault()
    clip = clip_evidence(b"mp4", vault, captured_at=NOW, camera_id=None)
    assert (clip.role, clip.media_type, clip.size_bytes) == (EvidenceRole.CLIP, "video/mp4", 3)


def test_a_full_vault_gives_no_evidence() -> None:
    vault = MemoryVault()
    vault.fail_next = "disk_full"
    with pytest.raises(DiskFull):
        picture_evidence(a_frame(), a_detection(), vault)
