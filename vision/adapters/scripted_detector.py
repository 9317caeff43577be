"""A detector without a network: answers by a script, fails by name. For tests and dry runs.

The shipped script `marked_colour` finds one colour in the pixels, so a whole line can be run
on rendered pictures without weights and still depend on the pixels alone.
"""

import threading
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TypeAlias

import cv2
import numpy as np

from core.errors import DetectorFailed
from vision.model import Box, Detection, Frame

_LONGEST_WAIT_S = 10.0
"""A gate that nobody opens holds a batch no longer than this."""

Script: TypeAlias = Callable[[Frame], tuple[Detection, ...]]


class DetectorFault(StrEnum):
    """How a scripted detector fails."""

    NONE = "none"
    FIRST_BATCH = "first_batch"
    """The first batch raises DetectorFailed, the next work."""
    EVERY_BATCH = "every_batch"
    CRASH = "crash"
    """The first batch raises an error that no detector should."""
    WRONG_COUNT = "wrong_count"
    """The first batch is answered for one frame too few."""


def nothing(frame: Frame) -> tuple[Detection, ...]:
    """Finds nothing."""
    return ()


def marked_colour(
    bgr: tuple[int, int, int], label: str, *, tolerance: int = 60, least_px: int = 12
) -> Script:
    """Returns a script that boxes each connected patch of about this colour.

    Args:
        bgr: the colour, as blue, green, red.
        label: what a patch is called.
        tolerance: the greatest difference in each channel.
        least_px: smaller patches are passed over.
    """
    wanted = np.array(bgr, np.int16)
    low = np.clip(wanted - tolerance, 0, 255).astype(np.uint8)
    high = np.clip(wanted + tolerance, 0, 255).astype(np.uint8)

    def script(frame: Frame) -> tuple[Detection, ...]:
        mask = cv2.inRange(frame.image, low, high)
        _, _, patches, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        return tuple(
            Detection(label, 0.9, Box(float(x), float(y), float(w), float(h)), "scripted-1")
            for x, y, w, h, area in patches[1:].tolist()
            if area >= least_px
        )

    return script


class ScriptedDetector:
    """A `Detector` that does as it is told."""

    def __init__(
        self,
        script: Script = nothing,
        *,
        labels: tuple[str, ...] = ("car", "waste"),
        fault: DetectorFault = DetectorFault.NONE,
        gate: threading.Event | None = None,
    ) -> None:
        """Makes one.

        Args:
            script: gives the detections of a frame.
            labels: the classes that it names.
            fault: how it fails.
            gate: where given, each batch waits until it is set (a slow network).
        """
        self._script = script
        self._labels = labels
        self._fault = fault
        self._gate = gate
        self.batches: list[tuple[str, ...]] = []
        """The cameras of each batch so far, in order."""
        self.entered = threading.Event()
        """Set once a batch has begun."""

    @property
    def model(self) -> str:
        """Its name."""
        return "scripted-1"

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that it names."""
        return self._labels

    def detect(self, frames: Sequence[Frame]) -> tuple[tuple[Detection, ...], ...]:
        """Returns what the script says of each frame.

        Raises:
            DetectorFailed: by its fault.
            RuntimeError: by the fault `CRASH`.
        """
        if not frames:
            return ()
        first = not self.batches
        self.batches.append(tuple(frame.camera_id for frame in frames))
        self.entered.set()
        if self._gate is not None:
            self._gate.wait(_LONGEST_WAIT_S)
        if self._fault is DetectorFault.EVERY_BATCH:
            raise DetectorFailed("told to fail")
        if first and self._fault is DetectorFault.FIRST_BATCH:
            raise DetectorFailed("told to fail once")
        if first and self._fault is DetectorFault.CRASH:
            raise RuntimeError("told to crash")
        found = tuple(self._script(frame) for frame in frames)
        return found[:-1] if first and self._fault is DetectorFault.WRONG_COUNT else found
