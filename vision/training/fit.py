"""The training loop: seeded, stopped by the clock, resumable, with a running mean of weights."""

import copy
import logging
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from vision.training.crops import Source, crop
from vision.training.network import AerialNet
from vision.training.targets import loss, make_targets

log = logging.getLogger(__name__)
SHAPES = (((352, 224), 10), ((640, 384), 3))
"""Sizes of crops and how many make a batch: many small ones, at times whole views."""
WHOLE_VIEWS = 0.4
"""Share of the batches that show whole views, for things that fill the picture."""
PEAK_RATE = 2.5e-3
REAL_SHARE = 0.35


def _batch(scenes: Sequence[Source], real: Sequence[Source], seed: int) -> tuple[Tensor, ...]:
    chance = np.random.default_rng(seed)
    columns: list[list[np.ndarray]] = [[], [], [], [], []]
    size_px, count = SHAPES[int(chance.random() < WHOLE_VIEWS)]
    for _ in range(count):
        pool = real if chance.random() < REAL_SHARE else scenes
        sample = crop(pool[int(chance.integers(len(pool)))], chance, size_px)
        goal = make_targets(sample)
        image = np.ascontiguousarray(sample.image.transpose(2, 0, 1)).astype(np.float32)
        for column, value in zip(
            columns, (image, goal.heat, goal.weight, goal.sides, goal.side_weight), strict=True
        ):
            column.append(value)
    return tuple(torch.from_numpy(np.stack(column)) for column in columns)


def _average(mean: nn.Module, net: nn.Module, keep: float) -> None:
    with torch.no_grad():
        for ours, theirs in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
            if ours.dtype.is_floating_point:
                ours.mul_(keep).add_(theirs, alpha=1 - keep)
            else:
                ours.copy_(theirs)


def fit(
    scenes: Sequence[Source],
    real: Sequence[Source],
    checkpoint: Path,
    minutes: float,
    seed: int = 1,
) -> AerialNet:
    """Trains until `minutes` of training have passed in all, over restarts; returns the mean net.

    The learning rate follows the share of time spent, so a stopped run goes on as planned.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(2)
    cv2.setNumThreads(1)
    net = AerialNet().to(memory_format=torch.channels_last)
    mean: AerialNet = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=0.02)
    step, spent_s = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(state["net"])
        mean.load_state_dict(state["mean"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent_s = state["step"], state["spent_s"]
    net.train()
    sums = np.zeros(2)
    with ThreadPoolExecutor(1) as pool:
        upcoming = pool.submit(_batch, scenes, real, seed * 1_000_000 + step)
        while spent_s < minutes * 60:
            began = time.monotonic()
            images, heat, weight, sides, side_weight = upcoming.result()
            step += 1
            upcoming = pool.submit(_batch, scenes, real, seed * 1_000_000 + step)
            share = spent_s / (minutes * 60)
            rate = (
                PEAK_RATE
                * min(1.0, step / 150)
                * (0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2)
            )
            for group in optimiser.param_groups:
                group["lr"] = rate
            scores, boxes = net(images.to(memory_format=torch.channels_last))
            score_loss, box_loss = loss(scores, boxes, heat, weight, sides, side_weight)
            optimiser.zero_grad(set_to_none=True)
            (score_loss + 2.0 * box_loss).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 10.0)
            optimiser.step()
            _average(mean, net, min(0.998, step / (step + 20)))
            sums += [float(score_loss), float(box_loss)]
            spent_s += time.monotonic() - began
            if step % 50 == 0:
                log.info("step %d, %.0f s, score %.3f, box %.3f", step, spent_s, *(sums / 50))
                sums[:] = 0
            if step % 100 == 0 or spent_s >= minutes * 60:
                temporary = checkpoint.with_suffix(".part")
                torch.save(
                    {
                        "net": net.state_dict(),
                        "mean": mean.state_dict(),
                        "optimiser": optimiser.state_dict(),
                        "step": step,
                        "spent_s": spent_s,
                    },
                    temporary,
                )
                temporary.replace(checkpoint)
    mean.eval()
    return mean
