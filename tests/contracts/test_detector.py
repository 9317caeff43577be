"""What every Detector promises, whatever it runs."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from core.errors import ModelUnreadable
from core.ids import CameraId
from vision.adapters.onnx_detector import OnnxDetector
from vision.adapters.scripted_detector import ScriptedDetector, marked_colour
from vision.model import Frame
from vision.ports import Detector

AT = datetime(2026, 5, 4, tzinfo=UTC)
MAGENTA = (255, 0, 255)


def shipped() -> Detector:
    try:
        return OnnxDetector()
    except ModelUnreadable as error:
        pytest.skip(str(error))


DETECTORS: dict[str, Callable[[], Detector]] = {
    "scripted": lambda: ScriptedDetector(marked_colour(MAGENTA, "car")),
    "onnx": shipped,
}


@pytest.fixture(params=sorted(DETECTORS), scope="module")
def detector(request: pytest.FixtureRequest) -> Detector:
    return DETECTORS[request.param]()


def frames(count: int, height: int = 270, width: int = 480) -> list[Frame]:
    made = []
    chance = np.random.default_rng(7)
    for number in range(count):
        image = chance.integers(60, 140, (height, width, 3), dtype=np.uint8)
        left = 40 + 60 * number
        image[100:130, left : left + 50] = MAGENTA
        made.append(Frame(CameraId("cam"), number, AT, image))
    return made


def test_nothing_asked_nothing_said(detector: Detector) -> None:
    assert detector.detect(()) == ()


def test_each_frame_has_its_answer_whatever_it_is_asked_with(detector: Detector) -> None:
    asked = frames(5)
    together = detector.detect(asked)
    assert len(together) == 5
    one_by_one = tuple(detector.detect([frame])[0] for frame in asked)
    for a, b in zip(together, one_by_one, strict=True):
        assert [d.label for d in a] == [d.label for d in b]
        for one, other in zip(a, b, strict=True):
            assert one.confidence == pytest.approx(other.confidence, abs=1e-3)
            assert one.box.x_px == pytest.approx(other.box.x_px, abs=0.1)


def test_the_answer_depends_on_the_pixels_alone(detector: Detector) -> None:
    (frame,) = frames(1)
    other = Frame(CameraId("other"), 99, AT, frame.image.copy(), 12.0, "name")
    assert detector.detect([frame]) == detector.detect([other])


def test_boxes_lie_in_the_frame_and_words_are_known(detector: Detector) -> None:
    asked = [*frames(3), *frames(1, 700, 500), *frames(1, 131, 253)]
    for frame, found in zip(asked, detector.detect(asked), strict=True):
        height, width = frame.image.shape[:2]
        for one in found:
            assert one.label in detector.labels
            assert 0.0 <= one.confidence <= 1.0
            assert one.model == detector.model
            assert one.box.x_px >= 0
            assert one.box.y_px >= 0
            assert one.box.x_px + one.box.width_px <= width + 1e-6
            assert one.box.y_px + one.box.height_px <= height + 1e-6
            assert one.box.area_px2 > 0


def test_the_picture_is_not_changed(detector: Detector) -> None:
    (frame,) = frames(1)
    before = frame.image.copy()
    detector.detect([frame])
    assert np.array_equal(frame.image, before)


def test_it_has_a_name(detector: Detector) -> None:
    assert detector.model
    assert detector.labels
