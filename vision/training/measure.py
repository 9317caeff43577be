"""Measures detections against true boxes: precision, recall, average precision at IoU 0.5."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.model import Detection

MATCH_IOU = 0.5


@dataclass(frozen=True, slots=True)
class TrueBox:
    """What a picture really holds."""

    label: str
    corners: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels."""
    counts: bool = True
    """False for what is too small, cut off or hidden: finding it is neither right nor wrong."""


@dataclass(frozen=True, slots=True)
class Score:
    """How well one class, or a group of classes, was found."""

    truths: int
    average_precision: float
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Picture:
    """The truth and the answer for one picture."""

    truths: tuple[TrueBox, ...]
    detections: tuple[Detection, ...]


def overlap(one: NDArray[np.float64], many: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns intersection over union of one box with many; left, top, right, bottom."""
    low, high = np.maximum(one[:2], many[:, :2]), np.minimum(one[2:], many[:, 2:])
    inner = (high - low).clip(0).prod(axis=1)
    areas = (many[:, 2:] - many[:, :2]).prod(axis=1) + (one[2:] - one[:2]).prod() - inner
    return np.asarray(inner / np.maximum(areas, 1e-9))


def score(
    pictures: Sequence[Picture], labels: Sequence[str], thresholds: dict[str, float]
) -> Score:
    """Scores a group of classes, taken as one: a car called minibus is found.

    Precision and recall hold at the thresholds; average precision runs over all scores given.
    """
    group = frozenset(labels)
    marks: list[tuple[float, bool, bool]] = []
    total = 0
    for picture in pictures:
        truths = [truth for truth in picture.truths if truth.label in group]
        boxes = np.array([truth.corners for truth in truths], np.float64).reshape(-1, 4)
        total += sum(truth.counts for truth in truths)
        taken = np.zeros(len(truths), bool)
        for found in sorted(picture.detections, key=lambda one: -one.confidence):
            if found.label not in group:
                continue
            box = found.box
            corners = np.array(
                [box.x_px, box.y_px, box.x_px + box.width_px, box.y_px + box.height_px]
            )
            shares = np.where(taken, 0.0, overlap(corners, boxes)) if len(truths) else np.zeros(1)
            best = int(np.argmax(shares))
            hit = bool(shares[best] >= MATCH_IOU)
            if hit and not truths[best].counts:
                continue
            if not hit and _on_ignored(corners, truths):
                continue
            if hit:
                taken[best] = True
            marks.append((found.confidence, hit, found.confidence >= thresholds[found.label]))
    marks.sort(key=lambda mark: -mark[0])
    hits = np.array([hit for _, hit, _ in marks], np.float64)
    kept = np.array([keep for _, _, keep in marks], bool)
    right = float(hits[kept].sum()) if len(hits) else 0.0
    return Score(
        total,
        _average_precision(hits, total),
        right / max(1, int(kept.sum())) if len(hits) else 0.0,
        right / max(1, total),
    )


def _on_ignored(corners: NDArray[np.float64], truths: Sequence[TrueBox]) -> bool:
    """Says whether most of a box lies on something that doesn't count."""
    area = float((corners[2:] - corners[:2]).prod())
    for truth in truths:
        if truth.counts:
            continue
        other = np.array(truth.corners)
        inner = np.minimum(corners[2:], other[2:]) - np.maximum(corners[:2], other[:2])
        if float(inner.clip(0).prod()) > 0.5 * area:
            return True
    return False


def _average_precision(hits: NDArray[np.float64], total: int) -> float:
    if not len(hits) or not total:
        return 0.0
    found = np.cumsum(hits)
    precision = found / (np.arange(len(hits)) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float((precision * hits).sum() / total)


def best_threshold(pictures: Sequence[Picture], label: str, candidates: Sequence[float]) -> float:
    """Returns the threshold with the best F1 of a class; the higher one on a tie."""

    def f1(threshold: float) -> float:
        result = score(pictures, [label], {label: threshold})
        return 2 * result.precision * result.recall / max(1e-9, result.precision + result.recall)

    return max(sorted(candidates, reverse=True), key=lambda threshold: round(f1(threshold), 3))
