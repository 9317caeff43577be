"""A Detector on ultralytics (extra `ultralytics`, AGPL-3.0): own `.pt` or exported weights.

Imported only when one is made. The environment is set before the import, so that the package
neither reports home nor installs anything at run time.
"""

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import DetectorFailed, ExtraMissing, ModelUnreadable
from vision.model import Box, Detection, Frame

_QUIET = {
    "YOLO_OFFLINE": "1",
    "YOLO_AUTOINSTALL": "0",
    "YOLO_VERBOSE": "0",
    "ULTRALYTICS_SYNC": "0",
}


def _package(config_folder: Path | None) -> Any:
    """Returns the package, imported quietly.

    Raises:
        ExtraMissing: if it is not installed, or its torch and torchvision do not fit.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if config_folder is not None:
        config_folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("YOLO_CONFIG_DIR", str(config_folder))
    try:
        package = importlib.import_module("ultralytics")
        package.settings.update(sync=False)
        return package.YOLO
    except (ImportError, RuntimeError) as error:
        raise ExtraMissing(
            f"ultralytics can't be imported: {error}",
            where="detector.engine",
            cure="pip install 'qyran[ultralytics]' (AGPL-3.0; torch and torchvision of one "
            "build), or use detector.engine=onnx",
        ) from error


class UltralyticsDetector:
    """Runs a YOLO of ultralytics; its classes keep the names that the weights give them."""

    def __init__(
        self,
        weights: Path | None,
        *,
        config_folder: Path | None = None,
        image_px: int = 640,
        confidence_least: float = 0.25,
        overlap_most: float = 0.5,
    ) -> None:
        """Loads the weights.

        Args:
            weights: a `.pt` or `.onnx` file, or a `.yaml` of an untrained net (for speed tests).
            config_folder: where the package may keep its settings.
            image_px: longer side that pictures are scaled to.
            confidence_least: detections below are dropped.
            overlap_most: of two boxes that overlap more, one is kept.

        Raises:
            ExtraMissing: if the extra is not installed.
            ModelUnreadable: if there are no such weights or they can't be read.
        """
        yolo = _package(config_folder)
        if weights is None or not (weights.is_file() or weights.suffix == ".yaml"):
            raise ModelUnreadable(
                "there are no weights for ultralytics",
                where=str(weights or "detector.weights"),
                cure="name a .pt or .onnx file in detector.weights; none are shipped",
            )
        try:
            self._net = yolo(str(weights), task="detect", verbose=False)
            self._names = {int(k): str(v) for k, v in dict(self._net.names).items()}
        except Exception as error:  # the package raises whatever its formats raise
            raise ModelUnreadable(
                f"the weights can't be read: {error}", where=str(weights)
            ) from error
        self._model = f"ultralytics-{weights.stem}"
        self._options = {
            "imgsz": image_px,
            "conf": confidence_least,
            "iou": overlap_most,
            "verbose": False,
            "save": False,
            "device": "cpu",
        }

    @property
    def model(self) -> str:
        """Name of the weights."""
        return self._model

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that the weights name."""
        return tuple(self._names[index] for index in sorted(self._names))

    def detect(self, frames: Sequence[Frame]) -> tuple[tuple[Detection, ...], ...]:
        """Returns the detections of each frame.

        Raises:
            DetectorFailed: if the net can't run.
        """
        if not frames:
            return ()
        try:
            results = self._net.predict([frame.image for frame in frames], **self._options)
        except Exception as error:
            raise DetectorFailed(f"ultralytics could not run: {error}") from error
        return tuple(
            self._found(result, frame) for result, frame in zip(results, frames, strict=True)
        )

    def _found(self, result: Any, frame: Frame) -> tuple[Detection, ...]:
        boxes = result.boxes
        rows = zip(boxes.xyxy.tolist(), boxes.conf.tolist(), boxes.cls.tolist(), strict=True)
        height_px, width_px = frame.image.shape[:2]
        found = []
        for (left, top, right, bottom), confidence, index in rows:
            left, right = max(0.0, left), min(float(width_px), right)
            top, bottom = max(0.0, top), min(float(height_px), bottom)
            if right > left and bottom > top:
                box = Box(left, top, right - left, bottom - top)
                found.append(
                    Detection(self._names[int(index)], min(1.0, confidence), box, self._model)
                )
        return tuple(found)
