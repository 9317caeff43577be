"""The Detector that runs the shipped weights with ONNX Runtime on the processor."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core.errors import DetectorFailed, ModelUnreadable
from vision.model import Box, Detection, Frame, Image

_PAD_LEVEL = 114
_MOST_CANDIDATES = 400
_SHIPPED = "aerial-first"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a weights file needs said about it before it can be used."""

    name: str
    version: str
    classes: tuple[str, ...]
    width_px: int
    height_px: int
    stride_px: int
    score_thresholds: tuple[float, ...]
    """The least score of each class, in the order of the classes."""
    overlap_limit: float
    """Two boxes of this intersection over union or more count as one."""
    sha256: str


def read_manifest(path: Path) -> Manifest:
    """Reads the manifest beside a weights file.

    Raises:
        ModelUnreadable: if it is missing, is no JSON or lacks an entry.
    """
    try:
        raw = json.loads(path.read_text())
        classes = tuple(str(name) for name in raw["classes"])
        return Manifest(
            name=str(raw["name"]),
            version=str(raw["version"]),
            classes=classes,
            width_px=int(raw["input"]["width_px"]),
            height_px=int(raw["input"]["height_px"]),
            stride_px=int(raw["output"]["stride_px"]),
            score_thresholds=tuple(float(raw["score_thresholds"][name]) for name in classes),
            overlap_limit=float(raw["overlap_limit"]),
            sha256=str(raw["sha256"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelUnreadable(
            "the manifest can't be read",
            where=path.name,
            cure="point at the JSON file that came with the weights",
        ) from error


class OnnxDetector:
    """A Detector over one ONNX file; not to be shared by threads."""

    def __init__(
        self,
        weights_path: Path | None = None,
        manifest_path: Path | None = None,
        threads: int = 1,
    ) -> None:
        """Loads the weights; without paths those that are shipped.

        Args:
            weights_path: the ONNX file.
            manifest_path: its manifest; without it the file of the same name ending in `.json`.
            threads: how many threads one forward pass may use.

        Raises:
            ModelUnreadable: if a file is missing, broken, or not the one the manifest names.
        """
        if weights_path is None:
            weights_path = Path(str(resources.files("vision.weights") / f"{_SHIPPED}.onnx"))
        self._manifest = read_manifest(manifest_path or weights_path.with_suffix(".json"))
        try:
            content = weights_path.read_bytes()
        except OSError as error:
            raise ModelUnreadable("the weights can't be read", where=weights_path.name) from error
        if hashlib.sha256(content).hexdigest() != self._manifest.sha256:
            raise ModelUnreadable(
                "the weights are not those that the manifest names",
                where=weights_path.name,
                cure="install the weights and their manifest together",
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises many kinds, some straight from C++
            raise ModelUnreadable("the weights are no network", where=weights_path.name) from error
        self._input = self._session.get_inputs()[0].name

    @property
    def model(self) -> str:
        """Name and version of the weights."""
        return f"{self._manifest.name}-{self._manifest.version}"

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that the weights can name."""
        return self._manifest.classes

    def detect(self, frames: Sequence[Frame]) -> tuple[tuple[Detection, ...], ...]:
        """Returns the detections of each frame, in the order given; boxes lie in the frame.

        Raises:
            DetectorFailed: if the network can't run.
        """
        if not frames:
            return ()
        fitted = [self._letterbox(frame.image) for frame in frames]
        batch = np.stack([picture.transpose(2, 0, 1) for picture, _, _, _ in fitted])
        try:
            (cells,) = self._session.run(None, {self._input: batch.astype(np.float32)})
        except Exception as error:  # as above
            raise DetectorFailed("the network could not run", where=self.model) from error
        return tuple(
            self._decode(np.asarray(cells[index]), scale, left, top, frame.image.shape[:2])
            for index, (frame, (_, scale, left, top)) in enumerate(zip(frames, fitted, strict=True))
        )

    def _letterbox(self, image: Image) -> tuple[Image, float, int, int]:
        """Scales a picture into the input; gives it with its scale and its left and top margin."""
        width, height = self._manifest.width_px, self._manifest.height_px
        if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise DetectorFailed(f"a picture has the shape {image.shape}", where=self.model)
        scale = min(width / image.shape[1], height / image.shape[0])
        size = (
            min(width, max(1, round(image.shape[1] * scale))),
            min(height, max(1, round(image.shape[0] * scale))),
        )
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        canvas: Image = np.full((height, width, 3), _PAD_LEVEL, np.uint8)
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        canvas[top : top + size[1], left : left + size[0]] = cv2.resize(
            image, size, interpolation=method
        )
        return canvas, scale, left, top

    def _decode(
        self,
        cells: NDArray[np.float32],
        scale: float,
        left: int,
        top: int,
        shape: tuple[int, ...],
    ) -> tuple[Detection, ...]:
        """Turns the answer of the network for one picture into boxes of that picture."""
        count, stride = len(self._manifest.classes), self._manifest.stride_px
        scores = np.ascontiguousarray(cells[:count])
        peaks = np.stack([cv2.dilate(plane, np.ones((3, 3), np.uint8)) for plane in scores])
        least = np.array(self._manifest.score_thresholds, np.float32)[:, None, None]
        label, row, column = np.nonzero((scores >= peaks) & (scores >= least))
        confidence = scores[label, row, column]
        if len(confidence) > _MOST_CANDIDATES:
            best = np.argsort(-confidence, kind="stable")[:_MOST_CANDIDATES]
            label, row, column, confidence = label[best], row[best], column[best], confidence[best]
        if not len(confidence):
            return ()
        sides = cells[count : count + 4, row, column].astype(np.float64)
        x = (column + 0.5) * stride - 0.5
        y = (row + 0.5) * stride - 0.5
        # from pixels of the input to pixels of the picture, centre of the upper left one at (0, 0)
        first_x = (x - sides[0] - left + 0.5) / scale - 0.5
        first_y = (y - sides[1] - top + 0.5) / scale - 0.5
        last_x = (x + sides[2] - left + 0.5) / scale - 0.5
        last_y = (y + sides[3] - top + 0.5) / scale - 0.5
        height, width = shape[0], shape[1]
        first_x, last_x = first_x.clip(-0.5, width - 0.5), last_x.clip(-0.5, width - 0.5)
        first_y, last_y = first_y.clip(-0.5, height - 0.5), last_y.clip(-0.5, height - 0.5)
        boxes = np.stack([first_x, first_y, last_x - first_x, last_y - first_y], axis=1)
        return tuple(
            Detection(
                self._manifest.classes[int(label[index])],
                float(confidence[index]),
                Box(*(float(value) for value in boxes[index])),
                self.model,
            )
            for index in _suppressed(boxes, confidence, self._manifest.overlap_limit)
            if boxes[index, 2] > 1.0 and boxes[index, 3] > 1.0
        )


def _suppressed(
    boxes: NDArray[np.float64], confidence: NDArray[np.float32], limit: float
) -> list[int]:
    """Returns which boxes stay, the surest first: one thing keeps one box, whatever its class."""
    order = np.argsort(-confidence, kind="stable")
    first, last = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    area = boxes[:, 2] * boxes[:, 3]
    kept: list[int] = []
    while len(order):
        here, rest = int(order[0]), order[1:]
        kept.append(here)
        shared = (np.minimum(last[here], last[rest]) - np.maximum(first[here], first[rest])).clip(0)
        inner = shared[:, 0] * shared[:, 1]
        union = area[here] + area[rest] - inner
        # a box almost wholly inside a surer one is a part of the same thing
        inside = inner > 0.8 * np.minimum(area[here], area[rest])
        order = rest[(inner < limit * union) & ~inside]
    return kept
