"""Random crops of labelled pictures: rendered practice scenes and real training pictures."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.training.network import CLASSES
from vision.training.targets import Sample

_REAL_LABELS = {0: 0, 1: 1, 2: 2, 3: 3}


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A labelled picture, still packed."""

    code: bytes
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    scales: tuple[float, float]
    """Range of sizes at which it may be shown."""
    upright: bool
    """False where up in the picture means nothing, so that it may be turned."""
    vehicle_background_weight: float


def read_scenes(folder: Path, held_back: int = 0) -> list[Source]:
    """Reads rendered scenes; things hardly seen or tiny are to be ignored."""
    sources = []
    for path in sorted(folder.glob("*.json")):
        rows = json.loads(path.read_text())
        boxes = np.array([[x, y, x + w, y + h] for _, x, y, w, h, _ in rows], np.float32).reshape(
            -1, 4
        )
        labels = np.array(
            [
                CLASSES.index(kind) if seen > 0.35 and min(w, h) > 4.0 and w * h > 50 else -1
                for kind, _, _, w, h, seen in rows
            ],
            np.int64,
        )
        sources.append(
            Source(path.with_suffix(".jpg").read_bytes(), boxes, labels, (0.7, 1.25), True, 1.0)
        )
    return sources[held_back:]


def read_real(paths: Sequence[Path]) -> list[Source]:
    """Reads real pictures with YOLO labels beside them."""
    sources = []
    for path in paths:
        code = path.read_bytes()
        image = np.asarray(cv2.imdecode(np.frombuffer(code, np.uint8), cv2.IMREAD_COLOR))
        height, width = image.shape[:2]
        boxes, labels = [], []
        for line in path.with_suffix(".txt").read_text().splitlines():
            name, *numbers = line.split()
            x, y, w, h = (float(number) for number in numbers)
            boxes.append(
                [
                    (x - w / 2) * width,
                    (y - h / 2) * height,
                    (x + w / 2) * width,
                    (y + h / 2) * height,
                ]
            )
            labels.append(_REAL_LABELS.get(int(name), -1))
        minsk = path.name.startswith("DJI")
        sources.append(
            Source(code, np.array(boxes, np.float32).reshape(-1, 4), np.array(labels, np.int64),
                   (0.3, 0.95) if minsk else (0.55, 1.6), False, 0.15 if minsk else 0.7)
        )  # fmt: skip
    return sources


def crop(source: Source, chance: np.random.Generator, size_px: tuple[int, int]) -> Sample:
    """Returns a random crop of a width and height, turned, mirrored, scaled and tinted."""
    image = np.asarray(cv2.imdecode(np.frombuffer(source.code, np.uint8), cv2.IMREAD_COLOR))
    boxes, labels = source.boxes.copy(), source.labels
    scale = float(np.exp(chance.uniform(*np.log(source.scales))))
    width, height = size_px
    aim = boxes[int(chance.integers(len(boxes)))] if len(boxes) and chance.random() < 0.75 else None
    if not source.upright:
        for _ in range(int(chance.integers(4))):
            image, boxes = _quarter_turn(image, boxes)
        if aim is not None:
            aim = boxes[int(chance.integers(len(boxes)))]
    need_w, need_h = width / scale, height / scale
    if aim is not None:
        centre = (aim[:2] + aim[2:]) / 2 + chance.uniform(-0.4, 0.4, 2) * [need_w, need_h]
    else:
        centre = chance.uniform(0, 1, 2) * [image.shape[1], image.shape[0]]
    low = np.minimum([need_w / 2, need_h / 2], [image.shape[1] / 2, image.shape[0] / 2])
    centre = np.clip(centre, low, np.array([image.shape[1], image.shape[0]]) - low)
    start = centre - [need_w / 2, need_h / 2]
    x0, y0 = np.floor(start).astype(int).clip(0)
    x1, y1 = np.ceil(start + np.array([need_w, need_h])).astype(int)
    part = image[y0:y1, x0:x1]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=method)[:height, :width]
    canvas = np.full((height, width, 3), 114, np.uint8)
    canvas[: part.shape[0], : part.shape[1]] = part
    moved = (boxes - [x0, y0, x0, y0]) * scale
    if chance.random() < 0.5:
        canvas = np.ascontiguousarray(canvas[:, ::-1])
        moved = np.stack(
            [width - moved[:, 2], moved[:, 1], width - moved[:, 0], moved[:, 3]], axis=1
        )
    whole = ((moved[:, 2] - moved[:, 0]) * (moved[:, 3] - moved[:, 1])).clip(1e-3)
    cut = moved.clip(0, [width, height, width, height])
    seen = (cut[:, 2] - cut[:, 0]) * (cut[:, 3] - cut[:, 1])
    keep = seen > 1.0
    kept = np.where((seen / whole < 0.35) | (seen < 30), -1, labels)
    return Sample(
        _tinted(canvas, chance, 1.0 if source.upright else 1.6),
        cut[keep].astype(np.float32), kept[keep], source.vehicle_background_weight,
    )  # fmt: skip


def _quarter_turn(
    image: NDArray[np.uint8], boxes: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Turns a picture and its boxes by 90 degrees anticlockwise."""
    width = image.shape[1]
    turned = np.stack([boxes[:, 1], width - boxes[:, 2], boxes[:, 3], width - boxes[:, 0]], axis=1)
    return np.ascontiguousarray(np.rot90(image)), turned


def _tinted(
    image: NDArray[np.uint8], chance: np.random.Generator, strength: float
) -> NDArray[np.uint8]:
    """Varies light, contrast, colour and sharpness."""
    gain = 1 + chance.uniform(-0.2, 0.2) * strength
    channels = 1 + chance.uniform(-0.06, 0.06, 3) * strength
    shift = chance.uniform(-15, 15) * strength
    ramp = np.arange(256)[:, None] * gain * channels[None] + shift
    image = np.asarray(cv2.LUT(image, ramp.clip(0, 255).astype(np.uint8)[None]))
    if chance.random() < 0.3:
        grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        share = chance.uniform(-0.4, 0.7)
        image = np.asarray(cv2.addWeighted(image, 1 - share, grey, share, 0))
    if chance.random() < 0.25:
        _, code = cv2.imencode(
            ".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(chance.integers(30, 85))]
        )
        image = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))
    return image
