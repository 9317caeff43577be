"""Trains, exports and measures the first aerial network.

    python -m scripts.train_first_network scenes WORK --start 0 --count 300
    python -m scripts.train_first_network train WORK --minutes 25
    python -m scripts.train_first_network export WORK
    python -m scripts.train_first_network measure WORK

`QYRAN_SHARED` names the shared data folder (default `../shared`). `WORK` is a folder outside
the repository; a stopped step goes on where it was. Only training pictures are ever learned
from: `sim.asset_making.train_pictures` lists them.
"""

import argparse
import json
import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from sim.asset_making import make_train_assets, train_pictures
from sim.camera import SyntheticCamera
from sim.practice import practice_view, practice_world
from sim.render_assets import load_assets
from sim.render_ground import paint_ground

VIEWS = 5
SHARED = Path(os.environ.get("QYRAN_SHARED", "../shared"))


def make_scenes(work: Path, start: int, count: int) -> None:
    """Renders practice scenes as half-size JPEG files with boxes in half-size pixels."""
    cv2.setNumThreads(1)
    folder, assets_folder = work / "scenes", work / "assets"
    folder.mkdir(parents=True, exist_ok=True)
    if not (assets_folder / "assets.json").exists():
        make_train_assets(SHARED, assets_folder)
    assets = load_assets(assets_folder)
    for seed in range(start, start + count):
        if (folder / f"{seed:05d}-{VIEWS - 1}.json").exists():
            continue
        world = practice_world(seed)
        ground = paint_ground(world.layout, assets, 0.1, seed, tile_px=256, tint=0.16)
        for index in range(VIEWS):
            view = practice_view(world, seed * 100 + index)
            camera = SyntheticCamera(world, view.camera, view.sensor, assets=assets, ground=ground)
            frame = camera.render(view.pose, 0.0)
            half = cv2.resize(frame.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            boxes = [
                [box.kind, box.left_px / 2, box.top_px / 2, box.width_px / 2, box.height_px / 2, box.visible_fraction]
                for box in frame.truth
            ]
            name = folder / f"{seed:05d}-{index}"
            cv2.imwrite(f"{name}.jpg", half, [cv2.IMWRITE_JPEG_QUALITY, 93])
            name.with_suffix(".json").write_text(json.dumps(boxes))


def train(work: Path, minutes: float) -> None:
    """Trains on all rendered scenes and all training pictures; goes on from a checkpoint."""
    from vision.training.crops import read_real, read_scenes
    from vision.training.fit import fit

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    fit(read_scenes(work / "scenes"), read_real(train_pictures(SHARED)), work / "checkpoint.pt", minutes)


def main() -> int:
    """Runs the step named on the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("scenes", "train", "export", "measure"))
    parser.add_argument("work", type=Path)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=25.0)
    given = parser.parse_args()
    if given.step == "scenes":
        make_scenes(given.work, given.start, given.count)
    elif given.step == "train":
        train(given.work, given.minutes)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
