"""The shipped network finds what the demo shows, and its adapter keeps the port's promises."""

import json
import math
import random
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from core.errors import DetectorFailed, ModelUnreadable
from core.ids import CameraId
from sim.camera import RenderedFrame, SyntheticCamera, TruthBox
from sim.projection import CameraPose
from sim.world import build_world, violators
from vision.adapters.onnx_detector import OnnxDetector
from vision.model import Box, Detection, Frame, Image
from vision.ports import Detector

WEIGHTS = Path(__file__).resolve().parents[2] / "vision" / "weights" / "aerial-first.onnx"


def wrapped(image: Image) -> Frame:
    return Frame(CameraId("cam"), 0, datetime(2026, 6, 1, tzinfo=UTC), image)


@pytest.fixture(scope="module")
def detector() -> OnnxDetector:
    return OnnxDetector()


@pytest.fixture(scope="module")
def views() -> list[RenderedFrame]:
    """Six drone views, each about one violator of another day."""
    frames = []
    chance = random.Random(4)
    for seed in range(40, 46):
        world = build_world(seed)
        aim = violators(world, 0.0)[seed % 6]
        yaw, pitch, up = chance.uniform(0, 360), -chance.uniform(50, 65), 60.0
        away = up / math.tan(math.radians(-pitch))
        east = aim.east_m - away * math.sin(math.radians(yaw))
        north = aim.north_m - away * math.cos(math.radians(yaw))
        frames.append(SyntheticCamera(world).render(CameraPose(east, north, up, yaw, pitch), 0.0))
    return frames


def overlap(truth: TruthBox, box: Box) -> float:
    left, top = max(truth.left_px, box.x_px), max(truth.top_px, box.y_px)
    right = min(truth.left_px + truth.width_px, box.x_px + box.width_px)
    bottom = min(truth.top_px + truth.height_px, box.y_px + box.height_px)
    inner = max(0.0, right - left) * max(0.0, bottom - top)
    return inner / (truth.width_px * truth.height_px + box.area_px2 - inner)


def alike(truth: TruthBox, detection: Detection) -> bool:
    return (truth.kind == "waste") == (detection.label == "waste")


def test_it_is_a_detector(detector: OnnxDetector) -> None:
    port: Detector = detector
    assert port.labels == ("car", "truck", "bus", "minibus", "waste")
    assert port.model.startswith("aerial-first-")
    assert port.detect(()) == ()


def test_most_things_of_the_demo_are_found(
    detector: OnnxDetector, views: list[RenderedFrame]
) -> None:
    found = wanted = 0
    for view, detections in zip(
        views, detector.detect([wrapped(v.image) for v in views]), strict=True
    ):
        for truth in view.truth:
            if truth.visible_fraction > 0.8 and min(truth.width_px, truth.height_px) > 12:
                wanted += 1
                found += any(
                    alike(truth, one) and overlap(truth, one.box) > 0.45 for one in detections
                )
    assert wanted >= 10
    assert found / wanted > 0.75


def test_boxes_lie_in_the_picture_and_scores_are_scores(
    detector: OnnxDetector, views: list[RenderedFrame]
) -> None:
    for detections in detector.detect([wrapped(view.image) for view in views]):
        for one in detections:
            assert one.label in detector.labels
            assert 0.0 < one.confidence <= 1.0
            assert one.model == detector.model
            assert one.box.x_px >= -0.5
            assert one.box.y_px >= -0.5
            assert one.box.x_px + one.box.width_px <= 1279.5
            assert one.box.y_px + one.box.height_px <= 719.5


def test_a_batch_says_the_same_as_single_frames(
    detector: OnnxDetector, views: list[RenderedFrame]
) -> None:
    frames = [wrapped(view.image) for view in views[:3]]
    together = detector.detect(frames)
    for frame, detections in zip(frames, together, strict=True):
        (alone,) = detector.detect([frame])
        assert [one.label for one in alone] == [one.label for one in detections]
        for one, other in zip(alone, detections, strict=True):
            assert one.confidence == pytest.approx(other.confidence, abs=1e-3)
            assert one.box.centre_px == pytest.approx(other.box.centre_px, abs=0.05)


@pytest.mark.parametrize("shape", [(480, 640, 3), (1080, 1920, 3), (97, 301, 3), (5, 5, 3)])
def test_any_size_of_picture_will_do(detector: OnnxDetector, shape: tuple[int, int, int]) -> None:
    (detections,) = detector.detect([wrapped(np.full(shape, 120, np.uint8))])
    assert all(one.box.x_px + one.box.width_px <= shape[1] - 0.5 for one in detections)


def test_an_even_picture_holds_nothing(detector: OnnxDetector) -> None:
    assert detector.detect([wrapped(np.full((720, 1280, 3), 110, np.uint8))]) == ((),)


def test_no_picture_at_all_is_a_failure_of_the_batch(detector: OnnxDetector) -> None:
    with pytest.raises(DetectorFailed):
        detector.detect([wrapped(np.zeros((0, 0, 3), np.uint8))])


def test_missing_and_broken_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable):
        OnnxDetector(tmp_path / "none.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    manifest = json.loads(WEIGHTS.with_suffix(".json").read_text())
    broken.with_suffix(".json").write_text(json.dumps(manifest))
    with pytest.raises(ModelUnreadable, match="not those"):
        OnnxDetector(broken)
    import hashlib

    manifest["sha256"] = hashlib.sha256(b"no network").hexdigest()
    broken.with_suffix(".json").write_text(json.dumps(manifest))
    with pytest.raises(ModelUnreadable, match="no network"):
        OnnxDetector(broken)
    broken.with_suffix(".json").write_text("{}")
    with pytest.raises(ModelUnreadable, match="manifest"):
        OnnxDetector(broken)
