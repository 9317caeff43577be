"""Measures the first aerial network on pictures that it never learned from.

    python -m scripts.measure_first_network [--tune] [WEIGHTS]

`--tune` first picks the thresholds on practice scenes with unseen seeds and training pictures,
then everything is measured on the demo district (other pictures) and on held-out photos. The
figures go into the manifest. `QYRAN_SHARED` names the shared data folder.
"""

import argparse
import json
import math
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
from numpy.typing import NDArray

from core.ids import CameraId
from sim.asset_making import read_boxes
from sim.asset_training import make_train_assets
from sim.camera import RenderedFrame, SyntheticCamera
from sim.practice import practice_view, practice_world
from sim.projection import CAR_CAMERA, DRONE_CAMERA, CameraPose
from sim.render_assets import load_assets
from sim.render_ground import paint_ground
from sim.render_sensor import Sensor
from sim.world import VEHICLE_KINDS, PlacedThing, build_world
from vision.adapters.onnx_detector import OnnxDetector
from vision.model import Frame
from vision.training.measure import Picture, TrueBox, best_threshold, score

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("QYRAN_SHARED", "../shared"))
LABELS = (*VEHICLE_KINDS, "waste")
_CLASSES = ("car", "truck", "bus", "minibus")
_SEEDS = range(100, 124)


def as_frame(image: NDArray[np.uint8]) -> Frame:
    """Wraps a picture for the detector."""
    return Frame(CameraId("measure"), 0, datetime(2026, 1, 1, tzinfo=UTC), image)


def judged(detector: OnnxDetector, rendered: RenderedFrame, least_px: float) -> Picture:
    """Detects in a rendered frame; what is small, cut or hidden does not count."""
    height, width = rendered.image.shape[:2]
    truths = []
    for box in rendered.truth:
        right, bottom = box.left_px + box.width_px, box.top_px + box.height_px
        small = min(box.width_px, box.height_px) < least_px
        cut = box.left_px < 1 or box.top_px < 1 or right > width - 2 or bottom > height - 2
        counts = box.visible_fraction > 0.6 and not small and not cut
        truths.append(TrueBox(box.kind, (box.left_px, box.top_px, right, bottom), counts))
    return Picture(tuple(truths), detector.detect([as_frame(rendered.image)])[0])


def demo_views(kind: str) -> Iterator[RenderedFrame]:
    """Renders the demo district over many seeds: from a drone, or from a patrol car."""
    for seed in _SEEDS:
        chance = random.Random(seed * 7 + len(kind))
        world = build_world(seed)
        sensor = Sensor(exposure=chance.uniform(0.85, 1.15), jpeg_quality=chance.randint(55, 90))
        camera = SyntheticCamera(world, DRONE_CAMERA if kind == "drone" else CAR_CAMERA, sensor)
        for _ in range(5):
            t_s = chance.uniform(0, 300)
            aim = chance.choice(world.things_at(t_s))
            if kind == "drone":
                pitch, up = -chance.uniform(45, 70), chance.uniform(55, 70)
                away, yaw = up / math.tan(math.radians(-pitch)), chance.uniform(0, 360)
            else:
                pitch, up = -12.0 + chance.gauss(0, 0.7), 2.2
                away, yaw = chance.uniform(7, 23), chance.uniform(0, 360)
            shift = (
                (chance.uniform(-6, 6), chance.uniform(-6, 6)) if kind == "drone" else (0.0, 0.0)
            )
            turn = math.radians(yaw)
            east = aim.east_m + shift[0] - away * math.sin(turn)
            north = aim.north_m + shift[1] - away * math.cos(turn)
            look = yaw + (0.0 if kind == "drone" else chance.gauss(0, 9))
            frame = camera.render(
                CameraPose(east, north, up, look, pitch, chance.gauss(0, 0.7)), t_s
            )
            if kind == "car":
                frame = _near(frame, world.things_at(t_s), east, north)
            yield frame


def _near(
    frame: RenderedFrame, things: Sequence[PlacedThing], east: float, north: float
) -> RenderedFrame:
    """Leaves boxes beyond 25 m in the truth, but too hidden to count."""
    places = {thing.thing_id: thing for thing in things}
    truth = []
    for box in frame.truth:
        thing = places[box.thing_id]
        far = math.hypot(thing.east_m - east, thing.north_m - north) > 25.0
        truth.append(
            box
            if not far
            else type(box)(
                box.thing_id, box.kind, box.left_px, box.top_px, box.width_px, box.height_px, 0.0
            )
        )
    return RenderedFrame(frame.image, tuple(truth))


def practice_pictures(detector: OnnxDetector, work: Path) -> list[Picture]:
    """Judges practice scenes of seeds that no training saw."""
    if not (work / "assets.json").exists():
        make_train_assets(SHARED, work)
    assets = load_assets(work)
    pictures = []
    for seed in range(9000, 9030):
        world = practice_world(seed)
        ground = paint_ground(world.layout, assets, 0.1, seed, tile_px=256, tint=0.16)
        for index in range(5):
            view = practice_view(world, seed * 100 + index)
            camera = SyntheticCamera(world, view.camera, view.sensor, assets=assets, ground=ground)
            pictures.append(judged(detector, camera.render(view.pose, 0.0), 10.0))
    return pictures


def photo_pictures(
    detector: OnnxDetector,
    pattern: str,
    tile_px: tuple[int, int],
) -> list[Picture]:
    """Judges held-out photos cut into tiles; boxes over a tile's edge don't count."""
    pictures = []
    for path in sorted((SHARED / "data" / "vehicles").glob(pattern)):
        image = np.asarray(cv2.imread(str(path)), np.uint8)
        boxes = read_boxes(path.with_suffix(".txt"), image.shape[1], image.shape[0])
        width, height = tile_px
        for top in range(0, max(1, image.shape[0] - height // 4), height):
            for left in range(0, max(1, image.shape[1] - width // 4), width):
                tile = image[top : top + height, left : left + width]
                truths = []
                for number, corners in boxes:
                    moved = corners - [left, top, left, top]
                    inner = moved.clip(0, [tile.shape[1], tile.shape[0]] * 2)
                    area = float((inner[2:] - inner[:2]).prod())
                    if area <= 0:
                        continue
                    counts = area > 0.9 * float((moved[2:] - moved[:2]).prod())
                    truths.append(TrueBox(_CLASSES[number], tuple(inner.tolist()), counts))
                pictures.append(Picture(tuple(truths), detector.detect([as_frame(tile)])[0]))
    return pictures


def figures(pictures: Sequence[Picture], thresholds: dict[str, float]) -> dict[str, object]:
    """Returns the figures of each class and of all vehicles together."""
    result: dict[str, object] = {"pictures": len(pictures)}
    for name, labels in (
        *((label, [label]) for label in LABELS),
        ("any_vehicle", list(VEHICLE_KINDS)),
    ):
        one = score(pictures, labels, thresholds)
        if one.truths or name == "waste":
            result[name] = {
                "truths": one.truths, "ap50": round(one.average_precision, 3),
                "precision": round(one.precision, 3), "recall": round(one.recall, 3),
            }  # fmt: skip
    return result


def save_overlays(detector: OnnxDetector, thresholds: dict[str, float], folder: Path) -> None:
    """Writes small pictures with truth in green and detections in red for the model card."""
    folder.mkdir(parents=True, exist_ok=True)
    photo = SHARED / "data" / "vehicles"
    munich = np.asarray(cv2.imread(str(photo / "munich" / "MOS167.jpg")), np.uint8)
    frames = [("demo-drone", list(islice(demo_views("drone"), 7, 62, 11)))]
    frames.append(("demo-patrol-car", list(islice(demo_views("car"), 4, 59, 11))))
    tiles = [RenderedFrame(munich[:430, left : left + 600], ()) for left in (0, 600, 1160)]
    frames.append(("held-out-munich", tiles))
    for name, views in frames:
        drawn = [_drawn(detector, view, thresholds) for view in views[:4]]
        height = min(picture.shape[0] for picture in drawn)
        rows = [
            np.hstack([p[:height] for p in drawn[k : k + 2]]) for k in range(0, len(drawn) - 1, 2)
        ]
        sheet = np.vstack(rows)
        cv2.imwrite(str(folder / f"aerial-first-{name}.jpg"), sheet, [cv2.IMWRITE_JPEG_QUALITY, 72])


def _drawn(
    detector: OnnxDetector, view: RenderedFrame, thresholds: dict[str, float]
) -> NDArray[np.uint8]:
    picture = view.image.copy()
    for box in view.truth:
        if box.visible_fraction > 0.3:
            corner = (int(box.left_px), int(box.top_px))
            far = (int(box.left_px + box.width_px), int(box.top_px + box.height_px))
            cv2.rectangle(picture, corner, far, (60, 220, 60), 2)
    for one in detector.detect([as_frame(view.image)])[0]:
        if one.confidence >= thresholds[one.label]:
            corner = (int(one.box.x_px) - 3, int(one.box.y_px) - 3)
            far = (
                int(one.box.x_px + one.box.width_px) + 3,
                int(one.box.y_px + one.box.height_px) + 3,
            )
            cv2.rectangle(picture, corner, far, (40, 40, 230), 2)
            text = f"{one.label} {one.confidence:.2f}"
            cv2.putText(picture, text, (corner[0], corner[1] - 4), 0, 0.6, (40, 40, 230), 2)
    scale = 480 / picture.shape[1]
    return np.asarray(
        cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
    )


def speed_ms(detector: OnnxDetector) -> float:
    """Returns the median time of one 1280x720 frame, all steps, in milliseconds."""
    chance = np.random.default_rng(1)
    frame = as_frame(chance.integers(0, 255, (720, 1280, 3), dtype=np.uint8))
    times = []
    for _ in range(20):
        began = time.perf_counter()
        detector.detect([frame])
        times.append(time.perf_counter() - began)
    return float(np.median(times)) * 1e3


def main() -> int:
    """Measures, prints, and writes the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "weights", nargs="?", type=Path, default=ROOT / "vision/weights/aerial-first.onnx"
    )
    parser.add_argument("--assets", type=Path, required=True, help="folder for training cut-outs")
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--pictures", type=Path, help="folder for overlay pictures")
    given = parser.parse_args()
    path = given.weights.with_suffix(".json")
    manifest = json.loads(path.read_text())
    # everything above a very low score is wanted here; the thresholds are applied by the measure
    low = {**manifest, "score_thresholds": dict.fromkeys(LABELS, 0.05)}
    loose = given.weights.with_suffix(".loose.json")
    loose.write_text(json.dumps(low))
    try:
        detector = OnnxDetector(given.weights, loose)
    finally:
        loose.unlink()
    if given.tune:
        practice = practice_pictures(detector, given.assets)
        for label in LABELS:
            manifest["score_thresholds"][label] = best_threshold(
                practice, label, [round(0.2 + 0.025 * k, 3) for k in range(18)]
            )
    thresholds = manifest["score_thresholds"]
    if given.pictures:
        save_overlays(detector, thresholds, given.pictures)
    measured: dict[str, object] = {
        "demo_drone": figures([judged(detector, f, 10.0) for f in demo_views("drone")], thresholds),
        "demo_patrol_car": figures(
            [judged(detector, f, 10.0) for f in demo_views("car")], thresholds
        ),
        "munich_mos155_179": figures(
            photo_pictures(detector, "munich/MOS1[567]*.jpg", (600, 430)), thresholds
        ),
        "minsk_dji_0010_0012": figures(
            photo_pictures(detector, "minsk/DJI_001[02].JPG", (2000, 1125)), thresholds
        ),
        "ms_per_frame_1_thread": round(speed_ms(detector), 1),
    }
    manifest["measured"] = measured
    path.write_text(json.dumps(manifest, indent=1) + "\n")
    print(json.dumps({"thresholds": thresholds, **measured}, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
