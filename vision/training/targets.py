"""What the network should say for a labelled picture, and how far it is from saying it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vision.training.network import CLASSES, STRIDE


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One training crop."""

    image: NDArray[np.uint8]
    """(h, w, 3) BGR."""
    boxes: NDArray[np.float32]
    """(n, 4) left, top, right, bottom in pixels."""
    labels: NDArray[np.int64]
    """(n,) indices into the classes; -1 asks for the place to be ignored."""
    vehicle_background_weight: float = 1.0
    """How much an unlabelled place counts against a vehicle; low where labels are incomplete."""


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """The wanted answer of one crop at stride 4."""

    heat: NDArray[np.float32]
    """(classes, h, w): 1 at a centre, falling off around it."""
    weight: NDArray[np.float32]
    """(classes, h, w): how much a wrong score counts."""
    sides: NDArray[np.float32]
    """(4, h, w): distances to the box sides in pixels."""
    side_weight: NDArray[np.float32]
    """(h, w): where the sides count."""


def make_targets(sample: Sample) -> Targets:
    """Draws a bump for each box, the smallest box last so that it wins where bumps meet."""
    height, width = sample.image.shape[0] // STRIDE, sample.image.shape[1] // STRIDE
    heat = np.zeros((len(CLASSES), height, width), np.float32)
    weight = np.ones_like(heat)
    weight[: len(CLASSES) - 1] = sample.vehicle_background_weight
    sides = np.zeros((4, height, width), np.float32)
    side_weight = np.zeros((height, width), np.float32)
    areas = (sample.boxes[:, 2] - sample.boxes[:, 0]) * (sample.boxes[:, 3] - sample.boxes[:, 1])
    for index in np.argsort(-areas):
        left, top, right, bottom = sample.boxes[index]
        x0, y0 = max(0, int(left / STRIDE)), max(0, int(top / STRIDE))
        x1, y1 = min(width, int(right / STRIDE) + 1), min(height, int(bottom / STRIDE) + 1)
        if x1 <= x0 or y1 <= y0:
            continue
        label = int(sample.labels[index])
        if label < 0:
            weight[:, y0:y1, x0:x1] = 0.0
            continue
        middle_x = min(width - 1, max(0, int((left + right) / 2 / STRIDE)))
        middle_y = min(height - 1, max(0, int((top + bottom) / 2 / STRIDE)))
        spread_x = max(0.55, 0.13 * (right - left) / STRIDE)
        spread_y = max(0.55, 0.13 * (bottom - top) / STRIDE)
        xs, ys = np.arange(x0, x1), np.arange(y0, y1)
        bump = np.exp(
            -((ys - middle_y)[:, None] ** 2) / (2 * spread_y**2)
            - ((xs - middle_x)[None] ** 2) / (2 * spread_x**2)
        ).astype(np.float32)
        part = heat[label, y0:y1, x0:x1]
        np.maximum(part, bump, out=part)
        weight[label, y0:y1, x0:x1] = np.maximum(weight[label, y0:y1, x0:x1], (bump > 0.3) * 1.0)
        chosen = bump > 0.35
        px = (xs + 0.5) * STRIDE - 0.5
        py = (ys + 0.5) * STRIDE - 0.5
        wanted = np.stack(
            np.broadcast_arrays(
                (px - left)[None], (py - top)[:, None], (right - px)[None], (bottom - py)[:, None]
            )
        )
        sides[:, y0:y1, x0:x1] = np.where(chosen, wanted, sides[:, y0:y1, x0:x1])
        share = bump / max(1.0, float(bump[chosen].sum()))
        side_weight[y0:y1, x0:x1] = np.where(chosen, share, side_weight[y0:y1, x0:x1])
    side_weight *= (sides.min(axis=0) > 0) * 1.0
    return Targets(heat, weight, sides, side_weight)


def loss(
    scores: Tensor, sides: Tensor, heat: Tensor, weight: Tensor, goal: Tensor, side_weight: Tensor
) -> tuple[Tensor, Tensor]:
    """Returns the focal loss of the scores and the GIoU loss of the boxes."""
    chance = torch.sigmoid(scores).clamp(1e-4, 1 - 1e-4)
    hit = (heat > 0.999).float()
    at_centre = -torch.log(chance) * (1 - chance) ** 2 * hit
    elsewhere = -torch.log(1 - chance) * chance**2 * (1 - heat) ** 4 * (1 - hit)
    count = hit.sum().clamp(min=1.0)
    score_loss = ((at_centre + elsewhere * weight).sum()) / count
    inner_w = torch.minimum(sides[:, 0], goal[:, 0]) + torch.minimum(sides[:, 2], goal[:, 2])
    inner_h = torch.minimum(sides[:, 1], goal[:, 1]) + torch.minimum(sides[:, 3], goal[:, 3])
    outer_w = torch.maximum(sides[:, 0], goal[:, 0]) + torch.maximum(sides[:, 2], goal[:, 2])
    outer_h = torch.maximum(sides[:, 1], goal[:, 1]) + torch.maximum(sides[:, 3], goal[:, 3])
    inner = functional.relu(inner_w) * functional.relu(inner_h)
    own = (sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3])
    true = (goal[:, 0] + goal[:, 2]) * (goal[:, 1] + goal[:, 3])
    union = own + true - inner
    outer = outer_w * outer_h
    giou = inner / union.clamp(min=1e-3) - (outer - union) / outer.clamp(min=1e-3)
    box_loss = ((1 - giou) * side_weight).sum() / side_weight.sum().clamp(min=1.0)
    return score_loss, box_loss
